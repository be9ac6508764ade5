//! Which of several places is a service's version: the same for every command, before and after what they write.

use std::path::Path;

use serde_json::Value;

use super::refs::row;
use crate::support::repo::{Repository, Said};

/// A file with this version of its chart, and this tag of its image.
type Text = fn(&str, &str) -> String;

const FLUX: &str = "preset = \"helmrelease\"\npath = \"{env}/{service}.yaml\"";
const ARGO: &str = "preset = \"argocd-application\"\npath = \"{env}/{service}.yaml\"";

fn configuration(layout: &str) -> String {
    format!(
        "[[environments]]\nname = \"dev\"\n[[environments]]\nname = \"prod\"\nfrom = [\"dev\"]\n[[layouts]]\n{layout}\n"
    )
}

fn release(chart: &str, tag: &str) -> String {
    format!(
        "kind: HelmRelease\nspec:\n  chart: {{spec: {{chart: generic, version: {chart}}}}}\n  values: {{image: {{tag: {tag}}}}}\n"
    )
}

fn application(chart: &str, tag: &str) -> String {
    format!(
        "kind: Application\nspec:\n  source:\n    chart: generic\n    targetRevision: {chart}\n    helm: {{parameters: [{{name: image.tag, value: {tag}}}]}}\n"
    )
}

fn repository(layout: &str, files: &[(&str, String)]) -> Repository {
    let repository = Repository::empty();
    repository.write("tidegate.toml", &configuration(layout));
    for (path, text) in files {
        repository.write(path, text);
    }
    repository.publish("Initial");
    repository.pull();
    repository
}

/// The colleague pushes this on top of what is there.
fn change(repository: &Repository, files: &[(&str, String)]) {
    let at = repository.colleague();
    repository.git_in(&at, &["fetch", "-q", "origin"]);
    repository.git_in(&at, &["reset", "-q", "--hard", "origin/main"]);
    for (path, text) in files {
        repository.write(path, text);
    }
    repository.publish("By hand");
    repository.pull();
}

fn versions(repository: &Repository, at: &Path, service: &str, more: &[&str]) -> [Value; 2] {
    let arguments = [&["status", "--no-live", "-o", "json"][..], more].concat();
    let status = repository.run(at, &arguments, "", &[]).exits(0).json();
    ["dev", "prod"].map(|env| row(&status, service)[env]["version"].clone())
}

fn here(repository: &Repository, service: &str) -> [Value; 2] {
    versions(repository, &repository.clone_path(), service, &[])
}

/// Promotions, reverts and versions by hand, each by a process of its own: all of them move the place that differed when the
/// service came, and nothing else.
#[test]
fn what_is_written_stays_in_the_place_that_was_read() {
    let cases: [(&str, Text, bool); 4] = [
        (FLUX, release, true),
        (FLUX, release, false),
        (ARGO, application, true),
        (ARGO, application, false),
    ];
    for (layout, text, is_chart) in cases {
        let (chart, tag) = if is_chart {
            ("1.1.0", "7.0.0")
        } else {
            ("1.0.0", "7.1.0")
        };
        let repository = repository(
            layout,
            &[
                ("dev/web.yaml", text(chart, tag)),
                ("prod/web.yaml", text("1.0.0", "7.0.0")),
            ],
        );
        let lifted = [
            "--yes",
            "--override",
            "upstream,reverted,ahead",
            "--reason",
            "a test",
        ];
        let steps: [&[&str]; 7] = [
            &["promote", "web", "--from", "dev", "--to", "prod"],
            &["set", "web", "dev", "8.0.0"],
            &["set", "web", "prod", "8.0.0"],
            &["revert", "web", "prod"],
            &["promote", "web", "--from", "dev", "--to", "prod"],
            &["revert", "web", "dev"],
            &["set", "web", "dev", "9.0.0"],
        ];
        for step in steps {
            let before = repository.tip();
            repository.tidegate(&[step, &lifted[..1]].concat());
            if repository.tip() == before && step[0] == "set" {
                repository
                    .tidegate(&[step, &lifted[..2], &["upstream", "--reason", "a test"]].concat());
            }
            let files = ["dev/web.yaml", "prod/web.yaml"].map(|path| repository.at_tip(path));
            let other = if is_chart { "7.0.0" } else { "1.0.0" };
            let found = here(&repository, "web");
            for (file, version) in files.iter().zip(&found) {
                let version = version.as_str().expect("a version");
                let expected = if is_chart {
                    text(version, other)
                } else {
                    text(other, version)
                };
                assert_eq!(file.trim(), expected.trim(), "{layout} {step:?}");
            }
        }
        assert_eq!(here(&repository, "web")[0], "9.0.0");
    }
}

/// The history of another service, or what it has today, says nothing of this one.
#[test]
fn another_service_does_not_decide() {
    let repository = repository(
        FLUX,
        &[
            ("dev/a.yaml", release("1.0.0", "7.0.0")),
            ("prod/a.yaml", release("1.0.0", "7.0.0")),
            ("dev/b.yaml", release("1.0.0", "7.0.0")),
            ("prod/b.yaml", release("1.0.0", "7.0.0")),
        ],
    );
    assert_eq!(here(&repository, "a"), ["7.0.0", "7.0.0"]);
    for chart in ["1.1.0", "1.2.0", "1.3.0"] {
        change(&repository, &[("dev/b.yaml", release(chart, "7.0.0"))]);
    }
    assert_eq!(here(&repository, "b"), ["1.3.0", "1.0.0"]);
    assert_eq!(here(&repository, "a"), ["7.0.0", "7.0.0"]);
}

/// `--at` and `history` read by what is decided now, also where the tree then would say something else.
#[test]
fn another_moment_is_read_by_the_decision_of_now() {
    let repository = repository(
        FLUX,
        &[
            ("dev/web.yaml", release("1.0.0", "7.0.0")),
            ("prod/web.yaml", release("1.0.0", "7.0.0")),
        ],
    );
    let first = repository.tip();
    assert_eq!(here(&repository, "web")[0], "7.0.0");
    change(&repository, &[("dev/web.yaml", release("1.1.0", "7.0.0"))]);
    let unclear = repository.tidegate(&["status", "--no-live"]).exits(0);
    let unclear =
        unclear.says("which of these is the version of web / dev cannot be told: 7.0.0 (line 4");
    assert!(unclear.err.contains("1.1.0 (line 3"), "{}", unclear.err);
    let tip = repository.tip();
    let told: Said = repository.tidegate(&["set", "web", "dev", "9.0.0", "--yes"]);
    told.exits(1)
        .shows("which of these is the version of web / dev cannot be told");
    assert_eq!(repository.tip(), tip, "nothing is written");
    change(&repository, &[("dev/web.yaml", release("1.2.0", "7.0.0"))]);
    let at = repository.clone_path();
    assert_eq!(here(&repository, "web"), ["1.2.0", "1.0.0"]);
    assert_eq!(
        versions(&repository, &at, "web", &["--at", &first]),
        ["1.0.0", "1.0.0"]
    );
    let history = repository.tidegate(&["history", "web", "dev", "-o", "json"]);
    let history = history.exits(0).json();
    let values: Vec<&Value> = history["values"]
        .as_array()
        .expect("values")
        .iter()
        .map(|value| &value["version"])
        .collect();
    assert_eq!(values, ["1.2.0", "1.1.0", "1.0.0"]);
}

/// A clone that knows less says so, and writes nothing; one with all of it and one with a part never write different places.
#[test]
fn a_shallow_clone_does_not_guess() {
    let repository = repository(
        FLUX,
        &[
            ("dev/web.yaml", release("1.1.0", "7.0.0")),
            ("prod/web.yaml", release("1.0.0", "7.0.0")),
        ],
    );
    repository
        .tidegate(&["promote", "web", "--from", "dev", "--to", "prod", "--yes"])
        .exits(0);
    change(&repository, &[("dev/web.yaml", release("1.1.0", "7.1.0"))]);
    assert_eq!(here(&repository, "web"), ["1.1.0", "1.1.0"]);
    let root = repository.clone_path().join("..");
    let remote = format!("file://{}", repository.remote().display());
    repository.git_in(&root, &["clone", "-q", "--depth", "1", &remote, "shallow"]);
    let shallow = root.join("shallow");
    let status = repository.run(&shallow, &["status", "--no-live"], "", &[]);
    status
        .exits(0)
        .says("history is cut off here (a shallow clone)")
        .says("git fetch --unshallow")
        .says("`yaml = \"spec.values.image.tag\"`")
        .says("`yaml = \"spec.chart.spec.version\"`");
    let set = repository.run(&shallow, &["set", "web", "dev", "9.0.0", "--yes"], "", &[]);
    set.exits(1).shows("git fetch --unshallow");
    repository.git_in(&shallow, &["fetch", "-q", "--unshallow"]);
    assert_eq!(
        versions(&repository, &shallow, "web", &[]),
        ["1.1.0", "1.1.0"]
    );
    // What is new since is all there is of it, however little else is there.
    change(
        &repository,
        &[
            ("dev/new.yaml", release("2.0.0", "3.0.0")),
            ("prod/new.yaml", release("1.0.0", "3.0.0")),
        ],
    );
    change(&repository, &[("README.md", "new".to_owned())]);
    repository.git_in(&root, &["clone", "-q", "--depth", "3", &remote, "part"]);
    assert_eq!(
        versions(&repository, &root.join("part"), "new", &[]),
        ["2.0.0", "1.0.0"]
    );
}

/// Environments that are branches: what all of them say together decides, and one that is not here is missed.
#[test]
fn a_branch_for_each_environment() {
    let repository = Repository::empty();
    let layout =
        "preset = \"helmrelease\"\npath = \"apps/{service}.yaml\"\nrefs = \"refs/heads/{env}\"";
    repository.write("tidegate.toml", &configuration(layout));
    repository.write("apps/web.yaml", &release("1.0.0", "7.0.0"));
    repository.publish("Initial");
    let at = repository.colleague();
    let push = |branch: &str| {
        repository.git_in(
            &at,
            &["push", "-q", "origin", &format!("HEAD:refs/heads/{branch}")],
        )
    };
    push("prod");
    push("dev");
    for chart in ["1.1.0", "1.2.0"] {
        repository.write("apps/web.yaml", &release(chart, "7.0.0"));
        repository.git_in(&at, &["commit", "-qam", "chart"]);
        push("dev");
    }
    repository.pull();
    assert_eq!(here(&repository, "web"), ["1.2.0", "1.0.0"]);
    for _ in 0..2 {
        repository.tidegate(&["promote", "web", "--from", "dev", "--to", "prod", "--yes"]);
        assert_eq!(here(&repository, "web"), ["1.2.0", "1.2.0"]);
    }
    let prod = repository.git_in(&repository.remote(), &["show", "prod:apps/web.yaml"]);
    assert_eq!(prod, release("1.2.0", "7.0.0").trim());
    let clone = repository.clone_path();
    repository.git_in(&clone, &["update-ref", "-d", "refs/remotes/origin/dev"]);
    let status = repository.run(&clone, &["status", "--no-live", "--offline"], "", &[]);
    status.exits(0).says("no ref of dev is here");
}

//! `tidegate check`: a change that anybody made, judged by the policy of its base.

#![allow(clippy::unwrap_used)] // helpers fail by panicking
use serde_json::{Value, json};

use crate::support::{
    repo::{Repository, Said, kustomization, overlay},
    schema::assert_described,
};

/// Active at every instant.
const FREEZE: &str = "\n[[windows]]\nname = \"stocktaking\"\nkind = \"deny\"\ncron = \"* * * * *\"\nduration = \"2h\"\nzone = \"UTC\"\nenvironments = [\"prod\"]\n";

/// `checkout` is 1.1.0 in staging and 1.0.0 in prod; the colleague stands on a branch of a change. `more` stands in the
/// configuration.
fn repository(more: &str) -> Repository {
    let repository = Repository::seeded();
    repository.bump("checkout", "staging", "1.1.0");
    if !more.is_empty() {
        let configuration = repository.at_tip("tidegate.toml");
        repository.write("tidegate.toml", &(configuration + more));
        repository.publish("Policy");
    }
    let at = repository.colleague();
    repository.git_in(&at, &["fetch", "-q", "origin"]);
    repository.git_in(&at, &["checkout", "-q", "-b", "change", "origin/main"]);
    repository
}

fn commit(repository: &Repository, message: &str) -> String {
    let at = repository.colleague();
    repository.git_in(&at, &["add", "-A"]);
    repository.git_in(&at, &["commit", "-q", "-m", message]);
    repository.git_in(&at, &["rev-parse", "HEAD"])
}

/// Writes a version and commits it.
fn set(repository: &Repository, service: &str, environment: &str, version: &str, message: &str) {
    repository.write(
        &overlay(service, environment),
        &kustomization(service, version),
    );
    commit(repository, message);
}

fn check(repository: &Repository, more: &[&str]) -> Said {
    let at = repository.colleague();
    repository.run(
        &at,
        &[&["check", "--base", "origin/main"], more].concat(),
        "",
        &[],
    )
}

/// Its findings: rule and level.
fn found(repository: &Repository) -> Vec<(String, String)> {
    let said = check(repository, &["-o", "json"]).json();
    assert_described(&said);
    let findings = said["findings"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    findings
        .map(|it| (text(&it["rule"]), text(&it["level"])))
        .collect()
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    let all = all.iter();
    all.map(|(rule, level)| ((*rule).to_owned(), (*level).to_owned()))
        .collect()
}

#[test]
fn what_policy_asks_for_is_found_whoever_made_the_change() {
    type Make = fn(&Repository);
    type Case<'a> = (&'a str, &'a str, Make, &'a [(&'a str, &'a str)]);
    let cases: [Case<'_>; 15] = [
        ("nothing", "", |_| (), &[]),
        (
            "one step forward",
            "",
            |it| set(it, "checkout", "prod", "1.1.0", "Promote checkout to prod"),
            &[],
        ),
        (
            "past its upstream",
            "",
            |it| set(it, "checkout", "prod", "2.0.0", "checkout 2.0.0"),
            &[("upstream", "error"), ("skipped-upstream", "warning")],
        ),
        (
            "both at once",
            "",
            |it| {
                set(it, "payments", "staging", "2.0.0", "payments to staging");
                set(it, "payments", "prod", "2.0.0", "payments to prod");
            },
            &[
                ("upstream", "error"),
                ("upstream", "error"),
                ("skipped-upstream", "warning"),
            ],
        ),
        (
            "a tag that moves",
            "",
            |it| set(it, "checkout", "dev", "latest", "checkout: follow latest"),
            &[("immutable", "warning")],
        ),
        (
            "in a freeze",
            FREEZE,
            |it| set(it, "checkout", "prod", "1.1.0", "Promote checkout to prod"),
            &[("window", "error")],
        ),
        (
            "in a freeze, with a reason",
            FREEZE,
            |it| {
                set(
                    it,
                    "checkout",
                    "prod",
                    "1.1.0",
                    "Promote checkout to prod\n\nGate-Override: window on checkout/prod: it burns",
                );
            },
            &[],
        ),
        (
            "in a freeze, with another's reason",
            FREEZE,
            |it| {
                set(
                    it,
                    "checkout",
                    "prod",
                    "1.1.0",
                    "Promote checkout to prod\n\nGate-Override: window on payments/prod: it burns",
                );
            },
            &[("window", "error")],
        ),
        (
            "the policy is the base's",
            FREEZE,
            |it| {
                let configuration = it.at_tip("tidegate.toml").replace(FREEZE, "");
                it.write("tidegate.toml", &configuration);
                commit(it, "No freeze");
                set(it, "checkout", "prod", "1.1.0", "Promote checkout to prod");
            },
            &[("window", "error")],
        ),
        (
            "names nothing",
            "",
            |it| set(it, "checkout", "prod", "1.1.0", "Update images"),
            &[("unmentioned", "warning")],
        ),
        (
            "names something else",
            "",
            |it| set(it, "checkout", "prod", "1.1.0", "promote payments to prod"),
            &[("unmentioned", "warning")],
        ),
        (
            "names its environment alone",
            "",
            |it| {
                set(
                    it,
                    "checkout",
                    "prod",
                    "1.1.0",
                    "Promote all of staging to prod",
                );
            },
            &[],
        ),
        (
            "more than the version",
            "",
            |it| {
                let text = kustomization("checkout", "1.1.0").replace("x-", "y-");
                it.write(&overlay("checkout", "prod"), &text);
                commit(it, "Promote checkout to prod");
            },
            &[("unrelated-lines", "warning")],
        ),
        (
            "a file of its own",
            "",
            |it| {
                it.write("NOTES.md", "More\n");
                set(it, "checkout", "prod", "1.1.0", "Promote checkout to prod");
            },
            &[("unrelated-lines", "warning")],
        ),
        (
            "a file that is none any more",
            "",
            |it| {
                it.write(&overlay("checkout", "dev"), "images: [\n");
                commit(it, "Rework checkout in dev");
            },
            &[("unreadable", "error")],
        ),
    ];
    for (name, more, make, expected) in cases {
        let repository = repository(more);
        make(&repository);
        assert_eq!(found(&repository), pairs(expected), "{name}");
        let code = if expected.is_empty() { 0 } else { 4 };
        check(&repository, &[]).exits(code);
    }
}

#[test]
fn going_back_and_vetoes() {
    let repository = repository(FREEZE);
    // It is there by a hotfix of before, and goes back in a freeze.
    set(
        &repository,
        "payments",
        "prod",
        "0.9.0",
        "payments: back to 0.9.0 in prod",
    );
    assert_eq!(
        found(&repository),
        pairs(&[("upstream", "error"), ("window", "error")])
    );
    let at = repository.colleague();
    repository.git_in(&at, &["push", "-q", "origin", "HEAD:main"]);
    repository.git_in(&at, &["fetch", "-q", "origin"]);
    set(
        &repository,
        "payments",
        "prod",
        "1.0.0",
        "payments: forward to 1.0.0 in prod",
    );
    // 1.0.0 is what staging has: a promotion.
    assert_eq!(
        found(&repository),
        pairs(&[("ahead", "error"), ("window", "error")])
    );
    repository.git_in(&at, &["push", "-q", "origin", "HEAD:main"]);
    repository.git_in(&at, &["fetch", "-q", "origin"]);
    set(
        &repository,
        "payments",
        "prod",
        "0.9.0",
        "payments: back to 0.9.0 in prod",
    );
    assert_eq!(found(&repository), pairs(&[]), "it was there before");
    repository.git_in(&at, &["reset", "-q", "--hard", "origin/main"]);
    repository.write(
        "vetoes.toml",
        "[[veto]]\nservice = \"payments\"\nversion = \"0.9.0\"\nreason = \"leaks\"\n",
    );
    commit(&repository, "Veto payments 0.9.0");
    repository.git_in(&at, &["push", "-q", "origin", "HEAD:main"]);
    repository.git_in(&at, &["fetch", "-q", "origin"]);
    set(
        &repository,
        "payments",
        "prod",
        "0.9.0",
        "payments: back to 0.9.0 in prod",
    );
    assert_eq!(found(&repository), pairs(&[("veto", "error")]));
}

#[test]
fn findings_say_where_in_every_form() {
    let repository = repository("");
    set(
        &repository,
        "checkout",
        "prod",
        "2.0.0",
        "checkout 2.0.0, in prod",
    );
    let path = overlay("checkout", "prod");
    let json = check(&repository, &["-o", "json"]).exits(4).json();
    let first = &json["findings"][0];
    assert_eq!(
        (
            &first["service"],
            &first["environment"],
            &first["path"],
            &first["line"]
        ),
        (&json!("checkout"), &json!("prod"), &json!(path), &json!(5))
    );
    check(&repository, &[])
        .exits(4)
        .shows(&format!("{path}:5"))
        .shows("2 findings; 1 cell moved in 1 commit");
    check(&repository, &["-o", "markdown"])
        .exits(4)
        .shows("| LEVEL");
    let github = check(&repository, &["-o", "github"]).exits(4);
    let line = format!(
        "::error file={path},line=5,title=tidegate upstream::checkout / prod: staging declares 1.1.0, not 2.0.0"
    );
    assert!(github.out.starts_with(&line), "{}", github.out);
    assert_eq!(github.out.lines().count(), 2);
    let gitlab: Value =
        serde_json::from_str(&check(&repository, &["-o", "gitlab"]).exits(4).out).unwrap();
    assert_eq!(
        gitlab[0]["location"],
        json!({ "path": path, "lines": { "begin": 5 } })
    );
    let prints = |value: &Value| value[0]["fingerprint"].as_str().unwrap().to_owned();
    let known = prints(&gitlab);
    // A line above it comes with another commit: it is the same finding.
    repository.write(
        &path,
        &format!("# more\n{}", kustomization("checkout", "2.0.0")),
    );
    commit(&repository, "A comment");
    let again: Value =
        serde_json::from_str(&check(&repository, &["-o", "gitlab"]).exits(4).out).unwrap();
    assert_eq!(
        (prints(&again), &again[0]["location"]["lines"]["begin"]),
        (known, &json!(6))
    );
    let sarif: Value =
        serde_json::from_str(&check(&repository, &["-o", "sarif"]).exits(4).out).unwrap();
    assert_eq!(
        (&sarif["version"], &sarif["runs"][0]["results"][0]["ruleId"]),
        (&json!("2.1.0"), &json!("upstream"))
    );
    repository
        .run(&repository.colleague(), &["status", "-o", "sarif"], "", &[])
        .exits(2);
}

#[test]
fn a_checkout_of_ci_is_judged_or_says_what_it_lacks() {
    let repository = repository("");
    set(
        &repository,
        "checkout",
        "prod",
        "1.1.0",
        "Promote checkout to prod",
    );
    let at = repository.colleague();
    repository.git_in(&at, &["push", "-q", "origin", "HEAD:refs/heads/change"]);
    // The base goes on meanwhile: what it brought is not the change's.
    repository.git_in(&at, &["checkout", "-q", "-b", "other", "origin/main"]);
    set(
        &repository,
        "payments",
        "dev",
        "3.0.0",
        "payments 3.0.0 in dev",
    );
    repository.git_in(&at, &["push", "-q", "origin", "HEAD:main"]);
    repository.git_in(&at, &["fetch", "-q", "origin"]);
    repository.git_in(&at, &["checkout", "-q", "--detach", "change"]);
    let json = check(&repository, &["-o", "json"]).exits(0).json();
    assert_eq!((&json["moved"], &json["commits"]), (&json!(1), &json!(1)));
    // Both ends by name, from elsewhere.
    repository.pull();
    repository
        .tidegate(&["check", "--base", "main", "--head", "origin/change"])
        .exits(0)
        .shows("nothing found; 1 cell moved in 1 commit");
    let root = repository.clone_path().join("..");
    let remote = format!("file://{}", repository.remote().display());
    repository.git_in(
        &root,
        &[
            "clone", "-q", "--depth", "1", "--branch", "change", &remote, "ci",
        ],
    );
    let ci = root.join("ci");
    repository.git_in(&ci, &["checkout", "-q", "--detach"]);
    let checks = |more: &[&str]| {
        repository.run(
            &ci,
            &[&["check", "--base", "origin/main"], more].concat(),
            "",
            &[],
        )
    };
    checks(&[])
        .exits(2)
        .says("is shallow")
        .says("git fetch origin main");
    repository.git_in(
        &ci,
        &[
            "fetch",
            "-q",
            "--depth",
            "1",
            "origin",
            "main:refs/remotes/origin/main",
        ],
    );
    checks(&[])
        .exits(1)
        .says("no commit in common")
        .says("fetch-depth: 0");
    repository.git_in(&ci, &["fetch", "-q", "--unshallow", "origin"]);
    repository.git_in(
        &ci,
        &["fetch", "-q", "origin", "main:refs/remotes/origin/main"],
    );
    checks(&[]).exits(0);
    // Without any ref of a branch.
    let base = repository.git_in(&ci, &["rev-parse", "origin/main"]);
    repository.git_in(&ci, &["branch", "-D", "-q", "change"]);
    for reference in [
        "refs/remotes/origin/main",
        "refs/remotes/origin/change",
        "refs/remotes/origin/HEAD",
    ] {
        repository.git_in(&ci, &["update-ref", "--no-deref", "-d", reference]);
    }
    repository
        .run(&ci, &["check", "--base", &base], "", &[])
        .exits(0);
    checks(&["--head", "nowhere"]).exits(2);
}

#[test]
fn what_only_clusters_know_is_told_and_is_not_green() {
    let repository = Repository::empty();
    let configuration = "[[environments]]\nname = \"staging\"\ncluster = \"nowhere\"\n[[environments]]\nname = \"prod\"\nfrom = [\"staging\"]\nprotected = true\n[[layouts]]\npreset = \"helm-values\"\npath = \"{env}/{service}.yaml\"\n";
    repository.write("tidegate.toml", configuration);
    for environment in ["staging", "prod"] {
        repository.write(&format!("{environment}/web.yaml"), "image: {tag: 1.0.0}\n");
    }
    repository.publish("Initial");
    repository.write("staging/web.yaml", "image: {tag: 1.1.0}\n");
    repository.publish("web 1.1.0 in staging");
    let at = repository.colleague();
    repository.git_in(&at, &["fetch", "-q", "origin"]);
    repository.write("prod/web.yaml", "image: {tag: 1.1.0}\n");
    commit(&repository, "web 1.1.0 in prod");
    let json = check(&repository, &["-o", "json"]).exits(0).json();
    assert_eq!(json["not_judged"][0]["rule"], "upstream");
    check(&repository, &[])
        .exits(0)
        .shows("? not judged: upstream")
        .shows("1 verdict could not be judged");
}

#[test]
fn what_mends_a_file_is_judged_by_the_version_that_it_brings() {
    for (version, beside, expected) in [
        (
            "2.0.0",
            None,
            &[("upstream", "error"), ("skipped-upstream", "warning")][..],
        ),
        ("1.1.0", None, &[][..]),
        (
            "1.1.0",
            Some("NOTES.md"),
            &[("unrelated-lines", "warning"), ("unmentioned", "warning")][..],
        ),
    ] {
        let repository = repository("");
        let at = repository.colleague();
        repository.write(&overlay("checkout", "prod"), "images: [\n");
        commit(&repository, "Break checkout in prod");
        repository.git_in(&at, &["push", "-q", "origin", "HEAD:main"]);
        repository.git_in(&at, &["fetch", "-q", "origin"]);
        if let Some(path) = beside {
            repository.write(path, "More\n");
        }
        set(
            &repository,
            "checkout",
            "prod",
            version,
            beside.map_or("Mend checkout in prod", |_| "Mend"),
        );
        let said = format!("{version} beside {beside:?}");
        assert_eq!(found(&repository), pairs(expected), "{said}");
        if beside.is_some() {
            check(&repository, &[])
                .exits(4)
                .shows("moves what could not be read → 1.1.0 unmentioned");
        }
    }
}

#[test]
fn what_only_warns_that_the_target_is_ahead_is_found() {
    let policy = "\n[environments.gates]\nahead = { level = \"warn\" }\n";
    let repository = Repository::seeded();
    let configuration = repository.at_tip("tidegate.toml");
    let with = configuration.replace("protected = true\n", &format!("protected = true\n{policy}"));
    assert_ne!(with, configuration);
    repository.write("tidegate.toml", &with);
    repository.publish("Policy");
    repository.bump("checkout", "prod", "3.0.0");
    let at = repository.colleague();
    repository.git_in(&at, &["fetch", "-q", "origin"]);
    repository.git_in(&at, &["checkout", "-q", "-b", "change", "origin/main"]);
    repository.bump("checkout", "staging", "2.0.0");
    repository.git_in(&at, &["fetch", "-q", "origin"]);
    repository.git_in(&at, &["reset", "-q", "--hard", "origin/main"]);
    set(
        &repository,
        "checkout",
        "prod",
        "2.0.0",
        "Promote checkout to prod",
    );
    assert_eq!(found(&repository), pairs(&[("ahead", "warning")]));
}

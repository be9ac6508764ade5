//! What moves with an edit though nobody named it: held until it is accepted, by every command and way of delivery.

use serde_json::Value;

use crate::support::repo::{Repository, Said};

const CONFIG: &str = r#"
[[environments]]
name = "staging"
[[environments]]
name = "prod"
from = ["staging"]
protected = true

[[layouts]]
path = "{env}.yaml"
yaml = "{service}.tag"
[[layouts]]
path = "versions.yaml"
yaml = "{env:$envs}.{service}"
"#;

fn repository(files: &[(&str, &str)]) -> Repository {
    let repository = Repository::empty();
    repository.write("tidegate.toml", CONFIG);
    for (path, text) in files {
        repository.write(path, text);
    }
    repository.publish("seed");
    repository.pull();
    repository
}

fn anchored() -> Repository {
    repository(&[
        ("staging.yaml", "web: {tag: 2.0.0}\nworker: {tag: 2.0.0}\n"),
        ("prod.yaml", "web: {tag: &app 1.0.0}\nworker: {tag: *app}\n"),
        (
            "versions.yaml",
            "staging: {site: &site 1.0.0}\nprod: {site: *site}\n",
        ),
    ])
}

/// `web/prod false`: the cells of a plan, and whether nobody named them.
fn along(plan: &Value) -> Vec<String> {
    let changes = plan["changes"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    changes
        .iter()
        .map(|it| {
            format!(
                "{}/{} {}",
                text(&it["service"]),
                text(&it["environment"]),
                it["along"]
            )
        })
        .collect()
}

fn held(said: Said, cell: &str, flag: &str) -> Said {
    said.exits(3)
        .says(cell)
        .says(flag)
        .says("nothing was written")
}

#[test]
fn yes_covers_what_was_named_alone() {
    let repository = anchored();
    let tip = repository.tip();
    let promote = [
        "promote", "web", "--from", "staging", "--to", "prod", "--yes",
    ];
    for deliver in ["push", "branch"] {
        let said = repository.tidegate(&[&promote[..], &["--deliver", deliver]].concat());
        held(
            said,
            "worker / prod moves with this edit too",
            "--along worker/prod",
        );
    }
    let plan = repository
        .tidegate(&[&promote[..], &["-o", "json"]].concat())
        .exits(3)
        .json();
    assert_eq!(along(&plan), ["web/prod false", "worker/prod true"]);
    assert_eq!(plan["outcome"], "held");
    // A pattern that speaks of no cell is a slip.
    repository
        .tidegate(&[&promote[..], &["--along", "wroker/prod"]].concat())
        .exits(2)
        .says("there is no such cell");
    repository
        .tidegate(&[&promote[..], &["--along", "worker"]].concat())
        .exits(2)
        .says("write SERVICE/ENV");
    // Accepting another cell accepts nothing of this one.
    repository
        .tidegate(&[&promote[..], &["--along", "web/*"]].concat())
        .exits(3);
    assert_eq!(repository.tip(), tip);
    repository
        .tidegate(&[&promote[..], &["--along", "worker/*"]].concat())
        .exits(0);
    assert_eq!(
        repository.at_tip("prod.yaml"),
        "web: {tag: &app 2.0.0}\nworker: {tag: *app}"
    );
    let message = repository.message();
    assert!(
        message.contains("worker 1.0.0 → 2.0.0 to prod (comes along)"),
        "{message}"
    );
}

#[test]
fn gates_of_what_comes_along_are_lifted_only_where_it_is_accepted() {
    let repository = anchored();
    let tip = repository.tip();
    let set = ["set", "site", "staging", "2.0.0", "--yes"];
    held(
        repository.tidegate(&set),
        "site / prod moves with this edit too",
        "--along site/prod",
    );
    let lifted = [&set[..], &["--override", "upstream", "--reason", "drill"]].concat();
    held(
        repository.tidegate(&lifted),
        "held: site / prod by upstream, along",
        "--along site/prod",
    );
    // Accepted, it is judged like the rest.
    repository
        .tidegate(&[&set[..], &["--along", "all"]].concat())
        .exits(3)
        .says("held: site / prod by upstream");
    assert_eq!(repository.tip(), tip);
    repository
        .tidegate(&[&lifted[..], &["--along", "all"]].concat())
        .exits(0);
    let message = repository.message();
    assert!(
        message.contains("Gate-Override: upstream on site/prod: drill"),
        "{message}"
    );
    // Nothing stops going back but that it is named or accepted.
    let revert = ["revert", "site", "staging", "--yes"];
    held(
        repository.tidegate(&revert),
        "site / prod moves with this edit too",
        "--along site/prod",
    );
    repository
        .tidegate(&[&revert[..], &["--along", "site/prod"]].concat())
        .exits(0);
    let both = repository.at_tip("versions.yaml");
    assert!(both.contains("staging: {site: &site 1.0.0}"), "{both}");
}

#[test]
fn what_brings_it_is_left_out_and_the_rest_goes() {
    let repository = repository(&[
        (
            "staging.yaml",
            "web: {tag: 2.0.0}\nworker: {tag: 2.0.0}\ncron: {tag: 2.0.0}\n",
        ),
        (
            "prod.yaml",
            "web: {tag: &app 1.0.0}\nworker: {tag: *app}\ncron: {tag: 1.0.0}\n",
        ),
    ]);
    let said = repository
        .tidegate(&[
            "promote",
            "web",
            "cron",
            "--from",
            "staging",
            "--to",
            "prod",
            "--yes",
            "--leave-out",
        ])
        .exits(0);
    assert!(
        said.out.contains("it would bring worker / prod along"),
        "{}",
        said.out
    );
    let prod = repository.at_tip("prod.yaml");
    assert_eq!(
        prod,
        "web: {tag: &app 1.0.0}\nworker: {tag: *app}\ncron: {tag: 2.0.0}"
    );
}

#[test]
fn named_together_it_does_not_come_along() {
    let repository = anchored();
    let plan = repository
        .tidegate(&[
            "promote", "worker", "web", "--from", "staging", "--to", "prod", "--yes", "-o", "json",
        ])
        .exits(0)
        .json();
    assert_eq!(along(&plan), ["worker/prod false", "web/prod false"]);
}

#[test]
fn a_branch_of_an_environment_and_another_repository_are_looked_at_alike() {
    let text = "web: {tag: &app 1.0.0}\nworker: {tag: *app}\n";
    let branches = Repository::empty();
    branches.write(
        "tidegate.toml",
        r#"
[[environments]]
name = "staging"
[[environments]]
name = "prod"

[[layouts]]
refs = "refs/heads/{env}"
path = "apps.yaml"
yaml = "{service}.tag"
promote = "edit"
"#,
    );
    branches.write("apps.yaml", text);
    branches.publish("seed");
    for branch in ["staging", "prod"] {
        let to = format!("HEAD:refs/heads/{branch}");
        branches.git_in(&branches.colleague(), &["push", "-q", "origin", &to]);
    }
    branches.pull();

    let (two, production) = (Repository::empty(), Repository::empty());
    production.write("apps.yaml", text);
    production.publish("seed");
    production.pull();
    two.write(
        "tidegate.toml",
        &format!(
            r#"
[[repositories]]
name = "production"
path = "{}"
[[environments]]
name = "staging"
[[environments]]
name = "prod"

[[layouts]]
path = "apps.yaml"
env_name = "staging"
yaml = "{{service}}.tag"
[[layouts]]
repository = "production"
path = "apps.yaml"
env_name = "prod"
yaml = "{{service}}.tag"
"#,
            production.clone_path().display()
        ),
    );
    two.write("apps.yaml", text);
    two.publish("seed");
    two.pull();
    for repository in [&branches, &two] {
        let plan = repository
            .tidegate(&[
                "set", "web", "prod", "2.0.0", "--yes", "--trust", "-o", "json",
            ])
            .exits(3)
            .json();
        assert_eq!(along(&plan), ["web/prod false", "worker/prod true"]);
        repository
            .tidegate(&[
                "set",
                "web",
                "prod",
                "2.0.0",
                "--yes",
                "--trust",
                "--along",
                "worker/prod",
            ])
            .exits(0);
    }
}

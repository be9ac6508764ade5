//! Environments in repositories of their own: one matrix, one commit in each.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::refs::row;
use crate::support::{
    repo::{Said, write},
    two::{Two, file, image},
};

/// The main repository holds dev and staging, another one prod, which is allowed.
struct Allowed(Two);

impl std::ops::Deref for Allowed {
    type Target = Two;

    fn deref(&self) -> &Two {
        &self.0
    }
}

impl Allowed {
    fn new() -> Self {
        let two = Two::new(&["dev", "staging"]);
        two.publishes(&two.path());
        two.main.tidegate(&["trust"]).exits(0);
        Self(two)
    }

    fn set(&self, more: &[&str]) -> Said {
        let changes = self.main.clone_path().join("../changes.json");
        let all = ["staging", "prod"]
            .map(|environment| json!({ "service": "shop", "environment": environment, "version": "1.1.0" }));
        write(&changes, json!(all).to_string().as_bytes());
        let changes = changes.display().to_string();
        let lifted = ["--override", "upstream", "--reason", "a test"];
        self.main
            .tidegate(&[&["set", "--changes", &changes, "--yes"][..], &lifted, more].concat())
    }
}

#[test]
fn the_matrix_joins_them_and_histories_are_each_ones_own() {
    let two = Allowed::new();
    let status = two.main.tidegate(&["status", "-o", "json"]).exits(0).json();
    let shop = row(&status, "shop");
    assert_eq!(shop["prod"]["version"], json!("1.0.0"));
    assert_eq!(shop["prod"]["repository"], json!("production"));
    assert_eq!(status["environments"], json!(["dev", "staging", "prod"]));
    let history = two
        .main
        .tidegate(&["history", "shop", "prod", "-o", "json"]);
    let history = history.exits(0).json();
    assert_eq!(
        history["values"][0]["landed"]["commit"],
        json!(two.other.tip())
    );
}

#[test]
fn a_plan_makes_one_commit_in_each() {
    let two = Allowed::new();
    let said = two.set(&["-o", "json"]).exits(0).json();
    assert_eq!(said["parts"].as_array().unwrap().len(), 2);
    assert_eq!(said["parts"][0]["commit"], json!(two.main.tip()));
    assert_eq!(said["parts"][1]["repository"], json!("production"));
    assert_eq!(said["parts"][1]["commit"], json!(two.other.tip()));
    assert_eq!(two.main.at_tip(&file("staging")), image("1.1.0").trim());
    assert_eq!(two.main.at_tip(&file("dev")), image("1.0.0").trim());
    assert_eq!(two.other.at_tip(&file("prod")), image("1.1.0").trim());
    assert!(
        two.other
            .message()
            .starts_with("set shop 1.0.0 → 1.1.0 in prod\n"),
        "{}",
        two.other.message()
    );
    for repository in [&two.main, &two.other] {
        let here = repository.git_in(&repository.clone_path(), &["status", "--porcelain"]);
        assert_eq!(here, "");
    }
}

#[test]
fn what_is_done_and_what_is_not_is_said_when_a_later_one_fails() {
    let two = Allowed::new();
    let before = two.other.tip();
    let hook = two.other.remote().join("hooks/pre-receive");
    write(&hook, b"#!/bin/sh\necho 'prod is frozen' >&2\nexit 1\n");
    std::fs::set_permissions(&hook, PermissionsExt::from_mode(0o755)).unwrap();
    two.set(&[])
        .exits(1)
        .says("not all of it is published: production:main is not, and stays as it was")
        .says("prod is frozen")
        .says("is on origin/main")
        .says("not done: production:main");
    assert_eq!(two.main.at_tip(&file("staging")), image("1.1.0").trim());
    assert_eq!(two.other.tip(), before);

    // Again, when the freeze is over: what is there already is skipped, the rest is done.
    std::fs::remove_file(&hook).unwrap();
    two.set(&[]).exits(0);
    assert_eq!(two.other.at_tip(&file("prod")), image("1.1.0").trim());
    let commits = two
        .main
        .git_in(&two.main.remote(), &["rev-list", "--count", "main"]);
    assert_eq!(commits, "3", "nothing is applied twice");
}

#[test]
fn one_that_is_not_there_is_a_problem_and_the_rest_is_read() {
    let two = Allowed::new();
    std::fs::rename(
        two.other.clone_path(),
        two.other.clone_path().with_file_name("away"),
    )
    .unwrap();
    let status = two.main.tidegate(&["status", "-o", "json"]).exits(0).json();
    assert_eq!(row(&status, "shop")["dev"]["version"], json!("1.0.0"));
    assert_eq!(
        status["problems"][0]["context"],
        json!("repository production")
    );
    let message = status["problems"][0]["message"].as_str().unwrap();
    assert!(message.contains("does not exist"), "{message}");
}

#[test]
fn a_layout_that_names_none_of_them_is_told_with_its_line() {
    let two = Allowed::new();
    let file = two.main.clone_path().join("tidegate.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    write(
        &file,
        text.replace("repository = \"production\"", "repository = \"prodution\"")
            .as_bytes(),
    );
    two.main.tidegate(&["status"]).exits(2).says(
        "layouts[1].repository: `prodution` is no declared repository; did you mean `production`?",
    );
}

#[test]
fn one_that_is_named_by_its_address_is_mirrored() {
    let two = Allowed::new();
    let configuration = two.main.clone_path().join("tidegate.toml");
    let written = std::fs::read_to_string(&configuration).unwrap();
    let url = format!("url = \"file://{}\"", two.other.remote().display());
    write(
        &configuration,
        written.replace(&two.path(), &url).as_bytes(),
    );
    two.main.tidegate(&["trust"]).exits(0).says("");
    let status = two
        .main
        .tidegate(&["status", "-o", "json"])
        .exits(0)
        .says("cloning file://");
    assert_eq!(
        row(&status.json(), "shop")["prod"]["version"],
        json!("1.0.0")
    );
    two.set(&[]).exits(0);
    assert_eq!(two.other.at_tip(&file("prod")), image("1.1.0").trim());

    // What others push is fetched at the next start; a remote that is gone is told, and what is known stays.
    two.other
        .git_in(&two.other.colleague(), &["pull", "-q", "origin", "main"]);
    two.other.write(&file("prod"), &image("1.2.0"));
    two.other.publish("by hand");
    let status = two.main.tidegate(&["status", "-o", "json"]).exits(0);
    assert_eq!(
        row(&status.json(), "shop")["prod"]["version"],
        json!("1.2.0")
    );
    std::fs::rename(
        two.other.remote(),
        two.other.remote().with_file_name("away"),
    )
    .unwrap();
    let status = two
        .main
        .tidegate(&["status", "-o", "json"])
        .exits(0)
        .says("its mirror is as of");
    assert_eq!(
        row(&status.json(), "shop")["prod"]["version"],
        json!("1.2.0")
    );
}

/// What is not in the matrix may be in a repository that cannot be read: then that is said, and why.
#[test]
fn a_repository_that_cannot_be_read_is_named_where_a_cell_is_missed() {
    let two = Allowed::new();
    let place = two.other.clone_path();
    let away = place.with_file_name("away");
    std::fs::rename(&place, &away).unwrap();
    let set = [
        "set",
        "shop",
        "prod",
        "1.1.0",
        "--yes",
        "--override",
        "upstream",
        "--reason",
        "a test",
    ];
    let said = two.main.tidegate(&set).exits(1);
    let said = said
        .shows("shop / prod")
        .shows("repository production could not be read")
        .shows("does not exist");
    assert!(!said.out.contains("no layout gives"), "{}", said.out);
    two.main
        .tidegate(&["set", "other", "prod", "1.1.0", "--yes"])
        .exits(2)
        .says("no service is called `other`")
        .says("repository production could not be read");

    // One that a link leads to is where the link leads.
    std::os::unix::fs::symlink(&away, &place).unwrap();
    let linked = two.main.tidegate(&set);
    assert!(!linked.out.contains("no layout gives"), "{}", linked.out);
    std::fs::remove_file(&place).unwrap();
    std::fs::create_dir(&place).unwrap();
    two.main
        .tidegate(&set)
        .exits(1)
        .shows("repository production could not be read")
        .shows("is not in a Git repository");
}

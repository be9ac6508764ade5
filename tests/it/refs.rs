//! Environments that are branches or tags: read, told, promoted and reverted.

use serde_json::{Value, json};

use crate::support::repo::{Repository, write};

const BRANCHES: &str = r#"
[[environments]]
name = "dev"
[[environments]]
name = "staging"
from = ["dev"]
[[environments]]
name = "prod"
from = ["staging"]
[[layouts]]
refs = "refs/heads/{env}"
path = "deployments/{service}/values.yaml"
yaml = "image.tag"
"#;

/// A branch per environment, all of them the same at first; the configuration stands beside the clone.
struct Branches(Repository);

impl Branches {
    fn new(configuration: &str) -> Self {
        let branches = Self(Repository::empty());
        let this = &branches.0;
        for service in ["mail", "shop"] {
            this.write(&path(service), &values("1.0.0", 1));
        }
        this.publish("all at 1.0.0");
        for branch in ["dev", "staging", "prod", "feature-x"] {
            let to = format!("HEAD:refs/heads/{branch}");
            this.git_in(&this.colleague(), &["push", "-q", "origin", &to]);
        }
        this.pull();
        let file = this.clone_path().join("../tidegate.toml");
        write(&file, configuration.as_bytes());
        branches
    }

    /// A colleague writes a file on a branch and pushes it.
    fn commit(&self, branch: &str, path: &str, text: &str) -> String {
        let this = &self.0;
        let at = this.colleague();
        this.git_in(&at, &["fetch", "-q", "origin"]);
        this.git_in(
            &at,
            &["switch", "-q", "--detach", &format!("origin/{branch}")],
        );
        this.write(path, text);
        this.git_in(&at, &["add", "-A"]);
        this.git_in(&at, &["commit", "-q", "-m", &format!("{path} on {branch}")]);
        let to = format!("HEAD:refs/heads/{branch}");
        this.git_in(&at, &["push", "-q", "origin", &to]);
        this.git_in(&at, &["rev-parse", "HEAD"])
    }

    fn tidegate(&self, arguments: &[&str]) -> crate::support::repo::Said {
        let all = [arguments, &["--config", "../tidegate.toml"]].concat();
        self.0.tidegate(&all)
    }

    fn show(&self, branch: &str, path: &str) -> String {
        let name = format!("{branch}:{path}");
        self.0.git_in(&self.0.remote(), &["show", &name])
    }

    fn tip(&self, branch: &str) -> String {
        self.0.git_in(&self.0.remote(), &["rev-parse", branch])
    }

    fn fetch(&self) {
        self.0
            .git_in(&self.0.clone_path(), &["fetch", "-q", "--tags", "origin"]);
    }
}

fn path(service: &str) -> String {
    format!("deployments/{service}/values.yaml")
}

fn values(tag: &str, replicas: u32) -> String {
    format!(
        "image:\n  tag: \"{tag}\"  # by the pipeline\n  pullPolicy: Always\nresources:\n  limits: {{}}\nreplicas: {replicas}"
    )
}

/// The cells of a service in the JSON of `status`.
pub fn row(status: &Value, service: &str) -> Value {
    let mut rows = status["services"].as_array().into_iter().flatten();
    let row = rows.find(|row| row["name"] == *service);
    row.map_or_else(
        || panic!("no {service} in {status}"),
        |row| row["cells"].clone(),
    )
}

const PROMOTE: [&str; 7] = [
    "promote", "shop", "--from", "staging", "--to", "prod", "--yes",
];

#[test]
fn a_matrix_and_histories_come_from_a_branch_per_environment() {
    let branches = Branches::new(BRANCHES);
    let bump = branches.commit("dev", &path("shop"), &values("1.1.0", 1));
    let merge = branches.commit("staging", &path("shop"), &values("1.1.0", 1));
    branches.fetch();
    let status = branches
        .tidegate(&["status", "-o", "json", "--changed"])
        .exits(0)
        .json();
    let shop = row(&status, "shop");
    let version = |environment: &str| shop[environment]["version"].clone();
    assert_eq!(
        status["environments"],
        json!(["dev", "staging", "prod"]),
        "a feature branch is no column"
    );
    assert_eq!(
        [version("dev"), version("staging"), version("prod")],
        ["1.1.0", "1.1.0", "1.0.0"]
    );
    assert_eq!(shop["dev"]["changed"]["landed"], json!(bump));
    assert_eq!(shop["staging"]["changed"]["landed"], json!(merge));
    assert_eq!(shop["staging"]["reference"], json!("refs/heads/staging"));

    let history = branches
        .tidegate(&["history", "shop", "staging", "-o", "json"])
        .exits(0)
        .json();
    let kinds: Vec<_> = history["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| {
            (
                value["version"].as_str().unwrap(),
                value["kind"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(kinds, [("1.1.0", "promotion"), ("1.0.0", "initial")]);
    assert_eq!(history["values"][0]["from"], json!("dev"));

    let then = branches.tidegate(&[
        "status",
        "-o",
        "json",
        "--at",
        "dev=origin/prod",
        "--at",
        "staging=origin/staging~1",
    ]);
    let then = then.exits(0).json();
    assert_eq!(row(&then, "shop")["dev"]["version"], json!("1.0.0"));
    assert_eq!(row(&then, "shop")["staging"]["version"], json!("1.0.0"));
    branches
        .tidegate(&["status", "--at", "HEAD~0"])
        .exits(2)
        .says("each environment has a ref of its own here: give a time, or ENV=REV");
}

/// What would only move the branch on gets a commit for the reason to stand in.
#[test]
fn a_reason_makes_a_merge_of_a_fast_forward() {
    let branches = Branches::new(BRANCHES);
    let staging = branches.commit("staging", &path("shop"), &values("1.1.0", 1));
    branches
        .tidegate(&[&PROMOTE[..], &["--reason", "asked for by support"]].concat())
        .exits(0);
    let log = |format: &str| {
        let remote = branches.0.remote();
        branches.0.git_in(&remote, &["log", "-1", format, "prod"])
    };
    assert!(log("--format=%P").ends_with(&staging));
    let message = log("--format=%B");
    assert!(
        message.contains("\nReason: asked for by support\n"),
        "{message}"
    );
}

#[test]
fn a_promotion_fast_forwards_where_it_can_and_merges_where_it_must() {
    let branches = Branches::new(BRANCHES);
    let staging = branches.commit("staging", &path("shop"), &values("1.1.0", 1));
    let said = branches
        .tidegate(&[&PROMOTE[..], &["-o", "json"]].concat())
        .exits(0)
        .json();
    assert_eq!(said["parts"][0]["reference"], json!("origin/prod"));
    assert_eq!(said["writes"][0]["action"], json!("fast-forward"));
    assert_eq!(
        branches.tip("prod"),
        staging,
        "the branch moves on to the very commit"
    );

    branches.commit("prod", "deployments/shop/prod-only.yaml", "a: 1\n");
    let prod = branches.commit("prod", &path("mail"), &values("1.0.0", 9));
    let staging = branches.commit("staging", &path("shop"), &values("1.2.0", 1));
    let said = branches.tidegate(&PROMOTE).exits(0);
    assert!(said.out.contains("gets a merge of staging"), "{}", said.out);
    let parents = branches
        .0
        .git_in(&branches.0.remote(), &["log", "-1", "--format=%P", "prod"]);
    assert_eq!(parents, format!("{prod} {staging}"));
    let message = branches
        .0
        .git_in(&branches.0.remote(), &["log", "-1", "--format=%B", "prod"]);
    assert!(
        message.starts_with("promote shop 1.1.0 → 1.2.0 to prod\n"),
        "{message}"
    );
    assert!(message.contains("Promoted-From: staging"), "{message}");
    assert_eq!(branches.show("prod", &path("shop")), values("1.2.0", 1));
    assert_eq!(
        branches.show("prod", &path("mail")),
        values("1.0.0", 9),
        "what prod had of its own stays"
    );
    let here = branches.0.git_in(
        &branches.0.clone_path(),
        &["status", "--porcelain", "--branch"],
    );
    assert_eq!(here, "## main", "the work tree is as it was");

    // Back, by a commit on the environment's own branch.
    branches
        .tidegate(&["revert", "shop", "prod", "--yes"])
        .exits(0);
    assert_eq!(branches.show("prod", &path("shop")), values("1.1.0", 1));
    // Every commit of staging is there already: the version alone is left to promote.
    branches.tidegate(&PROMOTE).exits(0);
    assert_eq!(branches.show("prod", &path("shop")), values("1.2.0", 1));
}

#[test]
fn what_comes_along_is_in_the_plan_and_edit_leaves_it_behind() {
    let branches = Branches::new(BRANCHES);
    branches.commit("staging", &path("shop"), &values("1.1.0", 1));
    branches.commit("staging", &path("mail"), &values("1.1.0", 1));
    let plan = branches
        .tidegate(&[&PROMOTE[..6], &["--dry-run", "-o", "json"]].concat())
        .exits(0)
        .json();
    let changes: Vec<_> = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            (
                change["service"].as_str().unwrap(),
                change["along"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(changes, [("shop", false), ("mail", true)]);

    let alone = Branches::new(&BRANCHES.replace("yaml =", "promote = \"edit\"\nyaml ="));
    alone.commit("staging", &path("shop"), &values("1.1.0", 7));
    alone.commit("staging", &path("mail"), &values("1.1.0", 1));
    alone.tidegate(&PROMOTE).exits(0);
    assert_eq!(
        alone.show("prod", &path("shop")),
        values("1.1.0", 1),
        "the version and nothing else"
    );
    assert_eq!(alone.show("prod", &path("mail")), values("1.0.0", 1));
}

#[test]
fn a_conflict_is_told_with_its_files_and_nothing_is_written() {
    let branches = Branches::new(BRANCHES);
    branches.commit("staging", &path("shop"), &values("1.1.0", 1));
    let prod = branches.commit("prod", &path("shop"), &values("0.9.0", 1));
    let said = branches.tidegate(&PROMOTE).exits(1);
    assert!(
        said.out.contains(
            "cannot change shop / prod: staging cannot be merged into prod: both branches changed deployments/shop/values.yaml, \
             in ways that contradict each other"
        ),
        "{}",
        said.out
    );
    assert_eq!(branches.tip("prod"), prod);
}

#[test]
fn a_branch_that_moved_meanwhile_is_judged_again() {
    let branches = Branches::new(BRANCHES);
    branches.commit("staging", &path("shop"), &values("1.1.0", 1));
    branches.fetch();
    // Unknown to the clone: the fetch before the plan finds it.
    let staging = branches.commit("staging", &path("shop"), &values("1.2.0", 1));
    branches.tidegate(&PROMOTE).exits(0);
    assert_eq!(branches.tip("prod"), staging);
    assert_eq!(branches.show("prod", &path("shop")), values("1.2.0", 1));
}

#[test]
fn a_branch_that_is_missing_is_a_problem_and_the_rest_is_read() {
    let branches = Branches::new(BRANCHES);
    branches.0.git_in(
        &branches.0.clone_path(),
        &["branch", "-q", "-r", "-d", "origin/prod"],
    );
    let status = branches.tidegate(&["status", "-o", "json"]).exits(0).json();
    assert_eq!(row(&status, "shop")["dev"]["version"], json!("1.0.0"));
    assert_eq!(status["problems"][0]["context"], json!("prod"));
    let message = status["problems"][0]["message"].as_str().unwrap();
    assert!(
        message.starts_with("no ref of prod is here: nothing matches `refs/heads/{env}`"),
        "{message}"
    );
}

const TAGS: &str = r#"
[[environments]]
name = "staging"
[[environments]]
name = "prod"
from = ["staging"]
[[layouts]]
"#;

/// What is shown of a branch that is gone on the server is as old as the last fetch, and says so; `--offline` asks nobody.
#[test]
fn a_branch_that_is_gone_on_the_server_is_told() {
    let branches = Branches::new(BRANCHES);
    let remote = branches.0.remote();
    branches.0.git_in(&remote, &["branch", "-q", "-D", "prod"]);
    let said = "origin has no branch prod any more";
    let status = branches.tidegate(&["status"]).exits(0).says(said);
    assert!(status.out.contains("1.0.0"), "{}", status.out);
    let json = branches.tidegate(&["status", "-o", "json"]).exits(0).json();
    let problems = json["problems"].to_string();
    assert!(problems.contains(said), "{problems}");
    let offline = branches.tidegate(&["--offline", "status"]).exits(0);
    assert!(!offline.err.contains(said), "{}", offline.err);
}

/// What one branch says of a version counts for all of them; lifting it lifts it wherever merges have brought it.
#[test]
fn a_veto_counts_on_every_branch_and_is_lifted_on_each() {
    let branches = Branches::new(BRANCHES);
    branches.commit("staging", &path("shop"), &values("1.1.0", 1));
    let veto = ["veto", "shop", "1.1.0", "--reason", "Loses carts", "--yes"];
    branches.tidegate(&veto).exits(0);
    let file = branches.show("dev", "vetoes.toml");
    assert!(file.contains("Loses carts"), "{file}");
    branches
        .tidegate(&PROMOTE)
        .exits(3)
        .shows("veto hold: 1.1.0 is vetoed");
    branches.commit("prod", "vetoes.toml", &file);
    branches.tidegate(&veto).exits(0).says("is vetoed already");
    let lift = ["veto", "shop", "1.1.0", "--lift", "--yes"];
    branches.tidegate(&lift).exits(0);
    for branch in ["dev", "prod"] {
        let left = branches.show(branch, "vetoes.toml");
        assert!(!left.contains("1.1.0"), "{branch}: {left}");
    }
    branches.tidegate(&PROMOTE).exits(0);
}

/// A repository whose environments are tags; `tags` are made from the root up, `+` is a commit.
fn tagged(layout: &str, tags: &[&str]) -> Branches {
    let branches = Branches::new(&format!("{TAGS}{layout}"));
    let this = &branches.0;
    let at = this.colleague();
    for tag in tags {
        if *tag == "+" {
            this.git_in(&at, &["commit", "-q", "--allow-empty", "-m", "work"]);
        } else {
            this.git_in(&at, &["tag", "-a", "-m", tag, tag]);
        }
    }
    this.git_in(&at, &["push", "-q", "--tags", "origin", "HEAD:main"]);
    branches.fetch();
    branches
}

#[test]
fn a_tag_per_environment_is_promoted_by_an_annotated_tag_and_reverted_by_the_next() {
    let tags = tagged(
        "refs = \"refs/tags/{env}-{version:semver}\"\nrow = \"shop\"",
        &[
            "staging-1.0.0",
            "prod-1.0.0",
            "prod-lon-0.0.111",
            "+",
            "staging-1.1.0",
        ],
    );
    let status = tags.tidegate(&["status", "-o", "json"]).exits(0).json();
    assert_eq!(status["environments"], json!(["staging", "prod"]));
    let shop = row(&status, "shop");
    assert_eq!(
        [&shop["staging"]["version"], &shop["prod"]["version"]],
        ["1.1.0", "1.0.0"]
    );

    tags.tidegate(&PROMOTE).exits(0);
    let remote = tags.0.remote();
    let named = |tag: &str| {
        tags.0
            .git_in(&remote, &["rev-parse", &format!("{tag}^{{commit}}")])
    };
    assert_eq!(named("prod-1.1.0"), named("staging-1.1.0"));
    let text = tags.0.git_in(&remote, &["cat-file", "-p", "prod-1.1.0"]);
    assert!(
        text.contains("promote shop 1.0.0 → 1.1.0 to prod")
            && text.contains("Promoted-From: staging"),
        "{text}"
    );

    let history = tags
        .tidegate(&["history", "shop", "prod", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(history["values"][0]["version"], json!("1.1.0"));
    assert_eq!(history["values"][0]["kind"], json!("promotion"));
    assert_eq!(history["values"][1]["version"], json!("1.0.0"));

    let back = ["revert", "shop", "prod", "--yes", "--reason", "it leaks"];
    tags.tidegate(&back).exits(0);
    assert_eq!(named("prod-1.1.1"), named("prod-1.0.0"));
    let text = tags.0.git_in(&remote, &["cat-file", "-p", "prod-1.1.1"]);
    assert!(text.contains("\nReason: it leaks\n"), "{text}");
    let history = tags
        .tidegate(&["history", "shop", "prod", "-o", "json"])
        .exits(0)
        .json();
    let kinds: Vec<&Value> = (0..3).map(|at| &history["values"][at]["kind"]).collect();
    assert_eq!(kinds, ["revert", "promotion", "initial"]);
    let then = tags
        .tidegate(&["status", "-o", "json", "--at", "prod=prod-1.0.0"])
        .exits(0)
        .json();
    assert_eq!(row(&then, "shop")["prod"]["version"], json!("1.0.0"));
}

/// The same number of another commit is not the same code: it is told, and is no success.
#[test]
fn tags_of_one_version_and_two_commits_are_not_there_already() {
    let tags = tagged(
        "refs = \"refs/tags/{env}-{version:semver}\"\nrow = \"shop\"",
        &["prod-1.1.0", "+", "staging-1.1.0"],
    );
    tags.tidegate(&PROMOTE)
        .exits(1)
        .shows("prod-1.1.0 and staging-1.1.0 are one version by their names, and two commits")
        .shows("tag the commit of staging-1.1.0 by the next version");
    let same = tagged(
        "refs = \"refs/tags/{env}-{version:semver}\"\nrow = \"shop\"",
        &["prod-1.1.0", "staging-1.1.0"],
    );
    same.tidegate(&PROMOTE).exits(0).says("nothing to change");
}

#[test]
fn a_candidate_that_environments_share_by_range_becomes_its_release() {
    let tags = tagged(
        "refs = \"refs/tags/{service}-v{version:semver}\"\nrange = { staging = \">=1.0.0-rc.0\", prod = \">=1.0.0\" }",
        &["shop-v1.0.0", "+", "shop-v1.1.0-rc.2"],
    );
    let said = tags.tidegate(&PROMOTE).exits(0);
    assert!(
        said.out.contains("promote shop / prod: 1.0.0 → 1.1.0"),
        "{}",
        said.out
    );
    assert!(
        said.out
            .contains("shop / staging: 1.1.0-rc.2 → 1.1.0 (comes along)"),
        "{}",
        said.out
    );
    let remote = tags.0.remote();
    let named = |tag: &str| {
        tags.0
            .git_in(&remote, &["rev-parse", &format!("{tag}^{{commit}}")])
    };
    assert_eq!(named("shop-v1.1.0"), named("shop-v1.1.0-rc.2"));
    tags.tidegate(&PROMOTE).exits(0).says("nothing to change");
}

#[test]
fn a_tag_that_is_taken_meanwhile_is_not_overwritten() {
    let tags = tagged(
        "refs = \"refs/tags/{env}-{version:semver}\"\nrow = \"shop\"",
        &["staging-1.0.0", "prod-1.0.0", "+", "staging-1.1.0"],
    );
    let hook = tags.0.remote().join("hooks/pre-receive");
    write(
        &hook,
        b"#!/bin/sh\necho 'tags are made by the release team' >&2\nexit 1\n",
    );
    tags.0
        .git_in(&tags.0.remote(), &["config", "core.hooksPath", "hooks"]);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&hook, mode).unwrap();
    tags.tidegate(&PROMOTE)
        .exits(1)
        .says("tags are made by the release team");
    let here = tags
        .0
        .git_in(&tags.0.clone_path(), &["tag", "--list", "prod-1.1.0"]);
    assert_eq!(here, "", "a tag that was refused is not here either");
}

/// The versions of services, by the files of a commit, and its tags.
type TaggedCommit<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);

/// Tags whose commits hold files that say the versions.
fn tagged_files(layout: &str, commits: &[TaggedCommit<'_>]) -> Branches {
    let branches = Branches::new(&format!("{TAGS}{layout}"));
    let this = &branches.0;
    let at = this.colleague();
    for (files, tags) in commits {
        for (service, version) in *files {
            this.write(&path(service), &values(version, 1));
        }
        this.git_in(&at, &["add", "-A"]);
        this.git_in(&at, &["commit", "-q", "--allow-empty", "-m", tags[0]]);
        for tag in *tags {
            this.git_in(&at, &["tag", tag]);
        }
    }
    this.git_in(&at, &["push", "-q", "--tags", "origin", "HEAD:main"]);
    branches.fetch();
    branches
}

/// What status shows of these cells, in order.
fn shown(branches: &Branches, cells: &[(&str, &str)]) -> Vec<String> {
    let status = branches.tidegate(&["status", "-o", "json"]).exits(0).json();
    let cells = cells.iter().map(|(service, environment)| {
        let version = row(&status, service)[*environment]["version"].clone();
        version.as_str().unwrap_or("-").to_owned()
    });
    cells.collect()
}

const FILES: &str = "path = \"deployments/{service}/values.yaml\"\nyaml = \"image.tag\"\nrefs = ";

#[test]
fn a_tag_whose_files_say_the_version_goes_back_to_the_commit_that_declared_it() {
    let layout = format!("{FILES}\"refs/tags/{{env}}-{{version:semver}}\"");
    // The tag prod-1.0.0 is not the one whose files say 1.0.0.
    let tags = tagged_files(
        &layout,
        &[
            (&[("shop", "2.0.0"), ("mail", "7")], &["prod-1.0.0"]),
            (&[("shop", "1.0.0"), ("mail", "8")], &["prod-1.1.0"]),
            (
                &[("shop", "3.0.0"), ("mail", "9")],
                &["prod-1.2.0", "staging-1.2.0"],
            ),
        ],
    );
    let cells = [("shop", "prod"), ("mail", "prod"), ("shop", "staging")];
    let said = tags.tidegate(&["revert", "shop", "prod", "--yes"]).exits(0);
    for words in [
        "revert shop / prod: 3.0.0 → 1.0.0",
        "revert mail / prod: 9 → 8 (comes along)",
    ] {
        assert!(said.out.contains(words), "{}", said.out);
    }
    tags.fetch();
    assert_eq!(shown(&tags, &cells), ["1.0.0", "8", "3.0.0"]);
    let remote = tags.0.remote();
    let named = |tag: &str| {
        let name = format!("{tag}^{{commit}}");
        tags.0.git_in(&remote, &["rev-parse", &name])
    };
    assert_eq!(named("prod-1.2.1"), named("prod-1.1.0"));
    let plan = tags
        .tidegate(&[
            "revert",
            "shop",
            "prod",
            "--to",
            "2.0.0",
            "--dry-run",
            "-o",
            "json",
        ])
        .exits(0)
        .json();
    assert_eq!(plan["changes"][0]["to"], json!("2.0.0"));
    assert_eq!(plan["changes"][1]["to"], json!("7"));
    let said = tags
        .tidegate(&["set", "shop", "prod", "1.0.5", "--yes"])
        .exits(1);
    let words = "files of the tagged commit say the version";
    assert!(said.out.contains(words), "{}", said.out);
}

#[test]
fn a_shared_tag_whose_files_say_the_version_moves_all_that_follow_it_and_says_so() {
    let layout = format!(
        "{FILES}\"refs/tags/{{version:semver}}\"\nrange = {{ staging = \">=1.0.0-rc.0\", prod = \">=1.0.0\" }}"
    );
    let tags = tagged_files(
        &layout,
        &[
            (&[("shop", "1.0.0"), ("mail", "7")], &["1.0.0"]),
            (
                &[("shop", "2.0.0"), ("mail", "7")],
                &["1.1.0-rc.1", "1.1.0"],
            ),
        ],
    );
    let cells = [("shop", "prod"), ("shop", "staging")];
    assert_eq!(shown(&tags, &cells), ["2.0.0", "2.0.0"]);
    let said = tags.tidegate(&["revert", "shop", "prod", "--yes"]).exits(0);
    let words = "revert shop / staging: 2.0.0 → 1.0.0 (comes along)";
    assert!(said.out.contains(words), "{}", said.out);
    tags.fetch();
    assert_eq!(shown(&tags, &cells), ["1.0.0", "1.0.0"]);
}

#[test]
fn a_merge_moves_what_other_layouts_read_of_the_branch_and_says_so() {
    let branches = Branches::new(
        r#"
[[environments]]
name = "staging"
[[environments]]
name = "main"
from = ["staging"]
[[environments]]
name = "dev"
[[layouts]]
refs = "refs/heads/{env:staging|main}"
path = "deployments/{service}/values.yaml"
yaml = "image.tag"
[[layouts]]
path = "all/{env}.yaml"
yaml = "{service}.tag"
"#,
    );
    branches.commit("main", "all/dev.yaml", "job: {tag: 5}\nold: {tag: 1}\n");
    let this = &branches.0;
    this.git_in(&this.remote(), &["branch", "-f", "staging", "main"]);
    branches.commit("staging", &path("shop"), &values("1.1.0", 1));
    branches.commit("staging", "all/dev.yaml", "job: {tag: 6}\nnew: {tag: 2}\n");
    branches.fetch();
    let promote = [
        "promote", "shop", "--from", "staging", "--to", "main", "-o", "json",
    ];
    let plan = branches
        .tidegate(&[&promote[..], &["--dry-run"]].concat())
        .exits(0)
        .json();
    let changes: Vec<String> = plan["changes"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|change| {
            let text = |key: &str| change[key].as_str().unwrap_or("-").to_owned();
            let (service, environment) = (text("service"), text("environment"));
            format!("{service} / {environment} {} {}", text("from"), text("to"))
        })
        .collect();
    assert_eq!(
        changes,
        [
            "shop / main 1.0.0 1.1.0",
            "job / dev 5 6",
            "new / dev - 2",
            "old / dev 1 -",
        ]
    );
    branches
        .tidegate(&[&promote[..], &["--yes"]].concat())
        .exits(0);
}

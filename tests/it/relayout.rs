//! Histories past a change of the layout itself: what was reverted before it is known after it.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::support::repo::{Repository, ran, write};

const FILES: &str = "[[layouts]]\npath = \"{env}/{service}.yaml\"\nyaml = \"image.tag\"\n";
const ONE: &str = "[[layouts]]\npath = \"{env}.yaml\"\nyaml = \"{service}.image.tag\"\n";
const FOLDERS: &str =
    "[[layouts]]\npath = \"deploy/{service}/{env}.env\"\nregex = 'TAG=(?P<v>\\S+)'\n";

fn configuration(prod: &str, layouts: &str) -> String {
    format!(
        "[[environments]]\nname = \"staging\"\n[[environments]]\nname = \"{prod}\"\nfrom = [\"staging\"]\nprotected = true\n{layouts}"
    )
}

/// `staging/web.yaml`
fn file(version: &str) -> String {
    format!("image:\n  tag: \"{version}\"\n")
}

/// `staging.yaml`
fn one(version: &str) -> String {
    format!("# all services\nweb: {{image: {{tag: \"{version}\"}}}}\n")
}

/// Version 2 came to staging and prod and was taken back in prod, by a file for each cell.
fn story() -> Repository {
    let repository = Repository::empty();
    repository.write("tidegate.toml", &configuration("prod", FILES));
    for environment in ["staging", "prod"] {
        repository.write(&format!("{environment}/web.yaml"), &file("1"));
    }
    repository.publish("Initial versions");
    for (environment, version) in [("staging", "2"), ("prod", "2"), ("prod", "1")] {
        repository.write(&format!("{environment}/web.yaml"), &file(version));
        repository.publish(&format!("{environment}: {version}"));
    }
    repository
}

fn remove(repository: &Repository, paths: &[&str]) {
    let all = [&["rm", "-rq"], paths].concat();
    repository.git_in(&repository.colleague(), &all);
}

/// From a file for each cell to one for each environment; what `prod` says then.
fn to_one(repository: &Repository, prod: &str) {
    remove(repository, &["staging", "prod"]);
    add_one(repository, prod);
}

/// One file for each environment.
fn add_one(repository: &Repository, prod: &str) {
    repository.write("staging.yaml", &one("2"));
    repository.write("prod.yaml", &one(prod));
}

/// So many commits of something else.
fn others(repository: &Repository, count: usize) {
    let mut stream = String::new();
    for number in 0..count {
        let from = if number == 0 {
            "from refs/heads/main^0\n"
        } else {
            ""
        };
        let text = format!("{number}\n");
        let time = 1_781_000_000 + number;
        let _ = write!(
            stream,
            "commit refs/heads/main\ncommitter Jane <jane@example.com> {time} +0000\ndata 5\nother\n{from}\
             M 644 inline README.md\ndata {}\n{text}\n",
            text.len(),
        );
    }
    let at = repository.colleague();
    let mut import = repository.command("git");
    import.args(["fast-import", "--quiet"]).current_dir(&at);
    ran(import, &stream).exits(0);
    repository.git_in(&at, &["reset", "-q", "--hard", "main"]);
}

/// The clone lacks a file of an earlier commit.
#[allow(clippy::expect_used)] // a harness fails by panicking
fn lose(repository: &Repository, named: &str) {
    repository.pull();
    let clone = repository.clone_path();
    let blob = repository.git_in(&clone, &["rev-parse", named]);
    let object = clone.join(".git/objects").join(&blob[..2]).join(&blob[2..]);
    std::fs::remove_file(object).expect("a loose object");
}

fn history(repository: &Repository, environment: &str) -> Vec<Value> {
    let told = repository
        .tidegate(&["history", "web", environment, "-o", "json"])
        .exits(0)
        .json();
    told["values"].as_array().cloned().unwrap_or_default()
}

/// What the gate says of promoting staging's version: (outcome, detail).
fn reverted(repository: &Repository, to: &str) -> (String, String) {
    let arguments = [
        "promote",
        "web",
        "--from",
        "staging",
        "--to",
        to,
        "--dry-run",
        "-o",
        "json",
    ];
    let plan = repository.tidegate(&arguments).json();
    let verdicts = plan["changes"][0]["verdicts"].as_array();
    let mut verdicts = verdicts.into_iter().flatten();
    let verdict = verdicts
        .find(|verdict| verdict["gate"] == "reverted")
        .cloned()
        .unwrap_or_default();
    let text = |key: &str| verdict[key].as_str().unwrap_or_default().to_owned();
    (text("outcome"), text("detail"))
}

#[test]
fn a_layout_that_changed_does_not_end_a_history() {
    type Case = (&'static str, fn(&Repository), &'static [&'static str]);
    let cases: [Case; 10] = [
        (
            "files and configuration in one commit",
            |repository| {
                to_one(repository, "1");
                repository.write("tidegate.toml", &configuration("prod", ONE));
                repository.publish("one file for each environment");
            },
            &["1", "2", "1"],
        ),
        (
            "the value changed with it",
            |repository| {
                to_one(repository, "3");
                repository.write("tidegate.toml", &configuration("prod", ONE));
                repository.publish("one file for each environment, and 3");
            },
            &["3", "1", "2", "1"],
        ),
        (
            "the configuration after the files",
            |repository| {
                to_one(repository, "1");
                repository.publish("one file for each environment");
                repository.write("tidegate.toml", &configuration("prod", ONE));
                repository.publish("configure it");
            },
            &["1", "2", "1"],
        ),
        (
            "the configuration before the files",
            |repository| {
                repository.write("tidegate.toml", &configuration("prod", ONE));
                repository.publish("configure it");
                to_one(repository, "1");
                repository.publish("one file for each environment");
            },
            &["1", "2", "1"],
        ),
        (
            "the configuration before the files, and something else of it between",
            |repository| {
                repository.write("tidegate.toml", &configuration("prod", ONE));
                repository.publish("configure it");
                let more = format!("# all of them\n{}", configuration("prod", ONE));
                repository.write("tidegate.toml", &more);
                repository.publish("a comment");
                to_one(repository, "1");
                repository.publish("one file for each environment");
            },
            &["1", "2", "1"],
        ),
        (
            "the configuration long before the files",
            |repository| {
                repository.write("tidegate.toml", &configuration("prod", ONE));
                repository.publish("configure it");
                others(repository, 450);
                to_one(repository, "1");
                repository.publish("one file for each environment");
            },
            &["1", "2", "1"],
        ),
        (
            "another format, and twice",
            |repository| {
                to_one(repository, "1");
                repository.write("tidegate.toml", &configuration("prod", ONE));
                repository.publish("one file for each environment");
                repository.write("prod.yaml", &one("4"));
                repository.publish("prod: 4");
                remove(repository, &["staging.yaml", "prod.yaml"]);
                repository.write("deploy/web/staging.env", "TAG=2\n");
                repository.write("deploy/web/prod.env", "TAG=4\n");
                repository.write("tidegate.toml", &configuration("prod", FOLDERS));
                repository.publish("a folder for each service");
            },
            &["4", "1", "2", "1"],
        ),
        (
            "no layout was configured before",
            |repository| {
                let environments = configuration("prod", "");
                repository.write("tidegate.toml", &environments);
                repository.publish("as it looks");
                to_one(repository, "1");
                repository.write("tidegate.toml", &configuration("prod", ONE));
                repository.publish("one file for each environment");
            },
            &["1", "2", "1"],
        ),
        (
            "brought by a merge",
            |repository| {
                let at = repository.colleague();
                repository.git_in(&at, &["checkout", "-q", "-b", "layout"]);
                to_one(repository, "1");
                repository.write("tidegate.toml", &configuration("prod", ONE));
                repository.git_in(&at, &["add", "-A"]);
                repository.git_in(&at, &["commit", "-q", "-m", "one file"]);
                repository.git_in(&at, &["checkout", "-q", "main"]);
                let merge = ["merge", "-q", "--no-ff", "-m", "Merge layout", "layout"];
                repository.git_in(&at, &merge);
                repository.write("README.md", "x");
                repository.publish("nothing else");
            },
            &["1", "2", "1"],
        ),
        (
            "only the place changed, and the configuration",
            |repository| {
                let at = repository.colleague();
                repository.git_in(&at, &["mv", "prod", "live"]);
                repository.git_in(&at, &["mv", "staging", "next"]);
                let moved = "[[layouts]]\npath = \"{env}/{service}.yaml\"\nyaml = \"image.tag\"\n\
                             alias = { live = \"prod\", next = \"staging\" }\n";
                repository.write("tidegate.toml", &configuration("prod", moved));
                repository.publish("other folders");
            },
            &["1", "2", "1"],
        ),
    ];
    for (name, relayout, versions) in cases {
        let repository = story();
        relayout(&repository);
        repository.pull();
        for _ in ["cold", "warm"] {
            let values = history(&repository, "prod");
            let told: Vec<&Value> = values.iter().map(|value| &value["version"]).collect();
            assert_eq!(told, versions, "{name}");
            assert!(values.iter().any(|it| !it["moved"].is_null()), "{name}");
            let kinds: Vec<&Value> = values.iter().map(|value| &value["kind"]).collect();
            let oldest = &kinds[kinds.len() - 3..];
            assert_eq!(oldest, ["revert", "promotion", "initial"], "{name}");
        }
        let (outcome, detail) = reverted(&repository, "prod");
        assert_eq!(outcome, "hold", "{name}: {detail}");
        assert!(detail.contains("2 was reverted here"), "{name}: {detail}");
        let arguments = [
            "revert",
            "web",
            "prod",
            "--to",
            "2",
            "--dry-run",
            "-o",
            "json",
        ];
        let plan = repository.tidegate(&arguments).exits(0).json();
        assert_eq!(plan["changes"][0]["to"], json!("2"), "{name}");
    }
}

#[test]
fn what_cannot_be_known_is_not_called_not_reverted() {
    type Case = (
        &'static str,
        fn(&Repository),
        &'static str,
        &'static str,
        &'static str,
    );
    let cases: [Case; 12] = [
        (
            "the environment has another name since",
            |repository| {
                to_one(repository, "1");
                let at = repository.colleague();
                repository.git_in(&at, &["add", "-A"]);
                repository.git_in(&at, &["mv", "prod.yaml", "production.yaml"]);
                repository.write("tidegate.toml", &configuration("production", ONE));
                repository.publish("one file for each environment");
            },
            "production",
            "hold",
            "took prod away",
        ),
        (
            "the environment was a branch, and its file came to main first",
            |repository| {
                let layout = FILES.replace(
                    "[[layouts]]\n",
                    "[[layouts]]\nrefs = \"refs/heads/{env}\"\n",
                );
                remove(repository, &["staging", "prod"]);
                repository.write("tidegate.toml", &configuration("prod", &layout));
                repository.publish("branches");
                add_one(repository, "1");
                repository.publish("a file for each environment");
                repository.write("tidegate.toml", &configuration("prod", ONE));
                repository.publish("read them");
            },
            "prod",
            "hold",
            "read other refs than",
        ),
        (
            "the environments were tags, beside others on main",
            |repository| {
                let tags = FILES.replace(
                    "[[layouts]]\n",
                    "[[layouts]]\nrefs = \"refs/tags/{env}-{version:semver}\"\n",
                );
                let other =
                    "[[layouts]]\npath = \"other/{env}/{service}.yaml\"\nyaml = \"image.tag\"\n";
                remove(repository, &["staging", "prod"]);
                let both = format!("{tags}{other}");
                repository.write("tidegate.toml", &configuration("prod", &both));
                repository.publish("tags");
                add_one(repository, "1");
                repository.write("tidegate.toml", &configuration("prod", ONE));
                repository.publish("a file for each environment");
            },
            "prod",
            "hold",
            "`refs/tags/{env}-{version:semver}`",
        ),
        (
            "the environments were in another repository, beside others in this",
            |repository| {
                let there = FILES.replace("[[layouts]]\n", "[[layouts]]\nrepository = \"apps\"\n");
                let other =
                    "[[layouts]]\npath = \"other/{env}/{service}.yaml\"\nyaml = \"image.tag\"\n";
                remove(repository, &["staging", "prod"]);
                let both = format!(
                    "[[repositories]]\nname = \"apps\"\npath = \"../apps\"\n{there}{other}"
                );
                repository.write("tidegate.toml", &configuration("prod", &both));
                repository.publish("apps");
                add_one(repository, "1");
                repository.write("tidegate.toml", &configuration("prod", ONE));
                repository.publish("a file for each environment");
            },
            "prod",
            "hold",
            "read files of apps too",
        ),
        (
            "what was configured then cannot be read",
            |repository| {
                repository.write("tidegate.toml", "[[layouts]\n");
                repository.publish("broken");
                to_one(repository, "1");
                repository.write("tidegate.toml", &configuration("prod", ONE));
                repository.publish("one file for each environment");
            },
            "prod",
            "hold",
            "cannot be read by this version",
        ),
        (
            "what was configured then is not here",
            |repository| {
                to_one(repository, "1");
                repository.write("tidegate.toml", &configuration("prod", ONE));
                repository.publish("one file for each environment");
                lose(repository, "main~4:tidegate.toml");
            },
            "prod",
            "hold",
            "an object is missing",
        ),
        (
            "a folder of then is not here",
            |repository| {
                to_one(repository, "1");
                repository.write("tidegate.toml", &configuration("prod", ONE));
                repository.publish("one file for each environment");
                lose(repository, "main~4:prod");
            },
            "prod",
            "hold",
            "an object is missing",
        ),
        (
            "a file of then is not here",
            |repository| {
                to_one(repository, "1");
                repository.write("tidegate.toml", &configuration("prod", ONE));
                repository.publish("one file for each environment");
                lose(repository, "main~1:prod/web.yaml");
            },
            "prod",
            "hold",
            "cannot be read",
        ),
        (
            "what was configured before the files changed cannot be read",
            |repository| {
                repository.write("tidegate.toml", "[[layouts]\n");
                repository.publish("broken");
                repository.write("tidegate.toml", &configuration("prod", ONE));
                repository.publish("configured");
                to_one(repository, "1");
                repository.publish("one file for each environment");
            },
            "prod",
            "hold",
            "cannot be read by this version",
        ),
        (
            "more often than anybody looks",
            |repository| {
                remove(repository, &["staging", "prod"]);
                for number in 0..33 {
                    if number > 0 {
                        remove(repository, &[&format!("v{}", number - 1)]);
                    }
                    for (environment, version) in [("staging", "2"), ("prod", "1")] {
                        let other = format!("# {number} is unlike any other\n").repeat(20);
                        let text = format!("{other}web: {{k{number}: \"{version}\"}}\n");
                        repository.write(&format!("v{number}/{environment}.yaml"), &text);
                    }
                    let layout = format!(
                        "[[layouts]]\npath = \"v{number}/{{env}}.yaml\"\nyaml = \"{{service}}.k{number}\"\n"
                    );
                    repository.write("tidegate.toml", &configuration("prod", &layout));
                    repository.publish("another layout");
                }
            },
            "prod",
            "hold",
            "32 configurations",
        ),
        (
            "the environment is new",
            |repository| {
                let more =
                    "[[environments]]\nname = \"live\"\nfrom = [\"staging\"]\nprotected = true\n";
                repository.write("tidegate.toml", &(configuration("prod", FILES) + more));
                repository.write("live/web.yaml", &file("1"));
                repository.publish("live");
            },
            "live",
            "pass",
            "2 was not reverted here",
        ),
        (
            "the service is new, after the layout",
            |repository| {
                let at = repository.colleague();
                repository.git_in(&at, &["mv", "staging/web.yaml", "staging/old.yaml"]);
                remove(repository, &["prod"]);
                repository.publish("no web");
                repository.write("tidegate.toml", &configuration("prod", ONE));
                repository.write("staging.yaml", &one("2"));
                repository.write("prod.yaml", &one("1"));
                repository.publish("web in one file for each environment");
            },
            "prod",
            "pass",
            "2 was not reverted here",
        ),
    ];
    for (name, relayout, environment, outcome, words) in cases {
        let repository = story();
        relayout(&repository);
        repository.pull();
        let (told, detail) = reverted(&repository, environment);
        assert_eq!(told, outcome, "{name}: {detail}");
        assert!(detail.contains(words), "{name}: {detail}");
        let said = repository
            .tidegate(&["history", "web", environment])
            .exits(0);
        let told = said.err.contains(words);
        assert_eq!(told, outcome == "hold", "{name}: {}", said.err);
        let traced = repository.tidegate(&["trace", "web", "1"]).exits(0);
        let told =
            traced.err.contains("what was before is not known") && traced.err.contains(words);
        assert_eq!(told, outcome == "hold", "{name}: {}", traced.err);
        let traced = repository.tidegate(&["trace", "web", "1", "-o", "json"]);
        let traced = traced.json();
        let places = traced["environments"].as_array().into_iter().flatten();
        let mut place = places.filter(|place| place["environment"] == environment);
        let why = place.next().and_then(|it| it["unknown_before"].as_str());
        let told = why.is_some_and(|why| why.contains(words));
        assert_eq!(told, outcome == "hold", "{name}: {traced}");
    }
}

#[test]
fn a_shallow_clone_does_not_know_whether_something_was_reverted() {
    let repository = story();
    repository.write("README.md", "x\n");
    repository.publish("other");
    let at = repository.home();
    std::fs::create_dir_all(&at).expect("a folder");
    let url = format!("file://{}", repository.remote().display());
    repository.git_in(&at, &["clone", "-q", "--depth", "1", &url, "shallow"]);
    let arguments = [
        "promote", "web", "--from", "staging", "--to", "prod", "--yes",
    ];
    let said = repository.run(&at.join("shallow"), &arguments, "", &[]);
    said.exits(3)
        .shows("fetch the rest (git fetch --unshallow)");
}

/// What is configured beside the repository says nothing of what was in effect then: where files went, nobody knows.
#[test]
fn what_is_configured_beside_a_repository_makes_no_beginning_of_what_moved() {
    for (name, moves, expected) in [
        ("what was there went", true, "took files away"),
        ("nothing went", false, ""),
    ] {
        let repository = Repository::empty();
        let old = "deploy/web/prod.env";
        repository.write(old, "TAG=1\n");
        repository.write("README.md", "x\n");
        repository.publish("before");
        if moves {
            remove(&repository, &[old]);
        }
        add_one(&repository, "1");
        repository.publish("one file for each environment");
        repository.pull();
        let beside = repository.clone_path().join("../tidegate.toml");
        write(&beside, configuration("prod", ONE).as_bytes());
        let arguments = ["history", "web", "prod", "--config", "../tidegate.toml"];
        let told = repository.tidegate(&arguments).exits(0);
        let is_said = told
            .err
            .contains("what was before the oldest value is not known");
        assert_eq!(is_said, moves, "{name}: {}", told.err);
        assert!(told.err.contains(expected), "{name}: {}", told.err);
    }
}

const NOT_KNOWN: &str = "took prod away";

#[test]
fn an_environment_is_lost_only_with_what_it_had_of_the_service() {
    // The environment has another name since, and its history goes on to where it began.
    let repository = Repository::empty();
    repository.write("tidegate.toml", &configuration("prod", FILES));
    repository.write("staging/web.yaml", &file("1"));
    repository.publish("staging");
    for version in ["1", "2"] {
        repository.write("prod/web.yaml", &file(version));
        repository.publish(version);
    }
    let at = repository.colleague();
    repository.git_in(&at, &["mv", "prod", "production"]);
    repository.write("tidegate.toml", &configuration("production", FILES));
    repository.publish("another name");
    repository.pull();
    let said = repository
        .tidegate(&["history", "web", "production"])
        .exits(0);
    assert!(
        !format!("{}{}", said.out, said.err).contains(NOT_KNOWN),
        "{}",
        said.err
    );

    // It was copied: what it was copied from goes later.
    let repository = Repository::empty();
    repository.write("tidegate.toml", &configuration("prod", FILES));
    for environment in ["staging", "prod"] {
        repository.write(&format!("{environment}/web.yaml"), &file("1"));
    }
    repository.publish("Initial");
    repository.write("production/web.yaml", &file("1"));
    repository.write("tidegate.toml", &configuration("production", FILES));
    repository.publish("a copy");
    remove(&repository, &["prod"]);
    repository.publish("prod goes");
    repository.pull();
    let said = repository
        .tidegate(&["history", "web", "production"])
        .exits(0);
    assert!(
        !format!("{}{}", said.out, said.err).contains(NOT_KNOWN),
        "{}",
        said.err
    );
}

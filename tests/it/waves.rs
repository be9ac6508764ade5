//! Plans in waves: what a service needs goes before it, and is healthy before it goes.

#![allow(clippy::unwrap_used)] // helpers fail by panicking
use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};

use crate::support::{
    demo::Operated,
    repo::{CONFIGURATION, Repository, Said, kustomization, overlay},
    schema::assert_described,
};

const NEEDS: &str =
    "\n[[dependencies]]\nservice = \"checkout\"\nneeds = \"payments\"\nversion = \">=1\"\n";

/// `checkout`, which needs `payments`, and `mail` are 1.1.0 in staging and 1.0.0 in prod, as `payments` is.
pub fn repository() -> Repository {
    let repository = Repository::seeded();
    repository.write("tidegate.toml", &format!("{CONFIGURATION}{NEEDS}"));
    for environment in ["dev", "staging", "prod"] {
        repository.write(
            &overlay("mail", environment),
            &kustomization("mail", "1.0.0"),
        );
    }
    repository.publish("Mail, and what needs what");
    for service in ["checkout", "payments", "mail"] {
        repository.bump(service, "staging", "1.1.0");
    }
    repository.pull();
    repository
}

pub fn subjects(repository: &Repository, count: usize) -> Vec<String> {
    let count = format!("-{count}");
    let log = repository.git_in(
        &repository.remote(),
        &["log", &count, "--format=%s", "main"],
    );
    log.lines().map(str::to_owned).collect()
}

const PROMOTE: [&str; 6] = ["promote", "--all", "--from", "staging", "--to", "prod"];

#[test]
fn what_is_needed_is_a_commit_before_what_needs_it() {
    let repository = repository();
    let dry = repository
        .tidegate(&[&PROMOTE[..], &["--dry-run", "-o", "json"]].concat())
        .exits(0)
        .json();
    assert_described(&dry);
    let cells = |wave: &Value, field: &str| -> Vec<String> {
        let cells = wave[field].as_array().unwrap().iter();
        cells
            .map(|cell| cell["service"].as_str().unwrap().to_owned())
            .collect()
    };
    let waves = dry["waves"].as_array().unwrap();
    assert_eq!(waves.len(), 2);
    assert_eq!(cells(&waves[0], "cells"), ["mail", "payments"]);
    assert_eq!(cells(&waves[1], "cells"), ["checkout"]);
    assert_eq!(cells(&waves[1], "after"), ["payments"]);
    repository
        .tidegate(&[&PROMOTE[..], &["--dry-run"]].concat())
        .exits(0)
        .shows("  wave 1: mail / prod, payments / prod")
        .shows("→ wave 2: checkout / prod   when healthy: payments / prod");
    let done = repository
        .tidegate(&[&PROMOTE[..], &["--yes", "-o", "json"]].concat())
        .exits(0)
        .says("wave 2 of 2: checkout / prod")
        .json();
    assert_eq!(done["outcome"], "pushed");
    assert_eq!(done["delivered"].as_array().unwrap().len(), 2);
    let expected = [
        "promote checkout 1.0.0 → 1.1.0 to prod",
        "promote mail, payments from staging to prod",
    ];
    assert_eq!(subjects(&repository, 2), expected);
    // What needs nothing of the plan is one commit, as ever.
    let file = repository.clone_path().join("../back.json");
    let back = json!([
        { "service": "checkout", "environment": "prod", "version": "1.0.0" },
        { "service": "mail", "environment": "prod", "version": "1.0.0" },
    ]);
    fs::write(file, back.to_string()).unwrap();
    repository
        .tidegate(&[
            "set",
            "--changes",
            "../back.json",
            "--yes",
            "--override",
            "upstream",
            "--reason",
            "back",
        ])
        .exits(0);
    assert_eq!(subjects(&repository, 1), ["set checkout, mail in prod"]);
}

#[test]
fn a_plan_in_waves_is_a_file_like_any_other() {
    let repository = repository();
    let plan = repository
        .tidegate(&[&["plan"], &PROMOTE[..], &["-o", "json"]].concat())
        .exits(0);
    let at = repository.clone_path();
    let apply = ["apply", "-", "--yes", "-o", "json"];
    repository.run(&at, &apply, &plan.out, &[]).exits(0);
    assert_eq!(
        subjects(&repository, 1),
        ["promote checkout 1.0.0 → 1.1.0 to prod"]
    );
    let again = repository.run(&at, &apply, &plan.out, &[]).exits(0).json();
    assert_eq!(again["outcome"], "already-applied");
    // Half of it is not all of it.
    repository
        .tidegate(&["revert", "checkout", "prod", "--yes"])
        .exits(0);
    repository
        .run(&at, &apply, &plan.out, &[])
        .exits(5)
        .says("wave 1 of it is applied (")
        .says("plan the rest again");
}

#[test]
fn what_stops_between_waves_says_what_is_written_and_what_is_not() {
    let repository = repository();
    let plan = repository
        .tidegate(&[&["plan"], &PROMOTE[..], &["-o", "json"]].concat())
        .exits(0);
    // The remote takes the first wave alone.
    let hook = repository.remote().join("hooks/update");
    let text = "#!/bin/sh\ngit diff --name-only \"$2\" \"$3\" | grep -q checkout || exit 0\necho 'not checkout' >&2; exit 1\n";
    fs::write(&hook, text).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let at = repository.clone_path();
    let apply = ["apply", "-", "--yes", "-o", "json"];
    let stopped = repository
        .run(&at, &apply, &plan.out, &[])
        .exits(1)
        .says("done before, and stays: ")
        .says("nothing more was written");
    assert_eq!(stopped.json()["parts"].as_array().unwrap().len(), 1);
    let again = repository.run(&at, &apply, &plan.out, &[]).exits(5);
    assert!(!again.err.contains("by another way"), "{}", again.err);
    again.says("wave 1 of it is applied (");
}

/// The demo's configuration without what its gates ask, and without what needs what.
fn ungated(text: &str) -> String {
    let asks = [
        "soak",
        "together",
        "registry",
        "http",
        "[[dependencies]]",
        "service = ",
        "needs",
        "version",
    ];
    let kept = text
        .lines()
        .filter(|line| asks.iter().all(|asks| !line.starts_with(asks)));
    kept.fold(String::new(), |all, line| all + line + "\n")
}

/// A `set` of two services in prod-eu of the demo, one of which needs the other.
async fn set_in_waves(
    (service, needs): (&str, &str),
    versions: &[(&str, &str)],
    more: &[&str],
) -> (Operated, Said) {
    let operated = Operated::start(20.0).await;
    let needs = format!(
        "\n[[dependencies]]\nservice = \"{service}\"\nneeds = \"{needs}\"\nversion = \">=1\"\n"
    );
    let configuration = ungated(&operated.configuration()) + &needs;
    let configuration = operated.file("needs.toml", &configuration);
    let wanted: Vec<Value> = versions
        .iter()
        .map(|(service, version)| {
            json!({ "service": service, "environment": "prod-eu", "version": version })
        })
        .collect();
    let changes = operated.file("changes.json", &json!(wanted).to_string());
    let (changes, configuration) = (changes.display(), configuration.display());
    let (changes, configuration) = (changes.to_string(), configuration.to_string());
    let files = ["--changes", &changes, "--config", &configuration];
    let set = [
        "set",
        "--yes",
        "-o",
        "json",
        "--override",
        "upstream",
        "--reason",
        "By hand",
    ];
    let said = operated.tidegate(&[&set[..], &files, more].concat()).await;
    (operated, said)
}

/// `search` needs `checkout`, whose new version crashes in prod-eu.
#[tokio::test(flavor = "multi_thread")]
async fn what_fails_stops_the_rest_and_says_how_to_go_back() {
    let versions = [("search", "8.3.1"), ("checkout", "1.42.0")];
    let (_operated, said) = set_in_waves(("search", "checkout"), &versions, &[]).await;
    let said = said
        .exits(1)
        .says("wave 1 of 2: checkout / prod-eu")
        .says("wave 1 of 2 failed: checkout / prod-eu: ")
        .says("wave 1 of 2 stopped the rest, which is not written: search / prod-eu")
        .says("go back with the wave: tidegate revert checkout prod-eu --wait");
    let plan = said.json();
    assert_eq!(plan["outcome"], "stopped");
    assert_eq!(plan["delivered"][0]["healthy"], false);
}

/// `checkout`, whose new version crashes in prod-eu, needs `search`: both go back, by one commit that says so.
#[tokio::test(flavor = "multi_thread")]
async fn what_failed_in_its_second_wave_goes_back_whole() {
    let versions = [("search", "8.2.0"), ("checkout", "1.42.0")];
    let more = ["--revert-on-failure"];
    let (operated, said) = set_in_waves(("checkout", "search"), &versions, &more).await;
    let said = said
        .exits(1)
        .says("wave 2 of 2 failed: checkout / prod-eu: ")
        .says("taken back, because its rollout failed: ");
    let plan = said.json();
    assert_eq!(plan["outcome"], "reverted");
    assert_eq!(plan["parts"].as_array().unwrap().len(), 1, "one commit");
    let commit = plan["parts"][0]["commit"].as_str().unwrap();
    let git = |arguments: &[&str]| operated.home.git_in(&operated.demo.clone, arguments);
    let message = git(&["show", "-s", "--format=%B", commit]);
    let changed = git(&["show", "--name-only", "--format=", "-m", commit]);
    for service in ["search", "checkout"] {
        assert!(message.contains(service), "{message}");
        assert!(changed.contains(service), "{changed}");
    }
}

//! Completion scripts, what they ask for, the manual and the schemas.

use std::process::Command;

use crate::support::{
    repo::{Repository, ran},
    schema,
    terminal::TIDEGATE,
};

/// What the program answers to bash for this line, whose last word is being typed.
fn completed(repository: &Repository, line: &[&str]) -> Vec<String> {
    let mut command = repository.command(TIDEGATE);
    command
        .current_dir(repository.clone_path())
        .env("TIDEGATE_COMPLETE", "bash")
        .env("_CLAP_IFS", "\n")
        .env("_CLAP_COMPLETE_INDEX", line.len().to_string())
        .env("_CLAP_COMPLETE_COMP_TYPE", "9")
        .env("_CLAP_COMPLETE_SPACE", "true")
        .args(["--", "tidegate"])
        .args(line);
    let said = ran(command, "").exits(0);
    assert_eq!(said.err, "", "{line:?}");
    said.out
        .lines()
        .map(|word| word.trim().to_owned())
        .collect()
}

#[test]
fn services_environments_and_versions_come_from_the_repository() {
    let repository = Repository::seeded();
    repository.bump("checkout", "dev", "1.1.0");
    repository.pull();
    let cases: &[(&[&str], &[&str])] = &[
        (&["hist"], &["history"]),
        (&["history", ""], &["checkout", "payments"]),
        (&["history", "pay"], &["payments"]),
        (&["history", "payments", ""], &["dev", "staging", "prod"]),
        (&["promote", "checkout", "--from", "d"], &["dev"]),
        (&["promote", "checkout", "--to=p"], &["--to=prod"]),
        (&["promote", "--except", "ch"], &["checkout"]),
        (&["set", "checkout", "dev", "1"], &["1.0.0", "1.1.0"]),
        (&["set", "payments", "dev", "1"], &["1.0.0"]),
        (&["trace", "checkout", "1.1"], &["1.1.0"]),
        (
            &["revert", "checkout", "prod", "--deliver", "b"],
            &["branch"],
        ),
        (&["schema", "st"], &["status"]),
        (&["completions", "z"], &["zsh"]),
    ];
    for (line, expected) in cases {
        let mut found = completed(&repository, line);
        found
            .retain(|word| !word.starts_with("--") || line.last().is_some_and(|w| w.contains('=')));
        assert_eq!(found, *expected, "{line:?}");
    }
    // From anywhere, by what is typed before.
    let place = repository.clone_path().display().to_string();
    let line = ["--repo", &place, "history", "pay"];
    assert_eq!(completed(&repository, &line), ["payments"]);
}

#[test]
fn where_there_is_nothing_to_complete_nothing_is_said() {
    let empty = tempfile::tempdir().unwrap();
    let repository = Repository::seeded();
    let place = empty.path().display().to_string();
    for line in [
        &["--repo", &place, "history", "p"][..],
        &["--repo", "/nowhere/at/all", "history", "p"],
        &["--config", "/nowhere/at/all.toml", "history", "p"],
        &[
            "--repo",
            "ssh://nobody@localhost:1/none.git",
            "history",
            "p",
        ],
        &["nonsense", ""],
    ] {
        let found = completed(&repository, line);
        assert!(
            !found.iter().any(|word| word == "payments"),
            "{line:?}: {found:?}"
        );
    }
    repository.write("tidegate.toml", "layouts = 7\n");
    repository.publish("Break it");
    repository.pull();
    assert_eq!(
        completed(&repository, &["history", "pay"]),
        Vec::<String>::new()
    );
}

#[test]
fn each_shell_gets_a_script_that_asks_the_program() {
    let repository = Repository::seeded();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        repository
            .tidegate(&["completions", shell])
            .exits(0)
            .shows("TIDEGATE_COMPLETE")
            .shows("tidegate");
    }
    repository.tidegate(&["completions", "cmd"]).exits(2);
    // Bash at least takes it.
    let script = repository.tidegate(&["completions", "bash"]).exits(0).out;
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-n", "/dev/stdin"]);
    ran(bash, &script).exits(0);
}

#[test]
fn the_manual_is_of_the_program_or_of_a_command() {
    let repository = Repository::seeded();
    repository
        .tidegate(&["man"])
        .exits(0)
        .shows(".TH tidegate 1")
        .shows("promote");
    repository
        .tidegate(&["man", "status"])
        .exits(0)
        .shows(".TH tidegate-status 1")
        .shows("changed");
    repository
        .tidegate(&["man", "statsu"])
        .exits(2)
        .says("there is no command `statsu`; did you mean `status`?");
}

#[test]
fn schemas_need_no_repository() {
    for (shape, key) in [
        ("config", "environments"),
        ("user", "theme"),
        ("status", "services"),
        ("plan", "changes"),
    ] {
        assert!(schema::of(shape)["properties"][key].is_object(), "{shape}");
    }
}

//! Remotes that are pushed elsewhere than they are fetched from, hooks that are not run, and the server's default branch.
#![allow(clippy::expect_used)] // a harness fails by panicking

use std::{os::unix::fs::PermissionsExt, path::Path};

use crate::support::repo::{Repository, overlay, write};

const PROMOTE: [&str; 7] = [
    "promote", "checkout", "--from", "dev", "--to", "staging", "--yes",
];

/// A seeded repository with something to promote.
fn with_a_new_version() -> Repository {
    let repository = Repository::seeded();
    repository.bump("checkout", "dev", "1.1.0");
    repository
}

/// Another bare repository with what the remote has now.
fn second(repository: &Repository, name: &str) -> String {
    let remote = repository.remote();
    let folder = remote.parent().expect("its folder").join(name);
    let shown = folder.display().to_string();
    repository.git_in(
        &remote,
        &[
            "clone",
            "-q",
            "--bare",
            &remote.display().to_string(),
            &shown,
        ],
    );
    shown
}

fn configure(repository: &Repository, key: &str, value: &str) {
    repository.git_in(&repository.clone_path(), &["config", "--add", key, value]);
}

fn hook(repository: &Path, name: &str, script: &str) {
    let file = repository.join("hooks").join(name);
    write(&file, format!("#!/bin/sh\n{script}\n").as_bytes());
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("its mode");
}

#[test]
fn a_push_to_a_fork_is_no_success_where_nobody_fetches_it() {
    let repository = with_a_new_version();
    let before = repository.tip();
    let fork = second(&repository, "fork");
    configure(&repository, "remote.origin.pushurl", &fork);
    let said = repository.tidegate(&PROMOTE).exits(1);
    let note = format!("pushed to {fork}: it is done when origin has it where it is fetched");
    assert!(said.out.contains(&note), "{}", said.out);
    assert!(!said.err.contains("is on origin/main"), "{}", said.err);
    said.says(&format!(
        "was pushed to {fork}; origin/main does not have it yet"
    ));
    assert_eq!(repository.tip(), before);
    // What was pushed elsewhere is not taken for what is declared.
    let tracking = repository.git_in(&repository.clone_path(), &["rev-parse", "origin/main"]);
    assert_eq!(tracking, before);

    // The next push is refused there; the refusal says which ref is elsewhere, and by whom.
    let said = repository
        .tidegate(&["set", "payments", "dev", "2.0.0", "--yes"])
        .exits(1);
    for part in [
        "main is at",
        "Ola Operator",
        "promote checkout 1.0.0 → 1.1.0",
        &fork,
    ] {
        assert!(said.err.contains(part), "{part}: {}", said.err);
    }
}

#[test]
fn in_json_a_push_to_a_fork_names_where_it_went() {
    let repository = with_a_new_version();
    let fork = second(&repository, "fork");
    // The other way to the same.
    let base = format!("url.{fork}.pushInsteadOf");
    configure(
        &repository,
        &base,
        &repository.remote().display().to_string(),
    );
    let said = repository
        .tidegate(&[&PROMOTE[..], &["-o", "json"]].concat())
        .exits(1);
    let json = said.json();
    assert_eq!(json["outcome"], "elsewhere");
    assert_eq!(json["parts"][0]["pushed_to"][0], fork.as_str());
    assert!(json["notes"][0].to_string().contains("pushed to"), "{json}");
}

#[test]
fn a_replica_that_follows_within_moments_is_waited_for() {
    let repository = with_a_new_version();
    let primary = second(&repository, "primary");
    configure(&repository, "remote.origin.pushurl", &primary);
    let replica = repository.remote().display().to_string();
    hook(
        Path::new(&primary),
        "post-receive",
        &format!("(sleep 1; git push -q {replica} main) >/dev/null 2>&1 &"),
    );
    repository
        .tidegate(&PROMOTE)
        .exits(0)
        .says("is on origin/main");
    assert!(
        repository
            .at_tip(&overlay("checkout", "staging"))
            .contains("1.1.0")
    );
}

#[test]
fn a_second_address_that_refuses_is_named_and_the_first_counts() {
    let repository = with_a_new_version();
    let copy = second(&repository, "copy");
    hook(
        Path::new(&copy),
        "pre-receive",
        "echo 'no room' >&2; exit 1",
    );
    let remote = repository.remote().display().to_string();
    configure(&repository, "remote.origin.pushurl", &remote);
    configure(&repository, "remote.origin.pushurl", &copy);
    repository
        .tidegate(&PROMOTE)
        .exits(0)
        .says("is on origin/main")
        .says(&format!("{copy} refused it (pre-receive hook declined)"));
}

#[test]
fn a_first_address_that_refuses_is_no_success_though_the_second_took_it() {
    let repository = with_a_new_version();
    let before = repository.tip();
    let copy = second(&repository, "copy");
    hook(
        &repository.remote(),
        "pre-receive",
        "echo 'not you' >&2; exit 1",
    );
    // Several `url`s: the first is fetched, all are pushed.
    configure(&repository, "remote.origin.url", &copy);
    repository
        .tidegate(&PROMOTE)
        .exits(1)
        .says(&format!(
            "was pushed to {copy}; origin/main does not have it yet"
        ))
        .says("not you");
    assert_eq!(repository.tip(), before);
}

#[test]
fn what_moved_a_ref_between_plan_and_push_is_named() {
    let repository = with_a_new_version();
    // Moved by somebody else while the push is on its way; the bytes stay the same.
    let colleague = repository.colleague().display().to_string();
    write(&repository.colleague().join("NOTES"), b"unrelated\n");
    repository.git_in(&repository.colleague(), &["add", "-A"]);
    repository.git_in(
        &repository.colleague(),
        &["commit", "-q", "-m", "Unrelated notes"],
    );
    hook(
        &repository.clone_path().join(".git"),
        "pre-push",
        &format!(
            "rm -f \"$0\"; unset GIT_DIR; git -C {colleague} pull -q --rebase origin main; git -C {colleague} push -q origin HEAD:main"
        ),
    );
    repository
        .tidegate(&PROMOTE)
        .exits(0)
        .says("origin/main moved from")
        .says("Unrelated notes");
}

#[test]
fn hooks_of_the_clone_that_a_commit_would_run_are_named() {
    let repository = with_a_new_version();
    let git = repository.clone_path().join(".git");
    hook(&git, "commit-msg", "echo 'Change-Id: I1' >> \"$1\"");
    let said = repository
        .tidegate(&[&PROMOTE[..6], &["--dry-run"]].concat())
        .exits(0);
    assert!(
        said.out
            .contains("the hook commit-msg of this clone will not run"),
        "{}",
        said.out
    );

    // One that is no program is a sample, and a folder of hooks elsewhere is another one.
    let file = git.join("hooks/commit-msg");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("its mode");
    let said = repository
        .tidegate(&[&PROMOTE[..6], &["--dry-run", "-o", "json"]].concat())
        .exits(0);
    assert_eq!(said.json()["notes"], serde_json::json!([]));
    hook(&repository.clone_path().join("tools"), "pre-commit", "true");
    hook(&repository.clone_path().join("tools"), "commit-msg", "true");
    configure(&repository, "core.hooksPath", "tools/hooks");
    let said = repository
        .tidegate(&[&PROMOTE[..6], &["--dry-run"]].concat())
        .exits(0);
    assert!(
        said.out.contains("the hooks pre-commit and commit-msg"),
        "{}",
        said.out
    );
}

/// The server's default branch becomes `trunk`; `main` stays for a while.
fn rename_default(repository: &Repository) {
    let remote = repository.remote();
    repository.git_in(&remote, &["branch", "trunk", "main"]);
    repository.git_in(&remote, &["symbolic-ref", "HEAD", "refs/heads/trunk"]);
}

#[test]
fn a_clone_with_an_old_default_branch_says_so() {
    let repository = with_a_new_version();
    repository.pull();
    let quiet = repository.tidegate(&["status", "--no-live"]).exits(0);
    assert!(!quiet.err.contains("default branch"), "{}", quiet.err);
    rename_default(&repository);
    let said = "the default branch of origin is trunk on the server";
    for command in [
        &["status", "--no-live"][..],
        &["history", "checkout", "dev"],
        &["trace", "checkout", "1.1.0"],
        &[&PROMOTE[..6], &["--dry-run"]].concat(),
    ] {
        repository.tidegate(command).exits(0).says(said);
        let offline = repository.tidegate(&[command, &["--offline"]].concat());
        let offline = offline.exits(0);
        assert!(!offline.err.contains(said), "{command:?}: {}", offline.err);
    }
    let json = repository.tidegate(&["status", "--no-live", "-o", "json"]);
    let json = json.exits(0).json();
    assert!(json["problems"][0].to_string().contains(said), "{json}");

    // A branch that the configuration names is no guess.
    repository.write(
        "tidegate.toml",
        &format!(
            "[repository]\nbranch = \"main\"\n{}",
            repository.at_tip("tidegate.toml")
        ),
    );
    repository.publish("The branch is main");
    repository.pull();
    let said = repository.tidegate(&["status", "--no-live"]).exits(0);
    assert!(!said.err.contains("default branch"), "{}", said.err);
}

#[test]
fn a_mirror_follows_the_server_s_default_branch() {
    let repository = with_a_new_version();
    let address = format!("file://{}", repository.remote().display());
    let mirrored = |arguments: &[&str]| {
        let arguments = [&["--repo", &address][..], arguments].concat();
        let cache = repository.home().join("cache").display().to_string();
        repository.run(
            &repository.colleague(),
            &arguments,
            "",
            &[("TIDEGATE_CACHE_DIR", &cache)],
        )
    };
    let offline = mirrored(&["status", "--no-live", "--offline"]).exits(2);
    offline.says("--offline asks nobody");
    mirrored(&["status", "--no-live"]).exits(0);
    rename_default(&repository);
    let main = repository.tip();
    mirrored(&PROMOTE).exits(0).says("is on origin/trunk");
    assert_eq!(repository.tip(), main);
}

#[test]
fn offline_reaches_nobody_and_writes_nothing() {
    let repository = with_a_new_version();
    repository.git_in(
        &repository.clone_path(),
        &["remote", "set-url", "origin", "ext::touch reached"],
    );
    let said = repository.tidegate(&["status", "--offline"]).exits(0);
    assert!(said.out.contains("checkout"), "{}", said.out);
    repository
        .tidegate(&[&PROMOTE[..], &["--offline"]].concat())
        .exits(2)
        .says("--offline asks nobody");
    repository
        .tidegate(&[&PROMOTE[..6], &["--offline", "--dry-run"]].concat())
        .exits(0)
        .says("as last fetched");
}

#[test]
fn an_address_that_lacks_what_is_fetched_is_said_to_be_behind() {
    let repository = with_a_new_version();
    let behind = second(&repository, "behind");
    repository.bump("payments", "dev", "1.5.0");
    configure(&repository, "remote.origin.pushurl", &behind);
    let said = repository.tidegate(&PROMOTE).exits(1);
    let said = said.says("which lacks what origin has since");
    assert!(
        !said.err.contains("something was pushed there"),
        "{}",
        said.err
    );
}

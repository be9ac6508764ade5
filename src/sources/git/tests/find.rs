//! Finding repositories of every kind, and the branch to work on.

use super::support::{Scratch, commit, git, open, rev, settle};
use crate::{domain::failure::FailureKind, sources::git::Repo};

#[test]
fn finds_every_kind_of_repository() {
    let scratch = Scratch::new();
    let (origin, clone) = scratch.remote_and_clone(&[("apps/a", "1\n")]);
    git(&clone, &["worktree", "add", "-q", "--detach", "../linked"]);
    let snapshot = scratch.path("snapshot");
    git(
        scratch.dir.path(),
        &["clone", "-q", "--bare", "origin.git", "snapshot"],
    );
    std::fs::remove_file(snapshot.join("config")).unwrap();
    let main = rev(&origin, "main");
    let cases = [
        ("work tree", clone.clone(), "origin/main"),
        ("subfolder", clone.join("apps"), "origin/main"),
        ("git directory", clone.join(".git"), "origin/main"),
        ("linked worktree", scratch.path("linked"), "origin/main"),
        ("bare", origin.clone(), "main"),
        ("git directory without config", snapshot, "main"),
    ];
    for (name, path, reference) in cases {
        let repo = Repo::discover(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
        let base = repo.base(None).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(
            (base.shown.as_str(), base.commit),
            (reference, main),
            "{name}"
        );
        assert_eq!(
            repo.file(main, "apps/a").unwrap().as_deref(),
            Some(&b"1\n"[..]),
            "{name}"
        );
    }
}

#[test]
fn refuses_with_a_sentence_what_it_cannot_read() {
    let scratch = Scratch::new();
    let cases: [(&str, &[&str], FailureKind, &str); 3] = [
        (
            "sha256",
            &["init", "-q", "--object-format=sha256"],
            FailureKind::Unsupported,
            "SHA-256",
        ),
        (
            "reftable",
            &["init", "-q"],
            FailureKind::Unsupported,
            "reftable",
        ),
        (
            "nothing",
            &[],
            FailureKind::NotFound,
            "is not in a Git repository",
        ),
    ];
    for (name, arguments, kind, message) in cases {
        let path = scratch.path(name);
        std::fs::create_dir_all(&path).unwrap();
        if !arguments.is_empty() {
            git(&path, arguments);
        }
        if name == "reftable" {
            git(&path, &["config", "core.repositoryformatversion", "1"]);
            git(&path, &["config", "extensions.refStorage", "reftable"]);
        }
        let error = Repo::discover(&path).unwrap_err();
        assert_eq!(error.kind, kind, "{name}: {error}");
        assert!(error.to_string().contains(message), "{name}: {error}");
        assert!(!error.next.is_empty(), "{name}");
    }
    let error = Repo::discover(&scratch.path("absent")).unwrap_err();
    assert!(error.to_string().contains("does not exist"), "{error}");
}

#[test]
fn refuses_a_foreign_owner_with_gits_advice() {
    let scratch = Scratch::new();
    let path = scratch.init("theirs");
    let all = std::process::Command::new("chown")
        .args(["-R", "12345"])
        .arg(&path)
        .status();
    if !all.is_ok_and(|status| status.success()) {
        println!("skipped: only root may give files away");
        return;
    }
    let error = Repo::discover(&path).unwrap_err();
    assert_eq!(error.kind, FailureKind::Owner, "{error}");
    assert!(error.next.contains("safe.directory"), "{error}");
}

#[test]
fn chooses_the_branch_as_the_remote_says() {
    let scratch = Scratch::new();
    let (origin, clone) = scratch.remote_and_clone(&[("a", "1\n")]);
    git(&origin, &["branch", "release"]);
    git(&clone, &["fetch", "-q"]);
    let repo = open(&clone);
    let reference = |branch: Option<&str>| repo.base(branch).map(|b| b.shown);
    assert_eq!(reference(None).unwrap(), "origin/main");
    assert_eq!(reference(Some("release")).unwrap(), "origin/release");
    let error = reference(Some("nope")).unwrap_err();
    assert!(
        error.to_string().contains("main") && error.to_string().contains("release"),
        "{error}"
    );
    git(&clone, &["remote", "set-head", "origin", "release"]);
    assert_eq!(reference(None).unwrap(), "origin/release");
    git(&clone, &["remote", "set-head", "origin", "--delete"]);
    git(&clone, &["switch", "-q", "--detach"]);
    assert_eq!(reference(None).unwrap(), "origin/main");
    // Several remotes: origin wins, unless the branch has another upstream; without origin, ask.
    git(&clone, &["remote", "add", "fork", "../origin.git"]);
    git(&clone, &["fetch", "-q", "fork"]);
    assert_eq!(reference(None).unwrap(), "origin/main");
    git(&clone, &["config", "branch.main.remote", "fork"]);
    assert_eq!(reference(Some("main")).unwrap(), "fork/main");
    git(&clone, &["remote", "rename", "origin", "upstream"]);
    git(&clone, &["config", "--unset", "branch.main.remote"]);
    let error = reference(Some("main")).unwrap_err();
    assert!(error.to_string().contains("fork, upstream"), "{error}");
}

#[test]
fn reads_the_local_branch_where_there_is_no_remote() {
    let scratch = Scratch::new();
    let path = scratch.init("alone");
    let error = open(&path).base(None).unwrap_err();
    assert_eq!(error.kind, FailureKind::Unknown, "{error}");
    let first = commit(&path, &[("a", "1\n")], "one", 1_700_000_000);
    let base = open(&path).base(None).unwrap();
    assert_eq!(
        (base.shown.as_str(), base.commit, base.remote),
        ("main", first, None)
    );
}

#[test]
fn resolves_revisions_and_times_along_the_first_parents() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    let ids: Vec<_> = [100, 200, 300]
        .map(|t| commit(&path, &[("a", &t.to_string())], "c", 1_700_000_000 + t))
        .into();
    settle(&path);
    git(&path, &["tag", "-a", "-m", "t", "v1", "HEAD~1"]);
    let repo = open(&path);
    let base = repo.base(None).unwrap();
    let now = "2026-11-21T10:00:00[UTC]".parse().unwrap();
    let cases = [
        ("main", Some(ids[2])),
        ("v1", Some(ids[1])),
        ("main~2", Some(ids[0])),
        ("2023-11-14T22:17:00Z", Some(ids[1])), // 1_700_000_220
        ("2023-11-15", Some(ids[2])),
        ("2023-11-14", None),
        ("no-such-thing", None),
    ];
    for (text, expected) in cases {
        assert_eq!(repo.resolve(text, &base, &now).ok(), expected, "{text}");
    }
}

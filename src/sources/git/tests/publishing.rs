//! Commits and pushes: exactly the intended bytes, exactly the expected base, nothing else touched.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::support::{Scratch, commit, git, hook, open, rev, settle};
use crate::{
    domain::{
        delivery::{Destination, Push},
        desired::Tip,
        failure::FailureKind,
        ids::ObjectId,
        plan::FileEdit,
    },
    sources::git::{
        Became, PushOutcome, Repo, arrived, became, build_commit, fetch, fetch_refs, lock, push,
    },
};

const FILES: [(&str, &str); 3] = [
    ("apps/a/prod/tag", "tag: 1\n"),
    ("apps/b/prod/tag", "tag: 1\n"),
    ("run.sh", "#!/bin/sh\necho 1\n"),
];

pub(super) fn edit(path: &str, before: &str, after: &str) -> FileEdit {
    FileEdit {
        path: path.into(),
        before: before.into(),
        after: after.into(),
    }
}

/// A commit on the clone's base that sets service a, ready to go to `destination`.
fn request(repo: &Repo, destination: Destination) -> Push {
    let base = repo.base(None).unwrap();
    let edits = [edit("apps/a/prod/tag", "tag: 1\n", "tag: 2\n")];
    let commit = build_commit(repo, base.commit, &edits, "set a\n").unwrap();
    Push {
        base,
        commit,
        destination,
    }
}

async fn pushed(repo: &Repo, request: &Push) -> PushOutcome {
    push(repo, request).await.unwrap().0
}

/// Everything of a clone that belongs to its user.
fn belongings(clone: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let git_dir = clone.join(".git");
    for name in ["HEAD", "index", "ORIG_HEAD", "refs/stash", "logs/HEAD"] {
        let path = git_dir.join(name);
        found.insert(path.clone(), std::fs::read(&path).unwrap_or_default());
    }
    let branches = git(
        clone,
        &["for-each-ref", "refs/heads", "refs/tags", "refs/stash"],
    );
    found.insert("branches".into(), branches.into_bytes());
    let mut folders = vec![clone.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path == git_dir {
            } else if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.clone(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[tokio::test]
async fn publishes_from_a_dirty_clone_and_touches_nothing_of_it() {
    let scratch = Scratch::new();
    let (origin, clone) = scratch.remote_and_clone(&FILES);
    // A local branch that diverged, a stash, staged, modified, deleted and untracked files, a detached HEAD.
    commit(&clone, &[("local", "mine\n")], "local work", 1_700_000_100);
    std::fs::write(clone.join("apps/b/prod/tag"), "tag: stashed\n").unwrap();
    git(&clone, &["stash", "-q"]);
    git(&clone, &["switch", "-q", "--detach", "origin/main"]);
    std::fs::write(clone.join("apps/a/prod/tag"), "tag: staged\n").unwrap();
    git(&clone, &["add", "apps/a/prod/tag"]);
    std::fs::write(clone.join("apps/a/prod/tag"), "tag: modified\n").unwrap();
    std::fs::write(clone.join("untracked"), "?\n").unwrap();
    std::fs::remove_file(clone.join("run.sh")).unwrap();
    let before = belongings(&clone);

    let repo = open(&clone);
    let base = repo.base(None).unwrap();
    let base = fetch(&repo, &base).await.unwrap().base;
    let edits = [
        edit("apps/a/prod/tag", "tag: 1\n", "tag: 2\n"),
        edit("run.sh", "#!/bin/sh\necho 1\n", "#!/bin/sh\necho 2\n"),
    ];
    let commit = build_commit(&repo, base.commit, &edits, "promote a\n\nService: a\n").unwrap();
    let request = Push {
        base,
        commit,
        destination: Destination::Branch,
    };
    let (outcome, ran) = push(&repo, &request).await.unwrap();
    assert_eq!(
        outcome,
        PushOutcome::Pushed {
            message: String::new()
        }
    );
    assert_eq!(
        ran[0].line,
        format!("git push origin {}:main", commit.short())
    );

    assert_eq!(belongings(&clone), before);
    assert_eq!(rev(&origin, "main"), commit);
    assert_eq!(rev(&clone, "origin/main"), commit);
    let changed = git(
        &origin,
        &["diff-tree", "-r", "--name-status", "main~1", "main"],
    );
    assert_eq!(changed, "M\tapps/a/prod/tag\nM\trun.sh");
    assert_eq!(git(&origin, &["show", "main:apps/a/prod/tag"]), "tag: 2");
    assert_eq!(
        git(&origin, &["log", "-1", "--format=%an <%ae>|%cn|%s", "main"]),
        "Jane <jane@example.com>|Jane|promote a"
    );
}

#[test]
fn keeps_the_mode_and_checks_what_it_edits() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let path = scratch.init("r");
    std::fs::write(path.join("run.sh"), "1\n").unwrap();
    std::fs::set_permissions(path.join("run.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("run.sh", path.join("link")).unwrap();
    let base = commit(&path, &[], "one", 1_700_000_000);
    let repo = open(&path);
    let made = build_commit(&repo, base, &[edit("run.sh", "1\n", "2\n")], "x\n").unwrap();
    assert!(git(&path, &["ls-tree", &made.to_string(), "run.sh"]).starts_with("100755"));
    let made = build_commit(&repo, base, &[edit("new/file", "", "2\n")], "x\n").unwrap();
    assert!(git(&path, &["ls-tree", "-r", &made.to_string()]).contains("new/file"));
    let cases = [
        (
            "other bytes",
            edit("run.sh", "0\n", "2\n"),
            FailureKind::Moved,
        ),
        ("absent", edit("gone", "0\n", "2\n"), FailureKind::Moved),
        (
            "symbolic link",
            edit("link", "run.sh", "2\n"),
            FailureKind::Refused,
        ),
    ];
    for (name, edit, kind) in cases {
        let error = build_commit(&repo, base, &[edit], "x\n").unwrap_err();
        assert_eq!(error.kind, kind, "{name}: {error}");
    }
}

#[tokio::test]
async fn a_remote_that_moved_meanwhile_is_left_alone() {
    let scratch = Scratch::new();
    let (origin, clone) = scratch.remote_and_clone(&FILES);
    let repo = open(&clone);
    let request = request(&repo, Destination::Branch);
    git(scratch.dir.path(), &["clone", "-q", "origin.git", "other"]);
    let other = scratch.path("other");
    settle(&other);
    let theirs = commit(
        &other,
        &[("apps/b/prod/tag", "tag: 9\n")],
        "theirs",
        1_700_000_500,
    );
    git(&other, &["push", "-q", "origin", "HEAD:main"]);
    assert_eq!(
        pushed(&repo, &request).await,
        PushOutcome::Moved { now: Some(theirs) }
    );
    assert_eq!(rev(&origin, "main"), theirs);
    assert_eq!(rev(&clone, "origin/main"), theirs);
    // Even when the tracking ref knows already, and when the remote went backwards.
    assert_eq!(
        pushed(&repo, &request).await,
        PushOutcome::Moved { now: Some(theirs) }
    );
    git(&origin, &["update-ref", "-d", "refs/heads/main"]);
    assert_eq!(
        pushed(&repo, &request).await,
        PushOutcome::Moved { now: None }
    );
}

#[tokio::test]
async fn a_hook_that_refuses_is_heard() {
    let scratch = Scratch::new();
    let (origin, clone) = scratch.remote_and_clone(&FILES);
    let repo = open(&clone);
    let old = rev(&origin, "main");
    hook(
        &origin,
        "pre-receive",
        "echo 'policy: no deployments \x1b[31mon Fridays'; exit 1",
    );
    let request = request(&repo, Destination::Branch);
    let PushOutcome::Rejected(rejection) = pushed(&repo, &request).await else {
        panic!("not refused");
    };
    assert_eq!(rejection.status, "pre-receive hook declined");
    assert_eq!(rejection.message, "policy: no deployments on Fridays");
    assert!(!rejection.protected && !rejection.denied);
    hook(
        &origin,
        "pre-receive",
        "echo 'GitLab: You are not allowed to push code to protected branches on this project.' >&2; exit 1",
    );
    let PushOutcome::Rejected(rejection) = pushed(&repo, &request).await else {
        panic!("not refused");
    };
    assert!(rejection.protected);
    assert_eq!(rev(&origin, "main"), old);
    assert_eq!(rev(&clone, "origin/main"), old);

    let own = Destination::Own("tidegate/set-a-1".into());
    hook(&origin, "pre-receive", "cat >/dev/null");
    hook(
        &origin,
        "post-receive",
        "echo; echo 'Create a pull request by visiting:'; echo '  https://forge.example/pull/new/x'",
    );
    let request = Push {
        destination: own,
        ..request
    };
    let outcome = pushed(&repo, &request).await;
    let PushOutcome::BranchPushed {
        branch,
        message,
        link,
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(branch, "tidegate/set-a-1");
    assert!(
        message.contains("Create a pull request by visiting:"),
        "{message}"
    );
    assert_eq!(link.as_deref(), Some("https://forge.example/pull/new/x"));
    assert_eq!(rev(&origin, "tidegate/set-a-1"), request.commit);
    assert_eq!(rev(&origin, "main"), old);
}

#[tokio::test]
async fn the_users_own_pre_push_hook_is_heard() {
    let scratch = Scratch::new();
    let (origin, clone) = scratch.remote_and_clone(&FILES);
    let old = rev(&origin, "main");
    hook(&clone, "pre-push", "echo 'not before noon' >&2; exit 1");
    let repo = open(&clone);
    let PushOutcome::Rejected(rejection) =
        pushed(&repo, &request(&repo, Destination::Branch)).await
    else {
        panic!("not refused");
    };
    assert!(
        rejection.status.contains("pre-push"),
        "{}",
        rejection.status
    );
    assert_eq!(rejection.message, "not before noon");
    assert_eq!(rev(&origin, "main"), old);
}

#[tokio::test]
async fn a_broken_connection_is_resolved_by_looking() {
    let scratch = Scratch::new();
    let (origin, clone) = scratch.remote_and_clone(&FILES);
    let repo = open(&clone);
    // The remote dies after it moved the branch and before it says so.
    hook(
        &origin,
        "reference-transaction",
        "cat >/dev/null; if [ \"$1\" = committed ]; then kill -9 $PPID; fi",
    );
    let request = request(&repo, Destination::Branch);
    assert!(matches!(
        pushed(&repo, &request).await,
        PushOutcome::Pushed { .. }
    ));
    assert_eq!(rev(&origin, "main"), request.commit);
    // Nobody answers at all.
    std::fs::rename(&origin, scratch.path("gone.git")).unwrap();
    let outcome = pushed(&repo, &request).await;
    assert!(
        matches!(outcome, PushOutcome::Unclear { .. }),
        "{outcome:?}"
    );
    let error = fetch(&repo, &request.base).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Network, "{error}");
}

#[tokio::test]
async fn what_became_of_a_push_is_asked_where_it_went() {
    let scratch = Scratch::new();
    let (origin, clone) = scratch.remote_and_clone(&FILES);
    let repo = open(&clone);
    let request = request(&repo, Destination::Branch);
    let asked = async |repo: &Repo, push: &Push| became(repo, push).await.unwrap();
    assert_eq!(asked(&repo, &request).await, Became::NotThere, "not pushed");
    pushed(&repo, &request).await;
    assert_eq!(asked(&repo, &request).await, Became::There);

    // To a fork: the address that is fetched does not tell.
    let fork = scratch.path("fork.git");
    git(
        scratch.path(".").as_path(),
        &["clone", "-q", "--mirror", "origin.git", "fork.git"],
    );
    git(
        &clone,
        &[
            "remote",
            "set-url",
            "--push",
            "origin",
            &fork.display().to_string(),
        ],
    );
    let repo = open(&clone);
    let base = repo.base(None).unwrap();
    let edits = [edit("apps/b/prod/tag", "tag: 1\n", "tag: 2\n")];
    let apart = Push {
        commit: build_commit(&repo, base.commit, &edits, "set b\n").unwrap(),
        base,
        destination: Destination::Branch,
    };
    let refspec = format!("{}:refs/heads/main", apart.commit);
    git(
        &clone,
        &["push", "-q", &fork.display().to_string(), &refspec],
    );
    let shown = fork.display().to_string();
    assert_eq!(asked(&repo, &apart).await, Became::Elsewhere(vec![shown]));

    // A server that may still be at work.
    git(&clone, &["config", "--unset", "remote.origin.pushurl"]);
    std::fs::rename(&origin, scratch.path("gone.git")).unwrap();
    let error = became(&open(&clone), &apart).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Network, "{error}");

    // Without a remote the branch itself is looked at.
    let alone = Push {
        base: Tip {
            remote: None,
            ..apart.base.clone()
        },
        ..apart
    };
    assert_eq!(asked(&repo, &alone).await, Became::NotThere, "not moved");
    git(
        &clone,
        &["update-ref", "refs/heads/main", &alone.commit.to_string()],
    );
    assert_eq!(asked(&repo, &alone).await, Became::There);
}

#[tokio::test]
async fn credentials_in_addresses_are_never_said() {
    let scratch = Scratch::new();
    let (_, clone) = scratch.remote_and_clone(&FILES);
    git(
        &clone,
        &[
            "remote",
            "set-url",
            "origin",
            "https://jane:s3cr3t@127.0.0.1:1/x.git",
        ],
    );
    let repo = open(&clone);
    let base = repo.base(None).unwrap();
    let error = fetch(&repo, &base).await.unwrap_err();
    assert!(!error.to_string().contains("s3cr3t"), "{error}");
    let outcome = push(&repo, &request(&repo, Destination::Branch))
        .await
        .unwrap();
    assert!(!format!("{outcome:?}").contains("s3cr3t"), "{outcome:?}");
}

/// A remote may be called anything, and what was kept of a delivery names one: it is never taken for an option of Git's.
#[tokio::test]
async fn a_remote_is_never_taken_for_an_option() {
    let scratch = Scratch::new();
    let (_, clone) = scratch.remote_and_clone(&FILES);
    let mark = scratch.path("mark");
    let program = format!("touch {};", mark.display());
    for option in ["--upload-pack", "--receive-pack", "--exec", "-u"] {
        let name = match option {
            "-u" => format!("-u{program}"),
            option => format!("{option}={program}"),
        };
        for known in [false, true] {
            if known {
                let config = clone.join(".git/config");
                let mut text = std::fs::read_to_string(&config).unwrap();
                text += "[remote \"";
                text += &name;
                text += "\"]\n\turl = ../origin\n";
                std::fs::write(config, text).unwrap();
            }
            let repo = open(&clone);
            let own = || Destination::Own("own".to_owned());
            for destination in [Destination::Branch, own()] {
                let mut request = request(&repo, destination);
                request.base.remote = Some(name.clone());
                let _ = push(&repo, &request).await;
                let _ = fetch(&repo, &request.base).await;
                let asked = arrived(&repo, &request).await;
                if !known {
                    let error = asked.unwrap_err().to_string();
                    assert!(error.contains("this clone has no remote"), "{error}");
                }
            }
            let refspec = "+refs/heads/main:refs/remotes/x/main".to_owned();
            let _ = fetch_refs(&repo, &name, &[refspec]).await;
            let _ = repo.addresses_apart(&name);
            assert!(!mark.exists(), "{name}, known: {known}");
        }
    }
}

#[tokio::test]
async fn without_a_remote_the_branch_itself_moves_unless_checked_out() {
    let scratch = Scratch::new();
    let (bare, _) = scratch.remote_and_clone(&FILES);
    git(&bare, &["remote", "remove", "origin"]);
    settle(&bare);
    let repo = open(&bare);
    let first = request(&repo, Destination::Branch);
    assert!(matches!(
        pushed(&repo, &first).await,
        PushOutcome::Pushed { .. }
    ));
    assert_eq!(rev(&bare, "main"), first.commit);
    // The same plan again: the branch is not where it was.
    let outcome = pushed(&repo, &first).await;
    assert_eq!(
        outcome,
        PushOutcome::Moved {
            now: Some(first.commit)
        }
    );

    let path = scratch.init("alone");
    let head = commit(&path, &FILES, "one", 1_700_000_000);
    let repo = open(&path);
    let error = push(&repo, &request(&repo, Destination::Branch))
        .await
        .unwrap_err();
    assert_eq!(error.kind, FailureKind::Refused);
    assert!(error.to_string().contains("checked out"), "{error}");
    assert_eq!(rev(&path, "main"), head);
    let own = request(&repo, Destination::Own("tidegate/x".into()));
    assert!(matches!(
        pushed(&repo, &own).await,
        PushOutcome::BranchPushed { .. }
    ));
    git(&path, &["switch", "-q", "--detach"]);
    git(&path, &["worktree", "add", "-q", "../tree", "main"]);
    assert!(
        push(&repo, &request(&repo, Destination::Branch))
            .await
            .is_err()
    );
    git(&path, &["worktree", "remove", "../tree"]);
    assert!(matches!(
        pushed(&repo, &request(&repo, Destination::Branch)).await,
        PushOutcome::Pushed { .. }
    ));
}

#[tokio::test]
async fn only_what_is_on_top_of_the_base_is_pushed() {
    let scratch = Scratch::new();
    let (origin, clone) = scratch.remote_and_clone(&FILES);
    let repo = open(&clone);
    let base = repo.base(None).unwrap();
    git(&clone, &["switch", "-q", "--orphan", "other"]);
    let stray = commit(&clone, &[("x", "1\n")], "stray", 1_700_000_900);
    let request = Push {
        base: base.clone(),
        commit: stray,
        destination: Destination::Branch,
    };
    assert_eq!(
        push(&repo, &request).await.unwrap_err().kind,
        FailureKind::Refused
    );
    assert_eq!(rev(&origin, "main"), base.commit);
}

#[test]
fn one_publishes_at_a_time_and_the_other_is_told_who() {
    let scratch = Scratch::new();
    let repo = open(&scratch.init("r"));
    let held = lock(&repo, "jane on laptop (process 7)").unwrap();
    let error = lock(&repo, "bob").unwrap_err();
    assert_eq!(error.kind, FailureKind::Busy);
    assert!(
        error.to_string().contains("jane on laptop (process 7)"),
        "{error}"
    );
    drop(held);
    lock(&repo, "bob").unwrap();
}

#[test]
fn signs_and_signs_off_as_configured() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    let base = commit(&path, &FILES, "one", 1_700_000_000);
    let repo = open(&path);
    let edits = [edit("apps/a/prod/tag", "tag: 1\n", "tag: 2\n")];
    git(&path, &["config", "format.signOff", "true"]);
    let made = build_commit(&repo, base, &edits, "set a\n\nService: a\n").unwrap();
    let message = |id: ObjectId| git(&path, &["log", "-1", "--format=%B", &id.to_string()]);
    assert_eq!(
        message(made),
        "set a\n\nService: a\nSigned-off-by: Jane <jane@example.com>"
    );

    let key = scratch.path("key");
    let made_key = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status();
    git(&path, &["config", "commit.gpgsign", "true"]);
    git(&path, &["config", "gpg.format", "ssh"]);
    git(&path, &["config", "user.signingkey", key.to_str().unwrap()]);
    if made_key.is_ok_and(|status| status.success()) {
        let made = build_commit(&repo, base, &edits, "set a\n").unwrap();
        let raw = git(&path, &["cat-file", "commit", &made.to_string()]);
        assert!(raw.contains("-----BEGIN SSH SIGNATURE-----"), "{raw}");
    } else {
        println!("skipped: no ssh-keygen");
    }
    std::fs::write(&key, "no key").unwrap();
    let error = build_commit(&repo, base, &edits, "set a\n").unwrap_err();
    assert_eq!(error.kind, FailureKind::NotSigned, "{error}");
    assert!(
        error.to_string().contains("commit.gpgsign is on"),
        "{error}"
    );
}

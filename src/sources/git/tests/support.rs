//! Temporary repositories that depend on nothing of the user's.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{domain::ids::ObjectId, sources::git::Repo};

/// A folder with repositories in it; gone when dropped.
pub(in crate::sources::git) struct Scratch {
    pub(in crate::sources::git) dir: TempDir,
}

impl Scratch {
    pub(in crate::sources::git) fn new() -> Self {
        Self {
            dir: tempfile::Builder::new()
                .prefix("tidegate-git-")
                .tempdir()
                .unwrap(),
        }
    }

    pub(in crate::sources::git) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A repository with a work tree on branch `main` and nothing in it.
    pub(in crate::sources::git) fn init(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(&path).unwrap();
        git(&path, &["init", "-q", "-b", "main"]);
        settle(&path);
        path
    }

    /// A bare remote `origin.git` filled from a seed with `files`, and a clone of it at `clone`.
    pub(in crate::sources::git) fn remote_and_clone(
        &self,
        files: &[(&str, &str)],
    ) -> (PathBuf, PathBuf) {
        let seed = self.init("seed");
        commit(&seed, files, "seed", 1_700_000_000);
        let (origin, clone) = (self.path("origin.git"), self.path("clone"));
        git(
            self.dir.path(),
            &["clone", "-q", "--bare", "seed", "origin.git"],
        );
        git(self.dir.path(), &["clone", "-q", "origin.git", "clone"]);
        settle(&clone);
        (origin, clone)
    }
}

/// Everything that a commit of ours would otherwise take from the user's configuration.
pub(in crate::sources::git) fn settle(repository: &Path) {
    let hooks = repository.join("no-hooks");
    for (key, value) in [
        ("user.name", "Jane"),
        ("user.email", "jane@example.com"),
        ("commit.gpgsign", "false"),
        ("format.signOff", "false"),
        ("core.autocrlf", "false"),
        ("core.hooksPath", hooks.to_str().unwrap()),
    ] {
        git(repository, &["config", key, value]);
    }
}

/// Runs `git` isolated; panics with its words when it fails.
pub(in crate::sources::git) fn git(directory: &Path, arguments: &[&str]) -> String {
    git_at(directory, arguments, 1_700_000_000)
}

/// The same at a given time.
pub(in crate::sources::git) fn git_at(
    directory: &Path,
    arguments: &[&str],
    seconds: i64,
) -> String {
    let date = format!("{seconds} +0000");
    let output = Command::new("git")
        .current_dir(directory)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_AUTHOR_NAME", "Jane")
        .env("GIT_AUTHOR_EMAIL", "jane@example.com")
        .env("GIT_COMMITTER_NAME", "Jane")
        .env("GIT_COMMITTER_EMAIL", "jane@example.com")
        .env("GIT_AUTHOR_DATE", &date)
        .env("GIT_COMMITTER_DATE", &date)
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "git {arguments:?} in {}: {}",
        directory.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned()
}

/// Writes `files` and commits everything in the work tree.
pub(in crate::sources::git) fn commit(
    repository: &Path,
    files: &[(&str, &str)],
    message: &str,
    seconds: i64,
) -> ObjectId {
    for (path, text) in files {
        let path = repository.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    git(repository, &["add", "-A"]);
    git_at(
        repository,
        &["commit", "-q", "--allow-empty", "-m", message],
        seconds,
    );
    rev(repository, "HEAD")
}

pub(in crate::sources::git) fn rev(repository: &Path, name: &str) -> ObjectId {
    git(repository, &["rev-parse", name]).parse().unwrap()
}

pub(in crate::sources::git) fn open(path: &Path) -> Repo {
    Repo::discover(path).unwrap()
}

/// Makes an executable hook of a shell script's body.
pub(in crate::sources::git) fn hook(repository: &Path, name: &str, body: &str) {
    use std::os::unix::fs::PermissionsExt;
    let path = repository.join("hooks").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    git(
        repository,
        &[
            "config",
            "core.hooksPath",
            path.parent().unwrap().to_str().unwrap(),
        ],
    );
}

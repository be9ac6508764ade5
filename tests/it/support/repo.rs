//! Temporary real repositories: a bare remote, the operator's clone, and a colleague who pushes. Nothing of the user's
//! Git configuration, home or clock is seen.
#![allow(dead_code)] // not every journey uses all of it
#![allow(clippy::expect_used)] // a harness fails by panicking

use std::{
    cell::Cell,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{
    schema,
    terminal::{TIDEGATE, isolated},
};

/// The team's configuration of [`Repository::seeded`]: no clusters, Git alone.
pub const CONFIGURATION: &str = r#"[[environments]]
name = "dev"

[[environments]]
name = "staging"
from = ["dev"]

[[environments]]
name = "prod"
from = ["staging"]
protected = true

[[layouts]]
preset = "kustomize"
path = "apps/{service}/overlays/{env}/kustomization.yaml"
"#;

/// A remote and clones of it, gone when dropped.
pub struct Repository {
    folder: TempDir,
    /// Seconds of the next commit: a day more each time.
    clock: Cell<i64>,
}

/// What the binary said.
#[derive(Debug)]
pub struct Said {
    /// Its exit code.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Repository {
    /// An empty remote with a clone of the operator's and one of a colleague's, both on `main`.
    pub fn empty() -> Self {
        let repository = Self {
            folder: TempDir::new().expect("a temporary folder"),
            clock: Cell::new(1_780_000_000),
        };
        let root = repository.folder.path();
        repository.git_in(root, &["init", "-q", "--bare", "-b", "main", "remote"]);
        for name in ["clone", "colleague"] {
            repository.git_in(root, &["init", "-q", "-b", "main", name]);
            let remote = repository.remote().display().to_string();
            repository.git_in(&root.join(name), &["remote", "add", "origin", &remote]);
        }
        repository
    }

    /// Two services in three environments at 1.0.0, configured; the clone is up to date.
    pub fn seeded() -> Self {
        let repository = Self::empty();
        repository.write("tidegate.toml", CONFIGURATION);
        for service in ["checkout", "payments"] {
            for environment in ["dev", "staging", "prod"] {
                repository.write(
                    &overlay(service, environment),
                    &kustomization(service, "1.0.0"),
                );
            }
        }
        repository.publish("Initial versions");
        repository.pull();
        repository
    }

    /// The operator's clone.
    pub fn clone_path(&self) -> PathBuf {
        self.folder.path().join("clone")
    }

    /// The bare remote.
    pub fn remote(&self) -> PathBuf {
        self.folder.path().join("remote")
    }

    /// Where the colleague works.
    pub fn colleague(&self) -> PathBuf {
        self.folder.path().join("colleague")
    }

    /// A file of the colleague's work tree.
    pub fn write(&self, path: &str, text: &str) {
        write(&self.colleague().join(path), text.as_bytes());
    }

    /// The colleague commits everything and pushes. The commit's id.
    pub fn publish(&self, subject: &str) -> String {
        let at = self.colleague();
        self.git_in(&at, &["add", "-A"]);
        self.git_in(&at, &["commit", "-q", "-m", subject]);
        self.git_in(&at, &["push", "-q", "origin", "HEAD:main"]);
        self.git_in(&at, &["rev-parse", "HEAD"])
    }

    /// The colleague writes a version by hand and pushes it. The commit's id.
    pub fn bump(&self, service: &str, environment: &str, version: &str) -> String {
        let at = self.colleague();
        self.git_in(&at, &["fetch", "-q", "origin"]);
        self.git_in(&at, &["reset", "-q", "--hard", "origin/main"]);
        self.write(
            &overlay(service, environment),
            &kustomization(service, version),
        );
        self.publish(&format!("Update {service} to {version} in {environment}"))
    }

    /// The operator's clone becomes what the remote is.
    pub fn pull(&self) {
        let at = self.clone_path();
        self.git_in(&at, &["fetch", "-q", "origin"]);
        self.git_in(&at, &["reset", "-q", "--hard", "origin/main"]);
        self.git_in(&at, &["remote", "set-head", "origin", "main"]);
    }

    /// The remote's `main`.
    pub fn tip(&self) -> String {
        self.git_in(&self.remote(), &["rev-parse", "main"])
    }

    /// The message of the remote's `main`.
    pub fn message(&self) -> String {
        self.git_in(&self.remote(), &["log", "-1", "--format=%B", "main"])
    }

    /// A file at the remote's `main`.
    pub fn at_tip(&self, path: &str) -> String {
        self.git_in(&self.remote(), &["show", &format!("main:{path}")])
    }

    /// `git ARGUMENTS` in `at`: its output, trimmed. Fails the test where git fails.
    pub fn git_in(&self, at: &Path, arguments: &[&str]) -> String {
        let output = self
            .command("git")
            .args(arguments)
            .current_dir(at)
            .output()
            .expect("git");
        assert!(
            output.status.success(),
            "git {arguments:?} in {}: {}",
            at.display(),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// The binary in the operator's clone.
    pub fn tidegate(&self, arguments: &[&str]) -> Said {
        self.run(&self.clone_path(), arguments, "", &[])
    }

    /// The binary in any folder, with something on its standard input and more environment.
    pub fn run(
        &self,
        at: &Path,
        arguments: &[&str],
        input: &str,
        environment: &[(&str, &str)],
    ) -> Said {
        let mut command = self.command(TIDEGATE);
        command
            .args(arguments)
            .envs(environment.iter().copied())
            .current_dir(at);
        ran(command, input)
    }

    /// A home of the operator's that stays empty.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A command that sees nothing of the user.
    pub fn command(&self, program: &str) -> Command {
        let time = self.clock.get();
        self.clock.set(time + 86_400);
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(isolated(&self.home()))
            .env("GIT_AUTHOR_DATE", format!("{time} +0000"))
            .env("GIT_COMMITTER_DATE", format!("{time} +0000"));
        command
    }
}

/// Runs a command to its end with something on its standard input.
pub fn ran(mut command: Command, input: &str) -> Said {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary");
    let mut stdin = child.stdin.take().expect("its standard input");
    // One that ended already reads nothing.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    Said::of(&child.wait_with_output().expect("its end"))
}

impl Said {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails the test where it ended otherwise.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "standard output:\n{}\nstandard error:\n{}",
            self.out,
            self.err
        );
        self
    }

    /// Fails the test where standard error does not have `part`.
    #[track_caller]
    pub fn says(self, part: &str) -> Self {
        assert!(self.err.contains(part), "`{part}` is not in:\n{}", self.err);
        self
    }

    /// Fails the test where standard output does not have `part`.
    #[track_caller]
    pub fn shows(self, part: &str) -> Self {
        assert!(self.out.contains(part), "`{part}` is not in:\n{}", self.out);
        self
    }

    /// Its standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        let value = serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}:\n{}\n{}", self.out, self.err));
        schema::assert_described(&value);
        value
    }
}

/// Where a version stands.
pub fn overlay(service: &str, environment: &str) -> String {
    format!("apps/{service}/overlays/{environment}/kustomization.yaml")
}

/// A file with a version, a comment and no final line end.
pub fn kustomization(service: &str, version: &str) -> String {
    format!(
        "resources:\n- ../../base\nimages:\n- name: registry.example.com/shop/{service}\n  newTag: {version} # by the pipeline\nnamePrefix: x-"
    )
}

/// Writes a file and the folders above it.
pub fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
    fs::write(path, bytes).expect("the file");
}

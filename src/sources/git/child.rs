//! The user's own `git`, for what needs the network, hooks or signatures.
//!
//! It brings the user's ssh configuration, credential helpers and proxies. It never asks: standard
//! input is closed and prompts are off. Its words are captured; none reach the screen unseen.

use std::{
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use tokio::process::Command;

use super::{GitError, GitErrorKind, Repo, redact};

/// A `git` command that ran, as the activity log shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RanCommand {
    /// As it would be typed; no credentials.
    pub line: String,
    /// How long it took.
    pub took: Duration,
}

/// What a finished child said.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) status: ExitStatus,
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) ran: RanCommand,
}

/// One run of `git` in a repository.
#[derive(Debug)]
pub(super) struct Child {
    directory: PathBuf,
    git_dir: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Child {
    /// `git ARGUMENTS…` in `repo`.
    pub(super) fn new<A: Into<String>>(
        repo: &Repo,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        Self {
            directory: repo.work_dir().unwrap_or(repo.git_dir()).to_owned(),
            git_dir: repo.git_dir().to_owned(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            environment: Vec::new(),
        }
    }

    /// Sets a variable for this run.
    #[must_use]
    pub(super) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Runs it to its end without blocking the runtime; dropping the future kills it.
    ///
    /// # Errors
    /// `Program` when `git` cannot be started. A failing exit is not an error here.
    pub(super) async fn run(self) -> Result<Output, GitError> {
        let started = Instant::now();
        let mut command = Command::from(self.command());
        let child = command
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| not_started(&error))?;
        let output = child
            .wait_with_output()
            .await
            .map_err(|error| not_started(&error))?;
        Ok(self.finish(started, output))
    }

    /// Runs it to its end on this thread, for work that is blocking anyway.
    ///
    /// # Errors
    /// As [`Child::run`].
    pub(super) fn run_blocking(self) -> Result<Output, GitError> {
        let started = Instant::now();
        let output = self
            .command()
            .output()
            .map_err(|error| not_started(&error))?;
        Ok(self.finish(started, output))
    }

    fn command(&self) -> std::process::Command {
        let mut command = std::process::Command::new("git");
        command
            .current_dir(&self.directory)
            .env("GIT_DIR", &self.git_dir)
            .env_remove("GIT_INDEX_FILE")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_OBJECT_DIRECTORY")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("SSH_ASKPASS_REQUIRE", "never")
            .env("LC_ALL", "C")
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            // Its own process group: a ^C in the terminal is ours to answer, not half a push's.
            command.process_group(0);
        }
        command
    }

    fn finish(&self, started: Instant, output: std::process::Output) -> Output {
        let text = |bytes: Vec<u8>| redact(&String::from_utf8_lossy(&bytes));
        Output {
            status: output.status,
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            ran: RanCommand {
                line: redact(&format!("git {}", self.arguments.join(" "))),
                took: started.elapsed(),
            },
        }
    }
}

fn not_started(error: &std::io::Error) -> GitError {
    if error.kind() == std::io::ErrorKind::NotFound {
        GitError::new(GitErrorKind::Program, "the program `git` is not installed")
            .hint("Tidegate fetches and pushes through it; install Git and put it on the PATH")
    } else {
        GitError::new(GitErrorKind::Program, format!("cannot run `git`: {error}"))
    }
}

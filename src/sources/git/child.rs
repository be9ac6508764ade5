//! The user's own `git`, for what needs the network, hooks or signatures.
//!
//! It brings the user's ssh configuration, credential helpers and proxies. It never asks on our
//! terminal: standard input is not the terminal, prompts are off, and ssh asks its askpass program or
//! nobody. Its words are captured; none reach the screen unseen.

use std::{
    io::{Read, Write},
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    time::{Duration, Instant},
};

use tokio::process::Command;

use super::{GitError, GitErrorKind, Repo, environment, redact::redact_all, remotes};

/// A `git` command that ran, as the activity log shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RanCommand {
    /// As it would be typed; no credentials.
    pub line: String,
    /// How long it took.
    pub took: Duration,
    /// Whether it succeeded.
    pub ok: bool,
}

/// What a finished child said, without credentials.
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
    shown: Option<String>,
    input: Option<Vec<u8>>,
    told: environment::Told,
    /// What must not be seen in its words.
    secrets: Vec<String>,
}

impl Child {
    /// `git ARGUMENTS…` in `repo`.
    pub(super) fn new<A: Into<String>>(
        repo: &Repo,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let mut told = repo.told();
        let arguments: Vec<String> = arguments.into_iter().map(Into::into).collect();
        let secrets = remotes::tell(repo, &arguments, &mut told);
        // Not in another's work tree: what lies there is none of Git's business either.
        let directory = match repo.elsewhere() {
            Some(_) => repo.git_dir(),
            None => repo.work_dir().unwrap_or(repo.git_dir()),
        };
        Self {
            directory: directory.to_owned(),
            git_dir: repo.git_dir().to_owned(),
            arguments,
            shown: None,
            input: None,
            told,
            secrets,
        }
    }

    /// Sets a key of Git's configuration for this run, by the environment: what may hold a token is no argument that
    /// everybody on the machine can read. Of a remote's address, only what is no secret is handed on by Git.
    #[must_use]
    pub(super) fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let (key, value) = (key.into(), value.into());
        if key.starts_with("remote.") && key.strip_suffix(".url").is_some() {
            remotes::tell_address(&key, &value, &mut self.told, &mut self.secrets);
        } else {
            self.told.config.push((key, value));
        }
        self
    }

    /// How a person would type it, where that is shorter.
    #[must_use]
    pub(super) fn shown(mut self, line: impl Into<String>) -> Self {
        self.shown = Some(line.into());
        self
    }

    /// Given on standard input.
    #[must_use]
    pub(super) fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Some(bytes.into());
        self
    }

    /// Runs it to its end without blocking the runtime; dropping the future kills it and what it
    /// started. Takes no input.
    ///
    /// # Errors
    /// `Program` when `git` cannot be started. A failing exit is not an error here.
    pub(super) async fn run(self) -> Result<Output, GitError> {
        let started = Instant::now();
        let child = Command::from(self.command())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| not_started(&error))?;
        let mut group = Group(child.id());
        let output = child
            .wait_with_output()
            .await
            .map_err(|error| not_started(&error))?;
        group.0 = None;
        Ok(self.finish(started, output))
    }

    /// Runs it to its end on this thread, for work that is blocking anyway.
    ///
    /// # Errors
    /// As [`Child::run`].
    pub(super) fn run_blocking(self) -> Result<Output, GitError> {
        let started = Instant::now();
        let output = self.output()?;
        Ok(self.finish(started, output))
    }

    /// The lines that it prints, credentials included: addresses to be given to another child, never to be shown. `None`
    /// where it fails.
    ///
    /// # Errors
    /// As [`Child::run`].
    pub(super) fn secret_lines(self) -> Result<Option<Vec<String>>, GitError> {
        let output = self.output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let lines = text.lines().map(str::to_owned).collect();
        Ok(output.status.success().then_some(lines))
    }

    fn output(&self) -> Result<std::process::Output, GitError> {
        let mut child = self
            .command()
            .spawn()
            .map_err(|error| not_started(&error))?;
        if let (Some(mut pipe), Some(input)) = (child.stdin.take(), &self.input) {
            // A child that ends without reading says why on its standard error.
            let _ = pipe.write_all(input);
        }
        child
            .wait_with_output()
            .map_err(|error| not_started(&error))
    }

    /// Runs it to its end on this thread, and tells what it says on its standard error as it comes; `None` where it said
    /// nothing for `patience` and was stopped. Takes no input.
    ///
    /// # Errors
    /// As [`Child::run`].
    pub(super) fn run_heard(
        self,
        patience: Duration,
        hear: &mut dyn FnMut(&str),
    ) -> Result<Option<Output>, GitError> {
        let started = Instant::now();
        let mut child = self
            .command()
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| not_started(&error))?;
        let mut group = Group(Some(child.id()));
        let (sender, heard) = mpsc::channel();
        if let Some(mut pipe) = child.stderr.take() {
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                    if sender.send(buffer[..count].to_vec()).is_err() {
                        break;
                    }
                }
            });
        }
        let mut stderr = Vec::new();
        loop {
            match heard.recv_timeout(patience) {
                Ok(bytes) => {
                    hear(&redact_all(&String::from_utf8_lossy(&bytes), &self.secrets));
                    stderr.extend(bytes);
                }
                Err(RecvTimeoutError::Timeout) => {
                    drop(group);
                    let _ = child.wait();
                    return Ok(None);
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let status = child.wait().map_err(|error| not_started(&error))?;
        group.0 = None;
        let output = std::process::Output {
            status,
            stdout: Vec::new(),
            stderr,
        };
        Ok(Some(self.finish(started, output)))
    }

    fn command(&self) -> std::process::Command {
        let mut command = std::process::Command::new("git");
        environment::settle(&mut command, &self.told);
        command
            .current_dir(&self.directory)
            .env("GIT_DIR", &self.git_dir)
            .args(&self.arguments)
            .stdin(if self.input.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            })
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
        let text = |bytes: Vec<u8>| redact_all(&String::from_utf8_lossy(&bytes), &self.secrets);
        let line = match &self.shown {
            Some(line) => line.clone(),
            None => format!("git {}", self.arguments.join(" ")),
        };
        Output {
            status: output.status,
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            ran: RanCommand {
                line: redact_all(&line, &self.secrets),
                took: started.elapsed(),
                ok: output.status.success(),
            },
        }
    }
}

/// A running child's process group: what `git` started (ssh, hooks) must not outlive it.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(id) = self.0 {
            let _ = std::process::Command::new("kill")
                .args(["-TERM", "--", &format!("-{id}")])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
    }
}

pub(super) fn not_started(error: &std::io::Error) -> GitError {
    if error.kind() == std::io::ErrorKind::NotFound {
        GitError::new(GitErrorKind::Program, "the program `git` is not installed")
            .hint("Tidegate fetches and pushes through it; install Git and put it on the PATH")
    } else {
        GitError::new(GitErrorKind::Program, format!("cannot run `git`: {error}"))
    }
}

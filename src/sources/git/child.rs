//! The user's own `git`, for what needs the network, hooks or signatures.
//!
//! It brings the user's ssh configuration, credential helpers and proxies. It never asks on our
//! terminal, but for what signs while the terminal is lent to it: standard input is not the terminal, prompts are off, and ssh
//! asks its askpass program or nobody. Its words are captured; none reach the screen unseen.

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use super::{Repo, environment, remotes};
use crate::{
    domain::{
        address::redact_all,
        failure::{Failure, FailureKind},
    },
    sources::children::{self, Keep, Kind, Limits, Said, Stopped},
};

/// What a child may say: its answer, which is read by us, and its words, which people read.
const ANSWER: usize = 16 << 20;
const WORDS: usize = 16 << 10;
/// How long a child may run that nobody watches: somebody may be asked for a passphrase by one that signs.
const DEADLINE: Duration = Duration::from_mins(15);

/// A `git` command that ran, as the activity log shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RanCommand {
    /// As it would be typed; no credentials.
    pub line: String,
    /// How long it took.
    pub took: Duration,
    /// Whether it succeeded.
    pub ok: bool,
    /// How it ended, in a word: `ok`, `exit 1`, `refused`.
    pub outcome: String,
}

impl RanCommand {
    /// What it was for did not come to be, whatever Git's exit code says.
    #[must_use]
    pub(super) fn failed(self, outcome: &str) -> Self {
        Self {
            ok: false,
            outcome: outcome.to_owned(),
            ..self
        }
    }
}

fn outcome(status: ExitStatus) -> String {
    match status.code() {
        Some(0) => "ok".to_owned(),
        Some(code) => format!("exit {code}"),
        None => "killed".to_owned(),
    }
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
    kind: Kind,
    /// Why it is not run: it would wait for a file of the repository.
    unfit: Option<Failure>,
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
            kind: Kind::Work,
            unfit: repo.fit().err(),
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

    /// It may ask at the terminal, which is lent to it, where there is one to lend.
    #[must_use]
    pub(super) fn asking(mut self, may: bool) -> Self {
        self.told.terminal = may.then(children::terminal_to_ask_at).flatten();
        self
    }

    /// In another git directory than the repository's, with the repository's objects: what it makes of refs is there.
    #[must_use]
    pub(super) fn apart(mut self, git_dir: &Path, repo: &Repo) -> Self {
        let objects = repo.common_dir().join("objects");
        let objects = objects.to_string_lossy().into_owned();
        git_dir.clone_into(&mut self.git_dir);
        let variable = ("GIT_OBJECT_DIRECTORY".to_owned(), objects);
        self.told.variables.push(variable);
        self
    }

    /// It only looks: it runs also when what works was stopped.
    #[must_use]
    pub(super) fn looking(mut self) -> Self {
        self.kind = Kind::Look;
        self
    }

    /// Runs it to its end without blocking the runtime; dropping the future stops it and what it
    /// started. Takes no input.
    ///
    /// # Errors
    /// `Program` when `git` cannot be started, takes too long or says too much; `Interrupted`. A failing exit is not an
    /// error here.
    pub(super) async fn run(self) -> Result<Output, Failure> {
        self.fit()?;
        let started = Instant::now();
        let said = children::run_beside(self.command(), self.limits(), None).await;
        Ok(self.finish(started, said.map_err(stopped)?))
    }

    /// Runs it to its end on this thread, for work that is blocking anyway.
    ///
    /// # Errors
    /// As [`Child::run`].
    pub(super) fn run_blocking(self) -> Result<Output, Failure> {
        let started = Instant::now();
        let said = self.said()?;
        Ok(self.finish(started, said))
    }

    /// The lines that it prints, credentials included: addresses to be given to another child, never to be shown. `None`
    /// where it fails.
    ///
    /// # Errors
    /// As [`Child::run`].
    pub(super) fn secret_lines(self) -> Result<Option<Vec<String>>, Failure> {
        let said = self.said()?;
        let text = String::from_utf8_lossy(&said.stdout);
        let lines = text.lines().map(str::to_owned).collect();
        Ok(said.status.success().then_some(lines))
    }

    fn fit(&self) -> Result<(), Failure> {
        self.unfit.clone().map_or(Ok(()), Err)
    }

    fn said(&self) -> Result<Said, Failure> {
        self.fit()?;
        let input = self.input.clone();
        children::run(&mut self.command(), &self.limits(), input, &mut |_| {}).map_err(stopped)
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
    ) -> Result<Option<Output>, Failure> {
        self.fit()?;
        let started = Instant::now();
        let limits = Limits {
            patience: Some(patience),
            deadline: Duration::from_hours(24),
            ..self.limits()
        };
        let hear = &mut |bytes: &[u8]| {
            hear(&redact_all(&String::from_utf8_lossy(bytes), &self.secrets));
        };
        match children::run(self.command().stdout(Stdio::null()), &limits, None, hear) {
            Err(Stopped::Late(_)) => Ok(None),
            said => Ok(Some(self.finish(started, said.map_err(stopped)?))),
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            kind: self.kind,
            stdout: Keep::Whole(ANSWER),
            stderr: Keep::Ends(WORDS),
            deadline: DEADLINE,
            patience: None,
            terminal: self.told.terminal.is_some(),
        }
    }

    fn command(&self) -> std::process::Command {
        let mut command = std::process::Command::new("git");
        environment::settle(&mut command, &self.told);
        command
            .current_dir(&self.directory)
            .env("GIT_DIR", &self.git_dir)
            // What is stored counts, here and on the remote: `refs/replace` is somebody's own view of it.
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .args(&self.arguments)
            .stdin(match (&self.input, &self.told.terminal) {
                (Some(_), _) => Stdio::piped(),
                // Whoever asks on it looks whether it is a terminal.
                (None, Some(_)) if io::stdin().is_terminal() => Stdio::inherit(),
                (None, _) => Stdio::null(),
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn finish(&self, started: Instant, output: Said) -> Output {
        let text = |bytes: Vec<u8>| redact_all(&String::from_utf8_lossy(&bytes), &self.secrets);
        let line = match &self.shown {
            Some(line) => line.clone(),
            None => format!("git {}", self.arguments.join(" ")),
        };
        let output = Output {
            status: output.status,
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            ran: RanCommand {
                line: redact_all(&line, &self.secrets),
                took: started.elapsed(),
                ok: output.status.success(),
                outcome: outcome(output.status),
            },
        };
        let ran = &output.ran;
        tracing::info!(line = ran.line, outcome = %output.status, took = ?ran.took, "ran");
        if !output.stderr.is_empty() {
            tracing::debug!(line = ran.line, said = output.stderr, "it said");
        }
        output
    }
}

/// The error of a child that did not come to its end.
pub(super) fn stopped(why: Stopped) -> Failure {
    let error = in_words(why);
    tracing::warn!(%error, "a program did not come to its end");
    error
}

fn in_words(why: Stopped) -> Failure {
    match why {
        Stopped::Io(error) => not_started(&error),
        Stopped::Late(after) => Failure::new(
            FailureKind::Program,
            format!(
                "`git` did not end within {} s, and was stopped",
                after.as_secs()
            ),
        )
        .hint("Look what it waits for: a hook, a program that signs or asks for a passphrase"),
        Stopped::TooMuch(most) => Failure::new(
            FailureKind::Program,
            format!(
                "`git` answered more than {}, and was stopped",
                children::size(most as u64)
            ),
        ),
        Stopped::Interrupted => Failure::new(FailureKind::Interrupted, "interrupted"),
    }
}

fn not_started(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::NotFound {
        Failure::new(FailureKind::Program, "the program `git` is not installed")
            .hint("Tidegate fetches and pushes through it; install Git and put it on the PATH")
    } else {
        Failure::new(FailureKind::Program, format!("cannot run `git`: {error}"))
    }
}

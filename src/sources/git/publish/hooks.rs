//! Hooks of the user's own clone over the message of a commit that is to be made.
//!
//! They run where the user's own file says so, over a copy of the message, and with an index that is nobody's: what they do to
//! these is their own. Of a repository that a configuration names, none runs.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use super::{
    super::{Repo, environment, transport::reported},
    commit::written,
};
use crate::{
    domain::{
        commit::MessageHook,
        failure::{Failure, FailureKind},
    },
    sources::{
        children::{self, Keep, Kind, Limits},
        files::{self, Links},
    },
};

/// No message is longer, nor are a hook's words.
const LONGEST: u64 = 1 << 20;
const WORDS: usize = 16 << 10;
/// A hook that takes longer waits for something that it does not get.
const DEADLINE: Duration = Duration::from_mins(2);

/// The message as the hooks of `repo` leave it; those that are not there change nothing.
///
/// # Errors
/// `Refused` with a hook's own words, where it does not let the message pass.
pub(super) fn over(repo: &Repo, message: &str, hooks: &[MessageHook]) -> Result<String, Failure> {
    if hooks.is_empty() || !repo.has_own_hooks() {
        return Ok(message.to_owned());
    }
    let found = repo.commit_hooks()?;
    let there = hooks.iter().copied();
    let there: Vec<MessageHook> = there.filter(|hook| found.contains(&hook.name())).collect();
    if there.is_empty() {
        return Ok(message.to_owned());
    }
    let folder = repo.hooks_folder()?;
    let copy = written(message)?;
    for hook in there {
        run(repo, &folder.join(hook.name()), hook, copy.path())?;
    }
    let unreadable = |why: String| {
        Failure::new(
            FailureKind::Refused,
            format!("the message cannot be read behind the hooks of this clone: {why}"),
        )
    };
    let bytes = files::read(copy.path(), Links::Refused, LONGEST)
        .map_err(|error| unreadable(error.to_string()))?
        .unwrap_or_default();
    let left = String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?;
    let left = left.trim();
    if left.is_empty() {
        return Err(unreadable("nothing is left of it".to_owned()));
    }
    Ok(format!("{left}\n"))
}

fn run(repo: &Repo, program: &Path, hook: MessageHook, message: &Path) -> Result<(), Failure> {
    let name = hook.name();
    let refused = |why: String| {
        Failure::new(
            FailureKind::Refused,
            format!("the hook {name} of this clone does not let the commit pass: {why}"),
        )
        .hint("It runs because `hooks` of [commit] in your config.toml names it")
    };
    let scratch = tempfile::tempdir().map_err(|error| refused(error.to_string()))?;
    let mut command = Command::new(program);
    environment::settle(&mut command, &environment::Told::default());
    command
        .current_dir(repo.work_dir().unwrap_or(repo.git_dir()))
        .env("GIT_DIR", repo.git_dir())
        // Not the clone's own: it is not looked at, and not to be changed by accident.
        .env("GIT_INDEX_FILE", scratch.path().join("index"))
        // As Git has it where nobody edits.
        .env("GIT_EDITOR", ":")
        .arg(message)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if hook == MessageHook::Prepare {
        command.arg("message");
    }
    let limits = Limits {
        kind: Kind::Work,
        stdout: Keep::Ends(WORDS),
        stderr: Keep::Ends(WORDS),
        deadline: DEADLINE,
        patience: None,
        terminal: false,
    };
    let said = children::run(&mut command, &limits, None, &mut |_| {});
    let said = said.map_err(|stopped| match stopped {
        children::Stopped::Interrupted => super::super::child::stopped(stopped),
        stopped => refused(stopped.words()),
    })?;
    if said.status.success() {
        return Ok(());
    }
    let status = said.status.code();
    let status = status.map_or("a signal".to_owned(), |code| format!("exit {code}"));
    let text = |bytes: &[u8]| reported(&String::from_utf8_lossy(bytes));
    let words = [text(&said.stderr), text(&said.stdout)];
    let words: Vec<&str> = words.iter().flat_map(|text| text.lines()).collect();
    let words = match words.as_slice() {
        [] => "without a word".to_owned(),
        words => words.join("; "),
    };
    Err(refused(format!("{words} ({status})")))
}

/// Whether a hook file is one that Git would run.
pub(in super::super) fn runs(path: &Path) -> bool {
    let found = fs::metadata(path);
    found.is_ok_and(|found| found.is_file() && is_executable(&found))
}

#[cfg(unix)]
fn is_executable(file: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    true
}

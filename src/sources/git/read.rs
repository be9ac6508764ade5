//! Reading one commit: the matrix, a file, what people see of it.

use std::sync::Arc;

use super::{GitError, GitErrorKind, Repo};
use crate::domain::{
    desired::Desired,
    history::CommitInfo,
    ids::{EnvironmentName, ObjectId},
    layout::LayoutSet,
};

impl Repo {
    /// The matrix that `commit` declares. Blocking; milliseconds even on large repositories, because
    /// only folders that a layout can match are read.
    ///
    /// # Errors
    /// When the commit cannot be read; a single bad file is a row in `problems`.
    pub fn desired(
        &self,
        commit: ObjectId,
        layouts: &Arc<LayoutSet>,
        environments: &[EnvironmentName],
    ) -> Result<Desired, GitError> {
        let _ = (commit, layouts, environments);
        Err(not_yet())
    }

    /// A file's bytes at `commit`; `None` when it is not there or is no regular file.
    ///
    /// # Errors
    /// When the commit or the blob cannot be read.
    pub fn file(&self, commit: ObjectId, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        let _ = (commit, path);
        Err(not_yet())
    }

    /// The name that Git gives a file of these bytes.
    pub fn blob_id(bytes: &[u8]) -> ObjectId {
        git2::Oid::hash_object(git2::ObjectType::Blob, bytes)
            .map_or(ObjectId::new([0; 20]), super::ours)
    }

    /// What people see of a commit.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn commit_info(&self, commit: ObjectId) -> Result<CommitInfo, GitError> {
        let _ = commit;
        Err(not_yet())
    }
}

fn not_yet() -> GitError {
    GitError::new(GitErrorKind::Other, "reading is not there yet")
}

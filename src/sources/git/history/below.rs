//! What stood below a commit of the landed line, and what the commit did to it.

use super::{
    super::{Failure, Repo, objects::Objects, read::lookup},
    tree::{Counted, gone},
};
use crate::domain::ids::ObjectId;

/// A repository opened to ask what was before.
pub struct Below {
    objects: Objects,
}

impl Repo {
    /// Opens the repository to ask what was before.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn below(&self) -> Result<Below, Failure> {
        let objects = Objects::open(self)?;
        Ok(Below { objects })
    }
}

impl Below {
    /// The first parent of a commit; `None` of the first one, and where a shallow clone is cut off.
    ///
    /// # Errors
    /// When the commit cannot be read.
    pub fn parent(&self, commit: ObjectId) -> Result<Option<ObjectId>, Failure> {
        Ok(self.objects.header(commit)?.parents.first().copied())
    }

    /// Whether a commit takes files away that its first parent has, wherever they stand.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn takes_away(&self, commit: ObjectId, parent: ObjectId) -> Result<bool, Failure> {
        let (left, entered) = (self.tree(commit)?, self.tree(parent)?);
        let mut files = Vec::new();
        let mut folders = Counted::new(&self.objects);
        gone(Some(left), Some(entered), "", &mut folders, 1, &mut files)?;
        Ok(!files.is_empty())
    }

    /// The blob of the regular file at `path` of a commit.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn blob(&self, commit: ObjectId, path: &str) -> Result<Option<ObjectId>, Failure> {
        lookup(&self.objects, self.tree(commit)?, path)
    }

    /// The newest commit from `commit` down first parents whose file at `path` is there and is another, of `most` commits.
    ///
    /// # Errors
    /// When a commit or a folder cannot be read.
    pub fn another(
        &self,
        commit: ObjectId,
        path: &str,
        most: usize,
    ) -> Result<Option<ObjectId>, Failure> {
        let known = self.blob(commit, path)?;
        for step in self.objects.first_parents(commit).take(most) {
            let (at, header) = step?;
            let there = lookup(&self.objects, header.tree, path)?;
            if there.is_some() && there != known {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    fn tree(&self, commit: ObjectId) -> Result<ObjectId, Failure> {
        Ok(self.objects.header(commit)?.tree)
    }
}

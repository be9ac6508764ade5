//! Who wrote a value that a merge brought.
//!
//! ```text
//! o──L──o  landed line; L is the merge that brought the value
//!  \/
//!  a──b    a wrote it: at L the first parent with the value is b, at b it is a, and before a nobody has it
//! ```

use std::collections::HashMap;

use super::{
    super::{
        GitError,
        objects::{Header, Objects},
        read::lookup,
    },
    walk::Walk,
};
use crate::domain::{
    ids::{CellKey, ObjectId, RepoPath},
    version::Version,
};

/// A branch longer than this is followed no further; its oldest commit looked at stands for the author.
const LONGEST: usize = 10_000;

/// Finds authored commits; remembers what it read for the cells of one landed commit.
pub(super) struct Authors<'a> {
    objects: &'a Objects,
    headers: HashMap<ObjectId, Header>,
}

/// A value on the landed line, as it stands at its landed commit.
pub(super) struct Landed<'a> {
    pub(super) cell: &'a CellKey,
    pub(super) version: Option<&'a Version>,
    /// The files that decide the cell, with their blobs at the landed commit.
    pub(super) files: &'a [(RepoPath, Option<ObjectId>)],
}

impl<'a> Authors<'a> {
    pub(super) fn new(objects: &'a Objects) -> Self {
        Self {
            objects,
            headers: HashMap::new(),
        }
    }

    /// Forgets what was read for the last landed commit.
    pub(super) fn next_landed(&mut self) {
        self.headers.clear();
    }

    /// From `landed` always to the first parent that has the value, until none has.
    pub(super) fn find(
        &mut self,
        landed: ObjectId,
        value: &Landed<'_>,
        walk: &Walk<'_>,
    ) -> Result<ObjectId, GitError> {
        let mut commit = landed;
        for _ in 0..LONGEST {
            let mut parents = self.header(commit)?.parents.clone();
            if commit == landed {
                // By definition the landed line did not have it before.
                if parents.len() < 2 {
                    return Ok(commit);
                }
                parents.remove(0);
            }
            let mut next = None;
            for parent in parents {
                if self.has(parent, value, walk)? {
                    next = Some(parent);
                    break;
                }
            }
            match next {
                Some(parent) => commit = parent,
                None => return Ok(commit),
            }
        }
        Ok(commit)
    }

    fn header(&mut self, commit: ObjectId) -> Result<&Header, GitError> {
        Ok(match self.headers.entry(commit) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(self.objects.header(commit)?)
            }
        })
    }

    /// Whether the cell has the value in `commit`: the same blobs, or other blobs that say the same.
    fn has(
        &mut self,
        commit: ObjectId,
        value: &Landed<'_>,
        walk: &Walk<'_>,
    ) -> Result<bool, GitError> {
        let tree = self.header(commit)?.tree;
        let mut there = Vec::with_capacity(value.files.len());
        let mut same = true;
        for (path, blob) in value.files {
            let id = lookup(self.objects, tree, path.as_str())?;
            same &= id == *blob;
            there.push((path, id));
        }
        if same {
            return Ok(true);
        }
        let facts = there.into_iter().filter_map(|(path, id)| {
            let facts = walk.facts(path, id?)?;
            Some((path.clone(), facts))
        });
        Ok(walk.value(value.cell, facts).as_ref() == value.version)
    }
}

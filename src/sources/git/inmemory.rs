//! A few objects in memory, for what libgit2 works out of them: it never reads those of the repository.
//!
//! Each is held against its name on its way in, so what comes out is of what was there.

use std::{collections::HashSet, sync::Arc};

use super::{
    Repo,
    objects::{Kind, Objects, entries, libgit2_kind},
    ours,
    parse::{MEND, damaged},
    read::{MOST_ENTRIES, MOST_LEVELS, too_much},
    store::Type,
    theirs,
};
use crate::domain::{
    failure::{Failure, FailureKind},
    ids::ObjectId,
};

/// More than this is not held at a time.
const MOST_BYTES: usize = 512 << 20;
/// Before any other place that objects are in.
const FIRST: i32 = 1000;

/// The repository as libgit2 sees it, with objects of its own.
pub(super) struct InMemory<'o> {
    objects: &'o Objects,
    repository: git2::Repository,
    odb: git2::Odb<'static>,
    has: HashSet<ObjectId>,
    left: usize,
}

impl<'o> InMemory<'o> {
    pub(super) fn new(objects: &'o Objects) -> Result<Self, Failure> {
        let repo = objects.repo();
        let repository = repo.open()?;
        let made = || {
            let odb = git2::Odb::new()?;
            odb.add_new_mempack_backend(FIRST)?;
            repository.set_odb(&odb)?;
            Ok(odb)
        };
        let odb = made().map_err(|error| repo.error(&error, "cannot keep objects in memory"))?;
        Ok(Self {
            objects,
            repository,
            odb,
            has: HashSet::new(),
            left: MOST_BYTES,
        })
    }

    /// What libgit2 works with.
    pub(super) fn repository(&self) -> &git2::Repository {
        &self.repository
    }

    /// Whether the object was taken in.
    pub(super) fn has(&self, id: ObjectId) -> bool {
        self.has.contains(&id)
    }

    /// Takes a blob in; `false` where it is larger than `limit`.
    pub(super) fn take_blob(&mut self, id: ObjectId, limit: usize) -> Result<bool, Failure> {
        if self.has.contains(&id) {
            return Ok(true);
        }
        match self.objects.blob_within(id, limit)? {
            Ok(data) => self.put(Type::Blob, id, &data).map(|()| true),
            Err(_) => Ok(false),
        }
    }

    /// Takes in a tree and every one below it.
    pub(super) fn take_trees(&mut self, tree: ObjectId) -> Result<(), Failure> {
        let mut waiting = vec![(tree, 0)];
        let mut left = MOST_ENTRIES;
        while let Some((tree, level)) = waiting.pop() {
            if self.has.contains(&tree) {
                continue;
            }
            if level > MOST_LEVELS {
                return Err(too_much(Some(tree)));
            }
            let data = self.objects.tree(tree)?;
            for entry in entries(&data) {
                left = left.checked_sub(1).ok_or_else(|| too_much(Some(tree)))?;
                if entry.kind == Kind::Folder {
                    waiting.push((entry.id, level + 1));
                }
            }
            self.put(Type::Tree, tree, &data)?;
        }
        Ok(())
    }

    /// Takes in an object that is only here.
    pub(super) fn make(&mut self, kind: Type, data: &[u8]) -> Result<git2::Oid, Failure> {
        let failed = |error: &git2::Error| self.repo().error(error, "cannot keep an object");
        self.odb
            .write(libgit2_kind(kind), data)
            .map_err(|error| failed(&error))
    }

    /// The bytes of an object that is here.
    pub(super) fn get(&self, id: ObjectId) -> Result<Arc<Vec<u8>>, Failure> {
        let read = self.odb.read(theirs(id));
        let read =
            read.map_err(|error| self.repo().error(&error, "cannot read a merged object"))?;
        Ok(Arc::new(read.data().to_vec()))
    }

    fn repo(&self) -> &Repo {
        self.objects.repo()
    }

    fn put(&mut self, kind: Type, id: ObjectId, data: &[u8]) -> Result<(), Failure> {
        self.left = self.left.checked_sub(data.len()).ok_or_else(|| {
            Failure::new(
                FailureKind::Damaged,
                format!(
                    "more than {} MB differ between two commits",
                    MOST_BYTES >> 20
                ),
            )
            .hint(MEND)
        })?;
        if ours(self.make(kind, data)?) != id {
            return Err(damaged(id, "is stored with a content that is not its own"));
        }
        self.has.insert(id);
        Ok(())
    }
}

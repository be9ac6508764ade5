//! Who wrote a value that a merge brought.
//!
//! ```text
//! o──L──o  landed line; L is the merge that brought the value
//!  \/
//!  a──b    a wrote it: at L the first parent with the value is b, at b it is a, and before a nobody has it
//!
//! o──L──M──o  M merged a branch that touched the file, wrote another value and then the old one again:
//!  \/  /      M's files are those of d, so d brought what stands there, and wrote the value last
//!   a c──d
//! ```

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    super::{
        objects::{Header, Objects},
        read::lookup,
    },
    index::Index,
    moves::At,
    today::{Passed, or_presence},
    versions::Versions,
    walk::Walk,
};
use crate::domain::{
    failure::Failure,
    history::{CommitInfo, ValueChange},
    ids::{CellKey, ObjectId, RepoPath},
    layout::FileFacts,
    version::Version,
};

/// A branch longer than this is followed no further; its oldest commit looked at stands for the author.
const LONGEST: usize = 10_000;

/// More is not remembered at a time.
const MOST_REMEMBERED: usize = 50_000;

/// Finds authored commits; remembers what it read, for the cells that share commits and files.
pub(super) struct Authors<'a> {
    objects: &'a Objects,
    headers: HashMap<ObjectId, Header>,
    blobs: HashMap<(ObjectId, RepoPath), Option<ObjectId>>,
    facts: HashMap<(RepoPath, ObjectId), Option<Arc<FileFacts>>>,
    versions: Versions,
    /// The landed line so far, with how deep each commit is.
    line: HashMap<ObjectId, u32>,
    /// An index that knows the rest of it, and how deep it begins; read when it is asked for.
    below: Option<(&'a Index, u32)>,
}

/// A value on the landed line, as it stands at its landed commit.
pub(super) struct Landed<'a> {
    pub(super) cell: &'a CellKey,
    pub(super) version: Option<&'a Version>,
    pub(super) commit: ObjectId,
    /// How deep that commit is on the line.
    pub(super) depth: u32,
    /// The files that decide the cell, where they are there.
    pub(super) paths: &'a [At],
    /// Their blobs at the landed commit and at its first parent, which does not have the value.
    pub(super) blobs: &'a [(Option<ObjectId>, Option<ObjectId>)],
    /// Merges above it that touched them.
    pub(super) passed: &'a [Passed],
}

impl<'a> Authors<'a> {
    pub(super) fn new(objects: &'a Objects) -> Self {
        Self {
            objects,
            headers: HashMap::new(),
            blobs: HashMap::new(),
            facts: HashMap::new(),
            versions: Versions::default(),
            line: HashMap::new(),
            below: None,
        }
    }

    /// The walk has reached this commit of the landed line.
    pub(super) fn on_line(&mut self, commit: ObjectId, depth: u32) {
        self.line.insert(commit, depth);
    }

    /// What comes now of the landed line, from this depth on, is what the index has.
    pub(super) fn goes_on(&mut self, index: &'a Index, depth: u32) {
        self.below = Some((index, depth));
    }

    /// The author of a value that an index knows, where merges since have touched its files.
    pub(super) fn find_again(
        &mut self,
        cell: &CellKey,
        change: &ValueChange,
        paths: &[RepoPath],
        passed: &[Passed],
        walk: &Walk<'_>,
    ) -> Result<Option<CommitInfo>, Failure> {
        let commit = change.landed.commit;
        let parent = self.header(commit)?.parents.first().copied();
        let places: Vec<At> = paths.iter().map(At::home).collect();
        let mut blobs = Vec::with_capacity(paths.len());
        for path in paths {
            let before = match parent {
                Some(parent) => self.blob(parent, path)?,
                None => None,
            };
            blobs.push((self.blob(commit, path)?, before));
        }
        let value = Landed {
            cell,
            version: change.version.as_ref(),
            commit,
            depth: change.depth,
            paths: &places,
            blobs: &blobs,
            passed,
        };
        let author = self.find(&value, walk)?;
        if author == change.authored.commit {
            return Ok(None);
        }
        Ok(Some(self.objects.info(author)?.0))
    }

    /// From the tip downwards, at a merge always on to the first parent whose files are the merge's, else to the first
    /// that has the value, until none has.
    pub(super) fn find(
        &mut self,
        value: &Landed<'_>,
        walk: &Walk<'_>,
    ) -> Result<ObjectId, Failure> {
        if self.headers.len() + self.blobs.len() + self.facts.len() > MOST_REMEMBERED {
            self.headers.clear();
            self.blobs.clear();
            self.facts.clear();
        }
        let mut from = 0;
        for passed in value.passed {
            if passed.depth < from {
                continue;
            }
            let parents = self.header(passed.commit)?.parents.clone();
            let mut branch = None;
            for parent in parents.into_iter().skip(1) {
                if self.same_files(passed.commit, parent, value.paths)? {
                    branch = Some(parent);
                    break;
                }
            }
            let Some(branch) = branch else { continue };
            match self.follow(branch, passed.depth, value, walk)? {
                Stop::Author(commit) => return Ok(commit),
                Stop::Line(depth) => from = depth,
            }
        }
        let parents = self.header(value.commit)?.parents.clone();
        // By definition the first parent did not have it.
        for parent in parents.into_iter().skip(1) {
            if self.has(parent, value, walk)? {
                return Ok(match self.follow(parent, value.depth, value, walk)? {
                    Stop::Author(commit) => commit,
                    Stop::Line(_) => value.commit,
                });
            }
        }
        Ok(value.commit)
    }

    /// Follows the value down from a commit that has it, to where it was written or to the landed line. It was merged into
    /// the line at this depth.
    fn follow(
        &mut self,
        commit: ObjectId,
        merged: u32,
        value: &Landed<'_>,
        walk: &Walk<'_>,
    ) -> Result<Stop, Failure> {
        if let Some((index, depth)) = self.below.take() {
            self.line.extend(index.line().zip(depth..));
        }
        let mut commit = commit;
        let mut seen = HashSet::new();
        for _ in 0..LONGEST {
            if let Some(depth) = self.line.get(&commit) {
                return Ok(Stop::Line(*depth));
            }
            if !seen.insert(commit) {
                break;
            }
            let parents = self.header(commit)?.parents.clone();
            let mut next = None;
            if parents.len() > 1 {
                for parent in &parents {
                    if self.same_files(commit, *parent, value.paths)? {
                        next = Some(*parent);
                        break;
                    }
                }
            }
            for parent in parents {
                if next.is_some() {
                    break;
                }
                // Between the commit that landed it and the merge, the line has it.
                let on_line = self.line.get(&parent);
                if on_line.is_some_and(|depth| (merged..=value.depth).contains(depth))
                    || self.has(parent, value, walk)?
                {
                    next = Some(parent);
                }
            }
            match next {
                Some(parent) => commit = parent,
                None => break,
            }
        }
        Ok(Stop::Author(commit))
    }

    fn header(&mut self, commit: ObjectId) -> Result<&Header, Failure> {
        Ok(match self.headers.entry(commit) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(self.objects.header(commit)?)
            }
        })
    }

    fn blob(&mut self, commit: ObjectId, path: &RepoPath) -> Result<Option<ObjectId>, Failure> {
        let key = (commit, path.clone());
        if let Some(known) = self.blobs.get(&key) {
            return Ok(*known);
        }
        let tree = self.header(commit)?.tree;
        let found = lookup(self.objects, tree, path.as_str())?;
        self.blobs.insert(key, found);
        Ok(found)
    }

    fn same_files(&mut self, a: ObjectId, b: ObjectId, paths: &[At]) -> Result<bool, Failure> {
        let tree = self.header(a)?.tree;
        if tree == self.header(b)?.tree {
            return Ok(true);
        }
        for At { path, .. } in paths {
            if self.blob(a, path)? != self.blob(b, path)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the cell has the value in `commit`: the files are the same, or others that say the same.
    fn has(
        &mut self,
        commit: ObjectId,
        value: &Landed<'_>,
        walk: &Walk<'_>,
    ) -> Result<bool, Failure> {
        let (mut as_landed, mut as_before) = (true, true);
        for (at, (landed, before)) in value.paths.iter().zip(value.blobs) {
            let there = self.blob(commit, &at.path)?;
            as_landed &= there == *landed;
            as_before &= there == *before;
            if !as_landed && !as_before {
                break;
            }
        }
        if as_landed || as_before {
            return Ok(as_landed);
        }
        let mut assembler = walk.assembler();
        let all: Vec<RepoPath> = value.paths.iter().map(|at| at.read_as.clone()).collect();
        for At { path, read_as } in value.paths {
            let facts = match self.blob(commit, path)? {
                Some(id) => {
                    let known = self.facts.entry((read_as.clone(), id));
                    let versions = &mut self.versions;
                    known
                        .or_insert_with(|| walk.facts(read_as, id, versions))
                        .clone()
                }
                None => None,
            };
            let facts = or_presence(facts, read_as, &all, || walk.presence(read_as));
            assembler.update(read_as.clone(), facts);
        }
        let found = assembler.take_changes();
        let found = found.into_iter().find(|(cell, ..)| cell == value.cell);
        Ok(found.and_then(|(.., version)| version).as_ref() == value.version)
    }
}

/// Where following a value ended.
enum Stop {
    /// Nobody before this commit had it.
    Author(ObjectId),
    /// On the landed line, this deep: it was there all along.
    Line(u32),
}

//! The matrix at the tree where the walk is.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    super::{facts::fetch_missing, objects::Objects},
    branches::Author,
    pipeline::{FileThere, There},
    today::or_presence,
    versions::Versions,
};
use crate::domain::{
    desired::Desired,
    failure::Failure,
    ids::{CellKey, EnvironmentName, ObjectId, RepoPath},
    layout::{Assembler, FileFacts, LayoutSet},
    version::Version,
};

/// A change of a cell between two trees: (cell, at the tree left, at the tree entered).
pub(super) type CellChange = (CellKey, Option<Version>, Option<Version>);

/// A wanted file that differs between two trees.
pub(super) struct Moved {
    /// What it is read as.
    pub(super) path: RepoPath,
    /// Where it is: another path for a file of today that was elsewhere then.
    pub(super) at: RepoPath,
    /// What it says at the tree left.
    pub(super) left: Option<Arc<FileFacts>>,
    /// Its blob at the tree left.
    pub(super) before: Option<ObjectId>,
    /// Its blob at the tree entered.
    pub(super) after: Option<ObjectId>,
    /// Who wrote the bytes left, and that commit's text, where a merge brought them beyond doubt.
    pub(super) author: Option<Author>,
}

/// The matrix of one tree, moved from tree to tree.
pub(super) struct Walk<'a> {
    objects: &'a Objects,
    layouts: &'a Arc<LayoutSet>,
    files: HashMap<RepoPath, (ObjectId, Arc<FileFacts>)>,
    /// Files that cannot be read here, and stand for what they said before they broke.
    passed_over: HashSet<RepoPath>,
    assembler: Assembler,
}

impl<'a> Walk<'a> {
    /// Begins at `tree`.
    pub(super) fn new(
        objects: &'a Objects,
        layouts: &'a Arc<LayoutSet>,
        environments: &'a [EnvironmentName],
        tree: ObjectId,
    ) -> Result<Self, Failure> {
        let mut walk = Self {
            objects,
            layouts,
            files: HashMap::new(),
            passed_over: HashSet::new(),
            assembler: Assembler::new(Arc::clone(layouts), environments),
        };
        // Without what the remote does not give, history would not be what it is.
        fetch_missing(objects, tree, layouts)?;
        let repo = objects.repo();
        let known = repo.facts().read(repo, tree, layouts, None)?;
        for (path, id, facts) in &known.files {
            walk.put(path.clone(), Some((*id, Arc::clone(facts))));
        }
        walk.assembler.fix_conditions();
        walk.assembler.take_changes();
        Ok(walk)
    }

    /// Moves to another tree, in which these files differ; says which they are and which cells differ.
    pub(super) fn enter(&mut self, files: Vec<FileThere>) -> (Vec<Moved>, Vec<CellChange>) {
        let mut moved = Vec::with_capacity(files.len());
        for file in files {
            let there = self.resolve(&file.path, file.there);
            let after = there.as_ref().map(|(id, _)| *id);
            let left = self.put(file.path.clone(), there);
            let (before, left) = left.unzip();
            moved.push(Moved {
                at: file.path.clone(),
                path: file.path,
                left,
                before,
                after,
                author: file.author,
            });
        }
        let changes = if moved.is_empty() {
            Vec::new()
        } else {
            self.assembler.take_changes()
        };
        (moved, changes)
    }

    /// What a file counts as there: what cannot be read is not known, and so has not changed.
    fn resolve(&mut self, path: &RepoPath, there: There) -> Option<(ObjectId, Arc<FileFacts>)> {
        let was_passed_over = self.passed_over.remove(path);
        match there {
            There::Absent => None,
            There::Said(blob, facts) => Some((blob, facts)),
            There::Unread {
                blob,
                facts,
                before,
            } => {
                let known = self.files.get(path).filter(|_| was_passed_over);
                let known = known.map(|(_, facts)| Arc::clone(facts)).or(before);
                if known.is_some() {
                    self.passed_over.insert(path.clone());
                }
                Some((blob, known.or(facts)?))
            }
        }
    }

    /// Whether the file cannot be read here, though it could before.
    pub(super) fn is_passed_over(&self, path: &RepoPath) -> bool {
        self.passed_over.contains(path)
    }

    fn put(
        &mut self,
        path: RepoPath,
        there: Option<(ObjectId, Arc<FileFacts>)>,
    ) -> Option<(ObjectId, Arc<FileFacts>)> {
        let facts = there.as_ref().map(|(_, facts)| Arc::clone(facts));
        self.assembler.update(path.clone(), facts);
        match there {
            Some(there) => self.files.insert(path, there),
            None => self.files.remove(&path),
        }
    }

    /// The blob of a wanted file here.
    pub(super) fn blob(&self, path: &RepoPath) -> Option<ObjectId> {
        self.files.get(path).map(|(id, _)| *id)
    }

    /// The matrix here.
    pub(super) fn desired(&self, commit: ObjectId) -> Desired {
        self.assembler.desired(commit)
    }

    /// The files that decide a cell here.
    pub(super) fn depends_on(&self, key: &CellKey) -> Vec<RepoPath> {
        self.assembler.depends_on(key)
    }

    /// The file that a cell's version is read from here.
    pub(super) fn source(&self, key: &CellKey) -> Option<RepoPath> {
        self.assembler.source(key)
    }

    /// An empty matrix of the same layouts.
    pub(super) fn assembler(&self) -> Assembler {
        self.assembler.emptied()
    }

    /// What the file at `path` says here.
    pub(super) fn file(&self, path: &RepoPath) -> Option<Arc<FileFacts>> {
        self.files.get(path).map(|(_, facts)| Arc::clone(facts))
    }

    /// What the file at `path` says here; the first of `paths` counts as there, and empty, where it is not.
    pub(super) fn facts_or_presence(
        &self,
        path: &RepoPath,
        paths: &[RepoPath],
    ) -> Option<Arc<FileFacts>> {
        or_presence(self.file(path), path, paths, || self.presence(path))
    }

    /// What an empty file at `path` says: that its cell exists.
    pub(super) fn presence(&self, path: &RepoPath) -> Arc<FileFacts> {
        Arc::new(self.layouts.extract(path, b""))
    }

    /// What a file says, read afresh.
    pub(super) fn facts(
        &self,
        path: &RepoPath,
        id: ObjectId,
        versions: &mut Versions,
    ) -> Option<Arc<FileFacts>> {
        match self.files.get(path) {
            Some((same, facts)) if *same == id => Some(Arc::clone(facts)),
            _ => versions.read(self.objects, self.layouts, path, id).ok(),
        }
    }
}

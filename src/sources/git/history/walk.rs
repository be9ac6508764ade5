//! One step of the walk: from a commit's tree to another's, and what that does to the cells.

use std::{collections::HashMap, sync::Arc};

use super::{
    super::{GitError, objects::Objects, read::read_facts},
    today::or_presence,
    tree::Folder,
};
use crate::domain::{
    desired::Desired,
    ids::{CellKey, EnvironmentName, ObjectId, RepoPath},
    layout::{Assembler, FileFacts, LayoutSet},
    version::Version,
};

/// A change of a cell between two trees: (cell, at the tree left, at the tree entered).
pub(super) type CellChange = (CellKey, Option<Version>, Option<Version>);

/// What a move did.
#[derive(Default)]
pub(super) struct Moved {
    /// Files that differ.
    pub(super) files: Vec<RepoPath>,
    /// Cells that differ.
    pub(super) cells: Vec<CellChange>,
}

/// The matrix of one tree, moved from tree to tree.
pub(super) struct Walk<'a> {
    objects: &'a Objects,
    layouts: Arc<LayoutSet>,
    environments: &'a [EnvironmentName],
    root: Folder,
    files: HashMap<RepoPath, (ObjectId, Arc<FileFacts>)>,
    assembler: Assembler,
}

impl<'a> Walk<'a> {
    /// Begins at `tree`.
    pub(super) fn new(
        objects: &'a Objects,
        layouts: &Arc<LayoutSet>,
        environments: &'a [EnvironmentName],
        tree: ObjectId,
    ) -> Result<Self, GitError> {
        let mut walk = Self {
            objects,
            layouts: Arc::clone(layouts),
            environments,
            root: Folder::default(),
            files: HashMap::new(),
            assembler: Assembler::new(Arc::clone(layouts), environments),
        };
        walk.move_to(Some(tree))?;
        walk.assembler.take_changes();
        Ok(walk)
    }

    /// Moves to another tree (`None`: an empty one); says which files and which cells differ there.
    pub(super) fn move_to(&mut self, tree: Option<ObjectId>) -> Result<Moved, GitError> {
        let mut differences = Vec::new();
        let mut folders = self.objects;
        self.root
            .move_to(tree, &mut folders, &self.layouts, &mut |difference| {
                differences.push(difference);
            })?;
        if differences.is_empty() {
            return Ok(Moved::default());
        }
        if differences.len() > 1 {
            let ids: Vec<ObjectId> = differences.iter().filter_map(|(_, id)| *id).collect();
            self.objects.prefetch(&ids)?;
        }
        let mut files = Vec::with_capacity(differences.len());
        for (path, id) in differences {
            // What cannot be read declares nothing; the matrix of today says why, history goes on.
            let facts = id.and_then(|id| {
                let facts = read_facts(self.objects, &self.layouts, &path, id).ok()?;
                Some((id, Arc::new(facts)))
            });
            self.assembler.update(
                path.clone(),
                facts.as_ref().map(|(_, facts)| Arc::clone(facts)),
            );
            match facts {
                Some(facts) => self.files.insert(path.clone(), facts),
                None => self.files.remove(&path),
            };
            files.push(path);
        }
        let cells = self.assembler.take_changes();
        Ok(Moved { files, cells })
    }

    /// The matrix here.
    pub(super) fn desired(&self, commit: ObjectId) -> Desired {
        self.assembler.desired(commit)
    }

    /// The files that decide a cell here.
    pub(super) fn depends_on(&self, key: &CellKey) -> Vec<RepoPath> {
        self.assembler.depends_on(key)
    }

    /// An empty matrix of the same layouts.
    pub(super) fn assembler(&self) -> Assembler {
        Assembler::new(Arc::clone(&self.layouts), self.environments)
    }

    /// What the file at `path` says here; the first of `paths` counts as there, and empty, where it is not.
    pub(super) fn facts_or_presence(
        &self,
        path: &RepoPath,
        paths: &[RepoPath],
    ) -> Option<Arc<FileFacts>> {
        let facts = self.files.get(path).map(|(_, facts)| Arc::clone(facts));
        or_presence(facts, path, paths, || self.presence(path))
    }

    /// What an empty file at `path` says: that its cell exists.
    pub(super) fn presence(&self, path: &RepoPath) -> Arc<FileFacts> {
        Arc::new(self.layouts.extract(path, b""))
    }

    /// What a file says, read afresh.
    pub(super) fn facts(&self, path: &RepoPath, id: ObjectId) -> Option<Arc<FileFacts>> {
        match self.files.get(path) {
            Some((same, facts)) if *same == id => Some(Arc::clone(facts)),
            _ => read_facts(self.objects, &self.layouts, path, id)
                .ok()
                .map(Arc::new),
        }
    }
}

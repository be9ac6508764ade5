//! One step of the walk: from a commit's tree to another's, and what that does to the cells.

use std::{collections::HashMap, sync::Arc};

use super::{
    super::{GitError, objects::Objects, read::read_facts},
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
    /// Files that differ, with their blobs at the tree left.
    pub(super) files: Vec<(RepoPath, Option<ObjectId>)>,
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
            let left = match facts {
                Some(facts) => self.files.insert(path.clone(), facts),
                None => self.files.remove(&path),
            };
            files.push((path, left.map(|(id, _)| id)));
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

    /// The blob of a wanted file here.
    pub(super) fn blob(&self, path: &RepoPath) -> Option<ObjectId> {
        self.files.get(path).map(|(id, _)| *id)
    }

    /// What a cell declares here by the given files alone.
    pub(super) fn value_by(&self, key: &CellKey, paths: &[RepoPath]) -> Option<Version> {
        self.value(
            key,
            paths.iter().filter_map(|path| {
                let (_, facts) = self.files.get(path)?;
                Some((path.clone(), Arc::clone(facts)))
            }),
        )
    }

    /// What a cell declares by the given facts alone.
    pub(super) fn value(
        &self,
        key: &CellKey,
        facts: impl Iterator<Item = (RepoPath, Arc<FileFacts>)>,
    ) -> Option<Version> {
        let mut assembler = Assembler::new(Arc::clone(&self.layouts), self.environments);
        for (path, facts) in facts {
            assembler.update(path, Some(facts));
        }
        let changes = assembler.take_changes();
        changes.into_iter().find(|(cell, ..)| cell == key)?.2
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

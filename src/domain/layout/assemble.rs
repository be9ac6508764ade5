//! The matrix, kept up to date file by file.

use std::sync::Arc;

use super::{FileFacts, LayoutSet};
use crate::domain::{
    desired::Desired,
    ids::{CellKey, EnvironmentName, ObjectId, RepoPath},
    template::Captures,
    version::Version,
};

/// Which ref a file was read from, where environments are refs.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The `[[repositories]]` entry; `None` is the main repository.
    pub repository: Option<Arc<str>>,
    /// Index into [`LayoutSet::ref_templates`]; `None` is the one ref that holds every environment.
    pub refs: Option<usize>,
    /// What the ref's name captured.
    pub captures: Captures,
}

/// The matrix, kept up to date file by file: for reading a commit and for walking a history.
#[derive(Debug)]
pub struct Assembler {
    layouts: Arc<LayoutSet>,
    environments: Vec<EnvironmentName>,
}

impl Assembler {
    /// An empty matrix. `environments` are the declared columns, in order.
    pub fn new(layouts: Arc<LayoutSet>, environments: &[EnvironmentName]) -> Self {
        Self {
            layouts,
            environments: environments.to_vec(),
        }
    }

    /// The file at `path` appeared, changed, or (`None`) went away. Costs what depends on that file, no more.
    pub fn update(&mut self, path: RepoPath, facts: Option<Arc<FileFacts>>) {
        self.update_at(&Origin::default(), path, facts);
    }

    /// The same for a file of another ref or repository.
    pub fn update_at(&mut self, origin: &Origin, path: RepoPath, facts: Option<Arc<FileFacts>>) {
        let _ = (&self.layouts, origin, path, facts);
    }

    /// Cells whose version changed since last asked: (cell, before, after), in cell order.
    pub fn take_changes(&mut self) -> Vec<(CellKey, Option<Version>, Option<Version>)> {
        Vec::new()
    }

    /// The whole matrix.
    pub fn desired(&self, commit: ObjectId) -> Desired {
        Desired {
            commit,
            services: Vec::new(),
            environments: self.environments.clone(),
            cells: std::collections::BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// The files that decide this cell, own first, then fall-backs, whether they exist or not.
    pub fn depends_on(&self, key: &CellKey) -> Vec<RepoPath> {
        let _ = key;
        Vec::new()
    }
}

//! What Git declares at one commit: the matrix of cells, and where each version is written.

use std::collections::BTreeMap;

use super::{
    ids::{CellKey, EnvironmentName, ObjectId, RepoPath, ServiceName},
    layout::Origin,
    problem::Problem,
    subject::Subject,
    template::Captures,
    version::Version,
};

/// The matrix as one commit declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// The commit it was read from.
    pub commit: ObjectId,
    /// Rows that declare a version somewhere, in name order.
    pub services: Vec<ServiceName>,
    /// Columns: the declared environments in their order, then others that the layouts found.
    pub environments: Vec<EnvironmentName>,
    /// Every cell that exists, a version declared or not.
    pub cells: BTreeMap<CellKey, DesiredCell>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// One cell, as declared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DesiredCell {
    /// The version, or `None` where the cell exists but declares nothing (absent, null or empty).
    pub version: Option<Version>,
    /// What it is a version of: whether pods can show it.
    pub subject: Subject,
    /// Read from a fall-back file instead of the cell's own.
    pub inherited: bool,
    /// Where the version stands: the first is shown, all move together.
    pub sources: Vec<Source>,
    /// What the layout captured: templates of namespaces and workloads are filled from it.
    pub captures: Captures,
    /// Index of the layout that gave the cell.
    pub layout: usize,
    /// The files that decide it, its own first, then fall-backs, whether they exist or not.
    pub files: Vec<RepoPath>,
    /// The ref and repository they are read from.
    pub origin: Origin,
}

/// One place in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file.
    pub path: RepoPath,
    /// The line of the version, from 1.
    pub line: u32,
}

impl Desired {
    /// The declared version of a cell.
    pub fn version(&self, key: &CellKey) -> Option<&Version> {
        self.cells.get(key)?.version.as_ref()
    }
}

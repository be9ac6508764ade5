//! How the cells came to their values: one walk along the landed line serves all of them.

use std::{collections::BTreeSet, ops::ControlFlow, sync::Arc};

use super::{GitError, GitErrorKind, Repo};
use crate::domain::{
    history::ValueChange,
    ids::{CellKey, EnvironmentName, ObjectId},
    layout::LayoutSet,
};

/// What to look for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Want {
    /// These cells only; `None`: all.
    pub cells: Option<BTreeSet<CellKey>>,
    /// Only each cell's newest change; the walk ends as soon as all are known.
    pub last_only: bool,
}

/// One step of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryEvent {
    /// Changes, newest first; a cell's own are in order over all batches.
    Changes(Vec<(CellKey, ValueChange)>),
    /// How many commits of the landed line have been looked at.
    Progress(u32),
    /// The walk is over.
    End {
        /// Everything wanted was found down to the first commit.
        complete: bool,
        /// History ends early here: a shallow clone; the oldest values are older than they look.
        shallow: bool,
    },
}

impl Repo {
    /// Walks from `commit` along first parents, newest first, and tells `sink` about every change of
    /// a wanted cell. Blocking; `sink` stops it by `Break`. The last change is judged at the files
    /// that the cell is read from today.
    ///
    /// # Errors
    /// When a commit or tree cannot be read; what was told before stands.
    pub fn history(
        &self,
        commit: ObjectId,
        layouts: &Arc<LayoutSet>,
        environments: &[EnvironmentName],
        want: &Want,
        sink: &mut dyn FnMut(HistoryEvent) -> ControlFlow<()>,
    ) -> Result<(), GitError> {
        let _ = (commit, layouts, environments, want, sink);
        Err(GitError::new(
            GitErrorKind::Other,
            "history is not there yet",
        ))
    }
}

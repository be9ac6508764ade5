//! How the cells came to their values: one walk along the landed line serves all of them.
//!
//! From the tip, first parent by first parent, the walk moves one tree backwards in time; folders
//! whose id is the same are skipped whole. Where a cell's value differs between a commit and its
//! first parent, the commit is where the value landed; a file that the commit renamed is followed, see [`moves`]. Reading is done by threads of [`pipeline`],
//! judging is done in [`line`], in order. What a whole walk found is kept in an [`index`].

mod authored;
mod below;
mod branches;
mod index;
mod line;
mod moves;
mod pipeline;
mod places;
mod recent;
mod tags;
mod telling;
mod today;
mod tree;
mod versions;
mod walk;

use std::{collections::BTreeSet, ops::ControlFlow, sync::Arc};

pub use self::{
    below::{Another, Below, Trail},
    tags::TagReading,
};
use self::{line::Line, telling::Batch};
use super::Repo;
use crate::domain::{
    failure::Failure,
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
    /// Only so many of the newest commits of the landed line; `None`: all of it. What is found is the same on every machine,
    /// and whether an index is at hand or not.
    pub newest: Option<u32>,
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
        /// History ends early here: a shallow clone; the oldest values are older than they look.
        shallow: bool,
    },
}

impl Repo {
    /// Walks from `commit` along first parents, newest first, and tells `sink` about every change of
    /// a wanted cell. Blocking; `sink` stops it by `Break`. The last change is judged at the files
    /// that decide the cell today.
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
    ) -> Result<(), Failure> {
        let line = Line {
            repo: self,
            tip: commit,
            layouts,
            environments,
            want,
        };
        line.tell(&mut Batch::new(sink))
    }
}

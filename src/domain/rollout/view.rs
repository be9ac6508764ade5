//! Everything that is known of one environment's cluster.

use jiff::Timestamp;

use super::{
    event::{ClusterEvent, Touched},
    live::{ClusterNote, Connection, LiveCell},
    target::CellTarget,
};
use crate::domain::ids::ServiceName;

/// What is known of one environment's cluster; fed with events, asked about cells.
#[derive(Clone, Debug)]
pub struct ClusterView {
    connection: Connection,
    notes: Option<(ServiceName, Vec<ClusterNote>, Option<String>)>,
}

impl Default for ClusterView {
    fn default() -> Self {
        Self::new()
    }
}

impl ClusterView {
    /// Nothing known: the first answer has not come.
    pub fn new() -> Self {
        Self {
            connection: Connection::Connecting,
            notes: None,
        }
    }

    /// Takes in what a source said at `now`.
    pub fn apply(&mut self, event: ClusterEvent, now: Timestamp) -> Touched {
        let _ = (event, now);
        Touched::Nothing
    }

    /// How well the cluster is known.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// When the cluster last confirmed what is known; `None` before its first answer.
    pub fn as_of(&self) -> Option<Timestamp> {
        None
    }

    /// Whether each cell can be answered for: listed, denied or absent, but not waited for.
    pub fn answered(&self, cells: &[CellTarget]) -> bool {
        let _ = cells;
        false
    }

    /// What the cluster says about a cell.
    pub fn live(&self, target: &CellTarget, now: Timestamp) -> LiveCell {
        let _ = target;
        LiveCell::unknown("no answer from the cluster yet", now)
    }

    /// Notes about `service`, newest first, with the reason why there are none to see; `None` until
    /// they have been asked for and have come.
    pub fn notes(&self, service: &ServiceName) -> Option<(&[ClusterNote], Option<&str>)> {
        let (of, notes, problem) = self.notes.as_ref()?;
        (of == service).then_some((notes.as_slice(), problem.as_deref()))
    }
}

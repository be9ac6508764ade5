//! What is known of the running side, with its times.

use std::{collections::BTreeMap, sync::Arc};

use super::{Connection, LiveCell};
use crate::domain::ids::{CellKey, EnvironmentName};

/// What clusters say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// What clusters say about cells; a cell that is not here is not known.
    pub live: BTreeMap<CellKey, Arc<LiveCell>>,
    /// How well each environment's cluster is known; one that is not here was not asked.
    pub connections: BTreeMap<EnvironmentName, Connection>,
}

/// What is known of the running side of one cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// How well its environment's cluster is known; `None`: it was not asked.
    pub connection: Option<Connection>,
    /// What it says; `None`: nothing.
    pub live: Option<Arc<LiveCell>>,
}

impl Seen {
    /// What its cluster says; `None`: nothing.
    pub fn cell(&self) -> Option<&LiveCell> {
        self.live.as_deref()
    }
}

impl Running {
    /// What they say of one cell; `None`: it is not known.
    pub fn cell(&self, cell: &CellKey) -> Option<&LiveCell> {
        self.live.get(cell).map(|live| &**live)
    }

    /// What they say of one cell.
    pub fn seen(&self, cell: &CellKey) -> Seen {
        Seen {
            connection: self.connections.get(&cell.environment).cloned(),
            live: self.live.get(cell).cloned(),
        }
    }
}

//! Which cells an agent's object brings: kept as clusters tell of them, so that no frame looks through all.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use crate::domain::{
    agent::{AgentKind, AgentState},
    ids::CellKey,
    rollout::LiveCell,
};

/// The cells of each agent's object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Brought(HashMap<Object, BTreeSet<CellKey>>);

/// Its cluster, its name there, and its kind.
type Object = (String, String, AgentKind);

fn object(agent: &AgentState) -> Object {
    (agent.cluster.clone(), agent.object.clone(), agent.kind)
}

impl Brought {
    /// Of all cells.
    pub(super) fn of<'a>(
        cells: impl IntoIterator<Item = (&'a CellKey, &'a Arc<LiveCell>)>,
    ) -> Self {
        let mut all = Self::default();
        for (cell, live) in cells {
            all.tell(cell, None, live);
        }
        all
    }

    /// What is said of a cell, of which this was said before.
    pub(super) fn tell(&mut self, cell: &CellKey, before: Option<&LiveCell>, now: &LiveCell) {
        let of = |live: &LiveCell| live.agent.as_deref().map(object);
        let (before, now) = (before.and_then(of), of(now));
        if before == now {
            return;
        }
        if let Some(before) = before
            && let Some(cells) = self.0.get_mut(&before)
        {
            cells.remove(cell);
            if cells.is_empty() {
                self.0.remove(&before);
            }
        }
        if let Some(now) = now {
            self.0.entry(now).or_default().insert(cell.clone());
        }
    }

    /// The cells of an agent's object.
    pub(super) fn by(&self, agent: &AgentState) -> impl Iterator<Item = &CellKey> {
        self.0.get(&object(agent)).into_iter().flatten()
    }
}

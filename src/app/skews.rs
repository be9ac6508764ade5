//! How cells stand to their upstreams, judged anew only when what that rests on has changed.

use std::sync::Arc;

use super::model::Model;
use crate::domain::{
    desired::Desired,
    drift::{self, Skew, Skewed},
    ids::CellKey,
    topology::Topology,
};

/// The skew of each cell that has one, and what it was judged by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Skews {
    by: Option<Inputs>,
    cells: drift::Skews,
    counts: Vec<(Skew, usize)>,
}

#[derive(Clone, Debug, PartialEq)]
struct Inputs {
    desired: Arc<Desired>,
    topology: Topology,
    /// How much of the history is known: commits walked, cells, whether that is all.
    history: (u64, usize, bool),
}

impl Inputs {
    fn are_those_of(&self, model: &Model) -> bool {
        let desired = model.git.desired.as_ref();
        desired.is_some_and(|desired| Arc::ptr_eq(desired, &self.desired))
            && self.history == history(model)
            && self.topology == model.setup.topology
    }
}

fn history(model: &Model) -> (u64, usize, bool) {
    let history = &model.history;
    (history.walked, history.cells.len(), history.done)
}

impl Skews {
    /// All of them.
    pub fn cells(&self) -> &drift::Skews {
        &self.cells
    }

    /// That of one cell.
    pub fn get(&self, cell: &CellKey) -> Option<&Skewed> {
        self.cells.get(cell)
    }

    /// How many cells are behind, ahead and different, in this order; none of none.
    pub fn counts(&self) -> &[(Skew, usize)] {
        &self.counts
    }
}

impl Model {
    /// Brings the skews in line with the matrix and the history.
    pub(super) fn judge_skews(&mut self) {
        if let Some(inputs) = &self.skews.by
            && inputs.are_those_of(self)
        {
            return;
        }
        let Some(desired) = self.git.desired.clone() else {
            self.skews = Skews::default();
            return;
        };
        let past: &drift::Past<'_> = &|cell| self.values(cell);
        let cells = drift::skews(&desired, &self.setup.topology, past);
        let count = |is: fn(Skew) -> bool| cells.values().filter(|it| is(it.skew)).count();
        let mut counts = vec![
            (
                Skew::Behind { by: None },
                count(|skew| matches!(skew, Skew::Behind { .. })),
            ),
            (Skew::Ahead, count(|skew| skew == Skew::Ahead)),
            (Skew::Differs, count(|skew| skew == Skew::Differs)),
        ];
        counts.retain(|(_, count)| *count > 0);
        let by = Inputs {
            desired,
            topology: self.setup.topology.clone(),
            history: history(self),
        };
        self.skews = Skews {
            by: Some(by),
            cells,
            counts,
        };
    }
}

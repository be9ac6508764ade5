//! How cells stand to their upstreams, judged anew only when what that rests on has changed.

use std::sync::Arc;

use super::{judged::Told, model::Model};
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
}

impl Inputs {
    fn are_those_of(&self, model: &Model) -> bool {
        let desired = model.git.desired.as_ref();
        desired.is_some_and(|desired| Arc::ptr_eq(desired, &self.desired))
            && self.topology == model.setup.topology
    }
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

    fn count(&mut self) {
        let cells = &self.cells;
        let count = |is: fn(Skew) -> bool| cells.values().filter(|it| is(it.skew)).count();
        self.counts = vec![
            (
                Skew::Behind { by: None },
                count(|skew| matches!(skew, Skew::Behind { .. })),
            ),
            (Skew::Ahead, count(|skew| skew == Skew::Ahead)),
            (Skew::Differs, count(|skew| skew == Skew::Differs)),
        ];
        self.counts.retain(|(_, count)| *count > 0);
    }

    /// How many cells are behind, ahead and different, in this order; none of none.
    pub fn counts(&self) -> &[(Skew, usize)] {
        &self.counts
    }
}

impl Model {
    /// Brings the skews in line with the matrix and the history: all of them where another matrix is there, else those of the
    /// rows of which the history has told something; gives the rows that were judged for either. It streams in by hundreds of
    /// batches, and keys wait for none of it.
    pub(super) fn judge_skews(&mut self, told: Told) -> Told {
        let Some(desired) = self.git.desired.clone() else {
            self.skews = Skews::default();
            return Told::All;
        };
        let mut skews = std::mem::take(&mut self.skews);
        let same = skews.by.as_ref().is_some_and(|by| by.are_those_of(self));
        let told = if same { told } else { Told::All };
        let past: &drift::Past<'_> = &|cell| self.values(cell);
        let topology = &self.setup.topology;
        match &told {
            Told::All => {
                skews.cells = drift::skews(&desired, topology, past);
                skews.by = Some(Inputs {
                    desired,
                    topology: topology.clone(),
                });
                skews.count();
            }
            Told::Rows(services) => {
                for service in services {
                    for environment in &topology.environments {
                        let cell = CellKey::new(service.clone(), environment.name.clone());
                        skews.cells.remove(&cell);
                    }
                    let row = drift::skews_of(&desired, service, topology, past);
                    skews.cells.extend(row);
                }
                if !services.is_empty() {
                    skews.count();
                }
            }
        }
        self.skews = skews;
        told
    }
}

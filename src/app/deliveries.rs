//! The deliveries that the screen knows, and the cells that they are bringing forward.

use std::{collections::HashSet, ops::Deref, sync::Arc};

use jiff::Timestamp;

use super::event::Epoch;
use crate::domain::{
    delivery::{Delivery, DeliveryId},
    desired::Desired,
    ids::CellKey,
};

/// Older deliveries than this many, of those that ended, are only in the log.
const KEPT: usize = 20;

/// A delivery of this session, or one that an earlier one left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRun {
    /// As it stands.
    pub delivery: Arc<Delivery>,
    /// The operation that is in flight until it is written, or is not.
    pub epoch: Option<Epoch>,
    /// The cells of which the matrix declared what is delivered: what it declares later is later.
    declared: HashSet<CellKey>,
}

/// A delivery, and its cells that failed and are not declared any more, each with what is declared since.
pub(super) type Superseded = (Arc<Delivery>, Vec<(CellKey, String)>);

/// Under way, or ended; oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deliveries {
    runs: Vec<DeliveryRun>,
    /// The cells of those under way: every cell of the matrix is looked up here each time it is drawn.
    cells: HashSet<CellKey>,
}

impl Deref for Deliveries {
    type Target = [DeliveryRun];

    fn deref(&self) -> &Self::Target {
        &self.runs
    }
}

impl Deliveries {
    /// Where one is among them.
    pub fn position(&self, id: &DeliveryId) -> Option<usize> {
        self.iter().position(|run| run.delivery.id == *id)
    }

    /// Those that have not ended.
    pub fn under_way(&self) -> impl Iterator<Item = &Delivery> {
        let runs = self.iter().map(|run| &*run.delivery);
        runs.filter(|delivery| !delivery.is_over())
    }

    /// The cells of a delivery with those of the other waves of its plan, the last wave first: in the order in which they go
    /// back.
    pub(super) fn batch_of(&self, delivery: &Delivery) -> Vec<CellKey> {
        let plan = delivery.wave.as_ref().map(|wave| &wave.plan);
        let same = |other: &&DeliveryRun| {
            let wave = other.delivery.wave.as_ref().map(|wave| &wave.plan);
            other.delivery.id == delivery.id || plan.is_some() && wave == plan
        };
        let runs = self.runs.iter().rev().filter(same);
        let cells = runs.flat_map(|run| run.delivery.cells.iter().map(|cell| cell.cell.clone()));
        cells.collect()
    }

    /// The cells that one is bringing forward.
    pub fn cells(&self) -> &HashSet<CellKey> {
        &self.cells
    }

    /// Whether one is bringing this cell forward.
    pub fn is_delivering(&self, cell: &CellKey) -> bool {
        self.cells.contains(cell)
    }

    pub(super) fn add(&mut self, delivery: Arc<Delivery>, epoch: Option<Epoch>) {
        self.runs.push(DeliveryRun {
            delivery,
            epoch,
            declared: HashSet::new(),
        });
        self.runs.sort_by_key(|run| run.delivery.started);
        while self.runs.len() > KEPT {
            let Some(oldest) = self.runs.iter().position(|run| run.delivery.is_over()) else {
                break;
            };
            self.runs.remove(oldest);
        }
        self.look();
    }

    /// Takes a delivery as it stands now; `false` where it is not known.
    pub(super) fn take(&mut self, delivery: &Arc<Delivery>) -> bool {
        let Some(at) = self.position(&delivery.id) else {
            return false;
        };
        self.runs[at].delivery = Arc::clone(delivery);
        if delivery.is_over() {
            self.look();
        }
        true
    }

    /// The operation of a delivery, which has ended.
    pub(super) fn take_epoch(&mut self, id: &DeliveryId) -> Option<Epoch> {
        let at = self.position(id)?;
        self.runs[at].epoch.take()
    }

    pub(super) fn remove(&mut self, id: &DeliveryId) {
        self.runs.retain(|run| run.delivery.id != *id);
        self.look();
    }

    /// Takes what Git declares now; gives the deliveries of which something failed that is not declared any more, each with
    /// these cells and what is declared since.
    pub(super) fn supersede(&mut self, at: Timestamp, desired: &Desired) -> Vec<Superseded> {
        let mut all = Vec::new();
        for run in &mut self.runs {
            for cell in &run.delivery.cells {
                let expected = cell.expected.as_ref();
                if expected.is_some_and(|it| it.version.as_ref() == desired.version(&cell.cell)) {
                    run.declared.insert(cell.cell.clone());
                }
            }
            if !run.delivery.is_over() || run.delivery.to_revert().next().is_none() {
                continue;
            }
            let known = &run.declared;
            let now = |cell: &CellKey| {
                let told = known.contains(cell) && desired.unread(cell).is_none();
                told.then(|| desired.version(cell).cloned())
            };
            let mut delivery = (*run.delivery).clone();
            let cells = delivery.supersede(at, now);
            if !cells.is_empty() {
                run.delivery = Arc::new(delivery);
                all.push((Arc::clone(&run.delivery), cells));
            }
        }
        all
    }

    fn look(&mut self) {
        let cells = self.under_way().flat_map(|delivery| &delivery.cells);
        self.cells = cells.map(|run| run.cell.clone()).collect();
    }
}

//! What the matrix is arranged by, judged anew only where something was told. A matrix has thousands of cells and hears of
//! them by hundreds, while a key is to be answered within a frame.
//!
//! What is short is compared: the matrix that was read, connections, what is staged or delivered. What clusters and the
//! history say is long, so that whoever takes it tells of it ([`Told`]).

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{areas, model::Model, status};
use crate::{
    domain::{
        cell::State,
        desired::{Desired, DesiredCell},
        drift::{self, Facts, Kind},
        ids::{CellKey, EnvironmentName, ServiceName},
        rollout::Connection,
        text,
    },
    look::Qualities,
};

/// The rows that something was told of since they were judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Told {
    /// All of them: what is known was replaced.
    #[default]
    All,
    /// These.
    Rows(BTreeSet<ServiceName>),
}

impl Told {
    /// Something was told of this row.
    pub(super) fn tell(&mut self, service: &ServiceName) {
        match self {
            Self::All => {}
            Self::Rows(rows) => {
                if !rows.contains(service) {
                    rows.insert(service.clone());
                }
            }
        }
    }

    /// What was told, which is judged now.
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::nothing())
    }

    fn nothing() -> Self {
        Self::Rows(BTreeSet::new())
    }

    fn is_nothing(&self) -> bool {
        matches!(self, Self::Rows(rows) if rows.is_empty())
    }

    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Rows(mut rows), Self::Rows(others)) => {
                rows.extend(others);
                Self::Rows(rows)
            }
            _ => Self::All,
        }
    }
}

/// The rows, as they were judged last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    by: Option<Inputs>,
    /// By service.
    rows: Vec<Row>,
}

/// What rows were judged by, beside what is told of.
#[derive(Clone, Debug, PartialEq)]
struct Inputs {
    desired: Arc<Desired>,
    connections: BTreeMap<EnvironmentName, Connection>,
    delivering: HashSet<CellKey>,
    staged: HashSet<CellKey>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The service.
    pub service: ServiceName,
    /// How wide its name is.
    pub width: usize,
    /// Its cells, those that there are.
    pub cells: Vec<CellFacts>,
}

/// What is to be known of a cell where rows are chosen, ordered and measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellFacts {
    /// Its environment, as an index into the columns of the matrix that was read.
    pub column: usize,
    /// What it can be asked for.
    pub qualities: Qualities,
    /// What it was before its source was lost; else its state.
    pub was: State,
    /// Something is staged for it.
    pub staged: bool,
    /// How much it wants to be looked at, with what is staged.
    pub trouble: u8,
    /// The width that it would like.
    pub width: usize,
    /// When its version came, as far as that is known.
    pub changed: Option<Timestamp>,
    /// How it drifts.
    pub drifts: Vec<Kind>,
}

impl Judged {
    /// All rows, by service.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The row of a service.
    pub fn row(&self, service: &ServiceName) -> Option<&Row> {
        let place = self.rows.binary_search_by(|row| row.service.cmp(service));
        self.rows.get(place.ok()?)
    }

    /// Judges rows of which something was told, and all of them where something changed that every row may rest on.
    fn follow(&mut self, model: &Model, told: Told) {
        let Some(desired) = &model.git.desired else {
            *self = Self::default();
            return;
        };
        let judge = Judge::of(model, desired);
        let changed = match &self.by {
            Some(by) => by.changed(model),
            None => Told::All,
        };
        if !changed.is_nothing() {
            self.by = Some(Inputs {
                desired: Arc::clone(desired),
                connections: model.live.connections.clone(),
                delivering: model.deliveries.cells().clone(),
                staged: model.staging.cells().cloned().collect(),
            });
        }
        match told.and(changed) {
            Told::All => self.rows = judge.all(),
            Told::Rows(services) => {
                for service in &services {
                    let place = self.rows.binary_search_by(|row| row.service.cmp(service));
                    if let Some(row) = place.ok().and_then(|place| self.rows.get_mut(place)) {
                        row.cells = judge.row(service);
                    }
                }
            }
        }
    }
}

impl Inputs {
    /// The rows that rest on what is otherwise now.
    fn changed(&self, model: &Model) -> Told {
        let desired = model.git.desired.as_ref();
        let same = desired.is_some_and(|desired| Arc::ptr_eq(desired, &self.desired));
        if !same || model.live.connections != self.connections {
            return Told::All;
        }
        let mut told = Told::nothing();
        let delivering = model.deliveries.cells();
        for cell in self.delivering.symmetric_difference(delivering) {
            told.tell(&cell.service);
        }
        let staged = model.staging.cells().collect::<HashSet<_>>();
        let gone = self.staged.iter().filter(|cell| !staged.contains(cell));
        let come = staged.iter().filter(|cell| !self.staged.contains(**cell));
        for cell in gone.chain(come.copied()) {
            told.tell(&cell.service);
        }
        told
    }
}

/// Judges cells as the model is now.
struct Judge<'a> {
    model: &'a Model,
    desired: &'a Desired,
    names: Vec<&'a str>,
    columns: HashMap<&'a EnvironmentName, usize>,
}

impl<'a> Judge<'a> {
    fn of(model: &'a Model, desired: &'a Desired) -> Self {
        let names = desired.environments.iter();
        Self {
            model,
            desired,
            names: names.clone().map(EnvironmentName::as_str).collect(),
            columns: names.zip(0..).collect(),
        }
    }

    fn all(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::with_capacity(self.desired.services.len());
        for (key, cell) in &self.desired.cells {
            let facts = self.cell(key, cell);
            match rows.last_mut() {
                Some(row) if row.service == key.service => row.cells.extend(facts),
                _ => rows.push(Row {
                    service: key.service.clone(),
                    width: text::width(key.service.as_str()),
                    cells: facts.into_iter().collect(),
                }),
            }
        }
        rows
    }

    fn row(&self, service: &ServiceName) -> Vec<CellFacts> {
        let cells = self.desired.row(service);
        cells
            .filter_map(|(key, cell)| self.cell(key, cell))
            .collect()
    }

    /// `None`: its environment is no column.
    fn cell(&self, key: &CellKey, cell: &'a DesiredCell) -> Option<CellFacts> {
        let model = self.model;
        let column = *self.columns.get(&key.environment)?;
        let view = status::assess_declared(model, key, Some(cell));
        let facts = Facts {
            desired: self.desired,
            environments: &self.names,
            skews: model.skews.cells(),
            past: &|cell| model.values(cell),
            status: &|_, _| view.status,
        };
        let drifts = drift::of_cell(&facts, key, cell).into_iter();
        Some(CellFacts {
            column,
            qualities: Qualities::of(&view.status, Some(cell), view.skew),
            was: view.status.was,
            staged: view.staged.is_some(),
            trouble: view.trouble(),
            width: areas::cell_width(&view),
            changed: model.values(key).first().map(|it| it.change.landed.time),
            drifts: drifts.map(|found| found.kind).collect(),
        })
    }
}

impl Model {
    /// Brings skews and rows in line with what was told.
    pub(super) fn judge(&mut self) {
        let history = self.history.told.take();
        let told = self.judge_skews(history).and(self.live.told());
        let mut judged = std::mem::take(&mut self.judged);
        judged.follow(self, told);
        self.judged = judged;
    }

    /// Judges everything anew, as nothing were known of before.
    #[cfg(test)]
    pub(crate) fn judge_from_scratch(&mut self) {
        self.judged = Judged::default();
        self.skews = super::skews::Skews::default();
        self.judge();
    }
}

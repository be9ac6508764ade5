//! Which rows and columns the matrix shows, in which order.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use super::{Order, Quiet, RowLine};
use crate::{
    app::{
        areas,
        filter::Filter,
        model::Model,
        status::{self, CellView},
    },
    domain::{
        cell::State,
        desired::Desired,
        drift::Skew,
        ids::{CellKey, EnvironmentName, ServiceName},
    },
};

/// So long after a key rows do not move by themselves: who pressed it may be about to act on what they see.
const HOLD_MILLISECONDS: i64 = 3_000;

impl Model {
    /// Brings rows, columns, cursor and scroll in line with everything else. Called after each change.
    pub(in crate::app) fn arrange(&mut self) {
        self.judge_skews();
        let filter = Filter::parse(&self.matrix.filter);
        let columns: Vec<EnvironmentName> = self
            .environments()
            .into_iter()
            .filter(|environment| filter.column(environment))
            .collect();
        let before = self.matrix.columns.get(self.matrix.column).cloned();
        let arranged = match self.git.desired.clone() {
            Some(desired) => self.rows(&desired, &filter, &columns),
            None => Arranged::default(),
        };
        let matrix = &mut self.matrix;
        let same_column = before.and_then(|name| columns.iter().position(|c| *c == name));
        matrix.column = same_column.unwrap_or(matrix.column.min(columns.len().saturating_sub(1)));
        // A selected row that has gone gives the cursor to the row that now stands where it stood.
        if let Some(row) = &matrix.row
            && !arranged.lines.iter().any(|line| line.service == *row)
        {
            let last = arranged.lines.len().saturating_sub(1);
            let line = arranged.lines.get(matrix.cursor().min(last));
            matrix.row = line.map(|line| line.service.clone());
        }
        if matrix.row.is_none() {
            matrix.column = arranged.worst.unwrap_or(matrix.column);
        }
        matrix.columns = columns;
        matrix.lines = arranged.lines;
        matrix.folded = arranged.folded;
        matrix.counts = arranged.counts;
        matrix.widest = arranged.widest;
        matrix.held = arranged.held;
        matrix.arranged_by = matrix.arrangement();
        matrix.has_why = matrix.lines.iter().any(|line| line.trouble > 0);
        self.matrix.grid = areas::grid(self);
        self.scroll();
    }

    /// Keeps the cursor in the visible part.
    pub(in crate::app) fn scroll(&mut self) {
        let height = self.matrix.grid.lines.max(1);
        let matrix = &mut self.matrix;
        let total = matrix.lines.len() + usize::from(matrix.folded > 0);
        let cursor = matrix.cursor();
        // On the last row the fold line below it is worth seeing too.
        let bottom = if cursor + 1 == matrix.lines.len() {
            total.saturating_sub(1)
        } else {
            cursor
        };
        matrix.first_line = matrix
            .first_line
            .min(total.saturating_sub(height))
            .max((bottom + 1).saturating_sub(height))
            .min(cursor);
    }

    fn rows(&self, desired: &Desired, filter: &Filter, columns: &[EnvironmentName]) -> Arranged {
        let shown: BTreeMap<&EnvironmentName, usize> = columns.iter().zip(0..).collect();
        let narrowed = filter.asks_for_cells();
        let mut arranged = Arranged {
            widest: vec![0; columns.len()],
            ..Arranged::default()
        };
        let mut lines = Vec::new();
        let mut quiet = Vec::new();
        for (service, all) in by_service(self, desired) {
            for (_, view) in &all {
                *arranged.counts.entry(view.status.state).or_default() += 1;
            }
            let cells = all.into_iter();
            let cells = cells.filter(|(key, _)| shown.contains_key(&key.environment));
            let cells: Vec<(&CellKey, CellView<'_>)> = cells.collect();
            let matches = |(key, view): &(&CellKey, CellView<'_>)| filter.cell(self, key, view);
            let empty = cells.is_empty() && !filter.is_empty();
            if empty || !filter.row(service, &cells) || (narrowed && !cells.iter().any(matches)) {
                continue;
            }
            for (key, view) in &cells {
                if let Some(index) = shown.get(&key.environment) {
                    let widest = &mut arranged.widest[*index];
                    *widest = (*widest).max(areas::cell_width(view));
                }
            }
            let trouble = cells.iter().map(|(_, view)| view.trouble()).max();
            let line = RowLine {
                service: service.clone(),
                trouble: trouble.unwrap_or(0),
            };
            let marked = cells.iter().any(|(key, _)| self.matrix.marks.contains(key));
            let selected = self.matrix.row.as_ref() == Some(service);
            let known_good = cells
                .iter()
                .any(|(_, view)| view.status.was == State::Healthy);
            if line.trouble == 0 && known_good && !marked && !selected {
                quiet.push(line);
            } else {
                lines.push(line);
            }
        }
        // Folding lifts trouble out of the quiet rows; where there is none, it would hide everything.
        let fold = self.matrix.quiet == Quiet::Folded
            && filter.is_empty()
            && self.matrix.order == Order::Trouble
            && !self.matrix.reversed
            && lines.iter().any(|line| line.trouble > 0);
        if fold {
            arranged.folded = quiet.len();
        } else {
            lines.append(&mut quiet);
        }
        self.sort(&mut lines);
        if self.holds_rows() {
            arranged.held = self.hold(&mut lines);
        }
        arranged.worst = lines
            .first()
            .and_then(|line| self.worst_column(line, columns));
        arranged.lines = lines;
        arranged
    }

    /// Whether somebody is about to act on a row that they see: rows stay where they are until then.
    pub(in crate::app) fn holds_rows(&self) -> bool {
        let pressed = self
            .last_key
            .is_some_and(|key| self.is_within(key.at, HOLD_MILLISECONDS));
        pressed && self.matrix.arranged_by == self.matrix.arrangement()
    }

    /// Puts rows that were there back into the order in which they were, others behind them; says whether that moved any.
    fn hold(&self, lines: &mut [RowLine]) -> bool {
        let places = self.matrix.lines.iter().zip(0_usize..);
        let places: HashMap<&ServiceName, usize> =
            places.map(|(line, place)| (&line.service, place)).collect();
        let before: Vec<ServiceName> = lines.iter().map(|line| line.service.clone()).collect();
        lines.sort_by_key(|line| places.get(&line.service).copied().unwrap_or(usize::MAX));
        lines
            .iter()
            .zip(&before)
            .any(|(line, was)| line.service != *was)
    }

    /// The column of a row's worst cell; of equals the one furthest right, nearest to customers.
    fn worst_column(&self, line: &RowLine, columns: &[EnvironmentName]) -> Option<usize> {
        let trouble = |environment: &EnvironmentName| {
            let key = CellKey::new(line.service.clone(), environment.clone());
            status::assess(self, &key).trouble()
        };
        let troubles = columns.iter().map(trouble).enumerate();
        let worst = troubles.max_by_key(|(_, trouble)| *trouble)?;
        (worst.1 > 0).then_some(worst.0)
    }

    fn sort(&self, lines: &mut [RowLine]) {
        let cells = |service: &ServiceName| {
            let columns = self.matrix.columns.clone();
            let service = service.clone();
            columns
                .into_iter()
                .map(move |column| CellKey::new(service.clone(), column))
        };
        match &self.matrix.order {
            Order::Name => lines.sort_by(|a, b| a.service.cmp(&b.service)),
            Order::Trouble => {
                lines.sort_by(|a, b| (b.trouble, &a.service).cmp(&(a.trouble, &b.service)));
            }
            Order::Recent => lines.sort_by_cached_key(|line| {
                let newest = cells(&line.service)
                    .filter_map(|cell| Some(self.values(&cell).first()?.change.landed.time))
                    .max();
                (Reverse(newest), line.service.clone())
            }),
            Order::Behind => lines.sort_by_cached_key(|line| {
                let is_behind = |cell: &CellKey| {
                    let skewed = self.skews.get(cell);
                    skewed.is_some_and(|it| matches!(it.skew, Skew::Behind { .. }))
                };
                let behind = cells(&line.service).filter(is_behind).count();
                (Reverse(behind), line.service.clone())
            }),
            Order::Column(environment) => {
                // Rows without a cell there are last, whichever way round.
                let reversed = self.matrix.reversed;
                lines.sort_by_cached_key(|line| {
                    let cell = CellKey::new(line.service.clone(), environment.clone());
                    let view = status::assess(self, &cell);
                    let is_there = view.declared.is_some();
                    let newest = self.values(&cell).first();
                    let newest = newest.map(|entry| entry.change.landed.time);
                    let rank = (is_there != reversed, view.trouble(), newest);
                    (Reverse(rank), line.service.clone())
                });
            }
        }
        if self.matrix.reversed {
            lines.reverse();
        }
    }
}

/// What a pass over all cells finds.
#[derive(Default)]
struct Arranged {
    lines: Vec<RowLine>,
    folded: usize,
    counts: BTreeMap<State, usize>,
    widest: Vec<usize>,
    /// Rows are not where they would be.
    held: bool,
    /// The column of the worst cell of the first row.
    worst: Option<usize>,
}

type Row<'a> = (&'a ServiceName, Vec<(&'a CellKey, CellView<'a>)>);

/// Every row with its assessed cells; cells come sorted by service.
fn by_service<'a>(model: &'a Model, desired: &'a Desired) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::with_capacity(desired.services.len());
    for (key, cell) in &desired.cells {
        if rows
            .last()
            .is_none_or(|(service, _)| **service != key.service)
        {
            rows.push((&key.service, Vec::new()));
        }
        if let Some((_, cells)) = rows.last_mut() {
            let view = status::assess_declared(model, key, Some(cell));
            cells.push((key, view));
        }
    }
    rows
}

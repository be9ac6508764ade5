//! Which rows and columns the matrix shows, in which order.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap, HashSet},
};

use super::{Order, Quiet, RowLine};
use crate::{
    app::{
        areas,
        filter::Filter,
        judged::{CellFacts, Row},
        model::Model,
    },
    domain::{
        cell::State,
        desired::Desired,
        ids::{CellKey, EnvironmentName, ServiceName},
    },
    look::Quality,
};

/// So long after a key rows do not move by themselves: who pressed it may be about to act on what they see.
const HOLD_MILLISECONDS: i64 = 3_000;

impl Model {
    /// Brings rows, columns, cursor and scroll in line with everything else. Called after each change.
    pub(in crate::app) fn arrange(&mut self) {
        self.judge();
        let filter = Filter::parse(&self.matrix.filter);
        let columns: Vec<EnvironmentName> = self
            .environments()
            .into_iter()
            .filter(|environment| filter.column(environment))
            .collect();
        let before = self.matrix.columns.get(self.matrix.column).cloned();
        let arranged = match &self.git.desired {
            Some(desired) => self.rows(desired, &filter, &columns),
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
        matrix.longest = arranged.longest;
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
        let shown = Shown::of(desired, columns);
        let narrowed = filter.asks_for_cells();
        let mut arranged = Arranged {
            widest: vec![0; columns.len()],
            ..Arranged::default()
        };
        let marks = self.matrix.marks.iter();
        let marked: HashSet<&ServiceName> = marks.map(|cell| &cell.service).collect();
        // By name, as the rows are.
        let mut lines = Vec::with_capacity(self.judged.rows().len());
        for row in self.judged.rows() {
            for facts in &row.cells {
                *arranged.counts.entry(facts.qualities.state).or_default() += 1;
            }
            let service = &row.service;
            let matches = |facts: &CellFacts| {
                filter.cell(facts, || {
                    let environment = desired.environments[facts.column].clone();
                    let cell = CellKey::new(service.clone(), environment);
                    self.matrix.marks.contains(&cell)
                })
            };
            let versions = || {
                let cells = desired.row(service);
                let cells = cells.filter(|(key, _)| columns.contains(&key.environment));
                cells
                    .filter_map(|(_, cell)| cell.version.as_ref())
                    .collect()
            };
            let mut cells = shown.cells(row).map(|(_, facts)| facts);
            let empty = !filter.is_empty() && cells.clone().next().is_none();
            if empty || !filter.row(service, versions) || (narrowed && !cells.any(matches)) {
                continue;
            }
            let (mut trouble, mut known_good) = (0, false);
            for (place, facts) in shown.cells(row) {
                let widest = &mut arranged.widest[place];
                *widest = (*widest).max(facts.width);
                trouble = facts.trouble.max(trouble);
                known_good |= facts.was == State::Healthy;
            }
            let selected = self.matrix.row.as_ref() == Some(service);
            let quiet = trouble == 0 && known_good && !marked.contains(service) && !selected;
            lines.push(Line {
                row,
                trouble,
                quiet,
            });
        }
        // Folding lifts trouble out of the quiet rows; where there is none, it would hide everything.
        let fold = self.matrix.quiet == Quiet::Folded
            && filter.is_empty()
            && self.matrix.order == Order::Trouble
            && !self.matrix.reversed
            && lines.iter().any(|line| line.trouble > 0);
        if fold {
            arranged.folded = lines.iter().filter(|line| line.quiet).count();
            lines.retain(|line| !line.quiet);
        }
        self.sort(&mut lines, desired, &shown);
        if self.holds_rows() {
            arranged.held = self.hold(&mut lines);
        }
        let first = lines.first().filter(|line| line.trouble > 0);
        arranged.worst = first.and_then(|line| worst_column(line.row, &shown));
        arranged.longest = lines.iter().map(|line| line.row.width).max().unwrap_or(0);
        let lines = lines.into_iter().map(|line| RowLine {
            service: line.row.service.clone(),
            trouble: line.trouble,
        });
        arranged.lines = lines.collect();
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
    fn hold(&self, lines: &mut [Line<'_>]) -> bool {
        let places = self.matrix.lines.iter().zip(0_usize..);
        let places: HashMap<&ServiceName, usize> =
            places.map(|(line, place)| (&line.service, place)).collect();
        let place = |line: &Line<'_>| {
            let place = places.get(&line.row.service).copied();
            place.unwrap_or(usize::MAX)
        };
        let moves = !lines.is_sorted_by_key(place);
        lines.sort_by_cached_key(place);
        moves
    }

    /// Orders lines that are by name: those that are equal otherwise stay so.
    fn sort(&self, lines: &mut [Line<'_>], desired: &Desired, shown: &Shown) {
        match &self.matrix.order {
            Order::Name => {}
            Order::Trouble => lines.sort_by_key(|line| Reverse(line.trouble)),
            Order::Recent => lines.sort_by_cached_key(|line| {
                let cells = shown.cells(line.row);
                Reverse(cells.filter_map(|(_, facts)| facts.changed).max())
            }),
            Order::Behind => lines.sort_by_cached_key(|line| {
                let cells = shown.cells(line.row);
                let behind = cells.filter(|(_, facts)| Quality::Behind.holds(facts.qualities));
                Reverse(behind.count())
            }),
            Order::Column(environment) => {
                let mut columns = desired.environments.iter();
                let column = columns.position(|name| name == environment);
                // Rows without a cell there are last, whichever way round.
                let reversed = self.matrix.reversed;
                lines.sort_by_cached_key(|line| {
                    let mut cells = line.row.cells.iter();
                    let cell = cells.find(|facts| Some(facts.column) == column);
                    Reverse((
                        cell.is_some() != reversed,
                        cell.map_or(0, |facts| facts.trouble),
                        cell.and_then(|facts| facts.changed),
                    ))
                });
            }
        }
        if self.matrix.reversed {
            lines.reverse();
        }
    }
}

/// The column of a row's worst cell; of equals the one furthest right, nearest to customers.
fn worst_column(row: &Row, shown: &Shown) -> Option<usize> {
    let cells = shown.cells(row);
    let worst = cells.max_by_key(|(place, facts)| (facts.trouble, *place));
    worst.map(|(place, _)| place)
}

/// A row that is shown.
struct Line<'a> {
    row: &'a Row,
    /// How bad its worst cell is.
    trouble: u8,
    /// It is healthy, and neither marked nor selected: it may be folded.
    quiet: bool,
}

/// Where the columns of the matrix that was read are shown; `None`: the filter takes them away.
struct Shown(Vec<Option<usize>>);

impl Shown {
    fn of(desired: &Desired, columns: &[EnvironmentName]) -> Self {
        let place = |name| columns.iter().position(|column| column == name);
        Self(desired.environments.iter().map(place).collect())
    }

    /// The cells of a row that are shown, each with the place of its column.
    fn cells<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = (usize, &'a CellFacts)> + Clone {
        let cells = row.cells.iter();
        cells.filter_map(|facts| Some((self.0[facts.column]?, facts)))
    }
}

/// What a pass over all rows finds.
#[derive(Default)]
struct Arranged {
    lines: Vec<RowLine>,
    folded: usize,
    counts: BTreeMap<State, usize>,
    widest: Vec<usize>,
    longest: usize,
    /// Rows are not where they would be.
    held: bool,
    /// The column of the worst cell of the first row.
    worst: Option<usize>,
}

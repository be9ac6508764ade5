//! The root screen: rows, cursor, marks, filter.

use std::collections::{BTreeMap, BTreeSet};

mod acts;
mod rows;

pub(in crate::app) use acts::act;

use crate::{
    app::areas::Grid,
    domain::cell::State,
    domain::ids::{CellKey, EnvironmentName, ServiceName},
};

/// The state of the matrix. The cursor is a cell, not a place: rows may move under it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matrix {
    /// The selected row; `None` until the first key: the first row, whichever it is, at its worst cell.
    pub row: Option<ServiceName>,
    /// The selected column, as an index into [`Matrix::columns`].
    pub column: usize,
    /// Columns that the filter leaves.
    pub columns: Vec<EnvironmentName>,
    /// Lines that the filter, the folding and the order leave.
    pub lines: Vec<RowLine>,
    /// What the rows were arranged by: while that stays, rows may stay where they are.
    pub arranged_by: Arrangement,
    /// Rows are not where they would be, as somebody is about to act.
    pub held: bool,
    /// Rows that are folded.
    pub folded: usize,
    /// How many cells are in each state, whatever is shown.
    pub counts: BTreeMap<State, usize>,
    /// The width of the longest name of a line.
    pub longest: usize,
    /// The width that the widest cell of each column would like.
    pub widest: Vec<usize>,
    /// Some row has a reason to tell.
    pub has_why: bool,
    /// How its rows are divided.
    pub grid: Grid,
    /// The first visible line.
    pub first_line: usize,
    /// What becomes of healthy rows while others are in trouble.
    pub quiet: Quiet,
    /// In which order.
    pub order: Order,
    /// That order the other way round.
    pub reversed: bool,
    /// The selected column was clicked: what is in view stays there until keys choose another.
    pub clicked: bool,
    /// The filter in force.
    pub filter: String,
    /// Marked cells.
    pub marks: BTreeSet<CellKey>,
    /// The other corner of a range being drawn.
    pub anchor: Option<CellKey>,
}

/// What the operator asked of the rows: in which order and whether reversed, which of them, and whether healthy ones are folded.
pub type Arrangement = (Order, bool, String, Quiet);

/// What becomes of healthy rows while others are in trouble.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quiet {
    /// They are one line that counts them.
    #[default]
    Folded,
    /// They are shown like the others.
    Shown,
}

impl Quiet {
    /// The other choice.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Folded => Self::Shown,
            Self::Shown => Self::Folded,
        }
    }
}

/// One line of the matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowLine {
    /// The service.
    pub service: ServiceName,
    /// How bad its worst cell is; larger is worse.
    pub trouble: u8,
}

/// In which order rows stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Worst first.
    #[default]
    Trouble,
    /// By name.
    Name,
    /// Last changed first.
    Recent,
    /// Those with most cells behind their upstream first.
    Behind,
    /// By one column: its worst cells first, of equals what changed last; rows without a cell there last.
    Column(EnvironmentName),
}

impl Order {
    /// Those that are of no column, with their names.
    pub const NAMED: [(&'static str, Self); 4] = [
        ("trouble", Self::Trouble),
        ("name", Self::Name),
        ("recent", Self::Recent),
        ("behind", Self::Behind),
    ];

    /// Its name.
    pub fn name(&self) -> &str {
        if let Self::Column(environment) = self {
            return environment.as_str();
        }
        let mut named = Self::NAMED.iter();
        named
            .find_map(|(name, order)| (order == self).then_some(*name))
            .unwrap_or_default()
    }
}

impl Matrix {
    /// What is asked of the rows now.
    pub fn arrangement(&self) -> Arrangement {
        (
            self.order.clone(),
            self.reversed,
            self.filter.clone(),
            self.quiet,
        )
    }

    /// The line the cursor is on.
    pub fn cursor(&self) -> usize {
        self.row
            .as_ref()
            .and_then(|row| self.lines.iter().position(|line| line.service == *row))
            .unwrap_or(0)
    }

    /// Keeps the cursor where it is, whatever becomes worse elsewhere.
    pub fn pin(&mut self) {
        if self.row.is_none() {
            self.row = self.lines.first().map(|line| line.service.clone());
        }
    }

    /// The cell under the cursor.
    pub fn selected(&self) -> Option<CellKey> {
        let line = self.lines.get(self.cursor())?;
        let environment = self.columns.get(self.column)?;
        Some(CellKey::new(line.service.clone(), environment.clone()))
    }

    /// Cells between the anchor and the cursor, while a range is drawn.
    pub fn range(&self) -> Vec<CellKey> {
        let Some(anchor) = &self.anchor else {
            return Vec::new();
        };
        let line = |service: &ServiceName| self.lines.iter().position(|l| l.service == *service);
        let column = |name: &EnvironmentName| self.columns.iter().position(|c| c == name);
        let from_line = line(&anchor.service).unwrap_or(0);
        let from_column = column(&anchor.environment).unwrap_or(0);
        let rows = ordered(from_line, self.cursor());
        let columns = ordered(from_column, self.column);
        rows.flat_map(|row| {
            columns.clone().filter_map(move |column| {
                let service = self.lines.get(row)?.service.clone();
                Some(CellKey::new(service, self.columns.get(column)?.clone()))
            })
        })
        .collect()
    }
}

fn ordered(a: usize, b: usize) -> std::ops::RangeInclusive<usize> {
    a.min(b)..=a.max(b)
}

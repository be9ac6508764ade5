//! Which rows and columns the matrix shows, in which order.

use std::{cmp::Reverse, collections::BTreeSet};

use super::{
    filter::Filter,
    geometry,
    model::{Model, Order, RowLine},
    status::{self, CellView, State},
};
use crate::domain::{
    desired::Desired,
    ids::{CellKey, EnvironmentName, ServiceName},
};

impl Model {
    /// Brings rows, columns, cursor and scroll in line with everything else. Called after each change.
    pub(super) fn arrange(&mut self) {
        let filter = Filter::parse(&self.matrix.filter);
        let columns: Vec<EnvironmentName> = self
            .environments()
            .into_iter()
            .filter(|environment| filter.column(environment))
            .collect();
        let before = self.matrix.columns.get(self.matrix.column).cloned();
        let (lines, folded) = match self.git.desired.clone() {
            Some(desired) => self.lines(&desired, &filter, &columns),
            None => (Vec::new(), 0),
        };
        let matrix = &mut self.matrix;
        let same_column = before.and_then(|name| columns.iter().position(|c| *c == name));
        matrix.column = same_column.unwrap_or(matrix.column.min(columns.len().saturating_sub(1)));
        // A selected row that has gone gives the cursor to the row that now stands where it stood.
        if let Some(row) = &matrix.row
            && !lines.iter().any(|line| line.service == *row)
        {
            let place = matrix.cursor().min(lines.len().saturating_sub(1));
            matrix.row = lines.get(place).map(|line| line.service.clone());
        }
        matrix.columns = columns;
        matrix.lines = lines;
        matrix.folded = folded;
        self.matrix.layout = geometry::matrix(self);
        self.scroll();
    }

    /// Keeps the cursor in the visible part.
    pub(super) fn scroll(&mut self) {
        let layout = self.matrix.layout;
        let matrix = &mut self.matrix;
        let total = matrix.lines.len() + usize::from(matrix.folded > 0);
        let cursor = matrix.cursor();
        // On the last row the fold line below it is worth seeing too.
        let bottom = if cursor + 1 == matrix.lines.len() {
            total.saturating_sub(1)
        } else {
            cursor
        };
        let height = layout.lines.max(1);
        matrix.first_line = matrix
            .first_line
            .min(total.saturating_sub(height))
            .max((bottom + 1).saturating_sub(height))
            .min(cursor);
        let width = layout.columns.max(1);
        matrix.first_column = matrix
            .first_column
            .min(matrix.columns.len().saturating_sub(width))
            .max((matrix.column + 1).saturating_sub(width))
            .min(matrix.column);
    }

    fn lines(
        &self,
        desired: &Desired,
        filter: &Filter,
        columns: &[EnvironmentName],
    ) -> (Vec<RowLine>, usize) {
        let shown: BTreeSet<&EnvironmentName> = columns.iter().collect();
        let narrowed = filter.asks_for_cells();
        let mut lines = Vec::new();
        let mut quiet = Vec::new();
        for (service, cells) in by_service(self, desired, &shown) {
            let matches = |(key, view): &(CellKey, CellView<'_>)| filter.cell(self, key, view);
            if !filter.row(service, &cells) || (narrowed && !cells.iter().any(matches)) {
                continue;
            }
            let trouble = cells.iter().map(|(_, view)| view.trouble()).max();
            let line = RowLine {
                service: service.clone(),
                trouble: trouble.unwrap_or(0),
            };
            let marked = cells.iter().any(|(key, _)| self.matrix.marks.contains(key));
            let selected = self.matrix.row.as_ref() == Some(service);
            let known_good = cells.iter().any(|(_, view)| view.was == State::Healthy);
            if line.trouble == 0 && known_good && !marked && !selected {
                quiet.push(line);
            } else {
                lines.push(line);
            }
        }
        // Folding lifts trouble out of the quiet rows; where there is none, it would hide everything.
        let fold = !self.matrix.show_all
            && filter.is_empty()
            && self.matrix.order == Order::Trouble
            && lines.iter().any(|line| line.trouble > 0);
        let folded = if fold { quiet.len() } else { 0 };
        if !fold {
            lines.append(&mut quiet);
        }
        self.sort(&mut lines);
        (lines, folded)
    }

    fn sort(&self, lines: &mut [RowLine]) {
        let cells = |service: &ServiceName| {
            let columns = self.matrix.columns.clone();
            let service = service.clone();
            columns
                .into_iter()
                .map(move |column| CellKey::new(service.clone(), column))
        };
        match self.matrix.order {
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
                let behind = cells(&line.service)
                    .filter(|cell| status::behind(self, cell).is_some())
                    .count();
                (Reverse(behind), line.service.clone())
            }),
        }
    }
}

type Row<'a> = (&'a ServiceName, Vec<(CellKey, CellView<'a>)>);

/// Every row with its assessed cells in the columns shown; cells come sorted by service.
fn by_service<'a>(
    model: &'a Model,
    desired: &'a Desired,
    shown: &BTreeSet<&EnvironmentName>,
) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::with_capacity(desired.services.len());
    for (key, cell) in &desired.cells {
        if rows
            .last()
            .is_none_or(|(service, _)| **service != key.service)
        {
            rows.push((&key.service, Vec::new()));
        }
        if shown.contains(&key.environment)
            && let Some((_, cells)) = rows.last_mut()
        {
            let view = status::assess_declared(model, key, Some(cell));
            cells.push((key.clone(), view));
        }
    }
    rows
}

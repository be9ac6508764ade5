//! What actions do on the matrix.

use std::collections::HashSet;

use super::{Order, Quiet};
use crate::{
    actions::{Action, Motion},
    app::{
        command::Command,
        filter::Filter,
        judged::CellFacts,
        line::LineInput,
        model::{Model, Prompt},
        screen::moved,
    },
    domain::{
        ids::{CellKey, ServiceName},
        text::count,
    },
};

pub(in crate::app) fn act(
    model: &mut Model,
    action: Action,
    _: bool,
    out: &mut Vec<Command>,
) -> bool {
    match action {
        Action::Move(motion) => model.move_cursor(motion),
        Action::Open => match model.matrix.selected() {
            Some(cell) => model.open_cell(cell, out),
            None => model.say("no cell is selected"),
        },
        Action::Back => model.back_at_root(),
        Action::Mark => model.mark(),
        Action::MarkRange => model.mark_range(),
        Action::MarkColumn => model.mark_column(),
        Action::Filter => {
            model.prompt = Some(Prompt::Filter {
                input: LineInput::with(model.matrix.filter.clone()),
                before: model.matrix.filter.clone(),
            });
        }
        Action::NextMatch => model.next_match(true),
        Action::PreviousMatch => model.next_match(false),
        Action::Copy => model.ask_what_to_copy(),
        Action::Browse => model.browse_environment(out),
        _ => return false,
    }
    true
}

impl Model {
    fn move_cursor(&mut self, motion: Motion) {
        let page = self.matrix.grid.lines.max(1);
        let columns = self.matrix.columns.len();
        let matrix = &mut self.matrix;
        if matches!(motion, Motion::Left | Motion::Right) {
            matrix.clicked = false;
        }
        match motion {
            Motion::Left => matrix.column = matrix.column.saturating_sub(1),
            Motion::Right => matrix.column = (matrix.column + 1).min(columns.saturating_sub(1)),
            motion => {
                let line = moved(matrix.cursor(), motion, matrix.lines.len(), page);
                matrix.row = matrix.lines.get(line).map(|line| line.service.clone());
            }
        }
    }

    /// Esc takes away one thing: the failure, the range, the filter, the marks, in this order.
    fn back_at_root(&mut self) {
        if self.dismiss() || self.matrix.anchor.take().is_some() {
            return;
        }
        if self.matrix.filter.is_empty() {
            self.matrix.marks.clear();
        } else {
            self.matrix.filter.clear();
        }
    }

    fn mark(&mut self) {
        if self.matrix.anchor.is_some() {
            let range = self.existing(self.matrix.range());
            self.matrix.marks.extend(range);
            self.matrix.anchor = None;
            return;
        }
        let Some(cell) = self.matrix.selected() else {
            return;
        };
        if self.existing(vec![cell.clone()]).is_empty() {
            self.say(format!(
                "{} is not declared in {}",
                cell.service, cell.environment
            ));
        } else if !self.matrix.marks.remove(&cell) {
            self.matrix.marks.insert(cell);
        }
        self.move_cursor(Motion::Down);
    }

    fn mark_range(&mut self) {
        match self.matrix.anchor.take() {
            Some(_) => {}
            None => self.matrix.anchor = self.matrix.selected(),
        }
    }

    /// Marks the column through all rows that the filter leaves, folded ones too: what is healthy
    /// is what can be promoted. All marked already: unmarks them.
    fn mark_column(&mut self) {
        let Some(environment) = self.matrix.columns.get(self.matrix.column).cloned() else {
            return;
        };
        let filter = Filter::parse(&self.matrix.filter);
        let desired = self.git.desired.clone();
        let services = desired.map_or(Vec::new(), |desired| desired.services.clone());
        let lines = self.matrix.lines.iter();
        let shown: HashSet<&ServiceName> = lines.map(|line| &line.service).collect();
        let cells = services
            .into_iter()
            .filter(|service| filter.is_empty() || shown.contains(service));
        let cells = cells.map(|service| CellKey::new(service, environment.clone()));
        let cells = self.existing(cells.collect());
        if cells.iter().all(|cell| self.matrix.marks.contains(cell)) {
            for cell in &cells {
                self.matrix.marks.remove(cell);
            }
            let cells = count(cells.len(), "cell");
            self.say(format!("{cells} of {environment} unmarked"));
        } else {
            let marked = count(cells.len(), "cell");
            self.say(format!("{marked} of {environment} marked"));
            self.matrix.marks.extend(cells);
        }
    }

    fn existing(&self, cells: Vec<CellKey>) -> Vec<CellKey> {
        let desired = self.git.desired.as_deref();
        let exists = |cell: &CellKey| desired.is_some_and(|d| d.cells.contains_key(cell));
        cells.into_iter().filter(exists).collect()
    }

    /// Orders rows otherwise, and says how; the cursor stays on its cell.
    pub(in crate::app) fn order_by(&mut self, order: Order, reversed: bool) {
        let (first, then) = match (&order, reversed) {
            (Order::Trouble, false) => ("worst first", ""),
            (Order::Trouble, true) => ("worst last", ""),
            (Order::Name, false) => ("a to z", ""),
            (Order::Name, true) => ("z to a", ""),
            (Order::Recent, false) => ("last changed first", ""),
            (Order::Recent, true) => ("longest unchanged first", ""),
            (Order::Behind, false) => ("most behind first", ""),
            (Order::Behind, true) => ("most behind last", ""),
            (Order::Column(_), false) => ("worst first", ", then last changed"),
            (Order::Column(_), true) => ("worst last", ", longest unchanged first"),
        };
        self.say(format!("ordered by {}: {first}{then}", order.name()));
        self.matrix.pin();
        self.matrix.order = order;
        self.matrix.reversed = reversed;
    }

    /// The order after this one, around: of all columns, then of the one under the cursor and the other way round.
    pub(in crate::app) fn next_order(&mut self) {
        let matrix = &self.matrix;
        let here = matrix.columns.get(matrix.column).cloned();
        let here = here.map(Order::Column);
        let (order, reversed) = match (&matrix.order, here) {
            (Order::Trouble, _) => (Order::Name, false),
            (Order::Name, _) => (Order::Recent, false),
            (Order::Recent, _) => (Order::Behind, false),
            (Order::Behind, Some(here)) => (here, false),
            (Order::Column(_), Some(here)) if !matrix.reversed => (here, true),
            (Order::Behind | Order::Column(_), _) => (Order::Trouble, false),
        };
        self.order_by(order, reversed);
    }

    /// What a click on a head does: orders by it, the other way round at the second, and worst first again at the third.
    pub(in crate::app) fn order_by_head(&mut self, order: Order) {
        let matrix = &self.matrix;
        match (matrix.order == order, matrix.reversed) {
            (false, _) => self.order_by(order, false),
            (true, false) => self.order_by(order, true),
            (true, true) => self.order_by(Order::Trouble, false),
        }
    }

    pub(in crate::app) fn fold_or_show(&mut self) {
        self.matrix.quiet = self.matrix.quiet.other();
        self.say(match self.matrix.quiet {
            Quiet::Shown => "all rows are shown",
            Quiet::Folded => "healthy rows are folded while others are in trouble",
        });
    }

    /// Puts the cursor on a cell.
    pub(in crate::app) fn select(&mut self, cell: &CellKey) {
        self.matrix.row = Some(cell.service.clone());
        self.matrix.clicked = false;
        let column = self
            .matrix
            .columns
            .iter()
            .position(|c| *c == cell.environment);
        self.matrix.column = column.unwrap_or(self.matrix.column);
        // A folded row unfolds when it is selected.
        self.arrange();
    }

    /// To the next cell, row by row, that matches the filter's state, or is in trouble without one.
    fn next_match(&mut self, forward: bool) {
        let filter = Filter::parse(&self.matrix.filter);
        let columns = self.matrix.columns.len();
        let total = self.matrix.lines.len() * columns;
        if total == 0 {
            return;
        }
        let from = self.matrix.cursor() * columns + self.matrix.column;
        let places = (1..=total).map(|step| {
            let there = if forward {
                from + step
            } else {
                from + total - step
            };
            (there % total / columns, there % columns)
        });
        let found = { places }.find(|(line, column)| {
            let cell = self.facts(*line, *column);
            cell.is_some_and(|(key, facts)| {
                if filter.asks_for_cells() {
                    filter.cell(facts, || self.matrix.marks.contains(&key))
                } else {
                    facts.trouble > 0
                }
            })
        });
        match found {
            Some((line, column)) => {
                let line = self.matrix.lines.get(line);
                self.matrix.row = line.map(|line| line.service.clone());
                self.matrix.column = column;
            }
            None => self.say("no cell matches"),
        }
    }

    /// What is to be known of the cell of a line in a column; `None`: there is none.
    fn facts(&self, line: usize, column: usize) -> Option<(CellKey, &CellFacts)> {
        let service = &self.matrix.lines.get(line)?.service;
        let environment = self.matrix.columns.get(column)?;
        let columns = &self.git.desired.as_ref()?.environments;
        let column = columns.iter().position(|name| name == environment)?;
        let mut cells = self.judged.row(service)?.cells.iter();
        let facts = cells.find(|facts| facts.column == column)?;
        Some((CellKey::new(service.clone(), environment.clone()), facts))
    }
}

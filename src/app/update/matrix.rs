//! Keys of the matrix.

use super::{
    super::{
        command::Command,
        filter::Filter,
        keymap::{Action, Motion},
        line::LineInput,
        model::{CellScreen, Model, Prompt, Screen},
        status,
    },
    input::moved,
};
use crate::domain::ids::CellKey;

impl Model {
    pub(super) fn on_matrix(&mut self, action: Action, out: &mut Vec<Command>) {
        match action {
            Action::Move(motion) => self.move_cursor(motion),
            Action::Open => match self.matrix.selected() {
                Some(cell) => self.open_cell(cell, out),
                None => self.say("no cell is selected"),
            },
            Action::Back => self.back_at_root(),
            Action::Mark => self.mark(),
            Action::MarkRange => self.mark_range(),
            Action::MarkColumn => self.mark_column(),
            Action::Promote => self.promote(out),
            Action::Revert => self.open_revert(),
            Action::Trace => self.open_trace(),
            Action::Plan => self.open_plan(None, out),
            Action::Unstage => self.unstage(out),
            Action::Undo => self.undo(out),
            Action::ShowAll => self.show_all(),
            Action::Order => {
                self.matrix.order = self.matrix.order.next();
                let name = self.matrix.order.name();
                self.say(format!("ordered by {name}"));
            }
            Action::Filter => {
                self.prompt = Some(Prompt::Filter {
                    input: LineInput::with(self.matrix.filter.clone()),
                    before: self.matrix.filter.clone(),
                });
            }
            Action::NextMatch => self.next_match(true),
            Action::PreviousMatch => self.next_match(false),
            Action::Copy => self.copy_version(out),
            Action::Browse => self.browse_environment(out),
            _ => {}
        }
    }

    fn move_cursor(&mut self, motion: Motion) {
        let page = self.matrix.layout.lines.max(1);
        let columns = self.matrix.columns.len();
        let matrix = &mut self.matrix;
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
        if self.activity.dismiss() || self.matrix.anchor.take().is_some() {
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
        let shown = |service| {
            filter.is_empty() || self.matrix.lines.iter().any(|line| line.service == service)
        };
        let cells = services
            .into_iter()
            .filter(|service| shown(service.clone()));
        let cells = cells.map(|service| CellKey::new(service, environment.clone()));
        let cells = self.existing(cells.collect());
        if cells.iter().all(|cell| self.matrix.marks.contains(cell)) {
            for cell in &cells {
                self.matrix.marks.remove(cell);
            }
            self.say(format!("{} cells of {environment} unmarked", cells.len()));
        } else {
            self.say(format!("{} cells of {environment} marked", cells.len()));
            self.matrix.marks.extend(cells);
        }
    }

    fn existing(&self, cells: Vec<CellKey>) -> Vec<CellKey> {
        let desired = self.git.desired.as_deref();
        let exists = |cell: &CellKey| desired.is_some_and(|d| d.cells.contains_key(cell));
        cells.into_iter().filter(exists).collect()
    }

    pub(super) fn show_all(&mut self) {
        self.matrix.show_all = !self.matrix.show_all;
        self.say(if self.matrix.show_all {
            "all rows are shown"
        } else {
            "healthy rows are folded while others are in trouble"
        });
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
        let found = (1..=total).find_map(|step| {
            let place = if forward {
                from + step
            } else {
                from + total - step
            } % total;
            let service = self.matrix.lines.get(place / columns)?.service.clone();
            let environment = self.matrix.columns.get(place % columns)?.clone();
            let key = CellKey::new(service, environment);
            let view = status::assess(self, &key);
            let matches = if filter.asks_for_cells() {
                filter.cell(self, &key, &view)
            } else {
                view.trouble() > 0
            };
            matches.then_some((key, place % columns))
        });
        match found {
            Some((key, column)) => {
                self.matrix.row = Some(key.service);
                self.matrix.column = column;
            }
            None => self.say("no cell matches"),
        }
    }

    pub(super) fn copy_version(&mut self, out: &mut Vec<Command>) {
        let Some(cell) = self.selected() else { return };
        let desired = self.git.desired.as_deref();
        match desired.and_then(|desired| desired.version(&cell)) {
            Some(version) => out.push(Command::Copy(version.to_string())),
            None => self.say(format!("{cell} declares no version")),
        }
    }

    pub(super) fn browse_environment(&mut self, out: &mut Vec<Command>) {
        let Some(cell) = self.selected() else { return };
        let environment = self.setup.topology.get(&cell.environment);
        match environment.and_then(|environment| environment.url.clone()) {
            Some(url) => out.push(Command::OpenUrl(url)),
            None => self.say(format!(
                "{} has no `url` in the configuration",
                cell.environment
            )),
        }
    }

    pub(super) fn open_cell(&mut self, cell: CellKey, out: &mut Vec<Command>) {
        self.open_cell_at(cell, 0, out);
    }

    /// Opens a cell at one of its values; 0 is the newest.
    pub(super) fn open_cell_at(&mut self, cell: CellKey, value: usize, out: &mut Vec<Command>) {
        out.push(Command::WatchNotes {
            cell: Some(cell.clone()),
        });
        self.live.notes = None;
        self.open(Screen::Cell(CellScreen {
            value,
            ..CellScreen::new(cell)
        }));
        self.refresh_cell(out);
    }
}

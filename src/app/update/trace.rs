//! The trace of a version: opened from any cell, each of its rows leads to the cell.

use super::{
    super::{
        command::Command,
        keymap::Action,
        model::{Model, Screen, TraceScreen},
        trace,
    },
    input::moved,
};
use crate::domain::{
    ids::{CellKey, ObjectId},
    suggest,
    version::Version,
};

impl Model {
    /// Traces the selected version: of the selected history entry where there is one, else what the cell declares.
    pub(super) fn open_trace(&mut self) {
        let Some(cell) = self.selected() else {
            return self.say("no cell is selected");
        };
        let entry = self.selected_value();
        let commit = entry.map(|entry| entry.change.landed.commit);
        let version = match entry {
            Some(entry) => entry.change.version.clone(),
            None => self.declared(&cell),
        };
        match version {
            Some(version) => self.show_trace(cell, version, commit),
            None => self.say(format!("{cell} declares no version to trace")),
        }
    }

    pub(super) fn trace_command(&mut self, argument: &str) {
        let Some(cell) = self.selected().filter(|_| !argument.is_empty()) else {
            return self.open_trace();
        };
        let version = Version::from(argument);
        let known: Vec<Version> = self.known_versions(&cell);
        if known.contains(&version) || !self.history.done {
            return self.show_trace(cell, version, None);
        }
        let hint = suggest::hint(argument, known.iter().map(Version::as_str));
        self.say(format!(
            "{} has never been at {argument}{hint}",
            cell.service
        ));
    }

    fn show_trace(&mut self, cell: CellKey, version: Version, commit: Option<ObjectId>) {
        self.open(Screen::Trace(TraceScreen {
            service: cell.service,
            version,
            selected: (cell.environment, commit),
        }));
    }

    fn declared(&self, cell: &CellKey) -> Option<Version> {
        let desired = self.git.desired.as_deref()?;
        desired.version(cell).cloned()
    }

    /// Versions that the service is known to have had anywhere.
    fn known_versions(&self, cell: &CellKey) -> Vec<Version> {
        let environments = self.environments().into_iter();
        let cells = environments.map(|name| CellKey::new(cell.service.clone(), name));
        let mut known = Vec::new();
        for cell in cells {
            let past = self.values(&cell).iter();
            known.extend(past.filter_map(|entry| entry.change.version.clone()));
            known.extend(self.declared(&cell));
        }
        known
    }

    pub(super) fn on_trace(&mut self, action: Action, out: &mut Vec<Command>) {
        let page = self.page() / 2;
        let Some(Screen::Trace(screen)) = self.screens.last() else {
            return;
        };
        let found = trace::of(self, screen);
        let rows = trace::rows(&found);
        let row = trace::selected(&found, &rows, screen);
        match action {
            Action::Back => self.close(out),
            Action::Move(motion) => {
                let Some(row) = rows.get(moved(row, motion, rows.len(), page)) else {
                    return;
                };
                let commit = trace::stay(&found, *row).map(|stay| stay.entry.change.landed.commit);
                let environment = found.places[row.0].environment.clone();
                if let Some(Screen::Trace(screen)) = self.screens.last_mut() {
                    screen.selected = (environment, commit);
                }
            }
            Action::Open => {
                let cell = trace::selected_cell(screen);
                let stay = rows.get(row).and_then(|row| trace::stay(&found, *row));
                let value = stay.map_or(0, |stay| stay.index);
                if self.declared(&cell).is_none() && stay.is_none() {
                    return self.say(format!(
                        "{} is not declared in {}",
                        cell.service, cell.environment
                    ));
                }
                self.open_cell_at(cell, value, out);
            }
            Action::Revert => self.open_revert(),
            Action::Copy => match self.selected_commit() {
                Some(commit) => out.push(Command::Copy(commit.to_string())),
                None => self.say("it has not been there: no commit to copy"),
            },
            Action::Browse => self.browse_commit(out),
            _ => {}
        }
    }
}

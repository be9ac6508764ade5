//! The versions that a cell can go back to.

use super::{Screen, moved};
use crate::{
    actions::Action,
    app::{command::Command, model::Model},
    domain::{
        history::HistoryEntry,
        ids::{CellKey, ObjectId, ServiceName},
        last_good::last_good,
        plan::{Came, ChangeRequest, Intent, Skip, SkipCause, nothing_before},
        version::Version,
    },
};

/// Versions to go back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevertScreen {
    /// Of which cell.
    pub cell: CellKey,
    /// The selected value; `None`: the last good one, as soon as it is known.
    pub selected: Option<usize>,
}

/// The value that is selected, where there is one to go back to.
pub(super) fn value(model: &Model) -> Option<&HistoryEntry> {
    let Some(Screen::Revert(screen)) = model.screens.last() else {
        return None;
    };
    let index = model.revert_selection(screen)?;
    model.values(&screen.cell).get(index)
}

pub(super) fn act(model: &mut Model, action: Action, _: bool, out: &mut Vec<Command>) -> bool {
    let page = model.page();
    let Some(Screen::Revert(screen)) = model.screens.last() else {
        return false;
    };
    let cell = screen.cell.clone();
    let selected = model.revert_selection(screen);
    let values = model.values(&cell);
    match action {
        Action::Back => model.close(out),
        Action::Move(motion) => {
            // The first is today's value: nothing to go back to.
            let place = selected.unwrap_or(1).saturating_sub(1);
            let count = values.len().saturating_sub(1);
            let place = moved(place, motion, count, page) + 1;
            if let Some(Screen::Revert(screen)) = model.screens.last_mut() {
                screen.selected = (count > 0).then_some(place);
            }
        }
        Action::Open => {
            if let Some(entry) = selected.and_then(|index| values.get(index)) {
                let (to, at) = (entry.change.version.clone(), entry.change.landed.commit);
                model.screens.pop();
                model.revert_to(cell, to, at, out);
            } else {
                let why = model.why_nothing_before(&cell);
                model.say(why);
            }
        }
        Action::Copy => model.ask_what_to_copy(),
        Action::Browse => model.browse_commit(out),
        _ => return false,
    }
    true
}

impl Model {
    /// Opens the list of versions to go back to.
    pub(in crate::app) fn open_revert(&mut self) {
        if let Some(cell) = self.selected() {
            self.open_revert_of(cell);
        }
    }

    /// The same for a cell, wherever the cursor is.
    pub(in crate::app) fn open_revert_of(&mut self, cell: CellKey) {
        let desired = self.git.desired.as_deref();
        if desired.is_none_or(|desired| !desired.cells.contains_key(&cell)) {
            self.say(format!(
                "{} is not declared in {}",
                cell.service, cell.environment
            ));
            return;
        }
        self.open(Screen::Revert(RevertScreen {
            cell,
            selected: None,
        }));
    }

    /// The selected value of a revert picker: chosen, or the last good one, or the one before today's.
    pub fn revert_selection(&self, screen: &RevertScreen) -> Option<usize> {
        let values = self.values(&screen.cell);
        screen
            .selected
            .or_else(|| self.back_to(&screen.cell))
            .filter(|i| *i < values.len())
    }

    /// The value that a cell goes back to where none is chosen: the last good one, else the one before today's. `None`: there
    /// is none, or the history does not reach to what is declared now yet: what looks like today's may be the one before.
    fn back_to(&self, cell: &CellKey) -> Option<usize> {
        let values = self.values(cell);
        let newest = values.first()?.change.version.as_ref();
        let desired = self.git.desired.as_deref();
        let reaches = desired.is_some_and(|desired| desired.version(cell) == newest);
        if !reaches && !self.history.done {
            return None;
        }
        self.last_good(cell).or((values.len() > 1).then_some(1))
    }

    /// The value that a cell was last good with, among [`Model::values`].
    pub fn last_good(&self, cell: &CellKey) -> Option<usize> {
        let bad = |version: &Version| self.is_vetoed(&cell.service, version);
        last_good(self.values(cell), &bad)
    }

    /// Whether a version was marked bad.
    pub fn is_vetoed(&self, service: &ServiceName, version: &Version) -> bool {
        let desired = self.git.desired.as_deref();
        desired.is_some_and(|desired| desired.vetoes.of(service, version).is_some())
    }

    /// Stages going back for these cells, and opens the plan of them alone; those that cannot are shown with it.
    pub(in crate::app) fn revert_several(&mut self, cells: Vec<CellKey>, out: &mut Vec<Command>) {
        let mut requests = Vec::new();
        let mut aside = Vec::new();
        for cell in cells {
            let to = self
                .back_to(&cell)
                .and_then(|at| self.values(&cell).get(at));
            if let Some(entry) = to {
                requests.push(ChangeRequest {
                    intent: Intent::Revert {
                        to: entry.change.version.clone(),
                        at: Some(entry.change.landed.commit),
                    },
                    cell,
                    came: Came::Named,
                });
            } else {
                let why = self.why_nothing_before(&cell);
                let skip = Skip::new(cell, Came::Group, (SkipCause::NotDeclared, why));
                aside.push(skip);
            }
        }
        if let ([], [first, ..]) = (requests.as_slice(), aside.as_slice()) {
            let word = format!("{}: {}", first.cell, first.detail);
            return self.say(word);
        }
        let cells: Vec<CellKey> = requests.iter().map(|it| it.cell.clone()).collect();
        self.stage(requests, out);
        self.staging.set_aside = aside;
        self.open_plan(Some(cells), out);
    }

    fn why_nothing_before(&self, cell: &CellKey) -> String {
        let failed = self.history.failure.as_ref();
        let failed = failed.map(|failure| format!("history: {}", failure.why));
        let nothing = self.nothing_before(cell).or(failed);
        nothing.unwrap_or_else(|| "the history is still being read".to_owned())
    }

    /// Why there is nothing that a cell could go back to; `None` where there is something, or its history is not known.
    pub fn nothing_before(&self, cell: &CellKey) -> Option<String> {
        let values = self.values(cell);
        if values.len() > 1 || !self.history.done || self.history.failure.is_some() {
            return None;
        }
        let desired = self.git.desired.as_deref()?;
        let mut known = values.iter();
        let only = known.find_map(|entry| entry.change.version.as_ref());
        let only = only.or_else(|| desired.version(cell));
        let (_, why) = nothing_before(desired, cell, None, only, self.ends_early(cell));
        Some(why)
    }

    /// Stages a revert to what was declared `at` a commit and opens the plan of it alone: other staged changes wait.
    pub(in crate::app) fn revert_to(
        &mut self,
        cell: CellKey,
        to: Option<Version>,
        at: ObjectId,
        out: &mut Vec<Command>,
    ) {
        let request = ChangeRequest {
            cell: cell.clone(),
            intent: Intent::Revert { to, at: Some(at) },
            came: Came::Named,
        };
        self.stage(vec![request], out);
        self.open_plan(Some(vec![cell]), out);
    }
}

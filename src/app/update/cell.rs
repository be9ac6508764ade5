//! Keys of the cell screen and of the revert picker.

use super::{
    super::{
        command::Command,
        event::{Epoch, Failure},
        keymap::{Action, Motion},
        model::{CellPane, CellScreen, Model, RevertScreen, Screen},
        op_queue::Operation,
        trace,
    },
    input::moved,
};
use crate::domain::{
    history::HistoryEntry,
    ids::{CellKey, ObjectId},
    last_good::last_good,
    plan::{Came, ChangeRequest, Intent},
};

impl Model {
    pub(super) fn on_cell(&mut self, action: Action, out: &mut Vec<Command>) {
        match action {
            Action::Back => self.close(out),
            Action::Move(Motion::Left) => self.neighbour(false, out),
            Action::Move(Motion::Right) => self.neighbour(true, out),
            Action::Move(motion) => self.move_in_cell(motion, out),
            Action::NextPane => self.turn_pane(CellPane::next),
            Action::PreviousPane => self.turn_pane(CellPane::previous),
            Action::Promote => self.promote(out),
            Action::Revert => self.open_revert(),
            Action::Trace => self.open_trace(),
            Action::Plan => self.open_plan(None, out),
            Action::Unstage => self.unstage(out),
            Action::Undo => self.undo(out),
            Action::Copy => match self.selected_commit() {
                Some(commit) => out.push(Command::Copy(commit.to_string())),
                None => self.copy_version(out),
            },
            Action::Browse => self.browse_commit(out),
            _ => {}
        }
    }

    fn turn_pane(&mut self, turn: fn(CellPane) -> CellPane) {
        if let Some(Screen::Cell(screen)) = self.screens.last_mut() {
            screen.pane = turn(screen.pane);
        }
    }

    fn move_in_cell(&mut self, motion: Motion, out: &mut Vec<Command>) {
        let page = self.page() / 2;
        let Some(Screen::Cell(screen)) = self.screens.last() else {
            return;
        };
        let values = self.values(&screen.cell).len();
        let live = self.live.cells.get(&screen.cell);
        let notes = match &self.live.notes {
            Some((_, Ok(notes))) => notes.len(),
            _ => 0,
        };
        let rollout = live.map_or(0, |live| live.pods.len()) + notes;
        let Some(Screen::Cell(screen)) = self.screens.last_mut() else {
            return;
        };
        match screen.pane {
            CellPane::Rollout => {
                screen.rollout_scroll = moved(screen.rollout_scroll, motion, rollout, page);
            }
            CellPane::Diff => {
                let lines = match &screen.diff {
                    Some((_, Ok(text))) => text.lines().count(),
                    _ => 0,
                };
                screen.diff_scroll = moved(screen.diff_scroll, motion, lines, page);
            }
            CellPane::History => {
                let value = moved(screen.value, motion, values, page);
                if value != screen.value {
                    screen.value = value;
                    screen.diff_scroll = 0;
                    self.refresh_cell(out);
                }
            }
        }
    }

    /// The same service in the environment beside.
    fn neighbour(&mut self, right: bool, out: &mut Vec<Command>) {
        let Some(Screen::Cell(screen)) = self.screens.last() else {
            return;
        };
        let pane = screen.pane;
        let cell = screen.cell.clone();
        let environments = self.environments();
        let at = environments
            .iter()
            .position(|name| *name == cell.environment);
        let next = at.and_then(|at| {
            let next = if right { at + 1 } else { at.checked_sub(1)? };
            environments.get(next).cloned()
        });
        if let Some(environment) = next {
            self.open_cell(CellKey::new(cell.service, environment), out);
            if let Some(Screen::Cell(screen)) = self.screens.last_mut() {
                screen.pane = pane;
            }
            self.follow_cell();
        }
    }

    /// Keeps the matrix's cursor on the cell that is looked at.
    fn follow_cell(&mut self) {
        if let Some(Screen::Cell(screen)) = self.screens.last() {
            let name = &screen.cell.environment;
            if let Some(column) = self.matrix.columns.iter().position(|c| c == name) {
                self.matrix.column = column;
            }
            self.matrix.row = Some(screen.cell.service.clone());
        }
    }

    /// Asks for the diff that the cell screen still lacks; history comes by itself.
    pub(super) fn refresh_cell(&mut self, out: &mut Vec<Command>) {
        let wanted = self.selected_commit();
        let Some(Screen::Cell(screen)) = self.screens.last_mut() else {
            return;
        };
        let shown = screen.diff.as_ref().map(|(commit, _)| *commit);
        if let Some(commit) = wanted
            && shown != Some(commit)
        {
            screen.diff = None;
            let cell = screen.cell.clone();
            let epoch = self.operations.supersede(Operation::Diff);
            out.push(Command::LoadDiff {
                epoch,
                cell,
                commit,
            });
        }
    }

    /// The value selected in the cell screen, the revert picker or the trace.
    pub(super) fn selected_value(&self) -> Option<&HistoryEntry> {
        match self.screens.last()? {
            Screen::Cell(screen) => self.values(&screen.cell).get(screen.value),
            Screen::Revert(screen) => {
                let index = self.revert_selection(screen)?;
                self.values(&screen.cell).get(index)
            }
            Screen::Trace(screen) => {
                let stay = trace::selected_stay(self, screen)?;
                let cell = trace::selected_cell(screen);
                self.values(&cell).get(stay.index)
            }
            _ => None,
        }
    }

    /// The commit that landed it.
    pub(super) fn selected_commit(&self) -> Option<ObjectId> {
        Some(self.selected_value()?.change.landed.commit)
    }

    pub(super) fn on_diff(
        &mut self,
        epoch: Epoch,
        cell: &CellKey,
        commit: ObjectId,
        result: Result<String, Failure>,
    ) {
        if !self.operations.finish(Operation::Diff, epoch) {
            return;
        }
        for screen in &mut self.screens {
            if let Screen::Cell(screen) = screen
                && screen.cell == *cell
            {
                screen.diff = Some((commit, result.clone().map(Into::into)));
            }
        }
    }

    pub(super) fn browse_commit(&mut self, out: &mut Vec<Command>) {
        let web = self.git.base.as_ref().and_then(|base| base.web.clone());
        match (web, self.selected_commit()) {
            (Some(web), Some(commit)) => {
                out.push(Command::OpenUrl(format!("{web}/commit/{commit}")));
            }
            (None, _) => self.say("the remote has no web address that is known"),
            (_, None) => self.browse_environment(out),
        }
    }

    /// Opens the list of versions to go back to.
    pub(super) fn open_revert(&mut self) {
        let Some(cell) = self.selected() else { return };
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
        let preset = || last_good(values).or((values.len() > 1).then_some(1));
        screen
            .selected
            .or_else(preset)
            .filter(|i| *i < values.len())
    }

    pub(super) fn on_revert(&mut self, action: Action, out: &mut Vec<Command>) {
        let page = self.page() / 2;
        let Some(Screen::Revert(screen)) = self.screens.last() else {
            return;
        };
        let cell = screen.cell.clone();
        let selected = self.revert_selection(screen);
        let values = self.values(&cell);
        match action {
            Action::Back => self.close(out),
            Action::Move(motion) => {
                // The first is today's value: nothing to go back to.
                let place = selected.unwrap_or(1).saturating_sub(1);
                let count = values.len().saturating_sub(1);
                let place = moved(place, motion, count, page) + 1;
                if let Some(Screen::Revert(screen)) = self.screens.last_mut() {
                    screen.selected = (count > 0).then_some(place);
                }
            }
            Action::Open => match selected.and_then(|index| values.get(index)) {
                Some(entry) => {
                    let (to, at) = (entry.change.version.clone(), entry.change.landed.commit);
                    self.screens.pop();
                    self.revert_to(cell, to, at, out);
                }
                None if self.history.done => self.say("there is nothing to go back to"),
                None => self.say("the history is still being read"),
            },
            Action::Copy => {
                if let Some(commit) = self.selected_commit() {
                    out.push(Command::Copy(commit.to_string()));
                }
            }
            Action::Trace => self.open_trace(),
            Action::Browse => self.browse_commit(out),
            _ => {}
        }
    }

    /// Stages a revert to what was declared `at` a commit and opens the plan of it alone: other staged changes wait.
    pub(super) fn revert_to(
        &mut self,
        cell: CellKey,
        to: Option<crate::domain::version::Version>,
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

impl CellScreen {
    /// A cell that is looked at for the first time.
    pub(super) fn new(cell: CellKey) -> Self {
        Self {
            cell,
            pane: CellPane::default(),
            value: 0,
            rollout_scroll: 0,
            diff_scroll: 0,
            diff: None,
        }
    }
}

impl CellPane {
    fn next(self) -> Self {
        match self {
            Self::Rollout => Self::History,
            Self::History => Self::Diff,
            Self::Diff => Self::Rollout,
        }
    }

    fn previous(self) -> Self {
        self.next().next()
    }
}

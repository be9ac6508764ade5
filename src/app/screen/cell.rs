//! One cell: what runs in it, its history, and what each commit changed.

use std::sync::Arc;

use super::{Screen, moved, object};
use crate::{
    actions::{Action, Motion},
    app::{areas::WIDE, command::Command, event::Epoch, model::Model, op_queue::Operation, status},
    domain::{
        diff::Diff,
        failure::Failure,
        history::HistoryEntry,
        ids::{CellKey, ObjectId},
        rollout::{ClusterNote, Look},
    },
};

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellScreen {
    /// The cell that is looked at.
    pub cell: CellKey,
    /// The pane that keys act on; the tab shown where there is room for one only.
    pub pane: CellPane,
    /// The selected value of the history.
    pub value: usize,
    /// How far the left side is scrolled.
    pub rollout_scroll: usize,
    /// The chosen one of what can be looked at there ([`objects`](super::object::objects)); `None`: none was.
    pub object: Option<usize>,
    /// How far the diff is scrolled.
    pub diff_scroll: usize,
    /// The cluster's events, or one line that says why there are none; `None`: waited for.
    pub notes: Option<Result<Vec<ClusterNote>, String>>,
    /// The diff of the selected commit, or why there is none; `None`: being read.
    pub diff: Option<(ObjectId, Result<Arc<Diff>, Failure>)>,
}

/// Panes of the cell screen, in the order of `tab`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CellPane {
    /// Rollout, pods and events.
    Rollout,
    /// Values over time.
    #[default]
    History,
    /// What the selected commit changed.
    Diff,
}

/// The value that is selected in the cell's history.
pub(super) fn value(model: &Model) -> Option<&HistoryEntry> {
    let Some(Screen::Cell(screen)) = model.screens.last() else {
        return None;
    };
    model.values(&screen.cell).get(screen.value)
}

pub(super) fn act(model: &mut Model, action: Action, _: bool, out: &mut Vec<Command>) -> bool {
    match action {
        Action::Back => model.close(out),
        Action::Move(Motion::Left) => model.neighbour(false, out),
        Action::Move(Motion::Right) => model.neighbour(true, out),
        Action::Move(motion) => model.move_in_cell(motion, out),
        Action::NextPane => model.turn_to_cell_pane(CellPane::next),
        Action::PreviousPane => model.turn_to_cell_pane(CellPane::previous),
        Action::Copy => model.ask_what_to_copy(),
        Action::Browse => model.browse_commit(out),
        Action::Logs => model.open_selected_log(out),
        Action::Yaml => model.open_object(Look::Yaml, out),
        Action::Describe => model.open_object(Look::Description, out),
        Action::HandOver => model.hand_over(out),
        _ => return false,
    }
    true
}

impl Model {
    fn turn_to_cell_pane(&mut self, other: fn(CellPane) -> CellPane) {
        self.keeping_the_place(|model| {
            if let Some(Screen::Cell(screen)) = model.screens.last_mut() {
                screen.pane = other(screen.pane);
            }
        });
    }

    pub(in crate::app) fn open_cell(&mut self, cell: CellKey, out: &mut Vec<Command>) {
        self.open_cell_at(cell, 0, out);
    }

    /// Opens a cell at one of its values; 0 is the newest.
    pub(in crate::app) fn open_cell_at(
        &mut self,
        cell: CellKey,
        value: usize,
        out: &mut Vec<Command>,
    ) {
        // Where one pane has room, what is wrong comes first; who comes to see a change comes for that.
        let troubled = status::assess(self, &cell).status.trouble > 0;
        let pane = if troubled && value == 0 && self.size.0 < WIDE {
            CellPane::Rollout
        } else {
            CellPane::default()
        };
        self.open(Screen::Cell(CellScreen {
            pane,
            value,
            ..CellScreen::new(cell)
        }));
        self.watch_notes(out);
        self.refresh_cell(out);
    }

    /// Asks for the cluster's events of the topmost cell that is looked at, or for none any more.
    pub(super) fn watch_notes(&mut self, out: &mut Vec<Command>) {
        let watched = self
            .screens
            .iter_mut()
            .rev()
            .find_map(|screen| match screen {
                Screen::Cell(screen) => Some(screen),
                _ => None,
            });
        let cell = watched.map(|screen| {
            screen.notes = None;
            screen.cell.clone()
        });
        out.push(Command::WatchNotes { cell });
    }

    /// Takes what the cluster notes of a cell to where it is looked at.
    pub(in crate::app) fn on_notes(
        &mut self,
        cell: &CellKey,
        result: Result<Vec<ClusterNote>, String>,
    ) {
        for screen in &mut self.screens {
            if let Screen::Cell(screen) = screen
                && screen.cell == *cell
            {
                screen.notes = Some(result.clone());
            }
        }
    }

    fn move_in_cell(&mut self, motion: Motion, out: &mut Vec<Command>) {
        let (reach, page) = (self.drawn.keys, self.page());
        let Some(Screen::Cell(screen)) = self.screens.last() else {
            return;
        };
        let values = self.values(&screen.cell).len();
        if screen.pane == CellPane::Rollout && self.choose_object(motion) {
            return;
        }
        let Some(Screen::Cell(screen)) = self.screens.last_mut() else {
            return;
        };
        match screen.pane {
            CellPane::Rollout => {
                screen.rollout_scroll = reach.scrolled(screen.rollout_scroll, motion);
            }
            CellPane::Diff => screen.diff_scroll = reach.scrolled(screen.diff_scroll, motion),
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

    /// Selects the next object of the rollout pane, or the one before, and brings it into view; `false` where there is none
    /// that way, so that the text is scrolled.
    fn choose_object(&mut self, motion: Motion) -> bool {
        let (lines, page) = (self.drawn.objects.clone(), self.page());
        let Some(Screen::Cell(screen)) = self.screens.last() else {
            return false;
        };
        let live = self.live.cells().get(&screen.cell);
        let Some(at) = live.and_then(|live| object::selected(live, screen.object)) else {
            return false;
        };
        let top = screen.rollout_scroll.min(self.drawn.keys.last);
        let found = match motion {
            Motion::Down => (at + 1..lines.len()).find(|it| lines[*it] >= top),
            Motion::Up => (0..at.min(lines.len()))
                .rev()
                .find(|it| lines[*it] < top + page),
            _ => None,
        };
        let (Some(index), Some(Screen::Cell(screen))) = (found, self.screens.last_mut()) else {
            return false;
        };
        screen.object = Some(index);
        screen.rollout_scroll = if lines[index] < top {
            lines[index]
        } else {
            top.max((lines[index] + 1).saturating_sub(page))
        };
        true
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
    pub(in crate::app) fn refresh_cell(&mut self, out: &mut Vec<Command>) {
        let wanted = self.selected_value().map(|entry| {
            let change = &entry.change;
            (change.landed.commit, change.authored.commit)
        });
        let Some(Screen::Cell(screen)) = self.screens.last_mut() else {
            return;
        };
        let shown = screen.diff.as_ref().map(|(commit, _)| *commit);
        if let Some((commit, authored)) = wanted
            && shown != Some(commit)
        {
            screen.diff = None;
            let cell = screen.cell.clone();
            let epoch = self.operations.supersede(Operation::Diff);
            out.push(Command::LoadDiff {
                epoch,
                cell,
                commit,
                authored,
            });
        }
    }

    pub(in crate::app) fn on_diff(
        &mut self,
        epoch: Epoch,
        cell: &CellKey,
        commit: ObjectId,
        result: Result<Diff, Failure>,
    ) {
        if !self.operations.finish(Operation::Diff, epoch) {
            return;
        }
        let result = result.map(Arc::new);
        for screen in &mut self.screens {
            if let Screen::Cell(screen) = screen
                && screen.cell == *cell
            {
                screen.diff = Some((commit, result.clone()));
            }
        }
    }
}

impl CellScreen {
    /// A cell that is looked at for the first time.
    fn new(cell: CellKey) -> Self {
        Self {
            cell,
            pane: CellPane::default(),
            value: 0,
            rollout_scroll: 0,
            object: None,
            diff_scroll: 0,
            notes: None,
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

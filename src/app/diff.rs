//! How diffs are read: the same choice for every screen that shows one.

use super::{
    areas::SIDES,
    model::Model,
    screen::{CellPane, PlanPane, PlanState, Screen},
};
use crate::{
    actions::Action,
    domain::diff::{Diff, Extent, Shape},
};

/// Lines around a change that can be chosen.
const AROUND: [usize; 7] = [0, 1, 3, 6, 12, 25, 50];
/// Which of them is chosen at first: as Git shows it.
const USUAL: usize = 2;

/// How diffs are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiffView {
    extent: Chosen,
    /// Which of [`AROUND`].
    around: usize,
    /// Side by side, where there is room.
    beside: bool,
}

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chosen {
    Around,
    Changed,
    Whole,
}

impl Default for DiffView {
    fn default() -> Self {
        Self {
            extent: Chosen::Around,
            around: USUAL,
            beside: true,
        }
    }
}

impl Model {
    /// How the diff on the visible screen is made into rows.
    pub fn diff_shape(&self) -> Shape {
        let extent = match self.diff.extent {
            Chosen::Around => Extent::Around(AROUND[self.diff.around]),
            Chosen::Changed => Extent::Changed,
            Chosen::Whole => Extent::Whole,
        };
        Shape {
            extent,
            beside: self.diff_has_all_room(),
        }
    }

    /// Whether the diff stands side by side, for which it needs the whole width: it has it while keys act on it.
    pub fn diff_has_all_room(&self) -> bool {
        self.diff.beside && self.diff_has_keys() && self.size.0 >= SIDES
    }

    fn diff_has_keys(&self) -> bool {
        let mut screens = self.screens.iter().rev();
        let focused = screens.find_map(|screen| match screen {
            Screen::Plan(screen) => Some(screen.pane == PlanPane::Diff),
            Screen::Cell(screen) => Some(screen.pane == CellPane::Diff),
            _ => None,
        });
        focused == Some(true)
    }

    /// Changes how diffs are read.
    pub(super) fn read_diff_otherwise(&mut self, action: Action) {
        let mut view = self.diff;
        match action {
            Action::DiffMore | Action::DiffLess => {
                view.extent = Chosen::Around;
                view.around = if action == Action::DiffMore {
                    (view.around + 1).min(AROUND.len() - 1)
                } else {
                    view.around.saturating_sub(1)
                };
            }
            Action::DiffExtent => {
                view.extent = match view.extent {
                    Chosen::Around => Chosen::Changed,
                    Chosen::Changed => Chosen::Whole,
                    Chosen::Whole => Chosen::Around,
                };
            }
            _ if self.size.0 < SIDES => {
                return self.say(format!(
                    "side by side needs {SIDES} columns, there are {}",
                    self.size.0
                ));
            }
            // What stands side by side already is turned off; else keys go to the diff, which has all room then.
            _ => view.beside = !self.diff_has_all_room(),
        }
        self.keeping_the_place(|model| {
            model.diff = view;
            if action == Action::DiffBeside {
                match model.screens.last_mut() {
                    Some(Screen::Plan(screen)) => screen.pane = PlanPane::Diff,
                    Some(Screen::Cell(screen)) => screen.pane = CellPane::Diff,
                    _ => {}
                }
            }
        });
        let word = match (action, view.extent) {
            (Action::DiffBeside, _) if view.beside => "side by side".to_owned(),
            (Action::DiffBeside, _) => "what goes above what comes".to_owned(),
            (_, Chosen::Changed) => "only lines that change".to_owned(),
            (_, Chosen::Whole) => "the whole file".to_owned(),
            (_, Chosen::Around) => match AROUND[view.around] {
                0 => "no lines around each change".to_owned(),
                1 => "1 line around each change".to_owned(),
                lines => format!("{lines} lines around each change"),
            },
        };
        self.say(word);
    }

    /// Does something that makes other rows of a diff, and shows the place that was shown.
    pub(super) fn keeping_the_place(&mut self, change: impl FnOnce(&mut Self)) {
        let before = self.diff_shape();
        // Past the end of what was drawn nothing was shown.
        let last = self.drawn.keys.last;
        let last = if self.diff_has_keys() && last > 0 {
            last
        } else {
            usize::MAX
        };
        let place = self.shown_diff().map(|shown| {
            let (diff, first) = shown;
            let end = diff.count(before).saturating_sub(1);
            diff.position(before, first.min(last).min(end))
        });
        change(self);
        let Some(place) = place else { return };
        let after = self.diff_shape();
        let Some(row) = self.shown_diff().map(|(diff, _)| diff.row(after, place)) else {
            return;
        };
        match self.screens.last_mut() {
            Some(Screen::Plan(screen)) => screen.diff_scroll = row,
            Some(Screen::Cell(screen)) => screen.diff_scroll = row,
            _ => {}
        }
    }

    /// The diff on the visible screen, and its first row.
    fn shown_diff(&self) -> Option<(&Diff, usize)> {
        match self.screens.last()? {
            Screen::Plan(screen) => match &screen.state {
                PlanState::Ready(view) => Some((&view.diff, screen.diff_scroll)),
                PlanState::Building | PlanState::Failed(_) => None,
            },
            Screen::Cell(screen) => {
                let (_, read) = screen.diff.as_ref()?;
                Some((read.as_ref().ok()?, screen.diff_scroll))
            }
            _ => None,
        }
    }
}

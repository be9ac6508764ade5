//! The screens, a file each: its state and what actions do on it.
//!
//! Adding one adds its file, its variant of [`Screen`], its line in [`Screen::about`], its mode in the table of actions and
//! what `ui` draws of it.

use super::{command::Command, model::Model};
use crate::{
    actions::{Action, Mode, Motion},
    domain::{
        history::HistoryEntry,
        ids::{CellKey, ObjectId},
    },
};

pub mod activity;
pub mod agent;
pub mod cell;
pub mod confirm;
pub mod delivery;
pub mod drift;
pub mod help;
pub mod layouts;
pub mod log;
pub mod matrix;
pub mod object;
pub mod order;
pub mod plan;
pub mod revert;
mod superseding;
pub mod trace;

pub use activity::ActivityScreen;
pub use agent::{AgentScreen, Offer};
pub use cell::{CellPane, CellScreen};
pub use confirm::ConfirmScreen;
pub use delivery::DeliveryScreen;
pub use drift::DriftScreen;
pub use help::HelpScreen;
pub use layouts::LayoutsScreen;
pub use log::{LogScreen, LogState};
pub use object::ObjectScreen;
pub use order::OrderScreen;
pub use plan::{PlanPane, PlanScreen, PlanState, Refusal, Scope};
pub use revert::RevertScreen;
pub use trace::TraceScreen;

/// A screen above the matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Screen {
    /// One cell.
    Cell(CellScreen),
    /// What is staged, as a plan.
    Plan(PlanScreen),
    /// The last question; always above its plan.
    Confirm(ConfirmScreen),
    /// Versions to go back to.
    Revert(RevertScreen),
    /// Where a version has been.
    Trace(TraceScreen),
    /// A delivery.
    Delivery(DeliveryScreen),
    /// What drifts.
    Drift(DriftScreen),
    /// The log of a pod.
    Log(LogScreen),
    /// An object of a cluster.
    Object(ObjectScreen),
    /// What can be done by hand to a cell.
    Agent(AgentScreen),
    /// The last question before it is done.
    Order(Box<OrderScreen>),
    /// How the repository is read.
    Layouts(LayoutsScreen),
    /// The log.
    Activity(ActivityScreen),
    /// The keys.
    Help(HelpScreen),
}

/// What an action does on a screen. `held`: the key was held down, not pressed anew. `false`: it means nothing of its own
/// there, so that it does what it does everywhere.
pub(in crate::app) type Act = fn(&mut Model, Action, held: bool, &mut Vec<Command>) -> bool;

/// What there is to know of a screen without knowing which.
pub(in crate::app) struct About {
    /// What the keyboard means there.
    pub(in crate::app) mode: Mode,
    /// What actions do.
    pub(in crate::app) act: Act,
    /// The cell that actions on a cell mean; `None`: the one under the cursor of the matrix.
    pub(in crate::app) cell: Option<CellKey>,
    /// The value of the cell's history that is selected on it.
    pub(in crate::app) value: fn(&Model) -> Option<&HistoryEntry>,
}

impl Screen {
    /// The one table of the screens.
    pub(in crate::app) fn about(&self) -> About {
        let plain = |mode, act| About {
            mode,
            act,
            cell: None,
            value: |_| None,
        };
        match self {
            Self::Cell(screen) => About {
                mode: Mode::Cell,
                act: cell::act,
                cell: Some(screen.cell.clone()),
                value: cell::value,
            },
            Self::Plan(_) => plain(Mode::Plan, plan::act),
            Self::Confirm(screen) => plain(screen.mode(), confirm::act),
            Self::Revert(screen) => About {
                mode: Mode::Revert,
                act: revert::act,
                cell: Some(screen.cell.clone()),
                value: revert::value,
            },
            Self::Trace(screen) => About {
                mode: Mode::Trace,
                act: trace::act,
                cell: Some(screen.selected_cell()),
                value: trace::value,
            },
            Self::Delivery(_) => plain(Mode::Delivery, delivery::act),
            Self::Drift(screen) => About {
                mode: Mode::Drift,
                act: drift::act,
                cell: screen.selected_cell(),
                value: |_| None,
            },
            Self::Log(screen) => About {
                cell: Some(screen.cell.clone()),
                ..plain(Mode::Log, log::act)
            },
            Self::Object(screen) => About {
                cell: Some(screen.cell.clone()),
                ..plain(Mode::Object, object::act)
            },
            Self::Agent(screen) => About {
                cell: Some(screen.cell.clone()),
                ..plain(Mode::Agent, agent::act)
            },
            Self::Order(screen) => About {
                cell: Some(screen.told.cell.clone()),
                ..plain(screen.mode(), order::act)
            },
            Self::Layouts(_) => plain(Mode::Layouts, layouts::act),
            Self::Activity(_) => plain(Mode::Activity, activity::act),
            Self::Help(_) => plain(Mode::Help, help::act),
        }
    }

    /// What the keyboard means there.
    pub fn mode(&self) -> Mode {
        self.about().mode
    }

    /// Drawn as a box above the screen below it.
    pub fn is_box(&self) -> bool {
        matches!(
            self,
            Self::Confirm(_) | Self::Revert(_) | Self::Agent(_) | Self::Order(_)
        )
    }
}

impl Model {
    /// Puts a screen on top; a screen of the same kind there already is replaced.
    pub(in crate::app) fn open(&mut self, screen: Screen) {
        if self
            .screens
            .last()
            .is_some_and(|top| top.mode() == screen.mode())
        {
            self.screens.pop();
        }
        self.screens.push(screen);
    }

    /// Takes the visible screen away.
    pub(in crate::app) fn close(&mut self, out: &mut Vec<Command>) {
        if let Some(Screen::Cell(_)) = self.screens.pop() {
            self.watch_notes(out);
        }
        // What the screen below still waited for may have been superseded.
        self.refresh_cell(out);
    }

    /// The value selected on the visible screen.
    pub(in crate::app) fn selected_value(&self) -> Option<&HistoryEntry> {
        (self.screens.last()?.about().value)(self)
    }

    /// The commit that landed it.
    pub(in crate::app) fn selected_commit(&self) -> Option<ObjectId> {
        Some(self.selected_value()?.change.landed.commit)
    }

    /// Opens the page of the selected commit, or of the environment where there is none.
    pub(in crate::app) fn browse_commit(&mut self, out: &mut Vec<Command>) {
        let web = self.git.base.as_ref().and_then(|base| base.web.clone());
        match (web, self.selected_commit()) {
            (Some(web), Some(commit)) => {
                out.push(Command::OpenUrl(format!("{web}/commit/{commit}")));
            }
            (None, _) => self.say("the remote has no web address that is known"),
            (_, None) => self.browse_environment(out),
        }
    }

    /// Opens the address of the selected cell's environment.
    pub(in crate::app) fn browse_environment(&mut self, out: &mut Vec<Command>) {
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
}

/// An index into a list of `count`, moved; stays inside.
pub(in crate::app) fn moved(index: usize, motion: Motion, count: usize, page: usize) -> usize {
    let half = (page / 2).max(1);
    let wanted = match motion {
        Motion::Up | Motion::WheelUp => index.saturating_sub(1),
        Motion::Down | Motion::WheelDown => index + 1,
        Motion::HalfUp => index.saturating_sub(half),
        Motion::HalfDown => index + half,
        Motion::PageUp => index.saturating_sub(page),
        Motion::PageDown => index + page,
        Motion::Top => 0,
        Motion::Bottom => usize::MAX,
        Motion::To(row) => row,
        Motion::Left | Motion::Right => index,
    };
    wanted.min(count.saturating_sub(1))
}

//! Screens above the matrix, each with its own state.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use crate::{
    app::{
        event::{CellDelivery, Epoch, Failure, PlanView, Published, Stage},
        line::LineInput,
        mode::Mode,
    },
    domain::{
        ids::{CellKey, EnvironmentName, ObjectId, ServiceName},
        plan::{Accept, Override},
        topology::Deliver,
        version::Version,
    },
};

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
    /// The log.
    Activity(ActivityScreen),
    /// The keys; scrolled to this line.
    Help(usize),
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellScreen {
    /// Which.
    pub cell: CellKey,
    /// The pane that keys act on; the tab shown where there is room for one only.
    pub pane: CellPane,
    /// The selected value of the history.
    pub value: usize,
    /// How far the left side is scrolled.
    pub rollout_scroll: usize,
    /// How far the diff is scrolled.
    pub diff_scroll: usize,
    /// The diff of the selected commit, or why there is none; `None`: being read.
    pub diff: Option<(ObjectId, Result<Arc<str>, Failure>)>,
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

/// What is staged, as a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanScreen {
    /// Everything, or some cells.
    pub scope: Scope,
    /// Overrides how it is delivered.
    pub deliver: Option<Deliver>,
    /// Holds that are lifted.
    pub overrides: Vec<Override>,
    /// Cells that may come along with an edit.
    pub accepted: Vec<Accept>,
    /// What is held or cannot change is left out instead of stopping the rest.
    pub leave_out_held: bool,
    /// The plan.
    pub state: PlanState,
    /// What changed since the plan was confirmed, where it was evaluated again.
    pub moved: Vec<String>,
    /// The server's words, where it refused; `true`: because the branch is protected.
    pub refused: Option<(Vec<String>, bool)>,
    /// The pane that keys act on.
    pub pane: PlanPane,
    /// The selected change.
    pub change: usize,
    /// How far the diff is scrolled.
    pub diff_scroll: usize,
}

/// Which staged requests a plan is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// Those of these cells.
    Only(Vec<CellKey>),
}

/// The plan of a plan screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanState {
    /// Being made.
    Building,
    /// Made.
    Ready(Arc<PlanView>),
    /// Not possible.
    Failed(Failure),
}

/// Panes of the plan screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlanPane {
    /// Changes and skipped ones.
    #[default]
    Changes,
    /// The exact bytes.
    Diff,
}

/// The last question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmScreen {
    /// What is confirmed.
    pub plan: Arc<PlanView>,
    /// When it was opened: keys that come too soon after are dropped.
    pub opened: Timestamp,
    /// Protected environments whose names must be typed, in order.
    pub names: Vec<EnvironmentName>,
    /// How many of them are.
    pub typed: usize,
    /// The one being typed.
    pub input: LineInput,
    /// What was typed was another name.
    pub wrong: bool,
}

/// Versions to go back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevertScreen {
    /// Of which cell.
    pub cell: CellKey,
    /// The selected value; `None`: the last good one, as soon as it is known.
    pub selected: Option<usize>,
}

/// Where a version has been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceScreen {
    /// The row.
    pub service: ServiceName,
    /// The version.
    pub version: Version,
    /// The selected stay: its environment and the commit that landed it. Told by these, not by a number, because the
    /// history may still be coming in; `None`: the newest stay there, or that there is none.
    pub selected: (EnvironmentName, Option<ObjectId>),
}

/// A delivery is looked at; its state is in the model, because it goes on unseen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryScreen {
    /// The selected cell.
    pub cell: usize,
}

/// The log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActivityScreen {
    /// The selected entry, counted from the newest.
    pub selected: usize,
}

/// A delivery under way or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRun {
    /// Whose answers belong to it.
    pub epoch: Epoch,
    /// What is delivered.
    pub plan: Arc<PlanView>,
    /// When it was confirmed.
    pub started: Timestamp,
    /// Stages that began, in order.
    pub stages: Vec<StageRun>,
    /// Where it went.
    pub published: Option<Published>,
    /// Cells on their way.
    pub cells: BTreeMap<CellKey, CellDelivery>,
    /// How it ended, and when.
    pub ended: Option<(Timestamp, Result<String, Failure>)>,
}

/// A stage that began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageRun {
    /// Which.
    pub stage: Stage,
    /// When.
    pub began: Timestamp,
    /// When it ended well, and what it gave.
    pub done: Option<(Timestamp, String)>,
}

impl Screen {
    /// What the keyboard means there.
    pub fn mode(&self) -> Mode {
        match self {
            Self::Cell(_) => Mode::Cell,
            Self::Plan(_) => Mode::Plan,
            Self::Confirm(screen) if screen.names.is_empty() => Mode::Confirm,
            Self::Confirm(_) => Mode::ConfirmName,
            Self::Revert(_) => Mode::Revert,
            Self::Trace(_) => Mode::Trace,
            Self::Delivery(_) => Mode::Delivery,
            Self::Activity(_) => Mode::Activity,
            Self::Help(_) => Mode::Help,
        }
    }
}

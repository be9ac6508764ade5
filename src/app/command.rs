//! What the state machine asks for: plain data that a test can compare.

use std::sync::Arc;

use super::{
    event::{ByHand, Epoch},
    filters::Filters,
    forge::OneRequest,
    layouts::Edited,
};
use crate::actions::OwnRun;
use crate::domain::{
    agent::AgentState,
    by_hand::Deed,
    delivery::{Delivery, DeliveryId},
    desired::Refs,
    ids::{CellKey, EnvironmentName, ObjectId},
    plan::{ChangeRequest, Plan, PlanRequest},
    rollout::{LogRequest, Look, ObjectAt},
    source_code::VersionStep,
    timeline::LogEntry,
};

/// Something to do outside the state machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Ask the remote for its branch; answered by `Fetched` (and `Ran`).
    Fetch {
        /// Which request this is; the answer carries it.
        epoch: Epoch,
    },
    /// Read the matrix of the base as it is known locally, and watch the clusters of its cells; answered by `Desired`.
    ReadDesired {
        /// Which request this is; the answer carries it.
        epoch: Epoch,
    },
    /// Walk the history of all cells; answered by several `History`.
    LoadHistory {
        /// Which request this is; the answer carries it.
        epoch: Epoch,
        /// Where the walk begins.
        refs: Refs,
    },
    /// Send the cluster events of this cell as they come; `None`: of no cell any more.
    WatchNotes {
        /// The cell that is looked at.
        cell: Option<CellKey>,
    },
    /// Show what a commit changed in a cell's files, and who signed it; answered by `CommitDiff` and `Signatures`.
    LoadDiff {
        /// Which request this is; the answer carries it.
        epoch: Epoch,
        /// The cell whose files the diff is limited to.
        cell: CellKey,
        /// The commit that is compared with its first parent.
        commit: ObjectId,
        /// Who wrote it, where that is another commit: its signature is looked at, as that of `commit` is.
        authored: ObjectId,
    },
    /// Find out what stands behind a step in the source code; answered by `Behind`.
    LookBehind {
        /// What is forgotten meanwhile has another; the answer carries it.
        epoch: Epoch,
        /// The step.
        step: VersionStep,
    },
    /// Freeze requests into a plan on the current base; answered by `Planned`.
    BuildPlan {
        /// Which request this is; the answer carries it.
        epoch: Epoch,
        /// What is asked for.
        request: PlanRequest,
    },
    /// Freeze the request of a plan that waits, as it would be now; answered by `Planned`.
    JudgeWaiting {
        /// Which look this is; the answer carries it.
        epoch: Epoch,
        /// What was confirmed.
        request: PlanRequest,
    },
    /// Stop asking what the plan in the making asks outside.
    StopPlan,
    /// Write a confirmed plan and follow it; answered by several `Delivery`.
    Publish {
        /// Which delivery it is; the answers carry it.
        delivery: Arc<Delivery>,
        /// The plan, as confirmed.
        plan: Arc<Plan>,
    },
    /// Push nothing more of what is under way: writing is locked.
    Lock,
    /// Writing is unlocked: what was confirmed before may be merged.
    Unlock,
    /// Close the pull requests of a delivery that waits for their merge; answered by its `Delivery`.
    DropDelivery(DeliveryId),
    /// Do this to a pull request on its forge; answered by `DoneOnForge`.
    OnForge(OneRequest),
    /// Go on with deliveries that an earlier session left behind; answered by several `Delivery` of each.
    TakeUp,
    /// Keep these staged requests for the next start.
    SaveStaged(Vec<ChangeRequest>),
    /// Put text on the clipboard; answered by `Notice` that says what was copied and which way it went.
    Copy {
        /// What it is, in words.
        what: String,
        /// The text.
        text: String,
    },
    /// Keep the lines that were run in the palette for the next start.
    KeepRecent(Vec<String>),
    /// Keep these named filters for the next start.
    KeepFilters(Filters),
    /// Open a web address.
    OpenUrl(String),
    /// Give the terminal to the cluster's interactive login; answered by `Live` and `Notice`.
    Login {
        /// The environment whose cluster is logged in to.
        environment: EnvironmentName,
    },
    /// Find out what is to be known before something is done by hand; answered by `Weighed`.
    Weigh {
        /// Which request this is; the answer carries it.
        epoch: Epoch,
        /// What is to be done.
        deed: Deed,
        /// What brings the cell.
        agent: Option<AgentState>,
    },
    /// Do something by hand to a cell and follow what comes of it; answered by `Told`, and where that was taken by `ToldDone`.
    Tell {
        /// Which request this is; the first answer carries it.
        epoch: Epoch,
        /// What is told to whom.
        told: ByHand,
    },
    /// Follow the log of a pod in place of any other; answered by several `Log`.
    FollowLog {
        /// Which request this is; the answers carry it.
        epoch: Epoch,
        /// Which log, and how much of it.
        request: LogRequest,
    },
    /// Follow no log any more.
    StopLog,
    /// Read an object; answered by `ObjectShown`.
    ShowObject {
        /// Which request this is; the answer carries it.
        epoch: Epoch,
        /// The object.
        at: ObjectAt,
        /// How it is looked at.
        look: Look,
    },
    /// Run a command of the user's own; answered by `OwnRan`.
    RunOwn {
        /// Which request this is; the answer carries it.
        epoch: Epoch,
        /// With the cell's values in it.
        run: OwnRun,
    },
    /// Say how the repository is read and what is left unread; answered by `LayoutsTold`.
    ShowLayouts {
        /// Which request this is; the answer carries it.
        epoch: Epoch,
    },
    /// Look whether more evidence makes another guess; answered by `GuessOffered`.
    RefineGuess {
        /// Which request this is; the answer carries it.
        epoch: Epoch,
    },
    /// Take the better guess that says this otherwise, as it was shown, and no other; answered by `ConfigReloaded`.
    TakeGuess(String),
    /// Write this as the repository's own file; answered by `ConfigReloaded`.
    SaveLayouts(String),
    /// Open this in an editor; answered by `ConfigReloaded`, or by `Notice` where nothing came of it.
    EditLayouts(Edited),
    /// Allow what [`TrustAsked`](super::event::Event::TrustAsked) asked for in these lines, if that is what is asked still;
    /// answered by `ConfigReloaded`.
    Trust(Vec<String>),
    /// Read the configuration again; answered by `ConfigReloaded` or `TrustAsked`.
    Reload,
    /// Say where the log is; answered by `Notice`.
    ShowLog,
    /// Try lost clusters now instead of at their next try.
    Reconnect,
    /// Append a line to the activity log.
    WriteActivity(LogEntry),
    /// Send this to the terminal beside the screen: it rings.
    Ring(String),
    /// Put the process into the background, as `^Z` does.
    Suspend,
    /// Leave.
    Quit,
}

impl Command {
    /// Copies a line for a shell; what was copied is said by the line itself.
    pub fn copy_command(line: String) -> Self {
        Self::Copy {
            what: line.clone(),
            text: line,
        }
    }
}

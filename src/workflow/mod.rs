//! Plan, deliver, follow: the flows that the commands and the screen share.
//!
//! A request becomes a [`Prepared`] plan (nothing is written), a confirmed plan is [`deliver`]ed (fetched again, judged
//! again, committed, pushed), and what was delivered is followed cell by cell ([`crate::domain::delivery`]).

mod at;
mod deliver;
mod facts;
mod follow;
mod head;
mod notes;
mod others;
mod pasts;
mod prepare;
mod project;
mod reading;
mod recognise;
mod revert;
mod trust;

use std::path::PathBuf;

use crate::domain::desired::Tip;
use crate::{
    config::Config,
    domain::{
        diff::FileDiff,
        plan::{Accept, ChangeRequest, Override, Plan, Skip},
        topology::Deliver,
    },
    sources::{
        cluster,
        git::{GitError, Repo},
    },
};

pub use at::At;
pub use deliver::{
    DeliverFailure, DeliverStep, Delivered, DeliveredPart, Elsewhere, arrive, deliver,
    longest_timeout,
};
pub use facts::{Asked, ask_clusters};
pub use follow::{Followed, follow};
pub use head::PATIENCE as HEAD_PATIENCE;
pub use others::{Fetches, OtherRepository};
pub use prepare::prepare;
pub use project::{OpenError, OpenOptions};
pub use reading::Reading;
pub use recognise::{layouts_said, recognise, tell_order};
pub use revert::{NoRevert, RevertTarget, cell_history, revert_target};
pub use trust::{Outside, OutsidePlace, Untrusted};

/// One repository, opened with its configuration.
#[derive(Clone, Debug)]
pub struct Session {
    /// The repository.
    pub repo: Repo,
    /// Its configuration, joined with the user's.
    pub config: Config,
    /// The `[[repositories]]` beside it.
    pub others: Vec<OtherRepository>,
    /// Reads another moment instead of the tips; nothing is published then.
    pub at: Option<At>,
    /// Kubeconfig files to use; empty: the user's.
    pub kubeconfig: Vec<PathBuf>,
    /// What it was opened with, to open it again when the configuration changes.
    pub opened: OpenOptions,
}

impl Session {
    /// The main repository's branch as last fetched.
    pub fn base(&self) -> Result<Tip, GitError> {
        self.repo.base(self.config.branch.as_deref())
    }
}

/// What the operator asks for, and how it is to leave the clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanRequest {
    /// The changes, in order.
    pub changes: Vec<ChangeRequest>,
    /// In place of what the environments say.
    pub deliver: Option<Deliver>,
    /// Holds that are lifted, with their reasons.
    pub overrides: Vec<Override>,
    /// Cells that may come along with an edit though they were not asked for.
    pub accepted: Vec<Accept>,
    /// What was named and is held, or cannot change, is left out; else nothing is written.
    pub leave_out_held: bool,
    /// Cells that were asked for and of which it is known already that they cannot change.
    pub refused: Vec<Skip>,
}

/// A frozen plan with everything that is shown before it is confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// What was asked for.
    pub request: PlanRequest,
    /// What the plan's first write is relative to.
    pub base: Tip,
    /// What each write is relative to, in the plan's order.
    pub bases: Vec<Tip>,
    /// The plan.
    pub plan: Plan,
    /// One per edited file, in the plan's order.
    pub diffs: Vec<FileDiff>,
    /// The message of each commit or tag, in the plan's order.
    pub messages: Vec<String>,
    /// How it leaves the clone.
    pub deliver: Deliver,
    /// What will be done, as it would be typed.
    pub commands: Vec<String>,
    /// What else is to be known before confirming, a sentence each.
    pub notes: Vec<String>,
}

/// How clusters are reached.
fn cluster_options(session: &Session) -> cluster::Options {
    cluster::Options {
        kubeconfig: session.kubeconfig.clone(),
        ..cluster::Options::default()
    }
}

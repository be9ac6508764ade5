//! Plan, deliver, follow: the flows that the commands and the screen share.
//!
//! A request becomes a [`Prepared`] plan (nothing is written), a confirmed plan is [`deliver`]ed (fetched again, judged
//! again, committed, pushed), and what was delivered is followed cell by cell ([`crate::domain::delivery`]).

mod deliver;
mod facts;
mod follow;
mod prepare;
mod project;
mod revert;

use std::path::PathBuf;

use crate::{
    config::Config,
    domain::{
        desired::Desired,
        diff::FileDiff,
        ids::ObjectId,
        plan::{ChangeRequest, Override, Plan},
        topology::Deliver,
    },
    sources::{
        cluster,
        git::{Base, GitError, Repo},
    },
};

pub use deliver::{DeliverFailure, DeliverStep, Delivered, deliver};
pub use facts::{Asked, ask_clusters};
pub use follow::{Followed, follow};
pub use prepare::prepare;
pub use project::{OpenError, OpenOptions, recognise};
pub use revert::{History, RevertTarget, cell_history, revert_target};

/// One repository, opened with its configuration.
#[derive(Clone, Debug)]
pub struct Session {
    /// The repository.
    pub repo: Repo,
    /// Its configuration, joined with the user's.
    pub config: Config,
    /// Reads this commit instead of the branch's tip; nothing is published then.
    pub at: Option<ObjectId>,
    /// Kubeconfig files to use; empty: the user's.
    pub kubeconfig: Vec<PathBuf>,
    /// What it was opened with, to open it again when the configuration changes.
    pub opened: OpenOptions,
}

impl Session {
    /// The branch as last fetched, or the commit asked for with `--at`.
    pub fn base(&self) -> Result<Base, GitError> {
        let base = self.repo.base(self.config.branch.as_deref())?;
        Ok(match self.at {
            Some(commit) => Base { commit, ..base },
            None => base,
        })
    }

    /// The matrix that `commit` declares. Blocking.
    pub fn desired(&self, commit: ObjectId) -> Result<Desired, GitError> {
        let names: Vec<_> = self
            .config
            .topology
            .environments
            .iter()
            .map(|e| e.name.clone())
            .collect();
        self.repo.desired(commit, &self.config.layouts, &names)
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
}

/// A frozen plan with everything that is shown before it is confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// What was asked for.
    pub request: PlanRequest,
    /// What the plan is relative to.
    pub base: Base,
    /// The plan.
    pub plan: Plan,
    /// One per edited file, in the plan's order.
    pub diffs: Vec<FileDiff>,
    /// The commit's message; empty when nothing changes.
    pub message: String,
    /// How it leaves the clone.
    pub deliver: Deliver,
    /// What will be done, as it would be typed.
    pub commands: Vec<String>,
}

/// How clusters are reached.
fn cluster_options(session: &Session) -> cluster::Options {
    cluster::Options {
        kubeconfig: session.kubeconfig.clone(),
        ..cluster::Options::default()
    }
}

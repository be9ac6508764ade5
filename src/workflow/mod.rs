//! Plan, deliver, follow: the flows that the commands and the screen share.
//!
//! A request becomes a [`Plan`](crate::domain::plan::Plan) (nothing is written). A confirmed plan becomes a
//! [`Delivery`](crate::domain::delivery::Delivery), which [`Underway`] drives: fetched again, judged again, committed, pushed,
//! and followed cell by cell; what a process left behind is taken up by the next.

mod ahead;
mod answers;
mod apply;
mod at;
mod by_hand;
mod check;
mod checks;
mod decided;
mod deliver;
mod drift;
mod earlier;
mod facts;
mod forges;
mod gaps;
mod head;
mod look;
mod lookalikes;
mod notes;
mod notify;
mod others;
mod owners;
mod past;
mod prepare;
mod project;
mod proposed;
mod pull_requests;
mod reading;
mod recognise;
mod registry;
mod revert;
mod seen;
mod signed;
mod source_code;
mod team_file;
mod trust;
mod veto;
mod why;

use std::path::PathBuf;

use crate::{
    config::{Config, SourceFile},
    domain::{desired::Tip, failure::Failure},
    sources::{cluster, git::Repo},
};

pub use ahead::{Ahead, tell_ahead};
pub use answers::{AskRunning, Asks};
pub use apply::{Applied, apply};
pub use at::At;
pub use by_hand::{Workload, weigh};
pub use check::{Checked, Ends, check, commit_of};
pub use checks::Lately;
pub use decided::Decided;
pub use deliver::{
    Clusters, Drops, HandedOver, LeftBehind, Lender, Loan, Locks, OwnClusters, Permit, Rest,
    Standing, Told, Underway, forget_later_waves, left_behind, longest_timeout, rehearse,
};
pub use drift::{Judged, Whose, skews};
pub use earlier::{Configurations, UnknownBefore};
pub use facts::{Asked, ask_clusters};
pub use head::PATIENCE as HEAD_PATIENCE;
pub use look::{Seen, look_at};
pub use notify::{Notifier, PATIENCE as NOTIFY_PATIENCE};
pub use others::{Fetches, OtherRepository};
pub use prepare::prepare;
pub use project::{OpenError, OpenOptions};
pub use proposed::{Proposed, proposed};
pub use pull_requests::{Seen as SeenRequest, pull_request};
pub use reading::Reading;
pub use recognise::{Refined, closest, layouts_said, nothing_said, recognise, refined, tell_order};
pub use registry::Retag;
pub use revert::{NoRevert, RevertTarget, cell_history, revert_target};
pub use seen::{Looking, SeenHealth};
pub use signed::signatures;
pub use team_file::{loads, team_file, write_new};
pub use trust::{Once, Outside, OutsidePlace, Untrusted};
pub use why::why;

/// One repository, opened with its configuration.
#[derive(Clone, Debug)]
pub struct Project {
    /// The repository.
    pub repo: Repo,
    /// Its configuration, joined with the user's.
    pub config: Config,
    /// What its team's file is known by where that was read from the branch's tip; `None`: from a file.
    pub team_at_tip: Option<String>,
    /// What the operator edited and has not saved, where the configuration was read from that.
    pub draft: Option<SourceFile>,
    /// The `[[repositories]]` beside it.
    pub others: Vec<OtherRepository>,
    /// Reads another moment instead of the tips; nothing is published then.
    pub at: Option<At>,
    /// Kubeconfig files to use; empty: the user's.
    pub kubeconfig: Vec<PathBuf>,
    /// What it was opened with, to open it again when the configuration changes.
    pub opened: OpenOptions,
    /// What was decided of places, for where everything was then.
    pub decided: Decided,
    /// What the configurations of earlier commits were found to say.
    pub earlier: Configurations,
    /// What checks were answered lately.
    pub lately: Lately,
    /// What was seen of cells that run.
    pub seen: SeenHealth,
}

impl Project {
    /// The main repository's branch as last fetched.
    pub fn base(&self) -> Result<Tip, Failure> {
        self.repo.base(self.config.branch.as_deref())
    }
}

/// How clusters are reached.
pub fn cluster_options(project: &Project) -> cluster::Options {
    cluster::Options {
        kubeconfig: project.kubeconfig.clone(),
        argocd: project.config.user.argocd.clone(),
        ..cluster::Options::default()
    }
}

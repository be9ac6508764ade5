//! One answer of every cluster, for commands.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use super::{Options, watch};
use crate::domain::{
    ids::EnvironmentName,
    problem::Problem,
    rollout::{ClusterEvent, ClusterTarget, ClusterView, Connection},
};

/// What every cluster answered within a time.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// A view per environment with a cluster; those that did not answer are there too, and say so.
    pub views: BTreeMap<EnvironmentName, ClusterView>,
    /// One row for each cluster that did not answer, or not fully.
    pub problems: Vec<Problem>,
}

/// Failures after which an environment is not waited for: the second tells that it was no accident.
const TRIES: u32 = 2;

/// Waits for the first answer of every cluster, `timeout` at most, and not for those that fail twice.
pub async fn snapshot(targets: &[ClusterTarget], timeout: Duration, options: Options) -> Snapshot {
    let deadline = Instant::now() + timeout;
    let mut views: BTreeMap<_, _> = targets
        .iter()
        .map(|target| (target.environment.clone(), ClusterView::new()))
        .collect();
    let mut open: BTreeSet<_> = views.keys().cloned().collect();
    let mut failures: BTreeMap<EnvironmentName, u32> = BTreeMap::new();
    let (events, mut heard) = mpsc::channel(256);
    let watching = watch(targets.to_vec(), events, options);
    while !open.is_empty()
        && let Ok(Some((environment, event))) = timeout_at(deadline, heard.recv()).await
    {
        match event {
            ClusterEvent::Connected => {
                open.remove(&environment);
            }
            ClusterEvent::Lost { .. } => {
                let failures = failures.entry(environment.clone()).or_default();
                *failures += 1;
                if *failures >= TRIES {
                    open.remove(&environment);
                }
            }
            _ => {}
        }
        if let Some(view) = views.get_mut(&environment) {
            view.apply(event, Timestamp::now());
        }
    }
    drop(watching);
    let problems = targets
        .iter()
        .filter_map(|target| problem(target, views.get(&target.environment)?, timeout))
        .collect();
    Snapshot { views, problems }
}

fn problem(target: &ClusterTarget, view: &ClusterView, timeout: Duration) -> Option<Problem> {
    let environment = &target.environment;
    let message = match view.connection() {
        Connection::Live | Connection::Unconfigured => return None,
        Connection::Connecting => format!(
            "the cluster of {environment} did not answer within {} s",
            timeout.as_secs_f32()
        ),
        Connection::Denied { what } => {
            format!("the cluster of {environment} hides something: {what}")
        }
        Connection::Lost { reason, .. } => {
            format!("the cluster of {environment} did not answer: {reason}")
        }
    };
    Some(Problem::cluster(target.context.clone(), message))
}

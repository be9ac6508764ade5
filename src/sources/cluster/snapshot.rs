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
    problem::Problem,
    rollout::{ClusterEvent, ClusterTarget, ClusterViews, Connection, Held},
};

/// What every cluster answered within a time.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// What is known; clusters that did not answer are there too, and say so.
    pub views: ClusterViews,
    /// One row for each environment whose cluster did not answer, or not fully.
    pub problems: Vec<Problem>,
}

/// Failures after which a cluster is not waited for: the second tells that it was no accident.
const TRIES: u32 = 2;

/// How long is waited for why something waits, where the rest is known.
const LONGEST: Duration = Duration::from_secs(2);

/// Waits for the first answer of every cluster, `timeout` at most, and not for those that fail twice.
pub async fn snapshot(targets: &[ClusterTarget], timeout: Duration, options: Options) -> Snapshot {
    let deadline = Instant::now() + timeout;
    let mut views = ClusterViews::default();
    views.retarget(targets);
    let mut failures: BTreeMap<String, u32> = BTreeMap::new();
    let (events, mut heard) = mpsc::channel(256);
    let watching = watch(targets, events, options);
    let is_open = |views: &ClusterViews, failures: &BTreeMap<String, u32>| {
        let mut all = targets.iter().flat_map(ClusterTarget::wanted);
        all.any(|(context, wanted)| {
            let connection = views.view(context).map(|view| view.connection(wanted));
            let is_known = matches!(
                connection,
                Some(Connection::Live | Connection::Denied { .. })
            );
            // Agents are waited for like the rest; that they do not answer is no problem of the column.
            let agents = views.view(context);
            let agents = agents.is_some_and(|view| view.knows_beside(wanted));
            !(is_known && agents) && failures.get(context).is_none_or(|count| *count < TRIES)
        })
    };
    while is_open(&views, &failures)
        && let Ok(Some((context, event))) = timeout_at(deadline, heard.recv()).await
    {
        if matches!(event, ClusterEvent::Lost { .. }) {
            *failures.entry(context.clone()).or_default() += 1;
        }
        views.apply(&context, event, Timestamp::now());
    }
    // Of what runs well nothing more is asked.
    let mut wanted: BTreeMap<String, BTreeSet<Held>> = BTreeMap::new();
    let now = Timestamp::now();
    for cell in targets.iter().flat_map(ClusterTarget::cells) {
        let live = views.live(cell, now);
        for (context, held) in views.held(cell, &live) {
            wanted.entry(context).or_default().insert(held);
        }
    }
    watching.hold(&wanted);
    let is_told = |views: &ClusterViews| {
        let mut all = wanted.iter();
        all.all(|(context, held)| {
            let view = views.view(context);
            view.is_some_and(|view| held.iter().all(|held| view.holds(held)))
        })
    };
    let deadline = deadline.min(Instant::now() + LONGEST);
    while !is_told(&views)
        && let Ok(Some((context, event))) = timeout_at(deadline, heard.recv()).await
    {
        views.apply(&context, event, Timestamp::now());
    }
    drop(watching);
    let problems = targets.iter();
    let problems = problems.filter_map(|target| problem(target, &views, timeout));
    let mut problems: Vec<Problem> = problems.collect();
    let elsewhere: BTreeSet<&str> = targets.iter().flat_map(ClusterTarget::elsewhere).collect();
    // One that is an environment's own is told by that.
    let alone = elsewhere
        .into_iter()
        .filter(|context| targets.iter().all(|it| it.context != *context));
    problems.extend(alone.filter_map(|context| views.silence(context, timeout)));
    Snapshot { views, problems }
}

fn problem(target: &ClusterTarget, views: &ClusterViews, timeout: Duration) -> Option<Problem> {
    let environment = &target.environment;
    let message = match views.connection(target) {
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

//! What clusters know, asked once: for the gates of a command and for `status`.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{Looking, Project};
use crate::{
    domain::{
        desired::Desired,
        ids::CellKey,
        problem::Problem,
        rollout::{Connection, Running},
    },
    sources::cluster,
};

/// So many commits are read, at most, to say how far agents have got.
const MOST_COMMITS: usize = 16;

/// The answers of the clusters that were asked.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// What they know.
    pub running: Running,
    /// Those that did not answer, or not fully, and cells that cannot be looked for.
    pub problems: Vec<Problem>,
}

/// Asks the clusters about `cells` of `desired` (all where `None`); waits for the first answer of each,
/// `timeout` at most.
pub async fn ask_clusters(
    project: &Project,
    desired: &Desired,
    cells: Option<&BTreeSet<CellKey>>,
    timeout: Duration,
    now: impl Fn() -> Timestamp,
) -> Asked {
    let (mut targets, problems) = project.targets(desired);
    if let Some(wanted) = cells {
        let all = targets.into_iter();
        let some = all.filter_map(|target| target.only(|cell| wanted.contains(cell)));
        targets = some.collect();
    }
    let snapshot = if targets.is_empty() {
        cluster::Snapshot::default()
    } else {
        cluster::snapshot(&targets, timeout, super::cluster_options(project)).await
    };
    let mut views = snapshot.views;
    let (mut running, unread) = views.running_and_unread(&targets, now());
    if !unread.is_empty() {
        let read = {
            let project = project.clone();
            // More than a few commits at which agents are is a fleet of pinned ones: the last are told without.
            let some = unread.into_iter().take(MOST_COMMITS);
            tokio::task::spawn_blocking(move || {
                some.map(|at| (project.declared_at(&at), at))
                    .collect::<Vec<_>>()
            })
        };
        for (declared, at) in read.await.unwrap_or_default() {
            views.declare(at, declared.map(Arc::new));
        }
        running = views.running(&targets, now());
    }
    let mut asked = Asked { running, problems };
    asked.problems.extend(snapshot.problems);
    let seeing = {
        let (project, running) = (project.clone(), asked.running.clone());
        let now = now();
        tokio::task::spawn_blocking(move || {
            project.see(&running, Looking::Once, now);
            project.keep_seen(now);
            project.seen.problems()
        })
    };
    let told = seeing.await.unwrap_or_default().into_iter();
    asked.problems.extend(told.map(Problem::general));
    for environment in &project.config.topology.environments {
        if environment.cluster.is_none() {
            let name = environment.name.clone();
            asked
                .running
                .connections
                .insert(name, Connection::Unconfigured);
        }
    }
    asked
}

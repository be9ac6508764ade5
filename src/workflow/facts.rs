//! What clusters know, asked once: for the gates of a command and for `status`.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;

use super::Project;
use crate::{
    domain::{
        desired::Desired,
        ids::CellKey,
        problem::Problem,
        rollout::{Connection, Running, targets},
    },
    sources::cluster,
};

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
    let (mut targets, problems) = targets(&project.config.topology, desired);
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
    let mut asked = Asked {
        running: snapshot.views.running(&targets, now()),
        problems,
    };
    asked.problems.extend(snapshot.problems);
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

//! What clusters know, asked once: for the gates of a command and for `status`.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;

use super::Project;
use crate::{
    domain::{
        desired::Desired,
        ids::CellKey,
        problem::Problem,
        rollout::{ClusterTarget, Connection, Running, targets},
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
        for target in &mut targets {
            target.cells.retain(|cell| wanted.contains(&cell.cell));
        }
        targets.retain(|target| !target.cells.is_empty());
    }
    let snapshot = if targets.is_empty() {
        cluster::Snapshot::default()
    } else {
        cluster::snapshot(&targets, timeout, super::cluster_options(project)).await
    };
    let mut asked = Asked {
        running: Running::default(),
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
    let now = now();
    for target in &targets {
        let Some(view) = snapshot.views.get(&target.environment) else {
            continue;
        };
        let name = target.environment.clone();
        asked
            .running
            .connections
            .insert(name, view.connection().clone());
        note_cells(&mut asked.running, target, view, now);
    }
    asked
}

/// Writes what `view` knows about the target's cells into `running`.
pub(super) fn note_cells(
    running: &mut Running,
    target: &ClusterTarget,
    view: &crate::domain::rollout::ClusterView,
    now: Timestamp,
) {
    for cell in &target.cells {
        running.live.insert(cell.cell.clone(), view.live(cell, now));
    }
}

//! What clusters know, asked once: for the gates of a command and for `status`.

use std::time::Duration;

use jiff::Timestamp;

use super::Session;
use crate::{
    domain::{
        desired::Desired,
        ids::EnvironmentName,
        plan::Facts,
        problem::Problem,
        rollout::{ClusterTarget, Connection, targets},
    },
    sources::cluster,
};

/// The answers of the clusters that were asked.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// What they know.
    pub facts: Facts,
    /// Those that did not answer, or not fully, and cells that cannot be looked for.
    pub problems: Vec<Problem>,
}

/// Asks the clusters of `environments` (all where `None`) about the cells of `desired`; waits for the first answer of each,
/// `timeout` at most.
pub async fn ask_clusters(
    session: &Session,
    desired: &Desired,
    environments: Option<&[EnvironmentName]>,
    timeout: Duration,
    now: impl Fn() -> Timestamp,
) -> Asked {
    let (mut targets, problems) = targets(&session.config.topology, desired);
    if let Some(wanted) = environments {
        targets.retain(|target| wanted.contains(&target.environment));
    }
    let snapshot = if targets.is_empty() {
        cluster::Snapshot::default()
    } else {
        cluster::snapshot(&targets, timeout, super::cluster_options(session)).await
    };
    let mut asked = Asked {
        facts: Facts::default(),
        problems,
    };
    asked.problems.extend(snapshot.problems);
    for environment in &session.config.topology.environments {
        if environment.cluster.is_none() {
            let name = environment.name.clone();
            asked
                .facts
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
            .facts
            .connections
            .insert(name, view.connection().clone());
        note_cells(&mut asked.facts, target, view, now);
    }
    asked
}

/// Writes what `view` knows about the target's cells into `facts`.
pub(super) fn note_cells(
    facts: &mut Facts,
    target: &ClusterTarget,
    view: &crate::domain::rollout::ClusterView,
    now: Timestamp,
) {
    for cell in &target.cells {
        facts.live.insert(cell.cell.clone(), view.live(cell, now));
    }
}

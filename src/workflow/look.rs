//! One cell as its cluster has it: what is asked for by hand about its objects begins here.

use std::time::Duration;

use jiff::Timestamp;

use super::{Project, Reading, ask_clusters};
use crate::domain::{
    failure::{Failure, FailureKind},
    ids::CellKey,
    rollout::{ClusterTarget, Health, LiveCell},
};

/// A cell, and where its objects are.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What the clusters say of it.
    pub live: LiveCell,
    /// The kubeconfig context of its cluster.
    pub context: String,
    /// Where its workload and its pods are.
    pub namespace: String,
}

/// Asks the clusters about a cell, `timeout` at most.
///
/// # Errors
/// Where it has no cluster, or that does not answer or refuses.
pub async fn look_at(
    project: &Project,
    reading: &Reading,
    cell: &CellKey,
    timeout: Duration,
    now: impl Fn() -> Timestamp,
) -> Result<Seen, Failure> {
    let refused = |why: String| Failure::new(FailureKind::Refused, why);
    let (targets, _) = project.targets(&reading.desired);
    let mut cells = targets.iter().flat_map(ClusterTarget::cells);
    let place = cells
        .find(|target| target.cell == *cell)
        .and_then(|target| target.places.first())
        .ok_or_else(|| refused(format!("{cell}: no cluster is asked about it")))?;
    // Its agent may be in another cluster: all that environments name are asked.
    let asked = ask_clusters(project, &reading.desired, None, timeout, now).await;
    let live = asked.running.cell(cell).cloned();
    let live = live.filter(|live| live.health != Health::Unknown || !live.pods.is_empty());
    let live = live.ok_or_else(|| {
        let problem = asked.problems.first().map(|it| it.message.clone());
        let why = problem.unwrap_or_else(|| "its cluster says nothing of it".to_owned());
        refused(format!("{cell}: {why}"))
    })?;
    Ok(Seen {
        live,
        context: place.context.to_string(),
        namespace: place.namespace.to_string(),
    })
}

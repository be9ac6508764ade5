//! Since when a healthy cell has been healthy: by its agent, and by what its cluster shows of its workloads and pods.
//!
//! What nobody shows to have been otherwise is not taken for granted: a source speaks only where it knows when the version
//! came, and everything that is known to have been broken since, whoever shows it, begins the time anew.

use jiff::{SignedDuration, Timestamp};

use super::{
    assess::Found,
    live::{Health, LiveCell},
    object::{ObjectKind, PodObject, WorkloadState},
    pods,
    store::Namespace,
};
use crate::domain::past_health::{Since, Source, runs};

/// A pod that is not ready so long after it was made is late: what became ready then may have been broken before.
const LATE: SignedDuration = SignedDuration::from_mins(10);

/// Says of a cell since when it is healthy; `agent`: since when its agent says so, where that has applied what the cell runs.
pub(super) fn tell(cell: &mut LiveCell, workloads: &[Found<'_>], agent: Option<Since>) {
    let is_shown = cell.health == Health::Healthy && !cell.stale && !cell.hidden && !cell.batch;
    if !is_shown || runs(cell).is_none() {
        return;
    }
    let own = workloads.iter().map(|(namespace, it)| of(namespace, it));
    let own: Vec<Known> = own.collect();
    let broken = own.iter().filter_map(|it| it.broken).max();
    let began = own.iter().map(|it| it.began);
    let began: Option<Option<Timestamp>> = began
        .collect::<Option<Vec<_>>>()
        .map(|all| all.into_iter().max());
    let kubernetes = began.flatten().map(|from| Since {
        by: Source::Kubernetes,
        from,
    });
    cell.healthy = [agent, kubernetes]
        .into_iter()
        .flatten()
        .map(|since| Since {
            from: broken.map_or(since.from, |broken| broken.max(since.from)),
            ..since
        })
        .collect();
}

/// What a cluster shows of one workload.
struct Known {
    /// When its version was there, all of it ready; `None` where that is not shown.
    began: Option<Timestamp>,
    /// When it was last known not to be as it should.
    broken: Option<Timestamp>,
}

fn of(namespace: &Namespace, workload: &WorkloadState) -> Known {
    let pods = namespace.pods_of(workload);
    let pods: Vec<&PodObject> = pods.into_iter().filter(|it| pods::active(it)).collect();
    let ready = |pod: &&&PodObject| pod.ready && !pod.terminating;
    let anew = pods
        .iter()
        .filter(ready)
        .filter_map(|pod| became_ready_anew(pod));
    let pods_ready: Option<Vec<Timestamp>> = pods
        .iter()
        .filter(ready)
        .map(|pod| pod.ready_changed)
        .collect();
    let pods_ready = pods_ready.unwrap_or_default();
    let came = match workload.kind {
        // Its set is there since its version is, and one that came back later than it was made has changed its conditions.
        ObjectKind::Deployment => {
            let sets = namespace.sets_of(workload);
            let current = sets
                .filter(|set| {
                    set.revision == workload.revision && set.containers == workload.containers
                })
                .filter_map(|set| set.created);
            let first_ready = pods_ready.iter().min().copied();
            match (workload.completed, current.max(), first_ready) {
                (Some(completed), made, _) => {
                    Some(made.map_or(completed, |made| made.max(completed)))
                }
                (None, Some(made), Some(ready)) => Some(made.max(ready)),
                _ => None,
            }
        }
        // When its version came stands nowhere but in its pods.
        _ => pods_ready.iter().max().copied(),
    };
    Known {
        began: came,
        broken: workload.unavailable.into_iter().chain(anew).max(),
    }
}

/// When a pod that was ready, or should have been for long, was ready again.
fn became_ready_anew(pod: &PodObject) -> Option<Timestamp> {
    let ready = pod.ready_changed?;
    let restarted = pod.containers.iter().any(|it| !it.init && it.restarts > 0);
    let late = pod
        .created
        .is_some_and(|created| ready.duration_since(created) > LATE);
    (restarted || late).then_some(ready)
}

//! Cells that are delivered step by step: which workloads they are made of, and which versions their progress is between.

use super::{
    assess::{Found, serving},
    health::Assessment,
    live::{Health, LiveCell},
    object::{ContainerImage, ObjectKind, WorkloadState},
    store::Namespace,
    target::CellTarget,
};
use crate::domain::{
    agent::{Progress, Stage},
    rollout::same_version,
};

/// The workloads of a cell that are found by its places, with those that serve in their place, and without those that only
/// lend their template.
pub(super) fn complete(found: Vec<Found<'_>>) -> Vec<Found<'_>> {
    let lends = |namespace: &Namespace, workload: &WorkloadState| {
        let mut rollouts = found.iter().filter(|(there, it)| {
            it.kind == ObjectKind::Rollout && std::ptr::eq(*there, namespace)
        });
        workload.desired == 0
            && rollouts.any(|(_, it)| {
                it.template_of
                    .as_ref()
                    .is_some_and(|of| of.kind == workload.kind.as_str() && of.name == workload.name)
            })
    };
    let is_primary = |namespace: &Namespace, workload: &WorkloadState| {
        found.iter().any(|(there, it)| {
            std::ptr::eq(*there, namespace)
                && it.kind == workload.kind
                && there.canary_of(it).is_some()
                && primary_of(it) == workload.name
        })
    };
    let mut all = Vec::with_capacity(found.len());
    for (namespace, workload) in &found {
        if lends(namespace, workload) || is_primary(namespace, workload) {
            continue;
        }
        all.push((*namespace, *workload));
        if namespace.canary_of(workload).is_some() {
            let primary = namespace.workload(workload.kind, &primary_of(workload));
            all.extend(primary.map(|primary| (*namespace, primary)));
        }
    }
    all
}

/// The name of the workload that Flagger makes of another, and that serves what was promoted last.
fn primary_of(workload: &WorkloadState) -> String {
    format!("{}-primary", workload.name)
}

/// The containers of a workload's pod template; a Rollout may take that from another workload.
pub(super) fn containers<'a>(
    namespace: &'a Namespace,
    workload: &'a WorkloadState,
) -> &'a [ContainerImage] {
    let lent = workload.template_of.as_ref().and_then(|of| {
        let kind = ObjectKind::parse(&of.kind)?;
        namespace.workload(kind, &of.name)
    });
    lent.map_or(&workload.containers, |it| &it.containers)
}

/// A Rollout's progress, with the versions that it is between.
pub(super) fn of_rollout(
    namespace: &Namespace,
    target: &CellTarget,
    workload: &WorkloadState,
    context: &str,
) -> Option<Progress> {
    let mut progress = (**workload.progress.as_ref()?).clone();
    progress.from = progress.hashes.0.as_ref().and_then(|hash| {
        let name = format!("{}-{hash}", workload.name);
        let mut sets = namespace.sets_of(workload);
        serving(target, &sets.find(|set| set.name == name)?.containers)
    });
    progress.to = serving(target, containers(namespace, workload));
    context.clone_into(&mut progress.cluster);
    Some(progress)
}

/// A Canary's progress, with the versions that it is between: what its primary serves, and what is to take over.
pub(super) fn of_canary(
    namespace: &Namespace,
    target: &CellTarget,
    workload: &WorkloadState,
    context: &str,
) -> Option<Progress> {
    let canary = namespace.canary_of(workload)?;
    let mut progress = canary.progress.clone();
    let primary = namespace.workload(workload.kind, &primary_of(workload));
    progress.from = primary.and_then(|it| serving(target, &it.containers));
    progress.to = serving(target, &workload.containers);
    let differs = progress.from.as_ref().zip(progress.to.as_ref());
    let differs = differs.is_some_and(|(from, to)| !same_version(from, to));
    // It looks at the workload at its own pace: until then its status is of the version before.
    if progress.stage == Stage::Done && differs {
        progress.stage = Stage::Unseen;
    }
    context.clone_into(&mut progress.cluster);
    Some(progress)
}

/// What a progress says of the workload that it is of.
pub(super) fn judge(progress: &Progress) -> Assessment {
    Assessment {
        health: progress.stage.health(),
        reason: progress.reason(),
        since: progress.since.filter(|_| progress.stage != Stage::Done),
    }
}

/// Takes a workload's progress into the cell: what is told of it, and what is served where the new version was given up.
pub(super) fn tell(cell: &mut LiveCell, progress: Progress) {
    let is_aborted = progress.stage == Stage::Aborted;
    if is_aborted && progress.from.is_some() {
        cell.serving.clone_from(&progress.from);
    }
    // Of several, the one that is furthest from rest.
    let rest = |progress: &Progress| progress.stage.health() == Health::Healthy;
    if cell.progress.as_deref().is_none_or(rest) {
        cell.progress = Some(Box::new(progress));
    }
}

//! One cell out of a namespace's objects: the worst of its parts, with the reason from its pods.

use jiff::Timestamp;

use super::{
    batch,
    health::{self, Assessment},
    image,
    live::{Few, Health, LiveCell, PodState},
    needs,
    object::{ContainerImage, ObjectKind, PodObject, ReplicaSetState, WorkloadState},
    pods::{self, Trouble},
    progressive, pulled,
    store::Namespace,
    target::{CellTarget, ObjectPlace, Which},
};
use crate::domain::{
    agent::{Progress, Stage},
    subject::{Subject, could_be},
    version::Version,
};

/// A place of a cell, and what is known of its namespace.
#[derive(Clone, Copy, Debug)]
pub(super) struct There<'a> {
    pub(super) place: &'a ObjectPlace,
    pub(super) namespace: &'a Namespace,
    /// What is known of what is in no namespace.
    pub(super) everywhere: Option<&'a Namespace>,
}

/// The live state of a cell all of whose places have been answered for.
pub(super) fn assess(there: &[There<'_>], target: &CellTarget, now: Timestamp) -> LiveCell {
    let workloads = find(there);
    if workloads.is_empty() {
        return absent(there, now);
    }
    let context = there.first().map_or("", |it| &*it.place.context);
    let mut cell = LiveCell::unknown("", now);
    let mut verdicts = Vec::new();
    cell.batch = workloads.iter().all(|(_, it)| it.kind.is_batch());
    for (namespace, workload) in &workloads {
        let name = format!("{}/{}", workload.kind, workload.name);
        // One of this name in each of several namespaces.
        let counts = cell.counts.entry(name.clone()).or_default();
        counts.ready += workload.ready;
        counts.desired += workload.desired;
        cell.workloads.push(name);
        cell.ready += workload.ready;
        cell.desired += workload.desired;
        cell.updated += workload.updated;
        let serving = serving(target, progressive::containers(namespace, workload));
        if cell.serving.is_none() {
            cell.serving = serving;
        }
        if workload.kind.is_batch() {
            verdicts.push(batch::judge(namespace, target, workload, &mut cell, now));
            continue;
        }
        let mut rollout = progressive::of_rollout(namespace, target, workload, context);
        if let Some(progress) = &mut rollout {
            needs::measured(&mut cell, progress, (*namespace, *workload));
        }
        let verdict = judge(
            namespace,
            target,
            (workload, rollout.as_ref()),
            &mut cell,
            now,
        );
        let canary = progressive::of_canary(namespace, target, workload, context);
        // While nothing new is on its way Flagger wants no pods of it: its primary serves.
        if canary.is_none() || workload.desired > 0 {
            verdicts.push(verdict);
        }
        verdicts.extend(canary.as_ref().map(progressive::judge));
        for progress in rollout.into_iter().chain(canary) {
            progressive::tell(&mut cell, progress);
        }
    }
    cell.hidden = target.subject == Subject::Unsure && !could_be_seen(target, &workloads);
    let health = verdicts.iter().fold(Health::Healthy, |worst, verdict| {
        worst.worst(verdict.health)
    });
    let worst = verdicts
        .into_iter()
        .filter(|verdict| verdict.health == health)
        .max_by_key(|verdict| verdict.reason.is_some());
    cell.health = health;
    (cell.reason, cell.since) = worst.map_or((None, None), |worst| (worst.reason, worst.since));
    cell.pods.sort_by_cached_key(|pod| {
        let (troubled, fine) = (pod.message.is_some() || pod.restarts > 0, pod.ready);
        (pod.terminating, fine, !troubled, pod.name.clone())
    });
    // Of what runs to an end its controller tells how it did.
    let lasting = workloads.iter().filter(|(_, it)| !it.kind.is_batch());
    let mut found = lasting.map(|(namespace, _)| namespace);
    if let Some(what) = found.find_map(|namespace| namespace.denied(ObjectKind::Pod)) {
        without_pods(&mut cell, what);
    }
    let everywhere = there.first().and_then(|it| it.everywhere);
    needs::tell(&mut cell, &workloads, everywhere);
    // Thousands of cells are kept, most of them with a workload and a pod or two.
    cell.pods.shrink_to_fit();
    cell.workloads.shrink_to_fit();
    cell
}

/// A workload and the namespace that it is in.
pub(super) type Found<'a> = (&'a Namespace, &'a WorkloadState);

/// Whether some container of a cell runs, or could run, what it declares.
fn could_be_seen(target: &CellTarget, workloads: &[Found<'_>]) -> bool {
    let pods = workloads
        .iter()
        .flat_map(|(namespace, workload)| namespace.pods_of(workload));
    let templates = workloads
        .iter()
        .flat_map(|(_, workload)| &workload.containers)
        .map(|c| c.image.as_str());
    let images = templates.chain(
        pods.flat_map(|pod| &pod.containers)
            .map(|c| c.image.as_str()),
    );
    target.desired.as_ref().is_none_or(|declared| {
        images
            .map(image::version)
            .any(|running| could_be(declared, &running))
    })
}

/// The workloads of a cell, in the order of its places; Flagger's primaries behind what they are of.
pub(super) fn find<'a>(there: &[There<'a>]) -> Vec<Found<'a>> {
    let mut found = Vec::new();
    for There {
        place, namespace, ..
    } in there
    {
        for kind in place.kinds {
            match &place.object {
                Which::Name(name) => {
                    let workload = namespace.workload(*kind, name);
                    found.extend(workload.map(|workload| (*namespace, workload)));
                }
                Which::Labels(selector) => {
                    let workloads = namespace.workloads(*kind).into_iter();
                    let own = workloads.filter(|workload| selector.matches(&workload.labels));
                    found.extend(own.map(|workload| (*namespace, workload)));
                }
            }
        }
    }
    progressive::complete(found)
}

/// Declared, but no workload is there: missing, unless what may not be seen could be it.
fn absent(there: &[There<'_>], now: Timestamp) -> LiveCell {
    let mut kinds = there
        .iter()
        .flat_map(|it| it.place.kinds.iter().map(|kind| (it.namespace, *kind)));
    if let Some(what) = kinds.find_map(|(namespace, kind)| namespace.denied(kind)) {
        return LiveCell::unknown(what, now);
    }
    let Some(There { place, .. }) = there.first() else {
        return LiveCell::unknown("it is not looked for", now);
    };
    let wanted = match &place.object {
        Which::Name(name) => format!("called {name}"),
        Which::Labels(selector) => format!("with labels {selector}"),
    };
    LiveCell {
        health: Health::Missing,
        ..LiveCell::unknown(
            format!("no workload {wanted} in namespace {}", place.namespace),
            now,
        )
    }
}

/// Judges one workload with its pods, and adds these to the cell; `progress`: how far it has got, where it goes by steps.
fn judge(
    namespace: &Namespace,
    target: &CellTarget,
    (workload, progress): (&WorkloadState, Option<&Progress>),
    cell: &mut LiveCell,
    now: Timestamp,
) -> Assessment {
    let (mut troubles, mut older): (Vec<Trouble>, Vec<Trouble>) = (Vec::new(), Vec::new());
    let mut total = 0;
    let current = Current::of(namespace, workload);
    for pod in namespace.pods_of(workload) {
        let trouble = pods::trouble(pod, now);
        let version = running(target, pod);
        let is_current = current.includes(pod);
        // A Rollout keeps the pods of what it has replaced for a while, and gives them nothing to do.
        let counts = is_current || progress.is_none_or(|it| it.stage != Stage::Done);
        if pods::active(pod) {
            if let Some(version) = version.as_ref().filter(|_| counts) {
                *cell.versions.entry(version.clone()).or_default() += 1;
            }
            total += usize::from(!pod.terminating);
        }
        cell.pods
            .push(state(target, pod, version, trouble.as_ref()));
        // What an older revision's pods suffer from is being replaced, and fails no rollout.
        if is_current {
            troubles.extend(trouble);
        } else {
            older.extend(trouble);
        }
    }
    let mut own = match progress {
        Some(progress) => health::by_steps(workload, progress),
        None => health::judge(workload),
    };
    if own.health == Health::Progressing && own.since.is_none() {
        own.since = current.started(namespace, workload);
    }
    let Some((class, from_pods)) = pods::sum_up(&troubles, total) else {
        // A StatefulSet waits for ever for a broken pod of the older revision.
        if workload.kind == ObjectKind::StatefulSet
            && own.health == Health::Progressing
            && let Some((_, blocking)) = pods::sum_up(&older, total)
        {
            own.reason = blocking
                .reason
                .map(|words| format!("older revision: {words}"));
            own.since = blocking.since;
        }
        return own;
    };
    if !class.degrades() && own.health == Health::Healthy {
        return own;
    }
    let reason = match (&own.reason, own.health) {
        (Some(reason), Health::Degraded | Health::Suspended) => {
            from_pods.reason.map(|pods| format!("{pods}; {reason}"))
        }
        _ => from_pods.reason,
    };
    Assessment {
        health: own.health.worst(from_pods.health),
        reason,
        since: from_pods.since.or(own.since),
    }
}

/// Which pods belong to the newest revision of a workload.
enum Current<'a> {
    /// Not known: the controller has not taken up the newest change, or its `ReplicaSet` has not arrived.
    None,
    /// Those of this `ReplicaSet`.
    Set(&'a ReplicaSetState),
    /// Those with this `controller-revision-hash`.
    Revision(&'a str),
    /// Those that run exactly these images.
    Images(&'a [ContainerImage]),
}

impl<'a> Current<'a> {
    fn of(namespace: &'a Namespace, workload: &'a WorkloadState) -> Self {
        if !health::observed(workload) {
            return Self::None;
        }
        match (workload.kind, &workload.revision) {
            (ObjectKind::Deployment, Some(revision)) => {
                let mut sets = namespace.sets_of(workload).peekable();
                if sets.peek().is_none() {
                    return Self::Images(&workload.containers);
                }
                sets.find(|set| {
                    set.revision.as_ref() == Some(revision) && set.containers == workload.containers
                })
                .map_or(Self::None, Self::Set)
            }
            (ObjectKind::Rollout, Some(hash)) => {
                let name = format!("{}-{hash}", workload.name);
                let mut sets = namespace.sets_of(workload).peekable();
                if sets.peek().is_none() {
                    return Self::Images(progressive::containers(namespace, workload));
                }
                let current = sets.find(|set| set.name == name);
                current.map_or(Self::None, Self::Set)
            }
            (ObjectKind::StatefulSet, Some(revision)) => Self::Revision(revision),
            _ => Self::Images(&workload.containers),
        }
    }

    /// When its rollout began, where that can be told: a set that came back by a revert is older.
    fn started(&self, namespace: &Namespace, workload: &WorkloadState) -> Option<Timestamp> {
        let Self::Set(set) = self else { return None };
        let newest = namespace
            .sets_of(workload)
            .filter_map(|other| other.created)
            .max();
        set.created.filter(|created| Some(*created) == newest)
    }

    fn includes(&self, pod: &PodObject) -> bool {
        match self {
            Self::None => false,
            Self::Set(set) => pod
                .owner
                .as_ref()
                .is_some_and(|owner| owner.name == set.name),
            Self::Revision(hash) => pod
                .labels
                .get("controller-revision-hash")
                .is_none_or(|label| label == *hash),
            Self::Images(containers) => containers.iter().all(|wanted| {
                pod.containers
                    .iter()
                    .any(|there| there.name == wanted.name && there.image == wanted.image)
            }),
        }
    }
}

/// The version that a pod template serves, in the words of the desired one where it means the same.
pub(super) fn serving(target: &CellTarget, containers: &[ContainerImage]) -> Option<Version> {
    let picked = image::pick(containers, &target.image_names, |container| {
        (&container.name, &container.image)
    })?;
    let version = image::version(&picked.image);
    Some(image::in_words_of(version, target.desired.as_ref()))
}

pub(super) fn running(target: &CellTarget, pod: &PodObject) -> Option<Version> {
    let containers: Vec<_> = pod.containers.iter().filter(|c| !c.init).collect();
    let picked = image::pick(&containers, &target.image_names, |container| {
        (&container.name, &container.image)
    })?;
    let version = image::version(&picked.image);
    Some(image::in_words_of(version, target.desired.as_ref()))
}

pub(super) fn state(
    target: &CellTarget,
    pod: &PodObject,
    version: Option<Version>,
    trouble: Option<&Trouble>,
) -> PodState {
    PodState {
        name: pod.name.clone(),
        version,
        pulled: pulled::of_pod(pod, &target.image_names),
        ready: pod.ready && !pod.terminating,
        reason: pods::word(pod, trouble),
        message: trouble
            .and_then(|trouble| trouble.message.clone())
            .or_else(|| pod.message.clone()),
        restarts: pod.containers.iter().map(|c| c.restarts).sum(),
        terminating: pod.terminating,
        created: pod.created,
        node: pod.node.clone(),
    }
}

/// Without its pods a workload can be seen to fail, but not to run what it should.
fn without_pods(cell: &mut LiveCell, what: &str) {
    cell.versions = Few::default();
    cell.reason = Some(match cell.reason.take() {
        Some(reason) if cell.health == Health::Degraded => format!("{reason}; {what}"),
        _ => what.to_owned(),
    });
    if cell.health != Health::Degraded {
        cell.health = Health::Unknown;
    }
}

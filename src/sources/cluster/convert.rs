//! API objects to the small structs of the domain. Pure; everything else of an object is dropped here,
//! managed fields and annotations first.

mod custom;
mod references;

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::{
    api::{
        apps::v1::{DaemonSet, Deployment, DeploymentCondition, ReplicaSet, StatefulSet},
        batch::v1::{CronJob, Job},
        core::v1::{
            Container, ContainerState as ApiState, ContainerStateTerminated, ContainerStatus, Pod,
            PodTemplateSpec,
        },
    },
    apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, Time},
};

pub(super) use custom::{canary, companion, rollout};
use references::references;

use crate::domain::{
    rollout::{
        ClusterObject, ObjectKind, PodObject, ReplicaSetState, Selector, Term, WorkloadState,
        digest_of,
        object::{Condition, ContainerImage, ContainerState, Ended, Owner, Run, Strategy},
    },
    text::sanitise,
};

/// Where Deployments and their `ReplicaSets` keep the number of their revision.
const REVISION: &str = "deployment.kubernetes.io/revision";

/// Where the revision of a `StatefulSet`'s pod stands.
const POD_REVISION: &str = "controller-revision-hash";

/// Where Argo CD writes whose object it is.
const TRACKING: &str = "argocd.argoproj.io/tracking-id";

/// Longest text that is kept of a message, in characters.
const LONGEST: usize = 400;

/// A Deployment as the domain sees it.
pub(super) fn deployment(object: Deployment) -> ClusterObject {
    let spec = object.spec;
    let status = object.status.unwrap_or_default();
    let rolling = spec.strategy.as_ref().and_then(|s| s.type_.as_deref()) != Some("Recreate");
    let conditions = status.conditions.unwrap_or_default();
    let (completed, unavailable) = (completed(&conditions), unavailable(&conditions));
    let conditions = conditions.into_iter();
    let base = workload(ObjectKind::Deployment, &object.metadata, &spec.selector);
    ClusterObject::Workload(Box::new(WorkloadState {
        completed,
        unavailable,
        observed_generation: status.observed_generation.unwrap_or_default(),
        desired: spec.replicas.map_or(1, count),
        total: status.replicas.map_or(0, count),
        updated: status.updated_replicas.map_or(0, count),
        ready: status.ready_replicas.map_or(0, count),
        available: status.available_replicas.map_or(0, count),
        paused: spec.paused.unwrap_or_default(),
        strategy: if rolling {
            Strategy::Rolling { partition: 0 }
        } else {
            Strategy::Recreate
        },
        containers: template_images(Some(&spec.template)),
        references: references(Some(&spec.template)),
        // What is told of the others stands in the numbers.
        conditions: exact(
            conditions
                .filter(|it| matches!(it.type_.as_deref(), Some("Progressing" | "ReplicaFailure")))
                .map(|condition| Condition {
                    kind: condition.type_.unwrap_or_default(),
                    holds: condition.status.as_deref() == Some("True"),
                    reason: clean(condition.reason.as_deref().unwrap_or_default()),
                    message: clean(condition.message.as_deref().unwrap_or_default()),
                    since: time(condition.last_transition_time),
                }),
        ),
        revision: revision(&object.metadata),
        ..base
    }))
}

/// A `StatefulSet` as the domain sees it.
pub(super) fn stateful_set(object: StatefulSet) -> ClusterObject {
    let spec = object.spec;
    let status = object.status.unwrap_or_default();
    let strategy = spec.update_strategy.unwrap_or_default();
    let base = workload(ObjectKind::StatefulSet, &object.metadata, &spec.selector);
    ClusterObject::Workload(Box::new(WorkloadState {
        observed_generation: status.observed_generation.unwrap_or_default(),
        desired: spec.replicas.map_or(1, count),
        total: count(status.replicas),
        // It is left out where all are of one revision, by some servers.
        updated: match status.updated_replicas {
            Some(updated) => count(updated),
            None if status.update_revision == status.current_revision => count(status.replicas),
            None => 0,
        },
        ready: status.ready_replicas.map_or(0, count),
        available: status.available_replicas.map_or(0, count),
        strategy: if strategy.type_.as_deref() == Some("OnDelete") {
            Strategy::OnDelete
        } else {
            let partition = strategy
                .rolling_update
                .and_then(|rolling| rolling.partition);
            Strategy::Rolling {
                partition: partition.map_or(0, count),
            }
        },
        containers: template_images(Some(&spec.template)),
        references: references(Some(&spec.template)),
        revision: status.update_revision,
        current_revision: status.current_revision,
        ..base
    }))
}

/// A `DaemonSet` as the domain sees it.
pub(super) fn daemon_set(object: DaemonSet) -> ClusterObject {
    let spec = object.spec;
    let status = object.status.unwrap_or_default();
    let on_delete = spec.update_strategy.and_then(|s| s.type_).as_deref() == Some("OnDelete");
    let base = workload(ObjectKind::DaemonSet, &object.metadata, &spec.selector);
    ClusterObject::Workload(Box::new(WorkloadState {
        observed_generation: status.observed_generation.unwrap_or_default(),
        desired: count(status.desired_number_scheduled),
        total: count(status.current_number_scheduled),
        updated: status.updated_number_scheduled.map_or(0, count),
        ready: count(status.number_ready),
        available: status.number_available.map_or(0, count),
        strategy: if on_delete {
            Strategy::OnDelete
        } else {
            Strategy::Rolling { partition: 0 }
        },
        containers: template_images(Some(&spec.template)),
        references: references(Some(&spec.template)),
        ..base
    }))
}

/// A Job as the domain sees it.
pub(super) fn job(object: Job) -> ClusterObject {
    let spec = object.spec.unwrap_or_default();
    let status = object.status.unwrap_or_default();
    let selector = spec.selector.unwrap_or_default();
    let base = workload(ObjectKind::Job, &object.metadata, &selector);
    let conditions = status.conditions.unwrap_or_default().into_iter();
    ClusterObject::Workload(Box::new(WorkloadState {
        // Its controller says nothing of what it has seen.
        observed_generation: base.generation,
        total: status.active.map_or(0, count),
        ready: status.ready.map_or(0, count),
        paused: spec.suspend.unwrap_or_default(),
        containers: template_images(Some(&spec.template)),
        references: references(Some(&spec.template)),
        conditions: exact(conditions.map(|condition| Condition {
            kind: condition.type_,
            holds: condition.status == "True",
            reason: clean(condition.reason.as_deref().unwrap_or_default()),
            message: clean(condition.message.as_deref().unwrap_or_default()),
            since: time(condition.last_transition_time),
        })),
        ..base
    }))
}

/// A `CronJob` as the domain sees it.
pub(super) fn cron_job(object: CronJob) -> ClusterObject {
    let spec = object.spec;
    let status = object.status.unwrap_or_default();
    let job = spec.job_template.spec.unwrap_or_default();
    let base = workload(
        ObjectKind::CronJob,
        &object.metadata,
        &LabelSelector::default(),
    );
    ClusterObject::Workload(Box::new(WorkloadState {
        // Its controller says nothing of what it has seen.
        observed_generation: base.generation,
        paused: spec.suspend.unwrap_or_default(),
        containers: template_images(Some(&job.template)),
        references: references(Some(&job.template)),
        last_begun: time(status.last_schedule_time),
        last_succeeded: time(status.last_successful_time),
        ..base
    }))
}

/// A `ReplicaSet` as the domain sees it.
pub(super) fn replica_set(object: ReplicaSet) -> ClusterObject {
    let spec = object.spec;
    let revision = revision(&object.metadata);
    let metadata = object.metadata;
    ClusterObject::ReplicaSet(Box::new(ReplicaSetState {
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: clean(metadata.name.as_deref().unwrap_or_default()),
        owner: owner(&metadata),
        revision,
        desired: spec.replicas.map_or(1, count),
        ready: object
            .status
            .and_then(|status| status.ready_replicas)
            .map_or(0, count),
        containers: template_images(spec.template.as_ref()),
        created: time(metadata.creation_timestamp),
    }))
}

/// A pod as the domain sees it.
pub(super) fn pod(object: Pod) -> ClusterObject {
    let spec = object.spec.unwrap_or_default();
    let status = object.status.unwrap_or_default();
    let conditions = status.conditions.unwrap_or_default();
    let condition = |kind: &str| conditions.iter().find(|condition| condition.type_ == kind);
    let ready = condition("Ready");
    let unschedulable = condition("PodScheduled").filter(|scheduled| {
        scheduled.status == "False" && scheduled.reason.as_deref() == Some("Unschedulable")
    });
    let init = states(
        spec.init_containers.unwrap_or_default(),
        status.init_container_statuses.unwrap_or_default(),
        true,
    );
    let others = states(
        spec.containers,
        status.container_statuses.unwrap_or_default(),
        false,
    );
    let containers = exact(init.chain(others));
    let owner = owner(&object.metadata);
    let metadata = object.metadata;
    // Where it is found by who made it, of ten thousand pods the other labels would be most of what is kept.
    let labels = metadata.labels.unwrap_or_default().into_iter();
    let labels = labels.filter(|(name, _)| owner.is_none() || name == POD_REVISION);
    ClusterObject::Pod(Box::new(PodObject {
        namespace: metadata.namespace.unwrap_or_default(),
        name: clean(metadata.name.as_deref().unwrap_or_default()),
        labels: labels.collect(),
        owner,
        phase: clean(status.phase.as_deref().unwrap_or("Pending")),
        ready: ready.is_some_and(|ready| ready.status == "True"),
        ready_changed: ready.and_then(|ready| time(ready.last_transition_time.clone())),
        unschedulable: unschedulable.map(|condition| {
            let message = clean(condition.message.as_deref().unwrap_or_default());
            (message, time(condition.last_transition_time.clone())).into()
        }),
        reason: status.reason.as_deref().map(clean),
        message: status.message.as_deref().map(clean),
        containers,
        runs_on: spec.restart_policy.as_deref().unwrap_or("Always") == "Always",
        terminating: metadata.deletion_timestamp.is_some(),
        created: time(metadata.creation_timestamp),
        node: spec.node_name.as_deref().map(clean),
    }))
}

/// Text from a cluster as one short line that is safe to show.
pub(super) fn clean(text: &str) -> String {
    let safe = sanitise(text);
    let mut message = safe.split_whitespace();
    let mut line = message.next().unwrap_or_default().to_owned();
    for word in message {
        line.push(' ');
        line.push_str(word);
    }
    if let Some((end, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(end);
        line.push('…');
    }
    // Thousands of these are kept, and most have grown word by word.
    line.shrink_to_fit();
    line
}

/// A workload with what all kinds have in common.
fn workload(kind: ObjectKind, metadata: &ObjectMeta, selector: &LabelSelector) -> WorkloadState {
    WorkloadState {
        tracking: metadata
            .annotations
            .as_ref()
            .and_then(|all| all.get(TRACKING))
            .cloned(),
        kind,
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: clean(metadata.name.as_deref().unwrap_or_default()),
        owner: owner(metadata),
        labels: metadata.labels.clone().into_iter().flatten().collect(),
        selector: terms(selector),
        generation: metadata.generation.unwrap_or_default(),
        observed_generation: 0,
        desired: 0,
        total: 0,
        updated: 0,
        ready: 0,
        available: 0,
        paused: false,
        strategy: Strategy::default(),
        containers: Vec::new(),
        references: Box::default(),
        conditions: Vec::new(),
        revision: None,
        current_revision: None,
        created: time(metadata.creation_timestamp.clone()),
        completed: None,
        unavailable: None,
        last_begun: None,
        last_succeeded: None,
        progress: None,
        template_of: None,
    }
}

fn terms(selector: &LabelSelector) -> Selector {
    let labels: &BTreeMap<_, _> = &selector.match_labels.clone().unwrap_or_default();
    let mut terms: Vec<Term> = labels
        .iter()
        .map(|(key, value)| Term::In(key.clone(), vec![value.clone()]))
        .collect();
    for rule in selector.match_expressions.iter().flatten() {
        let (key, values) = (rule.key.clone(), rule.values.clone().unwrap_or_default());
        terms.push(match rule.operator.as_str() {
            "In" => Term::In(key, values),
            "NotIn" => Term::NotIn(key, values),
            "Exists" => Term::Exists(key),
            _ => Term::Absent(key),
        });
    }
    Selector { terms }
}

fn template_images(template: Option<&PodTemplateSpec>) -> Vec<ContainerImage> {
    let spec = template.and_then(|template| template.spec.as_ref());
    let containers = spec.into_iter().flat_map(|spec| &spec.containers);
    exact(containers.map(|container| ContainerImage {
        name: container.name.clone(),
        image: clean(container.image.as_deref().unwrap_or_default()),
    }))
}

/// A list that is kept of each of thousands of objects: of the room that it grew by, or took over from what it was made of,
/// nothing is kept.
fn exact<T>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = items.collect();
    all.shrink_to_fit();
    all
}

/// Containers of the specification with what the kubelet says of each; one it has not seen waits.
fn states(
    specs: Vec<Container>,
    mut statuses: Vec<ContainerStatus>,
    init: bool,
) -> impl Iterator<Item = ContainerState> {
    specs.into_iter().map(move |spec| {
        let image = clean(spec.image.as_deref().unwrap_or_default());
        let place = statuses.iter().position(|status| status.name == spec.name);
        let status = place.map(|place| statuses.swap_remove(place));
        let unseen = Run::Waiting {
            reason: String::new(),
            message: None,
        };
        let Some(status) = status else {
            return ContainerState {
                name: spec.name,
                image,
                digest: None,
                init,
                ready: false,
                started: None,
                restarts: 0,
                run: unseen,
                last: None,
            };
        };
        ContainerState {
            name: spec.name,
            image,
            digest: digest_of(&status.image_id).map(Box::from),
            init,
            ready: status.ready,
            started: status.started,
            restarts: count(status.restart_count),
            run: status.state.and_then(run).unwrap_or(unseen),
            last: status
                .last_state
                .and_then(|state| state.terminated)
                .map(|over| Box::new(ended(over))),
        }
    })
}

fn run(state: ApiState) -> Option<Run> {
    if let Some(over) = state.terminated {
        return Some(Run::Ended(ended(over).into()));
    }
    if let Some(running) = state.running {
        return Some(Run::Running {
            since: time(running.started_at),
        });
    }
    state.waiting.map(|waiting| Run::Waiting {
        reason: clean(waiting.reason.as_deref().unwrap_or_default()),
        message: waiting.message.as_deref().map(|words| clean(words).into()),
    })
}

fn ended(over: ContainerStateTerminated) -> Ended {
    Ended {
        reason: clean(over.reason.as_deref().unwrap_or("Error")),
        exit: over.exit_code,
        at: time(over.finished_at),
        message: over.message.as_deref().map(clean).filter(|m| !m.is_empty()),
    }
}

/// When a rollout was complete: its condition is written anew then, though it held before.
fn completed(conditions: &[DeploymentCondition]) -> Option<Timestamp> {
    let mut all = conditions.iter();
    let complete = all.find(|it| {
        it.type_.as_deref() == Some("Progressing")
            && it.reason.as_deref() == Some("NewReplicaSetAvailable")
    })?;
    time(complete.last_update_time.clone())
}

/// When it last had fewer pods than it may: until it was available again.
fn unavailable(conditions: &[DeploymentCondition]) -> Option<Timestamp> {
    let mut all = conditions.iter();
    let available = all.find(|it| {
        it.type_.as_deref() == Some("Available") && it.status.as_deref() == Some("True")
    })?;
    time(available.last_transition_time.clone())
}

fn owner(metadata: &ObjectMeta) -> Option<Owner> {
    let owners = metadata.owner_references.as_deref()?;
    let controller = owners.iter().find(|owner| owner.controller == Some(true));
    controller.map(|owner| Owner {
        kind: owner.kind.clone(),
        name: owner.name.clone(),
    })
}

fn revision(metadata: &ObjectMeta) -> Option<String> {
    metadata.annotations.as_ref()?.get(REVISION).cloned()
}

fn time(time: Option<Time>) -> Option<Timestamp> {
    time.map(|time| time.0)
}

fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests;

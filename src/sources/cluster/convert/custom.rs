//! Objects of kinds that a `CustomResourceDefinition` makes, as far as cells are made of them. What a server sends need not
//! have the shape that it should: what is not as expected is absent.

use k8s_openapi::{
    api::core::v1::PodTemplateSpec,
    apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{clean, references, template_images, workload};
use crate::domain::{
    agent,
    rollout::{
        CanaryObject, ClusterObject, CompanionKind, ObjectKind, WorkloadState,
        companion as read_companion,
        object::{Owner, Strategy},
    },
};

/// A Rollout as the domain sees it.
pub(in crate::sources::cluster) fn rollout(object: &Value) -> Option<ClusterObject> {
    let metadata: ObjectMeta = part(object, "/metadata").unwrap_or_default();
    let selector: LabelSelector = part(object, "/spec/selector").unwrap_or_default();
    let template: Option<PodTemplateSpec> = part(object, "/spec/template");
    let mut progress = agent::rollout(object)?;
    progress.message = progress.message.as_deref().map(clean);
    let base = workload(ObjectKind::Rollout, &metadata, &selector);
    let count = |pointer: &str| {
        let number = object.pointer(pointer).and_then(Value::as_u64);
        number.map(|number| u32::try_from(number).unwrap_or(u32::MAX))
    };
    let status = |name: &str| count(&format!("/status/{name}")).unwrap_or_default();
    let generation = base.generation.max(1);
    Some(ClusterObject::Workload(Box::new(WorkloadState {
        generation,
        observed_generation: if agent::is_seen(object) {
            generation
        } else {
            generation - 1
        },
        desired: count("/spec/replicas").unwrap_or(1),
        total: status("replicas"),
        updated: status("updatedReplicas"),
        ready: status("readyReplicas"),
        available: status("availableReplicas"),
        paused: object.pointer("/spec/paused").and_then(Value::as_bool) == Some(true),
        strategy: Strategy::Rolling { partition: 0 },
        containers: template_images(template.as_ref()),
        references: references(template.as_ref()),
        revision: progress.hashes.1.clone(),
        current_revision: progress.hashes.0.clone(),
        template_of: reference(object, "/spec/workloadRef"),
        progress: Some(Box::new(progress)),
        ..base
    })))
}

/// A Canary as the domain sees it.
pub(in crate::sources::cluster) fn canary(object: &Value) -> Option<ClusterObject> {
    let metadata: ObjectMeta = part(object, "/metadata").unwrap_or_default();
    Some(ClusterObject::Canary(Box::new(CanaryObject {
        namespace: metadata.namespace.unwrap_or_default(),
        name: clean(metadata.name.as_deref().unwrap_or_default()),
        target: reference(object, "/spec/targetRef"),
        progress: agent::canary(object)?,
    })))
}

/// What stands beside workloads as the domain sees it.
pub(in crate::sources::cluster) fn companion(
    kind: CompanionKind,
    object: &Value,
) -> Option<ClusterObject> {
    let object = read_companion(kind, object)?;
    Some(ClusterObject::Companion(Box::new(object)))
}

fn reference(object: &Value, pointer: &str) -> Option<Owner> {
    let there = object.pointer(pointer)?;
    let text = |name: &str| Some(there.get(name)?.as_str()?.to_owned());
    Some(Owner {
        kind: text("kind")?,
        name: text("name")?,
    })
}

/// A part of an object as its API type; `None` where it is not there, or is none.
fn part<T: DeserializeOwned>(object: &Value, pointer: &str) -> Option<T> {
    serde_json::from_value(object.pointer(pointer)?.clone()).ok()
}

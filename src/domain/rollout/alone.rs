//! What single objects say of themselves, by the rules of Argo CD's health checks: workloads without their pods, pods without
//! their workload, and the kinds that stand beside them.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    batch, health,
    live::Health,
    object::{ClusterObject, ObjectKind, PodObject, WorkloadState},
    pods, progressive,
};
use crate::domain::agent::{
    Phase,
    read::{line, list, number, text},
};

/// A health, and why.
pub type Verdict = (Health, Option<String>);

/// How an object is, by itself; `None` for those that say nothing of that.
pub fn judge(object: &ClusterObject, now: Timestamp) -> Option<Verdict> {
    Some(match object {
        ClusterObject::Workload(workload) => of_workload(workload),
        ClusterObject::Pod(pod) => of_pod(pod, now),
        ClusterObject::Canary(canary) => {
            let verdict = progressive::judge(&canary.progress);
            (verdict.health, verdict.reason)
        }
        ClusterObject::Agent(agent) => {
            let health = match agent.phase {
                Phase::Current => Health::Healthy,
                Phase::Reconciling => Health::Progressing,
                Phase::Suspended => Health::Suspended,
                Phase::Failed | Phase::Retrying | Phase::Stalled => Health::Degraded,
                Phase::OutOfSync | Phase::NotAutomated | Phase::Unknown => Health::Unknown,
            };
            (health, agent.state().reason)
        }
        ClusterObject::Companion(it) => (it.health, it.said.clone()),
        ClusterObject::ReplicaSet(_) => return None,
    })
}

/// The same of kinds that cells are not made of.
pub fn judge_other(kind: &str, object: &Value) -> Option<Verdict> {
    Some(match kind {
        "ReplicaSet" => replica_set(object),
        "HorizontalPodAutoscaler" => autoscaler(object),
        "AnalysisRun" => by_phase(object, "analysis"),
        "Experiment" => by_phase(object, "experiment"),
        "ExternalSecret"
        | "ClusterExternalSecret"
        | "PushSecret"
        | "SecretStore"
        | "ClusterSecretStore" => ready(object, "Ready"),
        "SealedSecret" => ready(object, "Synced"),
        _ => return None,
    })
}

fn of_workload(workload: &WorkloadState) -> Verdict {
    let verdict = match workload.kind {
        ObjectKind::Job => batch::of_job(workload),
        ObjectKind::CronJob => batch::without_run(workload, false),
        _ => health::judge(workload),
    };
    (verdict.health, verdict.reason)
}

/// A pod that runs to an end is healthy when it has; another one while it is ready.
fn of_pod(pod: &PodObject, now: Timestamp) -> Verdict {
    let trouble = pods::trouble(pod, now);
    let word = Some(pods::word(pod, trouble.as_ref()));
    if pod.terminating {
        return (Health::Progressing, word);
    }
    let health = match pod.phase.as_str() {
        "Succeeded" => Health::Healthy,
        "Failed" => Health::Degraded,
        _ if !pod.runs_on => Health::Progressing,
        _ if trouble.is_some_and(|trouble| trouble.class.degrades()) => Health::Degraded,
        _ if pod.ready => Health::Healthy,
        _ => Health::Progressing,
    };
    (health, word)
}

fn replica_set(object: &Value) -> Verdict {
    let count = |pointer: &str| number(object, pointer).unwrap_or_default();
    if count("/metadata/generation") > count("/status/observedGeneration") {
        let words = "its controller has not seen the newest change yet";
        return (Health::Progressing, Some(words.to_owned()));
    }
    if let Some(failure) = condition(object, "ReplicaFailure", "True") {
        return (Health::Degraded, line(failure, "/message"));
    }
    let wanted = number(object, "/spec/replicas").unwrap_or(1);
    let available = count("/status/availableReplicas");
    if available < wanted {
        let words = format!("{available} of {wanted} pods available");
        return (Health::Progressing, Some(words));
    }
    (Health::Healthy, None)
}

/// An autoscaler fails where it cannot get at what it scales, or at its metrics; that it is at a limit is no failure. Version 1 keeps its conditions in an annotation, as text.
fn autoscaler(object: &Value) -> Verdict {
    const ANNOTATION: &str = "autoscaling.alpha.kubernetes.io/conditions";
    let waits = (
        Health::Progressing,
        Some("waits for its first look".to_owned()),
    );
    let annotated = object
        .pointer("/metadata/annotations")
        .and_then(|all| all.get(ANNOTATION))
        .and_then(Value::as_str)
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    let listed: Vec<&Value> = list(object, "/status/conditions").collect();
    let all: Vec<&Value> = match annotated.as_ref().and_then(Value::as_array) {
        Some(all) if listed.is_empty() => all.iter().collect(),
        _ => listed,
    };
    // In their order: one that has just scaled need not have metrics of its new pods.
    for told in all {
        let (kind, reason) = (text(told, "/type"), text(told, "/reason"));
        match (kind, reason) {
            (Some("AbleToScale"), Some("FailedGetScale" | "FailedUpdateScale"))
            | (Some("ScalingActive"), Some("FailedGetResourceMetric" | "InvalidSelector")) => {
                return (Health::Degraded, words(told));
            }
            (Some("AbleToScale" | "ScalingLimited"), _)
                if text(told, "/status") == Some("True") =>
            {
                return (Health::Healthy, line(told, "/message"));
            }
            _ => {}
        }
    }
    waits
}

/// Analyses and experiments tell their phase in the same words.
fn by_phase(object: &Value, what: &str) -> Verdict {
    let phase = text(object, "/status/phase");
    let health = match phase {
        Some("Pending" | "Running") | None => Health::Progressing,
        Some("Successful") => Health::Healthy,
        Some("Failed" | "Error") => Health::Degraded,
        Some(_) => Health::Unknown,
    };
    let said = line(object, "/status/message");
    let word = phase.unwrap_or("not begun");
    (health, said.or_else(|| Some(format!("{what}: {word}"))))
}

/// One condition tells: ready, not, or not looked at yet.
fn ready(object: &Value, kind: &str) -> Verdict {
    let told = list(object, "/status/conditions").find(|it| text(it, "/type") == Some(kind));
    let health = match told.and_then(|it| text(it, "/status")) {
        Some("True") => Health::Healthy,
        Some("False") => Health::Degraded,
        _ => Health::Progressing,
    };
    (health, told.and_then(words))
}

/// A condition in its controller's words: `SecretSyncedError: could not get secret data from provider`.
pub(super) fn words(condition: &Value) -> Option<String> {
    let (reason, message) = (line(condition, "/reason"), line(condition, "/message"));
    match (reason, message) {
        (Some(reason), Some(message)) => Some(format!("{reason}: {message}")),
        (reason, message) => message.or(reason),
    }
}

fn condition<'a>(object: &'a Value, kind: &str, status: &str) -> Option<&'a Value> {
    list(object, "/status/conditions")
        .find(|it| text(it, "/type") == Some(kind) && text(it, "/status") == Some(status))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_that_stand_beside_workloads_tell_how_they_are() {
        use Health::{Degraded, Healthy, Progressing, Unknown};
        let condition = |kind: &str, status: &str, reason: &str| {
            json!({"status": {"conditions": [
                {"type": kind, "status": status, "reason": reason, "message": "its words"}]}})
        };
        let phase = |phase: &str| json!({"status": {"phase": phase}});
        let set = |wanted: u32, available: u32| {
            json!({"metadata": {"generation": 2}, "spec": {"replicas": wanted},
                "status": {"observedGeneration": 2, "availableReplicas": available}})
        };
        let mut unseen = set(1, 1);
        unseen["metadata"]["generation"] = json!(3);
        let scaler = "HorizontalPodAutoscaler";
        let annotated = json!({"metadata": {"annotations": {"autoscaling.alpha.kubernetes.io/conditions":
            r#"[{"type": "AbleToScale", "status": "False", "reason": "FailedGetScale"}]"#}}});
        let cases = [
            ("ReplicaSet", set(2, 2), Healthy),
            ("ReplicaSet", set(2, 1), Progressing),
            ("ReplicaSet", unseen, Progressing),
            (
                "ReplicaSet",
                condition("ReplicaFailure", "True", "FailedCreate"),
                Degraded,
            ),
            (scaler, json!({}), Progressing),
            (
                scaler,
                condition("AbleToScale", "True", "ReadyForNewScale"),
                Healthy,
            ),
            (
                scaler,
                condition("ScalingLimited", "True", "TooManyReplicas"),
                Healthy,
            ),
            (
                scaler,
                condition("ScalingActive", "False", "FailedGetResourceMetric"),
                Degraded,
            ),
            (
                scaler,
                condition("ScalingActive", "False", "ScalingDisabled"),
                Progressing,
            ),
            (scaler, annotated, Degraded),
            ("AnalysisRun", json!({}), Progressing),
            ("AnalysisRun", phase("Successful"), Healthy),
            ("AnalysisRun", phase("Error"), Degraded),
            ("AnalysisRun", phase("Inconclusive"), Unknown),
            ("Experiment", phase("Running"), Progressing),
            ("Experiment", phase("Failed"), Degraded),
            ("ExternalSecret", json!({}), Progressing),
            (
                "ExternalSecret",
                condition("Ready", "False", "SecretSyncedError"),
                Degraded,
            ),
            ("SecretStore", condition("Ready", "True", "Valid"), Healthy),
            (
                "SealedSecret",
                condition("Synced", "False", "ErrUnsealFailed"),
                Degraded,
            ),
        ];
        for (kind, object, expected) in cases {
            let told = judge_other(kind, &object).unwrap();
            assert_eq!(told.0, expected, "{kind} {object}");
        }
        assert_eq!(judge_other("ConfigMap", &json!({})), None);
    }
}

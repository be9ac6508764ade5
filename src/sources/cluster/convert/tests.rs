//! API objects, as servers send them, and what the domain gets of them.

use serde_json::{Value, from_value, json};

use super::*;

fn workload_of(object: ClusterObject) -> WorkloadState {
    match object {
        ClusterObject::Workload(workload) => *workload,
        other => panic!("not a workload: {other:?}"),
    }
}

fn template() -> Value {
    json!({"spec": {"containers": [{"name": "app", "image": "reg/app:1"}, {"name": "proxy", "image": "envoy"}]}})
}

#[test]
fn a_deployment() {
    let object = json!({
        "metadata": {"name": "web", "namespace": "shop", "generation": 4, "labels": {"app": "web"},
            "annotations": {"deployment.kubernetes.io/revision": "7"},
            "managedFields": [{"manager": "kubectl"}]},
        "spec": {"replicas": 3, "paused": true, "template": template(), "selector": {
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["a", "b"]},
                {"key": "old", "operator": "DoesNotExist"},
            ]}},
        "status": {"observedGeneration": 3, "replicas": 4, "updatedReplicas": 2, "readyReplicas": 3,
            "availableReplicas": 1, "conditions": [{
                "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
                "message": "took \u{1b}[1mtoo\nlong", "lastTransitionTime": "2026-11-21T10:00:00Z"}]},
    });
    let state = workload_of(deployment(from_value(object).unwrap()));
    assert_eq!(
        (state.kind, state.name.as_str()),
        (ObjectKind::Deployment, "web")
    );
    assert_eq!((state.generation, state.observed_generation), (4, 3));
    assert_eq!(
        (
            state.desired,
            state.total,
            state.updated,
            state.ready,
            state.available
        ),
        (3, 4, 2, 3, 1)
    );
    assert!(state.paused);
    assert_eq!(state.revision.as_deref(), Some("7"));
    assert_eq!(state.selector.to_string(), "app=web,tier in (a,b),!old");
    assert_eq!(state.containers[0].image, "reg/app:1");
    let condition = &state.conditions[0];
    assert!(!condition.holds);
    assert_eq!(condition.message, "took too long");
    assert_eq!(condition.since, "2026-11-21T10:00:00Z".parse().ok());
}

#[test]
fn what_is_not_said_has_its_default() {
    let object = json!({"metadata": {"name": "web", "namespace": "shop"}, "spec": {"template": template(), "selector": {}}});
    let state = workload_of(deployment(from_value(object).unwrap()));
    assert_eq!(
        (state.desired, state.total, state.observed_generation),
        (1, 0, 0)
    );
    assert_eq!(state.strategy, Strategy::Rolling { partition: 0 });
    assert_eq!(state.revision, None);
}

#[test]
fn update_strategies() {
    let set = |strategy: Value| {
        let spec = json!({"template": template(), "selector": {}, "updateStrategy": strategy});
        let object = json!({"metadata": {"name": "x"}, "spec": spec});
        let state = workload_of(stateful_set(from_value(object.clone()).unwrap()));
        let daemon = workload_of(daemon_set(from_value(object).unwrap()));
        (state.strategy, daemon.strategy)
    };
    let rolling = |partition| Strategy::Rolling { partition };
    assert_eq!(
        set(json!({"type": "OnDelete"})),
        (Strategy::OnDelete, Strategy::OnDelete)
    );
    assert_eq!(
        set(json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}})),
        (rolling(2), rolling(0))
    );
    assert_eq!(set(json!({})), (rolling(0), rolling(0)));
}

#[test]
fn a_daemon_set_counts_nodes() {
    let object = json!({
        "metadata": {"name": "agent"}, "spec": {"template": template(), "selector": {}},
        "status": {"observedGeneration": 1, "desiredNumberScheduled": 5, "currentNumberScheduled": 4,
            "updatedNumberScheduled": 3, "numberReady": 2, "numberAvailable": 1, "numberMisscheduled": 0},
    });
    let state = workload_of(daemon_set(from_value(object).unwrap()));
    assert_eq!(
        (
            state.desired,
            state.total,
            state.updated,
            state.ready,
            state.available
        ),
        (5, 4, 3, 2, 1)
    );
}

#[test]
fn a_pod_with_what_each_container_does() {
    let object = json!({
        "metadata": {"name": "web-1", "namespace": "shop", "deletionTimestamp": "2026-11-21T10:00:00Z",
            "ownerReferences": [
                {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "1"},
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d", "uid": "2", "controller": true},
            ]},
        "spec": {"nodeName": "node-1", "initContainers": [{"name": "init", "image": "i:1"}],
            "containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}, {"name": "c", "image": "c:1"}]},
        "status": {"phase": "Pending",
            "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node"}],
            "initContainerStatuses": [{"name": "init", "image": "i", "imageID": "", "ready": true, "restartCount": 0,
                "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}],
            "containerStatuses": [
                {"name": "b", "image": "b", "imageID": "", "ready": false, "restartCount": 3,
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-21T09:00:00Z"}}},
                {"name": "a", "image": "a", "imageID": format!("reg/a@sha256:{}", "9f3c".repeat(16)), "ready": true, "restartCount": 0, "started": true,
                    "state": {"running": {"startedAt": "2026-11-21T08:00:00Z"}}},
            ]},
    });
    let ClusterObject::Pod(state) = pod(from_value(object).unwrap()) else {
        panic!("not a pod");
    };
    assert!(state.terminating && !state.ready);
    assert_eq!(state.owner.unwrap().name, "web-5d");
    assert_eq!(
        state.unschedulable,
        Some(("no node".to_owned(), None).into())
    );
    let runs: Vec<_> = state
        .containers
        .iter()
        .map(|container| (container.name.as_str(), container.init, container.restarts))
        .collect();
    assert_eq!(
        runs,
        [
            ("init", true, 0),
            ("a", false, 0),
            ("b", false, 3),
            ("c", false, 0)
        ]
    );
    let [init, a, b, c] = &state.containers[..] else {
        panic!("four containers");
    };
    let digests: Vec<_> = state
        .containers
        .iter()
        .map(|it| it.digest.is_some())
        .collect();
    assert_eq!(digests, [false, true, false, false]);
    assert!(matches!(&init.run, Run::Ended(ended) if ended.exit == 0));
    assert!(matches!(&a.run, Run::Running { since: Some(_) }));
    assert_eq!(b.last.as_ref().unwrap().reason, "OOMKilled");
    assert!(matches!(&c.run, Run::Waiting { reason, .. } if reason.is_empty()));
}

#[test]
fn text_is_one_short_safe_line() {
    assert_eq!(clean("  a\n\tb \u{1b}[31mc\u{1b}[0m "), "a b c");
    let long = clean(&"é".repeat(1000));
    assert_eq!(long.chars().count(), LONGEST + 1);
}

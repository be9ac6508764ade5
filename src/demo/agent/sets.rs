//! Plays the StatefulSet and DaemonSet controllers: one pod at a time, and never a second before the first is ready.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    events::Note,
    objects::{Clock, end, hash, int, owned, pod, set_status, text},
    pods::{counts, is_ready},
};
use crate::demo::server::Store;

const HASH: &str = "controller-revision-hash";

/// One pass over the StatefulSets and DaemonSets of a namespace.
pub fn step(store: &Store, namespace: &str, nodes: &[String], clock: Clock) {
    for set in store.list("statefulsets", Some(namespace)) {
        stateful_set(store, &set, clock);
    }
    for set in store.list("daemonsets", Some(namespace)) {
        daemon_set(store, &set, nodes, clock);
    }
}

/// The revision of a set's template, as its pods carry it.
fn revision(set: &Value) -> String {
    let template = set["spec"]["template"].to_string();
    format!("{}-{}", text(&set["metadata"]["name"]), hash(&template, 10))
}

/// Makes one pod, on a given node where it is a daemon's.
fn create(
    store: &Store,
    set: &Value,
    name: &str,
    labels: &[(&str, &str)],
    node: Option<&str>,
    clock: Clock,
) {
    let mut body = pod(set, &set["spec"]["template"], name, labels, clock.now);
    if let Some(node) = node {
        body["spec"]["nodeName"] = json!(node);
    }
    // Only a malformed object is refused, and this one is not.
    let _ = store.apply(body, clock.now);
    let words = format!("create Pod {name} in {} successful", text(&set["kind"]));
    clock.note(
        store,
        set,
        Note::normal("controllermanager", "SuccessfulCreate", &words),
    );
}

/// Ends a pod; a later pass makes its successor.
fn replace(store: &Store, set: &Value, pod: &Value, clock: Clock) {
    end(store, pod, clock.now);
    let words = format!("delete Pod {} successful", text(&pod["metadata"]["name"]));
    clock.note(
        store,
        set,
        Note::normal("controllermanager", "SuccessfulDelete", &words),
    );
}

/// Fills gaps from the lowest ordinal, ends surplus from the highest, updates from the highest: `OrderedReady`.
fn stateful_set(store: &Store, set: &Value, clock: Clock) {
    let meta = &set["metadata"];
    let name = text(&meta["name"]);
    let wanted = set["spec"]["replicas"].as_i64().unwrap_or(1);
    let update = revision(set);
    let pods = owned(store, "pods", set);
    let ordinal = |pod: &Value| -> i64 {
        let name = text(&pod["metadata"]["name"]);
        name.rsplit('-')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0)
    };
    let at = |index: i64| pods.iter().find(|pod| ordinal(pod) == index);
    let is_new = |pod: &Value| pod["metadata"]["labels"][HASH] == update;
    // Nothing is taken away while anything is on its way.
    let steady = pods.iter().all(|pod| counts(pod) && is_ready(pod));
    if let Some(missing) = (0..wanted).find(|index| at(*index).is_none()) {
        // In order, each after the ones before it are ready.
        if (0..missing).all(|index| at(index).is_some_and(|pod| is_ready(pod))) {
            let pod = format!("{name}-{missing}");
            create(
                store,
                set,
                &pod,
                &[
                    (HASH, &update),
                    ("statefulset.kubernetes.io/pod-name", &pod),
                ],
                None,
                clock,
            );
        }
    } else if let Some(extra) = pods
        .iter()
        .filter(|pod| ordinal(pod) >= wanted)
        .max_by_key(|pod| ordinal(pod))
    {
        if steady {
            replace(store, set, extra, clock);
        }
    } else {
        let partition = int(&set["spec"]["updateStrategy"]["rollingUpdate"]["partition"]);
        let old = (partition..wanted)
            .rev()
            .filter_map(at)
            .find(|pod| !is_new(pod));
        // A broken pod of the newest revision holds the update; a broken old one may be replaced.
        let held = pods
            .iter()
            .any(|pod| !counts(pod) || (is_new(pod) && !is_ready(pod)));
        if let Some(old) = old.filter(|_| !held) {
            replace(store, set, old, clock);
        }
    }
    let pods = owned(store, "pods", set);
    let number =
        |test: &dyn Fn(&Arc<Value>) -> bool| pods.iter().filter(|p| counts(p) && test(p)).count();
    let updated = number(&|pod| is_new(pod));
    let ready = number(&|pod| is_ready(pod));
    let done = i64::try_from(updated) == Ok(wanted) && i64::try_from(ready) == Ok(wanted);
    let before = set["status"]["currentRevision"].as_str().unwrap_or(&update);
    let status = json!({
        "observedGeneration": meta["generation"],
        "replicas": number(&|_| true), "readyReplicas": ready, "availableReplicas": ready,
        "updatedReplicas": updated,
        "currentReplicas": if done { updated } else { number(&|pod| !is_new(pod)) },
        "currentRevision": if done { &update } else { before }, "updateRevision": update, "collisionCount": 0,
    });
    set_status(store, "statefulsets", set, status);
}

/// One pod for each node.
fn daemon_set(store: &Store, set: &Value, nodes: &[String], clock: Clock) {
    let meta = &set["metadata"];
    let name = text(&meta["name"]);
    let update = revision(set);
    let pods = owned(store, "pods", set);
    let is_new = |pod: &Value| pod["metadata"]["labels"][HASH] == update;
    for node in nodes {
        let there = pods.iter().any(|pod| pod["spec"]["nodeName"] == **node);
        if !there {
            let pod = format!("{name}-{}", hash(&format!("{node}{}", store.version()), 5));
            create(store, set, &pod, &[(HASH, &update)], Some(node), clock);
        }
    }
    // At most one node goes without at a time; an old pod that serves nobody is no loss.
    let steady = pods.len() >= nodes.len() && pods.iter().all(|pod| counts(pod) && is_ready(pod));
    let mut old = pods.iter().filter(|pod| counts(pod) && !is_new(pod));
    if let Some(old) = old.find(|pod| steady || !is_ready(pod)) {
        replace(store, set, old, clock);
    }
    let pods = owned(store, "pods", set);
    let number =
        |test: &dyn Fn(&Arc<Value>) -> bool| pods.iter().filter(|p| counts(p) && test(p)).count();
    let ready = number(&|pod| is_ready(pod));
    let status = json!({
        "observedGeneration": meta["generation"],
        "desiredNumberScheduled": nodes.len(), "currentNumberScheduled": number(&|_| true),
        "numberMisscheduled": 0, "numberReady": ready, "numberAvailable": ready,
        "numberUnavailable": nodes.len().saturating_sub(ready),
        "updatedNumberScheduled": number(&|pod| is_new(pod)),
    });
    set_status(store, "daemonsets", set, status);
}

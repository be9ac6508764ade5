//! What the controllers share: owned objects, pods from templates, names.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::events::{Note, record};
use crate::demo::server::{Store, stamp};

/// What the controllers of one cluster share.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The moment.
    pub now: Timestamp,
    /// How much faster than usual things go.
    pub speed: f64,
    /// No events: a past is being made.
    pub quiet: bool,
}

impl Clock {
    /// Writes an event, unless a past is being made.
    pub fn note(&self, store: &Store, object: &Value, note: Note<'_>) {
        if !self.quiet {
            record(store, object, note, self.now);
        }
    }
}

/// The pods or ReplicaSets in its namespace that `owner` owns, by name.
pub fn owned(store: &Store, plural: &str, owner: &Value) -> Vec<Arc<Value>> {
    let mut all = store.list(plural, owner["metadata"]["namespace"].as_str());
    let uid = &owner["metadata"]["uid"];
    all.retain(|object| object["metadata"]["ownerReferences"][0]["uid"] == *uid);
    all
}

/// A pod from a template, owned by `owner`.
pub fn pod(
    owner: &Value,
    template: &Value,
    name: &str,
    labels: &[(&str, &str)],
    now: Timestamp,
) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "namespace": owner["metadata"]["namespace"], "name": name,
            "creationTimestamp": stamp(now),
            "labels": template["metadata"]["labels"], "ownerReferences": [reference(owner)],
        },
        "spec": template["spec"],
        "status": {"phase": "Pending", "qosClass": "BestEffort"},
    });
    if let Some(annotations) = template["metadata"].get("annotations") {
        pod["metadata"]["annotations"] = annotations.clone();
    }
    for (key, value) in labels {
        pod["metadata"]["labels"][*key] = json!(value);
    }
    pod
}

/// Takes a pod away gracefully.
pub fn end(store: &Store, pod: &Value, now: Timestamp) {
    if let Some(resource) = store.resource("pods") {
        let meta = &pod["metadata"];
        // It may have gone in the meantime, which is what was wanted.
        let _ = store.delete(
            &resource,
            text(&meta["namespace"]),
            text(&meta["name"]),
            30,
            now,
        );
    }
}

/// A short name for a value, as the real controllers make them for templates and pods.
pub fn hash(value: &str, length: usize) -> String {
    const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut state = value
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |state, byte| {
            (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    state ^= state >> 29;
    (0..length)
        .map(|_| {
            let index = usize::try_from(state % 27).unwrap_or(0);
            state = (state / 27).rotate_left(31) ^ state;
            char::from(LETTERS[index])
        })
        .collect()
}

/// The owner reference that makes `owner` the controller of what carries it.
pub fn reference(owner: &Value) -> Value {
    json!({
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
    })
}

/// Writes an object's status, where it is another one than before.
pub fn set_status(store: &Store, plural: &str, object: &Value, status: Value) {
    let meta = &object["metadata"];
    if object["status"] != status {
        store.edit(
            plural,
            text(&meta["namespace"]),
            text(&meta["name"]),
            |object| {
                object["status"] = status;
            },
        );
    }
}

/// The text of a value, empty where it is none.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A number, 0 where there is none.
pub fn int(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

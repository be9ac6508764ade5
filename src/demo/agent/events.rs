//! Events as the real components write them: the same thing again raises a count.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::demo::server::{Store, stamp};

/// Events kept per namespace; the oldest go first.
const KEPT: usize = 60;

/// One thing that happened.
#[derive(Clone, Copy, Debug)]
pub struct Note<'a> {
    /// Who says it: `kubelet`, `deployment-controller`, …
    pub component: &'static str,
    /// `Warning` rather than `Normal`.
    pub warning: bool,
    /// One word.
    pub reason: &'static str,
    /// The sentence.
    pub message: &'a str,
}

impl<'a> Note<'a> {
    /// An ordinary event.
    pub fn normal(component: &'static str, reason: &'static str, message: &'a str) -> Self {
        Self {
            component,
            warning: false,
            reason,
            message,
        }
    }

    /// A warning.
    pub fn warning(component: &'static str, reason: &'static str, message: &'a str) -> Self {
        Self {
            warning: true,
            ..Self::normal(component, reason, message)
        }
    }
}

/// Writes `note` about `object`.
pub fn record(store: &Store, object: &Value, note: Note<'_>, now: Timestamp) {
    let meta = &object["metadata"];
    let (Some(namespace), Some(name)) = (meta["namespace"].as_str(), meta["name"].as_str()) else {
        return;
    };
    let known = store.list("events", Some(namespace));
    let same = known.iter().find(|event| {
        event["involvedObject"]["uid"] == meta["uid"]
            && event["reason"] == note.reason
            && event["message"] == note.message
    });
    if let Some(name) = same.and_then(|event| event["metadata"]["name"].as_str()) {
        store.edit("events", namespace, name, |event| {
            event["count"] = json!(event["count"].as_i64().unwrap_or(1) + 1);
            event["lastTimestamp"] = json!(stamp(now));
        });
        return;
    }
    if known.len() >= KEPT {
        let oldest = known
            .iter()
            .min_by_key(|event| event["lastTimestamp"].as_str());
        if let Some(name) = oldest.and_then(|event| event["metadata"]["name"].as_str()) {
            store.remove("events", namespace, name);
        }
    }
    let kind = if note.warning { "Warning" } else { "Normal" };
    let event = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"namespace": namespace, "name": format!("{name}.{:016x}", store.version())},
        "involvedObject": {
            "apiVersion": object["apiVersion"], "kind": object["kind"], "namespace": namespace,
            "name": name, "uid": meta["uid"], "resourceVersion": meta["resourceVersion"],
        },
        "reason": note.reason, "message": note.message, "type": kind, "count": 1,
        "source": {"component": note.component}, "reportingComponent": note.component, "reportingInstance": "",
        "firstTimestamp": stamp(now), "lastTimestamp": stamp(now), "eventTime": null,
    });
    // Only a malformed object is refused, and this one is not.
    let _ = store.apply(event, now);
}

//! Tables, as `kubectl get` asks for them: the columns that the real server prints.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::discovery::Resource;

/// Rows for `objects`, as a `Table`. `now` is what ages are counted from.
pub fn table<'a>(
    resource: &Resource,
    meta: Value,
    objects: impl IntoIterator<Item = &'a Value>,
    now: Timestamp,
) -> Value {
    let names = columns(resource.plural);
    let definitions: Vec<Value> = names
        .iter()
        .map(|name| {
            let format = if *name == "Name" { "name" } else { "" };
            json!({"name": name, "type": "string", "format": format, "description": name, "priority": 0})
        })
        .collect();
    let rows: Vec<Value> = objects
        .into_iter()
        .map(|object| {
            let row = Row { object, now };
            let cells: Vec<String> = names.iter().map(|name| row.cell(resource.plural, name)).collect();
            json!({"cells": cells, "object": {
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]}})
        })
        .collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": meta,
        "columnDefinitions": definitions, "rows": rows,
    })
}

fn columns(plural: &str) -> &'static [&'static str] {
    match plural {
        "pods" => &["Name", "Ready", "Status", "Restarts", "Age"],
        "deployments" => &["Name", "Ready", "Up-to-date", "Available", "Age"],
        "replicasets" => &["Name", "Desired", "Current", "Ready", "Age"],
        "statefulsets" => &["Name", "Ready", "Age"],
        "daemonsets" => &[
            "Name",
            "Desired",
            "Current",
            "Ready",
            "Up-to-date",
            "Available",
            "Age",
        ],
        "events" => &["Last Seen", "Type", "Reason", "Object", "Message"],
        "namespaces" => &["Name", "Status", "Age"],
        _ => &["Name", "Age"],
    }
}

struct Row<'a> {
    object: &'a Value,
    now: Timestamp,
}

impl Row<'_> {
    fn cell(&self, plural: &str, column: &str) -> String {
        let (spec, status) = (&self.object["spec"], &self.object["status"]);
        let daemons = plural == "daemonsets";
        match (plural, column) {
            (_, "Name") => text(&self.object["metadata"]["name"]),
            (_, "Age") => self.ago(&self.object["metadata"]["creationTimestamp"]),
            ("pods", "Ready") => {
                let all = status["containerStatuses"].as_array();
                let ready = all.map_or(0, |all| all.iter().filter(|c| c["ready"] == true).count());
                let total = spec["containers"].as_array().map_or(0, Vec::len);
                format!("{ready}/{total}")
            }
            ("pods", "Status") => self.pod_status(),
            ("pods", "Restarts") => {
                let container = &status["containerStatuses"][0];
                let count = number(&container["restartCount"]);
                let last = &container["lastState"]["terminated"]["finishedAt"];
                if last.is_null() {
                    count
                } else {
                    format!("{count} ({} ago)", self.ago(last))
                }
            }
            ("deployments" | "statefulsets", "Ready") => {
                format!(
                    "{}/{}",
                    number(&status["readyReplicas"]),
                    number(&spec["replicas"])
                )
            }
            ("deployments", "Up-to-date") => number(&status["updatedReplicas"]),
            ("deployments", "Available") => number(&status["availableReplicas"]),
            ("replicasets", "Desired") => number(&spec["replicas"]),
            ("replicasets", "Current") => number(&status["replicas"]),
            ("replicasets", "Ready") => number(&status["readyReplicas"]),
            (_, "Desired") if daemons => number(&status["desiredNumberScheduled"]),
            (_, "Current") if daemons => number(&status["currentNumberScheduled"]),
            (_, "Ready") if daemons => number(&status["numberReady"]),
            (_, "Up-to-date") if daemons => number(&status["updatedNumberScheduled"]),
            (_, "Available") if daemons => number(&status["numberAvailable"]),
            ("events", "Last Seen") => self.ago(&self.object["lastTimestamp"]),
            ("events", "Type") => text(&self.object["type"]),
            ("events", "Reason") => text(&self.object["reason"]),
            ("events", "Object") => {
                let about = &self.object["involvedObject"];
                format!(
                    "{}/{}",
                    text(&about["kind"]).to_lowercase(),
                    text(&about["name"])
                )
            }
            ("events", "Message") => text(&self.object["message"]),
            ("namespaces", "Status") => text(&status["phase"]),
            _ => String::new(),
        }
    }

    fn pod_status(&self) -> String {
        if !self.object["metadata"]["deletionTimestamp"].is_null() {
            return "Terminating".to_owned();
        }
        let status = &self.object["status"];
        let state = &status["containerStatuses"][0]["state"];
        ["waiting", "terminated"]
            .iter()
            .find_map(|kind| state[*kind]["reason"].as_str())
            .map_or_else(|| text(&status["phase"]), str::to_owned)
    }

    fn ago(&self, time: &Value) -> String {
        match time
            .as_str()
            .and_then(|time| time.parse::<Timestamp>().ok())
        {
            Some(time) => age(self.now.duration_since(time).as_secs().max(0)),
            None => "<unknown>".to_owned(),
        }
    }
}

/// A duration in the two units that matter, as `kubectl` shows it.
fn age(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    if seconds < 120 {
        format!("{seconds}s")
    } else if seconds < 600 && seconds % 60 > 0 {
        format!("{minutes}m{}s", seconds % 60)
    } else if hours < 3 {
        format!("{minutes}m")
    } else if hours < 8 && minutes % 60 > 0 {
        format!("{hours}h{}m", minutes % 60)
    } else if hours < 48 {
        format!("{hours}h")
    } else if days < 8 && hours % 24 > 0 {
        format!("{days}d{}h", hours % 24)
    } else {
        format!("{days}d")
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value) -> String {
    value.as_i64().unwrap_or(0).to_string()
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn ages() {
        let cases = [
            (5, "5s"),
            (119, "119s"),
            (120, "2m"),
            (255, "4m15s"),
            (3599, "59m"),
            (4 * 3600 + 60, "4h1m"),
            (30 * 3600, "30h"),
            (50 * 3600, "2d2h"),
            (24 * 86400, "24d"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(age(seconds), expected);
        }
    }
}

//! The status of a Deployment: its counts, and the conditions Available and Progressing with their deadline.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    objects::{int, text},
    pods::scaled,
    rollout::{REVISION, Rollout, Set},
};
use crate::demo::server::stamp;

/// When each Deployment last progressed, by unique id: its conditions say it in whole seconds only.
pub type Progress = HashMap<String, Timestamp>;

impl Rollout<'_> {
    /// Writes the status; the answer is when the progress deadline passes, while it runs.
    pub(super) fn report(
        &self,
        paused: bool,
        moved: bool,
        progress: &mut Progress,
    ) -> Option<Timestamp> {
        let before = &self.deployment["status"];
        let wanted = self.wanted();
        let sum = |of: &dyn Fn(&Set) -> i64| self.sets.iter().map(of).sum::<i64>();
        let (replicas, available) = (sum(&|s| s.replicas), sum(&|s| s.available));
        let current = self.sets.iter().find(|s| s.current);
        let updated = current.map_or(0, |s| s.replicas);
        // Old pods that are still ending do not count: ReplicaSets count only pods that stay.
        let complete = updated == wanted && replicas == wanted && available >= wanted;
        let (_, unavailable) = self.limits();
        let mut status = json!({
            "observedGeneration": self.deployment["metadata"]["generation"],
            "replicas": replicas, "updatedReplicas": updated, "readyReplicas": available,
            "availableReplicas": available,
            "unavailableReplicas": (replicas.max(wanted) - available).max(0),
            "conditions": before["conditions"].as_array().cloned().unwrap_or_default(),
        });
        let enough = available >= wanted - unavailable;
        let (reason, words) = if enough {
            (
                "MinimumReplicasAvailable",
                "Deployment has minimum availability.",
            )
        } else {
            (
                "MinimumReplicasUnavailable",
                "Deployment does not have minimum availability.",
            )
        };
        self.condition(
            &mut status,
            "Available",
            if enough { "True" } else { "False" },
            reason,
            words,
            false,
        );
        // The real controller's words for progress: more new pods, fewer old ones, or more that are available.
        let progressed = moved
            || updated > int(&before["updatedReplicas"])
            || available > int(&before["availableReplicas"])
            || replicas - updated < int(&before["replicas"]) - int(&before["updatedReplicas"]);
        let uid = text(&self.deployment["metadata"]["uid"]).to_owned();
        let since = progress.entry(uid).or_insert(self.clock.now);
        if progressed {
            *since = self.clock.now;
        }
        let due = self.progress(&mut status, paused, complete, progressed, *since);
        let meta = &self.deployment["metadata"];
        let revision = current.map(|s| s.revision.to_string());
        self.store.edit(
            "deployments",
            self.namespace(),
            text(&meta["name"]),
            |deployment| {
                deployment["status"] = status;
                if let Some(revision) = revision {
                    deployment["metadata"]["annotations"][REVISION] = json!(revision);
                }
            },
        );
        due
    }

    /// Sets Progressing: paused, complete, moving, or out of time. A rollout that was complete once never runs out of
    /// time, whatever its pods do later.
    fn progress(
        &self,
        status: &mut Value,
        paused: bool,
        complete: bool,
        progressed: bool,
        since: Timestamp,
    ) -> Option<Timestamp> {
        let set = self.sets.iter().find(|s| s.current).map_or("", |s| &s.name);
        let before = find(&status["conditions"], "Progressing")
            .cloned()
            .unwrap_or_default();
        let reason = text(&before["reason"]);
        let mut write = |holds, reason, words: &str| {
            self.condition(status, "Progressing", holds, reason, words, progressed);
        };
        if paused {
            write("Unknown", "DeploymentPaused", "Deployment is paused");
            return None;
        }
        if complete {
            let words = format!("ReplicaSet \"{set}\" has successfully progressed.");
            write("True", "NewReplicaSetAvailable", &words);
            return None;
        }
        let seconds = self.deployment["spec"]["progressDeadlineSeconds"]
            .as_i64()
            .unwrap_or(600);
        let deadline = scaled(since, seconds * 1000, self.clock.speed);
        if progressed || before.is_null() || reason == "DeploymentPaused" {
            let words = format!("ReplicaSet \"{set}\" is progressing.");
            write("True", "ReplicaSetUpdated", &words);
            return Some(deadline);
        }
        if reason == "ProgressDeadlineExceeded" || reason == "NewReplicaSetAvailable" {
            return None;
        }
        if self.clock.now >= deadline {
            let words = format!("ReplicaSet \"{set}\" has timed out progressing.");
            write("False", "ProgressDeadlineExceeded", &words);
            return None;
        }
        Some(deadline)
    }

    /// Sets a condition: the update time moves where something moved, the transition time with the status.
    fn condition(
        &self,
        status: &mut Value,
        kind: &str,
        holds: &str,
        reason: &str,
        words: &str,
        touch: bool,
    ) {
        let now = json!(stamp(self.clock.now));
        let Some(all) = status["conditions"].as_array_mut() else {
            return;
        };
        let mut new = json!({"type": kind, "status": holds, "reason": reason, "message": words,
            "lastUpdateTime": now, "lastTransitionTime": now});
        let Some(old) = all.iter_mut().find(|c| c["type"] == kind) else {
            all.push(new);
            return;
        };
        if old["status"] == holds {
            new["lastTransitionTime"] = old["lastTransitionTime"].clone();
            if old["reason"] == reason && !touch {
                new["lastUpdateTime"] = old["lastUpdateTime"].clone();
            }
        }
        *old = new;
    }
}

/// The condition of that type, if it is there.
fn find<'a>(conditions: &'a Value, kind: &str) -> Option<&'a Value> {
    conditions.as_array()?.iter().find(|c| c["type"] == kind)
}

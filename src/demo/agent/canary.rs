//! Plays the controller of Argo Rollouts, for canaries without a traffic router: the share of the new version is that of its pods.
//! It is told what to do as the real one is, by its status.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    events::Note,
    objects::{Clock, hash, int, owned, reference, set_status, text},
    pods::scaled,
};
use crate::{
    demo::server::{Resource, Store, stamp},
    domain::agent::span,
};

/// By which the pods of a version are told apart.
const HASH: &str = "rollouts-pod-template-hash";

/// Its kind, as servers serve it.
pub const RESOURCE: Resource = Resource {
    group: "argoproj.io",
    version: "v1alpha1",
    plural: "rollouts",
    singular: "rollout",
    kind: "Rollout",
    namespaced: true,
    status: true,
    generation: true,
    short: &["ro"],
};

/// One pass over the Rollouts of a namespace; the answer is when a pause ends next.
pub fn step(store: &Store, namespace: &str, clock: Clock) -> Option<Timestamp> {
    let all = store.list(RESOURCE.plural, Some(namespace));
    let due = all.iter().filter_map(|rollout| {
        Canary {
            store,
            rollout,
            clock,
            hash: hash(&rollout["spec"]["template"].to_string(), 10),
        }
        .run()
    });
    due.min()
}

/// One Rollout.
struct Canary<'a> {
    store: &'a Store,
    rollout: &'a Value,
    clock: Clock,
    /// Of the newest version.
    hash: String,
}

/// How far it is, between two passes: what its status says beside its counts.
struct Place {
    stable: String,
    index: usize,
    /// The pause that it is at: since when.
    pause: Value,
    /// It paused itself.
    held: bool,
    aborted: Value,
    phase: &'static str,
    message: String,
}

impl Canary<'_> {
    fn run(self) -> Option<Timestamp> {
        let status = &self.rollout["status"];
        let steps = self.rollout["spec"]["strategy"]["canary"]["steps"].as_array();
        let steps = steps.map_or(&[][..], Vec::as_slice);
        let is_new = status["currentPodHash"] != self.hash;
        self.ensure_set();
        let index = status["currentStepIndex"].as_u64().unwrap_or_default();
        let mut place = Place {
            stable: text(&status["stableRS"]).to_owned(),
            index: if is_new {
                0
            } else {
                usize::try_from(index).unwrap_or_default()
            },
            pause: if is_new {
                Value::Null
            } else {
                status["pauseConditions"][0]["startTime"].clone()
            },
            held: !is_new && status["controllerPause"] == true,
            aborted: if is_new {
                Value::Null
            } else {
                status["abortedAt"].clone()
            },
            phase: "Progressing",
            message: String::new(),
        };
        let is_told = |what: &str| !is_new && status[what] == true;
        if place.stable.is_empty() || self.clock.quiet || is_told("promoteFull") {
            place.index = steps.len();
        }
        let due = if place.stable == self.hash {
            self.rest(&mut place, steps.len());
            None
        } else if is_told("abort") {
            self.abort(&mut place);
            None
        } else {
            place.aborted = Value::Null;
            self.advance(&mut place, steps)
        };
        self.report(&place, is_told("abort"));
        due
    }

    fn namespace(&self) -> &str {
        text(&self.rollout["metadata"]["namespace"])
    }

    fn name(&self) -> &str {
        text(&self.rollout["metadata"]["name"])
    }

    fn wanted(&self) -> i64 {
        self.rollout["spec"]["replicas"].as_i64().unwrap_or(1)
    }

    fn ensure_set(&self) {
        let name = format!("{}-{}", self.name(), self.hash);
        if self
            .store
            .get("replicasets", self.namespace(), &name)
            .is_some()
        {
            return;
        }
        let spec = &self.rollout["spec"];
        let mut template = spec["template"].clone();
        template["metadata"]["labels"][HASH] = json!(self.hash);
        let mut selector = spec["selector"].clone();
        selector["matchLabels"][HASH] = json!(self.hash);
        let set = json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {
                "namespace": self.namespace(), "name": name, "creationTimestamp": stamp(self.clock.now),
                "labels": template["metadata"]["labels"], "ownerReferences": [reference(self.rollout)],
            },
            "spec": {"replicas": 0, "selector": selector, "template": template},
            "status": {"replicas": 0},
        });
        // Only a malformed object is refused, and this one is not.
        let _ = self.store.apply(set, self.clock.now);
    }

    /// Wants so many pods of the new version, the others of the stable one, and none of earlier ones. Whether the new ones
    /// are there.
    fn scale(&self, place: &Place, new: i64) -> bool {
        let mut is_there = false;
        for set in owned(self.store, "replicasets", self.rollout) {
            let of = text(&set["metadata"]["labels"][HASH]);
            let target = if of == self.hash {
                is_there = int(&set["status"]["availableReplicas"]) >= new;
                new
            } else if of == place.stable {
                self.wanted() - new
            } else {
                0
            };
            if int(&set["spec"]["replicas"]) != target {
                let name = text(&set["metadata"]["name"]);
                self.store
                    .edit("replicasets", self.namespace(), name, |set| {
                        set["spec"]["replicas"] = json!(target);
                    });
            }
        }
        is_there
    }

    /// The newest version has taken over.
    fn rest(&self, place: &mut Place, steps: usize) {
        let is_there = self.scale(place, self.wanted());
        place.index = steps;
        (place.pause, place.held, place.aborted) = (Value::Null, false, Value::Null);
        if is_there {
            place.phase = "Healthy";
        } else {
            "more replicas need to be updated".clone_into(&mut place.message);
        }
    }

    /// The stable version gets everything again.
    fn abort(&self, place: &mut Place) {
        self.scale(place, 0);
        if place.aborted.is_null() {
            place.aborted = json!(stamp(self.clock.now));
            self.note(
                "RolloutAborted",
                "Rollout aborted update to the newest revision",
            );
        }
        (place.index, place.pause, place.held) = (0, Value::Null, false);
        place.phase = "Degraded";
        "RolloutAborted: Rollout aborted update to the newest revision"
            .clone_into(&mut place.message);
    }

    /// Goes on, step by step, as far as it may.
    fn advance(&self, place: &mut Place, steps: &[Value]) -> Option<Timestamp> {
        while let Some(step) = steps.get(place.index) {
            if let Some(weight) = step["setWeight"].as_i64() {
                let new = (self.wanted() * weight + 99) / 100;
                if !self.scale(place, new) {
                    "more replicas need to be updated".clone_into(&mut place.message);
                    return None;
                }
            } else if let Some(pause) = step.get("pause") {
                let is_lifted = place.held && place.pause.is_null();
                if place.pause.is_null() && !is_lifted {
                    place.pause = json!(stamp(self.clock.now));
                    self.note("RolloutPaused", "Rollout is paused (CanaryPauseStep)");
                }
                let due = self.ends(pause, &place.pause);
                if !is_lifted && due.is_none_or(|due| due > self.clock.now) {
                    (place.held, place.phase) = (true, "Paused");
                    "CanaryPauseStep".clone_into(&mut place.message);
                    return due;
                }
                (place.held, place.pause) = (false, Value::Null);
            }
            place.index += 1;
        }
        (place.held, place.pause) = (false, Value::Null);
        if self.scale(place, self.wanted()) {
            place.stable.clone_from(&self.hash);
            self.note(
                "RolloutCompleted",
                "Rollout completed update to the newest revision",
            );
            self.rest(place, steps.len());
        } else {
            "updated replicas are still becoming available".clone_into(&mut place.message);
        }
        None
    }

    /// When a pause ends by itself.
    fn ends(&self, pause: &Value, since: &Value) -> Option<Timestamp> {
        let seconds = span(pause["duration"].as_str()?)?;
        let since: Timestamp = text(since).parse().ok()?;
        Some(scaled(since, seconds * 1000, self.clock.speed))
    }

    fn note(&self, reason: &'static str, words: &str) {
        let note = Note::normal("rollouts-controller", reason, words);
        self.clock.note(self.store, self.rollout, note);
    }

    fn report(&self, place: &Place, aborted: bool) {
        let sets = owned(self.store, "replicasets", self.rollout);
        let sum = |what: &str| {
            sets.iter()
                .map(|set| int(&set["status"][what]))
                .sum::<i64>()
        };
        let new = sets
            .iter()
            .find(|set| set["metadata"]["labels"][HASH] == self.hash);
        let updated = new.map_or(0, |set| int(&set["status"]["replicas"]));
        let pauses: Vec<Value> = [&place.pause]
            .into_iter()
            .filter(|since| since.is_string())
            .map(|since| json!({"reason": "CanaryPauseStep", "startTime": since}))
            .collect();
        let reason = match place.phase {
            "Paused" => "RolloutPaused",
            "Degraded" => "RolloutAborted",
            "Healthy" => "NewReplicaSetAvailable",
            _ => "ReplicaSetUpdated",
        };
        let mut status = json!({
            "observedGeneration": int(&self.rollout["metadata"]["generation"]).to_string(),
            "currentPodHash": self.hash,
            "stableRS": place.stable,
            "currentStepIndex": place.index,
            "controllerPause": place.held,
            "phase": place.phase,
            "replicas": sum("replicas"),
            "updatedReplicas": updated,
            "readyReplicas": sum("readyReplicas"),
            "availableReplicas": sum("availableReplicas"),
            "conditions": [{"type": "Progressing", "reason": reason,
                "status": if aborted { "False" } else { "True" }}],
        });
        let mut more = |key: &str, value: Value| {
            if !value.is_null() {
                status[key] = value;
            }
        };
        more(
            "pauseConditions",
            if pauses.is_empty() {
                Value::Null
            } else {
                json!(pauses)
            },
        );
        more(
            "message",
            if place.message.is_empty() {
                Value::Null
            } else {
                json!(place.message)
            },
        );
        more("abortedAt", place.aborted.clone());
        more(
            "abort",
            if aborted && place.phase == "Degraded" {
                json!(true)
            } else {
                Value::Null
            },
        );
        set_status(self.store, RESOURCE.plural, self.rollout, status);
    }
}

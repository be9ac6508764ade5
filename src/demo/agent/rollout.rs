//! Plays the Deployment and ReplicaSet controllers, with their arithmetic of surge and unavailability.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    events::{Note, record},
    pods::{counts, is_ready, scaled, text},
};
use crate::demo::server::{Store, stamp};

const REVISION: &str = "deployment.kubernetes.io/revision";
const HASH: &str = "pod-template-hash";

/// When each Deployment last progressed, by unique id: its conditions say it in whole seconds only.
pub type Progress = HashMap<String, Timestamp>;

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

/// One pass over the Deployments and ReplicaSets of a namespace; the answer is when a deadline passes next.
pub fn step(
    store: &Store,
    namespace: &str,
    clock: Clock,
    progress: &mut Progress,
) -> Option<Timestamp> {
    for set in store.list("replicasets", Some(namespace)) {
        replica_set(store, &set, clock);
    }
    let deployments = store.list("deployments", Some(namespace));
    deployments
        .iter()
        .filter_map(|deployment| Rollout::of(store, deployment, clock).run(progress))
        .min()
}

/// The pods or ReplicaSets in its namespace that `owner` owns, by name.
pub fn owned(store: &Store, plural: &str, owner: &Value) -> Vec<std::sync::Arc<Value>> {
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

fn reference(owner: &Value) -> Value {
    json!({
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
    })
}

fn replica_set(store: &Store, set: &Value, clock: Clock) {
    let meta = &set["metadata"];
    let (namespace, name) = (text(&meta["namespace"]), text(&meta["name"]));
    let wanted = usize::try_from(int(&set["spec"]["replicas"])).unwrap_or(0);
    let mut pods = owned(store, "pods", set);
    pods.retain(|pod| counts(pod));
    for _ in pods.len()..wanted {
        let pod_name = format!("{name}-{}", hash(&format!("{name}{}", store.version()), 5));
        let body = pod(set, &set["spec"]["template"], &pod_name, &[], clock.now);
        if let Ok(made) = store.apply(body, clock.now) {
            pods.push(made);
        }
        let words = format!("Created pod: {pod_name}");
        clock.note(
            store,
            set,
            Note::normal("replicaset-controller", "SuccessfulCreate", &words),
        );
    }
    if pods.len() > wanted {
        // Those that serve nobody go first, then the youngest.
        pods.sort_by_key(|pod| {
            (
                !is_ready(pod),
                text(&pod["metadata"]["creationTimestamp"]).to_owned(),
            )
        });
        for pod in pods.split_off(wanted) {
            end(store, &pod, clock.now);
            let words = format!("Deleted pod: {}", text(&pod["metadata"]["name"]));
            clock.note(
                store,
                set,
                Note::normal("replicaset-controller", "SuccessfulDelete", &words),
            );
        }
    }
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    store.edit("replicasets", namespace, name, |set| {
        set["status"] = json!({
            "replicas": pods.len(), "fullyLabeledReplicas": pods.len(), "readyReplicas": ready,
            "availableReplicas": ready, "observedGeneration": set["metadata"]["generation"],
        });
    });
}

/// One Deployment with its ReplicaSets, as numbers.
struct Rollout<'a> {
    store: &'a Store,
    deployment: &'a Value,
    clock: Clock,
    hash: String,
    sets: Vec<Set>,
}

struct Set {
    name: String,
    current: bool,
    revision: i64,
    created: String,
    wanted: i64,
    replicas: i64,
    available: i64,
}

impl<'a> Rollout<'a> {
    fn of(store: &'a Store, deployment: &'a Value, clock: Clock) -> Self {
        let hash = hash(&deployment["spec"]["template"].to_string(), 10);
        let sets = owned(store, "replicasets", deployment)
            .iter()
            .map(|set| Set {
                name: text(&set["metadata"]["name"]).to_owned(),
                current: set["metadata"]["labels"][HASH] == hash,
                revision: revision(set),
                created: text(&set["metadata"]["creationTimestamp"]).to_owned(),
                wanted: int(&set["spec"]["replicas"]),
                replicas: int(&set["status"]["replicas"]),
                available: int(&set["status"]["availableReplicas"]),
            })
            .collect();
        Self {
            store,
            deployment,
            clock,
            hash,
            sets,
        }
    }

    fn run(mut self, progress: &mut Progress) -> Option<Timestamp> {
        let paused = self.deployment["spec"]["paused"] == true;
        let mut moved = false;
        if !paused {
            moved |= self.ensure_current();
            moved |= self.scale_up();
            moved |= self.scale_down();
            self.forget_old();
        }
        self.report(paused, moved, progress)
    }

    fn namespace(&self) -> &str {
        text(&self.deployment["metadata"]["namespace"])
    }

    fn wanted(&self) -> i64 {
        self.deployment["spec"]["replicas"].as_i64().unwrap_or(1)
    }

    /// Surge and unavailability as numbers of pods: the one rounds up, the other down, and not both are zero.
    fn limits(&self) -> (i64, i64) {
        let update = &self.deployment["spec"]["strategy"]["rollingUpdate"];
        let wanted = self.wanted();
        let part = |value: &Value, up: bool| match value {
            Value::Number(n) => n.as_i64().unwrap_or(0),
            Value::String(percent) => {
                let percent: i64 = percent.trim_end_matches('%').parse().unwrap_or(25);
                (wanted * percent + if up { 99 } else { 0 }) / 100
            }
            _ => (wanted * 25 + if up { 99 } else { 0 }) / 100,
        };
        let (surge, unavailable) = (
            part(&update["maxSurge"], true),
            part(&update["maxUnavailable"], false),
        );
        if surge == 0 && unavailable == 0 {
            (0, 1)
        } else {
            (surge, unavailable)
        }
    }

    fn ensure_current(&mut self) -> bool {
        let newest = self.sets.iter().map(|s| s.revision).max().unwrap_or(0);
        if let Some(set) = self.sets.iter_mut().find(|s| s.current) {
            if set.revision < newest {
                set.revision = newest + 1;
                let (name, number) = (set.name.clone(), set.revision.to_string());
                self.store
                    .edit("replicasets", self.namespace(), &name, |set| {
                        set["metadata"]["annotations"][REVISION] = json!(number);
                    });
                return true;
            }
            return false;
        }
        let deployment = self.deployment;
        let name = format!("{}-{}", text(&deployment["metadata"]["name"]), self.hash);
        let mut template = deployment["spec"]["template"].clone();
        template["metadata"]["labels"][HASH] = json!(self.hash);
        let mut selector = deployment["spec"]["selector"].clone();
        selector["matchLabels"][HASH] = json!(self.hash);
        let set = json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {
                "namespace": deployment["metadata"]["namespace"], "name": name,
                "creationTimestamp": stamp(self.clock.now),
                "labels": template["metadata"]["labels"], "ownerReferences": [reference(deployment)],
                "annotations": {REVISION: (newest + 1).to_string()},
            },
            "spec": {"replicas": 0, "selector": selector, "template": template},
            "status": {"replicas": 0},
        });
        // Only a malformed object is refused, and this one is not.
        let _ = self.store.apply(set, self.clock.now);
        self.sets.push(Set {
            name,
            current: true,
            revision: newest + 1,
            created: stamp(self.clock.now),
            wanted: 0,
            replicas: 0,
            available: 0,
        });
        true
    }

    fn scale_up(&mut self) -> bool {
        let (wanted, (surge, _)) = (self.wanted(), self.limits());
        let total: i64 = self.sets.iter().map(|s| s.wanted).sum();
        let Some(index) = self.sets.iter().position(|s| s.current) else {
            return false;
        };
        let now = self.sets[index].wanted;
        let target = if now > wanted {
            wanted
        } else {
            wanted.min(now + (wanted + surge - total).max(0))
        };
        self.scale(index, target)
    }

    fn scale_down(&mut self) -> bool {
        let (wanted, (_, unavailable)) = (self.wanted(), self.limits());
        let least = wanted - unavailable;
        let Some(current) = self.sets.iter().find(|s| s.current) else {
            return false;
        };
        let total: i64 = self.sets.iter().map(|s| s.wanted).sum();
        let mut spare = total - least - (current.wanted - current.available);
        if spare <= 0 {
            return false;
        }
        let mut old: Vec<usize> = (0..self.sets.len())
            .filter(|i| !self.sets[*i].current)
            .collect();
        old.sort_by_key(|i| self.sets[*i].created.clone());
        let mut moved = false;
        // Old pods that serve nobody go without asking how many are left.
        for index in &old {
            let set = &self.sets[*index];
            let idle = (set.wanted - set.available).min(spare).max(0);
            spare -= idle;
            moved |= self.scale(*index, self.sets[*index].wanted - idle);
        }
        let available: i64 = self.sets.iter().map(|s| s.available.min(s.wanted)).sum();
        let mut spare = (available - least).max(0);
        for index in &old {
            let less = self.sets[*index].wanted.min(spare).max(0);
            spare -= less;
            moved |= self.scale(*index, self.sets[*index].wanted - less);
        }
        moved
    }

    fn scale(&mut self, index: usize, target: i64) -> bool {
        let set = &mut self.sets[index];
        let before = set.wanted;
        if before == target {
            return false;
        }
        set.wanted = target;
        let name = set.name.clone();
        self.store
            .edit("replicasets", self.namespace(), &name, |set| {
                set["spec"]["replicas"] = json!(target);
            });
        let direction = if target > before { "up" } else { "down" };
        let words = format!("Scaled {direction} replica set {name} from {before} to {target}");
        let note = Note::normal("deployment-controller", "ScalingReplicaSet", &words);
        self.clock.note(self.store, self.deployment, note);
        true
    }

    fn forget_old(&mut self) {
        let mut idle: Vec<&Set> = self
            .sets
            .iter()
            .filter(|s| !s.current && s.wanted + s.replicas == 0)
            .collect();
        idle.sort_by_key(|s| s.revision);
        let surplus = idle.len().saturating_sub(10);
        for set in &idle[..surplus] {
            self.store
                .remove("replicasets", self.namespace(), &set.name);
        }
    }

    /// Writes the status; the answer is when the progress deadline passes, while it runs.
    fn report(&self, paused: bool, moved: bool, progress: &mut Progress) -> Option<Timestamp> {
        let before = &self.deployment["status"];
        let wanted = self.wanted();
        let sum = |of: &dyn Fn(&Set) -> i64| self.sets.iter().map(of).sum::<i64>();
        let (replicas, available) = (sum(&|s| s.replicas), sum(&|s| s.available));
        let current = self.sets.iter().find(|s| s.current);
        let updated = current.map_or(0, |s| s.replicas);
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

fn find<'a>(conditions: &'a Value, kind: &str) -> Option<&'a Value> {
    conditions.as_array()?.iter().find(|c| c["type"] == kind)
}

fn revision(set: &Value) -> i64 {
    text(&set["metadata"]["annotations"][REVISION])
        .parse()
        .unwrap_or(0)
}

/// A number, 0 where there is none.
pub fn int(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

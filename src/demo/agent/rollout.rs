//! Plays the Deployment controller, with its arithmetic of surge and unavailability. The rules are those of
//! `pkg/controller/deployment` in Kubernetes: what it does to pods, and in which order, is what operators know.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    conditions::Progress,
    events::Note,
    objects::{Clock, hash, int, owned, reference, text},
    replicas,
};
use crate::demo::server::{Store, stamp};

/// The annotation that numbers a Deployment's revisions.
pub const REVISION: &str = "deployment.kubernetes.io/revision";
const HASH: &str = "pod-template-hash";

/// One pass over the Deployments and ReplicaSets of a namespace; the answer is when a deadline passes next.
pub fn step(
    store: &Store,
    namespace: &str,
    clock: Clock,
    progress: &mut Progress,
) -> Option<Timestamp> {
    for set in store.list("replicasets", Some(namespace)) {
        replicas::step(store, &set, clock);
    }
    let deployments = store.list("deployments", Some(namespace));
    deployments
        .iter()
        .filter_map(|deployment| Rollout::of(store, deployment, clock).run(progress))
        .min()
}

/// One Deployment with its ReplicaSets, as numbers.
pub struct Rollout<'a> {
    pub(super) store: &'a Store,
    pub(super) deployment: &'a Value,
    pub(super) clock: Clock,
    hash: String,
    pub(super) sets: Vec<Set>,
}

/// One ReplicaSet, as numbers.
pub struct Set {
    pub(super) name: String,
    pub(super) current: bool,
    pub(super) revision: i64,
    pub(super) created: String,
    pub(super) wanted: i64,
    pub(super) replicas: i64,
    pub(super) available: i64,
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

    /// One pass: a paused Deployment only reports.
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

    /// Where it lives.
    pub(super) fn namespace(&self) -> &str {
        text(&self.deployment["metadata"]["namespace"])
    }

    /// How many pods it wants; the API's default is one.
    pub(super) fn wanted(&self) -> i64 {
        self.deployment["spec"]["replicas"].as_i64().unwrap_or(1)
    }

    /// Surge and unavailability as numbers of pods: the one rounds up, the other down, and not both are zero.
    pub(super) fn limits(&self) -> (i64, i64) {
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

    /// Makes the ReplicaSet of the present template, or takes an old one of the same template up again: its revision
    /// then becomes the newest, so that `kubectl rollout history` tells the truth.
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

    /// As many new pods as the surge allows beside all others, broken ones included.
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

    /// As few old pods as availability allows. New pods that are not available yet count against it: this is what
    /// keeps the old version serving while the new one crashes.
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
        // What was just scaled down is not available any more, whatever its status still says.
        let available: i64 = self.sets.iter().map(|s| s.available.min(s.wanted)).sum();
        let mut spare = (available - least).max(0);
        for index in &old {
            let less = self.sets[*index].wanted.min(spare).max(0);
            spare -= less;
            moved |= self.scale(*index, self.sets[*index].wanted - less);
        }
        moved
    }

    /// Whether it had to be scaled at all; the event's words are the real controller's.
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

    /// Keeps ten old ReplicaSets, the default `revisionHistoryLimit`.
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
}

/// A ReplicaSet's revision, 0 before it has one.
fn revision(set: &Value) -> i64 {
    text(&set["metadata"]["annotations"][REVISION])
        .parse()
        .unwrap_or(0)
}

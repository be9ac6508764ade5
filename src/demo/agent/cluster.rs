//! One simulated cluster: what Git declares is applied, and the controllers bring it about.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    canary,
    conditions::Progress,
    objects::{Clock, text},
    pods::Kubelet,
    rollout, sets,
};
use crate::demo::server::{Store, stamp};

/// How finely time passes in a past that is lived through.
const STRIDE: SignedDuration = SignedDuration::from_secs(1);

/// One cluster's controllers and kubelets over its store.
#[derive(Debug)]
pub struct Cluster {
    store: Store,
    kubelet: Kubelet,
    progress: Progress,
    speed: f64,
    seen: u64,
    /// When something is due next, by namespace.
    due: BTreeMap<String, Timestamp>,
}

impl Cluster {
    /// Controllers over `store` of `environment`, `speed` times as fast as usual. `images` can be pulled; empty: all.
    pub fn new(store: Store, environment: &str, speed: f64, images: HashSet<String>) -> Self {
        Self {
            kubelet: Kubelet::new(environment, speed, images),
            store,
            progress: Progress::new(),
            speed,
            seen: 0,
            due: BTreeMap::new(),
        }
    }

    /// Its objects.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Applies a workload as declared: what the cluster's own controllers and people wrote beside it stays.
    pub fn apply(&self, declared: &Value, now: Timestamp) {
        let meta = &declared["metadata"];
        let plural = match text(&declared["kind"]) {
            "Deployment" => "deployments",
            "StatefulSet" => "statefulsets",
            "Rollout" => canary::RESOURCE.plural,
            _ => "daemonsets",
        };
        let changed = self.store.edit(
            plural,
            text(&meta["namespace"]),
            text(&meta["name"]),
            |object| {
                object["metadata"]["labels"] = meta["labels"].clone();
                let paused = object["spec"].get("paused").cloned();
                object["spec"] = declared["spec"].clone();
                if let Some(paused) = paused {
                    object["spec"]["paused"] = paused;
                }
            },
        );
        if changed.is_none() {
            // Only a malformed object is refused; the manifests are read before they come here.
            let _ = self.store.apply(declared.clone(), now);
        }
    }

    /// Lets the controllers do what is due at `now`; the answer is when something is due next. Cheap when nothing
    /// changed and nothing is due.
    pub fn step(&mut self, now: Timestamp) -> Option<Timestamp> {
        let clock = Clock {
            now,
            speed: self.speed,
            quiet: self.kubelet.instant,
        };
        // Each pass can give the next one something to do; a rollout settles in a few.
        for _ in 0..64 {
            let namespaces = self.busy(now);
            if namespaces.is_empty() {
                break;
            }
            for namespace in namespaces {
                let deadline = rollout::step(&self.store, &namespace, clock, &mut self.progress);
                sets::step(&self.store, &namespace, &self.kubelet.nodes, clock);
                let pause = canary::step(&self.store, &namespace, clock);
                let pods = self.kubelet.step(&self.store, &namespace, now);
                match [deadline, pause, pods].into_iter().flatten().min() {
                    Some(due) => self.due.insert(namespace, due),
                    None => self.due.remove(&namespace),
                };
            }
        }
        self.due.values().min().copied()
    }

    /// The namespaces in which something changed since the last time, or is due.
    fn busy(&mut self, now: Timestamp) -> BTreeSet<String> {
        let due = self.due.iter().filter(|(_, due)| **due <= now);
        let mut busy: BTreeSet<String> = due.map(|(namespace, _)| namespace.clone()).collect();
        let seen = std::mem::replace(&mut self.seen, self.store.version());
        if let Ok((_, changes)) = self.store.since(seen) {
            let objects = changes
                .iter()
                .filter(|c| c.plural != "events")
                .map(|c| &c.after);
            busy.extend(objects.map(|object| text(&object["metadata"]["namespace"]).to_owned()));
        } else {
            let all = self.store.list("namespaces", None);
            busy.extend(all.iter().map(|n| text(&n["metadata"]["name"]).to_owned()));
        }
        busy
    }

    /// Lives through the time from `from` to `to`, as if it had passed.
    pub fn pass(&mut self, from: Timestamp, to: Timestamp) {
        let mut now = from;
        while now < to {
            match self.step(now) {
                // In strides: what falls due within one is still dated by when it was due.
                Some(due) if due <= to => now = due.max(now.saturating_add(STRIDE).unwrap_or(to)),
                _ => break,
            }
        }
        self.step(to);
    }

    /// Gives a workload a past: it ran `versions` one after the other, each rolled out at once at its moment, with
    /// ReplicaSets to show for it.
    pub fn remember(&mut self, declare: &dyn Fn(&str) -> Value, versions: &[(String, Timestamp)]) {
        self.kubelet.instant = true;
        for (i, (version, time)) in versions.iter().enumerate() {
            let mut declared = declare(version);
            if i + 1 < versions.len() {
                // Pods that are gone today need not have been made; only ReplicaSets remain of a past version.
                if declared["kind"] != "Deployment" {
                    continue;
                }
                declared["spec"]["replicas"] = json!(0);
            }
            if let Some((_, first)) = versions.first() {
                declared["metadata"]["creationTimestamp"] = json!(stamp(*first));
            }
            self.apply(&declared, *time);
            self.step(*time);
        }
        self.kubelet.instant = false;
    }
}

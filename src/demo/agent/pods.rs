//! Plays scheduler and kubelet: pods are scheduled, pulled, started, probed, crash, back off and end.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    events::{Note, record},
    objects::text,
    secrets,
};
use crate::demo::server::{Store, stamp};

/// What becomes of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Becomes ready.
    Well,
    /// Starts and ends with an error, again and again.
    Crash,
    /// Its image does not exist.
    NoImage,
}

/// Where a pod is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Not on a node yet.
    Pending,
    /// Its image is being pulled.
    Creating,
    /// Runs, and has not passed its probe.
    Started,
    /// Ready; nothing more happens by itself.
    Settled,
    /// Waits for what its configuration refers to.
    Configured,
    /// Waits to be tried again.
    BackOff,
    /// Told to stop.
    Ending,
}

#[derive(Clone, Copy, Debug)]
struct Life {
    stage: Stage,
    /// When the next thing happens.
    due: Timestamp,
    restarts: i64,
}

/// The kubelets of one cluster.
#[derive(Debug)]
pub struct Kubelet {
    /// Names of the nodes.
    pub nodes: Vec<String>,
    /// Whether everything happens at once: how a cluster gets its past.
    pub instant: bool,
    environment: String,
    speed: f64,
    /// Image references that can be pulled; empty: all.
    images: HashSet<String>,
    /// By namespace and unique id.
    lives: HashMap<String, HashMap<String, Life>>,
    dice: u64,
}

impl Kubelet {
    /// Kubelets in the cluster of `environment`, `speed` times as fast as usual, that can pull `images`.
    pub fn new(environment: &str, speed: f64, images: HashSet<String>) -> Self {
        let count = if environment == "dev" { 2 } else { 3 };
        Self {
            nodes: (0..count)
                .map(|i| format!("{environment}-node-{}", char::from(b'a' + i)))
                .collect(),
            instant: false,
            environment: environment.to_owned(),
            speed,
            images,
            lives: HashMap::new(),
            dice: 0,
        }
    }

    /// Does what is due in a namespace; the answer is when something is due there next.
    pub fn step(&mut self, store: &Store, namespace: &str, now: Timestamp) -> Option<Timestamp> {
        let mut before = self.lives.remove(namespace).unwrap_or_default();
        let mut lives = HashMap::new();
        for pod in &store.list("pods", Some(namespace)) {
            let uid = text(&pod["metadata"]["uid"]).to_owned();
            let mut life = before.remove(&uid).unwrap_or_else(|| Life {
                stage: Stage::Pending,
                due: self.after(now, 100, 400),
                restarts: 0,
            });
            if !counts(pod) && life.stage != Stage::Ending {
                life.stage = Stage::Ending;
                life.due = self.after(now, 900, 2200);
                let words = stopping(pod);
                self.note(store, pod, now, Note::normal("kubelet", "Killing", &words));
            }
            let mut gone = false;
            while !gone && life.due <= now && life.stage != Stage::Settled {
                let due = life.due;
                gone = self.advance(store, pod, &mut life, due);
            }
            if !gone {
                lives.insert(uid, life);
            }
        }
        let moving = lives.values().filter(|life| life.stage != Stage::Settled);
        let due = moving.map(|life| life.due).min();
        self.lives.insert(namespace.to_owned(), lives);
        due
    }

    /// One step of a pod's life, at the moment it was due rather than when it is looked at; `true` when it is gone.
    fn advance(&mut self, store: &Store, pod: &Value, life: &mut Life, now: Timestamp) -> bool {
        let meta = &pod["metadata"];
        let (namespace, name) = (text(&meta["namespace"]), text(&meta["name"]));
        let container = &pod["spec"]["containers"][0];
        let (image, container_name) = (text(&container["image"]), text(&container["name"]));
        let fate = self.fate(image);
        let edit = |change: &dyn Fn(&mut Value)| {
            store.edit("pods", namespace, name, |pod| change(pod));
        };
        match life.stage {
            Stage::Pending => {
                let node = self.node(pod);
                edit(&|pod| {
                    pod["spec"]["nodeName"] = json!(node);
                    pod["status"]["phase"] = json!("Pending");
                    pod["status"]["startTime"] = json!(stamp(now));
                    condition(pod, "PodScheduled", true, now);
                    condition(pod, "Initialized", true, now);
                    condition(pod, "ContainersReady", false, now);
                    condition(pod, "Ready", false, now);
                    container_status(
                        pod,
                        json!({"waiting": {"reason": "ContainerCreating"}}),
                        false,
                    );
                });
                let words = format!("Successfully assigned {namespace}/{name} to {node}");
                self.note(
                    store,
                    pod,
                    now,
                    Note::normal("default-scheduler", "Scheduled", &words),
                );
                self.note(
                    store,
                    pod,
                    now,
                    Note::normal("kubelet", "Pulling", &format!("Pulling image \"{image}\"")),
                );
                life.stage = Stage::Creating;
                life.due = self.after(now, 700, 1800);
            }
            Stage::Creating if fate == Fate::NoImage => {
                let words =
                    format!("Failed to pull image \"{image}\": not found: manifest unknown");
                self.note(store, pod, now, Note::warning("kubelet", "Failed", &words));
                edit(&|pod| {
                    let waiting = json!({"waiting": {"reason": "ErrImagePull", "message": words}});
                    container_status(pod, waiting, false);
                });
                life.stage = Stage::BackOff;
                life.due = self.after(now, 1500, 2500);
            }
            Stage::Creating | Stage::Configured if let Some(words) = self.lacks(store, pod) => {
                let words = words.as_str();
                self.note(
                    store,
                    pod,
                    now,
                    Note::warning("kubelet", "Failed", &format!("Error: {words}")),
                );
                edit(&|pod| {
                    let waiting = json!({"waiting":
                        {"reason": "CreateContainerConfigError", "message": words}});
                    container_status(pod, waiting, false);
                });
                life.stage = Stage::Configured;
                life.due = self.after(now, 10_000, 14_000);
            }
            Stage::Creating | Stage::Configured => {
                let words = format!("Container image \"{image}\" already present on machine");
                let started = format!("Started container {container_name}");
                self.note(store, pod, now, Note::normal("kubelet", "Pulled", &words));
                self.note(
                    store,
                    pod,
                    now,
                    Note::normal("kubelet", "Started", &started),
                );
                edit(&|pod| {
                    pod["status"]["phase"] = json!("Running");
                    pod["status"]["podIP"] = json!("10.0.0.1");
                    container_status(pod, json!({"running": {"startedAt": stamp(now)}}), false);
                });
                life.stage = Stage::Started;
                life.due = match fate {
                    Fate::Crash => self.after(now, 900, 1500),
                    _ => self.after(now, 1200, 3200),
                };
            }
            Stage::Started if fate == Fate::Crash => {
                life.restarts += 1;
                let restarts = life.restarts;
                edit(&|pod| crashed(pod, container_name, restarts, now));
                let words = format!(
                    "Back-off restarting failed container {container_name} in pod {name}_{namespace}"
                );
                self.note(store, pod, now, Note::warning("kubelet", "BackOff", &words));
                life.stage = Stage::BackOff;
                // Doubles each time, as the real back-off does, but from two seconds: nobody watches a demo for minutes.
                let delay = (2000 << restarts.min(6)).min(60_000);
                life.due = self.after(now, delay, delay + 500);
            }
            Stage::Started => {
                edit(&|pod| {
                    container_ready(pod);
                    condition(pod, "ContainersReady", true, now);
                    condition(pod, "Ready", true, now);
                });
                life.stage = Stage::Settled;
            }
            Stage::BackOff if fate == Fate::NoImage => {
                let words = format!("Back-off pulling image \"{image}\"");
                self.note(store, pod, now, Note::warning("kubelet", "BackOff", &words));
                edit(&|pod| {
                    let waiting =
                        json!({"waiting": {"reason": "ImagePullBackOff", "message": words}});
                    container_status(pod, waiting, false);
                });
                life.due = self.after(now, 15_000, 20_000);
            }
            Stage::BackOff => {
                edit(&|pod| {
                    container_status(pod, json!({"running": {"startedAt": stamp(now)}}), false);
                });
                life.stage = Stage::Started;
                life.due = self.after(now, 900, 1500);
            }
            Stage::Ending => {
                store.remove("pods", namespace, name);
                return true;
            }
            Stage::Settled => {}
        }
        false
    }

    /// What a container of the pod refers to and cannot do without, where that is not there.
    fn lacks(&self, store: &Store, pod: &Value) -> Option<String> {
        if self.instant {
            return None;
        }
        secrets::missing(store, pod)
    }

    /// Writes an event, unless a past is being made.
    fn note(&self, store: &Store, pod: &Value, now: Timestamp, note: Note<'_>) {
        if !self.instant {
            record(store, pod, note, now);
        }
    }

    /// The bad release starts nowhere in production: there its configuration is missing.
    fn fate(&self, image: &str) -> Fate {
        if self.instant {
            Fate::Well
        } else if self.environment.starts_with("prod") && image.ends_with("/checkout:1.42.0") {
            Fate::Crash
        } else if self.images.is_empty() || self.images.contains(image) {
            Fate::Well
        } else {
            Fate::NoImage
        }
    }

    /// A daemon's pod knows its node; the others are spread.
    fn node(&mut self, pod: &Value) -> String {
        if let Some(node) = pod["spec"]["nodeName"].as_str() {
            return node.to_owned();
        }
        let index = self.roll(self.nodes.len() as u64);
        let index = usize::try_from(index).unwrap_or(0);
        self.nodes.get(index).cloned().unwrap_or_default()
    }

    /// A moment between `low` and `high` milliseconds after `now`, at the speed set.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    fn after(&mut self, now: Timestamp, low: i64, high: i64) -> Timestamp {
        if self.instant {
            return now;
        }
        let span = u64::try_from(high - low).unwrap_or(1).max(1);
        let milliseconds = low + i64::try_from(self.roll(span)).unwrap_or(0);
        scaled(now, milliseconds, self.speed)
    }

    /// A pseudo-random number below `sides`: the same in every run.
    fn roll(&mut self, sides: u64) -> u64 {
        self.dice = self
            .dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) % sides.max(1)
    }
}

/// `milliseconds` after `now` where everything is `speed` times as fast.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
pub fn scaled(now: Timestamp, milliseconds: i64, speed: f64) -> Timestamp {
    let real = (milliseconds as f64 / speed.max(0.001)) as i64;
    now.saturating_add(SignedDuration::from_millis(real.max(1)))
        .unwrap_or(now)
}

/// Whether a pod counts: it is not ending.
pub fn counts(pod: &Value) -> bool {
    pod["metadata"]["deletionTimestamp"].is_null()
}

/// Whether a pod passes its readiness probe.
pub fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.is_some_and(|all| {
        all.iter()
            .any(|c| c["type"] == "Ready" && c["status"] == "True")
    })
}

/// What the kubelet says when it ends a pod.
fn stopping(pod: &Value) -> String {
    let container = text(&pod["spec"]["containers"][0]["name"]);
    format!("Stopping container {container}")
}

/// Sets a condition; its transition time moves only with its status.
fn condition(pod: &mut Value, kind: &str, holds: bool, now: Timestamp) {
    let status = if holds { "True" } else { "False" };
    let mut new = json!({"type": kind, "status": status, "lastProbeTime": null, "lastTransitionTime": stamp(now)});
    if !holds {
        new["reason"] = json!("ContainersNotReady");
    }
    if !pod["status"]["conditions"].is_array() {
        pod["status"]["conditions"] = json!([]);
    }
    let Some(all) = pod["status"]["conditions"].as_array_mut() else {
        return;
    };
    match all.iter_mut().find(|c| c["type"] == kind) {
        Some(old) if old["status"] == status => {}
        Some(old) => *old = new,
        None => all.push(new),
    }
}

/// Sets the state of the one container; restarts and the last state stay.
fn container_status(pod: &mut Value, state: Value, ready: bool) {
    let container = &pod["spec"]["containers"][0];
    let (name, image) = (container["name"].clone(), container["image"].clone());
    let before = &pod["status"]["containerStatuses"][0];
    let restarts = before["restartCount"].as_i64().unwrap_or(0);
    let last = match &before["lastState"] {
        Value::Null => json!({}),
        last => last.clone(),
    };
    pod["status"]["containerStatuses"] = json!([{
        "name": name, "image": image, "imageID": "", "ready": ready, "started": ready,
        "restartCount": restarts, "state": state, "lastState": last,
    }]);
}

/// The container passes its probe; its state stays.
fn container_ready(pod: &mut Value) {
    let state = pod["status"]["containerStatuses"][0]["state"].clone();
    container_status(pod, state, true);
}

/// The container has ended with an error and waits to be started again.
fn crashed(pod: &mut Value, container: &str, restarts: i64, now: Timestamp) {
    let started = pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"].clone();
    let message = "fatal: PAYMENTS_V3_URL is not set";
    let name = text(&pod["metadata"]["name"]).to_owned();
    let waiting = json!({"waiting": {"reason": "CrashLoopBackOff", "message": format!(
        "back-off restarting failed container={container} pod={name}")}});
    container_status(pod, waiting, false);
    pod["status"]["containerStatuses"][0]["restartCount"] = json!(restarts);
    pod["status"]["containerStatuses"][0]["lastState"] = json!({"terminated": {
        "exitCode": 1, "reason": "Error", "message": message, "startedAt": started, "finishedAt": stamp(now)}});
}

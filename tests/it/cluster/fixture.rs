//! A server with a service in it, and a watcher whose views can be waited for.

#![allow(clippy::unwrap_used)] // a fixture fails by panicking

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate::{
    demo::server::{ApiServer, ServerOptions, kubeconfig},
    domain::{
        ids::CellKey,
        rollout::{
            CellTarget, ClusterEvent, ClusterTarget, ClusterView, ClusterViews, Connection, Held,
            LiveCell, ObjectKind, ObjectPlace, Which,
        },
    },
    sources::cluster::{Options, Watching, watch},
};
use tokio::sync::mpsc;

/// How long anything may take before a test gives up on it.
const DEADLINE: Duration = Duration::from_secs(20);

pub async fn server(name: &str) -> ApiServer {
    ApiServer::start(ServerOptions::new(name)).await.unwrap()
}

/// A Deployment of `replicas` pods on `version`, at rest and healthy, with its `ReplicaSet` and pods.
pub fn deploy(server: &ApiServer, namespace: &str, name: &str, version: &str, replicas: u32) {
    let set = format!("{name}-{}", version.replace('.', ""));
    let template = json!({
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "app", "image": format!("reg.example.com/{name}:{version}")}]},
    });
    let before = server.store().get("deployments", namespace, name);
    let revision = before.map_or(1, |before| {
        let text = before["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str();
        text.unwrap().parse::<u32>().unwrap() + 1
    });
    let annotations = json!({"deployment.kubernetes.io/revision": revision.to_string()});
    apply(
        server,
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}, "annotations": annotations},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template},
            // Ahead of any generation: the controller has seen everything.
            "status": {"observedGeneration": 1000, "replicas": replicas, "updatedReplicas": replicas,
                "readyReplicas": replicas, "availableReplicas": replicas},
        }),
    );
    apply(
        server,
        json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": set, "namespace": namespace, "labels": {"app": name}, "annotations": annotations,
                "ownerReferences": [owner("Deployment", name)]},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template},
            "status": {"replicas": replicas, "readyReplicas": replicas},
        }),
    );
    for i in 0..replicas {
        apply(server, pod(namespace, &set, name, version, i));
    }
}

pub fn pod(namespace: &str, set: &str, name: &str, version: &str, i: u32) -> Value {
    let image = format!("reg.example.com/{name}:{version}");
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("{set}-{i}"), "namespace": namespace, "labels": {"app": name},
            "ownerReferences": [owner("ReplicaSet", set)]},
        "spec": {"nodeName": "node-1", "containers": [{"name": "app", "image": image}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-21T10:00:00Z"}],
            "containerStatuses": [{"name": "app", "image": image, "imageID": "", "ready": true, "started": true,
                "restartCount": 0, "state": {"running": {"startedAt": "2026-11-21T10:00:00Z"}}}],
        },
    })
}

fn owner(kind: &str, name: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": name, "controller": true})
}

pub fn apply(server: &ApiServer, object: Value) {
    server.store().apply(object, Timestamp::UNIX_EPOCH).unwrap();
}

/// `Environment` × cells in these namespaces, in the context of the same name.
pub fn target(environment: &str, cells: &[(&str, &str)]) -> ClusterTarget {
    target_in(environment, environment, cells)
}

/// The same in a context.
pub fn target_in(context: &str, environment: &str, cells: &[(&str, &str)]) -> ClusterTarget {
    let cells = cells.iter().map(|(namespace, name)| CellTarget {
        cell: CellKey::new(*name, environment),
        places: vec![ObjectPlace {
            context: context.into(),
            kinds: &ObjectKind::WORKLOADS,
            namespace: (*namespace).into(),
            object: Which::Name((*name).into()),
        }],
        image_names: vec![(*name).to_owned()],
        desired: None,
        subject: tidegate::domain::subject::Subject::Image,
        written: None,
        policy: None,
    });
    ClusterTarget::new(environment.into(), context.to_owned(), cells.collect())
}

/// A watcher with what it says.
pub struct Console {
    pub watching: Watching,
    pub targets: Vec<ClusterTarget>,
    views: ClusterViews,
    heard: mpsc::Receiver<(String, ClusterEvent)>,
    /// Reasons of the losses so far.
    pub losses: Vec<String>,
}

impl Console {
    pub fn start(targets: Vec<ClusterTarget>, options: Options) -> Self {
        let (sender, heard) = mpsc::channel(64);
        let mut views = ClusterViews::default();
        views.retarget(&targets);
        Self {
            watching: watch(&targets, sender, options),
            targets,
            views,
            heard,
            losses: Vec::new(),
        }
    }

    pub fn retarget(&mut self, targets: Vec<ClusterTarget>) {
        self.views.retarget(&targets);
        self.watching.retarget(&targets);
        self.targets = targets;
    }

    /// Takes in events until `condition` holds, and says what was there instead when it never does.
    pub async fn until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        let deadline = tokio::time::Instant::now() + DEADLINE;
        while !condition(self) {
            let heard = tokio::time::timeout_at(deadline, self.heard.recv()).await;
            match heard.unwrap_or_default() {
                Some((context, event)) => {
                    if let ClusterEvent::Lost { reason, .. } = &event {
                        self.losses.push(reason.clone());
                    }
                    self.views.apply(&context, event, Timestamp::now());
                }
                None => panic!(
                    "{what}: not within {DEADLINE:?}; {:#?}; lost: {:?}",
                    self.views, self.losses
                ),
            }
        }
    }

    /// Asks for what cells wait for by its name, as the screen does; returns how much that is.
    pub fn hold(&mut self) -> usize {
        let mut wanted: BTreeMap<String, BTreeSet<Held>> = BTreeMap::new();
        for cell in self.targets.iter().flat_map(ClusterTarget::cells) {
            let live = self.views.live(cell, Timestamp::now());
            for (context, held) in self.views.held(cell, &live) {
                wanted.entry(context).or_default().insert(held);
            }
        }
        self.views.hold(&wanted);
        self.watching.hold(&wanted);
        wanted.values().map(BTreeSet::len).sum()
    }

    /// What is known of a context.
    pub fn view(&self, context: &str) -> &ClusterView {
        self.views.view(context).unwrap()
    }

    /// How well an environment's cluster is known.
    pub fn connection(&self, environment: &str) -> Connection {
        let mut targets = self.targets.iter();
        let target = targets.find(|it| it.environment.as_str() == environment);
        self.views.connection(target.unwrap())
    }

    /// What a context that is asked for agents alone does not say.
    pub fn silence(&self, context: &str) -> Option<String> {
        let problem = self.views.silence(context, DEADLINE);
        problem.map(|problem| problem.message)
    }

    pub fn cell(&self, environment: &str, service: &str) -> LiveCell {
        let key = CellKey::new(service, environment);
        let mut cells = self.targets.iter().flat_map(ClusterTarget::cells);
        let target = cells.find(|cell| cell.cell == key).unwrap();
        self.views.live(target, Timestamp::now())
    }
}

/// Kubeconfigs in a folder that goes with the test, and a watcher's options for them.
pub struct Home {
    pub folder: TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Options with one kubeconfig for these servers; impatient, so that tests are quick.
    pub fn options(&self, servers: &[&ApiServer]) -> Options {
        impatient(vec![
            self.file("config", &kubeconfig(servers.iter().copied())),
        ])
    }
}

pub fn impatient(kubeconfig: Vec<PathBuf>) -> Options {
    Options {
        kubeconfig,
        argocd: Vec::new(),
        heartbeat: Duration::from_millis(200),
        patience: Duration::from_secs(1),
        answer: Duration::from_secs(1),
        first_wait: Duration::from_millis(50),
        longest_wait: Duration::from_millis(400),
        ask_again: Duration::from_millis(200),
    }
}

//! Clusters with many pods behind the screen: how much memory and how much of a core it takes, at rest and under a thousand
//! changes a second, and how soon a pod that starts is seen. Beside it, in the same run, k9s on one of the clusters, where k9s
//! is installed.
//!
//! ```text
//! cargo bench --bench fleet            # 5,000 and 10,000 pods; TIDEGATE_BENCH_K9S names k9s where it is not on the path
//! ```
//!
//! The API servers are in this process, and speak the protocol over loopback sockets.
#![allow(clippy::expect_used, clippy::print_stdout)] // a harness fails by panicking, and says what it measured

mod support;
#[path = "../tests/it/support/terminal.rs"]
mod terminal;
#[path = "../tests/it/support/view.rs"]
mod view;

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate::demo::server::{ApiServer, ServerOptions, Store, kubeconfig};

use support::{Bench, Size};
use terminal::{Setup, Terminal};

/// What is simulated.
struct Fleet {
    services: usize,
    clusters: usize,
    pods: usize,
}

/// Changes a second while it is busy, over all clusters.
const CHANGES: u64 = 1_000;
/// How often a pod is started to see how soon it is on the screen.
const STARTS: usize = 10;
/// The longest that anything may take.
const PATIENCE: Duration = Duration::from_mins(3);

fn main() {
    // `cargo bench` says `--bench`; whoever only tries whether it runs, does not.
    let whole = std::env::args().any(|it| it == "--bench");
    let fleet = |services, clusters, pods| Fleet {
        services,
        clusters,
        pods,
    };
    if !whole {
        return measure(&fleet(4, 2, 12), Duration::from_secs(1), false);
    }
    let times = Duration::from_secs(20);
    measure(&fleet(500, 1, 5_000), times, true);
    measure(&fleet(1_000, 8, 5_000), times, false);
    measure(&fleet(1_000, 8, 10_000), times, false);
}

fn measure(fleet: &Fleet, span: Duration, beside: bool) {
    let Fleet {
        services,
        clusters,
        pods,
    } = *fleet;
    println!("{services} services in {clusters} clusters, {pods} pods");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let servers = runtime.block_on(start(fleet));
    let home = TempDir::new().expect("a folder");
    let config = home.path().join("kubeconfig");
    std::fs::write(&config, kubeconfig(&servers)).expect("a kubeconfig");
    let bench = Bench::generated(&Size {
        services,
        environments: clusters,
        merges: 20,
    });
    std::fs::write(bench.config(), configuration(clusters)).expect("a configuration");
    let stores: Vec<Store> = servers.iter().map(|it| it.store().clone()).collect();
    let repo = bench.repo().display().to_string();
    let file = bench.config().display().to_string();
    let own = Console {
        name: "tidegate",
        setup: Setup::tidegate(&["--repo", &repo, "--config", &file])
            .env("KUBECONFIG", &config)
            .size(120, 40),
        ready: vec![format!("clusters {clusters}/{clusters} live")],
        // The row, and the cell: there its pods are listed.
        keys: &["/service-0000\r", "\r"],
    };
    own.run(&stores, span);
    if let Some(k9s) = k9s().filter(|_| beside) {
        let other = Console {
            name: "k9s",
            setup: k9s_setup(&k9s, &config),
            // It writes thousands with a comma, or did not.
            ready: vec![
                format!("[{pods}]"),
                format!("[{},{:03}]", pods / 1000, pods % 1000),
            ],
            keys: &["/service-0000-\r"],
        };
        other.run(&stores, span);
    } else if beside {
        println!("  k9s is not installed");
    }
    println!();
}

fn k9s() -> Option<PathBuf> {
    let named = std::env::var_os("TIDEGATE_BENCH_K9S").map(PathBuf::from);
    let on_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path)
            .map(|it| it.join("k9s"))
            .find(|it| it.is_file())
    };
    named.or_else(on_path)
}

fn k9s_setup(program: &Path, config: &Path) -> Setup {
    Setup::program(
        program,
        &[
            "--context",
            "env-0",
            "-A",
            "-c",
            "pods",
            "--logoless",
            "--splashless",
        ],
    )
    .env("KUBECONFIG", config)
    .size(120, 40)
}

/// A program that shows pods.
struct Console {
    name: &'static str,
    setup: Setup,
    /// What its screen says when it knows all.
    ready: Vec<String>,
    /// What brings the pods of the first service on the screen.
    keys: &'static [&'static str],
}

impl Console {
    fn run(self, stores: &[Store], span: Duration) {
        let began = Instant::now();
        let mut terminal = self.setup.start();
        terminal.until("all that there is", PATIENCE, |view| {
            self.ready.iter().any(|it| view.has(it))
        });
        let known = began.elapsed();
        settle(&terminal);
        let idle = cpu_share(&terminal, span);
        let rest = resident(&terminal);
        for keys in self.keys {
            terminal.press(keys);
            thread::sleep(Duration::from_millis(700));
        }
        let mut starts: Vec<Duration> =
            (0..STARTS).map(|i| appears(&terminal, stores, i)).collect();
        starts.sort_unstable();
        let (busy, done) = under_load(&terminal, stores, span);
        let peak = resident(&terminal);
        let seconds = |it: Duration| format!("{:.2} s", it.as_secs_f64());
        println!(
            "  {:<9} all known after {}; resident {rest} MB at rest, {peak} MB after {done} changes; idle {idle:.2} % of a core, {busy:.1} % at {CHANGES} changes a second; a pod on the screen {} after it starts (slowest of {STARTS}: {})",
            self.name,
            seconds(known),
            seconds(starts[starts.len() / 2]),
            seconds(starts[starts.len() - 1]),
        );
        terminal.press("\x03");
    }
}

/// Waits until it has done what it began with: half of a second without any work.
fn settle(terminal: &Terminal) {
    let end = Instant::now() + PATIENCE;
    let mut quiet = 0;
    while quiet < 3 && Instant::now() < end {
        let before = ticks(terminal.pid());
        thread::sleep(Duration::from_millis(500));
        quiet = if ticks(terminal.pid()) <= before + 1 {
            quiet + 1
        } else {
            0
        };
    }
}

/// Percent of a core that it takes over a time.
fn cpu_share(terminal: &Terminal, span: Duration) -> f64 {
    let before = ticks(terminal.pid());
    let began = Instant::now();
    thread::sleep(span);
    let took = ticks(terminal.pid()) - before;
    #[allow(clippy::cast_precision_loss)] // far fewer than that
    let took = took as f64;
    // A hundred ticks are a second, and a percent is a hundredth.
    took / began.elapsed().as_secs_f64()
}

/// The ticks of a processor, a hundred a second, that a process has had.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let field = |at: usize| {
        fields
            .get(at)
            .and_then(|it| it.parse::<u64>().ok())
            .unwrap_or(0)
    };
    field(11) + field(12)
}

/// Megabytes of memory that a process has.
fn resident(terminal: &Terminal) -> u64 {
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", terminal.pid())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|it| it.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}

/// How long it takes until a pod that starts is on the screen.
fn appears(terminal: &Terminal, stores: &[Store], number: usize) -> Duration {
    // What is short of its place is cut at the front.
    let tail = format!("new{number:02}");
    let object = pod("service-0000", 0, &format!("service-0000-5d9f7c6b8-{tail}"));
    // Between two draws, and not always at the same moment.
    thread::sleep(Duration::from_millis(400 + 137 * number as u64));
    let began = Instant::now();
    // Whichever of its cells is on the screen.
    for store in stores {
        store
            .apply(object.clone(), Timestamp::now())
            .expect("a pod");
    }
    terminal.until("a pod that has started", PATIENCE, |view| view.has(&tail));
    began.elapsed()
}

/// Changes pods all the time; returns what share of a core it took, and how many changes there were.
fn under_load(terminal: &Terminal, stores: &[Store], span: Duration) -> (f64, u64) {
    let over = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicU64::new(0));
    let writer = {
        let (over, done, stores) = (over.clone(), done.clone(), stores.to_vec());
        let names: Vec<Vec<(String, String)>> = stores.iter().map(names).collect();
        thread::spawn(move || {
            let began = Instant::now();
            let mut count = 0_u64;
            while !over.load(Ordering::Relaxed) {
                let at = usize::try_from(count).unwrap_or(0);
                let cluster = at % stores.len();
                let all = &names[cluster];
                let (namespace, name) = &all[(at / stores.len() * 7919) % all.len()];
                stores[cluster].edit("pods", namespace, name, |pod| {
                    let restarts = &mut pod["status"]["containerStatuses"][0]["restartCount"];
                    *restarts = json!(restarts.as_u64().unwrap_or(0) + 1);
                });
                count += 1;
                done.store(count, Ordering::Relaxed);
                let due = Duration::from_micros(count * 1_000_000 / CHANGES);
                thread::sleep(due.saturating_sub(began.elapsed()));
            }
        })
    };
    let share = cpu_share(terminal, span);
    over.store(true, Ordering::Relaxed);
    writer.join().expect("the writer");
    (share, done.load(Ordering::Relaxed))
}

fn names(store: &Store) -> Vec<(String, String)> {
    let pods = store.list("pods", None);
    let text =
        |pod: &Value, key: &str| pod["metadata"][key].as_str().unwrap_or_default().to_owned();
    pods.iter()
        .map(|it| (text(it, "namespace"), text(it, "name")))
        .collect()
}

fn configuration(clusters: usize) -> String {
    let mut text = String::new();
    for number in 0..clusters {
        let _ = writeln!(
            text,
            "[[environments]]\nname = \"env-{number}\"\ncluster = \"env-{number}\"\nnamespace = \"{{service}}\"\nworkload = \"{{service}}\""
        );
        if number > 0 {
            let _ = writeln!(text, "from = [\"env-{}\"]", number - 1);
        }
    }
    text + "[[layouts]]\npreset = \"kustomize\"\npath = \"apps/{service}/overlays/{env}/kustomization.yaml\"\n"
}

async fn start(fleet: &Fleet) -> Vec<ApiServer> {
    let mut servers = Vec::new();
    for number in 0..fleet.clusters {
        let server = ApiServer::start(ServerOptions::new(format!("env-{number}"))).await;
        servers.push(server.expect("a server"));
    }
    let cells = fleet.services * fleet.clusters;
    for cell in 0..cells {
        let (service, cluster) = (cell / fleet.clusters, cell % fleet.clusters);
        let name = format!("service-{service:04}");
        let pods = fleet.pods / cells + usize::from(cell < fleet.pods % cells);
        let store = servers[cluster].store();
        let put = |object| {
            store
                .apply(object, Timestamp::now())
                .map(drop)
                .expect("an object");
        };
        put(deployment(&name, pods));
        put(replica_set(&name, pods));
        for number in 0..pods {
            put(pod(
                &name,
                number,
                &format!("{name}-5d9f7c6b8-{:05x}", cell * 31 + number),
            ));
        }
    }
    servers
}

/// What a real Deployment of some size has, managed fields and all.
fn template(name: &str) -> Value {
    let variables: Vec<Value> = (0..12)
        .map(|i| json!({"name": format!("VARIABLE_{i}"), "value": format!("https://{name}.example.com/{i}")}))
        .collect();
    json!({
        "metadata": {"labels": labels(name), "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "8080"}},
        "spec": {
            "serviceAccountName": name, "restartPolicy": "Always", "dnsPolicy": "ClusterFirst",
            "terminationGracePeriodSeconds": 30, "schedulerName": "default-scheduler",
            "containers": [
                {"name": name, "image": format!("registry.example.com/team/{name}:1.0.0"), "env": variables,
                    "envFrom": [{"secretRef": {"name": format!("{name}-secrets")}}],
                    "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                    "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
                    "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10},
                    "volumeMounts": [{"name": "config", "mountPath": "/etc/config"}]},
                {"name": "proxy", "image": "registry.example.com/mesh/proxy:2.14.1", "args": ["--log", "warn"]},
            ],
            "volumes": [{"name": "config", "configMap": {"name": format!("{name}-config")}}],
        },
    })
}

fn labels(name: &str) -> Value {
    json!({"app": name, "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "shop",
        "app.kubernetes.io/managed-by": "kustomize", "team": "platform"})
}

fn managed() -> Value {
    let fields: Value = (0..40)
        .map(|i| (format!("f:field-{i}"), json!({})))
        .collect::<serde_json::Map<_, _>>()
        .into();
    json!([{"manager": "kustomize-controller", "operation": "Apply", "apiVersion": "apps/v1", "time": "2026-11-21T10:00:00Z",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": fields}}])
}

fn deployment(name: &str, pods: usize) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"namespace": name, "name": name, "labels": labels(name), "managedFields": managed(),
            "annotations": {"deployment.kubernetes.io/revision": "3"}},
        "spec": {"replicas": pods, "selector": {"matchLabels": {"app": name}}, "template": template(name)},
        "status": {"observedGeneration": 1000, "replicas": pods, "updatedReplicas": pods, "readyReplicas": pods,
            "availableReplicas": pods, "conditions": [
                {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable", "message": "Deployment has minimum availability.",
                    "lastTransitionTime": "2026-11-21T10:00:00Z"},
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "message": "ReplicaSet has successfully progressed.",
                    "lastTransitionTime": "2026-11-21T10:00:00Z"}]},
    })
}

fn owner(kind: &str, name: &str) -> Value {
    json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": name, "controller": true}])
}

fn replica_set(name: &str, pods: usize) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"namespace": name, "name": format!("{name}-5d9f7c6b8"), "labels": labels(name), "managedFields": managed(),
            "annotations": {"deployment.kubernetes.io/revision": "3"}, "ownerReferences": owner("Deployment", name)},
        "spec": {"replicas": pods, "selector": {"matchLabels": {"app": name}}, "template": template(name)},
        "status": {"replicas": pods, "readyReplicas": pods},
    })
}

fn pod(name: &str, number: usize, called: &str) -> Value {
    let template = template(name);
    let mut labels = template["metadata"]["labels"].clone();
    labels["pod-template-hash"] = json!("5d9f7c6b8");
    let status = |container: &Value| {
        json!({"name": container["name"], "image": container["image"], "ready": true, "started": true, "restartCount": 0,
            "imageID": format!("{}@sha256:{:064x}", container["image"].as_str().unwrap_or_default(), 7),
            "containerID": format!("containerd://{:064x}", number),
            "state": {"running": {"startedAt": "2026-11-21T10:00:00Z"}}, "lastState": {}})
    };
    let containers = template["spec"]["containers"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let conditions: Vec<Value> = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
        .iter()
        .map(|kind| json!({"type": kind, "status": "True", "lastTransitionTime": "2026-11-21T10:00:00Z"}))
        .collect();
    let mut spec = template["spec"].clone();
    spec["nodeName"] = json!(format!("node-{}.internal", number % 40));
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": name, "name": called, "labels": labels, "managedFields": managed(),
            "annotations": template["metadata"]["annotations"], "ownerReferences": owner("ReplicaSet", &format!("{name}-5d9f7c6b8"))},
        "spec": spec,
        "status": {"phase": "Running", "podIP": "10.0.0.1", "hostIP": "10.1.0.1", "startTime": "2026-11-21T10:00:00Z",
            "qosClass": "Burstable", "conditions": conditions,
            "containerStatuses": containers.iter().map(status).collect::<Vec<_>>()},
    })
}

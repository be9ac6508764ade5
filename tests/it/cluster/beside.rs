//! What stands beside workloads (what their pods refer to and cannot do without, what scales and what measures them), asked of a
//! server over a socket: by objects as their controllers write them.
#![allow(clippy::unwrap_used)] // a harness fails by panicking

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate::{
    demo::server::{ApiServer, Forbid, Resource, ServerOptions},
    domain::rollout::{Beside, Connection, Health},
    sources::cluster::snapshot,
};

use super::{
    fixture::{Console, Home, apply, deploy, target},
    progressive::{ROLLOUTS, rollout, running},
};

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(20);

const fn custom(
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    kind: &'static str,
) -> Resource {
    Resource {
        group,
        version,
        plural,
        singular: "",
        kind,
        short: &[],
        ..ROLLOUTS
    }
}

/// What stands beside workloads.
const RESOURCES: [Resource; 7] = [
    custom(
        "autoscaling",
        "v2",
        "horizontalpodautoscalers",
        "HorizontalPodAutoscaler",
    ),
    custom(
        "external-secrets.io",
        "v1beta1",
        "externalsecrets",
        "ExternalSecret",
    ),
    custom(
        "external-secrets.io",
        "v1beta1",
        "secretstores",
        "SecretStore",
    ),
    Resource {
        namespaced: false,
        ..custom(
            "external-secrets.io",
            "v1beta1",
            "clustersecretstores",
            "ClusterSecretStore",
        )
    },
    custom("bitnami.com", "v1alpha1", "sealedsecrets", "SealedSecret"),
    custom("argoproj.io", "v1alpha1", "analysisruns", "AnalysisRun"),
    custom("argoproj.io", "v1alpha1", "experiments", "Experiment"),
];

async fn server() -> ApiServer {
    let mut options = ServerOptions::new("dev");
    options.resources = RESOURCES.to_vec();
    options.resources.push(ROLLOUTS);
    ApiServer::start(options).await.unwrap()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    name: String,
    /// The pod template's, beside its container's name and image.
    #[serde(default)]
    spec: Value,
    /// `state.waiting` of the pods' containers; none: they are ready.
    waiting: Option<Value>,
    /// The workload is a Rollout from 1.0 to 1.1 with this status, not a Deployment.
    rollout: Option<Value>,
    #[serde(default)]
    objects: Vec<Value>,
    #[serde(default)]
    forbid: Vec<String>,
    #[serde(default)]
    lack: Vec<String>,
    expect: Expected,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    health: String,
    reason: Option<String>,
    #[serde(default)]
    beside: Vec<String>,
}

/// A Deployment `shop/web` whose pods refer to what `spec` says.
fn web(server: &ApiServer, spec: &Value, waiting: Option<&Value>) {
    deploy(server, "shop", "web", "1.0", 2);
    let store = server.store();
    let add = |object: &mut Value, at: &str| {
        let into = object.pointer_mut(at).unwrap();
        for (key, value) in spec.as_object().into_iter().flatten() {
            match key.as_str() {
                "container" => {
                    for (key, value) in value.as_object().unwrap() {
                        into["containers"][0][key] = value.clone();
                    }
                }
                key => into[key] = value.clone(),
            }
        }
    };
    store.edit("deployments", "shop", "web", |it| {
        add(it, "/spec/template/spec");
    });
    for pod in store.list("pods", Some("shop")) {
        let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
        store.edit("pods", "shop", &name, |pod| {
            add(pod, "/spec");
            let Some(waiting) = waiting else { return };
            pod["status"]["phase"] = json!("Pending");
            pod["status"]["conditions"][0]["status"] = json!("False");
            let container = &mut pod["status"]["containerStatuses"][0];
            container["ready"] = json!(false);
            container["started"] = json!(false);
            container["state"] = json!({"waiting": waiting});
        });
    }
    if waiting.is_some() {
        store.edit("deployments", "shop", "web", |it| {
            it["status"]["readyReplicas"] = json!(0);
            it["status"]["availableReplicas"] = json!(0);
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_pods_need_is_told_as_it_is() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/beside");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let scenarios: Vec<Scenario> = serde_yaml::from_str(&text).unwrap();
        for scenario in scenarios {
            holds(&file.display().to_string(), &scenario).await;
        }
    }
}

async fn holds(file: &str, scenario: &Scenario) {
    let case = format!("{file}: {}", scenario.name);
    let (home, server) = (Home::new(), server().await);
    match &scenario.rollout {
        None => web(&server, &scenario.spec, scenario.waiting.as_ref()),
        Some(status) => {
            running(&server, "shop", "web");
            apply(&server, rollout("shop", "web", status));
        }
    }
    for object in &scenario.objects {
        apply(&server, object.clone());
    }
    server.forbid(scenario.forbid.iter().map(Forbid::all).collect());
    let lack: Vec<&str> = scenario.lack.iter().map(String::as_str).collect();
    server.lack(&lack);
    let targets = [target("dev", &[("shop", "web")])];
    let seen = snapshot(&targets, PATIENCE, home.options(&[&server])).await;
    assert_eq!(seen.problems, Vec::new(), "{case}");
    let cell = &targets[0].cells()[0];
    let live = seen.views.live(cell, Timestamp::now());
    assert_eq!(live.health.to_string(), scenario.expect.health, "{case}");
    assert_eq!(live.reason, scenario.expect.reason, "{case}");
    let beside: Vec<String> = live.beside.iter().map(Beside::sentence).collect();
    assert_eq!(beside, scenario.expect.beside, "{case}");
    // Nothing is listed or watched of these, and of what runs well nothing is asked at all.
    let asked: Vec<String> = server
        .requests()
        .into_iter()
        .filter(|it| it.contains("/api/v1/"))
        .filter(|it| it.contains("/secrets") || it.contains("/configmaps"))
        .collect();
    let names = [
        "GET /api/v1/namespaces/shop/secrets/",
        "GET /api/v1/namespaces/shop/configmaps/",
    ];
    assert!(
        asked
            .iter()
            .all(|it| names.iter().any(|name| it.starts_with(name))),
        "{case}: {asked:?}"
    );
    assert!(
        scenario.waiting.is_some() || asked.is_empty(),
        "{case}: {asked:?}"
    );
}

/// The state of a pod whose container cannot be made.
fn config_error(words: &str) -> Value {
    json!({"reason": "CreateContainerConfigError", "message": words})
}

/// Refers to a key of the Secret `tokens`.
fn tokens(key: &str) -> Value {
    json!({"container": {"env": [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "tokens", "key": key}}}]}})
}

fn told(console: &Console) -> Vec<String> {
    let cell = console.cell("dev", "web");
    cell.beside.iter().map(Beside::sentence).collect()
}

/// Follows a cell whose Secret comes, with and without the key, and goes on being asked for as long as it is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_comes_is_seen_and_nothing_of_its_content_is_kept() {
    const VALUE: &str = "c2VjcmV0LXZhbHVlLW9mLW91cnM=";
    let (home, server) = (Home::new(), server().await);
    web(
        &server,
        &tokens("api"),
        Some(&config_error("secret \"tokens\" not found")),
    );
    let cells = target("dev", &[("shop", "web")]);
    let mut console = Console::start(vec![cells], home.options(&[&server]));
    console
        .until("the column", |c| c.connection("dev") == Connection::Live)
        .await;
    assert_eq!(console.hold(), 1);
    console
        .until("that it is missing", |c| {
            told(c) == ["Secret tokens is missing"]
        })
        .await;
    let secret = |key: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "shop", "name": "tokens", "annotations":
            {"kubectl.kubernetes.io/last-applied-configuration": VALUE}}, "data": {key: VALUE, "other": VALUE}})
    };
    apply(&server, secret("old"));
    console
        .until("that it lacks a key", |c| {
            told(c) == ["Secret tokens has no key api"]
        })
        .await;
    assert!(!format!("{:?}", console.view("dev")).contains(VALUE));
    assert!(!format!("{:?}", console.view("dev")).contains("other"));
    apply(&server, secret("api"));
    console
        .until("that it is whole", |c| told(c).is_empty())
        .await;
    server.forbid(vec![Forbid::all("secrets")]);
    console
        .until("that it cannot be seen", |c| {
            told(c)
                .first()
                .is_some_and(|it| it.starts_with("Secret tokens cannot be seen: "))
        })
        .await;
    server.forbid(Vec::new());
    // Once nothing waits any more, nothing is asked.
    web(&server, &tokens("api"), None);
    console
        .until("all pods", |c| {
            c.cell("dev", "web").health == Health::Healthy
        })
        .await;
    assert_eq!(console.hold(), 0);
    assert_eq!(told(&console), Vec::<String>::new());
}

/// Servers are asked for what many cells wait for once, and are not overrun.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_waited_for_is_asked_for_once_a_while() {
    let (home, server) = (Home::new(), server().await);
    web(
        &server,
        &tokens("api"),
        Some(&config_error("secret \"tokens\" not found")),
    );
    let mut options = home.options(&[&server]);
    options.ask_again = Duration::from_hours(1);
    let cells = target("dev", &[("shop", "web")]);
    let mut console = Console::start(vec![cells], options);
    console
        .until("the column", |c| c.connection("dev") == Connection::Live)
        .await;
    for _ in 0..3 {
        console.hold();
    }
    console
        .until("that it is missing", |c| {
            told(c) == ["Secret tokens is missing"]
        })
        .await;
    console.hold();
    let asked: BTreeSet<_> = server
        .requests()
        .into_iter()
        .filter(|it| it.contains("/secrets/"))
        .collect();
    assert_eq!(asked.len(), 1, "{asked:?}");
}

/// Kinds that are defined while somebody looks are picked up, and what they say is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_that_is_defined_later_is_picked_up() {
    let (home, server) = (Home::new(), server().await);
    web(
        &server,
        &json!({"container": {"envFrom": [{"secretRef": {"name": "tokens"}}]}}),
        None,
    );
    server.lack(&["externalsecrets", "secretstores", "clustersecretstores"]);
    let cells = target("dev", &[("shop", "web")]);
    let mut options = home.options(&[&server]);
    options.ask_again = Duration::from_millis(20);
    let mut console = Console::start(vec![cells], options);
    console
        .until("the column", |c| c.connection("dev") == Connection::Live)
        .await;
    apply(
        &server,
        json!({
            "apiVersion": "external-secrets.io/v1beta1", "kind": "ExternalSecret",
            "metadata": {"namespace": "shop", "name": "tokens"},
            "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "SecretSyncedError", "message": "no"}]},
        }),
    );
    server.lack(&[]);
    console
        .until("what it says", |c| {
            told(c) == ["ExternalSecret tokens is not ready: SecretSyncedError: no"]
        })
        .await;
    assert!(console.losses.is_empty(), "{:?}", console.losses);
}

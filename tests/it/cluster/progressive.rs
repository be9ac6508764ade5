//! Argo Rollouts and Flagger: watched where a server has them, linked to cells, and told what to do by commands.
#![allow(clippy::unwrap_used)] // a fixture fails by panicking

use serde_json::{Value, json};
use tidegate::{
    demo::server::{ApiServer, Forbid, Resource, ServerOptions},
    domain::{
        agent::Stage,
        rollout::{Connection, Few, Health},
    },
};

use super::fixture::{Console, Home, apply, deploy, pod, target};

pub const ROLLOUTS: Resource = Resource {
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

const CANARIES: Resource = Resource {
    group: "flagger.app",
    version: "v1beta1",
    plural: "canaries",
    singular: "canary",
    kind: "Canary",
    namespaced: true,
    status: true,
    generation: true,
    short: &[],
};

async fn server(name: &str) -> ApiServer {
    let mut options = ServerOptions::new(name);
    options.resources = vec![ROLLOUTS, CANARIES];
    ApiServer::start(options).await.unwrap()
}

/// A Rollout from `1.0` to `1.1`, with what its status says beside its counts.
pub fn rollout(namespace: &str, name: &str, status: &Value) -> Value {
    let mut all = json!({
        "observedGeneration": "1000", "replicas": 3, "updatedReplicas": 1, "readyReplicas": 3, "availableReplicas": 3,
        "currentPodHash": "b", "stableRS": "a",
    });
    for (key, value) in status.as_object().unwrap() {
        all[key] = value.clone();
    }
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": name}},
            "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}, {"pause": {}}]}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "app", "image": format!("reg.example.com/{name}:1.1")}]},
            },
        },
        "status": all,
    })
}

/// Its sets and pods.
pub fn running(server: &ApiServer, namespace: &str, name: &str) {
    for (hash, version, count) in [("a", "1.0", 2), ("b", "1.1", 1)] {
        let set = format!("{name}-{hash}");
        let owner = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": name, "uid": name,
            "controller": true});
        apply(
            server,
            json!({
                "apiVersion": "apps/v1", "kind": "ReplicaSet",
                "metadata": {"name": set, "namespace": namespace, "ownerReferences": [owner]},
                "spec": {"replicas": count, "selector": {"matchLabels": {"app": name}}, "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {"containers": [{"name": "app", "image": format!("reg.example.com/{name}:{version}")}]},
                }},
                "status": {"replicas": count, "readyReplicas": count},
            }),
        );
        for i in 0..count {
            apply(server, pod(namespace, &set, name, version, i));
        }
    }
}

pub fn paused() -> Value {
    json!({"phase": "Paused", "message": "CanaryPauseStep", "currentStepIndex": 1, "controllerPause": true,
        "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-11-21T10:00:00Z"}]})
}

fn stage(console: &Console, environment: &str) -> Option<Stage> {
    let progress = console.cell(environment, "checkout").progress;
    progress.map(|progress| progress.stage)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_is_seen_as_it_goes_on() {
    let (home, server) = (Home::new(), server("dev").await);
    running(&server, "shop", "checkout");
    apply(&server, rollout("shop", "checkout", &paused()));
    let cells = target("dev", &[("shop", "checkout")]);
    let mut console = Console::start(vec![cells], home.options(&[&server]));
    console
        .until("the pause", |c| stage(c, "dev") == Some(Stage::Waiting))
        .await;
    let cell = console.cell("dev", "checkout");
    assert_eq!((cell.health, cell.ready), (Health::Paused, 3));
    assert_eq!(
        cell.reason.as_deref(),
        Some("canary 20 %, step 2/4: waits for a promotion")
    );
    assert_eq!(
        cell.versions,
        Few::from_iter([("1.0".into(), 2), ("1.1".into(), 1)])
    );
    let aborted = json!({"phase": "Degraded", "abort": true, "message": "RolloutAborted: by somebody", "currentStepIndex": 0});
    apply(&server, rollout("shop", "checkout", &aborted));
    console
        .until("the abort", |c| stage(c, "dev") == Some(Stage::Aborted))
        .await;
    let cell = console.cell("dev", "checkout");
    assert_eq!(
        (cell.health, cell.serving),
        (Health::Degraded, Some("1.0".into()))
    );
    server.store().remove("rollouts", "shop", "checkout");
    console
        .until("that it is gone", |c| {
            c.cell("dev", "checkout").health == Health::Missing
        })
        .await;
    assert!(console.losses.is_empty(), "{:?}", console.losses);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kinds_that_a_server_lacks_or_hides_cost_nothing_else_and_may_come_later() {
    for forbidden in [true, false] {
        let (home, server) = (Home::new(), server("dev").await);
        deploy(&server, "shop", "checkout", "1.0", 2);
        let kinds = ["rollouts", "canaries"];
        if forbidden {
            server.forbid(kinds.map(Forbid::all).to_vec());
        } else {
            server.lack(&kinds);
        }
        let cells = target("dev", &[("shop", "checkout"), ("shop", "basket")]);
        let mut console = Console::start(vec![cells], home.options(&[&server]));
        console
            .until("the column", |c| c.connection("dev") == Connection::Live)
            .await;
        console
            .until("the cell", |c| {
                c.cell("dev", "checkout").health == Health::Healthy
            })
            .await;
        // What may not be looked for could be there.
        let basket = console.cell("dev", "basket").health;
        let expected = if forbidden {
            Health::Unknown
        } else {
            Health::Missing
        };
        assert_eq!(basket, expected);
        running(&server, "shop", "basket");
        apply(&server, rollout("shop", "basket", &paused()));
        if forbidden {
            server.forbid(Vec::new());
        } else {
            server.lack(&[]);
        }
        console
            .until("what is there by now", |c| {
                c.cell("dev", "basket").health == Health::Paused
            })
            .await;
        assert!(console.losses.is_empty(), "{:?}", console.losses);
    }
}

/// Whoever may list nothing of a kind is refused where there is no such kind, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_that_is_refused_and_not_served_is_absent() {
    let (home, server) = (Home::new(), server("dev").await);
    server.lack(&["rollouts"]);
    server.forbid(vec![Forbid::all("rollouts")]);
    let cells = target("dev", &[("shop", "checkout")]);
    let mut console = Console::start(vec![cells], home.options(&[&server]));
    console
        .until("that nothing is there", |c| {
            c.cell("dev", "checkout").health == Health::Missing
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_is_told_of_the_workload_that_it_delivers() {
    let (home, server) = (Home::new(), server("dev").await);
    deploy(&server, "shop", "checkout", "1.1", 0);
    deploy(&server, "shop", "checkout-primary", "1.0", 2);
    let canary = |phase: &str, promoted: &str| {
        json!({
            "apiVersion": "flagger.app/v1beta1", "kind": "Canary",
            "metadata": {"name": "checkout", "namespace": "shop"},
            "spec": {
                "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"},
                "analysis": {"threshold": 5, "maxWeight": 50, "stepWeight": 10,
                    "webhooks": [{"name": "gate", "type": "confirm-rollout", "url": "http://gate.test"}]},
            },
            "status": {"phase": phase, "canaryWeight": 0, "failedChecks": 0, "conditions": [
                {"type": "Promoted", "status": promoted, "reason": phase, "message": "its words"}]},
        })
    };
    apply(&server, canary("Waiting", "Unknown"));
    let cells = target("dev", &[("shop", "checkout")]);
    let mut console = Console::start(vec![cells], home.options(&[&server]));
    console
        .until("that it waits", |c| {
            stage(c, "dev") == Some(Stage::Approval)
        })
        .await;
    let cell = console.cell("dev", "checkout");
    assert_eq!(
        (cell.health, cell.ready, cell.desired),
        (Health::Paused, 2, 2)
    );
    assert!(cell.reason.unwrap().contains("awaiting approval"));
    apply(&server, canary("Failed", "False"));
    console
        .until("that it has failed", |c| {
            stage(c, "dev") == Some(Stage::Aborted)
        })
        .await;
    let cell = console.cell("dev", "checkout");
    assert_eq!(
        cell.reason.as_deref(),
        Some("canary aborted; 1.0 stays: its words")
    );
    assert_eq!(cell.serving, Some("1.0".into()));
}

//! Argo CD's sync windows: a promotion that would wait for one is held, and what is done by hand is judged by them too.

use serde_json::{Value, json};
use tidegate::{
    demo::server::{ApiServer, Resource},
    domain::agent::AgentKind,
};

use crate::soak::{World, deploy};

pub fn kind(kind: AgentKind) -> Resource {
    Resource {
        group: kind.group(),
        version: "v1alpha1",
        plural: kind.plural(),
        singular: kind.plural(),
        kind: kind.as_str(),
        namespaced: true,
        status: true,
        generation: true,
        short: &[],
    }
}

pub fn apply(server: &ApiServer, object: Value) {
    let applied = server.store().apply(object, jiff::Timestamp::now());
    assert!(applied.is_ok());
}

/// An Application that is in sync, and the project that it is in.
fn application(server: &ApiServer) {
    apply(
        server,
        json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": "web", "namespace": "argocd"},
            "spec": {"project": "shop", "syncPolicy": {"automated": {}},
                "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"}},
            "status": {"sync": {"status": "Synced"}, "health": {"status": "Healthy"},
                "resources": [{"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"}]},
        }),
    );
}

/// The project, with a window that is active at every instant.
pub fn project(server: &ApiServer, window: &Value) {
    let mut whole = json!({"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["w*"],
        "description": "stocktaking"});
    for (key, value) in window.as_object().into_iter().flatten() {
        whole[key] = value.clone();
    }
    apply(
        server,
        json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
            "metadata": {"name": "shop", "namespace": "argocd"},
            "spec": {"syncWindows": [whole]},
        }),
    );
}

async fn world() -> World {
    let kinds = [AgentKind::Application, AgentKind::AppProject].map(kind);
    let world = World::with("", kinds.into()).await;
    deploy(&world.staging, "web", "1.1.0", 600);
    deploy(&world.staging, "pay", "1.1.0", 600);
    application(&world.prod);
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_sync_window_holds_what_would_wait_for_it() {
    let world = world().await;
    project(&world.prod, &json!({}));
    let window = world.verdict("window").await;
    assert_eq!(window["outcome"], "hold", "{window}");
    let detail = window["detail"].as_str().unwrap_or_default();
    assert!(
        detail.starts_with("Argo CD does not sync: a closed sync window (`stocktaking`)"),
        "{detail}"
    );
    let status = world.tidegate(&["status", "-o", "json"]).await.exits(0);
    let status = status.json();
    let row = status["services"].as_array().into_iter().flatten();
    let live = |service: &str| {
        let mut rows = row.clone();
        let row = rows.find(|row| row["name"] == service);
        row.map(|row| row["cells"]["prod"]["live"]["sync_window"].clone())
    };
    let shut = live("web").unwrap_or_default();
    assert_eq!(
        (&shut["state"], &shut["name"]),
        (&json!("closed"), &json!("stocktaking"))
    );
    assert_eq!(live("pay"), Some(Value::Null), "no Application brings it");
    let promote = [
        "promote", "web", "--from", "staging", "--to", "prod", "--yes",
    ];
    world
        .tidegate(&promote)
        .await
        .exits(3)
        .shows("window hold: Argo CD does not sync");
    let with = [
        &promote[..],
        &["--override", "window", "--reason", "Mends the outage"],
    ]
    .concat();
    world.tidegate(&with).await.exits(0);
    let message = world.repository.message();
    assert!(message.contains("Gate-Override: window"), "{message}");
    // Nothing stops going back.
    world
        .tidegate(&["revert", "web", "prod", "--yes"])
        .await
        .exits(0);
}

/// Something that is done by hand is held by a freeze, and programs are told so.
async fn is_frozen(world: &World, arguments: &[&str]) {
    let held = [arguments, &["-o", "json"]].concat();
    let held = world.tidegate(&held).await.exits(3).json();
    assert_eq!(
        (&held["outcome"], &held["window"]["outcome"]),
        (&json!("held"), &json!("hold")),
        "{held}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_by_hand_is_judged_by_windows_too() {
    let world = world().await;
    let sync = ["sync", "web", "prod", "--yes"];
    project(&world.prod, &json!({"manualSync": true}));
    world.tidegate(&sync).await.exits(0);
    project(
        &world.prod,
        &json!({"schedule": "no schedule", "manualSync": true}),
    );
    world
        .tidegate(&sync)
        .await
        .exits(3)
        .says("its schedule cannot be read");
    // What was told before is over.
    application(&world.prod);
    project(&world.prod, &json!({"applications": ["pay"]}));
    world.tidegate(&sync).await.exits(0);
    application(&world.prod);
    project(&world.prod, &json!({}));
    world
        .tidegate(&sync)
        .await
        .exits(3)
        .says("window hold: Argo CD does not sync")
        .says("--override window --reason TEXT");
    is_frozen(&world, &["sync", "web", "prod", "--dry-run"]).await;
    world
        .tidegate(&[&sync[..], &["--override", "window"]].concat())
        .await
        .exits(2);
    let lifted = [
        &sync[..],
        &["--override", "window", "--reason", "Outage", "-o", "json"],
    ]
    .concat();
    let said = world.tidegate(&lifted).await.exits(0).json();
    assert_eq!(said["window"]["overridden"], "Outage", "{said}");
    is_frozen(&world, &["rollout", "restart", "web", "prod", "--yes"]).await;
    // To look, and to go back, is never frozen.
    world
        .tidegate(&["refresh", "web", "prod", "--yes"])
        .await
        .exits(0);
}

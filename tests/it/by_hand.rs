//! What is done by hand, by the screen and by commands, to an Application and to a workload: over the wire of an API server.

#![allow(clippy::unwrap_used)] // helpers fail by panicking

use serde_json::{Value, json};
use tidegate::domain::agent::AgentKind;

use crate::{
    soak::{World, deploy},
    support::{
        operator::Operator,
        schema::assert_described,
        terminal::{SOON, Setup, key},
    },
    windows::{apply, kind, project},
};

/// An Application of prod's `web`, with three entries in its history, that syncs by itself or not.
fn application(world: &World, automated: bool) {
    let policy = if automated {
        json!({"automated": {"selfHeal": true}})
    } else {
        json!({})
    };
    let entry = |id: u64, digit: &str| {
        json!({"id": id, "revision": digit.repeat(40), "deployedAt": format!("2026-11-2{id}T10:00:00Z"),
            "source": {"repoURL": "https://git.example.com/shop.git", "path": "web"}})
    };
    apply(
        &world.prod,
        json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": "web", "namespace": "argocd"},
            "spec": {"project": "shop", "syncPolicy": policy,
                "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"}},
            "status": {"sync": {"status": "Synced"}, "health": {"status": "Healthy"},
                "operationState": {"phase": "Succeeded"},
                "history": [entry(1, "a"), entry(2, "b"), entry(3, "c")],
                "resources": [{"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"}]},
        }),
    );
}

async fn world() -> World {
    let kinds = [AgentKind::Application, AgentKind::AppProject].map(kind);
    let world = World::with("", kinds.into()).await;
    for service in ["web", "pay"] {
        deploy(&world.staging, service, "1.1.0", 600);
    }
    application(&world, false);
    world
}

fn application_of(world: &World) -> Value {
    let object = world.prod.store().get("applications", "argocd", "web");
    Value::clone(&object.unwrap())
}

/// At the screen of this world, unlocked, in the menu of prod's `web`.
fn at_the_menu(world: &World) -> Operator {
    let mut operator = Operator::sit_down(screen(world, &[]));
    operator.unlock();
    operator.go_to("web", "prod");
    let terminal = &mut operator.terminal;
    terminal.press_until("a", "the menu", SOON, |view| {
        view.has("By hand: web / prod")
    });
    terminal.until("its agent and its workload", SOON, |view| {
        view.has("rollback") && view.has("undo")
    });
    operator
}

fn screen(world: &World, arguments: &[&str]) -> Setup {
    let setup = Setup::tidegate(arguments).home(world.repository.home());
    let setup = setup.folder(world.repository.clone_path());
    setup.env("KUBECONFIG", world.kubeconfig())
}

/// Types the environment's name, and goes on until the footer says that it was told.
fn confirm(operator: &mut Operator, told: &str) {
    let terminal = &mut operator.terminal;
    terminal.press_until("p", "keys count", SOON, |view| view.has("> p"));
    terminal.press("rod");
    terminal.until("the name", SOON, |view| view.has("> prod"));
    terminal.press_until(key::ENTER, "it is told", SOON, |view| view.has(told));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_goes_back_to_an_entry_that_is_chosen() {
    let world = world().await;
    tokio::task::block_in_place(|| {
        let mut operator = at_the_menu(&world);
        let terminal = &mut operator.terminal;
        terminal.press("b");
        terminal.until("the newest but one, and who would undo it", SOON, |view| {
            view.has("back to 2  bbbbbbb")
                && view.has("Argo CD (Application argocd/web) undoes this when somebody syncs it")
        });
        terminal.press(key::DOWN);
        terminal.until("the one before", SOON, |view| {
            view.has("back to 1  aaaaaaa")
        });
        confirm(
            &mut operator,
            "$ argocd app rollback web 1 -N argocd   told",
        );
        let asked = application_of(&world)["operation"]["sync"].clone();
        assert_eq!(asked["revision"], "a".repeat(40), "{asked}");
        assert_eq!(asked["source"]["path"], "web", "{asked}");
        // Its controller has done it.
        application(&world, false);
        operator.terminal.until("that is seen", SOON, |view| {
            view.has("rollback is done: synced")
        });
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_window_is_lifted_with_a_reason_that_is_kept() {
    let world = world().await;
    project(&world.prod, &json!({}));
    tokio::task::block_in_place(|| {
        let mut operator = at_the_menu(&world);
        let terminal = &mut operator.terminal;
        terminal.press("s");
        terminal.until("what holds it", SOON, |view| {
            view.has("lift it with a reason") && view.has("Argo CD does not sync")
        });
        terminal.press_until("o", "the reason is asked for", SOON, |view| {
            view.has("reason for lifting window") && view.has("kept in the activity")
        });
        terminal.press("Outage");
        terminal.press(key::ENTER);
        terminal.until("it is lifted", SOON, |view| view.has("lifted: Outage"));
        assert!(application_of(&world)["operation"].is_null());
        confirm(&mut operator, "$ argocd app sync web -N argocd   told");
        assert!(application_of(&world)["operation"].is_object());
        operator.terminal.press("A");
        operator.terminal.until("the reason", SOON, |view| {
            view.has("told Application argocd/web in prod to sync")
                && view.has("a freeze was lifted for it: Outage")
        });
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workload_goes_back_and_read_only_changes_nothing() {
    let world = world().await;
    let deployment = || {
        let object = world.prod.store().get("deployments", "shop", "web");
        Value::clone(&object.unwrap())
    };
    let uid = deployment()["metadata"]["uid"].clone();
    let store = world.prod.store();
    store.edit("deployments", "shop", "web", |object| {
        object["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!("2");
    });
    for (number, version) in [("1", "0.9.0"), ("2", "1.0.0")] {
        apply(
            &world.prod,
            json!({
                "apiVersion": "apps/v1", "kind": "ReplicaSet",
                "metadata": {"name": format!("web-{number}"), "namespace": "shop", "labels": {"app": "web"},
                    "annotations": {"deployment.kubernetes.io/revision": number},
                    "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": uid,
                        "controller": true}]},
                "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [{"name": "app", "image": format!("reg.example.com/web:{version}")}]}}},
                "status": {"replicas": 0},
            }),
        );
    }
    let image = "/spec/template/spec/containers/0/image";
    tokio::task::block_in_place(|| {
        let locked = screen(&world, &["--read-only"]);
        let mut looker = Operator::sit_down(locked);
        looker.go_to("web", "prod");
        let terminal = &mut looker.terminal;
        terminal.press_until("a", "the menu", SOON, |view| {
            view.has("By hand: web / prod") && view.has("undo")
        });
        terminal.press("U");
        terminal.until("it may not", SOON, |view| {
            view.has("started with --read-only: nothing can be written")
        });
        let mut operator = at_the_menu(&world);
        operator.terminal.press("U");
        operator
            .terminal
            .until("what it goes back to", SOON, |view| {
                view.has("back to 1  reg.example.com/web:0.9.0")
                    && view.has("undoes this when somebody syncs it")
            });
        assert_eq!(
            deployment().pointer(image).unwrap(),
            "reg.example.com/web:1.0.0"
        );
        confirm(&mut operator, "rollout undo deployment/web --to-revision=1");
        operator.terminal.until("it is told", SOON, |view| {
            view.has("--to-revision=1   told") || view.has("undo is done")
        });
        assert_eq!(
            deployment().pointer(image).unwrap(),
            "reg.example.com/web:0.9.0"
        );
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_says_who_would_undo_it_and_is_refused_where_that_is_at_once() {
    let world = world().await;
    let rollback = ["rollback", "web", "prod", "--to", "1", "-o", "json"];
    let dry = world
        .tidegate(&[&rollback[..], &["--dry-run"]].concat())
        .await
        .exits(0)
        .json();
    assert_described(&dry);
    assert_eq!(
        dry["undone_by"],
        json!(["Argo CD (Application argocd/web) undoes this when somebody syncs it"]),
        "{dry}"
    );
    assert!(application_of(&world)["operation"].is_null());
    let wrong = ["rollback", "web", "prod", "--to", "7", "--yes"];
    world
        .tidegate(&wrong)
        .await
        .exits(1)
        .says("its history has no entry 7; it has: 3 (ccccccc), 2 (bbbbbbb), 1 (aaaaaaa)");
    world
        .tidegate(&[&rollback[..], &["--yes"]].concat())
        .await
        .exits(0);
    let asked = application_of(&world)["operation"]["sync"].clone();
    assert_eq!(asked["revision"], "a".repeat(40), "{asked}");
    application(&world, true);
    world
        .tidegate(&["rollback", "web", "prod", "--dry-run"])
        .await
        .exits(1)
        .says("it syncs by itself, and would undo it");
}

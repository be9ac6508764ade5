//! What agents say of cells, and which hop is told to be stuck, where Argo CD and Flux are real.

use std::{cell::RefCell, time::Duration};

use serde_json::{Value, json};

use crate::{
    hands::by_hand,
    operator::Operator,
    rig::until,
    seed::{FIRST, SERVICES, overlay},
    world::{ROLLOUT, World},
};

/// How long Argo CD may go on as before where manifests cannot be built, and a look at Git.
const GRACE: Duration = Duration::from_mins(5);

/// A cell's `live`, as `status` tells it.
pub fn live(world: &World, service: &str, environment: &str) -> Value {
    let seen = world.tidegate(&["status", "-o", "json"]).exits(0).json();
    let rows = seen["services"].as_array().cloned().unwrap_or_default();
    let row = rows.into_iter().find(|row| row["name"] == service);
    row.map_or(Value::Null, |row| row["cells"][environment]["live"].clone())
}

/// Waits until a cell is as it should be, and says how it was instead.
pub fn until_told(
    world: &World,
    (service, environment): (&str, &str),
    within: Duration,
    what: &str,
    is: impl Fn(&Value) -> bool,
) -> Value {
    let last = RefCell::new(Value::Null);
    let told = until(within, || {
        let seen = live(world, service, environment);
        let is_so = is(&seen);
        last.replace(seen);
        is_so
    });
    let last = last.into_inner();
    assert!(told, "{what}: {last:#}");
    world.note(&format!("{service}/{environment}: {what}"));
    last
}

/// The text of an overlay with the next version.
fn bumped(text: &str) -> String {
    text.replace(&format!("newTag: {FIRST}"), "newTag: 1.1.0")
}

/// Why a cell is stuck at a hop; `None` where it is not.
pub fn hop<'a>(live: &'a Value, at: &str) -> Option<&'a str> {
    let hop = &live["hop"];
    (hop["at"] == at).then(|| hop["reason"].as_str())?
}

#[test]
#[ignore = "needs real systems, as TIDEGATE_RIG describes them; .ci/run has them"]
fn a_cell_says_which_agent_brings_it_and_where_it_is_stuck() {
    let world = World::start("agents");
    for (service, _) in SERVICES {
        for environment in ["staging", "prod"] {
            let object = format!("argocd/{}", world.namespace(service, environment));
            let seen = until_told(&world, (service, environment), ROLLOUT, "in sync", |live| {
                live["agent"]["state"] == "synced" && live["hop"] == Value::Null
            });
            assert_eq!(seen["agent"]["object"], object, "{seen:#}");
            assert_eq!(seen["agent"]["kind"], "argocd", "{seen:#}");
        }
    }

    // Argo CD keeps what it last compared for three minutes after its repository server failed: it is looked at last.
    world.change(
        &overlay("shop", "prod"),
        "Break the build of shop",
        |text| bumped(&text.replace("../../base", "../../nowhere")),
    );
    // What a selector selects cannot be changed.
    let selector = "labels:\n  - includeSelectors: true\n    pairs: {team: shop}\n";
    world.change(
        &overlay("shop", "staging"),
        "Break the sync of shop",
        |text| format!("{}{selector}", bumped(text)),
    );
    world.git(&world.clone(), &["fetch", "-q"]);
    let shop = ("shop", "staging");
    let seen = until_told(
        &world,
        shop,
        ROLLOUT,
        "cannot be synced, on the spoke",
        |live| {
            hop(live, "sync").is_some_and(|why| {
                why.starts_with("Argo CD cannot sync") && why.contains("immutable")
            })
        },
    );
    assert_eq!(seen["agent"]["state"], "failing", "{seen:#}");
    assert_eq!(seen["health"], "healthy", "{seen:#}");
    let tell = |line: [&str; 3], code: i32| {
        let line = [&line[..], &["--yes", "--wait"]].concat();
        world.tidegate(&line).exits(code)
    };
    // By its policy Argo CD tries again by itself: it is refused then, and fails once that is over.
    let said = tell(["sync", "shop", "staging"], 1).all();
    let words = ["another operation is in progress", "immutable"];
    assert!(words.iter().any(|it| said.contains(it)), "{said}");
    tell(["refresh", "mail", "staging"], 0);
    tell(["sync", "mail", "prod"], 0).says("synced");

    flux(&world);

    let shop = ("shop", "prod");
    let seen = until_told(&world, shop, GRACE, "cannot be built", |live| {
        hop(live, "sync").is_some_and(|why| why.starts_with("Argo CD cannot build the manifests"))
    });
    assert_eq!(seen["agent"]["state"], "failing", "{seen:#}");
    world
        .tidegate(&["status", "--env", "prod"])
        .exits(0)
        .says("Argo CD cannot build the manifests");
}

/// The spoke's Flux takes a cell over, is suspended, and resumed.
fn flux(world: &World) {
    let cell = ("cart", "staging");
    let namespace = world.namespace(cell.0, cell.1);
    world.release(cell.0, cell.1);
    let name = namespace.clone();
    let repository = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"interval": "5s", "url": world.repository.url(), "ref": {"branch": "main"}},
    });
    let kustomization = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"interval": "10m", "path": "./apps/cart/overlays/staging", "prune": false,
            "targetNamespace": namespace, "sourceRef": {"kind": "GitRepository", "name": name}},
    });
    world.apply(cell.1, &repository);
    world.apply(cell.1, &kustomization);
    let seen = until_told(world, cell, ROLLOUT, "brought by Flux", |live| {
        let agent = (&live["agent"]["kind"], &live["agent"]["state"]);
        agent == (&json!("flux"), &json!("synced")) && live["hop"] == Value::Null
    });
    assert_eq!(seen["agent"]["object"], format!("{namespace}/{name}"));

    let tell = |order: &str| {
        world
            .tidegate(&[order, cell.0, cell.1, "--yes", "--wait"])
            .exits(0);
    };
    tell("suspend");
    world.bump(cell.0, cell.1, "1.1.0");
    world.git(&world.clone(), &["fetch", "-q"]);
    let seen = until_told(world, cell, ROLLOUT, "suspended", |live| {
        hop(live, "sync") == Some("Flux has not synced: suspended")
    });
    assert_eq!(seen["agent"]["state"], "suspended", "{seen:#}");

    tell("resume");
    world.until_served(cell.0, cell.1, "1.1.0");
    until_told(world, cell, ROLLOUT, "resumed", |live| {
        live["hop"] == Value::Null && live["agent"]["state"] == "synced"
    });
    world.bump(cell.0, cell.1, "1.2.0");
    world.git(&world.clone(), &["fetch", "-q"]);
    tell("reconcile");
    world.until_served(cell.0, cell.1, "1.2.0");

    // The same on the screen.
    let mut operator = Operator::sit_down(world.screen(&[]));
    operator.unlock();
    let mut hand = |choice: &str, order: &str, ends: &str| {
        by_hand(&mut operator, cell, (choice, order), "   told ");
        let done = format!("{order} is done: {ends}");
        let what = "that it is done";
        operator
            .terminal
            .until(what, ROLLOUT, |view| view.has(&done));
        world.note(&format!("{order} on the screen"));
    };
    hand("p", "suspend", "suspended");
    world.bump(cell.0, cell.1, "1.3.0");
    world.git(&world.clone(), &["fetch", "-q"]);
    hand("c", "resume", "synced");
    world.until_served(cell.0, cell.1, "1.3.0");
    world.bump(cell.0, cell.1, "1.4.0");
    hand("r", "reconcile", "synced");
    world.until_served(cell.0, cell.1, "1.4.0");
    operator.leave();
}

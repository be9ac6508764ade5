//! Versions that are delivered step by step, where Argo Rollouts is real.

use serde_json::{Value, json};

use crate::{
    agents::{hop, until_told},
    hands::by_hand,
    operator::Operator,
    seed::{FIRST, overlay},
    world::{ROLLOUT, World},
};

/// The steps of the canary.
const STEPS: &str = "[{setWeight: 20}, {pause: {}}, {setWeight: 60}, {pause: {}}]";

fn rollout(service: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: {service}
  labels: {{app: {service}}}
spec:
  replicas: 5
  strategy: {{canary: {{steps: {STEPS}}}}}
  selector:
    matchLabels: {{app: {service}}}
  template:
    metadata:
      labels: {{app: {service}}}
    spec:
      containers:
        - name: {service}
          image: registry.example/{service}
"
    )
}

/// The command with `--yes --wait`; what it told.
fn tell(world: &World, line: &[&str]) -> Value {
    let all = [line, &["--yes", "--wait", "-o", "json"]].concat();
    let told = world.tidegate(&all).exits(0).json();
    assert_eq!(told["outcome"], "done", "{told:#}");
    told
}

fn runs(live: &Value, version: &str, pods: u32) -> bool {
    live["versions"] == json!({ version: pods })
}

#[test]
#[ignore = "needs real systems, as TIDEGATE_RIG describes them; .ci/run has them"]
fn a_canary_is_paused_promoted_aborted_and_retried() {
    let world = World::start("canary");
    assert!(
        world.environment("prod").has("rollouts"),
        "the hub needs Argo Rollouts: `rig up hub:argocd,rollouts …`"
    );
    let cell = ("cart", "prod");
    let folder = "apps/cart/overlays/prod";
    world.add(
        &format!("{folder}/rollout.yaml"),
        &rollout(cell.0),
        "Deliver cart by canaries in prod",
    );
    world.change(
        &overlay(cell.0, cell.1),
        "Use the canary of cart in prod",
        |text| text.replace("../../base", "rollout.yaml"),
    );
    world.git(&world.clone(), &["fetch", "-q"]);
    let until = |what: &str, is: &dyn Fn(&Value) -> bool| {
        until_told(&world, cell, ROLLOUT, what, |live| is(live))
    };
    until("a Rollout in place of the Deployment", &|live| {
        live["workloads"] == json!(["Rollout/cart"])
            && live["health"] == "healthy"
            && runs(live, FIRST, 5)
    });

    world.bump(cell.0, cell.1, "1.1.0");
    world.git(&world.clone(), &["fetch", "-q"]);
    // A pod that is told to go is one until it is gone: the counts settle after the pause is there.
    let seen = until("at its first pause", &|live| {
        live["health"] == "paused" && live["versions"] == json!({"1.0.0": 4, "1.1.0": 1})
    });
    let step = json!({"index": 1, "of": 4, "weight": 20, "waits": "a promotion"});
    assert_eq!(seen["step"], step, "{seen:#}");
    assert_eq!(seen["progress"]["phase"], "Paused", "{seen:#}");
    assert!(hop(&seen, "run").is_some_and(|why| why.contains("waits for a promotion")));

    let told = tell(&world, &["canary", "promote", cell.0, cell.1]);
    assert_eq!(told["progress"]["step"]["index"], 3, "{told:#}");
    until("at its second pause", &|live| {
        live["step"]["weight"] == 60 && live["versions"] == json!({"1.0.0": 2, "1.1.0": 3})
    });

    let told = tell(&world, &["canary", "abort", cell.0, cell.1]);
    assert_eq!(told["progress"]["stage"], "aborted", "{told:#}");
    let seen = until("aborted, and healthy on what was before", &|live| {
        live["health"] == "degraded" && runs(live, FIRST, 5)
    });
    assert_eq!(seen["serving"], FIRST, "{seen:#}");
    let why = hop(&seen, "serve").unwrap_or_default();
    assert!(why.starts_with("canary aborted; 1.0.0 stays"), "{seen:#}");
    world
        .tidegate(&["status", "--env", "prod"])
        .exits(0)
        .says("canary aborted; 1.0.0 stays");
    world
        .tidegate(&["canary", "promote", cell.0, cell.1, "--yes"])
        .exits(1)
        .says("`canary retry` begins again");

    tell(&world, &["canary", "retry", cell.0, cell.1]);
    until("at its first pause again", &|live| {
        live["health"] == "paused"
    });
    on_the_screen(&world, cell);
    let seen = until("taken over", &|live| {
        live["health"] == "healthy" && runs(live, "1.1.0", 5)
    });
    assert_eq!((&seen["step"], &seen["hop"]), (&Value::Null, &Value::Null));
}

/// At its first pause: promoted, given up and begun again on the screen, and taken over at once.
fn on_the_screen(world: &World, cell: (&str, &str)) {
    let mut operator = Operator::sit_down(world.screen(&[]));
    operator.unlock();
    let acts = [
        (("m", "promote"), "promote", "paused"),
        (("x", "abort"), "abort", "aborted"),
        (("e", "retry"), "retry", "paused"),
        (("M", "promote full"), "promote --full", "healthy"),
    ];
    for (choice, word, ends) in acts {
        by_hand(&mut operator, cell, choice, "kubectl argo rollouts");
        let done = format!("{word} is done");
        let terminal = &mut operator.terminal;
        terminal.until("that it is done", ROLLOUT, |view| view.has(&done));
        terminal.until("how it is then", ROLLOUT, |view| view.has(ends));
        world.note(&format!("{word} on the screen"));
    }
    operator.leave();
}

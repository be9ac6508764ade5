//! What is done by hand, on the screen and by commands, where the controllers that do it are real: Argo CD's, by the cluster that
//! it is in and by its own API, and Kubernetes' own.

use std::fs;

use serde_json::Value;

use crate::{
    agents::{hop, live, until_told},
    operator::Operator,
    rig::until,
    seed::FIRST,
    terminal::{SOON, View, key},
    world::{ROLLOUT, World},
};

/// Chosen from the menu of what can be done to a cell by hand, confirmed (production by its name), and told.
pub fn by_hand(
    operator: &mut Operator,
    (service, environment): (&str, &str),
    (choice, word): (&str, &str),
    told: &str,
) {
    operator.back_to_the_matrix();
    operator.go_to(service, environment);
    let terminal = &mut operator.terminal;
    let title = format!("By hand: {service} / {environment}");
    terminal.press_until("a", "the menu", SOON, |view| view.has(&title));
    terminal.until("what is offered", SOON, |view| view.has(word));
    terminal.press(choice);
    if environment != "prod" {
        // What was told before may still stand below it.
        let asked = |view: &View| view.has("<n> go back");
        terminal.until("the question", SOON, asked);
        terminal.press_until("y", "it is told", SOON, |view| !asked(view));
        return;
    }
    let asked = "prod is protected: type its name";
    terminal.until("the question", SOON, |view| view.has(asked));
    terminal.press_until("p", "keys count", SOON, |view| {
        view.has(asked) && view.has("> p")
    });
    terminal.press("rod");
    terminal.until("the name", SOON, |view| view.has("> prod"));
    terminal.press_until(key::ENTER, "it is told", SOON, |view| view.has(told));
}

#[test]
#[ignore = "needs real systems, as TIDEGATE_RIG describes them; .ci/run has them"]
fn an_operator_syncs_goes_back_and_restarts_by_hand() {
    let world = World::start("hands");
    let cell = ("mail", "prod");
    let application = world.namespace(cell.0, cell.1);
    world.manual(cell.0, cell.1);
    world.bump(cell.0, cell.1, "1.1.0");
    world.git(&world.clone(), &["fetch", "-q"]);
    until_told(&world, cell, ROLLOUT, "waits for a sync", |live| {
        hop(live, "sync") == Some("Argo CD has not synced: no automated sync")
    });

    let mut operator = Operator::sit_down(world.screen(&[]));
    operator.unlock();
    operator.go_to(cell.0, cell.1);
    operator
        .terminal
        .until("what it waits for", ROLLOUT, |view| {
            view.has("no automated sync")
        });
    by_hand(&mut operator, cell, ("s", "sync"), "told");
    world.until_served(cell.0, cell.1, "1.1.0");
    operator.terminal.until("what came of it", ROLLOUT, |view| {
        view.has("sync is done: synced")
    });
    world.note("synced on the screen");

    // Its history has the first version, and nothing undoes it before somebody syncs.
    by_hand(
        &mut operator,
        cell,
        ("b", "rollback"),
        &format!("argocd app rollback {application}"),
    );
    world.until_served(cell.0, cell.1, FIRST);
    world.note("rolled back on the screen");
    by_hand(&mut operator, cell, ("U", "undo"), "rollout undo");
    world.until_served(cell.0, cell.1, "1.1.0");
    operator.terminal.until("what came of it", ROLLOUT, |view| {
        view.has("undo is done: healthy")
    });
    world.note("undone on the screen");
    operator.leave();

    let restart = ["rollout", "restart", cell.0, cell.1, "--yes", "--wait"];
    world.tidegate(&restart).exits(0).says("healthy");
    let seen = live(&world, cell.0, cell.1);
    assert_eq!(seen["health"], "healthy", "{seen:#}");
}

#[test]
#[ignore = "needs real systems, as TIDEGATE_RIG describes them; .ci/run has them"]
fn argo_cd_is_asked_and_told_by_its_own_api() {
    let world = World::start("own-api");
    let cell = ("shop", "staging");
    let api = world.rig.hub().and_then(|(_, hub)| hub.argocd.clone());
    let api = api.expect("Argo CD's own API");
    // Nobody here has access to the hub: production is Git's alone.
    let hub = &world.environment("prod").cluster;
    let text = world.configuration(|environment| environment.cluster.clone());
    let text = text.replace(&format!("cluster = \"{hub}\"\n"), "");
    let file = world.home().join("without-hub.toml");
    fs::write(&file, text).expect("a configuration");
    let token = world.home().join("token");
    fs::write(&token, &api.token).expect("a token");
    let folder = world.home().join("config/tidegate");
    fs::create_dir_all(&folder).expect("a folder");
    let own = format!(
        "[[argocd]]\nurl = \"{}\"\ntoken = {{ command = [\"cat\", \"{}\"] }}\n",
        api.url,
        token.display()
    );
    fs::write(folder.join("config.toml"), own).expect("the user's own file");
    let config = file.display().to_string();
    let tidegate = |line: &[&str]| {
        let said = world.tidegate(&[&["--config", &config], line].concat());
        let all = format!("{}{}", said.output, said.words);
        assert!(!all.contains(&api.token), "a token shows in {line:?}");
        said
    };
    let live = || -> Value {
        let seen = tidegate(&["status", "-o", "json"]).exits(0).json();
        let rows = seen["services"].as_array().cloned().unwrap_or_default();
        let row = rows.into_iter().find(|row| row["name"] == cell.0);
        row.map_or(Value::Null, |row| row["cells"][cell.1]["live"].clone())
    };
    let becomes = |what: &str, is: &dyn Fn(&Value) -> bool| {
        assert!(until(ROLLOUT, || is(&live())), "{what}: {:#}", live());
        world.note(what);
    };
    becomes("its Application is found", &|live| {
        live["agent"]["state"] == "synced"
    });
    let agent = live()["agent"].clone();
    assert_eq!(agent["cluster"], api.url.as_str(), "{agent:#}");
    let object = format!("argocd/{}", world.namespace(cell.0, cell.1));
    assert_eq!(agent["object"], object, "{agent:#}");

    let tell =
        |order: &str, code: i32| tidegate(&[order, cell.0, cell.1, "--yes", "--wait"]).exits(code);
    tell("refresh", 0);
    tell("rollback", 1).says("it syncs by itself");
    world.manual(cell.0, cell.1);
    world.bump(cell.0, cell.1, "1.1.0");
    world.git(&world.clone(), &["fetch", "-q"]);
    becomes("it waits for a sync", &|live| {
        hop(live, "sync") == Some("Argo CD has not synced: no automated sync")
    });
    tell("sync", 0).says("synced");
    world.until_served(cell.0, cell.1, "1.1.0");
    tell("rollback", 0);
    world.until_served(cell.0, cell.1, FIRST);
    becomes("what it was told is seen", &|live| {
        live["agent"]["state"] == "out-of-sync"
    });

    world.cannot_generate(cell.0, cell.1);
    becomes("what made it cannot generate", &|live| {
        let words = format!(
            "Argo CD cannot generate from ApplicationSet argocd/set-{}",
            world.namespace(cell.0, cell.1)
        );
        hop(live, "sync").is_some_and(|why| why.starts_with(&words) && why.contains("absent"))
    });

    fs::write(&token, "wrong").expect("a token");
    let seen = tidegate(&["status"]).exits(0).all();
    assert!(seen.contains("what agents do is not known"), "{seen}");
}

//! Journeys by commands, as a script would go them.

use std::fs;

use serde_json::Value;

use crate::{
    operator::Operator,
    rig::until,
    said::Said,
    seed::{FIRST, SERVICES},
    terminal::SOON,
    world::{Environment, ROLLOUT, World},
};

#[test]
#[ignore = "needs real systems, as TIDEGATE_RIG describes them; .ci/run has them"]
fn a_version_is_promoted_fails_and_is_reverted() {
    let world = World::start("commands");
    let own = dirtied(&world);
    let seen = world.tidegate(&["status", "-o", "json"]).exits(0);
    for (service, pods) in SERVICES {
        for environment in ["staging", "prod"] {
            let live = live(&seen.json(), service, environment);
            assert_eq!("healthy", live["health"], "{live}");
            assert_eq!(u64::from(pods), live["versions"][FIRST], "{live}");
            assert_eq!(
                (&live["ready"], false),
                (&live["desired"], is_stale(&live)),
                "{live}"
            );
        }
        assert_eq!(
            Value::Null,
            live(&seen.json(), service, "dev"),
            "nothing deploys dev"
        );
    }
    assert_eq!(
        0,
        seen.json()["problems"].as_array().map_or(0, Vec::len),
        "{}",
        seen.all()
    );
    world.note(&format!("status: all healthy, {:.2?}", seen.took));

    world.bump("shop", "dev", "1.1.0");
    let tip = world.wait(world.repository.tip("main")).0;
    let plan = world
        .tidegate(&[
            "promote",
            "shop",
            "--from",
            "dev",
            "--to",
            "staging",
            "--dry-run",
            "-o",
            "json",
        ])
        .exits(0)
        .json();
    assert_eq!(tip, plan["base"], "{plan}");
    assert_eq!("1.1.0", plan["changes"][0]["to"], "{plan}");
    let diff = plan["edits"][0]["diff"].as_str().unwrap_or_default();
    assert!(
        diff.contains("-    newTag: 1.0.0\n+    newTag: 1.1.0\n"),
        "{plan}"
    );
    assert_eq!(
        tip,
        world.wait(world.repository.tip("main")).0,
        "a dry run pushes nothing"
    );

    for (from, to) in [("dev", "staging"), ("staging", "prod")] {
        let said = promote(&world, "shop", from, to).exits(0);
        assert!(
            world.serves("shop", to, "1.1.0"),
            "it waits until the cluster serves it\n{}",
            said.all()
        );
        let (_, message) = world.wait(world.repository.tip("main"));
        let subject = format!("promote shop 1.0.0 → 1.1.0 to {to}");
        assert_eq!(Some(subject.as_str()), message.lines().next(), "{message}");
        for trailer in [
            format!("Environment: {to}"),
            format!("Promoted-From: {from}"),
        ] {
            assert!(message.contains(&trailer), "{message}");
        }
        world.note(&format!("1.1.0 to {to}: exit 0, {:.1?}", said.took));
    }

    let bad = "1.2.0-crash.1";
    world.bump("shop", "dev", bad);
    let failed = promote(&world, "shop", "dev", "staging")
        .exits(1)
        .says("CrashLoopBackOff");
    world.note(&format!(
        "{bad} to staging: exit 1, {:.1?}: {}",
        failed.took,
        sentence(&failed, "CrashLoopBackOff")
    ));
    let cell = live(
        &world.tidegate(&["status", "-o", "json"]).exits(0).json(),
        "shop",
        "staging",
    );
    assert_eq!("degraded", cell["health"], "{cell}");
    assert!(
        cell["reason"]
            .as_str()
            .unwrap_or_default()
            .contains("CrashLoopBackOff"),
        "{cell}"
    );
    world.note(&format!(
        "status: {} {}, versions {}",
        cell["health"], cell["reason"], cell["versions"]
    ));

    let healed = world
        .tidegate(&["revert", "shop", "staging", "--yes", "--wait"])
        .exits(0);
    assert!(world.serves("shop", "staging", "1.1.0"), "{}", healed.all());
    world.note(&format!("revert of staging: exit 0, {:.1?}", healed.took));
    let history = world
        .tidegate(&["history", "shop", "staging", "-o", "json"])
        .exits(0)
        .json();
    let values: Vec<_> = history["values"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|value| (text(&value["version"]), text(&value["kind"])))
        .collect();
    let expected = [
        ("1.1.0", "revert"),
        (bad, "promotion"),
        ("1.1.0", "promotion"),
        (FIRST, "initial"),
    ];
    assert_eq!(
        expected
            .map(|(version, kind)| (version.into(), kind.into()))
            .to_vec(),
        values
    );
    own.assert_still(&world);
}

#[test]
#[ignore = "needs real systems, as TIDEGATE_RIG describes them; .ci/run has them"]
fn a_protected_branch_refuses_and_a_branch_of_its_own_is_offered() {
    let world = World::start("protected");
    world.bump("mail", "dev", "1.1.0");
    world.wait(world.repository.protect("main"));
    let tip = world.wait(world.repository.tip("main")).0;
    let refused = promote(&world, "mail", "dev", "staging").exits(1);
    let words = "Not allowed to push to protected branch main";
    let offer = "deliver = \"branch\"";
    let refused = refused.says(words).says(offer);
    assert_eq!(
        tip,
        world.wait(world.repository.tip("main")).0,
        "nothing was pushed"
    );
    world.note(&format!("refused: {}", sentence(&refused, words)));
    world.note(&format!("offered: {}", sentence(&refused, offer)));

    let configuration = world.home().join("branch.toml");
    let context = |environment: &Environment| environment.cluster.clone();
    let text = world.configuration(context).replace(
        "name = \"staging\"\n",
        "name = \"staging\"\ndeliver = \"branch\"\n",
    );
    fs::write(&configuration, text).expect("a configuration");
    let file = configuration.display().to_string();
    let pushed = world
        .tidegate(&[
            "--config", &file, "promote", "mail", "--from", "dev", "--to", "staging", "--yes",
        ])
        .exits(0);
    let branches = world.wait(world.repository.branches());
    let [branch] = &branches
        .iter()
        .filter(|name| *name != "main")
        .collect::<Vec<_>>()[..]
    else {
        panic!("one branch of its own: {branches:?}\n{}", pushed.all());
    };
    let (_, message) = world.wait(world.repository.tip(branch));
    assert!(
        message.starts_with("promote mail 1.0.0 → 1.1.0 to staging"),
        "{message}"
    );
    assert_eq!(
        tip,
        world.wait(world.repository.tip("main")).0,
        "main has not moved"
    );
    let link = format!("open a pull request: {}", world.rig.gitea().url);
    let pushed = pushed.says(&link);
    world.note(&format!(
        "pushed to {branch}; the forge: {}",
        sentence(&pushed, &link)
    ));
}

#[test]
#[ignore = "needs real systems, as TIDEGATE_RIG describes them; .ci/run has them"]
fn rights_that_are_missing_are_told_from_emptiness() {
    let world = World::start("rights");
    let configuration = world.home().join("rights.toml");
    let context = |environment: &Environment| {
        let role = if environment.name == "staging" {
            "viewer"
        } else {
            "nobody"
        };
        format!("{}-{role}", environment.cluster)
    };
    fs::write(&configuration, world.configuration(context)).expect("a configuration");
    let file = configuration.display().to_string();
    let seen = world
        .tidegate(&["--config", &file, "status", "-o", "json"])
        .exits(0);
    for (service, _) in SERVICES {
        let staging = live(&seen.json(), service, "staging");
        assert_eq!("healthy", staging["health"], "reading is enough: {staging}");
        let prod = live(&seen.json(), service, "prod");
        assert_eq!("unknown", prod["health"], "{prod}");
        let reason = prod["reason"].as_str().unwrap_or_default();
        assert!(reason.contains("403"), "no access, not empty: {prod}");
    }
    world.note(&format!(
        "nobody: {}",
        live(&seen.json(), "shop", "prod")["reason"]
    ));
    world.note(&format!("problems: {}", seen.json()["problems"]));

    world.bump("cart", "dev", "1.1.0");
    let promoted = world
        .tidegate(&[
            "--config", &file, "promote", "cart", "--from", "dev", "--to", "staging", "--yes",
            "--wait",
        ])
        .exits(0);
    assert!(
        world.serves("cart", "staging", "1.1.0"),
        "{}",
        promoted.all()
    );
    world.note(&format!(
        "a viewer follows a promotion: exit 0, {:.1?}",
        promoted.took
    ));

    let operator = Operator::sit_down(world.screen(&["--config", &file]));
    let view = operator.terminal.until("what each may see", SOON, |view| {
        view.has("?3 no access") && view.line(&["shop", "✓ 1.0.0", "? 1.0.0"]).is_some()
    });
    assert!(view.has("403") && view.has("cannot list"), "{view}");
    world.note(&format!("the screen:{}", view.lines()[1]));
    operator.leave();
}

#[test]
#[ignore = "needs real systems, as TIDEGATE_RIG describes them; .ci/run has them"]
fn a_cluster_that_is_down_costs_its_own_column() {
    let world = World::start_alone("down");
    let process = format!("{}/kube-apiserver", world.environment("staging").cluster);
    let mut stopped = world.rig.stop(&process);
    assert!(!world.answers("staging"), "{process} is down");
    world.note(&format!("{process} stopped"));
    let seen = world
        .tidegate(&["status", "--timeout", "5s", "-o", "json"])
        .exits(0);
    let staging = live(&seen.json(), "shop", "staging");
    assert!(
        staging.is_null() || staging["health"] == "unknown",
        "what does not answer is unknown: {staging}"
    );
    assert_eq!("healthy", live(&seen.json(), "shop", "prod")["health"]);
    let problems = seen.json()["problems"].to_string();
    assert!(
        problems.contains(&world.environment("staging").cluster),
        "{problems}"
    );
    world.note(&format!("status after {:.1?}: {problems}", seen.took));

    stopped.start();
    assert!(
        until(ROLLOUT, || world.answers("staging")),
        "{process} is up again"
    );
    let seen = world.tidegate(&["status", "-o", "json"]).exits(0);
    assert_eq!("healthy", live(&seen.json(), "shop", "staging")["health"]);
}

fn promote(world: &World, service: &str, from: &str, to: &str) -> Said {
    world.tidegate(&[
        "promote", service, "--from", from, "--to", to, "--yes", "--wait",
    ])
}

/// A cell's `live` in what `status` said.
fn live(status: &Value, service: &str, environment: &str) -> Value {
    let services = status["services"].as_array();
    let row = services
        .into_iter()
        .flatten()
        .find(|row| row["name"] == service);
    row.unwrap_or_else(|| panic!("no {service} in {status}"))["cells"][environment]["live"].clone()
}

fn is_stale(live: &Value) -> bool {
    live["stale"] != false
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().into()
}

/// The line that has `part` in it.
fn sentence(said: &Said, part: &str) -> String {
    let all = said.all();
    let line = all.lines().find(|line| line.contains(part));
    line.unwrap_or_default().trim().into()
}

/// What is the operator's own in a clone, and must stay as it is.
#[derive(Debug, PartialEq, Eq)]
struct Untouched {
    head: String,
    branches: String,
    changes: String,
}

/// Makes the clone dirty, and remembers it so.
fn dirtied(world: &World) -> Untouched {
    let file = world.clone().join("apps/cart/base/deployment.yaml");
    let mut text = fs::read_to_string(&file).expect("a file");
    text += "# half a thought\n";
    fs::write(&file, text).expect("a file");
    fs::write(world.clone().join("note.txt"), "mine").expect("a file");
    Untouched::of(world)
}

impl Untouched {
    fn of(world: &World) -> Self {
        let git = |arguments: &[&str]| world.git(&world.clone(), arguments);
        Self {
            head: git(&["rev-parse", "HEAD"]),
            branches: git(&["for-each-ref", "refs/heads"]),
            changes: git(&["status", "--porcelain", "--untracked-files=all"]) + &git(&["diff"]),
        }
    }

    fn assert_still(&self, world: &World) {
        let now = Self::of(world);
        assert_eq!(
            (&self.head, &self.branches, &self.changes),
            (&now.head, &now.branches, &now.changes)
        );
    }
}

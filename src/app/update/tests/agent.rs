//! Telling the agent of a cell: what is asked first, what is refused, and how it is told what came of it.

use super::*;
use std::time::Duration;

use crate::{
    actions::Mode,
    app::event::{ByHand, Ended},
    domain::{
        agent::{Conductor, Order, Phase, Progress, Stage, Step},
        by_hand::{Choice, Deed, Weighed},
        plan::Level,
        policy::{GatePolicy, Kind, Policy, Rule, Window},
        rollout::{Connection, LiveCell, RolloutAct},
    },
};

/// Something was told, and its answers are `event`s.
fn told(driver: &mut Driver) -> Option<ByHand> {
    let commands = driver.taken().into_iter();
    let mut told = commands.filter_map(|command| match command {
        Command::Tell { told, .. } => Some(told),
        _ => None,
    });
    told.next()
}

fn order_of(told: &ByHand) -> Option<Order> {
    match &told.deed {
        Deed::Agent { order, .. } => Some(*order),
        _ => None,
    }
}

fn driver(write: WriteMode) -> Driver {
    let mut setup = fixture::setup();
    setup.write = write;
    let mut driver = Driver::settled_with(setup, SIZE);
    driver.brought_by_agents();
    driver.taken();
    driver
}

#[test]
fn what_a_cell_waits_for_is_asked_about_and_told() {
    // Where, which keys, and what is told of it; none: the word that says why not.
    let cases: [(&str, &str, Result<Order, &str>); 9] = [
        ("mailer dev", "enter S y", Ok(Order::Reconcile)),
        ("mailer dev", "a p y", Ok(Order::Suspend)),
        ("mailer dev", "a j j enter y", Ok(Order::Resume)),
        ("mailer dev", "a s y", Ok(Order::Reconcile)),
        (
            "mailer dev",
            "a f",
            Err(
                "mailer / dev is brought by Kustomization flux-system/mailer, which can be told: reconcile, suspend, resume",
            ),
        ),
        ("mailer dev", "a r n", Err("nothing is told")),
        ("mailer prod-us", "enter S \"prod-us enter", Ok(Order::Sync)),
        (
            "mailer prod-us",
            "a F \"prod-us enter",
            Ok(Order::HardRefresh),
        ),
        (
            "checkout dev",
            "a s",
            Err(
                "checkout / dev: no Kustomization, HelmRelease or Application that brings it is seen",
            ),
        ),
    ];
    for (at, keys, expected) in cases {
        let mut driver = driver(WriteMode::Write);
        let (service, environment) = at.split_once(' ').unwrap();
        driver.model.select(&cell(service, environment));
        driver.keys(keys);
        let order = told(&mut driver).and_then(|told| order_of(&told));
        match expected {
            Ok(expected) => assert_eq!(order, Some(expected), "{at}: {keys}"),
            Err(why) => assert_eq!((order, driver.word()), (None, why), "{at}: {keys}"),
        }
    }
}

#[test]
fn a_protected_name_is_typed_and_read_only_tells_nothing() {
    let mut open = driver(WriteMode::Write);
    open.model.select(&cell("mailer", "prod-us"));
    open.keys("a s \"prod enter");
    assert_eq!(told(&mut open), None, "another name");
    open.keys("\"-us enter");
    assert!(told(&mut open).is_some());
    for write in [WriteMode::ReadOnly, WriteMode::Locked] {
        let mut locked = driver(write);
        locked.model.select(&cell("mailer", "dev"));
        locked.keys("a r");
        assert_eq!(told(&mut locked), None);
        assert_ne!(locked.word(), "");
    }
}

#[test]
fn one_that_is_suspended_is_resumed_before_it_is_told_to_reconcile() {
    let mut driver = driver(WriteMode::Write);
    let dev = cell("mailer", "dev");
    let mut live = LiveCell::clone(&driver.model.live.cells()[&dev]);
    if let Some(agent) = &mut live.agent {
        agent.phase = Phase::Suspended;
    }
    driver.send(Event::Live {
        environment: "dev".into(),
        context: "dev".to_owned(),
        connection: Connection::Live,
        cells: vec![(dev.clone(), live.into())],
        all: false,
    });
    driver.model.select(&dev);
    driver.keys("a r");
    assert_eq!(
        driver.word(),
        "Kustomization flux-system/mailer is suspended and would do nothing: resume it instead"
    );
    driver.keys("c y");
    assert_eq!(
        told(&mut driver).and_then(|told| order_of(&told)),
        Some(Order::Resume)
    );
}

#[test]
fn what_came_of_it_is_in_the_activity() {
    let mut driver = driver(WriteMode::Write);
    driver.model.select(&cell("mailer", "dev"));
    driver.keys("a r y");
    let epoch = driver.epoch(Operation::Tell);
    let told = told(&mut driver).unwrap();
    driver.keys("a r");
    let waits = "an agent is being told something; ask again when that is over";
    assert_eq!(driver.word(), waits);
    driver.send(Event::Told {
        epoch,
        told: told.clone(),
        result: Ok(()),
    });
    let ran = driver.model.ran.clone().unwrap();
    assert_eq!(
        (ran.line.as_str(), ran.outcome.as_str()),
        (
            "flux --context dev -n flux-system reconcile kustomization mailer --with-source",
            "told"
        )
    );
    let done = |failing, word, reason: &str| Event::ToldDone {
        told: told.clone(),
        result: Ok(Some(Ended {
            failing,
            word,
            reason: Some(reason.to_owned()),
        })),
    };
    driver.send(done(false, "synced", "ReconciliationSucceeded"));
    driver.send(done(true, "stalled", "BuildFailed: no such file"));
    driver.send(Event::ToldDone {
        told: told.clone(),
        result: Ok(None),
    });
    let lines = driver.model.activity.entries();
    let lines: Vec<&str> = lines.iter().map(|entry| entry.text.as_str()).collect();
    let whom = "Kustomization flux-system/mailer in dev";
    let expected = [
        format!("mailer / dev: told {whom} to reconcile"),
        format!("mailer / dev: reconcile is done: synced ({whom})"),
        format!("reconcile {whom}"),
        format!("mailer / dev: reconcile is not done in time ({whom})"),
    ];
    for line in &expected {
        assert!(lines.contains(&line.as_str()), "{line}: {lines:?}");
    }
}

/// A cell of staging whose Rollout waits at a pause, and one of prod-us with two Deployments.
fn by_steps(driver: &mut Driver) {
    let mut progress = Progress::new(Conductor::ArgoRollouts, "shop/checkout".to_owned());
    progress.cluster = "staging".to_owned();
    progress.stage = Stage::Waiting;
    progress.step = Some(Step { index: 1, of: 4 });
    progress.waits = Some("a promotion".to_owned());
    let canary = LiveCell {
        progress: Some(Box::new(progress)),
        workloads: vec!["Rollout/checkout".to_owned()],
        ..fixture::healthy("1.42.0")
    };
    let two = ["Deployment/checkout", "StatefulSet/checkout-queue"];
    let plain = LiveCell {
        workloads: two.map(str::to_owned).to_vec(),
        ..fixture::healthy("1.42.0")
    };
    for (environment, live) in [("staging", canary), ("prod-us", plain)] {
        driver.send(Event::Live {
            environment: environment.into(),
            context: environment.to_owned(),
            connection: Connection::Live,
            cells: vec![(cell("checkout", environment), live.into())],
            all: false,
        });
    }
}

/// What was found out comes, half a second before the next key.
fn weighed(driver: &mut Driver, result: Result<Weighed, String>) {
    let epoch = driver.epoch(Operation::Weigh);
    driver.send(Event::Weighed { epoch, result });
}

#[test]
fn a_canary_is_told_from_the_menu_and_what_makes_no_sense_does_nothing() {
    let cases = [
        ("a enter y", Ok("promote shop/checkout")),
        ("a m y", Ok("promote shop/checkout")),
        ("a M y", Ok("promote --full shop/checkout")),
        ("a x y", Ok("abort shop/checkout")),
        (
            "a e y",
            Err("Rollout shop/checkout was not aborted: there is nothing to retry"),
        ),
        (
            "a R",
            Err("checkout / staging has no Deployment, StatefulSet or DaemonSet in its cluster"),
        ),
    ];
    for (keys, expected) in cases {
        let mut driver = driver(WriteMode::Write);
        by_steps(&mut driver);
        driver.model.select(&cell("checkout", "staging"));
        driver.keys(keys.strip_suffix(" y").unwrap_or(keys));
        let said = driver.word().to_owned();
        driver.keys("y");
        let told = told(&mut driver).map(|told| match told.deed {
            Deed::Delivery { progress, conduct } => format!("{conduct} {}", progress.object),
            other => format!("{other:?}"),
        });
        match expected {
            Ok(expected) => assert_eq!(told.as_deref(), Some(expected), "{keys}"),
            Err(why) => assert_eq!((told, said.as_str()), (None, why), "{keys}"),
        }
    }
}

#[test]
fn who_would_undo_it_is_asked_for_first_and_yes_waits_for_it() {
    let mut driver = driver(WriteMode::Write);
    by_steps(&mut driver);
    driver.model.select(&cell("checkout", "prod-us"));
    driver.keys("a U");
    let asked = driver
        .taken()
        .into_iter()
        .find_map(|command| match command {
            Command::Weigh { deed, .. } => Some(deed),
            _ => None,
        });
    let Some(Deed::Workload { at, act, to: None }) = asked else {
        panic!("{asked:?}");
    };
    assert_eq!(
        (
            at.workload().as_str(),
            at.context.as_str(),
            at.namespace.as_str(),
            act
        ),
        ("Deployment/checkout", "prod-us", "shop", RolloutAct::Undo)
    );
    driver.keys("\"prod-us enter");
    assert_eq!(told(&mut driver), None);
    let waits = "who would undo it is being asked still: wait for that";
    assert_eq!(driver.word(), waits);
    let choice = |number| Choice {
        number,
        what: format!("checkout:1.{number}.0"),
        since: None,
    };
    weighed(
        &mut driver,
        Ok(Weighed {
            refusal: None,
            choices: vec![choice(41), choice(40)],
            undone: vec!["Flux undoes this at its next reconcile".to_owned()],
        }),
    );
    driver.keys("down");
    // Another revision was named just before.
    driver.key("enter", 10);
    assert_eq!(told(&mut driver), None);
    driver.keys("enter");
    let command = told(&mut driver).map(|told| told.deed.command());
    assert_eq!(
        command.as_deref(),
        Some("kubectl --context prod-us -n shop rollout undo deployment/checkout --to-revision=40")
    );
}

#[test]
fn what_would_be_refused_is_not_told() {
    for result in [
        Err("Deployment shop/checkout: 403: forbidden".to_owned()),
        Ok(Weighed {
            refusal: Some("Deployment shop/checkout: 403: forbidden".to_owned()),
            ..Weighed::default()
        }),
    ] {
        let mut driver = driver(WriteMode::Write);
        by_steps(&mut driver);
        driver.model.select(&cell("checkout", "prod-us"));
        driver.keys("a P");
        weighed(&mut driver, result);
        driver.keys("\"prod-us enter");
        assert_eq!(told(&mut driver), None);
        assert_eq!(driver.word(), "Deployment shop/checkout: 403: forbidden");
    }
}

#[test]
fn of_several_workloads_one_is_chosen() {
    let mut driver = driver(WriteMode::Write);
    by_steps(&mut driver);
    driver.model.select(&cell("checkout", "prod-us"));
    driver.keys(": \"rollout-restart enter");
    assert_eq!(
        driver.word(),
        "checkout / prod-us has several workloads (Deployment/checkout, StatefulSet/checkout-queue): a chooses one"
    );
    // The one that is selected on the cell's screen is offered first.
    driver.keys("enter");
    if let Some(Screen::Cell(screen)) = driver.model.screens.last_mut() {
        screen.object = Some(1);
    }
    driver.keys("a P");
    assert_eq!(
        driver.word(),
        "a StatefulSet cannot be paused; only a Deployment can"
    );
    driver.keys("esc esc a tab P");
    assert_eq!(
        driver.word(),
        "a StatefulSet cannot be paused; only a Deployment can"
    );
    driver.keys("y");
    let copied = driver
        .taken()
        .into_iter()
        .find_map(|command| match command {
            Command::Copy { text, .. } => Some(text),
            _ => None,
        });
    assert_eq!(
        copied.as_deref(),
        Some("kubectl --context prod-us -n shop rollout restart statefulset/checkout-queue")
    );
}

/// A freeze of this name that holds at every instant begins; `hard`: nothing lifts it in `prod-us`.
fn freeze(policy: &mut Policy, name: &str, hard: bool) {
    let hour = Duration::from_hours(1);
    let mut window = Window::new(name, Kind::Deny, "* * * * *", hour, "UTC").unwrap();
    window.environments = vec!["*".to_owned()];
    window.services = vec!["*".to_owned()];
    policy.windows = vec![window];
    let rule = Rule {
        level: hard.then_some(Level::Hard),
        ..Rule::default()
    };
    let gates = GatePolicy {
        rules: [("window".to_owned(), rule)].into(),
        ..GatePolicy::default()
    };
    policy.environments = [("prod-us".into(), gates)].into();
}

fn frozen(hard: bool) -> Driver {
    let mut driver = driver(WriteMode::Write);
    freeze(&mut driver.model.setup.topology.policy, "stocktaking", hard);
    driver.model.select(&cell("mailer", "prod-us"));
    driver
}

#[test]
fn a_reason_lifts_the_freeze_that_it_was_given_for_and_no_hard_one() {
    let hard = "it is hard here, and no override lifts it";
    // A freeze begins while the question is open: no reason lifts a hard one.
    let mut driver = frozen(false);
    driver.model.setup.topology.policy.windows.clear();
    driver.keys("a s");
    assert_eq!(driver.model.mode(), Mode::ConfirmName);
    freeze(&mut driver.model.setup.topology.policy, "audit", true);
    driver.keys("\"prod-us enter");
    assert!(driver.word().ends_with(hard), "{}", driver.word());
    for keys in ["o", "y"] {
        driver.model.word = None;
        driver.keys(keys);
        assert_eq!(driver.model.mode(), Mode::Confirm, "{keys}");
        assert!(driver.word().ends_with(hard), "{keys}: {}", driver.word());
    }
    assert_eq!(told(&mut driver), None);
    // Nor does the reason for another one: that is asked for again.
    for (name, hard) in [("audit", false), ("stocktaking", true)] {
        let mut driver = frozen(false);
        driver.keys("a s o \"Outage enter");
        assert_eq!(driver.model.mode(), Mode::ConfirmName);
        freeze(&mut driver.model.setup.topology.policy, name, hard);
        driver.keys("\"prod-us enter");
        assert_eq!(told(&mut driver), None, "{name}");
        assert_eq!(driver.model.mode(), Mode::Confirm, "{name}");
        let said = if hard {
            "no override lifts it"
        } else {
            "began meanwhile"
        };
        assert!(driver.word().ends_with(said), "{name}: {}", driver.word());
        if !hard {
            driver.keys("o \"Audit_too enter enter");
            let told = told(&mut driver).and_then(|told| told.lifted);
            assert_eq!(told.as_deref(), Some("Audit too"));
        }
    }
    // One that is over was not lifted.
    let mut driver = frozen(false);
    driver.keys("a s o \"Outage enter");
    driver.model.setup.topology.policy.windows.clear();
    driver.keys("\"prod-us enter");
    assert_eq!(told(&mut driver).map(|told| told.lifted), Some(None));
}

#[test]
fn a_freeze_is_lifted_with_a_written_reason_that_is_kept() {
    let mut driver = frozen(false);
    driver.keys("a s y");
    assert_eq!(driver.model.mode(), Mode::Reason);
    driver.keys("enter");
    assert_eq!(driver.word(), "a hold is lifted with a written reason only");
    driver.keys("esc o \"Outage enter");
    assert_eq!(driver.model.mode(), Mode::ConfirmName);
    driver.keys("\"prod-us enter");
    let epoch = driver.epoch(Operation::Tell);
    let told = told(&mut driver).unwrap();
    assert_eq!(told.lifted.as_deref(), Some("Outage"));
    driver.send(Event::Told {
        epoch,
        told,
        result: Ok(()),
    });
    let entries = driver.model.activity.entries();
    let entry = entries.iter().find(|it| it.text.contains("told")).unwrap();
    assert_eq!(
        entry.detail,
        [
            "argocd app sync mailer -N argocd",
            "a freeze was lifted for it: Outage"
        ]
    );
}

#[test]
fn a_hard_freeze_is_lifted_by_nothing_and_going_back_is_never_frozen() {
    let mut driver = frozen(true);
    driver.keys("a s");
    assert_eq!(driver.model.mode(), Mode::Matrix);
    assert!(
        driver
            .word()
            .ends_with("it is hard here, and no override lifts it"),
        "{}",
        driver.word()
    );
    driver.keys("a f \"prod-us enter");
    let told = told(&mut driver);
    assert_eq!(told.and_then(|told| order_of(&told)), Some(Order::Refresh));
    let mut driver = frozen(true);
    driver.keys("a U");
    assert_eq!(driver.model.mode(), Mode::ConfirmName);
}

#[test]
fn the_menu_follows_lists_that_get_shorter() {
    let mut driver = driver(WriteMode::Write);
    by_steps(&mut driver);
    let at = cell("checkout", "prod-us");
    driver.model.select(&at);
    driver.keys("a tab j j j j j j j j");
    let one = LiveCell {
        workloads: vec!["Deployment/checkout".to_owned()],
        ..fixture::healthy("1.42.0")
    };
    live(&mut driver, [(at, one)]);
    driver.keys("R");
    let told = match &driver.model.screens.last() {
        Some(Screen::Order(screen)) => screen.told.deed.whom(),
        other => panic!("{other:?}"),
    };
    assert_eq!(told, "Deployment shop/checkout in prod-us");
}

/// These cells are said to be so.
fn live<const N: usize>(driver: &mut Driver, cells: [(CellKey, LiveCell); N]) {
    for (cell, live) in cells {
        let environment = cell.environment.clone();
        driver.send(Event::Live {
            context: environment.to_string(),
            environment,
            connection: Connection::Live,
            cells: vec![(cell, live.into())],
            all: false,
        });
    }
}

/// What an agent's object brings is known as it is told, without a look through all cells.
#[test]
fn the_cells_of_an_agents_object_are_those_that_it_brings_today() {
    let mut driver = driver(WriteMode::Write);
    let mailer = cell("mailer", "dev");
    let told = LiveCell::clone(&driver.model.live.cells()[&mailer]);
    let agent = told.agent.clone().unwrap();
    let brings = |driver: &Driver| {
        let all = driver.model.live.brought_by(&agent);
        all.map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(brings(&driver), ["mailer / dev"]);
    let other = cell("checkout", "dev");
    live(&mut driver, [(other.clone(), told.clone()), (other, told)]);
    assert_eq!(brings(&driver), ["checkout / dev", "mailer / dev"]);
    live(&mut driver, [(mailer, fixture::healthy("2.0.4"))]);
    assert_eq!(brings(&driver), ["checkout / dev"]);
    driver.send(Event::Live {
        environment: "dev".into(),
        context: "dev".to_owned(),
        connection: Connection::Live,
        cells: Vec::new(),
        all: true,
    });
    assert!(brings(&driver).is_empty());
}

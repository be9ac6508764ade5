//! Telling the agent of a cell: what is asked first, what is refused, and how it is told what came of it.

use super::*;
use crate::{
    app::event::AgentTold,
    domain::agent::{AgentState, Order, Phase},
};

/// Something was told, and its answers are `event`s.
fn told(driver: &mut Driver) -> Option<AgentTold> {
    let commands = driver.taken().into_iter();
    let mut told = commands.filter_map(|command| match command {
        Command::TellAgent { told, .. } => Some(told),
        _ => None,
    });
    told.next()
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
            "a",
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
        let order = told(&mut driver).map(|told| told.order);
        match expected {
            Ok(expected) => assert_eq!(order, Some(expected), "{at}: {keys}"),
            Err(why) => assert_eq!((order, word(&driver)), (None, why), "{at}: {keys}"),
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
        assert_ne!(word(&locked), "");
    }
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
    assert_eq!(word(&driver), waits);
    driver.send(Event::AgentTold {
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
    let done = |phase, reason: &str| Event::AgentDone {
        told: told.clone(),
        result: Ok(Some(AgentState {
            phase,
            reason: Some(reason.to_owned()),
            ..told.agent.clone()
        })),
    };
    driver.send(done(Phase::Current, "ReconciliationSucceeded"));
    driver.send(done(Phase::Stalled, "BuildFailed: no such file"));
    driver.send(Event::AgentDone {
        told: told.clone(),
        result: Ok(None),
    });
    let lines = driver.model.activity.entries();
    let lines: Vec<&str> = lines.iter().map(|entry| entry.text.as_str()).collect();
    let whom = "Kustomization flux-system/mailer in dev";
    let expected = [
        format!("mailer / dev: told {whom} to reconcile"),
        format!("mailer / dev: {whom} has done it (reconcile): synced"),
        format!("reconcile {whom}"),
        format!("mailer / dev: {whom} has not done it in time (reconcile)"),
    ];
    for line in &expected {
        assert!(lines.contains(&line.as_str()), "{line}: {lines:?}");
    }
}

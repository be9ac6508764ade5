//! The last question, and the delivery that follows it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::ToSpan;

use super::plan::plan_screen;
use crate::{
    app::{
        event::Event,
        fixture::{Driver, cell, commit, tip},
    },
    domain::{
        agent::{At, Hop, Order},
        delivery::{Destination, Expectation, Fact, Push},
        rollout::{Connection, Health, LiveCell, PodState, Running},
        subject::Subject,
        topology::Deliver,
    },
};

pub(super) fn confirm(size: (u16, u16)) -> Driver {
    let mut driver = plan_screen(size);
    driver.keys("enter \"prod");
    driver
}

pub(super) fn confirmed(size: (u16, u16)) -> Driver {
    let mut driver = plan_screen(size);
    driver.keys("enter \"prod-us enter");
    driver
}

/// What clusters say of the two cells: pods of the new version, and whether each is ready.
fn seen(ready: &[bool], reason: &str) -> Running {
    let mut facts = Running::default();
    facts.connections.insert("prod-us".into(), Connection::Live);
    let now = crate::app::fixture::moment();
    let pods = ready.iter().enumerate().map(|(index, ready)| PodState {
        name: format!("accounts-{index}"),
        version: Some("2.4.0".into()),
        ready: *ready,
        reason: if *ready { "Running" } else { reason }.to_owned(),
        message: (!reason.is_empty()).then(|| "panic: no such table".to_owned()),
        restarts: 0,
        terminating: false,
        created: None,
        pulled: None,
        node: None,
    });
    let accounts = LiveCell {
        health: Health::Progressing,
        serving: Some("2.4.0".into()),
        desired: 6,
        pods: pods.collect(),
        ..LiveCell::unknown("", now)
    };
    let basket = LiveCell {
        health: Health::Healthy,
        serving: Some("2.3.1".into()),
        hop: Some(Hop {
            at: At::Sync,
            reason: "Argo CD has not synced: no automated sync".to_owned(),
            next: None,
            order: Some(Order::Sync),
            failing: false,
        }),
        ..LiveCell::unknown("", now)
    };
    facts
        .live
        .insert(cell("accounts", "prod-us"), accounts.into());
    facts.live.insert(cell("basket", "prod-us"), basket.into());
    facts
}

pub(super) fn delivery(size: (u16, u16)) -> Driver {
    let mut driver = confirmed(size);
    let began = driver.model.now;
    driver.fact(0, Fact::Confirmed(Vec::new()));
    driver.fact(
        1,
        Fact::Checked {
            sentence: "main is still a1b2c3d".to_owned(),
            moved: false,
        },
    );
    let push = Push {
        base: tip("a1b2c3d"),
        commit: commit("c0ffee1"),
        destination: Destination::Branch,
    };
    driver.fact(1, Fact::Made(push));
    driver.pushed(Deliver::Push, "Processed 1 references in total");
    let expected = Expectation {
        version: Some("2.4.0".into()),
        subject: Subject::Image,
        looked_for: true,
        timeout: Duration::from_mins(15),
        verifies: false,
        commit: None,
    };
    let cells = ["accounts", "basket"].map(|service| cell(service, "prod-us"));
    let expected = cells.map(|cell| (cell, expected.clone()));
    driver.fact(3, Fact::Expected(BTreeMap::from(expected)));
    let facts = seen(&[true, true, true, true], "");
    driver.fact(9, Fact::Seen(&facts, Duration::from_secs(6)));
    driver.send(Event::Tick(began + 12.seconds()));
    driver
}

/// Its second cell waits for its agent.
pub(in crate::ui::tests) fn delivery_that_waits(size: (u16, u16), why: &str) -> Driver {
    let mut driver = delivery(size);
    let mut facts = seen(&[true], "");
    let waits = facts.live.get_mut(&cell("basket", "prod-us")).unwrap();
    let hop = Arc::make_mut(waits).hop.as_mut().unwrap();
    hop.reason = why.to_owned();
    driver.fact(30, Fact::Seen(&facts, Duration::from_secs(6)));
    driver
}

pub(super) fn delivery_failed(size: (u16, u16)) -> Driver {
    let mut driver = delivery(size);
    let at = driver.model.now + 30.seconds();
    let facts = seen(&[true, false], "CrashLoopBackOff");
    driver.fact(30, Fact::Seen(&facts, Duration::from_mins(16)));
    driver.send(Event::Tick(at));
    driver
}

//! After the confirmation: written, moved, refused, followed.

use std::{collections::BTreeMap, time::Duration};

use super::*;
use crate::{
    app::{event::Event, screen::Refusal},
    domain::{
        delivery::{
            Delivery, Destination, Elsewhere, Expectation, Fact, NotPublished, Outcome, Part, Push,
            Rejection,
        },
        failure::FailureKind,
        rollout::Running,
        subject::Subject,
    },
};

fn confirmed() -> Driver {
    let mut driver = planned("identity", "staging");
    driver.keys("enter y");
    driver.commands.clear();
    driver
}

/// The cells are to run what the plan says, and their environment has no cluster.
fn expected(cells: &[CellKey]) -> BTreeMap<CellKey, Expectation> {
    let expectation = Expectation {
        version: Some("2".into()),
        subject: Subject::Image,
        looked_for: false,
        timeout: Duration::from_mins(15),
    };
    let cells = cells.iter().cloned();
    cells.map(|cell| (cell, expectation.clone())).collect()
}

fn plan_shown(driver: &mut Driver) -> crate::app::screen::PlanScreen {
    driver.model.plan_screen().cloned().unwrap()
}

#[test]
fn what_is_written_is_not_staged_any_more() {
    let mut driver = confirmed();
    driver.pushed(Deliver::Push, "");
    let read = Command::ReadDesired {
        epoch: driver.epoch(Operation::Desired),
    };
    assert_eq!(driver.taken(), [Command::SaveStaged(Vec::new()), read]);
    driver.keys("esc");
    assert!(driver.model.screens.is_empty(), "the plan is gone with it");
    driver.keys("z");
    assert!(
        word(&driver).starts_with("nothing to undo"),
        "pushed stays pushed"
    );
}

#[test]
fn a_branch_of_its_own_does_not_move_the_base() {
    let mut driver = confirmed();
    driver.pushed(Deliver::Branch, "");
    // The plan is of a push; what is delivered says how.
    let read = driver.taken();
    assert_eq!(read.first(), Some(&Command::SaveStaged(Vec::new())));
}

#[test]
fn a_moved_base_asks_again_with_what_changed() {
    let mut driver = confirmed();
    let mut fresh = plan(&[cell("identity", "staging")], false).plan;
    Arc::make_mut(&mut fresh).base = vec![tip("b7c8d9e")];
    let changes = vec!["main moved a1b2c3d to b7c8d9e".to_owned()];
    let moved = NotPublished::Moved {
        fresh: fresh.clone(),
        changes: changes.clone(),
    };
    driver.fact(1, Fact::NotPublished(moved));
    let shown = plan_shown(&mut driver);
    let ready = Arc::new(Planned::of(fresh.clone()));
    assert_eq!(shown.state, PlanState::Ready(ready));
    assert_eq!(shown.moved, changes);
    assert_eq!(driver.model.staging.requests().len(), 1);
    assert!(driver.model.deliveries.is_empty(), "nothing was delivered");
    driver.commands.clear();
    driver.keys("enter y");
    let taken = driver.taken();
    let [Command::Publish { plan, delivery }] = &taken[..] else {
        panic!("the fresh plan, after a new question: {taken:?}");
    };
    assert_eq!(**plan, *fresh);
    assert_eq!(**delivery, Delivery::new(&fresh, driver.model.now));
}

#[test]
fn a_gate_that_holds_now_goes_back_to_the_plan() {
    let mut driver = confirmed();
    let fresh = plan(&[cell("identity", "staging")], true).plan;
    driver.fact(1, Fact::NotPublished(NotPublished::Held(fresh)));
    let shown = plan_shown(&mut driver);
    assert_eq!(shown.moved, ["identity / staging is held by a gate"]);
    assert_eq!(driver.model.staging.requests().len(), 1);
}

#[test]
fn a_refused_push_keeps_everything_and_offers_a_branch() {
    let mut driver = confirmed();
    let rejected = NotPublished::Rejected(Rejection {
        status: "protected branch hook declined".to_owned(),
        message: String::new(),
        protected: true,
        denied: false,
    });
    driver.fact(1, Fact::NotPublished(rejected));
    let refusal = Refusal {
        message: vec!["protected branch hook declined".to_owned()],
        protected: true,
    };
    assert_eq!(plan_shown(&mut driver).refused, Some(refusal));
    assert_eq!(driver.model.staging.requests().len(), 1);
    driver.commands.clear();
    driver.keys("b");
    let build = Command::BuildPlan {
        epoch: driver.epoch(Operation::Plan),
        request: PlanRequest {
            changes: driver.model.staging.requests().to_vec(),
            deliver: Some(Deliver::Branch),
            overrides: Vec::new(),
            accepted: Vec::new(),
            leave_out: false,
            refused: Vec::new(),
        },
    };
    assert_eq!(driver.taken(), [build]);
}

#[test]
fn a_failure_says_why_until_dismissed() {
    let mut driver = confirmed();
    let failure = Failure::told(
        "push to origin",
        "could not resolve host",
        "nothing was written; try again",
    );
    driver.fact(1, Fact::NotPublished(NotPublished::Failed(failure.clone())));
    let standing = driver.model.activity.standing();
    assert_eq!(standing, Some((&failure, 0)));
    driver.keys("esc esc");
    assert_eq!(driver.model.activity.standing(), None);
    assert!(
        !driver.model.activity.entries().is_empty(),
        "stays in the log"
    );
}

#[test]
fn a_delivery_whose_driver_breaks_ends_with_its_mistake() {
    for pushed in [false, true] {
        let mut driver = confirmed();
        if pushed {
            driver.pushed(Deliver::Push, "");
        }
        let id = driver.model.deliveries[0].delivery.id.clone();
        let failure =
            Failure::told("delivery", "a mistake of its own", "").of(FailureKind::Mistake);
        driver.send(Event::DeliveryBroken {
            id,
            failure: failure.clone(),
        });
        assert_eq!(driver.model.activity.standing(), Some((&failure, 0)));
        assert!(!driver.model.operations.is_running(Operation::Publish));
        assert_eq!(driver.model.staging.requests().is_empty(), pushed);
        assert_eq!(driver.model.deliveries.under_way().count(), 0);
    }
}

#[test]
fn a_delivery_is_followed_and_offers_the_revert() {
    let mut driver = confirmed();
    driver.pushed(Deliver::Push, "");
    let key = cell("identity", "staging");
    driver.fact(3, Fact::Expected(expected(std::slice::from_ref(&key))));
    assert!(driver.model.deliveries.is_delivering(&key));
    driver.fact(4, Fact::Seen(&Running::default(), Duration::ZERO));
    let delivery = &driver.model.deliveries[0].delivery;
    assert!(matches!(delivery.ended, Some((_, Outcome::Unwatched))));
    assert!(!driver.model.deliveries.is_delivering(&key));
    driver.keys("r");
    let Some(Screen::Revert(screen)) = driver.model.screens.last() else {
        panic!("the picker is open");
    };
    assert_eq!(screen.cell, key);
}

#[test]
fn a_second_delivery_leaves_the_first_one_followed() {
    let mut driver = confirmed();
    driver.pushed(Deliver::Push, "");
    let first = driver.model.deliveries[0].delivery.id.clone();
    driver.send(Event::Tick(driver.model.now + 5.seconds()));
    driver.keys("esc h h h l : \"set_2 enter s");
    let other = driver.model.selected().unwrap();
    driver.planned(plan(std::slice::from_ref(&other), false));
    driver.keys("enter");
    driver.send(Event::Tick(driver.model.now + 5.seconds()));
    driver.keys("y");
    assert_eq!(driver.model.deliveries.len(), 2, "{}", word(&driver));
    assert_eq!(driver.model.deliveries.under_way().count(), 2);
    let shown = |driver: &Driver| match driver.model.screens.last() {
        Some(Screen::Delivery(screen)) => screen.id.clone(),
        other => panic!("{other:?}"),
    };
    assert_ne!(shown(&driver), first);
    driver.keys("tab");
    assert_eq!(shown(&driver), first);
    driver.keys("tab");
    assert_ne!(shown(&driver), first);
    driver.keys("esc esc d");
    assert_ne!(shown(&driver), first, "the newest");
}

#[test]
fn what_an_earlier_session_left_behind_is_shown_and_touches_nothing_staged() {
    let mut driver = planned("identity", "staging");
    driver.keys("esc");
    driver.commands.clear();
    let key = cell("checkout", "prod-eu");
    let left = plan(std::slice::from_ref(&key), false).plan;
    let left = Delivery::new(&left, driver.model.now - 60.seconds());
    driver.send(Event::Delivery {
        at: driver.model.now,
        delivery: Arc::new(left),
        steps: Vec::new(),
    });
    assert_eq!(word(&driver), "taken up again: set");
    assert!(driver.model.deliveries.is_delivering(&key));
    driver.pushed(Deliver::Push, "");
    assert_eq!(driver.model.staging.requests().len(), 1);
    assert!(!driver.taken().contains(&Command::SaveStaged(Vec::new())));
    let gone = Failure::told("a delivery that was left behind", "nothing was written", "");
    driver.fact(1, Fact::Broken(gone));
    assert!(driver.model.activity.standing().is_some());
    assert!(driver.model.screens.is_empty(), "no screen opens by itself");
}

#[test]
fn what_arrives_where_it_is_fetched_is_read_then() {
    let mut driver = confirmed();
    let push = Push {
        base: tip("a1b2c3d"),
        commit: commit("c0ffee1"),
        destination: Destination::Branch,
    };
    let part = Part {
        elsewhere: Some(Elsewhere {
            addresses: vec!["fork".to_owned()],
            push: push.clone(),
        }),
        ..push.published("", None)
    };
    driver.fact(1, Fact::Published(part));
    driver.commands.clear();
    driver.fact(2, Fact::Arrived(push.base.name.clone()));
    let epoch = driver.epoch(Operation::Desired);
    assert_eq!(driver.taken(), [Command::ReadDesired { epoch }]);
}

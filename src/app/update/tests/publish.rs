//! After the confirmation: written, moved, refused, followed.

use super::*;
use crate::app::{
    event::{CellDelivery, DeliveryStep, Stage},
    screen::Refusal,
};

fn confirmed() -> (Driver, Epoch) {
    let mut driver = planned("identity", "staging");
    driver.keys("enter y");
    driver.commands.clear();
    let epoch = driver.epoch(Operation::Publish);
    (driver, epoch)
}

fn answer(driver: &mut Driver, epoch: Epoch, result: Result<Published, PublishFailure>) {
    driver.send(Event::Published { epoch, result });
}

fn done(deliver: Deliver) -> Published {
    Published {
        commit: commit("c0ffee1"),
        target: Target {
            remote: Some("origin".to_owned()),
            branch: "main".to_owned(),
            deliver,
        },
        words: Vec::new(),
        link: None,
        note: None,
        elsewhere: None,
    }
}

fn plan_shown(driver: &mut Driver) -> crate::app::screen::PlanScreen {
    driver.model.plan_screen().cloned().unwrap()
}

#[test]
fn what_is_written_is_not_staged_any_more() {
    let (mut driver, epoch) = confirmed();
    answer(&mut driver, epoch, Ok(done(Deliver::Push)));
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
    let (mut driver, epoch) = confirmed();
    answer(&mut driver, epoch, Ok(done(Deliver::Branch)));
    assert_eq!(driver.taken(), [Command::SaveStaged(Vec::new())]);
}

#[test]
fn a_moved_base_asks_again_with_what_changed() {
    let (mut driver, epoch) = confirmed();
    let mut fresh = plan(&[cell("identity", "staging")], false);
    fresh.plan.base = vec![tip("b7c8d9e")];
    let fresh = Arc::new(fresh);
    let changes = vec!["main moved a1b2c3d to b7c8d9e".to_owned()];
    let moved = PublishFailure::Moved {
        fresh: fresh.clone(),
        changes: changes.clone(),
    };
    answer(&mut driver, epoch, Err(moved));
    let shown = plan_shown(&mut driver);
    assert_eq!(shown.state, PlanState::Ready(fresh.clone()));
    assert_eq!(shown.moved, changes);
    assert_eq!(driver.model.staging.requests().len(), 1);
    driver.commands.clear();
    driver.keys("enter y");
    let again = Command::Publish {
        epoch: driver.epoch(Operation::Publish),
        plan: fresh,
    };
    assert_eq!(
        driver.taken(),
        [again],
        "the fresh plan, after a new question"
    );
}

#[test]
fn a_refused_push_keeps_everything_and_offers_a_branch() {
    let (mut driver, epoch) = confirmed();
    let words = vec!["protected branch hook declined".to_owned()];
    let rejected = PublishFailure::Rejected {
        words: words.clone(),
        protected: true,
    };
    answer(&mut driver, epoch, Err(rejected));
    let refusal = Refusal {
        words,
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
    let (mut driver, epoch) = confirmed();
    let failure = Failure {
        what: "push to origin".to_owned(),
        why: "could not resolve host".to_owned(),
        next: "nothing was written; try again".to_owned(),
    };
    answer(
        &mut driver,
        epoch,
        Err(PublishFailure::Failed(failure.clone())),
    );
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
fn a_delivery_is_followed_and_offers_the_revert() {
    let (mut driver, epoch) = confirmed();
    answer(&mut driver, epoch, Ok(done(Deliver::Push)));
    let mut step = |epoch, step| {
        driver.send(Event::Delivery {
            epoch,
            at: moment(),
            step,
        });
    };
    let key = cell("identity", "staging");
    let state = |words: &str| CellDelivery::Failed(words.to_owned());
    step(epoch, DeliveryStep::Began(Stage::Rolling));
    step(
        Epoch(1),
        DeliveryStep::Cell(key.clone(), state("of another")),
    );
    step(
        epoch,
        DeliveryStep::Cell(key.clone(), state("CrashLoopBackOff")),
    );
    let run = driver.model.delivery.as_ref().unwrap();
    assert_eq!(
        run.cells[&key],
        state("CrashLoopBackOff"),
        "late ones dropped"
    );
    driver.send(Event::Delivery {
        epoch,
        at: moment(),
        step: DeliveryStep::Ended(Err(Failure {
            what: "1 cell failed".to_owned(),
            why: "CrashLoopBackOff".to_owned(),
            next: String::new(),
        })),
    });
    driver.keys("r");
    let Some(Screen::Revert(screen)) = driver.model.screens.last() else {
        panic!("the picker is open");
    };
    assert_eq!(screen.cell, key);
}

//! The last question, and the delivery that follows it.

use jiff::ToSpan;

use super::plan::{plan, plan_screen};
use crate::app::{
    event::{CellDelivery, DeliveryStep, Event, Failure, Published, Stage},
    fixture::{Driver, cell, commit},
    op_queue::Operation,
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

pub(super) fn delivery(size: (u16, u16)) -> Driver {
    let mut driver = confirmed(size);
    let epoch = driver.epoch(Operation::Publish);
    let target = plan().target;
    driver.send(Event::Published {
        epoch,
        result: Ok(Published {
            commit: commit("c0ffee1"),
            target,
            words: vec!["Processed 1 references in total".to_owned()],
            link: None,
            note: None,
            elsewhere: None,
        }),
    });
    let began = driver.model.now;
    let mut step = |after: i64, step| {
        driver.send(Event::Delivery {
            epoch,
            at: began + after.seconds(),
            step,
        });
    };
    step(0, DeliveryStep::Began(Stage::Checked));
    step(
        1,
        DeliveryStep::Done(Stage::Checked, "main is still a1b2c3d".to_owned()),
    );
    step(
        1,
        DeliveryStep::Done(Stage::Committed, "c0ffee1".to_owned()),
    );
    step(1, DeliveryStep::Began(Stage::Pushed));
    step(
        3,
        DeliveryStep::Done(Stage::Pushed, "c0ffee1 on origin/main".to_owned()),
    );
    step(3, DeliveryStep::Began(Stage::Rolling));
    step(
        9,
        DeliveryStep::Cell(
            cell("accounts", "prod-us"),
            CellDelivery::Rolling {
                ready: 4,
                desired: 6,
            },
        ),
    );
    step(
        9,
        DeliveryStep::Cell(
            cell("basket", "prod-us"),
            CellDelivery::Waiting("no pod runs 2.4.0 yet".to_owned()),
        ),
    );
    driver.send(Event::Tick(began + 12.seconds()));
    driver
}

pub(super) fn delivery_failed(size: (u16, u16)) -> Driver {
    let mut driver = delivery(size);
    let epoch = driver.model.delivery.as_ref().unwrap().epoch;
    let at = driver.model.now + 30.seconds();
    let mut step = |step| driver.send(Event::Delivery { epoch, at, step });
    step(DeliveryStep::Cell(
        cell("accounts", "prod-us"),
        CellDelivery::Failed("CrashLoopBackOff ×3: panic: no such table".to_owned()),
    ));
    step(DeliveryStep::Ended(Err(Failure {
        what: "1 of 2 cells failed".to_owned(),
        why: "accounts / prod-us: CrashLoopBackOff ×3".to_owned(),
        next: "r goes back".to_owned(),
    })));
    driver.send(Event::Tick(at));
    driver
}

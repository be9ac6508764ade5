//! A plan that waits for its gates.

use super::*;
/// A held plan that was confirmed to wait.
fn waiting() -> (Driver, CellKey) {
    let at = cell("identity", "staging");
    let mut driver = planned_with("identity", "staging", true);
    driver.keys("w");
    assert!(matches!(driver.model.screens.last(), Some(Screen::Confirm(screen)) if screen.waits));
    driver.keys("y");
    assert!(driver.model.waiting.is_some(), "{}", driver.word());
    driver.commands.clear();
    (driver, at)
}

/// So many seconds later.
fn later(driver: &mut Driver, seconds: i64) {
    let at = driver.model.now + jiff::SignedDuration::from_secs(seconds);
    driver.send(Event::Tick(at));
}

fn judged(driver: &mut Driver, plan: Planned) {
    let epoch = driver.epoch(Operation::Waiting);
    driver.send(Event::Planned {
        epoch,
        result: Ok(Arc::new(plan)),
    });
}

fn publishes(driver: &Driver) -> bool {
    let mut commands = driver.commands.iter();
    commands.any(|command| matches!(command, Command::Publish { .. }))
}

#[test]
fn it_is_looked_at_again_and_goes_when_nothing_holds_it() {
    let (mut driver, at) = waiting();
    later(&mut driver, 5);
    assert!(driver.commands.is_empty(), "not yet: {:?}", driver.commands);
    later(&mut driver, 26);
    let asked = |driver: &Driver| {
        let commands = driver.commands.iter();
        commands
            .filter(|it| matches!(it, Command::JudgeWaiting { .. }))
            .count()
    };
    assert_eq!(asked(&driver), 1);
    later(&mut driver, 40);
    assert_eq!(asked(&driver), 1, "one look at a time");
    judged(&mut driver, plan(std::slice::from_ref(&at), true));
    assert!(
        !publishes(&driver) && driver.model.waiting.is_some(),
        "it is held still"
    );
    later(&mut driver, 40);
    judged(&mut driver, plan(&[at], false));
    assert!(
        publishes(&driver) && driver.model.waiting.is_none(),
        "{:?}",
        driver.commands
    );
    assert!(
        driver.word().starts_with("its gates pass"),
        "{}",
        driver.word()
    );
}

#[test]
fn what_was_confirmed_goes_and_nothing_else() {
    let (mut driver, at) = waiting();
    later(&mut driver, 31);
    let mut other = plan(&[at], false);
    Arc::make_mut(&mut other.plan).changes[0].to = Some("3".into());
    judged(&mut driver, other);
    assert!(!publishes(&driver) && driver.model.waiting.is_none());
    let (standing, _) = driver.model.activity.standing().unwrap();
    assert!(
        standing.failure.why.contains("another change by now"),
        "{:?}",
        standing.failure
    );
}

#[test]
fn it_waits_no_longer_by_the_same_key_or_when_it_is_taken_back() {
    let (mut driver, _) = waiting();
    driver.keys("w");
    assert!(driver.model.waiting.is_none());
    assert!(
        driver.word().starts_with("it waits no longer"),
        "{}",
        driver.word()
    );
    let (mut driver, at) = waiting();
    driver.model.staging.delivered(&[at]);
    later(&mut driver, 1);
    assert!(driver.model.waiting.is_none());
    // Where nothing holds a plan there is nothing to wait for.
    let mut driver = planned("identity", "staging");
    driver.keys("w");
    assert!(
        driver.word().contains("no gate holds it"),
        "{}",
        driver.word()
    );
    let change = plan(&[cell("identity", "staging")], true).plan.changes[0].clone();
    assert!(change.verdicts.iter().any(|it| it.outcome == Outcome::Hold));
}

#[test]
fn it_waits_no_longer_where_writing_is_locked() {
    let (mut driver, at) = waiting();
    later(&mut driver, 31);
    let epoch = driver.epoch(Operation::Waiting);
    driver.keys(": \"read-only enter");
    assert!(driver.model.waiting.is_none(), "{}", driver.word());
    assert!(
        driver.word().contains("waits no longer"),
        "{}",
        driver.word()
    );
    assert!(driver.commands.contains(&Command::Lock));
    // The look that was under way comes too late.
    let result = Ok(Arc::new(plan(&[at], false)));
    driver.send(Event::Planned { epoch, result });
    later(&mut driver, 40);
    assert!(!publishes(&driver), "{:?}", driver.commands);
}

/// However writing came to be locked.
#[test]
fn nothing_goes_by_itself_where_writing_is_locked() {
    for write in [WriteMode::ReadOnly, WriteMode::Locked] {
        let (mut driver, at) = waiting();
        later(&mut driver, 31);
        driver.model.setup.write = write;
        judged(&mut driver, plan(&[at], false));
        assert!(!publishes(&driver) && driver.model.waiting.is_none());
        let expected =
            "writing is locked: what waited for its gates waits no longer, and stays staged";
        assert_eq!(driver.word(), expected);
    }
}

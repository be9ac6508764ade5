//! After the confirmation: written, moved, refused, followed.

use std::{collections::BTreeMap, time::Duration};

use super::*;
use crate::{
    app::{
        event::{DesiredRead, Event},
        waiting::Waiting,
    },
    domain::{
        delivery::{
            Delivery, Destination, Elsewhere, Expectation, Fact, NotPublished, Outcome, Part, Push,
            Rejection,
        },
        failure::FailureKind,
        rollout::{Connection, Health, LiveCell, Running},
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
        verifies: false,
        commit: None,
    };
    let cells = cells.iter().cloned();
    cells.map(|cell| (cell, expectation.clone())).collect()
}

/// The failure on the screen.
fn stands(driver: &Driver) -> Option<&Failure> {
    let (standing, _) = driver.model.activity.standing()?;
    Some(&standing.failure)
}

fn refused(message: &str) -> Fact<'static> {
    Fact::NotPublished(NotPublished::Rejected(Rejection {
        here: false,
        status: "pre-receive hook declined".to_owned(),
        message: message.to_owned(),
        protected: false,
        denied: false,
    }))
}

/// Three cells are delivered: the first is healthy, the others crash.
fn failed() -> (Driver, [CellKey; 3]) {
    let cells = ["orders", "quotes", "search"].map(|service| cell(service, "staging"));
    let mut driver = Driver::settled(SIZE);
    driver.model.setup.write = WriteMode::Write;
    driver.model.matrix.marks.extend(cells.iter().cloned());
    driver.keys(": \"set_2 enter s");
    driver.planned(plan(&cells, false));
    driver.keys("enter y");
    driver.pushed(Deliver::Push, "");
    declares(&mut driver, &cells, "2");
    let expectation = Expectation {
        looked_for: true,
        ..expected(&cells)[&cells[0]].clone()
    };
    let expected = cells.iter().map(|cell| (cell.clone(), expectation.clone()));
    driver.fact(3, Fact::Expected(expected.collect()));
    let mut facts = Running::default();
    facts.connections.insert("staging".into(), Connection::Live);
    let live = |health| match health {
        Health::Healthy => fixture::healthy("2"),
        _ => LiveCell {
            serving: Some("2".into()),
            ..fixture::troubled(Health::Degraded, "2", "CrashLoopBackOff")
        },
    };
    let states = [Health::Healthy, Health::Degraded, Health::Degraded];
    let seen = cells.iter().cloned().zip(states.map(live).map(Into::into));
    facts.live.extend(seen);
    driver.fact(4, Fact::Seen(&facts, Duration::from_secs(4)));
    driver.commands.clear();
    (driver, cells)
}

/// Git is read again, and declares this version of the cells.
fn declares(driver: &mut Driver, cells: &[CellKey], version: &str) {
    let mut desired = (**driver.model.git.desired.as_ref().unwrap()).clone();
    for cell in cells {
        desired.cells.get_mut(cell).unwrap().version = Some(version.into());
    }
    let base = driver.model.git.base.clone().unwrap();
    driver.model.read_desired(&mut Vec::new());
    let epoch = driver.epoch(Operation::Desired);
    let desired = Arc::new(desired);
    driver.send(Event::Desired {
        epoch,
        result: Ok(DesiredRead { base, desired }),
    });
}

fn asked(driver: &Driver) -> Vec<&CellKey> {
    let requests = driver.model.staging.requests().iter();
    requests
        .filter(|it| matches!(it.intent, Intent::Revert { .. }))
        .map(|it| &it.cell)
        .collect()
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
        driver.word().starts_with("nothing to undo"),
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
        here: false,
        status: "protected branch hook declined".to_owned(),
        message: String::new(),
        protected: true,
        denied: false,
    });
    driver.fact(1, Fact::NotPublished(rejected));
    let refusal = driver.model.refusal.clone().unwrap();
    assert_eq!(refusal.message, ["protected branch hook declined"]);
    assert!(refusal.protected);
    assert_eq!(driver.model.staging.requests().len(), 1);
    driver.commands.clear();
    driver.keys("b");
    let build = Command::BuildPlan {
        epoch: driver.epoch(Operation::Plan),
        request: PlanRequest {
            changes: driver.model.staging.requests().to_vec(),
            deliver: Some(Deliver::Branch),
            ..PlanRequest::default()
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
    assert_eq!(stands(&driver), Some(&failure));
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
        assert_eq!(stands(&driver), Some(&failure));
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
    assert_eq!(driver.model.deliveries.len(), 2, "{}", driver.word());
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
    assert_eq!(driver.word(), "taken up again: set");
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
        note: None,
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

#[test]
fn a_refusal_stays_until_it_is_dismissed_and_is_there_when_the_plan_is_opened_again() {
    // How it is dismissed: from the plan, from the matrix, from the activity, or by taking back what it was of.
    for keys in ["X", "esc esc s", "esc A x esc s", "x z s"] {
        let mut driver = confirmed();
        driver.fact(1, refused("change freeze until Monday"));
        let stood = |driver: &Driver| {
            driver
                .model
                .activity
                .standing()
                .map(|(it, _)| it.failure.why.clone())
        };
        let told = Some("refused: change freeze until Monday".to_owned());
        assert_eq!(stood(&driver), told);
        driver.keys("esc s");
        driver.planned(plan(&[cell("identity", "staging")], false));
        let shown = plan_shown(&mut driver);
        let PlanState::Ready(view) = shown.state else {
            panic!("it is planned");
        };
        let refusal = driver.model.refusal_of(&view.plan).unwrap();
        assert_eq!(refusal.message, ["change freeze until Monday"], "{keys}");
        assert_eq!(stood(&driver), told, "{keys}");
        driver.keys(keys);
        assert_eq!(driver.model.refusal, None, "{keys}");
        assert_eq!(stood(&driver), None, "{keys}");
        let said = driver.model.activity.entries().iter();
        let said = said.filter(|entry| entry.text == "the push was refused");
        assert_eq!(said.count(), 1, "stays in the log");
    }
}

#[test]
fn a_refusal_of_other_cells_is_not_told_in_a_plan() {
    let mut driver = confirmed();
    driver.fact(1, refused("no"));
    let other = plan(&[cell("mailer", "staging")], false).plan;
    assert_eq!(driver.model.refusal_of(&other), None);
}

#[test]
fn a_failed_delivery_is_reverted_where_it_failed_whatever_the_filter_and_the_cursor() {
    // Keys before `r`, and the cell whose versions are offered.
    let cases = [
        ("", 1),
        ("j", 2),
        ("k", 1),
        ("esc / \"checkout enter d", 1),
        ("esc g h h h d", 1),
        ("esc / \"no_such_row enter d", 1),
    ];
    for (keys, at) in cases {
        let (mut driver, cells) = failed();
        driver.keys(keys);
        driver.keys("r");
        let Some(Screen::Revert(screen)) = driver.model.screens.last() else {
            panic!("{keys}: the picker is open: {}", driver.word());
        };
        assert_eq!(screen.cell, cells[at], "{keys}");
        driver.keys("enter");
        assert_eq!(asked(&driver), [&cells[at]], "{keys}");
        driver.keys("esc");
        let shown = driver.model.screens.last();
        assert!(matches!(shown, Some(Screen::Delivery(_))), "{keys}: back");
    }
}

#[test]
fn all_that_failed_or_the_whole_batch_is_staged_at_once() {
    for (keys, from) in [("R", 1), ("B", 0)] {
        let (mut driver, cells) = failed();
        driver.keys(keys);
        assert_eq!(asked(&driver), cells[from..].iter().collect::<Vec<_>>());
        let commands = driver.taken();
        let [Command::SaveStaged(_), Command::BuildPlan { request, .. }] = &commands[..] else {
            panic!("{commands:?}");
        };
        assert_eq!(request.changes.len(), cells.len() - from, "{keys}");
    }
}

#[test]
fn what_was_staged_before_is_not_in_the_plan_of_what_failed() {
    let (mut driver, cells) = failed();
    driver
        .model
        .staging
        .stage(vec![promote("identity", "staging", "dev")]);
    driver.keys("R");
    let shown = plan_shown(&mut driver);
    assert_eq!(shown.scope, Scope::Only(cells[1..].to_vec()));
    driver.planned(plan(&cells[1..], false));
    driver.keys("a");
    let all = [&[cell("identity", "staging")][..], &cells[1..]].concat();
    driver.planned(plan(&all, false));
    assert_eq!(
        plan_shown(&mut driver).change,
        1,
        "the cursor stays on its cell"
    );
    driver.keys("a");
    assert_eq!(
        plan_shown(&mut driver).scope,
        Scope::Only(cells[1..].to_vec()),
        "what was asked for together"
    );
}

#[test]
fn nothing_is_reverted_to_a_version_that_only_looks_like_the_one_before() {
    let (mut driver, _) = failed();
    // The walk that will find what was delivered is under way.
    driver.model.history.done = false;
    driver.keys("R");
    assert_eq!(asked(&driver), Vec::<&CellKey>::new());
    assert!(driver.word().ends_with("the history is still being read"));
    driver.keys("r enter");
    assert_eq!(asked(&driver), Vec::<&CellKey>::new());
}

#[test]
fn a_failure_is_dated_and_superseded_by_what_is_declared_since() {
    let (mut driver, cells) = failed();
    let (standing, _) = driver.model.activity.standing().unwrap();
    let at = standing.at;
    assert_eq!(standing.superseded, None);
    // One of two: the other failure stands.
    declares(&mut driver, &cells[1..2], "1.9");
    let delivery = Arc::clone(&driver.model.deliveries[0].delivery);
    assert_eq!(delivery.to_revert().collect::<Vec<_>>(), [&cells[2]]);
    assert_eq!(driver.model.activity.standing().unwrap().0.superseded, None);
    declares(&mut driver, &cells[2..], "1.8");
    let delivery = Arc::clone(&driver.model.deliveries[0].delivery);
    assert!(delivery.is_superseded());
    let (standing, _) = driver.model.activity.standing().unwrap();
    assert_eq!(
        (standing.at, standing.superseded),
        (at, Some(driver.model.now))
    );
    let texts: Vec<&str> = driver
        .model
        .activity
        .entries()
        .iter()
        .map(|it| it.text.as_str())
        .collect();
    for (cell, since) in [(&cells[1], "1.9"), (&cells[2], "1.8")] {
        let told = texts.iter().any(|text| {
            text.starts_with(&format!("{cell}: its failure of "))
                && text.ends_with(&format!("is superseded: {since} is declared since"))
        });
        assert!(told, "{cell}: {texts:?}");
    }
    driver.keys("R");
    assert_eq!(driver.word(), "nothing that failed here is declared still");
}

#[test]
fn an_older_reading_supersedes_nothing() {
    let (mut driver, cells) = failed();
    let id = driver.model.deliveries[0].delivery.id.clone();
    let fresh = driver.model.deliveries[0].delivery.clone();
    // As one that was taken up: the matrix never declared what it delivered.
    driver.model.deliveries = crate::app::deliveries::Deliveries::default();
    driver.model.deliveries.add(fresh, None);
    declares(&mut driver, &cells, "1");
    let at = driver.model.deliveries.position(&id).unwrap();
    assert_eq!(driver.model.deliveries[at].delivery.to_revert().count(), 2);
}

/// A plan of two waves whose first is pushed.
fn first_of_two_waves() -> (Driver, [CellKey; 2], Arc<Plan>) {
    let cells = ["orders", "quotes"].map(|service| cell(service, "staging"));
    let mut planned = plan(&cells, false);
    {
        let waves = &mut Arc::make_mut(&mut planned.plan).waves;
        waves[0].writes[0].cells = vec![cells[0].clone()];
        let mut second = waves[0].clone();
        second.writes[0].cells = vec![cells[1].clone()];
        waves.push(second);
    }
    let whole = Arc::clone(&planned.plan);
    let mut driver = Driver::settled(SIZE);
    driver.model.setup.write = WriteMode::Write;
    driver.model.matrix.marks.extend(cells.iter().cloned());
    driver.keys(": \"set_2 enter s");
    driver.planned(planned);
    driver.keys("enter y");
    driver.pushed(Deliver::Push, "");
    (driver, cells, whole)
}

/// Locked while a wave is under way, no further one begins, and that is said.
#[test]
fn no_further_wave_begins_once_writing_is_locked() {
    let (mut driver, cells, _) = first_of_two_waves();
    driver.commands.clear();
    driver.keys(": \"read-only enter");
    let stops = |command: &&Command| **command == Command::Lock;
    assert_eq!(driver.commands.iter().filter(stops).count(), 1);
    let (_, word) = driver.model.word.clone().unwrap();
    let expected = format!(
        "read-only; wave 1 of 2 is followed, and the rest is not written: {}",
        cells[1]
    );
    assert_eq!(word, expected);
}

/// What waits for its gates stops with it, and both are said.
#[test]
fn a_batch_and_a_plan_that_waits_are_locked_together() {
    let (mut driver, cells, _) = first_of_two_waves();
    let held = Arc::new(plan(&cells[1..], true));
    driver.model.waiting = Some(Waiting {
        confirmed: Arc::clone(&held),
        judged: held,
        since: driver.model.now,
        looked: driver.model.now,
    });
    driver.keys(": \"read-only enter");
    assert!(driver.model.waiting.is_none(), "{}", driver.word());
    let expected = format!(
        "read-only; wave 1 of 2 is followed, and the rest is not written: {}; \
         what waited for its gates waits no longer, and stays staged",
        cells[1]
    );
    assert_eq!(driver.word(), expected);
}

#[test]
fn what_is_not_pushed_when_writing_is_locked_stays_staged() {
    let mut driver = planned("identity", "staging");
    driver.keys("enter y");
    driver.commands.clear();
    driver.keys(": \"read-only enter");
    assert!(driver.commands.contains(&Command::Lock));
    let expected = "read-only; set is not pushed, and stays staged";
    assert_eq!(driver.word(), expected);
    driver.fact(1, Fact::NotPublished(NotPublished::Locked));
    let expected = "writing was locked before it was pushed; everything is still staged";
    assert_eq!(driver.word(), expected);
    let screen = driver.model.screens.last();
    assert!(matches!(screen, Some(Screen::Plan(_))), "{screen:?}");
    assert_eq!(driver.model.staging.requests().len(), 1);
    assert!(driver.model.activity.standing().is_none(), "no failure");
    // What is pushed is only followed, and a lock says nothing of it.
    let mut driver = planned("identity", "staging");
    driver.keys("enter y");
    driver.pushed(Deliver::Push, "");
    driver.commands.clear();
    driver.keys(": \"read-only enter");
    assert!(driver.commands.contains(&Command::Lock));
    assert_eq!(driver.word(), "read-only");
}

/// Of a plan in waves, the second takes the place of the first on the screen, and all of it goes back by one key.
#[test]
fn the_next_wave_is_shown_where_the_one_before_was() {
    let (mut driver, cells, whole) = first_of_two_waves();
    let first = driver.model.deliveries[0].delivery.wave.clone().unwrap();
    assert_eq!(
        (first.number, first.of, &first.rest[..]),
        (1, 2, &cells[1..])
    );
    let staged: Vec<&CellKey> = driver
        .model
        .staging
        .requests()
        .iter()
        .map(|it| &it.cell)
        .collect();
    assert_eq!(staged, [&cells[1]], "what is not written is staged still");
    let now = driver.model.now;
    let mut second = Delivery::of_wave(&whole, 1, now);
    second.id = Delivery::new(&Plan::default(), now).id;
    driver.send(Event::Delivery {
        at: now,
        delivery: Arc::new(second.clone()),
        steps: Vec::new(),
    });
    let Some(Screen::Delivery(screen)) = driver.model.screens.last() else {
        panic!("the delivery is left");
    };
    assert_eq!(screen.id, second.id);
    let (_, word) = driver.model.word.clone().unwrap();
    assert!(word.starts_with("wave 2 of 2: "), "{word}");
    let batch = driver.model.deliveries.batch_of(&second);
    assert_eq!(
        batch,
        [cells[1].clone(), cells[0].clone()],
        "the last goes back first"
    );
}

#[test]
fn the_terminal_rings_when_a_delivery_ends_where_that_is_asked_for() {
    use crate::look::bell::Bell;
    let rung = |bell| {
        let mut driver = confirmed();
        driver.model.setup.bell = bell;
        driver.fact(1, refused("no"));
        let rung = driver
            .taken()
            .into_iter()
            .filter_map(|command| match command {
                Command::Ring(sequence) => Some(sequence),
                _ => None,
            });
        rung.collect::<Vec<_>>()
    };
    assert_eq!(rung(Bell::Off), Vec::<String>::new());
    assert_eq!(rung(Bell::Sound), ["\x07"]);
    let desktop = rung(Bell::Desktop);
    assert_eq!(desktop.len(), 1);
    assert!(desktop[0].starts_with("\x1b]9;set: refused"), "{desktop:?}");
}

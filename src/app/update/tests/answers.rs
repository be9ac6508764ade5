//! Answers: epochs, what follows from them, what a failure leaves.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::*;
use crate::{
    app::{
        event::{DesiredRead, Fetched, HistoryBatch},
        model::{Model, Setup},
        snapshot::Snapshot,
        status::assess,
    },
    domain::{cell::State, ids::EnvironmentName, rollout::Connection, timeline::Level},
};

fn read(digits: &str) -> DesiredRead {
    let mut desired = fixture::desired(&fixture::rows());
    desired.commit = commit(digits);
    let mut base = fixture::base();
    base.tips = vec![tip(digits)];
    DesiredRead {
        base,
        desired: Arc::new(desired),
    }
}

#[test]
fn a_start_reads_what_is_local_and_asks_the_remote_beside_it() {
    let mut driver = Driver::fresh(fixture::setup(), SIZE);
    let expected = [
        Command::ReadDesired { epoch: Epoch(1) },
        Command::Fetch { epoch: Epoch(2) },
        Command::TakeUp,
    ];
    assert_eq!(driver.taken(), expected);
}

#[test]
fn the_history_is_walked_once_for_each_tip() {
    let mut driver = Driver::fresh(fixture::setup(), SIZE);
    driver.commands.clear();
    driver.send(Event::Desired {
        epoch: Epoch(1),
        result: Ok(read("a1b2c3d")),
    });
    let walk = Command::LoadHistory {
        epoch: Epoch(3),
        refs: [&tip("a1b2c3d")].into_iter().collect(),
    };
    assert_eq!(driver.taken(), [walk]);
    driver.send(Event::Fetched {
        epoch: Epoch(2),
        result: Ok(Fetched {
            refs: [&tip("a1b2c3d")].into_iter().collect(),
            at: moment(),
        }),
    });
    assert_eq!(driver.taken(), [], "the remote has nothing new");
}

#[test]
fn a_fetch_that_moved_reads_again_and_a_late_answer_is_dropped() {
    let mut driver = Driver::settled(SIZE);
    driver.keys("^r");
    let fetch = driver.epoch(Operation::Fetch);
    let expected = [Command::Fetch { epoch: fetch }, Command::Reconnect];
    assert_eq!(driver.taken(), expected);
    driver.keys("^r");
    assert_eq!(driver.taken(), [Command::Reconnect], "one at a time");
    assert_eq!(driver.word(), "the remote is being asked already");

    let fetched = |digits| {
        Ok(Fetched {
            refs: [&tip(digits)].into_iter().collect(),
            at: moment(),
        })
    };
    driver.send(Event::Fetched {
        epoch: Epoch(2),
        result: fetched("dead"),
    });
    assert_eq!(driver.taken(), [], "an answer to an earlier asking");
    driver.send(Event::Fetched {
        epoch: fetch,
        result: fetched("b7c8d9e"),
    });
    let epoch = driver.epoch(Operation::Desired);
    assert_eq!(driver.taken(), [Command::ReadDesired { epoch }]);
    driver.send(Event::Desired {
        epoch: Epoch(1),
        result: Ok(read("dead")),
    });
    let base = driver.model.git.base.as_ref().unwrap();
    assert_eq!(base.tips, [tip("a1b2c3d")], "late");
}

#[test]
fn a_reading_that_fails_keeps_what_is_shown_and_settles_by_itself() {
    let mut driver = Driver::settled(SIZE);
    driver.model.read_desired(&mut Vec::new());
    let epoch = driver.epoch(Operation::Desired);
    driver.send(Event::Desired {
        epoch,
        result: Err(Failure::told("origin/main", "no such ref", "git fetch")),
    });
    assert!(driver.model.git.desired.is_some());
    assert!(driver.model.activity.standing().is_some());
    driver.model.read_desired(&mut Vec::new());
    let epoch = driver.epoch(Operation::Desired);
    driver.send(Event::Desired {
        epoch,
        result: Ok(read("a1b2c3d")),
    });
    assert_eq!(driver.model.activity.standing(), None);
}

#[test]
fn losing_a_cluster_makes_its_column_stale_and_is_told_once() {
    let mut driver = Driver::settled(SIZE);
    let lost = |reason: &str| Event::Live {
        environment: "dev".into(),
        context: "dev".to_owned(),
        connection: Connection::Lost {
            reason: reason.to_owned(),
            since: moment(),
            next_try: None,
        },
        cells: Vec::new(),
        all: false,
    };
    let lines = driver.model.activity.entries().len();
    driver.send(lost("connection refused"));
    driver.send(lost("connection refused, again"));
    assert_eq!(driver.model.activity.entries().len(), lines + 1);
    let view = assess(&driver.model, &cell("checkout", "dev"));
    assert_eq!(
        (view.status.state, view.status.was),
        (State::Stale, State::Healthy)
    );
    driver.send(Event::Live {
        environment: "dev".into(),
        context: "dev".to_owned(),
        connection: Connection::Live,
        cells: Vec::new(),
        all: false,
    });
    let last = driver.model.activity.entries().back().unwrap();
    assert_eq!(
        (last.level, last.text.as_str()),
        (Level::Info, "dev: live again")
    );
}

#[test]
fn what_was_kept_is_shown_at_once_and_all_of_it_stale() {
    let settled = Driver::settled(SIZE);
    let kept = Snapshot::of(&settled.model).unwrap();
    let bytes = serde_json::to_vec(&kept).unwrap();
    let kept: Snapshot = serde_json::from_slice(&bytes).unwrap();
    let later = moment() + 2.hours();
    let model = Model::new(fixture::setup(), later, SIZE, Some(kept), Vec::new());
    let crashed = assess(&model, &cell("checkout", "prod-us"));
    assert_eq!(
        (crashed.status.state, crashed.status.was),
        (State::Stale, State::Degraded)
    );
    assert_eq!(model.matrix.lines[0].service.as_str(), "checkout");
    assert!(model.git.remembered.is_some());
}

#[test]
fn a_bad_configuration_keeps_the_one_in_force() {
    let mut driver = Driver::settled(SIZE);
    driver.model.setup.write = WriteMode::Write;
    driver.send(Event::ConfigReloaded(Err(Failure::told(
        "tidegate.toml:3",
        "unknown key",
        "",
    ))));
    assert_eq!(driver.model.setup.repository, "platform-deploy");
    assert!(driver.model.activity.standing().is_some());
    let mut setup = fixture::setup();
    setup.repository = "renamed".to_owned();
    driver.send(Event::ConfigReloaded(Ok(Box::new(setup))));
    assert_eq!(driver.model.setup.repository, "renamed");
    assert_eq!(driver.model.setup.write, WriteMode::Write, "stays unlocked");
}

#[test]
fn the_cell_screen_asks_for_notes_history_and_the_diff_it_shows() {
    let mut driver = Driver::settled(SIZE);
    driver.keys("l l enter");
    let key = cell("checkout", "prod-us");
    let values = fixture::values();
    let diff = |driver: &Driver, value: usize| Command::LoadDiff {
        epoch: driver.epoch(Operation::Diff),
        cell: key.clone(),
        commit: values[value].change.landed.commit,
        authored: values[value].change.authored.commit,
    };
    let watch = Command::WatchNotes {
        cell: Some(key.clone()),
    };
    let first = diff(&driver, 0);
    assert_eq!(driver.taken(), [watch, first]);
    driver.keys("j");
    let second = diff(&driver, 1);
    assert_eq!(driver.taken(), [second]);
    driver.keys("esc");
    assert_eq!(driver.taken(), [Command::WatchNotes { cell: None }]);
}

#[test]
fn the_revert_picker_selects_the_last_good_as_soon_as_it_is_known() {
    let mut driver = Driver::fresh(fixture::setup(), SIZE);
    driver.send(Event::Desired {
        epoch: Epoch(1),
        result: Ok(read("a1b2c3d")),
    });
    driver.model.select(&cell("checkout", "dev"));
    driver.keys("r");
    let key = driver.model.selected().unwrap();
    let chosen = |driver: &Driver| match driver.model.screens.last() {
        Some(Screen::Revert(screen)) => driver.model.revert_selection(screen),
        _ => panic!("the picker is open"),
    };
    assert_eq!(chosen(&driver), None, "nothing is known yet");
    driver.send(Event::History {
        epoch: Epoch(3),
        result: Ok(HistoryBatch {
            cells: vec![(key, fixture::values())],
            walked: 10,
            done: false,
            shallow: false,
            unknown_before: BTreeMap::new(),
        }),
    });
    assert_eq!(chosen(&driver), Some(1));
}

#[test]
fn events_that_come_together_give_the_same_as_one_by_one() {
    let mut model = Driver::fresh(fixture::setup(), SIZE).model;
    let event = Event::Desired {
        epoch: Epoch(1),
        result: Ok(read("a1b2c3d")),
    };
    update_all(&mut model, [event, Event::Tick(moment())]);
    assert_eq!(model.matrix.lines.len(), 17);
}

#[test]
fn the_remote_is_asked_by_itself_when_it_is_time() {
    let mut setup = fixture::setup();
    setup.fetch_every = Some(Duration::from_mins(1));
    let mut driver = Driver::settled_with(setup, SIZE);
    driver.send(Event::Tick(moment() + 59.seconds()));
    assert_eq!(driver.taken(), []);
    driver.send(Event::Tick(moment() + 60.seconds()));
    let epoch = driver.epoch(Operation::Fetch);
    assert_eq!(driver.taken(), [Command::Fetch { epoch }]);
}

/// A clock that was years ahead and is set right again: ages begin anew, words go, the remote is asked, keys answer.
#[test]
fn a_clock_that_is_set_back_is_obeyed() {
    let mut setup = fixture::setup();
    setup.fetch_every = Some(Duration::from_mins(1));
    let mut driver = Driver::settled_with(setup, SIZE);
    let ahead = moment() + 20_000.hours();
    driver.send(Event::Tick(ahead));
    let epoch = driver.epoch(Operation::Fetch);
    driver.send(Event::Fetched {
        epoch,
        result: Ok(Fetched {
            at: ahead,
            refs: driver.model.git.base.as_ref().unwrap().refs(),
        }),
    });
    driver.model.say("a word");
    driver.taken();

    // What comes in one batch out of its order moves nothing.
    driver.send(Event::Tick(ahead - 1.seconds()));
    assert_eq!((driver.model.now, driver.taken()), (ahead, vec![]));

    let right = moment() + 3.seconds();
    driver.send(Event::Tick(right));
    assert_eq!(driver.model.now, right);
    assert_eq!(driver.model.word, None);
    let epoch = driver.epoch(Operation::Fetch);
    assert_eq!(driver.taken(), [Command::Fetch { epoch }]);
    // What is read says no more than it knows of an answer in the future.
    driver.send(Event::Tick(right + 1.seconds()));
    assert_eq!(driver.taken(), []);
    driver.keys("?");
    assert_eq!(driver.model.mode(), crate::actions::Mode::Help);
}

#[test]
fn a_question_is_answered_though_the_clock_was_set_back_meanwhile() {
    let mut driver = planned("checkout", "staging");
    driver.keys("enter");
    assert!(driver.model.is_too_soon());
    driver.send(Event::Tick(moment() - 20_000.hours()));
    assert!(!driver.model.is_too_soon());
    driver.send(Event::Tick(moment() + 20_000.hours()));
    assert!(!driver.model.is_too_soon());
}

#[test]
fn a_start_says_what_was_guessed() {
    let mut setup = fixture::setup();
    setup.layouts = LayoutsBy::Guessed("no tidegate.toml: guessed Kustomize overlays".to_owned());
    let mut model = Model::new(setup, moment(), SIZE, None, Vec::new());
    let commands = start(&mut model);
    assert!(matches!(commands.last(), Some(Command::WriteActivity(_))));
}

/// A column whose cluster, or which itself, goes from the configuration is no longer live, and nothing of it is left.
#[test]
fn what_is_configured_no_more_leaves_nothing_behind() {
    let states = |driver: &Driver, environment: &str| {
        let view = assess(&driver.model, &cell("catalog", environment));
        (view.status.state, view.status.live.is_some())
    };
    let reload = |driver: &mut Driver, change: &dyn Fn(&mut Setup)| {
        let mut setup = fixture::setup();
        change(&mut setup);
        driver.send(Event::ConfigReloaded(Ok(Box::new(setup))));
    };
    let of = |setup: &mut Setup, name: &str, cluster: Option<&str>| {
        let environments = &mut setup.topology.environments;
        let mut found = environments
            .iter_mut()
            .filter(|it| it.name.as_str() == name);
        found.next().unwrap().cluster = cluster.map(str::to_owned);
    };
    let late = |environment: &str| Event::Live {
        environment: environment.into(),
        context: environment.to_owned(),
        connection: Connection::Live,
        cells: vec![(
            cell("catalog", environment),
            fixture::healthy("2.4.0").into(),
        )],
        all: false,
    };

    let mut driver = Driver::settled(SIZE);
    assert_eq!(states(&driver, "dev"), (State::Healthy, true));
    reload(&mut driver, &|setup| of(setup, "dev", None));
    assert_eq!(
        states(&driver, "dev"),
        (State::GitOnly, false),
        "no cluster"
    );
    assert_eq!(
        states(&driver, "staging"),
        (State::Healthy, true),
        "another column"
    );
    driver.send(late("dev"));
    assert_eq!(
        states(&driver, "dev"),
        (State::GitOnly, false),
        "a late word"
    );
    reload(&mut driver, &|_| {});
    assert_eq!(
        states(&driver, "dev"),
        (State::Loading, false),
        "it comes back"
    );
    driver.send(late("dev"));
    assert_eq!(states(&driver, "dev"), (State::Healthy, true));

    reload(&mut driver, &|setup| of(setup, "dev", Some("dev-2")));
    assert_eq!(
        states(&driver, "dev"),
        (State::Loading, false),
        "another cluster"
    );
    driver.send(late("dev"));
    assert_eq!(
        states(&driver, "dev"),
        (State::Loading, false),
        "the former one's word"
    );

    let identity = cell("identity", "staging");
    driver.model.select(&identity);
    driver.keys("p");
    driver.model.staging.stage(vec![ChangeRequest {
        cell: cell("identity", "prod-us"),
        intent: Intent::Set {
            version: "2.4.0".into(),
        },
        came: Came::Named,
    }]);
    driver.taken();
    reload(&mut driver, &|setup| {
        setup.topology.environments.truncate(2);
    });
    let staged = |driver: &Driver| {
        let requests = driver.model.staging.requests().iter();
        requests.map(|it| it.cell.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        staged(&driver),
        [identity],
        "what can be delivered stays staged"
    );
    let saved = driver.taken().into_iter();
    let saved =
        saved.filter(|command| matches!(command, Command::SaveStaged(left) if left.len() == 1));
    assert_eq!(saved.count(), 1);
    let live = &driver.model.live;
    let names: Vec<&str> = live
        .connections
        .keys()
        .map(EnvironmentName::as_str)
        .collect();
    assert_eq!(names, ["dev", "staging"]);
    assert!(
        live.cells()
            .keys()
            .all(|key| key.environment.as_str() == "staging")
    );
}

/// The cells that are looked at are told as a whole when they change: one that went leaves nothing behind.
#[test]
fn a_whole_answer_replaces_what_was_known_of_its_environment() {
    let mut driver = Driver::settled(SIZE);
    driver.send(Event::Live {
        environment: "dev".into(),
        context: "dev".to_owned(),
        connection: Connection::Live,
        cells: vec![(cell("catalog", "dev"), fixture::healthy("2.4.0").into())],
        all: true,
    });
    let keys = driver.model.live.cells().keys();
    let mut keys = keys.filter(|key| key.environment.as_str() == "dev");
    assert_eq!(
        (keys.next(), keys.next()),
        (Some(&cell("catalog", "dev")), None)
    );
    assert!(
        driver
            .model
            .live
            .cells()
            .contains_key(&cell("checkout", "staging"))
    );
}

#[test]
fn another_configuration_reads_the_history_of_the_same_commits_again() {
    let mut driver = Driver::settled(SIZE);
    assert!(driver.model.history.done);
    driver.send(Event::ConfigReloaded(Ok(Box::new(fixture::setup()))));
    let history = &driver.model.history;
    assert!(history.refs.is_none() && history.cells.is_empty() && !history.done);
    let epoch = driver.epoch(Operation::Desired);
    driver.commands.clear();
    driver.send(Event::Desired {
        epoch,
        result: Ok(read("a1b2c3d")),
    });
    let asked = driver.taken();
    let walks = asked
        .iter()
        .filter(|it| matches!(it, Command::LoadHistory { .. }));
    assert_eq!(walks.count(), 1, "{asked:?}");
}

/// Gates and layouts of before judge nothing: a plan is made anew by those of today, and what was asked about it is asked
/// again.
#[test]
fn a_plan_that_is_open_is_made_anew_by_another_configuration() {
    for asked in [false, true] {
        let mut driver = planned("identity", "staging");
        if asked {
            driver.keys("enter");
            assert!(matches!(
                driver.model.screens.last(),
                Some(Screen::Confirm(_))
            ));
        }
        driver.commands.clear();
        driver.send(Event::ConfigReloaded(Ok(Box::new(fixture::setup()))));
        let Some(Screen::Plan(screen)) = driver.model.screens.last() else {
            panic!("no plan: {:?}", driver.model.screens);
        };
        assert!(screen.reread);
        assert_eq!(screen.state, PlanState::Building);
        let again = driver.taken();
        let again = again
            .iter()
            .filter(|it| matches!(it, Command::BuildPlan { .. }));
        assert_eq!(again.count(), 1);
        assert_eq!(driver.model.staging.requests().len(), 1, "stays staged");
    }
}

/// The next start does not begin with what a cluster said that is configured no more.
#[test]
fn what_a_removed_cluster_said_is_not_kept() {
    let settled = Driver::settled(SIZE);
    let kept = Snapshot::of(&settled.model).unwrap();
    let mut setup = fixture::setup();
    setup.topology.environments[0].cluster = None;
    let model = Model::new(setup, moment(), SIZE, Some(kept), Vec::new());
    let environments = model
        .live
        .cells()
        .keys()
        .map(|key| key.environment.as_str());
    let environments: BTreeSet<&str> = environments.collect();
    assert_eq!(
        environments,
        BTreeSet::from(["prod-eu", "prod-us", "staging"])
    );
}

#[test]
fn a_command_that_failed_is_never_shown_as_ok() {
    let ran = |line: &str, ok, outcome: &str| Event::Ran {
        line: line.to_owned(),
        ok,
        outcome: outcome.to_owned(),
        took: Duration::from_millis(100),
    };
    let mut driver = Driver::settled(SIZE);
    driver.send(ran("git push origin c0ffee1:main", false, "refused"));
    let last = driver.model.activity.entries().back().unwrap();
    let expected = (Level::Error, "$ git push origin c0ffee1:main  refused 0.1s");
    assert_eq!((last.level, &*last.text), expected);
    let shown = |driver: &Driver| {
        let ran = driver.model.ran.clone().unwrap();
        (ran.line, ran.ok, ran.outcome)
    };
    let refused = shown(&driver);
    assert_eq!(refused.2, "refused");
    // The look that follows says nothing of the push; a later command does.
    driver.send(ran("git ls-remote origin", true, "ok"));
    assert_eq!(shown(&driver), refused);
    driver.send(Event::Tick(driver.model.now + 9.seconds()));
    driver.send(ran("git fetch origin main", true, "ok"));
    assert_eq!(shown(&driver).2, "ok");
}

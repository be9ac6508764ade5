//! Room: what is shown where there is little of it, and what is said of the rest.

use std::sync::Arc;

use super::{
    SMALL, WIDE,
    harness::{frame_of, text},
    scenes,
};
use crate::{
    app::{
        event::{Event, Input},
        fixture::{self, Driver},
        screen::{PlanPane, PlanState, Screen},
    },
    domain::{delivery::Delivery, desired::DesiredCell, topology::Environment},
};

/// Puts the cursor on a cell.
fn select(driver: &mut Driver, service: &str, environment: &str) {
    let matrix = &mut driver.model.matrix;
    matrix.row = Some(service.into());
    let mut columns = matrix.columns.iter();
    let column = columns.position(|column| column.as_str() == environment);
    matrix.column = column.unwrap();
    let (width, height) = driver.model.size;
    resize(driver, width, height);
}

fn resize(driver: &mut Driver, width: u16, height: u16) {
    driver.send(Event::Input {
        at: driver.model.now,
        input: Input::Resize { width, height },
    });
}

/// The screen's words with single blanks, without the box.
fn words(driver: &Driver) -> String {
    let shown = text(&driver.model).replace('│', " ");
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

const REASON: &str = "CrashLoopBackOff ×7 (5 of 8 pods), last exit 1: fatal: PAYMENTS_V3_URL is not set; progress deadline exceeded";

#[test]
fn what_goes_back_by_a_pull_request_says_since_when() {
    for size in [SMALL, WIDE] {
        let mut driver = scenes::delivery_that_waits(size, "its agent");
        let mut delivery = Delivery::clone(&driver.model.deliveries[0].delivery);
        delivery.urgent = true;
        delivery.subject = "revert ".repeat(30);
        driver.send(Event::Delivery {
            at: driver.model.now,
            delivery: Arc::new(delivery),
            steps: Vec::new(),
        });
        let shown = words(&driver);
        assert!(
            shown.contains("Delivery URGENT, since"),
            "{size:?}: {shown}"
        );
    }
}

#[test]
fn a_reason_is_told_in_full_where_there_are_few_rows() {
    for size in [SMALL, (120, 24), (100, 29)] {
        let mut driver = Driver::settled(size);
        let live = driver.model.live.cells_mut();
        let live = live.get_mut(&fixture::cell("checkout", "prod-us")).unwrap();
        Arc::make_mut(live).reason = Some(REASON.to_owned());
        select(&mut driver, "checkout", "prod-us");
        let shown = words(&driver);
        for part in [REASON, "ready 2/6", "git 77e01fa", "last good: 1.41.3"] {
            assert!(shown.contains(part), "{size:?}: {part}\n{shown}");
        }
    }
}

#[test]
fn what_a_delivery_waits_for_is_told_in_full() {
    let mut driver = scenes::delivery_that_waits(SMALL, REASON);
    assert!(!words(&driver).contains(REASON));
    driver.keys("j");
    let shown = words(&driver);
    assert!(shown.contains(REASON), "{shown}");
}

#[test]
fn the_mark_of_an_earlier_version_stays_beside_long_names() {
    for size in [(60, 15), SMALL, WIDE] {
        let mut driver = Driver::settled(size);
        let values = fixture::values().into_iter().map(|mut entry| {
            let mut authored = (*entry.change.authored).clone();
            authored.author = "Maximiliana von Habsburg".to_owned();
            entry.change.authored = Arc::new(authored);
            entry
        });
        let cell = fixture::cell("checkout", "prod-us");
        let cells = &mut driver.model.history.cells;
        cells.insert(cell, values.collect());
        select(&mut driver, "checkout", "prod-us");
        driver.keys("r j");
        let shown = text(&driver.model);
        let line = shown.lines().find(|line| line.contains("1.41.4"));
        let line = line.unwrap_or_default();
        assert!(line.contains("was reverted"), "{size:?}: {line}\n{shown}");
    }
}

/// One service in so many environments, each with the one before as its upstream: the version of the first, and of the others.
fn declaring(size: (u16, u16), count: usize, first: Option<&str>, others: Option<&str>) -> Driver {
    let names: Vec<String> = (0..count).map(|index| format!("e{index}")).collect();
    let mut setup = fixture::setup();
    let like = setup.topology.environments[0].clone();
    setup.topology.environments = names
        .iter()
        .enumerate()
        .map(|(index, name)| Environment {
            name: name.as_str().into(),
            from: names[index.saturating_sub(1)..index]
                .iter()
                .map(|it| it.as_str().into())
                .collect(),
            ..like.clone()
        })
        .collect();
    let mut driver = Driver::fresh(setup, size);
    let mut desired = fixture::desired(&[]);
    desired.services = vec!["checkout".into()];
    desired.environments = names.iter().map(|it| it.as_str().into()).collect();
    for (index, environment) in names.iter().enumerate() {
        let version = if index == 0 { first } else { others };
        let declared = DesiredCell {
            version: version.map(Into::into),
            ..Default::default()
        };
        let cell = fixture::cell("checkout", environment);
        desired.cells.insert(cell, declared);
    }
    driver.model.git.desired = Some(Arc::new(desired));
    driver
}

/// Of long versions fewer columns are shown, and something of each; what is not set is said whole.
#[test]
fn what_a_column_says_can_be_read() {
    let mut driver = declaring((120, 40), 10, None, Some("2026-06-25-111325-publish"));
    driver.keys("j");
    let grid = &driver.model.matrix.grid;
    assert!((5..10).contains(&grid.columns.len()), "{grid:?}");
    let shown = text(&driver.model);
    assert!(
        shown.contains("- not set ") && shown.contains(" 2026-06-2"),
        "{shown}"
    );

    let mut driver = declaring((120, 40), 4, Some("1.0"), Some("1.0"));
    driver.keys(": \"order space \"e3 enter");
    let shown = text(&driver.model);
    assert!(
        shown.contains("e3 ▾"),
        "the mark is beside the whole name\n{shown}"
    );
}

#[test]
fn columns_are_sized_one_by_one() {
    let long = "release-2026.11.21-rc.4";
    let digest = format!("sha256:{}", "730810ae".repeat(8));
    // (name, size, environments, version of the first, of the others, in a row)
    type Case<'a> = (&'a str, (u16, u16), usize, &'a str, &'a str, &'a [&'a str]);
    let cases: [Case<'_>; 4] = [
        (
            "four long ones",
            (120, 40),
            4,
            long,
            long,
            &["release-2026.11.2…"],
        ),
        (
            "eleven short ones",
            (120, 40),
            11,
            "1.4.2",
            "1.4.2",
            &["1.4.2"],
        ),
        (
            "a long one beside short ones",
            (80, 24),
            4,
            long,
            "1.4",
            &["release-2026.11.2…", "1.4 ≠"],
        ),
        (
            "digests",
            (120, 40),
            4,
            &digest,
            &digest,
            &["sha256:730810ae"],
        ),
    ];
    for (name, size, count, first, others, expected) in cases {
        let mut driver = declaring(size, count, Some(first), Some(others));
        driver.keys("j");
        let grid = &driver.model.matrix.grid;
        assert_eq!(grid.columns.len(), count, "{name}: {grid:?}");
        for (_, wide) in &grid.columns {
            assert!((7..=22).contains(wide), "{name}: {grid:?}");
        }
        assert_eq!(grid.why, 0, "{name}: nobody has a reason to tell");
        let shown = text(&driver.model);
        for part in expected {
            assert!(shown.contains(part), "{name}: {part}\n{shown}");
        }
    }
}

/// However little room there is: how it ended, and the way back.
#[test]
fn a_delivery_that_failed_offers_the_way_back_in_every_size() {
    let (_, build) = scenes::ALL
        .iter()
        .find(|scene| scene.0 == "delivery_failed")
        .unwrap();
    for size in [WIDE, SMALL, (60, 15)] {
        let mut driver = build(size);
        frame_of(&mut driver.model);
        let shown = text(&driver.model);
        for part in ["failed at", "goes back"] {
            assert!(shown.contains(part), "{size:?}: {part}\n{shown}");
        }
    }
}

/// What the last question touches is told to its last word.
#[test]
fn the_last_question_cuts_nothing_that_it_says() {
    let (_, build) = scenes::ALL
        .iter()
        .find(|scene| scene.0 == "confirm")
        .unwrap();
    for size in [WIDE, SMALL, (60, 15)] {
        let mut driver = build(size);
        frame_of(&mut driver.model);
        let shown = text(&driver.model);
        let touches = shown.lines().find(|line| line.contains("touches"));
        assert!(
            touches.is_some_and(|line| !line.contains('…')),
            "{size:?}\n{shown}"
        );
    }
}

/// Many changes: the plan and the last question show some and say how many more there are, and keys bring them into view.
#[test]
fn no_change_is_hidden_at_the_moment_of_decision() {
    for size in [WIDE, SMALL, (60, 15)] {
        let mut driver = scenes::plan::of_many(size, 40);
        frame_of(&mut driver.model);
        let plan = text(&driver.model);
        assert!(plan.contains(" below"), "{size:?}\n{plan}");
        driver.keys("G");
        let plan = text(&driver.model);
        assert!(
            plan.contains("service-39") && plan.contains(" above"),
            "{size:?}\n{plan}"
        );
        driver.keys("enter");
        frame_of(&mut driver.model);
        let first = text(&driver.model);
        assert!(first.contains("Write 40 changes?"), "{size:?}\n{first}");
        assert!(
            first.contains("service-00") && first.contains(" below"),
            "{size:?}\n{first}"
        );
        let pages = pages(&mut driver);
        for page in &pages {
            assert!(
                page.contains("origin/main") && page.contains(" write it"),
                "where it goes and what is asked stay in view\n{page}"
            );
        }
        let all = pages.concat();
        for index in 0..40 {
            let name = format!("service-{index:02}");
            assert!(all.contains(&name), "{size:?}: {name}");
        }
        let done = [
            "message ",
            "touches ",
            "$ git fetch",
            "$ git commit",
            "$ git push",
        ];
        for part in done {
            assert!(
                all.contains(part),
                "{size:?}: {part}\n{}",
                pages.last().unwrap()
            );
        }
        let last = pages.last().unwrap();
        assert!(last.contains(" above: up"), "{size:?}\n{last}");
    }
}

/// What is seen on the way to the end of a text, page by page.
fn pages(driver: &mut Driver) -> Vec<String> {
    let mut pages = Vec::new();
    loop {
        frame_of(&mut driver.model);
        let page = text(&driver.model);
        if pages.last() == Some(&page) {
            return pages;
        }
        pages.push(page);
        driver.keys("pgdn");
    }
}

/// Gates, what happened and what will be done: where not all of it has room, it is said how much has not, and a pane of its own
/// shows all of it.
#[test]
fn what_has_no_room_in_the_plan_is_counted_and_has_a_pane() {
    // (scene, size, whether something is cut, what the pane shows beside gates and commands)
    let cases = [
        ("plan", WIDE, false, ""),
        ("plan", SMALL, false, ""),
        ("plan", (60, 15), true, ""),
        ("plan", (120, 15), true, ""),
        ("plan_refused", WIDE, false, "The server says:"),
        ("plan_refused", SMALL, false, "The server says:"),
        ("plan_refused", (60, 15), true, "The server says:"),
        ("plan_moved", (60, 15), true, "The base moved."),
    ];
    for (name, size, is_cut, happened) in cases {
        let mut driver = scenes::build(name)(size);
        frame_of(&mut driver.model);
        let plan = text(&driver.model);
        assert_eq!(
            plan.contains(" more: s-tab shows all"),
            is_cut,
            "{name} {size:?}\n{plan}"
        );
        driver.keys("s-tab");
        frame_of(&mut driver.model);
        let pane = |driver: &Driver| match driver.model.screens.last() {
            Some(Screen::Plan(screen)) => screen.pane,
            other => panic!("the plan is open, not {other:?}"),
        };
        if !is_cut {
            assert_eq!(pane(&driver), PlanPane::Diff, "{name} {size:?}");
            continue;
        }
        assert_eq!(pane(&driver), PlanPane::Said, "{name} {size:?}");
        let all = pages(&mut driver).concat();
        for part in [happened, "Gates of", "immutable", "touches", "$ git push"] {
            assert!(all.contains(part), "{name} {size:?}: {part}\n{all}");
        }
        // Around: to the changes, to the bytes, and here again.
        let mut panes = Vec::new();
        for _ in 0..3 {
            driver.keys("tab");
            frame_of(&mut driver.model);
            panes.push(pane(&driver));
        }
        let around = [PlanPane::Changes, PlanPane::Diff, PlanPane::Said];
        assert_eq!(panes, around, "{name} {size:?}");
    }
}

/// The box of earlier versions says how many have no room.
#[test]
fn what_has_no_room_among_earlier_versions_is_counted() {
    let mut driver = Driver::settled((60, 12));
    select(&mut driver, "checkout", "prod-us");
    driver.keys("r");
    frame_of(&mut driver.model);
    let shown = text(&driver.model);
    assert!(
        shown.contains("Revert") && shown.contains(" below"),
        "{shown}"
    );
    driver.keys("G");
    let shown = text(&driver.model);
    assert!(
        shown.contains("1.40.0") && shown.contains(" above"),
        "{shown}"
    );
}

#[test]
fn the_pane_below_the_matrix_grows() {
    let mut driver = Driver::settled(WIDE);
    select(&mut driver, "checkout", "prod-us");
    let shown = text(&driver.model);
    for part in ["CrashLoopBackOff ×4", "x0k2p  1.42.0", "last good"] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    resize(&mut driver, 120, 29);
    let shown = text(&driver.model);
    assert!(!shown.contains("x0k2p"), "{shown}");
}

/// Where there is room for one pane, what is wrong comes first.
#[test]
fn a_cell_in_trouble_opens_on_its_rollout_where_one_pane_has_room() {
    // (size, service, what is seen)
    let cases = [
        (SMALL, "checkout", "Pods 6"),
        (SMALL, "accounts", "from staging"),
        (WIDE, "checkout", "Pods 6"),
    ];
    for (size, service, expected) in cases {
        let mut driver = Driver::settled(size);
        select(&mut driver, service, "prod-us");
        driver.keys("enter");
        let shown = text(&driver.model);
        assert!(shown.contains(expected), "{service} {size:?}\n{shown}");
    }
}

/// What was marked bad is no last good version, and says what it is where it could be chosen.
#[test]
fn a_vetoed_version_is_marked_where_one_goes_back() {
    let mut driver = scenes::build("revert")(WIDE);
    let path = crate::domain::ids::RepoPath::from("vetoes.toml");
    let file = b"[[veto]]\nservice = \"*\"\nversion = \"1.41.3\"\nreason = \"bad\"\n";
    let desired = driver.model.git.desired.as_mut().unwrap();
    Arc::make_mut(desired).judge_by(crate::domain::policy::veto::Vetoes::read(&path, file));
    let shown = text(&driver.model);
    let marked = |version: &str, mark: &str| {
        let mut lines = shown.lines();
        lines.any(|line| {
            line.contains(version) && line.ends_with("│       │") && line.contains(mark)
        })
    };
    assert!(marked("1.41.3", "vetoed"), "{shown}");
    assert!(!marked("1.41.3", "last good"), "{shown}");
}

/// Who speaks is told: the server, or Git and hooks of this clone.
#[test]
fn a_refusal_of_this_side_is_not_the_servers() {
    let mut driver = scenes::build("plan_refused")(WIDE);
    driver.model.refusal.as_mut().unwrap().here = true;
    let shown = text(&driver.model);
    assert!(shown.contains("This side says:"), "{shown}");
    assert!(!shown.contains("The server says:"), "{shown}");
}

/// A refusal stands above both sides of the plan.
#[test]
fn nothing_runs_under_a_neighbour() {
    let (_, build) = scenes::ALL
        .iter()
        .find(|(name, _)| *name == "plan_refused")
        .unwrap();
    let driver = build(WIDE);
    let shown = text(&driver.model);
    let lines: Vec<&str> = shown.lines().collect();
    let said = lines
        .iter()
        .position(|line| line.contains("The server says:"))
        .unwrap();
    let first = lines
        .iter()
        .position(|line| line.contains("newTag"))
        .unwrap();
    assert!(first > said, "{shown}");
    for line in &lines[said..said + 2] {
        let inner = line.trim_matches('│');
        assert!(!inner.contains('│'), "{shown}");
    }
}

/// A plan in which no change is left says that nothing will be done, instead of empty words.
#[test]
fn a_plan_without_a_change_says_that_nothing_will_be_done() {
    let mut driver = scenes::build("plan")(SMALL);
    let Some(Screen::Plan(screen)) = driver.model.screens.last() else {
        panic!("the plan is open");
    };
    let PlanState::Ready(view) = &screen.state else {
        panic!("it is made");
    };
    let mut planned = (**view).clone();
    let plan = Arc::make_mut(&mut planned.plan);
    plan.changes.clear();
    plan.waves.clear();
    planned.diff.files.clear();
    driver.keys("a");
    driver.planned(planned);
    frame_of(&mut driver.model);
    let shown = text(&driver.model);
    assert!(
        shown.contains("nothing: no change is in this plan") && !shown.contains("message"),
        "{shown}"
    );
}

/// By whichever column rows are ordered, its name is read whole where it is in view.
#[test]
fn the_column_that_orders_the_rows_keeps_its_name() {
    for size in [WIDE, SMALL] {
        for name in ["dev", "staging", "prod-us", "prod-eu"] {
            let mut driver = Driver::settled(size);
            select(&mut driver, "checkout", name);
            driver.keys(&format!(": \"order_{name} enter !"));
            frame_of(&mut driver.model);
            let shown = text(&driver.model);
            let head = shown.lines().find(|line| line.contains("SERVICE"));
            let head = head.unwrap_or_default();
            assert!(head.contains(&format!("{name} ▾")), "{size:?}: {head}");
        }
    }
}

/// However much is said before something is done by hand: what is asked stays in view, and keys go through the rest.
#[test]
fn what_is_asked_before_something_is_done_by_hand_stays() {
    let mut driver = scenes::build("by_hand_long")(SMALL);
    let foot = "prod-us is protected: type its name and press enter > prod <^y> copies the command";
    let shown = words(&driver);
    assert!(shown.contains(foot), "{shown}");
    assert!(shown.contains("below: pgdn"), "{shown}");
    assert!(!shown.contains("--to-revision=7"), "{shown}");
    frame_of(&mut driver.model);
    driver.keys("pgdn");
    let shown = words(&driver);
    for part in [
        foot,
        "above: pgup",
        "$ kubectl --context prod-us -n shop rollout undo",
        "--to-revision=7",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // The selected one is the same: pages go through the words.
    frame_of(&mut driver.model);
    driver.keys("pgup");
    assert!(words(&driver).contains("back to 7"), "{}", words(&driver));
    // Nothing of it is lost where there are few rows.
    let (width, height) = (80, 16);
    resize(&mut driver, width, height);
    let mut seen = String::new();
    for _ in 0..9 {
        let shown = words(&driver);
        assert!(shown.contains(foot), "{shown}");
        seen.push_str(&shown);
        frame_of(&mut driver.model);
        driver.keys("pgdn");
    }
    for part in ["cannot list resource", "did not answer", "--to-revision=7"] {
        assert!(seen.contains(part), "{part}: {seen}");
    }
}

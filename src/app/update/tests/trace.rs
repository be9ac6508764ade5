//! The trace: which version it takes, where its rows lead, what it says while the history comes in.

use std::collections::BTreeMap;

use super::*;
use crate::{
    app::{
        event::HistoryBatch,
        screen::{TraceScreen, trace},
    },
    domain::history::ChangeKind,
};

fn traced(driver: &Driver) -> &TraceScreen {
    match driver.model.screens.last() {
        Some(Screen::Trace(screen)) => screen,
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_takes_what_the_cell_declares_or_the_selected_value_of_its_history() {
    let cases = [
        ("l l t", "1.42.0"),
        ("l l l t", "1.41.3"),
        ("l l enter t", "1.42.0"),
        ("l l enter j j t", "1.41.4"),
        ("l l r t", "1.41.3"),
        (": \"trace_1.40.0 enter", "1.40.0"),
        (": \"trace enter", "1.42.0"),
    ];
    for (keys, version) in cases {
        let mut driver = Driver::settled(SIZE);
        driver.keys(keys);
        assert_eq!(traced(&driver).version.as_str(), version, "{keys}");
        assert_eq!(traced(&driver).service.as_str(), "checkout", "{keys}");
        let before = driver.model.screens.len() - 1;
        driver.keys("esc");
        assert_eq!(driver.model.screens.len(), before, "{keys}");
    }
}

#[test]
fn a_version_that_was_never_there_is_told_as_soon_as_all_is_known() {
    let mut driver = Driver::settled(SIZE);
    driver.keys(": \"trace_1.42.1 enter");
    assert!(
        driver
            .word()
            .contains("has never been at 1.42.1; did you mean `1.42.0`?")
    );
    assert!(driver.model.screens.is_empty());
    driver.model.history.done = false;
    driver.keys(": \"trace_1.42.1 enter");
    assert_eq!(traced(&driver).version.as_str(), "1.42.1");
}

#[test]
fn a_row_leads_to_its_cell_at_that_change_and_back() {
    let mut driver = Driver::settled(SIZE);
    driver.keys(": \"trace_1.41.4 enter");
    driver.keys("j j");
    assert_eq!(driver.model.selected(), Some(cell("checkout", "prod-us")));
    driver.taken();
    driver.keys("enter");
    let Some(Screen::Cell(screen)) = driver.model.screens.last() else {
        panic!("{:?}", driver.model.screens);
    };
    assert_eq!(
        (&screen.cell, screen.value),
        (&cell("checkout", "prod-us"), 2)
    );
    let epoch = driver.epoch(Operation::Diff);
    let asked = Command::LoadDiff {
        epoch,
        cell: cell("checkout", "prod-us"),
        commit: fixture::values()[2].change.landed.commit,
        authored: fixture::values()[2].change.authored.commit,
    };
    assert!(driver.taken().contains(&asked));
    driver.keys("esc");
    assert_eq!(traced(&driver).selected.0.as_str(), "prod-us");
}

#[test]
fn the_cell_below_is_watched_again() {
    let mut driver = Driver::settled(SIZE);
    driver.keys("enter t j enter");
    driver.taken();
    driver.keys("esc");
    let watched = Command::WatchNotes {
        cell: Some(cell("checkout", "dev")),
    };
    assert_eq!(driver.taken(), [watched]);
    driver.keys("esc");
    assert!(
        matches!(driver.taken()[..], [Command::LoadDiff { .. }]),
        "superseded by the other cell's"
    );
    driver.keys("esc");
    assert_eq!(driver.taken(), [Command::WatchNotes { cell: None }]);
}

#[test]
fn r_goes_back_from_there_and_y_and_o_take_the_commit() {
    let mut driver = Driver::settled(SIZE);
    driver.keys("l l t r");
    assert!(matches!(
        driver.model.screens.last(),
        Some(Screen::Revert(screen)) if screen.cell == cell("checkout", "prod-us")
    ));
    driver.keys("esc y y O");
    let landed = fixture::values()[0].change.landed.commit;
    let address = format!("https://git.example.com/shop/platform-deploy/commit/{landed}");
    assert_eq!(
        driver.taken(),
        [
            Command::Copy {
                what: format!("commit {landed}"),
                text: landed.to_string()
            },
            Command::OpenUrl(address)
        ]
    );
}

/// Stays that come in above the selected one do not move the selection to another.
#[test]
fn the_selection_stays_on_its_stay_while_the_history_comes_in() {
    let mut driver = Driver::settled(SIZE);
    driver.keys("l t");
    let selected = |driver: &Driver| {
        let screen = traced(driver);
        let stay = trace::selected_stay(&driver.model, screen).unwrap();
        (screen.selected.0.to_string(), stay.entry.change.landed.time)
    };
    let before = selected(&driver);
    driver.model.history.done = false;
    let epoch = driver.model.operations.supersede(Operation::History);
    let mut more = fixture::values();
    more.push(fixture::entry("1.42.0", 90, Some(29), ChangeKind::Bump));
    let batch = |epoch| Event::History {
        epoch,
        result: Ok(HistoryBatch {
            cells: vec![(cell("checkout", "dev"), more.clone())],
            walked: 9,
            done: true,
            shallow: true,
            unknown_before: BTreeMap::new(),
        }),
    };
    driver.send(batch(Epoch(epoch.0 - 1)));
    assert!(!driver.model.history.done, "of another asking");
    driver.send(batch(epoch));
    assert_eq!(selected(&driver), before);
    assert!(driver.model.history.shallow);
}

#[test]
fn a_cell_that_declares_nothing_has_nothing_to_trace() {
    let mut driver = Driver::settled(SIZE);
    let mut desired = fixture::desired(&fixture::rows());
    desired
        .cells
        .get_mut(&cell("checkout", "dev"))
        .unwrap()
        .version = None;
    driver.model.git.desired = Some(Arc::new(desired));
    driver.keys("t");
    assert_eq!(driver.word(), "checkout / dev declares no version to trace");
}

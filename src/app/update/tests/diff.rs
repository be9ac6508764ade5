//! How diffs are read: the same choice on every screen, and the place stays.

use super::*;
use crate::{
    app::screen::{CellPane, PlanPane},
    domain::diff::{Extent, Shape},
};

fn resized(driver: &mut Driver, width: u16) {
    driver.send(Event::Input {
        at: driver.model.now,
        input: Input::Resize { width, height: 60 },
    });
}

fn around(lines: usize) -> Shape {
    Shape {
        extent: Extent::Around(lines),
        beside: false,
    }
}

#[test]
fn more_and_fewer_lines_are_shown_in_the_plan_and_in_the_history() {
    let steps = [
        ("", Extent::Around(3), ""),
        ("}", Extent::Around(6), "6 lines around each change"),
        ("{ {", Extent::Around(1), "1 line around each change"),
        ("{ { {", Extent::Around(0), "no lines around each change"),
        ("m", Extent::Changed, "only lines that change"),
        ("m", Extent::Whole, "the whole file"),
        ("m", Extent::Around(0), "no lines around each change"),
        ("m m }", Extent::Around(1), "1 line around each change"),
        (
            "} } } } } } }",
            Extent::Around(50),
            "50 lines around each change",
        ),
    ];
    for mut driver in [planned("identity", "staging"), {
        let mut driver = Driver::settled(SIZE);
        driver.keys("enter");
        driver
    }] {
        for (keys, extent, said) in steps {
            driver.keys(keys);
            assert_eq!(driver.model.diff_shape().extent, extent, "{keys}");
            assert_eq!(driver.word(), said, "{keys}");
        }
        // The next screen is read in the same way.
        driver.keys("esc enter");
        assert_eq!(driver.model.diff_shape(), around(50));
    }
}

#[test]
fn both_sides_stand_beside_each_other_where_there_is_room_and_keys_act_on_them() {
    let mut driver = planned("identity", "staging");
    driver.keys("|");
    assert_eq!(
        driver.word(),
        "side by side needs 160 columns, there are 120"
    );
    let pane = |driver: &mut Driver| driver.model.plan_screen().unwrap().pane;
    assert_eq!(pane(&mut driver), PlanPane::Changes);
    resized(&mut driver, 160);
    assert!(!driver.model.diff_shape().beside, "the list is looked at");
    driver.keys("tab");
    assert!(driver.model.diff_shape().beside);
    driver.keys("|");
    assert_eq!(driver.model.diff_shape(), around(3));
    assert_eq!(driver.word(), "what goes above what comes");
    driver.keys("tab |");
    assert!(driver.model.diff_shape().beside);
    assert_eq!(pane(&mut driver), PlanPane::Diff);
    assert_eq!(driver.word(), "side by side");
    resized(&mut driver, 159);
    assert!(!driver.model.diff_shape().beside);
    let mut driver = Driver::settled((200, 60));
    driver.keys("enter |");
    assert!(driver.model.diff_shape().beside);
    let Some(Screen::Cell(screen)) = driver.model.screens.last() else {
        panic!("a cell is open");
    };
    assert_eq!(screen.pane, CellPane::Diff);
}

/// Forty lines of which the last but one changes: where it is depends on how much is shown.
#[test]
fn what_is_looked_at_stays_in_view() {
    let text = |other: &str| -> String {
        let line = |at: usize| match at {
            2 | 39 => format!("{other} {at}\n"),
            at => format!("{at}\n"),
        };
        (1..=40).map(line).collect()
    };
    let mut driver = planned("identity", "staging");
    let mut view = plan(&[cell("identity", "staging")], false);
    let (before, after) = (text("old"), text("new"));
    view.diff.files = vec![FileDiff::between(
        "apps/x".into(),
        before.as_bytes(),
        after.as_bytes(),
    )];
    driver.model.build_plan(&mut Vec::new());
    driver.planned(view.clone());
    resized(&mut driver, 200);
    let top = |driver: &mut Driver| {
        let shape = driver.model.diff_shape();
        let screen = driver.model.plan_screen().unwrap();
        view.diff.position(shape, screen.diff_scroll).line
    };
    driver.model.plan_screen().unwrap().diff_scroll = view.diff.count(around(3)) - 4;
    assert_eq!(top(&mut driver), Some(37));
    for keys in ["tab", "m", "m", "|", "tab", "m", "|", "}", "}"] {
        driver.keys(keys);
        let line = top(&mut driver).unwrap();
        assert!((37..=38).contains(&line), "{keys}: {line}");
    }
}

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
    },
    domain::{desired::DesiredCell, topology::Environment},
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

#[test]
fn columns_are_sized_one_by_one() {
    let names =
        |count: usize| -> Vec<String> { (0..count).map(|index| format!("e{index}")).collect() };
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
        let names = names(count);
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
            let declared = DesiredCell {
                version: Some(if index == 0 { first } else { others }.into()),
                ..Default::default()
            };
            desired
                .cells
                .insert(fixture::cell("checkout", environment), declared);
        }
        driver.model.git.desired = Some(Arc::new(desired));
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
        for _ in 0..40 {
            driver.keys("pgdn");
            frame_of(&mut driver.model);
        }
        let last = text(&driver.model);
        assert!(
            last.contains("service-39") && last.contains(" above"),
            "{size:?}\n{last}"
        );
        assert!(
            last.contains("origin/main"),
            "where it goes stays in view\n{last}"
        );
    }
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

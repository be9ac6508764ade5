//! The wheel and clicks, on every screen: what is drawn at a place is what answers there.

use super::{harness::frame_of, *};
use crate::app::{
    areas::{Pane, Spot, Zone},
    model::Prompt,
    screen::{CellPane, PlanPane, Screen},
};

const SIZES: [(u16, u16); 3] = [WIDE, SMALL, (60, 15)];

fn zones(driver: &mut Driver) -> Vec<Zone> {
    frame_of(&mut driver.model);
    driver.model.drawn.zones.clone()
}

fn mouse(driver: &mut Driver, input: Input) {
    driver.send(Event::Input {
        at: driver.model.now,
        input,
    });
}

fn click(driver: &mut Driver, column: u16, row: u16) {
    mouse(driver, Input::Click { column, row });
}

fn wheel(driver: &mut Driver, zone: Zone, up: bool) {
    let (column, row) = (zone.place.x, zone.place.y);
    mouse(driver, Input::Wheel { up, column, row });
}

/// The selected row of the list of the visible screen, counted from the first of its list.
fn selected(driver: &Driver) -> Option<usize> {
    let model = &driver.model;
    Some(match model.screens.last()? {
        Screen::Cell(screen) => screen.value,
        Screen::Plan(screen) => screen.change,
        Screen::Revert(screen) => model.revert_selection(screen)? - 1,
        Screen::Delivery(screen) => {
            let run = model.deliveries.position(&screen.id)?;
            screen.selected(&model.deliveries[run].delivery)
        }
        Screen::Activity(screen) => screen.selected,
        Screen::Drift(screen) => screen.selected,
        Screen::Agent(screen) => screen.selected,
        Screen::Log(_)
        | Screen::Object(_)
        | Screen::Layouts(_)
        | Screen::Order(_)
        | Screen::Confirm(_)
        | Screen::Trace(_)
        | Screen::Help(_) => return None,
    })
}

#[test]
fn a_click_selects_the_row_that_is_drawn_there_and_the_wheel_the_next_one() {
    let mut lists = 0;
    for (name, build) in scenes::ALL {
        for size in SIZES {
            for zone in zones(&mut build(size)) {
                let Spot::Rows { first, count, .. } = zone.what else {
                    continue;
                };
                for row in 0..zone.place.height {
                    let mut driver = build(size);
                    zones(&mut driver);
                    let before = selected(&driver);
                    let Some(at) = before else { continue };
                    lists += 1;
                    click(&mut driver, zone.place.x, zone.place.y + row);
                    let wanted = first + usize::from(row);
                    let expected = if wanted < count { wanted } else { at };
                    assert_eq!(selected(&driver), Some(expected), "{name} {size:?} {row}");
                    wheel(&mut driver, zone, false);
                    let expected = (expected + 1).min(count - 1);
                    assert_eq!(selected(&driver), Some(expected), "{name} {size:?} {row}");
                }
            }
        }
    }
    assert!(lists > 50, "{lists}");
}

#[test]
fn a_click_on_a_row_of_the_trace_is_the_stay_that_is_drawn_there() {
    let mut driver = scenes::build("trace")(WIDE);
    let rows = zones(&mut driver);
    let mut rows = rows
        .iter()
        .filter(|it| matches!(it.what, Spot::Rows { .. }));
    let place = rows.next().unwrap().place;
    let shown = text(&driver.model);
    let line = shown.lines().nth(usize::from(place.y + 1)).unwrap();
    let environment = line.split_whitespace().nth(1).unwrap().to_owned();
    click(&mut driver, place.x, place.y + 1);
    let heading = format!(" / {environment} ");
    assert!(
        text(&driver.model).contains(&heading),
        "{environment} in {}",
        text(&driver.model)
    );
}

#[test]
fn the_wheel_scrolls_the_pane_under_the_pointer_which_has_the_keys_then() {
    for (name, size) in [
        ("cell", WIDE),
        ("plan", WIDE),
        ("cell", (100, 16)),
        ("plan", (100, 16)),
    ] {
        let build = scenes::build(name);
        for zone in zones(&mut build(size)) {
            let (pane, last) = match zone.what {
                Spot::Text { pane, reach } => (pane, Some(reach.last)),
                Spot::Rows { pane, .. } => (pane, None),
                _ => continue,
            };
            let mut driver = build(size);
            zones(&mut driver);
            wheel(&mut driver, zone, false);
            let (focused, scroll) = match driver.model.screens.last() {
                Some(Screen::Cell(screen)) => {
                    let scroll = match screen.pane {
                        CellPane::Rollout => screen.rollout_scroll,
                        _ => screen.diff_scroll,
                    };
                    (Pane::Cell(screen.pane), scroll)
                }
                Some(Screen::Plan(screen)) => (Pane::Plan(screen.pane), screen.diff_scroll),
                other => panic!("{other:?}"),
            };
            assert_eq!(Some(focused), pane, "{name} {size:?}");
            if let Some(last) = last {
                assert_eq!(scroll, last.min(3), "{name} {size:?} {pane:?}");
                wheel(&mut driver, zone, true);
            }
        }
    }
}

#[test]
fn the_names_of_panes_are_clicked_where_one_is_shown_at_a_time() {
    let mut driver = scenes::build("cell")(SMALL);
    let labels = zones(&mut driver);
    let shown = text(&driver.model);
    let title: Vec<char> = shown.lines().nth(2).unwrap().chars().collect();
    for (pane, word) in [
        (CellPane::Rollout, "Rollout"),
        (CellPane::Diff, "Commit"),
        (CellPane::History, "History"),
    ] {
        let mut found = labels.iter().filter(|zone| {
            zone.place.y == 2
                && matches!(zone.what, Spot::Text { pane: Some(Pane::Cell(it)), .. } if it == pane)
        });
        let place = found.next().unwrap().place;
        let (from, to) = (usize::from(place.x), usize::from(place.right()));
        assert_eq!(title[from..to].iter().collect::<String>().trim(), word);
        click(&mut driver, place.x, place.y);
        let Some(Screen::Cell(screen)) = driver.model.screens.last() else {
            panic!("the cell is open");
        };
        assert_eq!(screen.pane, pane);
        zones(&mut driver);
    }
}

#[test]
fn a_click_on_a_hint_is_its_key() {
    let mut clicked = 0;
    for (name, build) in scenes::ALL {
        for size in SIZES {
            for zone in zones(&mut build(size)) {
                let Spot::Key(press) = zone.what else {
                    continue;
                };
                clicked += 1;
                let (mut by_mouse, mut by_key) = (build(size), build(size));
                for driver in [&mut by_mouse, &mut by_key] {
                    zones(driver);
                    driver.model.last_key = None;
                    driver.commands.clear();
                }
                click(&mut by_mouse, zone.place.x, zone.place.y);
                by_key.key(&press.to_string(), 0);
                by_key.model.last_key = None;
                assert_eq!(by_mouse.model, by_key.model, "{name} {size:?} {press}");
                assert_eq!(
                    by_mouse.commands, by_key.commands,
                    "{name} {size:?} {press}"
                );
            }
        }
    }
    assert!(clicked > 100, "{clicked}");
}

#[test]
fn nothing_is_written_by_a_click_and_nothing_below_a_box_answers() {
    let mut driver = scenes::build("confirm")(WIDE);
    let answers = zones(&mut driver);
    for zone in &answers {
        assert!(matches!(zone.what, Spot::Key(_)), "{zone:?}");
    }
    let before = driver.model.screens.clone();
    click(&mut driver, 10, 4);
    assert_eq!(driver.model.screens, before);
}

#[test]
fn a_click_on_a_suggestion_completes_it() {
    let mut driver = Driver::settled(WIDE);
    driver.keys(": \"go");
    let mut suggested = zones(&mut driver).into_iter();
    let zone = suggested
        .find(|zone| zone.what == Spot::Suggestions)
        .unwrap();
    click(&mut driver, zone.place.x, zone.place.y);
    let Some(Prompt::Palette { input, .. }) = &driver.model.prompt else {
        panic!("still typing");
    };
    assert_eq!(input.text(), "goto ");
    // What is typed is not left by a click elsewhere.
    click(&mut driver, 5, 6);
    assert!(driver.model.prompt.is_some());
}

#[test]
fn the_plans_panes_are_chosen_by_a_click() {
    let mut driver = scenes::build("plan")(WIDE);
    for pane in [PlanPane::Diff, PlanPane::Changes] {
        let zones = zones(&mut driver);
        let mut found = zones.iter().filter(|zone| match zone.what {
            Spot::Text { pane: it, .. } | Spot::Rows { pane: it, .. } => {
                it == Some(Pane::Plan(pane))
            }
            _ => false,
        });
        let place = found.next().unwrap().place;
        click(&mut driver, place.x, place.y);
        let Some(Screen::Plan(screen)) = driver.model.screens.last() else {
            panic!("the plan is open");
        };
        assert_eq!(screen.pane, pane);
    }
}

//! Paging, scrolling and clicks agree with what is drawn, whatever the size.

use ratatui::layout::Position;

use super::{
    harness::{frame_of, text},
    *,
};
use crate::{
    actions::Mode,
    app::{
        areas::{self, Bands, MatrixAreas},
        screen::Screen,
    },
};

/// Presses keys, each after a frame, as the console does.
fn keys(driver: &mut Driver, keys: &str) {
    for key in keys.split_whitespace() {
        frame_of(&mut driver.model);
        driver.keys(key);
    }
    frame_of(&mut driver.model);
}

/// Where texts begin that scroll, of the visible screen.
fn scrolled(driver: &Driver) -> Vec<usize> {
    match driver.model.screens.last() {
        Some(Screen::Cell(screen)) => vec![screen.rollout_scroll, screen.diff_scroll],
        Some(Screen::Plan(screen)) => vec![screen.diff_scroll],
        Some(Screen::Help(screen)) => vec![screen.line],
        _ => Vec::new(),
    }
}

/// The end of a text is its end: one step back from it shows, and nothing was scrolled past it.
#[test]
fn every_text_scrolls_to_its_end_and_no_further() {
    for (name, build) in scenes::ALL {
        for size in [WIDE, SMALL, (60, 14)] {
            let mut driver = build(size);
            let panes = match driver.model.mode() {
                Mode::Cell | Mode::Plan => 3,
                Mode::Help => 1,
                _ => continue,
            };
            for _ in 0..panes {
                keys(&mut driver, "G");
                let (at, end) = (scrolled(&driver), text(&driver.model));
                keys(&mut driver, "j j pgdn");
                assert_eq!(scrolled(&driver), at, "{name} {size:?}");
                keys(&mut driver, "k");
                if scrolled(&driver) != at {
                    assert_ne!(text(&driver.model), end, "{name} {size:?}: k shows nothing");
                }
                keys(&mut driver, "tab");
            }
        }
    }
}

/// A page is as many rows as the list has, with the banner and without, so that none is left out.
#[test]
fn a_page_of_a_list_is_what_is_seen_of_it() {
    for size in [WIDE, SMALL, (60, 14)] {
        let mut driver = Driver::settled(size);
        for index in 0..200 {
            driver.send(Event::Notice(format!("notice {index:03}.")));
        }
        keys(&mut driver, "A");
        let listed = |driver: &Driver| text(&driver.model).matches("notice").count() - 1;
        let rows = listed(&driver);
        keys(&mut driver, "pgdn");
        let Some(Screen::Activity(screen)) = driver.model.screens.last() else {
            panic!("no activity");
        };
        assert_eq!(screen.selected, rows, "{size:?}");
    }
}

#[test]
fn a_click_selects_the_cell_that_is_drawn_there() {
    for size in [WIDE, SMALL, (60, 14)] {
        let mut driver = Driver::settled(size);
        driver.keys("! l l");
        let model = &driver.model;
        let area = ratatui::layout::Rect::new(0, 0, size.0, size.1);
        let rows = MatrixAreas::of(Bands::of(model, area).unwrap().body, area).rows;
        for line in 0..rows.height {
            for index in 0..driver.model.matrix.columns.len() {
                // A click may bring the upstream of what it selects into view.
                let grid = driver.model.matrix.grid.clone();
                let Some(cell) = grid.cells(areas::row(rows, line)).nth(index) else {
                    continue;
                };
                let Position { x, y } = cell.as_position();
                driver.send(Event::Input {
                    at: driver.model.now,
                    input: Input::Click { column: x, row: y },
                });
                let matrix = &driver.model.matrix;
                let expected = matrix.lines.get(matrix.first_line + usize::from(line));
                let Some(expected) = expected else { continue };
                let selected = driver.model.selected().unwrap();
                assert_eq!(selected.service, expected.service, "{size:?}");
                let column = &matrix.columns[grid.columns[index].0];
                assert_eq!(selected.environment, *column, "{size:?}");
                let shown = super::harness::text(&driver.model);
                let row = shown.lines().nth(usize::from(y)).unwrap();
                assert!(row.contains(expected.service.as_str()), "{row}");
            }
        }
    }
}

//! The matrix: rows, cursor, filter, leaving.

use super::*;
use crate::{
    app::screen::matrix::Order,
    domain::rollout::{Connection, Health},
};

fn lines(driver: &Driver) -> Vec<&str> {
    let lines = driver.model.matrix.lines.iter();
    lines.map(|line| line.service.as_str()).collect()
}

#[test]
fn trouble_comes_first_and_healthy_rows_are_folded() {
    let mut driver = Driver::settled(SIZE);
    assert_eq!(lines(&driver), ["checkout", "payments", "mailer"]);
    assert_eq!(driver.model.matrix.folded, 14);
    driver.keys("!");
    assert_eq!(driver.model.matrix.lines.len(), 17);
    assert_eq!(lines(&driver)[3..5], ["accounts", "basket"], "then by name");
    driver.keys("o");
    assert_eq!(driver.model.matrix.order, Order::Name);
    assert_eq!(lines(&driver)[..2], ["accounts", "basket"]);
}

#[test]
fn a_lost_column_alone_lifts_no_row() {
    let driver = Driver::settled(SIZE);
    assert!(!lines(&driver).contains(&"accounts"), "stale in prod-eu");
}

#[test]
fn without_trouble_nothing_is_folded() {
    let mut driver = Driver::settled(SIZE);
    for live in driver.model.live.cells.values_mut() {
        *live = fixture::healthy("x");
        live.versions.clear();
    }
    driver.send(Event::Notice(String::new()));
    assert_eq!(driver.model.matrix.lines.len(), 17);
}

#[test]
fn the_worst_cell_is_selected_until_the_first_key() {
    let mut driver = Driver::untouched(fixture::setup(), SIZE);
    assert_eq!(driver.model.selected(), Some(cell("checkout", "prod-us")));
    let crash = |service: &str| Event::Live {
        environment: "dev".into(),
        context: "dev".to_owned(),
        connection: Connection::Live,
        cells: vec![(
            cell(service, "dev"),
            fixture::troubled(Health::Degraded, "9", "OOMKilled"),
        )],
        all: false,
    };
    driver.send(crash("basket"));
    assert_eq!(driver.model.selected(), Some(cell("basket", "dev")));
    driver.keys("n N");
    driver.send(crash("accounts"));
    assert_eq!(
        driver.model.selected(),
        Some(cell("basket", "dev")),
        "pinned"
    );
}

#[test]
fn the_cursor_stays_on_its_cell_when_rows_move() {
    let mut driver = Driver::settled(SIZE);
    driver.keys("j l");
    assert_eq!(driver.model.selected(), Some(cell("payments", "staging")));
    let crash = fixture::troubled(Health::Degraded, "9", "OOMKilled");
    driver.send(Event::Live {
        environment: "dev".into(),
        context: "dev".to_owned(),
        connection: Connection::Live,
        cells: vec![(cell("accounts", "dev"), crash)],
        all: false,
    });
    // Not under a key: a moment later.
    driver.send(Event::Tick(driver.model.now + 4.seconds()));
    assert_eq!(lines(&driver)[..2], ["accounts", "checkout"]);
    assert_eq!(driver.model.selected(), Some(cell("payments", "staging")));
}

#[test]
fn the_filter_narrows_rows_and_columns() {
    let cases = [
        ("check", vec!["checkout"], 4),
        ("is:degraded", vec!["checkout"], 4),
        ("env:prod-us is:drift", vec!["mailer"], 1),
        ("!env:prod is:suspended", vec!["mailer"], 2),
        ("3.8.7", vec!["payments"], 4),
        ("nothing", vec![], 4),
        ("env:staging is:behind", vec!["identity", "mailer"], 1),
    ];
    for (filter, rows, columns) in cases {
        let mut driver = Driver::settled(SIZE);
        driver.keys("/");
        driver.send(Event::Input {
            at: moment() + 1.seconds(),
            input: Input::Paste(filter.to_owned()),
        });
        driver.keys("enter");
        let mut shown = lines(&driver);
        shown.sort_unstable();
        assert_eq!(shown, rows, "{filter}");
        assert_eq!(driver.model.matrix.columns.len(), columns, "{filter}");
    }
}

#[test]
fn esc_takes_one_thing_away_at_a_time() {
    let mut driver = Driver::settled(SIZE);
    driver.keys("space / \"check enter");
    driver.send(Event::Failure(Failure::told("x", "y", "")));
    let state = |driver: &Driver| {
        let model = &driver.model;
        (
            model.activity.standing().is_some(),
            !model.matrix.filter.is_empty(),
            !model.matrix.marks.is_empty(),
        )
    };
    let mut seen = vec![state(&driver)];
    for _ in 0..3 {
        driver.keys("esc");
        seen.push(state(&driver));
    }
    let expected = [
        (true, true, true),
        (false, true, true),
        (false, false, true),
        (false, false, false),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_filter_that_is_cancelled_brings_back_the_one_before() {
    let mut driver = Driver::settled(SIZE);
    driver.keys("/ \"mail enter / \"er esc");
    assert_eq!(driver.model.matrix.filter, "mail");
}

#[test]
fn n_goes_from_trouble_to_trouble() {
    let mut driver = Driver::settled(SIZE);
    let mut seen = Vec::new();
    for _ in 0..5 {
        driver.keys("n");
        seen.push(driver.model.selected().unwrap().to_string());
    }
    let expected = [
        "checkout / prod-us",
        "payments / staging",
        "mailer / staging",
        "mailer / prod-us",
        "checkout / prod-us",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn leaving_asks_where_something_would_be_left_behind() {
    let mut driver = Driver::settled(SIZE);
    driver.keys("q");
    assert_eq!(driver.taken(), [Command::Quit]);
    driver.model.select(&cell("identity", "staging"));
    driver.keys("p");
    driver.taken();
    driver.keys("q n");
    assert_eq!(driver.taken(), []);
    driver.keys("q");
    assert_eq!(driver.model.prompt, Some(Prompt::Quit));
    driver.keys("y");
    assert_eq!(driver.taken(), [Command::Quit]);
    driver.model.prompt = None;
    driver.keys(": ^c");
    assert_eq!(driver.taken(), [Command::Quit], "always");
}

#[test]
fn the_mouse_selects_what_is_under_it_and_the_wheel_moves() {
    let mut driver = Driver::settled(SIZE);
    let place = |column, row| Event::Input {
        at: moment(),
        input: Input::Click { column, row },
    };
    let shown = &driver.model.matrix.grid;
    let before: u16 = shown.columns[..2].iter().map(|(_, wide)| wide).sum();
    let column = 2 + shown.service + before + 1;
    driver.send(place(column, 5));
    assert_eq!(driver.model.selected(), Some(cell("payments", "prod-us")));
    driver.send(place(column, 20));
    driver.send(place(0, 0));
    assert_eq!(
        driver.model.selected(),
        Some(cell("payments", "prod-us")),
        "nothing there"
    );
    driver.send(Event::Input {
        at: moment(),
        input: Input::Wheel {
            up: true,
            column: 4,
            row: 5,
        },
    });
    assert_eq!(driver.model.selected(), Some(cell("checkout", "prod-us")));
}

#[test]
fn the_upstream_and_protected_columns_come_into_view_first() {
    let mut driver = Driver::settled((60, 20));
    let shown = |driver: &Driver| -> Vec<usize> {
        let columns = driver.model.matrix.grid.columns.iter();
        columns.map(|(index, _)| *index).collect()
    };
    // dev has no upstream: customers come before its neighbours.
    assert_eq!(shown(&driver), [0, 2, 3]);
    driver.keys("l");
    assert_eq!(
        shown(&driver),
        [0, 1, 3],
        "staging and what it is promoted from"
    );
    driver.keys("l");
    assert_eq!(shown(&driver), [1, 2, 3], "prod-us, staging, prod-eu");
    driver.keys("l");
    assert_eq!(
        shown(&driver),
        [1, 2, 3],
        "nothing moves where nothing has to"
    );
}

/// What comes by itself moves no row for a while after a key; then rows stand where they belong.
#[test]
fn rows_do_not_move_under_a_cursor_that_is_about_to_act() {
    let mut driver = Driver::settled(SIZE);
    let first = |driver: &Driver| driver.model.matrix.lines[0].service.to_string();
    let live = |health| Event::Live {
        environment: "dev".into(),
        context: "dev".to_owned(),
        connection: Connection::Live,
        cells: vec![(
            cell("accounts", "dev"),
            fixture::troubled(health, "2.4.0", "OOMKilled"),
        )],
        all: false,
    };
    driver.keys("j k");
    let before: Vec<_> = driver
        .model
        .matrix
        .lines
        .iter()
        .map(|it| it.service.clone())
        .collect();
    driver.send(live(Health::Degraded));
    let after = driver
        .model
        .matrix
        .lines
        .iter()
        .map(|it| it.service.clone());
    let after: Vec<_> = after.collect();
    assert_eq!(after[..before.len()], before, "what was there stays");
    assert_eq!(
        after.last().unwrap().as_str(),
        "accounts",
        "what is new is seen"
    );
    driver.send(Event::Tick(driver.model.now + 4.seconds()));
    assert_eq!(first(&driver), "accounts", "worst first again");
}

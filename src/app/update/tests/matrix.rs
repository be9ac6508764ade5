//! The matrix: rows, cursor, filter, leaving.

use super::*;
use crate::{
    app::{areas, screen::matrix::Order},
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

/// `:order …` or keys, how it is said, and which rows are first.
#[test]
fn any_column_orders_the_rows_and_either_way_round() {
    let cases: &[(&str, &str, &str, [&str; 3])] = &[
        (
            ": \"order_name enter",
            "name",
            "a to z",
            ["accounts", "basket", "catalog"],
        ),
        (
            ": \"order_-name enter",
            "name",
            "z to a",
            ["support", "shipping", "search"],
        ),
        (
            ": \"order_-trouble enter",
            "trouble",
            "worst last",
            ["support", "shipping", "search"],
        ),
        (
            ": \"order_behind enter",
            "behind",
            "most behind first",
            ["accounts", "basket", "catalog"],
        ),
        (
            ": \"order_staging enter",
            "staging",
            "worst first",
            ["payments", "mailer", "accounts"],
        ),
        (
            ": \"order_prod-us enter",
            "prod-us",
            "worst first",
            ["checkout", "mailer", "accounts"],
        ),
        ("o", "name", "a to z", ["accounts", "basket", "catalog"]),
        (
            "o o",
            "recent",
            "last changed first",
            ["accounts", "basket", "catalog"],
        ),
        (
            "l l o o o o",
            "prod-us",
            "worst first",
            ["checkout", "mailer", "accounts"],
        ),
    ];
    for (keys, name, said, first) in cases {
        let mut driver = Driver::settled(SIZE);
        driver.keys(keys);
        assert_eq!(driver.model.matrix.order.name(), *name, "{keys}");
        assert!(driver.word().contains(said), "{keys}: {}", driver.word());
        assert_eq!(lines(&driver)[..3], first[..], "{keys}");
        assert_eq!(
            driver.model.selected().unwrap().service.as_str(),
            "checkout",
            "{keys}: the cursor stays on its cell"
        );
    }
    // Around: the column, the other way round, and as it began; what is worst comes last then.
    let mut driver = Driver::settled(SIZE);
    driver.keys("l l o o o o o");
    assert_eq!(driver.model.matrix.order.name(), "prod-us");
    assert!(driver.model.matrix.reversed);
    assert_eq!(lines(&driver).last(), Some(&"checkout"));
    driver.keys("o");
    assert_eq!(
        (&driver.model.matrix.order, driver.model.matrix.reversed),
        (&Order::Trouble, false)
    );
    driver.keys(": \"order_size enter");
    assert!(
        driver
            .word()
            .starts_with("no order `size`: trouble, name, recent, behind, dev")
    );
}

/// Whichever way round, rows that have no cell in the column are last.
#[test]
fn a_row_without_a_cell_in_the_column_is_last() {
    for command in ["order prod-us", "order -prod-us"] {
        let mut driver = Driver::settled(SIZE);
        let mut desired = (**driver.model.git.desired.as_ref().unwrap()).clone();
        desired.cells.remove(&cell("checkout", "prod-us"));
        driver.model.git.desired = Some(Arc::new(desired));
        driver.keys(&format!(": \"{} enter", command.replace(' ', "_")));
        assert_eq!(lines(&driver).last(), Some(&"checkout"), "{command}");
    }
}

#[test]
fn a_click_on_a_head_orders_by_its_column_and_moves_no_column() {
    let mut driver = Driver::settled((60, 20));
    let head = |driver: &Driver, index: usize| {
        let grid = &driver.model.matrix.grid;
        let before: u16 = grid.columns[..index].iter().map(|(_, wide)| wide).sum();
        let row = (0..20).find(|row| areas::head(&driver.model, 2, *row).is_some());
        Event::Input {
            at: moment(),
            input: Input::Click {
                column: 2 + grid.service + before,
                row: row.unwrap(),
            },
        }
    };
    let columns = |driver: &Driver| -> Vec<usize> {
        let columns = driver.model.matrix.grid.columns.iter();
        columns.map(|(index, _)| *index).collect()
    };
    let before = columns(&driver);
    assert_eq!(before, [0, 2, 3]);
    for (name, reversed) in [("prod-us", false), ("prod-us", true), ("trouble", false)] {
        let click = head(&driver, 1);
        driver.send(click);
        let matrix = &driver.model.matrix;
        assert_eq!((matrix.order.name(), matrix.reversed), (name, reversed));
        assert_eq!(columns(&driver), before);
    }
    // A click on a cell brings its upstream into view no sooner than a key does: the second click would hit another.
    let Event::Input {
        input: Input::Click { column, row },
        ..
    } = head(&driver, 2)
    else {
        unreachable!("a click");
    };
    driver.send(Event::Input {
        at: moment(),
        input: Input::Click {
            column,
            row: row + 1,
        },
    });
    assert_eq!(driver.model.selected(), Some(cell("checkout", "prod-eu")));
    assert_eq!(columns(&driver), before);
}

#[test]
fn a_lost_column_alone_lifts_no_row() {
    let driver = Driver::settled(SIZE);
    assert!(!lines(&driver).contains(&"accounts"), "stale in prod-eu");
}

#[test]
fn without_trouble_nothing_is_folded() {
    let mut driver = Driver::settled(SIZE);
    for live in driver.model.live.cells_mut().values_mut() {
        *live = fixture::healthy("x").into();
        let live = Arc::make_mut(live);
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
            fixture::troubled(Health::Degraded, "9", "OOMKilled").into(),
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
        cells: vec![(cell("accounts", "dev"), crash.into())],
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
            fixture::troubled(health, "2.4.0", "OOMKilled").into(),
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

#[test]
fn the_console_starts_with_the_filter_of_the_users_file() {
    let started = |filter: &str| {
        let mut setup = fixture::setup();
        filter.clone_into(&mut setup.filter);
        Driver::settled_with(setup, SIZE)
    };
    let driver = started("is:degraded");
    assert_eq!(lines(&driver), ["checkout"]);
    let driver = started("is:degarded");
    assert!(
        driver.word().starts_with("the filter to start with: ")
            && driver.word().contains("degraded"),
        "{}",
        driver.word()
    );
}

//! What the screens look like, styles included, at both sizes and with what terminals lack.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    actions::Keymap,
    app::{
        event::{DesiredRead, Event, Input},
        fixture::{self, Driver},
        op_queue::Operation,
    },
    domain::{desired::DesiredCell, rollout::Connection},
    look::Look,
};

mod diff;
mod harness;
mod looks;
mod mouse;
mod revert;
mod room;
mod scenes;
mod scrolling;

use harness::{ansi, screen, text};

const WIDE: (u16, u16) = (120, 40);
const SMALL: (u16, u16) = (80, 24);

/// Every scene at both sizes, with styles.
#[test]
fn scenes_look_as_before() {
    for (name, build) in scenes::ALL {
        for size in [WIDE, SMALL] {
            let driver = build(size);
            let name = format!("{name}_{}x{}", size.0, size.1);
            insta::assert_snapshot!(name, screen(&driver.model));
        }
    }
}

/// Prints every scene in colour: `cargo test --lib look_at -- --ignored --nocapture`.
#[test]
#[ignore = "for eyes"]
fn look_at_every_scene() {
    for (name, build) in scenes::ALL {
        for size in [WIDE, SMALL] {
            println!("{name} {}x{}\n{}", size.0, size.1, ansi(&build(size).model));
        }
    }
}

#[test]
fn ascii_terminals_get_ascii_only() {
    for (name, build) in scenes::ALL {
        let mut driver = build(SMALL);
        driver.model.setup.look.ascii = true;
        let shown = text(&driver.model);
        let odd: Vec<char> = shown.chars().filter(|c| !c.is_ascii()).collect();
        assert!(odd.is_empty(), "{name}: {odd:?}\n{shown}");
    }
}

#[test]
fn without_colours_there_are_none_and_the_cursor_is_seen() {
    for (name, build) in scenes::ALL {
        let mut driver = build(WIDE);
        driver.model.setup.look = Look {
            no_colour: true,
            ..driver.model.setup.look.clone()
        };
        let shown = screen(&driver.model);
        let legend = shown.rsplit("\n\n").next().unwrap();
        assert!(
            !legend.contains("fg ") && !legend.contains("bg "),
            "{name}\n{legend}"
        );
    }
    let mut driver = Driver::settled(SMALL);
    driver.model.setup.look.no_colour = true;
    driver.model.setup.look.ascii = true;
    insta::assert_snapshot!("matrix_plain_80x24", screen(&driver.model));
}

#[test]
fn no_size_breaks_any_scene() {
    for (name, build) in scenes::ALL {
        let mut driver = build(WIDE);
        for (width, height) in [
            (1, 1),
            (39, 9),
            (40, 10),
            (41, 12),
            (60, 14),
            (99, 20),
            (200, 60),
        ] {
            driver.send(Event::Input {
                at: driver.model.now,
                input: Input::Resize { width, height },
            });
            let shown = text(&driver.model);
            assert!(!shown.trim().is_empty(), "{name} {width}x{height}");
        }
    }
}

#[test]
fn too_small_says_so() {
    let driver = Driver::settled((39, 20));
    assert!(text(&driver.model).contains("too small"));
}

/// A thousand services in eight environments, with every cell live.
fn large() -> Driver {
    let mut setup = fixture::setup();
    let names: Vec<String> = (0..8).map(|index| format!("env-{index}")).collect();
    setup.topology.environments = names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let mut environment = fixture::topology().environments[0].clone();
            environment.name = name.as_str().into();
            let upstream = index
                .checked_sub(1)
                .map(|before| names[before].as_str().into());
            environment.from = upstream.into_iter().collect();
            environment
        })
        .collect();
    let mut driver = Driver::fresh(setup, WIDE);
    let mut desired = fixture::desired(&[]);
    desired.environments = names.iter().map(|name| name.as_str().into()).collect();
    for service in (0..1_000).map(|index| format!("service-{index:04}")) {
        for name in &names {
            let declared = DesiredCell {
                version: Some("1.42.0".into()),
                ..DesiredCell::default()
            };
            let key = fixture::cell(&service, name);
            driver
                .model
                .live
                .cells_mut()
                .insert(key.clone(), fixture::healthy("1.42.0").into());
            desired.cells.insert(key, declared);
        }
        desired.services.push(service.as_str().into());
    }
    for name in &names {
        let connections = &mut driver.model.live.connections;
        connections.insert(name.as_str().into(), Connection::Live);
    }
    driver.send(Event::Desired {
        epoch: driver.epoch(Operation::Desired),
        result: Ok(DesiredRead {
            base: fixture::base(),
            desired: Arc::new(desired),
        }),
    });
    driver
}

/// Only the rows in view are laid out, so that every key finds its frame whatever the number of services.
#[test]
fn a_large_matrix_answers_keys() {
    let mut driver = large();
    assert_eq!(driver.model.matrix.lines.len(), 1_000);
    for key in ["G", "k", "l", "o", "/", "9", "enter", "esc", "^d", "!"] {
        driver.keys(key);
        let shown = text(&driver.model);
        assert!(shown.contains("service-"), "{key}");
    }
}

#[test]
fn before_anything_is_known_the_screen_says_what_is_being_done() {
    let mut terminal = ratatui::Terminal::new(ratatui::backend::TestBackend::new(30, 6)).unwrap();
    terminal
        .draw(|frame| {
            super::render_opening("looking\u{1b}[31m around for what goes on", frame);
        })
        .unwrap();
    let shown = terminal.backend().to_string();
    assert!(
        shown.contains(" tidegate ") && shown.contains("^c leaves"),
        "{shown}"
    );
    assert!(
        shown.contains("looking") && shown.contains(" on      ") && !shown.contains('\u{1b}'),
        "{shown}"
    );
}

/// Sentences name the keys in force, not those of the table.
#[test]
fn keys_that_are_given_to_other_actions_are_told_as_they_are() {
    let keys = [
        ("leave-out", "L"),
        ("accept-along", "C"),
        ("show-all", "H"),
        ("scope", "S"),
        ("deliver", "B"),
        ("delivery", "E"),
        ("yes", "Y"),
        ("back", "f1"),
    ];
    let changes = keys.map(|(name, key)| (name.to_owned(), vec![key.to_owned()]));
    let cases = [
        ("matrix", "H shows them"),
        ("plan_held", "(L leaves out"),
        ("plan_refused", "<B> delivers to a branch"),
        ("delivery", "E comes back"),
        ("quit", "<Y> leave"),
        ("failure", "f1 dismisses"),
    ];
    for (name, expected) in cases {
        let (_, build) = scenes::ALL.iter().find(|scene| scene.0 == name).unwrap();
        let mut driver = build(WIDE);
        driver.model.setup.keymap = Keymap::remapped(&BTreeMap::from(changes.clone())).unwrap();
        let shown = text(&driver.model);
        assert!(shown.contains(expected), "{name}: {expected}\n{shown}");
    }
}

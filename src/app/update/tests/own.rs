//! Commands of the user's own: when they run, when not, and how they are told.

use std::time::Duration;

use super::*;
use crate::{
    actions::{Action, ArgumentTemplate, Keymap, Mode, OwnCommand, Press},
    app::{event::OwnRan, palette, screen::help},
};

fn command(name: &str, key: &str, run: &[&str]) -> OwnCommand {
    OwnCommand {
        name: name.to_owned(),
        description: format!("what {name} does"),
        key: Press::parse(key),
        run: run
            .iter()
            .map(|text| ArgumentTemplate::parse(text).unwrap())
            .collect(),
        dangerous: false,
        read_only: false,
        screen: false,
        timeout: Duration::from_mins(1),
    }
}

fn driver(write: WriteMode) -> Driver {
    let commands = vec![
        OwnCommand {
            read_only: true,
            ..command(
                "look",
                "U",
                &[
                    "k9s",
                    "--context={context}",
                    "-n",
                    "{namespace}",
                    "{service}",
                    "{env}",
                ],
            )
        },
        command("touch", "T", &["deploy", "{version}", "{commit}"]),
        OwnCommand {
            dangerous: true,
            ..command("wipe", "W", &["wipe", "{service}"])
        },
    ];
    let mut setup = fixture::setup();
    setup.keymap = Keymap::default().with_own(&commands).unwrap();
    setup.commands = commands;
    setup.write = write;
    let mut driver = Driver::settled_with(setup, SIZE);
    driver.taken();
    driver
}

fn runs(driver: &mut Driver) -> Vec<String> {
    let taken = driver.taken().into_iter();
    let lines = taken.filter_map(|command| match command {
        Command::RunOwn { run, .. } => Some(run.line()),
        _ => None,
    });
    lines.collect()
}

#[test]
fn they_run_where_plans_may_be_written_or_where_they_change_nothing() {
    for (write, keys, expected, said) in [
        (WriteMode::Locked, "U", 1, "running look"),
        (WriteMode::ReadOnly, ": \"look enter", 1, "running look"),
        (WriteMode::Locked, "T", 0, "started with --read-only"),
        (
            WriteMode::ReadOnly,
            ": \"touch enter",
            0,
            "read-only: type :write",
        ),
        (WriteMode::Write, "T", 1, "running touch"),
        (WriteMode::Write, "enter T", 1, "running touch"),
        (WriteMode::ReadOnly, "W", 0, "read-only: type :write"),
    ] {
        let mut driver = driver(write);
        driver.keys(keys);
        assert_eq!(runs(&mut driver).len(), expected, "{keys}");
        assert!(driver.word().starts_with(said), "{keys}: {}", driver.word());
    }
    let mut driver = driver(WriteMode::ReadOnly);
    driver.keys("U");
    let line = runs(&mut driver).remove(0);
    assert!(line.starts_with("k9s --context=dev"), "{line}");
    assert!(line.ends_with(" checkout dev"), "{line}");
}

#[test]
fn a_value_that_the_cell_lacks_is_said_and_nothing_runs() {
    let mut driver = driver(WriteMode::Write);
    driver.model.history.cells.clear();
    driver.keys("T");
    assert_eq!(
        driver.word(),
        "touch: what brought the version of checkout / dev is not known (yet)"
    );
    driver.model.setup.topology.environments[0].cluster = None;
    driver.keys("U");
    assert_eq!(
        driver.word(),
        "look: dev has no `cluster` in the configuration"
    );
    assert!(runs(&mut driver).is_empty());
}

#[test]
fn a_dangerous_one_is_asked_about_and_a_held_key_is_no_answer() {
    let mut driver = driver(WriteMode::Write);
    driver.keys("W");
    assert!(matches!(driver.model.prompt, Some(Prompt::Own(..))));
    driver.key("y", 100);
    assert!(runs(&mut driver).is_empty(), "too soon");
    driver.key("n", 400);
    assert_eq!(driver.model.prompt, None);
    assert_eq!(driver.word(), "wipe was not run");
    driver.keys("W");
    driver.key("y", 1_000);
    assert_eq!(runs(&mut driver), ["wipe checkout"]);
}

#[test]
fn one_runs_at_a_time_and_a_failure_is_never_ok() {
    let mut driver = driver(WriteMode::Write);
    driver.keys("U");
    let epoch = driver.epoch(Operation::Own);
    driver.key("U", 1_000);
    assert_eq!(runs(&mut driver).len(), 1);
    assert!(driver.word().contains("another command runs"));
    let ended = |result: Result<(), &str>| OwnRan {
        line: "k9s x".to_owned(),
        result: result.map_err(str::to_owned),
        output: vec!["first".to_owned(), "last".to_owned()],
        took: Duration::from_millis(400),
    };
    let late = Epoch(epoch.0 + 7);
    driver.send(Event::OwnRan {
        epoch: late,
        ran: ended(Err("exit 9")),
    });
    assert!(
        driver.model.activity.standing().is_none(),
        "not the one that runs"
    );
    driver.send(Event::OwnRan {
        epoch,
        ran: ended(Ok(())),
    });
    let ran = driver.model.ran.clone().unwrap();
    assert!(ran.ok && ran.outcome == "ok");
    let entry = driver.model.activity.entries().back().unwrap().clone();
    assert_eq!(entry.text, "$ k9s x  ok 0.4s");
    assert_eq!(entry.detail, ["first", "last"]);

    driver.key("U", 1_000);
    let epoch = driver.epoch(Operation::Own);
    driver.send(Event::OwnRan {
        epoch,
        ran: ended(Err("exit 1")),
    });
    let ran = driver.model.ran.clone().unwrap();
    assert!(!ran.ok && ran.outcome == "exit 1");
    let (standing, _) = driver.model.activity.standing().unwrap();
    assert_eq!(standing.failure.why, "exit 1: last");
    let entry = driver.model.activity.entries().back().unwrap();
    assert_eq!(entry.text, "$ k9s x  exit 1 0.4s");
}

#[test]
fn help_and_palette_know_them() {
    let driver = driver(WriteMode::ReadOnly);
    let found = palette::suggestions(&driver.model, "lo");
    assert_eq!(found[0].line, "look");
    assert_eq!(found[0].help, "what look does");
    let screen = help::HelpScreen {
        of: Mode::Matrix,
        search: String::new(),
        line: 0,
    };
    let shown = format!("{:?}", help::entries(&driver.model, &screen));
    for part in [
        "what look does",
        "label: \":wipe\", words: \"what wipe does\"",
    ] {
        assert!(shown.contains(part), "{part}");
    }
    let error = |own: &[OwnCommand]| Keymap::default().with_own(own).unwrap_err().to_string();
    let (first, second) = (command("x", "p", &["x"]), command("y", "p", &["y"]));
    assert_eq!(
        error(&[first, second]),
        "`p` means both `x` and `y` in Matrix"
    );
    let leaves = command("x", "^c", &["x"]);
    assert_eq!(
        error(&[leaves]),
        "`^c` means both `quit-now` and `x` in Matrix"
    );
}

/// A key that came with a new version takes nothing from who had it already.
#[test]
fn a_key_of_the_user_s_own_wins_over_one_that_the_user_never_spoke_of() {
    let pods = OwnCommand {
        read_only: true,
        ..command("pods", "D", &["k9s"])
    };
    let keymap = Keymap::default()
        .with_own(std::slice::from_ref(&pods))
        .unwrap();
    let mut setup = fixture::setup();
    setup.keymap = keymap.clone();
    setup.commands = vec![pods];
    let mut driver = Driver::settled_with(setup, SIZE);
    driver.taken();
    let press = Press::parse("D").unwrap();
    for (mode, before) in [(Mode::Matrix, "drift"), (Mode::Cell, "describe")] {
        assert_eq!(keymap.action(mode, press), Some(Action::Own(0)));
        assert_eq!(keymap.replaced(mode, press), Some(before));
    }
    assert_eq!(keymap.shown(Mode::Matrix, Action::Drift), ":drift");
    assert_eq!(keymap.shown(Mode::Cell, Action::Describe), "`describe`");
    let screen = help::HelpScreen {
        of: Mode::Cell,
        search: "describe".to_owned(),
        line: 0,
    };
    let shown = help::entries(&driver.model, &screen).into_iter();
    let shown: Vec<String> = shown
        .filter_map(|row| match row {
            help::HelpRow::Key { label, words, .. } => Some(format!("{label}: {words}")),
            _ => None,
        })
        .collect();
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert!(
        shown[0].starts_with("no key: what there is to know of"),
        "{shown:?}"
    );
    assert_eq!(shown[1], "D: what pods does; `D` in place of `describe`");
    driver.key("D", 0);
    assert_eq!(runs(&mut driver), ["k9s"], "no drift");
}

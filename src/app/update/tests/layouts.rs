//! How the repository is read: a guess is told, a better one is offered and taken with a key, and it can be kept.

use super::*;
use crate::{
    app::{
        layouts::{Edited, LayoutsTold},
        screen::Screen,
    },
    domain::{detect::Part, failure::Failure},
};

const OFFER: &str = "the order dev → prod";

fn told(offer: Option<&str>) -> LayoutsTold {
    LayoutsTold {
        from: "guessed".to_owned(),
        parts: vec![Part {
            title: "Environments".to_owned(),
            lines: vec!["dev".to_owned()],
        }],
        offer: offer.map(str::to_owned),
        writes: Ok("text".to_owned()),
        edits: Ok(Edited::Draft("text".to_owned())),
    }
}

/// What was asked last is answered.
fn tell(driver: &mut Driver, told: LayoutsTold) {
    let epoch = driver.epoch(Operation::Layouts);
    let result = Ok(Box::new(told));
    driver.send(Event::LayoutsTold { epoch, result });
}

/// The screen of layouts, which nothing was told of yet.
fn opened(write: WriteMode, layouts: LayoutsBy) -> Driver {
    let mut setup = fixture::setup();
    setup.layouts = layouts;
    setup.write = write;
    let mut driver = Driver::settled_with(setup, SIZE);
    driver.taken();
    driver.keys(": \"layouts enter");
    driver
}

fn guessed() -> LayoutsBy {
    LayoutsBy::Guessed("guessed".to_owned())
}

fn about_layouts(driver: &mut Driver) -> Vec<Command> {
    let commands = driver.taken().into_iter();
    let mine = |command: &Command| {
        matches!(
            command,
            Command::ShowLayouts { .. }
                | Command::RefineGuess { .. }
                | Command::TakeGuess(_)
                | Command::SaveLayouts(_)
                | Command::EditLayouts(_)
        )
    };
    commands.filter(mine).collect()
}

fn shown(driver: &Driver) -> Option<&Result<Box<LayoutsTold>, String>> {
    match driver.model.screens.last() {
        Some(Screen::Layouts(screen)) => screen.told.as_ref(),
        _ => panic!("no screen of layouts"),
    }
}

#[test]
fn a_better_guess_is_offered_and_what_was_shown_is_taken_with_a_key() {
    let mut setup = fixture::setup();
    setup.layouts = guessed();
    let mut driver = Driver::settled_with(setup, SIZE);
    let columns = driver.model.setup.topology.environments.clone();
    // History was read.
    let epoch = driver.model.operations.current(Operation::Guess).unwrap();
    driver.send(Event::GuessOffered {
        epoch,
        offer: Some(OFFER.to_owned()),
    });
    assert_eq!(driver.model.offer.as_deref(), Some(OFFER));
    assert_eq!(
        driver.model.setup.topology.environments, columns,
        "no column moves by itself"
    );
    driver.keys(": \"layouts enter");
    let epoch = driver.epoch(Operation::Layouts);
    assert_eq!(about_layouts(&mut driver), [Command::ShowLayouts { epoch }]);
    driver.keys("a");
    assert_eq!(driver.word(), "the files are still looked at");
    tell(&mut driver, told(Some(OFFER)));
    driver.keys("a");
    assert_eq!(
        about_layouts(&mut driver),
        [Command::TakeGuess(OFFER.to_owned())]
    );
    // Once it is in force there is nothing to offer, and what is shown is looked at again.
    let setup = Box::new(driver.model.setup.clone());
    driver.send(Event::ConfigReloaded(Ok(setup)));
    assert_eq!(driver.model.offer, None);
    let again = driver.epoch(Operation::Layouts);
    assert_eq!(
        about_layouts(&mut driver),
        [Command::ShowLayouts { epoch: again }]
    );
    assert_eq!(shown(&driver), None);
    tell(&mut driver, told(None));
    driver.keys("a");
    let nothing = driver.word();
    assert!(
        nothing.contains("nothing better was found; w keeps it"),
        "{nothing}"
    );
    assert_eq!(about_layouts(&mut driver), []);
}

#[test]
fn a_late_answer_replaces_no_newer_one() {
    let mut driver = opened(WriteMode::ReadOnly, guessed());
    let (shown_by, guess) = (
        driver.epoch(Operation::Layouts),
        driver.epoch(Operation::Guess),
    );
    // What was asked before the configuration was read again is of the one before.
    let setup = Box::new(driver.model.setup.clone());
    driver.send(Event::ConfigReloaded(Ok(setup)));
    let late = |driver: &mut Driver| {
        let result = Ok(Box::new(told(Some("late"))));
        let epoch = shown_by;
        driver.send(Event::LayoutsTold { epoch, result });
        driver.send(Event::GuessOffered {
            epoch: guess,
            offer: Some("late".to_owned()),
        });
    };
    late(&mut driver);
    assert_eq!(
        (shown(&driver), driver.model.offer.as_deref()),
        (None, None)
    );
    tell(&mut driver, told(Some(OFFER)));
    late(&mut driver);
    assert_eq!(shown(&driver), Some(&Ok(Box::new(told(Some(OFFER))))));
    assert_eq!(driver.model.offer.as_deref(), Some(OFFER));
    // So where the screen is opened again.
    driver.keys("esc");
    driver.keys(": \"layouts enter");
    late(&mut driver);
    assert_eq!(shown(&driver), None);
    // A configuration that is wrong changes nothing but what may be written: that is looked at again.
    tell(&mut driver, told(None));
    driver.taken();
    let failure = Failure::told("reloading", "line 3", "");
    driver.send(Event::ConfigReloaded(Err(failure)));
    assert_eq!(shown(&driver), None);
    assert_eq!(about_layouts(&mut driver).len(), 1);
}

#[test]
fn what_is_shown_is_written_where_writing_is_unlocked() {
    for (write, why) in [
        (WriteMode::ReadOnly, ":write"),
        (WriteMode::Locked, "--read-only"),
    ] {
        let mut driver = opened(write, guessed());
        tell(&mut driver, told(None));
        driver.taken();
        driver.keys("w");
        assert_eq!(about_layouts(&mut driver), [], "{write:?}");
        assert!(driver.word().contains(why), "{}", driver.word());
    }
    let mut driver = opened(WriteMode::Write, guessed());
    driver.taken();
    driver.keys("w");
    assert_eq!(driver.word(), "the files are still looked at");
    tell(&mut driver, told(None));
    driver.keys("w");
    assert_eq!(
        about_layouts(&mut driver),
        [Command::SaveLayouts("text".to_owned())]
    );
    let nothing = LayoutsTold {
        writes: Err("the team says it".to_owned()),
        ..told(None)
    };
    driver.keys("esc");
    driver.keys(": \"layouts enter");
    driver.taken();
    tell(&mut driver, nothing);
    driver.keys("w");
    assert_eq!(driver.word(), "the team says it");
    assert_eq!(about_layouts(&mut driver), []);
}

#[test]
fn what_is_edited_is_the_file_or_a_draft_and_a_locked_session_edits_no_file() {
    let file = || Edited::File("/a/tidegate.toml".into());
    let draft = || Edited::Draft("text".to_owned());
    for (write, edits, edited, words) in [
        (WriteMode::ReadOnly, Ok(draft()), Some(draft()), ""),
        (WriteMode::Locked, Ok(draft()), Some(draft()), ""),
        (WriteMode::ReadOnly, Ok(file()), Some(file()), ""),
        (
            WriteMode::Locked,
            Ok(file()),
            None,
            "started with --read-only: /a/tidegate.toml stays as it is",
        ),
        (
            WriteMode::Write,
            Err("elsewhere".to_owned()),
            None,
            "elsewhere",
        ),
    ] {
        let mut driver = opened(write, guessed());
        tell(
            &mut driver,
            LayoutsTold {
                edits,
                ..told(None)
            },
        );
        driver.taken();
        driver.keys("e");
        let wanted: Vec<Command> = edited.into_iter().map(Command::EditLayouts).collect();
        assert_eq!(about_layouts(&mut driver), wanted, "{write:?} {words}");
        assert_eq!(driver.word(), words);
    }
}

#[test]
fn no_guess_takes_the_place_of_what_somebody_wrote() {
    for (layouts, words) in [
        (LayoutsBy::Written, "nothing is guessed here"),
        (
            LayoutsBy::Draft,
            "your draft is in use: no guess takes its place",
        ),
    ] {
        let mut setup = fixture::setup();
        setup.layouts = layouts.clone();
        let mut driver = Driver::settled_with(setup, SIZE);
        let operations = &driver.model.operations;
        assert!(!operations.is_running(Operation::Guess), "it is no guess");
        driver.keys(": \"layouts enter");
        tell(&mut driver, told(None));
        driver.taken();
        driver.keys("a");
        assert_eq!(about_layouts(&mut driver), []);
        assert_eq!(driver.word(), words);
    }
}

#[test]
fn a_draft_that_is_not_saved_is_asked_about_when_leaving() {
    let mut driver = opened(WriteMode::ReadOnly, LayoutsBy::Draft);
    driver.keys("esc");
    driver.taken();
    driver.keys("q");
    assert_eq!(driver.model.prompt, Some(Prompt::Quit));
    assert!(!driver.taken().contains(&Command::Quit));
    driver.keys("y");
    assert!(driver.taken().contains(&Command::Quit));
}

#[test]
fn what_cannot_be_looked_at_says_why() {
    let mut driver = opened(WriteMode::ReadOnly, guessed());
    let epoch = driver.epoch(Operation::Layouts);
    driver.send(Event::LayoutsTold {
        epoch,
        result: Err(Failure::told("looking", "no tree", "")),
    });
    assert_eq!(shown(&driver), Some(&Err("looking: no tree".to_owned())));
}

//! How the repository is read: a guess is told, a better one is offered and taken with a key, and it can be kept.

use super::*;
use crate::{
    app::{event::LayoutsTold, screen::Screen},
    domain::{detect::Part, failure::Failure},
};

fn told(offer: Option<&str>, proposal: Option<&str>) -> Event {
    Event::LayoutsTold(Ok(Box::new(LayoutsTold {
        from: "guessed".to_owned(),
        parts: vec![Part {
            title: "Environments".to_owned(),
            lines: vec!["dev".to_owned()],
        }],
        offer: offer.map(str::to_owned),
        proposal: proposal.map(str::to_owned),
    })))
}

fn guessed(write: WriteMode) -> Driver {
    let mut setup = fixture::setup();
    setup.guessed = Some("guessed".to_owned());
    setup.write = write;
    let mut driver = Driver::settled_with(setup, SIZE);
    driver.taken();
    driver
}

fn about_layouts(driver: &mut Driver) -> Vec<Command> {
    let commands = driver.taken().into_iter();
    let mine = |command: &Command| {
        matches!(
            command,
            Command::ShowLayouts
                | Command::RefineGuess
                | Command::TakeGuess
                | Command::SaveLayouts(_)
                | Command::EditLayouts(_)
        )
    };
    commands.filter(mine).collect()
}

#[test]
fn a_better_guess_is_offered_and_taken_with_a_key() {
    let mut driver = guessed(WriteMode::ReadOnly);
    let columns = driver.model.setup.topology.environments.clone();
    driver.send(Event::GuessOffered("the order dev → prod".to_owned()));
    assert_eq!(driver.model.offer.as_deref(), Some("the order dev → prod"));
    assert_eq!(
        driver.model.setup.topology.environments, columns,
        "no column moves by itself"
    );
    driver.keys(": \"layouts enter");
    assert!(matches!(
        driver.model.screens.last(),
        Some(Screen::Layouts(_))
    ));
    assert_eq!(about_layouts(&mut driver), [Command::ShowLayouts]);
    driver.keys("a");
    assert_eq!(driver.word(), "the files are still looked at");
    driver.send(told(Some("the order dev → prod"), Some("text")));
    driver.keys("a");
    assert_eq!(about_layouts(&mut driver), [Command::TakeGuess]);
    // Once it is in force there is nothing to offer, and what is shown is looked at again.
    let setup = Box::new(driver.model.setup.clone());
    driver.send(Event::ConfigReloaded(Ok(setup)));
    assert_eq!(driver.model.offer, None);
    assert_eq!(about_layouts(&mut driver), [Command::ShowLayouts]);
    driver.send(told(None, Some("text")));
    driver.keys("a");
    assert!(
        driver.word().contains("nothing better was found"),
        "{}",
        driver.word()
    );
    assert_eq!(about_layouts(&mut driver), []);
}

#[test]
fn a_guess_can_be_kept_and_edited() {
    let mut driver = guessed(WriteMode::ReadOnly);
    driver.keys(": \"layouts enter");
    driver.send(told(None, Some("text")));
    driver.taken();
    driver.keys("w e");
    assert_eq!(
        about_layouts(&mut driver),
        [
            Command::SaveLayouts("text".to_owned()),
            Command::EditLayouts(Some("text".to_owned())),
        ]
    );
    driver.send(told(None, None));
    driver.keys("e w a");
    assert_eq!(about_layouts(&mut driver), [Command::EditLayouts(None)]);
    assert_eq!(driver.word(), "nothing is guessed here");
    driver.keys("esc");
    assert!(driver.model.screens.is_empty());

    let mut driver = guessed(WriteMode::Locked);
    driver.keys(": \"layouts enter");
    driver.send(told(None, Some("text")));
    driver.taken();
    driver.keys("w");
    assert_eq!(about_layouts(&mut driver), []);
    assert!(driver.word().contains("--read-only"), "{}", driver.word());
}

#[test]
fn what_cannot_be_looked_at_says_why() {
    let mut driver = guessed(WriteMode::ReadOnly);
    driver.keys(": \"layouts enter");
    driver.send(Event::LayoutsTold(Err(Failure::told(
        "looking", "no tree", "",
    ))));
    let Some(Screen::Layouts(screen)) = driver.model.screens.last() else {
        panic!("no screen of layouts")
    };
    assert_eq!(screen.told, Some(Err("looking: no tree".to_owned())));
}

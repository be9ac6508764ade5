//! A changed configuration asks for a consent: once, for exactly what was seen, and between two keys that mean something else.

use super::*;
use crate::app::trust::Stage;

fn lines(name: &str) -> Vec<String> {
    vec![
        format!("{name}  (tidegate.toml:3)"),
        "  opens /elsewhere".to_owned(),
    ]
}

fn ask(driver: &mut Driver, name: &str) {
    let (at, lines) = (driver.model.now, lines(name));
    driver.send(Event::TrustAsked { at, lines });
}

fn asks(driver: &Driver) -> bool {
    matches!(driver.model.prompt, Some(Prompt::Trust(_)))
}

fn allowed(driver: &mut Driver) -> Vec<Vec<String>> {
    let commands = driver.taken().into_iter();
    let allowed = commands.filter_map(|command| match command {
        Command::Trust(lines) => Some(lines),
        _ => None,
    });
    allowed.collect()
}

#[test]
fn keys_that_come_too_soon_or_are_held_answer_nothing() {
    for key in ["y", "n", "q", "esc"] {
        let mut driver = Driver::settled(SIZE);
        ask(&mut driver, "a");
        driver.key(key, 999);
        driver.key(key, 40);
        assert!(asks(&driver) && allowed(&mut driver).is_empty(), "{key}");
        driver.key(key, 300);
        assert!(!asks(&driver), "{key}");
        assert_eq!(allowed(&mut driver).len(), usize::from(key == "y"), "{key}");
    }
}

#[test]
fn what_is_allowed_is_what_was_shown_last() {
    let mut driver = Driver::settled(SIZE);
    ask(&mut driver, "a");
    ask(&mut driver, "b");
    driver.key("y", 500);
    assert_eq!(allowed(&mut driver), Vec::<Vec<String>>::new(), "b is new");
    driver.key("y", 1_000);
    assert_eq!(allowed(&mut driver), [lines("b")]);
    assert_eq!(driver.model.trust, None);
}

#[test]
fn a_refusal_is_asked_about_on_demand_only() {
    let mut driver = Driver::settled(SIZE);
    ask(&mut driver, "a");
    driver.key("n", 1_000);
    assert!(
        driver.word().starts_with("not allowed"),
        "{}",
        driver.word()
    );
    ask(&mut driver, "a");
    assert!(!asks(&driver));
    driver.keys(": \"trust enter");
    assert!(asks(&driver));
    driver.key("n", 1_000);
    // What is new is asked about.
    ask(&mut driver, "b");
    assert!(asks(&driver));
    // What asks no more, does not: mended, or read without it.
    let setup = driver.model.setup.clone();
    driver.send(Event::ConfigReloaded(Ok(Box::new(setup))));
    assert!(!asks(&driver) && driver.model.trust.is_none());
    driver.keys(": \"trust enter");
    assert!(
        driver
            .word()
            .starts_with("the configuration asks for nothing")
    );
}

#[test]
fn it_waits_for_what_is_typed_or_confirmed() {
    let mut typing = Driver::settled(SIZE);
    typing.keys("/ \"check");
    let mut confirming = planned("identity", "staging");
    confirming.keys("enter");
    for (mut driver, end) in [(typing, "enter"), (confirming, "n")] {
        let mode = driver.model.mode();
        ask(&mut driver, "a");
        assert_eq!(driver.model.mode(), mode);
        let stage = driver.model.trust.as_ref().map(|it| it.stage);
        assert_eq!(stage, Some(Stage::Waiting), "{mode:?}");
        driver.keys(end);
        assert!(asks(&driver), "{mode:?}");
    }
}

#[test]
fn what_cannot_be_seen_is_not_allowed() {
    let mut driver = Driver::settled((80, 12));
    let (at, lines) = (driver.model.now, vec!["opens /x".to_owned(); 12]);
    driver.send(Event::TrustAsked { at, lines });
    driver.key("y", 1_000);
    assert!(asks(&driver) && allowed(&mut driver).is_empty());
    let (width, height) = SIZE;
    let at = driver.model.now;
    let input = Input::Resize { width, height };
    driver.send(Event::Input { at, input });
    driver.key("y", 1_000);
    assert_eq!(allowed(&mut driver).len(), 1);
}

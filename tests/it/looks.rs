//! The console asks a real terminal for its background.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::support::terminal::{SOON, Setup, Terminal, View};

const QUESTION: &str = "\x1b]11;?\x07";

fn demo() -> Setup {
    Setup::tidegate(&["demo", "--speed", "8", "--no-outage"]).env("COLORTERM", "truecolor")
}

fn matrix(terminal: &Terminal) -> View {
    terminal.until("the matrix", SOON, |view| {
        view.has("checkout") && view.has("SERVICE")
    })
}

/// Waits for what is no picture: a condition of [`Terminal::until`] may not ask the terminal itself.
fn until(what: &str, terminal: &Terminal, condition: impl Fn(&str) -> bool) {
    let end = Instant::now() + SOON;
    while !condition(&terminal.written()) {
        assert!(Instant::now() < end, "{what}: not within {SOON:?}");
        thread::yield_now();
    }
}

/// Whether text was drawn in this colour.
fn drew(terminal: &Terminal, colour: [u8; 3]) -> bool {
    is_in(&terminal.written(), colour)
}

fn is_in(written: &str, [red, green, blue]: [u8; 3]) -> bool {
    let colour = format!("38;2;{red};{green};{blue}");
    [";", "m"]
        .iter()
        .any(|end| written.contains(&format!("{colour}{end}")))
}

#[test]
fn the_first_frame_waits_for_no_answer_and_an_answer_is_no_key() {
    // The accents of the default themes, dark and light.
    let (dark, light) = ([0x87, 0xaf, 0xd7], [0x00, 0x5f, 0xaf]);
    let mut terminal = demo().start();
    matrix(&terminal);
    until("the question", &terminal, |written| {
        written.contains(QUESTION)
    });
    let written = terminal.written();
    let asked = written.find(QUESTION).expect("it asks");
    let drawn = written.find("tidegate").expect("it draws");
    assert!(drawn < asked, "drawn first");
    assert!(
        drew(&terminal, dark) && !drew(&terminal, light),
        "dark until it is known"
    );

    // `r` and `b` are keys, and so is everything else in it.
    terminal.press("\x1b]11;rgb:fdfd/f6f6/e3e3\x1b\\");
    until("the light theme", &terminal, |written| {
        is_in(written, light)
    });
    let view = terminal.view();
    assert!(view.has("SERVICE") && !view.has("Revert"), "{view}");

    // What means nothing is no key either, and the keys behind it are.
    terminal.press("\x1b]11;rgb:garbage\x07\x1b]4;1;rgb:0/0/0\x07?");
    let view = terminal.until("the help", SOON, |view| view.has("Help"));
    assert!(!view.has("no command"), "{view}");
    terminal.press("\x03");
    terminal.ended(Duration::from_secs(20)).assert_restored();
}

#[test]
fn a_terminal_that_cannot_answer_is_not_asked() {
    for (name, value) in [("TERM", "linux"), ("NO_COLOR", "1")] {
        let mut terminal = demo().env(name, value).start();
        matrix(&terminal);
        assert!(!terminal.written().contains(QUESTION), "{name}={value}");
        terminal.press("\x03");
        terminal.ended(Duration::from_secs(20)).assert_restored();
    }
}

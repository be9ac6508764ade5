//! What the terminal answers when it is asked for its background, taken out of the keys.
//!
//! Standard input is crossterm's alone: a second reader beside it would take keys from it and lose answers to it, and one before
//! it would hold up the first frame for as long as the terminal is away, and leave whatever comes later to be taken for keys.
//! That is why no library asks here: terminal-colorsaurus and termbg read the terminal themselves, with a deadline. Crossterm
//! does not know the answer (`ESC ] 11 ; rgb:…` and BEL, or `ESC \`) and hands it on as keys: alt-`]`, `1`, `1`, `;`, … These
//! are put together again here, whenever they come. A terminal that never answers costs nothing.

use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::look::colour::Rgb;

/// What is asked: the colour of the background (OSC 11). Ended with BEL: rxvt ends its answer as it was asked, and where that was
/// `ESC \` it leaves the `\` out.
pub(super) const QUESTION: &str = "\x1b]11;?\x07";

/// The characters of one answer come together: after so long a silence what comes is a key. Measured when they are taken, which
/// a busy machine may do late.
const TOGETHER: Duration = Duration::from_secs(1);
/// The same for the first two of them, where the connection parted them: an escape key is held back so long.
const PARTED: Duration = Duration::from_millis(50);
/// How long, from the question on, an escape key is held back.
const SOON: Duration = Duration::from_secs(3);
/// What is kept of an answer; what is asked for is much shorter.
const LONGEST: usize = 64;

/// Whether a terminal that calls itself `term` is asked: the console of Linux and those without any control sequences do not
/// know the question, and some print it.
pub(super) fn is_asked(term: Option<&str>) -> bool {
    !matches!(term.unwrap_or_default(), "" | "dumb" | "linux" | "cons25")
}

/// What came from the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Something that the operator did.
    Done(Event),
    /// The answer.
    Ground(Rgb),
}

/// Takes answers out of the events of a terminal.
#[derive(Debug, Default)]
pub(super) struct Answers {
    asked: Option<Instant>,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    /// Between answers.
    #[default]
    Keys,
    /// An escape key came, which may begin one.
    Escape(Event, Instant),
    /// Within one: what it says so far, when its last character came, and whether that was the escape of its end, behind which
    /// nothing but a `\` is part of it.
    Within(String, Instant, bool),
}

impl Answers {
    /// The question was put.
    pub(super) fn asked(&mut self, now: Instant) {
        self.asked = Some(now);
    }

    /// What is to be done about an event.
    pub(super) fn take(&mut self, event: Event, now: Instant) -> Vec<Heard> {
        let Event::Key(key) = event else {
            // A change of size or of the focus comes between any two characters.
            return vec![Heard::Done(event)];
        };
        let mut out = Vec::new();
        match std::mem::take(&mut self.state) {
            State::Keys => self.fresh(key, now, &mut out),
            State::Escape(escape, at) => {
                if now.duration_since(at) <= PARTED && key.code == KeyCode::Char(']') {
                    self.state = State::Within(String::new(), now, false);
                } else {
                    out.push(Heard::Done(escape));
                    self.fresh(key, now, &mut out);
                }
            }
            State::Within(_, at, _) if now.duration_since(at) > TOGETHER => {
                self.fresh(key, now, &mut out);
            }
            State::Within(_, _, true) => {
                if key.code != KeyCode::Char('\\') {
                    self.fresh(key, now, &mut out);
                }
            }
            State::Within(said, ..) => self.within(said, key, now, &mut out),
        }
        out
    }

    /// When what is held back is a key after all; `None` where nothing is.
    pub(super) fn due(&self) -> Option<Instant> {
        match &self.state {
            State::Escape(_, at) => Some(*at + PARTED),
            _ => None,
        }
    }

    /// What was held back until now.
    pub(super) fn release(&mut self) -> Option<Heard> {
        match std::mem::take(&mut self.state) {
            State::Escape(escape, _) => Some(Heard::Done(escape)),
            other => {
                self.state = other;
                None
            }
        }
    }

    fn fresh(&mut self, key: KeyEvent, now: Instant, out: &mut Vec<Heard>) {
        if key.kind == KeyEventKind::Press {
            let alt = key.modifiers == KeyModifiers::ALT;
            // No key of ours is with alt.
            if alt && key.code == KeyCode::Char(']') {
                self.state = State::Within(String::new(), now, false);
                return;
            }
            let soon = (self.asked).is_some_and(|asked| now.duration_since(asked) <= SOON);
            if soon && key.code == KeyCode::Esc && key.modifiers.is_empty() {
                self.state = State::Escape(Event::Key(key), now);
                return;
            }
        }
        out.push(Heard::Done(Event::Key(key)));
    }

    fn within(&mut self, mut said: String, key: KeyEvent, now: Instant, out: &mut Vec<Heard>) {
        let (alt, control) = (
            key.modifiers.contains(KeyModifiers::ALT),
            key.modifiers.contains(KeyModifiers::CONTROL),
        );
        match key.code {
            KeyCode::Char('g') if control => out.extend(self.answered(&said)),
            KeyCode::Char('\\') if alt => out.extend(self.answered(&said)),
            KeyCode::Esc => {
                out.extend(self.answered(&said));
                self.state = State::Within(String::new(), now, true);
            }
            KeyCode::Char(c) if !alt && !control => {
                // Too long for an answer: it is heard to its end, and means nothing.
                if said.len() <= LONGEST {
                    said.push(c);
                }
                self.state = State::Within(said, now, false);
            }
            // No answer has these in it: it broke off, and the operator goes on.
            _ => self.fresh(key, now, out),
        }
    }

    /// An answer is whole. One that nobody asked for is dropped as one that says no colour is.
    fn answered(&mut self, said: &str) -> Option<Heard> {
        self.asked?;
        let colour = Rgb::of_answer(said.strip_prefix("11;")?)?;
        self.asked = None;
        Some(Heard::Ground(colour))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(code, modifiers))
    }

    /// What crossterm makes of bytes: `ESC` and a character are that character with alt, a capital is with shift.
    fn keys(bytes: &str) -> Vec<Event> {
        let mut events = Vec::new();
        let mut alt = KeyModifiers::NONE;
        for c in bytes.chars() {
            if c == '\x1b' && alt.is_empty() {
                alt = KeyModifiers::ALT;
                continue;
            }
            events.push(match c {
                '\x1b' => key(KeyCode::Esc, KeyModifiers::NONE),
                '\r' => key(KeyCode::Enter, alt),
                '\x01'..='\x1a' => {
                    let letter = char::from(c as u8 - 1 + b'a');
                    key(KeyCode::Char(letter), alt | KeyModifiers::CONTROL)
                }
                'A'..='Z' => key(KeyCode::Char(c), alt | KeyModifiers::SHIFT),
                c => key(KeyCode::Char(c), alt),
            });
            alt = KeyModifiers::NONE;
        }
        if !alt.is_empty() {
            events.push(key(KeyCode::Esc, KeyModifiers::NONE));
        }
        events
    }

    /// As it is written in the cases below.
    fn shown(heard: &[Heard]) -> String {
        let word = |heard: &Heard| match heard {
            Heard::Ground(colour) => format!("<{colour}>"),
            Heard::Done(Event::Key(key)) => match key.code {
                KeyCode::Char(c) if key.modifiers.contains(KeyModifiers::CONTROL) => {
                    format!("^{c}")
                }
                KeyCode::Char(c) => c.to_string(),
                other => format!("{other:?}"),
            },
            Heard::Done(other) => format!("{other:?}"),
        };
        heard.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    /// Pieces of bytes that come so many milliseconds after the question or the piece before.
    fn heard(asked: bool, pieces: &[(u64, &str)]) -> String {
        let mut answers = Answers::default();
        let mut now = Instant::now();
        if asked {
            answers.asked(now);
        }
        let mut out = Vec::new();
        for (after, bytes) in pieces {
            let then = now + Duration::from_millis(*after);
            if let Some(due) = answers.due().filter(|due| *due <= then) {
                assert!(due >= now);
                out.extend(answers.release());
            }
            now = then;
            for event in keys(bytes) {
                out.extend(answers.take(event, now));
            }
        }
        out.extend(answers.release());
        shown(&out)
    }

    #[test]
    fn answers_are_taken_and_keys_are_left() {
        const WHITE: &str = "\x1b]11;rgb:ffff/FFFF/ffff\x07";
        type Pieces<'a> = &'a [(u64, &'a str)];
        let cases: &[(&str, bool, Pieces<'_>, &str)] = &[
            ("with BEL", true, &[(1, WHITE)], "<#ffffff>"),
            (
                "with ST",
                true,
                &[(1, "\x1b]11;rgb:00/2b/36\x1b\\")],
                "<#002b36>",
            ),
            (
                "rxvt's half of ST",
                true,
                &[(1, "\x1b]11;rgb:0/0/0\x1b"), (1_900, "j")],
                "<#000000> j",
            ),
            (
                "between keys",
                true,
                &[(1, &format!("jj{WHITE}k"))],
                "j j <#ffffff> k",
            ),
            ("after minutes", true, &[(400_000, WHITE)], "<#ffffff>"),
            (
                "in two pieces",
                true,
                &[(1, "\x1b]11;rg"), (200, "b:1/2/3\x07")],
                "<#112233>",
            ),
            (
                "parted behind its escape",
                true,
                &[(1, "\x1b"), (20, "]11;rgb:1/2/3\x07")],
                "<#112233>",
            ),
            (
                "parted within ST",
                true,
                &[(1, "\x1b]11;rgb:1/2/3\x1b"), (20, "\\x")],
                "<#112233> x",
            ),
            ("no colour", true, &[(1, "\x1b]11;pink\x07j")], "j"),
            (
                "of another question",
                true,
                &[(1, "\x1b]10;rgb:1/1/1\x07j")],
                "j",
            ),
            (
                "far too long",
                true,
                &[(1, &format!("\x1b]{}\x07j", "x".repeat(5_000)))],
                "j",
            ),
            (
                "no end, then silence",
                true,
                &[(1, "\x1b]11;rgb:1/2"), (1_400, "j")],
                "j",
            ),
            (
                "no end, then a key that no answer has",
                true,
                &[(1, "\x1b]11;rgb:1/2\x03")],
                "^c",
            ),
            ("no end, then enter", true, &[(1, "\x1b]11;r\r")], "Enter"),
            ("nobody asked", false, &[(1, WHITE)], ""),
            (
                "it answers twice",
                true,
                &[(1, &format!("{WHITE}\x1b]11;rgb:0/0/0\x07q"))],
                "<#ffffff> q",
            ),
            ("an escape key", true, &[(1, "\x1b"), (80, "]")], "Esc ]"),
            (
                "an escape key, much later",
                true,
                &[(5_000, "\x1b"), (1, "j")],
                "Esc j",
            ),
            (
                "an escape key and another at once",
                true,
                &[(1, "\x1b"), (1, "j")],
                "Esc j",
            ),
            (
                "two escape keys",
                true,
                &[(1, "\x1b"), (10, "\x1b")],
                "Esc Esc",
            ),
            ("no answer", true, &[(1, "]11;rgb:q")], "] 1 1 ; r g b : q"),
        ];
        for (name, asked, pieces, expected) in cases {
            assert_eq!(heard(*asked, pieces), *expected, "{name}");
        }
    }

    #[test]
    fn what_is_no_key_passes_at_any_time() {
        let mut answers = Answers::default();
        let now = Instant::now();
        answers.asked(now);
        let mut out = Vec::new();
        for event in keys("\x1b]11;rgb:1/") {
            out.extend(answers.take(event, now));
        }
        out.extend(answers.take(Event::Resize(80, 24), now));
        for event in keys("2/3\x07") {
            out.extend(answers.take(event, now));
        }
        assert_eq!(shown(&out), "Resize(80, 24) <#112233>");
    }

    #[test]
    fn terminals_that_would_print_the_question_are_not_asked() {
        for (term, asked) in [
            (Some("xterm-256color"), true),
            (Some("tmux-256color"), true),
            (Some("screen"), true),
            (Some("linux"), false),
            (Some("dumb"), false),
            (None, false),
        ] {
            assert_eq!(is_asked(term), asked, "{term:?}");
        }
    }
}

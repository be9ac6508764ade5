//! The one place that writes to standard output and standard error.

use std::{
    io::{self, IsTerminal, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use serde::Serialize;

use super::args::Format;
use crate::domain::text;

/// Where text goes and what it may look like.
#[derive(Clone, Debug)]
pub struct Output {
    form: Format,
    verbose: bool,
    /// Glyphs and arrows in ASCII: the configuration may ask for it after the first line is out.
    ascii: Arc<AtomicBool>,
    /// What an operator who interrupts now has to know.
    unfinished: Arc<Mutex<&'static str>>,
    /// Colours on the stream that human text goes to.
    pub colour: bool,
}

/// What a piece of text is, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Good,
    Bad,
    Attention,
    Dim,
    Strong,
}

impl Output {
    /// For this form of output. `NO_COLOR` and a stream that is no terminal turn colours off.
    pub fn new(form: Format, ascii: bool, verbose: bool) -> Self {
        let terminal = if form == Format::Json {
            io::stderr().is_terminal()
        } else {
            io::stdout().is_terminal()
        };
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            form,
            verbose,
            ascii: Arc::new(AtomicBool::new(ascii)),
            unfinished: Arc::default(),
            colour: terminal && !no_colour && form != Format::Markdown,
        }
    }

    /// Whether the output is for programs.
    pub fn is_json(&self) -> bool {
        self.form == Format::Json
    }

    /// Whether tables are written as Markdown, to be pasted.
    pub fn is_markdown(&self) -> bool {
        self.form == Format::Markdown
    }

    /// Whether glyphs and arrows are ASCII.
    pub fn is_ascii(&self) -> bool {
        self.ascii.load(Ordering::Relaxed)
    }

    /// Draws in ASCII from now on.
    pub fn make_ascii(&self) {
        self.ascii.store(true, Ordering::Relaxed);
    }

    /// From now on, what is said when the operator interrupts; empty where there is nothing to know.
    pub fn leaves(&self, unfinished: &'static str) {
        *self
            .unfinished
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = unfinished;
    }

    /// What has to be known of what is not finished.
    pub fn unfinished(&self) -> &'static str {
        *self
            .unfinished
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A result for people: standard output, or standard error beside JSON.
    pub fn line(&self, line: impl AsRef<str>) {
        let line = self.plain(line.as_ref());
        if self.is_json() {
            write_to(&mut io::stderr().lock(), &line);
        } else {
            write_to(&mut io::stdout().lock(), &line);
        }
    }

    /// Progress, warnings and questions: standard error.
    pub fn note(&self, line: impl AsRef<str>) {
        write_to(&mut io::stderr().lock(), &self.plain(line.as_ref()));
    }

    /// What only `--verbose` shows.
    pub fn detail(&self, line: impl AsRef<str>) {
        if self.verbose {
            self.note(line);
        }
    }

    /// A question on standard error; the answer follows on the same line.
    pub fn ask(&self, question: &str) {
        let mut stderr = io::stderr().lock();
        let _ = write!(stderr, "{} ", self.plain(question));
        let _ = stderr.flush();
    }

    /// A result for programs.
    pub fn json(value: &impl Serialize) {
        // Standard output writes at every line's end, which is one call into the system for each of many short lines.
        if let Ok(text) = serde_json::to_string_pretty(value) {
            write_to(&mut io::stdout().lock(), &text);
        }
    }

    /// Bytes as they are, on standard output.
    pub fn raw(text: &str) {
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(text.as_bytes());
        let _ = stdout.flush();
    }

    /// `text` in its colour, where there are colours.
    pub fn paint(&self, text: &str, tone: Tone) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "1;31",
            Tone::Attention => "33",
            Tone::Dim => "2",
            Tone::Strong => "1",
            Tone::Plain => return text.to_owned(),
        };
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn plain(&self, line: &str) -> String {
        if !self.is_ascii() {
            return line.to_owned();
        }
        line.replace('→', "->")
            .replace('×', "x")
            .replace('…', "...")
    }
}

/// A reader that went away (`tidegate status | head`) is no failure.
fn write_to(stream: &mut impl Write, line: &str) {
    let _ = writeln!(stream, "{line}");
    let _ = stream.flush();
}

/// Text from Git or a cluster on one line, without anything a terminal would obey.
pub fn clean(foreign: &str) -> String {
    text::sanitise(foreign).into_owned()
}

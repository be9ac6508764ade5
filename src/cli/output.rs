//! What a command says: answers, notes, questions and JSON, in the form that was asked for. All of it leaves through
//! [`stdio`].

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use serde::Serialize;

use super::args::Format;
use crate::{
    domain::text,
    stdio::{self, Stream, Styled, Tone},
};

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

impl Output {
    /// For this form of output. `NO_COLOR` and a stream that is no terminal turn colours off.
    pub fn new(form: Format, ascii: bool, verbose: bool) -> Self {
        let stream = if matches!(form, Format::Table | Format::Markdown) {
            Stream::Answer
        } else {
            Stream::Notes
        };
        Self {
            form,
            verbose,
            ascii: Arc::new(AtomicBool::new(ascii)),
            unfinished: Arc::default(),
            colour: stdio::has_colours(stream) && form != Format::Markdown,
        }
    }

    /// The same in JSON, whatever was asked for.
    pub fn for_programs(&self) -> Self {
        Self {
            form: Format::Json,
            ..self.clone()
        }
    }

    /// Whether the output is for programs.
    pub fn is_json(&self) -> bool {
        self.form == Format::Json
    }

    /// Whether the output is a form that services of CI read.
    pub fn is_for_ci(&self) -> bool {
        matches!(self.form, Format::Github | Format::Gitlab | Format::Sarif)
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
    pub fn line(&self, line: impl Into<Styled>) {
        let stream = if self.is_json() {
            Stream::Notes
        } else {
            Stream::Answer
        };
        stdio::line(stream, &self.plain(line.into()), self.colour);
    }

    /// Progress, warnings and questions: standard error.
    pub fn note(&self, line: impl Into<Styled>) {
        let colour = self.colour && stdio::is_terminal(Stream::Notes);
        stdio::line(Stream::Notes, &self.plain(line.into()), colour);
    }

    /// How many columns a table has: those of the terminal, unless all of it is wanted. What goes into a pipe or a file, or is
    /// pasted, is never cut.
    pub fn room(&self, wide: bool) -> Option<usize> {
        let fits = self.form == Format::Table && !wide;
        fits.then(|| stdio::columns(Stream::Answer)).flatten()
    }

    /// The next answer takes the place of the one before, on a terminal.
    pub fn afresh(&self) {
        if self.form == Format::Table {
            stdio::afresh();
        }
    }

    /// What only `--verbose` shows.
    pub fn detail(&self, line: impl Into<Styled>) {
        if self.verbose {
            self.note(line);
        }
    }

    /// A question on standard error; the answer follows on the same line.
    pub fn ask(&self, question: &str) {
        stdio::ask(&self.plain(question.into()), false);
    }

    /// A result for programs.
    pub fn json(value: &impl Serialize) {
        if let Ok(text) = serde_json::to_string_pretty(value) {
            stdio::json(&text);
        }
    }

    /// A document on standard output, as it is but for what a terminal would obey.
    pub fn raw(text: &str) {
        stdio::document(Stream::Answer, text);
    }

    /// `text` in its colour, where there are colours.
    #[allow(clippy::unused_self)] // whoever prints has one at hand
    pub fn paint(&self, text: &str, tone: Tone) -> Styled {
        Styled::new(text, tone)
    }

    fn plain(&self, line: Styled) -> Styled {
        if !self.is_ascii() {
            return line;
        }
        line.map(|text| {
            text.replace('→', "->")
                .replace('×', "x")
                .replace('…', "...")
                .replace('↑', "^")
                .replace('↓', "v")
                .replace('≠', "#")
        })
    }
}

/// Text from Git or a cluster on one line, without anything a terminal would obey.
pub fn clean(foreign: &str) -> String {
    text::sanitise(foreign).into_owned()
}

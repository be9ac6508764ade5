//! The one door to the terminal: whatever is printed, by commands and by the console, on standard output and on standard
//! error, leaves through here.
//!
//! Text comes as [`Styled`]: words and what they are. Each piece is made safe first ([`sanitise_lines`]), so that no
//! control character, escape sequence or direction override of a file, a server or an argument is obeyed; colours are
//! added behind that. The screen itself is drawn through [`screen`], from cells that went through the same filter.
//!
//! An answer that cannot be written is remembered ([`lost`]); only a reader that went away (`… | head`) is forgiven.

use std::{
    io::{self, ErrorKind, IsTerminal, Stdout, Write},
    path::Path,
    sync::{Mutex, PoisonError},
};

use crate::domain::text::{clip, escape_json, sanitise_document, sanitise_lines};

/// Why the first write to standard output that failed did; process-wide, because the stream is.
static LOST: Mutex<Option<String>> = Mutex::new(None);

/// Where text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output: answers.
    Answer,
    /// Standard error: everything else.
    Notes,
}

/// What a piece of text is, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Like the text around it.
    Plain,
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// To be looked at.
    Attention,
    /// Beside the point.
    Dim,
    /// A heading.
    Strong,
}

/// Text with what its pieces are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Styled(Vec<(String, Tone)>);

impl Styled {
    /// One piece.
    pub fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self(vec![(text.into(), tone)])
    }

    /// This, and `more` behind it.
    #[must_use]
    pub fn and(mut self, more: impl Into<Self>) -> Self {
        self.0.extend(more.into().0);
        self
    }

    /// This with every piece's text replaced.
    #[must_use]
    pub fn map(self, change: impl Fn(String) -> String) -> Self {
        let pieces = self.0.into_iter();
        Self(pieces.map(|(text, tone)| (change(text), tone)).collect())
    }

    /// What is written for it: made safe, and coloured where there are colours.
    fn written(&self, colour: bool) -> String {
        let mut out = String::new();
        for (text, tone) in &self.0 {
            let text = sanitise_lines(text);
            match code(*tone).filter(|_| colour) {
                Some(code) if !text.is_empty() => {
                    out.extend(["\u{1b}[", code, "m", &text, "\u{1b}[0m"]);
                }
                _ => out.push_str(&text),
            }
        }
        out
    }
}

impl From<String> for Styled {
    fn from(text: String) -> Self {
        Self::new(text, Tone::Plain)
    }
}

impl From<&str> for Styled {
    fn from(text: &str) -> Self {
        Self::new(text, Tone::Plain)
    }
}

impl From<&String> for Styled {
    fn from(text: &String) -> Self {
        Self::new(text.as_str(), Tone::Plain)
    }
}

/// The words alone.
impl std::fmt::Display for Styled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|(text, _)| f.write_str(text))
    }
}

fn code(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Good => Some("32"),
        Tone::Bad => Some("1;31"),
        Tone::Attention => Some("33"),
        Tone::Dim => Some("2"),
        Tone::Strong => Some("1"),
        Tone::Plain => None,
    }
}

/// Whether somebody reads this stream on a terminal.
pub fn is_terminal(stream: Stream) -> bool {
    match stream {
        Stream::Answer => io::stdout().is_terminal(),
        Stream::Notes => io::stderr().is_terminal(),
    }
}

/// Whether a path is standard output, by any of its names: what is printed there and what is written to it are one.
pub fn is_answer(path: &Path) -> bool {
    ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]
        .iter()
        .any(|name| path == Path::new(name))
}

/// Whether colours are of use on this stream: a terminal, and `NO_COLOR` not set.
pub fn has_colours(stream: Stream) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    is_terminal(stream) && !refused
}

/// How many columns the terminal of this stream has; `None`: it is none, or does not say.
pub fn columns(stream: Stream) -> Option<usize> {
    let size = match stream {
        Stream::Answer => rustix::termios::tcgetwinsize(io::stdout()),
        Stream::Notes => rustix::termios::tcgetwinsize(io::stderr()),
    };
    let columns = usize::from(size.ok()?.ws_col);
    (columns > 0).then_some(columns)
}

/// Empties the terminal that answers go to, for one that takes the place of the one before.
pub fn afresh() {
    if is_terminal(Stream::Answer) {
        write(Stream::Answer, "\u{1b}[H\u{1b}[2J");
    }
}

/// Writes one line.
pub fn line(stream: Stream, text: &Styled, colour: bool) {
    let mut text = text.written(colour);
    text.push('\n');
    write(stream, &text);
}

/// Writes a line on the terminal that takes the place of the one written like this before; an empty one takes it away.
pub fn status(words: &str) {
    let mut words = sanitise_lines(words).replace('\n', " ");
    if let Some(columns) = columns(Stream::Notes) {
        words = clip(&words, columns.saturating_sub(1), "…");
    }
    write(Stream::Notes, &format!("\r{words}\u{1b}[K"));
}

/// Writes a question; the answer follows on the same line.
pub fn ask(question: &Styled, colour: bool) {
    write(Stream::Notes, &format!("{} ", question.written(colour)));
}

/// Writes a document (a file, a completion script, a help page) as it is, but for what a terminal would obey: tabs and
/// line ends stay.
pub fn document(stream: Stream, text: &str) {
    write(stream, &sanitise_document(text));
}

/// Writes JSON, on standard output; control characters and direction overrides in its strings are escaped.
pub fn json(text: &str) {
    write(Stream::Answer, &format!("{}\n", escape_json(text)));
}

/// What a shell asked for, to complete a line: its own protocol, byte by byte. Names in it are known to have no control characters.
pub fn to_shell(answer: &[u8]) {
    let mut out = io::stdout().lock();
    // A shell that went away wants nothing.
    let _ = out.write_all(answer).and_then(|()| out.flush());
}

/// What the screen is drawn on, and what asks the terminal for something (the clipboard). Nobody else writes to it.
pub fn screen() -> Stdout {
    io::stdout()
}

/// Why an answer did not arrive: the first error of standard output, but for a reader that went away.
pub fn lost() -> Option<String> {
    LOST.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn write(stream: Stream, text: &str) {
    let written = match stream {
        Stream::Answer => whole(&mut io::stdout().lock(), text),
        // Words that nobody can read: there is nowhere left to say so.
        Stream::Notes => whole(&mut io::stderr().lock(), text).or(Ok(())),
    };
    let Err(error) = written else { return };
    if error.kind() != ErrorKind::BrokenPipe {
        let mut lost = LOST.lock().unwrap_or_else(PoisonError::into_inner);
        lost.get_or_insert_with(|| error.to_string());
    }
}

/// In one piece: standard output would write at every line's end, which is one call into the system for each of many.
fn whole(stream: &mut impl Write, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes())?;
    stream.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_added_behind_the_filter() {
        let line = Styled::from("a\u{1b}[31mb ")
            .and(Styled::new("c\u{202e}\u{9b}1md", Tone::Bad))
            .and(Styled::new("", Tone::Good));
        assert_eq!(line.written(true), "ab \u{1b}[1;31mcd\u{1b}[0m");
        assert_eq!(line.written(false), "ab cd");
        assert_eq!(
            Styled::new("x", Tone::Dim).map(|x| x + "y").to_string(),
            "xy"
        );
    }

    /// Standard output and standard error are named in this file alone: nothing gets past the filter.
    #[test]
    fn nobody_else_writes_to_the_terminal() {
        fn look(folder: &Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let tests = path
                    .file_stem()
                    .is_some_and(|it| it == "tests" || it == "fuzz_seeds");
                if tests {
                    // They may print.
                } else if path.is_dir() {
                    look(&path, found);
                } else if path.extension().is_some_and(|it| it == "rs")
                    && !path.ends_with("src/stdio.rs")
                {
                    let text = std::fs::read_to_string(&path).unwrap();
                    // Those in the last module of a file may, too.
                    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
                    // Lends it to a child that asks there: it is opened to be read alone, and asked for its name.
                    let lends = path.ends_with("src/sources/children/front.rs");
                    for (number, line) in (1..).zip(text.lines()) {
                        let code = line.split("//").next().unwrap();
                        let mut words = WORDS.iter().filter(|word| !lends || !LENT.contains(word));
                        if words.any(|word| code.contains(word)) {
                            found.push(format!("{}:{number}: {}", path.display(), line.trim()));
                        }
                    }
                }
            }
        }
        const TERMINAL: &str = "/dev/tty";
        const LENT: [&str; 3] = [TERMINAL, "stdout()", "stderr()"];
        const WORDS: [&str; 12] = [
            "print!(",
            "println!(",
            "eprint!(",
            "eprintln!(",
            "dbg!(",
            "stdout()",
            "stderr()",
            "Stdout",
            "Stderr",
            TERMINAL,
            "/dev/std",
            "error.print()",
        ];
        let mut found = Vec::new();
        look(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut found,
        );
        // The type that the screen is drawn on.
        found.retain(|line| {
            !line.contains("Frames<Stdout>") && !line.contains("io::{self, Stdout, Write}")
        });
        assert_eq!(found, Vec::<String>::new());
    }
}

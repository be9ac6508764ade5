//! The keys, the commands and the glyphs: from the table of actions and the states, so that nothing is forgotten.

use std::borrow::Cow;

use super::Screen;
use crate::{
    actions::{Action, Mode, OWN, Press, TABLE},
    app::{
        command::Command,
        line::LineInput,
        model::{Model, Prompt},
    },
    domain::cell::State,
    look,
};

/// The keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelpScreen {
    /// Where it was asked for: its keys come first.
    pub of: Mode,
    /// Only what has these words is shown.
    pub search: String,
    /// The first line that is shown.
    pub line: usize,
}

/// One entry of the help screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HelpRow {
    /// A heading.
    Title(String),
    /// Keys and what they do, or a command and what it does.
    Key(String, Cow<'static, str>),
    /// A state, shown by its glyph.
    State(State, &'static str),
    /// Something staged, shown by its glyph.
    Staged(&'static str),
    /// A sentence.
    Note(&'static str),
    /// Air.
    Gap,
}

/// Everything in order, the keys of where it was asked for first; where it is searched, what has all words, under its
/// headings.
pub fn entries(model: &Model, screen: &HelpScreen) -> Vec<HelpRow> {
    let mut sections = Vec::new();
    let others = Mode::ALL.into_iter().filter(|mode| *mode != screen.of);
    for mode in [screen.of].into_iter().chain(others) {
        let mut rows = Vec::new();
        for (row, keys) in model.setup.keymap.rows(mode) {
            let keys: Vec<String> = keys.iter().map(Press::to_string).collect();
            rows.push(HelpRow::Key(keys.join(" "), row.words.into()));
        }
        if OWN.contains(&mode) {
            let own = model.setup.commands.iter();
            let bound = own.filter_map(|it| Some((it.key?.to_string(), it.description.clone())));
            rows.extend(bound.map(|(key, words)| HelpRow::Key(key, words.into())));
        }
        let title = if mode == screen.of {
            format!("{}, here", mode.title())
        } else {
            mode.title().to_owned()
        };
        sections.push((title, rows));
    }
    let mut rows = Vec::new();
    for (row, typed) in TABLE.iter().filter_map(|row| Some((row, row.typed?))) {
        let name = format!(":{} {}", typed.words.join(" :"), typed.argument.shown());
        rows.push(HelpRow::Key(name.trim_end().to_owned(), row.words.into()));
    }
    for command in &model.setup.commands {
        let name = format!(":{}", command.name);
        rows.push(HelpRow::Key(name, command.description.clone().into()));
    }
    sections.push(("Commands".to_owned(), rows));
    let kept = model.filters.iter();
    let kept = kept.map(|(name, words)| HelpRow::Key(format!("@{name}"), words.clone().into()));
    sections.push(("Kept filters".to_owned(), kept.collect()));
    let states = State::ALL.into_iter();
    let states = states.filter(|state| *state != State::GitOnly);
    let mut rows: Vec<HelpRow> = states
        .map(|state| HelpRow::State(state, look::of(state).word))
        .collect();
    rows.push(HelpRow::Staged("staged: asked for, not written"));
    sections.push(("Glyphs".to_owned(), rows));
    let words = screen.search.to_lowercase();
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut entries = Vec::new();
    for (title, rows) in sections {
        let fits = |row: &HelpRow| {
            let text = format!("{title} {}", row.text()).to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        let rows: Vec<HelpRow> = rows.into_iter().filter(fits).collect();
        if !rows.is_empty() {
            entries.push(HelpRow::Title(title));
            entries.extend(rows);
            entries.push(HelpRow::Gap);
        }
    }
    entries.push(HelpRow::Note(match (words.is_empty(), entries.len()) {
        (true, _) => "Times are in UTC.",
        (false, 0) => "No key and no command has these words.",
        (false, _) => "Only what has these words is shown; esc shows all.",
    }));
    entries
}

impl HelpRow {
    /// What is searched.
    fn text(&self) -> String {
        match self {
            Self::Key(label, words) => format!("{label} {words}"),
            Self::State(_, words) | Self::Staged(words) | Self::Note(words) => (*words).to_owned(),
            Self::Title(_) | Self::Gap => String::new(),
        }
    }
}

impl Model {
    /// Opens the keys, those of the visible screen first.
    pub(in crate::app) fn open_help(&mut self) {
        let of = match self.mode() {
            Mode::Help => return,
            mode => mode,
        };
        self.open(Screen::Help(HelpScreen {
            of,
            search: String::new(),
            line: 0,
        }));
    }

    /// Shows only what has these words, of the visible screen.
    pub(in crate::app) fn find(&mut self, search: String) {
        match self.screens.last_mut() {
            Some(Screen::Help(screen)) => {
                screen.search = search;
                screen.line = 0;
            }
            Some(Screen::Log(screen)) => screen.filter = search,
            Some(Screen::Object(screen)) => {
                screen.filter = search;
                screen.first = 0;
            }
            _ => {}
        }
    }
}

pub(super) fn act(model: &mut Model, action: Action, _: bool, out: &mut Vec<Command>) -> bool {
    let reach = model.drawn.keys;
    match (action, model.screens.last_mut()) {
        (Action::Back, Some(Screen::Help(screen))) if !screen.search.is_empty() => {
            screen.search.clear();
            screen.line = 0;
        }
        (Action::Back, _) => model.close(out),
        (Action::Filter, Some(Screen::Help(screen))) => {
            let before = screen.search.clone();
            model.prompt = Some(Prompt::Find {
                input: LineInput::with(before.clone()),
                before,
            });
        }
        (Action::Move(motion), Some(Screen::Help(screen))) => {
            screen.line = reach.scrolled(screen.line, motion);
        }
        _ => return false,
    }
    true
}

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
    Key {
        /// The keys, or what is typed.
        label: String,
        /// What it does.
        words: Cow<'static, str>,
        /// Its name in the configuration, which is found too; may be empty.
        name: String,
    },
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
            rows.push(HelpRow::Key {
                label: label(&keys, row.typed.map(|typed| typed.words[0])),
                words: in_place(model, mode, &keys, row.words.into()),
                name: row.name.to_owned(),
            });
        }
        if OWN.contains(&mode) {
            let own = model.setup.commands.iter();
            let bound = own.filter_map(|it| Some((it.key?, it)));
            rows.extend(bound.map(|(press, it)| HelpRow::Key {
                label: press.to_string(),
                words: in_place(model, mode, &[press], it.description.clone().into()),
                name: it.name.clone(),
            }));
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
        let label = format!(":{} {}", typed.words.join(" :"), typed.argument.shown());
        rows.push(HelpRow::Key {
            label: label.trim_end().to_owned(),
            words: row.words.into(),
            name: row.name.to_owned(),
        });
    }
    for command in &model.setup.commands {
        rows.push(HelpRow::Key {
            label: format!(":{}", command.name),
            words: command.description.clone().into(),
            name: String::new(),
        });
    }
    sections.push(("Commands".to_owned(), rows));
    let kept = model.filters.iter();
    let kept = kept.map(|(name, words)| HelpRow::Key {
        label: format!("@{name}"),
        words: words.clone().into(),
        name: String::new(),
    });
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

/// An action's keys; of one that has lost them what is typed for it.
fn label(keys: &[Press], typed: Option<&str>) -> String {
    let keys: Vec<String> = keys.iter().map(Press::to_string).collect();
    match (keys.is_empty(), typed) {
        (false, _) => keys.join(" "),
        (true, Some(word)) => format!(":{word}"),
        (true, None) => "no key".to_owned(),
    }
}

/// Says which action of Tidegate's own had these keys before the user gave them to another.
fn in_place(
    model: &Model,
    mode: Mode,
    keys: &[Press],
    words: Cow<'static, str>,
) -> Cow<'static, str> {
    let replaced = keys.iter().filter_map(|press| {
        let name = model.setup.keymap.replaced(mode, *press)?;
        Some(format!("`{press}` in place of `{name}`"))
    });
    let replaced: Vec<String> = replaced.collect();
    if replaced.is_empty() {
        return words;
    }
    format!("{words}; {}", replaced.join(", ")).into()
}

impl HelpRow {
    /// What is searched.
    fn text(&self) -> String {
        match self {
            Self::Key { label, words, name } => format!("{label} {words} {name}"),
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

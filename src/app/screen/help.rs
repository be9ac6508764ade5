//! The keys, the commands and the glyphs: from the table of actions and the states, so that nothing is forgotten.

use std::borrow::Cow;

use super::Screen;
use crate::{
    actions::{Action, Mode, OWN, Press, TABLE},
    app::{command::Command, model::Model},
    domain::cell::State,
    look,
};

/// The keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HelpScreen {
    /// The first line that is shown.
    pub line: usize,
}

/// One entry of the help screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HelpRow {
    /// A heading.
    Title(&'static str),
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

/// Everything, in order.
pub fn entries(model: &Model) -> Vec<HelpRow> {
    let mut entries = Vec::new();
    for mode in Mode::ALL {
        entries.push(HelpRow::Title(mode.title()));
        for (row, keys) in model.setup.keymap.rows(mode) {
            let keys: Vec<String> = keys.iter().map(Press::to_string).collect();
            entries.push(HelpRow::Key(keys.join(" "), row.words.into()));
        }
        if OWN.contains(&mode) {
            let own = model.setup.commands.iter();
            let bound = own.filter_map(|it| Some((it.key?.to_string(), it.description.clone())));
            entries.extend(bound.map(|(key, words)| HelpRow::Key(key, words.into())));
        }
        entries.push(HelpRow::Gap);
    }
    entries.push(HelpRow::Title("Commands"));
    for (row, typed) in TABLE.iter().filter_map(|row| Some((row, row.typed?))) {
        let name = format!(":{} {}", typed.words.join(" :"), typed.argument.shown());
        entries.push(HelpRow::Key(name.trim_end().to_owned(), row.words.into()));
    }
    for command in &model.setup.commands {
        let name = format!(":{}", command.name);
        entries.push(HelpRow::Key(name, command.description.clone().into()));
    }
    entries.push(HelpRow::Gap);
    entries.push(HelpRow::Title("Glyphs"));
    let states = State::ALL.into_iter();
    let states = states.filter(|state| *state != State::GitOnly);
    entries.extend(states.map(|state| HelpRow::State(state, look::of(state).word)));
    entries.push(HelpRow::Staged("staged: asked for, not written"));
    entries.push(HelpRow::Gap);
    entries.push(HelpRow::Note("Times are in UTC."));
    entries
}

pub(super) fn act(model: &mut Model, action: Action, _: bool, out: &mut Vec<Command>) -> bool {
    let reach = model.drawn.keys;
    match (action, model.screens.last_mut()) {
        (Action::Back, _) => model.close(out),
        (Action::Move(motion), Some(Screen::Help(screen))) => {
            screen.line = reach.scrolled(screen.line, motion);
        }
        _ => return false,
    }
    true
}

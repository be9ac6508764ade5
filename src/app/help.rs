//! The text of the help screen: from the keymap, the palette and the states, so that nothing is forgotten.

use super::{
    geometry::WIDE, keymap::Press, mode::Mode, model::Model, palette::COMMANDS, status::State,
};

/// Columns that keys, commands and glyphs take before their words.
pub const LABEL: usize = 13;

/// One entry of the help screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A heading.
    Title(&'static str),
    /// Keys and what they do, or a command and what it does.
    Key(String, &'static str),
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
pub fn entries(model: &Model) -> Vec<Entry> {
    let mut entries = Vec::new();
    for mode in Mode::ALL {
        entries.push(Entry::Title(mode.title()));
        for (row, keys) in model.setup.keymap.rows(mode) {
            let keys: Vec<String> = keys.iter().map(Press::to_string).collect();
            entries.push(Entry::Key(keys.join(" "), row.help));
        }
        entries.push(Entry::Gap);
    }
    entries.push(Entry::Title("Commands"));
    for spec in COMMANDS {
        let name = format!(":{} {}", spec.name, spec.argument);
        entries.push(Entry::Key(name.trim_end().to_owned(), spec.help));
    }
    entries.push(Entry::Gap);
    entries.push(Entry::Title("Glyphs"));
    let states = State::NAMED.into_iter();
    let states = states.filter(|(_, state)| *state != State::GitOnly);
    entries.extend(states.map(|(name, state)| Entry::State(state, name)));
    entries.push(Entry::Staged("staged: asked for, not written"));
    entries.push(Entry::Gap);
    entries.push(Entry::Note("Times are in UTC."));
    entries
}

/// How many columns of text, and how wide each is, in a box as wide as the terminal.
pub fn columns(width: u16) -> (u16, u16) {
    let inner = width.saturating_sub(4);
    if width >= WIDE {
        (2, (inner - GAP) / 2)
    } else {
        (1, inner)
    }
}

/// Air between two columns of text.
pub const GAP: u16 = 3;

/// About how many lines do not fit on the screen, for scrolling: words are counted, not broken.
pub fn hidden(model: &Model) -> usize {
    let (columns, width) = columns(model.size.0);
    let room = usize::from(width).saturating_sub(LABEL).max(1);
    let lines = entries(model).into_iter().map(|entry| match entry {
        Entry::Key(_, words) => words.len().div_ceil(room * 9 / 10 + 1),
        _ => 1,
    });
    let page = usize::from(model.size.1).saturating_sub(6) * usize::from(columns);
    lines.sum::<usize>().saturating_sub(page)
}

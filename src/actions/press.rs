//! A key as it is written in the table, in help and in the configuration.

use std::fmt;

/// A key press, normalised: capitals instead of shift, `s-tab` instead of shift and tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Press {
    /// Which key.
    pub key: Key,
    /// With the control key.
    pub ctrl: bool,
    /// With the alt key.
    pub alt: bool,
}

/// A key that can mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A character.
    Char(char),
    /// A function key.
    F(u8),
    /// `enter`
    Enter,
    /// `esc`
    Esc,
    /// `tab`
    Tab,
    /// `s-tab`
    BackTab,
    /// `backspace`
    Backspace,
    /// `delete`
    Delete,
    /// `up`
    Up,
    /// `down`
    Down,
    /// `left`
    Left,
    /// `right`
    Right,
    /// `home`
    Home,
    /// `end`
    End,
    /// `pgup`
    PageUp,
    /// `pgdn`
    PageDown,
}

/// Names of keys that are not one character.
const NAMES: [(&str, Key); 15] = [
    ("enter", Key::Enter),
    ("esc", Key::Esc),
    ("tab", Key::Tab),
    ("s-tab", Key::BackTab),
    ("space", Key::Char(' ')),
    ("backspace", Key::Backspace),
    ("delete", Key::Delete),
    ("up", Key::Up),
    ("down", Key::Down),
    ("left", Key::Left),
    ("right", Key::Right),
    ("home", Key::Home),
    ("end", Key::End),
    ("pgup", Key::PageUp),
    ("pgdn", Key::PageDown),
];

impl Press {
    /// Reads `q`, `G`, `^d`, `pgdn`, `s-tab`, `f5`.
    pub fn parse(text: &str) -> Option<Self> {
        let (ctrl, rest) = match text.strip_prefix('^') {
            Some(rest) if !rest.is_empty() => (true, rest),
            _ => (false, text),
        };
        let mut chars = rest.chars();
        let key = match (chars.next(), chars.next()) {
            (Some(c), None) => Key::Char(c),
            _ => NAMES
                .iter()
                .find_map(|(name, key)| (*name == rest).then_some(*key))
                .or_else(|| rest.strip_prefix('f')?.parse().ok().map(Key::F))?,
        };
        let alt = false;
        Some(Self { key, ctrl, alt })
    }
}

impl fmt::Display for Press {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("^")?;
        }
        let named = NAMES.iter().find(|(_, key)| *key == self.key);
        match (named, self.key) {
            (Some((name, _)), _) => f.write_str(name),
            (None, Key::Char(c)) => write!(f, "{c}"),
            (None, Key::F(n)) => write!(f, "f{n}"),
            (None, other) => write!(f, "{other:?}"),
        }
    }
}

//! A key as it is written in the keymap, in help and in the configuration.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// A key press, normalised: capitals instead of shift, `s-tab` instead of shift and tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Press {
    code: KeyCode,
    ctrl: bool,
    alt: bool,
}

/// What a key does to a line of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKey {
    /// Types a character.
    Insert(char),
    /// Deletes before the cursor.
    Backspace,
    /// Deletes after the cursor.
    Delete,
    /// Deletes the word before the cursor.
    DeleteWord,
    /// Deletes everything before the cursor.
    Clear,
    /// Moves back.
    Left,
    /// Moves on.
    Right,
    /// To the start.
    Home,
    /// To the end.
    End,
}

/// Names of keys that are not one character.
const NAMES: [(&str, KeyCode); 15] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("s-tab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
];

impl Press {
    /// The press that the terminal reported.
    pub fn of(event: &KeyEvent) -> Self {
        let code = match event.code {
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            KeyCode::Char(c) if event.modifiers.contains(KeyModifiers::SHIFT) => {
                KeyCode::Char(c.to_uppercase().next().unwrap_or(c))
            }
            code => code,
        };
        Self {
            code,
            ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
            alt: event.modifiers.contains(KeyModifiers::ALT),
        }
    }

    /// The terminal says that the key is held; most terminals do not.
    pub fn is_repeat(event: &KeyEvent) -> bool {
        event.kind == KeyEventKind::Repeat
    }

    /// Reads `q`, `G`, `^d`, `pgdn`, `s-tab`, `f5`.
    pub fn parse(text: &str) -> Option<Self> {
        let (ctrl, rest) = match text.strip_prefix('^') {
            Some(rest) if !rest.is_empty() => (true, rest),
            _ => (false, text),
        };
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(c), None) => KeyCode::Char(c),
            _ => NAMES
                .iter()
                .find_map(|(name, code)| (*name == rest).then_some(*code))
                .or_else(|| rest.strip_prefix('f')?.parse().ok().map(KeyCode::F))?,
        };
        Some(Self {
            code,
            ctrl,
            alt: false,
        })
    }

    /// The event a terminal would report; for tests that type.
    pub fn event(self) -> KeyEvent {
        let mut modifiers = KeyModifiers::NONE;
        modifiers.set(KeyModifiers::CONTROL, self.ctrl);
        KeyEvent::new(self.code, modifiers)
    }

    /// What it does where text is typed.
    pub fn text_key(self) -> Option<TextKey> {
        Some(match (self.code, self.ctrl, self.alt) {
            (KeyCode::Char(c), false, false) => TextKey::Insert(c),
            (KeyCode::Backspace, false, false) | (KeyCode::Char('h'), true, false) => {
                TextKey::Backspace
            }
            (KeyCode::Delete, false, false) => TextKey::Delete,
            (KeyCode::Char('w'), true, false) | (KeyCode::Backspace, ..) => TextKey::DeleteWord,
            (KeyCode::Char('u'), true, false) => TextKey::Clear,
            (KeyCode::Left, ..) => TextKey::Left,
            (KeyCode::Right, ..) => TextKey::Right,
            (KeyCode::Home, ..) | (KeyCode::Char('a'), true, false) => TextKey::Home,
            (KeyCode::End, ..) | (KeyCode::Char('e'), true, false) => TextKey::End,
            _ => return None,
        })
    }
}

impl fmt::Display for Press {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("^")?;
        }
        match (NAMES.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, KeyCode::Char(c)) => write!(f, "{c}"),
            (None, KeyCode::F(n)) => write!(f, "f{n}"),
            (None, other) => write!(f, "{other:?}"),
        }
    }
}

/// The key before this one: tells a held key from one pressed twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastKey {
    /// Which.
    pub press: Press,
    /// When it last came.
    pub at: jiff::Timestamp,
}

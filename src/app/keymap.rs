//! What a key press means now: an action of the mode, or text being typed.

use crate::actions::{Action, Key, Keymap, Mode, Press};

/// What a key press means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// An action of the mode.
    Action(Action),
    /// Text being typed.
    Text(TextKey),
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

/// The key before this one: tells a held key from one pressed twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastKey {
    /// As the keymap knows it.
    pub press: Press,
    /// When it last came.
    pub at: jiff::Timestamp,
}

/// What a key means in `mode`; `None`: nothing.
pub fn meaning(keymap: &Keymap, mode: Mode, press: Press) -> Option<Meaning> {
    let action = keymap.action(mode, press).map(Meaning::Action);
    action.or_else(|| {
        let text = text_key(press).filter(|_| mode.types_text());
        text.map(Meaning::Text)
    })
}

/// What a key does where text is typed.
fn text_key(press: Press) -> Option<TextKey> {
    Some(match (press.key, press.ctrl, press.alt) {
        (Key::Char(c), false, false) => TextKey::Insert(c),
        (Key::Backspace, false, false) | (Key::Char('h'), true, false) => TextKey::Backspace,
        (Key::Delete, false, false) => TextKey::Delete,
        (Key::Char('w'), true, false) | (Key::Backspace, ..) => TextKey::DeleteWord,
        (Key::Char('u'), true, false) => TextKey::Clear,
        (Key::Left, ..) => TextKey::Left,
        (Key::Right, ..) => TextKey::Right,
        (Key::Home, ..) | (Key::Char('a'), true, false) => TextKey::Home,
        (Key::End, ..) | (Key::Char('e'), true, false) => TextKey::End,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_modes_type_letters() {
        let keymap = Keymap::default();
        let press = |key: &str| Press::parse(key).unwrap();
        let cases = [
            (Mode::Filter, "q", Some(Meaning::Text(TextKey::Insert('q')))),
            (
                Mode::Palette,
                "^w",
                Some(Meaning::Text(TextKey::DeleteWord)),
            ),
            (Mode::Matrix, "q", Some(Meaning::Action(Action::Quit))),
            (Mode::Matrix, "Z", None),
        ];
        for (mode, key, expected) in cases {
            assert_eq!(
                meaning(&keymap, mode, press(key)),
                expected,
                "{mode:?} {key}"
            );
        }
    }
}

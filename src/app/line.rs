//! One line of text being typed.

use super::keymap::TextKey;

/// Text with a cursor, edited by [`TextKey`]s.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineInput {
    text: String,
    /// Byte offset, always on a character boundary.
    cursor: usize,
}

impl LineInput {
    /// Starts with `text`, the cursor after it.
    pub fn with(text: impl Into<String>) -> Self {
        let text = text.into();
        let cursor = text.len();
        Self { text, cursor }
    }

    /// What is typed so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text before and after the cursor.
    pub fn split(&self) -> (&str, &str) {
        self.text.split_at(self.cursor)
    }

    /// Inserts what is printable of `text` at the cursor.
    pub fn insert(&mut self, text: &str) {
        let clean: String = text.chars().filter(|c| !c.is_control()).collect();
        self.text.insert_str(self.cursor, &clean);
        self.cursor += clean.len();
    }

    /// Applies one editing key.
    pub fn apply(&mut self, key: TextKey) {
        match key {
            TextKey::Insert(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            TextKey::Backspace => {
                if let Some(c) = self.text[..self.cursor].chars().next_back() {
                    self.cursor -= c.len_utf8();
                    self.text.remove(self.cursor);
                }
            }
            TextKey::Delete => {
                if self.cursor < self.text.len() {
                    self.text.remove(self.cursor);
                }
            }
            TextKey::DeleteWord => {
                let before = self.text[..self.cursor].trim_end();
                let start = before.rfind(' ').map_or(0, |space| space + 1);
                self.text.replace_range(start..self.cursor, "");
                self.cursor = start;
            }
            TextKey::Clear => {
                self.text.replace_range(..self.cursor, "");
                self.cursor = 0;
            }
            TextKey::Left => {
                let back = self.text[..self.cursor].chars().next_back();
                self.cursor -= back.map_or(0, char::len_utf8);
            }
            TextKey::Right => {
                let next = self.text[self.cursor..].chars().next();
                self.cursor += next.map_or(0, char::len_utf8);
            }
            TextKey::Home => self.cursor = 0,
            TextKey::End => self.cursor = self.text.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_by_character_and_word() {
        let cases: [(&str, &[TextKey], &str); 6] = [
            ("ab", &[TextKey::Backspace], "a"),
            ("aé", &[TextKey::Left, TextKey::Backspace], "é"),
            ("aé", &[TextKey::Home, TextKey::Delete], "é"),
            ("is:stale env:prod", &[TextKey::DeleteWord], "is:stale "),
            ("abc", &[TextKey::Clear], ""),
            ("ac", &[TextKey::Left, TextKey::Insert('b')], "abc"),
        ];
        for (start, keys, expected) in cases {
            let mut line = LineInput::with(start);
            for key in keys {
                line.apply(*key);
            }
            assert_eq!(line.text(), expected, "{start} {keys:?}");
        }
        let mut line = LineInput::default();
        line.insert("a\x1b[31m\nb");
        assert_eq!(line.text(), "a[31mb");
    }
}

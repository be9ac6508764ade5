//! Flow style and JSON: `{…}`, `[…]`.

use super::{Open, Scan};

/// A text on its way.
pub(super) struct Flow<'t> {
    pub(super) text: &'t str,
    pub(super) bytes: &'t [u8],
    pub(super) at: usize,
    pub(super) line: u32,
}

impl Flow<'_> {
    fn blank(&mut self) {
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'\n' => self.line += 1,
                b' ' | b'\t' | b'\r' => {}
                _ => return,
            }
            self.at += 1;
        }
    }

    pub(super) fn value(&mut self, scan: &mut Scan<'_>, depth: usize) -> bool {
        self.blank();
        if depth > 40 {
            return false;
        }
        let before = scan.stack.len();
        match self.bytes.get(self.at) {
            Some(b'{') => {
                self.at += 1;
                loop {
                    match self.goes_on(b'}') {
                        Some(true) => {}
                        Some(false) => return true,
                        None => return false,
                    }
                    let Some(key) = self.word(true) else {
                        return false;
                    };
                    self.blank();
                    if self.bytes.get(self.at) != Some(&b':') {
                        return false;
                    }
                    self.at += 1;
                    scan.stack.push((usize::MAX, Open::Key(key.into())));
                    let is_whole = self.value(scan, depth + 1);
                    scan.stack.truncate(before);
                    if !is_whole {
                        return false;
                    }
                }
            }
            Some(b'[') => {
                self.at += 1;
                let mut index = 0;
                loop {
                    match self.goes_on(b']') {
                        Some(true) => {}
                        Some(false) => return true,
                        None => return false,
                    }
                    scan.labels.push(None);
                    let item = scan.labels.len() - 1;
                    scan.stack.push((usize::MAX, Open::Item(item, index)));
                    index += 1;
                    let is_whole = self.value(scan, depth + 1);
                    scan.stack.truncate(before);
                    if !is_whole {
                        return false;
                    }
                }
            }
            Some(_) => {
                let line = self.line;
                let Some(word) = self.word(false) else {
                    return false;
                };
                scan.scalar(&word, line);
                true
            }
            None => false,
        }
    }

    /// Past blanks and commas: whether another entry follows; `false` past `close`, `None` where the text ends.
    fn goes_on(&mut self, close: u8) -> Option<bool> {
        loop {
            self.blank();
            match self.bytes.get(self.at) {
                Some(byte) if *byte == close => {
                    self.at += 1;
                    return Some(false);
                }
                Some(b',') => self.at += 1,
                Some(_) => return Some(true),
                None => return None,
            }
        }
    }

    /// A quoted or plain scalar; a plain key ends at its colon.
    fn word(&mut self, key: bool) -> Option<String> {
        let first = *self.bytes.get(self.at)?;
        if first == b'"' || first == b'\'' {
            let start = self.at + 1;
            let mut end = start;
            while end < self.bytes.len() && self.bytes[end] != first {
                if self.bytes[end] == b'\\' && first == b'"' {
                    end += 1;
                }
                if self.bytes.get(end) == Some(&b'\n') {
                    self.line += 1;
                }
                end += 1;
            }
            let word = self.text.get(start..end)?;
            self.at = end + 1;
            return Some(word.to_owned());
        }
        let start = self.at;
        while let Some(byte) = self.bytes.get(self.at) {
            let next = self.bytes.get(self.at + 1);
            let ends = match byte {
                b',' | b'}' | b']' | b'\n' | b'{' | b'[' => true,
                b':' => key && next.is_none_or(|next| matches!(next, b' ' | b'\n' | b'"' | b'\r')),
                _ => false,
            };
            if ends {
                break;
            }
            self.at += 1;
        }
        let word = self.text.get(start..self.at)?.trim();
        (!word.is_empty()).then(|| word.to_owned())
    }
}

//! Text from Git and clusters, made safe for a terminal and fitted into its columns.

use std::{borrow::Cow, fmt::Write as _};

mod fit;

pub use fit::{clip, column, share, tail, width, wrap, wrap_most};

/// One line that is safe to print: escape sequences, control characters, direction overrides and
/// invisible separators are gone; line breaks and tabs are single spaces.
pub fn sanitise(text: &str) -> Cow<'_, str> {
    clean(text, Shape::Line)
}

/// The same for text of several lines: `\n` stays, and a tab becomes four spaces.
pub fn sanitise_lines(text: &str) -> Cow<'_, str> {
    clean(text, Shape::Lines)
}

/// The same for a document that keeps its shape: `\n` and tabs stay.
pub fn sanitise_document(text: &str) -> Cow<'_, str> {
    clean(text, Shape::Document)
}

/// JSON in which no string holds what a terminal obeys or what turns text around: such characters are escaped as `\uXXXX`,
/// which any reader gives back as they were. C0 controls are escaped by whoever writes JSON; between values they are line
/// ends.
pub fn escape_json(json: &str) -> Cow<'_, str> {
    let escape = |c: char| is_unsafe(c) && c >= '\u{7f}';
    if json.bytes().all(|byte| byte < 0x7f) || !json.contains(escape) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if escape(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// `1 change`, `2 changes`: a count with its noun, which is regular.
pub fn count(number: usize, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    }
}

/// What stands for so many things: `it`, `them`.
pub fn them(number: usize) -> &'static str {
    if number == 1 { "it" } else { "them" }
}

/// What of a text's shape stays.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Line,
    Lines,
    Document,
}

fn clean(text: &str, shape: Shape) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let lines = shape != Shape::Line;
    let document = shape == Shape::Document;
    let keep = |c: char| !is_unsafe(c) || (lines && c == '\n') || (document && c == '\t');
    if text.chars().all(keep) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' | '\u{9b}' | '\u{9d}' | '\u{90}' => {
                let introducer = match c {
                    '\u{1b}' => chars.next(),
                    '\u{9b}' => Some('['),
                    _ => Some(']'),
                };
                skip_sequence(introducer, &mut chars);
            }
            '\n' if lines => out.push('\n'),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\t' if document => out.push('\t'),
            '\t' if lines => out.push_str("    "),
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => out.push(' '),
            c if is_unsafe(c) => {}
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Swallows what follows an escape: up to the final byte of a CSI, up to the terminator of a string.
fn skip_sequence(
    introducer: Option<char>,
    chars: &mut std::iter::Peekable<impl Iterator<Item = char>>,
) {
    match introducer {
        Some('[') => {
            while let Some(&c) = chars.peek() {
                if !('\u{20}'..='\u{7e}').contains(&c) {
                    break;
                }
                chars.next();
                if ('\u{40}'..='\u{7e}').contains(&c) {
                    break;
                }
            }
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            // An unterminated string must not swallow the following lines.
            while let Some(&c) = chars.peek() {
                if c == '\n' {
                    break;
                }
                chars.next();
                if c == '\u{7}' || c == '\u{9c}' {
                    break;
                }
                if c == '\u{1b}' {
                    chars.next_if_eq(&'\\');
                    break;
                }
            }
        }
        _ => {}
    }
}

/// Whether all of it is printable ASCII, a column each: what nearly all text on a screen is, which is drawn every second.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..0x7f).contains(&byte))
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_agree_with_their_nouns() {
        let cases = [
            (0, "0 cells", "them"),
            (1, "1 cell", "it"),
            (2, "2 cells", "them"),
        ];
        for (number, counted, stands) in cases {
            assert_eq!((&*count(number, "cell"), them(number)), (counted, stands));
        }
    }

    #[test]
    fn leaves_nothing_that_a_terminal_obeys() {
        let cases = [
            ("plain → ünïcode", "plain → ünïcode"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;title\u{7}after", "after"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{9b}2Jgone", "gone"),
            ("\u{1b}Pq#0\u{1b}\\sixel", "sixel"),
            ("bell\u{7}back\u{8}", "bellback"),
            ("a\r\nb\tc\nd", "a b c d"),
            ("over\u{202e}ride\u{2066}", "override"),
            ("zero\u{200b}width", "zerowidth"),
            ("cut\u{1b}", "cut"),
            ("cut\u{1b}[12", "cut"),
        ];
        for (text, expected) in cases {
            assert_eq!(sanitise(text), expected, "{text:?}");
        }
        assert!(matches!(sanitise("as it was"), Cow::Borrowed(_)));
    }

    #[test]
    fn keeps_lines_where_asked() {
        let cases = [
            ("a\nb\n", "a\nb\n"),
            ("a\r\n\tb", "a\n    b"),
            ("\u{1b}]0;unterminated\nnext", "\nnext"),
        ];
        for (text, expected) in cases {
            assert_eq!(sanitise_lines(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_document_keeps_its_shape() {
        let text = "a:\t1\r\n\u{1b}[2Jb\u{2066}\n";
        assert_eq!(sanitise_document(text), "a:\t1\nb\n");
    }

    #[test]
    fn json_holds_no_controls_and_comes_back_as_it_was() {
        let every: Vec<char> = ('\u{0}'..='\u{a0}')
            .chain([
                '\u{61c}',
                '\u{200e}',
                '\u{200f}',
                '\u{feff}',
                '\u{e0041}',
                'é',
                '→',
                '😀',
            ])
            .chain('\u{2028}'..='\u{202e}')
            .chain('\u{2066}'..='\u{2069}')
            .collect();
        let text: String = every.iter().collect();
        let key = std::collections::BTreeMap::from([(text.clone(), text)]);
        for json in [
            serde_json::to_string(&key).unwrap(),
            serde_json::to_string_pretty(&key).unwrap(),
        ] {
            let escaped = escape_json(&json);
            assert!(escaped.chars().all(|c| !is_unsafe(c) || c == '\n'));
            assert!(escaped.contains("é→😀") && escaped.contains("\\udb40\\udc41"));
            let back: std::collections::BTreeMap<String, String> =
                serde_json::from_str(&escaped).unwrap();
            assert_eq!(back, key);
        }
        assert!(matches!(escape_json("{\"a\": \"é\"}"), Cow::Borrowed(_)));
    }
}

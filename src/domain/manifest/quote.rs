//! Writing a text as a scalar token.

use super::{
    scalar::{ScalarType, is_canonical_number, scalar_type},
    tree::ScalarStyle,
};

/// Where a token is written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Context {
    /// Inside brackets or braces.
    pub flow: bool,
    /// The file is JSON, where text always stands in double quotes.
    pub json: bool,
    /// A tag says what the token is, so that readers guess nothing.
    pub tagged: bool,
}

/// Writes a text in a style. A plain one gets quotes where a reader would not give the same text
/// back, unless `like`, the token it replaces, was already read as the same type.
pub(super) fn write(
    text: &str,
    style: ScalarStyle,
    like: Option<&str>,
    context: Context,
) -> String {
    match style {
        ScalarStyle::SingleQuoted if !text.chars().any(needs_escape) => {
            format!("'{}'", text.replace('\'', "''"))
        }
        ScalarStyle::Plain if may_stand_plain(text, like, context) => text.to_owned(),
        _ => double_quoted(text),
    }
}

/// Writes a text as the value of a new key: plain where that is safe. With `typed` a number or a
/// boolean is written as one.
pub(super) fn write_new(text: &str, typed: bool, context: Context) -> String {
    let like = typed.then_some(text);
    write(text, ScalarStyle::Plain, like, context)
}

/// Writes a key: plain where that is safe.
pub(super) fn write_key(text: &str, quoted: bool, context: Context) -> String {
    let style = if quoted {
        ScalarStyle::DoubleQuoted
    } else {
        ScalarStyle::Plain
    };
    write(text, style, None, context)
}

/// Escapes a piece of a token that stays in its quotes.
pub(super) fn escape_within(text: &str, style: ScalarStyle) -> String {
    match style {
        ScalarStyle::SingleQuoted => text.replace('\'', "''"),
        ScalarStyle::DoubleQuoted => escaped(text),
        _ => text.to_owned(),
    }
}

fn may_stand_plain(text: &str, like: Option<&str>, context: Context) -> bool {
    if !is_plain_syntax(text, context.flow) {
        return false;
    }
    let same_type = like.is_some_and(|like| keeps_type(like, text));
    if context.json {
        return same_type && (is_canonical_number(text) || matches!(text, "true" | "false"));
    }
    same_type || context.tagged || scalar_type(text) == ScalarType::Text
}

/// Whether readers that took `like` for something else than text will take `text` for the same, and
/// will not lose any of its characters by it.
fn keeps_type(like: &str, text: &str) -> bool {
    let modern = |word: &str| matches!(word.to_ascii_lowercase().as_str(), "true" | "false");
    match (scalar_type(like), scalar_type(text)) {
        (ScalarType::Number, ScalarType::Number) => is_canonical_number(text),
        (ScalarType::Bool, ScalarType::Bool) => modern(like) == modern(text),
        (ScalarType::Timestamp, ScalarType::Timestamp) => true,
        _ => false,
    }
}

/// Whether the text is one plain scalar to the parser (YAML 1.2, 7.3.3).
fn is_plain_syntax(text: &str, flow: bool) -> bool {
    let indicator = |first: char| "-?:,[]{}#&*!|>'\"%@`".contains(first);
    let mut characters = text.chars();
    let (Some(first), second) = (characters.next(), characters.next()) else {
        return false;
    };
    let dashed = matches!(first, '-' | '?' | ':')
        && second.is_some_and(|second| second != ' ' && !"-?:,[]{}".contains(second));
    (!indicator(first) || dashed)
        && !text.starts_with([' ', '\t'])
        && !text.ends_with([' ', '\t', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.starts_with("...")
        && !text
            .chars()
            .any(|character| character == '\t' || needs_escape(character))
        && !(flow && text.contains([',', '[', ']', '{', '}']))
}

fn double_quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// Escapes that YAML and JSON share.
fn escaped(text: &str) -> String {
    use std::fmt::Write as _;

    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if needs_escape(character) => {
                // A String takes everything.
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out
}

/// Characters that may not stand in YAML as they are, or that end a line. All fit four hex digits.
fn needs_escape(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_stays_and_quotes_come_where_a_reader_would_misread() {
        use ScalarStyle::{DoubleQuoted, Plain, SingleQuoted};
        let block = Context::default();
        let flow = Context {
            flow: true,
            ..block
        };
        let json = Context { json: true, ..flow };
        let tagged = Context {
            tagged: true,
            ..block
        };
        let cases: &[(&str, ScalarStyle, Option<&str>, Context, &str)] = &[
            ("v1", Plain, Some("v0"), block, "v1"),
            ("1.20", SingleQuoted, Some("1.10"), block, "'1.20'"),
            ("that's", SingleQuoted, None, block, "'that''s'"),
            ("a\tb", SingleQuoted, None, block, "\"a\\tb\""),
            ("a\"b\\c", DoubleQuoted, None, block, "\"a\\\"b\\\\c\""),
            ("1234e56", Plain, Some("abc1234"), block, "\"1234e56\""),
            ("0123456", Plain, Some("1234567"), block, "\"0123456\""),
            ("2345678", Plain, Some("1234567"), block, "2345678"),
            ("1.10", Plain, Some("1.9"), block, "\"1.10\""),
            ("1.11", Plain, Some("1.10"), block, "1.11"),
            ("true", Plain, Some("false"), block, "true"),
            ("yes", Plain, Some("false"), block, "\"yes\""),
            ("no", Plain, Some("yes"), block, "no"),
            ("true", Plain, Some("v1"), block, "\"true\""),
            ("v1", Plain, Some("true"), block, "v1"),
            ("2026-11-21", Plain, Some("v1"), block, "\"2026-11-21\""),
            ("2026-11-21", Plain, Some("2026-11-20"), block, "2026-11-21"),
            ("null", Plain, Some("~"), block, "\"null\""),
            ("", Plain, Some("v1"), block, "\"\""),
            ("1.20", Plain, Some("1.10"), tagged, "1.20"),
            ("@sha: x #y", Plain, None, block, "\"@sha: x #y\""),
            ("a #b", Plain, None, block, "\"a #b\""),
            ("a#b", Plain, None, block, "a#b"),
            ("a: b", Plain, None, block, "\"a: b\""),
            ("a:b", Plain, None, block, "a:b"),
            ("a:", Plain, None, block, "\"a:\""),
            (">=1.0", Plain, None, block, "\">=1.0\""),
            ("^1.0", Plain, None, block, "^1.0"),
            ("~1.0", Plain, None, block, "~1.0"),
            ("*", Plain, None, block, "\"*\""),
            ("-rc", Plain, None, block, "-rc"),
            ("- rc", Plain, None, block, "\"- rc\""),
            ("---", Plain, None, block, "\"---\""),
            ("...", Plain, None, block, "\"...\""),
            (" v1", Plain, None, block, "\" v1\""),
            ("v1 ", Plain, None, block, "\"v1 \""),
            ("a, b", Plain, None, block, "a, b"),
            ("a, b", Plain, None, flow, "\"a, b\""),
            ("line\nbreak", Plain, None, block, "\"line\\nbreak\""),
            ("bell\u{7}", DoubleQuoted, None, block, "\"bell\\u0007\""),
            ("é 日本 🚀", Plain, None, block, "é 日本 🚀"),
            ("v1", Plain, Some("null"), json, "\"v1\""),
            ("3", Plain, Some("2"), json, "3"),
            ("1e5", Plain, Some("2"), json, "\"1e5\""),
            ("true", Plain, Some("false"), json, "true"),
        ];
        for (text, style, like, context, expected) in cases {
            assert_eq!(
                write(text, *style, *like, *context),
                *expected,
                "{text:?} like {like:?} {context:?}"
            );
        }
    }
}

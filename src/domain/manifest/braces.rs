//! Keys of mappings in braces: adding one behind the last, taking one out with one of its commas.

use std::ops::Range;

use super::{
    ManifestError,
    insert::{Addition, line_break, step, unexpected},
    lines::{line_end, line_start},
    quote::{Context, write_key, write_new},
    remove::{before_line_break, entries_of},
    splice::Splice,
    tree::{Document, MappingEntry, NodeId, NodeKind, ScalarStyle, Yaml},
};

/// Adds to a mapping in braces, on a line of its own where the last key has one.
pub(super) fn insert(
    yaml: &Yaml<'_>,
    document: &Document<'_>,
    mapping: NodeId,
    keys: &[String],
    addition: &Addition<'_>,
) -> Result<Vec<Splice>, ManifestError> {
    let node = document.node(mapping);
    let entries = entries_of(document, mapping);
    let Range { start, end } = node.span;
    if !(yaml.source(start..end).starts_with('{') && yaml.source(start..end).ends_with('}')) {
        return Err(unexpected(node));
    }
    let quoted = |entry: &MappingEntry| {
        matches!(
            document.node(entry.key).kind,
            NodeKind::Scalar {
                style: ScalarStyle::DoubleQuoted,
                ..
            }
        )
    };
    let json = addition.json || !entries.is_empty() && entries.iter().all(quoted);
    let text = pair(
        keys,
        addition,
        Context {
            flow: true,
            json,
            tagged: false,
        },
    );
    let closing = end - 1;
    let Some(last) = entries.last() else {
        return Ok(vec![into_braces(yaml, document, start + 1..closing, &text)]);
    };
    let key = document.node(last.key);
    let mut behind = document.node(last.value).span.end.max(key.span.end);
    if document.node(last.value).span.is_empty() && yaml.source(behind..end).starts_with(' ') {
        // Not every reader sees the end of the key in `key:,`.
        behind += 1;
    }
    let comma = comma_after(yaml.text, behind);
    let key_line = line_start(yaml.text, key.outer_start);
    let prefix = yaml.source(key_line..key.outer_start);
    if key_line <= start || !prefix.trim().is_empty() {
        return Ok(vec![match comma {
            Some(comma) => Splice::new(comma + 1..comma + 1, format!(" {text},")),
            None => Splice::new(behind..behind, format!(", {text}")),
        }]);
    }
    let own_line = format!("{}{prefix}{text}", line_break(yaml.text, behind));
    let from = comma.map_or(behind, |comma| comma + 1);
    let rest_of_line = yaml
        .source(from..line_end(yaml.text, from))
        .trim_end_matches('\r');
    let over = from + rest_of_line.len();
    let at = if over <= closing { over } else { from };
    Ok(match comma {
        Some(_) => vec![Splice::new(at..at, format!("{own_line},"))],
        None if at == behind => vec![Splice::new(at..at, format!(",{own_line}"))],
        None => vec![
            Splice::new(behind..behind, ","),
            Splice::new(at..at, own_line),
        ],
    })
}

/// An entry in braces with one of the commas beside it, and its line where it has one to itself.
pub(super) fn remove(
    yaml: &Yaml<'_>,
    document: &Document<'_>,
    mapping: NodeId,
    position: usize,
) -> Vec<Splice> {
    let entries = entries_of(document, mapping);
    let opening = document.node(mapping).span.start;
    let start_of = |entry: &MappingEntry| document.node(entry.key).outer_start;
    let end_of = |entry: &MappingEntry| {
        let (key, value) = (document.node(entry.key), document.node(entry.value));
        value.span.end.max(key.span.end)
    };
    let is_blank = |range: Range<usize>| yaml.source(range).trim().is_empty();
    let Some(entry) = entries.get(position) else {
        return Vec::new();
    };
    let (start, end) = (start_of(entry), end_of(entry));
    let comma = comma_after(yaml.text, end);
    let cut = comma.map_or(end, |comma| comma + 1);
    let previous = position.checked_sub(1).and_then(|at| entries.get(at));
    let previous_comma = previous.and_then(|previous| comma_after(yaml.text, end_of(previous)));
    let line = line_start(yaml.text, start);
    let begins_line = line > opening && is_blank(line..start);
    let line_rest = yaml.source(cut..line_end(yaml.text, cut)).trim();
    let has_line = begins_line && (line_rest.is_empty() || line_rest.starts_with('#'));
    if has_line && (comma.is_some() || previous.is_none()) {
        let behind = (line_end(yaml.text, cut) + 1).min(yaml.text.len());
        return vec![Splice::new(line..behind, "")];
    }
    match (previous_comma, entries.get(position + 1).map(start_of)) {
        // The last one: the comma before it goes, unless it has one of its own.
        (Some(previous), None) => {
            let break_before = before_line_break(yaml.text, line).max(previous + 1);
            let from = if begins_line && (has_line || is_blank(previous + 1..line)) {
                break_before
            } else if is_blank(previous + 1..start) {
                previous + 1
            } else {
                start
            };
            let to = if has_line {
                before_line_break(yaml.text, line_end(yaml.text, cut) + 1)
            } else {
                cut
            };
            let own = Splice::new(from..to, "");
            match comma {
                Some(_) => vec![own],
                None => vec![Splice::new(previous..previous + 1, ""), own],
            }
        }
        (_, Some(next)) if is_blank(cut..next) => vec![Splice::new(start..next, "")],
        (None, None) if is_blank(opening + 1..start) => vec![Splice::new(opening + 1..cut, "")],
        _ => vec![Splice::new(start..cut, "")],
    }
}

/// `a: {b: v}`
pub(super) fn pair(keys: &[String], addition: &Addition<'_>, context: Context) -> String {
    let value = write_new(addition.value, addition.typed, context);
    let mut keys = keys
        .iter()
        .rev()
        .map(|key| write_key(key, context.json, context));
    let innermost = keys.next().unwrap_or_default();
    keys.fold(format!("{innermost}: {value}"), |inner, key| {
        format!("{key}: {{{inner}}}")
    })
}

/// The first key between braces.
fn into_braces(
    yaml: &Yaml<'_>,
    document: &Document<'_>,
    inside: Range<usize>,
    text: &str,
) -> Splice {
    let content = yaml.source(inside.clone());
    if !content.contains('\n') {
        let blank = if content.starts_with(' ') { " " } else { "" };
        return Splice::new(inside.start..inside.start, format!("{blank}{text}"));
    }
    let at = line_start(yaml.text, inside.end);
    let prefix = yaml.source(at..inside.end);
    let indent = " ".repeat(step(yaml, document));
    Splice::new(
        at..at,
        format!("{prefix}{indent}{text}{}", line_break(yaml.text, at)),
    )
}

/// The comma that follows a value, past blanks, line breaks and comments.
fn comma_after(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b',' => return Some(at),
            b' ' | b'\t' | b'\r' | b'\n' => at += 1,
            b'#' => at = line_end(text, at),
            _ => return None,
        }
    }
    None
}

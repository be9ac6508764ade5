//! Giving a scalar another text, and a comment another word.

use std::ops::Range;

use super::{
    ManifestError,
    lines::line_end,
    locate::{Located, named, shown},
    lookup::NodeRef,
    oracle::Change,
    quote::{Context, escape_within, write, write_new},
    scalar::{ScalarType, is_canonical_number, scalar_type},
    splice::Splice,
    tree::{Document, Node, NodeId, NodeKind, ScalarStyle, Step, Yaml},
};

/// The text that a scalar is given.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'e> {
    /// The text that is to stand there.
    pub value: &'e str,
    /// Whether a number or a boolean is written as one where nothing stood.
    pub typed: bool,
    /// Whether the file is JSON.
    pub json: bool,
}

/// The splice that gives a scalar another text, and the change it means; neither where the text is
/// the same already.
pub(super) fn set(
    yaml: &Yaml<'_>,
    document: &Document<'_>,
    place: Located,
    path: &[Step],
    wanted: Wanted<'_>,
) -> Result<Option<(Splice, Change)>, ManifestError> {
    let Wanted { value, typed, json } = wanted;
    let node = document.node(place.node);
    let this = NodeRef::new(document, place.node);
    if this.text() == Some(value) {
        return Ok(None);
    }
    if let Some(tag) = node.tag.filter(|tag| !takes(tag, value)) {
        let message = format!(
            "`{}` has the tag `{tag}`, and {value} is none of that: readers would refuse it, or take it for another text; \
             take the tag out first",
            shown(path)
        );
        return Err(ManifestError::at(node.line, message));
    }
    let context = Context {
        flow: place.flow,
        json,
        tagged: node.tag.is_some(),
    };
    let mut text = value.to_owned();
    let new = || write_new(value, typed, context);
    let splice = match &node.kind {
        NodeKind::Null if node.span.is_empty() => fill(yaml, document, place, &new())?,
        NodeKind::Null => Splice::new(node.span.clone(), new()),
        NodeKind::Alias { .. } => {
            let target = this.resolve();
            let like = target.text().filter(|_| is_plain(target.node()));
            Splice::new(
                node.span.clone(),
                write(value, ScalarStyle::Plain, like, context),
            )
        }
        NodeKind::Scalar { text: old, style } => {
            let raw = yaml.source(node.span.clone());
            if node.is_block_scalar() || raw.contains(['\n', '\r']) {
                if node.is_block_scalar() && old.ends_with('\n') && !value.ends_with('\n') {
                    // The style implies the line break; who reads a version trims it.
                    text.push('\n');
                }
                if text == **old {
                    return Ok(None);
                }
                word(node, raw, old, &text, *style).ok_or_else(|| {
                    let message = format!(
                        "`{}` spans several lines, and more than words of it would change; edit the file by hand",
                        shown(path)
                    );
                    ManifestError::at(node.line, message)
                })?
            } else if raw.is_empty() {
                // `!!str` alone is an empty text.
                fill(yaml, document, place, &new())?
            } else {
                let like = is_plain(node).then_some(&**old);
                Splice::new(node.span.clone(), write(value, *style, like, context))
            }
        }
        NodeKind::Mapping { .. } if this.is_template() => {
            let message = format!(
                "`{}` is a template expression, not a value; set it where it comes from",
                shown(path)
            );
            return Err(ManifestError::at(node.line, message));
        }
        kind => {
            let message = format!(
                "`{}` is {}, not a value; mend the layout",
                shown(path),
                named(kind)
            );
            return Err(ManifestError::at(node.line, message));
        }
    };
    Ok(Some((
        splice,
        Change::Set {
            node: place.node,
            text,
        },
    )))
}

/// Whether a scalar of this tag can have this text, and every reader gives the same text back.
fn takes(tag: &str, value: &str) -> bool {
    let known = tag
        .strip_prefix("!<tag:yaml.org,2002:")
        .map_or_else(|| tag.strip_prefix("!!"), |tag| tag.strip_suffix('>'));
    match known {
        Some("int") => is_canonical_number(value) && !value.contains('.'),
        Some("float") => is_canonical_number(value) && value.contains('.'),
        Some("timestamp") => scalar_type(value) == ScalarType::Timestamp,
        Some("bool" | "null" | "binary") => false,
        // A string, or what its own reader alone understands, which nothing is written for.
        _ => true,
    }
}

/// The splices that replace a word in the comment behind a scalar.
pub(super) fn comment(
    yaml: &Yaml<'_>,
    node: &Node<'_>,
    from: &str,
    to: &str,
) -> Result<Vec<Splice>, ManifestError> {
    if from.is_empty() || to.is_empty() || to.chars().any(char::is_control) {
        return Err(ManifestError::at(
            node.line,
            "a word of a comment can only be replaced by a word",
        ));
    }
    let Some(comment) = yaml.trailing_comment(node) else {
        return Err(ManifestError::at(
            node.line,
            format!("this line has no comment that says `{from}`; mend the layout"),
        ));
    };
    let text = yaml.source(comment.span.clone());
    let found = text
        .match_indices(from)
        .filter(|(at, _)| is_whole_word(text, *at..*at + from.len()));
    let splices: Vec<Splice> = found
        .map(|(at, _)| comment.span.start + at)
        .map(|at| Splice::new(at..at + from.len(), to))
        .collect();
    if splices.is_empty() {
        let message = format!(
            "the comment of this line does not say `{from}`; set it by hand, it would be wrong"
        );
        return Err(ManifestError::at(comment.line, message));
    }
    Ok(splices)
}

/// The splice that writes a token where nothing stands.
pub(super) fn fill(
    yaml: &Yaml<'_>,
    document: &Document<'_>,
    place: Located,
    token: &str,
) -> Result<Splice, ManifestError> {
    let node = document.node(place.node);
    let at = node.span.end;
    if node.outer_start == node.span.start && lacks_colon(yaml, document, place) {
        if !place.flow {
            let message = "this key has no `:`; write it as `key: value` first";
            return Err(ManifestError::at(node.line, message));
        }
        return Ok(Splice::new(at..at, format!(": {token}")));
    }
    let rest = yaml
        .source(at..line_end(yaml.text, at))
        .trim_end_matches('\r');
    if rest.starts_with(' ') && rest.trim().is_empty() {
        return Ok(Splice::new(at + 1..at + 1, token));
    }
    let before = if yaml.source(0..at).ends_with([' ', '\n']) {
        ""
    } else {
        " "
    };
    let behind = if rest.starts_with('#') { " " } else { "" };
    Ok(Splice::new(at..at, format!("{before}{token}{behind}")))
}

fn lacks_colon(yaml: &Yaml<'_>, document: &Document<'_>, place: Located) -> bool {
    place.entry.is_some()
        && !yaml
            .source(0..document.node(place.node).span.start)
            .ends_with(':')
}

fn is_plain(node: &Node<'_>) -> bool {
    let plain = matches!(
        node.kind,
        NodeKind::Scalar {
            style: ScalarStyle::Plain,
            ..
        }
    );
    plain && node.tag.is_none()
}

/// The splice that changes one word of a token over several lines: the one that differs, found by
/// counting how often it stands before. The parser tells afterwards whether it was the right one.
pub(super) fn word(
    node: &Node<'_>,
    raw: &str,
    old: &str,
    new: &str,
    style: ScalarStyle,
) -> Option<Splice> {
    let same_before = old
        .chars()
        .zip(new.chars())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    let (old_rest, new_rest) = (&old[same_before..], &new[same_before..]);
    let same_behind: usize = old_rest
        .chars()
        .rev()
        .zip(new_rest.chars().rev())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    let from = old[..same_before]
        .rfind(char::is_whitespace)
        .map_or(0, |at| at + blank_length(old, at));
    let behind = &old[old.len() - same_behind..];
    let kept = behind.len() - behind.find(char::is_whitespace).unwrap_or(behind.len());
    let (old_word, new_word) = (&old[from..old.len() - kept], &new[from..new.len() - kept]);
    if old_word.is_empty() || new_word.is_empty() || new_word.contains(['\n', '\r']) {
        return None;
    }
    let nth = old.match_indices(old_word).position(|(at, _)| at == from)?;
    let at = raw.match_indices(old_word).nth(nth)?.0;
    let start = node.span.start + at;
    Some(Splice::new(
        start..start + old_word.len(),
        escape_within(new_word, style),
    ))
}

fn blank_length(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(0, char::len_utf8)
}

/// Whether a match is not a part of a longer version: `1.2` is none in `1.2.3`, but is in `to 1.2.`
fn is_whole_word(text: &str, range: Range<usize>) -> bool {
    let joins = |character: Option<char>, next: Option<char>| match character {
        Some('.' | '-' | '+' | '_') => next.is_some_and(char::is_alphanumeric),
        Some(character) => character.is_alphanumeric(),
        None => false,
    };
    let mut before = text[..range.start].chars().rev();
    let mut behind = text[range.end..].chars();
    !joins(before.next(), before.next()) && !joins(behind.next(), behind.next())
}

/// Whether two changes of one batch touch the same node.
pub(super) fn touches(changes: &[(usize, Change)], document: usize, node: NodeId) -> bool {
    changes
        .iter()
        .any(|(at, change)| *at == document && change.node() == node)
}

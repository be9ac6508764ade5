//! Taking a key out of its mapping: the inverse of adding it.

use super::{
    ManifestError,
    insert::{comma_after, next_line},
    lines::{line_end, line_start},
    locate::{locate, shown},
    oracle::Change,
    splice::Splice,
    tree::{Document, Entry, NodeId, NodeKind, Step, Yaml},
};

/// The splices that take a key out, and the change they mean. With `prune` the parents that would
/// be empty go too.
pub(super) fn remove(
    yaml: &Yaml<'_>,
    document: &Document<'_>,
    path: &[Step],
    prune: bool,
) -> Result<(Vec<Splice>, Change), ManifestError> {
    let mut path = path;
    let mut place = locate(document, path)?;
    while let (true, Some((mapping, _)), Some((_, parent))) =
        (prune, place.entry, path.split_last())
    {
        let outer = locate(document, parent)?;
        if entries_of(document, mapping).len() > 1 || outer.entry.is_none() {
            break;
        }
        (path, place) = (parent, outer);
    }
    let Some((mapping, position)) = place.entry else {
        let message = format!("`{}` is not a key; remove it by hand", shown(path));
        return Err(ManifestError::at(document.node(place.node).line, message));
    };
    let splices = if place.flow {
        flow(yaml, document, mapping, position)
    } else {
        vec![block(yaml, document, mapping, position, path)?]
    };
    Ok((
        splices,
        Change::Remove {
            node: mapping,
            position,
        },
    ))
}

fn entries_of<'d>(document: &'d Document<'_>, mapping: NodeId) -> &'d [Entry] {
    match &document.node(mapping).kind {
        NodeKind::Mapping { entries, .. } => entries,
        _ => &[],
    }
}

/// The lines of an entry; of one behind a dash everything up to the next key.
fn block(
    yaml: &Yaml<'_>,
    document: &Document<'_>,
    mapping: NodeId,
    position: usize,
    path: &[Step],
) -> Result<Splice, ManifestError> {
    let entries = entries_of(document, mapping);
    let refused = |line: u32, why: &str| {
        ManifestError::at(
            line,
            format!(
                "`{}` cannot be removed: {why}; edit the file by hand",
                shown(path)
            ),
        )
    };
    let Some(entry) = entries.get(position) else {
        return Err(refused(document.node(mapping).line, "it is not there"));
    };
    let key = document.node(entry.key);
    let first_line = line_start(yaml.text, key.outer_start);
    let before = yaml
        .source(first_line..key.outer_start)
        .trim_start_matches('\u{feff}');
    let from = key.outer_start - before.len();
    let behind = next_line(yaml, document, *entry);
    if matches!(before.trim(), "" | "?") {
        let unterminated = behind == yaml.text.len() && !yaml.text.ends_with('\n');
        let from = if unterminated {
            before_line_break(yaml.text, from)
        } else {
            from
        };
        return Ok(Splice::new(from..behind, ""));
    }
    let Some(next) = entries.get(position + 1) else {
        return Err(refused(key.line, "its item would be empty"));
    };
    let next = document.node(next.key).outer_start;
    let between = yaml.source(behind..next);
    if between.trim().is_empty() && position == 0 {
        return Ok(Splice::new(key.outer_start..next, ""));
    }
    Err(refused(
        key.line,
        "a comment stands between it and the next key",
    ))
}

/// Where the line before ends.
fn before_line_break(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    let without = before.strip_suffix('\n').unwrap_or(before);
    without.strip_suffix('\r').unwrap_or(without).len()
}

/// An entry in braces with one of the commas beside it.
fn flow(yaml: &Yaml<'_>, document: &Document<'_>, mapping: NodeId, position: usize) -> Vec<Splice> {
    let entries = entries_of(document, mapping);
    let end_of = |entry: &Entry| {
        document
            .node(entry.value)
            .span
            .end
            .max(document.node(entry.key).span.end)
    };
    let start_of = |entry: &Entry| document.node(entry.key).outer_start;
    let (Some(entry), opening) = (entries.get(position), document.node(mapping).span.start) else {
        return Vec::new();
    };
    let end = end_of(entry);
    let comma = comma_after(yaml.text, end);
    let previous = position
        .checked_sub(1)
        .and_then(|previous| entries.get(previous));
    let line = line_start(yaml.text, start_of(entry));
    let on_own_line = line > opening && yaml.source(line..start_of(entry)).trim().is_empty();
    let Some(previous) = previous else {
        let from = if on_own_line { line } else { opening + 1 };
        return vec![match (entries.get(1), comma) {
            (Some(next), _) => Splice::new(start_of(entry)..start_of(next), ""),
            (None, comma) => {
                let end = comma.map_or(end, |comma| comma + 1);
                let end = if on_own_line {
                    (line_end(yaml.text, end) + 1).min(document.node(mapping).span.end - 1)
                } else {
                    end
                };
                Splice::new(from..end, "")
            }
        }];
    };
    let Some(previous_comma) = comma_after(yaml.text, end_of(previous)) else {
        return Vec::new();
    };
    // With a comma of its own the entry takes that one along, else the one before it.
    let cut = comma.map_or(end, |comma| comma + 1);
    let cut = if on_own_line {
        behind_comment(yaml, cut)
    } else {
        cut
    };
    let from = if on_own_line {
        before_line_break(yaml.text, line)
    } else {
        previous_comma + 1
    };
    let mut splices = vec![Splice::new(from.max(previous_comma + 1)..cut, "")];
    if comma.is_none() {
        splices.push(Splice::new(previous_comma..previous_comma + 1, ""));
    }
    splices
}

/// Past blanks and a comment, if nothing else stands on the rest of the line.
fn behind_comment(yaml: &Yaml<'_>, at: usize) -> usize {
    let rest = yaml.source(at..line_end(yaml.text, at));
    let trimmed = rest.trim_start();
    if trimmed.is_empty() || trimmed.starts_with('#') {
        at + rest.trim_end_matches('\r').len()
    } else {
        at
    }
}

//! Taking a key out of its mapping: the inverse of adding it.

use super::{
    ManifestError, braces,
    insert::next_line,
    lines::line_start,
    locate::{Located, locate, shown},
    oracle::Change,
    splice::Splice,
    tree::{Document, MappingEntry, NodeId, NodeKind, Step, Yaml},
};

/// The splices that take a key out, and the change they mean. With `prune` the parents that would
/// be empty go too, as far as adding the key would have made them: not what has a comment, an anchor or a tag of its own,
/// nor braces that were written by hand.
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
        if entries_of(document, mapping).len() > 1
            || outer.entry.is_none()
            || !is_bare(yaml, document, outer, place)
        {
            break;
        }
        (path, place) = (parent, outer);
    }
    let Some((mapping, position)) = place.entry else {
        let message = format!("`{}` is not a key; remove it by hand", shown(path));
        return Err(ManifestError::at(document.node(place.node).line, message));
    };
    let splices = if place.flow {
        braces::remove(yaml, document, mapping, position)
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

/// Whether a mapping of one key is as adding the key would have written it: `outer` is the mapping as a value, `inner` the
/// key's value.
fn is_bare(yaml: &Yaml<'_>, document: &Document<'_>, outer: Located, inner: Located) -> bool {
    let mapping = document.node(outer.node);
    let NodeKind::Mapping { flow, .. } = mapping.kind else {
        return false;
    };
    let (Some((holder, position)), true, true) = (
        outer.entry,
        mapping.anchor.is_none() && mapping.tag.is_none(),
        flow == outer.flow,
    ) else {
        return false;
    };
    let Some(entry) = entries_of(document, holder).get(position) else {
        return false;
    };
    let start = document.node(entry.key).outer_start;
    let value = document.node(inner.node);
    // What stands behind the value goes with it.
    let mut comments = yaml.comments.iter().map(|comment| comment.span.start);
    !comments.any(|at| start < at && at < value.span.start.max(value.outer_start))
        && !comment_follows(yaml, document, *entry, value.span.end)
}

/// Whether a comment stands on a line of its own between the value and the end of its entry.
fn comment_follows(
    yaml: &Yaml<'_>,
    document: &Document<'_>,
    entry: MappingEntry,
    from: usize,
) -> bool {
    let end = document.node(entry.value).span.end;
    let mut comments = yaml.comments.iter().map(|comment| comment.span.start);
    let line = super::lines::line_end(yaml.text, from);
    comments.any(|at| line < at && at < end)
}

pub(super) fn entries_of<'d>(document: &'d Document<'_>, mapping: NodeId) -> &'d [MappingEntry] {
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
pub(super) fn before_line_break(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    let without = before.strip_suffix('\n').unwrap_or(before);
    without.strip_suffix('\r').unwrap_or(without).len()
}

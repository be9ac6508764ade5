//! After an edit: exactly the intended nodes must differ between the old and the new tree.

use std::{collections::HashMap, ops::Range};

use super::{
    ManifestError,
    lines::line_end,
    parse::parse,
    reads::Reads,
    splice::Splices,
    tree::{Document, MappingEntry, Node, NodeId, NodeKind, Yaml},
};

/// What an edit means for a document, in nodes of the old tree.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// The node becomes a scalar of this text.
    Set { node: NodeId, text: String },
    /// The mapping, or what is empty and becomes one, gets a last entry: the keys, one in the other,
    /// down to a scalar.
    Insert {
        node: NodeId,
        keys: Vec<String>,
        text: String,
    },
    /// The mapping loses an entry; without any other it may become empty.
    Remove { node: NodeId, position: usize },
}

impl Change {
    /// The node it is about.
    pub(super) fn node(&self) -> NodeId {
        match self {
            Self::Set { node, .. } | Self::Insert { node, .. } | Self::Remove { node, .. } => *node,
        }
    }
}

/// Judges an edit.
///
/// # Errors
/// Where the new text is no longer YAML (or JSON, if it was), or anything else would change too.
pub(super) fn verify(
    old: &Yaml<'_>,
    splices: &Splices,
    new: &[u8],
    changes: &[(usize, Change)],
) -> Result<(), ManifestError> {
    let tree = parse(new).map_err(|error| ManifestError {
        line: error.line,
        message: format!(
            "with this edit the file could not be read any more ({}); edit it by hand",
            error.message
        ),
        encrypted: false,
    })?;
    let differs = |line: u32| {
        ManifestError::at(
            line,
            "this edit would change more than it should, at this line; edit the file by hand",
        )
    };
    let created = old.documents.is_empty() && !changes.is_empty();
    if created {
        let empty = empty_document();
        let judge = Judge::new(&empty, tree.documents.first().unwrap_or(&empty), changes, 0);
        if tree.documents.len() != 1 || judge.first_difference().is_some() {
            return Err(differs(1));
        }
    } else if let Some(line) = differing_document(old, &tree, changes) {
        return Err(differs(line));
    }
    verify_comments(old, &tree, splices, changes).map_err(differs)?;
    if is_json(old.text) && !std::str::from_utf8(new).is_ok_and(is_json) {
        return Err(ManifestError::whole(
            "with this edit the file would not be JSON any more; edit it by hand",
        ));
    }
    Ok(())
}

/// Whether a text is one JSON value; a byte-order mark is allowed.
pub(super) fn is_json(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}');
    text.trim_start().starts_with(['{', '[', '"'])
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Every comment must be there still, except those of what is removed; else the line of one.
fn verify_comments(
    old: &Yaml<'_>,
    new: &Yaml<'_>,
    splices: &Splices,
    changes: &[(usize, Change)],
) -> Result<(), u32> {
    let removed: Vec<Range<usize>> = changes
        .iter()
        .filter_map(|(index, change)| removed_lines(old, *index, change))
        .collect();
    let mut found = new.comments.iter();
    let moved = splices.moved(old.comments.iter().map(|comment| &comment.span));
    for (comment, moved) in old.comments.iter().zip(moved) {
        let kept = match moved {
            Some(moved) => found.next().is_some_and(|found| found.span == moved),
            None => removed
                .iter()
                .any(|lines| lines.contains(&comment.span.start)),
        };
        if !kept {
            return Err(comment.line);
        }
    }
    found.next().map_or(Ok(()), |extra| Err(extra.line))
}

/// From a removed key to the end of its last line.
fn removed_lines(old: &Yaml<'_>, index: usize, change: &Change) -> Option<Range<usize>> {
    let Change::Remove { node, position } = change else {
        return None;
    };
    let document = old.documents.get(index)?;
    let NodeKind::Mapping { entries, .. } = &document.nodes.get(*node)?.kind else {
        return None;
    };
    let entry = entries.get(*position)?;
    let start = document.node(entry.key).outer_start;
    let end = document
        .node(entry.value)
        .span
        .end
        .max(document.node(entry.key).span.end);
    Some(start..line_end(old.text, end) + 1)
}

fn differing_document(old: &Yaml<'_>, new: &Yaml<'_>, changes: &[(usize, Change)]) -> Option<u32> {
    if let ([only], true) = (old.documents.as_slice(), new.documents.is_empty()) {
        // Nothing but comments is left of a file that loses its last key.
        let emptied = changes
            .iter()
            .any(|(_, change)| matches!(change, Change::Remove { node: 0, .. }));
        return (!emptied || only.root().own_entries().len() != 1).then_some(1);
    }
    for (index, (before, after)) in old.documents.iter().zip(&new.documents).enumerate() {
        let judge = Judge::new(before, after, changes, index);
        let difference = judge
            .first_difference()
            .or((before.explicit != after.explicit).then_some(0));
        if let Some(node) = difference {
            return Some(before.nodes.get(node).map_or(1, |node| node.line));
        }
    }
    (old.documents.len() != new.documents.len()).then_some(1)
}

fn empty_document<'a>() -> Document<'a> {
    let node = Node {
        line: 1,
        span: 0..0,
        outer_start: 0,
        kind: NodeKind::Null,
        tag: None,
        anchor: None,
    };
    Document {
        nodes: vec![node],
        start: 0,
        explicit: false,
        reads: Reads::default(),
    }
}

/// Two trees, walked side by side.
struct Judge<'j> {
    old: &'j Document<'j>,
    new: &'j Document<'j>,
    changes: HashMap<NodeId, Vec<&'j Change>>,
}

impl<'j> Judge<'j> {
    fn new(
        old: &'j Document<'j>,
        new: &'j Document<'j>,
        changes: &'j [(usize, Change)],
        index: usize,
    ) -> Self {
        let mut by_node: HashMap<NodeId, Vec<&Change>> = HashMap::new();
        for (_, change) in changes.iter().filter(|(at, _)| *at == index) {
            by_node.entry(change.node()).or_default().push(change);
        }
        Self {
            old,
            new,
            changes: by_node,
        }
    }

    /// The first node of the old tree that is not what it should be in the new one.
    fn first_difference(&self) -> Option<NodeId> {
        let mut twin: Vec<Option<NodeId>> = vec![None; self.old.nodes.len()];
        let mut pending: Vec<(NodeId, NodeId)> = vec![(0, 0)];
        while let Some((old, new)) = pending.pop() {
            let (Some(before), Some(after)) = (self.old.nodes.get(old), self.new.nodes.get(new))
            else {
                return Some(old);
            };
            twin[old] = Some(new);
            let first = pending.len();
            let changes = self.changes.get(&old).map_or(&[][..], Vec::as_slice);
            let same = match changes {
                [] => unchanged(before, after, &twin, &mut pending),
                [change] => self.changed(change, before, after, &mut pending),
                _ => false,
            };
            if !same {
                return Some(old);
            }
            // First children first, so that an anchor is met before its aliases.
            pending[first..].reverse();
        }
        None
    }

    fn changed(
        &self,
        change: &Change,
        before: &Node<'_>,
        after: &Node<'_>,
        pending: &mut Vec<(NodeId, NodeId)>,
    ) -> bool {
        let kept = before.tag == after.tag && before.anchor == after.anchor;
        match change {
            Change::Set { text, .. } => {
                let is_alias = matches!(before.kind, NodeKind::Alias { .. });
                let found =
                    matches!(&after.kind, NodeKind::Scalar { text: found, .. } if found == text);
                found && (kept || is_alias && after.tag.is_none() && after.anchor.is_none())
            }
            Change::Insert { keys, text, .. } => {
                let none = Vec::new();
                let old = match &before.kind {
                    NodeKind::Mapping { entries, .. } => entries,
                    NodeKind::Null => &none,
                    _ => return false,
                };
                let NodeKind::Mapping { entries: new, .. } = &after.kind else {
                    return false;
                };
                let Some((last, rest)) = new.split_last() else {
                    return false;
                };
                pair(old, rest, pending);
                kept && old.len() == rest.len() && self.is_chain(*last, keys, text)
            }
            Change::Remove { position, .. } => {
                let NodeKind::Mapping { entries: old, .. } = &before.kind else {
                    return false;
                };
                let none = Vec::new();
                let new = match &after.kind {
                    NodeKind::Mapping { entries, .. } => entries,
                    NodeKind::Null => &none,
                    _ => return false,
                };
                let mut old = old.clone();
                if *position < old.len() {
                    old.remove(*position);
                }
                pair(&old, new, pending);
                kept && old.len() == new.len()
            }
        }
    }

    /// Whether an entry of the new tree is the keys, one in the other, down to the text.
    fn is_chain(&self, entry: MappingEntry, keys: &[String], text: &str) -> bool {
        let mut entry = Some(entry);
        for (depth, key) in keys.iter().enumerate() {
            let Some(MappingEntry { key: name, value }) = entry.take() else {
                return false;
            };
            if self.new.at(name).node().anchor.is_some() || self.new.at(name).text() != Some(key) {
                return false;
            }
            match &self.new.node(value).kind {
                NodeKind::Mapping { entries, .. } if entries.len() == 1 => {
                    entry = entries.first().copied();
                }
                NodeKind::Scalar { text: found, .. } => {
                    return depth + 1 == keys.len() && found == text;
                }
                _ => return false,
            }
        }
        false
    }
}

fn unchanged(
    before: &Node<'_>,
    after: &Node<'_>,
    twin: &[Option<NodeId>],
    pending: &mut Vec<(NodeId, NodeId)>,
) -> bool {
    let content = match (&before.kind, &after.kind) {
        (NodeKind::Null, NodeKind::Null) => true,
        (NodeKind::Scalar { .. }, NodeKind::Scalar { .. }) => before.kind == after.kind,
        (NodeKind::Alias { target: old }, NodeKind::Alias { target: new }) => {
            twin.get(*old) == Some(&Some(*new))
        }
        (
            NodeKind::Sequence {
                flow: a,
                items: old,
            },
            NodeKind::Sequence {
                flow: b,
                items: new,
            },
        ) => {
            pending.extend(old.iter().copied().zip(new.iter().copied()));
            a == b && old.len() == new.len()
        }
        (
            NodeKind::Mapping {
                flow: a,
                entries: old,
            },
            NodeKind::Mapping {
                flow: b,
                entries: new,
            },
        ) => {
            pair(old, new, pending);
            a == b && old.len() == new.len()
        }
        _ => false,
    };
    content && before.tag == after.tag && before.anchor == after.anchor
}

fn pair(old: &[MappingEntry], new: &[MappingEntry], pending: &mut Vec<(NodeId, NodeId)>) {
    for (old, new) in old.iter().zip(new) {
        pending.push((old.key, new.key));
        pending.push((old.value, new.value));
    }
}

//! The node that an edit means: never one that is shared or written twice.

use super::{
    ManifestError,
    lookup::NodeRef,
    tree::{Document, NodeId, NodeKind, Step, Yaml},
};

/// A node as it is written, with what holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Located {
    pub node: NodeId,
    /// The mapping whose value it is, and its position there.
    pub entry: Option<(NodeId, usize)>,
    /// Whether it stands inside brackets or braces.
    pub flow: bool,
}

/// How far a path leads.
pub(super) enum Reach<'p> {
    /// To its end.
    All(Located),
    /// To a mapping or an empty value where the rest of the path is missing.
    Part(Located, &'p [Step]),
}

/// The document with this index.
pub(super) fn document<'t, 'a>(
    yaml: &'t Yaml<'a>,
    index: usize,
) -> Result<&'t Document<'a>, ManifestError> {
    let count = yaml.documents.len();
    yaml.documents.get(index).ok_or_else(|| {
        ManifestError::whole(format!(
            "the file has {count} YAML documents, not {}; look at it again",
            index + 1
        ))
    })
}

/// The node at a path.
///
/// # Errors
/// Where the path is missing, shared, or written twice.
pub(super) fn locate(document: &Document<'_>, path: &[Step]) -> Result<Located, ManifestError> {
    match reach(document, path)? {
        Reach::All(place) => Ok(place),
        Reach::Part(place, rest) => {
            let at = &document.node(place.node);
            let done = &path[..path.len() - rest.len()];
            let parent = if done.is_empty() {
                "the document".to_owned()
            } else {
                format!("`{}`", shown(done))
            };
            let missing = shown(&rest[..1]);
            Err(ManifestError::at(
                at.line,
                format!("{parent} has no `{missing}`; insert it, or mend the layout"),
            ))
        }
    }
}

/// Follows a path through what is written in the document itself.
///
/// # Errors
/// Where it leads through an alias, a merge key, a scalar or a key that stands twice.
pub(super) fn reach<'p>(
    document: &Document<'_>,
    path: &'p [Step],
) -> Result<Reach<'p>, ManifestError> {
    let mut place = Located {
        node: 0,
        entry: None,
        flow: false,
    };
    for (depth, step) in path.iter().enumerate() {
        let node = document.node(place.node);
        let here = || {
            if depth == 0 {
                "the document".to_owned()
            } else {
                format!("`{}`", shown(&path[..depth]))
            }
        };
        match (&node.kind, step) {
            (NodeKind::Mapping { flow, .. }, Step::Key(key)) => {
                let Some((position, value)) = own_entry(document, place.node, key)? else {
                    refuse_merged(document, place.node, key)?;
                    return Ok(Reach::Part(place, &path[depth..]));
                };
                place = Located {
                    node: value,
                    entry: Some((place.node, position)),
                    flow: *flow,
                };
            }
            (NodeKind::Sequence { flow, items }, Step::Index(index)) => {
                let Some(item) = items.get(*index) else {
                    let message = format!(
                        "{} has {} items, not {}; look at the file again",
                        here(),
                        items.len(),
                        index + 1
                    );
                    return Err(ManifestError::at(node.line, message));
                };
                place = Located {
                    node: *item,
                    entry: None,
                    flow: *flow,
                };
            }
            (NodeKind::Null, _) => return Ok(Reach::Part(place, &path[depth..])),
            (NodeKind::Alias { target }, _) => {
                let target = document.node(*target);
                let anchor = target.anchor.as_deref().unwrap_or_default();
                let message = format!(
                    "{} is an alias of `&{anchor}` (line {}), which others share; edit it there, or write it out here first",
                    here(),
                    target.line
                );
                return Err(ManifestError::at(node.line, message));
            }
            (kind, step) => {
                let wanted = if matches!(step, Step::Key(_)) {
                    "keys"
                } else {
                    "items"
                };
                let message = format!(
                    "{} is {}, it has no {wanted}; mend the layout",
                    here(),
                    named(kind)
                );
                return Err(ManifestError::at(node.line, message));
            }
        }
    }
    Ok(Reach::All(place))
}

/// The position and the value of a key that a mapping has itself.
///
/// # Errors
/// Where the key stands twice.
pub(super) fn own_entry(
    document: &Document<'_>,
    mapping: NodeId,
    key: &str,
) -> Result<Option<(usize, NodeId)>, ManifestError> {
    let mapping = NodeRef::new(document, mapping);
    let mut found: Option<(usize, NodeRef<'_>, NodeRef<'_>)> = None;
    for (position, (name, value)) in mapping.own_entries().enumerate() {
        if name.text() != Some(key) {
            continue;
        }
        if let Some((_, first, _)) = found {
            let message = format!(
                "`{key}` stands twice, first in line {}; remove one of them",
                first.line()
            );
            return Err(ManifestError::at(name.line(), message));
        }
        found = Some((position, name, value));
    }
    Ok(found.map(|(position, _, value)| (position, value.id())))
}

/// What a kind of node is called.
pub(super) fn named(kind: &NodeKind<'_>) -> &'static str {
    match kind {
        NodeKind::Null => "empty",
        NodeKind::Scalar { .. } => "a scalar",
        NodeKind::Sequence { .. } => "a sequence",
        NodeKind::Mapping { .. } => "a mapping",
        NodeKind::Alias { .. } => "an alias",
    }
}

/// A path as a person writes it: `images[0].newTag`.
pub(super) fn shown(path: &[Step]) -> String {
    use std::fmt::Write as _;

    path.iter().fold(String::new(), |mut out, step| {
        // A String takes everything.
        let _ = match step {
            Step::Key(key) if out.is_empty() => write!(out, "{key}"),
            Step::Key(key) => write!(out, ".{key}"),
            Step::Index(index) => write!(out, "[{index}]"),
        };
        out
    })
}

/// What comes through a merge key belongs to another mapping, and a mapping written here would hide
/// all of it.
fn refuse_merged(document: &Document<'_>, mapping: NodeId, key: &str) -> Result<(), ManifestError> {
    match NodeRef::new(document, mapping).get(key) {
        Some(found) if found.merged => Err(ManifestError::at(
            document.node(mapping).line,
            format!(
                "`{key}` comes from line {} through a merge key (<<), which others share; write it out here first",
                found.value.line()
            ),
        )),
        _ => Ok(()),
    }
}

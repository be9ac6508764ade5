//! Merge keys (`<<`, YAML 1.1): a mapping's own keys win, then earlier merged mappings.

use std::collections::HashMap;

use super::{
    lookup::{Found, NodeRef},
    tree::{NodeKind, ScalarStyle},
};

/// Merges can be nested so that following them all takes for ever; nobody writes more than a few.
const MERGES_FOLLOWED: usize = 1_000;

pub(super) fn get<'t>(mapping: NodeRef<'t>, key: &str) -> Option<Found<'t>> {
    let mut budget = MERGES_FOLLOWED;
    let mut pending = vec![mapping];
    while let Some(current) = pending.pop() {
        if let Some(found) = own(current, key) {
            return Some(Found {
                merged: current.id() != mapping.id(),
                ..found
            });
        }
        budget = budget.checked_sub(1)?;
        push_sources(current, &mut pending);
    }
    None
}

pub(super) fn entries(mapping: NodeRef<'_>) -> Vec<Found<'_>> {
    let mut budget = MERGES_FOLLOWED;
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut all: Vec<Found<'_>> = Vec::new();
    let mut pending = vec![mapping];
    while let Some(current) = pending.pop() {
        let merged = current.id() != mapping.id();
        for (key, value) in current.own_entries() {
            let Some(text) = key.text().filter(|_| !is_merge_key(key)) else {
                continue;
            };
            let earlier = seen.get(text).and_then(|position| all.get_mut(*position));
            let found = Found {
                key,
                value,
                merged,
                duplicate: None,
            };
            match earlier {
                None => {
                    seen.insert(text, all.len());
                    all.push(found);
                }
                // The last of two equal keys wins, as for `get`.
                Some(earlier) if !merged => {
                    let duplicate = Some(earlier.key.line());
                    *earlier = Found { duplicate, ..found };
                }
                Some(_) => {}
            }
        }
        let Some(left) = budget.checked_sub(1) else {
            break;
        };
        budget = left;
        push_sources(current, &mut pending);
    }
    all
}

/// Whether a key merges another mapping in: `<<`, plain or tagged `!!merge`.
pub(super) fn is_merge_key(key: NodeRef<'_>) -> bool {
    let node = key.node();
    matches!(&node.kind, NodeKind::Scalar { text, style: ScalarStyle::Plain } if text == "<<")
        && node.tag.is_none_or(|tag| tag.ends_with("merge"))
}

fn own<'t>(mapping: NodeRef<'t>, key: &str) -> Option<Found<'t>> {
    let mut found: Option<Found<'t>> = None;
    for (name, value) in mapping.own_entries() {
        if name.text() == Some(key) {
            let duplicate = found.map(|earlier| earlier.key.line());
            found = Some(Found {
                key: name,
                value,
                merged: false,
                duplicate,
            });
        }
    }
    found
}

/// Puts what a mapping merges on the stack, the strongest on top.
fn push_sources<'t>(mapping: NodeRef<'t>, pending: &mut Vec<NodeRef<'t>>) {
    let first = pending.len();
    for (key, value) in mapping.own_entries() {
        if !is_merge_key(key) {
            continue;
        }
        if value.is_sequence() {
            pending.extend(value.items().map(NodeRef::resolve));
        } else {
            pending.push(value.resolve());
        }
    }
    pending[first..].reverse();
}

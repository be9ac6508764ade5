//! Whose a place of a file is, where several layouts read it.

use std::collections::{BTreeMap, HashMap};

use super::{
    compile::Layout,
    extract::{Findings, Place},
};
use crate::domain::manifest::NodePath;

/// Which layout each place of a file belongs to: to the first that reads it, so that a wide template behind a narrow one
/// does not show the same scalar as another cell.
#[derive(Default)]
pub(super) struct Claims {
    owners: HashMap<PlaceKey, usize>,
    /// The bytes of versions by where they begin: where they end, whether a tree led there, and who has them. A regular
    /// expression and a locator may mean the same bytes.
    bytes: BTreeMap<usize, (usize, bool, usize)>,
}

/// A place of one file.
#[derive(PartialEq, Eq, Hash)]
enum PlaceKey {
    Scalar(usize, NodePath),
    Text(usize),
}

impl Claims {
    /// Leaves those findings of the layout at `index` that no earlier layout has.
    pub(super) fn claim(&mut self, layouts: &[Layout], index: usize, findings: &mut Findings) {
        if layouts.len() < 2 || findings.found.is_empty() {
            return;
        }
        let same_source = |other: usize| {
            layouts[other].refs == layouts[index].refs
                && layouts[other].repository == layouts[index].repository
        };
        findings.found.retain(|found| {
            let (key, tree) = match &found.place {
                Place::Scalar {
                    document,
                    path,
                    within,
                    ..
                } => {
                    let (document, mut whole) = within
                        .as_deref()
                        .cloned()
                        .unwrap_or((*document, NodePath::new()));
                    whole.extend(path.iter().cloned());
                    (PlaceKey::Scalar(document, whole), true)
                }
                Place::Text { range, .. } => (PlaceKey::Text(range.start), false),
            };
            let mut owner = index;
            if let Some(bytes) = &found.bytes {
                let before = self.bytes.range(..bytes.end).next_back();
                match before {
                    Some((_, (end, by_tree, other))) if *end > bytes.start => {
                        if *by_tree != tree {
                            owner = *other;
                        }
                    }
                    _ => {
                        self.bytes.insert(bytes.start, (bytes.end, tree, index));
                    }
                }
            }
            let owner = *self.owners.entry(key).or_insert(owner);
            owner == index || !same_source(owner)
        });
        findings.applies = !findings.found.is_empty();
    }
}

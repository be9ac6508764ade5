//! Whose a place of a file is, where several layouts read it.
//!
//! | the later layout | the place is |
//! | --- | --- |
//! | is another reading of the same table, or gives the same cell | the earlier one's: it is one cell |
//! | is a wide template behind a narrow one: less of its path and locator is written out | the earlier one's |
//! | gives another cell | both cells': whoever writes one of them moves the other, and the plan says so |
//!
//! A [set that tries layouts](super::LayoutSet::tried) tells what each explains that those before it do not: there a place
//! is the first one's, whatever cell the later one gives.

use std::collections::{BTreeMap, HashMap};

use super::{
    bindings::Bindings,
    compile::Layout,
    extract::{Findings, Found, Place},
    level::{Finder, Level},
    pattern::Pattern,
    set::LayoutFacts,
};
use crate::domain::manifest::NodePath;

/// Who reads each place of a file, so that a wide template behind a narrow one does not show the same scalar as another
/// cell.
#[derive(Default)]
pub(super) struct Claims {
    owners: HashMap<PlaceKey, Vec<Owner>>,
    /// The bytes of versions by where they begin: where they end, whether a tree led there, and who has them. A regular
    /// expression and a locator may mean the same bytes.
    bytes: BTreeMap<usize, Vec<(usize, bool, Owner)>>,
}

/// Who reads a place.
#[derive(Clone, Copy)]
struct Owner {
    /// The layout.
    layout: usize,
    /// Its entry in what the file says, and which of its facts it is.
    at: (usize, usize),
}

/// A place of one file.
#[derive(PartialEq, Eq, Hash)]
enum PlaceKey {
    Scalar(usize, NodePath),
    Text(usize),
}

/// What a layout has found in a file, and what others have before it.
pub(super) struct Claimant<'a> {
    pub(super) layouts: &'a [Layout],
    /// The layout.
    pub(super) index: usize,
    /// What the ref's name captured.
    pub(super) origin: &'a Bindings,
    /// What the file says by the layouts before it.
    pub(super) entries: &'a [LayoutFacts],
    /// A place that an earlier layout reads is none of this one's, even if it gives another cell.
    pub(super) tried: bool,
}

impl Claims {
    /// Leaves those findings of a layout that are its own.
    pub(super) fn claim(&mut self, claimant: &Claimant<'_>, findings: &mut Findings) {
        if claimant.layouts.len() < 2 || findings.found.is_empty() {
            return;
        }
        let mut kept = 0;
        findings.found.retain(|found| {
            let (key, tree) = place(found);
            let owner = Owner {
                layout: claimant.index,
                at: (claimant.entries.len(), kept),
            };
            let mut others = self.owners.get(&key).into_iter().flatten();
            let mut taken = others.any(|other| claimant.yields(*other, found));
            if let Some(bytes) = &found.bytes
                && !taken
            {
                let before = self.bytes.range(..bytes.end).next_back();
                let mut others = before.into_iter().flat_map(|(_, others)| others);
                taken = others.any(|(end, by_tree, other)| {
                    *end > bytes.start && *by_tree != tree && claimant.yields(*other, found)
                });
            }
            if taken {
                return false;
            }
            if let Some(bytes) = &found.bytes {
                let known = self.bytes.entry(bytes.start).or_default();
                known.push((bytes.end, tree, owner));
            }
            self.owners.entry(key).or_default().push(owner);
            kept += 1;
            true
        });
        findings.applies = !findings.found.is_empty();
    }
}

impl Claimant<'_> {
    /// Whether a place that `other` reads is none of this layout's.
    fn yields(&self, other: Owner, found: &Found) -> bool {
        let (own, theirs) = (&self.layouts[self.index], &self.layouts[other.layout]);
        if other.layout == self.index
            || theirs.refs != own.refs
            || theirs.repository != own.repository
        {
            return false;
        }
        let (entry, fact) = other.at;
        let fact = self.entries.get(entry).and_then(|it| it.facts.get(fact));
        let cell = |layout: &Layout, bound: &Bindings| layout.cell(&self.origin.join(bound)?);
        let same = || {
            let known = fact.and_then(|fact| cell(theirs, &fact.bindings));
            cell(own, &found.bindings).is_none_or(|cell| known == Some(cell))
        };
        self.tried || theirs.spec == own.spec || is_wider(own, theirs) || same()
    }
}

/// Whether a layout means whatever another leaves of the same places: less of its path and of its locator is written out.
fn is_wider(own: &Layout, other: &Layout) -> bool {
    let (Some(own), Some(other)) = (own.levels.first(), other.levels.first()) else {
        return false;
    };
    let path = |level: &Level| level.path.as_ref().map_or(0, Pattern::written_out);
    let (own_path, other_path) = (path(own), path(other));
    let (own_way, other_way) = match (&own.finder, &other.finder) {
        (Finder::Tree(own), Finder::Tree(other)) => (own.written_out(), other.written_out()),
        _ => (0, 0),
    };
    own_path <= other_path && own_way <= other_way && (own_path, own_way) != (other_path, other_way)
}

/// The place of a finding, and whether a tree led there.
fn place(found: &Found) -> (PlaceKey, bool) {
    match &found.place {
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
    }
}

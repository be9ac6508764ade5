//! Digests that belong to a version and stand somewhere else than where it is written: in a fall-back file, whose digest
//! stays in force under an override of the tag, or only where the version comes from.

use super::{Editor, Spot, place};
use crate::domain::{
    layout::{
        extract::Place,
        pair::Pair,
        part::{Part, is_digest},
    },
    manifest::{self, Edit, NodePath, NodeRef},
    version::Version,
};

impl<'a> Editor<'a> {
    /// A target with the places of the digest that goes with its tag, which the file itself does not have: a fall-back's
    /// digest would stay in force, and a version with a digest is written as the service's other environments have it.
    pub(super) fn paired(&self, spot: &Spot<'a>, version: &Version) -> Spot<'a> {
        let mut spot = spot.clone();
        let whole = matches!(spot.part(), Part::Whole) && spot.level < Spot::ALSO;
        let Place::Scalar {
            pair: own,
            text,
            borrowed: false,
            ..
        } = &spot.found.place
        else {
            return spot;
        };
        if !whole || own.is_none() && pinned(text) {
            return spot;
        }
        let pair = match own.as_deref() {
            Some(own) if own.kustomize || !own.is_beside() => return spot,
            Some(own) => {
                let below = self.inherited(None);
                let below = below.and_then(|below| self.fitted(&spot, below));
                below.map(|below| own.clone().over(below))
            }
            None => {
                let tag = Some(text.clone()).filter(|text| !text.is_empty());
                let pair = self.pair_for(tag, version);
                pair.and_then(|pair| self.fitted(&spot, pair))
            }
        };
        if let (Some(pair), Place::Scalar { pair: known, .. }) = (pair, &mut spot.found.place) {
            *known = Some(Box::new(pair));
        }
        spot
    }

    /// The tag and digest that a place of this cell has to have for `version`, where the file has at most the tag yet. Where
    /// that is, [`Pair::fitted`] says how much of it there is room for.
    pub(super) fn pair_for(&self, tag: Option<String>, version: &Version) -> Option<Pair> {
        match self.inherited(tag.clone()) {
            None if pinned(version.as_str()) => self.pair_elsewhere()?.elsewhere(tag),
            below => below,
        }
    }

    /// The tag and digest of the fall-back file, of which whatever is not written over is in force.
    fn inherited(&self, tag: Option<String>) -> Option<Pair> {
        let below = self.fallback().ok().flatten().and_then(written_apart);
        below.map(|below| below.inherited(tag))
    }

    /// How another environment of the service has a tag and a digest, apart from an image's name: that is its own.
    fn pair_elsewhere(&self) -> Option<Pair> {
        let mut row = self.desired.row(&self.key.service);
        row.find_map(|(key, cell)| {
            if key == self.key || cell.layout != self.cell.layout {
                return None;
            }
            let own = Editor { key, cell, ..*self }.own_places().ok()?;
            let mut pairs = own.into_iter().filter_map(written_apart);
            pairs.find(|pair| pair.clone().elsewhere(None).is_some())
        })
    }

    /// A pair as far as the document of `spot` leaves room for it.
    fn fitted(&self, spot: &Spot<'_>, pair: Pair) -> Option<Pair> {
        let Place::Scalar {
            document,
            path,
            within,
            ..
        } = &spot.found.place
        else {
            return None;
        };
        let fit = |bytes: &[u8]| {
            let yaml = manifest::parse(bytes).ok()?;
            let root = yaml.documents.get(*document)?.root();
            pair.fitted(root, path)
        };
        let bytes = self.file(&spot.path)?;
        match within {
            None => fit(&bytes),
            Some(within) => {
                let yaml = manifest::parse(&bytes).ok()?;
                let text = yaml.documents.get(within.0)?.root().find(&within.1)?;
                fit(text.text()?.as_bytes())
            }
        }
    }
}

/// Writes a version that is not there yet as a tag and a digest; `path` is the tag's, in the document of `root`.
pub(super) fn insertions(
    document: usize,
    root: Option<NodeRef<'_>>,
    path: &NodePath,
    pair: &Pair,
    version: &Version,
) -> Vec<Edit> {
    let fitted = root.map_or_else(
        || Some(pair.clone()),
        |root| pair.clone().fitted(root, path),
    );
    let (tag, digest) = match &fitted {
        Some(pair) => place::halves(pair, version),
        None => (Some(version.as_str().to_owned()), None),
    };
    let mut edits: Vec<Edit> = tag
        .and_then(|tag| place::own_key(document, path, tag))
        .into_iter()
        .collect();
    for at in fitted.iter().flat_map(|pair| &pair.places) {
        let after = at.after(digest.as_deref(), false);
        let Some(value) = after.filter(|after| at.before(None).as_ref() != Some(after)) else {
            continue;
        };
        let path = at.place.beside(path);
        edits.extend(if at.is_there() {
            Some(Edit::Set {
                document,
                path,
                value,
            })
        } else {
            place::own_key(document, &path, value)
        });
    }
    edits
}

/// Whether a version has a digest.
pub(super) fn pinned(text: &str) -> bool {
    is_digest(text) || text.contains('@')
}

/// The pair of a place of charts: Kustomize's overlays replace tag and digest of their base alike, whichever they name.
/// (`SetImageValue` of its image tag filter.)
fn written_apart(spot: Spot<'_>) -> Option<Pair> {
    match spot.found.place {
        Place::Scalar { pair, .. } => {
            let apart = |pair: &Pair| !pair.kustomize && pair.is_beside();
            pair.map(|pair| *pair).filter(apart)
        }
        Place::Text { .. } => None,
    }
}

#[cfg(test)]
pub(super) mod tests;

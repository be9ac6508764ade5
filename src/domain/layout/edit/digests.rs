//! Digests that belong to a version and stand somewhere else than where it is written: in a fall-back file, whose digest
//! stays in force under an override of the tag, or only where the version comes from.

use super::{Editor, Spot, place};
use crate::domain::{
    layout::{
        extract::Place,
        pair::{DigestPlace, Form, Pair},
        part::{Part, is_digest},
    },
    manifest::{Edit, NodePath},
    version::Version,
};

impl<'a> Editor<'a> {
    /// A target with the place of the digest that goes with its tag, where the file itself does not have one: a fall-back's
    /// digest would stay in force, and a version with a digest is written as the service's other environments have it.
    pub(super) fn paired(&self, spot: &Spot<'a>, version: &Version) -> Spot<'a> {
        let mut spot = spot.clone();
        let part = matches!(spot.part(), Part::Whole);
        let Place::Scalar {
            pair: pair @ None,
            text,
            borrowed: false,
            ..
        } = &mut spot.found.place
        else {
            return spot;
        };
        if !part || spot.level >= Spot::ALSO || pinned(text) {
            return spot;
        }
        let tag = Some(text.clone()).filter(|text| !text.is_empty());
        *pair = self.pair_for(tag, version).map(Box::new);
        spot
    }

    /// The tag and digest that a place of this cell has to have for `version`, where the file has at most the tag yet.
    pub(super) fn pair_for(&self, tag: Option<String>, version: &Version) -> Option<Pair> {
        let below = self.fallback().ok().flatten().and_then(written_apart);
        match below {
            Some(below) => Some(Pair {
                inherited_digest: below.digest.is_some(),
                ..below.elsewhere(tag)
            }),
            None if pinned(version.as_str()) => {
                self.pair_elsewhere().map(|pair| pair.elsewhere(tag))
            }
            None => None,
        }
    }

    /// How another environment of the service has a tag and a digest.
    fn pair_elsewhere(&self) -> Option<Pair> {
        let mut row = self.desired.row(&self.key.service);
        row.find_map(|(key, cell)| {
            if key == self.key || cell.layout != self.cell.layout {
                return None;
            }
            let own = Editor { key, cell, ..*self }.own_places().ok()?;
            // An image's name is of its environment.
            let mut pairs = own.into_iter().filter_map(written_apart);
            pairs.find(|pair| !matches!(pair.form, Form::Behind(_)))
        })
    }
}

/// Writes a version that is not there yet as a tag and a digest; `path` is the tag's.
pub(super) fn insertions(
    document: usize,
    path: &NodePath,
    pair: &Pair,
    version: &Version,
) -> Vec<Edit> {
    let (tag, digest) = place::halves(pair, version);
    let digest = digest.or_else(|| pair.inherited_digest.then(String::new));
    let digests = digest.map(|digest| pair.written(&digest));
    let digests = digests.into_iter().flatten();
    let halves = std::iter::once((path.clone(), tag))
        .chain(digests.map(|(place, text)| (place.beside(path), Some(text))));
    let edits = halves.filter_map(|(path, text)| place::own_key(document, &path, text?));
    edits.collect()
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
            let apart =
                |pair: &Pair| !pair.kustomize && matches!(pair.place, DigestPlace::Key { .. });
            pair.map(|pair| *pair).filter(apart)
        }
        Place::Text { .. } => None,
    }
}

//! What stands beside a version (`also`) and was not moved with it, though it says something of its own: where nothing tells
//! what goes with the new version, the plan names it.

use super::{Editor, Files};
use crate::domain::{
    desired::Desired,
    ids::CellKey,
    layout::{LayoutSet, extract::Found},
    version::Version,
};

/// So many places of one `also` entry are named.
const NAMED: usize = 3;

/// What an edit of `key` leaves as it was beside the version: a sentence for each place. `before` gives the files without
/// the edits of a plan, `after` with them.
pub fn left_beside(
    layouts: &LayoutSet,
    desired: &Desired,
    key: &CellKey,
    before: Files<'_>,
    after: Files<'_>,
) -> Vec<String> {
    let Some(cell) = desired.cells.get(key) else {
        return Vec::new();
    };
    let editor = |files| Editor {
        layouts,
        desired,
        key,
        cell,
        files,
        then: &|_, _| None,
    };
    editor(after).left_of(&editor(before)).unwrap_or_default()
}

impl Editor<'_> {
    /// The same, of this editor's files against those of `before`.
    fn left_of(&self, before: &Editor<'_>) -> Option<Vec<String>> {
        // Nearly all layouts have none: nothing is read for them.
        let mut layouts = self.layouts.layouts.iter();
        if !layouts.any(|layout| !layout.also.is_empty()) {
            return None;
        }
        let declares = |found: &Found| found.version.is_some();
        let own = self.own_places().ok()?;
        let spot = own.iter().find(|spot| declares(&spot.found))?;
        let version = spot.found.version.as_ref()?;
        let was = before.own_places().ok()?;
        let was = was.iter().find(|spot| declares(&spot.found))?;
        if was.found.version.as_ref() == Some(version) {
            return None;
        }
        let mut sentences = Vec::new();
        for (index, level) in spot.layout.also.iter().enumerate() {
            let places = self.also_places(spot, level).ok()?;
            let old = before.also_places(was, level).ok()?;
            // Of several places those that repeat the version are meant.
            let repeats = |found: &Found| found.version.as_ref() == Some(version);
            if places.iter().any(|(_, found)| repeats(found)) {
                continue;
            }
            let stays = places.iter().zip(&old).filter(|((_, new), (_, old))| {
                declares(new) && new.version == old.version && !self.belongs(index, version, new)
            });
            for ((path, found), _) in stays.take(NAMED) {
                let text = found.version.as_ref().map_or("", Version::as_str);
                sentences.push(format!(
                    "{path}:{}: {text} stays as it is (`also[{index}]`): nothing says what goes with {version}; where it \
                     should move too, change it by hand, or promote from an environment that has both",
                    found.line
                ));
            }
        }
        Some(sentences)
    }

    /// Whether another environment that declares the version has this beside it.
    fn belongs(&self, index: usize, version: &Version, found: &Found) -> bool {
        let mut others = self.elsewhere(index);
        others.any(|(other, places)| {
            other.as_ref() == Some(version) && places.contains(&found.version)
        })
    }
}

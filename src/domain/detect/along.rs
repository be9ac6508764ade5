//! What goes along with a version: another key of its file that says the same in every environment. A promotion that left it
//! behind would be half of one.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::Guess;
use crate::domain::{
    desired::Desired,
    layout::{AlsoSpec, LayoutSpec},
    version::Version,
};

/// A place that says again what another one in its file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Again {
    pub(super) path: String,
    pub(super) line: u32,
    /// Its keys, as a layout names them.
    pub(super) locator: String,
    /// Whether its file is JSON; else it is YAML.
    pub(super) json: bool,
    pub(super) version: Rc<str>,
}

/// A line with the version on it.
type Said<'d> = (u32, &'d str);

/// Files in which two places must say the same.
const FILES: usize = 3;

/// Adds to each layout the places that say the same as its own in all of its files.
pub(super) fn add(guess: &mut Guess, desired: &Desired, again: &[Again]) {
    let mut kinds: BTreeMap<(&str, bool), BTreeMap<&str, &Again>> = BTreeMap::new();
    for it in again {
        let own = kinds.entry((&it.locator, it.json)).or_default();
        own.insert(&it.path, it);
    }
    // By layout and file: the one cell that it is of, with its line; nothing where it is of several.
    let mut files: BTreeMap<usize, BTreeMap<&str, Option<Said<'_>>>> = BTreeMap::new();
    for cell in desired.cells.values() {
        for source in &cell.sources {
            let version = cell.version.as_ref().map(Version::as_str);
            let plain = version.filter(|_| !cell.inherited && cell.sources.len() == 1);
            let own = files.entry(cell.layout).or_default();
            own.entry(source.path.as_str())
                .and_modify(|it| *it = None)
                .or_insert(plain.map(|version| (source.line, version)));
        }
    }
    for (at, layout) in guess.layouts.iter_mut().enumerate() {
        let Some(own) = files.get(&at).filter(|own| own.len() >= FILES) else {
            continue;
        };
        let versions = own.values().flatten().map(|(_, version)| version);
        let versions: BTreeSet<&&str> = versions.collect();
        if versions.len() < 2 || !is_plain(layout) {
            continue;
        }
        for ((locator, json), places) in &kinds {
            let same = |(path, cell): (&&str, &Option<Said<'_>>)| {
                let (Some(it), Some((line, version))) = (places.get(path), cell) else {
                    return false;
                };
                it.line != *line && it.version.as_ref() == *version
            };
            if own.iter().all(same) {
                let locator = Some((*locator).to_owned());
                layout.also.push(AlsoSpec {
                    yaml: locator.clone().filter(|_| !json),
                    json: locator.filter(|_| *json),
                    ..AlsoSpec::default()
                });
            }
        }
    }
}

/// Whether its cells stand in files of one branch, and are edited there alone.
fn is_plain(layout: &LayoutSpec) -> bool {
    layout.refs.is_none() && !layout.read_only && layout.fallbacks.is_empty()
}

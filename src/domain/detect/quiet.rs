//! What is a version and nobody promotes: files in which hardly anything changes where much else does, and what is the same
//! for every service. It is told, and no cell.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Guess, settle, words};
use crate::domain::{desired::Desired, text::count};

/// Files of one kind that no layout reads though it could, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    /// The template of their paths.
    pub path: String,
    /// How many cells they would be.
    pub cells: usize,
    /// How many version changes of recent history are of them.
    pub moved: usize,
    /// Whether every service has the same version there; else hardly any of them changes.
    pub same: bool,
}

impl Quiet {
    /// What is left out and why, for people.
    pub fn words(&self) -> String {
        let why = if self.same {
            "every service has the same version there".to_owned()
        } else {
            format!(
                "{} there in recent history, while others change often",
                count(self.moved, "version change")
            )
        };
        format!("{}, {}: {why}", self.path, count(self.cells, "cell"))
    }
}

/// Changes from which on what does not change says something.
const MUCH: usize = 100;
/// Cells from which on files are many: of a few nothing is said by their rest.
const MANY: usize = 20;
/// How many times less often than the others the cells of what is left out change.
const RARER: usize = 5;
/// Services from which on one version for all of them is none of theirs, and how many times more cells the rest has.
const SERVICES: usize = 5;
const SMALL: usize = 10;

/// Takes out the layouts of files that hardly change, and those of what is the same for every service. `read` gives the
/// matrix of what is left.
pub(super) fn without_quiet(
    guess: &mut Guess,
    desired: Desired,
    read: impl Fn(&Guess) -> Option<Desired>,
) -> Desired {
    if guess.moved.len() != guess.layouts.len() || guess.explained.len() != guess.layouts.len() {
        return desired;
    }
    let mut kinds: BTreeMap<String, Quiet> = BTreeMap::new();
    let of = |guess: &Guess, at: usize| guess.layouts[at].path.clone().unwrap_or_default();
    for at in 0..guess.layouts.len() {
        let path = of(guess, at);
        let kind = kinds.entry(path.clone()).or_insert(Quiet {
            path,
            cells: 0,
            moved: 0,
            same: false,
        });
        kind.cells += guess.explained[at];
        kind.moved += guess.moved[at];
    }
    let (all, moved) = kinds.values().fold((0, 0), |(cells, moved), kind| {
        (cells + kind.cells, moved + kind.moved)
    });
    let mut found: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    for (key, cell) in &desired.cells {
        let path = guess
            .layouts
            .get(cell.layout)
            .and_then(|it| it.path.as_deref());
        if let (Some(path), Some(version)) = (path, &cell.version) {
            let (services, versions) = found.entry(path).or_default();
            services.insert(key.service.as_str());
            versions.insert(version.as_str());
        }
    }
    for kind in kinds.values_mut() {
        let seen = found.get(kind.path.as_str());
        kind.same = seen
            .is_some_and(|(services, versions)| services.len() >= SERVICES && versions.len() == 1)
            && kind.cells * SMALL <= all;
    }
    kinds.retain(|_, kind| {
        // Of what changes `moved` times in `all` cells, it has its share many times over.
        let rare = kind.cells >= MANY && kind.moved * all * RARER < moved * kind.cells;
        moved >= MUCH && (rare || kind.same)
    });
    if kinds.is_empty() || (0..guess.layouts.len()).all(|at| kinds.contains_key(&of(guess, at))) {
        return desired;
    }
    let kept: Vec<bool> = (0..guess.layouts.len())
        .map(|at| !kinds.contains_key(&of(guess, at)))
        .collect();
    let mut layouts = kept.iter();
    guess
        .layouts
        .retain(|_| layouts.next().is_some_and(|it| *it));
    let mut explained = kept.iter();
    guess
        .explained
        .retain(|_| explained.next().is_some_and(|it| *it));
    let mut moved = kept.iter();
    guess.moved.retain(|_| moved.next().is_some_and(|it| *it));
    guess.quiet = kinds.into_values().collect();
    guess.explanation = settle::explanation(&settle::paths(&guess.layouts, &guess.explained), None);
    let Some(desired) = read(guess) else {
        return desired;
    };
    let cells = desired.cells.iter();
    let used = cells.filter(|(_, cell)| cell.version.is_some());
    let used: BTreeSet<&str> = used.map(|(key, _)| key.environment.as_str()).collect();
    let before = guess.environments.len();
    guess
        .environments
        .retain(|name| used.contains(name.as_str()));
    if guess.environments.len() < before {
        guess.edges = words::edges(&guess.environments);
        let environments = &guess.environments;
        guess.places.retain(|name, _| environments.contains(name));
    }
    desired
}

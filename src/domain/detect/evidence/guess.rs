//! What evidence proposes.

use std::collections::{BTreeSet, HashMap};

use super::{
    super::{
        Candidate, Evidence, Guess,
        agents::Agents,
        settle::{self, shares},
        trial::assemble,
        words,
    },
    Found,
    classify::{self, Class, Strength, strength},
    lexicon,
};
use crate::domain::desired::Desired;

/// A guess with what speaks for it.
#[derive(Debug)]
pub(in crate::domain::detect) struct Proposal {
    pub(in crate::domain::detect) guess: Guess,
    /// What its layouts read.
    pub(in crate::domain::detect) desired: Desired,
    /// What could be environments.
    pub(in crate::domain::detect) candidates: Vec<Candidate>,
    /// How much of its environments' names is usual.
    pub(in crate::domain::detect) lexical: f64,
    /// Names that the repository itself says are environments' or clusters'.
    pub(in crate::domain::detect) said: BTreeSet<String>,
    /// The share of what moves that it reads.
    pub(in crate::domain::detect) explained: f64,
    /// What each place is worth, by path and line.
    pub(in crate::domain::detect) weights: HashMap<(String, u32), f64>,
    /// How often each place changed, by path and line.
    pub(in crate::domain::detect) moves: HashMap<(String, u32), usize>,
}

/// What could be environments.
pub(in crate::domain::detect) fn candidates(evidence: &Evidence<'_>) -> Vec<Candidate> {
    let mut places = super::places(evidence.paths, evidence.read);
    super::moved(&mut places, evidence);
    let said = Agents::read(evidence.paths, evidence.read).said();
    super::find(places, evidence, &said).candidates()
}

/// Changes of versions from which on what does not change says something.
pub(super) const MUCH: usize = 100;

/// How much a name is one that environments have, from 0.4 to 1.
pub(in crate::domain::detect) fn named(name: &str) -> f64 {
    let host = |part: &str| if lexicon::is_host(part) { 100 } else { 0 };
    let weight = name
        .split('/')
        .map(|part| lexicon::weight(part).max(host(part)))
        .max();
    f64::from(weight.unwrap_or_default().max(40)) / 100.0
}

/// Whether a text looks like a version, whatever its place.
pub(in crate::domain::detect) fn looks_like_one(text: &str) -> bool {
    strength(text).is_some()
}

/// Whether a text names what may change behind it, a branch, `latest`; or nothing at all.
pub(in crate::domain::detect) fn is_floating(text: &str) -> bool {
    let nothing = ["none", "null", "tbd", "todo", "unset", "changeme"];
    strength(text) == Some(Strength::Floating) || nothing.contains(&text)
}

/// Whether a key that ends like one of versions, or its value, is of something that nobody promotes.
pub(in crate::domain::detect) fn is_other(key: &str, value: &str) -> bool {
    classify::is_other(key, value)
}

/// Looks for evidence in the tree and in what moved.
pub(in crate::domain::detect) fn guess(
    evidence: &Evidence<'_>,
    agents: &Agents,
) -> Option<Proposal> {
    let mut places = super::places(evidence.paths, evidence.read);
    super::moved(&mut places, evidence);
    let said = agents.said();
    let found = super::find(places, evidence, &said);
    let mut specs = found.layouts();
    if specs.is_empty() {
        return None;
    }
    let names: BTreeSet<String> = found.environments().into_iter().collect();
    let read = |specs: &[_], names: &[String]| {
        assemble(specs, names, evidence.paths.iter().copied(), evidence)
    };
    let mut environments = words::in_order(&names);
    let desired = read(&specs, &environments)?;
    let mut explained = shares(&desired, specs.len());
    let mut kept = explained
        .iter()
        .map(|cells| *cells > 0)
        .collect::<Vec<_>>()
        .into_iter();
    specs.retain(|_| kept.next().unwrap_or(true));
    explained.retain(|cells| *cells > 0);
    if specs.is_empty() {
        return None;
    }
    // Columns that nothing stands in are none.
    let used: BTreeSet<&str> = desired
        .cells
        .iter()
        .filter(|(_, cell)| cell.version.is_some())
        .map(|(key, _)| key.environment.as_str())
        .collect();
    let all = environments.len();
    environments.retain(|name| used.contains(name.as_str()));
    let whole = all == environments.len() && found.layouts().len() == specs.len();
    let desired = if whole {
        desired
    } else {
        read(&specs, &environments)?
    };
    let mut by_share: Vec<(usize, &str)> = explained
        .iter()
        .copied()
        .zip(
            specs
                .iter()
                .map(|spec| spec.path.as_deref().unwrap_or_default()),
        )
        .collect();
    by_share.sort_by_key(|(cells, _)| std::cmp::Reverse(*cells));
    let mut paths: Vec<&str> = Vec::new();
    for (_, path) in by_share {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    let guess = Guess {
        edges: words::edges(&environments),
        places: settle::places(&environments, &desired, agents),
        explanation: settle::explanation(&paths, None),
        environments,
        explained,
        layouts: specs.clone(),
        ..Guess::default()
    };
    let moves = found.places.iter().filter(|place| !place.moves.is_empty());
    let moves = moves.map(|place| {
        let at = (evidence.paths[place.file].to_owned(), place.scalar.line);
        (at, place.moves.len())
    });
    Some(Proposal {
        guess,
        desired,
        candidates: found.candidates(),
        lexical: found.lexical(),
        explained: found.explained_share(),
        said,
        moves: moves.collect(),
        weights: weights(&found, evidence),
    })
}

/// What each place is worth: most where it moves, and little where others move and it does not.
fn weights(found: &Found, evidence: &Evidence<'_>) -> HashMap<(String, u32), f64> {
    let mut weights = HashMap::new();
    let moves: usize = found.places.iter().map(|it| it.moves.len()).sum();
    let still = if moves < MUCH { 1.0 } else { 0.3 };
    for place in &found.places {
        let sign = &place.scalar.sign;
        let weight = match (place.moves.is_empty(), sign.class, sign.strength) {
            (false, ..) => 2.0,
            (true, Class::Image, Strength::Fixed | Strength::Like) => still,
            (true, Class::Image, _) => still / 2.0,
            _ => 0.2,
        };
        let at = (evidence.paths[place.file].to_owned(), place.scalar.line);
        weights.insert(at, weight);
    }
    weights
}

//! What evidence proposes.

use std::collections::{BTreeSet, HashMap};

use super::{
    super::{
        Candidate, Evidence, Guess,
        agents::Agents,
        along::Again,
        keep::only,
        quiet::Moves,
        settle::{self, shares},
        trial::assemble,
        words,
    },
    Found, Place,
    classify::{self, Class, Part, Strength, strength},
    lexicon,
    scan::{Form, Step},
    write::quoted,
};
use crate::domain::{
    desired::{Desired, Source},
    version::Version,
};

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
    /// Places that only say again what another one in their file says.
    pub(in crate::domain::detect) again: Vec<Again>,
    /// When each place got which version.
    pub(in crate::domain::detect) moves: Moves,
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
    let mut desired = read(&specs, &environments)?;
    let seen = seen(&found.places, evidence);
    // What another layout reads instead is looked at too.
    loop {
        let right = reads_as_seen(&desired, &seen, specs.len());
        if !right.contains(&false) {
            break;
        }
        only(&mut specs, &right);
        desired = read(&specs, &environments)?;
    }
    let mut explained = shares(&desired, specs.len());
    let kept: Vec<bool> = explained.iter().map(|cells| *cells > 0).collect();
    let read_by = specs.len();
    only(&mut specs, &kept);
    only(&mut explained, &kept);
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
    let whole = all == environments.len() && read_by == specs.len();
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
        (at, place.moves.clone())
    });
    Some(Proposal {
        guess,
        desired,
        candidates: found.candidates(),
        lexical: found.lexical(),
        explained: found.explained_share(),
        said,
        again: again(&found, evidence),
        moves: moves.collect(),
        weights: weights(&found, evidence),
    })
}

/// The versions that the scan saw, by path and line.
type Seen<'f> = HashMap<(&'f str, u32), Vec<&'f str>>;

fn seen<'f>(places: &'f [Place], evidence: &Evidence<'f>) -> Seen<'f> {
    let mut seen = Seen::new();
    for place in places {
        let at = (evidence.paths[place.file], place.scalar.line);
        seen.entry(at).or_default().push(&place.scalar.sign.version);
    }
    seen
}

/// Which layouts read at every place the version that the scan saw there: a promotion writes what a layout reads, and one
/// that takes more than the version with it carries that to where it is wrong.
fn reads_as_seen(desired: &Desired, seen: &Seen<'_>, layouts: usize) -> Vec<bool> {
    let mut right = vec![true; layouts];
    for cell in desired.cells.values() {
        let Some(version) = cell.version.as_ref().map(Version::as_str) else {
            continue;
        };
        let same = |source: &Source| {
            let at = (source.path.as_str(), source.line);
            seen.get(&at).is_none_or(|it| it.contains(&version))
        };
        if !cell.sources.iter().all(same)
            && let Some(own) = right.get_mut(cell.layout)
        {
            *own = false;
        }
    }
    right
}

/// The places that repeat others of their files, as far as keys alone say where they are.
fn again(found: &Found, evidence: &Evidence<'_>) -> Vec<Again> {
    let mut counts: HashMap<(usize, &[Step]), usize> = HashMap::new();
    for place in &found.places {
        *counts.entry((place.file, &place.scalar.steps)).or_default() += 1;
    }
    let each = found.copies.iter().filter_map(|at| {
        let place = &found.places[*at];
        let Place { file, scalar, .. } = place;
        let plain = scalar.sign.part == Part::Whole && scalar.form != Form::Lines;
        let single = counts.get(&(*file, scalar.steps.as_slice())) == Some(&1);
        let keys = scalar.steps.iter().map(|step| match step {
            Step::Key(key) => Some(quoted(key)),
            _ => None,
        });
        let keys: Option<Vec<String>> = keys.collect();
        Some(Again {
            path: evidence.paths[*file].to_owned(),
            line: scalar.line,
            locator: keys.filter(|_| plain && single)?.join("."),
            json: scalar.form == Form::Json,
            version: scalar.sign.version.clone(),
        })
    });
    each.collect()
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{
        desired::DesiredCell,
        ids::{CellKey, ObjectId},
        layout::{Assembler, LayoutSet},
    };

    /// A layout that takes more than the version, or another one, is none.
    #[test]
    fn layouts_read_what_was_seen() {
        let cell = |layout: usize, line: u32, version: &str| DesiredCell {
            version: Some(version.into()),
            layout,
            sources: vec![Source {
                path: "a.yaml".into(),
                line,
            }],
            ..DesiredCell::default()
        };
        let cells = [
            cell(0, 1, "1.2.3"),
            cell(1, 1, "https://x.example/1.2.3"),
            cell(2, 9, "unseen"),
        ];
        let none = LayoutSet::compile(&[], &[]).unwrap();
        let mut desired = Assembler::new(Arc::new(none), &[]).desired(ObjectId::new([0; 20]));
        for (service, cell) in ["web", "api", "cart"].into_iter().zip(cells) {
            let key = CellKey {
                service: service.into(),
                environment: "dev".into(),
            };
            desired.cells.insert(key, cell);
        }
        let seen = Seen::from([(("a.yaml", 1), vec!["1.2.3"])]);
        assert_eq!(reads_as_seen(&desired, &seen, 3), [true, false, true]);
    }
}

//! Promotion order by what happened: which environment got a version before which.

use std::collections::BTreeMap;

use super::{Guess, words};
use crate::domain::{
    ids::{EnvironmentName, ServiceName},
    version::Version,
};

/// A version that landed in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The row.
    pub service: ServiceName,
    /// The column.
    pub environment: EnvironmentName,
    /// What it got.
    pub version: Version,
    /// When; any measure that grows, such as seconds.
    pub at: i64,
}

/// Fewest versions that speak for an order.
const ENOUGH: usize = 3;

/// How often one environment had a version before another.
struct Precedence {
    earlier: BTreeMap<(String, String), usize>,
}

/// Puts environments whose names do not tell where history says: after those that had their versions before. Those whose
/// names tell keep their order.
pub fn by_history(guess: &mut Guess, sightings: &[Sighting]) {
    let precedence = Precedence::of(sightings);
    let (told, unusual): (Vec<String>, Vec<String>) = guess
        .environments
        .drain(..)
        .partition(|name| words::known_loosely(name).is_some());
    let mut ordered = told;
    for name in precedence.sorted(unusual) {
        let behind = ordered.iter().rposition(|it| precedence.leads(it, &name));
        let before = ordered.iter().position(|it| precedence.leads(&name, it));
        let at = match (behind, before) {
            (Some(behind), _) => behind + 1,
            (None, Some(before)) => before,
            (None, None) => ordered.len(),
        };
        ordered.insert(at, name);
    }
    guess.environments = ordered;
    let unusual = |name: &str| words::known_loosely(name).is_none();
    guess
        .edges
        .retain(|(from, to)| !unusual(from) && !unusual(to));
    let mut edges = Vec::new();
    for (at, to) in guess.environments.iter().enumerate() {
        if !unusual(to) {
            continue;
        }
        // The nearest before it that had most of its versions first.
        let before = &guess.environments[..at];
        let most = before.iter().map(|from| precedence.count(from, to)).max();
        let from = before.iter().rev().find(|from| {
            precedence.leads(from, to)
                && precedence.count(from, to) * 10 >= most.unwrap_or_default() * 7
        });
        edges.extend(from.map(|from| (from.clone(), to.clone())));
    }
    guess.by_history = edges.iter().map(|(_, to)| to.clone()).collect();
    guess.edges.extend(edges);
}

impl Precedence {
    fn of(sightings: &[Sighting]) -> Self {
        // When each version was first seen in each environment.
        let mut first: BTreeMap<(&str, &str), BTreeMap<&str, i64>> = BTreeMap::new();
        for sighting in sightings {
            let version = (sighting.service.as_str(), sighting.version.as_str());
            let seen = first.entry(version).or_default();
            let at = seen
                .entry(sighting.environment.as_str())
                .or_insert(sighting.at);
            *at = (*at).min(sighting.at);
        }
        let mut earlier: BTreeMap<(String, String), usize> = BTreeMap::new();
        for seen in first.values() {
            for (from, at) in seen {
                for (to, later) in seen {
                    if at < later {
                        let pair = ((*from).to_owned(), (*to).to_owned());
                        *earlier.entry(pair).or_default() += 1;
                    }
                }
            }
        }
        Self { earlier }
    }

    fn count(&self, from: &str, to: &str) -> usize {
        let pair = (from.to_owned(), to.to_owned());
        self.earlier.get(&pair).copied().unwrap_or_default()
    }

    /// Whether `from` had versions first often enough, and the other way round seldom.
    fn leads(&self, from: &str, to: &str) -> bool {
        let (forth, back) = (self.count(from, to), self.count(to, from));
        forth >= ENOUGH && forth >= back * 3
    }

    /// Among each other by how many each leads; by name where that does not tell.
    fn sorted(&self, mut names: Vec<String>) -> Vec<String> {
        names.sort();
        let led: BTreeMap<String, usize> = names
            .iter()
            .map(|name| {
                let led = names.iter().filter(|other| self.leads(name, other));
                (name.clone(), led.count())
            })
            .collect();
        names.sort_by_key(|name| std::cmp::Reverse(led[name]));
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `web 1 dev` and so on, one a day.
    fn sightings(text: &str) -> Vec<Sighting> {
        let words: Vec<&str> = text.split_whitespace().collect();
        words
            .chunks(2)
            .enumerate()
            .map(|(at, pair)| Sighting {
                service: "web".into(),
                environment: pair[1].into(),
                version: pair[0].into(),
                at: i64::try_from(at).unwrap(),
            })
            .collect()
    }

    #[test]
    fn history_places_what_names_do_not_tell() {
        let cases = [
            // Between two that tell, with its upstream.
            (
                "dev prod c3",
                "1 dev 1 c3 1 prod 2 dev 2 c3 2 prod 3 dev 3 c3 3 prod",
                "dev c3 prod: dev>prod dev>c3",
            ),
            // First of all.
            (
                "dev prod c3",
                "1 c3 1 dev 2 c3 2 dev 3 c3 3 dev",
                "c3 dev prod: dev>prod",
            ),
            // Too little is known, or it goes both ways.
            ("dev prod c3", "1 dev 1 c3", "dev prod c3: dev>prod"),
            (
                "dev prod c3",
                "1 dev 1 c3 2 dev 2 c3 3 dev 3 c3 4 c3 4 dev 5 c3 5 dev",
                "dev prod c3: dev>prod",
            ),
            // No name tells.
            (
                "amber blue coral",
                "1 coral 1 amber 1 blue 2 coral 2 amber 2 blue 3 coral 3 amber 3 blue",
                "coral amber blue: coral>amber amber>blue",
            ),
            // Names that tell win.
            (
                "dev prod",
                "1 prod 1 dev 2 prod 2 dev 3 prod 3 dev",
                "dev prod: dev>prod",
            ),
        ];
        for (names, history, expected) in cases {
            let environments: Vec<String> = names.split(' ').map(str::to_owned).collect();
            let mut guess = Guess {
                edges: words::edges(&environments),
                environments,
                ..Guess::default()
            };
            by_history(&mut guess, &sightings(history));
            let edges: Vec<String> = guess
                .edges
                .iter()
                .map(|(from, to)| format!("{from}>{to}"))
                .collect();
            let found = format!("{}: {}", guess.environments.join(" "), edges.join(" "));
            assert_eq!(found, expected);
        }
    }
}

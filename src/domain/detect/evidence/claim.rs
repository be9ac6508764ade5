//! Each place for the axis that speaks most for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{
    super::words,
    Place,
    axes::{self, Axis, Component, Coordinate},
    classify::{Class, Part, Strength},
    declared::Declaration,
    lexicon,
    scan::Step,
};

/// A place that is a version of a service in an environment.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub(super) place: usize,
    pub(super) environment: Coordinate,
    /// Whether the environment has a file of its own that says nothing, and the place is what it inherits.
    pub(super) inherited: bool,
    /// What a file beside it declares of environments, where the place is in a file of one of them or what it inherits.
    pub(super) declared: Option<Rc<Declaration>>,
}

/// The least that must speak for an axis.
const LEAST: f64 = 1.1;

/// Keys of what is measured or counted.
const MEASURES: [&str; 18] = [
    "cpu",
    "memory",
    "mem",
    "size",
    "limit",
    "limits",
    "replicas",
    "timeout",
    "ratio",
    "port",
    "count",
    "threshold",
    "path",
    "host",
    "id",
    "cores",
    "weight",
    "rate",
];

/// The axes that are of environments.
pub(super) fn accepted(components: &[Component]) -> Vec<Component> {
    let named = |it: &&Component| it.words >= 2 || it.hosts >= 2;
    let strong = components
        .iter()
        .filter(|it| it.rows >= 2 && it.score >= LEAST)
        .filter(named)
        .map(|it| it.lexical)
        .fold(0.0, f64::max);
    components
        .iter()
        .filter(|it| {
            let by_history = it.copies >= 0.3 && it.rows >= 2
                || it.equal >= 0.5 && it.moving >= 0.5 && it.rows >= 3;
            let enough = it.score >= LEAST && (it.lexical >= 0.2 || by_history);
            // Keys are words more often than they are environments.
            let inside = matches!(
                it.axis,
                Axis::Key(_) | Axis::KeyHead(_) | Axis::KeyTail(_) | Axis::Item(_)
            );
            // But for those between which versions travel, in row after row.
            let rows = it.rows >= it.tokens.len();
            let travelled = it.words >= 1
                && rows
                && (it.copies >= 0.4 && it.rows >= 3
                    || it.equal >= 0.5 && it.moving >= 0.5 && it.rows >= 6);
            let named_inside = it.lexical >= 0.6 && it.words >= 2;
            let enough = enough && (!inside || named_inside || travelled);
            enough && it.lexical >= strong * 0.6 && (strong < 0.5 || named(it))
        })
        .cloned()
        .collect()
}

/// The path's depth, the keys above, and the file's ending.
type Family = (usize, Vec<Step>, Rc<str>);

/// Places whose keys stand beside each other: where one of them moves, all are versions.
pub(super) struct Families {
    /// By the path's depth and the keys above: how many there are, and how many of them move.
    moving: BTreeMap<Family, (usize, usize)>,
    /// The same of keys that are called alike below keys that stand beside each other.
    alike: BTreeMap<(Family, Step), (usize, usize)>,
    /// Places that move, with the environment's name in their path left open.
    twins: BTreeSet<Twin>,
}

/// A path's folders and name, with environments left open, its ending, and the keys.
type Twin = (Vec<Rc<str>>, Rc<str>, Vec<Step>);

impl Families {
    pub(super) fn of(places: &[Place]) -> Self {
        let mut moving: BTreeMap<_, (usize, usize)> = BTreeMap::new();
        let mut alike: BTreeMap<_, (usize, usize)> = BTreeMap::new();
        let moved = places.iter().filter(|place| !place.moves.is_empty());
        let twins = moved.filter_map(Self::twin).collect();
        for place in places {
            let moves = usize::from(!place.moves.is_empty());
            let entry = moving.entry(Self::key(place, 1)).or_default();
            *entry = (entry.0 + 1, entry.1 + moves);
            if let Some(key) = Self::called_alike(place) {
                let entry = alike.entry(key).or_default();
                *entry = (entry.0 + 1, entry.1 + moves);
            }
        }
        Self {
            moving,
            alike,
            twins,
        }
    }

    /// What a place has in common with the same one of another environment; `None` where its path names none.
    fn twin(place: &Place) -> Option<Twin> {
        let path = &place.path;
        let mut open = false;
        let names = path.folders.iter().chain([&path.stem]);
        let names = names.map(|name| {
            let environment = lexicon::weight(name) == 100;
            open |= environment;
            if environment {
                "*".into()
            } else {
                Rc::clone(name)
            }
        });
        let names: Vec<Rc<str>> = names.collect();
        open.then(|| (names, Rc::clone(&path.ending), place.scalar.steps.clone()))
    }

    /// The keys above two of its own, and its last.
    fn called_alike(place: &Place) -> Option<(Family, Step)> {
        let [.., Step::Key(_), last @ Step::Key(_)] = place.scalar.steps.as_slice() else {
            return None;
        };
        Some((Self::key(place, 2), last.clone()))
    }

    fn key(place: &Place, without: usize) -> Family {
        let steps = &place.scalar.steps;
        let above = steps[..steps.len().saturating_sub(without)].to_vec();
        (
            place.path.folders.len(),
            above,
            Rc::clone(&place.path.ending),
        )
    }

    /// Whether a place may be a version of something that is promoted.
    pub(super) fn are_versions(&self, place: &Place) -> bool {
        let sign = &place.scalar.sign;
        let key = place.scalar.steps.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(key.to_ascii_lowercase()),
            _ => None,
        });
        let measure = || {
            let words = |key: String| {
                key.split(['_', '-', '.'])
                    .any(|word| MEASURES.contains(&word))
            };
            key.is_some_and(words)
        };
        let (all, moving) = self
            .moving
            .get(&Self::key(place, 1))
            .copied()
            .unwrap_or_default();
        let alike = Self::called_alike(place).and_then(|key| self.alike.get(&key).copied());
        let alike = alike.is_some_and(|(all, moving)| all >= 6 && moving * 2 >= all);
        // What rarely changes in one environment is what changes every day in another.
        let weak = sign.class != Class::Image && place.moves.is_empty();
        let twin = weak && Self::twin(place).is_some_and(|it| self.twins.contains(&it));
        let family = twin || alike || all >= 3 && moving * 2 >= all && place.scalar.steps.len() > 1;
        match sign.class {
            Class::Image => true,
            Class::Key => sign.strength == Strength::Fixed || family || !place.moves.is_empty(),
            Class::Value => (family || !place.moves.is_empty()) && !measure(),
        }
    }
}

/// Claims every place that stands at one of `accepted`; a known name is one wherever that coordinate has it. With it, the
/// places that only repeat what another one says.
pub(super) fn claim(places: &[Place], accepted: &[Component]) -> (Vec<Claim>, BTreeSet<usize>) {
    let mut by_token: BTreeMap<(Axis, Rc<str>), usize> = BTreeMap::new();
    // Of each axis: the component, and whether it has hosts, or names of more than a word.
    let mut by_axis: BTreeMap<Axis, (usize, bool, bool)> = BTreeMap::new();
    for (at, component) in accepted.iter().enumerate() {
        for token in &component.tokens {
            by_token
                .entry((component.axis, Rc::clone(token)))
                .or_insert(at);
        }
        let hosts = component.hosts >= 2;
        let mut tokens = component.tokens.iter();
        let several = tokens.any(|token| matches!(lexicon::weight(token), 1..100));
        by_axis
            .entry(component.axis)
            .and_modify(|it| *it = (it.0, it.1 | hosts, it.2 | several))
            .or_insert((at, hosts, several));
    }
    let elsewhere = production_elsewhere(places, &by_token);
    let mut vocabulary: BTreeSet<&str> = accepted
        .iter()
        .flat_map(|component| component.tokens.iter().map(|token| &**token))
        .filter(|token| lexicon::weight(token) == 100)
        .collect();
    vocabulary.extend(elsewhere.iter().map(|name| &**name));
    let mut claims = Vec::new();
    for (at, place) in places.iter().enumerate() {
        let best = axes::coordinates(place)
            .into_iter()
            .filter_map(|coordinate| {
                let own = by_token
                    .get(&(coordinate.axis, Rc::clone(&coordinate.token)))
                    .copied();
                let known = by_axis.get(&coordinate.axis).filter(|(_, hosts, several)| {
                    lexicon::weight(&coordinate.token) >= if *several { 80 } else { 100 }
                        || *hosts && lexicon::is_host(&coordinate.token)
                });
                // A name that is one elsewhere is one as a folder or file anywhere.
                let whole = matches!(coordinate.axis, Axis::Folder(_) | Axis::Stem);
                let named =
                    (whole && vocabulary.contains(&*coordinate.token)).then_some(usize::MAX);
                let component = own.or(known.map(|(at, ..)| *at)).or(named)?;
                Some((component, coordinate))
            })
            .min_by_key(|(component, _)| *component);
        // What only repeats where it stands is no version.
        let repeats = |coordinate: &Coordinate| {
            place.scalar.sign.part == Part::Whole
                && lexicon::weight(&place.scalar.sign.version) == 100
                || *place.scalar.sign.version == *coordinate.token
        };
        if let Some((_, environment)) = best.filter(|(_, it)| !repeats(it)) {
            claims.push(Claim {
                place: at,
                environment,
                inherited: false,
                declared: None,
            });
        }
    }
    without_copies(places, claims)
}

/// Services whose images must be found again in production.
const AGAIN: usize = 3;

/// What production is called where it is written otherwise than the environments that are known, and none of them is it:
/// folders and files of that name hold images of the same services.
fn production_elsewhere(
    places: &[Place],
    known: &BTreeMap<(Axis, Rc<str>), usize>,
) -> BTreeSet<Rc<str>> {
    if known.keys().any(|(_, token)| words::is_production(token)) {
        return BTreeSet::new();
    }
    let mut images: BTreeSet<&str> = BTreeSet::new();
    let mut found: BTreeMap<Rc<str>, BTreeSet<&str>> = BTreeMap::new();
    for place in places {
        let Some(of) = place.scalar.sign.of.as_deref() else {
            continue;
        };
        let coordinates = axes::coordinates(place);
        if coordinates
            .iter()
            .any(|it| known.contains_key(&(it.axis, Rc::clone(&it.token))))
        {
            images.insert(of);
        }
        let whole = |it: &&Coordinate| matches!(it.axis, Axis::Folder(_) | Axis::Stem);
        let usual =
            |it: &&Coordinate| lexicon::weight(&it.token) == 100 && words::is_production(&it.token);
        for it in coordinates.iter().filter(whole).filter(usual) {
            found.entry(Rc::clone(&it.token)).or_default().insert(of);
        }
    }
    found.retain(|_, own| {
        let shared = own.intersection(&images).count();
        shared >= AGAIN && shared * 2 >= own.len()
    });
    found.into_keys().collect()
}

/// Without what only repeats the image beside it: a chart's version that goes with its image's tag.
fn without_copies(places: &[Place], claims: Vec<Claim>) -> (Vec<Claim>, BTreeSet<usize>) {
    let mut images: BTreeMap<usize, Vec<Rc<str>>> = BTreeMap::new();
    for place in places.iter().filter(|it| {
        it.scalar.sign.part == Part::Tag || it.scalar.sign.class == Class::Image && is_tag(it)
    }) {
        images
            .entry(place.file)
            .or_default()
            .push(Rc::clone(&place.scalar.sign.version));
    }
    let key = |place: &Place| -> Vec<String> {
        place
            .scalar
            .steps
            .iter()
            .map(|step| format!("{step:?}"))
            .collect()
    };
    // By the keys: of all that have an image beside them, how many are as it is.
    let mut votes: BTreeMap<Vec<String>, (usize, usize)> = BTreeMap::new();
    for claim in &claims {
        let place = &places[claim.place];
        if place.scalar.sign.part == Part::Whole
            && !is_tag(place)
            && let Some(beside) = images.get(&place.file)
        {
            let vote = votes.entry(key(place)).or_default();
            vote.0 += usize::from(beside.contains(&place.scalar.sign.version));
            vote.1 += 1;
        }
    }
    let (kept, copies): (Vec<Claim>, Vec<Claim>) = claims.into_iter().partition(|claim| {
        let place = &places[claim.place];
        let beside = images.get(&place.file);
        let vote = votes.get(&key(place)).copied().unwrap_or_default();
        is_tag(place)
            || place.scalar.sign.part != Part::Whole
            || beside.is_none()
            || vote.0 * 10 < vote.1 * 8
    });
    (kept, copies.into_iter().map(|claim| claim.place).collect())
}

fn is_tag(place: &Place) -> bool {
    match place.scalar.steps.last() {
        Some(Step::Key(key)) => key.to_ascii_lowercase().ends_with("tag"),
        _ => false,
    }
}

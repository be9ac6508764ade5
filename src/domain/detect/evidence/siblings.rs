//! What stands beside what: a file of an environment beside the base that it inherits from, a folder `X` beside `X-dev`.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{
    FilePath, Place,
    axes::{self, Axis, Component, Coordinate},
    claim::Claim,
    classify::{Class, Part},
    declared::Declared,
    lexicon,
};

/// A folder's path.
type Folder = Vec<Rc<str>>;
/// `X-dev` and `X`.
type Pair = (Folder, Folder);

/// Folders in which the same must be seen.
const FOLDERS: usize = 3;

/// Cells of environments that have a file in which no version stands, beside one of all environments that says it.
pub(super) fn inherited(
    places: &[Place],
    claims: &[Claim],
    paths: &[&str],
    accepted: &[Component],
    declared: &Declared,
) -> Vec<Claim> {
    let mut folders: BTreeMap<Vec<Rc<str>>, Vec<FilePath>> = BTreeMap::new();
    for path in paths {
        let path = FilePath::of(path);
        folders.entry(path.folders.clone()).or_default().push(path);
    }
    let mut names: BTreeSet<Rc<str>> = BTreeSet::new();
    for component in accepted
        .iter()
        .filter(|it| matches!(it.axis, Axis::Stem | Axis::StemTail))
    {
        names.extend(component.tokens.iter().cloned());
    }
    // By the mark that stands before them: names beside usual ones in several folders.
    let tails = tails(&folders);
    let claimed: BTreeSet<usize> = claims.iter().map(|claim| claim.place).collect();
    // What an environment's own file says itself is not inherited.
    let mut own: BTreeSet<(usize, Part)> = BTreeSet::new();
    for claim in claims {
        let place = &places[claim.place];
        own.insert((place.file, place.scalar.sign.part));
    }
    let files: BTreeMap<&str, usize> = paths
        .iter()
        .enumerate()
        .map(|(at, path)| (*path, at))
        .collect();
    let mut found = Vec::new();
    for (at, place) in places.iter().enumerate() {
        let usual = place.scalar.sign.class == Class::Image || !place.moves.is_empty();
        if !usual || claimed.contains(&at) || !is_base(&place.path) {
            continue;
        }
        for other in folders.get(&place.path.folders).into_iter().flatten() {
            if other.ending != place.path.ending || other.stem == place.path.stem {
                continue;
            }
            let rest = other
                .stem
                .strip_prefix(&*place.path.stem)
                .filter(|rest| rest.starts_with(['-', '.', '_']) && rest.len() > 1);
            let coordinate = match rest {
                Some(rest) if lexicon::weight(&rest[1..]) >= 80 || tails.contains(&rest[1..]) => {
                    Coordinate {
                        axis: Axis::StemTail,
                        token: rest[1..].into(),
                        rest: other.stem[..=place.path.stem.len()].into(),
                    }
                }
                None if names.contains(&other.stem) || lexicon::weight(&other.stem) == 100 => {
                    Coordinate {
                        axis: Axis::Stem,
                        token: Rc::clone(&other.stem),
                        rest: "".into(),
                    }
                }
                _ => continue,
            };
            // What else has a file there is a release, or a part of it.
            if declared.excludes(&place.path, &coordinate.token) {
                continue;
            }
            let path = other.whole();
            let says = files
                .get(path.as_str())
                .is_some_and(|file| own.contains(&(*file, place.scalar.sign.part)));
            if !says {
                found.push(Claim {
                    place: at,
                    environment: coordinate,
                    inherited: true,
                    declared: None,
                });
            }
        }
    }
    found.extend(without_file(places, &claimed, &folders, declared));
    let of: BTreeSet<&Vec<Rc<str>>> = found
        .iter()
        .map(|claim| &places[claim.place].path.folders)
        .collect();
    if of.len() < FOLDERS {
        Vec::new()
    } else {
        found
    }
}

/// Cells of files that are called like an environment which is declared beside them.
pub(super) fn declared(places: &[Place], declared: &Declared) -> Vec<Claim> {
    let claim = |(at, place): (usize, &Place)| {
        let declaration = declared.beside(&place.path)?;
        let mut own = axes::coordinates(place).into_iter();
        let environment = own.find(|coordinate| {
            coordinate.axis == Axis::StemTail && declaration.names.contains(&coordinate.token)
        })?;
        Some(Claim {
            place: at,
            environment,
            inherited: false,
            declared: None,
        })
    };
    places.iter().enumerate().filter_map(claim).collect()
}

/// Cells of each environment that a list beside a version names: the line is the version of all of them. Those that are
/// `taken` say their environment otherwise.
pub(super) fn listed(places: &[Place], taken: &BTreeSet<usize>) -> Vec<Claim> {
    let lists = places.iter().enumerate();
    let lists = lists.filter(|(at, _)| !taken.contains(at));
    let lists = lists.filter_map(|(at, place)| Some((at, place.scalar.listed.as_ref()?)));
    let claims = lists.flat_map(|(at, (key, names))| {
        names.iter().map(move |name| Claim {
            place: at,
            environment: Coordinate {
                axis: Axis::Listed,
                token: Rc::clone(name),
                rest: Rc::clone(key),
            },
            inherited: false,
            declared: None,
        })
    });
    let claims: Vec<Claim> = claims.collect();
    let names: BTreeSet<&str> = claims.iter().map(|it| &*it.environment.token).collect();
    if names.len() < 2 { Vec::new() } else { claims }
}

/// Cells of environments that are declared beside a base and have no file of their own.
fn without_file(
    places: &[Place],
    claimed: &BTreeSet<usize>,
    folders: &BTreeMap<Vec<Rc<str>>, Vec<FilePath>>,
    declared: &Declared,
) -> Vec<Claim> {
    let mut found = Vec::new();
    for (at, place) in places.iter().enumerate() {
        let Some(declaration) = declared.beside(&place.path) else {
            continue;
        };
        let usual = place.scalar.sign.class == Class::Image || !place.moves.is_empty();
        if !usual || claimed.contains(&at) || !is_base(&place.path) {
            continue;
        }
        let beside = folders.get(&place.path.folders);
        for name in &declaration.names {
            let stem = format!("{}-{name}", place.path.stem);
            let own = |file: &FilePath| *file.stem == stem && file.ending == place.path.ending;
            if !beside.is_some_and(|files| files.iter().any(own)) {
                found.push(Claim {
                    place: at,
                    environment: Coordinate {
                        axis: Axis::StemTail,
                        token: Rc::clone(name),
                        rest: format!("{}-", place.path.stem).into(),
                    },
                    inherited: true,
                    declared: None,
                });
            }
        }
    }
    found
}

/// Whether a file is what environments have in common: `values.yaml`, `base.yaml`, or one called like its folder.
fn is_base(path: &FilePath) -> bool {
    lexicon::is_common(&path.stem) || path.folders.last() == Some(&path.stem)
}

/// What stands behind `values-` beside usual names, in several folders.
fn tails(folders: &BTreeMap<Vec<Rc<str>>, Vec<FilePath>>) -> BTreeSet<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for files in folders.values() {
        let tails: Vec<&str> = files
            .iter()
            .filter_map(|file| file.stem.strip_prefix("values-"))
            .collect();
        if tails.iter().any(|tail| lexicon::weight(tail) >= 80) {
            for tail in tails {
                *counts.entry(tail).or_default() += 1;
            }
        }
    }
    let most = counts.values().copied().max().unwrap_or_default();
    counts
        .into_iter()
        .filter(|(_, count)| *count >= FOLDERS && count * 4 >= most)
        .map(|(tail, _)| tail.to_owned())
        .collect()
}

/// Folders `X` beside `X-dev` that hold the same images: the one without a word is production.
pub(super) fn bare(places: &[Place]) -> Vec<Claim> {
    let is_image = |place: &&Place| place.scalar.sign.part == Part::Tag;
    // By depth: folders with what is in front of them, and the images below each.
    let mut images: BTreeMap<Vec<Rc<str>>, BTreeSet<Rc<str>>> = BTreeMap::new();
    for place in places.iter().filter(is_image) {
        for depth in 1..=place.path.folders.len() {
            let of = place.scalar.sign.of.clone();
            images
                .entry(place.path.folders[..depth].to_vec())
                .or_default()
                .extend(of);
        }
    }
    let mut pairs: BTreeMap<(usize, Rc<str>), Vec<Pair>> = BTreeMap::new();
    for (folder, own) in &images {
        let Some((last, above)) = folder.split_last() else {
            continue;
        };
        let Some((name, word)) = last.rsplit_once(['-', '_', '.']) else {
            continue;
        };
        let early = lexicon::word(word).is_some_and(|rank| rank < 5);
        if lexicon::weight(word) < 100 || !early {
            continue;
        }
        let mut other = above.to_vec();
        other.push(name.into());
        if images
            .get(&other)
            .is_some_and(|others| !others.is_disjoint(own))
        {
            let key = (above.len(), word.into());
            pairs.entry(key).or_default().push((folder.clone(), other));
        }
    }
    let mut claims = Vec::new();
    for ((depth, word), pairs) in pairs {
        if pairs.len() < FOLDERS {
            continue;
        }
        let special: BTreeSet<&Vec<Rc<str>>> = pairs.iter().map(|(special, _)| special).collect();
        let bare: BTreeSet<&Vec<Rc<str>>> = pairs.iter().map(|(_, bare)| bare).collect();
        for (at, place) in places
            .iter()
            .enumerate()
            .filter(|(_, place)| is_image(place) && place.path.folders.len() > depth)
        {
            let folder = place.path.folders[..=depth].to_vec();
            let environment = if special.contains(&folder) {
                let rest = &folder[depth][..folder[depth].len() - word.len()];
                Coordinate {
                    axis: Axis::FolderTail(depth),
                    token: Rc::clone(&word),
                    rest: rest.into(),
                }
            } else if bare.contains(&folder) {
                Coordinate {
                    axis: Axis::Bare(depth),
                    token: "prod".into(),
                    rest: "".into(),
                }
            } else {
                continue;
            };
            claims.push(Claim {
                place: at,
                environment,
                inherited: false,
                declared: None,
            });
        }
    }
    claims
}

//! From claimed places to layouts: what agrees is written out, what varies is captured.

mod layout;
mod notation;

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{
    FilePath, Place,
    axes::Axis,
    claim::Claim,
    classify::{Class, Part, Strength},
    declared::Declaration,
    guess::MUCH,
    lexicon::{self, Echo},
    scan::{Form, Step},
};
use crate::domain::layout::LayoutSpec;
use layout::Layout;
use notation::is_writable;
pub(super) use notation::quoted;

/// One layout with the places that it is written for.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) spec: LayoutSpec,
    /// Indices of claims.
    pub(super) claims: Vec<usize>,
}

/// A key on the way, as a group of places has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Name {
    Written(Rc<str>),
    Open,
    /// Any keys, or none.
    Deep,
    Item,
    Inside,
    Environment,
}

/// What places of one layout agree in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    axis: Axis,
    depth: usize,
    ending: Rc<str>,
    form: Form,
    part: Part,
    keys: Vec<Name>,
    kind: Option<Rc<str>>,
    /// Folders, and behind them the file's name, that say the environment again: `prod/web-prod.yaml`.
    echoes: Vec<(usize, Echo)>,
    /// What is declared of environments beside it.
    declared: Option<Rc<Declaration>>,
    /// Whether it is a generator's literal.
    literal: bool,
    /// The list beside it that names its environments.
    listed: Option<Rc<str>>,
}

/// Most layouts.
const MOST: usize = 24;

/// Layouts for all claims, the one that holds most first. What only repeats them comes to `copies`.
pub(super) fn write(
    places: &[Place],
    claims: &[Claim],
    copies: &mut BTreeSet<usize>,
) -> Vec<Written> {
    let mut groups: BTreeMap<Shape, Vec<usize>> = BTreeMap::new();
    let again = said_again(places, claims);
    for (at, claim) in claims.iter().enumerate() {
        groups
            .entry(shape(&places[claim.place], claim, &again))
            .or_default()
            .push(at);
    }
    let groups = open(one_in_each_file(groups, places, claims));
    let mut groups: Vec<(Shape, Vec<usize>)> =
        promoted(groups.into_iter().collect(), places, claims);
    groups.sort_by_key(|(shape, group)| (std::cmp::Reverse(group.len()), shape.clone()));
    groups.truncate(MOST);
    // What says the version itself before what only goes with it.
    groups.sort_by_key(|(shape, _)| is_behind(shape));
    let mut known: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut said = Said::new();
    let mut written: Vec<Written> = Vec::new();
    for (shape, group) in &groups {
        let mut layout = Layout::new(shape, group, places, claims);
        let taken = |layout: &Layout<'_>| {
            let rows = layout.cells();
            rows.iter().filter(|cell| known.contains_key(*cell)).count() * 20 > rows.len()
        };
        if is_copy(&layout, &said) {
            copies.extend(group.iter().map(|at| claims[*at].place));
            continue;
        }
        if taken(&layout) && !is_behind(shape) {
            layout.by_keys = true;
            if taken(&layout) {
                layout.by_file = true;
            }
        }
        let spec = layout.spec();
        if is_writable(&spec) {
            for (cell, (place, _)) in layout.cells().into_iter().zip(layout.own()) {
                let version = || Rc::clone(&place.scalar.sign.version);
                said.entry(cell.clone())
                    .or_insert_with(|| (version(), Rc::clone(&place.path)));
                known.entry(cell).or_insert(written.len());
            }
            written.push(Written {
                spec,
                claims: group.clone(),
            });
        }
    }
    written
}

/// Without what hardly anyone moves, where much moves: defaults, tools, and what only looks like a version.
fn promoted(
    groups: Vec<(Shape, Vec<usize>)>,
    places: &[Place],
    claims: &[Claim],
) -> Vec<(Shape, Vec<usize>)> {
    let place = |at: &usize| &places[claims[*at].place];
    let moving = |group: &[usize]| {
        group
            .iter()
            .filter(|at| !place(at).moves.is_empty())
            .count()
    };
    let most = groups
        .iter()
        .map(|(_, group)| group.len())
        .max()
        .unwrap_or_default();
    let all: usize = groups.iter().map(|(_, group)| moving(group)).sum();
    let seen: usize = places.iter().map(|place| place.moves.len()).sum();
    let moves: usize = claims.iter().map(|it| places[it.place].moves.len()).sum();
    let much = groups
        .iter()
        .map(|(_, group)| moving(group))
        .max()
        .unwrap_or_default();
    let keeps = |(_, group): &(Shape, Vec<usize>)| {
        let moved = moving(group);
        let images = group
            .iter()
            .filter(|at| place(at).scalar.sign.class == Class::Image)
            .count();
        let floating = group
            .iter()
            .filter(|at| place(at).scalar.sign.strength == Strength::Floating)
            .count();
        if all < 10 {
            // Where something moves, what only says `HEAD` or `latest` and never did is no version.
            return seen < 10 || moved > 0 || floating * 5 <= group.len() * 4;
        }
        let lively = moved * 5 >= group.len();
        let rare = group.len() * 30 < most && moved * 30 < much;
        let loose = floating * 5 > group.len() * 4 && !lively;
        let still = group.len() >= 20 && moved * 20 < group.len() && moves >= MUCH;
        (lively || images * 2 > group.len()) && !rare && !loose && !still
    };
    groups.into_iter().filter(keeps).collect()
}

/// What cells say so far, and in which file.
type Said = BTreeMap<(String, String), (Rc<str>, Rc<FilePath>)>;

/// Whether two files are in one folder, or in folders that are called otherwise in one place alone.
fn are_beside(a: &FilePath, b: &FilePath) -> bool {
    let differ = a.folders.iter().zip(&b.folders).filter(|(a, b)| a != b);
    a.folders.len() == b.folders.len() && differ.count() <= 1
}

/// Whether its places only repeat what other layouts say of the same cells in the same folders: a chart's version that goes
/// with its image. What is equal far away is written there for something else.
fn is_copy(layout: &Layout<'_>, said: &Said) -> bool {
    if layout.shape.part != Part::Whole {
        return false;
    }
    let cells = layout.cells();
    let (mut shared, mut equal) = (0, 0);
    for (cell, (place, _)) in cells.iter().zip(layout.own()) {
        if let Some((version, path)) = said.get(cell)
            && are_beside(path, &place.path)
        {
            shared += 1;
            equal += usize::from(*version == place.scalar.sign.version);
        }
    }
    shared * 2 >= cells.len() && equal * 2 >= shared
}

/// Whether it is a commit or a digest, which stands behind a version beside it.
fn is_behind(shape: &Shape) -> bool {
    matches!(shape.keys.last(), Some(Name::Written(key)) if matches!(&*key.to_ascii_lowercase(), "sha" | "digest" | "commit"))
}

/// Where the environment is said once more: in which folder, or in the file's name, of places of this depth.
type Again = BTreeSet<(Axis, usize, usize, Echo)>;

/// What says the environment again in places of several environments; of one alone it is a name by chance.
fn said_again(places: &[Place], claims: &[Claim]) -> Again {
    let mut found: BTreeMap<(Axis, usize, usize, Echo), BTreeSet<&str>> = BTreeMap::new();
    for claim in claims {
        let path = &places[claim.place].path;
        for (at, echo) in echoes(path, claim) {
            let key = (claim.environment.axis, path.folders.len(), at, echo);
            found
                .entry(key)
                .or_default()
                .insert(&claim.environment.token);
        }
    }
    let several = found.into_iter().filter(|(_, tokens)| tokens.len() > 1);
    several.map(|(key, _)| key).collect()
}

/// The folders of a path, and behind them its file's name, that say the environment of a claim again.
fn echoes(path: &FilePath, claim: &Claim) -> Vec<(usize, Echo)> {
    let own = match claim.environment.axis {
        Axis::Folder(at) | Axis::FolderTail(at) | Axis::FolderHead(at) => at,
        Axis::Stem | Axis::StemTail | Axis::StemHead => path.folders.len(),
        _ => return Vec::new(),
    };
    let names = path.folders.iter().chain([&path.stem]).enumerate();
    let others = names.filter(|(at, _)| *at != own && !claim.inherited);
    let token = &claim.environment.token;
    let said = others.filter_map(|(at, name)| Some((at, lexicon::echo(name, token)?.0)));
    said.collect()
}

fn shape(place: &Place, claim: &Claim, again: &Again) -> Shape {
    let axis = claim.environment.axis;
    let depth = place.path.folders.len();
    let mut echoes = echoes(&place.path, claim);
    echoes.retain(|(at, echo)| again.contains(&(axis, depth, *at, *echo)));
    let keys = place
        .scalar
        .steps
        .iter()
        .enumerate()
        .map(|(at, step)| match step {
            Step::Key(_) if axis == Axis::Key(at) => Name::Environment,
            Step::Key(_) if matches!(axis, Axis::KeyHead(it) | Axis::KeyTail(it) if it == at) => {
                Name::Environment
            }
            Step::Key(key) => Name::Written(Rc::clone(key)),
            Step::Item(..) => Name::Item,
            Step::Inside => Name::Inside,
        });
    Shape {
        axis,
        depth,
        echoes,
        ending: Rc::clone(&place.path.ending),
        form: place.scalar.form,
        part: place.scalar.sign.part,
        keys: keys.collect(),
        kind: place
            .scalar
            .kind
            .clone()
            .filter(|_| place.scalar.form == Form::Yaml),
        declared: claim.declared.clone(),
        literal: place.scalar.literal,
        listed: (axis == Axis::Listed).then(|| Rc::clone(&claim.environment.rest)),
    }
}

/// Joins groups that differ in one key alone, where at least three do.
fn open(groups: BTreeMap<Shape, Vec<usize>>) -> BTreeMap<Shape, Vec<usize>> {
    let mut groups = groups;
    loop {
        let mut candidates: BTreeMap<Shape, Vec<Shape>> = BTreeMap::new();
        for shape in groups.keys() {
            for at in 0..shape.keys.len() {
                if matches!(shape.keys[at], Name::Written(_)) {
                    let mut wide = shape.clone();
                    wide.keys[at] = Name::Open;
                    candidates.entry(wide).or_default().push(shape.clone());
                }
            }
        }
        let best = candidates
            .into_iter()
            .filter(|(_, own)| own.len() >= 3)
            .max_by_key(|(wide, own)| {
                let claims: usize = own.iter().map(|shape| groups[shape].len()).sum();
                (
                    own.len(),
                    claims,
                    wide.keys
                        .iter()
                        .position(|it| *it == Name::Open)
                        .map_or(0, |at| 100 - at),
                )
            });
        let Some((wide, own)) = best else {
            return groups;
        };
        let mut all = Vec::new();
        for shape in own {
            all.extend(groups.remove(&shape).unwrap_or_default());
        }
        groups.entry(wide).or_default().extend(all);
    }
}

/// Joins groups of which each file has one place alone, wherever in it: `spec.values.java.image`, `spec.values.image`.
fn one_in_each_file(
    groups: BTreeMap<Shape, Vec<usize>>,
    places: &[Place],
    claims: &[Claim],
) -> BTreeMap<Shape, Vec<usize>> {
    let mut alike: BTreeMap<Shape, Vec<(Shape, Vec<usize>)>> = BTreeMap::new();
    for (shape, group) in groups {
        let key = Shape {
            keys: Vec::new(),
            ..shape.clone()
        };
        alike.entry(key).or_default().push((shape, group));
    }
    let mut found = BTreeMap::new();
    for (key, own) in alike {
        let mut files: BTreeMap<(usize, &str), usize> = BTreeMap::new();
        for at in own.iter().flat_map(|(_, group)| group) {
            let claim = &claims[*at];
            *files
                .entry((places[claim.place].file, &claim.environment.token))
                .or_default() += 1;
        }
        let single = files.values().filter(|count| **count == 1).count();
        let keys: Vec<&Vec<Name>> = own.iter().map(|(shape, _)| &shape.keys).collect();
        let plain = keys
            .iter()
            .all(|keys| keys.iter().all(|name| matches!(name, Name::Written(_))));
        let before = common(&keys, false);
        let after = common(&keys, true);
        let shortest = keys.iter().map(|keys| keys.len()).min().unwrap_or_default();
        let joined = own.len() >= 2
            && plain
            && key.form == Form::Yaml
            && key.part != Part::Reference
            && single * 100 >= files.len() * 85
            && after > 0
            && before + after <= shortest
            && before > 0;
        if joined {
            let mut keys = own[0].0.keys[..before].to_vec();
            keys.push(Name::Deep);
            keys.extend_from_slice(&own[0].0.keys[own[0].0.keys.len() - after..]);
            let shape = Shape { keys, ..key };
            found.insert(
                shape,
                own.into_iter().flat_map(|(_, group)| group).collect(),
            );
        } else {
            found.extend(own);
        }
    }
    found
}

/// How many names all have in common, from the front or from the back.
fn common(all: &[&Vec<Name>], back: bool) -> usize {
    let shortest = all.iter().map(|keys| keys.len()).min().unwrap_or_default();
    let at = |keys: &[Name], it: usize| {
        if back {
            keys[keys.len() - 1 - it].clone()
        } else {
            keys[it].clone()
        }
    };
    (0..shortest)
        .take_while(|it| all.iter().all(|keys| at(keys, *it) == at(all[0], *it)))
        .count()
}

/// The environments that claims name, nested ones too.
pub(super) fn environments(
    places: &[Place],
    claims: &[Claim],
    written: &[Written],
) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for layout in written {
        let nested = layout.claims.iter().all(|at| {
            let claim = &claims[*at];
            matches!(claim.environment.axis, Axis::Folder(own) if places[claim.place].path.folders.get(own + 1).is_some_and(|it| it.bytes().all(|b| b.is_ascii_digit())))
        });
        for at in &layout.claims {
            let claim = &claims[*at];
            let token = &claim.environment.token;
            names.insert(match claim.environment.axis {
                Axis::Folder(own) if nested => {
                    format!("{token}/{}", places[claim.place].path.folders[own + 1])
                }
                _ => token.to_string(),
            });
        }
    }
    names
}

//! Which of several places is the version, by what changed: over histories in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::{Arc, OnceLock},
};

use super::{
    super::{Choices, Cut, Past, Standing, Takes, Tally, Unknown, Walked},
    *,
};
use crate::domain::desired::{Desired, DesiredCell};

const FLUX: &str = r#"{ preset = "helmrelease", path = "{env}/{service}.yaml" }"#;
const CHART: &str = "spec.chart.spec.version";
const IMAGE: &str = "spec.values.image.tag";
const PART: &str = "spec.values.app.image.tag";

/// What a release of one environment says, by place; a place that is not there is not in it.
type Release = BTreeMap<&'static str, u32>;
/// The releases of a service, by environment.
type Tree = BTreeMap<&'static str, Release>;

fn release(of: &Release) -> String {
    let tag = |place: &str| of.get(place).map(|tag| format!("{{tag: v1.0.{tag}}}"));
    let mut text = "kind: HelmRelease\nspec:\n".to_owned();
    if let Some(chart) = of.get(CHART) {
        let _ = writeln!(text, "  chart: {{spec: {{version: 1.0.{chart}}}}}");
    }
    text += "  values:\n    x: y\n";
    if let Some(image) = tag(IMAGE) {
        let _ = writeln!(text, "    image: {image}");
    }
    if let Some(image) = tag(PART) {
        let _ = writeln!(text, "    app: {{image: {image}}}");
    }
    text
}

fn small(tree: &Tree) -> Small {
    // Compiled once: there are hundreds of trees.
    static EMPTY: OnceLock<Small> = OnceLock::new();
    let empty = EMPTY.get_or_init(|| Small::new(FLUX, &["dev", "prod"], &[]));
    let files = tree.iter().map(|(env, of)| {
        let path = RepoPath::from(format!("{env}/web.yaml"));
        (path, release(of).into_bytes())
    });
    Small {
        layouts: Arc::new(empty.layouts.undecided()),
        environments: empty.environments.clone(),
        files: files.collect(),
    }
}

fn tally(tip: &Tree) -> (Assembler, Standing) {
    let assembler = small(tip).assembler();
    let standing = Standing::of(&assembler);
    (assembler, standing)
}

/// What is counted along `trees`, oldest first.
fn past(trees: &[Tree], cut: Option<Cut>) -> (Standing, Past) {
    let (standing, walked) = walked(trees, cut);
    (standing, walked.past())
}

/// What is seen along `trees`, oldest first; without a cut, to where nothing was there.
fn walked(trees: &[Tree], cut: Option<Cut>) -> (Standing, Walked) {
    let (tip, older) = trees.split_last().expect("a tip");
    let (assembler, standing) = tally(tip);
    let mut tally = Tally::new(assembler, &standing.rows());
    let mut newer = tip;
    let none = Tree::new();
    let end = cut.is_none().then_some(&none);
    for tree in older.iter().rev().chain(end) {
        let there = small(tree);
        let paths = newer.keys().chain(tree.keys());
        let files = paths.map(|env| {
            let path = RepoPath::from(format!("{env}/web.yaml"));
            let bytes = there.files.get(&path);
            let facts = bytes.map(|bytes| Arc::new(there.layouts.extract(&path, bytes)));
            (path, facts)
        });
        let files: Vec<_> = files.collect();
        let differ = files.len();
        tally.enter(files, differ);
        newer = tree;
    }
    (standing, tally.end(cut))
}

/// The place that is decided for the tip of `trees`; `unclear`, or `cut`, where none is.
fn decided(trees: &[Tree], cut: Option<Cut>) -> String {
    let (standing, past) = past(trees, cut);
    let tip = small(trees.last().expect("a tip"));
    let choices = Choices::of(&standing, &[past]);
    let decided = Arc::new(tip.layouts.decided(choices));
    let mut assembler = Assembler::new(decided, &tip.environments);
    for (path, bytes) in &tip.files {
        let facts = tip.layouts.extract(path, bytes);
        assembler.update(path.clone(), Some(Arc::new(facts)));
    }
    let desired = assembler.desired(ObjectId::new([0; 20]));
    let each = desired.cells.iter();
    let each: BTreeSet<String> = each
        .map(|(key, cell)| place(trees.last().expect("a tip"), key, cell, &desired))
        .collect();
    Vec::from_iter(each).join(" and ")
}

/// The place that a cell of `tree` is read from.
fn place(tree: &Tree, key: &CellKey, cell: &DesiredCell, desired: &Desired) -> String {
    let Some(version) = &cell.version else {
        let told = desired.problems.first().map_or("", |it| &it.message);
        assert!(
            told.starts_with("which of these is the version of web"),
            "{told}"
        );
        let is_cut = told.contains("cut off here");
        return if is_cut { "cut" } else { "unclear" }.to_owned();
    };
    // The values of the places of one environment differ, so the value says which it is.
    let of = &tree[key.environment.as_str()];
    let says = |place: &str, value: u32| match place {
        CHART => format!("1.0.{value}"),
        _ => format!("v1.0.{value}"),
    };
    let mut places = of.iter();
    let place = places.find(|(place, value)| says(place, **value) == version.as_str());
    place.expect("its place").0.to_string()
}

/// Places of an environment, told by values that no other has: chart, image, part; 0 is not there.
fn env(values: [u32; 3]) -> Release {
    let places = [CHART, IMAGE, PART].into_iter().zip(values);
    let there = places.filter(|(_, value)| *value > 0);
    there
        .enumerate()
        .map(|(at, (place, value))| (place, value * 10 + u32::try_from(at).unwrap_or(9)))
        .collect()
}

fn tree(dev: [u32; 3], prod: [u32; 3]) -> Tree {
    Tree::from([("dev", env(dev)), ("prod", env(prod))])
}

#[test]
fn the_place_that_changed_is_the_version() {
    let same = tree([1, 1, 0], [1, 1, 0]);
    let chart = |n| tree([n, 1, 0], [1, 1, 0]);
    let image = |n| tree([1, n, 0], [1, 1, 0]);
    let both = |a, b| tree([a, b, 0], [1, 1, 0]);
    let dev = |values| Tree::from([("dev", env(values))]);
    let cases: [(&str, Vec<Tree>, &str); 20] = [
        ("nothing ever differed", vec![same.clone()], IMAGE),
        ("the chart differed when it came", vec![chart(2)], CHART),
        ("the image did", vec![image(2)], IMAGE),
        ("both did", vec![both(2, 2)], "unclear"),
        (
            "the chart was made equal, as a promotion does",
            vec![chart(2), tree([2, 1, 0], [2, 1, 0])],
            CHART,
        ),
        (
            "and differs no more, while the image does",
            vec![
                chart(2),
                tree([2, 1, 0], [2, 1, 0]),
                tree([2, 2, 0], [2, 1, 0]),
            ],
            CHART,
        ),
        ("the first changed", vec![same.clone(), image(2)], IMAGE),
        (
            "another changed once",
            vec![same.clone(), chart(2)],
            "unclear",
        ),
        (
            "another changed twice",
            vec![same.clone(), chart(2), chart(3)],
            CHART,
        ),
        (
            "both changed",
            vec![same.clone(), chart(2), both(2, 2)],
            "unclear",
        ),
        (
            "one changed twice as often",
            vec![same.clone(), image(2), image(3), both(2, 3)],
            IMAGE,
        ),
        (
            "an environment came with the values of another",
            vec![
                dev([1, 1, 0]),
                dev([2, 1, 0]),
                dev([3, 1, 0]),
                tree([3, 1, 0], [3, 1, 0]),
            ],
            CHART,
        ),
        (
            "an environment came with a chart of its own",
            vec![dev([1, 1, 0]), tree([1, 1, 0], [2, 1, 0])],
            "unclear",
        ),
        (
            "a place came that was not there when the service did",
            vec![tree([1, 0, 0], [1, 0, 0]), same.clone()],
            CHART,
        ),
        (
            "it changed",
            vec![tree([1, 0, 0], [1, 0, 0]), same.clone(), image(2)],
            "unclear",
        ),
        (
            "an environment lost the place that was it",
            vec![same.clone(), image(2), tree([1, 2, 0], [1, 0, 0])],
            "unclear",
        ),
        (
            "an image that one environment alone has had, and that never changed",
            vec![tree([2, 1, 0], [1, 0, 0])],
            CHART,
        ),
        (
            "no place is everywhere: an image's tag must not become a chart's version",
            vec![tree([1, 0, 0], [0, 1, 0])],
            "unclear",
        ),
        (
            "nor that of a part",
            vec![tree([0, 1, 0], [0, 0, 1])],
            "unclear",
        ),
        (
            "one that was everywhere went, and another came",
            vec![
                tree([2, 1, 0], [1, 1, 0]),
                tree([2, 0, 0], [1, 1, 0]),
                tree([2, 0, 0], [0, 1, 0]),
            ],
            "unclear",
        ),
    ];
    for (name, trees, expected) in cases {
        assert_eq!(decided(&trees, None), expected, "{name}");
    }
}

/// An image and the chart of its release, that an automation gives the same.
#[test]
fn of_places_that_go_together_it_is_the_first() {
    let of = |chart, image| Release::from([(CHART, chart), (IMAGE, image)]);
    let tree = |dev: (u32, u32), prod: (u32, u32)| {
        Tree::from([("dev", of(dev.0, dev.1)), ("prod", of(prod.0, prod.1))])
    };
    let both = |dev, prod| tree((dev, dev), (prod, prod));
    let cases: [(&str, Vec<Tree>, &str); 9] = [
        (
            "they differed alike when they came",
            vec![both(2, 1)],
            IMAGE,
        ),
        ("and not alike", vec![tree((2, 3), (1, 1))], "unclear"),
        (
            "both are changed",
            vec![both(1, 1), both(2, 1), both(2, 2), both(3, 2)],
            IMAGE,
        ),
        (
            "the one that was it is promoted",
            vec![both(2, 1), both(3, 1), tree((3, 3), (1, 3))],
            IMAGE,
        ),
        (
            "the other was changed alone once",
            vec![both(2, 1), both(3, 1), tree((4, 3), (1, 1))],
            "unclear",
        ),
        (
            "twice",
            vec![both(2, 1), tree((4, 2), (1, 1)), tree((5, 2), (1, 1))],
            CHART,
        ),
        (
            "twice, and the first once",
            vec![
                both(2, 1),
                tree((4, 2), (1, 1)),
                tree((5, 2), (1, 1)),
                tree((5, 2), (1, 6)),
            ],
            CHART,
        ),
        (
            "as often as the first",
            vec![both(2, 1), tree((4, 2), (1, 1)), tree((4, 5), (1, 1))],
            "unclear",
        ),
        (
            "in one commit and not to the same",
            vec![both(2, 1), tree((4, 5), (1, 1))],
            "unclear",
        ),
    ];
    for (name, trees, expected) in cases {
        assert_eq!(decided(&trees, None), expected, "{name}");
    }
}

#[test]
fn what_is_cut_off_is_said_and_a_window_needs_more() {
    let shallow = || {
        Some(Cut::Unknown(Unknown {
            why: "history is cut off here".to_owned(),
            next: "fetch it".to_owned(),
            takes: Takes::Depth,
        }))
    };
    let chart = |n| tree([n, 1, 0], [1, 1, 0]);
    let many: Vec<Tree> = (1..6).map(chart).collect();
    assert_eq!(decided(&many, None), CHART);
    assert_eq!(decided(&many, shallow()), "cut");
    assert_eq!(decided(&many, Some(Cut::Window)), CHART);
    assert_eq!(decided(&many[..3], Some(Cut::Window)), "unclear");
    assert_eq!(decided(&[chart(1)], shallow()), "cut");
    let only = tree([2, 0, 0], [1, 0, 0]);
    assert_eq!(decided(&[only], shallow()), CHART, "there is but one");
    let beside = tree([2, 2, 0], [1, 0, 0]);
    assert_eq!(decided(&[beside], shallow()), CHART, "one is everywhere");
}

/// Small numbers that look like chance, and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// One commit of anybody's: a value, an environment or a place comes, changes or goes.
fn anything(tree: &mut Tree, chance: &mut Chance, next: &mut u32) {
    let places = [CHART, IMAGE, PART];
    let place = places[usize::try_from(chance.below(3)).unwrap_or(0)];
    let env = ["dev", "prod", "test"][usize::try_from(chance.below(3)).unwrap_or(0)];
    *next += 1;
    match chance.below(11) {
        0 => {
            let like = tree.values().next().cloned().unwrap_or_default();
            tree.entry(env).or_insert(like);
        }
        1 if tree.len() > 1 => {
            tree.remove(env);
        }
        2 => {
            for of in tree.values_mut() {
                of.entry(place).or_insert(*next);
            }
        }
        3 => {
            if let Some(of) = tree.get_mut(env).filter(|of| of.len() > 1) {
                of.remove(place);
            }
        }
        4 => {
            for of in tree.values_mut().filter(|of| of.contains_key(place)) {
                of.insert(place, *next);
            }
        }
        // A release of both.
        5 | 6 => {
            for place in [CHART, IMAGE] {
                let value = tree.get_mut(env).and_then(|of| of.get_mut(place));
                if let Some(value) = value {
                    *value = *next;
                }
            }
        }
        _ => {
            if let Some(value) = tree.get_mut(env).and_then(|of| of.get_mut(place)) {
                *value = *next;
            }
        }
    }
}

/// Whoever writes what: from one place to another it goes by way of what is unclear, unless the one is nowhere any more.
#[test]
fn no_commit_makes_another_place_the_version_at_once() {
    for seed in 1..24 {
        let mut chance = Chance(seed * 0x9E37_79B9);
        let mut next = 90;
        let mut trees = vec![match seed % 4 {
            0 => tree([1, 1, 0], [1, 1, 0]),
            1 => tree([2, 1, 0], [1, 1, 0]),
            2 => tree([1, 2, 1], [1, 1, 1]),
            _ => Tree::from([("dev", env([1, 1, 1]))]),
        }];
        let mut before = decided(&trees, None);
        for _ in 0..10 {
            let mut tree = trees.last().expect("a tip").clone();
            anything(&mut tree, &mut chance, &mut next);
            trees.push(tree.clone());
            let now = decided(&trees, None);
            let known = |of: &Release| of.contains_key(before.as_str());
            let is_gone = !tree.values().any(known);
            // With one place left there is nothing to choose.
            let places: BTreeSet<_> = tree.values().flat_map(BTreeMap::keys).collect();
            let fine = now == before
                || now == "unclear"
                || before == "unclear"
                || is_gone
                || places.len() < 2;
            assert!(fine, "seed {seed}: {before} → {now}\n{trees:#?}");
            before = now;
        }
    }
}

/// What is written is the place that was decided: then the same is decided again, whatever is written and how often.
#[test]
fn writing_a_version_never_makes_another_place_the_version() {
    for seed in 1..12 {
        let mut chance = Chance(seed * 0x51_7CC1);
        let mut next = 90;
        let mut trees = vec![tree([1, 1, 1], [1, 1, 1])];
        for _ in 0..chance.below(5) {
            let mut tree = trees.last().expect("a tip").clone();
            anything(&mut tree, &mut chance, &mut next);
            trees.push(tree);
        }
        let place = decided(&trees, None);
        let Some(place) = [CHART, IMAGE, PART].into_iter().find(|it| *it == place) else {
            continue;
        };
        for _ in 0..6 {
            let mut tree = trees.last().expect("a tip").clone();
            let envs: Vec<_> = tree.keys().copied().collect();
            let any = |chance: &mut Chance| {
                envs[usize::try_from(chance.below(envs.len() as u64)).unwrap_or(0)]
            };
            let (from, to) = (any(&mut chance), any(&mut chance));
            next += 1;
            // A promotion, a revert, or a version given by hand.
            let older = &trees[usize::try_from(chance.below(trees.len() as u64)).unwrap_or(0)];
            let value = match chance.below(3) {
                0 => tree[from].get(place).copied(),
                1 => older.get(to).and_then(|of| of.get(place)).copied(),
                _ => Some(next),
            };
            let taken = |value: u32| {
                tree[to]
                    .iter()
                    .any(|(it, known)| *it != place && *known == value)
            };
            if let Some(value) = value.filter(|value| !taken(*value)) {
                tree.entry(to).or_default().insert(place, value);
            }
            trees.push(tree);
            assert_eq!(decided(&trees, None), place, "seed {seed}\n{trees:#?}");
        }
    }
}

/// A walk that ends at a tip that was walked from before, and goes on by that, sees what walking anew sees: whatever was
/// done, and whichever commits fall out of what is looked at.
#[test]
fn going_on_by_an_older_walk_is_walking_anew() {
    for seed in 1..16 {
        let mut chance = Chance(seed * 0x2545_F491);
        let mut next = 90;
        let mut trees = vec![tree([2, 1, 1], [1, 1, 0])];
        for _ in 0..12 {
            let mut tree = trees.last().expect("a tip").clone();
            anything(&mut tree, &mut chance, &mut next);
            trees.push(tree);
        }
        for at in [1, 5, 11, 12] {
            for (commits, files) in [(100, 1000), (15, 1000), (6, 1000), (100, 9)] {
                let of = |trees: &[Tree]| walked(trees, None).1.within(commits, files);
                let (anew, older) = (of(&trees), of(&trees[..at]));
                let newer = walked(&trees[at - 1..], Some(Cut::Window)).1;
                let on = newer.onto(&older, commits, files);
                assert_eq!(
                    on.past(),
                    anew.past(),
                    "seed {seed}, {at}, {commits}, {files}"
                );
            }
        }
    }
}

//! Recognition by evidence: which scalars are versions, which coordinate of their places is the environment, and the layouts
//! that say so.

mod axes;
mod claim;
mod classify;
mod declared;
mod growing;
mod guess;
mod lexicon;
mod scan;
mod siblings;
mod write;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ops::Range,
    rc::Rc,
};

use axes::{Axis, Component};
use claim::Claim;
use declared::Declared;
use growing::Growing;
use scan::Scalar;
use write::Written;

use super::{Candidate, Evidence, shapes::is_passed_over};
use crate::domain::layout::LayoutSpec;
pub(super) use guess::{Proposal, candidates, guess, is_floating, is_other, looks_like_one, named};

/// A file's path, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FilePath {
    pub(super) folders: Vec<Rc<str>>,
    pub(super) stem: Rc<str>,
    /// With its dot.
    pub(super) ending: Rc<str>,
}

impl FilePath {
    /// The path as it was.
    fn whole(&self) -> String {
        let mut path: String = self
            .folders
            .iter()
            .flat_map(|folder| [&**folder, "/"])
            .collect();
        path.push_str(&self.stem);
        path.push_str(&self.ending);
        path
    }

    fn of(path: &str) -> Self {
        let mut folders: Vec<Rc<str>> = path.split('/').map(Rc::from).collect();
        let file = folders.pop().unwrap_or_else(|| "".into());
        // What such a file is stands before its ending: `staging.values.yaml`, also of a template: `staging.yaml.gotmpl`.
        let ends = [
            ".auto.tfvars",
            ".tfvars.json",
            ".values.yaml",
            ".values.yml",
        ];
        let template = [".gotmpl", ".tpl", ".tmpl", ".j2", ".jinja2"];
        let whole = template.iter().find_map(|end| file.strip_suffix(end));
        let whole = whole.filter(|it| it.contains('.')).unwrap_or(&file);
        let at = match ends.iter().find_map(|end| whole.strip_suffix(end)) {
            Some(stem) if !stem.is_empty() => stem.len(),
            _ => whole.rfind('.').filter(|at| *at > 0).unwrap_or(file.len()),
        };
        // A host's name has no ending.
        let at = if lexicon::is_host(&file) {
            file.len()
        } else {
            at
        };
        Self {
            folders,
            stem: file[..at].into(),
            ending: file[at..].into(),
        }
    }
}

/// A scalar that may be a version, where it stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Index of the file in the evidence.
    pub(super) file: usize,
    pub(super) path: Rc<FilePath>,
    scalar: Scalar,
    /// When it got which version, newest first.
    pub(super) moves: Vec<(i64, Rc<str>)>,
}

/// Most axes that are told.
const CANDIDATES: usize = 12;
/// Largest file that is looked at, in bytes.
const LARGEST: usize = 2 << 20;

fn is_looked_at(path: &str) -> bool {
    let mut segments: Vec<&str> = path.split('/').collect();
    let file = segments.pop().unwrap_or_default();
    if segments.iter().any(|it| is_passed_over(it)) || file.starts_with('.') {
        return false;
    }
    let kind = file.rsplit_once('.').map_or("", |(_, kind)| kind);
    let no = [
        "md", "png", "svg", "jpg", "gif", "pem", "crt", "key", "tgz", "gz", "zip", "lock", "sum",
        "html", "css", "js", "ts", "rst", "csv", "ipynb", "go", "py", "rb", "java", "rs", "ico",
        "pdf", "pub", "sql", "xml", "lua", "bu",
    ];
    !no.contains(&kind)
        && ![
            "package.json",
            "composer.json",
            "PKG-INFO",
            "Dockerfile",
            "Makefile",
            "LICENSE",
            "CODEOWNERS",
            "package-lock.json",
            "gotk-components.yaml",
        ]
        .contains(&file)
}

/// What recognition by evidence found.
#[derive(Debug)]
pub(super) struct Found {
    places: Vec<Place>,
    components: Vec<Component>,
    /// Of those, the ones of environments.
    accepted: Vec<(Axis, BTreeSet<Rc<str>>)>,
    claims: Vec<Claim>,
    written: Vec<Written>,
    /// Places that only repeat what another one in their file says.
    copies: BTreeSet<usize>,
}

/// Reads every file that may hold versions.
pub(super) fn places(paths: &[&str], read: &dyn Fn(&str) -> Option<Rc<[u8]>>) -> Vec<Place> {
    let mut places = Vec::new();
    for (file, path) in paths
        .iter()
        .enumerate()
        .filter(|(_, path)| is_looked_at(path))
    {
        let Some(bytes) = read(path).filter(|bytes| bytes.len() <= LARGEST) else {
            continue;
        };
        let Ok(text) = std::str::from_utf8(&bytes) else {
            continue;
        };
        let parts = Rc::new(FilePath::of(path));
        places.extend(scan::scan(path, text).into_iter().map(|scalar| Place {
            file,
            path: Rc::clone(&parts),
            scalar,
            moves: Vec::new(),
        }));
    }
    places
}

/// Finds axes and claims places for them.
///
/// `said` are names that the repository itself says are environments' or clusters'.
pub(super) fn find(places: Vec<Place>, evidence: &Evidence<'_>, said: &BTreeSet<String>) -> Found {
    let paths = evidence.paths;
    let families = claim::Families::of(&places);
    let plausible: Vec<Place> = places
        .into_iter()
        .filter(|place| families.are_versions(place))
        .collect();
    let components = axes::find(&plausible, said);
    let accepted = claim::accepted(&components);
    let (mut claims, mut copies) = claim::claim(&plausible, &accepted);
    // What is declared goes before what is only seen.
    let declared = Declared::read(paths, evidence.read);
    claims.retain(|claim| {
        let path = &plausible[claim.place].path;
        declared.beside(path).is_none() && !declared.are_services(path, claim.environment.axis)
    });
    claims.extend(siblings::declared(&plausible, &declared));
    // What says its environment itself is of that one, whatever list stands beside it.
    let taken: BTreeSet<usize> = claims.iter().map(|claim| claim.place).collect();
    claims.extend(siblings::listed(&plausible, &taken));
    let bare = siblings::bare(&plausible);
    let taken: BTreeSet<usize> = bare.iter().map(|claim| claim.place).collect();
    // Where that is how environments are told, a word somewhere in a folder's name is no other one.
    claims.retain(|claim| {
        let usual = bare.is_empty() || lexicon::weight(&claim.environment.token) == 100;
        usual && !taken.contains(&claim.place)
    });
    claims.extend(bare);
    let inherited = siblings::inherited(&plausible, &claims, paths, &accepted, &declared);
    claims.extend(inherited);
    for claim in &mut claims {
        let path = &plausible[claim.place].path;
        if claim.environment.axis == Axis::StemTail {
            claim.declared = declared.beside(path).cloned();
        }
    }
    let written = write::write(&plausible, &claims, &mut copies);
    Found {
        accepted: accepted
            .into_iter()
            .map(|it| (it.axis, it.tokens))
            .collect(),
        written,
        places: plausible,
        components,
        claims,
        copies,
    }
}

impl Found {
    /// Its layouts.
    pub(super) fn layouts(&self) -> Vec<LayoutSpec> {
        self.written.iter().map(|it| it.spec.clone()).collect()
    }

    /// Its environments.
    pub(super) fn environments(&self) -> Vec<String> {
        write::environments(&self.places, &self.claims, &self.written)
            .into_iter()
            .collect()
    }

    /// How much of the names of its environments is usual, by the places that they have.
    pub(super) fn lexical(&self) -> f64 {
        let weights = self.claims.iter().map(|claim| {
            let token = &claim.environment.token;
            let own = if lexicon::is_host(token) {
                60
            } else {
                lexicon::weight(token)
            };
            f64::from(own) / 100.0
        });
        let all = self.claims.len().max(1);
        #[allow(clippy::cast_precision_loss)]
        let all = all as f64;
        weights.sum::<f64>() / all
    }

    /// Every axis that something speaks for, the best first, and whether it is taken for environments.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        let each = self
            .components
            .iter()
            .filter(|it| it.score > 0.5)
            .take(CANDIDATES);
        each.map(|it| {
            let taken = self
                .accepted
                .iter()
                .any(|(axis, tokens)| *axis == it.axis && *tokens == it.tokens);
            it.told(taken)
        })
        .collect()
    }
}

/// How a place is found again in another version of its file: the file, the keys, and its document's name where several
/// have these keys.
type Way = (usize, Vec<scan::Step>, Option<Rc<str>>);

/// Tells places when they got which version.
pub(super) fn moved(places: &mut Vec<Place>, evidence: &Evidence<'_>) {
    // Documents of one file that are alike are told apart by their names.
    let mut counts: HashMap<(usize, &[scan::Step]), usize> = HashMap::new();
    for place in places.iter() {
        *counts.entry((place.file, &place.scalar.steps)).or_default() += 1;
    }
    let counts = counts.into_iter().filter(|(_, count)| *count > 1);
    let several: HashSet<(usize, Vec<scan::Step>)> = counts
        .map(|((file, steps), _)| (file, steps.to_vec()))
        .collect();
    let way = |file: usize, scalar: &Scalar| -> Way {
        let own = (file, scalar.steps.clone());
        let name = scalar.name.clone().filter(|_| several.contains(&own));
        (own.0, own.1, name)
    };
    let mut known: HashMap<Way, usize> = HashMap::new();
    let mut held: BTreeSet<usize> = BTreeSet::new();
    for (at, place) in places.iter().enumerate() {
        known.insert(way(place.file, &place.scalar), at);
        held.insert(place.file);
    }
    let files: HashMap<&str, usize> = held
        .into_iter()
        .map(|file| (evidence.paths[file], file))
        .collect();
    let wants = |path: &str| files.contains_key(path);
    let mut growing = Growing::default();
    (evidence.changes)(&wants, &mut |change| {
        let Some(file) = files.get(change.path) else {
            return;
        };
        let (Ok(old), Ok(new)) = (
            std::str::from_utf8(change.before),
            std::str::from_utf8(change.after),
        ) else {
            return;
        };
        let (own, others) = differing(old, new);
        let before: HashMap<Way, Scalar> = scan::scan_within(change.path, old, own)
            .into_iter()
            .map(|scalar| (way(*file, &scalar), scalar))
            .collect();
        let after = scan::scan_within(change.path, new, others);
        let came: Vec<Scalar> = after
            .iter()
            .filter(|scalar| !before.contains_key(&way(*file, scalar)))
            .cloned()
            .collect();
        growing.look(*file, change.path, (change.time, old), &came);
        for scalar in after {
            let way = way(*file, &scalar);
            let differs = before
                .get(&way)
                .is_some_and(|it| it.sign.version != scalar.sign.version);
            if differs && let Some(at) = known.get(&way) {
                places[*at].moves.push((change.time, scalar.sign.version));
            }
        }
    });
    growing.tell(places);
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.split(|byte| *byte == b'\n').count() - 1
}

/// The lines of two texts from the first that differs to the last.
fn differing(old: &str, new: &str) -> (Range<u32>, Range<u32>) {
    let count = |text: &str| u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX - 2) + 2;
    let same = old
        .bytes()
        .zip(new.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let begin = newlines(&old.as_bytes()[..same]);
    let begin = u32::try_from(begin).unwrap_or(u32::MAX - 2) + 1;
    let (a, b) = (&old.as_bytes()[same..], &new.as_bytes()[same..]);
    let tail = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let lines = newlines(&a[a.len() - tail..]);
    let lines = u32::try_from(lines).unwrap_or_default().saturating_sub(1);
    (
        begin..count(old).saturating_sub(lines),
        begin..count(new).saturating_sub(lines),
    )
}

impl Found {
    /// The share of what moves that is claimed; all of nothing.
    #[allow(clippy::cast_precision_loss)]
    pub(super) fn explained_share(&self) -> f64 {
        let claimed: BTreeSet<usize> = self.claims.iter().map(|claim| claim.place).collect();
        let all: usize = self.places.iter().map(|it| it.moves.len()).sum();
        let claimed: usize = claimed
            .into_iter()
            .map(|at| self.places[at].moves.len())
            .sum();
        if all == 0 {
            1.0
        } else {
            claimed as f64 / all as f64
        }
    }
}

#[cfg(test)]
mod tests;

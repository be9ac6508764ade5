//! Which coordinate of a place is the environment: found by putting something else in its place.
//!
//! A place has coordinates: folders, the file's stem, keys, labels of items, and pieces of these. Put `*` for one of them,
//! and places that agree in the rest are a row. Names that share rows are one axis. What speaks for an axis of environments
//! is scored: usual words, equal versions along rows, versions that were copied along them, and where it stands.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    rc::Rc,
};

use super::{super::Candidate, Place, lexicon, scan::Step};

/// Which coordinate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Axis {
    /// The folder at this depth.
    Folder(usize),
    /// A piece of it at the end, behind `-`, `_` or `.`.
    FolderTail(usize),
    /// A piece of it at the start.
    FolderHead(usize),
    /// The folder at this depth, which names a service; that no word of an environment is in it says production.
    Bare(usize),
    /// The file's name without its ending.
    Stem,
    StemTail,
    StemHead,
    /// The key at this step.
    Key(usize),
    KeyHead(usize),
    KeyTail(usize),
    /// What the item at this step is called.
    Item(usize),
    /// An item of the list beside it.
    Listed,
}

/// One coordinate of a place.
#[derive(Clone, Debug)]
pub(super) struct Coordinate {
    pub(super) axis: Axis,
    pub(super) token: Rc<str>,
    /// The mark between it and the rest, for pieces.
    pub(super) rest: Rc<str>,
}

/// Names that share rows on one coordinate, and how much speaks for them being environments.
#[derive(Clone, Debug)]
pub(super) struct Component {
    pub(super) axis: Axis,
    pub(super) score: f64,
    pub(super) lexical: f64,
    /// Names that are environments.
    pub(super) tokens: BTreeSet<Rc<str>>,
    /// Rows that more than one of them has.
    pub(super) rows: usize,
    /// In words, for `init --explain`.
    pub(super) equal: f64,
    pub(super) copies: f64,
    pub(super) moving: f64,
    pub(super) words: usize,
    pub(super) hosts: usize,
}

impl Component {
    /// For people.
    pub(super) fn told(&self, taken: bool) -> Candidate {
        let names: Vec<String> = self
            .tokens
            .iter()
            .take(8)
            .map(ToString::to_string)
            .collect();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let percent = |share: f64| (share * 100.0).round().max(0.0) as u32;
        Candidate {
            what: self.axis.words(),
            names,
            more: self.tokens.len().saturating_sub(8),
            score: percent(self.score),
            rows: self.rows,
            usual: percent(self.lexical),
            equal: percent(self.equal),
            copied: percent(self.copies),
            moving: percent(self.moving),
            taken,
        }
    }
}

impl Axis {
    fn words(self) -> String {
        match self {
            Self::Folder(at) | Self::Bare(at) => format!("folder {}", at + 1),
            Self::FolderTail(at) => format!("end of folder {}", at + 1),
            Self::FolderHead(at) => format!("start of folder {}", at + 1),
            Self::Stem => "file's name".to_owned(),
            Self::StemTail => "end of the file's name".to_owned(),
            Self::StemHead => "start of the file's name".to_owned(),
            Self::Key(at) => format!("key {}", at + 1),
            Self::KeyHead(at) => format!("start of key {}", at + 1),
            Self::KeyTail(at) => format!("end of key {}", at + 1),
            Self::Item(at) => format!("name of the item at {}", at + 1),
            Self::Listed => "list beside the version".to_owned(),
        }
    }
}

/// Every coordinate of a place that may be an environment's.
pub(super) fn coordinates(place: &Place) -> Vec<Coordinate> {
    let mut found = Vec::new();
    let mut whole = |axis, token: &str| {
        if !token.is_empty() && token.len() < 80 {
            found.push(Coordinate {
                axis,
                token: token.into(),
                rest: "".into(),
            });
        }
    };
    for (at, folder) in place.path.folders.iter().enumerate() {
        whole(Axis::Folder(at), folder);
    }
    whole(Axis::Stem, &place.path.stem);
    for (at, step) in place.scalar.steps.iter().enumerate() {
        match step {
            Step::Key(key)
                if at + 1 < place.scalar.steps.len() || place.scalar.sign.of.is_none() =>
            {
                whole(Axis::Key(at), key);
            }
            Step::Item(Some(label), _) => whole(Axis::Item(at), label),
            _ => {}
        }
    }
    let mut pieces = |text: &str, head: Axis, tail: Axis| {
        for (token, rest, is_tail) in split(text) {
            found.push(Coordinate {
                axis: if is_tail { tail } else { head },
                token,
                rest,
            });
        }
    };
    for (at, folder) in place.path.folders.iter().enumerate() {
        pieces(folder, Axis::FolderHead(at), Axis::FolderTail(at));
    }
    pieces(&place.path.stem, Axis::StemHead, Axis::StemTail);
    for (at, step) in place.scalar.steps.iter().enumerate() {
        if let Step::Key(key) = step {
            pieces(key, Axis::KeyHead(at), Axis::KeyTail(at));
        }
    }
    found
}

/// A usual word at the start or at the end of a name, with the rest of it.
fn split(text: &str) -> Vec<(Rc<str>, Rc<str>, bool)> {
    let mut found = Vec::new();
    for (at, mark) in text.match_indices(['-', '_', '.']) {
        let (before, after) = (&text[..at], &text[at + mark.len()..]);
        if before.is_empty() || after.is_empty() {
            continue;
        }
        if lexicon::weight(after) == 100 || matches!(before, "values" | "config" | "release") {
            found.push((Rc::from(after), Rc::from(&text[..=at]), true));
        }
        if lexicon::weight(before) == 100 {
            found.push((Rc::from(before), Rc::from(&text[at..]), false));
        }
    }
    found
}

/// The row that a place is in where `coordinate` is left open.
fn row(place: &Place, coordinate: &Coordinate, said: &BTreeSet<String>) -> u64 {
    let mut hasher = DefaultHasher::new();
    let own = |axis: Axis| axis == coordinate.axis;
    let lexical = lexicon::weight(&coordinate.token) > 0
        || lexicon::is_host(&coordinate.token)
        || said.contains(&*coordinate.token);
    let text = |text: &str, hasher: &mut DefaultHasher| {
        if text == &*coordinate.token && (lexical || text.len() > 4) {
            "*".hash(hasher);
        } else if lexical && coordinate.token.len() > 2 && text.contains(&*coordinate.token) {
            text.replace(&*coordinate.token, "*").hash(hasher);
        } else if lexical && let Some((echo, rest, _)) = lexicon::echo(text, &coordinate.token) {
            // As where it is the same word.
            let mark = echo.mark;
            let same = if echo.tail {
                format!("{rest}{mark}*")
            } else {
                format!("*{mark}{rest}")
            };
            same.hash(hasher);
        } else {
            text.hash(hasher);
        }
    };
    for (at, folder) in place.path.folders.iter().enumerate() {
        if own(Axis::Folder(at)) {
            "*".hash(&mut hasher);
        } else if own(Axis::FolderTail(at)) || own(Axis::FolderHead(at)) {
            (&coordinate.rest, "*").hash(&mut hasher);
        } else {
            text(folder, &mut hasher);
        }
    }
    if own(Axis::Stem) {
        "*".hash(&mut hasher);
    } else if own(Axis::StemTail) || own(Axis::StemHead) {
        (&coordinate.rest, "*").hash(&mut hasher);
    } else {
        text(&place.path.stem, &mut hasher);
    }
    place.path.ending.hash(&mut hasher);
    for (at, step) in place.scalar.steps.iter().enumerate() {
        match step {
            Step::Key(_) if own(Axis::Key(at)) => "*".hash(&mut hasher),
            Step::Key(_) if own(Axis::KeyHead(at)) || own(Axis::KeyTail(at)) => {
                (&coordinate.rest, "*").hash(&mut hasher);
            }
            Step::Key(key) => text(key, &mut hasher),
            Step::Item(_, _) if own(Axis::Item(at)) => "*".hash(&mut hasher),
            Step::Item(label, index) => match label {
                Some(label) => text(label, &mut hasher),
                None => index.hash(&mut hasher),
            },
            Step::Inside => "inside".hash(&mut hasher),
        }
    }
    // Several images of one list without names: by image.
    place.scalar.kind.hash(&mut hasher);
    if let Some(name) = &place.scalar.name {
        text(name, &mut hasher);
    }
    hasher.finish()
}

/// How sure a name is of being an environment's that the repository itself says is one's, in hundredths.
const SAID: u32 = 80;

/// A token of one axis.
type Token = (Axis, Rc<str>);

/// Every axis that something speaks for, the best first.
///
/// `said` are names that the repository itself says are environments' or clusters'.
pub(super) fn find(places: &[Place], said: &BTreeSet<String>) -> Vec<Component> {
    let mut rows: HashMap<(Axis, u64), Vec<(usize, usize)>> = HashMap::new();
    let mut tokens: Vec<Token> = Vec::new();
    let mut known: HashMap<Token, usize> = HashMap::new();
    for (at, place) in places.iter().enumerate() {
        for coordinate in coordinates(place) {
            let token = (coordinate.axis, Rc::clone(&coordinate.token));
            let id = *known.entry(token).or_insert_with_key(|token| {
                tokens.push(token.clone());
                tokens.len() - 1
            });
            rows.entry((coordinate.axis, row(place, &coordinate, said)))
                .or_default()
                .push((id, at));
        }
    }
    let mut parents: Vec<usize> = (0..tokens.len()).collect();
    let mut shared: Vec<Vec<(usize, usize)>> = Vec::new();
    for (_, members) in rows {
        let distinct: BTreeSet<usize> = members.iter().map(|(token, _)| *token).collect();
        if distinct.len() < 2 {
            continue;
        }
        let mut distinct = distinct.into_iter();
        let first = distinct.next().unwrap_or_default();
        for other in distinct {
            let (a, b) = (root(&mut parents, first), root(&mut parents, other));
            parents[a.max(b)] = a.min(b);
        }
        shared.push(members);
    }
    let mut components: BTreeMap<usize, Vec<Vec<(usize, usize)>>> = BTreeMap::new();
    for members in shared {
        let at = root(&mut parents, members[0].0);
        components.entry(at).or_default().push(members);
    }
    let mut found: Vec<Component> = components
        .into_values()
        .filter_map(|rows| component(places, &tokens, &rows, said))
        .collect();
    found.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then_with(|| a.axis.cmp(&b.axis))
            .then_with(|| a.tokens.cmp(&b.tokens))
    });
    found
}

fn root(parents: &mut [usize], mut at: usize) -> usize {
    while parents[at] != at {
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    at
}

/// Judges names that share rows.
#[allow(clippy::cast_precision_loss)]
fn component(
    places: &[Place],
    tokens: &[Token],
    rows: &[Vec<(usize, usize)>],
    said: &BTreeSet<String>,
) -> Option<Component> {
    let axis = tokens[rows[0][0].0].0;
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for (token, _) in rows.iter().flatten() {
        *counts.entry(*token).or_default() += 1;
    }
    let name = |token: usize| &*tokens[token].1;
    let weight = |token: usize| {
        let own = lexicon::weight(name(token));
        if said.contains(name(token)) {
            own.max(SAID)
        } else if own == 0 && lexicon::is_host(name(token)) {
            60
        } else {
            own
        }
    };
    // Those that are usual words, and those that share a good part of their rows with them.
    let lexical: BTreeSet<usize> = counts
        .keys()
        .copied()
        .filter(|token| weight(*token) > 0)
        .collect();
    let mut beside: BTreeMap<usize, usize> = BTreeMap::new();
    for row in rows {
        if row.iter().any(|(token, _)| lexical.contains(token)) {
            for (token, _) in row {
                *beside.entry(*token).or_default() += 1;
            }
        }
    }
    let strong = lexical.len() >= 2;
    let kept: BTreeSet<usize> = counts
        .iter()
        .filter(|(token, count)| {
            let lower = name(**token).to_ascii_lowercase();
            if lexicon::is_common(&lower) || lexicon::is_review(&lower) {
                return false;
            }
            if !strong {
                return true;
            }
            lexical.contains(token)
                || (beside.get(token).copied().unwrap_or_default() * 2 >= **count && **count >= 2)
        })
        .map(|(token, _)| *token)
        .collect();
    let (mut all, mut lex, mut equal, mut alike, mut number, mut moving, mut copies) =
        (0, 0.0, 0.0, 0.0, 0, 0, 0);
    for row in rows {
        let own: Vec<&(usize, usize)> = row
            .iter()
            .filter(|(token, _)| kept.contains(token))
            .collect();
        let distinct: BTreeSet<usize> = own.iter().map(|(token, _)| *token).collect();
        if distinct.len() < 2 {
            continue;
        }
        number += 1;
        let mut versions: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for (token, place) in &own {
            all += 1;
            lex += f64::from(weight(*token)) / 100.0;
            versions
                .entry(&places[*place].scalar.sign.version)
                .or_default()
                .insert(*token);
        }
        let most = versions
            .values()
            .map(BTreeSet::len)
            .max()
            .unwrap_or_default();
        equal += (most - 1) as f64 / (distinct.len() - 1) as f64;
        alike += 1.0;
        moving += usize::from(
            own.iter()
                .any(|(_, place)| !places[*place].moves.is_empty()),
        );
        copies += usize::from(copied(places, &own));
    }
    if number == 0 {
        return None;
    }
    let named = kept
        .iter()
        .filter(|token| said.contains(name(**token)) && lexicon::word(name(**token)).is_none());
    let named = named.count();
    let words: BTreeSet<usize> = kept
        .iter()
        .filter_map(|token| lexicon::word(name(*token)).filter(|_| weight(*token) > 0))
        .collect();
    let (equal, copies, moving) = (
        equal / alike,
        copies as f64 / number as f64,
        moving as f64 / number as f64,
    );
    let mut share = lex / f64::from(all);
    let hosts = kept
        .iter()
        .filter(|token| lexicon::is_host(name(**token)))
        .count();
    let words = words.len() + named;
    if words < 2 && hosts < 2 {
        share *= 0.5;
    }
    let prior = match axis {
        Axis::Folder(_) | Axis::Bare(_) => 0.3,
        Axis::Stem => 0.25,
        Axis::FolderTail(_) | Axis::FolderHead(_) | Axis::StemTail | Axis::StemHead => 0.2,
        Axis::Key(_) => 0.1,
        Axis::KeyHead(_) | Axis::KeyTail(_) | Axis::Item(_) | Axis::Listed => 0.05,
    };
    let wide = if kept.len() > 3 * number { 1.0 } else { 0.0 };
    let score = 2.0 * share + equal + copies + 0.3 * moving + prior - wide;
    Some(Component {
        axis,
        score,
        lexical: share,
        tokens: kept
            .into_iter()
            .map(|token| Rc::clone(&tokens[token].1))
            .collect(),
        rows: number,
        equal,
        copies,
        moving,
        words,
        hosts,
    })
}

/// Whether a version came to one place of the row and later to another.
fn copied(places: &[Place], row: &[&(usize, usize)]) -> bool {
    let mut first: BTreeMap<&str, (usize, i64)> = BTreeMap::new();
    for (token, place) in row {
        for (time, version) in &places[*place].moves {
            match first.get(&**version) {
                Some((other, at)) if other != token && at != time => return true,
                Some(_) => {}
                None => {
                    first.insert(version, (*token, *time));
                }
            }
        }
    }
    false
}

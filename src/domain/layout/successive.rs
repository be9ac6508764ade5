//! What one version of a file says, from what another says.
//!
//! In a history, the versions of a file differ in a few scalars. Parsing all of it for each costs the size of the file times
//! the number of commits; here, what differs is found by comparing bytes, and where it stands in scalars alone, whose
//! texts nothing else depends on, only those are read again. Everything else is parsed anew.
//!
//! ```text
//! "web":   {"version": "1.4.1", "built": "2024-05-01"},      old
//! "web":   {"version": "1.4.2", "built": "2024-05-03"},      new: two scalars differ, and nothing between them
//!                       ─────            ──────────
//!                       a version        read by no layout
//! ```
//!
//! That the tree is otherwise the same is known because a scalar of one line, in the same quotes, of characters that mean
//! nothing to YAML, ends where the old one ended. Whether its text decides more than its own value was noted while the old
//! version was read: see [`Reads`](crate::domain::manifest).

use std::{ops::Range, sync::Arc};

use super::{
    FileFacts, LayoutSet,
    extract::File,
    pair::held,
    part::Part,
    set::{Fact, Placed},
};
use crate::domain::{
    ids::RepoPath,
    manifest::{NodeKind, ScalarStyle, Yaml},
    version::Version,
};

/// A version longer than this is read in the usual way: no tag is.
const LONGEST: usize = 128;

/// Reads the versions of one file, one after the other; neighbours in a history cost the least.
#[derive(Debug, Default)]
pub struct Successive {
    known: Option<Known>,
    parsed: usize,
}

/// A version that was read.
#[derive(Debug)]
struct Known {
    bytes: Arc<Vec<u8>>,
    facts: Arc<FileFacts>,
    /// The scalars that may change, in the order they stand in.
    tokens: Vec<Token>,
}

/// A scalar of one line that is a value.
#[derive(Clone, Debug, PartialEq)]
struct Token {
    /// With its quotes.
    span: Range<usize>,
    /// The quote; `None` where there is none.
    quote: Option<u8>,
    meaning: Meaning,
}

/// What a scalar's text is to the layouts.
#[derive(Clone, Debug, PartialEq)]
enum Meaning {
    /// Nobody reads it.
    Nothing,
    /// It holds the version of one fact.
    Version {
        entry: usize,
        fact: usize,
        /// The compiled layout and its level.
        level: (usize, usize),
        /// How many bytes of the scalar stand before and behind it.
        around: (usize, usize),
    },
    /// More than one thing depends on it.
    More,
}

impl Successive {
    /// What the file at `path` says with these bytes: the same as [`LayoutSet::extract`], always for the same `layouts`
    /// and `path`.
    pub fn read(
        &mut self,
        layouts: &LayoutSet,
        path: &RepoPath,
        bytes: &Arc<Vec<u8>>,
    ) -> Arc<FileFacts> {
        if let Some(known) = &mut self.known
            && let Some(facts) = known.move_to(layouts, bytes)
        {
            return facts;
        }
        self.parsed += bytes.len();
        let mut file = File::noted(bytes);
        let mut places = Vec::new();
        let facts = Arc::new(layouts.extract_from(path, &mut file, Some(&mut places)));
        let tree = file.tree_alone().filter(|_| facts.problems().is_empty());
        self.known = Some(Known {
            bytes: Arc::clone(bytes),
            facts: Arc::clone(&facts),
            tokens: tree.map_or(Vec::new(), |tree| tokens(tree, places)),
        });
        facts
    }

    /// How many bytes were parsed so far.
    pub fn parsed(&self) -> usize {
        self.parsed
    }

    /// How many bytes are kept to compare with.
    pub fn kept(&self) -> usize {
        self.known.as_ref().map_or(0, |known| known.bytes.len())
    }
}

impl Known {
    /// Becomes the version of these bytes; `None`, and nothing has changed, where it has to be parsed.
    fn move_to(&mut self, layouts: &LayoutSet, bytes: &Arc<Vec<u8>>) -> Option<Arc<FileFacts>> {
        let changes = differences(&self.bytes, &self.tokens, bytes)?;
        let mut facts = Vec::new();
        for (number, span) in &changes {
            let token = &self.tokens[*number];
            // A digest may be of a version near it, whatever its key is called.
            let digest = |text: &[u8]| std::str::from_utf8(text).is_ok_and(held::may_hold);
            let (entry, fact, level, around) = match &token.meaning {
                Meaning::Nothing
                    if digest(&bytes[span.clone()]) && !digest(&self.bytes[token.span.clone()]) =>
                {
                    return None;
                }
                Meaning::Nothing => continue,
                Meaning::More => return None,
                Meaning::Version {
                    entry,
                    fact,
                    level,
                    around,
                } => (*entry, *fact, *level, *around),
            };
            let (old, new) = (&self.bytes[token.span.clone()], &bytes[span.clone()]);
            let text = version(old, new, around)?;
            let level = layouts.layouts.get(level.0)?.levels.get(level.1)?;
            let before = self.facts.entries.get(entry)?.facts.get(fact)?;
            let version = Version::from(text);
            let is_read = !before.unread && level.unread(&before.bindings, text).is_none();
            if matches!(level.part, Part::Regex(_)) || !is_read || !level.accepts(Some(&version)) {
                return None;
            }
            facts.push((
                entry,
                fact,
                Fact {
                    version: Some(version),
                    ..Fact::clone(before)
                },
            ));
        }
        if !facts.is_empty() {
            self.facts = Arc::new(self.facts.with(facts));
        }
        if let Some((first, _)) = changes.first() {
            let mut changes = changes.iter().peekable();
            let (mut grown, mut shrunk) = (0, 0);
            for (number, token) in self.tokens.iter_mut().enumerate().skip(*first) {
                let length = token.span.len();
                let start = token.span.start + grown - shrunk;
                token.span = match changes.next_if(|(changed, _)| *changed == number) {
                    Some((_, span)) => span.clone(),
                    None => start..start + length,
                };
                grown += token.span.len();
                shrunk += length;
            }
        }
        self.bytes = Arc::clone(bytes);
        Some(Arc::clone(&self.facts))
    }
}

/// The new version in a scalar that holds one, where it is of characters that no part of a scalar ends at.
fn version<'n>(old: &[u8], new: &'n [u8], around: (usize, usize)) -> Option<&'n str> {
    let (before, behind) = around;
    let end = new.len().checked_sub(behind)?;
    let text = new.get(before..end)?;
    let same = old.get(..before) == new.get(..before)
        && old.get(old.len().checked_sub(behind)?..) == new.get(end..);
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-+".contains(byte);
    let fits = same
        && text.len() <= LONGEST
        && text.first().is_some_and(u8::is_ascii_alphanumeric)
        && text.iter().all(plain);
    std::str::from_utf8(text).ok().filter(|_| fits)
}

/// The scalars of a tree that may change, with what was noted of them.
fn tokens(tree: &Yaml<'_>, mut places: Vec<Placed>) -> Vec<Token> {
    places.sort_by_key(|place| place.bytes.start);
    let mut tokens = Vec::new();
    for document in &tree.documents {
        let mut is_key = vec![false; document.nodes.len()];
        for node in &document.nodes {
            if let NodeKind::Mapping { entries, .. } = &node.kind {
                for entry in entries {
                    is_key[entry.key] = true;
                }
            }
        }
        for (id, node) in document.nodes.iter().enumerate() {
            let NodeKind::Scalar { style, .. } = &node.kind else {
                continue;
            };
            let quote = match style {
                ScalarStyle::Plain => None,
                ScalarStyle::SingleQuoted => Some(b'\''),
                ScalarStyle::DoubleQuoted => Some(b'"'),
                ScalarStyle::Literal | ScalarStyle::Folded => continue,
            };
            if is_key[id] || node.tag.is_some() || tree.source(node.span.clone()).contains('\n') {
                continue;
            }
            let used = document.reads.of(id);
            let first = places.partition_point(|place| place.bytes.start < node.span.start);
            let here = places[first..]
                .iter()
                .take_while(|place| place.bytes.start < node.span.end);
            let here: Vec<&Placed> = here.collect();
            let meaning = match (used.decides, used.values, &here[..]) {
                (false, 0, []) => Meaning::Nothing,
                (false, 1, [place]) if place.bytes.end <= node.span.end => Meaning::Version {
                    entry: place.entry,
                    fact: place.fact,
                    level: place.level,
                    around: (
                        place.bytes.start - node.span.start,
                        node.span.end - place.bytes.end,
                    ),
                },
                _ => Meaning::More,
            };
            tokens.push(Token {
                span: node.span.clone(),
                quote,
                meaning,
            });
        }
    }
    tokens.sort_by_key(|token| token.span.start);
    tokens
}

/// The scalars that `new` has otherwise, with where they stand there; `None` where it differs in anything else.
fn differences(old: &[u8], tokens: &[Token], new: &[u8]) -> Option<Vec<(usize, Range<usize>)>> {
    let before = common_prefix(old, new);
    if before == old.len() && before == new.len() {
        return Some(Vec::new());
    }
    let behind = common_suffix(&old[before..], &new[before..]);
    let end = old.len() - behind;
    let mut changes = Vec::new();
    let mut number = tokens.partition_point(|token| token.span.end < before);
    let mut at = tokens.get(number)?.span.start;
    if at > before {
        return None;
    }
    loop {
        let token = tokens.get(number)?;
        let length = scalar(new.get(at..)?, token.quote)?;
        let span = at..at + length;
        if old[token.span.clone()] != new[span.clone()] {
            changes.push((number, span.clone()));
        }
        let next = tokens.get(number + 1);
        if token.span.end >= end || next.is_none() {
            // What follows is the same: known already, or to be compared.
            let same = old.len() - token.span.end == new.len() - span.end
                && (token.span.end >= end || old[token.span.end..] == new[span.end..]);
            return same.then_some(changes);
        }
        let between = &old[token.span.end..next?.span.start];
        if new.get(span.end..span.end + between.len())? != between {
            return None;
        }
        at = span.end + between.len();
        number += 1;
    }
}

/// The length of the scalar that begins here, in such quotes, if it is of characters that mean nothing to YAML.
fn scalar(text: &[u8], quote: Option<u8>) -> Option<usize> {
    let Some(quote) = quote else {
        let is_plain = |at: usize| match text[at] {
            b':' => text.get(at + 1).is_some_and(u8::is_ascii_alphanumeric),
            byte => byte.is_ascii_alphanumeric() || b"._-+/@".contains(&byte),
        };
        let length = (0..text.len())
            .position(|at| !is_plain(at))
            .unwrap_or(text.len());
        let plain = &text[..length];
        let fits = plain.first().is_some_and(u8::is_ascii_alphanumeric)
            && !plain.eq_ignore_ascii_case(b"null");
        return fits.then_some(length);
    };
    let inside = text.strip_prefix(&[quote])?;
    let length = inside.iter().position(|byte| *byte == quote)?;
    let fits = length > 0
        && inside[..length]
            .iter()
            .all(|byte| matches!(byte, b' '..=b'~') && *byte != b'\\')
        // Twice is one that is meant.
        && inside.get(length + 1) != Some(&quote);
    fits.then_some(length + 2)
}

fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    let blocks = a.as_chunks::<64>().0.iter().zip(b.as_chunks::<64>().0);
    let same = 64 * blocks.take_while(|(a, b)| a == b).count();
    let rest = a[same..].iter().zip(&b[same..]);
    same + rest.take_while(|(a, b)| a == b).count()
}

fn common_suffix(a: &[u8], b: &[u8]) -> usize {
    let blocks = a.as_rchunks::<64>().1.iter().rev();
    let blocks = blocks.zip(b.as_rchunks::<64>().1.iter().rev());
    let same = 64 * blocks.take_while(|(a, b)| a == b).count();
    let rest = a[..a.len() - same].iter().rev();
    let rest = rest.zip(b[..b.len() - same].iter().rev());
    same + rest.take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests;

//! How commits and tags hang together: what a tag names, what is in whose past, where two histories meet.
//!
//! Names of objects are hashes of what they say, so nothing real goes round. What was stored under another's name may: every
//! walk here ends all the same, and says at which object.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet, hash_map::Entry},
};

use super::{
    objects::{Header, Objects},
    parse::{committed, damaged, parse_tag},
    store::Type,
};
use crate::domain::{failure::Failure, ids::ObjectId};

pub(super) use super::parse::Tag;

/// Tags of tags are rare, and of more levels than this are somebody's joke.
const MOST_TAGS: usize = 64;

impl Objects {
    /// The commit that an object is or, being a tag, names; `None` where that is something else.
    ///
    /// # Errors
    /// When an object on the way cannot be read.
    pub(super) fn peel(&self, id: ObjectId) -> Result<Option<ObjectId>, Failure> {
        let mut at = id;
        for _ in 0..MOST_TAGS {
            match self.any(at)? {
                (Type::Commit, _) => return Ok(Some(at)),
                (Type::Tag, data) => {
                    let tag = parse_tag(&data);
                    at = tag.ok_or_else(|| damaged(at, "is no readable tag"))?.object;
                }
                (Type::Tree | Type::Blob, _) => return Ok(None),
            }
        }
        let why =
            format!("is a tag of a tag, more than {MOST_TAGS} levels deep or round and round");
        Err(damaged(id, &why))
    }

    /// What a tag says; `None` where the object is no tag.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn tag(&self, id: ObjectId) -> Result<Option<Tag>, Failure> {
        let (Type::Tag, data) = self.any(id)? else {
            return Ok(None);
        };
        let tag = parse_tag(&data);
        tag.map(Some)
            .ok_or_else(|| damaged(id, "is no readable tag"))
    }

    /// Follows first parents from `tip`, which comes first.
    pub(super) fn first_parents(&self, tip: ObjectId) -> FirstParents<'_> {
        FirstParents {
            objects: self,
            next: Some(tip),
            round: Round::default(),
        }
    }

    /// Whether `commit` has `ancestor` in its past, or is it.
    ///
    /// # Errors
    /// When a commit cannot be read.
    pub(super) fn is_ancestor(
        &self,
        ancestor: ObjectId,
        commit: ObjectId,
    ) -> Result<bool, Failure> {
        if ancestor == commit {
            return Ok(true);
        }
        Ok(Painting::of(self, ancestor, &[commit])?
            .met
            .contains(&ancestor))
    }

    /// The newest commits that both have in their past, none of them in another's: one for most, none for histories that
    /// have nothing in common, several where branches were merged crosswise.
    ///
    /// # Errors
    /// When a commit cannot be read.
    pub(super) fn merge_bases(&self, a: ObjectId, b: ObjectId) -> Result<Vec<ObjectId>, Failure> {
        if a == b {
            return Ok(vec![a]);
        }
        let met = Painting::of(self, a, &[b])?.met;
        if met.len() < 2 {
            return Ok(met);
        }
        // Clocks that were wrong let one be met before another that has it in its past.
        let mut bases = Vec::new();
        for one in &met {
            let others: Vec<ObjectId> = met.iter().copied().filter(|other| other != one).collect();
            if !Painting::of(self, *one, &others)?.met.contains(one) {
                bases.push(*one);
            }
        }
        Ok(bases)
    }
}

/// The commits on first parents, each with its header.
pub(super) struct FirstParents<'a> {
    objects: &'a Objects,
    next: Option<ObjectId>,
    round: Round,
}

impl Iterator for FirstParents<'_> {
    type Item = Result<(ObjectId, Header), Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        let commit = self.next.take()?;
        if let Err(error) = self.round.enter(commit) {
            return Some(Err(error));
        }
        let header = self.objects.header(commit);
        if let Ok(header) = &header {
            self.next = header.parents.first().copied();
        }
        Some(header.map(|header| (commit, header)))
    }
}

/// Notices when a walk comes to a commit again.
#[derive(Default)]
pub(super) struct Round(HashSet<ObjectId>);

impl Round {
    /// Comes to this commit.
    ///
    /// # Errors
    /// `Damaged` where it was there before.
    pub(super) fn enter(&mut self, commit: ObjectId) -> Result<(), Failure> {
        if self.0.insert(commit) {
            return Ok(());
        }
        Err(damaged(
            commit,
            "is a commit in its own past, which no real commit is: it or one below it is stored under another's name",
        ))
    }
}

const ONE: u8 = 1;
const OTHER: u8 = 2;
/// In the past of a commit that both have.
const STALE: u8 = 4;

/// Two histories painted from their tips, newest commits first, until all that is left is in the past of what both have.
struct Painting {
    /// Commits that both have, and that were not known to be in another's past when they were met.
    met: Vec<ObjectId>,
}

impl Painting {
    fn of(objects: &Objects, one: ObjectId, others: &[ObjectId]) -> Result<Self, Failure> {
        let mut seen: HashMap<ObjectId, Seen> = HashMap::new();
        // Of two that are as old, the one that came first.
        let mut queue: BinaryHeap<(i64, Reverse<usize>, ObjectId)> = BinaryHeap::new();
        let mut met = Vec::new();
        let mut number = 0;
        let tips = others.iter().map(|other| (*other, OTHER));
        let mut coming: Vec<(ObjectId, u8)> = std::iter::once((one, ONE)).chain(tips).collect();
        loop {
            for (commit, colour) in coming.drain(..) {
                let known = match seen.entry(commit) {
                    Entry::Occupied(entry) => entry.into_mut(),
                    Entry::Vacant(entry) => entry.insert(Seen::read(objects, commit)?),
                };
                // Each commit comes here once a colour at most, so this ends whatever its parents are.
                if known.colour | colour != known.colour {
                    known.colour |= colour;
                    number += 1;
                    queue.push((known.time, Reverse(number), commit));
                }
            }
            let is_stale = |(_, _, commit): &(_, _, ObjectId)| {
                let known = seen.get(commit);
                known.is_some_and(|known| known.colour & STALE != 0)
            };
            if !met.is_empty() && queue.iter().all(is_stale) {
                break;
            }
            let Some((_, _, commit)) = queue.pop() else {
                break;
            };
            let Some(known) = seen.get(&commit) else {
                continue;
            };
            let mut handed = known.colour;
            if handed & (ONE | OTHER) == ONE | OTHER {
                if handed & STALE == 0 && !met.contains(&commit) {
                    met.push(commit);
                }
                handed |= STALE;
            }
            coming.extend(known.parents.iter().map(|parent| (*parent, handed)));
        }
        met.retain(|commit| seen.get(commit).is_some_and(|it| it.colour & STALE == 0));
        Ok(Self { met })
    }
}

/// A commit that a painting came to.
struct Seen {
    colour: u8,
    time: i64,
    parents: Vec<ObjectId>,
}

impl Seen {
    fn read(objects: &Objects, commit: ObjectId) -> Result<Self, Failure> {
        let (header, text) = objects.commit(commit)?;
        Ok(Self {
            colour: 0,
            // Of two without a time, any comes first.
            time: committed(&text).unwrap_or_default(),
            parents: header.parents,
        })
    }
}

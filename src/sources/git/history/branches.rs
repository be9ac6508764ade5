//! Who wrote the bytes that a merge brought, where that is beyond doubt.
//!
//! Most merges bring one commit, on top of a commit of the line a little farther down. What stands in a file there
//! is known from the differences between the commits of the line; what stands in it on the branch is known, too,
//! where the merge took the branch's tree as it was. Trees are read for the others only.

use std::{cell::OnceCell, collections::HashMap, sync::Arc};

use super::{
    super::{
        objects::{Header, Objects},
        read::lookup,
    },
    pipeline::OnLine,
    tree::Difference,
};
use crate::domain::ids::ObjectId;

/// A commit, and its text.
pub(super) type Author = (ObjectId, Arc<Vec<u8>>);

/// What stands at a path; `None`: nothing.
type Blob = Option<ObjectId>;

/// A branch longer than this is left to whoever asks.
const LONGEST_BRANCH: usize = 32;
/// A commit of the line is asked about files so far above it.
const FARTHEST: usize = 256;

/// The merges of one stretch of the landed line.
pub(super) struct Branches<'a> {
    objects: &'a Objects,
    line: &'a [OnLine],
    /// Between each commit and its first parent.
    differences: &'a [Vec<Difference>],
    places: HashMap<ObjectId, usize>,
}

impl<'a> Branches<'a> {
    pub(super) fn new(
        objects: &'a Objects,
        line: &'a [OnLine],
        differences: &'a [Vec<Difference>],
    ) -> Self {
        let places = line.iter().enumerate();
        Self {
            objects,
            line,
            differences,
            places: places.map(|(place, on)| (on.commit, place)).collect(),
        }
    }

    /// For every difference, in order.
    pub(super) fn authors(&self) -> Vec<Option<Author>> {
        let steps = self.differences.iter().enumerate();
        steps
            .flat_map(|(place, differences)| {
                let branch = OnceCell::new();
                let author = move |difference| {
                    let [_, tip] = self.line[place].header.parents[..] else {
                        return None;
                    };
                    // Many files of one merge: its branch is read once.
                    let tip = branch.get_or_init(|| self.commit(tip)).clone()?;
                    self.author(place, tip, difference)
                };
                differences.iter().map(author)
            })
            .collect()
    }

    /// On the branch, the oldest commit that has the bytes, where before it stand those that the landed line had.
    fn author(&self, merge: usize, tip: Commit, difference: &Difference) -> Option<Author> {
        let mut at = tip;
        let same = at.header.tree == self.line[merge].header.tree;
        if !same && self.blob(&at, difference)? != difference.left {
            return None;
        }
        for _ in 0..LONGEST_BRANCH {
            let [parent] = at.header.parents[..] else {
                return None;
            };
            if let Some(there) = self.blob_on_line(merge, parent, difference) {
                let found = (at.id, at.text);
                return (there == difference.entered).then_some(found);
            }
            let next = self.commit(parent)?;
            let there = self.blob(&next, difference)?;
            if there == difference.entered {
                return Some((at.id, at.text));
            }
            if there != difference.left {
                return None;
            }
            at = next;
        }
        None
    }

    /// The file's blob at a commit of this stretch below `merge`, where that is an easy question.
    fn blob_on_line(
        &self,
        merge: usize,
        commit: ObjectId,
        difference: &Difference,
    ) -> Option<Blob> {
        let place = *self.places.get(&commit)?;
        let between = self.differences.get(merge + 1..place)?;
        if between.len() > FARTHEST {
            return None;
        }
        let mut blob = difference.entered;
        for other in between.iter().flatten() {
            if other.path == difference.path {
                blob = other.entered;
            }
        }
        // What stood there before other changes is told from the trees.
        (blob == difference.entered).then_some(blob)
    }

    fn blob(&self, commit: &Commit, difference: &Difference) -> Option<Blob> {
        lookup(self.objects, commit.header.tree, difference.path.as_str()).ok()
    }

    fn commit(&self, id: ObjectId) -> Option<Commit> {
        let (header, text) = self.objects.commit(id).ok()?;
        Some(Commit { id, header, text })
    }
}

/// A commit of a branch.
#[derive(Clone)]
struct Commit {
    id: ObjectId,
    header: Header,
    text: Arc<Vec<u8>>,
}

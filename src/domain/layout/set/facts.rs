//! What one file says, as far as a matrix needs it.

use std::{ops::Range, sync::Arc};

use super::super::{
    bindings::Bindings,
    containers::Other,
    extract::{Found, Place},
};
use crate::domain::{problem::Problem, version::Version};

/// What one file says. Small and shareable; a pure function of (path, bytes).
#[derive(Debug, Default, PartialEq, Eq)]
pub struct FileFacts {
    pub(in crate::domain::layout) entries: Vec<LayoutFacts>,
    pub(super) problems: Vec<Problem>,
}

/// What one layout reads from the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::domain::layout) struct LayoutFacts {
    /// Index of the compiled layout.
    pub(in crate::domain::layout) layout: u16,
    /// As what.
    pub(in crate::domain::layout) role: Role,
    /// What the path captured.
    pub(in crate::domain::layout) path: Bindings,
    /// The file could not be read: what it would say is not known, so nothing is inherited in its place.
    pub(in crate::domain::layout) broken: bool,
    /// The versions, in file order; shared by the file's versions in a history that have the same.
    pub(in crate::domain::layout) facts: Vec<Arc<Fact>>,
}

/// Where in a file's bytes one of its facts stands.
pub(in crate::domain::layout) struct Placed {
    /// Which fact of which entry.
    pub(in crate::domain::layout) entry: usize,
    pub(in crate::domain::layout) fact: usize,
    /// The compiled layout that found it, and its level.
    pub(in crate::domain::layout) level: (usize, usize),
    /// The version's own bytes.
    pub(in crate::domain::layout) bytes: Range<usize>,
}

/// What a file is for a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::domain::layout) enum Role {
    /// The cell's own place (0) or a fall-back.
    Level(u8),
    /// Proof that the service exists.
    Proof,
    /// It is there, or something below it is.
    Condition,
}

/// One version in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::domain::layout) struct Fact {
    /// Everything captured, of the path too.
    pub(in crate::domain::layout) bindings: Bindings,
    /// The version; `None` for null and empty.
    pub(in crate::domain::layout) version: Option<Version>,
    /// Something stands there that is no version: nothing is inherited instead.
    pub(in crate::domain::layout) unread: bool,
    /// The line, from 1.
    pub(in crate::domain::layout) line: u32,
    /// A digest has a place of its own beside it.
    pub(in crate::domain::layout) paired: bool,
    /// Another container runs the same image as another version.
    pub(in crate::domain::layout) other: Option<Box<Other>>,
    /// The policy of Flux's image automation that is marked there.
    pub(in crate::domain::layout) policy: Option<Arc<str>>,
}

impl FileFacts {
    /// What a file without problems says.
    pub(in crate::domain::layout) fn of(entries: Vec<LayoutFacts>) -> Self {
        Self {
            entries,
            problems: Vec::new(),
        }
    }

    /// The lines, from 1, on which the place of a version was found.
    pub fn lines(&self) -> impl Iterator<Item = u32> {
        let facts = self.entries.iter().flat_map(|entry| &entry.facts);
        facts.map(|fact| fact.line)
    }

    /// The same with other facts in these places (entry, fact).
    pub(in crate::domain::layout) fn with(&self, other: Vec<(usize, usize, Fact)>) -> Self {
        let mut facts = Self {
            entries: self.entries.clone(),
            problems: self.problems.clone(),
        };
        for (entry, at, fact) in other {
            facts.entries[entry].facts[at] = Arc::new(fact);
        }
        facts
    }

    /// What could not be read in this file.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether it could not be read as any layout would: then what it would say is not known.
    pub fn is_unreadable(&self) -> bool {
        let mut read = self
            .entries
            .iter()
            .filter(|e| matches!(e.role, Role::Level(_)))
            .peekable();
        read.peek().is_some() && read.all(|entry| entry.broken)
    }

    /// Whether it declares a version.
    pub fn declares(&self) -> bool {
        let facts = self.entries.iter().flat_map(|entry| &entry.facts);
        facts.into_iter().any(|fact| fact.version.is_some())
    }

    /// Whether the file says nothing at all, not even that a cell exists.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.problems.is_empty()
    }

    /// Whether `other` says the same of the same cells, up to versions and lines.
    pub(in crate::domain::layout) fn has_shape_of(&self, other: &Self) -> bool {
        self.entries.len() == other.entries.len()
            && self.entries.iter().zip(&other.entries).all(|(a, b)| {
                a.layout == b.layout
                    && a.role == b.role
                    && a.broken == b.broken
                    && a.path == b.path
                    && a.facts.len() == b.facts.len()
                    && a.facts
                        .iter()
                        .zip(&b.facts)
                        .all(|(a, b)| Arc::ptr_eq(a, b) || a.bindings == b.bindings)
            })
    }
}

impl From<Found> for Fact {
    fn from(found: Found) -> Self {
        Self {
            bindings: found.bindings,
            version: found.version,
            unread: found.unread.is_some(),
            line: found.line,
            paired: matches!(found.place, Place::Scalar { pair: Some(_), .. }),
            other: None,
            policy: None,
        }
    }
}

//! Everything done and said, newest last; errors stay on the screen until dismissed.

use std::collections::VecDeque;

use crate::domain::{failure::Failure, timeline::Entry};

/// Older entries than this many are only in the log on disk.
const KEPT: usize = 1_000;

/// The log of this session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    entries: VecDeque<Entry>,
    /// The failure on the screen, until dismissed.
    standing: Option<Failure>,
    /// Failures that came after it and wait behind it.
    waiting: Vec<Failure>,
}

impl Activity {
    /// Appends an entry.
    pub fn push(&mut self, entry: Entry) {
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// Puts a failure on the screen; the same one twice stands once.
    pub fn raise(&mut self, failure: Failure) {
        let known = |other: &Failure| other.what == failure.what && other.why == failure.why;
        if self.standing.as_ref().is_some_and(known) || self.waiting.iter().any(known) {
            return;
        }
        if let Some(older) = self.standing.replace(failure) {
            self.waiting.push(older);
        }
    }

    /// Takes the failure off the screen; `false` where there was none.
    pub fn dismiss(&mut self) -> bool {
        let had = self.standing.is_some();
        self.standing = self.waiting.pop();
        had
    }

    /// Takes failures of `what` off the screen, because it works again.
    pub fn settle(&mut self, what: &str) {
        self.waiting.retain(|failure| failure.what != what);
        if self.standing.as_ref().is_some_and(|f| f.what == what) {
            self.standing = self.waiting.pop();
        }
    }

    /// The failure on the screen, and how many wait behind it.
    pub fn standing(&self) -> Option<(&Failure, usize)> {
        self.standing.as_ref().map(|f| (f, self.waiting.len()))
    }

    /// Entries, oldest first.
    pub fn entries(&self) -> &VecDeque<Entry> {
        &self.entries
    }
}

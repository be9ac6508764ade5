//! Everything done and said, newest last; errors stay on the screen until dismissed.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::domain::{delivery::DeliveryId, failure::Failure, timeline::LogEntry};

/// Older entries than this many are only in the log on disk.
const KEPT: usize = 1_000;

/// The log of this session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    entries: VecDeque<LogEntry>,
    /// The failure on the screen, until dismissed.
    standing: Option<Standing>,
    /// Failures that came before it and wait behind it.
    waiting: Vec<Standing>,
}

/// A failure that stays on the screen until it is dismissed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What failed.
    pub failure: Failure,
    /// When it was told.
    pub at: Timestamp,
    /// The delivery that failed.
    pub delivery: Option<DeliveryId>,
    /// What failed is not declared any more: when that was seen.
    pub superseded: Option<Timestamp>,
}

impl Activity {
    /// Appends an entry.
    pub fn push(&mut self, entry: LogEntry) {
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// Puts a failure on the screen; the same one twice stands once.
    pub fn raise(&mut self, failure: Failure, at: Timestamp, delivery: Option<DeliveryId>) {
        let known = |other: &Standing| {
            other.failure.what == failure.what
                && other.failure.why == failure.why
                && other.superseded.is_none()
        };
        if self.standing.as_ref().is_some_and(known) || self.waiting.iter().any(known) {
            return;
        }
        let standing = Standing {
            failure,
            at,
            delivery,
            superseded: None,
        };
        if let Some(older) = self.standing.replace(standing) {
            self.waiting.push(older);
        }
    }

    /// Takes the failure off the screen, and gives it; `None` where there was none.
    pub fn dismiss(&mut self) -> Option<Standing> {
        let dismissed = self.standing.take();
        self.standing = self.waiting.pop();
        dismissed
    }

    /// Takes failures of `what` off the screen, because it works again.
    pub fn settle(&mut self, what: &str) {
        self.retain(|standing| standing.failure.what != what);
    }

    /// Takes the failure of a delivery off the screen.
    pub fn forget(&mut self, delivery: &DeliveryId) {
        self.retain(|standing| standing.delivery.as_ref() != Some(delivery));
    }

    /// What failed in a delivery is not declared any more.
    pub fn supersede(&mut self, delivery: &DeliveryId, at: Timestamp) {
        let all = self.standing.iter_mut().chain(&mut self.waiting);
        for standing in all.filter(|it| it.delivery.as_ref() == Some(delivery)) {
            standing.superseded.get_or_insert(at);
        }
    }

    fn retain(&mut self, keep: impl Fn(&Standing) -> bool) {
        self.waiting.retain(&keep);
        if self.standing.as_ref().is_some_and(|it| !keep(it)) {
            self.standing = self.waiting.pop();
        }
    }

    /// The failure on the screen, and how many wait behind it.
    pub fn standing(&self) -> Option<(&Standing, usize)> {
        self.standing.as_ref().map(|it| (it, self.waiting.len()))
    }

    /// Entries, oldest first.
    pub fn entries(&self) -> &VecDeque<LogEntry> {
        &self.entries
    }
}

//! Whether what was confirmed may still be pushed.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Counts how often writing was locked.
#[derive(Clone, Debug, Default)]
pub struct Locks(Arc<AtomicUsize>);

impl Locks {
    /// Writing is locked: no permit that was given holds any more.
    pub fn lock(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// For what is confirmed now.
    pub fn permit(&self) -> Permit {
        Permit {
            locks: self.clone(),
            given: self.0.load(Ordering::SeqCst),
        }
    }
}

/// Holds until writing is locked. That is not taken back for what was confirmed before, even when writing is unlocked again:
/// that it stays staged was said. The default always holds.
#[derive(Clone, Debug, Default)]
pub struct Permit {
    locks: Locks,
    given: usize,
}

impl Permit {
    /// It may be pushed still.
    pub fn holds(&self) -> bool {
        self.locks.0.load(Ordering::SeqCst) == self.given
    }
}

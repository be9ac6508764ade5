//! Whether what was confirmed may still be written.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// Counts how often writing was locked, and knows whether it is.
#[derive(Clone, Debug, Default)]
pub struct Locks(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    locked: AtomicUsize,
    is_open: AtomicBool,
}

impl Locks {
    /// Writing is unlocked.
    pub fn unlock(&self) {
        self.0.is_open.store(true, Ordering::SeqCst);
    }

    /// Writing is locked: no permit that was given holds any more.
    pub fn lock(&self) {
        self.0.is_open.store(false, Ordering::SeqCst);
        self.0.locked.fetch_add(1, Ordering::SeqCst);
    }

    /// For what is confirmed now.
    pub fn permit(&self) -> Permit {
        let given = self.0.locked.load(Ordering::SeqCst);
        Permit(Some((self.clone(), Holds::Until(given))))
    }

    /// For what was confirmed before, at whatever times writing is unlocked.
    pub fn while_unlocked(&self) -> Permit {
        Permit(Some((self.clone(), Holds::WhileOpen)))
    }
}

/// Whether something may be written now. The default always holds.
#[derive(Clone, Debug, Default)]
pub struct Permit(Option<(Locks, Holds)>);

#[derive(Clone, Copy, Debug)]
enum Holds {
    /// Writing was locked so often when it was given. Once it is locked again that is not taken back, even when it is
    /// unlocked: that what was confirmed stays staged was said.
    Until(usize),
    /// As long as writing is unlocked.
    WhileOpen,
}

impl Permit {
    /// It may be written.
    pub fn holds(&self) -> bool {
        let Some((Locks(known), holds)) = &self.0 else {
            return true;
        };
        match holds {
            Holds::Until(given) => known.locked.load(Ordering::SeqCst) == *given,
            Holds::WhileOpen => known.is_open.load(Ordering::SeqCst),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_confirmed_ends_with_a_lock_and_what_goes_on_waits_for_its_end() {
        let locks = Locks::default();
        let (first, goes_on) = (locks.permit(), locks.while_unlocked());
        assert!(!goes_on.holds() && Permit::default().holds());
        locks.unlock();
        assert!(first.holds() && goes_on.holds());
        locks.lock();
        assert!(!first.holds() && !goes_on.holds());
        locks.unlock();
        assert!(!first.holds() && goes_on.holds() && locks.permit().holds());
    }
}

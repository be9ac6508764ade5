//! What this process waits for at the moment and does not answer for: a disk or a mount that does not come back, a program.
//!
//! A read that hangs cannot be taken back. So that neither the screen nor a command stands there without a word, whoever
//! begins what may take long says so here, and whoever has somebody to tell looks.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

/// What is waited for so long is told.
pub const LONG: Duration = Duration::from_secs(4);

struct Wait {
    what: String,
    since: Instant,
    /// Who began to wait.
    thread: ThreadId,
}

/// By the order in which they began.
struct All {
    last: u64,
    entries: BTreeMap<u64, Wait>,
}

static ALL: Mutex<All> = Mutex::new(All {
    last: 0,
    entries: BTreeMap::new(),
});

fn all() -> MutexGuard<'static, All> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something is waited for until this is dropped.
#[derive(Debug)]
pub struct Waiting(u64);

/// Begins to wait; `what` completes a sentence: `reading /path`.
pub fn on(what: impl Into<String>) -> Waiting {
    let mut all = all();
    all.last += 1;
    let id = all.last;
    let entry = Wait {
        what: what.into(),
        since: Instant::now(),
        thread: thread::current().id(),
    };
    all.entries.insert(id, entry);
    Waiting(id)
}

/// Begins to read what is at `path`.
pub fn reading(path: &Path) -> Waiting {
    let whole = std::path::absolute(path);
    let path = whole.as_deref().unwrap_or(path);
    on(format!("reading {}", path.display()))
}

impl Waiting {
    /// Something came: what comes next is waited for from now on.
    pub fn goes_on(&self) {
        if let Some(entry) = all().entries.get_mut(&self.0) {
            entry.since = Instant::now();
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        all().entries.remove(&self.0);
    }
}

/// What has been waited for longest, and how long, where that is [`LONG`]. Of what one thread waits for, the last that it began
/// is what does not come.
pub fn longest() -> Option<(String, Duration)> {
    let all = all();
    let innermost: BTreeMap<_, _> = (all.entries.values())
        .map(|entry| (format!("{:?}", entry.thread), entry))
        .collect();
    let entry = innermost.into_values().min_by_key(|entry| entry.since)?;
    let age = entry.since.elapsed();
    (age >= LONG).then(|| (entry.what.clone(), age))
}

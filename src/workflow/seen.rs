//! What Tidegate has seen of cells, looked at and kept: a file per cluster, shared by all that watch it for this repository.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::Project;
use crate::{
    domain::{
        hash,
        ids::CellKey,
        past_health::{Book, PastHealth, sight},
        rollout::{Connection, LiveCell, Running, Seen},
    },
    sources::state::StateStore,
};

/// Whoever watches looks at least so often; what is longer is a gap.
const GAP: Duration = Duration::from_mins(2);
/// So far apart the clock on the wall and the one that nobody sets may be before that is a gap: one was set, or slept.
const APART: Duration = Duration::from_secs(5);
/// So often what was seen is kept while it is watched.
const KEEP_EVERY: Duration = Duration::from_mins(2);

/// What this process has seen, shared by all copies of a session.
#[derive(Clone, Debug, Default)]
pub struct SeenHealth(Arc<Mutex<State>>);

/// How cells are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looking {
    /// Once: nobody looks before and after.
    Once,
    /// All the time.
    On,
}

#[derive(Debug, Default)]
struct State {
    /// By kubeconfig context; what is kept of one is read when it is first asked for.
    books: BTreeMap<String, Book>,
    /// When somebody who watches looked last, by both clocks.
    last: Option<(Instant, Timestamp)>,
    /// Since when they have watched without a gap.
    watched: Option<Timestamp>,
    /// When all was last kept.
    kept: Option<Instant>,
    /// What was wrong with what was kept; each is told once.
    problems: Vec<String>,
}

impl SeenHealth {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was wrong with what was kept, once.
    pub fn problems(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().problems)
    }
}

impl Project {
    /// Takes what clusters show at `now`. Blocking, where nothing that was kept has been read yet.
    pub fn see(&self, running: &Running, looking: Looking, now: Timestamp) {
        self.read_seen();
        let cells = running.live.iter().map(|(cell, live)| {
            let connection = running.connections.get(&cell.environment);
            (cell, connection, &**live)
        });
        self.see_cells(cells, looking, now);
    }

    /// Reads what was kept of all clusters that are configured. Blocking.
    pub fn read_seen(&self) {
        for environment in &self.config.topology.environments {
            let Some(context) = environment.cluster.as_deref() else {
                continue;
            };
            if self.seen.lock().books.contains_key(context) {
                continue;
            }
            // The disk is not waited for with the lock held: a screen may want it.
            let (book, problem) = self.kept(context);
            let mut state = self.seen.lock();
            state.problems.extend(problem);
            state.books.entry(context.to_owned()).or_insert(book);
        }
    }

    /// The same of some cells; those of clusters of which nothing was read yet are left out.
    pub fn see_cells<'a>(
        &self,
        cells: impl IntoIterator<Item = (&'a CellKey, Option<&'a Connection>, &'a LiveCell)>,
        looking: Looking,
        now: Timestamp,
    ) {
        let mut state = self.seen.lock();
        let watched = match looking {
            Looking::Once => now,
            Looking::On => state.watched(Instant::now(), now),
        };
        for (cell, connection, live) in cells {
            let context = self.context(cell);
            if let Some(book) = context.and_then(|context| state.books.get_mut(context)) {
                book.see(cell, &sight(connection, Some(live), now), watched, now);
            }
        }
    }

    /// Whether it is time to keep what was seen.
    pub fn has_seen_enough(&self) -> bool {
        let state = self.seen.lock();
        state.kept.is_none_or(|at| at.elapsed() >= KEEP_EVERY)
    }

    /// Keeps what was seen, with what others have kept meanwhile. Blocking.
    pub fn keep_seen(&self, now: Timestamp) {
        let Some(store) = self.store() else { return };
        let contexts: Vec<String> = {
            let mut state = self.seen.lock();
            state.kept = Some(Instant::now());
            state.books.keys().cloned().collect()
        };
        for context in contexts {
            // The disk is not waited for with the lock held: a screen may want it.
            let mut mine = self.seen.lock().books.get(&context).cloned();
            let Some(book) = mine.as_mut().filter(|book| !book.is_empty()) else {
                continue;
            };
            let merged = store.update(&file_of(&context), |kept: &mut Book| {
                kept.merge(std::mem::take(book));
                kept.trim(now);
                kept.clone()
            });
            let mut state = self.seen.lock();
            match merged {
                Ok((kept, problem)) => {
                    state
                        .problems
                        .extend(problem.map(|why| told(&context, &why)));
                    let mut kept = kept;
                    // What was seen while it was written.
                    if let Some(newer) = state.books.remove(&context) {
                        kept.merge(newer);
                    }
                    state.books.insert(context, kept);
                }
                Err(error) => {
                    tracing::warn!(%error, context, "what was seen healthy was not kept");
                }
            }
        }
    }

    /// When a cell was healthy: as it was seen, and as clusters show it now. Blocking where nothing was read yet.
    pub fn past_health(&self, cell: &CellKey, seen: &Seen, now: Timestamp) -> PastHealth {
        let mut past = {
            self.read_seen();
            let state = self.seen.lock();
            let kept = self.context(cell).and_then(|context| {
                let book = state.books.get(context)?;
                Some(PastHealth::of(book.of(cell)?, now))
            });
            kept.unwrap_or_default()
        };
        past.learn_seen(seen, now);
        past
    }

    /// What was kept of a cluster, and what was wrong with it.
    fn kept(&self, context: &str) -> (Book, Option<String>) {
        let Some(store) = self.store() else {
            return Default::default();
        };
        let (book, problem) = store.load_or_begin(&file_of(context));
        (book, problem.map(|why| told(context, &why)))
    }

    fn context(&self, cell: &CellKey) -> Option<&str> {
        let environment = self.config.topology.get(&cell.environment)?;
        environment.cluster.as_deref()
    }

    fn store(&self) -> Option<StateStore> {
        StateStore::of_repository(self.repo.common_dir())
    }
}

impl State {
    /// Since when there was no gap in watching.
    fn watched(&mut self, instant: Instant, now: Timestamp) -> Timestamp {
        let goes_on = self.last.is_some_and(|(last, then)| {
            let passed = instant.saturating_duration_since(last);
            let by_clock = Duration::try_from(now.duration_since(then)).ok();
            let apart = by_clock.map(|by_clock| by_clock.abs_diff(passed));
            passed <= GAP && apart.is_some_and(|apart| apart <= APART)
        });
        self.last = Some((instant, now));
        let since = self.watched.filter(|_| goes_on).unwrap_or(now);
        self.watched = Some(since);
        since
    }
}

fn told(context: &str, why: &str) -> String {
    format!("what was seen healthy in {context}: {why}")
}

/// A context's name may be anything: a few of its letters for people, and what makes it one of its own.
fn file_of(context: &str) -> String {
    let plain: String = context
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .take(40)
        .collect();
    format!(
        "healthy-{plain}-{}.json",
        &hash::of([context.as_bytes()])[..16]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_in_watching_or_a_clock_that_was_set_begins_anew() {
        let begun = Instant::now();
        let at = |seconds: i64| Timestamp::from_second(1_764_288_000 + seconds).unwrap();
        // (seconds of the clock that nobody sets, of the one on the wall, since when it is watched)
        let looks = [
            ("first", 0, 0, 0),
            ("on", 30, 30, 0),
            ("a moment late", 90, 93, 0),
            ("nobody looked", 300, 303, 303),
            ("on again", 330, 333, 303),
            ("it slept: the wall's clock went on", 340, 4_000, 4_000),
            ("the clock is set back", 350, 100, 100),
            ("on again", 360, 110, 100),
        ];
        let mut state = State::default();
        for (name, passed, now, since) in looks {
            let instant = begun + Duration::from_secs(passed);
            assert_eq!(state.watched(instant, at(now)), at(since), "{name}");
        }
    }

    #[test]
    fn every_context_has_a_file_of_its_own() {
        let names = [
            "prod",
            "arn:aws:eks:eu/prod",
            "arn:aws:eks:eu:prod",
            "../prod",
            "",
        ];
        let files: std::collections::BTreeSet<_> = names.iter().map(|it| file_of(it)).collect();
        assert_eq!(files.len(), names.len());
        assert!(
            files
                .iter()
                .all(|it| !it.contains('/') && !it.contains(".."))
        );
    }
}

//! Histories that go on by the layouts of an earlier configuration.
//!
//! ```text
//! o──o──C──o   C changed `prod/web.yaml` to `prod.yaml`, and `tidegate.toml` with it: by today's layouts every cell begins
//!              with C. What its parent declared, by the configuration that it had, is where the value came from
//! ```
//!
//! A cell whose oldest value did not replace any is looked for at the parent of the commit that brought it: by the
//! configuration of that parent, or by the one before where that reads as today's and the commit took files away. Found
//! there with the same value, it moved. Not found there by rules that could be read, it began; else nothing is known of what
//! was before, and that is said: what cannot be read, or lies further back than anybody looks, takes no history away and
//! makes no beginning.

mod back;
mod kept;
mod then;

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    sync::Arc,
};

use self::back::Back;
use crate::{
    domain::{
        desired::Tip,
        failure::Failure,
        history::ValueChange,
        ids::{CellKey, EnvironmentName, ObjectId},
        layout::LayoutSet,
    },
    sources::git::{HistoryEvent, Repo, Want},
    workflow::Project,
};

pub use kept::Configurations;

/// Why what was before a cell's oldest value is not known, by cell.
pub type UnknownBefore = BTreeMap<CellKey, String>;

/// So many configurations are gone back through.
const MOST_CONFIGURATIONS: usize = 32;
/// So many commits of a walk are looked at for a configuration that changed before the files did.
const MOST_COMMITS: usize = if cfg!(test) { 60 } else { 10_000 };
/// Between so many of them it is asked whether the walk is still wanted.
const COMMITS_AT_ONCE: usize = 256;
/// So many layouts are guessed in one walk: each takes a look at a whole tree.
const MOST_GUESSES: usize = if cfg!(test) { 4 } else { 24 };

/// A ref, and what it is read by.
pub(super) struct Walked<'a> {
    pub(super) repo: &'a Repo,
    pub(super) line: &'a Tip,
    pub(super) view: &'a Arc<LayoutSet>,
    pub(super) names: &'a [EnvironmentName],
}

/// Who is told of a history.
type Sink<'a> = dyn FnMut(HistoryEvent) -> ControlFlow<()> + 'a;

/// The oldest value of each cell so far that replaced none: it is told once it is known whether it really did not.
#[derive(Debug, Default)]
struct Held(BTreeMap<CellKey, ValueChange>);

impl Held {
    /// What to tell of these changes.
    fn sift(&mut self, changes: Vec<(CellKey, ValueChange)>) -> Vec<(CellKey, ValueChange)> {
        let mut told = Vec::with_capacity(changes.len());
        for (key, change) in changes {
            if let Some(before) = self.0.remove(&key) {
                told.push((key.clone(), before));
            }
            if change.previous.is_none() && change.version.is_some() {
                self.0.insert(key, change);
            } else {
                told.push((key, change));
            }
        }
        told
    }

    /// All of them, where nothing is to be found out of what was before.
    fn all(self) -> Vec<(CellKey, ValueChange)> {
        self.0.into_iter().collect()
    }

    /// Those that a commit brought, commit by commit.
    fn by_commit(self) -> BTreeMap<(u32, ObjectId), BTreeMap<CellKey, ValueChange>> {
        let mut groups: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for (key, change) in self.0 {
            let at = (change.depth, change.landed.commit);
            groups.entry(at).or_default().insert(key, change);
        }
        groups
    }
}

impl Project {
    /// Walks the history of one ref, also past changes of the layouts where all values are wanted.
    pub(super) fn history_of(
        &self,
        walked: &Walked<'_>,
        want: &Want,
        sink: &mut Sink<'_>,
    ) -> Result<UnknownBefore, Failure> {
        let Walked {
            repo,
            line,
            view,
            names,
        } = *walked;
        // The files of another repository are read by a configuration that it does not hold.
        if want.last_only || line.origin.repository.is_some() {
            repo.history(line.commit, view, names, want, sink)?;
            return Ok(UnknownBefore::new());
        }
        let mut held = Held::default();
        let mut stopped = false;
        let walk = repo.history(line.commit, view, names, want, &mut |event| {
            let event = match event {
                HistoryEvent::Changes(changes) => HistoryEvent::Changes(held.sift(changes)),
                other => other,
            };
            let flow = sink(event);
            stopped = flow.is_break();
            flow
        });
        let mut unknown = UnknownBefore::new();
        if stopped {
            return walk.map(|()| unknown);
        }
        match walk.and_then(|()| repo.below()) {
            Ok(below) => {
                let mut back = Back {
                    same: BTreeSet::new(),
                    today: self,
                    below: &below,
                    trail: None,
                    commits: MOST_COMMITS,
                    guesses: Cell::new(MOST_GUESSES),
                    repo,
                    unknown: &mut unknown,
                    sink,
                };
                let _ = back.go_on(self, line, view, held, MOST_CONFIGURATIONS);
                Ok(unknown)
            }
            Err(error) => {
                // What was seen before it broke stands.
                let _ = sink(HistoryEvent::Changes(held.all()));
                Err(error)
            }
        }
    }
}

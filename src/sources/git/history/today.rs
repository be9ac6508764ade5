//! What changed last is judged at the files that decide a cell today; what came before, wherever it
//! stood then.
//!
//! A file that moved brings its value along: at the files of today the value begins with the move,
//! and that is its landed commit. Older values are still found at the old place.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    Want,
    walk::{CellChange, Walk},
};
use crate::domain::{
    ids::{CellKey, ObjectId, RepoPath},
    version::Version,
};

/// A change to tell.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) cell: CellKey,
    pub(super) version: Option<Version>,
    pub(super) previous: Option<Version>,
}

/// Cells whose newest change is still looked for, and the files of today of all others.
pub(super) struct Today {
    pending: HashMap<CellKey, Pending>,
    by_path: HashMap<RepoPath, Vec<CellKey>>,
    /// Told already at a move; the change that brought the same value to the old place is not told again.
    moved: HashSet<CellKey>,
    paths: HashMap<CellKey, Arc<[RepoPath]>>,
}

struct Pending {
    /// At the tip.
    value: Option<Version>,
    /// By all layouts, at the tree the walk is at.
    now: Option<Version>,
}

impl Today {
    /// The cells of the tip, where `walk` is.
    pub(super) fn new(walk: &Walk<'_>, tip: ObjectId, want: &Want) -> Self {
        let mut today = Self {
            pending: HashMap::new(),
            by_path: HashMap::new(),
            moved: HashSet::new(),
            paths: HashMap::new(),
        };
        for (key, cell) in walk.desired(tip).cells {
            if !wanted(want, &key) {
                continue;
            }
            let paths: Arc<[RepoPath]> = walk.depends_on(&key).into();
            // Where a cell is decided by more than its files, all layouts together judge it.
            if walk.value_by(&key, &paths) == cell.version {
                for path in &*paths {
                    let cells = today.by_path.entry(path.clone()).or_default();
                    cells.push(key.clone());
                }
                let pending = Pending {
                    value: cell.version.clone(),
                    now: cell.version,
                };
                today.pending.insert(key.clone(), pending);
            }
            today.paths.insert(key, paths);
        }
        today
    }

    /// Whether every wanted cell's newest change is known.
    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    /// The files of today of a cell that exists today.
    pub(super) fn paths(&self, cell: &CellKey) -> Option<&Arc<[RepoPath]>> {
        self.paths.get(cell)
    }

    /// Which changes to tell after the walk moved to the parent's tree, over the files `touched`.
    pub(super) fn judge<'p>(
        &mut self,
        walk: &Walk<'_>,
        touched: impl Iterator<Item = &'p RepoPath>,
        changes: Vec<CellChange>,
        want: &Want,
    ) -> Vec<Told> {
        let mut told = Vec::new();
        for (cell, version, previous) in changes {
            if let Some(pending) = self.pending.get_mut(&cell) {
                pending.now = previous;
            } else if !self.moved.remove(&cell) && !want.last_only && wanted(want, &cell) {
                told.push(Told {
                    cell,
                    version,
                    previous,
                });
            }
        }
        if self.pending.is_empty() {
            return told;
        }
        let mut cells: Vec<CellKey> = touched
            .filter_map(|path| self.by_path.get(path))
            .flatten()
            .filter(|cell| self.pending.contains_key(cell))
            .cloned()
            .collect();
        cells.sort();
        cells.dedup();
        for cell in cells {
            let (Some(paths), Some(pending)) = (self.paths.get(&cell), self.pending.get(&cell))
            else {
                continue;
            };
            let before = walk.value_by(&cell, paths);
            if before == pending.value {
                continue;
            }
            let Some(Pending { value, now }) = self.pending.remove(&cell) else {
                continue;
            };
            let previous = if now == value {
                self.moved.insert(cell.clone());
                before
            } else {
                now
            };
            told.push(Told {
                cell,
                version: value,
                previous,
            });
        }
        told
    }
}

fn wanted(want: &Want, cell: &CellKey) -> bool {
    want.cells.as_ref().is_none_or(|cells| cells.contains(cell))
}

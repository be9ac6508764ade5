//! The history of a cell that exists today is judged at the files that decide it today.
//!
//! A file that moved brings its value along: at the files of today the value begins with the move,
//! and that is where it landed. What a fall-back file said counts before the cell's own file was
//! there, too. Where the files of today say nothing, older values are still found wherever the
//! layouts saw them then.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    Want,
    walk::{CellChange, Walk},
};
use crate::domain::{
    ids::{CellKey, ObjectId, RepoPath},
    layout::{Assembler, FileFacts},
    version::Version,
};

/// A change to tell.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) cell: CellKey,
    pub(super) version: Option<Version>,
    pub(super) previous: Option<Version>,
    /// Merges since, newest first, that touched the cell's files and left its value; see [`Landed`](super::authored::Landed).
    pub(super) passed: Vec<Passed>,
}

/// A merge on the landed line that touched a cell's files and left its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passed {
    pub(super) commit: ObjectId,
    pub(super) depth: u32,
}

/// The wanted cells of the tip, followed backwards.
pub(super) struct Today {
    cells: Vec<Followed>,
    index: HashMap<CellKey, usize>,
    groups: Vec<Group>,
    /// The groups that a file decides.
    by_path: HashMap<RepoPath, Vec<usize>>,
    /// Cells whose newest change is still looked for.
    unsettled: usize,
}

/// The cells that the same files decide: hundreds of them, where one file holds all services.
struct Group {
    paths: Arc<[RepoPath]>,
    /// The matrix of these files alone, at the tree the walk is at.
    alone: Assembler,
    cells: Vec<usize>,
}

struct Followed {
    key: CellKey,
    group: usize,
    /// Whether the files of today alone decide it, at the tip.
    by_files: bool,
    /// What they say at the tree the walk is at.
    by_paths: Option<Version>,
    /// What all layouts say there.
    by_all: Option<Version>,
    /// What is shown there: the first of the two that says something.
    value: Option<Version>,
    /// The value was told at a move already; where it came to the old place is not told again.
    moved: bool,
    settled: bool,
    passed: Vec<Passed>,
}

/// More merges than this are not remembered for one value.
const MOST_PASSED: usize = 256;

impl Today {
    /// The cells of the tip, where `walk` is.
    pub(super) fn new(walk: &Walk<'_>, tip: ObjectId, want: &Want) -> Self {
        let mut today = Self {
            cells: Vec::new(),
            index: HashMap::new(),
            groups: Vec::new(),
            by_path: HashMap::new(),
            unsettled: 0,
        };
        let mut groups: HashMap<Vec<RepoPath>, usize> = HashMap::new();
        for (key, cell) in walk.desired(tip).cells {
            if !wanted(want, &key) {
                continue;
            }
            let paths = walk.depends_on(&key);
            let group = *groups
                .entry(paths)
                .or_insert_with_key(|paths| today.group(walk, paths));
            let number = today.cells.len();
            today.groups[group].cells.push(number);
            today.index.insert(key.clone(), number);
            today.cells.push(Followed {
                key,
                group,
                by_files: false,
                by_paths: None,
                by_all: cell.version.clone(),
                value: cell.version,
                moved: false,
                settled: false,
                passed: Vec::new(),
            });
        }
        for number in 0..today.groups.len() {
            for (cell, version) in today.changes_of(number) {
                today.cells[cell].by_paths = version;
            }
        }
        for cell in &mut today.cells {
            cell.by_files = cell.by_paths == cell.value;
        }
        today.unsettled = today.cells.len();
        today
    }

    fn group(&mut self, walk: &Walk<'_>, paths: &[RepoPath]) -> usize {
        let number = self.groups.len();
        let mut alone = walk.assembler();
        for path in paths {
            alone.update(path.clone(), walk.facts_or_presence(path, paths));
            self.by_path.entry(path.clone()).or_default().push(number);
        }
        self.groups.push(Group {
            paths: paths.into(),
            alone,
            cells: Vec::new(),
        });
        number
    }

    /// The cells of a group whose files say something else than when last asked, with what they say.
    fn changes_of(&mut self, group: usize) -> Vec<(usize, Option<Version>)> {
        let changes = self.groups[group].alone.take_changes().into_iter();
        let ours = changes.filter_map(|(cell, _, after)| {
            let number = *self.index.get(&cell)?;
            (self.cells[number].group == group).then_some((number, after))
        });
        ours.collect()
    }

    /// Whether every wanted cell's newest change is known.
    pub(super) fn is_settled(&self) -> bool {
        self.unsettled == 0
    }

    /// The files of today of a cell that exists today.
    pub(super) fn paths(&self, cell: &CellKey) -> Option<&Arc<[RepoPath]>> {
        Some(self.paths_of(self.followed(cell)?))
    }

    fn paths_of(&self, cell: &Followed) -> &Arc<[RepoPath]> {
        &self.groups[cell.group].paths
    }

    /// The cells of the tip with the files that decide them.
    pub(super) fn cells(&self) -> impl Iterator<Item = (&CellKey, &[RepoPath])> {
        let cells = self.cells.iter();
        cells.map(|cell| (&cell.key, &**self.paths_of(cell)))
    }

    /// Whether a cell's value was told at a move and is still the same.
    pub(super) fn is_moved(&self, cell: &CellKey) -> bool {
        self.followed(cell).is_some_and(|cell| cell.moved)
    }

    /// Whether a cell's newest change was told.
    pub(super) fn is_told(&self, cell: &CellKey) -> bool {
        self.followed(cell).is_none_or(|cell| cell.settled)
    }

    /// A cell's files, and the merges since its value was last told that touched them.
    pub(super) fn passed(&self, cell: &CellKey) -> Option<(&[RepoPath], &[Passed])> {
        self.followed(cell)
            .map(|cell| (&**self.paths_of(cell), &*cell.passed))
    }

    fn followed(&self, cell: &CellKey) -> Option<&Followed> {
        Some(&self.cells[*self.index.get(cell)?])
    }

    /// Which changes to tell after the walk moved to the parent's tree, over the files `touched`.
    /// `merge` is the commit left, where it was one.
    pub(super) fn judge<'p>(
        &mut self,
        walk: &Walk<'_>,
        merge: Option<Passed>,
        touched: impl Iterator<Item = &'p RepoPath>,
        changes: Vec<CellChange>,
        want: &Want,
    ) -> Vec<Told> {
        let mut told = Vec::new();
        let mut looked_at: BTreeMap<usize, Option<Option<Version>>> = BTreeMap::new();
        for (cell, version, previous) in changes {
            if let Some(number) = self.index.get(&cell) {
                self.cells[*number].by_all = previous;
                looked_at.insert(*number, None);
            } else if !want.last_only && wanted(want, &cell) {
                told.push(Told {
                    cell,
                    version,
                    previous,
                    passed: Vec::new(),
                });
            }
        }
        let mut groups = BTreeSet::new();
        for path in touched {
            for number in self.by_path.get(path).into_iter().flatten() {
                let group = &mut self.groups[*number];
                let facts = walk.facts_or_presence(path, &group.paths);
                group.alone.update(path.clone(), facts);
                groups.insert(*number);
            }
        }
        for group in groups {
            if merge.is_some() {
                for cell in &self.groups[group].cells {
                    looked_at.entry(*cell).or_default();
                }
            }
            for (cell, version) in self.changes_of(group) {
                looked_at.insert(cell, Some(version));
            }
        }
        for (number, by_paths) in looked_at {
            let cell = &mut self.cells[number];
            if cell.settled && want.last_only {
                continue;
            }
            if !cell.step(by_paths, &mut told) {
                let room = cell.passed.len() < MOST_PASSED;
                cell.passed.extend(merge.filter(|_| room));
                continue;
            }
            if !cell.settled {
                cell.settled = true;
                self.unsettled -= 1;
            }
        }
        told
    }
}

impl Followed {
    /// Compares the tree left with the tree entered, where its files say `by_paths` if that is another thing; says
    /// whether there was something to tell.
    fn step(&mut self, by_paths: Option<Option<Version>>, told: &mut Vec<Told>) -> bool {
        let before = self.by_paths.clone();
        if !self.by_files {
            self.by_paths.clone_from(&self.by_all);
        } else if let Some(by_paths) = by_paths {
            self.by_paths = by_paths;
        }
        let value = self.by_paths.clone().or_else(|| self.by_all.clone());
        let came_by_move = before.is_some() && self.by_paths.is_none() && value == self.value;
        if value == self.value && !came_by_move {
            return false;
        }
        if came_by_move && self.moved {
            return false;
        }
        let version = std::mem::replace(&mut self.value, value.clone());
        if std::mem::replace(&mut self.moved, came_by_move) && !came_by_move {
            return false;
        }
        told.push(Told {
            cell: self.key.clone(),
            version,
            previous: if came_by_move { None } else { value },
            passed: std::mem::take(&mut self.passed),
        });
        true
    }
}

fn wanted(want: &Want, cell: &CellKey) -> bool {
    want.cells.as_ref().is_none_or(|cells| cells.contains(cell))
}

/// What the file at `path` says; the cell's own file counts as there, and empty, where it is not.
pub(super) fn or_presence(
    facts: Option<Arc<FileFacts>>,
    path: &RepoPath,
    paths: &[RepoPath],
    empty: impl FnOnce() -> Arc<FileFacts>,
) -> Option<Arc<FileFacts>> {
    let own = paths.len() > 1 && paths.first() == Some(path);
    facts.or_else(|| own.then(empty))
}

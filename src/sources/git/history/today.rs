//! The history of a cell that exists today is judged at the files that decide it today.
//!
//! A file that moved brings its value along: it is followed to where it was, by a rename or by other layouts, and its value
//! landed where it came to the old place. What changed last is judged at the files of today alone: there the value begins
//! with the move. One that was copied begins with the copy. What a fall-back file said counts before the cell's own file was
//! there, too. Where the files of today say nothing, older values are still found wherever the
//! layouts saw them then.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    Want,
    moves::{Came, Found, Places},
    walk::{CellChange, Moved, Walk},
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
    /// The file that it stood in before, where it came to another with this commit.
    pub(super) moved: Option<RepoPath>,
    /// Whether it only moved: then nothing changed.
    pub(super) stays: bool,
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
    /// Cells that are read by other layouts from the parent of the commit that was judged last.
    leaving: Vec<usize>,
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
    /// The value was told where it was copied; where it came to the old place is not told again.
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
            leaving: Vec::new(),
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

    /// Whether a cell's value was told where it was copied and is still the same.
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

    /// Which changes to tell after the walk moved to the parent's tree; and which files of today are at other places from
    /// there on down.
    pub(super) fn judge(
        &mut self,
        walk: &Walk<'_>,
        places: &mut Places<'_>,
        left: Left<'_>,
        want: &Want,
    ) -> (Vec<Told>, Vec<(RepoPath, Found)>) {
        let mut told = Vec::new();
        let mut looked_at = BTreeSet::new();
        for (cell, version, previous) in left.cells {
            if let Some(number) = self.index.get(&cell) {
                self.cells[*number].by_all = previous;
                looked_at.insert(*number);
            } else if !want.last_only && wanted(want, &cell) {
                told.push(Told {
                    cell,
                    version,
                    previous,
                    moved: None,
                    stays: false,
                    passed: Vec::new(),
                });
            }
        }
        let mut groups = BTreeSet::new();
        let mut elsewhere: Vec<(RepoPath, Found)> = Vec::new();
        for file in left.files {
            let path = &file.path;
            let Some(numbers) = self.by_path.get(path).cloned() else {
                continue;
            };
            let is_away = places.is_away(path);
            if is_away && file.at == *path {
                // Another file, which stood where today's is now.
                continue;
            }
            let came = file.before.filter(|_| file.after.is_none());
            let found = came
                .filter(|_| !want.last_only)
                .and_then(|blob| self.before(walk, places, file, blob, left.trees));
            for number in numbers {
                let group = &mut self.groups[number];
                let facts = match &found {
                    Some(found) => Some(Arc::clone(&found.facts)),
                    None if is_away => places.facts(path),
                    None => walk.file(path),
                };
                let facts = or_presence(facts, path, &group.paths, || walk.presence(path));
                group.alone.update(path.clone(), facts);
                groups.insert(number);
            }
            elsewhere.extend(found.map(|found| (path.clone(), found)));
        }
        let mut before: HashMap<usize, Option<Version>> = HashMap::new();
        for group in groups {
            if left.merge.is_some() {
                looked_at.extend(&self.groups[group].cells);
            }
            for (cell, version) in self.changes_of(group) {
                let said = std::mem::replace(&mut self.cells[cell].by_paths, version);
                before.insert(cell, said);
                looked_at.insert(cell);
            }
        }
        let came_from = self.came_from(&elsewhere);
        looked_at.extend(came_from.keys());
        for number in looked_at {
            let cell = &mut self.cells[number];
            if cell.settled && want.last_only {
                continue;
            }
            let before = before.remove(&number);
            let before = before.unwrap_or_else(|| cell.by_paths.clone());
            let from = came_from.get(&number).copied();
            // Asked for where it matters alone.
            let fell = cell.by_files && cell.by_paths.is_none() && before.is_some();
            let other = (fell && !want.last_only)
                .then(|| moved_from(walk, left.files, &cell.key))
                .flatten();
            self.leaving.extend(other.as_ref().map(|_| number));
            let moved = from.cloned().or(other);
            if !cell.step(before, moved, &mut told) {
                let room = cell.passed.len() < MOST_PASSED;
                cell.passed.extend(left.merge.filter(|_| room));
                continue;
            }
            if !cell.settled {
                cell.settled = true;
                self.unsettled -= 1;
            }
        }
        (told, elsewhere)
    }

    /// From here on down the cells that came from files of other layouts are judged at those, as if they were today's: they
    /// may have been renamed too. To be asked once what was judged last is told.
    pub(super) fn leave(&mut self, walk: &Walk<'_>) {
        let mut made: HashMap<Vec<RepoPath>, usize> = HashMap::new();
        for number in std::mem::take(&mut self.leaving) {
            let paths = walk.depends_on(&self.cells[number].key);
            if paths.is_empty() {
                continue;
            }
            let group = *made
                .entry(paths)
                .or_insert_with_key(|paths| self.group(walk, paths));
            let cell = &mut self.cells[number];
            let before = std::mem::replace(&mut cell.group, group);
            self.groups[before].cells.retain(|other| *other != number);
            self.groups[group].cells.push(number);
        }
        for group in made.into_values() {
            for (number, version) in self.changes_of(group) {
                self.cells[number].by_paths = version;
            }
            for number in &self.groups[group].cells {
                let cell = &mut self.cells[*number];
                cell.by_files = cell.by_paths == cell.value;
            }
        }
    }

    /// Where a file of today was that came with the commit left, if its cells need it: those that other layouts read at
    /// the parent, with the same value, are known already.
    fn before(
        &self,
        walk: &Walk<'_>,
        places: &mut Places<'_>,
        file: &Moved,
        blob: ObjectId,
        trees: (ObjectId, Option<ObjectId>),
    ) -> Option<Found> {
        let groups = self.by_path.get(&file.path).into_iter().flatten();
        let cells = groups.flat_map(|group| &self.groups[*group].cells);
        let cells = cells.map(|cell| &self.cells[*cell]);
        let cells: Vec<&Followed> = cells
            .filter(|cell| cell.by_files)
            // One that is away may have come from where it is today. One that declares nothing may have before it came.
            .filter(|cell| {
                file.at != file.path || cell.by_all != cell.value || cell.value.is_none()
            })
            .collect();
        if cells.is_empty() {
            return None;
        }
        let services = cells.iter().map(|cell| cell.key.service.clone()).collect();
        let came = Came {
            path: &file.path,
            at: &file.at,
            blob,
            trees,
            declares: cells.iter().any(|cell| cell.value.is_some()),
            services: &services,
        };
        let found = places.before(&came, &|| walk.assembler());
        found.unwrap_or_else(|error| {
            tracing::debug!(%error, path = %file.path, "where it was before is not known");
            None
        })
    }

    /// The cells whose version stands in a file that was elsewhere, each with that place.
    fn came_from<'f>(&self, files: &'f [(RepoPath, Found)]) -> HashMap<usize, &'f RepoPath> {
        let mut came = HashMap::new();
        for (path, found) in files {
            for group in self.by_path.get(path).into_iter().flatten() {
                let group = &self.groups[*group];
                for cell in &group.cells {
                    let followed = &self.cells[*cell];
                    let source = group.alone.source(&followed.key);
                    let source = source.as_ref().or(group.paths.first());
                    if followed.by_files && source == Some(path) {
                        came.insert(*cell, &found.path);
                    }
                }
            }
        }
        came
    }
}

/// Where other layouts have a cell at the parent, if that file has it no longer at the commit: one that keeps it was
/// copied.
fn moved_from(walk: &Walk<'_>, files: &[Moved], cell: &CellKey) -> Option<RepoPath> {
    let from = walk.source(cell)?;
    let file = files
        .iter()
        .find(|file| file.path == from && file.at == from)?;
    if let Some(facts) = &file.left {
        let mut alone = walk.assembler();
        alone.update(from.clone(), Some(Arc::clone(facts)));
        if alone.take_changes().iter().any(|(kept, ..)| kept == cell) {
            return None;
        }
    }
    Some(from)
}

/// The step from a commit to its parent.
pub(super) struct Left<'a> {
    /// The commit left, where it was a merge.
    pub(super) merge: Option<Passed>,
    /// The files that differ.
    pub(super) files: &'a [Moved],
    /// The cells that all layouts together say differ.
    pub(super) cells: Vec<CellChange>,
    /// The commit's tree, and the parent's.
    pub(super) trees: (ObjectId, Option<ObjectId>),
}

impl Followed {
    /// Compares the tree left, where its files said `before`, with the tree entered; says whether there was something to
    /// tell: the merges that were passed until then are told with it. `moved` is where it stands there, if it came from there with this very commit.
    fn step(
        &mut self,
        before: Option<Version>,
        moved: Option<RepoPath>,
        told: &mut Vec<Told>,
    ) -> bool {
        if !self.by_files {
            self.by_paths.clone_from(&self.by_all);
        }
        let value = self.by_paths.clone().or_else(|| self.by_all.clone());
        let is_same = value == self.value;
        if is_same && moved.is_some() {
            told.push(Told {
                cell: self.key.clone(),
                version: value,
                previous: None,
                moved,
                stays: true,
                passed: std::mem::take(&mut self.passed),
            });
            return true;
        }
        // At the places of today, the value begins here; it stood elsewhere before, and stays there.
        let was_copied = before.is_some() && self.by_paths.is_none() && is_same;
        if is_same && !was_copied {
            return false;
        }
        if was_copied && self.moved {
            return false;
        }
        let version = std::mem::replace(&mut self.value, value.clone());
        if std::mem::replace(&mut self.moved, was_copied) && !was_copied {
            return false;
        }
        told.push(Told {
            cell: self.key.clone(),
            version,
            previous: if was_copied { None } else { value },
            moved,
            stays: false,
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

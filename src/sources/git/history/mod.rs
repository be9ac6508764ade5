//! How the cells came to their values: one walk along the landed line serves all of them.
//!
//! From the tip, first parent by first parent, the walk moves one tree backwards in time; folders
//! whose id is the same are skipped whole. Where a cell's value differs between a commit and its
//! first parent, the commit is where the value landed. Reading is done by threads of [`pipeline`],
//! judging here, in order.

mod authored;
mod pipeline;
mod today;
mod tree;
mod walk;

use std::{
    collections::BTreeSet,
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};

use self::{
    authored::{Authors, Landed},
    pipeline::Steps,
    today::{Passed, Today, Told},
    walk::{Moved, Walk},
};
use super::{
    GitError, Repo,
    objects::{Objects, read_info},
};
use crate::domain::{
    history::{CommitInfo, ValueChange},
    ids::{CellKey, EnvironmentName, ObjectId, RepoPath},
    layout::LayoutSet,
};

/// What to look for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Want {
    /// These cells only; `None`: all.
    pub cells: Option<BTreeSet<CellKey>>,
    /// Only each cell's newest change; the walk ends as soon as all are known.
    pub last_only: bool,
}

/// One step of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryEvent {
    /// Changes, newest first; a cell's own are in order over all batches.
    Changes(Vec<(CellKey, ValueChange)>),
    /// How many commits of the landed line have been looked at.
    Progress(u32),
    /// The walk is over.
    End {
        /// Everything wanted was found, down to the first commit if need be.
        complete: bool,
        /// History ends early here: a shallow clone; the oldest values are older than they look.
        shallow: bool,
    },
}

/// A batch goes out when it is this old or this long, so that the first rows show at once.
const BATCH_AGE: Duration = Duration::from_millis(40);
const BATCH_LENGTH: usize = 512;

impl Repo {
    /// Walks from `commit` along first parents, newest first, and tells `sink` about every change of
    /// a wanted cell. Blocking; `sink` stops it by `Break`. The last change is judged at the files
    /// that decide the cell today.
    ///
    /// # Errors
    /// When a commit or tree cannot be read; what was told before stands.
    pub fn history(
        &self,
        commit: ObjectId,
        layouts: &Arc<LayoutSet>,
        environments: &[EnvironmentName],
        want: &Want,
        sink: &mut dyn FnMut(HistoryEvent) -> ControlFlow<()>,
    ) -> Result<(), GitError> {
        let objects = Objects::for_walks(self)?;
        let mut walk = Walk::new(
            &objects,
            layouts,
            environments,
            objects.header(commit)?.tree,
        )?;
        let mut today = Today::new(&walk, commit, want);
        let mut authors = Authors::new(&objects);
        let mut batch = Batch {
            changes: Vec::new(),
            since: Instant::now(),
            sink,
        };
        let mut depth = 0;
        let mut last = commit;
        std::thread::scope(|scope| {
            for step in Steps::start(scope, &objects, layouts, commit) {
                if want.last_only && today.is_settled() {
                    break;
                }
                let step = step?;
                last = step.commit;
                authors.on_line(step.commit, depth);
                let merge = (step.parents.len() > 1).then_some(Passed {
                    commit: step.commit,
                    depth,
                });
                let (files, cells) = walk.enter(step.files);
                let touched = files.iter().map(|file| &file.path);
                let told = today.judge(&walk, merge, touched, cells, want);
                if !told.is_empty() {
                    let landing = Landing {
                        objects: &objects,
                        walk: &walk,
                        today: &today,
                        files: &files,
                        commit: step.commit,
                        depth,
                    };
                    let info = read_info(step.commit, &step.text)?;
                    landing.tell(info, told, &mut authors, &mut batch.changes)?;
                }
                if batch.is_due() && batch.send(depth).is_break() {
                    return Ok(());
                }
                depth += 1;
            }
            if batch.send(depth).is_continue() {
                let _ = (batch.sink)(HistoryEvent::End {
                    complete: true,
                    shallow: objects.is_cut(last),
                });
            }
            Ok(())
        })
    }
}

/// One landed commit that changed cells.
struct Landing<'a> {
    objects: &'a Objects,
    /// At the parent's tree already.
    walk: &'a Walk<'a>,
    today: &'a Today,
    /// Those that differ there.
    files: &'a [Moved],
    commit: ObjectId,
    depth: u32,
}

impl Landing<'_> {
    fn tell(
        &self,
        (own, landed): (CommitInfo, CommitInfo),
        told: Vec<Told>,
        authors: &mut Authors<'_>,
        changes: &mut Vec<(CellKey, ValueChange)>,
    ) -> Result<(), GitError> {
        let (own, landed) = (Arc::new(own), Arc::new(landed));
        let mut known: Option<Arc<CommitInfo>> = None;
        for told in told {
            let paths = self.paths(&told.cell);
            let value = Landed {
                cell: &told.cell,
                version: told.version.as_ref(),
                commit: self.commit,
                paths: &paths,
                blobs: &self.blobs(&paths),
                passed: &told.passed,
            };
            let author = authors.find(&value, self.walk)?;
            let authored = match &known {
                _ if author == self.commit => Arc::clone(&own),
                Some(info) if info.commit == author => Arc::clone(info),
                _ => Arc::new(self.objects.info(author)?.0),
            };
            known = Some(Arc::clone(&authored));
            let change = ValueChange {
                version: told.version,
                previous: told.previous,
                landed: Arc::clone(&landed),
                authored,
                depth: self.depth,
                line: 0,
            };
            changes.push((told.cell, change));
        }
        Ok(())
    }

    /// The files that decide a cell: those of today, but for a change that happened elsewhere.
    fn paths(&self, cell: &CellKey) -> Vec<RepoPath> {
        let touched = |path: &RepoPath| self.files.iter().any(|file| file.path == *path);
        match self.today.paths(cell) {
            Some(paths) if paths.iter().any(touched) => paths.to_vec(),
            _ => {
                let mut paths = self.walk.depends_on(cell);
                if !paths.iter().any(touched) {
                    paths.extend(self.files.iter().map(|file| file.path.clone()));
                }
                paths
            }
        }
    }
}

impl Landing<'_> {
    /// The blobs of files at the landed commit and at its first parent.
    fn blobs(&self, paths: &[RepoPath]) -> Vec<(Option<ObjectId>, Option<ObjectId>)> {
        paths
            .iter()
            .map(|path| {
                let moved = self.files.iter().find(|file| file.path == *path);
                moved.map_or_else(
                    || (self.walk.blob(path), self.walk.blob(path)),
                    |file| (file.before, file.after),
                )
            })
            .collect()
    }
}

/// Changes gathered until they are worth a message.
struct Batch<'a> {
    changes: Vec<(CellKey, ValueChange)>,
    since: Instant,
    sink: &'a mut dyn FnMut(HistoryEvent) -> ControlFlow<()>,
}

impl Batch<'_> {
    fn is_due(&self) -> bool {
        self.changes.len() >= BATCH_LENGTH || self.since.elapsed() >= BATCH_AGE
    }

    fn send(&mut self, depth: u32) -> ControlFlow<()> {
        self.since = Instant::now();
        if !self.changes.is_empty() {
            (self.sink)(HistoryEvent::Changes(std::mem::take(&mut self.changes)))?;
        }
        (self.sink)(HistoryEvent::Progress(depth))
    }
}

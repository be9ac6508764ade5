//! From a change that was found to a change that is told: who, when, and in batches.

use std::{
    collections::HashMap,
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    super::objects::{Objects, read_info},
    HistoryEvent,
    authored::{Authors, Landed},
    branches::Author,
    moves::{At, Places},
    today::{Today, Told},
    walk::{Moved, Walk},
};
use crate::domain::{
    failure::Failure,
    history::{self, CommitInfo, ValueChange},
    ids::{CellKey, ObjectId, RepoPath},
};

/// A batch goes out when it is this old or this long, so that the first rows show at once.
const BATCH_AGE: Duration = Duration::from_millis(40);
const BATCH_LENGTH: usize = 512;

/// One landed commit that changed cells.
pub(super) struct Landing<'a> {
    pub(super) objects: &'a Objects,
    /// At the parent's tree already.
    pub(super) walk: &'a Walk<'a>,
    pub(super) today: &'a Today,
    /// Where files of today are that were elsewhere, at the commit and at its parent.
    pub(super) places: &'a Places<'a>,
    /// Those that differ there.
    pub(super) files: Touched<'a>,
    pub(super) commit: ObjectId,
    pub(super) depth: u32,
}

/// The files that differ at a landed commit, also found by their places: a commit may touch every file of a large matrix, and
/// each of its cells asks.
pub(super) struct Touched<'a> {
    all: &'a [Moved],
    by: HashMap<(&'a RepoPath, &'a RepoPath), &'a Moved>,
}

impl<'a> Touched<'a> {
    pub(super) fn new(all: &'a [Moved]) -> Self {
        let by = all.iter().map(|file| ((&file.path, &file.at), file));
        Self {
            all,
            by: by.collect(),
        }
    }

    fn get(&self, at: &At) -> Option<&'a Moved> {
        self.by.get(&(&at.read_as, &at.path)).copied()
    }
}

impl Landing<'_> {
    pub(super) fn tell(
        &self,
        (own, landed): (CommitInfo, CommitInfo),
        told: Vec<Told>,
        authors: &mut Authors<'_>,
        tell: &mut dyn FnMut(CellKey, Tale),
    ) -> Result<(), Failure> {
        let (own, landed) = (Arc::new(own), Arc::new(landed));
        let mut known: Option<Arc<CommitInfo>> = None;
        for told in told {
            let paths = self.paths(&told.cell);
            let certain = self.certain(&told, &paths);
            let author = if let Some((author, _)) = certain {
                *author
            } else {
                let value = Landed {
                    cell: &told.cell,
                    version: told.version.as_ref(),
                    commit: self.commit,
                    depth: self.depth,
                    paths: &paths,
                    blobs: &self.blobs(&paths),
                    passed: &told.passed,
                };
                authors.find(&value, self.walk)?
            };
            let authored = match (&known, certain) {
                _ if author == self.commit => Arc::clone(&own),
                (Some(info), _) if info.commit == author => Arc::clone(info),
                (_, Some((_, text))) => Arc::new(read_info(author, text)?.0),
                _ => Arc::new(self.objects.info(author)?.0),
            };
            known = Some(Arc::clone(&authored));
            let moved = told.moved.map(|from| {
                Arc::new(history::Moved {
                    from,
                    landed: Arc::clone(&landed),
                    // Who wrote another value on a branch need not be who moved the file there: what brought both is said.
                    authored: if told.stays || author == self.commit {
                        Arc::clone(&authored)
                    } else {
                        Arc::clone(&landed)
                    },
                    depth: self.depth,
                })
            });
            let tale = match moved {
                Some(moved) if told.stays => Tale::Moved(moved),
                moved => Tale::Changed(ValueChange {
                    version: told.version,
                    previous: told.previous,
                    landed: Arc::clone(&landed),
                    authored,
                    depth: self.depth,
                    line: 0,
                    moved,
                }),
            };
            tell(told.cell, tale);
        }
        Ok(())
    }

    /// Who wrote the bytes wrote the value, where one file alone decides and no merge since touched it.
    fn certain(&self, told: &Told, paths: &[At]) -> Option<&Author> {
        let [at] = paths else { return None };
        let file = self.files.get(at)?;
        file.author.as_ref().filter(|_| told.passed.is_empty())
    }

    /// The files that decide a cell: those of today, but for a change that happened elsewhere.
    fn paths(&self, cell: &CellKey) -> Vec<At> {
        let touched = |at: &At| self.files.get(at).is_some();
        let today = self
            .today
            .paths(cell)
            .into_iter()
            .flat_map(|paths| &**paths);
        let today: Vec<At> = today.map(|path| self.places.of(path)).collect();
        if today.iter().any(touched) {
            return today;
        }
        let mut paths: Vec<At> = self.walk.depends_on(cell).iter().map(At::home).collect();
        if !paths.iter().any(touched) {
            let home = self.files.all.iter().filter(|file| file.at == file.path);
            paths.extend(home.map(|file| At::home(&file.path)));
        }
        paths
    }
}

impl Landing<'_> {
    /// The blobs of files at the landed commit and at its first parent.
    fn blobs(&self, paths: &[At]) -> Vec<(Option<ObjectId>, Option<ObjectId>)> {
        let blobs = paths.iter().map(|at| {
            if let Some(file) = self.files.get(at) {
                return (file.before, file.after);
            }
            let same = if at.path == at.read_as {
                self.walk.blob(&at.path)
            } else {
                self.places.blob(&at.read_as)
            };
            (same, same)
        });
        blobs.collect()
    }
}

/// What a landed commit did to a cell.
pub(super) enum Tale {
    /// Its value changed.
    Changed(ValueChange),
    /// Its value came to another place, and stayed what it was.
    Moved(Arc<history::Moved>),
}

/// Changes gathered until they are worth a message.
pub(super) struct Batch<'a> {
    changes: Vec<(CellKey, ValueChange)>,
    /// How many went out.
    sent: usize,
    /// How many of the next are not to go out, because they did already.
    again: usize,
    since: Instant,
    sink: &'a mut dyn FnMut(HistoryEvent) -> ControlFlow<()>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(sink: &'a mut dyn FnMut(HistoryEvent) -> ControlFlow<()>) -> Self {
        Self {
            changes: Vec::new(),
            sent: 0,
            again: 0,
            since: Instant::now(),
            sink,
        }
    }

    pub(super) fn add(&mut self, cell: CellKey, change: ValueChange) {
        self.changes.push((cell, change));
    }

    /// The walk begins again from the tip: it will find what was told once more.
    pub(super) fn begin_again(&mut self) {
        self.changes.clear();
        self.again = self.sent;
    }

    pub(super) fn is_due(&self) -> bool {
        self.changes.len() >= BATCH_LENGTH || self.since.elapsed() >= BATCH_AGE
    }

    pub(super) fn end(&mut self, depth: u32, shallow: bool) -> ControlFlow<()> {
        self.send(depth)?;
        (self.sink)(HistoryEvent::End { shallow })
    }

    pub(super) fn send(&mut self, depth: u32) -> ControlFlow<()> {
        let again = self.again.min(self.changes.len());
        self.changes.drain(..again);
        self.again -= again;
        self.sent += self.changes.len();
        self.since = Instant::now();
        if !self.changes.is_empty() {
            (self.sink)(HistoryEvent::Changes(std::mem::take(&mut self.changes)))?;
        }
        (self.sink)(HistoryEvent::Progress(depth))
    }
}

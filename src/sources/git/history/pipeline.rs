//! The landed line, newest first, read ahead by other threads.
//!
//! One thread follows first parents. Workers take stretches of the line and find which wanted files
//! differ between each commit and its first parent, and what they say there. The stretches come back
//! in order. They are short at first, so that the first rows show at once.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{Scope, available_parallelism},
};

use super::{
    super::{
        graph::Round,
        objects::{Header, Objects, Seed},
        read::{lookup, read_facts},
    },
    branches::{Author, Branches},
    tree::{Counted, Difference, Folder},
    versions::Versions,
};
use crate::domain::{
    failure::Failure,
    ids::{ObjectId, RepoPath},
    layout::{FileFacts, LayoutSet},
};

/// The first stretch and the longest.
const SHORTEST: usize = 16;
const LONGEST: usize = 256;
/// So few commits are read by one thread.
const FEW: usize = 256;
/// Stretches waiting on either side of the workers.
const WAITING: usize = 4;
/// More workers do not help: the consumer has its share, too.
const MOST_WORKERS: usize = 4;

/// A wanted file that the first parent has otherwise.
pub(super) struct FileThere {
    pub(super) path: RepoPath,
    /// What it says there.
    pub(super) there: There,
    /// Whose bytes a merge brought, with the commit's text, where that is beyond doubt.
    pub(super) author: Option<Author>,
}

/// What a file says at a commit.
pub(super) enum There {
    /// It is not there.
    Absent,
    /// This, in this blob.
    Said(ObjectId, Arc<FileFacts>),
    /// It cannot be read: nobody knows what it would say.
    Unread {
        /// The blob.
        blob: ObjectId,
        /// What is left to say of it: that its cells exist.
        facts: Option<Arc<FileFacts>>,
        /// What it said when it could last be read before, where it could be read at the commit left.
        before: Option<Arc<FileFacts>>,
    },
}

/// One commit of the landed line, and which wanted files its first parent has otherwise.
pub(super) struct Step {
    pub(super) commit: ObjectId,
    pub(super) parents: Vec<ObjectId>,
    /// Its tree, and its first parent's; `None` where there is none.
    pub(super) trees: (ObjectId, Option<ObjectId>),
    /// For [`read_info`](super::super::objects::read_info).
    pub(super) text: Arc<Vec<u8>>,
    pub(super) files: Vec<FileThere>,
}

struct Stretch {
    number: usize,
    commits: Vec<OnLine>,
    /// The tree of the first parent of the last one; `None` where the line ends.
    after: Option<ObjectId>,
}

/// One commit of a stretch.
pub(super) struct OnLine {
    pub(super) commit: ObjectId,
    pub(super) header: Header,
    text: Arc<Vec<u8>>,
}

type Done = (usize, Result<Vec<Step>, Failure>);

/// The line's steps in order, as they come.
pub(super) struct Steps {
    /// From the threads that read; nothing comes where all was read at once.
    done: Option<Receiver<Done>>,
    early: BTreeMap<usize, Result<Vec<Step>, Failure>>,
    next: usize,
    ready: std::vec::IntoIter<Step>,
}

impl Steps {
    /// Begins to read the line down from `tip` in threads of `scope`, `most` commits of it; they end when this is
    /// dropped. With `authors`, they look for those, too.
    pub(super) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        objects: &Objects,
        layouts: &'scope Arc<LayoutSet>,
        tip: ObjectId,
        most: usize,
        authors: bool,
    ) -> Self {
        if most <= FEW {
            return Self::here(objects, layouts, tip, most, authors);
        }
        let (to_workers, stretches) = sync_channel(WAITING);
        let (to_us, done) = sync_channel(WAITING);
        let stretches = Arc::new(Mutex::new(stretches));
        let workers = available_parallelism().map_or(1, usize::from);
        for _ in 0..workers.min(MOST_WORKERS) {
            let seed = objects.seed();
            let (stretches, to_us) = (Arc::clone(&stretches), to_us.clone());
            scope.spawn(move || work(&seed, layouts, authors, &stretches, &to_us));
        }
        let seed = objects.seed();
        scope.spawn(move || {
            let mut number = 0;
            let mut send = |stretch| match to_workers.send(stretch) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            };
            let read = seed
                .open()
                .and_then(|objects| follow(&objects, tip, most, &mut number, &mut send));
            if let Err(error) = read {
                let _ = to_us.send((number, Err(error)));
            }
        });
        Self {
            done: Some(done),
            early: BTreeMap::new(),
            next: 0,
            ready: Vec::new().into_iter(),
        }
    }

    /// Reads all of it on this thread: each other would have to open the repository, too.
    fn here(
        objects: &Objects,
        layouts: &LayoutSet,
        tip: ObjectId,
        most: usize,
        authors: bool,
    ) -> Self {
        let (mut number, mut early) = (0, BTreeMap::new());
        let mut root = Folder::default();
        let versions = RefCell::default();
        let mut take = |stretch: Stretch| {
            let number = stretch.number;
            let steps = steps(objects, layouts, authors, &mut root, &versions, stretch);
            early.insert(number, steps);
            ControlFlow::Continue(())
        };
        if let Err(error) = follow(objects, tip, most, &mut number, &mut take) {
            early.insert(number, Err(error));
        }
        Self {
            done: None,
            early,
            next: 0,
            ready: Vec::new().into_iter(),
        }
    }
}

impl Iterator for Steps {
    type Item = Result<Step, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(step) = self.ready.next() {
                return Some(Ok(step));
            }
            let steps = loop {
                if let Some(steps) = self.early.remove(&self.next) {
                    break steps;
                }
                let (number, steps) = self.done.as_ref()?.recv().ok()?;
                self.early.insert(number, steps);
            };
            self.next += 1;
            match steps {
                Ok(steps) => self.ready = steps.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Follows first parents and cuts the line into stretches, until it ends, there are `most`, or nobody listens.
fn follow(
    objects: &Objects,
    tip: ObjectId,
    most: usize,
    number: &mut usize,
    send: &mut dyn FnMut(Stretch) -> ControlFlow<()>,
) -> Result<(), Failure> {
    let read = |commit| -> Result<OnLine, Failure> {
        let (header, text) = objects.commit(commit)?;
        Ok(OnLine {
            commit,
            header,
            text,
        })
    };
    let mut left = most;
    let mut length = SHORTEST.min(most);
    let mut commits = Vec::with_capacity(length);
    let mut round = Round::default();
    round.enter(tip)?;
    let mut at = read(tip)?;
    loop {
        let parent = at.header.parents.first().copied();
        commits.push(at);
        let next = parent.map(|parent| round.enter(parent).and_then(|()| read(parent)));
        let next = next.transpose()?;
        if commits.len() == length || next.is_none() {
            let stretch = Stretch {
                number: *number,
                commits: std::mem::take(&mut commits),
                after: next.as_ref().map(|next| next.header.tree),
            };
            if send(stretch).is_break() {
                return Ok(());
            }
            *number += 1;
            left = left.saturating_sub(length);
            length = (length * 4).min(LONGEST).min(left);
        }
        match next {
            Some(next) if left > 0 => at = next,
            _ => return Ok(()),
        }
    }
}

fn work(
    seed: &Seed,
    layouts: &LayoutSet,
    authors: bool,
    stretches: &Mutex<Receiver<Stretch>>,
    to_us: &SyncSender<Done>,
) {
    let objects = seed.open();
    let mut root = Folder::default();
    let versions = RefCell::default();
    loop {
        let stretch = stretches
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(stretch) = stretch else { return };
        let number = stretch.number;
        let steps = match &objects {
            Ok(objects) => steps(objects, layouts, authors, &mut root, &versions, stretch),
            Err(error) => Err(error.clone()),
        };
        if to_us.send((number, steps)).is_err() {
            return;
        }
    }
}

fn steps(
    objects: &Objects,
    layouts: &LayoutSet,
    authors: bool,
    root: &mut Folder,
    versions: &RefCell<Versions>,
    stretch: Stretch,
) -> Result<Vec<Step>, Failure> {
    if objects.is_partial() {
        objects.prefetch(&trees(objects, &stretch)?)?;
    }
    let mut folders = Counted::new(objects);
    let mut move_to =
        |tree, tell: &mut dyn FnMut(Difference)| root.move_to(tree, &mut folders, layouts, tell);
    if let Some(first) = stretch.commits.first() {
        move_to(Some(first.header.tree), &mut |_| {})?;
    }
    let parents = stretch.commits.iter().skip(1).map(|c| Some(c.header.tree));
    let mut differences: Vec<Vec<Difference>> = Vec::with_capacity(stretch.commits.len());
    for tree in parents.chain([stretch.after]) {
        let mut found = Vec::new();
        move_to(tree, &mut |difference| found.push(difference))?;
        differences.push(found);
    }
    let ids: Vec<ObjectId> = differences
        .iter()
        .flatten()
        .filter_map(|d| d.entered)
        .collect();
    objects.prefetch(&ids)?;
    let back = LookBack {
        objects,
        layouts,
        versions,
        differences: &differences,
        last: stretch.commits.last().map(|last| &last.header),
    };
    let found = if authors {
        Branches::new(objects, &stretch.commits, &differences).authors()
    } else {
        Vec::new()
    };
    let mut found = found.into_iter();
    let mut there = |number: usize| -> Vec<FileThere> {
        let files = differences[number].iter().map(|difference| FileThere {
            path: difference.path.clone(),
            there: back.there(number, difference),
            author: found.next().flatten(),
        });
        files.collect()
    };
    let files: Vec<Vec<FileThere>> = (0..differences.len()).map(&mut there).collect();
    let trees: Vec<ObjectId> = stretch.commits.iter().map(|on| on.header.tree).collect();
    let parents = trees.iter().skip(1).copied().map(Some);
    let parents: Vec<Option<ObjectId>> = parents.chain([stretch.after]).collect();
    let trees = trees.into_iter().zip(parents);
    let steps = stretch.commits.into_iter().zip(trees).zip(files);
    let step = |((on_line, trees), files): ((OnLine, _), _)| Step {
        commit: on_line.commit,
        trees,
        parents: on_line.header.parents,
        text: on_line.text,
        files,
    };
    Ok(steps.map(step).collect())
}

/// The trees that a stretch is read from, those of the branches merged in it too: a clone without trees asks for them once
/// a stretch, not once a commit.
fn trees(objects: &Objects, stretch: &Stretch) -> Result<Vec<ObjectId>, Failure> {
    let mut trees: Vec<ObjectId> = stretch.after.into_iter().collect();
    for on_line in &stretch.commits {
        trees.push(on_line.header.tree);
        for merged in on_line.header.parents.iter().skip(1) {
            trees.push(objects.header(*merged)?.tree);
        }
    }
    Ok(trees)
}

/// A file that cannot be read for longer than this is taken for one that never could.
const LONGEST_BREAK: usize = 4096;

/// Reads files; looks farther back where one cannot be read. Unknown is not removed: until it is mended, a file counts
/// as what it said before it broke, so that the value that comes with the mending is compared with that.
struct LookBack<'a> {
    objects: &'a Objects,
    layouts: &'a LayoutSet,
    versions: &'a RefCell<Versions>,
    /// Of the stretch, each with its first parent.
    differences: &'a [Vec<Difference>],
    /// The stretch's last commit.
    last: Option<&'a Header>,
}

impl LookBack<'_> {
    fn there(&self, number: usize, difference: &Difference) -> There {
        let Some(blob) = difference.entered else {
            return There::Absent;
        };
        let path = &difference.path;
        let mut versions = self.versions.borrow_mut();
        let facts = versions.read(self.objects, self.layouts, path, blob).ok();
        match facts {
            Some(facts) if !facts.is_unreadable() => There::Said(blob, facts),
            facts => {
                let left = difference.left.and_then(|left| self.read(path, left));
                There::Unread {
                    blob,
                    facts,
                    before: left
                        .and_then(|_| self.before(number, path, blob))
                        .map(Arc::new),
                }
            }
        }
    }

    /// What a blob says, where it can be read.
    fn read(&self, path: &RepoPath, blob: ObjectId) -> Option<FileFacts> {
        let facts = read_facts(self.objects, self.layouts, path, blob).ok()?;
        (!facts.is_unreadable()).then_some(facts)
    }

    /// What the file last said below the stretch's commit of this number, whose parent has it as `blob`.
    fn before(&self, number: usize, path: &RepoPath, blob: ObjectId) -> Option<FileFacts> {
        let mut blob = blob;
        for differences in self.differences.get(number + 1..)? {
            if let Some(difference) = differences.iter().find(|d| d.path == *path) {
                blob = difference.entered?;
                if let Some(facts) = self.read(path, blob) {
                    return Some(facts);
                }
            }
        }
        let mut parent = self.last?.parents.first().copied();
        for _ in 0..LONGEST_BREAK {
            let (header, _) = self.objects.commit(parent?).ok()?;
            let there = lookup(self.objects, header.tree, path.as_str()).ok()??;
            if there != blob {
                blob = there;
                if let Some(facts) = self.read(path, blob) {
                    return Some(facts);
                }
            }
            parent = header.parents.first().copied();
        }
        None
    }
}

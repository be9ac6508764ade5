//! What files say, kept between readings: in memory, and of a large matrix on disk.
//!
//! What a file says depends on its path, its blob and the layouts alone. A reading therefore looks only into files that
//! none before it has seen, and into nothing at all where the tree is the same.

mod store;
#[cfg(test)]
mod tests;

use std::{sync::Arc, thread};

use super::{
    Repo,
    objects::Objects,
    read::{read_facts, wanted_files},
};
use crate::domain::{
    failure::Failure,
    ids::{ObjectId, RepoPath},
    layout::{FileFacts, KnownFile, LayoutSet, Origin},
    problem::Problem,
};

/// Fewer files than this are read by one thread, and not kept on disk: starting another, or writing a file, costs as much.
const MANY_FILES: usize = 400;
/// More threads gain nothing here.
const MOST_THREADS: usize = 8;
/// The most files of all readings that are kept in memory, and the most readings: each tag of a history is one. The oldest
/// beyond are forgotten.
const MOST_FILES: usize = 60_000;
const MOST_READINGS: usize = 64;

/// What files say, by the ref that they were read from.
#[derive(Debug, Default)]
pub(super) struct FactsCache {
    /// Whose facts these are; another configuration starts afresh.
    layouts: Option<Arc<LayoutSet>>,
    /// The latest of each ref, the newest last.
    readings: Vec<Arc<Known>>,
}

/// What was read of one tree.
#[derive(Debug)]
pub(super) struct Known {
    /// What its files were read as.
    origin: Origin,
    /// The tree, where all of it is here.
    tree: Option<ObjectId>,
    /// In the order of their paths' bytes, which is that of the tree.
    pub(super) files: Vec<KnownFile>,
    /// What looks like a file of the layouts and is none, and what could not be read.
    pub(super) problems: Vec<Problem>,
}

impl Known {
    fn get(&self, path: &RepoPath, id: ObjectId) -> Option<&Arc<FileFacts>> {
        let at = self.files.binary_search_by(|known| known.0.cmp(path));
        let (_, known, facts) = self.files.get(at.ok()?)?;
        (*known == id).then_some(facts)
    }
}

impl FactsCache {
    /// What the files of `tree` say that the layouts read.
    ///
    /// # Errors
    /// When a folder cannot be read; a file that cannot be is a row in `problems`, and looked at again the next time.
    /// `refused` says why the remote of a partial clone did not give what is missing: see [`fetch_missing`].
    pub(super) fn read(
        &mut self,
        repo: &Repo,
        tree: ObjectId,
        layouts: &Arc<LayoutSet>,
        refused: Option<Failure>,
    ) -> Result<Arc<Known>, Failure> {
        let known = self.layouts.as_ref();
        if !known.is_some_and(|known| known.is_of(layouts)) {
            self.readings.clear();
            self.layouts = Some(Arc::clone(layouts));
        }
        let origin = layouts.origin();
        let place = store::place(repo, layouts);
        if !self.readings.iter().any(|known| known.origin == origin)
            && let Some(kept) = place.as_ref().and_then(|place| store::read(place, layouts))
        {
            self.keep(Arc::new(kept));
        }
        let mut same = self.readings.iter();
        if let Some(known) = same.find(|it| it.origin == origin && it.tree == Some(tree)) {
            return Ok(Arc::clone(known));
        }
        let (known, news) = self.look(repo, tree, layouts, refused)?;
        let known = Arc::new(known);
        if news >= MANY_FILES / 8
            && known.files.len() >= MANY_FILES
            && let Some(place) = place
        {
            store::write(&place, &known);
        }
        self.keep(Arc::clone(&known));
        Ok(known)
    }

    /// Looks into the tree; how many files were not known counts too.
    fn look(
        &self,
        repo: &Repo,
        tree: ObjectId,
        layouts: &LayoutSet,
        refused: Option<Failure>,
    ) -> Result<(Known, usize), Failure> {
        // A promotion copies what is read here: it is what the commit names, or none.
        let objects = Objects::for_commit(repo)?.verified().refused(refused);
        let mut problems = Vec::new();
        let wanted = wanted_files(&objects, tree, layouts, &mut problems)?;
        let origin = layouts.origin();
        // Another ref of the same layouts often has the same file.
        let readings = self.readings.iter().rev();
        let readings: Vec<_> = readings
            .filter(|known| {
                known.origin.repository == origin.repository && known.origin.refs == origin.refs
            })
            .collect();
        let known = |(path, id): &(RepoPath, ObjectId)| {
            let facts = readings.iter().find_map(|known| known.get(path, *id));
            facts.map(Arc::clone)
        };
        let facts: Vec<Option<Arc<FileFacts>>> = wanted.iter().map(known).collect();
        let unread: Vec<&(RepoPath, ObjectId)> = wanted
            .iter()
            .zip(&facts)
            .filter_map(|(file, facts)| facts.is_none().then_some(file))
            .collect();
        let news = unread.len();
        let mut read = read_all(&objects, layouts, &unread).into_iter();
        let mut files = Vec::with_capacity(wanted.len());
        let mut is_whole = true;
        for ((path, id), facts) in wanted.into_iter().zip(facts) {
            let facts = facts.map(Ok).or_else(|| Some(read.next()?.map(Arc::new)));
            match facts {
                Some(Ok(facts)) => files.push((path, id, facts)),
                Some(Err(problem)) => {
                    is_whole = false;
                    problems.push(problem);
                }
                None => is_whole = false,
            }
        }
        let known = Known {
            origin,
            tree: is_whole.then_some(tree),
            files,
            problems,
        };
        Ok((known, news))
    }

    /// In place of what was read of the same ref before.
    fn keep(&mut self, known: Arc<Known>) {
        self.readings.retain(|other| other.origin != known.origin);
        self.readings.push(known);
        let files = |readings: &[Arc<Known>]| readings.iter().map(|it| it.files.len()).sum();
        let too_many =
            |readings: &[_]| MOST_READINGS < readings.len() || MOST_FILES < files(readings);
        while self.readings.len() > 1 && too_many(&self.readings) {
            self.readings.remove(0);
        }
    }
}

/// Fetches the files of `tree` that the layouts read and a partial clone left out; nothing elsewhere. To be done before the
/// cache is locked: others read what is here while the remote takes its time.
///
/// # Errors
/// When a folder cannot be read, or the remote does not give the files.
pub(super) fn fetch_missing(
    objects: &Objects,
    tree: ObjectId,
    layouts: &LayoutSet,
) -> Result<(), Failure> {
    if !objects.is_partial() {
        return Ok(());
    }
    let files = wanted_files(objects, tree, layouts, &mut Vec::new())?;
    let read = files
        .iter()
        .filter(|(path, _)| layouts.opens(path.as_str()));
    let ids: Vec<ObjectId> = read.map(|(_, id)| *id).collect();
    objects.prefetch(&ids)
}

/// What files say, in their order; of many, on several threads: most of it is parsing.
fn read_all(
    objects: &Objects,
    layouts: &LayoutSet,
    files: &[&(RepoPath, ObjectId)],
) -> Vec<Result<FileFacts, Problem>> {
    let read = |objects: &Objects, files: &[&(RepoPath, ObjectId)]| -> Vec<_> {
        let each = files.iter();
        each.map(|(path, id)| read_facts(objects, layouts, path, *id))
            .collect()
    };
    let threads = thread::available_parallelism().map_or(1, |count| count.get().min(MOST_THREADS));
    if threads == 1 || files.len() < MANY_FILES {
        return read(objects, files);
    }
    let seed = objects.seed();
    thread::scope(|scope| {
        let mut chunks = files.chunks(files.len().div_ceil(threads));
        let own = chunks.next().unwrap_or_default();
        let others: Vec<_> = chunks
            .map(|chunk| {
                let seed = &seed;
                let work = scope.spawn(move || Some(read(&seed.open().ok()?, chunk)));
                (chunk, work)
            })
            .collect();
        let mut all = read(objects, own);
        for (chunk, work) in others {
            let done = work.join().ok().flatten();
            // What a thread could not do is done here, and said as it is.
            all.extend(done.unwrap_or_else(|| read(objects, chunk)));
        }
        all
    })
}

//! Reading one commit: the matrix, a file, what people see of it.

use std::{collections::HashMap, sync::Arc, thread};

use super::{
    GitError, Repo,
    objects::{Entry, Kind, Objects, entries},
};
use crate::domain::{
    desired::Desired,
    history::CommitInfo,
    ids::{EnvironmentName, ObjectId, RepoPath},
    layout::{Assembler, FileFacts, LayoutSet, LayoutSource},
    problem::Problem,
};

/// A file larger than this holds no versions that people write; it is not read.
const LARGEST: usize = 8 << 20;

/// Fewer files than this are read by one thread: starting another costs as much.
const MANY_FILES: usize = 400;
/// More threads gain nothing here.
const MOST_THREADS: usize = 8;

/// What files say, by (path, blob): a pure function, so worth keeping between commits.
#[derive(Debug, Default)]
pub(super) struct FactsCache {
    /// Whose facts these are; another configuration starts afresh.
    layouts: Option<Arc<LayoutSet>>,
    facts: HashMap<FactsKey, Arc<FileFacts>>,
}

/// Which layouts read the file, its path, its blob: a view of the layouts reads the same file otherwise.
type FactsKey = (Option<LayoutSource>, RepoPath, ObjectId);

/// The most facts kept between commits; beyond it the cache starts afresh.
const MOST_FACTS: usize = 20_000;

impl Repo {
    /// The matrix that `commit` declares. Blocking; milliseconds even on large repositories, because
    /// only folders that a layout can match are read.
    ///
    /// # Errors
    /// When the commit cannot be read; a single bad file is a row in `problems`.
    pub fn desired(
        &self,
        commit: ObjectId,
        layouts: &Arc<LayoutSet>,
        environments: &[EnvironmentName],
    ) -> Result<Desired, GitError> {
        let tree = Objects::open(self)?.header(commit)?.tree;
        self.desired_of_tree(commit, tree, layouts, environments)
    }

    /// The matrix that `tree` declares, as if it were that of `commit`.
    pub(super) fn desired_of_tree(
        &self,
        commit: ObjectId,
        tree: ObjectId,
        layouts: &Arc<LayoutSet>,
        environments: &[EnvironmentName],
    ) -> Result<Desired, GitError> {
        let objects = Objects::open(self)?;
        let mut assembler = Assembler::new(Arc::clone(layouts), environments);
        let mut problems = Vec::new();
        let files = wanted_files(&objects, tree, layouts, &mut problems)?;
        let ids: Vec<ObjectId> = files.iter().map(|(_, id)| *id).collect();
        // What does not come is told file by file.
        let _ = objects.prefetch(&ids);
        let mut cache = self.facts();
        cache.belong_to(layouts);
        let source = layouts.source();
        let keys: Vec<FactsKey> = files
            .into_iter()
            .map(|(path, id)| (source.clone(), path, id))
            .collect();
        let unread: Vec<&FactsKey> = keys
            .iter()
            .filter(|key| !cache.facts.contains_key(key))
            .collect();
        for (key, facts) in unread.iter().zip(read_all(&objects, layouts, &unread)) {
            match facts {
                Ok(facts) => drop(cache.facts.insert((*key).clone(), Arc::new(facts))),
                Err(problem) => problems.push(problem),
            }
        }
        for key in keys {
            if let Some(facts) = cache.facts.get(&key) {
                let facts = Arc::clone(facts);
                assembler.update(key.1, Some(facts));
            }
        }
        let mut desired = assembler.desired(commit);
        desired.problems.append(&mut problems);
        desired.problems.sort();
        Ok(desired)
    }

    /// A file's bytes at `commit`; `None` when it is not there or is no regular file.
    ///
    /// # Errors
    /// When the commit or the blob cannot be read.
    pub fn file(&self, commit: ObjectId, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        self.files(commit)?.get(path)
    }

    /// Opens `commit` to read more than one of its files.
    ///
    /// # Errors
    /// When the commit cannot be read.
    pub fn files(&self, commit: ObjectId) -> Result<Files, GitError> {
        let objects = Objects::open(self)?;
        let tree = objects.header(commit)?.tree;
        Ok(Files { objects, tree })
    }

    /// The name that Git gives a file of these bytes.
    pub fn blob_id(bytes: &[u8]) -> ObjectId {
        git2::Oid::hash_object(git2::ObjectType::Blob, bytes)
            .map_or(ObjectId::new([0; 20]), super::ours)
    }

    /// What people see of a commit, as its author made it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn commit_info(&self, commit: ObjectId) -> Result<CommitInfo, GitError> {
        Ok(Objects::open(self)?.info(commit)?.0)
    }
}

/// The files of one commit, for one thread.
pub struct Files {
    objects: Objects,
    tree: ObjectId,
}

impl Files {
    /// As [`Repo::file`].
    ///
    /// # Errors
    /// When a folder or the blob cannot be read.
    pub fn get(&self, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        match lookup(&self.objects, self.tree, path)? {
            Some(id) => Ok(Some(self.objects.blob(id)?.to_vec())),
            None => Ok(None),
        }
    }
}

impl FactsCache {
    fn belong_to(&mut self, layouts: &Arc<LayoutSet>) {
        let same = self
            .layouts
            .as_ref()
            .is_some_and(|known| known.is_of(layouts));
        if !same || self.facts.len() > MOST_FACTS {
            self.facts.clear();
            self.layouts = Some(Arc::clone(layouts));
        }
    }
}

/// What files say, in their order; of many, on several threads: most of it is parsing.
fn read_all(
    objects: &Objects,
    layouts: &LayoutSet,
    files: &[&FactsKey],
) -> Vec<Result<FileFacts, Problem>> {
    let read = |objects: &Objects, files: &[&FactsKey]| -> Vec<_> {
        let each = files.iter();
        each.map(|(_, path, id)| read_facts(objects, layouts, path, *id))
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

/// What the blob `id` says as the file at `path`; a file that cannot be read is a problem.
pub(super) fn read_facts(
    objects: &Objects,
    layouts: &LayoutSet,
    path: &RepoPath,
    id: ObjectId,
) -> Result<FileFacts, Problem> {
    let refuse = |why: String| Problem::file(path.clone(), None, why);
    let read = objects.blob_within(id, LARGEST);
    let read = read.map_err(|error| refuse(format!("{path} cannot be read: {error}")))?;
    let bytes = read.map_err(|size| {
        refuse(format!(
            "{path} has {} MB, which is too large for a file of versions; it is not read",
            size >> 20
        ))
    })?;
    if bytes.starts_with(b"version https://git-lfs.github.com/spec/") {
        return Err(refuse(format!(
            "{path} is kept in Git LFS, so its content is not in the repository; keep files of versions in Git itself"
        )));
    }
    Ok(layouts.extract(path, &bytes))
}

/// The regular files that a layout reads, in tree order. What looks like one and is none is a problem.
pub(super) fn wanted_files(
    objects: &Objects,
    tree: ObjectId,
    layouts: &LayoutSet,
    problems: &mut Vec<Problem>,
) -> Result<Vec<(RepoPath, ObjectId)>, GitError> {
    let mut files = Vec::new();
    let descend = |path: &str| layouts.may_contain(path);
    walk(objects, tree, "", &descend, &mut |path, entry| {
        match entry.kind {
        Kind::File if layouts.wants(path) => files.push((path.into(), entry.id)),
        Kind::Link if layouts.wants(path) => problems.push(Problem::file(
            path,
            None,
            format!("{path} is a symbolic link; it is not followed. Point the layout at the file it means"),
        )),
        Kind::Submodule if layouts.wants(path) || layouts.may_contain(path) => {
            problems.push(Problem::file(
                path,
                None,
                format!("{path} is a submodule: its files belong to another repository and are not read"),
            ));
        }
        _ => {}
    }
    })?;
    Ok(files)
}

/// Visits every entry that is no folder below `tree`, entering folders that `descend` allows. Paths
/// that are not UTF-8 cannot be named by a layout and are passed over.
pub(super) fn walk(
    objects: &Objects,
    tree: ObjectId,
    path: &str,
    descend: &dyn Fn(&str) -> bool,
    visit: &mut dyn FnMut(&str, Entry<'_>),
) -> Result<(), GitError> {
    let data = objects.tree(tree)?;
    let mut below = path.to_owned();
    for entry in entries(&data) {
        let Ok(name) = std::str::from_utf8(entry.name) else {
            continue;
        };
        below.truncate(path.len());
        if !path.is_empty() {
            below.push('/');
        }
        below.push_str(name);
        if entry.kind != Kind::Folder {
            visit(&below, entry);
        } else if descend(&below) {
            walk(objects, entry.id, &below, descend, visit)?;
        }
    }
    Ok(())
}

/// The blob of the regular file at `path`.
pub(super) fn lookup(
    objects: &Objects,
    tree: ObjectId,
    path: &str,
) -> Result<Option<ObjectId>, GitError> {
    let mut tree = tree;
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let data = objects.tree(tree)?;
        // The last byte tells most names apart without a call.
        let (name, last) = (part.as_bytes(), part.as_bytes().last());
        let found = entries(&data).find(|entry| entry.name.last() == last && entry.name == name);
        let Some(entry) = found else {
            return Ok(None);
        };
        match (entry.kind, parts.peek()) {
            (Kind::File, None) => return Ok(Some(entry.id)),
            (Kind::Folder, Some(_)) => tree = entry.id,
            _ => return Ok(None),
        }
    }
    Ok(None)
}

//! Reading one commit: the matrix, a file, what people see of it.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use super::{
    Repo,
    facts::fetch_missing,
    objects::{Kind, Objects, TreeEntry, entries},
    parse::MEND,
};
use crate::domain::{
    desired::Desired,
    failure::{Failure, FailureKind},
    history::CommitInfo,
    ids::{EnvironmentName, ObjectId, RepoPath},
    layout::{Assembler, FileFacts, LayoutSet},
    problem::{Problem, Unreadable},
};

/// A file larger than this holds no versions that people write; it is not read.
const LARGEST: usize = 8 << 20;
/// Folders are no deeper where people work; Git itself stops at 2048 (`core.maxTreeDepth`).
pub(super) const MOST_LEVELS: usize = 256;
/// No path is longer on any system.
pub(super) const LONGEST_PATH: usize = 4096;
/// A commit with more files and folders than this where a layout looks is one whose folders name each other many times.
/// Tests, which are not optimised, have less patience.
pub(super) const MOST_ENTRIES: usize = if cfg!(test) { 200_000 } else { 1_000_000 };
/// No more bytes of paths are listed.
const MOST_PATH_BYTES: usize = 512 << 20;

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
    ) -> Result<Desired, Failure> {
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
    ) -> Result<Desired, Failure> {
        let (assembler, problems) = self.assembled(tree, layouts, environments)?;
        let mut desired = assembler.desired(commit);
        desired.problems.extend(problems);
        desired.problems.sort();
        desired.problems.dedup();
        Ok(desired)
    }

    /// The matrix of [`Repo::desired`] as it is put together, to be kept up to date edit by edit. What was read before is
    /// not read again.
    ///
    /// # Errors
    /// As [`Repo::desired`].
    pub fn matrix(
        &self,
        commit: ObjectId,
        layouts: &Arc<LayoutSet>,
        environments: &[EnvironmentName],
    ) -> Result<Assembler, Failure> {
        let tree = Objects::open(self)?.header(commit)?.tree;
        Ok(self.assembled(tree, layouts, environments)?.0)
    }

    fn assembled(
        &self,
        tree: ObjectId,
        layouts: &Arc<LayoutSet>,
        environments: &[EnvironmentName],
    ) -> Result<(Assembler, Vec<Problem>), Failure> {
        // What does not come is told file by file.
        let refused = fetch_missing(&Objects::open(self)?, tree, layouts).err();
        let known = self.facts().read(self, tree, layouts, refused)?;
        let mut assembler = Assembler::new(Arc::clone(layouts), environments);
        for (path, _, facts) in &known.files {
            assembler.update(path.clone(), Some(Arc::clone(facts)));
        }
        // A file without content says that its cells exist, and so that they are not simply absent.
        for problem in &known.problems {
            if let Some(path) = problem.path.as_ref().filter(|_| problem.hides_all()) {
                let facts = layouts.without_content(problem.clone());
                assembler.update(path.clone(), Some(Arc::new(facts)));
            }
        }
        assembler.decide();
        Ok((assembler, known.problems.clone()))
    }

    /// A file's bytes at `commit`; `None` when it is not there or is no regular file.
    ///
    /// # Errors
    /// When the commit or the blob cannot be read.
    pub fn file(&self, commit: ObjectId, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.files(commit)?.get(path)
    }

    /// What stands at `path` of `commit` in the place of a regular file, in words; `None` where there is a file, or nothing.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn instead_of_file(
        &self,
        commit: ObjectId,
        path: &str,
    ) -> Result<Option<&'static str>, Failure> {
        let objects = Objects::open(self)?;
        let tree = objects.header(commit)?.tree;
        let found = entry_at(tree, path, |tree| objects.tree(tree))?;
        Ok(found.and_then(|(kind, _)| match kind {
            Kind::File => None,
            Kind::Link => Some("a symbolic link, which is not followed"),
            Kind::Submodule => Some("a submodule, whose files are another repository's"),
            Kind::Folder => Some("a folder"),
        }))
    }

    /// Opens `commit` to read more than one of its files.
    ///
    /// # Errors
    /// When the commit cannot be read.
    pub fn files(&self, commit: ObjectId) -> Result<Files, Failure> {
        // Edits are made of these bytes: they are what the commit names, or none.
        let objects = Objects::for_commit(self)?.verified();
        let tree = objects.header(commit)?.tree;
        Ok(Files {
            objects,
            tree,
            folders: RefCell::default(),
            found: RefCell::default(),
        })
    }

    /// The name that Git gives a file of these bytes.
    pub fn blob_id(bytes: &[u8]) -> ObjectId {
        git2::Oid::hash_object(git2::ObjectType::Blob, bytes)
            .map_or(ObjectId::new([0; 20]), super::ours)
    }

    /// Whether `commit` contains `ancestor`.
    ///
    /// # Errors
    /// When the commits cannot be compared.
    pub fn contains(&self, commit: ObjectId, ancestor: ObjectId) -> Result<bool, Failure> {
        Objects::open(self)?.is_ancestor(ancestor, commit)
    }

    /// What people see of a commit, as its author made it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn commit_info(&self, commit: ObjectId) -> Result<CommitInfo, Failure> {
        Ok(Objects::open(self)?.info(commit)?.0)
    }
}

/// The files of one commit, for one thread.
pub struct Files {
    objects: Objects,
    tree: ObjectId,
    /// Folders on the way to files: those of one plan have most of theirs in common.
    folders: RefCell<HashMap<ObjectId, Arc<Vec<u8>>>>,
    /// Where files are: each is read several times.
    found: RefCell<HashMap<String, Option<ObjectId>>>,
}

impl Files {
    /// As [`Repo::file`].
    ///
    /// # Errors
    /// When a folder or the blob cannot be read.
    pub fn get(&self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        let known = self.found.borrow().get(path).copied();
        let found = match known {
            Some(known) => known,
            None => find(self.tree, path, |tree| self.folder(tree))?,
        };
        self.found.borrow_mut().insert(path.to_owned(), found);
        found
            .map(|id| Ok(self.objects.blob(id)?.to_vec()))
            .transpose()
    }

    fn folder(&self, tree: ObjectId) -> Result<Arc<Vec<u8>>, Failure> {
        if let Some(known) = self.folders.borrow().get(&tree) {
            return Ok(Arc::clone(known));
        }
        let data = self.objects.tree(tree)?;
        self.folders.borrow_mut().insert(tree, Arc::clone(&data));
        Ok(data)
    }
}

/// What the blob `id` says as the file at `path`; a file that cannot be read is a problem. What need only be there is not read.
pub(super) fn read_facts(
    objects: &Objects,
    layouts: &LayoutSet,
    path: &RepoPath,
    id: ObjectId,
) -> Result<FileFacts, Problem> {
    if !layouts.opens(path.as_str()) {
        return Ok(layouts.extract(path, b""));
    }
    Ok(layouts.extract(path, &read_bytes(objects, path, id)?))
}

/// The bytes of the blob `id`, where a layout may read them as the file at `path`.
pub(super) fn read_bytes(
    objects: &Objects,
    path: &RepoPath,
    id: ObjectId,
) -> Result<Arc<Vec<u8>>, Problem> {
    let refuse = |why: Unreadable, text: String| {
        Problem::file(path.clone(), None, format!("{path} {text}")).hiding_all(why)
    };
    let read = objects.blob_within(id, LARGEST);
    let read =
        read.map_err(|error| refuse(Unreadable::Damaged, format!("cannot be read: {error}")))?;
    let bytes = read.map_err(|size| {
        let text = format!(
            "has {} MB, which is too large for a file of versions; it is not read",
            size >> 20
        );
        refuse(Unreadable::TooLarge, text)
    })?;
    if bytes.starts_with(b"version https://git-lfs.github.com/spec/") {
        let text = "is kept in Git LFS, so its content is not in the repository; keep files of versions in Git itself";
        return Err(refuse(Unreadable::Pointer, text.to_owned()));
    }
    Ok(bytes)
}

/// The regular files that a layout reads, and whatever need only be there, in tree order. What a layout reads and is no
/// regular file is a problem.
pub(super) fn wanted_files(
    objects: &Objects,
    tree: ObjectId,
    layouts: &LayoutSet,
    problems: &mut Vec<Problem>,
) -> Result<Vec<(RepoPath, ObjectId)>, Failure> {
    let mut files = Vec::new();
    let mut unread = Vec::new();
    let mut links: Vec<(RepoPath, ObjectId)> = Vec::new();
    let descend = |path: &str| layouts.may_contain(path);
    let mut visit = |path: &str, entry: TreeEntry<'_>| {
        match entry.kind {
        Kind::Link if layouts.opens(path) => problems.push(Problem::file(
            path,
            None,
            format!("{path} is a symbolic link; it is not followed. Point the layout at the file it means"),
        ).hiding_all(Unreadable::Link)),
        Kind::File | Kind::Link | Kind::Submodule if layouts.wants(path) => files.push((path.into(), entry.id)),
        Kind::Link if layouts.may_contain(path) => links.push((path.into(), entry.id)),
        Kind::Submodule if layouts.may_contain(path) => {
            problems.push(Problem::file(
                path,
                None,
                format!("{path} is a submodule: its files belong to another repository and are not read"),
            ).hiding_all(Unreadable::Submodule));
        }
        _ => {}
    }
    };
    // The rest of the matrix is as good without.
    let mut pass_over = |path: &str, error: Failure| {
        unread.push(
            Problem::file(
                path,
                None,
                format!("the folder {path} cannot be read: {error}"),
            )
            .hiding_all(Unreadable::Damaged),
        );
        Ok(())
    };
    walk(objects, tree, &descend, &mut visit, &mut pass_over)?;
    problems.append(&mut unread);
    let hidden = links
        .into_iter()
        .filter(|(path, id)| leads_to_folder(objects, tree, path, *id));
    problems.extend(hidden.map(|(path, _)| {
        let text = format!(
            "{path} is a symbolic link to a folder; it is not followed. Point the layout at the folder it means"
        );
        Problem::file(path, None, text).hiding_all(Unreadable::Link)
    }));
    Ok(files)
}

/// Whether a link in the place of a folder leads to one: of this commit, or out of the repository. One in a circle leads nowhere.
fn leads_to_folder(objects: &Objects, tree: ObjectId, link: &RepoPath, id: ObjectId) -> bool {
    let Ok(Ok(target)) = objects.blob_within(id, LONGEST_PATH) else {
        return false;
    };
    let Ok(target) = std::str::from_utf8(&target) else {
        return false;
    };
    let mut parts: Vec<&str> = link.as_str().split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            ".." if parts.pop().is_none() => return true,
            "" | "." | ".." => {}
            name => parts.push(name),
        }
    }
    if target.starts_with('/') || parts.is_empty() {
        return true;
    }
    let found = entry_at(tree, &parts.join("/"), |tree| objects.tree(tree));
    matches!(found, Ok(Some((Kind::Folder, _))))
}

/// Visits every entry that is no folder below `tree`, in tree order, entering folders that `descend` allows. Paths
/// that are not UTF-8 cannot be named by a layout and are passed over. `unread` is told of folders that cannot be read, and
/// says whether that is the end.
///
/// # Errors
/// When `tree` itself cannot be read, what `unread` makes of another, and for trees that have no end.
pub(super) fn walk(
    objects: &Objects,
    tree: ObjectId,
    descend: &dyn Fn(&str) -> bool,
    visit: &mut dyn FnMut(&str, TreeEntry<'_>),
    unread: &mut dyn FnMut(&str, Failure) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut folders = vec![Open::new(tree, objects.tree(tree)?, 0)];
    let mut path = String::new();
    let (mut left, mut room) = (MOST_ENTRIES, MOST_PATH_BYTES);
    while let Some(open) = folders.last_mut() {
        path.truncate(open.path);
        let Some(entry) = entries(&open.data[open.at..]).next() else {
            folders.pop();
            continue;
        };
        open.at += entry.length();
        let Ok(name) = std::str::from_utf8(entry.name) else {
            continue;
        };
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(name);
        left = left.checked_sub(1).ok_or_else(|| too_much(Some(tree)))?;
        room = room
            .checked_sub(path.len())
            .ok_or_else(|| too_much(Some(tree)))?;
        if entry.kind != Kind::Folder {
            visit(&path, entry);
        } else if descend(&path) {
            let id = entry.id;
            let read = if folders.iter().any(|open| open.id == id) {
                Err(super::parse::damaged(
                    id,
                    "is a folder inside itself, which no real one is: it or one below it is stored under another's name",
                ))
            } else if folders.len() > MOST_LEVELS || path.len() > LONGEST_PATH {
                Err(too_much(Some(id)))
            } else {
                objects.tree(id)
            };
            match read {
                Ok(data) => folders.push(Open::new(id, data, path.len())),
                Err(error) => unread(&path, error)?,
            }
        }
    }
    Ok(())
}

/// A folder on the way to where the walk is.
struct Open {
    id: ObjectId,
    data: Arc<Vec<u8>>,
    /// Where its next entry begins.
    at: usize,
    /// How long its path is.
    path: usize,
}

impl Open {
    fn new(id: ObjectId, data: Arc<Vec<u8>>, path: usize) -> Self {
        Self {
            id,
            data,
            at: 0,
            path,
        }
    }
}

/// The error of a folder that has no end.
pub(super) fn too_much(tree: Option<ObjectId>) -> Failure {
    let tree = tree.map_or(String::new(), |tree| format!(" {tree}"));
    Failure::new(
        FailureKind::Damaged,
        format!(
            "folder{tree} goes on for more than {MOST_LEVELS} levels or {MOST_ENTRIES} files, which no real one does"
        ),
    )
    .hint(MEND)
}

/// The blob of the regular file at `path`.
pub(super) fn lookup(
    objects: &Objects,
    tree: ObjectId,
    path: &str,
) -> Result<Option<ObjectId>, Failure> {
    find(tree, path, |tree| objects.tree(tree))
}

/// The same over folders that `read` gives.
fn find(
    tree: ObjectId,
    path: &str,
    read: impl Fn(ObjectId) -> Result<Arc<Vec<u8>>, Failure>,
) -> Result<Option<ObjectId>, Failure> {
    let found = entry_at(tree, path, read)?;
    Ok(found.and_then(|(kind, id)| (kind == Kind::File).then_some(id)))
}

/// What stands at `path`, whatever it is.
pub(super) fn entry_at(
    tree: ObjectId,
    path: &str,
    read: impl Fn(ObjectId) -> Result<Arc<Vec<u8>>, Failure>,
) -> Result<Option<(Kind, ObjectId)>, Failure> {
    let mut tree = tree;
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let data = read(tree)?;
        // The last byte tells most names apart without a call.
        let (name, last) = (part.as_bytes(), part.as_bytes().last());
        let found = entries(&data).find(|entry| entry.name.last() == last && entry.name == name);
        let Some(entry) = found else {
            return Ok(None);
        };
        match (entry.kind, parts.peek()) {
            (kind, None) => return Ok(Some((kind, entry.id))),
            (Kind::Folder, Some(_)) => tree = entry.id,
            _ => return Ok(None),
        }
    }
    Ok(None)
}

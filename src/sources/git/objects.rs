//! Raw objects: commits, trees and blobs as bytes.
//!
//! libgit2's object types allocate and cache more than a walk over a hundred thousand commits can
//! afford, and its reader trusts what objects say of themselves: see [`store`](super::store).

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashSet},
    sync::{Arc, MutexGuard, PoisonError},
};

use super::{
    Child, Repo,
    parse::{MEND, MOST_PARENTS, committed, damaged, parse_header},
    repo::Opened,
    store::{Broken, Found, Hold, Reader, Store, Type},
    transport::reported,
};
use crate::{
    domain::{
        failure::{Failure, FailureKind},
        history::CommitInfo,
        ids::ObjectId,
    },
    sources::files::{self, Links},
};

pub(super) use super::parse::{Header, Kind, TreeEntry, entries, read_info};

/// Objects of one repository, for one thread.
pub(super) struct Objects {
    repo: Repo,
    shallow: HashSet<ObjectId>,
    promisor: Option<String>,
    /// Why the remote of a partial clone did not give what is missing: it is asked once, not once an object.
    refused: RefCell<Option<Failure>>,
    store: Arc<Store>,
    reader: RefCell<Reader>,
    /// Every object's content is held against its name.
    verified: bool,
}

/// No object that is read whole is larger.
const LIMIT: usize = 64 << 20;
/// Nor a commit or a tag, which are text that people write and sign.
const TEXT_LIMIT: usize = 8 << 20;
/// A million commits at which a clone ends are more than any has.
const LARGEST_SHALLOW: u64 = 41 << 20;

impl Objects {
    /// Opens the object database to read a few objects.
    pub(super) fn open(repo: &Repo) -> Result<Self, Failure> {
        Self::with_store(repo, &Store::open(repo.common_dir(), Hold::None))
    }

    /// Opens it to read a great many: takes longer, for the packs' indexes are read first.
    pub(super) fn for_walks(repo: &Repo) -> Result<Self, Failure> {
        // What was mapped before takes memory, and is not what the packs are read through.
        repo.close_idle();
        Self::with_store(repo, &Store::open(repo.common_dir(), Hold::Many))
    }

    /// Opens it to read the files of one commit.
    pub(super) fn for_commit(repo: &Repo) -> Result<Self, Failure> {
        Self::with_store(repo, &Store::open(repo.common_dir(), Hold::Small))
    }

    /// Holds the content of every object against its name: for what a change is built on.
    #[must_use]
    pub(super) fn verified(mut self) -> Self {
        self.verified = true;
        self
    }

    /// What another thread needs to open the same, sharing what both read.
    pub(super) fn seed(&self) -> Seed {
        Seed {
            repo: self.repo.clone(),
            store: Arc::clone(&self.store),
            verified: self.verified,
            refused: self.refused.borrow().clone(),
        }
    }

    fn with_store(repo: &Repo, store: &Arc<Store>) -> Result<Self, Failure> {
        let promisor = promisor_of(&lock(&repo.lend()?));
        Ok(Self {
            repo: repo.clone(),
            shallow: shallow(repo),
            promisor,
            refused: RefCell::default(),
            store: Arc::clone(store),
            reader: RefCell::new(Reader::new(store)),
            verified: false,
        })
    }

    /// The remote is not asked for what is missing, where it refused that a moment ago.
    pub(super) fn refused(self, error: Option<Failure>) -> Self {
        self.refused.replace(error);
        self
    }

    /// The repository that they are of.
    pub(super) fn repo(&self) -> &Repo {
        &self.repo
    }

    /// Tree and parents of a commit.
    pub(super) fn header(&self, commit: ObjectId) -> Result<Header, Failure> {
        let data = self.read(commit, Type::Commit, "cannot read commit")?;
        self.parse(commit, &data)
    }

    fn parse(&self, commit: ObjectId, data: &[u8]) -> Result<Header, Failure> {
        let mut header =
            parse_header(data).ok_or_else(|| damaged(commit, "is no readable commit"))?;
        if header.parents.len() > MOST_PARENTS {
            let why = format!("is a commit with more than {MOST_PARENTS} parents, and is not read");
            return Err(damaged(commit, &why));
        }
        if self.shallow.contains(&commit) {
            header.parents.clear();
        }
        Ok(header)
    }

    /// Whether history was cut off at this commit by a shallow clone.
    pub(super) fn is_cut(&self, commit: ObjectId) -> bool {
        self.shallow.contains(&commit)
    }

    /// Header and text of a commit, read once; the text is for [`read_info`].
    pub(super) fn commit(&self, commit: ObjectId) -> Result<(Header, Arc<Vec<u8>>), Failure> {
        let data = self.read(commit, Type::Commit, "cannot read commit")?;
        Ok((self.parse(commit, &data)?, data))
    }

    /// What people see of a commit: (as authored, as landed); they differ in the time.
    pub(super) fn info(&self, commit: ObjectId) -> Result<(CommitInfo, CommitInfo), Failure> {
        let data = self.read(commit, Type::Commit, "cannot read commit")?;
        read_info(commit, &data)
    }

    /// When a commit was made, in seconds since 1970.
    pub(super) fn committed(&self, commit: ObjectId) -> Result<i64, Failure> {
        let data = self.read(commit, Type::Commit, "cannot read commit")?;
        committed(&data).ok_or_else(|| damaged(commit, "is no readable commit"))
    }

    /// A tree's bytes, for [`entries`].
    pub(super) fn tree(&self, id: ObjectId) -> Result<Arc<Vec<u8>>, Failure> {
        self.read(id, Type::Tree, "cannot read folder")
    }

    /// A blob's bytes.
    pub(super) fn blob(&self, id: ObjectId) -> Result<Arc<Vec<u8>>, Failure> {
        self.read(id, Type::Blob, "cannot read file")
    }

    /// A blob's bytes, or only their number where it is larger than `limit`.
    pub(super) fn blob_within(
        &self,
        id: ObjectId,
        limit: usize,
    ) -> Result<Result<Arc<Vec<u8>>, usize>, Failure> {
        let read = self.read_within(id, Type::Blob, limit, "cannot read file");
        match read {
            Err(error) if error.kind == FailureKind::MissingObject && self.is_partial() => {
                self.prefetch(&[id])?;
                self.read_within(id, Type::Blob, limit, "cannot read file")
            }
            other => other,
        }
    }

    /// Whether objects may be missing that the remote has.
    pub(super) fn is_partial(&self) -> bool {
        self.promisor.is_some()
    }

    /// Why something that a partial clone lacks was not fetched; `None` where nothing was lacking.
    pub(super) fn lacking(&self) -> Option<Failure> {
        self.refused.borrow().clone()
    }

    /// Fetches those of `ids` that a partial clone left out, in one go; a no-op elsewhere. Where the user did not ask for it,
    /// nothing is fetched, and the error says what is missing.
    pub(super) fn prefetch(&self, ids: &[ObjectId]) -> Result<(), Failure> {
        let Some(remote) = &self.promisor else {
            return Ok(());
        };
        let missing: Vec<String> = {
            let reader = self.reader.borrow();
            // Environments share what is the same in them.
            let ids: BTreeSet<&ObjectId> = ids.iter().collect();
            let missing = ids.into_iter().filter(|id| !reader.store().has(id));
            missing.map(ObjectId::to_string).collect()
        };
        if missing.is_empty() {
            return Ok(());
        }
        if let Some(error) = &*self.refused.borrow() {
            return Err(error.clone());
        }
        if !self.repo.fetches_missing() {
            let error = Failure::new(
                FailureKind::MissingObject,
                format!(
                    "this partial clone lacks {} object{} that {remote} has, and reading fetches nothing unasked",
                    missing.len(),
                    if missing.len() == 1 { "" } else { "s" },
                ),
            )
            .hint(format!(
                "Add --fetch-missing to fetch what is needed, or fetch everything once: git fetch --refetch --no-filter {remote}"
            ));
            *self.refused.borrow_mut() = Some(error.clone());
            return Err(error);
        }
        for batch in missing.chunks(1000) {
            let mut arguments: Vec<String> = [
                "-c",
                "fetch.negotiationAlgorithm=noop",
                "fetch",
                "--quiet",
                "--no-tags",
                "--no-write-fetch-head",
                "--recurse-submodules=no",
                "--filter=blob:none",
                "--",
                remote,
            ]
            .map(str::to_owned)
            .to_vec();
            arguments.extend_from_slice(batch);
            let output = Child::new(&self.repo, arguments).run_blocking()?;
            if !output.status.success() {
                let error = Failure::new(
                    FailureKind::MissingObject,
                    format!(
                        "this partial clone lacks {} object{}, and {remote} did not give them: {}",
                        missing.len(),
                        if missing.len() == 1 { "" } else { "s" },
                        reported(&output.stderr).replace('\n', "; ")
                    ),
                )
                .hint("Check the connection to the remote and try again");
                *self.refused.borrow_mut() = Some(error.clone());
                return Err(error);
            }
        }
        self.reader.borrow_mut().renew();
        Ok(())
    }

    /// Any object, and what it is.
    pub(super) fn any(&self, id: ObjectId) -> Result<(Type, Arc<Vec<u8>>), Failure> {
        let what = "cannot read object";
        match self.found(id, LIMIT, what)? {
            Found::Object(kind, data) if data.len() > limit(kind) => {
                Err(too_large(id, data.len(), what))
            }
            Found::Object(kind, data) => Ok((kind, data)),
            Found::TooLarge(size) => Err(too_large(id, size, what)),
        }
    }

    /// The objects whose names begin with these hexadecimal digits, `most` of them.
    pub(super) fn beginning_with(&self, digits: &str, most: usize) -> Vec<ObjectId> {
        self.reader.borrow().store().beginning_with(digits, most)
    }

    /// Whether there is an object of this name, in whatever state.
    pub(super) fn has(&self, id: ObjectId) -> bool {
        self.reader.borrow().store().has(&id)
    }

    fn read(&self, id: ObjectId, kind: Type, what: &str) -> Result<Arc<Vec<u8>>, Failure> {
        match self.read_here(id, kind, what) {
            Err(error) if error.kind == FailureKind::MissingObject && self.promisor.is_some() => {
                self.prefetch(&[id])?;
                self.read_here(id, kind, what)
            }
            other => other,
        }
    }

    fn read_here(&self, id: ObjectId, kind: Type, what: &str) -> Result<Arc<Vec<u8>>, Failure> {
        let read = self.read_within(id, kind, limit(kind), what)?;
        read.map_err(|size| too_large(id, size, what))
    }

    fn read_within(
        &self,
        id: ObjectId,
        kind: Type,
        limit: usize,
        what: &str,
    ) -> Result<Result<Arc<Vec<u8>>, usize>, Failure> {
        match self.found(id, limit, what)? {
            Found::Object(found, data) if found == kind => Ok(Ok(data)),
            Found::Object(found, _) => Err(damaged(
                id,
                &format!("is a {}, where a {} should be", found.name(), kind.name()),
            )),
            Found::TooLarge(size) => Ok(Err(size)),
        }
    }

    fn found(&self, id: ObjectId, limit: usize, what: &str) -> Result<Found, Failure> {
        let read = self.reader.borrow_mut().read(&id, limit);
        let found = read.map_err(|broken| self.broken(id, &broken, what))?;
        let Some(found) = found else {
            return Err(self.missing(id, what));
        };
        if let (true, Found::Object(kind, data)) = (self.verified, &found) {
            let name = name_of(*kind, data);
            if name != Some(id) {
                return Err(damaged(id, "is stored with a content that is not its own"));
            }
        }
        Ok(found)
    }

    fn broken(&self, id: ObjectId, broken: &Broken, what: &str) -> Failure {
        let file = broken.file.strip_prefix(self.repo.common_dir());
        let file = file.unwrap_or(&broken.file).display();
        let is_loose = broken.file.extension().is_none();
        Failure::new(
            FailureKind::Damaged,
            format!("{what} {id}: {file} {}", broken.why),
        )
        .hint(if is_loose {
            format!(
                "Remove that file ({}), and bring back what the remote has: git fetch --refetch (Git 2.36). See what else is damaged: git fsck --full",
                broken.file.display()
            )
        } else {
            MEND.to_owned()
        })
    }

    fn missing(&self, id: ObjectId, what: &str) -> Failure {
        let place = self.repo.work_dir().unwrap_or(self.repo.git_dir());
        if let Some(broken) = self.reader.borrow().store().broken_index() {
            return Failure {
                why: format!(
                    "{what} {id}: it is not found in {}, whose {} {}",
                    place.display(),
                    broken.file.file_name().unwrap_or_default().display(),
                    broken.why
                ),
                ..self.broken(id, &broken, what)
            };
        }
        Failure::new(
            FailureKind::MissingObject,
            format!("{what} {id}: an object is missing in {}", place.display()),
        )
        .hint(
            "In a partial or shallow clone, fetch it (git fetch --unshallow, or \
             git fetch --refetch); otherwise check the clone with git fsck --full",
        )
    }
}

fn limit(kind: Type) -> usize {
    match kind {
        Type::Commit | Type::Tag => TEXT_LIMIT,
        Type::Tree | Type::Blob => LIMIT,
    }
}

fn too_large(id: ObjectId, size: usize, what: &str) -> Failure {
    Failure::new(
        FailureKind::Damaged,
        format!(
            "{what} {id}: it announces {} MB, more than Tidegate reads of one object",
            size >> 20
        ),
    )
    .hint(MEND)
}

/// The name of an object of these bytes.
pub(super) fn name_of(kind: Type, data: &[u8]) -> Option<ObjectId> {
    let name = git2::Oid::hash_object(libgit2_kind(kind), data);
    name.ok().map(super::ours)
}

/// libgit2's word for it.
pub(super) fn libgit2_kind(kind: Type) -> git2::ObjectType {
    match kind {
        Type::Commit => git2::ObjectType::Commit,
        Type::Tree => git2::ObjectType::Tree,
        Type::Blob => git2::ObjectType::Blob,
        Type::Tag => git2::ObjectType::Tag,
    }
}

impl Repo {
    /// The commits at which a shallow clone is cut off; none elsewhere. What is known of a history changes with them.
    pub fn cut_off_at(&self) -> BTreeSet<ObjectId> {
        shallow(self).into_iter().collect()
    }
}

/// The commits at which a shallow clone was cut off.
fn shallow(repo: &Repo) -> HashSet<ObjectId> {
    // A view has a link here.
    let place = repo.common_dir().join("shallow");
    let text = files::read(&place, Links::Followed, LARGEST_SHALLOW);
    let text = text.ok().flatten().unwrap_or_default();
    let lines = text.split(|byte| *byte == b'\n');
    let ids = lines.filter_map(|line| std::str::from_utf8(line).ok()?.trim().parse().ok());
    ids.collect()
}

/// A panic of whoever had it before left nothing half-done: reading changes nothing.
fn lock(opened: &Opened) -> MutexGuard<'_, git2::Repository> {
    opened.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens [`Objects`] on the thread that will use them.
pub(super) struct Seed {
    repo: Repo,
    store: Arc<Store>,
    refused: Option<Failure>,
    verified: bool,
}

impl Seed {
    pub(super) fn open(&self) -> Result<Objects, Failure> {
        let mut objects = Objects::with_store(&self.repo, &self.store)?;
        objects.verified = self.verified;
        Ok(objects.refused(self.refused.clone()))
    }
}

fn promisor_of(repository: &git2::Repository) -> Option<String> {
    let config = repository.config().ok()?;
    if let Ok(name) = config.get_string("extensions.partialclone") {
        return Some(name);
    }
    let mut found = None;
    let entries = config.entries(Some("remote\\..*\\.promisor")).ok()?;
    entries
        .for_each(|entry| {
            if let Ok(name) = entry.name()
                && entry.value().ok() == Some("true")
            {
                let name = name
                    .strip_prefix("remote.")
                    .and_then(|n| n.strip_suffix(".promisor"));
                found = found.take().or(name.map(str::to_owned));
            }
        })
        .ok()?;
    found
}

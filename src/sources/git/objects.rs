//! Raw objects: commits, trees and blobs as bytes.
//!
//! libgit2's object types allocate and cache more than a walk over a hundred thousand commits can
//! afford.

use std::{
    cell::RefCell,
    sync::{Arc, MutexGuard, Once, PoisonError},
};

use super::{
    Child, GitError, GitErrorKind, Repo,
    pack::{Found, Packs, Reader},
    parse::{damaged, field, parse_header, person},
    repo::Opened,
    theirs,
    transport::words,
};
use crate::{
    domain::{history::CommitInfo, ids::ObjectId},
    sources::files::{self, Links},
};

pub(super) use super::parse::{Entry, Header, Kind, entries, read_info};

/// Objects of one repository, for one thread.
pub(super) struct Objects {
    repo: Repo,
    opened: Opened,
    shallow: Vec<ObjectId>,
    promisor: Option<String>,
    /// Why the remote of a partial clone did not give what is missing: it is asked once, not once an object.
    refused: RefCell<Option<GitError>>,
    packs: Arc<Packs>,
    reader: RefCell<Reader>,
}

/// No object that is read whole is larger.
const LIMIT: usize = 64 << 20;

impl Objects {
    /// Opens the object database to read a few objects.
    pub(super) fn open(repo: &Repo) -> Result<Self, GitError> {
        Self::with_packs(repo, &Arc::default())
    }

    /// Opens it to read a great many: takes longer, for the packs' indexes are read first.
    pub(super) fn for_walks(repo: &Repo) -> Result<Self, GitError> {
        // What was mapped before takes memory, and is not what the packs are read through.
        repo.close_idle();
        Self::with_packs(repo, &Packs::open(repo.common_dir()))
    }

    /// Opens it to read the files of one commit.
    pub(super) fn for_commit(repo: &Repo) -> Result<Self, GitError> {
        Self::with_packs(repo, &Packs::open_small(repo.common_dir()))
    }

    /// What another thread needs to open the same, sharing what both read.
    pub(super) fn seed(&self) -> Seed {
        Seed {
            repo: self.repo.clone(),
            packs: Arc::clone(&self.packs),
            refused: self.refused.borrow().clone(),
        }
    }

    fn with_packs(repo: &Repo, packs: &Arc<Packs>) -> Result<Self, GitError> {
        static TUNED: Once = Once::new();
        TUNED.call_once(|| {
            // libgit2's parsed-object cache only grows in a walk that visits each object once, and
            // hashing every object again costs more than reading it; `git` does neither.
            git2::opts::enable_caching(false);
            git2::opts::strict_hash_verification(false);
        });
        let opened = repo.lend()?;
        let promisor = promisor_of(&lock(&opened));
        let place = repo.common_dir().join("shallow");
        // A view has a link here.
        let shallow = files::read(&place, Links::Followed, files::KEPT)
            .ok()
            .flatten();
        let shallow = String::from_utf8(shallow.unwrap_or_default())
            .unwrap_or_default()
            .lines()
            .filter_map(|line| line.trim().parse().ok())
            .collect();
        Ok(Self {
            repo: repo.clone(),
            opened,
            shallow,
            promisor,
            refused: RefCell::default(),
            packs: Arc::clone(packs),
            reader: RefCell::new(Reader::new(packs)),
        })
    }

    /// The remote is not asked for what is missing, where it refused that a moment ago.
    pub(super) fn refused(self, error: Option<GitError>) -> Self {
        self.refused.replace(error);
        self
    }

    /// libgit2's view of the same repository.
    pub(super) fn repository(&self) -> MutexGuard<'_, git2::Repository> {
        lock(&self.opened)
    }

    /// The repository that they are of.
    pub(super) fn repo(&self) -> &Repo {
        &self.repo
    }

    /// Tree and parents of a commit.
    pub(super) fn header(&self, commit: ObjectId) -> Result<Header, GitError> {
        let data = self.read(commit, git2::ObjectType::Commit, "cannot read commit")?;
        self.parse(commit, &data)
    }

    fn parse(&self, commit: ObjectId, data: &[u8]) -> Result<Header, GitError> {
        let mut header = parse_header(data).ok_or_else(|| damaged(commit, "commit"))?;
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
    pub(super) fn commit(&self, commit: ObjectId) -> Result<(Header, Arc<Vec<u8>>), GitError> {
        let data = self.read(commit, git2::ObjectType::Commit, "cannot read commit")?;
        Ok((self.parse(commit, &data)?, data))
    }

    /// What people see of a commit: (as authored, as landed); they differ in the time.
    pub(super) fn info(&self, commit: ObjectId) -> Result<(CommitInfo, CommitInfo), GitError> {
        let data = self.read(commit, git2::ObjectType::Commit, "cannot read commit")?;
        read_info(commit, &data)
    }

    /// When a commit was made, in seconds since 1970.
    pub(super) fn committed(&self, commit: ObjectId) -> Result<i64, GitError> {
        let data = self.read(commit, git2::ObjectType::Commit, "cannot read commit")?;
        field(&data, b"committer ")
            .and_then(|line| person(line).1)
            .ok_or_else(|| damaged(commit, "commit"))
    }

    /// A tree's bytes, for [`entries`].
    pub(super) fn tree(&self, id: ObjectId) -> Result<Arc<Vec<u8>>, GitError> {
        self.read(id, git2::ObjectType::Tree, "cannot read folder")
    }

    /// A blob's bytes.
    pub(super) fn blob(&self, id: ObjectId) -> Result<Arc<Vec<u8>>, GitError> {
        self.read(id, git2::ObjectType::Blob, "cannot read file")
    }

    /// A blob's bytes, or only their number where it is larger than `limit`.
    pub(super) fn blob_within(
        &self,
        id: ObjectId,
        limit: usize,
    ) -> Result<Result<Arc<Vec<u8>>, usize>, GitError> {
        match self.reader.borrow_mut().read(&id, limit) {
            Some(Found::Object(3, data)) => return Ok(Ok(data)),
            Some(Found::TooLarge(size)) => return Ok(Err(size)),
            _ => {}
        }
        let size = || {
            let repository = self.repository();
            let odb = repository.odb().ok()?;
            Some(odb.read_header(theirs(id)).ok()?.0)
        };
        match size() {
            Some(size) if size > limit => Ok(Err(size)),
            _ => self.blob(id).map(Ok),
        }
    }

    /// Whether objects may be missing that the remote has.
    pub(super) fn is_partial(&self) -> bool {
        self.promisor.is_some()
    }

    /// Why something that a partial clone lacks was not fetched; `None` where nothing was lacking.
    pub(super) fn lacking(&self) -> Option<GitError> {
        self.refused.borrow().clone()
    }

    /// Fetches those of `ids` that a partial clone left out, in one go; a no-op elsewhere. Where the user did not ask for it,
    /// nothing is fetched, and the error says what is missing.
    pub(super) fn prefetch(&self, ids: &[ObjectId]) -> Result<(), GitError> {
        let Some(remote) = &self.promisor else {
            return Ok(());
        };
        let repository = self.repository();
        let odb = repository
            .odb()
            .map_err(|error| self.repo.error(&error, "cannot open the objects"))?;
        let missing: Vec<String> = ids
            .iter()
            .filter(|id| !odb.exists_ext(theirs(**id), git2::OdbLookupFlags::NO_REFRESH))
            .map(ObjectId::to_string)
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        if let Some(error) = &*self.refused.borrow() {
            return Err(error.clone());
        }
        if !self.repo.fetches_missing() {
            let error = GitError::new(
                GitErrorKind::MissingObject,
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
                remote,
            ]
            .map(str::to_owned)
            .to_vec();
            arguments.extend_from_slice(batch);
            let output = Child::new(&self.repo, arguments).run_blocking()?;
            if !output.status.success() {
                let error = GitError::new(
                    GitErrorKind::MissingObject,
                    format!(
                        "this partial clone lacks {} object{}, and {remote} did not give them: {}",
                        missing.len(),
                        if missing.len() == 1 { "" } else { "s" },
                        words(&output.stderr).replace('\n', "; ")
                    ),
                )
                .hint("Check the connection to the remote and try again");
                *self.refused.borrow_mut() = Some(error.clone());
                return Err(error);
            }
        }
        let _ = odb.refresh();
        Ok(())
    }

    fn read(
        &self,
        id: ObjectId,
        kind: git2::ObjectType,
        what: &str,
    ) -> Result<Arc<Vec<u8>>, GitError> {
        match self.read_here(id, kind, what) {
            Err(error) if error.kind == GitErrorKind::MissingObject && self.promisor.is_some() => {
                self.prefetch(&[id])?;
                self.read_here(id, kind, what)
            }
            other => other,
        }
    }

    fn read_here(
        &self,
        id: ObjectId,
        kind: git2::ObjectType,
        what: &str,
    ) -> Result<Arc<Vec<u8>>, GitError> {
        let wanted = match kind {
            git2::ObjectType::Commit => 1,
            git2::ObjectType::Tree => 2,
            _ => 3,
        };
        if let Some(Found::Object(found, data)) = self.reader.borrow_mut().read(&id, LIMIT)
            && found == wanted
        {
            return Ok(data);
        }
        let failed = |error: &git2::Error| self.repo.error(error, &format!("{what} {id}"));
        let repository = self.repository();
        let odb = repository.odb().map_err(|e| failed(&e))?;
        let object = odb.read(theirs(id)).map_err(|e| failed(&e))?;
        if object.kind() != kind {
            return Err(damaged(id, kind.str()));
        }
        Ok(Arc::new(object.data().to_vec()))
    }
}

/// A panic of whoever had it before left nothing half-done: reading changes nothing.
fn lock(opened: &Opened) -> MutexGuard<'_, git2::Repository> {
    opened.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens [`Objects`] on the thread that will use them.
pub(super) struct Seed {
    repo: Repo,
    packs: Arc<Packs>,
    refused: Option<GitError>,
}

impl Seed {
    pub(super) fn open(&self) -> Result<Objects, GitError> {
        let objects = Objects::with_packs(&self.repo, &self.packs)?;
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

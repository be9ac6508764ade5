//! Raw objects: commits, trees and blobs as bytes, parsed here.
//!
//! libgit2's object types allocate and cache more than a walk over a hundred thousand commits can
//! afford; the formats are small and stable.

use std::{
    cell::RefCell,
    sync::{Arc, MutexGuard, Once, PoisonError},
};

use jiff::Timestamp;

use super::{
    Child, GitError, GitErrorKind, Repo,
    pack::{Found, Packs, Reader},
    repo::Opened,
    theirs,
    transport::words,
};
use crate::domain::{
    history::{CommitInfo, pull_request},
    ids::ObjectId,
};

/// What an entry of a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    Submodule,
}

/// One entry of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) kind: Kind,
    /// As stored: `100644`.
    pub(super) mode: &'a [u8],
    /// As stored; not always UTF-8.
    pub(super) name: &'a [u8],
    pub(super) id: ObjectId,
}

impl<'a> Entry<'a> {
    /// Git sorts a folder as if its name ended in `/`.
    pub(super) fn sort_key(&self) -> impl Iterator<Item = u8> + 'a {
        let slash = (self.kind == Kind::Folder).then_some(b'/');
        self.name.iter().copied().chain(slash)
    }
}

/// What walks need of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) tree: ObjectId,
    /// In a shallow clone, without those that were not fetched.
    pub(super) parents: Vec<ObjectId>,
}

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
        let shallow = std::fs::read_to_string(repo.common_dir().join("shallow"))
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

    /// Fetches those of `ids` that a partial clone left out, in one go; a no-op elsewhere.
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

/// What people see of a commit, from its text: (as authored, as landed); they differ in the time.
pub(super) fn read_info(
    commit: ObjectId,
    data: &[u8],
) -> Result<(CommitInfo, CommitInfo), GitError> {
    parse_info(commit, data).ok_or_else(|| damaged(commit, "commit"))
}

/// The entries of a tree's bytes; ends early where they are damaged.
pub(super) fn entries(data: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let space = rest.iter().position(|b| *b == b' ')?;
        let nul = space + rest[space..].iter().position(|b| *b == 0)?;
        let id: [u8; 20] = rest.get(nul + 1..nul + 21)?.try_into().ok()?;
        let mode = &rest[..space];
        let kind = match mode {
            b"40000" | b"040000" => Kind::Folder,
            b"120000" => Kind::Link,
            b"160000" => Kind::Submodule,
            _ => Kind::File,
        };
        let name = &rest[space + 1..nul];
        rest = &rest[nul + 21..];
        Some(Entry {
            kind,
            mode,
            name,
            id: ObjectId::new(id),
        })
    })
}

fn parse_header(data: &[u8]) -> Option<Header> {
    let mut lines = data.split(|b| *b == b'\n');
    let tree = hex(lines.next()?.strip_prefix(b"tree ")?)?;
    let mut parents = Vec::with_capacity(2);
    for line in lines {
        match line.strip_prefix(b"parent ") {
            Some(id) => parents.push(hex(id)?),
            None => break,
        }
    }
    Some(Header { tree, parents })
}

fn parse_info(commit: ObjectId, data: &[u8]) -> Option<(CommitInfo, CommitInfo)> {
    let (author, authored) = person(field(data, b"author ")?);
    let (_, committed) = person(field(data, b"committer ")?);
    let body = data
        .windows(2)
        .position(|pair| pair == b"\n\n")
        .map_or(&[][..], |at| &data[at + 2..]);
    let message = String::from_utf8_lossy(body);
    // As Git has it, the first paragraph is the subject, on however many lines.
    let subject = message.trim_start().lines().map(str::trim);
    let subject: Vec<&str> = subject.take_while(|line| !line.is_empty()).collect();
    let subject = subject.join(" ");
    let info = |seconds: Option<i64>| CommitInfo {
        commit,
        time: seconds
            .and_then(|s| Timestamp::from_second(s).ok())
            .unwrap_or(Timestamp::UNIX_EPOCH),
        author: String::from_utf8_lossy(author).into_owned(),
        subject: subject.clone(),
        pull_request: pull_request(message.trim_start()),
    };
    Some((info(authored), info(committed)))
}

/// The value of a header line of a commit.
fn field<'a>(data: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    data.split(|b| *b == b'\n')
        .take_while(|line| !line.is_empty())
        .find_map(|line| line.strip_prefix(key))
}

/// `Name <address> seconds zone` → name and seconds.
fn person(line: &[u8]) -> (&[u8], Option<i64>) {
    let close = line.iter().rposition(|b| *b == b'>');
    let open = line.iter().position(|b| *b == b'<').unwrap_or(line.len());
    let seconds = close.and_then(|at| {
        std::str::from_utf8(&line[at + 1..])
            .ok()?
            .split_ascii_whitespace()
            .next()?
            .parse()
            .ok()
    });
    (line[..open].trim_ascii(), seconds)
}

fn hex(text: &[u8]) -> Option<ObjectId> {
    std::str::from_utf8(text).ok()?.parse().ok()
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

fn damaged(id: ObjectId, kind: &str) -> GitError {
    GitError::new(
        GitErrorKind::MissingObject,
        format!("object {id} is no readable {kind}"),
    )
    .hint("Check the clone: git fsck")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_commits_as_git_writes_them() {
        let id = ObjectId::new([7; 20]);
        let a = "a".repeat(40);
        let b = "b".repeat(40);
        let data = format!(
            "tree {a}\nparent {b}\nparent {a}\nauthor Jane <j@x> 1700000000 +0100\ncommitter Bot <b@x> 1700000060 +0000\n\
             gpgsig -----BEGIN\n \n author Eve <e@x> 1 +0000\n\nMerge pull request #12 from x/y\n\nUpdate tag\n"
        );
        let header = parse_header(data.as_bytes()).unwrap();
        assert_eq!(header.tree.to_string(), a);
        assert_eq!(header.parents.len(), 2);
        let (authored, landed) = parse_info(id, data.as_bytes()).unwrap();
        assert_eq!(authored.author, "Jane");
        assert_eq!(authored.subject, "Merge pull request #12 from x/y");
        assert_eq!(authored.pull_request, Some(12));
        assert_eq!(authored.time.as_second(), 1_700_000_000);
        assert_eq!(landed.time.as_second(), 1_700_000_060);
        assert!(parse_header(b"nonsense").is_none());
    }

    #[test]
    fn reads_trees_and_stops_at_damage() {
        let mut data = Vec::new();
        for (mode, name) in [
            ("40000", "dir"),
            ("100644", "file"),
            ("120000", "link"),
            ("160000", "sub"),
        ] {
            data.extend_from_slice(format!("{mode} {name}\0").as_bytes());
            data.extend_from_slice(&[1; 20]);
        }
        let kinds: Vec<_> = entries(&data).map(|e| e.kind).collect();
        assert_eq!(
            kinds,
            [Kind::Folder, Kind::File, Kind::Link, Kind::Submodule]
        );
        assert_eq!(entries(&data[..data.len() - 1]).count(), 3);
    }
}

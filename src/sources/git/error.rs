//! What can go wrong with a repository, said so that the reader knows the next step.

use std::path::Path;

/// Which kind of failure it was; callers choose exit codes and offers by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GitErrorKind {
    /// No repository there.
    NotFound,
    /// Git refuses a repository that belongs to someone else.
    Owner,
    /// A bare repository that lies in the work tree of another one, as a stranger's files may.
    Embedded,
    /// A repository format that cannot be read (SHA-256 objects, reftable).
    Unsupported,
    /// A revision, branch, remote or time that names nothing.
    Unknown,
    /// An object that should be there is not: a partial clone, or damage.
    MissingObject,
    /// An object or a ref that is there cannot be read: a power loss, a full disk, or a stranger's doing.
    Damaged,
    /// The history ends early: a shallow clone.
    Shallow,
    /// The remote did not answer, or refused this identity.
    Network,
    /// Something changed between looking and writing.
    Moved,
    /// Another Tidegate publishes from this clone.
    Busy,
    /// Writing was refused by a rule of ours or by Git's configuration.
    Refused,
    /// Tidegate was asked to end, and stopped what it was doing.
    Interrupted,
    /// The `git` program is missing or failed.
    Program,
    /// Everything else that libgit2 or the operating system says.
    Other,
}

/// A failure: what, why, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}{hint}", if .hint.is_empty() { "" } else { ". " })]
pub struct GitError {
    /// Which kind.
    pub kind: GitErrorKind,
    /// What failed and why, one sentence without a full stop. Never contains a token.
    pub message: String,
    /// What to do next; may be empty.
    pub hint: String,
}

impl GitError {
    /// An error without a hint.
    pub fn new(kind: GitErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: String::new(),
        }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Translates libgit2's error met while doing `what` in the repository at `place`.
    pub(super) fn from_git2(error: &git2::Error, what: &str, path: &Path) -> Self {
        let place = path.display();
        let words = crate::domain::address::redact(error.message());
        match (error.class(), error.code()) {
            (_, git2::ErrorCode::Owner) => Self::owner(path),
            _ if words.contains("repositoryformatversion")
                || words.contains("extension")
                || words.contains("object format") =>
            {
                Self::unsupported(&place.to_string(), &words)
            }
            (git2::ErrorClass::Odb, git2::ErrorCode::NotFound) => Self::new(
                GitErrorKind::MissingObject,
                format!("{what}: an object is missing in {place}: {words}"),
            )
            .hint(
                "In a partial or shallow clone, fetch it (git fetch --unshallow, or \
                 git fetch --refetch); otherwise check the clone with git fsck",
            ),
            _ => Self::new(GitErrorKind::Other, format!("{what} in {place}: {words}")),
        }
    }

    /// The repository at `place` belongs to another user. The advice names it as Git compares it: absolute, without links.
    pub(super) fn owner(place: &Path) -> Self {
        let place = place.canonicalize().unwrap_or_else(|_| place.to_owned());
        let place = place.display();
        Self::new(
            GitErrorKind::Owner,
            format!("{place} belongs to another user, and Git refuses such repositories"),
        )
        .hint(format!(
            "If you trust it: git config --global --add safe.directory '{}'",
            place.to_string().replace('\'', r"'\''")
        ))
    }

    fn unsupported(place: &str, words: &str) -> Self {
        let what = if words.contains("reftable") || words.contains("refstorage") {
            "keeps its refs in a reftable"
        } else if words.contains("objectformat") || words.contains("sha256") {
            "uses SHA-256 objects"
        } else {
            "uses a repository extension"
        };
        Self::new(
            GitErrorKind::Unsupported,
            format!("{place} {what}, which Tidegate cannot read ({words})"),
        )
        .hint(
            "Point --repo at a clone in the default format: \
             git clone --ref-format=files URL, from a remote with SHA-1 objects",
        )
    }
}

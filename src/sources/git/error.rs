//! What can go wrong with a repository, said so that the reader knows the next step.

use std::path::Path;

pub use crate::domain::failure::{Failure, FailureKind};

impl Failure {
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
                FailureKind::MissingObject,
                format!("{what}: an object is missing in {place}: {words}"),
            )
            .hint(
                "In a partial or shallow clone, fetch it (git fetch --unshallow, or \
                 git fetch --refetch); otherwise check the clone with git fsck",
            ),
            _ => Self::new(FailureKind::Other, format!("{what} in {place}: {words}")),
        }
    }

    /// The repository at `place` belongs to another user. The advice names it as Git compares it: absolute, without links.
    pub(super) fn owner(place: &Path) -> Self {
        let place = place.canonicalize().unwrap_or_else(|_| place.to_owned());
        let place = place.display();
        Self::new(
            FailureKind::Owner,
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
            FailureKind::Unsupported,
            format!("{place} {what}, which Tidegate cannot read ({words})"),
        )
        .hint(
            "Point --repo at a clone in the default format: \
             git clone --ref-format=files URL, from a remote with SHA-1 objects",
        )
    }
}

//! What can go wrong with a repository, said so that the reader knows the next step.

use std::path::Path;

use crate::domain::failure::{Failure, FailureKind};

impl Failure {
    /// Translates libgit2's error met while doing `what` in the repository at `place`.
    pub(super) fn from_git2(error: &git2::Error, what: &str, path: &Path) -> Self {
        let place = path.display();
        let message = crate::domain::address::redact(error.message());
        match (error.class(), error.code()) {
            (_, git2::ErrorCode::Owner) => Self::owner(path),
            _ if message.contains("repositoryformatversion")
                || message.contains("extension")
                || message.contains("object format") =>
            {
                Self::unsupported(&place.to_string(), &message)
            }
            (git2::ErrorClass::Odb, git2::ErrorCode::NotFound) => Self::new(
                FailureKind::MissingObject,
                format!("{what}: an object is missing in {place}: {message}"),
            )
            .hint(
                "In a partial or shallow clone, fetch it (git fetch --unshallow, or \
                 git fetch --refetch); otherwise check the clone with git fsck",
            ),
            _ => Self::new(FailureKind::Other, format!("{what} in {place}: {message}")),
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

    fn unsupported(place: &str, message: &str) -> Self {
        let what = if message.contains("reftable") || message.contains("refstorage") {
            "keeps its refs in a reftable"
        } else if message.contains("objectformat") || message.contains("sha256") {
            "uses SHA-256 objects"
        } else {
            "uses a repository extension"
        };
        Self::new(
            FailureKind::Unsupported,
            format!("{place} {what}, which Tidegate cannot read ({message})"),
        )
        .hint(
            "Point --repo at a clone in the default format: \
             git clone --ref-format=files URL, from a remote with SHA-1 objects",
        )
    }
}

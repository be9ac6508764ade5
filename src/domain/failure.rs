//! A failure as it is told: what failed, why, and what to do next.

use serde::{Deserialize, Serialize};

/// Which kind of failure it was; exit codes and offers are chosen by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
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
    /// What signs was there and did not, and nobody cancelled it: it may where it can ask somebody.
    NotSigned,
    /// What was typed or configured cannot be used.
    Usage,
    /// What was delivered does not become healthy.
    Rollout,
    /// A panic: a mistake of Tidegate's own.
    Mistake,
    /// Everything else, such as what Git's library or the operating system says.
    Other,
}

/// What, why, and what to do next, each one line without a full stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{why}{}{next}", if .next.is_empty() { "" } else { ". " })]
pub struct Failure {
    /// Which kind.
    pub kind: FailureKind,
    /// What was tried: `fetch of origin/main`; empty where whoever tells it knows.
    pub what: String,
    /// What failed and why, in the words of whoever refused. Never contains a token.
    pub why: String,
    /// What to do next; empty where there is nothing.
    pub next: String,
}

impl Failure {
    /// A failure of this kind, without a hint.
    pub fn new(kind: FailureKind, why: impl Into<String>) -> Self {
        Self {
            kind,
            what: String::new(),
            why: why.into(),
            next: String::new(),
        }
    }

    /// A failure of no special kind, as the screen tells it.
    pub fn told(what: impl Into<String>, why: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Other,
            what: what.into(),
            why: why.into(),
            next: next.into(),
        }
    }

    /// Wrong usage or configuration.
    pub fn usage(why: impl Into<String>) -> Self {
        Self::new(FailureKind::Usage, why)
    }

    /// Something failed.
    pub fn failed(why: impl Into<String>) -> Self {
        Self::new(FailureKind::Other, why)
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(self, next: impl Into<String>) -> Self {
        Self {
            next: next.into(),
            ..self
        }
    }

    /// Why, and what to do next, for the lines below what failed.
    pub fn detail(&self) -> Vec<String> {
        let lines = [&self.why, &self.next].into_iter();
        lines.filter(|line| !line.is_empty()).cloned().collect()
    }

    /// The same as one of this kind.
    #[must_use]
    pub fn of(self, kind: FailureKind) -> Self {
        Self { kind, ..self }
    }

    /// The same, met while `what` was tried.
    #[must_use]
    pub fn during(&self, what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            ..self.clone()
        }
    }
}

//! How a command ends: exit codes, and a failure said with what to do next.

use crate::domain::failure::FailureKind;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Wrong usage or configuration, or no consent.
    Usage = 2,
    /// Refused by a gate.
    Held = 3,
    /// Something was found.
    Findings = 4,
    /// The base moved and the plan no longer holds.
    Moved = 5,
    /// Interrupted.
    Interrupted = 130,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl Exit {
    /// The one place where a kind of failure becomes an exit code.
    pub fn of(kind: FailureKind) -> Self {
        match kind {
            FailureKind::NotFound
            | FailureKind::Unknown
            | FailureKind::Owner
            | FailureKind::Embedded
            | FailureKind::Unsupported
            | FailureKind::Usage => Self::Usage,
            FailureKind::Moved => Self::Moved,
            FailureKind::Interrupted => Self::Interrupted,
            _ => Self::Failed,
        }
    }
}

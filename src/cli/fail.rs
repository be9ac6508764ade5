//! How a command ends: exit codes, and a failure said with what to do next.

use crate::{
    domain::failure::{self, FailureKind},
    sources::git::GitError,
    workflow::OpenError,
};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// Refused by a gate.
    Held = 3,
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

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What failed, why, and what to do next.
    pub message: String,
}

impl Failure {
    /// Wrong usage or configuration.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            message: message.into(),
        }
    }

    /// Something failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Failed,
            message: message.into(),
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let exit = if error.is_usage() {
            Exit::Usage
        } else {
            Exit::Failed
        };
        Self {
            exit,
            message: error.to_string(),
        }
    }
}

impl From<GitError> for Failure {
    fn from(error: GitError) -> Self {
        Self {
            exit: exit(error.kind),
            message: error.to_string(),
        }
    }
}

impl From<failure::Failure> for Failure {
    fn from(failure: failure::Failure) -> Self {
        let next = match failure.next.as_str() {
            "" => String::new(),
            next => format!(". {next}"),
        };
        Self {
            exit: exit(failure.kind),
            message: format!("{}{next}", failure.why),
        }
    }
}

/// The one place where a kind of failure becomes an exit code.
fn exit(kind: FailureKind) -> Exit {
    match kind {
        FailureKind::NotFound
        | FailureKind::Unknown
        | FailureKind::Owner
        | FailureKind::Embedded => Exit::Usage,
        FailureKind::Moved => Exit::Moved,
        FailureKind::Interrupted => Exit::Interrupted,
        _ => Exit::Failed,
    }
}

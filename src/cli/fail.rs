//! How a command ends: exit codes, and a failure said with what to do next.

use crate::{
    sources::git::{GitError, GitErrorKind},
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
        let exit = match error.kind {
            GitErrorKind::NotFound
            | GitErrorKind::Unknown
            | GitErrorKind::Owner
            | GitErrorKind::Embedded => Exit::Usage,
            GitErrorKind::Moved => Exit::Moved,
            GitErrorKind::Interrupted => Exit::Interrupted,
            _ => Exit::Failed,
        };
        Self {
            exit,
            message: error.to_string(),
        }
    }
}

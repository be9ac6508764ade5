//! Something that could not be read, said in a sentence; it never costs the rest of the matrix.

use serde::{Deserialize, Serialize};

use super::ids::RepoPath;

/// One row of `problems`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Problem {
    /// The file, where a file is the cause.
    pub path: Option<RepoPath>,
    /// The line in it, from 1.
    pub line: Option<u32>,
    /// What, why, and what to do next.
    pub message: String,
    /// The kubeconfig context, where a cluster is the cause.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub context: Option<String>,
}

impl Problem {
    /// A problem of a file.
    pub fn file(path: impl Into<RepoPath>, line: Option<u32>, message: impl Into<String>) -> Self {
        Self {
            path: Some(path.into()),
            line,
            message: message.into(),
            context: None,
        }
    }

    /// A problem of no file and no cluster.
    pub fn general(message: impl Into<String>) -> Self {
        Self {
            path: None,
            line: None,
            message: message.into(),
            context: None,
        }
    }

    /// A problem of a cluster, named by its kubeconfig context.
    pub fn cluster(context: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: None,
            line: None,
            message: message.into(),
            context: Some(context.into()),
        }
    }
}

//! A cell's sequence of values, and what each change was.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    ids::{EnvironmentName, ObjectId},
    version::Version,
};

/// What is shown of a commit. Text is as stored; screens sanitise it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitInfo {
    /// The commit.
    pub commit: ObjectId,
    /// The author's time for the authored commit's entry, the committer's order decides nothing.
    pub time: Timestamp,
    /// The author's name.
    pub author: String,
    /// The first line of the message.
    pub subject: String,
    /// From trailers, merge subjects or squash subjects.
    pub pull_request: Option<u32>,
}

/// A change of a cell's value before it is classified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueChange {
    /// The value from here on; `None`: not declared any more.
    pub version: Option<Version>,
    /// The commit on the landed line that brought it.
    pub landed: Arc<CommitInfo>,
    /// Who wrote it; the landed commit where it was no merge.
    pub authored: Arc<CommitInfo>,
}

/// What kind of change it was. A revert beats a promotion beats a bump.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ChangeKind {
    /// A configured upstream had it at that time.
    Promotion {
        /// That upstream.
        from: EnvironmentName,
    },
    /// It was there before.
    Revert,
    /// Neither.
    Bump,
    /// The first value known.
    Initial,
    /// Not declared any more.
    Removed,
}

/// One value of a cell's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The change.
    #[serde(flatten)]
    pub change: ValueChange,
    /// What kind of change it was.
    pub kind: ChangeKind,
    /// How long it stayed, landed to landed, in seconds; `None` for the current value.
    pub stayed_seconds: Option<i64>,
}

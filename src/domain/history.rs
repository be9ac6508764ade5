//! A cell's sequence of values, and what each change was.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    ids::{CellKey, EnvironmentName, ObjectId, RepoPath},
    image,
    said::Said,
    version::Version,
};

mod classify;
mod pull_request;

pub use classify::classify;
pub use pull_request::pull_request;

/// No subject is longer, in characters.
const LONGEST_SUBJECT: usize = 1_000;

/// What is shown of a commit. Text is as stored; screens sanitise it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitInfo {
    /// The commit.
    pub commit: ObjectId,
    /// The author's time of an authored commit, the committer's of a landed one (when it landed).
    pub time: Timestamp,
    /// The author's name.
    pub author: String,
    /// The first line of the message.
    pub subject: String,
    /// From trailers, merge subjects or squash subjects.
    pub pull_request: Option<u32>,
    /// What the message says that the commit does.
    #[serde(default, skip_serializing_if = "Said::is_nothing")]
    pub said: Said,
}

impl CommitInfo {
    /// A commit by its message: as Git has it, the first paragraph is the subject, on however many lines.
    pub fn new(commit: ObjectId, time: Timestamp, author: String, message: &str) -> Self {
        let message = message.trim_start();
        let subject = message.lines().map(str::trim);
        let subject: Vec<&str> = subject.take_while(|line| !line.is_empty()).collect();
        let mut subject = subject.join(" ");
        if let Some((end, _)) = subject.char_indices().nth(LONGEST_SUBJECT) {
            subject.truncate(end);
            subject.push('…');
        }
        Self {
            commit,
            time,
            author,
            subject,
            pull_request: pull_request(message),
            said: Said::of(message),
        }
    }
}

/// A change of a cell's value before it is classified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueChange {
    /// The value from here on; `None`: not declared any more.
    pub version: Option<Version>,
    /// The value it replaced; `None`: none was declared, or history begins here.
    pub previous: Option<Version>,
    /// The commit on the landed line that brought it.
    pub landed: Arc<CommitInfo>,
    /// Who wrote it; the landed commit where it was no merge.
    pub authored: Arc<CommitInfo>,
    /// Commits of the landed line between the tip it was read from and the landed one: larger is older.
    pub depth: u32,
    /// Which landed line: 0, but for environments that are refs of their own. Depths compare within a line only.
    pub line: u32,
    /// The file came to its place of today, or nearer to it, while the value stood in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<Arc<Moved>>,
}

/// A value that came to another place unchanged, or together with the file that moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The file that it stood in before.
    pub from: RepoPath,
    /// The commit on the landed line that brought the move: at today's places, the value landed there.
    pub landed: Arc<CommitInfo>,
    /// Who moved it; the landed commit where it was no merge.
    pub authored: Arc<CommitInfo>,
    /// As [`ValueChange::depth`], of the move.
    pub depth: u32,
}

impl ValueChange {
    /// The pull request that brought it, from the landed commit or else the authored one.
    pub fn pull_request(&self) -> Option<u32> {
        self.landed.pull_request.or(self.authored.pull_request)
    }

    /// Who approved it, as its commits say.
    pub fn approved_by(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for commit in [&self.landed, &self.authored] {
            for who in &commit.said.approved_by {
                if !names.contains(&who.as_str()) {
                    names.push(who);
                }
            }
        }
        names
    }

    /// The same judged at today's places alone: a value that was moved there landed with the move.
    #[must_use]
    pub fn at_todays_place(mut self) -> Self {
        if let Some(moved) = self.moved.take().filter(|moved| moved.depth < self.depth) {
            self.landed = Arc::clone(&moved.landed);
            self.authored = Arc::clone(&moved.authored);
            self.depth = moved.depth;
            self.previous = None;
        }
        self
    }

    /// Whether it brought this version, with or without the digest that it has.
    pub fn brought(&self, version: &Version) -> bool {
        let own = self.version.as_ref();
        own.is_some_and(|own| image::is_same(own, version))
    }

    /// Whether it landed after `other`; of two landed lines, by the clock.
    pub fn landed_after(&self, other: &Self) -> bool {
        if self.line == other.line {
            self.depth < other.depth
        } else {
            self.landed.time > other.landed.time
        }
    }

    /// Whether this change was in effect when `later` landed, itself included.
    fn in_effect_at(&self, later: &Self) -> bool {
        if self.line == later.line {
            self.depth >= later.depth
        } else {
            self.landed.time <= later.landed.time
        }
    }
}

/// What kind of change it was. A promotion beats a revert beats a bump; see [`classify`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ChangeKind {
    /// A configured upstream had it at that time, or the commit says so.
    Promotion {
        /// That upstream.
        from: EnvironmentName,
    },
    /// It was there before, and did not come from upstream again.
    Revert,
    /// A value that was not there before and came from no upstream.
    Bump,
    /// The first value known.
    Initial,
    /// Not declared any more.
    Removed,
    /// Since then something stands in its place that cannot be read: nobody knows whether the value is another.
    Unread,
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

/// A cell's values, newest first, and how far back they go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The values.
    pub entries: Vec<HistoryEntry>,
    /// History ends early: a shallow clone.
    pub shallow: bool,
    /// Why nothing is known of what was before the oldest value, where that is neither the beginning nor a shallow clone.
    pub unknown_before: Option<String>,
}

impl History {
    /// Why what was before the oldest value is not known, and what to do about it; `None` where history goes back to the
    /// cell's beginning.
    pub fn ends_early(&self) -> Option<&str> {
        ends_early(self.shallow, self.unknown_before.as_deref())
    }
}

/// Why what was before a cell's oldest value is not known, and what to do about it, for a clone that may be `shallow` and a
/// cell of which something may be `unknown`; `None` where history goes back to the cell's beginning.
pub fn ends_early(shallow: bool, unknown: Option<&str>) -> Option<&str> {
    if shallow {
        return Some(
            "this clone is shallow, its history ends early: fetch the rest (git fetch --unshallow)",
        );
    }
    unknown
}

/// What is said below a cell's oldest value where nothing is known of what was before, for this reason.
pub fn unknown_words(why: &str) -> String {
    format!("what was before is not known: {why}")
}

/// Changes of many cells, each newest first, as the walk streams them.
pub type Changes = BTreeMap<CellKey, Vec<ValueChange>>;

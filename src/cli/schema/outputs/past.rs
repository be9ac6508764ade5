//! Histories and traces.

use schemars::JsonSchema;

use super::{Commit, Time};

/// `tidegate history SERVICE [ENV] -o json`: the values of one cell, or of every cell of the row.
#[derive(JsonSchema)]
pub struct History {
    /// `tidegate.history/v1`.
    pub schema: String,
    /// Where the history begins.
    pub commit: Commit,
    /// The row.
    pub service: String,
    /// The column, where one was named.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Its values, newest first, where a column was named.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<Value>>,
    /// Why the history before the oldest value is not known; null where it is.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub unknown_before: Option<String>,
    /// Every column, where none was named.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub environments: Option<Vec<ColumnHistory>>,
}

/// The history of a cell.
#[derive(JsonSchema)]
pub struct ColumnHistory {
    /// The column.
    pub environment: String,
    /// Its values, newest first.
    pub values: Vec<Value>,
    /// Why the history before the oldest value is not known; null where it is.
    pub unknown_before: Option<String>,
}

/// A value that a cell had.
#[derive(JsonSchema)]
pub struct Value {
    /// The version; null where it was taken away or cannot be read.
    pub version: Option<String>,
    /// How it came there.
    pub kind: ChangeKind,
    /// The upstream that a promotion came from.
    pub from: Option<String>,
    /// The commit in which it was written.
    pub authored: CommitInfo,
    /// The commit with which it came to the branch.
    pub landed: CommitInfo,
    /// The pull request that the commit names.
    pub pull_request: Option<u64>,
    /// Who approved it, by the trailers `Approved-by` and `Reviewed-by` of its commits.
    pub approved_by: Vec<String>,
    /// How long it stayed; null where it is there still.
    pub stayed_seconds: Option<i64>,
    /// The file had another path before.
    pub moved: Option<Moved>,
}

/// How a value came to a cell.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// An upstream had it.
    Promotion,
    /// It had been there before.
    Revert,
    /// Written there directly.
    Bump,
    /// The first one.
    Initial,
    /// Taken away.
    Removed,
    /// What was written cannot be read.
    Unread,
}

/// A commit.
#[derive(JsonSchema)]
pub struct CommitInfo {
    /// Its name.
    pub commit: Commit,
    /// When it was made: by its author under `authored`, where it landed under `landed`.
    pub time: Time,
    /// By whom.
    pub author: String,
    /// Its first line.
    pub subject: String,
    /// Who signed it; null where that was not looked at.
    pub signature: Option<Signature>,
}

/// A commit's signature, as the user's own Git finds it.
#[derive(JsonSchema)]
pub struct Signature {
    /// Whether it counts.
    pub state: Signed,
    /// Who, as the key says.
    pub by: Option<String>,
    /// The key, as its program names it.
    pub key: Option<String>,
    /// What more is to be known.
    pub detail: Option<String>,
}

/// Whether a signature counts.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum Signed {
    /// Its key is known, and made it of exactly this commit.
    Good,
    /// The key is here and made it, and nobody whom the user trusts vouches for whose it is.
    Untrusted,
    /// It was good, and it or its key has expired since.
    Expired,
    /// The key was revoked.
    Revoked,
    /// Whose key it is, is not known here.
    UnknownKey,
    /// It is not of this commit.
    Bad,
    /// It could not be looked at.
    Unchecked,
    /// There is none.
    Unsigned,
}

/// A move of a file.
#[derive(JsonSchema)]
pub struct Moved {
    /// The path before.
    pub from: String,
    /// The commit that moved it.
    pub commit: Commit,
}

/// `tidegate trace SERVICE VERSION -o json`: where a version has been.
#[derive(JsonSchema)]
pub struct Trace {
    /// `tidegate.trace/v1`.
    pub schema: String,
    /// Where the history begins.
    pub commit: Commit,
    /// The row.
    pub service: String,
    /// The version.
    pub version: String,
    /// When it first came anywhere.
    pub first: Option<Time>,
    /// The clone's history is cut.
    pub shallow: bool,
    /// Every column.
    pub environments: Vec<TracePlace>,
    /// What it was built of; absent where nobody says where its source code is, and with `--offline`.
    pub built_of: Option<BuiltOf>,
}

/// The commit that a version was built of.
#[derive(JsonSchema)]
pub struct BuiltOf {
    /// The commit; absent where it is not known.
    pub commit: Option<Commit>,
    /// What says so: `label` (of its image), `tag`, `version`.
    pub by: Option<String>,
    /// Its page.
    pub url: Option<String>,
    /// What its checks say: `pass`, `pending` (also where not all can be seen), `fail`, `none`; absent where they are not known.
    pub checks: Option<String>,
    /// All of that in a sentence, or why it is not known.
    pub says: String,
}

/// `tidegate changelog SERVICE A..B -o json`: what lies between two versions of a service.
#[derive(JsonSchema)]
pub struct Changelog {
    /// `tidegate.changelog/v1`.
    pub schema: String,
    /// The row.
    pub service: String,
    /// The version before.
    pub from: String,
    /// The version behind it.
    pub to: String,
    /// What comes, newest first.
    pub comes: Vec<SourceCommit>,
    /// What is in the version before and not behind it, newest first.
    pub goes: Vec<SourceCommit>,
    /// Lines of the program that tells it instead.
    pub told: Vec<String>,
    /// There is more than was read.
    pub more: bool,
    /// Commits of other folders than `path` are among them: a forge does not tell them apart.
    pub whole: bool,
    /// Where a browser shows the same.
    pub url: Option<String>,
}

/// A commit of the source code.
#[derive(JsonSchema)]
pub struct SourceCommit {
    /// The commit.
    pub commit: Commit,
    /// The first paragraph of its message.
    pub subject: String,
    /// Who wrote it.
    pub author: String,
    /// When it was written.
    pub time: Time,
    /// The pull request that it came by.
    pub pull_request: Option<u32>,
}

/// An environment in a trace.
#[derive(JsonSchema)]
pub struct TracePlace {
    /// The column.
    pub environment: String,
    /// What it declares now.
    pub current: Option<String>,
    /// Since when.
    pub current_since: Option<Time>,
    /// Why what was before its oldest value is not known; null where it is.
    pub unknown_before: Option<String>,
    /// Each time that the version was there, newest first.
    pub stays: Vec<Stay>,
    /// What to go back to.
    pub go_back: Option<Value>,
}

/// A stay of a version in an environment.
#[derive(JsonSchema)]
pub struct Stay {
    /// What came.
    #[schemars(flatten)]
    pub value: Value,
    /// How it got there.
    pub arrival: Arrival,
    /// The upstreams that a fast track went past.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub past: Option<Vec<String>>,
    /// What was there before.
    pub replaced: Option<String>,
    /// When it was replaced.
    pub until: Option<Time>,
    /// By what.
    pub replaced_by: Option<String>,
    /// How long after it first came anywhere.
    pub lead_seconds: Option<i64>,
    /// How long after it came to the upstream.
    pub lead_from: Option<Lead>,
}

/// How a version got to an environment.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum Arrival {
    /// The first value known there.
    Initial,
    /// Written there directly.
    Bump,
    /// Copied from an upstream.
    Promotion,
    /// It had been there before.
    Revert,
    /// No upstream had ever declared it.
    FastTrack,
}

/// A lead time.
#[derive(JsonSchema)]
pub struct Lead {
    /// The upstream.
    pub environment: String,
    /// Since then.
    pub seconds: i64,
}

//! The shapes of what `-o json` prints. More fields may come to stand beside these; none is taken away or renamed. The tests of the
//! commands validate what these really print, and refuse fields that are not here.

use std::collections::BTreeMap;

use schemars::JsonSchema;

/// A time as RFC 3339 in UTC, to the second.
type Time = String;
/// A commit, as forty hexadecimal digits.
type Commit = String;

/// `tidegate status -o json`: the matrix.
#[derive(JsonSchema)]
pub struct Status {
    /// `tidegate.status/v1`.
    pub schema: String,
    /// What the matrix was read from; with several refs, the first.
    pub commit: Commit,
    /// Every ref that was read.
    pub refs: Vec<Ref>,
    /// The columns, in promotion order.
    pub environments: Vec<String>,
    /// The rows.
    pub services: Vec<Service>,
    /// What could not be read or asked.
    pub problems: Vec<Problem>,
    /// What was guessed, where there is no configuration that says it.
    pub guessed: Option<String>,
}

/// A ref that was read.
#[derive(JsonSchema)]
pub struct Ref {
    /// Its full name.
    pub reference: String,
    /// Where it is.
    pub commit: Commit,
    /// The `[[repositories]]` entry that it is in; left out in the main repository.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
}

/// A row.
#[derive(JsonSchema)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its cells, by environment; those that declare nothing are left out.
    pub cells: BTreeMap<String, Cell>,
}

/// A cell.
#[derive(JsonSchema)]
pub struct Cell {
    /// The declared version; null where it cannot be read.
    pub version: Option<String>,
    /// It is read from a place that other environments share.
    pub inherited: bool,
    /// The file that says it; null where a ref does.
    pub path: Option<String>,
    /// The line in it, from 1.
    pub line: Option<u32>,
    /// What the version is of, where that is no image.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The ref, where environments have refs of their own.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The repository, where it is not the main one.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Why its version cannot be read.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub unread: Option<Problem>,
    /// What its cluster says, null where it says nothing; left out where none was asked.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub live: Option<Live>,
    /// Its last change, null where that is not known; left out without `--changed`.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub changed: Option<Changed>,
    /// So many of the upstream's versions behind it; null where it is not, or the count is not known.
    pub behind: Option<usize>,
    /// How it stands to its upstream; null where it declares the same, or there is none.
    pub skew: Option<Skew>,
}

/// How a version stands to the upstream's.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum Skew {
    /// The upstream has a later one.
    Behind,
    /// It orders above the upstream's.
    Ahead,
    /// Another one, and nothing says which is the later.
    Differs,
}

/// `tidegate drift -o json`: what drifts.
#[derive(JsonSchema)]
pub struct Drift {
    /// `tidegate.drift/v1`.
    pub schema: String,
    /// What the matrix was read from; with several refs, the first.
    pub commit: Commit,
    /// What was found; none: exit code 0, else 4.
    pub findings: Vec<Finding>,
    /// What could not be read or asked, and so was not judged.
    pub problems: Vec<Problem>,
}

/// One thing that drifts.
#[derive(JsonSchema)]
pub struct Finding {
    /// What it is about.
    pub kind: DriftKind,
    /// The row.
    pub service: String,
    /// The column.
    pub environment: String,
    /// What it is, in one line.
    pub detail: String,
}

/// What a finding is about.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum DriftKind {
    /// The cluster runs something else than Git declares, while nothing is rolling out.
    Live,
    /// A version that the upstream does not have, and that orders above its own or came past it.
    Ahead,
    /// Went back to an earlier version, while the upstream has another one still.
    Reverted,
    /// Told not to move.
    Suspended,
    /// The version may mean another build tomorrow.
    Mutable,
    /// Another version than the upstream's.
    Skew,
}

/// What a cluster says of a cell.
#[derive(JsonSchema)]
pub struct Live {
    /// The cluster's own word; the screen's words say more.
    pub health: Health,
    /// Why it is not healthy, in one line.
    pub reason: Option<String>,
    /// Since when.
    pub since: Option<Time>,
    /// How many pods run which version.
    pub versions: BTreeMap<String, u32>,
    /// The version that the workload's template has.
    pub serving: Option<String>,
    /// Pods that are ready.
    pub ready: u32,
    /// Pods that there are to be.
    pub desired: u32,
    /// Pods of the latest template.
    pub updated: u32,
    /// When this was so.
    pub as_of: Time,
    /// The connection has been lost since.
    pub stale: bool,
    /// `Deployment/checkout`.
    pub workloads: Vec<String>,
    /// `false` where pods cannot show what is declared; left out otherwise.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub visible: Option<bool>,
}

/// What a cluster says of a workload.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum Health {
    /// Runs what it was told to, all of it ready.
    Healthy,
    /// On its way.
    Progressing,
    /// Waits at a step of its own strategy.
    Paused,
    /// Told not to move.
    Suspended,
    /// Failed, or failing.
    Degraded,
    /// Not in the cluster.
    Missing,
    /// Not known.
    Unknown,
}

/// The last change of a cell.
#[derive(JsonSchema)]
pub struct Changed {
    /// The commit in which it was written.
    pub authored: Commit,
    /// The commit with which it came to the branch.
    pub landed: Commit,
    /// When it was written.
    pub time: Time,
    /// By whom.
    pub author: String,
    /// The commit's subject.
    pub subject: String,
    /// The pull request that the commit names.
    pub pull_request: Option<u64>,
}

/// What could not be read or asked, or why a version cannot be.
#[derive(JsonSchema)]
pub struct Problem {
    /// The file, where one is the cause.
    pub path: Option<String>,
    /// The line in it, from 1.
    pub line: Option<u32>,
    /// What, why, and what to do next.
    pub message: String,
    /// The kubeconfig context, where a cluster is the cause.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The kind of reason for which a version cannot be read.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub hides: Option<String>,
    /// Nothing of the file can be read.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub whole: Option<bool>,
}

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
    /// When.
    pub time: Time,
    /// By whom.
    pub author: String,
    /// Its first line.
    pub subject: String,
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

/// `tidegate promote`, `set` and `revert` with `-o json`: a plan, and what became of it unless that was a dry run.
#[derive(JsonSchema)]
pub struct Plan {
    /// `tidegate.plan/v1`.
    pub schema: String,
    /// The commit that it is pinned to; null where nothing is written.
    pub base: Option<Commit>,
    /// The cells that change.
    pub changes: Vec<Change>,
    /// What is written, ref by ref.
    pub writes: Vec<Write>,
    /// The files, with the exact difference.
    pub edits: Vec<Edit>,
    /// What does not change, and why.
    pub skipped: Vec<Skip>,
    /// What else there is to say.
    pub notes: Vec<String>,
    /// What names these bytes and verdicts.
    pub digest: Option<String>,
    /// What became of it; left out in a dry run.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// What was published, ref by ref.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub parts: Option<Vec<Part>>,
    /// What became of its cells, where they were followed.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub cells: Option<Vec<CellProgress>>,
    /// What is another since it was confirmed: the base had moved.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub differences: Option<Vec<String>>,
    /// What of it was not published.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub not_done: Option<Vec<NotDone>>,
    /// The commit of the first part.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// The ref of the first part, with its remote.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The branch or tag of the first part.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// What the remote said.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub words: Option<Vec<String>>,
    /// Where a pull request is opened.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The addresses that the first part was pushed to, where these are not those that it is fetched from.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub pushed_to: Option<Vec<String>>,
    /// The repository of the first part, where it is not the main one.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Why the remote refused it.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The branch is protected.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub protected: Option<bool>,
}

/// A cell that changes.
#[derive(JsonSchema)]
pub struct Change {
    /// The row.
    pub service: String,
    /// The column.
    pub environment: String,
    /// What it declares.
    pub from: Option<String>,
    /// What it will declare.
    pub to: Option<String>,
    /// It gives its own version up: `to` is what it inherits then.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub inherited: Option<bool>,
    /// `promote`, `set`, `revert`, `remove`.
    pub intent: String,
    /// It was not named: it moves with an edit.
    pub along: bool,
    /// A gate holds it.
    pub held: bool,
    /// What its gates say.
    pub verdicts: Vec<Verdict>,
}

/// What a gate says of a change.
#[derive(JsonSchema)]
pub struct Verdict {
    /// The gate.
    pub gate: String,
    /// How much its no weighs.
    pub level: Level,
    /// Its answer.
    pub outcome: VerdictOutcome,
    /// Why, in a sentence.
    pub detail: String,
    /// What it rests on.
    pub inputs: Vec<VerdictInput>,
    /// The earliest time of a pass, where that is known.
    pub earliest: Option<Time>,
    /// The reason with which its hold was lifted.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub overridden: Option<String>,
}

/// How much a gate's no weighs.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum Level {
    /// No override lifts it.
    Hard,
    /// It holds until it is overridden with a reason.
    Hold,
    /// It holds nothing.
    Warn,
}

/// A gate's answer.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum VerdictOutcome {
    /// Goes on.
    Pass,
    /// Goes on, with a word.
    Warn,
    /// Does not go on without an override.
    Hold,
    /// Not known.
    Unknown,
}

/// What a verdict rests on.
#[derive(JsonSchema)]
pub struct VerdictInput {
    /// In words.
    pub what: String,
    /// When that was known.
    pub at: Option<Time>,
}

/// What is written to one ref.
#[derive(JsonSchema)]
pub struct Write {
    /// The repository, where it is not the main one.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The ref.
    pub reference: String,
    /// The commit that it is written on.
    pub base: Commit,
    /// `commit`, `merge`, `fast-forward` or `tag`.
    pub action: String,
    /// The ref that is merged, or the tag that is released.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The files.
    pub files: Vec<String>,
}

/// An edit of a file.
#[derive(JsonSchema)]
pub struct Edit {
    /// The file.
    pub path: String,
    /// Its blob before.
    pub before: String,
    /// Its blob behind.
    pub after: String,
    /// The difference, unified.
    pub diff: String,
}

/// A cell that does not change.
#[derive(JsonSchema)]
pub struct Skip {
    /// The row.
    pub service: String,
    /// The column.
    pub environment: String,
    /// The kind of reason: `already-there`, `held`, `conflict`, …
    pub cause: String,
    /// In a sentence.
    pub detail: String,
    /// It was named, and so nothing is written.
    pub stops: bool,
    /// The gate that holds it.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
}

/// A part of a delivery that was published.
#[derive(JsonSchema)]
pub struct Part {
    /// The commit.
    pub commit: Commit,
    /// The ref, with its remote.
    pub reference: String,
    /// The branch or tag.
    pub branch: String,
    /// What the remote said.
    pub words: Vec<String>,
    /// Where a pull request is opened.
    pub link: Option<String>,
    /// The addresses that it was pushed to, where these are not those that it is fetched from.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub pushed_to: Option<Vec<String>>,
    /// The repository, where it is not the main one.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
}

/// A part of a delivery that was not.
#[derive(JsonSchema)]
pub struct NotDone {
    /// The ref.
    pub reference: String,
    /// Why.
    pub why: String,
}

/// What became of a cell.
#[derive(JsonSchema)]
pub struct CellProgress {
    /// The row.
    pub service: String,
    /// The column.
    pub environment: String,
    /// `waiting`, `rolling`, `healthy`, `failed`, `superseded`, `not-judged`.
    pub state: String,
    /// In words.
    pub detail: String,
}

/// `tidegate init -o json`: the proposed configuration.
#[derive(JsonSchema)]
pub struct Init {
    /// `tidegate.init/v1`.
    pub schema: String,
    /// Where it was written; null with `--stdout`.
    pub path: Option<String>,
    /// The file.
    pub toml: String,
    /// What was recognised.
    pub explanation: String,
    /// Files with versions that no layout reads.
    pub overlooked: Vec<Overlooked>,
    /// The columns that result.
    pub environments: Vec<String>,
    /// The rows that result.
    pub services: Vec<String>,
    /// How many cells result.
    pub cells: u64,
}

/// Files with one kind of version that no layout reads.
#[derive(JsonSchema)]
pub struct Overlooked {
    /// What stands in them.
    pub what: String,
    /// How many.
    pub files: u64,
    /// The first of them, `path:line`.
    pub first: Vec<String>,
}

/// `tidegate trust -o json`: what the repository's file names outside of it.
#[derive(JsonSchema)]
pub struct Trust {
    /// `tidegate.trust/v1`.
    pub schema: String,
    /// It may be reached.
    pub allowed: bool,
    /// What it is.
    pub repositories: Vec<Outside>,
}

/// A repository that is named.
#[derive(JsonSchema)]
pub struct Outside {
    /// Its name in the configuration.
    pub name: String,
    /// The clone.
    pub path: Option<String>,
    /// The address.
    pub url: Option<String>,
    /// Whom the clone talks to.
    pub remotes: Option<Vec<OutsideRemote>>,
    /// The branch that is read; null: the remote's default branch.
    pub branch: Option<String>,
    /// The file that names it.
    pub file: String,
    /// The line in it, from 1.
    pub line: Option<u32>,
    /// The key.
    pub key: String,
}

/// A remote of a clone.
#[derive(JsonSchema)]
pub struct OutsideRemote {
    /// Its name.
    pub name: String,
    /// What is fetched from.
    pub fetch: Vec<String>,
    /// What is pushed to.
    pub push: Vec<String>,
}

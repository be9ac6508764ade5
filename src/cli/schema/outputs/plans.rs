//! Plans and what became of them.

use schemars::JsonSchema;

use super::{Commit, Time};

/// `tidegate promote`, `set`, `revert`, `plan` and `apply` with `-o json`, and the file of a plan: a plan, and what became of it
/// unless that was a dry run.
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
    /// The pull request of the first part, where it goes by one.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<PullRequest>,
    /// The repository of the first part, where it is not the main one.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Why the remote refused it.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The branch is protected.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub protected: Option<bool>,
    /// What goes in which order, where not all of it goes at once: each wave begins when the one before is healthy.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub waves: Option<Vec<Wave>>,
    /// What became of each wave that was written.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Vec<DeliveredWave>>,
    /// Of a plan that can be applied: what it is pinned to, for `tidegate apply`, in a form of its own.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub pinned: Option<Pinned>,
    /// Of a plan that can be applied: the hash of each other field.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub seal: Option<std::collections::BTreeMap<String, String>>,
}

/// Cells that go together.
#[derive(JsonSchema)]
pub struct Wave {
    /// The cells.
    pub cells: Vec<WaveCell>,
    /// Cells of earlier waves that some of these need.
    pub after: Vec<WaveCell>,
}

/// A cell of a wave.
#[derive(JsonSchema)]
pub struct WaveCell {
    /// The row.
    pub service: String,
    /// The column.
    pub environment: String,
}

/// A wave that was written.
#[derive(JsonSchema)]
pub struct DeliveredWave {
    /// Its number, from 1.
    pub wave: Option<usize>,
    /// The next may begin.
    pub healthy: bool,
    /// What was published, ref by ref.
    pub parts: Vec<Part>,
    /// What became of its cells.
    pub cells: Vec<CellProgress>,
}

/// What a plan is pinned to.
#[derive(JsonSchema)]
pub struct Pinned {
    /// The version of the form of `plan`.
    pub form: u32,
    /// The release of Tidegate that wrote it.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// The hash of the configuration that it was judged by, without themes, keys and names of clusters.
    pub policy: String,
    /// The request, the commits below, the bytes before and after, the verdicts.
    pub plan: serde_json::Value,
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

/// `tidegate why SERVICE --to ENV -o json`: what every gate says of a version on its way into a cell.
#[derive(JsonSchema)]
pub struct Why {
    /// `tidegate.why/v1`.
    pub schema: String,
    /// The row.
    pub service: String,
    /// The column that it goes to.
    pub environment: String,
    /// The upstream that it is promoted from.
    pub from: String,
    /// The version; null where the upstream declares none.
    pub version: Option<String>,
    /// What the gates say; `window` also where none is configured.
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
    /// What it would get, where gates hold all of what came with a group: that alone goes with `--when-eligible`.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub would: Option<Would>,
}

/// A change that gates hold back.
#[derive(JsonSchema)]
pub struct Would {
    /// The version at the base.
    pub from: Option<String>,
    /// The version that it would get.
    pub to: Option<String>,
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
    /// Its pull request, where it goes by one.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<PullRequest>,
    /// The repository, where it is not the main one.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
}

/// `tidegate pull-request -o json`: what was done to one.
#[derive(JsonSchema)]
pub struct PullRequestDone {
    /// `tidegate.pull-request/v1`.
    pub schema: String,
    /// `shown`, `approved`, `merged`, `closed`, `already-there`, `dry-run`, `declined`.
    pub outcome: String,
    /// As it stands then.
    pub pull_request: PullRequest,
}

/// A pull request (GitLab calls it a merge request).
#[derive(JsonSchema)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Who opened it.
    pub author: String,
    /// The branch that it would merge.
    pub branch: String,
    /// How it stands.
    pub state: PullState,
    /// It is marked as not ready.
    pub draft: bool,
    /// Who approved it.
    pub approvals: Approvals,
    /// What its checks say.
    pub checks: Checks,
    /// Whether all of its checks can be seen.
    pub checks_known: bool,
    /// What it waits for; null where it waits for nothing any more.
    pub waits: Option<String>,
    /// What becomes of it then, or what else keeps it from being merged; null where somebody merges it.
    pub then: Option<String>,
    /// The commit that brought it into its branch; null where it is not merged.
    pub merged: Option<Commit>,
    /// What it was merged without of what environments ask for; null where it has all, or is not merged.
    pub merged_without: Option<String>,
}

/// How a pull request stands.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum PullState {
    /// It waits.
    Open,
    /// It is merged.
    Merged,
    /// It was closed and not merged.
    Closed,
}

/// Who approved a pull request.
#[derive(JsonSchema)]
pub struct Approvals {
    /// How many people approve it, its author left out; where environments ask for some, those that count.
    pub have: usize,
    /// How many the branch or an environment asks for, whichever is more; null where this identity may not know.
    pub need: Option<u32>,
    /// Who they are.
    pub by: Vec<String>,
    /// Those of them who approved an earlier commit.
    pub stale: Vec<String>,
    /// People who asked for changes.
    pub against: Vec<String>,
    /// What the gates of environments ask for.
    pub asked: Vec<AskedOf>,
}

/// What an environment asks of a pull request.
#[derive(JsonSchema)]
pub struct AskedOf {
    /// The environment.
    pub environment: String,
    /// So many people.
    pub need: u32,
    /// Of these; empty: anybody.
    pub from: Vec<String>,
    /// Checks that have to pass.
    pub checks: Vec<String>,
    /// Who approved it so that it counts.
    pub by: Vec<String>,
    /// Who approved it, and nobody says whether that counts.
    pub not_known: Vec<String>,
}

/// What the checks of a pull request say.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum Checks {
    /// All passed.
    Pass,
    /// Some have not ended, or not all of them can be seen and what can is good.
    Pending,
    /// Some failed.
    Fail,
    /// There are none.
    None,
}

/// A part of a delivery that was not.
#[derive(JsonSchema)]
pub struct NotDone {
    /// The ref.
    pub reference: String,
    /// Why it was not written, or is not where it was to go.
    pub why: String,
}

/// What became of a cell.
#[derive(JsonSchema)]
pub struct CellProgress {
    /// The row.
    pub service: String,
    /// The column.
    pub environment: String,
    /// `waiting`, `rolling`, `verifying`, `healthy`, `failed`, `not-verified`, `superseded`, `not-judged`.
    pub state: String,
    /// In words.
    pub detail: String,
    /// What the checks after its rollout said, once they were as they should be.
    pub verified: Option<String>,
    /// What brought it into the cluster, once it is there: `Argo CD Application argocd/shop`.
    pub agent: Option<String>,
    /// Where it is stuck between Git and the cluster, while it is.
    pub hop: Option<super::matrix::Hop>,
}

//! The matrix and what is different in it.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::{Commit, Time};

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
    /// Cells that are ahead of their upstream.
    pub alerts: Vec<Alert>,
    /// What was guessed, where there is no configuration that says it.
    pub guessed: Option<String>,
    /// How far cells are behind was counted to the end of the history; where it was not, a `behind` of null may be any number.
    pub counted: bool,
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
    /// Why its version is vetoed; left out where it is not.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub vetoed: Option<String>,
    /// What open pull requests would bring, newest first; null where no forge was asked.
    pub proposed: Option<Vec<Proposal>>,
}

/// A version that an open pull request would bring into a cell.
#[derive(JsonSchema)]
pub struct Proposal {
    /// The version.
    pub version: String,
    /// The number of the pull request.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// Who opened it.
    pub author: String,
    /// What it waits for; null where that is not known.
    pub waits: Option<String>,
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

/// Something that should not be so, whoever did it.
#[derive(JsonSchema)]
pub struct Alert {
    /// The row.
    pub service: String,
    /// The column.
    pub environment: String,
    /// `skipped-upstream`: a version came here that its upstream does not have.
    pub kind: String,
    /// In a sentence.
    pub message: String,
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
    /// How many pods run which digest, as far as nodes say what they pulled.
    pub digests: BTreeMap<String, u32>,
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
    /// What brings its version into the cluster; null where nothing of Flux or Argo CD is known to.
    pub agent: Option<Agent>,
    /// Where its version is stuck, or on its way; null where it has arrived, or that is not known.
    pub hop: Option<Hop>,
    /// The step at which a progressive delivery is; null where none is under way.
    pub step: Option<Step>,
    /// How far Argo Rollouts or Flagger has got; null where neither delivers it.
    pub progress: Option<Progress>,
    /// What stands beside its workloads: what they refer to that is missing or not ready, what scales them, what measures them.
    pub beside: Vec<Beside>,
    /// Since when it has been healthy with what it runs, by who says so; empty where it is not, or nobody says.
    pub healthy_since: Vec<HealthySince>,
    /// What Argo CD's sync windows say; null where none is about it.
    pub sync_window: Option<SyncWindow>,
    /// `false` where pods cannot show what is declared; left out otherwise.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub visible: Option<bool>,
}

/// Since when a cell has been healthy.
#[derive(JsonSchema)]
pub struct HealthySince {
    /// `argocd`, `flux` or `kubernetes`.
    pub by: String,
    /// Since when.
    pub from: String,
}

/// What Argo CD's sync windows say of a cell.
#[derive(JsonSchema)]
pub struct SyncWindow {
    /// `open`, `closed`, or `unknown` where the project may not be seen.
    pub state: String,
    /// The window that decides.
    pub name: Option<String>,
    /// Its project.
    pub project: Option<String>,
    /// `allow` or `deny`.
    pub kind: Option<String>,
    /// When that changes; null: not as far as can be seen.
    pub until: Option<String>,
    /// Why it is closed where its window cannot be read, or why nothing is known.
    pub reason: Option<String>,
}

/// Something that stands beside a cell's workloads.
#[derive(JsonSchema)]
pub struct Beside {
    /// `Secret`, `ConfigMap`, `ExternalSecret`, `SecretStore`, `ClusterSecretStore`, `SealedSecret`, `HorizontalPodAutoscaler`,
    /// `AnalysisRun`, `Experiment`.
    pub kind: String,
    /// Its namespace; empty where it is in none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `missing`; `degraded` where it is not ready or lacks a key; `unknown` where it cannot be seen.
    pub health: Health,
    /// What there is to say of it, in one line.
    pub words: String,
}

/// What brings a version into a cluster.
#[derive(JsonSchema)]
pub struct Agent {
    /// Whose it is.
    pub kind: AgentKind,
    /// `Kustomization`, `HelmRelease`, `Application`.
    pub resource: String,
    /// `NAMESPACE/NAME`.
    pub object: String,
    /// The kubeconfig context of the cluster that its object is in.
    pub cluster: String,
    /// The commit, chart version or digest that it has applied.
    pub revision: Option<String>,
    /// What it does.
    pub state: AgentState,
    /// Why, in its own words.
    pub reason: Option<String>,
}

/// `tidegate reconcile`, `suspend`, `resume`, `refresh` and `sync` with `-o json`: what an agent was told.
#[derive(JsonSchema)]
pub struct Told {
    /// `tidegate.agent/v1`.
    pub schema: String,
    /// The row.
    pub service: String,
    /// The column.
    pub environment: String,
    /// The command's name.
    pub action: String,
    /// What came of it.
    pub outcome: ToldOutcome,
    /// The agent, as it was when it was told; as it is now, with `--wait`.
    pub agent: Agent,
    /// The command of the agent's own program that does the same.
    pub command: String,
    /// Who undoes it, and when: a sentence each; empty where nothing goes back.
    pub undone_by: Vec<String>,
    /// What a freeze says of it; null where none does.
    pub window: Option<super::plans::Verdict>,
}

/// `tidegate canary promote`, `abort` and `retry` with `-o json`: what a progressive delivery was told.
#[derive(JsonSchema)]
pub struct Conducted {
    /// `tidegate.canary/v1`.
    pub schema: String,
    /// The row.
    pub service: String,
    /// The column.
    pub environment: String,
    /// What it was told.
    pub action: Conduct,
    /// What came of it.
    pub outcome: ToldOutcome,
    /// How far it was when it was told; how far it is now, with `--wait`.
    pub progress: Progress,
    /// The command of its own program that does the same.
    pub command: String,
    /// What a freeze says of it; null where none does.
    pub window: Option<super::plans::Verdict>,
}

/// What a progressive delivery is told.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum Conduct {
    /// Go on.
    Promote,
    /// Take over at once.
    PromoteFull,
    /// Give up.
    Abort,
    /// Begin again.
    Retry,
}

/// What came of telling an agent.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum ToldOutcome {
    /// Nothing was told.
    DryRun,
    /// A freeze holds: nothing was told; exit code 3.
    Held,
    /// It was told; whether it has done it was not waited for.
    Told,
    /// It has done it.
    Done,
    /// It tried, and failed; exit code 1.
    Failed,
    /// It has not done it in time; exit code 1.
    TimedOut,
}

/// Whose agent it is.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum AgentKind {
    /// Argo CD.
    Argocd,
    /// Flux.
    Flux,
}

/// What an agent does.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum AgentState {
    /// It has done what it was told, and that is current.
    Synced,
    /// What is there differs from what it compares with.
    OutOfSync,
    /// At work.
    Reconciling,
    /// It failed, and may try again.
    Failing,
    /// It failed in a way that no further try mends.
    Stalled,
    /// Told to do nothing.
    Suspended,
    /// It does not know, or says nothing.
    Unknown,
}

/// Between Git and the pods, where a version is stuck.
#[derive(JsonSchema)]
pub struct Hop {
    /// The first that is behind.
    pub at: HopAt,
    /// Why, in one line.
    pub reason: String,
    /// When the agent acts next by itself, where it says so.
    pub next: Option<Time>,
    /// The command that moves it now, where there is one: `sync`, `reconcile`, `resume`, `refresh`.
    pub order: Option<String>,
}

/// What is behind.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum HopAt {
    /// The agent.
    Sync,
    /// The workload's controller, or there is no workload.
    Serve,
    /// The pods.
    Run,
}

/// How far a progressive delivery has got.
#[derive(JsonSchema)]
pub struct Progress {
    /// Whose it is.
    pub by: Conductor,
    /// `NAMESPACE/NAME` of the Rollout or Canary.
    pub object: String,
    /// The kubeconfig context of the cluster that its object is in.
    pub cluster: String,
    /// How the new version takes over.
    pub way: Way,
    /// What it is doing.
    pub stage: Stage,
    /// Its controller's own word for that.
    pub phase: Option<String>,
    /// Its controller's own sentence.
    pub message: Option<String>,
    /// The version that was there before.
    pub from: Option<String>,
    /// The version that is to take over, or has.
    pub to: Option<String>,
    /// The step at which it is; null where nothing is under way.
    pub step: Option<Step>,
    /// Since when it waits, or is over.
    pub since: Option<Time>,
    /// Until when it waits.
    pub until: Option<Time>,
    /// The metrics of its newest version that failed, each with what was measured and what was wanted; null where none did, or
    /// that is not known.
    pub measured: Option<String>,
    /// Its analyses.
    pub analyses: Vec<Analysis>,
    /// Checks of the new version; null where it has none of its own.
    pub checks: Option<Checks>,
    /// The Services that it switches, by their part: `active`, `preview`, `stable`, `canary`.
    pub services: BTreeMap<String, String>,
}

/// Whose controller delivers.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum Conductor {
    /// Argo Rollouts.
    ArgoRollouts,
    /// Flagger.
    Flagger,
}

/// How a new version takes over.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum Way {
    /// By growing shares.
    Canary,
    /// All at once, behind a preview.
    BlueGreen,
}

/// What a progressive delivery is doing.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum Stage {
    /// Its controller has not seen the newest change.
    Unseen,
    /// It is being set up.
    Starting,
    /// On its way.
    Advancing,
    /// At a step at which somebody, or the time, has to let it go on.
    Waiting,
    /// Before a step that somebody has to approve.
    Approval,
    /// It takes over.
    Promoting,
    /// It has taken over.
    Done,
    /// Given up: the old version stays.
    Aborted,
    /// It cannot go on.
    Failed,
    /// Told to do nothing.
    Suspended,
    /// Something that is not known here.
    Unknown,
}

/// An analysis of a new version.
#[derive(JsonSchema)]
pub struct Analysis {
    /// Its `AnalysisRun`.
    pub name: String,
    /// Its controller's word.
    pub phase: String,
    /// Its controller's sentence.
    pub message: Option<String>,
}

/// Checks of a new version.
#[derive(JsonSchema)]
pub struct Checks {
    /// How many failed.
    pub failed: u32,
    /// At how many it is given up.
    pub of: u32,
}

/// Where a progressive delivery is.
#[derive(JsonSchema)]
pub struct Step {
    /// Counted from 0; as large as `of` where all of them are done.
    pub index: u32,
    /// How many there are.
    pub of: u32,
    /// The share of traffic, in percent.
    pub weight: Option<u32>,
    /// What it waits for.
    pub waits: Option<String>,
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

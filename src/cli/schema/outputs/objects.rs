//! `logs` and `rollout`.

use schemars::JsonSchema;

use super::Time;

/// `tidegate logs -o json`: a line of a log, one on each line of the output.
#[derive(JsonSchema)]
pub struct LogLine {
    /// `tidegate.log/v1`.
    pub schema: String,
    /// The row.
    pub service: String,
    /// The column.
    pub environment: String,
    /// The pod.
    pub pod: String,
    /// The container, where one was named.
    pub container: Option<String>,
    /// When it was written, where the server says so.
    pub time: Option<Time>,
    /// The text, without what a terminal would obey; `…` at its end where the rest was dropped.
    pub text: String,
}

/// `tidegate rollout history|undo|restart|pause|resume -o json`: a workload's revisions, and what was changed.
#[derive(JsonSchema)]
pub struct Rollout {
    /// `tidegate.rollout/v1`.
    pub schema: String,
    /// The row.
    pub service: String,
    /// The column.
    pub environment: String,
    /// `Deployment/web`.
    pub workload: String,
    /// The kubeconfig context of its cluster.
    pub cluster: String,
    /// Its namespace.
    pub namespace: String,
    /// `history`, `undo`, `restart`, `pause`, `resume`.
    pub action: String,
    /// What came of it; null for `history`.
    pub outcome: Option<RolloutOutcome>,
    /// The revision that it goes back to; null but for `undo`.
    pub to: Option<u64>,
    /// Who undoes it, and when, a sentence each.
    pub undone_by: Vec<String>,
    /// The command of `kubectl` that does the same.
    pub command: String,
    /// What can be gone back to, newest first.
    pub revisions: Vec<Revision>,
    /// What a freeze says of it; null where none does.
    pub window: Option<super::plans::Verdict>,
}

/// What came of it.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum RolloutOutcome {
    /// Nothing was changed.
    DryRun,
    /// A freeze holds: nothing was changed; exit code 3.
    Held,
    /// It was changed; what came of that was not waited for.
    Changed,
    /// It has rolled out.
    Done,
    /// It has not; exit code 1.
    Failed,
    /// It has not in time; exit code 1.
    TimedOut,
}

/// A template that a workload has had.
#[derive(JsonSchema)]
pub struct Revision {
    /// Its number.
    pub number: u64,
    /// The images of its containers.
    pub images: Vec<String>,
    /// Why it came, where somebody wrote that (`kubernetes.io/change-cause`).
    pub cause: Option<String>,
    /// When it was made.
    pub created: Option<Time>,
    /// It is the one that is served.
    pub current: bool,
}

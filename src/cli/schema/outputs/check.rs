//! What policy says of a change.

use schemars::JsonSchema;

use super::Commit;

/// `tidegate check -o json`: a change that anybody made, judged by the policy of its base.
#[derive(JsonSchema)]
pub struct Check {
    /// `tidegate.check/v1`.
    pub schema: String,
    /// What the change goes to, whose configuration is in force.
    pub base: Commit,
    /// What is judged.
    pub head: Commit,
    /// So many commits.
    pub commits: usize,
    /// So many cells that moved.
    pub moved: usize,
    /// What is wrong; the exit code is 4 where there is one.
    pub findings: Vec<CheckFinding>,
    /// What could not be judged: it is not known to be well.
    pub not_judged: Vec<CheckFinding>,
    /// What holds, and goes with a reason that a commit gives.
    pub overridden: Vec<CheckFinding>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

/// Something that policy says.
#[derive(JsonSchema)]
pub struct CheckFinding {
    /// A gate, or `unmentioned`, `unrelated-lines`, `unreadable`, `skipped-upstream`.
    pub rule: String,
    /// How bad it is.
    pub level: CheckLevel,
    /// The row, where it is about a cell.
    pub service: Option<String>,
    /// The column, where it is about a cell.
    pub environment: Option<String>,
    /// The file at the head.
    pub path: Option<String>,
    /// The line there, from 1.
    pub line: Option<u32>,
    /// In a sentence.
    pub message: String,
    /// The same for the same finding, wherever it stands by now.
    pub fingerprint: String,
}

/// How bad a finding is.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum CheckLevel {
    /// A gate holds it, or a file is broken.
    Error,
    /// To be looked at.
    Warning,
}

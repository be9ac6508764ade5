//! What is asked before the first start.

use schemars::JsonSchema;

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
    /// Checks that reach or run something.
    pub checks: Vec<OutsideCheck>,
}

/// A check that reaches or runs something.
#[derive(JsonSchema)]
pub struct OutsideCheck {
    /// Whose changes it judges.
    pub environment: String,
    /// What it does, in a line.
    pub does: String,
    /// The file that names it.
    pub file: String,
    /// The line in it, from 1.
    pub line: Option<u32>,
    /// The key.
    pub key: String,
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

/// `tidegate retag -o json`: a version gets a tag more.
#[derive(JsonSchema)]
pub struct Retag {
    /// `tidegate.retag/v1`.
    pub schema: String,
    /// The row.
    pub service: String,
    /// The image, with its registry.
    pub image: String,
    /// The version that is there.
    pub from: String,
    /// Its tag more.
    pub to: String,
    /// What it is.
    pub digest: String,
    /// What the tag meant before; null: it was not there.
    pub before: Option<String>,
    /// `tagged`, `already-there`, `dry-run`, `refused`, `declined`.
    pub outcome: String,
}

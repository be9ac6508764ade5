//! The commands that look into clusters, and tell agents and workloads what to do.

use std::time::Duration;

use clap::{Args, Subcommand};
use clap_complete::ArgValueCandidates as From;

use super::{gate, reason, time};
use crate::cli::completions::{environments, gates, services};

/// Of which cell, and how: `tidegate reconcile`, `suspend`, `resume`, `refresh`, `sync` and those that say more.
#[derive(Clone, Debug, Args)]
pub struct AgentArgs {
    /// The row
    #[arg(add = From::new(services))]
    pub service: String,
    /// The column
    #[arg(add = From::new(environments))]
    pub environment: String,
    /// Confirms, protected environments too
    #[arg(short, long)]
    pub yes: bool,
    /// Waits until it is done: by the agent, rolled out; exit 1 where that fails
    #[arg(long)]
    pub wait: bool,
    /// How long that may take, in place of what the environment says
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub timeout: Option<Duration>,
    /// Lifts what a freeze holds: `window`; needs --reason
    #[arg(long = "override", value_name = "GATE", requires = "reason", value_parser = gate, add = From::new(gates))]
    pub overrides: Vec<String>,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: Option<String>,
}

/// `tidegate refresh`.
#[derive(Clone, Debug, Args)]
pub struct RefreshArgs {
    /// Has it make all manifests anew
    #[arg(long)]
    pub hard: bool,
    /// Of which cell, and how.
    #[command(flatten)]
    pub agent: AgentArgs,
}

/// `tidegate canary`.
#[derive(Clone, Debug, Subcommand)]
pub enum CanaryCommand {
    /// Lets it go on, past the pause or the step at which it is
    Promote {
        /// Lets it take over at once, without the steps, pauses and analyses that are left
        #[arg(long)]
        full: bool,
        #[command(flatten)]
        told: AgentArgs,
    },
    /// The same as `promote --full`
    #[command(hide = true)]
    Full(AgentArgs),
    /// Gives it up: the old version stays
    Abort(AgentArgs),
    /// Begins again with what was given up
    Retry(AgentArgs),
}

/// `tidegate rollout`.
#[derive(Clone, Debug, Args)]
pub struct RolloutGroup {
    /// What is done.
    #[command(subcommand)]
    pub command: RolloutCommand,
}

/// What is done to a workload.
#[derive(Clone, Debug, Subcommand)]
pub enum RolloutCommand {
    /// What it can go back to
    History(RolloutArgs),
    /// Back to the revision before, or to a given one; Git declares the other version still
    Undo(UndoArgs),
    /// Has all pods made anew
    Restart(RolloutArgs),
    /// Changes of its template change no pods until it is resumed
    Pause(RolloutArgs),
    /// Goes on with it
    Resume(RolloutArgs),
}

/// `tidegate rollout undo`.
#[derive(Clone, Debug, Args)]
pub struct UndoArgs {
    /// To this revision, of those that `rollout history` lists
    #[arg(long, value_name = "NUMBER")]
    pub to_revision: Option<u64>,
    /// Of which cell, and how.
    #[command(flatten)]
    pub rollout: RolloutArgs,
}

/// `tidegate rollout …`.
#[derive(Clone, Debug, Args)]
pub struct RolloutArgs {
    /// Of which cell, and how.
    #[command(flatten)]
    pub told: AgentArgs,
    /// Which of the cell's workloads, where there are several: `Deployment/web`
    #[arg(long, value_name = "KIND/NAME")]
    pub workload: Option<String>,
}

/// `tidegate logs`.
#[derive(Clone, Debug, Args)]
pub struct LogsArgs {
    /// The row
    #[arg(add = From::new(services))]
    pub service: String,
    /// The column
    #[arg(add = From::new(environments))]
    pub environment: String,
    /// Of this pod alone
    #[arg(long, value_name = "POD")]
    pub pod: Option<String>,
    /// Of this container
    #[arg(short, long, value_name = "CONTAINER")]
    pub container: Option<String>,
    /// Lines that come later, too
    #[arg(short, long)]
    pub follow: bool,
    /// Of the container that ran before
    #[arg(short, long, conflicts_with = "follow")]
    pub previous: bool,
    /// Not older than this
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Option<Duration>,
    /// So many lines from the end of each; 100 where it follows
    #[arg(long, value_name = "LINES")]
    pub tail: Option<u32>,
    /// When each line was written
    #[arg(long)]
    pub timestamps: bool,
}

/// `tidegate rollback`.
#[derive(Clone, Debug, Args)]
pub struct RollbackArgs {
    /// To this entry of its history; without it, to the one before the last
    #[arg(long, value_name = "ID")]
    pub to: Option<u64>,
    /// Of which cell, and how.
    #[command(flatten)]
    pub agent: AgentArgs,
}

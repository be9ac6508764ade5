//! Plans as files, and changes that others made.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};

use super::{Clusters, PromoteArgs, RevertArgs, SetArgs, WriteArgs};

/// `tidegate plan`.
#[derive(Clone, Debug, Args)]
pub struct PlanArgs {
    /// Writes the plan to FILE, for `tidegate apply`; `-` is standard output
    #[arg(long, value_name = "FILE", global = true)]
    pub out: Option<PathBuf>,
    /// What is planned.
    #[command(subcommand)]
    pub command: PlanCommand,
}

/// What is planned.
#[derive(Clone, Debug, Subcommand)]
pub enum PlanCommand {
    /// Copying a version from one environment to the next
    Promote(PromoteArgs),
    /// Writing a version given by hand
    Set(SetArgs),
    /// Restoring an earlier version
    Revert(RevertArgs),
}

/// `tidegate apply`.
#[derive(Clone, Debug, Args)]
pub struct ApplyArgs {
    /// What `tidegate plan … --out FILE` wrote; `-` is standard input
    #[arg(
        value_name = "FILE",
        required_unless_present = "left",
        conflicts_with = "left"
    )]
    pub file: Option<PathBuf>,
    /// Takes up what a process left behind that went away: follows it, and goes on with later waves as they were confirmed
    #[arg(long, conflicts_with_all = ["when_eligible"])]
    pub left: bool,
    /// Confirms, protected environments too
    #[arg(short, long)]
    pub yes: bool,
    /// Follows the rollout until it is healthy, or says what stopped it
    #[arg(long)]
    pub wait: bool,
    #[command(flatten)]
    pub unattended: Unattended,
    #[command(flatten)]
    pub clusters: Clusters,
}

/// What goes by itself.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Unattended {
    /// Waits until its gates pass, then goes; --timeout says how long at most
    #[arg(long)]
    pub when_eligible: bool,
    /// Takes the change back by a revert where its rollout fails, and exits 1; follows it as --wait does
    #[arg(long)]
    pub revert_on_failure: bool,
}

impl WriteArgs {
    /// The rollout is followed.
    pub fn follows(&self) -> bool {
        self.wait || self.unattended.revert_on_failure
    }

    /// How long a rollout may take, in place of what its environment says: with `--when-eligible` the time given is for the
    /// gates.
    pub fn rollout_timeout(&self) -> Option<Duration> {
        let given = self.clusters.timeout;
        given.filter(|_| !self.unattended.when_eligible)
    }
}

impl ApplyArgs {
    /// What else is asked for stands in the plan.
    pub fn write(&self) -> WriteArgs {
        WriteArgs {
            yes: self.yes,
            wait: self.wait,
            deliver: None,
            overrides: Vec::new(),
            along: Vec::new(),
            supersede: false,
            leave_out: false,
            reason: None,
            unattended: self.unattended,
            clusters: self.clusters.clone(),
        }
    }
}

/// `tidegate check`.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// What the change goes to, whose configuration is in force: `origin/main`, a commit
    #[arg(long, value_name = "REV")]
    pub base: String,
    /// What is judged
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub head: String,
    /// Asks clusters too; without it Git alone is judged, and what only clusters know is told as not judged
    #[arg(long, conflicts_with = "no_live")]
    pub live: bool,
    /// Asks no cluster, as it is without --live
    #[arg(long)]
    pub no_live: bool,
    /// How long to wait for the clusters' first answer [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = super::time)]
    pub timeout: Option<Duration>,
}

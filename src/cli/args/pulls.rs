//! `tidegate pull-request`.

use clap::{Args, Subcommand};

/// `pull-request`.
#[derive(Clone, Debug, Args)]
pub struct PullRequestGroup {
    #[command(subcommand)]
    pub command: PullRequestCommand,
}

/// What is done to one.
#[derive(Clone, Debug, Subcommand)]
pub enum PullRequestCommand {
    /// How it stands, what it would bring, and its page
    Show(ShowArgs),
    /// Approves it as the owner of the token
    Approve(PullRequestArgs),
    /// Merges it, where it has everything that is required and no freeze holds
    Merge(PullRequestArgs),
    /// Closes it without a merge, and says why below it; a delivery that waits for it ends
    Close(CloseArgs),
}

/// Which one it is.
#[derive(Clone, Debug, Args)]
pub struct PullRequestArgs {
    /// Its number
    #[arg(value_parser = number)]
    pub number: u64,
    /// The [[repositories]] entry that it is in, where several are read
    #[arg(long, value_name = "NAME")]
    pub repository: Option<String>,
    /// Confirms it
    #[arg(short, long)]
    pub yes: bool,
}

/// `pull-request show`.
#[derive(Clone, Debug, Args)]
pub struct ShowArgs {
    /// Its number
    #[arg(value_parser = number)]
    pub number: u64,
    /// The [[repositories]] entry that it is in, where several are read
    #[arg(long, value_name = "NAME")]
    pub repository: Option<String>,
}

/// `pull-request close`.
#[derive(Clone, Debug, Args)]
pub struct CloseArgs {
    #[command(flatten)]
    pub which: PullRequestArgs,
    /// Why, said below it
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `12`, and as people write it: `#12`, `!12`.
fn number(text: &str) -> Result<u64, String> {
    let plain = text.trim_start_matches(['#', '!']);
    plain
        .parse()
        .map_err(|_| format!("`{text}` is no number of a pull request; give it as `12`"))
}

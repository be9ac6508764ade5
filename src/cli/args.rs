//! The command line, as typed.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::ArgValueCandidates as From;

use super::completions::{environments, gates, kinds, qualities, services, versions};
use crate::{
    config,
    domain::{drift::Kind, gate, plan::Accept, suggest, topology::Deliver},
    look::Quality,
    sources::log,
};
pub use live::{
    AgentArgs, CanaryCommand, LogsArgs, RefreshArgs, RollbackArgs, RolloutArgs, RolloutCommand,
    RolloutGroup,
};
pub use plans::{ApplyArgs, CheckArgs, PlanArgs, PlanCommand, Unattended};
pub use pulls::{CloseArgs, PullRequestArgs, PullRequestCommand, PullRequestGroup, ShowArgs};

mod live;
mod plans;
mod pulls;

/// A promotion console for `GitOps`: services are rows, environments are columns.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, about, max_term_width = 110, after_help = log::help())]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options that every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// Reads FILE in place of tidegate.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The repository, a folder in it, or its address, of which a mirror is kept in the cache folder [default: .]
    #[arg(long, global = true, value_name = "PATH|URL")]
    pub repo: Option<PathBuf>,
    /// Reads this revision, or the branch as it was at this time; ENV=REV, repeated, where environments have refs of their own
    #[arg(long, global = true, value_name = "REV")]
    pub at: Vec<String>,
    /// Shows what would be written, and writes nothing
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// The form of the output
    #[arg(
        short,
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "table"
    )]
    pub output: Format,
    /// Writes nothing, whatever is asked for
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Asks nobody, neither remotes nor clusters: shows what is known here
    #[arg(long, global = true)]
    pub offline: bool,
    /// Opens what the repository's tidegate.toml names outside of it, this once; `tidegate trust` keeps the consent
    #[arg(long, global = true)]
    pub trust: bool,
    /// Fetches objects that a partial clone left out when they are needed; without it they are told as missing
    #[arg(long, global = true)]
    pub fetch_missing: bool,
    /// Draws in ASCII
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Says what is run, and logs more of it; -vv logs all of it
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The form of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// For programs; has a `schema` field
    Json,
    /// Tables to paste, of `status`, `history`, `trace`, `drift` and `check`
    Markdown,
    /// Annotations of GitHub Actions, of `check`
    Github,
    /// A code quality report of GitLab, of `check`
    Gitlab,
    /// SARIF 2.1.0, of `check`
    Sarif,
}

/// What to do; without one, the console.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The matrix: what Git declares and what runs
    Status(StatusArgs),
    /// The values a cell has had
    History(HistoryArgs),
    /// Copies a version from one environment to the next
    Promote(PromoteArgs),
    /// Writes a version given by hand
    Set(SetArgs),
    /// Restores an earlier version
    Revert(RevertArgs),
    /// Plans a promotion, a version or a revert, and writes nothing to Git; the plan can be a file, to be applied later
    Plan(PlanArgs),
    /// Judges a change that anybody made by the policy of its base, for CI; exit 4 where it finds something
    Check(CheckArgs),
    /// Carries out a plan that is a file; refused where anything of it is another since
    Apply(ApplyArgs),
    /// Looks at the repository and writes a commented tidegate.toml
    Init(InitArgs),
    /// Shows which repositories and addresses the repository's tidegate.toml names, and allows exactly those
    Trust(TrustArgs),
    /// The console over a built-in repository and simulated clusters
    Demo(DemoArgs),
    /// What drifts: skew between environments, live against Git, ahead, suspended, mutable, reverted; exit 4 where anything does
    Drift(DriftArgs),
    /// What every gate says of a version on its way into a cell, on what that rests, and when it can pass
    Why(WhyArgs),
    /// Marks a version bad, in the repository: it goes nowhere until that is lifted
    Veto(VetoArgs),
    /// Gives a version a tag more, in its registry
    Retag(RetagArgs),
    /// A pull request on the forge: how it stands, approving, merging and closing it
    #[command(visible_alias = "pr")]
    PullRequest(PullRequestGroup),
    /// Where a version has been: when, by whom, how it got there, what to go back to
    Trace(TraceArgs),
    /// What lies between two versions of a service: the commits of its source code
    Changelog(ChangelogArgs),
    /// Has Flux fetch and apply what a cell declares now
    Reconcile(AgentArgs),
    /// Has Flux leave a cell as it is until it is resumed
    Suspend(AgentArgs),
    /// Has Flux go on with a cell
    Resume(AgentArgs),
    /// Has Argo CD compare a cell with Git now
    Refresh(RefreshArgs),
    /// Has the agent apply what a cell declares: Argo CD syncs, Flux reconciles
    Sync(AgentArgs),
    /// Break-glass on a cell's workload: what it can go back to, undo, restart, pause, resume
    Rollout(RolloutGroup),
    /// What the containers of a cell's pods write
    Logs(LogsArgs),
    /// Has Argo CD apply what it had applied before; Git declares the other version still
    Rollback(RollbackArgs),
    /// Has Argo CD end the operation under way
    Terminate(AgentArgs),
    /// Has Argo Rollouts go on with a new version, give it up, or begin again
    #[command(subcommand)]
    Canary(CanaryCommand),
    /// A shell's completion script; services and environments are completed from the repository
    Completions(CompletionsArgs),
    /// The manual page, of the program or of a command
    Man(ManArgs),
    /// The JSON Schema of the configuration, or of what a command prints with -o json
    Schema(SchemaArgs),
}

/// `tidegate completions`.
#[derive(Clone, Debug, Args)]
pub struct CompletionsArgs {
    /// Whose script it is
    #[arg(value_enum)]
    pub shell: Shell,
}

/// A shell that lines are completed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

impl Shell {
    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Elvish => "elvish",
            Self::Fish => "fish",
            Self::Powershell => "powershell",
            Self::Zsh => "zsh",
        }
    }
}

/// `tidegate man`.
#[derive(Clone, Debug, Args)]
pub struct ManArgs {
    /// The page of this command
    pub command: Option<String>,
}

/// `tidegate schema`.
#[derive(Clone, Debug, Args)]
pub struct SchemaArgs {
    /// What it describes
    #[arg(value_enum, default_value = "config", value_name = "SHAPE")]
    pub of: Shape,
}

/// Something that has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// tidegate.toml, the team's file
    Config,
    /// config.toml, your own file
    User,
    /// What `status` prints
    Status,
    /// What `history` prints
    History,
    /// What `trace` prints
    Trace,
    /// What `changelog` prints
    Changelog,
    /// What `why` prints
    Why,
    /// What `drift` prints
    Drift,
    /// What `check` prints
    Check,
    /// What `promote`, `set`, `revert`, `plan` and `apply` print
    Plan,
    /// What `init` prints
    Init,
    /// What `trust` prints
    Trust,
    /// What `retag` prints
    Retag,
    /// What `pull-request` prints
    PullRequest,
    /// What `reconcile`, `suspend`, `resume`, `refresh` and `sync` print
    Agent,
    /// What `canary` prints
    Canary,
    /// What `logs` prints, a line each
    Log,
    /// What `rollout` prints
    Rollout,
}

impl Shape {
    /// All of them.
    #[cfg(test)]
    pub const ALL: [Self; 18] = [
        Self::Config,
        Self::User,
        Self::Status,
        Self::History,
        Self::Trace,
        Self::Changelog,
        Self::Why,
        Self::Drift,
        Self::Check,
        Self::Plan,
        Self::Init,
        Self::Trust,
        Self::Retag,
        Self::PullRequest,
        Self::Agent,
        Self::Canary,
        Self::Log,
        Self::Rollout,
    ];
}

/// `tidegate status`.
#[derive(Clone, Debug, Args)]
pub struct StatusArgs {
    /// Adds who changed each cell last
    #[arg(long)]
    pub changed: bool,
    /// Only these columns: names, or patterns with `*` and `?`; repeatable, or with commas
    #[arg(long = "env", value_name = "ENV", value_delimiter = ',', add = From::new(environments))]
    pub environments: Vec<String>,
    /// Only rows with a cell in one of these states: degraded, drift, behind, ahead, skew, …; repeatable, or with commas
    #[arg(long, value_name = "STATE", value_delimiter = ',', value_parser = quality, add = From::new(qualities))]
    pub only: Vec<Quality>,
    /// Shows it again whenever it changes, until ^C; fetches on the way
    #[arg(long)]
    pub watch: bool,
    /// Cuts nothing to the width of the terminal
    #[arg(long)]
    pub wide: bool,
    #[command(flatten)]
    pub clusters: Clusters,
}

/// `tidegate drift`.
#[derive(Clone, Debug, Args)]
pub struct DriftArgs {
    /// Only these rows: names, or patterns with `*` and `?`
    #[arg(value_name = "SERVICE", add = From::new(services))]
    pub services: Vec<String>,
    /// Only these columns: names, or patterns with `*` and `?`; repeatable, or with commas
    #[arg(long = "env", value_name = "ENV", value_delimiter = ',', add = From::new(environments))]
    pub environments: Vec<String>,
    /// Only these kinds: live, ahead, reverted, suspended, mutable, skew; repeatable, or with commas
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kind, add = From::new(kinds))]
    pub only: Vec<Kind>,
    /// Tells what is ahead of its upstream, whoever brought it there, to those whom `[[notify]]` names for `skipped-upstream`; each once
    #[arg(long)]
    pub notify: bool,
    #[command(flatten)]
    pub clusters: Clusters,
}

/// Whether, and how long, clusters are asked.
#[derive(Clone, Debug, Args)]
pub struct Clusters {
    /// Asks no cluster
    #[arg(long)]
    pub no_live: bool,
    /// How long to wait for the clusters' first answer [default: 10s]; with --wait, for the rollout; with --when-eligible, for the gates
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub timeout: Option<Duration>,
}

/// `trace SERVICE VERSION`.
#[derive(Clone, Debug, Args)]
pub struct TraceArgs {
    /// The row
    #[arg(add = From::new(services))]
    pub service: String,
    /// The version, as written in Git
    #[arg(add = From::new(versions))]
    pub version: String,
    /// Looks at the signatures of all its commits, not only of those that brought what is there now
    #[arg(long)]
    pub signatures: bool,
}

/// `changelog SERVICE A..B`.
#[derive(Clone, Debug, Args)]
pub struct ChangelogArgs {
    /// The row
    #[arg(add = From::new(services))]
    pub service: String,
    /// The two versions: `1.41.3..1.42.0`
    #[arg(value_name = "A..B")]
    pub versions: String,
}

/// `why SERVICE --to ENV`.
#[derive(Clone, Debug, Args)]
pub struct WhyArgs {
    /// The row
    #[arg(add = From::new(services))]
    pub service: String,
    /// The column that it goes to
    #[arg(long, value_name = "ENV", add = From::new(environments))]
    pub to: String,
    /// The column that it is promoted from; without it the first upstream that has another version
    #[arg(long, value_name = "ENV", add = From::new(environments))]
    pub from: Option<String>,
    /// The version; without it the one that the upstream declares
    #[arg(long, value_name = "VERSION", add = From::new(versions))]
    pub version: Option<String>,
    #[command(flatten)]
    pub clusters: Clusters,
}

/// `veto SERVICE VERSION`.
#[derive(Clone, Debug, Args)]
pub struct VetoArgs {
    /// The row; a pattern with `*` stands for several
    #[arg(add = From::new(services))]
    pub service: String,
    /// The version, as written in Git: a tag, or a digest
    #[arg(add = From::new(versions))]
    pub version: String,
    /// Lifts the veto
    #[arg(long)]
    pub lift: bool,
    #[command(flatten)]
    pub write: WriteArgs,
}

/// `retag SERVICE VERSION --as VERSION`.
#[derive(Clone, Debug, Args)]
pub struct RetagArgs {
    /// The row
    #[arg(add = From::new(services))]
    pub service: String,
    /// The version that there is: a tag, or a digest
    #[arg(add = From::new(versions))]
    pub version: String,
    /// Its tag more
    #[arg(long = "as", value_name = "VERSION")]
    pub new: String,
    /// The column whose image it is, where they have several
    #[arg(long, value_name = "ENV", add = From::new(environments))]
    pub env: Option<String>,
    /// Takes the tag from what it means now
    #[arg(long)]
    pub overwrite: bool,
    /// Confirms it
    #[arg(short, long)]
    pub yes: bool,
}

/// `tidegate history`.
#[derive(Clone, Debug, Args)]
pub struct HistoryArgs {
    /// The row
    #[arg(add = From::new(services))]
    pub service: String,
    /// The column; all of them without it
    #[arg(add = From::new(environments))]
    pub environment: Option<String>,
    /// Looks at the signatures of all commits, not only of each cell's last change
    #[arg(long)]
    pub signatures: bool,
}

/// `tidegate promote`.
#[derive(Clone, Debug, Args)]
pub struct PromoteArgs {
    /// The rows: names, or patterns with `*` and `?`
    #[arg(required_unless_present = "all", value_name = "SERVICE", add = From::new(services))]
    pub services: Vec<String>,
    /// Every row that either environment has; what cannot change is skipped and told
    #[arg(long, conflicts_with = "services")]
    pub all: bool,
    /// But not these rows: names or patterns
    #[arg(long, value_name = "SERVICE", add = From::new(services))]
    pub except: Vec<String>,
    /// Where the versions are copied from
    #[arg(long, value_name = "ENV", add = From::new(environments))]
    pub from: String,
    /// Where they are copied to
    #[arg(long, value_name = "ENV", add = From::new(environments))]
    pub to: String,
    #[command(flatten)]
    pub write: WriteArgs,
}

/// `tidegate set`.
#[derive(Clone, Debug, Args)]
pub struct SetArgs {
    /// The row
    #[arg(required_unless_present = "changes", add = From::new(services))]
    pub service: Option<String>,
    /// The column
    #[arg(required_unless_present = "changes", add = From::new(environments))]
    pub environment: Option<String>,
    /// What it is to declare
    #[arg(required_unless_present = "changes", add = From::new(versions))]
    pub version: Option<String>,
    /// One plan of many: a JSON list of {"service", "environment", "version"}; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["service", "environment", "version"])]
    pub changes: Option<PathBuf>,
    #[command(flatten)]
    pub write: WriteArgs,
}

/// `tidegate revert`.
#[derive(Clone, Debug, Args)]
pub struct RevertArgs {
    /// The row
    #[arg(add = From::new(services))]
    pub service: String,
    /// The column
    #[arg(add = From::new(environments))]
    pub environment: String,
    /// A version it has had, or a commit; the last good one without it
    #[arg(long, value_name = "VERSION|COMMIT")]
    pub to: Option<String>,
    /// Vetoes the version that it goes back from, in the same commit; needs --reason
    #[arg(long, requires = "reason")]
    pub veto: bool,
    #[command(flatten)]
    pub write: WriteArgs,
}

/// What the commands that write share.
#[derive(Clone, Debug, Args)]
pub struct WriteArgs {
    /// Confirms, protected environments too
    #[arg(short, long)]
    pub yes: bool,
    /// Follows the rollout until it is healthy, or says what stopped it
    #[arg(long)]
    pub wait: bool,
    /// How the commit leaves the clone, in place of what the environments say
    #[arg(long, value_name = "HOW", value_parser = deliver, add = From::new(deliveries))]
    pub deliver: Option<Deliver>,
    /// Closes the open pull requests for the same cells once this plan's own is open, with a comment that names it
    #[arg(long)]
    pub supersede: bool,
    /// Lifts a hold of this gate; needs --reason
    #[arg(long = "override", value_name = "GATE", requires = "reason", value_parser = gate, add = From::new(gates))]
    pub overrides: Vec<String>,
    /// Lets a cell come along that moves with the edit though it was not named: SERVICE/ENV, a pattern of these with `*`, or
    /// `all`; repeatable. Without it such an edit is held
    #[arg(long, value_name = "SERVICE/ENV", value_parser = accept)]
    pub along: Vec<Accept>,
    /// Lets the rest go without what is held or cannot change; without it one such cell that was named stops all of them
    #[arg(long, alias = "leave-out-held")]
    pub leave_out: bool,
    /// Why, kept in the commit
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: Option<String>,
    #[command(flatten)]
    pub unattended: Unattended,
    #[command(flatten)]
    pub clusters: Clusters,
}

/// `tidegate init`.
#[derive(Clone, Debug, Args)]
pub struct InitArgs {
    /// Prints the file instead of writing it
    #[arg(long)]
    pub stdout: bool,
    /// Shows what could be environments with what speaks for each, and writes nothing
    #[arg(long, conflicts_with = "stdout")]
    pub explain: bool,
}

/// `tidegate trust`.
#[derive(Clone, Debug, Args)]
pub struct TrustArgs {
    /// Allows it without asking at a terminal
    #[arg(short, long)]
    pub yes: bool,
}

/// `tidegate demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Begins in the middle of a story, and may write: a crash in production, a batch on its way there, drift, or pull requests
    #[arg(long, value_name = "STORY", conflicts_with = "headless")]
    pub story: Option<StoryName>,
    /// Starts it without the screen, prints its places as JSON and waits for ^C
    #[arg(long, hide = true)]
    pub headless: bool,
    /// The seed of its history
    #[arg(long, hide = true)]
    pub seed: Option<u64>,
    /// How much faster than usual the simulated clusters are
    #[arg(long, hide = true, value_name = "FACTOR")]
    pub speed: Option<f64>,
    /// No cluster goes away
    #[arg(long, hide = true)]
    pub no_outage: bool,
    /// With a forge, whatever the story
    #[arg(long, hide = true)]
    pub forge: bool,
}

/// The demo's stories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StoryName {
    /// checkout crashes in prod-us since a few minutes: go back
    Incident,
    /// What staging has and prod-eu has not, as a plan: what goes, and why the rest does not
    Batch,
    /// Where environments, clusters and Git differ
    Drift,
    /// prod-us is delivered by pull requests, on a forge with people who approve and refuse
    Review,
}

fn time(text: &str) -> Result<Duration, String> {
    let parsed = match text.parse::<u64>() {
        Ok(seconds) if seconds > 0 => Some(Duration::from_secs(seconds)),
        _ => config::duration(text),
    };
    parsed.ok_or_else(|| "no length of time; write one like `10s`, `5m` or `1h30m`".to_owned())
}

fn deliveries() -> Vec<clap_complete::CompletionCandidate> {
    Deliver::NAMED.map(|(name, _)| name.into()).into()
}

fn quality(text: &str) -> Result<Quality, String> {
    Quality::named(&text.to_lowercase()).ok_or_else(|| {
        let known: Vec<String> = Quality::words().collect();
        unknown(
            "state",
            text,
            &known.iter().map(String::as_str).collect::<Vec<_>>(),
        )
    })
}

fn kind(text: &str) -> Result<Kind, String> {
    let known = Kind::ALL.map(Kind::as_str);
    Kind::named(&text.to_lowercase()).ok_or_else(|| unknown("kind of drift", text, &known))
}

fn unknown(what: &str, text: &str, known: &[&str]) -> String {
    let hint = suggest::hint(text, known.iter().copied());
    format!(
        "no such {what}{} (there are: {})",
        hint.trim_end_matches('?'),
        known.join(", ")
    )
}

fn deliver(text: &str) -> Result<Deliver, String> {
    let known = Deliver::NAMED.map(|(name, _)| name);
    let named = Deliver::NAMED.into_iter().find(|(name, _)| *name == text);
    named
        .map(|(_, deliver)| deliver)
        .ok_or_else(|| unknown("way to deliver", text, &known))
}

fn accept(text: &str) -> Result<Accept, String> {
    let accept = Accept::parse(text);
    accept.ok_or_else(|| {
        "no cell; write SERVICE/ENV, such as `web/prod` or `*/prod`, or `all`".to_owned()
    })
}

fn gate(text: &str) -> Result<String, String> {
    let gates = gate::ALL.map(|gate| gate.id);
    if gates.contains(&text) {
        return Ok(text.to_owned());
    }
    let hint = suggest::hint(text, gates);
    Err(format!(
        "no such gate in this version{hint} (there are: {})",
        gates.join(", ")
    ))
}

fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("says nothing; write why".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn no_option_is_there_twice() {
        Cli::command().debug_assert();
    }
}

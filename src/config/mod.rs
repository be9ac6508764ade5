//! The team's `tidegate.toml` and the user's `config.toml`: TOML in, validated configuration out.
//!
//! One schema, two places. The team's file stands at the root of the repository; what the user's file says wins.
//! Some keys may stand in the user's file alone, because they decide which programs run and where credentials go.
//! Every error names file, line and key, and all of them are reported at once.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use crate::domain::{
    address::Address,
    agent::ArgoServer,
    commit::CommitSettings,
    credential::Credential,
    detect::Guess,
    forge::ForgeEntry,
    ids::EnvironmentName,
    layout::{LayoutSet, LayoutSpec},
    notify::{Notify, Secret},
    policy::check::Consent,
    source_code::SourceCode,
    topology::Topology,
};
use crate::{
    actions::OwnCommand,
    look::{
        bell::Bell,
        theme::{Choice, Themes},
    },
};

mod agents;
mod checks;
mod commands;
mod commits;
mod error;
mod fingerprint;
mod forges;
mod healthy;
mod layouts;
mod load;
mod notify;
pub mod places;
mod policy;
mod propose;
mod reader;
mod repositories;
mod schema;
mod sources;
pub mod themes;
mod validate;

#[cfg(test)]
mod tests;

pub use error::{ConfigError, ConfigErrors};
pub use load::{LoadRequest, SourceFile, load};
pub use propose::{lacking, propose};
#[cfg(test)]
pub use schema::tables;
pub use validate::duration;

/// The team's file, at the root of the repository.
pub const TEAM_FILE: &str = "tidegate.toml";

/// The first line of a file that editors complete by its schema, once `tidegate schema config > tidegate.schema.json` put that beside it.
pub const SCHEMA_LINE: &str = "#:schema ./tidegate.schema.json";

/// A validated configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Environments in promotion order.
    pub topology: Topology,
    /// The layouts, ready for use.
    pub layouts: Arc<LayoutSet>,
    /// Layouts as written, in order of precedence.
    pub layout_specs: Vec<LayoutSpec>,
    /// The branch that declares; the remote's default branch where `None`.
    pub branch: Option<String>,
    /// Other repositories that layouts read, in the order of the configuration.
    pub repositories: Vec<RepositoryEntry>,
    /// What was guessed instead of read, in a sentence for the screen; `None` when everything was configured.
    pub guessed: Option<String>,
    /// The guess itself.
    pub guess: Option<Arc<Guess>>,
    /// The environments were guessed too, not the layouts alone.
    pub environments_guessed: bool,
    /// The team's file among those that were read.
    pub team: Option<String>,
    /// Checks that the team's file wants to reach or run something with.
    pub checks: Vec<CheckEntry>,
    /// Environments whose registry gate the team's file says, and where it does.
    pub registries: BTreeMap<EnvironmentName, KeyPlace>,
    /// Who is told of deliveries.
    pub notify: Vec<Notify>,
    /// Where the source code of services is; the user's entries come first.
    pub source_code: Vec<SourceCode>,
    /// What the user's file alone may say.
    pub user: UserSettings,
    /// The themes of the screen: those that come with Tidegate, and the user's own once [`Config::with_themes`] has them.
    pub themes: Arc<Themes>,
    /// The files that were read, for people: `tidegate.toml`, `origin/main:tidegate.toml`, a path.
    pub sources: Vec<String>,
}

/// One `[[repositories]]` entry of both files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryEntry {
    /// What layouts call it.
    pub name: String,
    /// Where it is.
    pub place: RepositoryPlace,
    /// The branch that declares; the remote's default branch where `None`.
    pub branch: Option<String>,
    /// Where the team's file says `place`; `None` where the user's own file says it, which needs nobody's consent.
    pub team: Option<KeyPlace>,
}

/// What a check of the team's file reaches or runs, which the user has to have allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckEntry {
    /// Whose check it is.
    pub environment: EnvironmentName,
    /// What it does, in a line without secrets.
    pub line: String,
    /// What stands for exactly that.
    pub consent: Consent,
    /// Where it stands.
    pub at: KeyPlace,
}

/// One `[[servers]]` entry of the user's own file: a Prometheus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// What checks call it.
    pub name: String,
    /// Its address.
    pub url: String,
    /// Where its token is.
    pub token: Option<Credential>,
}

/// Where a key stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPlace {
    /// The file as people know it: `tidegate.toml`, `origin/main:tidegate.toml`.
    pub file: String,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The key as a path: `repositories[0].url`.
    pub key: String,
}

impl std::fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.key)
    }
}

/// Where a repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RepositoryPlace {
    /// A clone: a path, relative to the main repository.
    Path(String),
    /// A Git address, of which a mirror is kept.
    Url(Address),
}

/// Settings that only the user's file may hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserSettings {
    /// Colours of the screen.
    pub theme: Choice,
    /// Each theme that is named, with the place where it is.
    pub themes_said: Vec<(KeyPlace, String)>,
    /// The filter that the console starts with; empty: none.
    pub filter: String,
    /// The theme's own background is painted.
    pub background: bool,
    /// Glyphs and borders in ASCII.
    pub ascii: bool,
    /// Wheel and click are used; text is then selected with Shift, as terminals do.
    pub mouse: bool,
    /// How the terminal says that a delivery has ended.
    pub bell: Bell,
    /// The screen starts unlocked for writing.
    pub write: bool,
    /// A kubeconfig file in place of `KUBECONFIG` and `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// The kubeconfig context behind each `cluster` name of the team's file, where it has another name here.
    pub clusters: BTreeMap<String, String>,
    /// Keys by the name of the action they start, such as `promote = ["p", "^p"]`.
    pub keys: BTreeMap<String, Vec<String>>,
    /// Programs of the user's own, run with the values of a cell.
    pub commands: Vec<OwnCommand>,
    /// Servers that checks ask.
    pub servers: Vec<Server>,
    /// Forges by their addresses, and where their tokens come from.
    pub forges: Vec<ForgeEntry>,
    /// Argo CD by its own API.
    pub argocd: Vec<ArgoServer>,
    /// How commits are made.
    pub commit: CommitSettings,
    /// What `[[notify]]` names: tokens, and addresses that are secrets themselves.
    pub secrets: Vec<Secret>,
}

impl UserSettings {
    /// The kubeconfig context for a `cluster` of the configuration.
    pub fn context<'a>(&'a self, cluster: &'a str) -> &'a str {
        self.clusters.get(cluster).map_or(cluster, String::as_str)
    }
}

//! Policy: what a configuration asks of changes, per environment, and when nothing may go.

use std::{collections::BTreeMap, time::Duration};

use super::{
    ids::{EnvironmentName, RepoPath, ServiceName},
    plan::Level,
    pull_request,
    version_range::VersionRange,
};

pub mod check;
pub mod healthy;
pub mod sync;
pub mod versions;
pub mod veto;
mod window;

pub use healthy::HealthyQuery;
pub use versions::VersionsFile;
pub use window::{Kind, Open, Window, WindowError, state, state_of_all};

/// What is asked of changes beside what every gate asks by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// By environment; what is not here is asked of nothing.
    pub environments: BTreeMap<EnvironmentName, GatePolicy>,
    /// When nothing may go, or only then; in the order of the configuration.
    pub windows: Vec<Window>,
    /// Which service needs which other one.
    pub dependencies: Vec<Dependency>,
    /// The file of the vetoes, in the repository; `None`: [`veto::FILE`].
    pub vetoes: Option<RepoPath>,
    /// The file that says what every cell declares, kept in step by each commit; `None`: none is.
    pub versions: Option<VersionsFile>,
    /// How pull requests are opened, by environment.
    pub pull_requests: BTreeMap<EnvironmentName, pull_request::Settings>,
    /// Who knows when cells were healthy before anybody else looked, by environment.
    pub healthy: BTreeMap<EnvironmentName, HealthyQuery>,
}

/// `[environments.gates]`: what one environment asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatePolicy {
    /// How much each gate's no weighs here, by the gate's name; a gate that acts only where it is configured acts where it
    /// stands here.
    pub rules: BTreeMap<String, Rule>,
    /// Which versions may come at all (`eligible`).
    pub eligible: Option<Eligible>,
    /// Versions have to be pinned by a digest (`immutable`).
    pub digest: bool,
    /// A tag that comes is written with the digest that it means at its registry (`immutable`).
    pub pin: bool,
    /// What the registry is asked (`registry`).
    pub registry: Option<Registry>,
    /// Which checks the commit has to have passed that a version was built of (`evidence`); empty: all that it has.
    pub evidence: Option<Vec<String>>,
    /// What its pull request has to have (`approvals`).
    pub approvals: Option<pull_request::Asks>,
    /// What is asked outside before a change (`http`, `promql`, `command`).
    pub checks: Vec<check::Check>,
    /// What is asked outside after a rollout (`[environments.verify]`).
    pub verify: Vec<check::Check>,
    /// How long a version has to have been healthy upstream (`soak`).
    pub soak: Option<Duration>,
    /// How long the versions that go together have to have run side by side there (`together`).
    pub together: Option<Duration>,
}

/// What stands in the table of any gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// In place of the gate's own.
    pub level: Option<Level>,
    /// What is not known holds (`Some(true)`) or warns; `None`: holds where the environment is protected.
    pub unknown_holds: Option<bool>,
    /// Reverts are judged too.
    pub reverts: bool,
}

/// Which versions may come into an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Eligible {
    /// They are in this range; `None`: any.
    pub range: Option<VersionRange>,
    /// Pre-releases may come; `None`: where the range says so, or where there is none.
    pub prerelease: Option<bool>,
}

/// What a registry has to say of a version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registry {
    /// It is for this platform: `linux/amd64`; `None`: for any.
    pub platform: Option<String>,
    /// This is attested of it, whoever signed it; `None`: nothing needs to be.
    pub attestation: Option<Attestation>,
}

/// What has to be attested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attestation {
    /// Anything, a signature too.
    Any,
    /// This predicate type.
    Predicate(String),
}

/// `[[dependencies]]`: a service that needs another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Who needs it.
    pub service: ServiceName,
    /// What is needed, in the same environment.
    pub needs: ServiceName,
    /// In which versions.
    pub version: VersionRange,
}

impl Policy {
    /// The file that says which versions are vetoed.
    pub fn veto_file(&self) -> RepoPath {
        let own = self.vetoes.clone();
        own.unwrap_or_else(|| RepoPath::from(veto::FILE))
    }

    /// What an environment asks of a gate; `None` where it says nothing of it.
    pub fn rule(&self, environment: &EnvironmentName, gate: &str) -> Option<Rule> {
        self.environments.get(environment)?.rules.get(gate).copied()
    }

    /// Who merges a pull request that changes these environments: the most careful word of theirs.
    pub fn merge_by<'a>(
        &self,
        environments: impl IntoIterator<Item = &'a EnvironmentName>,
    ) -> pull_request::MergeBy {
        let words = environments.into_iter().map(|name| {
            let own = self.pull_requests.get(name);
            own.and_then(|own| own.merge).unwrap_or_default()
        });
        words.min().unwrap_or_default()
    }

    /// Whether any of these environments says who merges.
    pub fn says_who_merges<'a>(
        &self,
        environments: impl IntoIterator<Item = &'a EnvironmentName>,
    ) -> bool {
        environments.into_iter().any(|name| {
            let own = self.pull_requests.get(name);
            own.is_some_and(|own| own.merge.is_some())
        })
    }

    /// What an environment asks.
    pub fn of(&self, environment: &EnvironmentName) -> Option<&GatePolicy> {
        self.environments.get(environment)
    }
}

//! The agents between Git and what runs: what Flux and Argo CD say of the objects by which they bring a commit into a cluster.
//!
//! [`read`] makes an [`AgentObject`] of an API object; every phase keeps the reason and the message of its controller beside
//! ours. [`hop`] compares the four truths of a cell, in their order: desired in Git, synced by the agent, served by the
//! workload's controller, running in pods. It names the first that differs, and why.
//!
//! Argo Rollouts and Flagger come after them: they serve a new version step by step, which [`Progress`] tells for both.

mod argocd;
mod conduct;
mod flagger;
mod flux;
mod hop;
mod order;
mod progress;
pub(super) mod read;
mod rollouts;
mod server;
mod undone;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::policy::sync::SyncWindow;

pub use conduct::{Conduct, Patches};
pub use flagger::canary;
pub use flux::span;
pub use hop::{At, Chain, Hop, Truths, hop};
pub use order::{Order, deployed};
pub use progress::{Analysis, Conductor, Progress, Served, Stage, Step, Way};
pub use read::read;
pub use rollouts::{is_seen, rollout};
pub use server::ArgoServer;
pub use undone::undone_by;

/// The agents' kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AgentKind {
    /// Flux: applies a path of a source.
    Kustomization,
    /// Flux: installs a chart.
    HelmRelease,
    /// Flux: fetches a repository.
    GitRepository,
    /// Flux: fetches an artifact of a registry.
    OCIRepository,
    /// Flux: fetches a bucket.
    Bucket,
    /// Flux: fetches a chart repository's index.
    HelmRepository,
    /// Flux: fetches a chart.
    HelmChart,
    /// Flux: picks an image's version.
    ImagePolicy,
    /// Flux: looks an image's versions up.
    ImageRepository,
    /// Flux: writes picked versions into Git.
    ImageUpdateAutomation,
    /// Argo CD: applies paths or charts of repositories.
    Application,
    /// Argo CD: makes Applications.
    ApplicationSet,
    /// Argo CD: what Applications may do, and when.
    AppProject,
}

impl AgentKind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Kustomization,
        Self::HelmRelease,
        Self::GitRepository,
        Self::OCIRepository,
        Self::Bucket,
        Self::HelmRepository,
        Self::HelmChart,
        Self::ImagePolicy,
        Self::ImageRepository,
        Self::ImageUpdateAutomation,
        Self::Application,
        Self::ApplicationSet,
        Self::AppProject,
    ];

    /// The kinds that are watched: what cells are brought by, what these take from, and what says when they may.
    pub const WATCHED: [Self; 12] = [
        Self::Application,
        Self::ApplicationSet,
        Self::AppProject,
        Self::Kustomization,
        Self::HelmRelease,
        Self::GitRepository,
        Self::OCIRepository,
        Self::Bucket,
        Self::HelmRepository,
        Self::HelmChart,
        Self::ImagePolicy,
        Self::ImageUpdateAutomation,
    ];

    /// The kind as manifests write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kustomization => "Kustomization",
            Self::HelmRelease => "HelmRelease",
            Self::GitRepository => "GitRepository",
            Self::OCIRepository => "OCIRepository",
            Self::Bucket => "Bucket",
            Self::HelmRepository => "HelmRepository",
            Self::HelmChart => "HelmChart",
            Self::ImagePolicy => "ImagePolicy",
            Self::ImageRepository => "ImageRepository",
            Self::ImageUpdateAutomation => "ImageUpdateAutomation",
            Self::Application => "Application",
            Self::ApplicationSet => "ApplicationSet",
            Self::AppProject => "AppProject",
        }
    }

    /// Its API group.
    pub fn group(self) -> &'static str {
        match self {
            Self::Kustomization => "kustomize.toolkit.fluxcd.io",
            Self::HelmRelease => "helm.toolkit.fluxcd.io",
            Self::GitRepository
            | Self::OCIRepository
            | Self::Bucket
            | Self::HelmRepository
            | Self::HelmChart => "source.toolkit.fluxcd.io",
            Self::ImagePolicy | Self::ImageRepository | Self::ImageUpdateAutomation => {
                "image.toolkit.fluxcd.io"
            }
            Self::Application | Self::ApplicationSet | Self::AppProject => "argoproj.io",
        }
    }

    /// The resource as access rules write it: `kustomizations`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Kustomization => "kustomizations",
            Self::HelmRelease => "helmreleases",
            Self::GitRepository => "gitrepositories",
            Self::OCIRepository => "ocirepositories",
            Self::Bucket => "buckets",
            Self::HelmRepository => "helmrepositories",
            Self::HelmChart => "helmcharts",
            Self::ImagePolicy => "imagepolicies",
            Self::ImageRepository => "imagerepositories",
            Self::ImageUpdateAutomation => "imageupdateautomations",
            Self::Application => "applications",
            Self::ApplicationSet => "applicationsets",
            Self::AppProject => "appprojects",
        }
    }

    /// The versions of its API that say what is read here, newest first.
    pub fn versions(self) -> &'static [&'static str] {
        match self {
            Self::HelmRelease => &["v2", "v2beta2", "v2beta1"],
            Self::Application | Self::ApplicationSet | Self::AppProject => &["v1alpha1"],
            _ => &["v1", "v1beta2", "v1beta1"],
        }
    }

    /// Whether it brings objects into a cluster; else it fetches what others bring, or picks it.
    pub fn applies(self) -> bool {
        matches!(
            self,
            Self::Application | Self::Kustomization | Self::HelmRelease
        )
    }

    /// The kind that a manifest or a reference calls `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether it is one of Argo CD's.
    pub fn is_argocd(self) -> bool {
        self.group() == "argoproj.io"
    }

    /// Whose kind it is, for people.
    pub fn tool(self) -> &'static str {
        if self.is_argocd() { "Argo CD" } else { "Flux" }
    }
}

impl fmt::Display for AgentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What an agent is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It has done what it was told, and that is current.
    Current,
    /// At work.
    Reconciling,
    /// It failed, and tries again by itself.
    Retrying,
    /// It failed.
    Failed,
    /// It failed in a way that no further try mends.
    Stalled,
    /// Told to do nothing.
    Suspended,
    /// What is there differs from what it compares with, and it will sync that.
    OutOfSync,
    /// The same, and it waits for somebody to sync.
    NotAutomated,
    /// It does not know, or says nothing.
    Unknown,
}

impl Phase {
    /// The word that commands print.
    pub fn word(self) -> &'static str {
        match self {
            Self::Current => "synced",
            Self::OutOfSync | Self::NotAutomated => "out-of-sync",
            Self::Reconciling => "reconciling",
            Self::Retrying | Self::Failed => "failing",
            Self::Stalled => "stalled",
            Self::Suspended => "suspended",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it cannot go on as things are.
    pub fn is_failing(self) -> bool {
        matches!(self, Self::Retrying | Self::Failed | Self::Stalled)
    }
}

/// One object of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentObject {
    /// Its kind.
    pub kind: AgentKind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What it does.
    pub phase: Phase,
    /// Its controller's word for that.
    pub reason: Option<String>,
    /// Its controller's sentence, one line.
    pub message: Option<String>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Where it takes from, in its order; of a Flux source, the address itself.
    pub sources: Vec<From>,
    /// Newest revision that it knows of: what Argo CD compares with, what a Flux source has fetched.
    pub known: Option<String>,
    /// The revision that it last tried to apply.
    pub attempted: Option<String>,
    /// The revision that it has applied, whether what came of that is healthy or not.
    pub applied: Option<String>,
    /// When it acts by itself.
    pub pace: Pace,
    /// Where it applies to, where it says so.
    pub destination: Destination,
    /// What has to be ready before it is applied (`dependsOn`).
    pub depends_on: Vec<Reference>,
    /// Its sync wave (`argocd.argoproj.io/sync-wave`), where it says one.
    pub sync_wave: Option<i64>,
    /// The workloads that it manages.
    pub inventory: Vec<Part>,
    /// Since when what it has applied is deployed and all of it healthy, as it says; `None` where it is not, or does not say.
    pub healthy_since: Option<Timestamp>,
    /// The project of an Application.
    pub project: Option<String>,
    /// The sync windows of an `AppProject`.
    pub windows: Vec<SyncWindow>,
    /// The `ApplicationSet` that makes an Application.
    pub made_by: Option<Reference>,
}

/// An object of an agent by its kind, namespace and name.
pub type Reference = (AgentKind, String, String);

/// Where an agent takes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct From {
    /// The repository's address, where it stands in the object.
    pub url: Option<String>,
    /// The Flux source that has it.
    pub object: Option<Reference>,
    /// The path inside it, without `./` and slashes at its ends.
    pub path: Option<String>,
    /// The branch, tag, range or commit that is asked for.
    pub revision: Option<String>,
    /// The chart.
    pub chart: Option<String>,
    /// Files of values that it reads beside the path, as the repository names them.
    pub files: Vec<String>,
}

/// When an agent acts by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// Not known.
    #[default]
    Unknown,
    /// Never: somebody has to sync.
    Manual,
    /// When it sees a change.
    Automatic,
    /// Each so many seconds.
    Every {
        /// Seconds.
        seconds: i64,
        /// When it next does, where its status tells when it last did.
        next: Option<Timestamp>,
    },
}

/// Where an agent applies to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destination {
    /// The API server's address.
    pub server: Option<String>,
    /// The name of the cluster, as the agent calls it.
    pub cluster: Option<String>,
    /// The namespace of what names none itself.
    pub namespace: Option<String>,
}

impl Destination {
    /// Whether it is the cluster that the agent's object is in.
    pub fn is_own_cluster(&self) -> bool {
        match (&self.server, &self.cluster) {
            (Some(server), _) => server.trim_end_matches('/') == "https://kubernetes.default.svc",
            (None, Some(name)) => name == "in-cluster",
            (None, None) => true,
        }
    }
}

/// An object that an agent manages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// `Deployment`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// What a cell says of its agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentState {
    /// Its kind.
    pub kind: AgentKind,
    /// `NAMESPACE/NAME`.
    pub object: String,
    /// The kubeconfig context of the cluster that its object is in.
    #[serde(default)]
    pub cluster: String,
    /// The commit, digest or chart version that it has applied.
    pub revision: Option<String>,
    /// The commit, digest or chart version that it last tried to apply.
    #[serde(default)]
    pub attempted: Option<String>,
    /// What it does.
    pub phase: Phase,
    /// Why, in its own words.
    pub reason: Option<String>,
    /// What has to be ready before it is applied (`dependsOn`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<Reference>,
    /// Its sync wave among others, where it says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_wave: Option<i64>,
}

impl AgentState {
    /// Its own words, unless they are the word for what it does, in another spelling.
    pub fn own_words(&self) -> Option<&str> {
        let plain = |words: &str| words.replace('-', "").to_lowercase();
        let said = self.reason.as_deref();
        said.filter(|words| plain(words) != plain(self.phase.word()))
    }

    /// By which others name it; `None` where it names no object.
    pub fn reference(&self) -> Option<Reference> {
        let (namespace, name) = self.object.split_once('/')?;
        Some((self.kind, namespace.to_owned(), name.to_owned()))
    }

    /// What it can be told.
    pub fn orders(&self) -> impl Iterator<Item = Order> + use<> {
        let argocd = self.kind.is_argocd();
        let back = argocd.then_some(Order::Rollback(None));
        let plain = Order::ALL.into_iter();
        plain
            .filter(move |order| order.is_argocd() == argocd)
            .chain(back)
    }

    /// The command of the agent's own program that does the same as an order; empty where it names no object.
    pub fn command(&self, order: Order) -> String {
        let of = self.reference();
        of.map_or(String::new(), |of| order.command(&self.cluster, &of))
    }
}

impl AgentObject {
    /// By which others name it.
    pub fn key(&self) -> Reference {
        (self.kind, self.namespace.clone(), self.name.clone())
    }

    /// `NAMESPACE/NAME`.
    pub fn place(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// What a cell says of it.
    pub fn state(&self) -> AgentState {
        let short = |revision: &String| commit(revision).unwrap_or(revision).to_owned();
        AgentState {
            kind: self.kind,
            object: self.place(),
            cluster: String::new(),
            revision: self.applied.as_ref().map(short),
            attempted: self.attempted.as_ref().map(short),
            phase: self.phase,
            reason: match (&self.reason, &self.message) {
                (Some(reason), Some(message)) => Some(format!("{reason}: {message}")),
                (reason, message) => reason.clone().or(message.clone()),
            },
            depends_on: self.depends_on.clone(),
            sync_wave: self.sync_wave,
        }
    }
}

/// The commit in a revision as agents write it: `main@sha1:…`, `main/…`, or the commit alone.
pub fn commit(revision: &str) -> Option<&str> {
    let last = revision.rsplit(['@', '/']).next().unwrap_or(revision);
    let last = last.strip_prefix("sha1:").unwrap_or(last);
    let is_commit = last.len() == 40 && last.bytes().all(|b| b.is_ascii_hexdigit());
    is_commit.then_some(last)
}

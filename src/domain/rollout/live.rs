//! What the rest of the program sees: the health of a cell, its pods, and how fresh that knowledge is.

use std::fmt;

use jiff::Timestamp;
use litemap::LiteMap;
use serde::{Deserialize, Serialize};

use super::{automation::NextWrite, image::same_version, needs::Beside, pulled::Pulled};
use crate::domain::{
    agent::{AgentState, Hop, Progress},
    past_health::Since,
    policy::sync::SyncWindows,
    version::Version,
};

/// How a workload is doing, best to worst in the order of [`Health::severity`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Runs what it was told to, all of it ready.
    Healthy,
    /// On its way.
    Progressing,
    /// Waits at a step of its own strategy.
    Paused,
    /// Told not to move (`spec.paused`, a suspended reconciler).
    Suspended,
    /// Failed, or failing.
    Degraded,
    /// Declared in Git, absent from the cluster.
    Missing,
    /// Not known; never shown as healthy.
    Unknown,
}

impl Health {
    /// Larger is worse; the worst part decides for the whole.
    pub fn severity(self) -> u8 {
        match self {
            Self::Healthy => 0,
            Self::Suspended => 1,
            Self::Paused => 2,
            Self::Progressing => 3,
            Self::Missing => 4,
            Self::Degraded => 5,
            Self::Unknown => 6,
        }
    }

    /// The worse of two.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        if other.severity() > self.severity() {
            other
        } else {
            self
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Healthy => "healthy",
            Self::Progressing => "progressing",
            Self::Paused => "paused",
            Self::Suspended => "suspended",
            Self::Degraded => "degraded",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
        })
    }
}

/// A map of one or two entries for each of thousands of cells, where a tree's least node has room for eleven.
pub type Few<K, V> = LiteMap<K, V>;

/// What a cluster says about one cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveCell {
    /// The worst of its parts.
    pub health: Health,
    /// One line that says why it is not healthy, with counts and since when.
    pub reason: Option<String>,
    /// Since when the reason holds, where the cluster says so.
    pub since: Option<Timestamp>,
    /// Versions running in pods, with how many pods run each.
    pub versions: Few<Version, u32>,
    /// The version that the workload controller serves (its pod template), where there is one.
    pub serving: Option<Version>,
    /// Pods cannot show the declared value: `versions` and `serving` are of the images beside it, and prove nothing.
    pub hidden: bool,
    /// It is made of Jobs and `CronJobs` alone: nothing of it runs most of the time, no pods are waited for, and `versions`
    /// stays empty.
    #[serde(default)]
    pub batch: bool,
    /// Ready pods.
    pub ready: u32,
    /// Wanted pods.
    pub desired: u32,
    /// Pods of the newest revision.
    pub updated: u32,
    /// When the source last confirmed this.
    pub as_of: Timestamp,
    /// The source is lost: this is the last that was known.
    pub stale: bool,
    /// Workloads that make up the cell, as `Deployment/checkout`.
    pub workloads: Vec<String>,
    /// The pods of each of them, by its name; of what is not here they are not known.
    #[serde(default)]
    pub counts: Few<String, Counts>,
    /// Its pods, worst first.
    pub pods: Vec<PodState>,
    /// The agent that brings its version into the cluster, where one is known.
    #[serde(default)]
    pub agent: Option<Box<AgentState>>,
    /// Where its version is stuck, or on its way.
    #[serde(default)]
    pub hop: Option<Hop>,
    /// How far a progressive delivery of it has got, where there is one.
    #[serde(default)]
    pub progress: Option<Box<Progress>>,
    /// What stands beside its workloads, as far as there is something to say of it.
    #[serde(default)]
    pub beside: Vec<Beside>,
    /// Since when it has been healthy with what it runs, as its agent and its cluster say; empty where it is not.
    #[serde(default)]
    pub healthy: Vec<Since>,
    /// The sync windows about its Application, where there is one; `None`: there are none.
    #[serde(default)]
    pub windows: Option<Box<SyncWindows>>,
    /// What an automation will write in place of what Git declares.
    #[serde(default)]
    pub next_write: Option<Box<NextWrite>>,
}

impl LiveCell {
    /// Whether no pods are wanted: what would run is what the pod template says.
    pub fn is_at_zero(&self) -> bool {
        self.versions.is_empty() && self.desired == 0
    }

    /// Whether pods run anything else than `version`, or would where none are wanted; those that are going away do not
    /// count. Never where pods cannot show it.
    pub fn runs_other_than(&self, version: &Version) -> bool {
        if self.hidden {
            return false;
        }
        if self.is_at_zero() {
            let serving = self.serving.as_ref();
            return serving.is_some_and(|serving| !same_version(serving, version));
        }
        let going = |running: &Version| {
            let pods = self.pods.iter();
            let going = pods.filter(|pod| pod.terminating && pod.version.as_ref() == Some(running));
            going.count()
        };
        self.versions.iter().any(|(running, count)| {
            !same_version(running, version)
                && usize::try_from(*count).is_ok_and(|n| n > going(running))
        })
    }

    /// Nothing is known of the cell, for this reason.
    pub fn unknown(reason: impl Into<String>, as_of: Timestamp) -> Self {
        Self {
            health: Health::Unknown,
            reason: Some(reason.into()),
            since: None,
            versions: Few::default(),
            serving: None,
            hidden: false,
            batch: false,
            ready: 0,
            desired: 0,
            updated: 0,
            as_of,
            stale: false,
            workloads: Vec::new(),
            counts: Few::default(),
            pods: Vec::new(),
            agent: None,
            hop: None,
            progress: None,
            beside: Vec::new(),
            healthy: Vec::new(),
            windows: None,
            next_write: None,
        }
    }
}

/// How many pods one workload has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Ready pods.
    pub ready: u32,
    /// Wanted pods.
    pub desired: u32,
}

/// One pod of a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodState {
    /// The pod's name.
    pub name: String,
    /// The version its main container runs.
    pub version: Option<Version>,
    /// What its node pulled for that, where the node says it and the pod is not over.
    #[serde(default)]
    pub pulled: Option<Pulled>,
    /// Passes its readiness probe.
    pub ready: bool,
    /// `CrashLoopBackOff`, `ImagePullBackOff`, `OOMKilled`, `Unschedulable`, `Running`, …
    pub reason: String,
    /// More words from the cluster, one line.
    pub message: Option<String>,
    /// Restarts of its containers, added up.
    pub restarts: u32,
    /// Being deleted.
    pub terminating: bool,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// The node it is on.
    pub node: Option<String>,
}

/// Something the cluster noted about an object of a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterNote {
    /// When it last happened.
    pub time: Option<Timestamp>,
    /// `Warning` rather than `Normal`.
    pub warning: bool,
    /// A word, such as `BackOff`.
    pub reason: String,
    /// The sentence, one line.
    pub message: String,
    /// `Pod/checkout-5d9f…`.
    pub object: String,
    /// How often.
    pub count: u32,
}

/// How well one environment's cluster is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Connection {
    /// No `cluster` in the configuration: used by Git alone.
    Unconfigured,
    /// The first answer has not come yet.
    Connecting,
    /// Watching.
    Live,
    /// Reachable, but this identity may not see what is needed (403); `what` names it.
    Denied {
        /// The server's words.
        what: String,
    },
    /// Was there, or never came: tried again for ever.
    Lost {
        /// Why, in one line.
        reason: String,
        /// Since when.
        since: Timestamp,
        /// When it is tried next.
        next_try: Option<Timestamp>,
    },
}

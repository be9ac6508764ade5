//! The parts of cluster objects that decide a cell's health, and nothing else of them.

use std::fmt;

use jiff::Timestamp;

use super::{
    companion::{CompanionKind, CompanionObject},
    labels::Labels,
    needs::Reference,
    selector::Selector,
    target::EVERYWHERE,
};
use crate::domain::agent::{AgentKind, AgentObject, Progress};

/// The kinds that are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// `apps/v1` Deployment.
    Deployment,
    /// `apps/v1` `StatefulSet`.
    StatefulSet,
    /// `apps/v1` `DaemonSet`.
    DaemonSet,
    /// `apps/v1` `ReplicaSet`.
    ReplicaSet,
    /// `v1` Pod.
    Pod,
    /// `batch/v1` Job.
    Job,
    /// `batch/v1` `CronJob`.
    CronJob,
    /// `argoproj.io/v1alpha1` Rollout: Argo Rollouts' Deployment.
    Rollout,
    /// `flagger.app/v1beta1` Canary: how Flagger delivers a workload.
    Canary,
    /// What stands beside workloads.
    Companion(CompanionKind),
    /// An agent's.
    Agent(AgentKind),
}

impl ObjectKind {
    /// The kinds that cells are made of; agents have others ([`AgentKind::WATCHED`]).
    pub const ALL: [Self; 9] = [
        Self::Deployment,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::ReplicaSet,
        Self::Pod,
        Self::Job,
        Self::CronJob,
        Self::Rollout,
        Self::Canary,
    ];

    /// Kinds that a cell's workload may be of.
    pub const WORKLOADS: [Self; 6] = [
        Self::Deployment,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::Job,
        Self::CronJob,
        Self::Rollout,
    ];

    /// The kinds of what it makes, by which it is judged.
    pub fn parts(self) -> &'static [Self] {
        match self {
            Self::Deployment | Self::Rollout => &[Self::ReplicaSet, Self::Pod],
            Self::StatefulSet | Self::DaemonSet | Self::ReplicaSet | Self::Job => &[Self::Pod],
            Self::CronJob => &[Self::Job, Self::Pod],
            Self::Pod | Self::Canary | Self::Companion(_) | Self::Agent(_) => &[],
        }
    }

    /// The kinds that tell more of it where they are there, without which it is judged all the same.
    pub fn beside(self) -> &'static [Self] {
        use CompanionKind::{
            AnalysisRun, ClusterSecretStore, Experiment, ExternalSecret, HorizontalPodAutoscaler,
            SealedSecret, SecretStore,
        };
        const SCALER: ObjectKind = ObjectKind::Companion(HorizontalPodAutoscaler);
        const EXTERNAL: ObjectKind = ObjectKind::Companion(ExternalSecret);
        const STORE: ObjectKind = ObjectKind::Companion(SecretStore);
        const STORES: ObjectKind = ObjectKind::Companion(ClusterSecretStore);
        const SEALED: ObjectKind = ObjectKind::Companion(SealedSecret);
        match self {
            Self::Deployment => &[Self::Canary, SCALER, EXTERNAL, STORE, STORES, SEALED],
            Self::DaemonSet => &[Self::Canary, EXTERNAL, STORE, STORES, SEALED],
            Self::StatefulSet => &[SCALER, EXTERNAL, STORE, STORES, SEALED],
            Self::Job | Self::CronJob => &[EXTERNAL, STORE, STORES, SEALED],
            Self::Rollout => &[
                SCALER,
                EXTERNAL,
                STORE,
                STORES,
                SEALED,
                Self::Companion(AnalysisRun),
                Self::Companion(Experiment),
            ],
            Self::ReplicaSet | Self::Pod | Self::Canary | Self::Companion(_) | Self::Agent(_) => {
                &[]
            }
        }
    }

    /// Whether it is looked for in all namespaces at once, or is in none.
    pub fn is_everywhere(self) -> bool {
        match self {
            Self::Agent(_) => true,
            Self::Companion(kind) => kind.is_cluster_wide(),
            _ => false,
        }
    }

    /// Whether it is an agent's: looked for in all namespaces, and never what a cell is made of.
    pub fn is_agent(self) -> bool {
        matches!(self, Self::Agent(_))
    }

    /// Whether it stands beside workloads, of which it tells why they are as they are.
    pub fn is_companion(self) -> bool {
        matches!(self, Self::Companion(_))
    }

    /// Whether it only tells more of what runs: nothing waits for it, and whoever may not see it sees the rest.
    pub fn is_beside(self) -> bool {
        self.is_agent() || self.is_companion() || self == Self::Canary
    }

    /// Whether a server need not have it: most often because a `CustomResourceDefinition` makes it.
    pub fn is_custom(self) -> bool {
        self.is_beside() || self == Self::Rollout
    }

    /// Whether many have none and may not look for any: that is told by the cells that could be one.
    pub fn is_rare(self) -> bool {
        self.is_batch() || self.is_custom()
    }

    /// Whether Kubernetes itself rolls it out, and keeps what it can go back to.
    pub fn has_rollout(self) -> bool {
        matches!(self, Self::Deployment | Self::StatefulSet | Self::DaemonSet)
    }

    /// Whether it runs to an end, and nothing most of the time.
    pub fn is_batch(self) -> bool {
        matches!(self, Self::Job | Self::CronJob)
    }

    /// The kind as manifests write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::ReplicaSet => "ReplicaSet",
            Self::Pod => "Pod",
            Self::Job => "Job",
            Self::CronJob => "CronJob",
            Self::Rollout => "Rollout",
            Self::Canary => "Canary",
            Self::Companion(kind) => kind.as_str(),
            Self::Agent(kind) => kind.as_str(),
        }
    }

    /// The resource as access rules write it: `deployments`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
            Self::ReplicaSet => "replicasets",
            Self::Pod => "pods",
            Self::Job => "jobs",
            Self::CronJob => "cronjobs",
            Self::Rollout => "rollouts",
            Self::Canary => "canaries",
            Self::Companion(kind) => kind.plural(),
            Self::Agent(kind) => kind.plural(),
        }
    }

    /// The kind that a manifest or an owner reference calls `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One object of a watched kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterObject {
    /// A workload, which [`ObjectKind::WORKLOADS`] lists.
    Workload(Box<WorkloadState>),
    /// A `ReplicaSet`.
    ReplicaSet(Box<ReplicaSetState>),
    /// A pod.
    Pod(Box<PodObject>),
    /// How Flagger delivers a workload.
    Canary(Box<CanaryObject>),
    /// What stands beside workloads.
    Companion(Box<CompanionObject>),
    /// An object of an agent.
    Agent(Box<AgentObject>),
}

impl ClusterObject {
    /// Its kind.
    pub fn kind(&self) -> ObjectKind {
        match self {
            Self::Workload(workload) => workload.kind,
            Self::ReplicaSet(_) => ObjectKind::ReplicaSet,
            Self::Pod(_) => ObjectKind::Pod,
            Self::Canary(_) => ObjectKind::Canary,
            Self::Companion(object) => ObjectKind::Companion(object.kind),
            Self::Agent(agent) => ObjectKind::Agent(agent.kind),
        }
    }

    /// The namespace in which it is looked for.
    pub fn namespace(&self) -> &str {
        match self {
            Self::Workload(workload) => &workload.namespace,
            Self::ReplicaSet(set) => &set.namespace,
            Self::Pod(pod) => &pod.namespace,
            Self::Canary(canary) => &canary.namespace,
            Self::Companion(object) => &object.namespace,
            Self::Agent(_) => EVERYWHERE,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Workload(workload) => &workload.name,
            Self::ReplicaSet(set) => &set.name,
            Self::Pod(pod) => &pod.name,
            Self::Canary(canary) => &canary.name,
            Self::Companion(object) => &object.name,
            Self::Agent(agent) => &agent.name,
        }
    }
}

/// The controller that made an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// `ReplicaSet`, `StatefulSet`, … as written.
    pub kind: String,
    /// Its name, in the same namespace.
    pub name: String,
}

/// A container of a pod template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerImage {
    /// The container's name.
    pub name: String,
    /// The image reference as written: `registry/path/name:tag@digest`.
    pub image: String,
}

/// One `status.conditions[]` entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// `Progressing`, `Available`, …
    pub kind: String,
    /// `status` is `"True"`.
    pub holds: bool,
    /// A word, such as `ProgressDeadlineExceeded`.
    pub reason: String,
    /// The sentence, one line.
    pub message: String,
    /// When it last changed.
    pub since: Option<Timestamp>,
}

/// How a workload replaces its pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// A few at a time; a `StatefulSet` leaves the first `partition` pods as they are.
    Rolling {
        /// Ordinals below it are not updated.
        partition: u32,
    },
    /// All at once (Deployment `Recreate`).
    #[default]
    Recreate,
    /// Only when someone deletes a pod.
    OnDelete,
}

/// A workload: what makes pods from a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadState {
    /// Which kind of workload.
    pub kind: ObjectKind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The controller that made it: a `CronJob`, of a Job.
    pub owner: Option<Owner>,
    /// Its own labels.
    pub labels: Labels,
    /// The Application that Argo CD says it belongs to, as it writes that (`argocd.argoproj.io/tracking-id`).
    pub tracking: Option<String>,
    /// Which pods are its own.
    pub selector: Selector,
    /// `metadata.generation`.
    pub generation: i64,
    /// `status.observedGeneration`; 0 until the controller has looked.
    pub observed_generation: i64,
    /// Wanted pods; none of a Job or `CronJob`.
    pub desired: u32,
    /// Pods there are (`status.replicas`; scheduled ones of a `DaemonSet`; active ones of a Job).
    pub total: u32,
    /// Pods of the newest revision.
    pub updated: u32,
    /// Ready pods.
    pub ready: u32,
    /// Pods ready for long enough.
    pub available: u32,
    /// `spec.paused`; `spec.suspend` of a Job or `CronJob`.
    pub paused: bool,
    /// How pods are replaced.
    pub strategy: Strategy,
    /// Containers of its pod template.
    pub containers: Vec<ContainerImage>,
    /// What its pod template refers to.
    pub references: Box<[Reference]>,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
    /// The newest revision: a Deployment's revision annotation, a `StatefulSet`'s `updateRevision`.
    pub revision: Option<String>,
    /// A `StatefulSet`'s `currentRevision`.
    pub current_revision: Option<String>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// When a Deployment had all pods of its newest revision, where it has.
    pub completed: Option<Timestamp>,
    /// When a Deployment was last short of pods.
    pub unavailable: Option<Timestamp>,
    /// When a `CronJob` last began a run.
    pub last_begun: Option<Timestamp>,
    /// When a run of a `CronJob` last succeeded.
    pub last_succeeded: Option<Timestamp>,
    /// How far a Rollout has got with its newest version.
    pub progress: Option<Box<Progress>>,
    /// The workload that a Rollout takes its pod template from, where it has none of its own.
    pub template_of: Option<Owner>,
}

/// A Canary: how Flagger delivers a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanaryObject {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The workload whose template is delivered; `None` where it names none.
    pub target: Option<Owner>,
    /// How far that has got.
    pub progress: Progress,
}

/// A `ReplicaSet`: one revision of a Deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaSetState {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The Deployment that made it.
    pub owner: Option<Owner>,
    /// Its revision annotation.
    pub revision: Option<String>,
    /// Wanted pods.
    pub desired: u32,
    /// Ready pods.
    pub ready: u32,
    /// Containers of its pod template.
    pub containers: Vec<ContainerImage>,
    /// When it was created.
    pub created: Option<Timestamp>,
}

/// A pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodObject {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The controller that made it.
    pub owner: Option<Owner>,
    /// Its labels; where something made it, its revision alone.
    pub labels: Labels,
    /// `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`.
    pub phase: String,
    /// The Ready condition.
    pub ready: bool,
    /// When the Ready condition last changed.
    pub ready_changed: Option<Timestamp>,
    /// The scheduler's words, where it found no node, and since when.
    pub unschedulable: Option<Box<(String, Option<Timestamp>)>>,
    /// `status.reason`, such as `Evicted`.
    pub reason: Option<String>,
    /// `status.message`, one line.
    pub message: Option<String>,
    /// Its containers, those that run before the others first.
    pub containers: Vec<ContainerState>,
    /// Its containers are started again whenever they end: it never comes to an end by itself.
    pub runs_on: bool,
    /// Being deleted.
    pub terminating: bool,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// The node it is on.
    pub node: Option<String>,
}

/// One container of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerState {
    /// Its name.
    pub name: String,
    /// The image reference of the pod's specification.
    pub image: String,
    /// The digest of what its node pulled for that, where the node says it.
    pub digest: Option<Box<str>>,
    /// Runs before the others (`initContainers`).
    pub init: bool,
    /// Passes its readiness probe.
    pub ready: bool,
    /// Has passed its startup probe; `None` where the cluster does not say.
    pub started: Option<bool>,
    /// How often it was started again.
    pub restarts: u32,
    /// What it does now.
    pub run: Run,
    /// How it ended the time before.
    pub last: Option<Box<Ended>>,
}

/// What a container does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Run {
    /// Not started, with the reason (`CrashLoopBackOff`, `ContainerCreating`) and the words.
    Waiting {
        /// A word.
        reason: String,
        /// More words, one line.
        message: Option<Box<str>>,
    },
    /// Running since then.
    Running {
        /// When it started.
        since: Option<Timestamp>,
    },
    /// It ended, and does not run.
    Ended(Box<Ended>),
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// `Completed`, `Error`, `OOMKilled`, …
    pub reason: String,
    /// The exit code.
    pub exit: i32,
    /// When it ended, by the kubelet's clock; `None` where the status does not say.
    pub at: Option<Timestamp>,
    /// Its last words, one line.
    pub message: Option<String>,
}

//! Objects that stand beside workloads: what scales them, what brings the Secrets that they refer to, and what measures a new
//! version of them. Cells are judged without them; they tell why.

use serde_json::Value;

use super::{alone, live::Health, object::Owner, target::EVERYWHERE};
use crate::domain::agent::read::{clean, line, list, number, text};

/// Kinds of objects that stand beside workloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CompanionKind {
    /// `autoscaling` `HorizontalPodAutoscaler`: sets how many pods there are.
    HorizontalPodAutoscaler,
    /// External Secrets: makes a Secret of what a store holds.
    ExternalSecret,
    /// External Secrets: a store, for one namespace.
    SecretStore,
    /// External Secrets: a store, for all namespaces.
    ClusterSecretStore,
    /// Sealed Secrets: makes a Secret of what only its controller can read.
    SealedSecret,
    /// Argo Rollouts: measures a new version.
    AnalysisRun,
    /// Argo Rollouts: runs versions beside each other for a while.
    Experiment,
}

impl CompanionKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::HorizontalPodAutoscaler,
        Self::ExternalSecret,
        Self::SecretStore,
        Self::ClusterSecretStore,
        Self::SealedSecret,
        Self::AnalysisRun,
        Self::Experiment,
    ];

    /// The kind as manifests write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HorizontalPodAutoscaler => "HorizontalPodAutoscaler",
            Self::ExternalSecret => "ExternalSecret",
            Self::SecretStore => "SecretStore",
            Self::ClusterSecretStore => "ClusterSecretStore",
            Self::SealedSecret => "SealedSecret",
            Self::AnalysisRun => "AnalysisRun",
            Self::Experiment => "Experiment",
        }
    }

    /// Its API group.
    pub fn group(self) -> &'static str {
        match self {
            Self::HorizontalPodAutoscaler => "autoscaling",
            Self::ExternalSecret | Self::SecretStore | Self::ClusterSecretStore => {
                "external-secrets.io"
            }
            Self::SealedSecret => "bitnami.com",
            Self::AnalysisRun | Self::Experiment => "argoproj.io",
        }
    }

    /// The versions of its API that are known here, newest first.
    pub fn versions(self) -> &'static [&'static str] {
        match self {
            Self::HorizontalPodAutoscaler => &["v2"],
            Self::ExternalSecret | Self::SecretStore | Self::ClusterSecretStore => {
                &["v1", "v1beta1"]
            }
            Self::SealedSecret | Self::AnalysisRun | Self::Experiment => &["v1alpha1"],
        }
    }

    /// The resource as access rules write it: `externalsecrets`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::HorizontalPodAutoscaler => "horizontalpodautoscalers",
            Self::ExternalSecret => "externalsecrets",
            Self::SecretStore => "secretstores",
            Self::ClusterSecretStore => "clustersecretstores",
            Self::SealedSecret => "sealedsecrets",
            Self::AnalysisRun => "analysisruns",
            Self::Experiment => "experiments",
        }
    }

    /// Whether it is in no namespace.
    pub fn is_cluster_wide(self) -> bool {
        self == Self::ClusterSecretStore
    }

    /// The kind that a manifest calls `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// One object that stands beside workloads, as far as it tells something of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanionObject {
    /// Its kind.
    pub kind: CompanionKind,
    /// The namespace in which it is looked for: [`EVERYWHERE`] for what is in none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What it is about: the name of the Secret that it makes, or `Deployment/web`; empty for a store.
    pub about: String,
    /// How it is by itself.
    pub health: Health,
    /// Its controller's words for that, one line.
    pub said: Option<String>,
    /// What only its kind has.
    pub more: More,
}

/// What only some of the kinds have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum More {
    /// Nothing.
    Nothing,
    /// An autoscaler: between how many pods it chooses, and why it cannot.
    Scaler {
        /// The least.
        min: u32,
        /// The most.
        max: u32,
        /// Why it does not choose at all.
        stuck: Option<String>,
    },
    /// What makes a Secret: the store that it takes from, where it names one.
    Maker {
        /// Its kind and its name.
        store: Option<(CompanionKind, String)>,
    },
    /// What measures a version.
    Measures {
        /// The pod template's hash, by which the version is told.
        hash: Option<String>,
        /// Its controller's word: `Running`, `Failed`, …
        phase: String,
        /// The metrics that failed, each with what was measured and what was wanted.
        failed: Option<String>,
        /// The metrics, each with its phase.
        metrics: Vec<(String, String)>,
    },
}

/// An object of such a kind, by what stands in it; `None` where it has no name.
pub fn companion(kind: CompanionKind, object: &Value) -> Option<CompanionObject> {
    let name = line(object, "/metadata/name")?;
    let (health, mut said) = alone::judge_other(kind.as_str(), object)?;
    let (about, more) = match kind {
        CompanionKind::HorizontalPodAutoscaler => scaler(object),
        CompanionKind::ExternalSecret => {
            let makes = line(object, "/spec/target/name").unwrap_or_else(|| name.clone());
            let store = line(object, "/spec/secretStoreRef/name").map(|store| {
                let kind = text(object, "/spec/secretStoreRef/kind");
                let kind = kind.and_then(CompanionKind::parse);
                (kind.unwrap_or(CompanionKind::SecretStore), store)
            });
            (makes, More::Maker { store })
        }
        CompanionKind::SealedSecret => {
            let makes = line(object, "/spec/template/metadata/name");
            (
                makes.unwrap_or_else(|| name.clone()),
                More::Maker { store: None },
            )
        }
        CompanionKind::SecretStore | CompanionKind::ClusterSecretStore => {
            (String::new(), More::Nothing)
        }
        CompanionKind::AnalysisRun | CompanionKind::Experiment => {
            // Its phase stands beside.
            said = line(object, "/status/message");
            measures(object)
        }
    };
    let namespace = line(object, "/metadata/namespace");
    Some(CompanionObject {
        kind,
        namespace: match namespace {
            Some(namespace) if !kind.is_cluster_wide() => namespace,
            _ => EVERYWHERE.to_owned(),
        },
        name,
        about,
        health,
        said,
        more,
    })
}

fn scaler(object: &Value) -> (String, More) {
    let of = |name: &str| line(object, &format!("/spec/scaleTargetRef/{name}"));
    let about = match (of("kind"), of("name")) {
        (Some(kind), Some(name)) => format!("{kind}/{name}"),
        _ => String::new(),
    };
    let count = |pointer: &str| {
        let number = number(object, pointer);
        number.and_then(|it| u32::try_from(it).ok())
    };
    // It is off where nothing runs: that is no fault of it.
    let stuck = list(object, "/status/conditions").find(|it| {
        matches!(text(it, "/type"), Some("ScalingActive" | "AbleToScale"))
            && text(it, "/status") == Some("False")
            && text(it, "/reason") != Some("ScalingDisabled")
    });
    let more = More::Scaler {
        min: count("/spec/minReplicas").unwrap_or(1),
        max: count("/spec/maxReplicas").unwrap_or_default(),
        stuck: stuck.and_then(alone::words),
    };
    (about, more)
}

/// Where the controller of Argo Rollouts writes which version it measures.
const HASH: &str = "rollouts-pod-template-hash";
/// Metrics of which one line tells.
const TOLD: usize = 3;

fn measures(object: &Value) -> (String, More) {
    let mut owners = list(object, "/metadata/ownerReferences");
    let owner = owners.find(|it| text(it, "/kind") == Some("Rollout"));
    let about = owner.and_then(|it| line(it, "/name"));
    let labels = object.pointer("/metadata/labels");
    let hash = labels.and_then(|all| all.get(HASH)?.as_str());
    let results = || {
        list(object, "/status/metricResults")
            .filter(|it| it.get("dryRun") != Some(&Value::Bool(true)))
    };
    let failed: Vec<String> = results()
        .filter(|it| {
            matches!(
                text(it, "/phase"),
                Some("Failed" | "Error" | "Inconclusive")
            )
        })
        .filter_map(|result| failure(object, result))
        .take(TOLD)
        .collect();
    let more = More::Measures {
        hash: hash.map(clean),
        phase: line(object, "/status/phase").unwrap_or_else(|| "Pending".to_owned()),
        failed: (!failed.is_empty()).then(|| failed.join("; ")),
        metrics: results()
            .filter_map(|it| {
                let phase = line(it, "/phase").unwrap_or_default();
                Some((line(it, "/name")?, phase))
            })
            .take(2 * TOLD)
            .collect(),
    };
    let about = about.map_or_else(String::new, |name| format!("Rollout/{name}"));
    (about, more)
}

/// `success-rate measured [0.62], wanted result[0] >= 0.95`: by its last measurement that was none to be content with.
fn failure(object: &Value, result: &Value) -> Option<String> {
    let name = line(result, "/name")?;
    let last = list(result, "/measurements")
        .filter(|it| text(it, "/phase") != Some("Successful"))
        .last();
    let metric =
        list(object, "/spec/metrics").find(|it| text(it, "/name") == text(result, "/name"));
    let condition = |pointer: &str| metric.and_then(|metric| line(metric, pointer));
    let wanted = match (
        condition("/successCondition"),
        condition("/failureCondition"),
    ) {
        (Some(wanted), _) => format!(", wanted {wanted}"),
        (None, Some(refused)) => format!(", fails where {refused}"),
        (None, None) => String::new(),
    };
    let value = last.and_then(|it| line(it, "/value"));
    let said = last
        .and_then(|it| line(it, "/message"))
        .or_else(|| line(result, "/message"));
    Some(match (value, said) {
        (Some(value), _) => format!("{name} measured {value}{wanted}"),
        (None, Some(said)) => format!("{name} could not be measured: {said}"),
        (None, None) => format!("{name} failed{wanted}"),
    })
}

impl CompanionObject {
    /// What it is about, as [`CompanionObject::about`] writes a workload.
    pub(super) fn about(owner: &Owner) -> String {
        format!("{}/{}", owner.kind, owner.name)
    }
}

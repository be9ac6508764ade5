//! What pods refer to and cannot do without: Secrets and `ConfigMaps`, and what makes these. Of a Secret nothing is ever known but
//! that it is there, and which of the keys that are referred to it lacks.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{
    assess::Found,
    companion::{CompanionKind, CompanionObject, More},
    live::{Health, LiveCell},
    object::{ObjectKind, Owner, WorkloadState},
    store::Namespace,
};
use crate::domain::agent::Progress;

/// What a pod template may refer to by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeldKind {
    /// `v1` Secret.
    Secret,
    /// `v1` `ConfigMap`.
    ConfigMap,
}

impl HeldKind {
    /// The kind as manifests write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        }
    }

    /// The resource as access rules write it.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Secret => "secrets",
            Self::ConfigMap => "configmaps",
        }
    }
}

impl fmt::Display for HeldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a pod template refers to; what it can do without (`optional: true`) is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What that is.
    pub kind: HeldKind,
    /// Its name.
    pub name: String,
    /// The keys that it must have, in order.
    pub keys: Box<[String]>,
    /// Images are pulled with it, and nothing else: that need not fail without it.
    pub pulls: bool,
}

/// A Secret or a `ConfigMap` of which a cluster is asked whether it is there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// Its namespace.
    pub namespace: String,
    /// What it is.
    pub kind: HeldKind,
    /// Its name.
    pub name: String,
    /// The keys that it should have; without any, nothing of its content is asked for.
    pub keys: Box<[String]>,
}

/// What a cluster says of a Secret or a `ConfigMap`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is there, and lacks these of the keys that it should have.
    There {
        /// In order.
        lacks: Vec<String>,
    },
    /// It is not there.
    Missing,
    /// This identity may not look (403), in the server's words.
    Unseen(String),
}

/// Something that stands beside a cell's workloads: what they need, what scales them, what measures them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// Its kind, as manifests write it.
    pub kind: String,
    /// Its namespace; empty where it is in none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// How it is: missing, degraded, unknown where it cannot be seen.
    pub health: Health,
    /// What there is to say of it, one line, such as `is missing`.
    pub words: String,
}

impl Beside {
    /// `Secret web-tokens is missing`.
    pub fn sentence(&self) -> String {
        format!("{} {} {}", self.kind, self.name, self.words)
    }

    /// The kind by which it can be looked at; a Secret's content never is.
    pub fn companion(&self) -> Option<CompanionKind> {
        CompanionKind::parse(&self.kind)
    }
}

/// So many sentences are told in a cell's one line.
const TOLD: usize = 2;

/// Whether a cell that is so wants what it refers to looked at: it fails, or waits for pods.
pub(super) fn waits(cell: &LiveCell) -> bool {
    let waits = |pod: &super::PodState| !pod.ready && !pod.terminating && pod.reason != "Completed";
    cell.health == Health::Degraded || cell.pods.iter().any(waits)
}

/// What a cluster has to be asked for that workloads refer to.
pub(super) fn held(workloads: &[Found<'_>]) -> Vec<Held> {
    let mut all: BTreeMap<(&str, HeldKind, &str), Vec<String>> = BTreeMap::new();
    for (namespace, workload) in workloads {
        for reference in references(namespace, workload) {
            let at = (
                workload.namespace.as_str(),
                reference.kind,
                reference.name.as_str(),
            );
            all.entry(at).or_default().extend(reference.keys.to_vec());
        }
    }
    let all = all.into_iter();
    all.map(|((namespace, kind, name), mut keys)| {
        keys.sort();
        keys.dedup();
        Held {
            namespace: namespace.to_owned(),
            kind,
            name: name.to_owned(),
            keys: keys.into(),
        }
    })
    .collect()
}

/// Tells in the cell what stands beside its workloads, and of what is wrong with that in its reason.
pub(super) fn tell(cell: &mut LiveCell, workloads: &[Found<'_>], everywhere: Option<&Namespace>) {
    let mut all: Vec<Beside> = std::mem::take(&mut cell.beside);
    let mut add = |it: Beside| {
        let same = |other: &Beside| (&other.kind, &other.name) == (&it.kind, &it.name);
        if !all.iter().any(same) {
            all.push(it);
        }
    };
    let pulls = cell
        .pods
        .iter()
        .any(|pod| pod.reason.contains("ImagePull") || pod.reason == "RegistryUnavailable");
    let waits = waits(cell);
    for (namespace, workload) in workloads {
        for reference in references(namespace, workload) {
            if reference.pulls && !pulls {
                continue;
            }
            for it in of_reference((namespace, everywhere), workload, reference, waits) {
                add(it);
            }
        }
        for scaler in
            namespace.companions_of(CompanionKind::HorizontalPodAutoscaler, &about(workload))
        {
            add(scaled(scaler));
        }
    }
    let wrong = all.iter().filter(|it| {
        let counts = match it.companion() {
            // While pods come and go its metrics may lack some: that is no news, and no failure.
            Some(CompanionKind::HorizontalPodAutoscaler) => cell.health == Health::Healthy,
            // The progress tells what came of these.
            Some(CompanionKind::AnalysisRun | CompanionKind::Experiment) => false,
            _ => true,
        };
        counts && matches!(it.health, Health::Missing | Health::Degraded)
    });
    let mut words: Vec<String> = wrong.take(TOLD).map(Beside::sentence).collect();
    words.extend(cell.reason.take().filter(|it| !it.is_empty()));
    cell.reason = (!words.is_empty()).then(|| words.join("; "));
    cell.beside = all;
}

/// The measurements of the version that is to take over, in the cell; what failed of them goes to the progress.
pub(super) fn measured(
    cell: &mut LiveCell,
    progress: &mut Progress,
    (namespace, workload): Found<'_>,
) {
    for kind in [CompanionKind::AnalysisRun, CompanionKind::Experiment] {
        for run in namespace.companions_of(kind, &about(workload)) {
            let More::Measures {
                hash,
                phase,
                failed,
                metrics,
            } = &run.more
            else {
                continue;
            };
            if hash.is_some() && *hash != progress.hashes.1 {
                continue;
            }
            if run.health == Health::Degraded
                && let Some(failed) = failed
            {
                progress.measured.get_or_insert_with(|| failed.clone());
            }
            let said = failed.as_ref().or(run.said.as_ref());
            let metrics = metrics
                .iter()
                .map(|(name, phase)| format!("{name} {phase}"));
            let metrics = metrics.collect::<Vec<_>>().join(", ");
            let more = [Some(&metrics).filter(|it| !it.is_empty()), said];
            let words = more
                .into_iter()
                .flatten()
                .fold(phase.clone(), |words, more| format!("{words}: {more}"));
            cell.beside.push(Beside {
                words,
                ..beside(run)
            });
        }
    }
}

/// What a workload's pods refer to; a Rollout may take its template from another workload.
fn references<'a>(namespace: &'a Namespace, workload: &'a WorkloadState) -> &'a [Reference] {
    let lent = workload.template_of.as_ref().and_then(|of| {
        let kind = ObjectKind::parse(&of.kind)?;
        namespace.workload(kind, &of.name)
    });
    &lent.unwrap_or(workload).references
}

fn about(workload: &WorkloadState) -> String {
    CompanionObject::about(&Owner {
        kind: workload.kind.to_string(),
        name: workload.name.clone(),
    })
}

/// What is wrong with what a workload refers to: itself first, then what should have made it.
fn of_reference(
    (namespace, everywhere): (&Namespace, Option<&Namespace>),
    workload: &WorkloadState,
    reference: &Reference,
    waits: bool,
) -> Vec<Beside> {
    let mut all = Vec::new();
    let presence = namespace.presence(reference.kind, &reference.name);
    let own = presence
        .filter(|_| waits)
        .and_then(|presence| match presence {
            Presence::Missing => Some((Health::Missing, "is missing".to_owned())),
            Presence::Unseen(why) => Some((Health::Unknown, format!("cannot be seen: {why}"))),
            Presence::There { lacks } => {
                // Of several workloads each has its own keys.
                let lacks = lacks.iter().filter(|key| reference.keys.contains(key));
                let lacks: Vec<&str> = lacks.map(String::as_str).collect();
                let noun = if lacks.len() == 1 { "key" } else { "keys" };
                let words = format!("has no {noun} {}", lacks.join(", "));
                (!lacks.is_empty()).then_some((Health::Degraded, words))
            }
        });
    let is_missing = own
        .as_ref()
        .is_some_and(|(health, _)| *health == Health::Missing);
    all.extend(own.map(|(health, words)| Beside {
        kind: reference.kind.to_string(),
        namespace: workload.namespace.clone(),
        name: reference.name.clone(),
        health,
        words,
    }));
    if reference.kind != HeldKind::Secret {
        return all;
    }
    for kind in [CompanionKind::ExternalSecret, CompanionKind::SealedSecret] {
        for maker in namespace.companions_of(kind, &reference.name) {
            // One that has not been looked at yet is news only where its Secret is waited for.
            if !(maker.health == Health::Degraded || is_missing && maker.health != Health::Healthy)
            {
                continue;
            }
            all.push(unready(maker));
            if let More::Maker {
                store: Some((kind, name)),
            } = &maker.more
            {
                let place = if kind.is_cluster_wide() {
                    everywhere
                } else {
                    Some(namespace)
                };
                let store = place.and_then(|place| place.companion(*kind, name));
                all.extend(
                    store
                        .filter(|it| it.health == Health::Degraded)
                        .map(unready),
                );
            }
        }
    }
    all
}

fn unready(object: &CompanionObject) -> Beside {
    let state = match object.health {
        Health::Degraded => "is not ready",
        _ => "has not been looked at yet",
    };
    let words = match &object.said {
        Some(said) => format!("{state}: {said}"),
        None => state.to_owned(),
    };
    Beside {
        words,
        ..beside(object)
    }
}

fn scaled(scaler: &CompanionObject) -> Beside {
    let More::Scaler { min, max, stuck } = &scaler.more else {
        return beside(scaler);
    };
    let range = format!("{min} to {max} pods");
    match stuck {
        Some(why) => Beside {
            health: Health::Degraded,
            words: format!("does not scale ({range}): {why}"),
            ..beside(scaler)
        },
        None => Beside {
            health: Health::Healthy,
            words: range,
            ..beside(scaler)
        },
    }
}

fn beside(object: &CompanionObject) -> Beside {
    Beside {
        kind: object.kind.as_str().to_owned(),
        namespace: if object.kind.is_cluster_wide() {
            String::new()
        } else {
            object.namespace.clone()
        },
        name: object.name.clone(),
        health: object.health,
        words: object.said.clone().unwrap_or_default(),
    }
}

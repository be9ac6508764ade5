//! How single objects are: as Argo CD's own health checks have it, and where ours differs on purpose.
#![allow(clippy::unwrap_used)] // a harness fails by panicking

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tidegate::{domain::rollout::Health, sources::cluster::judge};

/// Kinds on which ours agrees.
const KINDS: [&str; 25] = [
    "AnalysisRun",
    "ApplicationSet",
    "Bucket",
    "Canary",
    "DaemonSet",
    "Deployment",
    "Experiment",
    "ExternalSecret",
    "GitRepository",
    "HelmChart",
    "HelmRelease",
    "HelmRepository",
    "HorizontalPodAutoscaler",
    "ImagePolicy",
    "ImageRepository",
    "ImageUpdateAutomation",
    "Job",
    "Kustomization",
    "OCIRepository",
    "Pod",
    "ReplicaSet",
    "Rollout",
    "SealedSecret",
    "SecretStore",
    "StatefulSet",
];

/// Where ours is another one, and why: by the end of the case's name.
const OTHERS: [(&str, &str, &str); 0] = [];

/// One of the health tests of Argo CD.
#[derive(Deserialize)]
struct Judged {
    kind: String,
    object: Value,
    expected: Expected,
    source: String,
}

#[derive(Deserialize)]
struct Expected {
    status: String,
}

/// Times that went through a reader of YAML, as a server writes them.
fn with_times(value: &mut Value) {
    match value {
        Value::String(text) => {
            let (day, rest) = text.split_once(' ').unwrap_or(("", ""));
            let time = rest.strip_suffix("+00:00");
            if let Some(time) = time.filter(|_| day.len() == 10) {
                *text = format!("{day}T{time}Z");
            }
        }
        Value::Array(all) => all.iter_mut().for_each(with_times),
        Value::Object(all) => all.values_mut().for_each(with_times),
        _ => {}
    }
}

/// In the words of Argo CD, which has none for what waits at a step.
fn word(health: Health) -> &'static str {
    match health {
        Health::Healthy => "Healthy",
        Health::Progressing => "Progressing",
        Health::Paused | Health::Suspended => "Suspended",
        Health::Degraded => "Degraded",
        Health::Missing => "Missing",
        Health::Unknown => "Unknown",
    }
}

#[test]
#[ignore = "needs the corpora, beside the repository or where TIDEGATE_CORPORA says; .ci/run has them"]
fn objects_are_judged_as_argo_cd_judges_them() {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    let corpora = env::var_os("TIDEGATE_CORPORA").map_or_else(beside, PathBuf::from);
    let all: Vec<Judged> =
        serde_json::from_slice(&fs::read(corpora.join("health.json")).unwrap()).unwrap();
    let now: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in &all {
        let kind = case.kind.as_str();
        if !KINDS.contains(&kind) {
            continue;
        }
        *seen.entry(kind).or_default() += 1;
        let mut object = case.object.clone();
        with_times(&mut object);
        let Some((health, _)) = judge(&object, now) else {
            wrong.push(format!("{}: nothing is said of it", case.source));
            continue;
        };
        let other = OTHERS.iter().find(|(name, ..)| case.source.ends_with(name));
        let expected = other.map_or(case.expected.status.as_str(), |(_, ours, _)| ours);
        if word(health) != expected {
            let ours = word(health);
            wrong.push(format!("{}: {ours}, not {expected}", case.source));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let names: BTreeSet<&str> = seen.keys().copied().collect();
    assert!(names.len() >= 20, "{names:?}");
}

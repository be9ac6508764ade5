//! Argo CD: Applications with one source or several, and `ApplicationSets`.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    AgentKind, AgentObject, From, Pace, Phase,
    read::{line, list, part, path, text, time},
};

/// Conditions that say that nothing was compared.
const ERRORS: [&str; 3] = ["InvalidSpecError", "ComparisonError", "UnknownError"];

pub(super) fn application(object: &Value, agent: &mut AgentObject) {
    let several = list(object, "/spec/sources").map(from);
    agent.sources = several.collect();
    if agent.sources.is_empty() {
        agent.sources = object
            .pointer("/spec/source")
            .map(from)
            .into_iter()
            .collect();
    }
    agent.destination.server = line(object, "/spec/destination/server");
    agent.destination.cluster = line(object, "/spec/destination/name");
    agent.destination.namespace = line(object, "/spec/destination/namespace");
    agent.inventory = list(object, "/status/resources")
        .filter_map(|it| {
            let namespace = text(it, "/namespace").unwrap_or_default();
            part(text(it, "/kind")?, namespace, text(it, "/name")?)
        })
        .collect();
    agent.pace = if is_automated(object) {
        Pace::Automatic
    } else {
        Pace::Manual
    };
    let synced = text(object, "/status/sync/status") == Some("Synced");
    agent.known = revision(object, "/status/sync");
    agent.attempted = revision(object, "/status/operationState/syncResult");
    let newest = list(object, "/status/history").last();
    agent.applied = if synced {
        agent.known.clone()
    } else {
        newest.and_then(|entry| revision(entry, ""))
    };
    let annotations = object.pointer("/metadata/annotations");
    let wave = annotations.and_then(|all| all.get("argocd.argoproj.io/sync-wave"));
    agent.sync_wave = wave
        .and_then(Value::as_str)
        .and_then(|wave| wave.trim().parse().ok());
    agent.made_by = list(object, "/metadata/ownerReferences")
        .find(|it| text(it, "/kind") == Some("ApplicationSet"))
        .and_then(|it| line(it, "/name"))
        .map(|name| (AgentKind::ApplicationSet, agent.namespace.clone(), name));
    agent.project = line(object, "/spec/project").or_else(|| Some("default".to_owned()));
    judge(object, agent);
    agent.healthy_since = healthy_since(object, agent.phase);
}

/// What was deployed last has been there since then, and healthy since its health last changed.
fn healthy_since(object: &Value, phase: Phase) -> Option<Timestamp> {
    let is_healthy = text(object, "/status/health/status") == Some("Healthy");
    if !is_healthy || phase != Phase::Current {
        return None;
    }
    let deployed = list(object, "/status/history").last();
    let deployed = time(deployed?, "/deployedAt")?;
    // Older versions of Argo CD do not say when it changed.
    let changed = time(object, "/status/health/lastTransitionTime");
    Some(changed.map_or(deployed, |changed| changed.max(deployed)))
}

/// By its conditions, its operation and its comparison, in that order: what was not compared says nothing of being in sync.
fn judge(object: &Value, agent: &mut AgentObject) {
    let error = list(object, "/status/conditions")
        .find(|it| text(it, "/type").is_some_and(|kind| ERRORS.contains(&kind)));
    let operation = text(object, "/status/operationState/phase");
    let tries = object.pointer("/status/operationState/retryCount");
    let tries = tries.and_then(Value::as_u64).unwrap_or_default();
    // What it tried for another revision has been overtaken.
    let is_of_now = agent.attempted.is_none() || agent.attempted == agent.known;
    let skipped = object
        .pointer("/metadata/annotations")
        .and_then(|all| all.get("argocd.argoproj.io/skip-reconcile"))
        .and_then(Value::as_str)
        == Some("true");
    let comparison = text(object, "/status/sync/status");
    let manual = agent.pace == Pace::Manual;
    agent.reason = comparison.map(str::to_owned);
    agent.phase = match (operation, comparison) {
        _ if skipped => Phase::Suspended,
        _ if error.is_some() => Phase::Failed,
        (Some("Running"), _) if tries > 0 => Phase::Retrying,
        (Some("Running" | "Terminating"), _) => Phase::Reconciling,
        (Some("Failed" | "Error"), _) if is_of_now => Phase::Failed,
        (_, Some("Synced")) => Phase::Current,
        (_, Some("OutOfSync")) if manual => Phase::NotAutomated,
        (_, Some("OutOfSync")) => Phase::OutOfSync,
        _ => Phase::Unknown,
    };
    match agent.phase {
        Phase::Failed if let Some(error) = error => {
            agent.reason = line(error, "/type");
            agent.message = line(error, "/message");
            agent.since = time(error, "/lastTransitionTime");
        }
        Phase::Failed | Phase::Retrying | Phase::Reconciling => {
            agent.reason = operation.map(|phase| format!("Sync{phase}"));
            agent.message = line(object, "/status/operationState/message");
            agent.since = time(object, "/status/operationState/finishedAt")
                .or_else(|| time(object, "/status/operationState/startedAt"));
        }
        _ => {}
    }
}

fn is_automated(object: &Value) -> bool {
    let automated = object.pointer("/spec/syncPolicy/automated");
    automated.is_some_and(|it| {
        it.is_object() && it.get("enabled").and_then(Value::as_bool) != Some(false)
    })
}

fn from(source: &Value) -> From {
    From {
        url: line(source, "/repoURL"),
        object: None,
        path: path(source, "/path"),
        revision: line(source, "/targetRevision"),
        chart: line(source, "/chart"),
        files: list(source, "/helm/valueFiles")
            .filter_map(|file| value_file(path(source, "/path"), file.as_str()?))
            .collect(),
    }
}

/// Where a file of values is in its repository: relative to the chart's path, or to the root of a source that has a name
/// (`$values/envs/dev.yaml`).
fn value_file(base: Option<String>, file: &str) -> Option<String> {
    if file.contains("://") {
        return None;
    }
    let base = base.unwrap_or_default();
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    let file = match file.strip_prefix('$') {
        Some(named) => {
            parts.clear();
            named.split_once('/')?.1
        }
        None if file.starts_with('/') => {
            parts.clear();
            file
        }
        None => file,
    };
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(super::read::clean(&parts.join("/")))
}

/// Of several sources, the revision of the first that is a commit: the others are charts.
fn revision(object: &Value, pointer: &str) -> Option<String> {
    let several: Vec<_> = list(object, &format!("{pointer}/revisions"))
        .filter_map(Value::as_str)
        .collect();
    let commit = several.iter().find(|it| super::commit(it).is_some());
    let first = commit.or(several.first()).map(|it| (*it).to_owned());
    first.or_else(|| line(object, &format!("{pointer}/revision")))
}

pub(super) fn application_set(object: &Value, agent: &mut AgentObject) {
    let holds = |kind: &str| {
        list(object, "/status/conditions")
            .find(|it| text(it, "/type") == Some(kind) && text(it, "/status") == Some("True"))
    };
    let (phase, told) = if let Some(error) = holds("ErrorOccurred") {
        (Phase::Failed, Some(error))
    } else if let Some(moving) = holds("RolloutProgressing") {
        (Phase::Reconciling, Some(moving))
    } else if let Some(current) = holds("ResourcesUpToDate") {
        (Phase::Current, Some(current))
    } else {
        (Phase::Reconciling, None)
    };
    agent.phase = phase;
    agent.reason = told.and_then(|it| line(it, "/reason"));
    agent.message = told.and_then(|it| line(it, "/message"));
    agent.since = told.and_then(|it| time(it, "/lastTransitionTime"));
    generated(object, "/spec/generators", 0, &mut agent.sources);
    let template = object.pointer("/spec/template/spec");
    let several = template.into_iter().flat_map(|it| list(it, "/sources"));
    let one = template.and_then(|it| it.pointer("/source"));
    // What a parameter stands in is where the generators say.
    let plain = |from: &From| {
        from.path
            .as_deref()
            .is_some_and(|path| !path.contains("{{"))
    };
    let written = several.chain(one).map(from).filter(plain);
    agent.sources.extend(written);
}

/// Generators stand in each other so deep.
const DEEP: u8 = 2;

/// Where generators take from in repositories: the folder before the first part that is a pattern.
fn generated(object: &Value, pointer: &str, depth: u8, sources: &mut Vec<From>) {
    for generator in list(object, pointer) {
        for place in ["/git/files", "/git/directories"] {
            for entry in list(generator, place) {
                let Some(path) = path(entry, "/path") else {
                    continue;
                };
                let is_plain = |part: &&str| !part.contains(['*', '?', '[', '{']);
                let fixed: Vec<&str> = path.split('/').take_while(is_plain).collect();
                let whole = fixed.len() == path.split('/').count();
                let path = fixed.join("/");
                sources.push(From {
                    url: line(generator, "/git/repoURL"),
                    revision: line(generator, "/git/revision"),
                    files: if whole {
                        vec![path.clone()]
                    } else {
                        Vec::new()
                    },
                    path: Some(path),
                    ..From::default()
                });
            }
        }
        if depth < DEEP {
            for inner in ["/matrix/generators", "/merge/generators"] {
                generated(generator, inner, depth + 1, sources);
            }
        }
    }
}

//! Flux: sources, Kustomizations, `HelmReleases` and the image kinds. They share their conditions and their suspension.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    AgentKind, AgentObject, From, Pace, Phase, Reference,
    read::{clean, line, list, number, part, path, text, time},
};

/// What a Kustomization's message says while it waits for what it has applied.
const CHECKS: &str = "Running health checks for revision ";

pub(super) fn read(object: &Value, agent: &mut AgentObject) {
    judge(object, agent);
    let seconds = text(object, "/spec/interval").and_then(span);
    // What failed is tried again sooner, where that is said.
    let again = text(object, "/spec/retryInterval").and_then(span);
    let seconds = again.filter(|_| agent.phase.is_failing()).or(seconds);
    if let Some(seconds) = seconds {
        let last = list(object, "/status/history")
            .filter_map(|entry| time(entry, "/lastReconciled"))
            .max();
        let next = last.and_then(|last| last.checked_add(SignedDuration::from_secs(seconds)).ok());
        agent.pace = Pace::Every { seconds, next };
    }
    agent.depends_on = list(object, "/spec/dependsOn")
        .filter_map(|it| {
            let namespace = line(it, "/namespace").unwrap_or_else(|| agent.namespace.clone());
            Some((agent.kind, namespace, line(it, "/name")?))
        })
        .collect();
    agent.attempted = line(object, "/status/lastAttemptedRevision");
    agent.applied = line(object, "/status/lastAppliedRevision");
    match agent.kind {
        AgentKind::Kustomization => kustomization(object, agent),
        AgentKind::HelmRelease => helm_release(object, agent),
        AgentKind::ImagePolicy => image_policy(object, agent),
        AgentKind::ImageUpdateAutomation => image_automation(object, agent),
        _ => source(object, agent),
    }
    if agent.kind.applies() && agent.phase == Phase::Current {
        agent.healthy_since = healthy_since(object, agent);
    }
}

/// What it has reconciled last has been there since the first time, and all of it ready since that was last said anew.
fn healthy_since(object: &Value, agent: &AgentObject) -> Option<Timestamp> {
    let newest = list(object, "/status/history").next();
    let came = newest.and_then(|entry| match agent.kind {
        AgentKind::HelmRelease => time(entry, "/lastDeployed"),
        _ => time(entry, "/firstReconciled"),
    });
    // Its Ready condition is of what was applied, and of more only where it waits for that.
    let waits = agent.kind == AgentKind::HelmRelease
        || object.pointer("/spec/wait").and_then(Value::as_bool) == Some(true)
        || list(object, "/spec/healthChecks").next().is_some();
    let ready = agent.since.filter(|_| waits)?;
    Some(came.map_or(ready, |came| came.max(ready)))
}

/// By its conditions: it is ready only where that was said of its newest generation.
fn judge(object: &Value, agent: &mut AgentObject) {
    let generation = number(object, "/metadata/generation");
    let observed = number(object, "/status/observedGeneration");
    let condition =
        |kind: &str| list(object, "/status/conditions").find(|it| text(it, "/type") == Some(kind));
    let status = |it: Option<&Value>| it.and_then(|it| text(it, "/status")).map(str::to_owned);
    let ready = condition("Ready");
    let stalled = condition("Stalled").filter(|it| text(it, "/status") == Some("True"));
    let moving = condition("Reconciling").filter(|it| text(it, "/status") == Some("True"));
    let seen = ready
        .and_then(|it| number(it, "/observedGeneration"))
        .or(observed);
    let is_old = generation.zip(seen).is_some_and(|(now, seen)| seen < now);
    let is_at_work = moving.filter(|it| text(it, "/reason") != Some("ProgressingWithRetry"));
    let suspended = object.pointer("/spec/suspend").and_then(Value::as_bool) == Some(true);
    let (phase, told) = match status(ready).as_deref() {
        _ if suspended => (Phase::Suspended, ready),
        _ if stalled.is_some() => (Phase::Stalled, stalled),
        _ if is_old => (Phase::Reconciling, None),
        Some("True") if moving.is_some() => (Phase::Reconciling, moving),
        Some("True") => (Phase::Current, ready),
        Some("False") if ready.and_then(|it| text(it, "/reason")) == Some("Progressing") => {
            (Phase::Reconciling, ready)
        }
        Some("False") if moving.is_some() => (Phase::Retrying, ready),
        Some("False") => (Phase::Failed, ready),
        _ => (Phase::Reconciling, is_at_work.or(ready).or(moving)),
    };
    agent.phase = phase;
    agent.reason = told.and_then(|it| line(it, "/reason"));
    agent.message = told.and_then(|it| line(it, "/message"));
    agent.since = told.and_then(|it| time(it, "/lastTransitionTime"));
    if is_old && phase == Phase::Reconciling {
        agent.message = Some("its controller has not seen the newest change yet".to_owned());
    }
}

fn kustomization(object: &Value, agent: &mut AgentObject) {
    let reference = reference(object, "/spec/sourceRef", &agent.namespace);
    agent.sources = vec![From {
        object: reference,
        path: Some(path(object, "/spec/path").unwrap_or_default()),
        ..From::default()
    }];
    agent.destination.namespace = line(object, "/spec/targetNamespace");
    // A Secret that has the kubeconfig of another cluster: the name is all that is known of that.
    agent.destination.cluster = line(object, "/spec/kubeConfig/secretRef/name");
    // It has applied what it then found unhealthy, and what it still waits for.
    if agent.reason.as_deref() == Some("HealthCheckFailed") {
        agent.applied = agent.attempted.clone().or(agent.applied.take());
    }
    let words = agent.message.as_deref();
    if let Some(rest) = words.and_then(|words| words.strip_prefix(CHECKS)) {
        agent.applied = rest.split_whitespace().next().map(str::to_owned);
    }
    // `NAMESPACE_NAME_GROUP_KIND`; no part of a name has an underscore but the kinds of RBAC, which are not kept.
    agent.inventory = list(object, "/status/inventory/entries")
        .filter_map(|entry| {
            let id = text(entry, "/id")?;
            let mut parts = id.split('_');
            let (namespace, name) = (parts.next()?, parts.next()?);
            let (_group, kind) = (parts.next()?, parts.next()?);
            part(kind, namespace, name)
        })
        .collect();
}

fn helm_release(object: &Value, agent: &mut AgentObject) {
    let by_chart = reference(object, "/spec/chart/spec/sourceRef", &agent.namespace);
    let by_reference = reference(object, "/spec/chartRef", &agent.namespace);
    agent.sources = vec![From {
        object: by_chart.or(by_reference),
        chart: line(object, "/spec/chart/spec/chart"),
        revision: line(object, "/spec/chart/spec/version"),
        ..From::default()
    }];
    // The chart that is made of it: `NAMESPACE/NAME`.
    let chart = text(object, "/status/helmChart").and_then(|it| it.split_once('/'));
    agent.sources.extend(chart.map(|(namespace, name)| From {
        object: Some((AgentKind::HelmChart, clean(namespace), clean(name))),
        ..From::default()
    }));
    agent.destination.cluster = line(object, "/spec/kubeConfig/secretRef/name");
    agent.destination.namespace =
        line(object, "/spec/targetNamespace").or(Some(agent.namespace.clone()));
    let deployed = list(object, "/status/history")
        .find(|entry| text(entry, "/status") == Some("deployed"))
        .and_then(|entry| line(entry, "/chartVersion"));
    agent.applied = deployed.or(agent.applied.take());
}

/// What it picks stands as a reference in its status, in older versions as one text.
fn image_policy(object: &Value, agent: &mut AgentObject) {
    let picked = line(object, "/status/latestRef/tag").or_else(|| {
        let image = text(object, "/status/latestImage")?;
        let (_, tag) = image.rsplit_once(':')?;
        (!tag.contains('/')).then(|| clean(tag))
    });
    agent.known = picked;
}

fn image_automation(object: &Value, agent: &mut AgentObject) {
    agent.sources = vec![From {
        object: reference(object, "/spec/sourceRef", &agent.namespace),
        path: path(object, "/spec/update/path"),
        ..From::default()
    }];
    if let Pace::Every { seconds, next } = &mut agent.pace {
        let last = time(object, "/status/lastAutomationRunTime");
        let after = SignedDuration::from_secs(*seconds);
        *next = last.and_then(|last| last.checked_add(after).ok());
    }
}

/// Of a source, what it has fetched is what it has applied.
fn source(object: &Value, agent: &mut AgentObject) {
    let reference = ["commit", "name", "semver", "tag", "digest", "branch"]
        .iter()
        .find_map(|part| line(object, &format!("/spec/ref/{part}")));
    agent.sources = vec![From {
        url: line(object, "/spec/url").or_else(|| line(object, "/spec/endpoint")),
        object: self::reference(object, "/spec/sourceRef", &agent.namespace),
        revision: reference.or_else(|| line(object, "/spec/version")),
        chart: line(object, "/spec/chart"),
        ..From::default()
    }];
    agent.known = line(object, "/status/artifact/revision");
    agent.applied = agent.known.clone();
}

fn reference(object: &Value, pointer: &str, namespace: &str) -> Option<Reference> {
    let there = object.pointer(pointer)?;
    let kind = AgentKind::parse(text(there, "/kind")?)?;
    let namespace = line(there, "/namespace").unwrap_or_else(|| namespace.to_owned());
    Some((kind, namespace, clean(text(there, "/name")?)))
}

/// A duration as Go writes it (`1h30m`, `90s`), in whole seconds; `None` where it is none.
pub fn span(text: &str) -> Option<i64> {
    let mut seconds = 0.0_f64;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit) = rest.split_at(end);
        let number: f64 = number.parse().ok()?;
        let (scale, length) = match unit.as_bytes() {
            [b'm', b's', ..] => (0.001, 2),
            [b'h', ..] => (3600.0, 1),
            [b'm', ..] => (60.0, 1),
            [b's', ..] => (1.0, 1),
            _ => return None,
        };
        seconds += number * scale;
        rest = unit.get(length..)?;
    }
    // A year at most: what is longer is no interval that anybody waits for.
    #[allow(clippy::cast_possible_truncation)] // Clamped to a range that fits.
    let whole = seconds.clamp(0.0, 31_536_000.0) as i64;
    (whole > 0).then_some(whole)
}

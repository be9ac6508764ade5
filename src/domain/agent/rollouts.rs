//! Argo Rollouts: a Rollout's strategy and status, by the rules of its own `kubectl` plugin and of Argo CD's health check.
//!
//! Since 1.0 the controller writes `status.phase`; before, it is made of conditions and counts.

use serde_json::Value;

use super::{
    progress::{Analysis, Conductor, Progress, Served, Stage, Step, Way},
    read::{line, list, number, text, time},
    span,
};

/// What a Rollout says of its progress; `None` where it has no name.
pub fn rollout(object: &Value) -> Option<Progress> {
    let name = line(object, "/metadata/name")?;
    let namespace = line(object, "/metadata/namespace").unwrap_or_default();
    let mut progress = Progress::new(Conductor::ArgoRollouts, format!("{namespace}/{name}"));
    let green = object
        .pointer("/spec/strategy/blueGreen")
        .is_some_and(Value::is_object);
    if green {
        progress.way = Way::BlueGreen;
    }
    let stable =
        line(object, "/status/stableRS").or_else(|| line(object, "/status/canary/stableRS"));
    let newest = line(object, "/status/currentPodHash");
    progress.phase = line(object, "/status/phase");
    progress.message = line(object, "/status/message");
    progress.stage = stage(object, stable.as_deref(), newest.as_deref());
    if progress.message.is_none() {
        progress.message = said(object);
    }
    progress.services = services(object, green);
    progress.analyses = analyses(object);
    // Without an earlier version its steps are passed over.
    let is_change = stable.is_some() && newest.is_some() && stable != newest;
    progress.hashes = (stable, newest);
    if is_change {
        progress.step = Some(step(object, green));
        progress.weight = weight(object, green);
        wait(object, &mut progress);
    }
    Some(progress)
}

/// Whether the controller has seen the newest change of the Rollout, and of the workload that it takes its template from.
///
/// Until 0.9 the observed generation was a hash: one that is no number, or greater than the generation, tells nothing.
pub fn is_seen(object: &Value) -> bool {
    let Some(status) = object.get("status").filter(|it| it.is_object()) else {
        return false;
    };
    let generation = number(object, "/metadata/generation").unwrap_or_default();
    let observed = match status.get("observedGeneration") {
        Some(Value::String(text)) => text.parse::<i64>().ok(),
        Some(other) => other.as_i64(),
        None => None,
    };
    if observed.is_some_and(|observed| observed < generation) {
        return false;
    }
    if object.pointer("/spec/workloadRef").is_none() {
        return true;
    }
    let annotations = object.pointer("/metadata/annotations");
    let wanted = annotations.and_then(|all| all.get("rollout.argoproj.io/workload-generation"));
    let wanted = wanted.and_then(Value::as_str);
    let seen = text(object, "/status/workloadObservedGeneration");
    // Before 1.1 neither was written.
    wanted.zip(seen).is_none_or(|(wanted, seen)| wanted == seen)
}

fn stage(object: &Value, stable: Option<&str>, newest: Option<&str>) -> Stage {
    if !is_seen(object) {
        return Stage::Unseen;
    }
    let flag = |pointer: &str| object.pointer(pointer).and_then(Value::as_bool) == Some(true);
    let pauses = list(object, "/status/pauseConditions").next().is_some();
    let paused = || {
        if pauses {
            Stage::Waiting
        } else {
            Stage::Suspended
        }
    };
    // It was let go on, and has not said so yet.
    let is_let_go = flag("/status/controllerPause") && !pauses && !flag("/spec/paused");
    let reason = |kind: &str| {
        list(object, "/status/conditions")
            .find(|it| text(it, "/type") == Some(kind))
            .map(|it| text(it, "/reason").unwrap_or_default())
    };
    let aborted = flag("/status/abort") || reason("Progressing") == Some("RolloutAborted");
    match text(object, "/status/phase") {
        Some("Healthy") => return Stage::Done,
        Some("Degraded") if aborted => return Stage::Aborted,
        Some("Degraded") => return Stage::Failed,
        Some("Paused") if is_let_go => return Stage::Advancing,
        Some("Paused") => return paused(),
        Some("Progressing") if stable.is_none() => return Stage::Starting,
        Some("Progressing") => return Stage::Advancing,
        Some(_) => return Stage::Unknown,
        None => {}
    }
    if reason("InvalidSpec").is_some() || reason("Progressing") == Some("ProgressDeadlineExceeded")
    {
        return Stage::Failed;
    }
    if aborted {
        return Stage::Aborted;
    }
    if pauses || flag("/spec/paused") {
        return paused();
    }
    let count = |pointer: &str| number(object, pointer).unwrap_or_default();
    let wanted = number(object, "/spec/replicas").unwrap_or(1);
    let (updated, all) = (count("/status/updatedReplicas"), count("/status/replicas"));
    let is_served = if object.pointer("/spec/strategy/blueGreen").is_some() {
        let active = text(object, "/status/blueGreen/activeSelector");
        active == newest && (stable.is_none() || stable == newest)
    } else {
        all <= updated && stable == newest
    };
    let is_complete = updated >= wanted && count("/status/availableReplicas") >= updated;
    if newest.is_some() && is_complete && is_served {
        Stage::Done
    } else {
        Stage::Advancing
    }
}

/// The sentence of the condition that tells why it does not go on, where the status has none of its own.
fn said(object: &Value) -> Option<String> {
    let of =
        |kind: &str| list(object, "/status/conditions").find(|it| text(it, "/type") == Some(kind));
    let told = of("InvalidSpec").or_else(|| {
        of("Progressing").filter(|it| {
            let reason = text(it, "/reason");
            matches!(reason, Some("RolloutAborted" | "ProgressDeadlineExceeded"))
        })
    });
    line(told?, "/message")
}

fn steps(object: &Value) -> Vec<&Value> {
    list(object, "/spec/strategy/canary/steps").collect()
}

/// A blue-green delivery has one step: the switch.
fn step(object: &Value, green: bool) -> Step {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    if green {
        return Step { index: 0, of: 1 };
    }
    let of = count(steps(object).len());
    let index = number(object, "/status/currentStepIndex").unwrap_or_default();
    let index = u32::try_from(index).unwrap_or_default();
    Step {
        index: index.min(of),
        of,
    }
}

/// What a traffic router was told, else what the steps so far say: the one it is at counts.
fn weight(object: &Value, green: bool) -> Option<u32> {
    if green {
        return None;
    }
    let percent = |it: i64| u32::try_from(it.clamp(0, 100)).unwrap_or_default();
    if let Some(weight) = number(object, "/status/canary/weights/canary/weight") {
        return Some(percent(weight));
    }
    let steps = steps(object);
    let Step { index, of } = step(object, green);
    if of == 0 {
        return None;
    }
    if index >= of {
        return Some(100);
    }
    let is_aborted = object.pointer("/status/abort").and_then(Value::as_bool) == Some(true);
    if is_aborted {
        return Some(0);
    }
    let index = usize::try_from(index).unwrap_or_default();
    let mut passed = steps[..=index].iter().rev();
    let set = passed.find_map(|step| number(step, "/setWeight"));
    Some(set.map_or(0, percent))
}

/// What it waits for, since when, and until when.
fn wait(object: &Value, progress: &mut Progress) {
    if progress.stage == Stage::Aborted {
        progress.waits = Some("a retry, or another version".to_owned());
        progress.since = time(object, "/status/abortedAt");
        return;
    }
    let Some(pause) = list(object, "/status/pauseConditions").next() else {
        if progress.stage == Stage::Suspended {
            progress.waits = Some("somebody to resume it".to_owned());
        }
        return;
    };
    progress.since = time(pause, "/startTime");
    let lasts = match text(pause, "/reason") {
        Some("CanaryPauseStep") => {
            let index = progress.step.map_or(0, |step| step.index);
            let index = usize::try_from(index).unwrap_or_default();
            let steps = steps(object);
            steps
                .get(index)
                .and_then(|step| length(step.pointer("/pause/duration")?))
        }
        Some("BlueGreenPause") => number(object, "/spec/strategy/blueGreen/autoPromotionSeconds"),
        Some("InconclusiveAnalysisRun") => {
            progress.waits = Some("a promotion: its analysis was inconclusive".to_owned());
            return;
        }
        _ => None,
    };
    progress.waits = Some(match lasts.filter(|seconds| *seconds > 0) {
        Some(seconds) => {
            let length = jiff::SignedDuration::from_secs(seconds);
            progress.until = progress
                .since
                .and_then(|since| since.checked_add(length).ok());
            format!("a pause of {}", crate::domain::age::seconds(seconds))
        }
        None => "a promotion".to_owned(),
    });
}

/// Seconds: a number, or text with a unit or without one.
fn length(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.parse().ok().or_else(|| span(text)),
        other => other.as_i64(),
    }
}

fn services(object: &Value, green: bool) -> Vec<Served> {
    let roles: &[(&str, &str)] = if green {
        &[
            ("active", "/spec/strategy/blueGreen/activeService"),
            ("preview", "/spec/strategy/blueGreen/previewService"),
        ]
    } else {
        &[
            ("stable", "/spec/strategy/canary/stableService"),
            ("canary", "/spec/strategy/canary/canaryService"),
        ]
    };
    let named = roles.iter().filter_map(|(role, pointer)| {
        Some(Served {
            role: (*role).to_owned(),
            service: line(object, pointer)?,
        })
    });
    named.collect()
}

fn analyses(object: &Value) -> Vec<Analysis> {
    const PLACES: [&str; 4] = [
        "/status/canary/currentStepAnalysisRunStatus",
        "/status/canary/currentBackgroundAnalysisRunStatus",
        "/status/blueGreen/prePromotionAnalysisRunStatus",
        "/status/blueGreen/postPromotionAnalysisRunStatus",
    ];
    let there = PLACES.iter().filter_map(|place| object.pointer(place));
    let all = there.filter_map(|it| {
        Some(Analysis {
            name: line(it, "/name")?,
            phase: line(it, "/status").unwrap_or_default(),
            message: line(it, "/message"),
        })
    });
    all.collect()
}

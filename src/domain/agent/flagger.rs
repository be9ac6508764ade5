//! Flagger: a Canary's analysis and status.
//!
//! A Canary stands beside a Deployment or `DaemonSet`: its controller makes a second one, the primary, that serves, and wants
//! no pods of the first but while a new version is analysed.

use serde_json::Value;

use super::{
    progress::{Conductor, Progress, Stage, Step, Way},
    read::{line, list, number, text, time},
};

/// What a Canary says of its progress; `None` where it has no name.
pub fn canary(object: &Value) -> Option<Progress> {
    let name = line(object, "/metadata/name")?;
    let namespace = line(object, "/metadata/namespace").unwrap_or_default();
    let mut progress = Progress::new(Conductor::Flagger, format!("{namespace}/{name}"));
    progress.phase = line(object, "/status/phase");
    let promoted =
        list(object, "/status/conditions").find(|it| text(it, "/type") == Some("Promoted"));
    progress.message = promoted.and_then(|it| line(it, "/message"));
    progress.since = time(object, "/status/lastTransitionTime");
    progress.stage = stage(object);
    let analysis = ["/spec/analysis", "/spec/canaryAnalysis"];
    let analysis = analysis.iter().find_map(|place| object.pointer(place));
    let analysis = analysis.unwrap_or(&Value::Null);
    let count = |object: &Value, pointer: &str| {
        number(object, pointer).and_then(|it| u32::try_from(it).ok())
    };
    let iterations = count(analysis, "/iterations").filter(|it| *it > 0);
    let is_green = iterations.is_some() && analysis.get("match").is_none();
    if is_green {
        progress.way = Way::BlueGreen;
    }
    let is_change = !matches!(
        progress.stage,
        Stage::Unseen | Stage::Starting | Stage::Done | Stage::Suspended | Stage::Unknown
    );
    if !is_change {
        return Some(progress);
    }
    let weight = count(object, "/status/canaryWeight").unwrap_or_default();
    let failed = count(object, "/status/failedChecks").unwrap_or_default();
    progress.checks = count(analysis, "/threshold").map(|of| (failed, of));
    let phase = progress.phase.as_deref().unwrap_or_default();
    let is_over = matches!(phase, "WaitingPromotion" | "Promoting" | "Finalising");
    let Step { index, of } = match iterations {
        Some(of) => Step {
            index: count(object, "/status/iterations")
                .unwrap_or_default()
                .min(of),
            of,
        },
        None => by_weight(analysis, weight),
    };
    progress.step = Some(Step {
        index: if is_over { of } else { index },
        of,
    });
    // It is written as 0 where it is over: what the primary gets then is told by no number.
    progress.weight = (iterations.is_none() && !is_over).then_some(weight);
    progress.waits = match phase {
        "Waiting" => Some(gate(analysis, "confirm-rollout", "to begin")),
        "WaitingPromotion" => Some(gate(analysis, "confirm-promotion", "to promote")),
        "Failed" => Some("another version".to_owned()),
        _ => None,
    };
    Some(progress)
}

fn stage(object: &Value) -> Stage {
    let suspended = object.pointer("/spec/suspend").and_then(Value::as_bool) == Some(true);
    match text(object, "/status/phase") {
        Some("Failed") => Stage::Aborted,
        _ if suspended => Stage::Suspended,
        None => Stage::Unseen,
        Some("Initializing") => Stage::Starting,
        Some("Initialized" | "Succeeded") => Stage::Done,
        Some("Waiting" | "WaitingPromotion") => Stage::Approval,
        Some("Progressing") => Stage::Advancing,
        Some("Promoting" | "Finalising" | "Terminating") => Stage::Promoting,
        Some(_) => Stage::Unknown,
    }
}

/// The step that a weight is of: of those that are listed, else of even ones up to the highest.
fn by_weight(analysis: &Value, weight: u32) -> Step {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let listed: Vec<i64> = list(analysis, "/stepWeights")
        .filter_map(Value::as_i64)
        .collect();
    if !listed.is_empty() {
        let reached = listed.iter().filter(|it| **it <= i64::from(weight)).count();
        return Step {
            index: count(reached.saturating_sub(1)),
            of: count(listed.len()),
        };
    }
    let percent = |pointer: &str| {
        let number = number(analysis, pointer).and_then(|it| u32::try_from(it).ok());
        number.filter(|it| *it > 0)
    };
    let most = percent("/maxWeight").unwrap_or(100);
    let each = percent("/stepWeight").unwrap_or(most);
    Step {
        index: weight.div_ceil(each).saturating_sub(1),
        of: most.div_ceil(each),
    }
}

/// Which webhook has to say yes.
fn gate(analysis: &Value, kind: &str, what: &str) -> String {
    let mut hooks = list(analysis, "/webhooks");
    let hook = hooks.find(|it| text(it, "/type") == Some(kind));
    match hook.and_then(|it| line(it, "/name")) {
        Some(name) => format!("{what}: webhook {name} ({kind})"),
        None => format!("{what} ({kind} webhook)"),
    }
}

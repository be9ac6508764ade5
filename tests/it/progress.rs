//! How far Argo Rollouts and Flagger have got: by objects as their controllers write them.
#![allow(clippy::unwrap_used)] // a harness fails by panicking

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tidegate::domain::agent::{canary, rollout};

use crate::support::scenarios;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    name: String,
    object: Value,
    expect: Expected,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    stage: String,
    health: String,
    way: Option<String>,
    phase: Option<String>,
    index: Option<u32>,
    of: Option<u32>,
    weight: Option<u32>,
    percent: Option<u32>,
    waits: Option<String>,
    reason: Option<String>,
    checks: Option<(u32, u32)>,
    analyses: Option<Vec<String>>,
    services: Option<Vec<String>>,
}

#[test]
fn progress_is_told_as_its_controllers_mean_it() {
    scenarios::each("progress", holds);
}

fn holds(file: &str, scenario: &Scenario) {
    let case = format!("{file}: {}", scenario.name);
    let now: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
    let expect = &scenario.expect;
    let object = &scenario.object;
    let progress = match object["kind"].as_str() {
        Some("Rollout") => rollout(object),
        _ => canary(object),
    };
    let progress = progress.unwrap();
    let word = serde_json::to_value(progress.stage).unwrap();
    assert_eq!(word, expect.stage.as_str(), "{case}");
    assert_eq!(progress.stage.health().to_string(), expect.health, "{case}");
    let way = expect.way.as_deref().unwrap_or("canary");
    assert_eq!(progress.way.word(), way, "{case}");
    assert_eq!(progress.object, "shop/web", "{case}");
    if let Some(phase) = &expect.phase {
        assert_eq!(progress.phase.as_ref(), Some(phase), "{case}");
    }
    if expect.stage == "done" {
        assert_eq!((progress.step, progress.reason()), (None, None), "{case}");
    }
    if let Some(index) = expect.index {
        let step = progress.step.unwrap();
        assert_eq!((step.index, Some(step.of)), (index, expect.of), "{case}");
        assert_eq!(progress.weight, expect.weight, "{case}");
    }
    if expect.percent.is_some() {
        assert_eq!(progress.percent(), expect.percent, "{case}");
    }
    if expect.waits.is_some() {
        assert_eq!(progress.waits(now), expect.waits, "{case}");
    }
    if expect.reason.is_some() {
        assert_eq!(progress.reason(), expect.reason, "{case}");
    }
    if expect.checks.is_some() {
        assert_eq!(progress.checks, expect.checks, "{case}");
    }
    if let Some(all) = &expect.analyses {
        let found = progress.analyses.iter();
        let found: Vec<String> = found
            .map(|it| format!("{} {}", it.name, it.phase))
            .collect();
        assert_eq!(&found, all, "{case}");
    }
    if let Some(all) = &expect.services {
        let found = progress.services.iter();
        let found: Vec<String> = found
            .map(|it| format!("{} {}", it.role, it.service))
            .collect();
        assert_eq!(&found, all, "{case}");
    }
}

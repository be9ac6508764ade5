//! API objects, as far as agents' kinds have parts in common. What a server sends need not have the shape that it should:
//! what is not as expected is absent.

use jiff::Timestamp;
use serde_json::Value;

use super::{AgentKind, AgentObject, Destination, Pace, Part, Phase, argocd, flux};
use crate::domain::{policy::sync, text::sanitise};

/// Longest text that is kept of a message, in characters: errors of builds quote their whole input.
const LONGEST: usize = 400;

/// Kinds of which an inventory is kept: what cells are made of, and what makes these.
const KEPT: [&str; 9] = [
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "Rollout",
    "HelmRelease",
    "Kustomization",
    "Application",
];

/// An object of an agent's kind, by what stands in it; `None` where it has no name.
pub fn read(kind: AgentKind, object: &Value) -> Option<AgentObject> {
    let name = line(object, "/metadata/name")?;
    let mut agent = AgentObject {
        kind,
        namespace: line(object, "/metadata/namespace").unwrap_or_default(),
        name,
        phase: Phase::Unknown,
        reason: None,
        message: None,
        since: None,
        sources: Vec::new(),
        known: None,
        attempted: None,
        applied: None,
        pace: Pace::Unknown,
        destination: Destination::default(),
        depends_on: Vec::new(),
        sync_wave: None,
        inventory: Vec::new(),
        healthy_since: None,
        project: None,
        windows: Vec::new(),
        made_by: None,
    };
    match kind {
        AgentKind::Application => argocd::application(object, &mut agent),
        AgentKind::ApplicationSet => argocd::application_set(object, &mut agent),
        AgentKind::AppProject => agent.windows = sync::read(object),
        _ => flux::read(object, &mut agent),
    }
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        agent.phase = Phase::Reconciling;
        agent.reason = Some("Terminating".to_owned());
        agent.message = Some("it is being deleted".to_owned());
    }
    Some(agent)
}

/// The text at a place, where there is one and it is not empty.
pub(in crate::domain) fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object
        .pointer(pointer)?
        .as_str()
        .filter(|it| !it.is_empty())
}

/// The text at a place as one short line that is safe to show.
pub(in crate::domain) fn line(object: &Value, pointer: &str) -> Option<String> {
    text(object, pointer).map(clean)
}

pub(in crate::domain) fn time(object: &Value, pointer: &str) -> Option<Timestamp> {
    text(object, pointer)?.parse().ok()
}

pub(in crate::domain) fn number(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer)?.as_i64()
}

/// The entries of a list; none where there is no list.
pub(in crate::domain) fn list<'a>(
    object: &'a Value,
    pointer: &str,
) -> impl Iterator<Item = &'a Value> {
    let list = object.pointer(pointer).and_then(Value::as_array);
    list.into_iter().flatten()
}

/// A path inside a repository, without `./` and slashes at its ends; empty for all of it.
pub(in crate::domain) fn path(object: &Value, pointer: &str) -> Option<String> {
    let path = text(object, pointer)?;
    let path = path.trim_start_matches("./").trim_matches('/');
    Some(clean(if path == "." { "" } else { path }))
}

pub(in crate::domain) fn part(kind: &str, namespace: &str, name: &str) -> Option<Part> {
    KEPT.contains(&kind).then(|| Part {
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    })
}

pub(in crate::domain) fn clean(text: &str) -> String {
    let safe = sanitise(text);
    let mut line = String::new();
    for word in safe.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > LONGEST * 4 {
            break;
        }
    }
    if let Some((end, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(end);
        line.push('…');
    }
    line
}

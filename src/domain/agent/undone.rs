//! What an agent makes of a change that somebody made past it.

use jiff::Timestamp;
use serde_json::Value;

use super::{AgentKind, AgentObject, Pace, Phase};
use crate::domain::age;

/// Whether and when an agent, as its object stands, undoes a change of what it has applied: a sentence.
pub fn undone_by(agent: &AgentObject, object: &Value, now: Timestamp) -> String {
    let (kind, place) = (agent.kind, agent.place());
    let of = format!("{} ({kind} {place})", agent.kind.tool());
    if agent.phase == Phase::Suspended {
        return format!("{of} is suspended: it undoes this once it is resumed");
    }
    let automated = object.pointer("/spec/syncPolicy/automated");
    let heals = automated.and_then(|it| it.get("selfHeal")) == Some(&Value::Bool(true));
    match agent.pace {
        Pace::Automatic if heals => format!("{of} undoes this at once: it heals itself"),
        Pace::Automatic => format!("{of} undoes this with the next commit that it syncs"),
        Pace::Manual => format!("{of} undoes this when somebody syncs it"),
        Pace::Every {
            next: Some(next), ..
        } if next > now => {
            let left = age::between(now, next);
            format!("{of} undoes this at its next reconcile, in {left}")
        }
        Pace::Every { seconds, .. } => {
            let every = age::seconds(seconds);
            format!("{of} undoes this at its next reconcile, within {every}")
        }
        Pace::Unknown if agent.kind == AgentKind::Application => {
            format!("{of} undoes this when it syncs")
        }
        Pace::Unknown => format!("{of} undoes this when it next reconciles"),
    }
}

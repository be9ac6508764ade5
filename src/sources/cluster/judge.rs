//! How one object is, by itself.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::convert;
use crate::domain::{
    agent::{self, AgentKind},
    rollout::{ClusterObject, Verdict, judge_alone, judge_other},
};

/// How an object is at `now`, whatever kind it is of; `None` for kinds of which nothing is known here, and for objects that
/// have not the shape of their kind.
pub fn judge(object: &Value, now: Timestamp) -> Option<Verdict> {
    let kind = object.get("kind")?.as_str()?;
    let read = match kind {
        "Deployment" => convert::deployment(typed(object)?),
        "StatefulSet" => convert::stateful_set(typed(object)?),
        "DaemonSet" => convert::daemon_set(typed(object)?),
        "Job" => convert::job(typed(object)?),
        "CronJob" => convert::cron_job(typed(object)?),
        "Pod" => convert::pod(typed(object)?),
        "Rollout" => convert::rollout(object)?,
        "Canary" => convert::canary(object)?,
        _ => match AgentKind::parse(kind) {
            Some(kind) => ClusterObject::Agent(Box::new(agent::read(kind, object)?)),
            None => return judge_other(kind, object),
        },
    };
    judge_alone(&read, now)
}

fn typed<T: DeserializeOwned>(object: &Value) -> Option<T> {
    serde_json::from_value(object.clone()).ok()
}

//! What Flux's image automation will write into Git next, where it is not what Git declares now.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{agents::Agents, target::CellTarget, view::ClusterView};
use crate::domain::{
    age,
    agent::{AgentKind, AgentObject, Pace, Phase},
    rollout::same_version,
    version::Version,
};

/// What will be written where a cell's version stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextWrite {
    /// The `ImagePolicy` that is marked there: `NAMESPACE/NAME`.
    pub policy: String,
    /// What it picks; `None` where it picks nothing.
    pub picks: Option<Version>,
    /// Who writes that, and what keeps it from that, one line.
    pub reason: String,
    /// When it next looks by itself, where its status tells.
    pub next: Option<Timestamp>,
}

impl NextWrite {
    /// Its words at `now`: `ImagePolicy flux-system/web picks 1.43.0: ImageUpdateAutomation flux-system/fleet writes it, next run in 4m`.
    pub fn words(&self, now: Timestamp) -> String {
        let picks = self.picks.as_ref().map_or("nothing", Version::as_str);
        let next = self.next.filter(|next| *next > now);
        let next = next.map_or(String::new(), |next| {
            format!(", next run in {}", age::between(now, next))
        });
        format!(
            "ImagePolicy {} picks {picks}: {}{next}",
            self.policy, self.reason
        )
    }
}

/// What will be written of a cell; `None` where its version is no automation's, or is what that picks.
pub(super) fn next_write(
    views: &BTreeMap<String, ClusterView>,
    target: &CellTarget,
) -> Option<NextWrite> {
    let marked = target.policy.as_deref()?;
    let (namespace, name) = marked.split_once('/')?;
    let key = (
        AgentKind::ImagePolicy,
        namespace.to_owned(),
        name.to_owned(),
    );
    // Where several clusters have one of this name, that of the cell's own is meant.
    let own = target.places.first().map(|place| &*place.context);
    let there = |context: &str, view: &ClusterView| {
        let agents = view.agents()?;
        let policy = agents.get(&key)?;
        Some((Some(context) == own, says(agents, policy, target)))
    };
    let mut found: Vec<_> = views
        .iter()
        .filter_map(|(context, view)| there(context, view))
        .collect();
    found.sort_by_key(|(is_own, _)| !is_own);
    found.into_iter().next()?.1
}

fn says(agents: &Agents, policy: &AgentObject, target: &CellTarget) -> Option<NextWrite> {
    let picks = policy.known.as_deref().map(Version::from);
    let desired = target.desired.as_ref();
    let is_declared = picks
        .as_ref()
        .zip(desired)
        .is_some_and(|(picks, desired)| same_version(picks, desired));
    if is_declared {
        return None;
    }
    let write = |reason: String, next| {
        Some(NextWrite {
            policy: policy.place(),
            picks: picks.clone(),
            reason,
            next,
        })
    };
    if policy.phase.is_failing() || picks.is_none() {
        let said = policy.message.as_deref().or(policy.reason.as_deref());
        return write(said.unwrap_or("it says no reason").to_owned(), None);
    }
    let Some(automation) = writer(agents, policy, target) else {
        return write(
            "no ImageUpdateAutomation that is seen here writes it".to_owned(),
            None,
        );
    };
    let by = format!("ImageUpdateAutomation {}", automation.place());
    match automation.phase {
        Phase::Suspended => write(format!("{by}, which would write it, is suspended"), None),
        phase if phase.is_failing() => {
            let said = automation.message.as_deref();
            let said = said.or(automation.reason.as_deref()).unwrap_or_default();
            write(format!("{by} cannot write it: {said}"), None)
        }
        _ => {
            let next = match automation.pace {
                Pace::Every { next, .. } => next,
                _ => None,
            };
            write(format!("{by} writes it"), next)
        }
    }
}

/// Who writes what a policy picks where the cell's version stands: of its namespace, whose policies alone it sees.
fn writer<'a>(
    agents: &'a Agents,
    policy: &AgentObject,
    target: &CellTarget,
) -> Option<&'a AgentObject> {
    let written = target.written.as_ref();
    let covers = |agent: &&AgentObject| {
        let path = agent.sources.first().and_then(|it| it.path.as_deref());
        let (Some(path), Some(written)) = (path.filter(|it| !it.is_empty()), written) else {
            return true;
        };
        let mut files = written.paths.iter();
        files.any(|file| {
            let rest = file.as_str().strip_prefix(path);
            rest.is_some_and(|rest| rest.starts_with('/'))
        })
    };
    agents
        .of_kind(AgentKind::ImageUpdateAutomation)
        .filter(|it| it.namespace == policy.namespace)
        .find(covers)
}

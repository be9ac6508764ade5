//! What is asked of each upstream of a cell, and put together as the cell's environment asks for it: any of them, or all.

use jiff::Timestamp;

use super::{Change, Finding, NOT_KNOWN, found};
use crate::domain::{
    ids::{CellKey, EnvironmentName},
    plan::{Level, Outcome},
    rollout::{Connection, Seen},
    topology::{Require, Topology},
};

/// What one upstream says.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    says: Says,
    detail: String,
    /// When it can say yes by waiting alone.
    earliest: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Yes,
    No,
    NotKnown,
}

impl Answer {
    pub(super) fn yes(detail: impl Into<String>) -> Self {
        Self::of(Says::Yes, detail)
    }

    pub(super) fn no(detail: impl Into<String>) -> Self {
        Self::of(Says::No, detail)
    }

    pub(super) fn not_known(detail: impl Into<String>) -> Self {
        Self::of(Says::NotKnown, detail)
    }

    /// It says yes from then on, if nothing happens until then.
    pub(super) fn from(self, earliest: Option<Timestamp>) -> Self {
        Self { earliest, ..self }
    }

    fn of(says: Says, detail: impl Into<String>) -> Self {
        Self {
            says,
            detail: detail.into(),
            earliest: None,
        }
    }
}

/// Asks each upstream of the cell.
pub(super) fn ask_each(
    gate: &str,
    change: &Change<'_>,
    ask: impl Fn(&EnvironmentName) -> Answer,
) -> Finding {
    let environment = change.environment();
    let Some(environment) = environment.filter(|environment| !environment.from.is_empty()) else {
        let detail = format!("{} has no upstream (`from`)", change.cell.environment);
        return found(Outcome::Pass, detail);
    };
    let answers: Vec<Answer> = environment.from.iter().map(ask).collect();
    let of = |says| answers.iter().filter(move |answer| answer.says == says);
    let told = |first, second| {
        let all = of(first).chain(of(second));
        let details: Vec<&str> = all.map(|answer| answer.detail.as_str()).collect();
        details.join("; ")
    };
    let (yes, no) = (of(Says::Yes).count(), of(Says::No).count());
    let (passes, refused) = match environment.require {
        Require::Any => (yes > 0, no == answers.len()),
        Require::All => (yes == answers.len(), no > 0),
    };
    if passes {
        let details: Vec<&str> = of(Says::Yes).map(|it| it.detail.as_str()).collect();
        return found(Outcome::Pass, details.join("; "));
    }
    let waits = answers.iter().filter(|answer| answer.says != Says::Yes);
    let waits = waits.map(|answer| answer.earliest);
    let earliest = match environment.require {
        Require::Any => waits.flatten().min(),
        Require::All => waits
            .collect::<Option<Vec<_>>>()
            .and_then(|all| all.into_iter().max()),
    };
    let (outcome, detail) = if refused {
        (Outcome::Hold, told(Says::No, Says::NotKnown))
    } else {
        let detail = told(Says::NotKnown, Says::No);
        (change.unknown(gate), format!("{NOT_KNOWN}{detail}"))
    };
    Finding {
        level: Level::Hold,
        outcome,
        detail,
        earliest,
    }
}

/// The service's cells upstream.
pub(super) fn cells(change: &Change<'_>) -> impl Iterator<Item = CellKey> {
    let environments = change.environment().into_iter();
    let names = environments.flat_map(|environment| &environment.from);
    names.map(|name| CellKey::new(change.cell.service.clone(), name.clone()))
}

pub(super) fn has_cluster(change: &Change<'_>, name: &EnvironmentName) -> bool {
    has_cluster_in(change.topology, name)
}

pub(super) fn has_cluster_in(topology: &Topology, name: &EnvironmentName) -> bool {
    let environment = topology.get(name);
    environment.is_some_and(|environment| environment.cluster.is_some())
}

/// Why nothing is known of what runs in an environment; `None` where its cluster answers.
pub(super) fn unanswered(name: &EnvironmentName, seen: Option<&Seen>) -> Option<String> {
    match seen.and_then(|seen| seen.connection.as_ref()) {
        Some(Connection::Live | Connection::Denied { .. }) => None,
        Some(Connection::Lost { reason, .. }) => {
            Some(format!("the cluster of {name} does not answer: {reason}"))
        }
        Some(Connection::Connecting) => Some(format!("the cluster of {name} has not answered yet")),
        Some(Connection::Unconfigured) | None => {
            Some(format!("the cluster of {name} was not asked"))
        }
    }
}

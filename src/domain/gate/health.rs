//! `health`: neither where it goes nor where it comes from is broken before the change.

use jiff::Timestamp;

use super::{
    Change, Facts, Finding, Gate, NOT_KNOWN, Question, found,
    upstreams::{has_cluster, unanswered},
};
use crate::domain::{age, ids::CellKey, plan::Outcome, rollout::Health};

pub(super) const GATE: Gate = Gate {
    id: "health",
    about: "target and upstream are not degraded before the change",
    promotions_only: false,
    reverts: false,
    acts: |change| change.asks_for(GATE.id),
    questions: |change| cells(change).into_iter().map(Question::Running).collect(),
    judge,
};

/// What one cell says.
enum Answer {
    Good(String),
    Bad(String),
    NotKnown(String),
}

/// The target and where it comes from, as far as they have clusters.
fn cells(change: &Change<'_>) -> Vec<CellKey> {
    let environments = [Some(&change.cell.environment), change.upstream()];
    let environments = environments.into_iter().flatten();
    environments
        .filter(|name| has_cluster(change, name))
        .map(|name| CellKey::new(change.cell.service.clone(), name.clone()))
        .collect()
}

fn judge(change: &Change<'_>, facts: &Facts, now: Timestamp) -> Finding {
    let cells = cells(change);
    if cells.is_empty() {
        return found(
            Outcome::Pass,
            "no cluster is configured, nothing about what runs there is judged",
        );
    }
    let (mut good, mut bad, mut not_known) = (Vec::new(), Vec::new(), Vec::new());
    for cell in &cells {
        match ask(cell, facts, now) {
            Answer::Good(detail) => good.push(detail),
            Answer::Bad(detail) => bad.push(detail),
            Answer::NotKnown(detail) => not_known.push(detail),
        }
    }
    if !bad.is_empty() {
        found(Outcome::Hold, bad.join("; "))
    } else if !not_known.is_empty() {
        let detail = format!("{NOT_KNOWN}{}", not_known.join("; "));
        found(change.unknown(GATE.id), detail)
    } else {
        found(Outcome::Pass, good.join("; "))
    }
}

fn ask(cell: &CellKey, facts: &Facts, now: Timestamp) -> Answer {
    let name = &cell.environment;
    let seen = facts.running(cell);
    if let Some(why) = unanswered(name, seen) {
        return Answer::NotKnown(why);
    }
    let Some(live) = seen.and_then(|seen| seen.cell()) else {
        return Answer::NotKnown(format!("nothing is known of what runs in {name}"));
    };
    let age = age::between(live.as_of, now);
    let why = live.reason.as_deref();
    let why = why.map_or(String::new(), |why| format!(": {why}"));
    let told = format!("{name} is {}{why}, seen {age} ago", live.health);
    match live.health {
        _ if live.stale => Answer::NotKnown(told),
        Health::Degraded => Answer::Bad(told),
        Health::Unknown => Answer::NotKnown(told),
        // What is not there yet is not broken: the change may be what brings it.
        Health::Missing
        | Health::Healthy
        | Health::Progressing
        | Health::Paused
        | Health::Suspended => Answer::Good(told),
    }
}

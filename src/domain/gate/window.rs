//! `window`: nothing goes while a freeze holds.

use jiff::Timestamp;

use super::{
    Change, Facts, Finding, Gate, NOT_KNOWN, Question, found,
    upstreams::{self, has_cluster},
};
use crate::domain::{
    ids::CellKey,
    plan::{Level, Outcome, Verdict},
    policy::{
        Kind, Open, Window, state,
        sync::{self, SyncWindows, Syncs},
    },
    topology::Topology,
};

pub(super) const GATE: Gate = Gate {
    id: "window",
    about: "no freeze holds",
    promotions_only: false,
    reverts: false,
    acts: |_| true,
    questions,
    judge,
};

/// What its verdict says where there is no window: it is told only to those who ask why.
pub(super) const NONE: &str = "no window is about it";

/// Argo CD's windows are known with what runs. Nothing is waited for on the way back.
fn questions(change: &Change<'_>) -> Vec<Question> {
    let asks = has_cluster(change, &change.cell.environment) && !change.may_go_back(GATE.id);
    asks.then(|| Question::Running(change.cell.clone()))
        .into_iter()
        .collect()
}

fn judge(change: &Change<'_>, facts: &Facts, now: Timestamp) -> Finding {
    let own = state(&change.policy().windows, change.cell, now);
    let live = facts.running(change.cell);
    let live = live.and_then(|seen| seen.cell());
    let argocd = live.and_then(|live| live.windows.as_deref());
    let theirs = argocd.map_or(Syncs::Unsaid, |windows| windows.delivers(now));
    let mut shut: Vec<(String, Option<Timestamp>)> = Vec::new();
    if let Open::No { by, until } = own {
        shut.push((closed(by, until), until));
    }
    if let Syncs::Closed { by, until, wrong } = &theirs {
        let told = sync::shut(by, *until, wrong.as_deref());
        shut.push((format!("Argo CD does not sync: {told}"), *until));
    }
    if !shut.is_empty() {
        let all = shut.iter().map(|(_, until)| *until);
        let last = all.collect::<Option<Vec<_>>>();
        let told: Vec<String> = shut.into_iter().map(|(told, _)| told).collect();
        return Finding {
            level: Level::Hold,
            outcome: Outcome::Hold,
            detail: told.join("; "),
            earliest: last.and_then(|all| all.into_iter().max()),
        };
    }
    let mut told = Vec::new();
    if let Open::Yes { by, until } = own {
        told.push(open(by, until));
    }
    if let Syncs::Open { by, until } = theirs {
        let until = until.map_or(String::new(), |until| format!(" until {}", minute(until)));
        let by = by.map_or(String::new(), |by| format!(" (`{}`)", by.name()));
        told.push(format!("Argo CD's sync windows are open{by}{until}"));
    }
    if let Some(why) = argocd.and_then(|windows| windows.unknown.as_deref()) {
        told.push(format!("whether Argo CD has windows cannot be seen: {why}"));
        // Many may not see projects: that holds only where somebody asks for it.
        let holds = change.rule(GATE.id).unknown_holds == Some(true);
        let outcome = if holds {
            Outcome::Hold
        } else {
            Outcome::Unknown
        };
        return found(outcome, format!("{NOT_KNOWN}{}", told.join("; ")));
    }
    // Nor can they where nobody answers: that is said to whoever asks for the gate, or why.
    let asked = has_cluster(change, &change.cell.environment) && !change.may_go_back(GATE.id);
    let seen = facts.running(change.cell);
    let silent = upstreams::unanswered(&change.cell.environment, seen);
    if let Some(why) = silent.filter(|_| asked && argocd.is_none()) {
        told.push(format!("whether Argo CD has windows cannot be seen: {why}"));
        if change.asks_for(GATE.id) {
            let told = format!("{NOT_KNOWN}{}", told.join("; "));
            return found(change.unknown(GATE.id), told);
        }
    }
    if told.is_empty() {
        return found(Outcome::Pass, NONE);
    }
    found(Outcome::Pass, told.join("; "))
}

/// What freezes say of something that somebody does by hand to a cell: tells its agent to sync, a canary to go on, pods to be
/// made anew. `None`: they let it.
pub(super) fn by_hand(
    topology: &Topology,
    cell: &CellKey,
    argocd: Option<&SyncWindows>,
    now: Timestamp,
) -> Option<Verdict> {
    let policy = &topology.policy;
    let mut shut: Vec<(String, Option<Timestamp>)> = Vec::new();
    if let Open::No { by, until } = state(&policy.windows, cell, now) {
        shut.push((closed(by, until), until));
    }
    let theirs = argocd.map_or(Syncs::Unsaid, |windows| windows.lets(now));
    if let Syncs::Closed { by, until, wrong } = &theirs {
        let told = sync::shut(by, *until, wrong.as_deref());
        shut.push((format!("Argo CD does not sync: {told}"), *until));
    }
    if shut.is_empty() {
        return None;
    }
    let rule = policy.rule(&cell.environment, GATE.id).unwrap_or_default();
    let level = rule.level.unwrap_or(Level::Hold);
    let outcome = match level {
        Level::Warn => Outcome::Warn,
        Level::Hold | Level::Hard => Outcome::Hold,
    };
    let last = shut.iter().map(|(_, until)| *until);
    let last = last.collect::<Option<Vec<_>>>();
    let told: Vec<String> = shut.into_iter().map(|(told, _)| told).collect();
    Some(Verdict {
        level,
        earliest: last.and_then(|all| all.into_iter().max()),
        ..Verdict::beside(GATE.id, outcome, told.join("; "))
    })
}

fn open(by: Option<&Window>, until: Option<Timestamp>) -> String {
    let by = by.map_or("no freeze holds".to_owned(), |by| {
        format!("`{}` allows it", by.name)
    });
    match until {
        Some(until) => format!("{by} until {}", minute(until)),
        None => by,
    }
}

/// ``the freeze `weekends` holds until 2026-11-30 05:00 UTC``
pub(super) fn closed(by: &Window, until: Option<Timestamp>) -> String {
    let until = until.map_or(
        ", and does not end as far as can be seen".to_owned(),
        |until| format!(" until {}", minute(until)),
    );
    match by.kind {
        Kind::Deny => format!("the freeze `{}` holds{until}", by.name),
        Kind::Allow => format!(
            "outside of `{}`, in which alone something goes: closed{until}",
            by.name
        ),
    }
}

pub(super) fn minute(at: Timestamp) -> impl std::fmt::Display {
    at.strftime("%a %Y-%m-%d %H:%M UTC")
}

//! `upstream`: an upstream environment declares and runs exactly this version.

use jiff::Timestamp;

use super::{
    Change, Facts, Finding, Gate, Question, found,
    upstreams::{self, Answer, has_cluster},
};
use crate::domain::{
    age,
    ids::{CellKey, EnvironmentName},
    image,
    plan::Outcome,
    rollout::{Connection, Health, LiveCell, same_version},
    subject::Subject,
    text::count,
    version::Version,
};

pub(super) const GATE: Gate = Gate {
    id: "upstream",
    about: "an upstream environment declares and runs exactly this version",
    promotions_only: false,
    reverts: false,
    acts: |_| true,
    questions,
    judge,
};

/// Each upstream that declares the version and has a cluster is asked whether it runs it.
fn questions(change: &Change<'_>) -> Vec<Question> {
    let Some(to) = change.to.filter(|_| !change.may_go_back(GATE.id)) else {
        return Vec::new();
    };
    let asked = upstreams::cells(change).filter(|cell| {
        let declared = change.desired.version(cell);
        declared.is_some_and(|it| image::is_same(it, to)) && has_cluster(change, &cell.environment)
    });
    asked.map(Question::Running).collect()
}

fn judge(change: &Change<'_>, facts: &Facts, now: Timestamp) -> Finding {
    if change.may_go_back(GATE.id) {
        return found(Outcome::Pass, "a revert: nothing stops going back");
    }
    let Some(to) = change.to else {
        return found(Outcome::Pass, "no version is written");
    };
    upstreams::ask_each(GATE.id, change, |name| ask(name, to, change, facts, now))
}

fn ask(
    name: &EnvironmentName,
    to: &Version,
    change: &Change<'_>,
    facts: &Facts,
    now: Timestamp,
) -> Answer {
    let key = CellKey::new(change.cell.service.clone(), name.clone());
    match change.desired.version(&key) {
        Some(declared) if image::is_same(declared, to) => {}
        Some(declared) => return Answer::no(format!("{name} declares {declared}, not {to}")),
        None => return Answer::no(format!("{name} declares no version of {}", key.service)),
    }
    if !has_cluster(change, name) {
        return Answer::yes(format!(
            "{name} declares {to}; it has no cluster, nothing about what runs there is judged"
        ));
    }
    let seen = facts.running(&key);
    let live = seen.and_then(|seen| seen.cell());
    let declared = change.desired.cells.get(&key);
    if let Some(declared) = declared.filter(|cell| cell.subject.is_hidden()) {
        return by_git_alone(name, to, declared.subject, live, now);
    }
    match seen.and_then(|seen| seen.connection.as_ref()) {
        // What is denied may be another kind than the cell's own: the cell itself says so.
        Some(Connection::Live | Connection::Denied { .. }) => {}
        Some(Connection::Lost { reason, since, .. }) => {
            let age = age::between(*since, now);
            return Answer::not_known(format!(
                "{name} declares {to}; its cluster has not answered for {age}: {reason}"
            ));
        }
        Some(Connection::Connecting) => {
            return Answer::not_known(format!(
                "{name} declares {to}; its cluster has not answered yet"
            ));
        }
        Some(Connection::Unconfigured) | None => {
            return Answer::not_known(format!("{name} declares {to}; its cluster was not asked"));
        }
    }
    match live {
        None => Answer::not_known(format!(
            "{name} declares {to}; nothing is known of what runs there"
        )),
        Some(live) if live.hidden => by_git_alone(name, to, Subject::Unsure, Some(live), now),
        Some(live) => running(name, to, live, now),
    }
}

/// Pods cannot show it: that Git declares it is all there is to know.
fn by_git_alone(
    name: &EnvironmentName,
    to: &Version,
    subject: Subject,
    live: Option<&LiveCell>,
    now: Timestamp,
) -> Answer {
    let known = live.filter(|live| !matches!(live.health, Health::Unknown | Health::Missing));
    let beside = known.map_or(String::new(), |live| {
        let age = age::between(live.as_of, now);
        format!("; its workload is {}, seen {age} ago", live.health)
    });
    Answer::yes(format!(
        "{name} declares {to}; what runs is not visible for {}{beside}",
        subject.words()
    ))
}

fn running(name: &EnvironmentName, to: &Version, live: &LiveCell, now: Timestamp) -> Answer {
    let age = age::between(live.as_of, now);
    let pods: u32 = live
        .versions
        .iter()
        .filter(|(version, _)| same_version(version, to))
        .map(|(_, pods)| pods)
        .sum();
    let serves = live.serving.as_ref().is_some_and(|v| same_version(v, to));
    // Nothing of it runs most of the time: that holds nobody.
    if serves && live.batch && !live.stale {
        let how = match (&live.reason, live.health) {
            (Some(reason), _) => format!("; {reason}"),
            (None, health) => format!("; it is {health}"),
        };
        return Answer::yes(format!(
            "{name} declares {to} and would run it{how}, seen {age} ago"
        ));
    }
    if live.health == Health::Unknown && live.versions.is_empty() {
        let why = live.reason.as_deref().unwrap_or("no reason given");
        return Answer::not_known(format!(
            "{name} declares {to}; what runs there is not known: {why}"
        ));
    }
    if live.stale {
        return Answer::not_known(format!(
            "{name} declares {to}; what runs there was last seen {age} ago"
        ));
    }
    if pods > 0 {
        return Answer::yes(format!(
            "{name} declares {to} and runs it in {pods} of {}, seen {age} ago",
            count(live.versions.values().sum::<u32>() as usize, "pod")
        ));
    }
    if serves && live.desired == 0 {
        return Answer::yes(format!(
            "{name} declares {to} and serves it, scaled to no pods, seen {age} ago"
        ));
    }
    let runs = match live.versions.keys().next() {
        Some(_) => {
            let names: Vec<_> = live.versions.keys().map(Version::as_str).collect();
            names.join(", ")
        }
        None => "nothing".to_owned(),
    };
    Answer::no(format!(
        "{name} declares {to} but runs {runs}, seen {age} ago"
    ))
}

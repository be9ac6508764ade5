//! Gates: a rule over (change, facts, now) gives a verdict that names its inputs and their age.
//!
//! The rules and their defaults are those of the model: without any configuration `upstream`, `ahead`, `reverted` and
//! `immutable` act, unknown is not pass, and a revert is stopped by none of them.

mod ahead;
mod reverted;
#[cfg(test)]
mod tests;

use super::{
    age,
    ids::{CellKey, EnvironmentName},
    plan::{Intent, Outcome, PlanInput, Verdict},
    rollout::{Connection, Health, LiveCell, same_version},
    subject::Subject,
    topology::{Environment, Require},
    version::{Version, VersionKind},
};

/// The gate that asks whether an upstream declares and runs the version.
pub const UPSTREAM: &str = "upstream";
/// The gate that asks whether what is there is newer than what comes, or may hold a fix that it lacks.
pub const AHEAD: &str = "ahead";
/// The gate that asks whether the version was reverted here since it last came.
pub const REVERTED: &str = "reverted";
/// The gate that asks whether the version will still mean the same tomorrow.
pub const IMMUTABLE: &str = "immutable";
/// Every gate that acts in this version, in the order of their verdicts.
pub const ALL: [&str; 4] = [UPSTREAM, AHEAD, REVERTED, IMMUTABLE];
/// What the detail of a verdict begins with where a gate could not find out.
pub const NOT_KNOWN: &str = "not known: ";

/// The verdicts on writing `to` into `cell`, in the order of [`ALL`]; `None` restores "inherited". `ahead` and `reverted`
/// judge promotions only.
pub fn judge(
    cell: &CellKey,
    intent: &Intent,
    to: Option<&Version>,
    input: &PlanInput<'_>,
) -> Vec<Verdict> {
    let mut verdicts = vec![upstream(cell, intent, to, input)];
    if let (Intent::Promote { from }, Some(to)) = (intent, to) {
        verdicts.push(ahead::judge(cell, from, to, input));
        verdicts.push(reverted::judge(cell, to, input));
    }
    verdicts.push(immutable(cell, intent, to, input));
    verdicts
}

/// What one upstream says.
enum Answer {
    Yes(String),
    No(String),
    NotKnown(String),
}

fn upstream(
    cell: &CellKey,
    intent: &Intent,
    to: Option<&Version>,
    input: &PlanInput<'_>,
) -> Verdict {
    if matches!(intent, Intent::Revert { .. }) {
        return verdict(
            UPSTREAM,
            Outcome::Pass,
            "a revert: nothing stops going back",
        );
    }
    let Some(to) = to else {
        return verdict(UPSTREAM, Outcome::Pass, "no version is written");
    };
    let environment = input.topology.get(&cell.environment);
    let Some(environment) = environment.filter(|environment| !environment.from.is_empty()) else {
        let detail = format!("{} has no upstream (`from`)", cell.environment);
        return verdict(UPSTREAM, Outcome::Pass, detail);
    };

    let mut yes = Vec::new();
    let mut no = Vec::new();
    let mut not_known = Vec::new();
    for name in &environment.from {
        match ask(name, cell, to, input) {
            Answer::Yes(detail) => yes.push(detail),
            Answer::No(detail) => no.push(detail),
            Answer::NotKnown(detail) => not_known.push(detail),
        }
    }
    let passes = match environment.require {
        Require::Any => !yes.is_empty(),
        Require::All => no.is_empty() && not_known.is_empty(),
    };
    let refused = match environment.require {
        Require::Any => not_known.is_empty(),
        Require::All => !no.is_empty(),
    };
    if passes {
        verdict(UPSTREAM, Outcome::Pass, yes.join("; "))
    } else if refused {
        no.extend(not_known);
        verdict(UPSTREAM, Outcome::Hold, no.join("; "))
    } else {
        not_known.extend(no);
        let detail = format!("{NOT_KNOWN}{}", not_known.join("; "));
        verdict(UPSTREAM, unknown(environment), detail)
    }
}

/// Unknown is not pass: it holds where an environment is protected, and warns elsewhere.
fn unknown(environment: &Environment) -> Outcome {
    if environment.protected {
        Outcome::Hold
    } else {
        Outcome::Unknown
    }
}

fn ask(name: &EnvironmentName, cell: &CellKey, to: &Version, input: &PlanInput<'_>) -> Answer {
    let key = CellKey::new(cell.service.clone(), name.clone());
    match input.desired.version(&key) {
        Some(declared) if declared == to => {}
        Some(declared) => return Answer::No(format!("{name} declares {declared}, not {to}")),
        None => return Answer::No(format!("{name} declares no version of {}", cell.service)),
    }
    let has_cluster = input
        .topology
        .get(name)
        .is_some_and(|environment| environment.cluster.is_some());
    if !has_cluster {
        return Answer::Yes(format!(
            "{name} declares {to}; it has no cluster, nothing about what runs there is judged"
        ));
    }
    let live = input.facts.live.get(&key);
    if let Some(declared) = input
        .desired
        .cells
        .get(&key)
        .filter(|c| c.subject.is_hidden())
    {
        return by_git_alone(name, to, declared.subject, live, input);
    }
    match input.facts.connections.get(name) {
        // What is denied may be another kind than the cell's own: the cell itself says so.
        Some(Connection::Live | Connection::Denied { .. }) => {}
        Some(Connection::Lost { reason, since, .. }) => {
            let age = age::between(*since, input.now);
            return Answer::NotKnown(format!(
                "{name} declares {to}; its cluster has not answered for {age}: {reason}"
            ));
        }
        Some(Connection::Connecting) => {
            return Answer::NotKnown(format!(
                "{name} declares {to}; its cluster has not answered yet"
            ));
        }
        Some(Connection::Unconfigured) | None => {
            return Answer::NotKnown(format!("{name} declares {to}; its cluster was not asked"));
        }
    }
    match live {
        None => Answer::NotKnown(format!(
            "{name} declares {to}; nothing is known of what runs there"
        )),
        Some(live) if live.hidden => by_git_alone(name, to, Subject::Unsure, Some(live), input),
        Some(live) => running(name, to, live, input),
    }
}

/// Pods cannot show it: that Git declares it is all there is to know.
fn by_git_alone(
    name: &EnvironmentName,
    to: &Version,
    subject: Subject,
    live: Option<&LiveCell>,
    input: &PlanInput<'_>,
) -> Answer {
    let known = live.filter(|live| !matches!(live.health, Health::Unknown | Health::Missing));
    let beside = known.map_or(String::new(), |live| {
        let age = age::between(live.as_of, input.now);
        format!("; its workload is {}, seen {age} ago", live.health)
    });
    Answer::Yes(format!(
        "{name} declares {to}; what runs is not visible for {}{beside}",
        subject.words()
    ))
}

fn running(name: &EnvironmentName, to: &Version, live: &LiveCell, input: &PlanInput<'_>) -> Answer {
    let age = age::between(live.as_of, input.now);
    let pods: u32 = live
        .versions
        .iter()
        .filter(|(version, _)| same_version(version, to))
        .map(|(_, pods)| pods)
        .sum();
    let serves = live.serving.as_ref().is_some_and(|v| same_version(v, to));
    if live.health == Health::Unknown && live.versions.is_empty() {
        let why = live.reason.as_deref().unwrap_or("no reason given");
        return Answer::NotKnown(format!(
            "{name} declares {to}; what runs there is not known: {why}"
        ));
    }
    if live.stale {
        return Answer::NotKnown(format!(
            "{name} declares {to}; what runs there was last seen {age} ago"
        ));
    }
    if pods > 0 {
        return Answer::Yes(format!(
            "{name} declares {to} and runs it in {pods} of {} pods, seen {age} ago",
            live.versions.values().sum::<u32>()
        ));
    }
    if serves && live.desired == 0 {
        return Answer::Yes(format!(
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
    Answer::No(format!(
        "{name} declares {to} but runs {runs}, seen {age} ago"
    ))
}

fn immutable(
    cell: &CellKey,
    intent: &Intent,
    to: Option<&Version>,
    input: &PlanInput<'_>,
) -> Verdict {
    let Some(to) = to else {
        return verdict(IMMUTABLE, Outcome::Pass, "no version is written");
    };
    let names: Vec<&str> = input
        .desired
        .environments
        .iter()
        .map(EnvironmentName::as_str)
        .collect();
    let subject = input.desired.cells.get(cell).map(|cell| cell.subject);
    if subject == Some(Subject::Setting) {
        return verdict(IMMUTABLE, Outcome::Pass, "a setting names no build");
    }
    if to.kind(&names) != VersionKind::Mutable {
        return verdict(IMMUTABLE, Outcome::Pass, format!("{to} names one build"));
    }
    let protected = input
        .topology
        .get(&cell.environment)
        .is_some_and(|environment| environment.protected);
    // Nothing stops going back.
    let outcome = if protected && !matches!(intent, Intent::Revert { .. }) {
        Outcome::Hold
    } else {
        Outcome::Warn
    };
    verdict(
        IMMUTABLE,
        outcome,
        format!("{to} is mutable: it may mean another build tomorrow"),
    )
}

fn verdict(gate: &str, outcome: Outcome, detail: impl Into<String>) -> Verdict {
    Verdict {
        gate: gate.to_owned(),
        outcome,
        detail: detail.into(),
        overridden: None,
    }
}

//! `soak`: the version has been healthy upstream, without interruption, for as long as is asked.

use jiff::{SignedDuration, Timestamp};

use super::{
    Change, Facts, Finding, Gate, Question, found,
    upstreams::{self, Answer},
    window::minute,
};
use crate::domain::{
    age,
    ids::{CellKey, EnvironmentName},
    past_health::{Healthy, PastHealth},
    plan::Outcome,
    version::Version,
};

pub(super) const GATE: Gate = Gate {
    id: "soak",
    about: "the version has been healthy upstream, without interruption, for long enough",
    promotions_only: false,
    reverts: false,
    acts: |change| change.gates().is_some_and(|gates| gates.soak.is_some()),
    questions,
    judge,
};

/// Each upstream that has a cluster is asked when the service was healthy there, and how it is.
fn questions(change: &Change<'_>) -> Vec<Question> {
    if change.to.is_none() || change.may_go_back(GATE.id) {
        return Vec::new();
    }
    asked(change)
}

/// What is asked of the service's cells upstream.
pub(super) fn asked(change: &Change<'_>) -> Vec<Question> {
    let cells = upstreams::cells(change);
    let asked = cells.filter(|cell| not_judged(change, cell).is_none());
    asked
        .flat_map(|cell| [Question::PastHealth(cell.clone()), Question::Running(cell)])
        .collect()
}

/// Why nothing about what ran in a cell is judged; `None` where it is.
pub(super) fn not_judged(change: &Change<'_>, cell: &CellKey) -> Option<String> {
    let name = &cell.environment;
    if !upstreams::has_cluster(change, name) {
        return Some(format!(
            "{name} has no cluster, how long it ran there is not judged"
        ));
    }
    let declared = change.desired.cells.get(cell)?;
    declared.subject.is_hidden().then(|| {
        format!(
            "what runs in {name} is not visible for {}, how long it ran there is not judged",
            declared.subject.words()
        )
    })
}

fn judge(change: &Change<'_>, facts: &Facts, now: Timestamp) -> Finding {
    if change.may_go_back(GATE.id) {
        return found(Outcome::Pass, "a revert: nothing stops going back");
    }
    let asked = change.gates().and_then(|gates| gates.soak);
    let asked = asked.and_then(|asked| SignedDuration::try_from(asked).ok());
    let (Some(to), Some(asked)) = (change.to, asked) else {
        return found(Outcome::Pass, "no version is written");
    };
    upstreams::ask_each(GATE.id, change, |name| {
        let cell = CellKey::new(change.cell.service.clone(), name.clone());
        if let Some(why) = not_judged(change, &cell) {
            return Answer::yes(why);
        }
        let seen = facts.running(&cell);
        let live = seen.and_then(|seen| seen.cell());
        if live.is_some_and(|live| live.hidden) {
            return Answer::yes(format!(
                "what runs in {name} is not visible, how long it ran there is not judged"
            ));
        }
        let unanswered = upstreams::unanswered(name, seen);
        let Some((at, past)) = facts.past_health(&cell) else {
            let why =
                unanswered.unwrap_or_else(|| format!("nobody was asked when {cell} was healthy"));
            return Answer::not_known(why);
        };
        match weigh(past, to, asked, (name, at), now) {
            Weighed::Answer(answer) => answer,
            Weighed::Unseen(why) => {
                let silent = unanswered.map_or(String::new(), |silent| format!("{silent}; "));
                Answer::not_known(format!("{silent}{why}"))
            }
        }
    })
}

enum Weighed {
    Answer(Answer),
    /// Nobody saw it healthy.
    Unseen(String),
}

fn weigh(
    past: &PastHealth,
    to: &Version,
    asked: SignedDuration,
    (name, at): (&EnvironmentName, Timestamp),
    now: Timestamp,
) -> Weighed {
    let wanted = age::precise(asked.as_secs());
    let healthy = |it: &Healthy| format!("{to} has been healthy in {name} for {}", it.told());
    let longest = past.longest(to);
    let silent = past.not_told.as_ref();
    let silent = silent.map_or(String::new(), |why| format!("; {why}"));
    if let Some(longest) = longest.filter(|it| it.span.length() >= asked) {
        return Weighed::Answer(Answer::yes(format!(
            "{}, since {}",
            healthy(&longest),
            minute(longest.span.from)
        )));
    }
    if let Some(current) = past.current(to, at) {
        let earliest = current.span.from.checked_add(asked).ok();
        let earliest = earliest.map(|earliest| earliest.max(now));
        let told = format!("{}; {wanted} are asked for", healthy(&current));
        let answer = if current.cut {
            Answer::not_known(format!(
                "{told}, and nobody knows of before {}{silent}",
                minute(current.span.from)
            ))
        } else {
            Answer::no(told)
        };
        return Weighed::Answer(answer.from(earliest));
    }
    match longest {
        Some(longest) if longest.cut => Weighed::Unseen(format!(
            "{to} was healthy in {name} for {}; nobody saw more of it{silent}",
            longest.told()
        )),
        Some(longest) => Weighed::Answer(Answer::no(format!(
            "{to} was healthy in {name} for {} and is not now; {wanted} are asked for",
            longest.told()
        ))),
        None => Weighed::Unseen(unseen(past, to, name)),
    }
}

/// Nobody saw a version healthy; since when that was looked for.
pub(super) fn unseen(past: &PastHealth, to: &Version, name: &EnvironmentName) -> String {
    let since = match past.watched_since {
        Some(since) => format!("it was first looked at {}", minute(since)),
        None => "it has not been watched before".to_owned(),
    };
    let silent = past.not_told.as_ref();
    let silent = silent.map_or(String::new(), |why| format!("; {why}"));
    format!("nobody saw {to} healthy in {name}; {since}{silent}")
}

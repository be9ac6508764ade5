//! `together`: the versions that go together have run side by side, healthy, in the upstream for as long as is asked: the set
//! that was tested is the set that goes.

use jiff::{SignedDuration, Timestamp};

use super::{
    Change, Facts, Finding, Gate, Question, found,
    planned::Going,
    soak::{asked, not_judged, unseen},
    upstreams::{self, Answer},
};
use crate::domain::{
    age,
    ids::{CellKey, EnvironmentName},
    past_health::{Span, together},
    plan::Outcome,
    text::count,
};

pub(super) const GATE: Gate = Gate {
    id: "together",
    about: "the versions of this plan have run side by side, healthy, upstream for long enough",
    promotions_only: false,
    reverts: false,
    acts: |change| change.gates().is_some_and(|gates| gates.together.is_some()),
    questions,
    judge,
};

/// Its own past: every other service of the plan asks for its own.
fn questions(change: &Change<'_>) -> Vec<Question> {
    if change.to.is_none() || change.may_go_back(GATE.id) {
        return Vec::new();
    }
    asked(change)
}

fn judge(change: &Change<'_>, facts: &Facts, now: Timestamp) -> Finding {
    if change.may_go_back(GATE.id) {
        return found(Outcome::Pass, "a revert: nothing stops going back");
    }
    let wanted = change.gates().and_then(|gates| gates.together);
    let wanted = wanted.and_then(|wanted| SignedDuration::try_from(wanted).ok());
    let (Some(to), Some(wanted)) = (change.to, wanted) else {
        return found(Outcome::Pass, "no version is written");
    };
    let (set, all) = change.planned.with(change.cell, to);
    let target = &change.cell.environment;
    upstreams::ask_each(GATE.id, change, |name| {
        // All that go together get the same answer: it is worked out once.
        let key = (target.clone(), name.clone(), now, wanted, all);
        facts.once(key, || ask(name, &set, wanted, change, facts, now))
    })
}

fn ask(
    name: &EnvironmentName,
    set: &Going,
    wanted: SignedDuration,
    change: &Change<'_>,
    facts: &Facts,
    now: Timestamp,
) -> Answer {
    let words = age::precise(wanted.as_secs());
    let (mut all, mut current) = (Vec::new(), Some((Timestamp::MIN, false)));
    let mut unasked = None;
    for (service, version) in set {
        let cell = CellKey::new(service.clone(), name.clone());
        if let Some(why) = not_judged(change, &cell) {
            if !upstreams::has_cluster(change, name) {
                return Answer::yes(why);
            }
            continue;
        }
        let seen = facts.running(&cell);
        if seen.is_some_and(|seen| seen.cell().is_some_and(|live| live.hidden)) {
            continue;
        }
        let Some((at, past)) = facts.past_health(&cell) else {
            // What goes back, and what a merge brings along, is of no set that was tested.
            unasked = Some((upstreams::unanswered(name, seen), cell));
            continue;
        };
        let healthy = past.healthy(version);
        if healthy.is_empty() {
            let silent = upstreams::unanswered(name, seen);
            let silent = silent.map_or(String::new(), |silent| format!("{silent}; "));
            let service = &cell.service;
            return Answer::not_known(format!(
                "{silent}{service}: {}",
                unseen(past, version, name)
            ));
        }
        let own = past.current(version, at).map(|it| (it.span.from, it.cut));
        // The one that came last decides since when they are together.
        current = current.zip(own).map(|(one, other)| one.max(other));
        all.push(healthy);
    }
    if let (true, Some((silent, cell))) = (all.is_empty(), unasked) {
        let why = silent.unwrap_or_else(|| format!("nobody was asked when {cell} was healthy"));
        return Answer::not_known(why);
    }
    if all.is_empty() {
        return Answer::yes(format!("nothing about what runs in {name} is judged"));
    }
    let who = match all.len() {
        1 => "it has been healthy by itself".to_owned(),
        several => format!(
            "the {} have run side by side, healthy,",
            count(several, "version")
        ),
    };
    let longest = together(&all).into_iter().max_by_key(|span| span.length());
    let told = |span: Span| {
        let length = age::precise(span.length().as_secs());
        format!("{who} in {name} for {length}")
    };
    if let Some(longest) = longest.filter(|span| span.length() >= wanted) {
        return Answer::yes(told(longest));
    }
    if let Some((from, cut)) = current {
        let told = told(Span { from, to: now });
        let told = format!("{told}; {words} are asked for");
        let answer = if cut {
            Answer::not_known(format!("{told}, and nobody knows of before"))
        } else {
            Answer::no(told)
        };
        return answer.from(from.checked_add(wanted).ok().map(|it| it.max(now)));
    }
    Answer::no(match longest {
        Some(longest) => format!("{} and do not now; {words} are asked for", told(longest)),
        None => {
            format!("these versions have never run side by side in {name}; {words} are asked for")
        }
    })
}

//! `ahead`: a promotion takes nothing newer away, and no fix that the upstream has not seen.

use jiff::Timestamp;

use super::{Change, Facts, Finding, Gate, NOT_KNOWN, Question, found};
use crate::domain::{
    age,
    history::{ChangeKind, History, HistoryEntry, ValueChange},
    ids::{CellKey, EnvironmentName},
    image,
    plan::{Outcome, is_above},
    subject::Subject,
    version::Version,
};

pub(super) const GATE: Gate = Gate {
    id: "ahead",
    about: "what is there is not newer than what comes, and holds no fix that it lacks",
    promotions_only: true,
    reverts: false,
    acts: |_| true,
    questions,
    judge,
};

/// What to do where it holds.
const NEXT: &str = "promote a version that has it, or lift the hold with a reason";

/// What decides without the past.
enum Known<'a> {
    /// The verdict.
    Found(Finding),
    /// Nothing: the past has to say it of what is there, of what comes, and of its way from there.
    Asks {
        own: &'a Version,
        to: &'a Version,
        from: &'a EnvironmentName,
    },
}

fn without_past<'a>(change: &Change<'a>) -> Known<'a> {
    let target = &change.cell.environment;
    let pass = |detail: String| Known::Found(found(Outcome::Pass, detail));
    let (Some(to), Some(from)) = (change.to, change.upstream()) else {
        return pass("no version is promoted".to_owned());
    };
    let Some(own) = change.desired.version(change.cell) else {
        return pass(format!("{target} declares nothing that could be newer"));
    };
    let subject = change.desired.cells.get(change.cell);
    if subject.map(|cell| cell.subject) == Some(Subject::Setting) {
        return pass("a setting has no order, and is no fix".to_owned());
    }
    if image::is_same(own, to) {
        return pass(format!("{target} declares {own} already"));
    }
    if is_above(own, to) {
        return Known::Found(hold(format!(
            "{target} declares {own}, which is newer than {to}"
        )));
    }
    Known::Asks { own, to, from }
}

fn questions(change: &Change<'_>) -> Vec<Question> {
    match without_past(change) {
        Known::Found(_) => Vec::new(),
        Known::Asks { from, .. } => vec![
            Question::Past(change.cell.clone()),
            Question::Past(upstream(change, from)),
        ],
    }
}

fn upstream(change: &Change<'_>, from: &EnvironmentName) -> CellKey {
    CellKey::new(change.cell.service.clone(), from.clone())
}

fn hold(detail: String) -> Finding {
    found(Outcome::Hold, format!("{detail}; {NEXT}"))
}

fn judge(change: &Change<'_>, facts: &Facts, now: Timestamp) -> Finding {
    let (own, to, from) = match without_past(change) {
        Known::Found(finding) => return finding,
        Known::Asks { own, to, from } => (own, to, from),
    };
    let target = &change.cell.environment;
    let pass = |detail: String| found(Outcome::Pass, detail);
    let theirs = upstream(change, from);
    let histories = facts
        .past(change.cell)
        .and_then(|ours| Ok((ours, facts.past(&theirs)?)));
    let (ours, theirs) = match histories {
        Ok(histories) => histories,
        Err(why) => {
            let detail = format!("{NOT_KNOWN}the history cannot be read: {why}");
            return found(change.unknown(GATE.id), detail);
        }
    };
    let ordered = own.compare(to).is_some();
    let (came, landed) = (newest(ours, own), newest(theirs, to));
    let seen = newest(theirs, own);
    if let (false, Some(seen), Some(landed)) = (ordered, seen, landed)
        && seen.change.landed_after(&landed.change)
    {
        return hold(format!(
            "{target} declares {own}, which {from} got after {to}"
        ));
    }
    // A version that the upstream has had as well is no fix that it lacks.
    let hotfix = |_: &HistoryEntry| {
        first_of(ours, own).is_some_and(|it| it.kind == ChangeKind::Bump) && seen.is_none()
    };
    match (came, landed) {
        (Some(came), Some(landed)) if hotfix(came) && came.change.landed_after(&landed.change) => {
            hold(format!(
                "{target} got {own} {}, after {to} landed in {from}: {to} may lack what it fixes",
                told(&came.change, now)
            ))
        }
        (Some(came), Some(_))
            if came.kind == ChangeKind::Initial && ours.ends_early().is_some() =>
        {
            warn(target, own, ours)
        }
        (Some(_), Some(_)) => pass(if ordered {
            format!("{target} declares {own}, which is older than {to}")
        } else {
            format!("{own} came to {target} before {to} landed in {from}, or from there")
        }),
        (None, _) => warn(target, own, ours),
        (Some(_), None) => warn(from, to, theirs),
    }
}

/// Nothing tells when a version came: history does not reach back so far, or the environment never had it.
pub(super) fn warn(environment: &EnvironmentName, version: &Version, history: &History) -> Finding {
    let detail = match history.ends_early() {
        Some(why) => format!("{NOT_KNOWN}how {version} came to {environment}; {why}"),
        None => format!(
            "{NOT_KNOWN}whether it lacks a fix: {environment} has never declared {version} by itself"
        ),
    };
    found(Outcome::Warn, detail)
}

/// When `version` came last, with or without the digest that it has.
fn newest<'a>(history: &'a History, version: &Version) -> Option<&'a HistoryEntry> {
    let mut entries = history.entries.iter();
    entries.find(|entry| entry.change.brought(version))
}

/// How `version`, with or without a digest, came before the times in which nothing else was there: what was gone, or unread, and is back as it was,
/// came when it came first.
fn first_of<'a>(history: &'a History, version: &Version) -> Option<&'a HistoryEntry> {
    let entries = history.entries.iter();
    let own = |entry: &&HistoryEntry| entry.change.brought(version);
    let stay = entries
        .skip_while(|entry| !own(entry))
        .take_while(|entry| own(entry) || entry.change.version.is_none());
    stay.filter(own).last()
}

/// `by Jane, 2h ago, in 1a2b3c4`
pub(super) fn told(change: &ValueChange, now: Timestamp) -> String {
    format!(
        "by {}, {} ago ({}), in {}",
        change.authored.author,
        age::between(change.landed.time, now),
        change.landed.time.strftime("%Y-%m-%d %H:%M UTC"),
        change.landed.commit.short()
    )
}

//! `ahead`: a promotion takes nothing newer away, and no fix that the upstream has not seen.

use std::rc::Rc;

use super::{AHEAD, NOT_KNOWN, unknown, verdict};
use crate::domain::{
    age,
    history::{ChangeKind, History, HistoryEntry, ValueChange},
    ids::{CellKey, EnvironmentName},
    plan::{Outcome, PlanInput, Verdict, is_above},
    subject::Subject,
    version::Version,
};

/// What to do where it holds.
const NEXT: &str = "promote a version that has it, or lift the hold with a reason";

/// The verdict on promoting `to` from the environment `from` into `cell`.
pub(super) fn judge(
    cell: &CellKey,
    from: &EnvironmentName,
    to: &Version,
    input: &PlanInput<'_>,
) -> Verdict {
    let target = &cell.environment;
    let pass = |detail: String| verdict(AHEAD, Outcome::Pass, detail);
    let hold = |detail: String| verdict(AHEAD, Outcome::Hold, format!("{detail}; {NEXT}"));
    let Some(own) = input.desired.version(cell) else {
        return pass(format!("{target} declares nothing that could be newer"));
    };
    let subject = input.desired.cells.get(cell).map(|cell| cell.subject);
    if subject == Some(Subject::Setting) {
        return pass("a setting has no order, and is no fix".to_owned());
    }
    if is_above(own, to) {
        return hold(format!("{target} declares {own}, which is newer than {to}"));
    }
    let upstream = CellKey::new(cell.service.clone(), from.clone());
    let histories = (input.history)(cell).and_then(|ours| Ok((ours, (input.history)(&upstream)?)));
    let (ours, theirs): (Rc<History>, Rc<History>) = match histories {
        Ok(histories) => histories,
        Err(why) => {
            let environment = input.topology.get(target);
            let outcome = environment.map_or(Outcome::Unknown, unknown);
            let detail = format!("{NOT_KNOWN}the history cannot be read: {why}");
            return verdict(AHEAD, outcome, detail);
        }
    };
    let ordered = own.compare(to).is_some();
    let (came, landed) = (newest(&ours, own), newest(&theirs, to));
    let seen = newest(&theirs, own);
    if let (false, Some(seen), Some(landed)) = (ordered, seen, landed)
        && seen.change.landed_after(&landed.change)
    {
        return hold(format!(
            "{target} declares {own}, which {from} got after {to}"
        ));
    }
    // A version that the upstream has had as well is no fix that it lacks.
    let hotfix = |came: &HistoryEntry| came.kind == ChangeKind::Bump && seen.is_none();
    match (came, landed) {
        (Some(came), Some(landed)) if hotfix(came) && came.change.landed_after(&landed.change) => {
            hold(format!(
                "{target} got {own} {}, after {to} landed in {from}: {to} may lack what it fixes",
                told(&came.change, input)
            ))
        }
        (Some(came), Some(_))
            if came.kind == ChangeKind::Initial && ours.ends_early().is_some() =>
        {
            warn(target, own, &ours)
        }
        (Some(_), Some(_)) => pass(if ordered {
            format!("{target} declares {own}, which is older than {to}")
        } else {
            format!("{own} came to {target} before {to} landed in {from}, or from there")
        }),
        (None, _) => warn(target, own, &ours),
        (Some(_), None) => warn(from, to, &theirs),
    }
}

/// Nothing tells when a version came: history does not reach back so far, or the environment never had it.
pub(super) fn warn(environment: &EnvironmentName, version: &Version, history: &History) -> Verdict {
    let detail = match history.ends_early() {
        Some(why) => format!("{NOT_KNOWN}how {version} came to {environment}; {why}"),
        None => format!(
            "{environment} has never declared {version} by itself: whether it lacks a fix is not known"
        ),
    };
    verdict(AHEAD, Outcome::Warn, detail)
}

/// When `version` came last.
fn newest<'a>(history: &'a History, version: &Version) -> Option<&'a HistoryEntry> {
    let mut entries = history.entries.iter();
    entries.find(|entry| entry.change.version.as_ref() == Some(version))
}

/// `by Jane, 2h ago, in 1a2b3c4`
pub(super) fn told(change: &ValueChange, input: &PlanInput<'_>) -> String {
    format!(
        "by {}, {} ago ({}), in {}",
        change.authored.author,
        age::between(change.landed.time, input.now),
        change.landed.time.strftime("%Y-%m-%d %H:%M UTC"),
        change.landed.commit.short()
    )
}

//! What is said of a plan that was judged again.

use super::super::{Prepared, Session};
use crate::{
    domain::{
        desired::{RefName, Tip},
        plan::Plan,
    },
    sources::git,
};

pub(super) fn still_there(again: &Prepared) -> String {
    let at: Vec<String> = again
        .bases
        .iter()
        .map(|base| format!("{} is still at {}", base.shown, base.commit.short()))
        .collect();
    at.join(", ")
}

pub(super) fn moved_since(
    session: &Session,
    confirmed: &Prepared,
    again: &Prepared,
) -> Option<String> {
    let moved = moved_refs(session, confirmed, again);
    (!moved.is_empty()).then(|| format!("{}; same bytes and verdicts there", moved.join(", ")))
}

/// Which refs of a plan are elsewhere than when it was confirmed, and who moved them last.
fn moved_refs(session: &Session, confirmed: &Prepared, again: &Prepared) -> Vec<String> {
    let places = again.plan.writes.iter().zip(&again.bases);
    let moved = places.filter_map(|(write, base)| {
        let mut before = confirmed.plan.writes.iter().zip(&confirmed.bases);
        let (_, before) = before.find(|(other, _)| other.place == write.place)?;
        (before.commit != base.commit).then(|| moved(session, &write.place, before, base))
    });
    moved.collect()
}

fn moved(session: &Session, place: &RefName, before: &Tip, now: &Tip) -> String {
    let tip = match session.repository(place) {
        Ok(repo) => git::who(repo, now.commit),
        Err(_) => now.commit.short(),
    };
    format!(
        "{} moved from {} to {tip}",
        now.shown,
        before.commit.short()
    )
}

pub(super) fn differences(
    session: &Session,
    confirmed: &Prepared,
    expected: &Plan,
    again: &Prepared,
) -> Vec<String> {
    let mut lines = moved_refs(session, confirmed, again);
    // Of a plan in which nothing is left to write, the base alone is known.
    if again.plan.writes.is_empty()
        && confirmed.base.commit != again.base.commit
        && confirmed.base.shown == again.base.shown
    {
        let place = confirmed.plan.writes.first().map(|write| &write.place);
        let place = place.cloned().unwrap_or_default();
        lines.push(moved(session, &place, &confirmed.base, &again.base));
    }
    for old in &expected.changes {
        let Some(new) = again
            .plan
            .changes
            .iter()
            .find(|change| change.cell == old.cell)
        else {
            let why = again.plan.skipped.iter().find(|skip| skip.cell == old.cell);
            lines.push(format!(
                "{}: {}",
                old.cell,
                why.map_or("not in the plan any more", |skip| &skip.detail)
            ));
            continue;
        };
        let shown = |version: &Option<crate::domain::version::Version>| {
            version
                .as_ref()
                .map_or("inherited".to_owned(), ToString::to_string)
        };
        if (&old.from, &old.to) != (&new.from, &new.to) {
            lines.push(format!(
                "{}: was {} → {}, is {} → {}",
                old.cell,
                shown(&old.from),
                shown(&old.to),
                shown(&new.from),
                shown(&new.to)
            ));
        }
        for verdict in &new.verdicts {
            let before = old.verdicts.iter().find(|other| other.gate == verdict.gate);
            if before.is_none_or(|before| before.outcome != verdict.outcome) {
                lines.push(format!(
                    "{}: {} is {} now: {}",
                    old.cell,
                    verdict.gate,
                    verdict.outcome.as_str(),
                    verdict.detail
                ));
            }
        }
    }
    for new in &again.plan.changes {
        if !expected.changes.iter().any(|old| old.cell == new.cell) {
            lines.push(format!(
                "{}: comes along now, and was not in the plan",
                new.cell
            ));
        }
    }
    for write in &again.plan.writes {
        let before = expected.writes.iter().find(|old| old.place == write.place);
        for edit in &write.edits {
            if before.is_none_or(|before| !before.edits.contains(edit)) {
                lines.push(format!("{}: other bytes than confirmed", edit.path));
            }
        }
    }
    lines
}

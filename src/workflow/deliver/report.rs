//! What is said of a plan that was judged again.

use super::super::Project;
use crate::{
    domain::{desired::Tip, ids::ObjectId, plan::Plan},
    sources::git,
};

pub(super) fn still_there(again: &Plan) -> String {
    let tips = again.writes().map(|write| &write.tip);
    let at: Vec<String> = tips
        .map(|tip| format!("{} is still at {}", tip.shown, tip.commit.short()))
        .collect();
    at.join(", ")
}

pub(in crate::workflow) fn moved_since(
    project: &Project,
    confirmed: &Plan,
    again: &Plan,
) -> Option<String> {
    let moved = moved_refs(project, confirmed, again);
    (!moved.is_empty()).then(|| format!("{}; same bytes and verdicts there", moved.join(", ")))
}

/// Which refs of a plan are elsewhere than when it was confirmed, and who moved them last.
fn moved_refs(project: &Project, confirmed: &Plan, again: &Plan) -> Vec<String> {
    let moved = again.writes().filter_map(|write| {
        let mut before = confirmed.writes().map(|write| &write.tip);
        let before = before.find(|tip| tip.name == write.tip.name)?;
        let elsewhere = before.commit != write.tip.commit;
        elsewhere.then(|| moved(project, before.commit, &write.tip))
    });
    moved.collect()
}

fn moved(project: &Project, before: ObjectId, now: &Tip) -> String {
    let tip = match project.repository(&now.name) {
        Ok(repo) => git::who(repo, now.commit),
        Err(_) => now.commit.short(),
    };
    format!("{} moved from {} to {tip}", now.shown, before.short())
}

pub(in crate::workflow) fn differences(
    project: &Project,
    confirmed: &Plan,
    expected: &Plan,
    again: &Plan,
) -> Vec<String> {
    let mut lines = moved_refs(project, confirmed, again);
    // Of a plan in which nothing is left to write, the base alone is known.
    if again.is_empty() {
        for now in &again.base {
            let before = confirmed.base.iter().find(|tip| tip.name == now.name);
            if let Some(before) = before.filter(|before| before.commit != now.commit) {
                lines.push(moved(project, before.commit, now));
            }
        }
    }
    for old in &expected.changes {
        let Some(new) = again.changes.iter().find(|change| change.cell == old.cell) else {
            let why = again.skipped.iter().find(|skip| skip.cell == old.cell);
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
        // As where a cluster was not heard of yet, and says by now that nothing of its own holds it.
        let gone = |gate: &str| new.verdicts.iter().all(|other| other.gate != gate);
        for before in old.verdicts.iter().filter(|it| gone(&it.gate)) {
            lines.push(format!(
                "{}: {} was {} and is not asked any more: {}",
                old.cell,
                before.gate,
                before.outcome.as_str(),
                before.detail
            ));
        }
    }
    for new in &again.changes {
        if !expected.changes.iter().any(|old| old.cell == new.cell) {
            lines.push(format!(
                "{}: comes along now, and was not in the plan",
                new.cell
            ));
        }
    }
    for write in again.writes() {
        let before = expected.writes().find(|old| old.tip.name == write.tip.name);
        for edit in &write.edits {
            if before.is_none_or(|before| !before.edits.contains(edit)) {
                lines.push(format!("{}: other bytes than confirmed", edit.path));
            }
        }
    }
    if lines.is_empty() {
        lines.push("it is judged otherwise than when it was confirmed: look at its gates and at what is skipped".to_owned());
    }
    lines
}

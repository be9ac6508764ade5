//! Whether a plan that was evaluated again still is what was confirmed.

use super::{Action, FileEdit, Outcome, Plan, PlannedChange, SkipCause};
use crate::domain::{desired::RefName, ids::CellKey, version::Version};

/// The same bytes and the same verdicts, whatever the base: such a plan goes on without asking again.
///
/// Sentences may differ (they name ages); what they lead to may not.
pub fn same(confirmed: &Plan, again: &Plan) -> bool {
    writes(confirmed).eq(writes(again))
        && confirmed
            .changes
            .iter()
            .map(outcome)
            .eq(again.changes.iter().map(outcome))
        && skips(confirmed).eq(skips(again))
}

type Judged<'a> = (
    &'a CellKey,
    Option<&'a Version>,
    Option<&'a Version>,
    Vec<(&'a str, Outcome, bool)>,
);

fn outcome(change: &PlannedChange) -> Judged<'_> {
    let verdicts = change
        .verdicts
        .iter()
        .map(|verdict| {
            (
                verdict.gate.as_str(),
                verdict.outcome,
                verdict.overridden.is_some(),
            )
        })
        .collect();
    (
        &change.cell,
        change.from.as_ref(),
        change.to.as_ref(),
        verdicts,
    )
}

/// What is written where; the commits that it is relative to may differ.
fn writes(plan: &Plan) -> impl Iterator<Item = (&RefName, u8, &[FileEdit])> {
    plan.writes.iter().map(|write| {
        let kind = match write.action {
            Action::Edit => 0,
            Action::Merge {
                fast_forward: false,
                ..
            } => 1,
            Action::Merge {
                fast_forward: true, ..
            } => 2,
            Action::Tag { .. } => 3,
        };
        (&write.place, kind, write.edits.as_slice())
    })
}

fn skips(plan: &Plan) -> impl Iterator<Item = (&CellKey, SkipCause)> {
    plan.skipped.iter().map(|skip| (&skip.cell, skip.cause))
}

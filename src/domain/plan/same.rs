//! Whether a plan that was evaluated again still is what was confirmed.

use super::{Outcome, Plan, PlannedChange, SkipCause};
use crate::domain::{ids::CellKey, version::Version};

/// The same bytes and the same verdicts, whatever the base: such a plan goes on without asking again.
///
/// Sentences may differ (they name ages); what they lead to may not.
pub fn same(confirmed: &Plan, again: &Plan) -> bool {
    confirmed.edits == again.edits
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

fn skips(plan: &Plan) -> impl Iterator<Item = (&CellKey, SkipCause)> {
    plan.skipped.iter().map(|skip| (&skip.cell, skip.cause))
}

//! A plan, shown to people.

use super::{
    output::{Output, Tone, clean},
    words::{after, before, count, verb, verdict_glyph},
};
use crate::{
    domain::plan::{Outcome, PlannedChange, Verdict},
    workflow::Prepared,
};

/// Changes with their verdicts, skips, and the exact diff.
pub fn show(output: &Output, prepared: &Prepared) {
    let plan = &prepared.plan;
    for change in &plan.changes {
        output.line(line(output, change));
        for verdict in &change.verdicts {
            output.line(format!("    {}", verdict_line(output, verdict)));
        }
    }
    for skip in &plan.skipped {
        let text = format!(
            "skip {}: {} ({})",
            clean(&skip.cell.to_string()),
            clean(&skip.detail),
            skip.cause.as_str()
        );
        output.line(output.paint(&text, Tone::Dim));
    }
    for diff in &prepared.diffs {
        output.line("");
        for text in diff.with_header().lines() {
            let tone = match text.as_bytes().first() {
                _ if text.starts_with("+++") || text.starts_with("---") => Tone::Strong,
                Some(b'+') => Tone::Good,
                Some(b'-') => Tone::Bad,
                _ => Tone::Plain,
            };
            output.line(output.paint(&crate::domain::text::sanitise_lines(text), tone));
        }
    }
    if !plan.changes.is_empty() {
        output.line("");
        output.line(format!(
            "{} in {} on {} {}",
            count(plan.changes.len(), "change"),
            count(plan.edits.len(), "file"),
            prepared.base.reference,
            plan.base.short()
        ));
    }
}

fn line(output: &Output, change: &PlannedChange) -> String {
    let text = format!(
        "{} {}: {} → {}",
        verb(&change.intent),
        change.cell,
        before(change.from.as_ref()),
        after(change.to.as_ref())
    );
    output.paint(&clean(&text), Tone::Strong)
}

fn verdict_line(output: &Output, verdict: &Verdict) -> String {
    let tone = match verdict.outcome {
        Outcome::Pass => Tone::Good,
        Outcome::Hold if verdict.overridden.is_some() => Tone::Attention,
        Outcome::Hold => Tone::Bad,
        Outcome::Warn | Outcome::Unknown => Tone::Attention,
    };
    let word = format!(
        "{} {} {}",
        verdict_glyph(verdict.outcome, output.is_ascii()),
        verdict.gate,
        verdict.outcome.as_str()
    );
    let overridden = match &verdict.overridden {
        Some(reason) => format!(" (overridden: {})", clean(reason)),
        None => String::new(),
    };
    format!(
        "{}: {}{overridden}",
        output.paint(&word, tone),
        clean(&verdict.detail)
    )
}

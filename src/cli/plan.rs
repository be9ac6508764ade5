//! A plan, shown to people.

use super::{
    output::{Output, Styled, Tone, clean},
    words::{before, count, verdict_glyph},
};
use crate::{
    domain::desired::Tip,
    domain::plan::{Action, Outcome, PlannedChange, PlannedWrite, Standing, Verdict},
    workflow::Prepared,
};

/// Changes with their verdicts, skips, and the exact diff.
pub fn show(output: &Output, prepared: &Prepared) {
    let plan = &prepared.plan;
    for change in &plan.changes {
        output.line(line(output, change));
        for verdict in &change.verdicts {
            output.line(Styled::from("    ").and(verdict_line(output, verdict)));
        }
    }
    for skip in &plan.skipped {
        let (word, tone) = match skip.standing {
            Standing::Stops => ("cannot change", Tone::Bad),
            Standing::LeftOut => ("leave out", Tone::Attention),
            Standing::Aside if skip.cause.is_broken() => ("skip", Tone::Attention),
            Standing::Aside => ("skip", Tone::Dim),
        };
        let text = format!(
            "{word} {}: {} ({})",
            clean(&skip.cell.to_string()),
            clean(&skip.detail),
            skip.cause.as_str()
        );
        output.line(output.paint(&text, tone));
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
            output.line(output.paint(text, tone));
        }
    }
    if !plan.changes.is_empty() {
        output.line("");
        for (write, base) in plan.writes.iter().zip(&prepared.bases) {
            output.line(clean(&summary(write, base)));
        }
        for note in &prepared.notes {
            output.line(output.paint(&format!("note: {}", clean(note)), Tone::Attention));
        }
    }
}

/// `2 changes in 1 file on origin/main a1b2c3d`, and what else is done with the ref.
fn summary(write: &PlannedWrite, base: &Tip) -> String {
    let changes = count(write.cells.len(), "change");
    let files = count(write.edits.len(), "file");
    let at = base.commit.short();
    let text = match &write.action {
        Action::Edit => format!("{changes} in {files} on {} {at}", base.shown),
        Action::Merge {
            from,
            commit,
            fast_forward,
        } => {
            let how = if *fast_forward {
                "moves on, by fast-forward, to"
            } else {
                "gets a merge of"
            };
            format!(
                "{changes} in {files}: {} {at} {how} {} {}",
                base.shown,
                from.short(),
                commit.short()
            )
        }
        Action::Tag { from: Some(from) } => {
            format!(
                "{changes}: the tag {} of {at}, which is {}",
                base.branch(),
                from.short()
            )
        }
        Action::Tag { from: None } => format!("{changes}: the tag {} of {at}", base.branch()),
    };
    match &write.place.repository {
        Some(repository) => format!("{repository}: {text}"),
        None => text,
    }
}

fn line(output: &Output, change: &PlannedChange) -> Styled {
    let text = format!(
        "{} {}: {} → {}{}",
        change.verb(),
        change.cell,
        before(change.from.as_ref()),
        change.after(),
        if change.along.is_some() {
            " (comes along)"
        } else {
            ""
        }
    );
    output.paint(&clean(&text), Tone::Strong)
}

fn verdict_line(output: &Output, verdict: &Verdict) -> Styled {
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
    let detail = format!(": {}{overridden}", clean(&verdict.detail));
    output.paint(&word, tone).and(detail)
}

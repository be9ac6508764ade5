//! A plan, shown to people.

use super::{
    output::{Output, clean},
    text::{before, count, verdict_glyph},
    waves,
};
use crate::{
    domain::{
        alike::{self, Told},
        diff::FileDiff,
        plan::{Action, Outcome, Plan, PlannedChange, Skip, Standing, Verdict, Write},
    },
    stdio::{Styled, Tone},
};

/// Changes with their verdicts, skips, and the exact diff.
pub fn show(output: &Output, plan: &Plan) {
    for (change, verdicts) in plan.changes.iter().zip(verdicts(&plan.changes)) {
        output.line(line(output, change));
        for verdict in verdicts {
            output.line(Styled::from("    ").and(match verdict {
                Told::One(verdict) => verdict_line(output, verdict),
                Told::More { like, count } => output.paint(
                    &format!(
                        "{} is the same for {count} more: -o json lists all",
                        like.gate
                    ),
                    Tone::Dim,
                ),
            }));
        }
    }
    for change in &plan.held_back {
        let held = Styled::from("held back: ");
        output.line(held.and(line(output, change)));
    }
    for veto in plan.writes().flat_map(|write| &write.vetoes) {
        output.line(output.paint(&clean(&veto.line()), Tone::Strong));
    }
    for told in alike::tell(&plan.skipped, |skip| same(skip)) {
        let (skip, more) = match told {
            Told::One(skip) => (skip, None),
            Told::More { like, count } => (like, Some(count)),
        };
        let (word, tone) = match skip.standing {
            Standing::Stops => ("cannot change", Tone::Bad),
            Standing::LeftOut => ("leave out", Tone::Attention),
            Standing::Aside if skip.cause.is_broken() => ("skip", Tone::Attention),
            Standing::Aside => ("skip", Tone::Dim),
        };
        if let Some(count) = more {
            let text = format!(
                "{word} {count} more with the same words ({}): -o json lists all",
                skip.cause.as_str()
            );
            output.line(output.paint(&text, tone));
            continue;
        }
        let text = format!(
            "{word} {}: {} ({})",
            clean(&skip.cell.to_string()),
            clean(&skip.detail),
            skip.cause.as_str()
        );
        output.line(output.paint(&text, tone));
    }
    for diff in plan.edits().map(FileDiff::of) {
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
    waves::show(output, plan);
    if !plan.is_void() {
        output.line("");
        for write in plan.writes() {
            output.line(clean(&summary(write)));
        }
        for note in &plan.notes {
            output.line(output.paint(&format!("note: {}", clean(note)), Tone::Attention));
        }
    }
}

/// Skips that say the same of different cells.
pub(super) fn same(skip: &Skip) -> (Standing, &'static str, String) {
    let names = [skip.cell.service.as_str(), skip.cell.environment.as_str()];
    let message = alike::gist(&skip.detail, &names);
    (skip.standing, skip.cause.as_str(), message)
}

/// The verdicts of each change. Of many changes those that say the same are told a few times, then counted.
fn verdicts(changes: &[PlannedChange]) -> Vec<Vec<Told<&Verdict>>> {
    /// Nobody reads the verdicts of more changes one by one.
    const MANY: usize = 20;
    let all = changes.iter().enumerate();
    let all = all.flat_map(|(at, change)| change.verdicts.iter().map(move |it| (at, it)));
    let key = |(at, verdict): &(usize, &Verdict)| {
        let cell = &changes[*at].cell;
        let names = [cell.service.as_str(), cell.environment.as_str()];
        let message = alike::gist(&verdict.detail, &names);
        let apart = (changes.len() <= MANY).then_some(*at);
        (
            apart,
            verdict.gate.clone(),
            verdict.outcome.as_str(),
            verdict.overridden.clone(),
            message,
        )
    };
    let mut told: Vec<Vec<Told<&Verdict>>> = vec![Vec::new(); changes.len()];
    for one in alike::tell(all, key) {
        match one {
            Told::One((at, verdict)) => told[at].push(Told::One(verdict)),
            Told::More {
                like: (at, like),
                count,
            } => told[at].push(Told::More { like, count }),
        }
    }
    told
}

/// `2 changes in 1 file on origin/main a1b2c3d`, and what else is done with the ref.
fn summary(write: &Write) -> String {
    let tip = &write.tip;
    let cells = count(write.cells.len(), "change");
    let vetoes = count(write.vetoes.len(), "change");
    let changes = match (write.cells.len(), write.vetoes.len()) {
        (_, 0) => cells,
        (0, _) => format!("{vetoes} of vetoes"),
        _ => format!("{cells} and {vetoes} of vetoes"),
    };
    let files = count(write.edits.len(), "file");
    let at = tip.commit.short();
    let text = match &write.action {
        Action::Edit => format!("{changes} in {files} on {} {at}", tip.shown),
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
                tip.shown,
                from.short(),
                commit.short()
            )
        }
        Action::Tag { from: Some(from) } => {
            format!(
                "{changes}: the tag {} of {at}, which is {}",
                tip.branch(),
                from.short()
            )
        }
        Action::Tag { from: None } => format!("{changes}: the tag {} of {at}", tip.branch()),
    };
    match &tip.name.repository {
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

/// `✗ window hold: the freeze …`
pub(super) fn verdict_line(output: &Output, verdict: &Verdict) -> Styled {
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

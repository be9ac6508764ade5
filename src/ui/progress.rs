//! How far a progressive delivery has got, on the screen of its cell.

use ratatui::text::{Line, Span};

use super::{canvas::Canvas, rollout::labelled, text};
use crate::{
    actions::{Action, Mode},
    domain::{
        agent::{Conduct, Progress, Stage},
        rollout::LiveCell,
    },
    look,
};

/// Columns of the bar.
const BAR: u32 = 16;

/// A bar with the step, what it waits for, the versions, the analyses, and its controller's own words; nothing where a cell is
/// not delivered step by step.
pub fn lines(canvas: &Canvas<'_>, live: &LiveCell, width: usize) -> Vec<Line<'static>> {
    let Some(progress) = live.progress.as_deref() else {
        return Vec::new();
    };
    let theme = canvas.theme;
    let style = match progress.stage {
        Stage::Aborted | Stage::Failed => theme.bad,
        Stage::Waiting | Stage::Approval | Stage::Suspended => theme.warn,
        _ => theme.text,
    };
    let mut head = Vec::new();
    if let Some(percent) = progress.percent() {
        let bar = look::bar(percent, BAR, canvas.glyphs.bar);
        head.push(Span::styled(format!("{bar} {percent}%  "), theme.moving));
    }
    head.push(Span::styled(place(progress), style));
    let mut all = vec![labelled(canvas, progress.way.word(), head)];
    let room = width.saturating_sub(10);
    let told = Conduct::ALL.into_iter();
    let told = told.filter(|it| it.objection(progress).is_none());
    let told: Vec<&str> = told.map(Conduct::word).collect();
    if !told.is_empty() {
        let words = Span::styled(format!(" {}", told.join(", ")), theme.dim);
        let key = canvas.key(Mode::Cell, Action::Agent);
        all.push(labelled(canvas, "", vec![key, words]));
    }
    let mut more = |words: String, style| {
        for line in text::wrap(&words, room).into_iter().take(3) {
            all.push(labelled(canvas, "", vec![Span::styled(line, style)]));
        }
    };
    if let Some(waits) = progress.waits(canvas.model.now) {
        more(format!("waits for {waits}"), theme.text);
    }
    let versions = progress.from.as_ref().zip(progress.to.as_ref());
    if let Some((from, to)) = versions.filter(|(from, to)| from != to) {
        more(format!("{from} {} {to}", canvas.glyphs.arrow), theme.text);
    }
    if let Some((failed, of)) = progress.checks.filter(|_| progress.step.is_some()) {
        let style = if failed > 0 { theme.warn } else { theme.dim };
        more(format!("{failed} of {of} checks failed"), style);
    }
    // Those whose objects are known are told with what they measured.
    let is_told = |name: &String| live.beside.iter().any(|it| it.name == *name);
    for analysis in progress.analyses.iter().filter(|it| !is_told(&it.name)) {
        let said = analysis.message.as_ref();
        let said = said.map_or_else(String::new, |said| format!(": {said}"));
        let words = format!("analysis {} {}{said}", analysis.name, analysis.phase);
        more(words, theme.dim);
    }
    if !progress.services.is_empty() {
        let services = progress.services.iter();
        let services: Vec<_> = services
            .map(|it| format!("{} {}", it.role, it.service))
            .collect();
        more(services.join(", "), theme.faint);
    }
    more(own_words(progress), theme.dim);
    all
}

/// `step 3/5`, or what it is doing.
fn place(progress: &Progress) -> String {
    let stage = progress.stage.word();
    match progress.step.filter(|_| progress.is_underway()) {
        Some(step) if step.of > 1 && step.index < step.of => {
            format!("step {}/{}, {stage}", step.index + 1, step.of)
        }
        _ => stage.to_owned(),
    }
}

/// `Rollout shop/web: Paused: CanaryPauseStep`
fn own_words(progress: &Progress) -> String {
    let mut words = format!("{} {}", progress.by.kind(), progress.object);
    for said in [&progress.phase, &progress.message].into_iter().flatten() {
        words = format!("{words}: {said}");
    }
    words
}

//! A delivery: its stages with their times, each cell on its way, how it ended.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{canvas::Canvas, text};
use crate::{
    actions::{Action, Mode},
    app::{
        areas::{Spot, below, row, rows},
        screen::DeliveryScreen,
    },
    domain::{
        age,
        cell::State,
        delivery::{CellProgress, CellRun, Delivery, Outcome, Stage},
        pull_request::{PullRequest, PullState},
        topology::Deliver,
    },
    look,
};

/// The stages in their order, in words.
const STAGES: [(Stage, &str); 10] = [
    (Stage::Checked, "checked"),
    (Stage::Committed, "committed"),
    (Stage::Pushed, "pushed"),
    (Stage::Opened, "opened"),
    (Stage::Approved, "approved"),
    (Stage::Merged, "merged"),
    (Stage::Synced, "synced"),
    (Stage::Rolling, "rolling"),
    (Stage::Verified, "verified"),
    (Stage::Healthy, "healthy"),
];

/// Width of a progress bar.
const BAR: u32 = 20;

/// Draws it.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, screen: &DeliveryScreen) {
    let theme = canvas.theme;
    let runs = &canvas.model.deliveries;
    let Some(index) = runs.position(&screen.id) else {
        return;
    };
    let delivery = &*runs[index].delivery;
    let mut title = vec![Span::styled("Delivery", theme.title)];
    // Before what may be cut off.
    if delivery.urgent && delivery.ended.is_none() {
        let since = age::between(delivery.started, canvas.model.now);
        let words = format!("  URGENT, since {since}");
        title.push(Span::styled(words, theme.bad));
    }
    title.extend([
        Span::styled(
            delivery.wave.as_ref().map_or(String::new(), |wave| {
                format!("  wave {} of {}", wave.number, wave.of)
            }),
            theme.accent,
        ),
        Span::styled(format!("  {}", delivery.subject), theme.dim),
    ]);
    if runs.len() > 1 {
        let key = canvas.model.key(Mode::Delivery, Action::NextPane);
        let (number, count) = (index + 1, runs.len());
        let words = format!("  {number} of {count}, {key} shows the others");
        title.push(Span::styled(words, theme.faint));
    }
    let inner = canvas.frame(area, Line::from(title));
    let mut lines = head(canvas, delivery);
    let width = usize::from(inner.width);
    published(canvas, delivery, width, &mut lines);
    lines.push(Line::default());
    let mut first_cell = lines.len();
    let names = delivery.cells.iter();
    let names = names.map(|run| text::width(&run.cell.to_string()));
    let names = names.max().unwrap_or(8).min(width / 2);
    for run in &delivery.cells {
        lines.push(cell_line(canvas, delivery, run, names));
    }
    lines.push(Line::default());
    if let Some(run) = delivery.cells.get(screen.selected(delivery)) {
        in_full(canvas, delivery, run, (names, width), &mut lines);
        if let CellProgress::Behind(hop) = &run.progress
            && let Some(order) = hop.order
            && let Some(agent) = canvas.model.live.cells().get(&run.cell)
            && let Some(agent) = &agent.agent
        {
            lines.push(super::detail::moves_it(
                canvas,
                Mode::Delivery,
                order,
                agent,
            ));
        }
    }
    ending(canvas, delivery, width, &mut lines);
    let height = usize::from(inner.height);
    if lines.len() > height {
        // Words go before air.
        let air = |line: &&Line<'_>| line.width() == 0;
        first_cell -= lines[..first_cell].iter().filter(air).count();
        lines.retain(|line| line.width() > 0);
    }
    let cell = screen.selected(delivery);
    let selected = first_cell + cell;
    let mut start = (selected + 2).saturating_sub(height);
    if delivery.ended.is_some() {
        // How it ended is worth more than how it began.
        start = start.max(lines.len().saturating_sub(height).min(selected));
    }
    canvas.drawn.keys.page = height.saturating_sub(first_cell + 2);
    let cells = Spot::Rows {
        pane: None,
        first: start.saturating_sub(first_cell),
        count: delivery.cells.len(),
    };
    let top = first_cell.saturating_sub(start);
    let left = (first_cell + delivery.cells.len()).saturating_sub(start.max(first_cell));
    canvas.zone(below(inner, rows(top), rows(left)), cells);
    canvas.lines(inner, lines.into_iter().skip(start));
    let offset = rows(selected - start);
    if offset < inner.height && cell < delivery.cells.len() {
        canvas.tint(row(inner, offset), theme.row);
    }
}

/// `✓ pushed      14:02:11  2s   a1b2c3d on origin/main`
fn head(canvas: &Canvas<'_>, delivery: &Delivery) -> Vec<Line<'static>> {
    let (model, theme) = (canvas.model, canvas.theme);
    let mut lines = Vec::new();
    let verifies = |run: &CellRun| run.expected.as_ref().is_some_and(|it| it.verifies);
    let verifies = delivery.cells.iter().any(verifies);
    for (stage, name) in STAGES {
        let by_request = matches!(stage, Stage::Opened | Stage::Approved | Stage::Merged);
        if stage == Stage::Verified && !verifies
            || by_request && delivery.deliver != Deliver::PullRequest
        {
            continue;
        }
        let line = match delivery.stage(stage) {
            None => Line::styled(format!("  {name}"), theme.faint),
            Some(known) => {
                let (state, until, words) = match (&known.done, &delivery.ended) {
                    (Some((at, words)), _) => (State::Healthy, *at, words.clone()),
                    (None, Some((at, _))) if delivery.verdict().is_some_and(|it| it.is_err()) => {
                        (State::Degraded, *at, "stopped here".to_owned())
                    }
                    (None, _) => (State::Rolling, model.now, String::new()),
                };
                let style = theme.state(state);
                let took = age::between(known.began, until);
                Line::from(vec![
                    Span::styled(format!("{} ", canvas.glyphs.state(state)), style),
                    Span::styled(format!("{name:<11}"), style),
                    Span::styled(format!("{}  ", text::clock(known.began)), theme.dim),
                    Span::styled(format!("{took:>4}  "), theme.dim),
                    Span::raw(words),
                ])
            }
        };
        lines.push(line);
    }
    lines
}

fn published(
    canvas: &Canvas<'_>,
    delivery: &Delivery,
    width: usize,
    lines: &mut Vec<Line<'static>>,
) {
    let theme = canvas.theme;
    lines.push(Line::default());
    if delivery.parts.is_empty() {
        let words = format!("to {}", delivery.target);
        lines.push(Line::styled(words, theme.dim));
    }
    if let Some(note) = &delivery.moved {
        let wrapped = text::wrap(note, width).into_iter();
        lines.extend(wrapped.map(|line| Line::styled(line, theme.warn)));
    }
    if delivery.is_elsewhere() {
        let wrapped = text::wrap(&delivery.elsewhere(), width).into_iter();
        lines.extend(wrapped.map(|line| Line::styled(line, theme.warn)));
    }
    for part in &delivery.parts {
        for said in &part.message {
            for line in text::wrap(said, width.saturating_sub(8)) {
                lines.push(Line::from(vec![
                    Span::styled("server  ", theme.dim),
                    Span::raw(line),
                ]));
            }
        }
        for line in part.note.iter().flat_map(|note| text::wrap(note, width)) {
            lines.push(Line::styled(line, theme.warn));
        }
        if let Some(request) = &part.request {
            for line in text::wrap(&request.describe(), width) {
                lines.push(Line::styled(line, theme.text));
            }
        }
        let is_open = |request: &&PullRequest| request.state == PullState::Open;
        if let Some(request) = part.request.as_ref().filter(is_open) {
            let key = canvas.model.key(Mode::Delivery, Action::DropDelivery);
            let words = format!("{key} drops it: #{} is closed", request.number);
            lines.push(Line::styled(words, theme.faint));
        }
        let request = part.request.as_ref().map(|request| &request.url);
        if let Some(link) = request.or(part.link.as_ref()) {
            lines.push(Line::from(vec![
                Span::styled("link    ", theme.dim),
                Span::styled(link.clone(), theme.accent),
                Span::styled(
                    format!(
                        "  {} opens, {} copies",
                        canvas.model.key(Mode::Delivery, Action::Browse),
                        canvas.model.key(Mode::Delivery, Action::Copy)
                    ),
                    theme.faint,
                ),
            ]));
        }
    }
}

/// `▸ checkout / prod-eu  ▰▰▰▰▰▱▱▱ 4/6`
fn cell_line(
    canvas: &Canvas<'_>,
    delivery: &Delivery,
    run: &CellRun,
    names: usize,
) -> Line<'static> {
    let (theme, glyphs) = (canvas.theme, canvas.glyphs);
    let (cell, state) = (&run.cell, &run.progress);
    let words = progress_words(canvas, delivery, run);
    let progress = look::of_progress(state);
    let shown = progress.state;
    let tone = progress.tone.filter(|_| run.superseded.is_none());
    let style = tone.map_or(theme.dim, |tone| theme.tone(tone));
    let name = text::column(&cell.to_string(), names, glyphs.ellipsis);
    Line::from(vec![
        match run.superseded {
            None => Span::styled(format!("{} ", glyphs.state(shown)), theme.state(shown)),
            Some(_) => Span::styled(format!("{} ", glyphs.state(shown)), theme.dim),
        },
        Span::raw(name),
        Span::styled(format!("  {words}"), style),
    ])
}

/// What became of the selected cell, where its line has no room for all of it.
fn in_full(
    canvas: &Canvas<'_>,
    delivery: &Delivery,
    run: &CellRun,
    (names, width): (usize, usize),
    lines: &mut Vec<Line<'static>>,
) {
    let theme = canvas.theme;
    let words = progress_words(canvas, delivery, run);
    let name = run.cell.to_string();
    let (named, said) = (text::width(&name), text::width(&words));
    // Where the delivery ended because of this alone, its end says the same.
    let told = delivery.verdict().and_then(Result::err);
    let told = told.is_some_and(|failure| failure.why.contains(&words));
    if told || (named <= names && names + said + 4 <= width) {
        return;
    }
    lines.push(Line::styled(name, theme.title));
    let words = text::wrap(&words, width).into_iter();
    lines.extend(words.map(|line| Line::styled(line, theme.text)));
    lines.push(Line::default());
}

/// How far a cell is, or what became of it, in one line.
fn progress_words(canvas: &Canvas<'_>, delivery: &Delivery, run: &CellRun) -> String {
    let glyphs = canvas.glyphs;
    match &run.progress {
        CellProgress::Failed(why) if let Some((at, since)) = &run.superseded => {
            let failed = delivery.ended.as_ref();
            let failed = failed.map_or(String::new(), |(at, _)| format!(" {}", text::clock(*at)));
            format!(
                "superseded {}: {since}; failed{failed}: {why}",
                text::clock(*at)
            )
        }
        CellProgress::Rolling { ready, desired } => {
            let percent = (ready * 100).checked_div(*desired).unwrap_or(0);
            let bar = look::bar(percent, BAR, glyphs.bar);
            format!("{bar} {ready}/{desired}")
        }
        CellProgress::Behind(hop) => hop.words(canvas.model.now),
        progress => progress.describe(),
    }
}

fn ending(canvas: &Canvas<'_>, delivery: &Delivery, width: usize, lines: &mut Vec<Line<'static>>) {
    let theme = canvas.theme;
    let (Some((at, outcome)), Some(verdict)) = (&delivery.ended, delivery.verdict()) else {
        let took = age::between(delivery.started, canvas.model.now);
        let leave = canvas.model.key(Mode::Delivery, Action::Back);
        let back = canvas.model.key(Mode::Matrix, Action::Delivery);
        let words = format!("{took} so far; {leave} leaves it running, {back} comes back");
        return lines.push(Line::styled(words, theme.dim));
    };
    match verdict {
        Ok(words) => {
            let took = age::between(delivery.started, *at);
            let line = format!("{words}, {took} after the confirmation");
            let wrapped = text::wrap(&line, width).into_iter();
            lines.extend(wrapped.map(|line| Line::styled(line, theme.good)));
        }
        Err(failure) => {
            let over = delivery.is_superseded();
            let (head, body) = if over {
                (theme.dim, theme.dim)
            } else {
                (theme.bad, theme.text)
            };
            let since = delivery
                .cells
                .iter()
                .filter_map(|run| run.superseded.as_ref());
            let since = since.map(|(at, _)| *at).max().filter(|_| over);
            let since = since.map_or(String::new(), |since| {
                format!(", superseded at {}", text::clock(since))
            });
            let words = format!("{} failed at {}{since}", failure.what, text::clock(*at));
            let wrapped = text::wrap(&words, width).into_iter();
            lines.extend(wrapped.map(|line| Line::styled(line, head)));
            for line in text::wrap(&failure.why, width) {
                lines.push(Line::styled(line, body));
            }
            if *outcome == Outcome::Failed {
                lines.extend(ways_back(canvas, delivery));
            } else {
                let wrapped = text::wrap(&failure.next, width).into_iter();
                lines.extend(wrapped.map(|line| Line::styled(line, theme.dim)));
            }
        }
    }
}

/// The keys that go back on what failed and is declared still.
fn ways_back(canvas: &Canvas<'_>, delivery: &Delivery) -> Vec<Line<'static>> {
    let failed = delivery.to_revert().count();
    let key = |action| canvas.key(Mode::Delivery, action);
    let line = |action, words: String| Line::from(vec![key(action), Span::raw(words)]);
    let mut lines = Vec::new();
    if failed > 0 {
        let words = " goes back to an earlier version of what failed".to_owned();
        lines.push(line(Action::Revert, words));
    }
    if failed > 1 {
        let words = format!(" goes back on all {failed} that failed");
        lines.push(line(Action::RevertFailed, words));
    }
    if failed > 0 && delivery.cells.len() > failed {
        let cells = text::count(delivery.cells.len(), "cell");
        let words = format!(" goes back on the whole batch of {cells}");
        lines.push(line(Action::RevertBatch, words));
    }
    lines
}

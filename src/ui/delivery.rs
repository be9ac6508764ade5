//! A delivery: its stages with their times, each cell on its way, how it ended.

use ratatui::{
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{canvas::Canvas, plan, text};
use crate::{
    actions::{Action, Mode},
    app::{
        areas::{row, rows},
        event::{CellDelivery, Stage},
        screen::{DeliveryRun, DeliveryScreen},
        status::State,
    },
    domain::{age, ids::CellKey},
};

/// The stages in their order, in words.
const STAGES: [(Stage, &str); 5] = [
    (Stage::Checked, "checked"),
    (Stage::Committed, "committed"),
    (Stage::Pushed, "pushed"),
    (Stage::Rolling, "rolling"),
    (Stage::Healthy, "healthy"),
];

/// Width of a progress bar.
const BAR: u32 = 20;

/// Draws it.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, screen: DeliveryScreen) {
    let theme = canvas.theme;
    let Some(run) = &canvas.model.delivery else {
        return;
    };
    let subject = run
        .plan
        .message
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned();
    let title = Line::from(vec![
        Span::styled("Delivery", theme.title),
        Span::styled(format!("  {subject}"), theme.dim),
    ]);
    let inner = canvas.frame(area, title);
    let mut lines = head(canvas, run);
    let width = usize::from(inner.width);
    published(canvas, run, width, &mut lines);
    lines.push(Line::default());
    let first_cell = lines.len();
    let names = run.cells.keys().map(|cell| text::width(&cell.to_string()));
    let names = names.max().unwrap_or(8).min(width / 2);
    for (cell, state) in &run.cells {
        lines.push(cell_line(canvas, cell, state, names));
    }
    lines.push(Line::default());
    ending(canvas, run, width, &mut lines);
    let height = usize::from(inner.height);
    let selected = first_cell + screen.cell;
    let start = (selected + 2).saturating_sub(height);
    canvas.drawn.page = height.saturating_sub(first_cell + 2);
    canvas.lines(inner, lines.into_iter().skip(start));
    let offset = rows(selected - start);
    if offset < inner.height && screen.cell < run.cells.len() {
        canvas.tint(row(inner, offset), theme.row);
    }
}

/// `✓ pushed      14:02:11  2s   a1b2c3d on origin/main`
fn head(canvas: &Canvas<'_>, run: &DeliveryRun) -> Vec<Line<'static>> {
    let (model, theme) = (canvas.model, canvas.theme);
    let mut lines = Vec::new();
    for (stage, name) in STAGES {
        let known = run.stages.iter().find(|known| known.stage == stage);
        let line = match known {
            None => Line::styled(format!("  {name}"), theme.faint),
            Some(known) => {
                let (state, style, until, words) = match (&known.done, &run.ended) {
                    (Some((at, words)), _) => (State::Healthy, theme.good, *at, words.clone()),
                    (None, Some((at, Err(_)))) => {
                        (State::Degraded, theme.bad, *at, "stopped here".to_owned())
                    }
                    (None, _) => (State::Rolling, theme.moving, model.now, String::new()),
                };
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

fn published(canvas: &Canvas<'_>, run: &DeliveryRun, width: usize, lines: &mut Vec<Line<'static>>) {
    let theme = canvas.theme;
    lines.push(Line::default());
    match &run.published {
        None => {
            let words = format!("to {}", plan::target(&run.plan));
            lines.push(Line::styled(words, theme.dim));
        }
        Some(published) => {
            if let Some(note) = &published.note {
                lines.push(Line::styled(note.clone(), theme.warn));
            }
            let pushed = run
                .stages
                .iter()
                .any(|known| known.stage == Stage::Pushed && known.done.is_some());
            if let (Some(elsewhere), false) = (&published.elsewhere, pushed) {
                let wrapped = text::wrap(elsewhere, width).into_iter();
                lines.extend(wrapped.map(|line| Line::styled(line, theme.warn)));
            }
            for word in &published.words {
                for line in text::wrap(word, width.saturating_sub(8)) {
                    lines.push(Line::from(vec![
                        Span::styled("server  ", theme.dim),
                        Span::raw(line),
                    ]));
                }
            }
            if let Some(link) = &published.link {
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
}

/// `▸ checkout / prod-eu  ▰▰▰▰▰▱▱▱ 4/6`
fn cell_line(
    canvas: &Canvas<'_>,
    cell: &CellKey,
    state: &CellDelivery,
    names: usize,
) -> Line<'static> {
    let (theme, glyphs) = (canvas.theme, canvas.glyphs);
    let (shown, words, style): (State, String, Style) = match state {
        CellDelivery::Waiting(what) => (State::Loading, what.clone(), theme.dim),
        CellDelivery::Rolling { ready, desired } => {
            let full = (ready * BAR).checked_div(*desired).unwrap_or(0).min(BAR);
            let (done, rest) = glyphs.bar;
            let bar = done.repeat(full as usize) + &rest.repeat((BAR - full) as usize);
            (
                State::Rolling,
                format!("{bar} {ready}/{desired}"),
                theme.moving,
            )
        }
        CellDelivery::Healthy => (State::Healthy, "healthy".to_owned(), theme.good),
        CellDelivery::Failed(why) => (State::Degraded, why.clone(), theme.bad),
        CellDelivery::Unwatched(why) => (State::GitOnly, why.clone(), theme.dim),
    };
    let name = text::column(&cell.to_string(), names, glyphs.ellipsis);
    Line::from(vec![
        Span::styled(format!("{} ", glyphs.state(shown)), theme.state(shown)),
        Span::raw(name),
        Span::styled(format!("  {words}"), style),
    ])
}

fn ending(canvas: &Canvas<'_>, run: &DeliveryRun, width: usize, lines: &mut Vec<Line<'static>>) {
    let theme = canvas.theme;
    match &run.ended {
        None => {
            let took = age::between(run.started, canvas.model.now);
            let leave = canvas.model.key(Mode::Delivery, Action::Back);
            let back = canvas.model.key(Mode::Matrix, Action::Delivery);
            let words = format!("{took} so far; {leave} leaves it running, {back} comes back");
            lines.push(Line::styled(words, theme.dim));
        }
        Some((at, Ok(words))) => {
            let took = age::between(run.started, *at);
            let line = format!("{words}, {took} after the confirmation");
            lines.push(Line::styled(line, theme.good));
        }
        Some((_, Err(failure))) => {
            lines.push(Line::styled(failure.what.clone(), theme.bad));
            for line in text::wrap(&failure.why, width) {
                lines.push(Line::styled(line, theme.text));
            }
            lines.push(Line::from(vec![
                canvas.key(Mode::Delivery, Action::Revert),
                Span::raw(" goes back to an earlier version of the selected cell"),
            ]));
        }
    }
}

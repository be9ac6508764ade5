//! Everything done and said, newest first.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{canvas::Canvas, text};
use crate::{
    app::{areas, screen::ActivityScreen},
    domain::{
        cell::State,
        timeline::{Level, LogEntry},
    },
};

/// Draws the list and the selected entry in full.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, screen: ActivityScreen) {
    let (model, theme) = (canvas.model, canvas.theme);
    let count = model.activity.entries().len();
    let title = Line::from(vec![
        Span::styled("Activity", theme.title),
        Span::styled(format!("  {}", text::count(count, "line")), theme.dim),
    ]);
    let inner = canvas.frame(area, title);
    let entries: Vec<&LogEntry> = model.activity.entries().iter().rev().collect();
    let Some(selected) = entries.get(screen.selected) else {
        let words = "nothing was done or said yet";
        return canvas.put(inner, Line::styled(words, theme.dim));
    };
    let full = full(canvas, selected, usize::from(inner.width));
    let (list, divider, foot) = areas::activity(area, full.len());
    canvas.divide(area, divider, Line::default());
    let row = |canvas: &Canvas<'_>, index: usize| line(canvas, entries[index]);
    canvas.list(list, screen.selected, entries.len(), theme.cursor, row);
    canvas.lines(foot, full);
}

fn line(canvas: &Canvas<'_>, entry: &LogEntry) -> Line<'static> {
    let theme = canvas.theme;
    let (state, style) = match entry.level {
        Level::Info => (State::GitOnly, theme.dim),
        Level::Done => (State::Healthy, theme.state(State::Healthy)),
        Level::Warn => (State::Drift, theme.state(State::Drift)),
        Level::Error => (State::Degraded, theme.state(State::Degraded)),
    };
    let more = if entry.detail.is_empty() {
        ""
    } else {
        canvas.glyphs.ellipsis
    };
    let text_style = match entry.level {
        Level::Error => style,
        _ => theme.text,
    };
    Line::from(vec![
        Span::styled(format!("{}  ", text::clock(entry.at)), theme.dim),
        Span::styled(format!("{} ", canvas.glyphs.state(state)), style),
        Span::styled(entry.text.clone(), text_style),
        Span::styled(format!(" {more}"), theme.faint),
    ])
}

fn full(canvas: &Canvas<'_>, entry: &LogEntry, width: usize) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let mut lines: Vec<Line<'static>> = text::wrap(&entry.text, width)
        .into_iter()
        .map(|line| Line::styled(line, theme.text))
        .collect();
    for detail in &entry.detail {
        let wrapped = text::wrap(detail, width.saturating_sub(2)).into_iter();
        lines.extend(wrapped.map(|line| Line::styled(format!("  {line}"), theme.dim)));
    }
    lines
}

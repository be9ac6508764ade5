//! The keys, from the keymap, with the glyphs and how to read them.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{canvas::Canvas, text};
use crate::app::{
    geometry::WIDE,
    keymap::Press,
    mode::Mode,
    palette::{COMMANDS, Verb},
    status::State,
};

/// Draws it from `first` on; as two columns where there is room.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, first: usize) {
    let theme = canvas.theme;
    let inner = canvas.frame(area, Line::styled("Help", theme.title));
    let columns = if area.width >= WIDE { 2 } else { 1 };
    let gap = 3;
    let width = (inner.width - gap * (columns - 1)) / columns;
    let lines = content(canvas, usize::from(width));
    let height = usize::from(inner.height);
    let pages = height * usize::from(columns);
    let start = first.min(lines.len().saturating_sub(pages));
    for column in 0..columns {
        let place = Rect {
            x: inner.x + column * (width + gap),
            width,
            ..inner
        };
        let skip = start + usize::from(column) * height;
        canvas.lines(place, lines.iter().skip(skip).take(height).cloned());
    }
    if start + pages < lines.len() {
        let foot = Rect {
            y: area.y + area.height - 1,
            height: 1,
            width: area.width - 2,
            ..area
        };
        canvas.put_right(foot, Line::styled(" more below: j ", theme.dim));
    }
}

fn content(canvas: &Canvas<'_>, width: usize) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let mut lines = Vec::new();
    for mode in Mode::ALL {
        lines.push(Line::styled(mode.title(), theme.title));
        for (row, keys) in canvas.model.setup.keymap.rows(mode) {
            let keys: Vec<String> = keys.iter().map(Press::to_string).collect();
            let keys = keys.join(" ");
            let mut words = text::wrap(row.help, width.saturating_sub(13)).into_iter();
            lines.push(Line::from(vec![
                Span::styled(format!(" {keys:<11} "), theme.accent),
                Span::raw(words.next().unwrap_or_default()),
            ]));
            lines.extend(words.map(|line| Line::raw(format!("{:13}{line}", ""))));
        }
        lines.push(Line::default());
    }
    lines.push(Line::styled("Commands", theme.title));
    for spec in COMMANDS.iter().filter(|spec| spec.verb != Verb::Later) {
        let name = format!(":{} {}", spec.name, spec.argument);
        let mut words = text::wrap(spec.help, width.saturating_sub(4)).into_iter();
        lines.push(Line::from(vec![
            Span::styled(format!(" {name:<11} "), theme.accent),
            Span::raw(words.next().unwrap_or_default()),
        ]));
        lines.extend(words.map(|line| Line::raw(format!("{:4}{line}", ""))));
    }
    lines.push(Line::default());
    lines.push(Line::styled("Glyphs", theme.title));
    for (name, state) in State::NAMED {
        if state == State::GitOnly {
            continue;
        }
        let glyph = canvas.glyphs.state(state);
        lines.push(Line::from(vec![
            Span::styled(format!(" {glyph:<11} "), theme.state(state)),
            Span::raw(name),
        ]));
    }
    let staged = canvas.glyphs.staged;
    lines.push(Line::from(vec![
        Span::styled(format!(" {staged:<11} "), theme.staged),
        Span::raw("staged: asked for, not written"),
    ]));
    lines.push(Line::default());
    lines.push(Line::styled("Times are in UTC.", theme.dim));
    lines
}

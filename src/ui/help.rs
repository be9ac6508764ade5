//! The keys, the commands and the glyphs.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{canvas::Canvas, text};
use crate::app::help::{self, Entry, GAP, LABEL};

/// Draws it from `first` on; as two columns where there is room.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, first: usize) {
    let theme = canvas.theme;
    let inner = canvas.frame(area, Line::styled("Help", theme.title));
    let (columns, width) = help::columns(area.width);
    let lines = content(canvas, usize::from(width));
    let height = usize::from(inner.height);
    let page = height * usize::from(columns);
    let start = first.min(lines.len().saturating_sub(page));
    for column in 0..columns {
        let place = Rect {
            x: inner.x + column * (width + GAP),
            width,
            ..inner
        };
        let skip = start + usize::from(column) * height;
        canvas.lines(place, lines.iter().skip(skip).take(height).cloned());
    }
    if start + page < lines.len() {
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
    for entry in help::entries(canvas.model) {
        match entry {
            Entry::Title(title) => lines.push(Line::styled(title, theme.title)),
            Entry::Gap => lines.push(Line::default()),
            Entry::Note(words) => lines.push(Line::styled(words, theme.dim)),
            Entry::Key(label, words) => described(
                Span::styled(format!(" {label:<room$} ", room = LABEL - 2), theme.accent),
                words,
                width,
                &mut lines,
            ),
            Entry::State(state, words) => {
                let glyph = canvas.glyphs.state(state);
                let glyph = Span::styled(
                    format!(" {glyph:<room$} ", room = LABEL - 2),
                    theme.state(state),
                );
                described(glyph, words, width, &mut lines);
            }
            Entry::Staged(words) => {
                let glyph = canvas.glyphs.staged;
                let glyph = format!(" {glyph:<room$} ", room = LABEL - 2);
                described(Span::styled(glyph, theme.staged), words, width, &mut lines);
            }
        }
    }
    lines
}

/// A label and its words beside it; a label that is too long has its words below.
fn described(label: Span<'static>, words: &str, width: usize, lines: &mut Vec<Line<'static>>) {
    let mut wrapped = text::wrap(words, width.saturating_sub(LABEL)).into_iter();
    let mut spans = vec![label];
    if spans[0].width() <= LABEL {
        spans.push(Span::raw(wrapped.next().unwrap_or_default()));
    }
    lines.push(Line::from(spans));
    lines.extend(wrapped.map(|line| Line::raw(format!("{:LABEL$}{line}", ""))));
}

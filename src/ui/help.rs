//! The keys, the commands and the glyphs.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{canvas::Canvas, text};
use crate::{
    actions::{Action, Mode, Motion},
    app::{
        areas::{HelpAreas, Reach, Spot, row},
        screen::{
            HelpScreen,
            help::{self, HelpRow},
        },
    },
};

/// Columns that keys, commands and glyphs take before their words.
const LABEL: usize = 13;

/// Draws it; as two columns where there is room.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, screen: &HelpScreen) {
    let theme = canvas.theme;
    let mut title = vec![Span::styled("Help", theme.title)];
    if !screen.search.is_empty() {
        title.push(Span::styled(format!("  /{}", screen.search), theme.accent));
    }
    canvas.frame(area, Line::from(title));
    let areas = HelpAreas::of(area);
    let lines = content(canvas, screen, usize::from(areas.first.width));
    let page = areas.lines();
    let last = lines.len().saturating_sub(page);
    let start = screen.line.min(last);
    canvas.drawn.keys = Reach { page, last };
    let reach = canvas.drawn.keys;
    canvas.zone(area, Spot::Text { pane: None, reach });
    for (index, place) in areas.all().enumerate() {
        let height = usize::from(place.height);
        let shown = lines.iter().skip(start + index * height);
        canvas.lines(place, shown.cloned());
    }
    if start < last {
        let foot = Rect {
            width: area.width - 2,
            ..row(area, area.height - 1)
        };
        let key = canvas.model.key(Mode::Help, Action::Move(Motion::Down));
        canvas.put_right(
            foot,
            Line::styled(format!(" more below: {key} "), theme.dim),
        );
    }
}

fn content(canvas: &Canvas<'_>, screen: &HelpScreen, width: usize) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let mut lines = Vec::new();
    for entry in help::entries(canvas.model, screen) {
        match entry {
            HelpRow::Title(title) => lines.push(Line::styled(title, theme.title)),
            HelpRow::Gap => lines.push(Line::default()),
            HelpRow::Note(words) => lines.push(Line::styled(words, theme.dim)),
            HelpRow::Key { label, words, .. } => described(
                Span::styled(format!(" {label:<room$} ", room = LABEL - 2), theme.accent),
                &words,
                width,
                &mut lines,
            ),
            HelpRow::State(state, words) => {
                let glyph = canvas.glyphs.state(state);
                let glyph = Span::styled(
                    format!(" {glyph:<room$} ", room = LABEL - 2),
                    theme.state(state),
                );
                described(glyph, words, width, &mut lines);
            }
            HelpRow::Staged(words) => {
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

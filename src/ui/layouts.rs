//! How the repository is read, and what speaks for it where it is guessed.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{canvas::Canvas, object::wrapped, text};
use crate::{
    actions::{Action, Mode},
    app::{
        layouts::{LayoutsBy, LayoutsTold},
        screen::LayoutsScreen,
    },
    domain::{detect::Part, text::sanitise},
};

/// Draws it.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, screen: &LayoutsScreen) {
    let theme = canvas.theme;
    let mut title = vec![Span::styled("Layouts", theme.title)];
    if let Some(Ok(told)) = &screen.told {
        let style = match canvas.model.setup.layouts {
            LayoutsBy::Written => theme.dim,
            LayoutsBy::Guessed(_) | LayoutsBy::Draft => theme.warn,
        };
        title.push(Span::styled(format!("  {}", told.from), style));
    }
    let inner = canvas.frame(area, Line::from(title));
    let width = usize::from(inner.width);
    let lines = match &screen.told {
        None => vec![Line::styled("looking at the files", theme.dim)],
        Some(Err(why)) => {
            let lines = text::wrap(why, width).into_iter();
            lines.map(|line| Line::styled(line, theme.bad)).collect()
        }
        Some(Ok(told)) => told_lines(canvas, told, width),
    };
    canvas.scrolled(inner, lines, screen.first);
}

fn told_lines(canvas: &Canvas<'_>, told: &LayoutsTold, width: usize) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let mut lines: Vec<Line<'static>> = Vec::new();
    if let Some(offer) = &told.offer {
        let key = canvas.model.key(Mode::Layouts, Action::TakeGuess);
        let words = format!("A better guess, {key} takes it: {offer}");
        let words = text::wrap(&words, width).into_iter();
        lines.extend(words.map(|line| Line::styled(line, theme.staged)));
        lines.push(Line::default());
    }
    // All of it, so that nothing is written that was not shown.
    let file = told.writes.as_ref().ok().map(|text| {
        let key = canvas.model.key(Mode::Layouts, Action::SaveLayouts);
        Part {
            title: format!("What {key} writes as tidegate.toml"),
            lines: text
                .lines()
                .map(|line| sanitise(line).into_owned())
                .collect(),
        }
    });
    for (at, part) in told.parts.iter().chain(&file).enumerate() {
        if at > 0 {
            lines.push(Line::default());
        }
        let title = text::wrap(&part.title, width).into_iter();
        lines.extend(title.map(|line| Line::styled(line, theme.title)));
        for line in &part.lines {
            let style = if line.starts_with(' ') {
                theme.dim
            } else {
                theme.text
            };
            let rows = wrapped(line, width).into_iter();
            lines.extend(rows.map(|row| row.style(style)));
        }
    }
    lines
}

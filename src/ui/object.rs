//! An object of a cluster, to be read.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{canvas::Canvas, text};
use crate::{
    app::{areas::below, screen::ObjectScreen},
    domain::rollout::Look,
};

/// Draws it.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, screen: &ObjectScreen) {
    let theme = canvas.theme;
    let words = match screen.look {
        Look::Yaml => "YAML of",
        Look::Description => "Description of",
    };
    let mut title = vec![Span::styled(
        format!("{words} {}", screen.at.shown()),
        theme.title,
    )];
    if !screen.filter.is_empty() {
        title.push(Span::styled(format!("  /{}", screen.filter), theme.accent));
    }
    let inner = canvas.frame(area, Line::from(title));
    let room = inner.height.saturating_sub(1);
    let command = format!("$ {}", screen.at.command(screen.look));
    canvas.put(below(inner, room, 1), Line::styled(command, theme.faint));
    let list = below(inner, 0, room);
    let width = usize::from(list.width);
    let lines: Vec<Line<'static>> = match &screen.lines {
        None => vec![Line::styled("waiting for the cluster", theme.dim)],
        Some(Err(why)) => text::wrap(why, width)
            .into_iter()
            .map(|line| Line::styled(line, theme.bad))
            .collect(),
        Some(Ok(lines)) => {
            let filter = screen.filter.to_lowercase();
            let has = |line: &&String| filter.is_empty() || line.to_lowercase().contains(&filter);
            let lines = lines.iter().filter(has);
            lines.flat_map(|line| wrapped(line, width)).collect()
        }
    };
    canvas.scrolled(list, lines, screen.first);
}

/// The rows of a line, those behind the first as far in as it is.
pub(super) fn wrapped(line: &str, width: usize) -> Vec<Line<'static>> {
    let indent: String = line.chars().take_while(|c| *c == ' ').collect();
    let room = width.saturating_sub(indent.len()).max(1);
    let rest = &line[indent.len()..];
    if text::width(rest) <= room {
        return vec![Line::raw(line.to_owned())];
    }
    let parts = text::wrap(rest, room).into_iter();
    parts
        .map(|part| Line::raw(format!("{indent}{part}")))
        .collect()
}

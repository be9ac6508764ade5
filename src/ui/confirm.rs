//! The last question, as a box above the plan.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{canvas::Canvas, plan, text};
use crate::actions::{Action, Mode};
use crate::{
    app::{areas::centred, screen::ConfirmScreen},
    domain::cell::State,
};

/// Changes listed before the rest is only counted.
const LISTED: usize = 6;

/// Draws it.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, screen: &ConfirmScreen) {
    let (theme, glyphs) = (canvas.theme, canvas.glyphs);
    let width = area.width.min(76);
    let inner_width = usize::from(width.saturating_sub(4));
    let cut = |text: &str, room| text::column(text, room, glyphs.ellipsis);
    let changes = &screen.plan.plan.changes;
    let mut lines = Vec::new();
    let widest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0).min(24);
    let listed = || changes.iter().take(LISTED);
    let services = widest(&mut listed().map(|c| text::width(c.cell.service.as_str())));
    let columns = widest(&mut listed().map(|c| text::width(c.cell.environment.as_str())));
    for change in listed() {
        let from = change.from.as_ref().map_or("inherited", |v| v.as_str());
        let to = change.to.as_ref().map_or("inherited", |v| v.as_str());
        let environment = change.cell.environment.clone();
        let style = if canvas.model.is_protected(&environment) {
            theme.warn
        } else {
            theme.dim
        };
        lines.push(Line::from(vec![
            Span::styled(format!("{} ", glyphs.staged), theme.staged),
            Span::raw(cut(change.cell.service.as_str(), services)),
            Span::styled(format!("  {}  ", cut(environment.as_str(), columns)), style),
            Span::styled(format!("{from}{}", glyphs.arrow), theme.dim),
            Span::styled(to.to_owned(), theme.staged),
        ]));
    }
    if changes.len() > LISTED {
        let more = format!("{} and {} more", glyphs.ellipsis, changes.len() - LISTED);
        lines.push(Line::styled(more, theme.dim));
    }
    lines.push(Line::default());
    let target = format!("One commit, written to {}", plan::target(&screen.plan.plan));
    for line in text::wrap(&target, inner_width) {
        lines.push(Line::styled(line, theme.title));
    }
    if canvas.model.setup.demo {
        lines.push(Line::styled("in the demo's own repository", theme.dim));
    }
    lines.push(Line::default());
    question(canvas, screen, &mut lines);
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let place = centred(area, width, height);
    canvas.clear(place);
    let title = format!("Write {}?", text::count(changes.len(), "change"));
    let inner = canvas.frame(place, Line::styled(title, theme.warn));
    canvas.lines(inner, lines);
}

fn question(canvas: &Canvas<'_>, screen: &ConfirmScreen, lines: &mut Vec<Line<'static>>) {
    let theme = canvas.theme;
    let Some(name) = screen.names.get(screen.typed) else {
        lines.push(Line::from(vec![
            canvas.key(Mode::Confirm, Action::Yes),
            Span::raw(" write it   "),
            canvas.key(Mode::Confirm, Action::No),
            Span::raw(" go back"),
        ]));
        return;
    };
    for done in &screen.names[..screen.typed] {
        let glyph = canvas.glyphs.state(State::Healthy);
        lines.push(Line::styled(format!("{glyph} {done}"), theme.good));
    }
    let left = screen.names.len() - screen.typed;
    let more = if left > 1 {
        format!(" (then {})", text::count(left - 1, "more name"))
    } else {
        String::new()
    };
    lines.push(Line::from(vec![
        Span::styled(name.to_string(), theme.warn),
        Span::raw(format!(
            " is protected: type its name and press enter{more}"
        )),
    ]));
    let (before, after) = screen.input.split();
    let mut spans = vec![
        Span::styled("> ", theme.accent),
        Span::raw(before.to_owned()),
    ];
    spans.extend(super::prompt::caret(canvas, after));
    if screen.wrong {
        spans.push(Span::styled(format!("  not {name}"), theme.bad));
    }
    lines.push(Line::from(spans));
}

//! Versions to go back to, as a box: how long each ran, who brought it; the last good one is selected.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{
    canvas::{Canvas, centred},
    detail,
    history::{Columns, heading, line},
    text,
};
use crate::{
    app::model::RevertScreen,
    domain::{history::ChangeKind, last_good::last_good},
};

/// Draws it.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, screen: &RevertScreen) {
    let (model, theme) = (canvas.model, canvas.theme);
    let values = model.values(&screen.cell);
    let rows = u16::try_from(values.len().saturating_sub(1).max(1)).unwrap_or(u16::MAX);
    let kept = format!(
        "A new commit restores the version of {} in {} and what goes with it; everything else stays as it is.",
        screen.cell.service, screen.cell.environment
    );
    let width = usize::from(area.width.min(108)).saturating_sub(8);
    let kept = text::wrap(&kept, width);
    let below = u16::try_from(kept.len()).unwrap_or(1);
    // Two lines of the box, what is declared now, the heading, and air between them.
    let height = rows.saturating_add(below + 6).min(area.height);
    let place = centred(area, 104, height);
    canvas.clear(place);
    let title = format!("Revert {}", screen.cell);
    let inner = canvas.frame(place, Line::styled(title, theme.title));
    let now = values
        .first()
        .and_then(|entry| entry.change.version.as_ref());
    let current = now.map_or("nothing".to_owned(), ToString::to_string);
    canvas.put(
        inner,
        Line::from(vec![
            Span::styled("declared now: ", theme.dim),
            Span::raw(current),
        ]),
    );
    let list = Rect {
        y: inner.y + 2,
        height: inner.height.saturating_sub(3 + below),
        ..inner
    };
    if values.len() < 2 {
        let words = if values.is_empty() || !model.history.done {
            detail::history_words(model, &screen.cell)
        } else {
            "there is no earlier value to go back to".to_owned()
        };
        canvas.put(list, Line::styled(words, theme.dim));
    } else {
        draw_list(canvas, list, screen);
    }
    let foot = Rect {
        y: inner.y + inner.height.saturating_sub(below),
        height: below,
        ..inner
    };
    let kept = kept.into_iter();
    canvas.lines(foot, kept.map(|line| Line::styled(line, theme.dim)));
}

fn draw_list(canvas: &mut Canvas<'_>, area: Rect, screen: &RevertScreen) {
    let (model, theme) = (canvas.model, canvas.theme);
    let values = model.values(&screen.cell);
    let columns = Columns::of(values, usize::from(area.width));
    let good = last_good(values);
    let selected = model.revert_selection(screen).unwrap_or(1);
    let earlier = values.len() - 1;
    let heading = heading(canvas, &columns);
    canvas.put(area, heading);
    let height = usize::from(area.height).saturating_sub(1);
    let shown = text::window(selected - 1, earlier, height);
    for (y, index) in (area.y + 1..).zip(shown) {
        let index = index + 1;
        let place = Rect {
            y,
            height: 1,
            ..area
        };
        let ended_by = &values[index - 1];
        let mut spans = line(
            canvas,
            &values[index],
            Some(ended_by),
            good == Some(index),
            &columns,
        );
        let current = values[0].change.version == values[index].change.version;
        let word = if good == Some(index) {
            Span::styled("  last good", theme.good)
        } else if ended_by.kind == ChangeKind::Revert {
            Span::styled("  was reverted", theme.bad)
        } else if current {
            Span::styled("  same as now", theme.dim)
        } else {
            Span::styled("", theme.dim)
        };
        spans.push(word);
        canvas.put(place, Line::from(spans));
        if index == selected {
            canvas.tint(place, theme.cursor);
        }
    }
}

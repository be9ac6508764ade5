//! Versions to go back to, as a box: how long each ran, who brought it; the last good one is selected.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{
    canvas::Canvas,
    detail,
    history::{Columns, heading, line},
    text,
};
use crate::{
    app::{
        areas::{RevertAreas, below},
        screen::RevertScreen,
    },
    domain::{history::ChangeKind, last_good::last_good},
};

/// Draws it.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, screen: &RevertScreen) {
    let (model, theme) = (canvas.model, canvas.theme);
    let values = model.values(&screen.cell);
    let kept = format!(
        "A new commit restores the version of {} in {} and what goes with it; everything else stays as it is.",
        screen.cell.service, screen.cell.environment
    );
    let kept = text::wrap(&kept, RevertAreas::words(area));
    let areas = RevertAreas::of(area, values.len(), kept.len());
    canvas.clear(areas.frame);
    let title = format!("Revert {}", screen.cell);
    let inner = canvas.frame(areas.frame, Line::styled(title, theme.title));
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
    if values.len() < 2 {
        let words = if values.is_empty() || !model.history.done {
            detail::history_words(model, &screen.cell)
        } else {
            "there is no earlier value to go back to".to_owned()
        };
        canvas.put(areas.list, Line::styled(words, theme.dim));
    } else {
        draw_list(canvas, areas.list, screen);
    }
    let kept = kept.into_iter();
    canvas.lines(areas.foot, kept.map(|line| Line::styled(line, theme.dim)));
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
    let row = |canvas: &Canvas<'_>, index: usize| {
        let index = index + 1;
        let ended_by = &values[index - 1];
        let is_good = good == Some(index);
        let mut spans = line(canvas, &values[index], Some(ended_by), is_good, &columns);
        let current = values[0].change.version == values[index].change.version;
        let word = if is_good {
            Span::styled("  last good", theme.good)
        } else if ended_by.kind == ChangeKind::Revert {
            Span::styled("  was reverted", theme.bad)
        } else if current {
            Span::styled("  same as now", theme.dim)
        } else {
            Span::styled("", theme.dim)
        };
        spans.push(word);
        Line::from(spans)
    };
    let list = below(area, 1, area.height);
    canvas.list(list, selected - 1, earlier, theme.cursor, row);
}

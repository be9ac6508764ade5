//! Versions to go back to, as a box: how long each ran, who brought it; the last good one is selected.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{
    canvas::Canvas,
    detail,
    history::{Columns, before, heading, line},
    text,
};
use crate::{
    app::{
        areas::{RevertAreas, below},
        screen::RevertScreen,
    },
    domain::{desired::DesiredCell, history::ChangeKind},
};

/// Draws it.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, screen: &RevertScreen) {
    let (model, theme) = (canvas.model, canvas.theme);
    let values = model.values(&screen.cell);
    let kept = format!(
        "A new commit restores the version of {} in {} and what goes with it; everything else stays as it is.",
        screen.cell.service, screen.cell.environment
    );
    let width = RevertAreas::words(area);
    let kept = text::wrap(&kept, width);
    // What is known of the one that is selected.
    let known = model.revert_selection(screen).and_then(|index| {
        let (cell, past) = model.past_health.as_ref()?;
        let version = values.get(index)?.change.version.as_ref()?;
        past.words(version, model.now)
            .filter(|_| *cell == screen.cell)
    });
    let known = known.map_or(Vec::new(), |known| text::wrap(&known, width));
    let nothing = (values.len() < 2).then(|| {
        let words = model.nothing_before(&screen.cell);
        let words = words.unwrap_or_else(|| detail::history_words(model, &screen.cell));
        text::wrap(&words, width)
    });
    // Where there is nothing to go back to, it is the reason.
    let before = match &nothing {
        Some(_) => Vec::new(),
        None => before(model, &screen.cell, width),
    };
    let listed = nothing
        .as_ref()
        .map_or(values.len(), |lines| lines.len() + 1);
    let areas = RevertAreas::of(area, listed, known.len() + before.len() + kept.len());
    canvas.clear(areas.frame);
    let title = format!("Revert {}", screen.cell);
    let inner = canvas.frame(areas.frame, Line::styled(title, theme.title));
    let now = values
        .first()
        .and_then(|entry| entry.change.version.as_ref());
    let desired = model.git.desired.as_deref();
    let cell = desired.and_then(|desired| desired.cells.get(&screen.cell));
    let shown = || cell.map_or("nothing", DesiredCell::shown).to_owned();
    let current = now.map_or_else(shown, ToString::to_string);
    canvas.put(
        inner,
        Line::from(vec![
            Span::styled("declared now: ", theme.dim),
            Span::raw(current),
        ]),
    );
    match nothing {
        Some(lines) => {
            let lines = lines.into_iter();
            canvas.lines(areas.list, lines.map(|line| Line::styled(line, theme.dim)));
        }
        None => draw_list(canvas, areas.list, screen),
    }
    let before = before
        .into_iter()
        .map(|line| Line::styled(line, theme.warn));
    let kept = kept.into_iter().map(|line| Line::styled(line, theme.dim));
    let known = known.into_iter().map(Line::raw);
    canvas.lines(areas.foot, known.chain(before).chain(kept));
}

/// The longest of the marks behind a value.
const REVERTED: &str = "  was reverted";

fn draw_list(canvas: &mut Canvas<'_>, area: Rect, screen: &RevertScreen) {
    let (model, theme) = (canvas.model, canvas.theme);
    let values = model.values(&screen.cell);
    // The mark of the last good one and of those that failed is what is chosen by.
    let columns = Columns::of(values, usize::from(area.width), text::width(REVERTED));
    let good = model.last_good(&screen.cell);
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
        let version = values[index].change.version.as_ref();
        let vetoed = version.is_some_and(|it| model.is_vetoed(&screen.cell.service, it));
        let word = if vetoed {
            Span::styled("  vetoed", theme.bad)
        } else if is_good {
            Span::styled("  last good", theme.good)
        } else if ended_by.kind == ChangeKind::Revert {
            Span::styled(REVERTED, theme.bad)
        } else if current {
            Span::styled("  same as now", theme.dim)
        } else {
            Span::styled("", theme.dim)
        };
        spans.push(word);
        Line::from(spans)
    };
    let list = below(area, 1, area.height);
    canvas.counted_list(list, selected - 1, earlier, theme.cursor, row);
}

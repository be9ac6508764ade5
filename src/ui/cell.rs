//! One cell: what runs on the left, its history and what each commit changed on the right.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{behind, canvas::Canvas, diff, history, rollout, text};
use crate::app::{
    areas::{CellAreas, Pane, Reach, Spot, below, row, rows},
    screen::{CellPane, CellScreen},
};

/// Draws it: side by side where there is room, else the chosen pane under tabs.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, screen: &CellScreen) {
    let values = canvas.model.values(&screen.cell).len();
    let width = usize::from(CellAreas::history_width(area));
    let before = history::before(canvas.model, &screen.cell, width).len();
    let others = rollout::elsewhere(canvas, &screen.cell);
    let one = canvas.model.diff_has_all_room();
    match CellAreas::of(area, values + before, others.len()).filter(|_| !one) {
        Some(areas) => side_by_side(canvas, area, areas, screen, others),
        None => tabs(canvas, area, screen, others),
    }
}

/// What is drawn next is this pane.
fn pane(canvas: &mut Canvas<'_>, screen: &CellScreen, pane: CellPane) {
    canvas.enter(Some((Pane::Cell(pane), screen.pane == pane)));
}

fn title(canvas: &Canvas<'_>, screen: &CellScreen, room: usize) -> Vec<Span<'static>> {
    let theme = canvas.theme;
    let tag = if canvas.model.is_protected(&screen.cell.environment) {
        " PROD"
    } else {
        ""
    };
    let cell = &screen.cell;
    let environment = format!(" / {}", cell.environment);
    let beside = text::width(&environment) + tag.len();
    let service = text::clip(
        cell.service.as_str(),
        room.saturating_sub(beside).max(4),
        canvas.glyphs.ellipsis,
    );
    let name = format!("{service}{environment}");
    vec![
        Span::styled(name, theme.title),
        Span::styled(tag, theme.warn),
    ]
}

fn side_by_side(
    canvas: &mut Canvas<'_>,
    area: Rect,
    areas: CellAreas,
    screen: &CellScreen,
    others: Vec<Line<'static>>,
) {
    let title = Line::from(title(
        canvas,
        screen,
        usize::from(areas.split.saturating_sub(4)),
    ));
    canvas.frame(area, title);
    canvas.split(area, areas.split, (0, area.height - 1));
    let right = Rect {
        x: area.x + areas.split,
        width: area.width - areas.split,
        ..area
    };
    pane(canvas, screen, CellPane::Rollout);
    rollout::draw(canvas, areas.rollout, screen, Vec::new());
    pane_title(
        canvas,
        right,
        0,
        "History",
        screen.pane == CellPane::History,
    );
    pane(canvas, screen, CellPane::History);
    history::draw(canvas, areas.history, screen);
    let name = diff_title(canvas, screen);
    canvas.divide(right, areas.divider, Line::default());
    let focused = screen.pane == CellPane::Diff;
    pane_title(canvas, right, areas.divider, &name, focused);
    pane(canvas, screen, CellPane::Diff);
    draw_diff(canvas, areas.commit, screen);
    canvas.enter(None);
    if let Some((divider, place)) = areas.elsewhere {
        canvas.divide(right, divider, Line::default());
        pane_title(canvas, right, divider, "Elsewhere", false);
        canvas.lines(place, others);
    }
}

fn diff_title(canvas: &Canvas<'_>, screen: &CellScreen) -> String {
    let values = canvas.model.values(&screen.cell);
    match values.get(screen.value) {
        Some(entry) => format!("Commit {}", entry.change.landed.commit.short()),
        None => "Commit".to_owned(),
    }
}

/// A heading on a line of the box; the pane that keys act on is bold.
fn pane_title(canvas: &mut Canvas<'_>, area: Rect, offset: u16, name: &str, focused: bool) {
    let style = if focused {
        canvas.theme.title
    } else {
        canvas.theme.dim
    };
    let pointer = if focused { canvas.glyphs.pointer } else { "" };
    let gap = if focused { " " } else { "" };
    let place = Rect {
        x: area.x + 1,
        width: area.width - 2,
        ..row(area, offset)
    };
    canvas.put(
        place,
        Line::styled(format!(" {pointer}{gap}{name} "), style),
    );
}

/// Who and when, the subject, then what the commit changed in the cell's files.
fn draw_diff(canvas: &mut Canvas<'_>, area: Rect, screen: &CellScreen) {
    let theme = canvas.theme;
    let values = canvas.model.values(&screen.cell);
    let head = values.get(screen.value);
    let mut head = head.map_or(Vec::new(), |entry| history::commit(canvas, entry));
    if let Some(step) = canvas.model.selected_step() {
        let mut behind = behind::lines(canvas, usize::from(area.width), &step, false);
        // The bytes are what one comes for.
        behind.truncate(usize::from(area.height / 3));
        if !behind.is_empty() {
            head.extend(behind);
            head.push(Line::default());
        }
    }
    let taken = u16::try_from(head.len()).unwrap_or(0).min(area.height);
    canvas.lines(area, head);
    let area = below(area, taken, area.height);
    let lines: Vec<Line<'_>> = match &screen.diff {
        _ if values.is_empty() => Vec::new(),
        None => vec![Line::styled("reading the commit", theme.dim)],
        Some((_, Err(failure))) => vec![
            Line::styled(failure.what.clone(), theme.bad),
            Line::styled(failure.why.clone(), theme.text),
            Line::styled(failure.next.clone(), theme.dim),
        ],
        Some((_, Ok(diff))) if diff.files.is_empty() => vec![Line::styled(
            "this commit changed no file of the cell: the value came another way",
            theme.dim,
        )],
        Some((_, Ok(diff))) => return diff::draw(canvas, area, diff, screen.diff_scroll),
    };
    canvas.scrolled(area, lines, 0);
}

fn tabs(canvas: &mut Canvas<'_>, area: Rect, screen: &CellScreen, others: Vec<Line<'static>>) {
    let theme = canvas.theme;
    let panes = [
        (CellPane::Rollout, "Rollout"),
        (CellPane::History, "History"),
        (CellPane::Diff, "Commit"),
    ];
    // The names of the panes are whole: a long one of the cell gives way.
    let taken: usize = panes.iter().map(|(_, name)| name.len() + 4).sum();
    let room = usize::from(area.width).saturating_sub(taken + 5);
    let mut spans = title(canvas, screen, room);
    let mut labels = Vec::new();
    for (pane, name) in panes {
        spans.push(Span::raw("  "));
        let before: usize = spans.iter().map(Span::width).sum();
        // Behind the corner of the box and the air before its title.
        let label = Rect {
            x: area.x + 2 + rows(before),
            width: rows(name.len() + 2),
            ..row(area, 0)
        };
        let spot = Spot::Text {
            pane: Some(Pane::Cell(pane)),
            reach: Reach::default(),
        };
        labels.push((label, spot));
        if pane == screen.pane {
            spans.push(Span::styled(format!(" {name} "), theme.cursor));
        } else {
            spans.push(Span::styled(format!(" {name} "), theme.dim));
        }
    }
    let inner = canvas.frame(area, Line::from(spans));
    for (place, spot) in labels {
        canvas.zone(place, spot);
    }
    pane(canvas, screen, screen.pane);
    match screen.pane {
        CellPane::Rollout => rollout::draw(canvas, inner, screen, others),
        CellPane::History => history::draw(canvas, inner, screen),
        CellPane::Diff => draw_diff(canvas, inner, screen),
    }
    canvas.enter(None);
}

//! One cell: what runs on the left, its history and what each commit changed on the right.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{canvas::Canvas, diff, history, rollout};
use crate::app::{
    geometry::WIDE,
    model::{CellPane, CellScreen},
};

/// Draws it: side by side where there is room, else the chosen pane under tabs.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, screen: &CellScreen) {
    if area.width >= WIDE {
        side_by_side(canvas, area, screen);
    } else {
        tabs(canvas, area, screen);
    }
}

fn title(canvas: &Canvas<'_>, screen: &CellScreen) -> Vec<Span<'static>> {
    let theme = canvas.theme;
    let mut spans = vec![Span::styled(screen.cell.to_string(), theme.title)];
    if canvas.model.is_protected(&screen.cell.environment) {
        spans.push(Span::styled(" PROD", theme.warn));
    }
    spans
}

fn side_by_side(canvas: &mut Canvas<'_>, area: Rect, screen: &CellScreen) {
    let title = Line::from(title(canvas, screen));
    canvas.frame(area, title);
    let split = area.width * 45 / 100;
    let bottom = area.height - 1;
    canvas.split(area, split, (0, bottom));
    let inside = Rect {
        y: area.y + 1,
        height: area.height - 2,
        ..area
    };
    let left = Rect {
        x: area.x + 2,
        width: split - 3,
        ..inside
    };
    rollout::draw(canvas, left, screen);
    let right = Rect {
        x: area.x + split + 2,
        width: area.width - split - 4,
        ..inside
    };
    let values = canvas.model.values(&screen.cell).len();
    let half = u16::try_from(values.max(1) + 2).unwrap_or(u16::MAX);
    let top = half.min(right.height / 2);
    pane_title(
        canvas,
        area,
        split,
        0,
        "History",
        screen.pane == CellPane::History,
    );
    history::draw(
        canvas,
        Rect {
            height: top,
            ..right
        },
        screen,
    );
    let name = diff_title(canvas, screen);
    let divider = Rect {
        x: area.x + split,
        width: area.width - split,
        ..area
    };
    canvas.divide(divider, top + 1, Line::default());
    pane_title(
        canvas,
        area,
        split,
        top + 1,
        &name,
        screen.pane == CellPane::Diff,
    );
    let others = rollout::elsewhere(canvas, &screen.cell);
    let room = right.height.saturating_sub(top + 1);
    let last = match u16::try_from(others.len()).unwrap_or(u16::MAX) {
        0 => 0,
        lines => (lines + 1).min(room / 3),
    };
    let below = Rect {
        y: right.y + top + 1,
        height: room - last,
        ..right
    };
    draw_diff(canvas, below, screen);
    if last > 1 {
        let offset = area.height - 1 - last;
        canvas.divide(divider, offset, Line::default());
        pane_title(canvas, area, split, offset, "Elsewhere", false);
        let foot = Rect {
            y: area.y + offset + 1,
            height: last - 1,
            ..right
        };
        canvas.lines(foot, others);
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
fn pane_title(
    canvas: &mut Canvas<'_>,
    area: Rect,
    column: u16,
    offset: u16,
    name: &str,
    focused: bool,
) {
    let style = if focused {
        canvas.theme.title
    } else {
        canvas.theme.dim
    };
    let pointer = if focused { canvas.glyphs.pointer } else { "" };
    let gap = if focused { " " } else { "" };
    let place = Rect {
        x: area.x + column + 1,
        y: area.y + offset,
        width: area.width - column - 2,
        height: 1,
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
    let head = head.map_or(Vec::new(), |entry| history::commit(canvas, entry));
    let taken = u16::try_from(head.len()).unwrap_or(0).min(area.height);
    canvas.lines(area, head);
    let area = Rect {
        y: area.y + taken,
        height: area.height - taken,
        ..area
    };
    let lines: Vec<Line<'_>> = match &screen.diff {
        _ if values.is_empty() => Vec::new(),
        None => vec![Line::styled("reading the commit", theme.dim)],
        Some((_, Err(failure))) => vec![
            Line::styled(failure.what.clone(), theme.bad),
            Line::styled(failure.why.clone(), theme.text),
            Line::styled(failure.next.clone(), theme.dim),
        ],
        Some((_, Ok(text))) if text.is_empty() => vec![Line::styled(
            "this commit changed no file of the cell: the value came another way",
            theme.dim,
        )],
        Some((_, Ok(diff))) => {
            let lines = diff::lines(&theme, diff).skip(screen.diff_scroll);
            lines.take(usize::from(area.height)).collect()
        }
    };
    canvas.lines(area, lines);
}

fn tabs(canvas: &mut Canvas<'_>, area: Rect, screen: &CellScreen) {
    let theme = canvas.theme;
    let mut spans = title(canvas, screen);
    for (pane, name) in [
        (CellPane::Rollout, "Rollout"),
        (CellPane::History, "History"),
        (CellPane::Diff, "Commit"),
    ] {
        spans.push(Span::raw("  "));
        if pane == screen.pane {
            spans.push(Span::styled(format!(" {name} "), theme.cursor));
        } else {
            spans.push(Span::styled(format!(" {name} "), theme.dim));
        }
    }
    let inner = canvas.frame(area, Line::from(spans));
    match screen.pane {
        CellPane::Rollout => rollout::draw(canvas, inner, screen),
        CellPane::History => history::draw(canvas, inner, screen),
        CellPane::Diff => draw_diff(canvas, inner, screen),
    }
}

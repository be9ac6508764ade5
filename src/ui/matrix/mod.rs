//! The matrix: services down, environments across, why at the end, the selected cell below.

use std::collections::BTreeSet;

use ratatui::{
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{
    canvas::Canvas,
    detail,
    text::{self, clip, column, width},
};
use crate::{
    actions::{Action, Mode},
    app::{
        areas::{MatrixAreas, below, row},
        model::Model,
        screen::matrix::{Matrix, Order, RowLine},
        status,
    },
    domain::{
        age,
        cell::State,
        ids::{CellKey, EnvironmentName},
        rollout::Connection,
    },
};

mod cells;

/// Draws the matrix and the band of the selected cell, in the box `body` of a terminal of `area`.
pub fn draw(canvas: &mut Canvas<'_>, body: Rect, area: Rect) {
    let title = title(canvas);
    canvas.frame(body, title);
    let areas = MatrixAreas::of(body, area);
    heading(canvas, areas.heading);
    if canvas.model.matrix.lines.is_empty() {
        empty(canvas, areas.rows);
    } else {
        draw_rows(canvas, areas.rows);
    }
    let heading = detail::title(canvas);
    canvas.divide(body, areas.divider, heading);
    detail::draw(canvas, areas.detail);
}

/// `Matrix  cols 2-4/4  /checkout  by name  3 marked`
fn title(canvas: &Canvas<'_>) -> Line<'static> {
    let (model, theme) = (canvas.model, canvas.theme);
    let matrix = &model.matrix;
    let mut spans = vec![Span::styled("Matrix", theme.title)];
    let count = matrix.columns.len();
    if matrix.grid.columns.len() < count {
        let text = format!("  cols {}/{count}", ranges(matrix));
        spans.push(Span::styled(text, theme.dim));
    }
    let total = matrix.lines.len();
    if total > matrix.grid.lines {
        let text = format!("  row {}/{total}", matrix.cursor() + 1);
        spans.push(Span::styled(text, theme.dim));
    }
    if matrix.order != Order::Trouble || matrix.reversed {
        let way = if matrix.reversed { ", reversed" } else { "" };
        let text = format!("  by {}{way}", matrix.order.name());
        spans.push(Span::styled(text, theme.dim));
    }
    if !matrix.filter.is_empty() {
        let text = format!("  /{}", matrix.filter);
        spans.push(Span::styled(text, theme.accent));
    }
    if matrix.anchor.is_some() {
        let text = format!("  range of {}", matrix.range().len());
        spans.push(Span::styled(text, theme.staged));
    }
    if !matrix.marks.is_empty() {
        let text = format!("  {} marked", matrix.marks.len());
        spans.push(Span::styled(text, theme.staged));
    }
    Line::from(spans)
}

/// The columns that are shown, counted from 1: `1 4-6`.
fn ranges(matrix: &Matrix) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for (index, _) in &matrix.grid.columns {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *index => *last = *index,
            _ => ranges.push((*index, *index)),
        }
    }
    let words = ranges.into_iter().map(|(first, last)| match last - first {
        0 => format!("{}", first + 1),
        _ => format!("{}-{}", first + 1, last + 1),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The columns that are shown, each with its index and its width.
fn shown_columns(model: &Model) -> impl Iterator<Item = (usize, u16, &EnvironmentName)> {
    let matrix = &model.matrix;
    let columns = matrix.grid.columns.iter();
    columns.filter_map(|(index, width)| Some((*index, *width, matrix.columns.get(*index)?)))
}

fn heading(canvas: &mut Canvas<'_>, inner: Rect) {
    let (model, theme, glyphs) = (canvas.model, canvas.theme, canvas.glyphs);
    let grid = &model.matrix.grid;
    let service = format!("SERVICE{}", way(canvas, &Order::Name));
    let heading = column(&service, usize::from(grid.service), glyphs.ellipsis);
    let mut spans = vec![Span::styled(heading, theme.dim)];
    for (index, cell, environment) in shown_columns(model) {
        let cell = usize::from(cell);
        let (tag, tag_style) = tag(canvas, environment);
        let way = way(canvas, &Order::Column(environment.clone()));
        let cell = cell - width(&way);
        // In a narrow column the name goes before the whole tag; its first letter stays.
        let fits = width(environment.as_str()) + width(&tag) + 3 <= cell;
        let whole = fits || (cell >= 13 && way.is_empty());
        let tag = if whole { tag } else { clip(&tag, 1, "") };
        let room = cell.saturating_sub(if tag.is_empty() { 2 } else { width(&tag) + 3 });
        let name = clip(environment.as_str(), room, glyphs.ellipsis);
        let style = if index == model.matrix.column {
            theme.title
        } else {
            theme.dim
        };
        let rest = cell.saturating_sub(1 + width(&name) + 1 + width(&tag));
        spans.push(Span::raw(" "));
        spans.push(Span::styled(name, style));
        spans.push(Span::styled(way, theme.accent));
        spans.push(Span::raw(" "));
        spans.push(Span::styled(tag, tag_style));
        spans.push(Span::raw(" ".repeat(rest)));
    }
    if grid.why > 0 {
        // Worst first is how it always is.
        let way = if model.matrix.reversed {
            way(canvas, &Order::Trouble)
        } else {
            String::new()
        };
        spans.push(Span::styled(format!("WHY{way}"), theme.dim));
    }
    canvas.put(inner, Line::from(spans));
}

/// Behind the head of what rows are ordered by: which way round; else nothing.
fn way(canvas: &Canvas<'_>, of: &Order) -> String {
    let matrix = &canvas.model.matrix;
    if matrix.order != *of {
        return String::new();
    }
    // Names ascend, all else descends.
    let (down, up) = canvas.glyphs.order;
    let ascends = (*of == Order::Name) != matrix.reversed;
    format!(" {}", if ascends { up } else { down })
}

/// What is to be known of a column: frozen, protected, lost since when, no access, connecting.
fn tag(canvas: &Canvas<'_>, environment: &EnvironmentName) -> (String, Style) {
    let (model, theme, glyphs) = (canvas.model, canvas.theme, canvas.glyphs);
    match model.connection(environment) {
        Connection::Lost { since, .. } => {
            let age = age::between(*since, model.now);
            (format!("{}{age}", glyphs.state(State::Stale)), theme.warn)
        }
        Connection::Denied { .. } => ("? 403".to_owned(), theme.unknown),
        Connection::Connecting => (glyphs.state(State::Loading).to_owned(), theme.faint),
        Connection::Live | Connection::Unconfigured => {
            if let Some(freeze) = model.freezes.of(environment) {
                let until = freeze.until.map(|until| age::between(model.now, until));
                let until = until.map_or(String::new(), |until| format!(" {until}"));
                (format!("frozen{until}"), theme.warn)
            } else if model.is_protected(environment) {
                ("PROD".to_owned(), theme.warn)
            } else {
                (String::new(), theme.dim)
            }
        }
    }
}

fn draw_rows(canvas: &mut Canvas<'_>, area: Rect) {
    let matrix = &canvas.model.matrix;
    let range: BTreeSet<CellKey> = matrix.range().into_iter().collect();
    let cursor = matrix.cursor();
    let visible = matrix.lines.iter().enumerate().skip(matrix.first_line);
    let mut used = 0;
    for (offset, (index, line)) in (0..area.height).zip(visible) {
        draw_row(canvas, row(area, offset), line, index == cursor, &range);
        used = offset + 1;
    }
    if matrix.folded > 0 && used < area.height {
        let rows = text::count(matrix.folded, "healthy row");
        let words = format!("{} {rows} folded", canvas.glyphs.ellipsis);
        let key = canvas.model.key(Mode::Matrix, Action::ShowAll);
        let key = Span::styled(format!("  {key} shows them"), canvas.theme.faint);
        let spans = vec![Span::styled(words, canvas.theme.dim), key];
        canvas.put(row(area, used), Line::from(spans));
    }
}

fn draw_row(
    canvas: &mut Canvas<'_>,
    area: Rect,
    line: &RowLine,
    is_cursor: bool,
    range: &BTreeSet<CellKey>,
) {
    let (model, theme, glyphs) = (canvas.model, canvas.theme, canvas.glyphs);
    let grid = &model.matrix.grid;
    let name_style = if is_cursor { theme.title } else { theme.text };
    let name = column(
        line.service.as_str(),
        usize::from(grid.service).saturating_sub(2),
        glyphs.ellipsis,
    );
    let mut spans = vec![Span::styled(format!("{name}  "), name_style)];
    for (_, wide, environment) in shown_columns(model) {
        let key = CellKey::new(line.service.clone(), environment.clone());
        let view = status::assess(model, &key);
        let marked = model.matrix.marks.contains(&key) || range.contains(&key);
        spans.extend(cells::cell(canvas, &view, marked, wide));
    }
    if grid.why > 0 {
        spans.push(cells::why(canvas, line));
    }
    canvas.put(area, Line::from(spans));
    if is_cursor {
        canvas.tint(area, theme.row);
    }
    for ((index, _, environment), cell) in shown_columns(model).zip(grid.cells(area)) {
        let place = Rect {
            width: cell.width.saturating_sub(1),
            ..cell
        };
        let key = CellKey::new(line.service.clone(), environment.clone());
        if model.matrix.marks.contains(&key) || range.contains(&key) {
            canvas.tint(place, theme.marked);
        }
        if is_cursor && index == model.matrix.column {
            canvas.tint(place, theme.cursor);
        }
    }
}

/// Why there is no row: reading, failed, nothing declared, or filtered away.
fn empty(canvas: &mut Canvas<'_>, area: Rect) {
    let (model, theme) = (canvas.model, canvas.theme);
    let lines = match (&model.git.failure, &model.git.desired) {
        (Some(failure), None) => vec![
            Line::styled("the repository cannot be read", theme.bad),
            Line::styled(failure.why.clone(), theme.text),
            Line::styled(failure.next.clone(), theme.dim),
        ],
        (None, None) => vec![Line::styled("reading the repository", theme.dim)],
        (_, Some(_)) if !model.matrix.filter.is_empty() => {
            let mut lines = vec![Line::styled("no row matches the filter", theme.text)];
            let unknown = model.unknown_in_filter();
            let unknown = unknown.map(|words| text::wrap(&words, usize::from(area.width)));
            let unknown = unknown.into_iter().flatten();
            lines.extend(unknown.map(|line| Line::styled(line, theme.warn)));
            lines.push(Line::styled(
                format!("{} clears it", model.key(Mode::Matrix, Action::Back)),
                theme.dim,
            ));
            lines
        }
        (_, Some(desired)) => vec![
            Line::styled(
                "no layout of the configuration finds a service here",
                theme.text,
            ),
            Line::styled(
                format!(
                    "read at {}; `tidegate init` proposes layouts for this repository",
                    desired.commit.short()
                ),
                theme.dim,
            ),
        ],
    };
    let air = u16::from(area.height > 4);
    canvas.lines(below(area, air, area.height), lines);
}

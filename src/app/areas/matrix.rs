//! The matrix: its rows, its columns and the band of the selected cell.

use ratatui::layout::{Position, Rect};

use super::{Bands, TALL, WIDE, below, inside, row};
use crate::{
    app::{model::Model, status::CellView},
    domain::text::width,
    look,
};

/// The parts of the matrix's box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatrixAreas {
    /// The names of the columns.
    pub heading: Rect,
    /// The services.
    pub rows: Rect,
    /// The row of the box, from its top, with the line above the selected cell.
    pub divider: u16,
    /// The selected cell in one to three lines.
    pub detail: Rect,
}

impl MatrixAreas {
    /// The parts of the box `body` in a terminal of `area`.
    pub fn of(body: Rect, area: Rect) -> Self {
        let detail = match (area.width >= WIDE, area.height) {
            (_, ..TALL) => 1,
            (true, _) => 2,
            (false, _) => 3,
        };
        let inner = inside(body);
        let divider = body.height.saturating_sub(detail + 2);
        Self {
            heading: row(inner, 0),
            rows: below(inner, 1, inner.height.saturating_sub(detail + 2)),
            divider,
            detail: below(inner, divider, detail),
        }
    }
}

/// How the rows of the matrix are divided, in columns of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grid {
    /// Width of the names of services.
    pub service: u16,
    /// Width of each column of cells.
    pub cell: u16,
    /// Width of the WHY column; 0: not shown.
    pub why: u16,
    /// How many columns fit.
    pub columns: usize,
    /// How many rows fit.
    pub lines: usize,
}

impl Grid {
    /// The places of the visible cells of one row of the matrix, from left to right.
    pub fn cells(self, row: Rect) -> impl Iterator<Item = Rect> {
        let first = row.x + self.service;
        let count = u16::try_from(self.columns.max(1)).unwrap_or(u16::MAX);
        (0..count).map(move |index| Rect {
            x: first.saturating_add(self.cell.saturating_mul(index)),
            width: self.cell,
            ..row
        })
    }
}

/// The least that WHY is worth showing in.
const LEAST_WHY: u16 = 20;

/// How the matrix divides the terminal.
pub fn grid(model: &Model) -> Grid {
    let area = model.area();
    let Some(bands) = Bands::of(model, area) else {
        return Grid::default();
    };
    let rows = MatrixAreas::of(bands.body, area).rows;
    let wide = area.width >= WIDE;
    let names = model.matrix.lines.iter();
    let names = names.map(|line| width(line.service.as_str()));
    let service = super::rows(names.max().unwrap_or(0).max(7) + 2);
    let service = service.clamp(12, (rows.width / 3).max(12));
    let headings = model.matrix.columns.iter().map(|column| {
        let tag = if model.is_protected(column) { 5 } else { 0 };
        width(column.as_str()) + tag + 4
    });
    let (plain, staged) = model.matrix.widest;
    let count = model.matrix.columns.len();
    let space = rows.width.saturating_sub(service);
    let bounds = |cell: usize| super::rows(cell).clamp(13, if wide { 22 } else { 17 });
    let cell = bounds(headings.max().unwrap_or(12).max(plain));
    // What is staged may widen the columns, never push one out.
    let widened = cell.max(bounds(staged));
    let left = space.saturating_sub(if wide { LEAST_WHY } else { 0 });
    let cell = widened.min(left / super::rows(count.max(1))).max(cell);
    let with_why = usize::from(space.saturating_sub(LEAST_WHY) / cell);
    let without_why = usize::from((space / cell).max(1));
    let (columns, why) = if wide && with_why >= count.min(3) {
        let columns = with_why.min(count).max(1);
        (columns, space.saturating_sub(super::rows(columns) * cell))
    } else {
        let columns = without_why.min(count).max(1);
        let rest = space.saturating_sub(super::rows(columns) * cell);
        (columns, if rest >= LEAST_WHY { rest } else { 0 })
    };
    Grid {
        service,
        cell,
        why,
        columns,
        lines: usize::from(rows.height),
    }
}

/// The line and the column of the matrix that are drawn at this place of the terminal.
pub fn hit(model: &Model, column: u16, row: u16) -> Option<(usize, usize)> {
    let (matrix, grid, area) = (&model.matrix, model.matrix.grid, model.area());
    let place = Position::new(column, row);
    let rows = MatrixAreas::of(Bands::of(model, area)?.body, area).rows;
    if !rows.contains(place) {
        return None;
    }
    let line = matrix.first_line + usize::from(row - rows.y);
    let mut cells = grid.cells(super::row(rows, row - rows.y));
    let column = matrix.first_column + cells.position(|cell| cell.contains(place))?;
    let inside = line < matrix.lines.len() && column < matrix.columns.len();
    inside.then_some((line, column))
}

/// The width that a cell would like for glyph, version, how many are ready and a gap; and with what is staged.
pub fn cell_width(view: &CellView<'_>) -> (usize, usize) {
    let version = view.declared.and_then(|cell| cell.version.as_ref());
    let version = version.map_or(0, |version| width(version.as_str()));
    let extra = view.status.ready().map_or(0, |_| 6);
    // The same in ASCII.
    let skew = view
        .skew
        .map_or(0, |skew| 1 + width(&look::skew(skew, true)));
    let plain = version + skew + extra + 4;
    match view.staged {
        Some(_) => (plain, plain.max(2 * version + 5)),
        None => (plain, plain),
    }
}

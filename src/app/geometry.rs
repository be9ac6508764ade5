//! Where things are on the screen, as far as scrolling and paging need to know it.

use unicode_width::UnicodeWidthStr;

use super::{
    model::Model,
    status::{CellView, State},
};

/// Below this many columns or rows only a message is shown.
pub const SMALLEST: (u16, u16) = (40, 10);

/// From this many columns on, panes stand side by side and the matrix has a WHY column.
pub const WIDE: u16 = 100;

/// How the matrix divides its box, in characters and lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Width of the names of services.
    pub service: usize,
    /// Width of each column of cells.
    pub cell: usize,
    /// Width of the WHY column; 0: not shown.
    pub why: usize,
    /// How many columns fit.
    pub columns: usize,
    /// How many rows fit.
    pub lines: usize,
    /// How many lines the selected cell has.
    pub detail: usize,
    /// The line of the last command is shown.
    pub command: bool,
}

/// The least that WHY is worth showing in.
const LEAST_WHY: usize = 20;

/// How the matrix divides the terminal.
pub fn matrix(model: &Model) -> Layout {
    let (width, height) = model.size;
    let wide = width >= WIDE;
    let detail = match (wide, height) {
        (_, ..14) => 1,
        (true, _) => 2,
        (false, _) => 3,
    };
    let command = height >= 14;
    // Header, summary, box above and below, heading, line between, footer.
    let fixed = 7 + detail + usize::from(command) + usize::from(has_banner(model));
    let inner = usize::from(width).saturating_sub(4);
    let names = model
        .matrix
        .lines
        .iter()
        .map(|line| line.service.as_str().width());
    let service = names.max().unwrap_or(0).max(7) + 2;
    let service = service.clamp(12, (inner / 3).max(12));
    let headings = model.matrix.columns.iter().map(|column| {
        let tag = if model.is_protected(column) { 5 } else { 0 };
        column.as_str().width() + tag + 4
    });
    let (plain, staged) = model.matrix.widest;
    let count = model.matrix.columns.len();
    let space = inner.saturating_sub(service);
    let bounds = |cell: usize| cell.clamp(13, if wide { 22 } else { 17 });
    let cell = bounds(headings.max().unwrap_or(12).max(plain));
    // What is staged may widen the columns, never push one out.
    let widened = bounds(cell.max(staged));
    let left = space.saturating_sub(if wide { LEAST_WHY } else { 0 });
    let cell = widened.min(left / count.max(1)).max(cell);
    let with_why = space.saturating_sub(LEAST_WHY) / cell;
    let without_why = (space / cell).max(1);
    let (columns, why) = if wide && with_why >= count.min(3) {
        let columns = with_why.min(count).max(1);
        (columns, space - columns * cell)
    } else {
        let columns = without_why.min(count).max(1);
        let rest = space.saturating_sub(columns * cell);
        (columns, if rest >= LEAST_WHY { rest } else { 0 })
    };
    Layout {
        service,
        cell,
        why,
        columns,
        lines: usize::from(height).saturating_sub(fixed),
        detail,
        command,
    }
}

/// The line and the column of the matrix that are drawn at this place of the terminal.
pub fn hit(model: &Model, column: u16, row: u16) -> Option<(usize, usize)> {
    let (matrix, layout) = (&model.matrix, model.matrix.layout);
    // Header, summary, the box's border and the heading are above the first line.
    let line = usize::from(row).checked_sub(4)?;
    let across = usize::from(column).checked_sub(2 + layout.service)?;
    let (line, column) = (
        matrix.first_line + line,
        matrix.first_column + across / layout.cell.max(1),
    );
    let inside = line < matrix.lines.len().min(matrix.first_line + layout.lines)
        && column
            < matrix
                .columns
                .len()
                .min(matrix.first_column + layout.columns);
    inside.then_some((line, column))
}

/// A failure stands on the screen and takes a line.
pub fn has_banner(model: &Model) -> bool {
    model.activity.standing().is_some()
}

/// The width that a cell would like for glyph, version, how many are ready and a gap; and with what is staged.
pub fn cell_width(view: &CellView<'_>) -> (usize, usize) {
    let version = view.declared.and_then(|cell| cell.version.as_ref());
    let version = version.map_or(0, |version| version.as_str().width());
    let extra = match view.state {
        State::Rolling | State::Degraded | State::Paused => 6,
        _ => 0,
    };
    let plain = version + extra + 4;
    match view.staged {
        Some(_) => (plain, plain.max(2 * version + 5)),
        None => (plain, plain),
    }
}

//! The matrix: its rows, its columns and the band of the selected cell.

use ratatui::layout::{Position, Rect};

use super::{Bands, ROOMY, TALL, WIDE, below, inside, row};
use crate::{
    app::{model::Model, screen::matrix::Order, status::CellView},
    domain::{
        ids::EnvironmentName,
        rollout::Connection,
        text::{share, width},
    },
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
    /// The selected cell, in one to three lines; from [`ROOMY`] rows on, in a quarter of them.
    pub detail: Rect,
}

impl MatrixAreas {
    /// The parts of the box `body` in a terminal of `area`.
    pub fn of(body: Rect, area: Rect) -> Self {
        let detail = match (area.width >= WIDE, area.height) {
            (_, ..TALL) => 1,
            (true, ..ROWS_FOR_REASON) => 2,
            (_, ..ROOMY) => 3,
            (_, height) => height / 4,
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

/// From this many rows on, a reason has a second line.
const ROWS_FOR_REASON: u16 = 20;

/// How the rows of the matrix are divided, in columns of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grid {
    /// Width of the names of services.
    pub service: u16,
    /// The columns that are shown, as indices into those of the matrix, from left to right, each with its width.
    pub columns: Vec<(usize, u16)>,
    /// Width of the WHY column; 0: not shown.
    pub why: u16,
    /// How many rows fit.
    pub lines: usize,
}

impl Grid {
    /// The places of the visible cells of one row of the matrix, from left to right.
    pub fn cells(&self, row: Rect) -> impl Iterator<Item = Rect> + '_ {
        let mut next = row.x + self.service;
        self.columns.iter().map(move |(_, width)| {
            let x = next;
            next = next.saturating_add(*width);
            Rect {
                x,
                width: *width,
                ..row
            }
        })
    }

    fn shows(&self, column: usize) -> bool {
        self.columns.iter().any(|(shown, _)| *shown == column)
    }
}

/// The least that WHY is worth showing in.
const LEAST_WHY: usize = 16;
/// The narrowest that a column is made, and the widest.
const NARROWEST: usize = 7;
const WIDEST: usize = 22;
/// A column that holds a version as most of them are: narrower ones are a last resort.
const LEGIBLE: usize = 13;
/// What stands beside the name of a column at its widest, as `PROD`, `? 403`, `∅12m`; a gap is counted with the name.
const TAG: usize = 5;
/// Mark, glyph and gaps of a cell, beside its text.
pub const CELL_FRAME: usize = 4;

/// How the matrix divides the terminal. Columns are sized one by one: first as wide as they would like, then the widest give way,
/// then WHY; where they still do not fit, [`choose`] says which are shown.
pub fn grid(model: &Model) -> Grid {
    let area = model.area();
    let Some(bands) = Bands::of(model, area) else {
        return Grid::default();
    };
    let rows = MatrixAreas::of(bands.body, area).rows;
    let wide = area.width >= WIDE;
    let matrix = &model.matrix;
    let service = super::rows(matrix.longest.max(7) + 2);
    let service = service.clamp(10, (rows.width / 3).max(12));
    let wanted: Vec<usize> = matrix
        .columns
        .iter()
        .enumerate()
        .map(|(index, name)| {
            // What rows are ordered by has a mark behind its name.
            let ordered = matrix.order == Order::Column(name.clone());
            let mark = if ordered { 2 } else { 0 };
            let heading = width(name.as_str()) + tag_width(model, name) + mark + 3;
            let cells = matrix.widest.get(index).copied().unwrap_or(0);
            heading.max(cells).clamp(NARROWEST, WIDEST)
        })
        .collect();
    let space = usize::from(rows.width.saturating_sub(service));
    let why = if wide && matrix.has_why { LEAST_WHY } else { 0 };
    let all: Vec<usize> = (0..wanted.len()).collect();
    let fits = |widths: &[usize], room: usize| widths.iter().sum::<usize>() <= room;
    let beside = share(&wanted, LEGIBLE, space.saturating_sub(why));
    // Short versions are read in narrow columns too; of long ones nothing would be.
    let is_long = |cells: &usize| *cells > LEGIBLE;
    let narrow = wide && !matrix.widest.iter().any(is_long);
    let alone = share(&wanted, if narrow { NARROWEST } else { LEGIBLE }, space);
    let (columns, widths) = if fits(&beside, space.saturating_sub(why)) {
        (all, beside)
    } else if fits(&alone, space) {
        (all, alone)
    } else {
        let room = space.saturating_sub(why);
        let columns = choose(model, &wanted, room);
        let some: Vec<usize> = columns.iter().map(|index| wanted[*index]).collect();
        let widths = share(&some, NARROWEST, room);
        (columns, widths)
    };
    let used: usize = widths.iter().sum();
    let rest = space.saturating_sub(used);
    let why = if matrix.has_why && rest >= LEAST_WHY {
        rest
    } else {
        0
    };
    let widths = widths.into_iter().map(super::rows);
    Grid {
        service,
        columns: columns.into_iter().zip(widths).collect(),
        why: super::rows(why),
        lines: usize::from(rows.height),
    }
}

/// The room beside the name of a column for what is to be known of it: protected, lost since when, no access. The same whatever its
/// cluster does now, lest the columns move when a connection comes or goes.
fn tag_width(model: &Model, environment: &EnvironmentName) -> usize {
    let has_cluster = !matches!(model.connection(environment), Connection::Unconfigured);
    if has_cluster || model.is_protected(environment) {
        TAG
    } else {
        0
    }
}

/// The columns that are shown where not all fit, from left to right: the selected one and its upstream, the protected ones from the
/// right, those that were shown before, then the nearest. Nothing moves while the selected one and its upstream are in view.
fn choose(model: &Model, wanted: &[usize], room: usize) -> Vec<usize> {
    let matrix = &model.matrix;
    let at = |name: &EnvironmentName| matrix.columns.iter().position(|column| column == name);
    let selected = matrix.column;
    let environment = matrix.columns.get(selected);
    let environment = environment.and_then(|name| model.setup.topology.get(name));
    let upstream = environment.and_then(|it| it.from.iter().find_map(at));
    let mut order: Vec<usize> = Vec::new();
    let before = || matrix.grid.columns.iter().map(|(index, _)| *index);
    // Nothing may move under a pointer that clicked here.
    let in_view = matrix.grid.shows(selected)
        && (matrix.clicked || upstream.is_none_or(|it| matrix.grid.shows(it)));
    let legible = |index: usize| wanted.get(index).map(|wide| (*wide).min(LEGIBLE));
    if in_view && before().filter_map(legible).sum::<usize>() <= room {
        order.extend(before());
    }
    order.push(selected);
    order.extend(upstream);
    let protected = (0..wanted.len()).rev();
    order.extend(protected.filter(|index| model.is_protected(&matrix.columns[*index])));
    order.extend(before());
    let mut nearest: Vec<usize> = (0..wanted.len()).collect();
    nearest.sort_by_key(|index| index.abs_diff(selected));
    order.extend(nearest);

    let mut chosen = Vec::new();
    let mut left = room;
    for index in order {
        let Some(width) = legible(index) else {
            continue;
        };
        if chosen.contains(&index) {
            continue;
        }
        // One is shown, however little room there is.
        if width > left && !chosen.is_empty() {
            break;
        }
        left = left.saturating_sub(width);
        chosen.push(index);
    }
    chosen.sort_unstable();
    chosen
}

/// The line and the column of the matrix that are drawn at this place of the terminal.
pub fn hit(model: &Model, column: u16, row: u16) -> Option<(usize, usize)> {
    let (matrix, area) = (&model.matrix, model.area());
    let place = Position::new(column, row);
    let rows = MatrixAreas::of(Bands::of(model, area)?.body, area).rows;
    if !rows.contains(place) {
        return None;
    }
    let line = matrix.first_line + usize::from(row - rows.y);
    let mut cells = matrix.grid.cells(super::row(rows, row - rows.y));
    let (column, _) = matrix.grid.columns[cells.position(|cell| cell.contains(place))?];
    let inside = line < matrix.lines.len() && column < matrix.columns.len();
    inside.then_some((line, column))
}

/// The order that is asked for by a click at this place, where the head of a column is.
pub fn head(model: &Model, column: u16, row: u16) -> Option<Order> {
    let (matrix, area) = (&model.matrix, model.area());
    let place = Position::new(column, row);
    let heading = MatrixAreas::of(Bands::of(model, area)?.body, area).heading;
    if !heading.contains(place) {
        return None;
    }
    let grid = &matrix.grid;
    if column < heading.x + grid.service {
        return Some(Order::Name);
    }
    match grid.cells(heading).position(|cell| cell.contains(place)) {
        Some(index) => {
            let environment = matrix.columns.get(grid.columns[index].0)?;
            Some(Order::Column(environment.clone()))
        }
        // WHY tells the trouble.
        None => (grid.why > 0).then_some(Order::Trouble),
    }
}

/// The width that a cell would like: for glyph, version, how it stands to its upstream, how many are ready; or what is staged.
pub fn cell_width(view: &CellView<'_>) -> usize {
    let version = view.declared.map_or(0, |cell| match &cell.version {
        Some(version) => width(&version.brief()),
        None => width(cell.shown()),
    });
    let extra = match (view.status.percent(), view.status.ready()) {
        (Some(percent), _) => 2 + width(&look::percent(percent, ("#", "-"), usize::MAX)),
        (None, Some((ready, desired))) => 2 + width(&format!("{ready}/{desired}")),
        (None, None) => 0,
    };
    // The same in ASCII.
    let skew = view
        .skew
        .map_or(0, |skew| 1 + width(&look::skew(skew, true)));
    let plain = version + skew + extra + CELL_FRAME;
    match view.staged {
        Some(_) => plain.max(2 * version + CELL_FRAME + 1),
        None => plain,
    }
}

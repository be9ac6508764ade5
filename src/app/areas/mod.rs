//! Where everything is on the screen: the one place where sizes are computed.
//!
//! Pure: rectangles from the size of the terminal and from how much there is to show. `ui` draws into them, and `update`
//! scrolls, pages and finds what was clicked by them. Only what wraps or words its text while it draws knows how long that
//! became; it says so in [`Drawn`].

use ratatui::layout::Rect;

use super::{model::Model, screen::moved};
use crate::actions::Motion;

mod banner;
mod matrix;
mod mouse;
mod panes;

pub use banner::{Banner, passing};
pub use matrix::{CELL_FRAME, Grid, MatrixAreas, cell_width, grid, head, hit};
pub use mouse::{Pane, Spot, Zone};
pub use panes::{
    CellAreas, HelpAreas, PlanAreas, RevertAreas, TraceAreas, activity, centred, plan_list,
    question, question_width, values,
};

/// Below this many columns or rows only a message is shown.
pub const SMALLEST: (u16, u16) = (40, 10);

/// From this many columns on, panes stand side by side and the matrix has a WHY column.
pub const WIDE: u16 = 100;

/// From this many columns on, both sides of a diff have room beside each other.
pub const SIDES: u16 = 160;

/// From this many rows on, the pane below the matrix tells more than the cell's state.
pub const ROOMY: u16 = 30;

/// From this many rows on, the last program that was run has a row.
const TALL: u16 = 14;

/// The bands of the screen, from top to bottom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bands {
    /// Where we are and whether we may write.
    pub header: Rect,
    /// What is broken.
    pub summary: Rect,
    /// The screen.
    pub body: Rect,
    /// The failure that stands until it is dismissed.
    pub banner: Option<Rect>,
    /// The last program that was run, or a passing word.
    pub command: Option<Rect>,
    /// Keys worth knowing, or a line being typed.
    pub keys: Rect,
}

impl Bands {
    /// The bands of `area`; `None`: it is too small for any.
    pub fn of(model: &Model, area: Rect) -> Option<Self> {
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            return None;
        }
        let banner = Banner::of(model, area).map(|banner| rows(banner.lines.len()));
        // What is said has a row where what was run has none.
        let said = rows(passing(model, area).len());
        let command = said.max(u16::from(area.height >= TALL));
        let foot = 1 + command + banner.unwrap_or(0);
        let end = area.height;
        Some(Self {
            header: row(area, 0),
            summary: row(area, 1),
            body: Rect {
                y: area.y + 2,
                height: end - 2 - foot,
                ..area
            },
            banner: banner.map(|height| Rect {
                y: area.y + end - foot,
                height,
                ..area
            }),
            command: (command > 0).then(|| Rect {
                y: area.y + end - 1 - command,
                height: command,
                ..area
            }),
            keys: row(area, end - 1),
        })
    }
}

/// What drawing found out, for the keys and the mouse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    /// How far the keys that come next move.
    pub keys: Reach,
    /// What answers the mouse, and where; what was drawn above others is behind them.
    pub zones: Vec<Zone>,
    /// The lines of the rollout's text in which there is something to look at, in their order.
    pub objects: Vec<usize>,
    /// Lines of a text had no room, and it was said how many.
    pub cut: bool,
}

/// How far a list or a text can be moved through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Rows of it that are seen: a page.
    pub page: usize,
    /// The furthest line that the text can begin with.
    pub last: usize,
}

impl Reach {
    /// The first line to show of a text, moved.
    pub fn scrolled(self, first: usize, motion: Motion) -> usize {
        moved(first.min(self.last), motion, self.last + 1, self.page)
    }
}

impl Model {
    /// How many rows a page has.
    pub(super) fn page(&self) -> usize {
        self.drawn.keys.page.max(1)
    }

    /// The whole terminal.
    pub fn area(&self) -> Rect {
        Rect::new(0, 0, self.size.0, self.size.1)
    }
}

/// One row of `area`, counted from its top.
pub fn row(area: Rect, index: u16) -> Rect {
    Rect {
        y: area.y + index,
        height: 1,
        ..area
    }
}

/// The room inside the border of a box, one column of air at both sides.
pub fn inside(area: Rect) -> Rect {
    Rect {
        x: area.x + 2,
        y: area.y + 1,
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(2),
    }
}

/// The rows of `area` from `offset` on, at most `height`.
pub fn below(area: Rect, offset: u16, height: u16) -> Rect {
    let offset = offset.min(area.height);
    Rect {
        y: area.y + offset,
        height: height.min(area.height - offset),
        ..area
    }
}

/// Lines as rows.
pub fn rows(lines: usize) -> u16 {
    u16::try_from(lines).unwrap_or(u16::MAX)
}

//! The panes of the other screens. How many lines a text has is told by whoever words it.

use ratatui::layout::Rect;

use super::{WIDE, below, inside, rows};

/// The panes of the cell screen, side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellAreas {
    /// The column of the box with the line between both sides.
    pub split: u16,
    /// What runs.
    pub rollout: Rect,
    /// The cell's values.
    pub history: Rect,
    /// The row of the box with the line above the commit.
    pub divider: u16,
    /// The selected commit.
    pub commit: Rect,
    /// The same service elsewhere, and the row of the box with the line above it.
    pub elsewhere: Option<(u16, Rect)>,
}

impl CellAreas {
    /// How wide the cell's values are in `body`.
    pub fn history_width(body: Rect) -> u16 {
        match Self::split(body) {
            Some(split) => body.width - split - 4,
            None => inside(body).width,
        }
    }

    fn split(body: Rect) -> Option<u16> {
        (body.width >= WIDE).then(|| body.width * 45 / 100)
    }

    /// The panes of `body` for so many values of the cell with what is said below them, and lines of other cells; `None`:
    /// there is room for one pane only, which is inside the whole box.
    pub fn of(body: Rect, values: usize, others: usize) -> Option<Self> {
        let split = Self::split(body)?;
        let inner = below(body, 1, body.height - 2);
        let right = Rect {
            x: body.x + split + 2,
            width: Self::history_width(body),
            ..inner
        };
        let top = rows(values.max(1) + 2).min(right.height / 2);
        let room = right.height.saturating_sub(top + 1);
        let last = match rows(others) {
            0 => 0,
            lines => (lines + 1).min(room / 3),
        };
        let divider = body.height - 1 - last;
        Some(Self {
            split,
            rollout: Rect {
                x: body.x + 2,
                width: split - 3,
                ..inner
            },
            history: below(right, 0, top),
            divider: top + 1,
            commit: below(right, top + 1, room - last),
            elsewhere: (last > 1).then(|| {
                let foot = Rect {
                    y: body.y + divider + 1,
                    height: last - 1,
                    ..right
                };
                (divider, foot)
            }),
        })
    }
}

/// The list of so many values under a heading, and below it as many lines of what was before them, a third of the room at most.
pub fn values(area: Rect, values: usize, said: usize) -> (Rect, Rect) {
    let said = rows(said).min(area.height / 3);
    let list = rows(values).min(area.height.saturating_sub(said + 1));
    (below(area, 1, list), below(area, list + 1, said))
}

/// The panes of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanAreas {
    /// The row of the box with the line above what will be done.
    pub divider: u16,
    /// What will be done.
    pub done: Rect,
    /// What happened since it was confirmed.
    pub banner: Rect,
    /// The column of the box with the line between both sides; `None`: there is room for one side.
    pub split: Option<u16>,
    /// What changes and what does not.
    pub changes: Rect,
    /// The exact bytes.
    pub bytes: Rect,
}

impl PlanAreas {
    /// The panes of `body` for so many lines of what will be done and of what happened.
    /// `one`: one side has all the width.
    pub fn of(body: Rect, done: usize, banner: usize, one: bool) -> Self {
        let done = rows(done).min(body.height / 3);
        let divider = body.height - done - 2;
        let inner = Rect {
            height: body.height,
            y: body.y,
            ..inside(body)
        };
        let upper = below(inner, 1, divider.saturating_sub(1));
        let banner = rows(banner).min(upper.height / 2);
        let rest = below(upper, banner, upper.height);
        let split = (body.width >= WIDE && !one).then(|| body.width * 55 / 100);
        let (changes, bytes) = match split {
            None => (rest, rest),
            Some(split) => {
                let left = Rect {
                    width: split - 3,
                    ..rest
                };
                let right = Rect {
                    x: body.x + split + 2,
                    width: body.width - split - 4,
                    ..rest
                };
                (left, right)
            }
        };
        Self {
            divider,
            done: below(inner, divider + 1, done),
            banner: below(upper, 0, banner),
            split,
            changes,
            bytes,
        }
    }
}

/// The list of `lines`, and below it as many lines of what is to be said of the selected one: what the list leaves, half of
/// the room where it leaves less.
pub fn plan_list(area: Rect, lines: usize, said: usize) -> (Rect, Rect) {
    let left = area.height.saturating_sub(rows(lines));
    let said = rows(said).min(left.max(area.height / 2));
    let list = (area.height - said).min(rows(lines));
    (below(area, 0, list), below(area, list, said))
}

/// The log's list, the row of the box with the line below it, and the selected entry in so many lines.
pub fn activity(body: Rect, full: usize) -> (Rect, u16, Rect) {
    let inner = inside(body);
    let full = rows(full).min(inner.height / 2);
    let divider = body.height - full - 2;
    let list = below(inner, 0, divider.saturating_sub(1));
    (list, divider, below(inner, divider, full))
}

/// The parts of the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceAreas {
    /// The stays, under a heading.
    pub list: Rect,
    /// The row of the box with the line above the selected one.
    pub divider: u16,
    /// The selected one in full.
    pub full: Rect,
}

impl TraceAreas {
    /// The parts of `body` for so many lines above the list, rows of the list, and lines of the selected one. The list has
    /// as much as there is; what is told of its row gets the rest, a third at the least.
    pub fn of(body: Rect, above: usize, stays: usize, full: usize) -> Self {
        let inner = inside(body);
        let above = rows(above);
        let room = inner.height.saturating_sub(above.saturating_add(1));
        let rest = room.saturating_sub(rows(stays + 1)).max(room / 3);
        let full = rows(full).min(rest).max(1);
        let list = room.saturating_sub(full);
        let divider = above.saturating_add(list + 1);
        Self {
            list: below(inner, above, list),
            divider,
            full: below(inner, divider, full),
        }
    }
}

/// The parts of the box of earlier versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevertAreas {
    /// The box.
    pub frame: Rect,
    /// The values, under a heading.
    pub list: Rect,
    /// What is kept.
    pub foot: Rect,
}

impl RevertAreas {
    /// The columns that the words below the list have in `body`.
    pub fn words(body: Rect) -> usize {
        usize::from(body.width.min(108)).saturating_sub(8)
    }

    /// The parts in `body` for so many values and lines of what is kept.
    pub fn of(body: Rect, values: usize, kept: usize) -> Self {
        let kept = rows(kept);
        // Two lines of the box, what is declared now, the heading, and air between them.
        let height = rows(values.saturating_sub(1).max(1)).saturating_add(kept + 6);
        // Values go before air.
        let air = u16::from(height <= body.height);
        let frame = centred(body, 104, height);
        let inner = inside(frame);
        Self {
            frame,
            list: below(
                inner,
                1 + air,
                inner.height.saturating_sub(1 + 2 * air + kept),
            ),
            foot: below(inner, inner.height.saturating_sub(kept), kept),
        }
    }
}

/// The columns of text of the help screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelpAreas {
    /// How many.
    pub columns: u16,
    /// The first of them; the others stand beside it.
    pub first: Rect,
}

/// Air between two columns of text.
const GAP: u16 = 3;

impl HelpAreas {
    /// Two columns where there is room.
    pub fn of(body: Rect) -> Self {
        let inner = inside(body);
        let columns = if body.width >= WIDE { 2 } else { 1 };
        Self {
            columns,
            first: Rect {
                width: (inner.width - GAP * (columns - 1)) / columns,
                ..inner
            },
        }
    }

    /// All of them, from left to right.
    pub fn all(self) -> impl Iterator<Item = Rect> {
        (0..self.columns).map(move |index| Rect {
            x: self.first.x + index * (self.first.width + GAP),
            ..self.first
        })
    }

    /// How many lines they have together.
    pub fn lines(self) -> usize {
        usize::from(self.first.height) * usize::from(self.columns)
    }
}

/// A box of at most this size in `area`, a little above its middle.
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(area.width.saturating_sub(4));
    let height = height.min(area.height);
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 3,
        width,
        height,
    }
}

/// The widest that the box of a question is.
const QUESTION: u16 = 110;

/// The columns that a row of a question has in `body`.
pub fn question_width(body: Rect) -> usize {
    usize::from(inside(centred(body, QUESTION, 2)).width)
}

/// The box of a question of so many rows in `body`, and whether they all have room in it.
pub fn question(body: Rect, lines: usize) -> (Rect, bool) {
    let frame = centred(body, QUESTION, rows(lines).saturating_add(2));
    (frame, usize::from(inside(frame).height) >= lines)
}

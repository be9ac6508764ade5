//! One cell of the matrix, and why its row is where it is.

use std::borrow::Cow;

use ratatui::{
    style::{Modifier, Style},
    text::Span,
};

use crate::{
    app::{
        areas::CELL_FRAME,
        screen::matrix::RowLine,
        status::{self, CellView},
    },
    domain::{cell::State, desired::DesiredCell, ids::CellKey, version::Version},
    look,
    ui::{
        canvas::Canvas,
        text::{clip, column, width},
    },
};

/// Stale for longer than this is fainter.
const OLD_SECONDS: i64 = 15 * 60;

/// Columns of a percentage.
const PERCENT: usize = 4;

/// One cell: mark, glyph, version, what is staged or how much is ready; exactly a column wide.
pub fn cell(
    canvas: &Canvas<'_>,
    view: &CellView<'_>,
    marked: bool,
    wide: u16,
) -> Vec<Span<'static>> {
    let (model, theme, glyphs) = (canvas.model, canvas.theme, canvas.glyphs);
    let room = usize::from(wide).saturating_sub(CELL_FRAME);
    let mark = if marked { glyphs.mark } else { " " };
    let version = view.declared.and_then(|cell| cell.version.as_ref());
    let text = version.map_or(Cow::Borrowed(""), Version::brief);
    let urgent = look::of(view.status.state).is_urgent();
    let mut spans = vec![Span::styled(mark, theme.staged)];
    if let Some(request) = view.staged {
        let to = status::staged_version(model, request);
        let to = to.map_or_else(|| "inherited".to_owned(), |to| to.brief().into_owned());
        let (glyph, style) = if urgent {
            (
                glyphs.state(view.status.state),
                theme.state(view.status.state),
            )
        } else {
            (glyphs.staged, theme.staged)
        };
        let both = format!("{text}{}{to}", glyphs.arrow);
        let shown = if width(&both) <= room {
            both
        } else {
            format!("{}{to}", glyphs.arrow)
        };
        spans.push(Span::styled(glyph, style));
        spans.push(Span::raw(" "));
        let shown = column(&shown, room, glyphs.ellipsis);
        spans.push(Span::styled(shown, theme.staged));
    } else {
        spans.push(Span::styled(
            glyphs.state(view.status.state),
            theme.state(view.status.state),
        ));
        spans.push(Span::raw(" "));
        let text = match view.status.state {
            State::Absent => "",
            State::NotSet | State::Unread => view.declared.map_or("", DesiredCell::shown),
            _ => &*text,
        };
        let skew = view.skew.map_or_else(String::new, |skew| glyphs.skew(skew));
        let beside = |text: &str| match width(text) {
            0 => 0,
            wide => wide + 1,
        };
        let ready = match view.status.percent() {
            Some(percent) => {
                let taken = width(text) + beside(&skew) + 1;
                // Where there is no room beside the version, it gives way to the percentage as it does to a count.
                let left = room.saturating_sub(taken).max(PERCENT);
                look::percent(percent, glyphs.bar, left)
            }
            None => ready(view),
        };
        let left = room.saturating_sub(beside(&ready) + beside(&skew));
        let style = version_style(canvas, view);
        let shown = clip(text, left, glyphs.ellipsis);
        let used = width(&shown) + beside(&skew);
        let gap = room.saturating_sub(used + width(&ready)).min(2);
        let rest = room.saturating_sub(used + width(&ready) + gap);
        spans.push(Span::styled(shown, style));
        if !skew.is_empty() {
            spans.push(Span::styled(format!(" {skew}"), theme.moving));
        }
        spans.push(Span::styled(
            format!("{}{ready}{}", " ".repeat(gap), " ".repeat(rest)),
            theme
                .state(view.status.state)
                .remove_modifier(Modifier::BOLD),
        ));
    }
    spans.push(Span::raw(" "));
    spans
}

/// `2/6`, while that is worth knowing.
fn ready(view: &CellView<'_>) -> String {
    let ready = view.status.ready();
    ready.map_or(String::new(), |(ready, desired)| {
        format!("{ready}/{desired}")
    })
}

/// Stale cells fade with their age; what is broken stands out.
fn version_style(canvas: &Canvas<'_>, view: &CellView<'_>) -> Style {
    let (model, theme) = (canvas.model, canvas.theme);
    let inherited = view.declared.is_some_and(|cell| cell.inherited);
    let state = view.status.state;
    if let Some(tone) = look::of(state).version {
        return theme.tone(tone);
    }
    match (state, view.status.live) {
        (State::Stale, Some(live)) => {
            let age = model.now.as_second() - live.as_of.as_second();
            if age > OLD_SECONDS {
                theme.faint
            } else {
                theme.dim
            }
        }
        (State::Loading, _) => theme.dim,
        _ if inherited => theme.dim,
        _ => theme.text,
    }
}

pub fn why(canvas: &Canvas<'_>, line: &RowLine) -> Span<'static> {
    let (model, theme) = (canvas.model, canvas.theme);
    let cells = model.matrix.columns.iter().map(|environment| {
        let key = CellKey::new(line.service.clone(), environment.clone());
        let view = status::assess(model, &key);
        (key, view)
    });
    // The worst cell speaks for the row; of equals the one furthest right, nearest to customers.
    let worst = cells.max_by_key(|(_, view)| view.trouble());
    let Some((key, view)) = worst.filter(|(_, view)| view.trouble() > 0) else {
        return Span::raw("");
    };
    let reason = status::why(model, &key, &view).unwrap_or_default();
    let style = if look::of(view.status.state).is_urgent() {
        theme.text
    } else {
        theme.dim
    };
    let room = usize::from(model.matrix.grid.why);
    Span::styled(clip(&reason, room, canvas.glyphs.ellipsis), style)
}

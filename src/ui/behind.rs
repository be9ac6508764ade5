//! What stands behind a change of a version, in the source code.

use ratatui::text::Line;

use super::{canvas::Canvas, text};
use crate::domain::source_code::VersionStep;

/// So many commits stand beside something else.
const FEW: usize = 3;
/// So many where there is room for all.
const MANY: usize = 100;

/// A heading and what is known; nothing where nobody says where the source code is. `all`: with many commits.
pub fn lines(
    canvas: &Canvas<'_>,
    width: usize,
    step: &VersionStep,
    all: bool,
) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let Some(known) = canvas.model.behind.get(step) else {
        return Vec::new();
    };
    let from = step.from.as_ref();
    let from = from.map(|from| format!("{}{}", from.brief(), canvas.glyphs.arrow));
    let (service, from, to) = (
        &step.cell.service,
        from.unwrap_or_default(),
        step.to.brief(),
    );
    let heading = format!("Source code of {service} {from}{to}");
    let mut lines = vec![Line::styled(heading, theme.dim)];
    let Some(behind) = known else {
        lines.push(Line::styled("  asking", theme.dim));
        return lines;
    };
    for said in behind.lines(step, if all { MANY } else { FEW }) {
        let style = match said.chars().next() {
            Some('+' | '-') => theme.text,
            _ => theme.dim,
        };
        let room = width.saturating_sub(2);
        // Beside something else a line each: the rest of it is where there is room.
        let said = if all {
            text::wrap(&said, room)
        } else {
            vec![text::clip(&said, room, canvas.glyphs.ellipsis)]
        };
        let said = said.into_iter();
        lines.extend(said.map(|line| Line::styled(format!("  {line}"), style)));
    }
    lines
}

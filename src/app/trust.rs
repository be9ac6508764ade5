//! The question whether what a changed configuration names outside of the repository may be reached.

use ratatui::layout::Rect;

use super::{
    areas::{self, Bands},
    model::Model,
};
use crate::domain::text::{clip, sanitise};

/// What is asked, until the configuration that asks is in force or gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustQuestion {
    /// What is named, a line each.
    pub lines: Vec<String>,
    /// How far the question has come.
    pub stage: Stage,
}

/// How far a question has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It waits until nothing else is being typed or confirmed.
    Waiting,
    /// It is on the screen.
    Asked,
    /// The answer was no; `:trust` asks again.
    Refused,
}

impl TrustQuestion {
    /// A question that was not asked yet.
    pub fn new(lines: Vec<String>) -> Self {
        Self {
            lines,
            stage: Stage::Waiting,
        }
    }

    /// As it is drawn in `body`: its box, the rows in it, and whether there is room for all of them.
    pub fn shown(&self, body: Rect) -> (Rect, Vec<String>, bool) {
        let width = areas::question_width(body);
        let rows: Vec<String> = self
            .lines
            .iter()
            .flat_map(|line| cut(line, width))
            .collect();
        let (frame, fits) = areas::question(body, rows.len());
        (frame, rows, fits)
    }
}

impl Model {
    /// Whether all that is asked can be seen: what cannot be is not allowed.
    pub fn shows_all_to_trust(&self) -> bool {
        let bands = Bands::of(self, self.area());
        let question = self.trust.as_ref();
        bands.is_some_and(|bands| question.is_some_and(|it| it.shown(bands.body).2))
    }
}

/// `line` in rows of at most `width` columns, the later ones indented; not a character is left out.
fn cut(line: &str, width: usize) -> Vec<String> {
    const INDENT: &str = "    ";
    let line = sanitise(line);
    let (mut rest, mut rows) = (line.as_ref(), Vec::new());
    while !rest.is_empty() {
        let indent = if rows.is_empty() { "" } else { INDENT };
        let row = clip(rest, width.saturating_sub(indent.len()), "");
        let Some(left) = rest.strip_prefix(row.as_str()).filter(|_| !row.is_empty()) else {
            // Too narrow for a single character: there it cannot be seen, and must not fit either.
            rows.resize(usize::from(u16::MAX), String::new());
            break;
        };
        rows.push(format!("{indent}{row}"));
        rest = left;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_it_is_cut() {
        let long = "x".repeat(200);
        for line in [
            "short".to_owned(),
            format!("  connects to https://h/{long}"),
            "  opens /a  b/ 日本 c".repeat(9),
        ] {
            let question = TrustQuestion::new(vec![line.clone()]);
            for width in [40, 80, 200] {
                let (frame, rows, fits) = question.shown(Rect::new(0, 2, width, 20));
                assert!(fits && frame.width <= width, "{line} {width}");
                let room = usize::from(frame.width - 4);
                assert!(
                    rows.iter()
                        .all(|row| crate::domain::text::width(row) <= room)
                );
                let rest = rows[1..].iter().map(|row| &row[4..]);
                let whole: String = std::iter::once(rows[0].as_str()).chain(rest).collect();
                assert_eq!(whole, line);
            }
        }
    }

    #[test]
    fn what_has_no_room_does_not_fit() {
        let question = |lines: usize| TrustQuestion::new(vec!["x".to_owned(); lines]);
        for (lines, size, expected) in [
            (18, (80, 20), true),
            (19, (80, 20), false),
            (1, (6, 20), false),
        ] {
            let body = Rect::new(0, 2, size.0, size.1);
            assert_eq!(question(lines).shown(body).2, expected, "{lines} {size:?}");
        }
    }
}

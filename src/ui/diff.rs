//! Diffs, read by people: a file's name, then as much of its lines as is wanted; the piece of a line that changes stands out.

use std::ops::Range;

use ratatui::{
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
};

use super::{canvas::Canvas, glyphs::Glyphs, text, theme::Theme};
use crate::{
    app::areas::Reach,
    domain::diff::{Diff, DiffPosition, Extent, FileDiff, Half, Row, Shape, header},
};

/// Columns that are kept for what follows the piece that changes.
const AFTER: usize = 8;

/// Draws a diff from its row `first` on; the row on top says which file it is. Keys scroll it where its pane has
/// them.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, diff: &Diff, first: usize) {
    let shape = canvas.model.diff_shape();
    let (count, height) = (diff.count(shape), usize::from(area.height));
    let last = count.saturating_sub(height);
    let first = first.min(last);
    let page = height.saturating_sub(1).max(1);
    canvas.reaches(area, Reach { page, last });
    let mut rows = diff.rows(shape, first..first + height);
    let named = diff.files.get(diff.position(shape, first).file);
    if let (Some(top), Some(file)) = (rows.first_mut(), named)
        && *top != Row::Gap
    {
        *top = Row::Name(file);
    }
    draw_rows(canvas, area, rows, shape);
}

/// The lines that change, without those around them, from this file on.
pub fn draw_changed(canvas: &mut Canvas<'_>, area: Rect, diff: &Diff, file: usize) {
    let shape = Shape {
        extent: Extent::Changed,
        beside: false,
    };
    let position = DiffPosition { file, line: None };
    let first = diff.row(shape, position);
    let rows = diff.rows(shape, first..first + usize::from(area.height));
    draw_rows(canvas, area, rows, shape);
}

fn draw_rows(canvas: &mut Canvas<'_>, area: Rect, rows: Vec<Row<'_>>, shape: Shape) {
    let digits = rows.iter().map(|row| highest(row) + 1).max().unwrap_or(0);
    let page = Page {
        theme: canvas.theme,
        glyphs: canvas.glyphs,
        width: usize::from(area.width),
        // A header says where its lines stand.
        digits: match shape.extent {
            Extent::Whole => digits.to_string().len(),
            _ if shape.beside => digits.to_string().len(),
            _ => 0,
        },
        beside: shape.beside,
    };
    let lines = rows.iter().map(|row| page.line(row));
    canvas.lines(area, lines);
}

/// The highest number of a line in a row.
fn highest(row: &Row<'_>) -> usize {
    let number = |half: &Option<Half<'_>>| half.as_ref().map_or(0, |half| half.number);
    match row {
        Row::Kept(old, half) => half.number.max(*old),
        Row::Gone(half) | Row::Come(half) => half.number,
        Row::Beside(old, new) => number(old).max(number(new)),
        Row::Gap | Row::Name(_) | Row::Note(_) | Row::Header(..) => 0,
    }
}

/// What all rows of a page share.
struct Page {
    theme: Theme,
    glyphs: Glyphs,
    width: usize,
    /// Columns of a line's number; 0: none.
    digits: usize,
    beside: bool,
}

impl Page {
    fn line<'a>(&self, row: &Row<'a>) -> Line<'a> {
        let theme = &self.theme;
        let (gone, come) = (theme.bad.remove_modifier(Modifier::BOLD), theme.good);
        match row {
            Row::Gap => Line::default(),
            Row::Name(file) => self.name(file),
            Row::Note(words) => Line::styled(*words, theme.dim),
            Row::Header(old, new) => Line::styled(header(old, new), theme.accent),
            Row::Kept(old, half) if self.beside => {
                let before = Half {
                    number: *old,
                    ..half.clone()
                };
                self.both(
                    Some((" ", &before, theme.dim)),
                    Some((" ", half, theme.dim)),
                )
            }
            Row::Kept(_, half) => self.one(" ", half, theme.dim, self.width),
            Row::Gone(half) => self.one("-", half, gone, self.width),
            Row::Come(half) => self.one("+", half, come, self.width),
            Row::Beside(old, new) => self.both(
                old.as_ref().map(|half| ("-", half, gone)),
                new.as_ref().map(|half| ("+", half, come)),
            ),
        }
    }

    fn name<'a>(&self, file: &'a FileDiff) -> Line<'a> {
        let mut spans = vec![Span::styled(file.path.as_str(), self.theme.title)];
        let became = file.became_shown();
        if !became.is_empty() {
            spans.push(Span::styled(format!("  {became}"), self.theme.dim));
        }
        Line::from(spans)
    }

    fn one(&self, sign: &str, half: &Half<'_>, style: Style, room: usize) -> Line<'static> {
        let mut spans = Vec::new();
        let mut room = room;
        if self.digits > 0 {
            let number = format!("{:>room$} ", half.number + 1, room = self.digits);
            room = room.saturating_sub(text::width(&number));
            spans.push(Span::styled(number, self.theme.faint));
        }
        spans.push(Span::styled(sign.to_owned(), style));
        room = room.saturating_sub(1);
        // What is not seen of a line that changes: that is how it changes, at times.
        let unseen = match half.text.ends_with('\r') {
            _ if sign == " " => "",
            true if half.ended => " \\r",
            true => " \\r, no line end",
            false if half.ended => "",
            false => " no line end",
        };
        room = room.saturating_sub(unseen.len());
        spans.extend(
            pieces(half.text, &half.pieces, room, self.glyphs.ellipsis)
                .into_iter()
                .map(|(text, stands_out)| {
                    let style = if stands_out {
                        style.add_modifier(Modifier::REVERSED)
                    } else {
                        style
                    };
                    Span::styled(text, style)
                }),
        );
        spans.push(Span::styled(unseen, self.theme.faint));
        Line::from(spans)
    }

    fn both(
        &self,
        old: Option<(&str, &Half<'_>, Style)>,
        new: Option<(&str, &Half<'_>, Style)>,
    ) -> Line<'static> {
        let between = format!(" {} ", self.glyphs.lines.vertical);
        let room = self.width.saturating_sub(text::width(&between)) / 2;
        let side = |half: Option<(&str, &Half<'_>, Style)>| {
            half.map_or(Vec::new(), |(sign, half, style)| {
                self.one(sign, half, style, room).spans
            })
        };
        let mut spans = side(old);
        let used: usize = spans.iter().map(Span::width).sum();
        spans.push(Span::raw(" ".repeat(room.saturating_sub(used))));
        spans.push(Span::styled(between, self.theme.border));
        spans.extend(side(new));
        Line::from(spans)
    }
}

/// The text of a line in `room` columns, in parts that stand out and parts that do not. Of a line that is too long the first
/// piece that stands out is seen, and what stands before it is cut.
fn pieces(line: &str, marked: &[Range<usize>], room: usize, ellipsis: &str) -> Vec<(String, bool)> {
    let mut parts: Vec<(&str, bool)> = Vec::new();
    let mut at = 0;
    for piece in marked {
        parts.push((&line[at..piece.start], false));
        parts.push((&line[piece.clone()], true));
        at = piece.end;
    }
    parts.push((&line[at..], false));
    let clean: Vec<(String, bool)> = parts
        .into_iter()
        .map(|(part, stands_out)| (text::clip(part, usize::MAX, ""), stands_out))
        .collect();
    let total: usize = clean.iter().map(|(part, _)| text::width(part)).sum();
    let mut out = Vec::new();
    let mut left = room;
    for (index, (part, stands_out)) in clean.iter().enumerate() {
        let wanted = text::width(part);
        let next = clean
            .get(index + 1)
            .map_or(0, |(part, _)| text::width(part));
        let front = index == 0 && !marked.is_empty() && total > room && wanted + next > room;
        let part = if front {
            let after = (next + AFTER).min(total - wanted);
            let kept = room.saturating_sub(after);
            if wanted <= kept {
                part.clone()
            } else {
                text::tail(part, kept, ellipsis)
            }
        } else {
            text::clip(part, left, ellipsis)
        };
        left = left.saturating_sub(text::width(&part));
        if !part.is_empty() {
            out.push((part, *stands_out));
        }
        if left == 0 {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::Look;

    fn page(width: usize, digits: usize, beside: bool) -> Page {
        Page {
            theme: Theme::of(&Look::default(), None),
            glyphs: Glyphs::new(false),
            width,
            digits,
            beside,
        }
    }

    fn diff(before: &str, after: &str) -> Diff {
        Diff {
            files: vec![FileDiff::between(
                "x".into(),
                before.as_bytes(),
                after.as_bytes(),
            )],
            goes_on: false,
        }
    }

    /// Rows with what stands out in brackets.
    fn shown(diff: &Diff, shape: Shape, page: &Page) -> Vec<String> {
        let rows = diff.rows(shape, 0..99);
        let lines = rows.iter().map(|row| page.line(row));
        lines
            .map(|line| {
                let spans = line.spans.iter().map(|span| {
                    if span.style.add_modifier.contains(Modifier::REVERSED) {
                        format!("[{}]", span.content)
                    } else {
                        span.content.to_string()
                    }
                });
                spans.collect::<String>()
            })
            .collect()
    }

    #[test]
    fn what_changes_stands_out_on_either_side() {
        let around = |beside| Shape {
            extent: Extent::Around(1),
            beside,
        };
        let change = diff("a: 1\nb: 2\n", "a: 1\nb: 3\n");
        assert_eq!(
            shown(&change, around(false), &page(20, 0, false)),
            ["x", "@@ -1,2 +1,2 @@", " a: 1", "-b: [2]", "+b: [3]"]
        );
        assert_eq!(
            shown(&change, around(true), &page(23, 1, true)),
            [
                "x",
                "@@ -1,2 +1,2 @@",
                "1  a: 1    │ 1  a: 1",
                "2 -b: [2]    │ 2 +b: [3]",
            ]
        );
        let comes = diff("a: 1\n", "a: 1\nb: 3\n");
        assert_eq!(
            shown(&comes, around(true), &page(23, 1, true))[3],
            "           │ 2 +b: 3"
        );
        let ends = diff("a: 1\r\nb: 2", "a: 1\nb: 2\n");
        assert_eq!(
            shown(
                &ends,
                Shape {
                    extent: Extent::Changed,
                    beside: false
                },
                &page(40, 0, false)
            ),
            ["x", "-a: 1[ ] \\r", "-b: 2 no line end", "+a: 1", "+b: 2"]
        );
    }

    #[test]
    fn of_a_long_line_the_piece_that_changes_is_seen() {
        let line = "image: registry.example.com/shop/checkout:1.41.3 # by the pipeline";
        let at = line.find("1.41.3").unwrap();
        let (piece, far) = (at..at + 6, 60..64);
        let cases: [(&[Range<usize>], usize, &str); 7] = [
            (&[], 10, "image: re…"),
            (
                std::slice::from_ref(&piece),
                80,
                "image: registry.example.com/shop/checkout:[1.41.3] # by the pipeline",
            ),
            (
                std::slice::from_ref(&piece),
                60,
                "image: registry.example.com/shop/checkout:[1.41.3] # by the p…",
            ),
            (
                std::slice::from_ref(&piece),
                40,
                "…xample.com/shop/checkout:[1.41.3] # by t…",
            ),
            (
                &[piece.clone(), far],
                40,
                "…xample.com/shop/checkout:[1.41.3] # by t…",
            ),
            (std::slice::from_ref(&piece), 12, "[1.41.3] # by…"),
            (std::slice::from_ref(&piece), 3, "[1.…]"),
        ];
        for (marked, room, expected) in cases {
            let parts = pieces(line, marked, room, "…");
            let used: usize = parts.iter().map(|(part, _)| text::width(part)).sum();
            assert!(used <= room, "{room} {parts:?}");
            let text: String = parts
                .into_iter()
                .map(|(part, stands_out)| {
                    if stands_out {
                        format!("[{part}]")
                    } else {
                        part
                    }
                })
                .collect();
            assert_eq!(text, expected, "{room}");
        }
    }
}

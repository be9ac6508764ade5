//! Rows with aligned columns, by display width.

use unicode_width::UnicodeWidthStr;

use super::output::{Output, Tone};

/// One cell: what it says and what it is.
#[derive(Clone, Debug)]
pub struct Cell(pub String, pub Tone);

impl Cell {
    /// Plain text.
    pub fn plain(text: impl Into<String>) -> Self {
        Self(text.into(), Tone::Plain)
    }
}

/// Prints `rows` under `heads`, two spaces between columns.
pub fn print(output: &Output, heads: &[String], rows: &[Vec<Cell>]) {
    let width = |text: &str| UnicodeWidthStr::width(text);
    let mut widths: Vec<usize> = heads.iter().map(|head| width(head)).collect();
    for row in rows {
        for (i, cell) in row.iter().enumerate() {
            if let Some(widest) = widths.get_mut(i) {
                *widest = (*widest).max(width(&cell.0));
            }
        }
    }
    let heads: Vec<Cell> = heads
        .iter()
        .map(|head| Cell(head.clone(), Tone::Strong))
        .collect();
    for row in std::iter::once(&heads).chain(rows) {
        let mut line = String::new();
        let last = row
            .iter()
            .rposition(|cell| !cell.0.is_empty())
            .unwrap_or_default();
        for (i, cell) in row.iter().enumerate().take(last + 1) {
            if i > 0 {
                line.push_str("  ");
            }
            line.push_str(&output.paint(&cell.0, cell.1));
            if i < last {
                let missing = widths
                    .get(i)
                    .copied()
                    .unwrap_or_default()
                    .saturating_sub(width(&cell.0));
                line.extend(std::iter::repeat_n(' ', missing));
            }
        }
        output.line(line);
    }
}

//! Rows with aligned columns, by display width; or as a Markdown table.

use super::output::Output;
use crate::{
    domain::text::width,
    stdio::{Styled, Tone},
};

/// One cell: what it says and what it is.
#[derive(Clone, Debug)]
pub struct Cell(pub String, pub Tone);

impl Cell {
    /// Plain text.
    pub fn plain(text: impl Into<String>) -> Self {
        Self(text.into(), Tone::Plain)
    }
}

/// Prints `rows` under `heads`, two spaces between columns, or as Markdown where that is asked for.
pub fn print(output: &Output, heads: &[String], rows: &[Vec<Cell>]) {
    let lines = if output.is_markdown() {
        markdown_lines(heads, rows)
    } else {
        lines(output, heads, rows)
    };
    for line in lines {
        output.line(line);
    }
}

/// The same as Markdown.
pub fn markdown_lines(heads: &[String], rows: &[Vec<Cell>]) -> Vec<Styled> {
    let rows = rows
        .iter()
        .map(|row| row.iter().map(|cell| cell.0.as_str()).collect::<Vec<_>>());
    markdown(heads, rows)
        .into_iter()
        .map(Styled::from)
        .collect()
}

/// The lines of `rows` under `heads`, two spaces between columns.
pub fn lines(output: &Output, heads: &[String], rows: &[Vec<Cell>]) -> Vec<Styled> {
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
    let rows = std::iter::once(&heads).chain(rows);
    rows.map(|row| line(output, row, &widths)).collect()
}

fn line(output: &Output, row: &[Cell], widths: &[usize]) -> Styled {
    let mut line = Styled::default();
    let last = row
        .iter()
        .rposition(|cell| !cell.0.is_empty())
        .unwrap_or_default();
    for (i, cell) in row.iter().enumerate().take(last + 1) {
        if i > 0 {
            line = line.and("  ");
        }
        line = line.and(output.paint(&cell.0, cell.1));
        if i < last {
            let wide = widths.get(i).copied().unwrap_or_default();
            line = line.and(" ".repeat(wide.saturating_sub(width(&cell.0))));
        }
    }
    line
}

/// The lines of a Markdown table: every row has as many cells as there are heads, and no text is markup.
fn markdown<'a>(heads: &'a [String], rows: impl Iterator<Item = Vec<&'a str>>) -> Vec<String> {
    let line = |cells: &[&str]| {
        let mut line = String::from("|");
        for index in 0..heads.len() {
            let text = cells.get(index).copied().unwrap_or_default();
            line.push(' ');
            line.push_str(&escaped(text));
            line.push_str(if text.is_empty() { "|" } else { " |" });
        }
        line
    };
    let names: Vec<&str> = heads.iter().map(String::as_str).collect();
    let mut lines = vec![line(&names), format!("|{}", " --- |".repeat(heads.len()))];
    lines.extend(rows.map(|row| line(&row)));
    lines
}

/// Characters that Markdown or HTML would read, escaped.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(
            c,
            '\\' | '|' | '`' | '*' | '_' | '~' | '[' | ']' | '<' | '>' | '&'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_keeps_the_grid_and_shows_text_as_it_is() {
        let heads = ["SERVICE".to_owned(), "WHY".to_owned()];
        let rows = [vec!["a_b", "x|<y>"], vec!["c"]].into_iter();
        let expected = [
            "| SERVICE | WHY |",
            "| --- | --- |",
            "| a\\_b | x\\|\\<y\\> |",
            "| c | |",
        ];
        assert_eq!(markdown(&heads, rows), expected);
    }
}

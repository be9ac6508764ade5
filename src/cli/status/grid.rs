//! The matrix as a table: whole, or in the columns that a terminal has.

use crate::{
    cli::{
        output::Output,
        table::{self, Cell},
    },
    domain::text::{clip, share, width},
    stdio::{Styled, Tone},
};

/// The matrix in words.
pub(super) struct Grid {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// There is a WHY column.
    pub why: bool,
    /// The rows.
    pub rows: Vec<Row>,
}

/// One service.
pub(super) struct Row {
    /// Its name.
    pub service: String,
    /// Its cells.
    pub cells: Vec<Parts>,
    /// Why the worst of them is as it is.
    pub why: String,
}

/// One cell, in what may be cut and what may not.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    /// Its glyph; empty where it has none.
    pub lead: String,
    /// Its version, which is cut first.
    pub version: String,
    /// What stands behind the version.
    pub beside: Vec<String>,
    /// What it is.
    pub tone: Tone,
}

impl Parts {
    fn text(&self, version: &str) -> String {
        let words = [self.lead.as_str(), version].into_iter();
        let words = words.chain(self.beside.iter().map(String::as_str));
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        words.join(" ")
    }

    fn whole(&self) -> String {
        self.text(&self.version)
    }

    /// In `room` columns: the version gives way, then what is last.
    fn fitted(&self, room: usize) -> String {
        let whole = self.whole();
        let over = width(&whole).saturating_sub(room);
        if over == 0 {
            return whole;
        }
        let left = width(&self.version).saturating_sub(over);
        let version = clip(&self.version, left.max(LEAST_VERSION), "…");
        clip(&self.text(&version), room, "…")
    }
}

/// A version that is cut is shown by so many columns at the least.
const LEAST_VERSION: usize = 4;
/// No column is made narrower than this to fit.
const LEAST: usize = 7;
/// The least that WHY is worth showing in, and what it may claim of the others' room.
const LEAST_WHY: usize = 10;
const WHY: usize = 28;

/// Between two columns.
const GAP: usize = 2;

impl Grid {
    /// All of it.
    pub fn whole(self, output: &Output) -> Vec<Styled> {
        let mut heads = vec!["SERVICE".to_owned()];
        heads.extend(self.columns);
        heads.extend(self.why.then(|| "WHY".to_owned()));
        let rows = self.rows.into_iter().map(|row| {
            let mut cells = vec![Cell::plain(row.service)];
            cells.extend(row.cells.iter().map(|cell| Cell(cell.whole(), cell.tone)));
            cells.extend((!row.why.is_empty()).then(|| Cell::plain(row.why)));
            cells
        });
        if output.is_markdown() {
            return table::markdown_lines(&heads, &rows.collect::<Vec<_>>());
        }
        table::lines(output, &heads, &rows.collect::<Vec<_>>())
    }

    /// In `room` columns. Columns are sized one by one; where they still do not fit, the first ones are left out, furthest
    /// from customers. What was cut is said.
    pub fn fitted(mut self, output: &Output, room: usize) -> Vec<Styled> {
        let total = self.columns.len();
        let service = self.widest("SERVICE", |row| width(&row.service));
        let why = match self.widest("", |row| width(&row.why)) {
            0 => 0,
            wide => wide.max(3),
        };
        loop {
            let mut wanted = vec![service];
            wanted.extend((0..self.columns.len()).map(|index| {
                let cell = |row: &Row| width(&row.cells[index].whole());
                self.widest(&self.columns[index], cell)
            }));
            let gaps = GAP * (wanted.len() - 1);
            let space = room.saturating_sub(gaps);
            let claimed = match why {
                0 => 0,
                wide => wide.min(WHY) + GAP,
            };
            let mut widths = share(&wanted, LEAST, space.saturating_sub(claimed));
            // WHY gives way before a column is left out.
            if widths.iter().sum::<usize>() + claimed > space {
                widths = share(&wanted, LEAST, space);
            }
            let used: usize = widths.iter().sum();
            if used > space && self.columns.len() > 1 {
                self.columns.remove(0);
                for row in &mut self.rows {
                    row.cells.remove(0);
                }
                continue;
            }
            let left = space.saturating_sub(used + GAP);
            let why_room = if left >= LEAST_WHY.min(why) {
                left.min(why)
            } else {
                0
            };
            let cut = widths != wanted || why_room < why;
            let mut lines = self.drawn(output, &widths, why_room);
            let gone = total - self.columns.len();
            let gone = match gone {
                0 => String::new(),
                1 => "1 column is left out".to_owned(),
                more => format!("{more} columns are left out"),
            };
            if cut || !gone.is_empty() {
                let what = if gone.is_empty() { "cut" } else { &gone };
                let words = format!("{what} to fit {room} columns: --wide shows all, --env some");
                lines.push(output.paint(&clip(&words, room, "…"), Tone::Dim));
            }
            return lines;
        }
    }

    fn widest(&self, head: &str, of: impl Fn(&Row) -> usize) -> usize {
        let rows = self.rows.iter().map(of).max();
        rows.unwrap_or(0).max(width(head))
    }

    fn drawn(&self, output: &Output, widths: &[usize], why: usize) -> Vec<Styled> {
        let heads = std::iter::once("SERVICE").chain(self.columns.iter().map(String::as_str));
        let heads = heads.zip(widths);
        let mut heads: Vec<String> = heads.map(|(head, wide)| clip(head, *wide, "…")).collect();
        heads.extend((why > 0).then(|| "WHY".to_owned()));
        let rows = self.rows.iter().map(|row| {
            let mut cells = vec![Cell::plain(clip(&row.service, widths[0], "…"))];
            let fitted = row.cells.iter().zip(&widths[1..]);
            cells.extend(fitted.map(|(cell, wide)| Cell(cell.fitted(*wide), cell.tone)));
            let words = clip(&row.why, why, "…");
            cells.extend((!words.is_empty()).then(|| Cell::plain(words)));
            cells
        });
        table::lines(output, &heads, &rows.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Format;

    fn parts(version: &str, beside: &[&str]) -> Parts {
        Parts {
            lead: "✓".to_owned(),
            version: version.to_owned(),
            beside: beside.iter().map(|word| (*word).to_owned()).collect(),
            tone: Tone::Good,
        }
    }

    fn grid(columns: usize, version: &str, why: &str) -> Grid {
        Grid {
            columns: (0..columns).map(|index| format!("env{index}")).collect(),
            why: true,
            rows: vec![Row {
                service: "checkout".to_owned(),
                cells: vec![parts(version, &["↑2"]); columns],
                why: why.to_owned(),
            }],
        }
    }

    #[test]
    fn a_cell_gives_up_its_version_first() {
        let cases = [
            (20, "✓ 1.42.0-rc.1 ↑2 2/6"),
            (16, "✓ 1.42.0… ↑2 2/6"),
            (13, "✓ 1.4… ↑2 2/6"),
            (10, "✓ 1.4… ↑2…"),
        ];
        for (room, expected) in cases {
            let shown = parts("1.42.0-rc.1", &["↑2", "2/6"]).fitted(room);
            assert_eq!(shown, expected, "{room}");
            assert!(width(&shown) <= room);
        }
    }

    #[test]
    fn a_table_fits_and_says_what_was_cut() {
        let output = Output::new(Format::Table, false, false);
        let long = "release-2026.11-hotfix-4711";
        // (name, environments, version, why, room, in the last line; empty: nothing was cut)
        let cases = [
            ("it fits", 4, "1.42.0", "", 80, ""),
            ("it fits exactly", 2, "1.42.0", "", 34, ""),
            ("four long ones", 4, long, "", 120, "cut to fit 120"),
            ("eleven short ones", 11, "1.4", "", 120, ""),
            (
                "a long reason",
                4,
                "1.42.0",
                "env3: a reason of many, many words",
                80,
                "cut to fit 80",
            ),
            (
                "many environments",
                20,
                "1.42.0",
                "",
                80,
                "columns are left out to fit 80",
            ),
        ];
        for (name, columns, version, why, room, expected) in cases {
            let lines = grid(columns, version, why).fitted(&output, room);
            let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
            for line in &lines {
                assert!(width(line) <= room, "{name}: {line}");
            }
            let last = lines.last().unwrap();
            if expected.is_empty() {
                assert!(last.starts_with("checkout"), "{name}: {last}");
            } else {
                assert!(last.contains(expected), "{name}: {last}");
            }
            // The environments nearest to customers stay.
            let newest = format!("env{}", columns - 1);
            assert!(lines[0].contains(&newest), "{name}: {}", lines[0]);
        }
    }
}

//! A change as rows: as much around it as is wanted, one side below the other or beside it. Any rows are found without
//! making those before them.

use std::ops::Range;

use super::{Became, Diff, FileDiff, Hunk, Text, inline};

/// How much of the files is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Lines that change, and no others.
    Changed,
    /// With so many lines around them.
    Around(usize),
    /// All lines.
    Whole,
}

/// How a change is made into rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How much is shown.
    pub extent: Extent,
    /// What goes and what comes stand side by side.
    pub beside: bool,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row<'a> {
    /// Air before the next file.
    Gap,
    /// A file's name.
    Name(&'a FileDiff),
    /// Why there are no lines, or that there are more.
    Note(&'a str),
    /// Where the lines below it stand, on both sides.
    Header(Range<usize>, Range<usize>),
    /// A line of both sides, with its number on each.
    Kept(usize, Half<'a>),
    /// A line that goes.
    Gone(Half<'a>),
    /// A line that comes.
    Come(Half<'a>),
    /// What goes beside what comes in its place.
    Beside(Option<Half<'a>>, Option<Half<'a>>),
}

/// A line of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Half<'a> {
    /// Counted from 0.
    pub number: usize,
    /// Without its end.
    pub text: &'a str,
    /// It has an end.
    pub ended: bool,
    /// Pieces, in bytes, that the other side has otherwise.
    pub pieces: Vec<Range<usize>>,
}

/// A position in a change that does not depend on how it is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiffPosition {
    /// Which file.
    pub file: usize,
    /// The line, counted from 0, as the file is afterwards; `None`: its name.
    pub line: Option<usize>,
}

/// Rows of one kind that follow each other.
#[derive(Clone, Debug)]
enum Run {
    Gap,
    Name,
    Note,
    Header(Range<usize>, Range<usize>),
    /// Where they begin on both sides, and how many.
    Kept(usize, usize, usize),
    Gone(usize),
    Come(usize),
    Beside(usize),
}

const GOES_ON: &str = "the diff goes on";

impl Diff {
    /// How many rows there are.
    pub fn count(&self, shape: Shape) -> usize {
        let files = (0..self.files.len()).map(|file| self.rows_of(file, shape));
        files.sum::<usize>() + self.foot()
    }

    /// What is said below the files: air, and that there is more.
    fn foot(&self) -> usize {
        if self.goes_on { 2 } else { 0 }
    }

    fn rows_of(&self, file: usize, shape: Shape) -> usize {
        let gap = usize::from(file > 0);
        gap + self.files[file].count(shape)
    }

    /// These rows, and no others.
    pub fn rows(&self, shape: Shape, wanted: Range<usize>) -> Vec<Row<'_>> {
        let mut out = Vec::new();
        let mut at = 0;
        for (index, file) in self.files.iter().enumerate() {
            let count = self.rows_of(index, shape);
            if at < wanted.end && at + count > wanted.start {
                let gap = (index > 0).then_some(Run::Gap);
                for run in gap.into_iter().chain(file.runs(shape)) {
                    let length = file.length(&run);
                    let from = wanted.start.saturating_sub(at).min(length);
                    let to = wanted.end.saturating_sub(at).min(length);
                    if from < to {
                        file.make(&run, from..to, &mut out);
                    }
                    at += length;
                }
            } else {
                at += count;
            }
        }
        for (index, row) in [Row::Gap, Row::Note(GOES_ON)]
            .into_iter()
            .take(self.foot())
            .enumerate()
        {
            if wanted.contains(&(at + index)) {
                out.push(row);
            }
        }
        out
    }

    /// The position that a row shows.
    pub fn position(&self, shape: Shape, row: usize) -> DiffPosition {
        let mut at = 0;
        for (index, file) in self.files.iter().enumerate() {
            let count = self.rows_of(index, shape);
            if row < at + count || index + 1 == self.files.len() {
                let within = row.saturating_sub(at + usize::from(index > 0));
                return DiffPosition {
                    file: index,
                    line: file.line_of(shape, within),
                };
            }
            at += count;
        }
        DiffPosition::default()
    }

    /// The first row that shows a position, or what comes after it in the file.
    pub fn row(&self, shape: Shape, position: DiffPosition) -> usize {
        let before = (0..position.file.min(self.files.len())).map(|file| self.rows_of(file, shape));
        let start = before.sum::<usize>() + usize::from(position.file > 0);
        let Some(file) = self.files.get(position.file) else {
            return 0;
        };
        start + position.line.map_or(0, |line| file.row_of(shape, line))
    }

    /// The row above what changes at a line of a file, as it is afterwards: the file's name, where it is the first change
    /// of the file, else what stands above its header, for whoever names the file in that row.
    pub fn row_above_change(&self, shape: Shape, position: DiffPosition) -> usize {
        let (Some(file), Some(line)) = (self.files.get(position.file), position.line) else {
            return self.row(shape, position);
        };
        // What is the first in its file begins with the file's name.
        let hunk = file
            .hunks
            .iter()
            .position(|hunk| line < hunk.new.end.max(hunk.new.start + 1));
        let Some(hunk) = hunk.filter(|at| *at > 0) else {
            return self.row(
                shape,
                DiffPosition {
                    line: None,
                    ..position
                },
            );
        };
        let line = file.hunks[hunk].new.start;
        let row = self.row(
            shape,
            DiffPosition {
                line: Some(line),
                ..position
            },
        );
        let start = self.row(
            shape,
            DiffPosition {
                line: None,
                ..position
            },
        );
        let above = self.rows(shape, start..row);
        let header = above.iter().rposition(|row| matches!(row, Row::Header(..)));
        header.map_or(row, |at| start + at).saturating_sub(1)
    }
}

impl FileDiff {
    /// How many rows it has, with its name.
    fn count(&self, shape: Shape) -> usize {
        self.runs(shape).iter().map(|run| self.length(run)).sum()
    }

    fn length(&self, run: &Run) -> usize {
        match run {
            Run::Gap | Run::Name | Run::Note | Run::Header(..) => 1,
            Run::Kept(_, _, count) => *count,
            Run::Gone(at) => self.hunks[*at].old.len(),
            Run::Come(at) => self.hunks[*at].new.len(),
            Run::Beside(at) => self.hunks[*at].old.len().max(self.hunks[*at].new.len()),
        }
    }

    fn runs(&self, shape: Shape) -> Vec<Run> {
        let mut runs = vec![Run::Name];
        if self.unshown.is_some() {
            runs.push(Run::Note);
        }
        let groups = match shape.extent {
            Extent::Changed => self.groups(0),
            Extent::Around(lines) => self.groups(lines),
            Extent::Whole => self.groups(self.old.count().max(self.new.count())),
        };
        for group in groups {
            if matches!(shape.extent, Extent::Around(_)) {
                runs.push(Run::Header(group.old.clone(), group.new.clone()));
            }
            let (mut old, mut new) = (group.old.start, group.new.start);
            for at in group.hunks {
                let hunk = &self.hunks[at];
                runs.push(Run::Kept(old, new, hunk.old.start - old));
                if shape.beside {
                    runs.push(Run::Beside(at));
                } else {
                    runs.extend([Run::Gone(at), Run::Come(at)]);
                }
                (old, new) = (hunk.old.end, hunk.new.end);
            }
            runs.push(Run::Kept(old, new, group.old.end - old));
        }
        runs
    }

    fn make<'a>(&'a self, run: &Run, rows: Range<usize>, out: &mut Vec<Row<'a>>) {
        match run {
            Run::Gap => out.push(Row::Gap),
            Run::Name => out.push(Row::Name(self)),
            Run::Note => out.extend(self.unshown.as_deref().map(Row::Note)),
            Run::Header(old, new) => out.push(Row::Header(old.clone(), new.clone())),
            Run::Kept(old, new, _) => out.extend(
                rows.map(|row| Row::Kept(old + row, half(&self.new, new + row, Vec::new()))),
            ),
            Run::Gone(at) => {
                let (old, _) = self.changed(&self.hunks[*at]);
                out.extend(
                    old.into_iter()
                        .skip(rows.start)
                        .take(rows.len())
                        .map(Row::Gone),
                );
            }
            Run::Come(at) => {
                let (_, new) = self.changed(&self.hunks[*at]);
                out.extend(
                    new.into_iter()
                        .skip(rows.start)
                        .take(rows.len())
                        .map(Row::Come),
                );
            }
            Run::Beside(at) => {
                let (old, new) = self.changed(&self.hunks[*at]);
                let (mut old, mut new) = (old.into_iter(), new.into_iter());
                let both = std::iter::from_fn(|| match (old.next(), new.next()) {
                    (None, None) => None,
                    (old, new) => Some(Row::Beside(old, new)),
                });
                out.extend(both.skip(rows.start).take(rows.len()));
            }
        }
    }

    /// The lines of a hunk on both sides, with the pieces that differ.
    fn changed(&self, hunk: &Hunk) -> (Vec<Half<'_>>, Vec<Half<'_>>) {
        let old: Vec<&str> = hunk.old.clone().map(|line| self.old.line(line)).collect();
        let new: Vec<&str> = hunk.new.clone().map(|line| self.new.line(line)).collect();
        let (was, is) = inline::pieces(&old, &new);
        let side = |text, lines: &Range<usize>, pieces: inline::Pieces| {
            let lines = lines.clone().zip(pieces);
            lines
                .map(|(line, pieces)| half(text, line, pieces))
                .collect()
        };
        (
            side(&self.old, &hunk.old, was),
            side(&self.new, &hunk.new, is),
        )
    }

    /// The line that its row of this number shows, as it is afterwards; `None` for its name.
    fn line_of(&self, shape: Shape, row: usize) -> Option<usize> {
        let mut at = 0;
        let mut last = None;
        for run in self.runs(shape) {
            let length = self.length(&run);
            let within = row.saturating_sub(at).min(length.saturating_sub(1));
            last = match &run {
                Run::Gap | Run::Name | Run::Note => None,
                Run::Header(_, new) => Some(new.start),
                Run::Kept(_, new, _) if length > 0 => Some(new + within),
                Run::Kept(..) => last,
                Run::Gone(hunk) => Some(self.hunks[*hunk].new.start),
                Run::Come(hunk) | Run::Beside(hunk) => {
                    let new = &self.hunks[*hunk].new;
                    Some(new.start + within.min(new.len().saturating_sub(1)))
                }
            };
            at += length;
            if row < at {
                break;
            }
        }
        last
    }

    /// The first row that shows a line as it is afterwards, or one after it; the last one where there is none.
    fn row_of(&self, shape: Shape, line: usize) -> usize {
        let mut at = 0;
        for run in self.runs(shape) {
            let length = self.length(&run);
            let lines = match &run {
                Run::Gap | Run::Name | Run::Note | Run::Header(..) => None,
                Run::Kept(_, new, count) => Some(*new..new + count),
                Run::Gone(hunk) => {
                    let start = self.hunks[*hunk].new.start;
                    (length > 0).then_some(start..start + 1)
                }
                Run::Come(hunk) | Run::Beside(hunk) => {
                    let new = self.hunks[*hunk].new.clone();
                    (length > 0).then_some(new.start..new.end.max(new.start + 1))
                }
            };
            if let Some(lines) = lines.filter(|lines| line < lines.end) {
                return at
                    + line
                        .saturating_sub(lines.start)
                        .min(length.saturating_sub(1));
            }
            at += length;
        }
        at.saturating_sub(1)
    }

    /// `added`, `deleted`; nothing where it was there before and still is.
    pub fn became_shown(&self) -> &'static str {
        match self.became {
            Became::Changed => "",
            Became::Added => "added",
            Became::Deleted => "deleted",
        }
    }
}

fn half(text: &Text, number: usize, pieces: Vec<Range<usize>>) -> Half<'_> {
    Half {
        number,
        text: text.line(number),
        ended: text.is_ended(number),
        pieces,
    }
}

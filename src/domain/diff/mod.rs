//! What changes in files, line by line: for people who read it, and as text for `git apply`.
//!
//! A change is kept as both texts of the file and the places where they differ, so that as much around these as somebody
//! wants to see can be shown at any time.

use std::{fmt::Write as _, ops::Range};

use similar::{Algorithm, DiffTag, capture_diff_slices};

use super::{ids::RepoPath, plan::FileEdit};

mod inline;
mod rows;

pub use rows::{DiffPosition, Extent, Half, Row, Shape};

/// Lines around a change in text that others read.
const USUAL: usize = 3;

/// Files with what changes in them, in the order in which they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// The files.
    pub files: Vec<FileDiff>,
    /// More changed than is held here.
    pub goes_on: bool,
}

/// One file's exact change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDiff {
    /// The file.
    pub path: RepoPath,
    /// What became of it.
    pub became: Became,
    /// Why its lines are not shown, where they are not.
    pub unshown: Option<String>,
    old: Text,
    new: Text,
    /// Where they differ, from top to bottom.
    hunks: Vec<Hunk>,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Became {
    /// It was there and still is.
    #[default]
    Changed,
    /// It was not there before.
    Added,
    /// It is not there any more.
    Deleted,
}

/// Lines, counted from 0, of which one side has these and the other those instead. One of them may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    /// Lines that go.
    pub old: Range<usize>,
    /// Lines that come.
    pub new: Range<usize>,
}

/// A text that is asked for its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Text {
    text: String,
    /// Where each line begins.
    starts: Vec<usize>,
}

impl Text {
    /// Bytes that are not UTF-8 become replacement characters.
    fn new(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = [0].into_iter().chain(ends.map(|(at, _)| at + 1));
        let starts = starts.filter(|start| *start < text.len()).collect();
        Self { text, starts }
    }

    fn count(&self) -> usize {
        self.starts.len()
    }

    /// A line with its end.
    fn whole(&self, line: usize) -> &str {
        let end = self.starts.get(line + 1).copied();
        let start = self.starts.get(line).copied();
        start.map_or("", |start| {
            &self.text[start..end.unwrap_or(self.text.len())]
        })
    }

    /// A line without its end; a carriage return is part of it.
    fn line(&self, line: usize) -> &str {
        let whole = self.whole(line);
        whole.strip_suffix('\n').unwrap_or(whole)
    }

    /// The line has an end.
    fn is_ended(&self, line: usize) -> bool {
        self.whole(line).ends_with('\n')
    }
}

impl FileDiff {
    /// The change that an edit makes.
    pub fn of(edit: &FileEdit) -> Self {
        Self::between(edit.path.clone(), &edit.before, &edit.after)
    }

    /// The lines that go and come, with `-` and `+` in front, wherever they stand.
    pub fn changed_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for hunk in &self.hunks {
            let old = hunk
                .old
                .clone()
                .map(|at| format!("-{}", self.old.whole(at)));
            lines.extend(old);
            let new = hunk
                .new
                .clone()
                .map(|at| format!("+{}", self.new.whole(at)));
            lines.extend(new);
        }
        lines
    }

    /// The change between two texts of a file.
    pub fn between(path: RepoPath, before: &[u8], after: &[u8]) -> Self {
        let (old, new) = (Text::new(before), Text::new(after));
        let lines = |text: &Text| -> Vec<String> {
            (0..text.count())
                .map(|at| text.whole(at).to_owned())
                .collect()
        };
        let ops = capture_diff_slices(Algorithm::Myers, &lines(&old), &lines(&new));
        let changes = ops.iter().filter(|op| op.tag() != DiffTag::Equal);
        let mut hunks: Vec<Hunk> = Vec::new();
        for op in changes {
            let next = Hunk {
                old: op.old_range(),
                new: op.new_range(),
            };
            match hunks.last_mut() {
                Some(last) if last.old.end == next.old.start && last.new.end == next.new.start => {
                    last.old.end = next.old.end;
                    last.new.end = next.new.end;
                }
                _ => hunks.push(next),
            }
        }
        Self {
            path,
            became: Became::Changed,
            unshown: None,
            old,
            new,
            hunks,
        }
    }

    /// The change of a file whose hunks somebody else found. Those that cannot be of these texts are left out.
    pub fn with_hunks(path: RepoPath, before: &[u8], after: &[u8], found: Vec<Hunk>) -> Self {
        let (old, new) = (Text::new(before), Text::new(after));
        let mut hunks: Vec<Hunk> = Vec::new();
        for hunk in found {
            let (was, is) = hunks
                .last()
                .map_or((0, 0), |last| (last.old.end, last.new.end));
            let follows = hunk.old.start >= was
                && hunk.old.start - was == hunk.new.start.wrapping_sub(is)
                && hunk.old.start <= hunk.old.end
                && hunk.new.start <= hunk.new.end;
            if follows && hunk.old.end <= old.count() && hunk.new.end <= new.count() {
                hunks.push(hunk);
            }
        }
        Self {
            path,
            became: Became::Changed,
            unshown: None,
            old,
            new,
            hunks,
        }
    }

    /// A file whose lines are not shown, and why.
    pub fn unshown(path: RepoPath, why: impl Into<String>) -> Self {
        Self {
            unshown: Some(why.into()),
            ..Self::with_hunks(path, &[], &[], Vec::new())
        }
    }

    /// The same of a file that came or went.
    #[must_use]
    pub fn that_became(self, became: Became) -> Self {
        Self { became, ..self }
    }

    /// A unified diff with three lines of context and the `---`/`+++` lines of Git.
    pub fn with_header(&self) -> String {
        let mut text = format!("--- a/{path}\n+++ b/{path}\n", path = self.path);
        for group in self.groups(USUAL) {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{}", header(&group.old, &group.new));
            let mut old = group.old.start;
            for hunk in &self.hunks[group.hunks] {
                put(&mut text, ' ', &self.old, old..hunk.old.start);
                put(&mut text, '-', &self.old, hunk.old.clone());
                put(&mut text, '+', &self.new, hunk.new.clone());
                old = hunk.old.end;
            }
            put(&mut text, ' ', &self.old, old..group.old.end);
        }
        text
    }

    /// Hunks with so many lines around them, those together that touch.
    fn groups(&self, around: usize) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for (at, hunk) in self.hunks.iter().enumerate() {
            let before = around.min(hunk.old.start);
            let after = around.min(self.old.count() - hunk.old.end);
            let next = Group {
                hunks: at..at + 1,
                old: hunk.old.start - before..hunk.old.end + after,
                new: hunk.new.start - before..hunk.new.end + after,
            };
            match groups.last_mut() {
                Some(last) if next.old.start <= last.old.end => {
                    last.hunks.end = next.hunks.end;
                    last.old.end = next.old.end;
                    last.new.end = next.new.end;
                }
                _ => groups.push(next),
            }
        }
        groups
    }
}

/// Adds lines behind a sign, as a unified diff has them.
fn put(text: &mut String, sign: char, side: &Text, lines: Range<usize>) {
    for line in lines {
        text.push(sign);
        text.push_str(side.line(line));
        text.push('\n');
        if !side.is_ended(line) {
            text.push_str("\\ No newline at end of file\n");
        }
    }
}

/// Hunks that are shown together, with the lines around them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    hunks: Range<usize>,
    old: Range<usize>,
    new: Range<usize>,
}

/// `@@ -4,5 +4,5 @@`
pub fn header(old: &Range<usize>, new: &Range<usize>) -> String {
    // As Git writes it: a single line without its count, no line at all as the one before it.
    let side = |lines: &Range<usize>| match lines.len() {
        0 => format!("{},0", lines.start),
        1 => format!("{}", lines.start + 1),
        count => format!("{},{count}", lines.start + 1),
    };
    format!("@@ -{} +{} @@", side(old), side(new))
}

#[cfg(test)]
mod tests;

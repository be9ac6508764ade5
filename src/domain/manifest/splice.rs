//! Replacing ranges of bytes, and where everything else is afterwards.

use std::ops::Range;

use super::ManifestError;

/// One range of bytes and what stands there instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Splice {
    pub range: Range<usize>,
    pub text: String,
}

impl Splice {
    pub(super) fn new(range: Range<usize>, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { range, text }
    }
}

/// Splices in file order that do not overlap.
#[derive(Clone, Debug, Default)]
pub(super) struct Splices(Vec<Splice>);

impl Splices {
    /// # Errors
    /// Where two overlap, or one does not lie within `length` bytes.
    pub(super) fn new(mut splices: Vec<Splice>, length: usize) -> Result<Self, ManifestError> {
        splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
        splices.dedup();
        let ordered = splices
            .windows(2)
            .all(|pair| pair[0].range.end <= pair[1].range.start);
        let within = splices
            .iter()
            .all(|splice| splice.range.start <= splice.range.end && splice.range.end <= length);
        if ordered && within {
            Ok(Self(splices))
        } else {
            Err(ManifestError::whole(
                "two edits of this file overlap, or reach beyond its end; stage them one after the other",
            ))
        }
    }

    pub(super) fn apply(&self, bytes: &[u8]) -> Vec<u8> {
        let added: usize = self.0.iter().map(|splice| splice.text.len()).sum();
        let mut out = Vec::with_capacity(bytes.len() + added);
        let mut from = 0;
        for Splice { range, text } in &self.0 {
            out.extend_from_slice(bytes.get(from..range.start).unwrap_or_default());
            out.extend_from_slice(text.as_bytes());
            from = range.end;
        }
        out.extend_from_slice(bytes.get(from..).unwrap_or_default());
        out
    }

    /// Where ranges in file order are after the splices; `None` for one that a splice takes out.
    /// A range that a splice lies within grows or shrinks with it.
    pub(super) fn moved<'s>(
        &'s self,
        ranges: impl Iterator<Item = &'s Range<usize>> + 's,
    ) -> impl Iterator<Item = Option<Range<usize>>> + 's {
        let mut shift = Shift {
            splices: &self.0,
            added: 0,
            removed: 0,
        };
        ranges.map(move |range| {
            if shift.takes_out(range) {
                return None;
            }
            let start = shift.at(range.start);
            // Looking at the end must not use up splices that the next range needs.
            let mut ahead = shift;
            let end = ahead.behind(range.end);
            Some(start..end)
        })
    }
}

/// A place between splices.
#[derive(Clone, Copy)]
struct Shift<'s> {
    splices: &'s [Splice],
    added: usize,
    removed: usize,
}

impl Shift<'_> {
    fn pass(&mut self, while_before: impl Fn(&Range<usize>) -> bool) {
        while let Some((first, rest)) = self.splices.split_first() {
            if !while_before(&first.range) {
                break;
            }
            self.added += first.text.len();
            self.removed += first.range.len();
            self.splices = rest;
        }
    }

    fn takes_out(&mut self, range: &Range<usize>) -> bool {
        self.pass(|splice| splice.end <= range.start);
        let first = self.splices.first();
        first.is_some_and(|splice| {
            splice.range.start <= range.start && range.end <= splice.range.end && !range.is_empty()
        })
    }

    fn at(&mut self, offset: usize) -> usize {
        self.pass(|splice| splice.end <= offset);
        offset + self.added - self.removed
    }

    fn behind(&mut self, offset: usize) -> usize {
        self.pass(|splice| splice.start < offset);
        offset + self.added - self.removed
    }
}

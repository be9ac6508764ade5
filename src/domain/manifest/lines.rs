//! Lines of a text, by byte. Offsets beyond the end count as the end; nothing here can panic.

/// Where the line that holds a byte begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |found| found + 1)
}

/// Where the line that holds a byte ends: at its line feed, or at the end of the text.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let after = text.as_bytes().get(at..).unwrap_or_default();
    let length = after.iter().position(|byte| *byte == b'\n');
    length.map_or(text.len(), |length| at + length)
}

/// How many line feeds a piece of text has.
pub(super) fn breaks(source: &str) -> u32 {
    number(source.matches('\n').count())
}

/// A count as a line number.
pub(super) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

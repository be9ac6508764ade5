//! Which piece of a line is another one.

use std::ops::Range;

use similar::{Algorithm, DiffTag, capture_diff_slices};
use unicode_segmentation::UnicodeSegmentation;

/// Pieces of longer changes are not looked for: nobody reads them one by one.
const MOST_LINES: usize = 200;
/// The same by bytes.
const MOST_BYTES: usize = 32 << 10;

/// The pieces of each line, in bytes.
pub(super) type Pieces = Vec<Vec<Range<usize>>>;

/// A word of a line, or what stands between words.
struct Token<'a> {
    line: usize,
    at: Range<usize>,
    text: &'a str,
}

/// The pieces of lines that go and of those that come in their place which are not in the other. None where hardly anything
/// is: then the whole line is another one.
pub(super) fn pieces(old: &[&str], new: &[&str]) -> (Pieces, Pieces) {
    let mut found = (vec![Vec::new(); old.len()], vec![Vec::new(); new.len()]);
    let bytes: usize = old.iter().chain(new).map(|line| line.len()).sum();
    let nothing = old.is_empty() || new.is_empty();
    if nothing || old.len() + new.len() > MOST_LINES || bytes > MOST_BYTES {
        return found;
    }
    if old.len() == new.len() {
        for line in 0..old.len() {
            compare(&old[line..=line], &new[line..=line], line, &mut found);
        }
    } else {
        compare(old, new, 0, &mut found);
    }
    found
}

/// Adds what differs between lines, of which the first is the one numbered `first`.
fn compare(old: &[&str], new: &[&str], first: usize, found: &mut (Pieces, Pieces)) {
    let (was, is) = (tokens(old, first), tokens(new, first));
    let words = |tokens: &[Token<'_>]| -> Vec<String> {
        tokens.iter().map(|token| token.text.to_owned()).collect()
    };
    let ops = capture_diff_slices(Algorithm::Patience, &words(&was), &words(&is));
    let weight = |tokens: &[Token<'_>]| -> usize {
        tokens.iter().map(|token| token.text.trim().len()).sum()
    };
    let same = ops.iter().filter(|op| op.tag() == DiffTag::Equal);
    let same: usize = same.map(|op| weight(&was[op.old_range()])).sum();
    if same * 4 < weight(&was).max(weight(&is)) {
        return;
    }
    for op in ops.iter().filter(|op| op.tag() != DiffTag::Equal) {
        mark(&was[op.old_range()], &mut found.0);
        mark(&is[op.new_range()], &mut found.1);
    }
}

fn mark(tokens: &[Token<'_>], lines: &mut Pieces) {
    for token in tokens {
        let pieces = &mut lines[token.line];
        match pieces.last_mut() {
            Some(last) if last.end == token.at.start => last.end = token.at.end,
            _ => pieces.push(token.at.clone()),
        }
    }
}

fn tokens<'a>(lines: &[&'a str], first: usize) -> Vec<Token<'a>> {
    let lines = lines.iter().zip(first..);
    lines
        .flat_map(|(text, line)| {
            words(text).map(move |(at, text)| Token {
                line,
                at: at..at + text.len(),
                text,
            })
        })
        .collect()
}

/// Words and what stands between them. Unicode takes `api:v1` for one; a tag is a word of its own.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_word_bound_indices().flat_map(|(at, word)| {
        let colons = word.match_indices(':').flat_map(|(at, _)| [at, at + 1]);
        let mut ends: Vec<usize> = colons.chain([word.len()]).collect();
        ends.dedup();
        let mut start = 0;
        ends.into_iter().filter_map(move |end| {
            let part = &word[start..end];
            let found = (at + start, part);
            start = end;
            (!part.is_empty()).then_some(found)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines with their pieces in brackets.
    fn shown(lines: &[&str], pieces: &Pieces) -> Vec<String> {
        let lines = lines.iter().zip(pieces);
        lines
            .map(|(line, pieces)| {
                let mut out = (*line).to_owned();
                for piece in pieces.iter().rev() {
                    out.insert(piece.end, ']');
                    out.insert(piece.start, '[');
                }
                out
            })
            .collect()
    }

    #[test]
    fn the_piece_that_changes_is_found() {
        type Lines = &'static [&'static str];
        let cases: [(Lines, Lines, Lines, Lines); 9] = [
            (
                &["  newTag: 1.41.3"],
                &["  newTag: 1.42.0"],
                &["  newTag: [1.41.3]"],
                &["  newTag: [1.42.0]"],
            ),
            (
                &["image: registry.example.com/shop/api:v1.2.3 # api"],
                &["image: registry.example.com/shop/api:v1.2.4 # api"],
                &["image: registry.example.com/shop/api:[v1.2.3] # api"],
                &["image: registry.example.com/shop/api:[v1.2.4] # api"],
            ),
            (
                &["tag: \"1\""],
                &["tag: '1'"],
                &["tag: [\"]1[\"]"],
                &["tag: [']1[']"],
            ),
            // Only something that comes, in the middle and at the end.
            (
                &["a: [1, 2]"],
                &["a: [1, 3, 2]"],
                &["a: [1, 2]"],
                &["a: [1, [3, ]2]"],
            ),
            (&["tag: 1"], &["tag: 1 "], &["tag: 1"], &["tag: 1[ ]"]),
            // Each line by its own.
            (
                &["tag: 1", "sum: 5"],
                &["tag: 2", "sum: 6"],
                &["tag: [1]", "sum: [5]"],
                &["tag: [2]", "sum: [6]"],
            ),
            // A line more: found across lines.
            (
                &["tag: 1.2"],
                &["note: none", "tag: 1.3"],
                &["tag: [1.2]"],
                &["[note: none]", "tag: [1.3]"],
            ),
            // Nothing in common: the whole line is another.
            (&["2"], &["3"], &["2"], &["3"]),
            (
                &["caf\u{e9}: 1"],
                &["caf\u{e9}: 2"],
                &["caf\u{e9}: [1]"],
                &["caf\u{e9}: [2]"],
            ),
        ];
        for (old, new, was, is) in cases {
            let (first, second) = pieces(old, new);
            assert_eq!(shown(old, &first), was, "{old:?}");
            assert_eq!(shown(new, &second), is, "{new:?}");
        }
        let long = "x ".repeat(MOST_BYTES);
        assert!(pieces(&[&long], &["x"]).0[0].is_empty());
        assert!(pieces(&[], &["x"]).1[0].is_empty());
    }
}

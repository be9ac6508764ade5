//! Matching with names that are used twice, which regular expressions cannot do.

use std::sync::Arc;

use super::{
    bindings::Bindings,
    pattern::{Hole, Token},
};

/// Divisions of one text that are tried before it counts as not matching: hostile names must not cost seconds.
const STEPS: u32 = 20_000;

/// Tries every division of `text` over the segments' holes until one agrees with itself and with `bound`.
pub(super) fn matches(segments: &[Vec<Token>], text: &str, bound: &mut Bindings) -> bool {
    let mut pieces = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        let last = index + 1 == segments.len();
        match segment.as_slice() {
            [Token::Hole(name, Hole::Deep)] if !last => pieces.push(Piece::Folders(name.as_ref())),
            tokens => {
                pieces.extend(tokens.iter().map(Piece::Token));
                if !last {
                    pieces.push(Piece::Slash);
                }
            }
        }
    }
    let mut steps = STEPS;
    walk(&pieces, text, bound, &mut steps)
}

enum Piece<'a> {
    Token(&'a Token),
    Slash,
    /// Whole segments with the slash after them, or nothing.
    Folders(Option<&'a Arc<str>>),
}

fn walk(pieces: &[Piece<'_>], text: &str, bound: &mut Bindings, steps: &mut u32) -> bool {
    let Some((piece, rest)) = pieces.split_first() else {
        return text.is_empty();
    };
    if *steps == 0 {
        return false;
    }
    *steps -= 1;
    match piece {
        Piece::Slash => text
            .strip_prefix('/')
            .is_some_and(|text| walk(rest, text, bound, steps)),
        Piece::Token(Token::Text(literal)) => text
            .strip_prefix(literal.as_str())
            .is_some_and(|text| walk(rest, text, bound, steps)),
        Piece::Token(Token::Hole(name, hole)) => {
            let ends = text
                .char_indices()
                .map(|(at, _)| at)
                .chain([text.len()])
                .collect::<Vec<_>>();
            ends.into_iter().rev().any(|end| {
                let fits = match hole {
                    Hole::Part { empty } => (*empty || end > 0) && !text[..end].contains('/'),
                    Hole::Deep => true,
                    Hole::Pattern(pattern) => pattern.is_match(&text[..end]),
                };
                fits && take(
                    name.as_ref(),
                    &text[..end],
                    rest,
                    &text[end..],
                    bound,
                    steps,
                )
            })
        }
        Piece::Folders(name) => {
            let ends: Vec<usize> = text.match_indices('/').map(|(at, _)| at).collect();
            ends.into_iter()
                .rev()
                .any(|end| take(*name, &text[..end], rest, &text[end + 1..], bound, steps))
                || take(*name, "", rest, text, bound, steps)
        }
    }
}

fn take(
    name: Option<&Arc<str>>,
    taken: &str,
    rest: &[Piece<'_>],
    text: &str,
    bound: &mut Bindings,
    steps: &mut u32,
) -> bool {
    let before = bound.len();
    let agrees = name.is_none_or(|name| bound.bind(name, taken));
    if agrees && walk(rest, text, bound, steps) {
        return true;
    }
    bound.truncate(before);
    false
}

//! Words that environments are called by, and how sure a name is of being one.

use super::super::{names::COMMON, words};

/// How sure a name is of being an environment's, in hundredths: 100 for a usual word alone, less with something beside it.
pub(super) fn weight(name: &str) -> u32 {
    let lower = name.to_ascii_lowercase();
    // Tests of programs are called `test_…`, environments hardly ever with an underscore.
    if is_common(&lower) || lower.starts_with("test_") || lower.ends_with("_test") {
        return 0;
    }
    let parts: Vec<&str> = lower
        .split(['-', '_', '.', '/'])
        .filter(|part| !part.is_empty())
        .collect();
    let exact = |part: &str| words::is_bare(part) || more(part).is_some();
    if parts.len() == 1 && exact(parts[0]) {
        return 100;
    }
    if let ["ring" | "wave", number] = parts.as_slice()
        && number.parse::<u32>().is_ok()
    {
        return 100;
    }
    let usual = parts.iter().filter(|part| words::is_bare(part)).count();
    let few = parts.len() <= 4;
    if usual > 0 && few {
        return 80;
    }
    if parts.iter().any(|part| more(part).is_some()) && parts.len() <= 2 {
        return 50;
    }
    // `usdfprod`, `brhstaging`
    let long = [
        "prod", "staging", "stage", "dev", "test", "demo", "preprod", "qa",
    ];
    if few
        && parts.iter().any(|part| {
            long.iter()
                .any(|word| part.ends_with(word) && part.len() > word.len() + 1)
        })
    {
        return 40;
    }
    0
}

/// The usual word in a name, by which two names are told to be of different environments.
pub(super) fn word(name: &str) -> Option<usize> {
    words::known_loosely(name)
        .map(|known| known.rank)
        .or_else(|| {
            let lower = name.to_ascii_lowercase();
            lower.split(['-', '_', '.', '/']).find_map(more)
        })
}

/// How a name says again which environment it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Echo {
    /// At its end; else at its start.
    pub(super) tail: bool,
    /// What stands between.
    pub(super) mark: char,
    /// By the same word; else by another one for the same: `prod` in `production`.
    pub(super) exact: bool,
}

/// Whether a name begins or ends with the environment `token`, or with another usual word for it; with the rest and what
/// it is written as there.
pub(super) fn echo<'t>(text: &'t str, token: &str) -> Option<(Echo, &'t str, &'t str)> {
    if weight(token) < 80 {
        return None;
    }
    let says = |piece: &str| {
        let exact = piece == token;
        let near = || weight(piece) == 100 && word(piece).is_some() && word(piece) == word(token);
        (exact || near()).then_some(exact)
    };
    let marks = || text.match_indices(['-', '_', '.']);
    let at = |(at, mark): (usize, &'t str)| (&text[..at], mark, &text[at + mark.len()..]);
    let tails = marks().map(at).filter_map(|(rest, mark, piece)| {
        let echo = Echo {
            tail: true,
            mark: mark.chars().next()?,
            exact: says(piece)?,
        };
        (!rest.is_empty()).then_some((echo, rest, piece))
    });
    let heads = marks().rev().map(at).filter_map(|(piece, mark, rest)| {
        let echo = Echo {
            tail: false,
            mark: mark.chars().next()?,
            exact: says(piece)?,
        };
        (!rest.is_empty()).then_some((echo, rest, piece))
    });
    tails.chain(heads).next()
}

fn more(part: &str) -> Option<usize> {
    words::less_usual(part)
}

/// Whether it is what environments have in common, or no environment at all.
pub(super) fn is_common(lower: &str) -> bool {
    COMMON.contains(&lower) || ["overlays", "values", "kustomization"].contains(&lower)
}

/// Whether it is what somebody proposes, deployed to be looked at: `pr-12`, `review-login`.
pub(super) fn is_review(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let (word, rest) = lower.split_once(['-', '_']).unwrap_or((&lower, ""));
    match word {
        "pr" | "mr" | "pull" => rest.starts_with(|c: char| c.is_ascii_digit()),
        "review" | "feature" | "feat" => !rest.is_empty(),
        _ => false,
    }
}

/// Whether it looks like a host's name: `data.example.org`.
pub(super) fn is_host(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    const ENDS: [&str; 34] = [
        "com", "org", "net", "io", "dev", "edu", "gov", "mil", "info", "cloud", "app", "eu", "uk",
        "de", "fr", "nl", "se", "no", "dk", "fi", "ch", "at", "be", "es", "it", "pl", "ca", "us",
        "au", "nz", "jp", "in", "local", "internal",
    ];
    name.contains('.')
        && ENDS.contains(&last)
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        && name.bytes().any(|b| b.is_ascii_alphabetic())
}

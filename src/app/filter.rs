//! The filter: text, `env:NAME`, `is:STATE`, each negated by a leading `!`.

use super::judged::CellFacts;
use crate::{
    domain::{
        ids::{EnvironmentName, ServiceName},
        suggest,
        version::Version,
    },
    look::Quality,
};

/// A filter as typed, in parts. All must hold; several `env:` are alternatives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    not: bool,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Text(String),
    Environment(String),
    Is(Is),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Is {
    /// What it is by itself.
    Quality(Quality),
    Staged,
    Marked,
    /// No such word: nothing is.
    Unknown(String),
}

/// Words of `is:` beside those of [`Quality`]: what this session did with the cell.
const WORDS: [(&str, Is); 2] = [("staged", Is::Staged), ("marked", Is::Marked)];

impl Filter {
    /// Reads a filter; every text is one.
    pub fn parse(text: &str) -> Self {
        let terms = text.split_whitespace().filter_map(|word| {
            let (not, word) = match word.strip_prefix('!') {
                Some(word) => (true, word),
                None => (false, word),
            };
            let what = if let Some(name) = word.strip_prefix("env:") {
                What::Environment(name.to_lowercase())
            } else if let Some(name) = word.strip_prefix("is:") {
                What::Is(named(&name.to_lowercase())?)
            } else {
                What::Text(word.to_lowercase())
            };
            let empty = matches!(&what, What::Text(t) | What::Environment(t) if t.is_empty());
            (!empty).then_some(Term { not, what })
        });
        Self {
            terms: terms.collect(),
        }
    }

    /// Nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// What is wrong with it: a word behind `is:` that nobody knows, with those that there are.
    pub fn unknown(&self) -> Option<String> {
        let word = self.terms.iter().find_map(|term| match &term.what {
            What::Is(Is::Unknown(word)) => Some(word),
            _ => None,
        })?;
        let known: Vec<String> = Self::words().collect();
        let hint = suggest::hint(word, known.iter().map(String::as_str));
        let hint = hint.trim_end_matches('?');
        Some(format!(
            "no `is:{word}`{hint}; there are: {}",
            known.join(", ")
        ))
    }

    /// Asks for a state, so that the cells that match are known one by one.
    pub fn asks_for_cells(&self) -> bool {
        self.terms.iter().any(|t| matches!(t.what, What::Is(_)))
    }

    /// Whether a column stays.
    pub fn column(&self, environment: &EnvironmentName) -> bool {
        let name = environment.as_str().to_lowercase();
        let (mut wanted, mut found) = (false, false);
        for term in &self.terms {
            if let What::Environment(pattern) = &term.what {
                let matches = glob(pattern, &name);
                if term.not && matches {
                    return false;
                }
                if !term.not {
                    wanted = true;
                    found |= matches;
                }
            }
        }
        !wanted || found
    }

    /// Whether a row can stay for its texts: its name, or one of `versions`, those in columns that stay.
    pub fn row<'v>(
        &self,
        service: &ServiceName,
        mut versions: impl FnMut() -> Vec<&'v Version>,
    ) -> bool {
        let mut texts = self.terms.iter().filter_map(|term| match &term.what {
            What::Text(text) => Some((text, term.not)),
            What::Environment(_) | What::Is(_) => None,
        });
        texts.all(|(text, not)| {
            let holds = |of: &str| of.to_lowercase().contains(text);
            let found = holds(service.as_str()) || versions().iter().any(|it| holds(it.as_str()));
            found != not
        })
    }

    /// Whether a cell is what `is:` asks for.
    pub fn cell(&self, facts: &CellFacts, is_marked: impl Fn() -> bool) -> bool {
        self.terms.iter().all(|term| match &term.what {
            What::Is(is) => is.holds(facts, &is_marked) != term.not,
            What::Text(_) | What::Environment(_) => true,
        })
    }

    /// Words that `is:` can be completed with.
    pub fn words() -> impl Iterator<Item = String> {
        let others = WORDS.iter().map(|(name, _)| (*name).to_owned());
        Quality::words().chain(others)
    }
}

impl Is {
    fn holds(&self, facts: &CellFacts, is_marked: impl Fn() -> bool) -> bool {
        match self {
            Self::Quality(quality) => quality.holds(facts.qualities),
            Self::Staged => facts.staged,
            Self::Marked => is_marked(),
            Self::Unknown(_) => false,
        }
    }
}

/// What is meant by a word, or by its first letters while it is typed; an empty word asks nothing.
fn named(word: &str) -> Option<Is> {
    if word.is_empty() {
        return None;
    }
    let qualities = Quality::all().map(|(name, quality)| (name, Is::Quality(quality)));
    let words = WORDS
        .iter()
        .map(|(name, is)| ((*name).to_owned(), is.clone()));
    let mut all: Vec<_> = qualities.chain(words).collect();
    all.sort_by_key(|(name, _)| name != word);
    let found = all.into_iter().find(|(name, _)| name.starts_with(word));
    Some(found.map_or_else(|| Is::Unknown(word.to_owned()), |(_, is)| is))
}

/// `*` matches any text; without one, the pattern may stand anywhere.
fn glob(pattern: &str, name: &str) -> bool {
    if !pattern.contains('*') {
        return name.contains(pattern);
    }
    let mut rest = name;
    let mut parts = pattern.split('*').peekable();
    let mut first = true;
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        let at = match (first, last) {
            (true, _) => rest.starts_with(part).then_some(0),
            (false, true) => (rest.ends_with(part)).then(|| rest.len() - part.len()),
            (false, false) => rest.find(part),
        };
        let Some(at) = at else { return false };
        rest = &rest[at + part.len()..];
        first = false;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cell::State;

    #[test]
    fn columns() {
        let cases = [
            ("", "dev", true),
            ("env:prod", "prod-eu", true),
            ("env:prod", "dev", false),
            ("env:prod-*", "prod-eu", true),
            ("env:*-eu", "prod-eu", true),
            ("env:*-eu", "prod-us", false),
            ("env:dev env:staging", "staging", true),
            ("!env:prod", "prod-eu", false),
            ("!env:prod", "dev", true),
            ("checkout", "dev", true),
        ];
        for (filter, environment, expected) in cases {
            let kept = Filter::parse(filter).column(&environment.into());
            assert_eq!(kept, expected, "{filter} {environment}");
        }
    }

    #[test]
    fn words_by_their_first_letters() {
        let quality = |quality| Some(Is::Quality(quality));
        let cases = [
            ("degr", quality(Quality::State(State::Degraded))),
            ("st", quality(Quality::State(State::Stale))),
            ("behind", quality(Quality::Behind)),
            ("ah", quality(Quality::Ahead)),
            ("skew", quality(Quality::Skew)),
            ("denied", quality(Quality::State(State::NoAccess))),
            ("staged", Some(Is::Staged)),
            ("purple", Some(Is::Unknown("purple".to_owned()))),
            ("", None),
        ];
        for (word, expected) in cases {
            assert_eq!(named(word), expected, "{word}");
        }
    }

    #[test]
    fn an_unknown_word_is_told_with_the_known_ones() {
        assert_eq!(Filter::parse("is:behind env:prod x").unknown(), None);
        let told = Filter::parse("!is:behnid").unknown().unwrap();
        assert!(
            told.starts_with("no `is:behnid`; did you mean `behind`; there are: degraded"),
            "{told}"
        );
        for word in Filter::words() {
            assert!(told.contains(&word), "{word}");
            assert_eq!(
                Filter::parse(&format!("is:{word}")).unknown(),
                None,
                "{word}"
            );
        }
    }
}

//! What a cell can be asked for by a word: behind `is:` of the filter, and behind `--only`.

use super::of;
use crate::domain::{
    cell::{CellStatus, State},
    desired::DesiredCell,
    drift::Skew,
};

/// Something that a cell is or is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// In this state.
    State(State),
    /// In a state that wants to be looked at.
    Trouble,
    /// Its upstream has a later version.
    Behind,
    /// Its version orders above its upstream's.
    Ahead,
    /// Another version than its upstream's, without an order.
    Differs,
    /// Any of these three.
    Skew,
    /// Its version is read from a fall-back file.
    Inherited,
    /// Its version is vetoed.
    Vetoed,
}

/// The words beside those of the states; the second of two that mean the same is not listed.
const WORDS: [(&str, Quality, bool); 10] = [
    ("trouble", Quality::Trouble, true),
    ("behind", Quality::Behind, true),
    ("ahead", Quality::Ahead, true),
    ("differs", Quality::Differs, true),
    ("skew", Quality::Skew, true),
    ("inherited", Quality::Inherited, true),
    ("vetoed", Quality::Vetoed, true),
    ("no-access", Quality::State(State::NoAccess), false),
    ("denied", Quality::State(State::NoAccess), false),
    ("unset", Quality::State(State::NotSet), false),
];

impl Quality {
    /// Every word with what it asks for, those of the states first.
    pub fn all() -> impl Iterator<Item = (String, Self)> {
        let states = State::ALL.into_iter();
        let states = states.map(|state| (of(state).word.replace(' ', "-"), Self::State(state)));
        let others = WORDS.iter().map(|(word, is, _)| ((*word).to_owned(), *is));
        states.chain(others)
    }

    /// The words that are listed where one is not known, each meaning another thing.
    pub fn words() -> impl Iterator<Item = String> {
        let states = Self::all().take(State::ALL.len()).map(|(word, _)| word);
        let others = WORDS.iter().filter(|(.., listed)| *listed);
        states.chain(others.map(|(word, ..)| (*word).to_owned()))
    }

    /// What `word` asks for.
    pub fn named(word: &str) -> Option<Self> {
        let mut all = Self::all();
        all.find_map(|(known, is)| (known == word).then_some(is))
    }

    /// Whether a cell is that.
    pub fn holds(self, of: Qualities) -> bool {
        match self {
            Self::State(state) => of.state == state,
            Self::Trouble => of.trouble,
            Self::Behind => matches!(of.skew, Some(Skew::Behind { .. })),
            Self::Ahead => of.skew == Some(Skew::Ahead),
            Self::Differs => of.skew == Some(Skew::Differs),
            Self::Skew => of.skew.is_some(),
            Self::Inherited => of.inherited,
            Self::Vetoed => of.vetoed,
        }
    }
}

/// What a cell can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Qualities {
    /// What it is doing.
    pub state: State,
    /// It wants to be looked at.
    pub trouble: bool,
    /// Its version is read from a fall-back file.
    pub inherited: bool,
    /// Its version is vetoed.
    pub vetoed: bool,
    /// How its version stands to its upstream's, where that is another one.
    pub skew: Option<Skew>,
}

impl Qualities {
    /// Those of a cell.
    pub fn of(status: &CellStatus<'_>, declared: Option<&DesiredCell>, skew: Option<Skew>) -> Self {
        Self {
            state: status.state,
            trouble: status.trouble > 0,
            inherited: declared.is_some_and(|cell| cell.inherited),
            vetoed: declared.is_some_and(|cell| cell.vetoed.is_some()),
            skew,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_word_means_one_thing_and_what_is_listed_is_known() {
        let mut known = BTreeMap::new();
        for (word, is) in Quality::all() {
            let other = known.insert(word.clone(), is);
            assert!(other.is_none_or(|other| other == is), "{word}");
        }
        for word in Quality::words() {
            assert!(Quality::named(&word).is_some(), "{word}");
        }
        assert_eq!(Quality::named("purple"), None);
    }
}

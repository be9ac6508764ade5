//! Which places count because something else is in the tree: `only_if` of layouts.

use std::collections::{BTreeSet, HashMap};

use super::{
    bindings::Bindings,
    compile::{Condition, Layout},
};

/// The conditions that are met, and the files that wait for one or count by one.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions {
    /// How many files meet each.
    met: HashMap<Key, usize>,
    /// What each file meets.
    by_file: HashMap<usize, BTreeSet<Key>>,
    /// The files whose places ask for each.
    asking: HashMap<Key, BTreeSet<usize>>,
    asked: HashMap<usize, BTreeSet<Key>>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// By the tree that is here.
    #[default]
    Open,
    /// By what was met once.
    Fixed,
    /// All are taken to be met.
    Met,
}

/// Why a place is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Side {
    /// Its file is there.
    Own,
    /// Its service is proven.
    Proven,
}

impl Side {
    const BOTH: [Self; 2] = [Self::Own, Self::Proven];
}

/// Compiled layout, origin, why there is a place, and what is captured of it and of the condition.
type Key = (usize, usize, Side, Vec<Box<str>>);

fn key(condition: &Condition, side: Side, number: usize, origin: usize, bound: &Bindings) -> Key {
    let names = &condition.shared[side as usize];
    let texts = names
        .iter()
        .map(|name| bound.get(name).unwrap_or_default().into());
    (number, origin, side, texts.collect())
}

impl Conditions {
    /// All of them are met.
    pub(super) fn met() -> Self {
        Self {
            state: State::Met,
            ..Self::default()
        }
    }

    /// What is met stays met from now on, and nothing else.
    pub(super) fn fix(&mut self) {
        if self.state == State::Open {
            self.state = State::Fixed;
        }
    }

    /// What is met here, for another matrix of one ref.
    pub(super) fn fixed(&self) -> Self {
        Self {
            met: self.met.clone(),
            state: match self.state {
                State::Met => State::Met,
                State::Open | State::Fixed => State::Fixed,
            },
            ..Self::default()
        }
    }

    /// A file meets these conditions now, and no others: (compiled layout, what is captured of it and of its ref, `None`
    /// where the two contradict each other). Gives the other files for which that makes a difference.
    pub(super) fn update(
        &mut self,
        layouts: &[Layout],
        origin: usize,
        file: usize,
        met: impl Iterator<Item = (usize, Option<Bindings>)>,
    ) -> BTreeSet<usize> {
        if self.state != State::Open {
            return BTreeSet::new();
        }
        let mut new = BTreeSet::new();
        for (number, bound) in met {
            let condition = layouts[number].only_if.as_ref();
            if let (Some(condition), Some(bound)) = (condition, bound) {
                new.extend(Side::BOTH.map(|side| key(condition, side, number, origin, &bound)));
            }
        }
        let old = self.by_file.remove(&file).unwrap_or_default();
        let mut others = BTreeSet::new();
        for key in old.symmetric_difference(&new) {
            let count = self.met.entry(key.clone()).or_default();
            let before = *count > 0;
            *count = if new.contains(key) {
                *count + 1
            } else {
                count.saturating_sub(1)
            };
            let is_met = *count > 0;
            if !is_met {
                self.met.remove(key);
            }
            if is_met != before {
                others.extend(self.asking.get(key).into_iter().flatten());
            }
        }
        if !new.is_empty() {
            self.by_file.insert(file, new);
        }
        others.remove(&file);
        others
    }

    /// Whether a place of `file` counts of which this is captured.
    pub(super) fn allow(
        &mut self,
        layout: &Layout,
        number: usize,
        origin: usize,
        file: usize,
        (side, own): (Side, &Bindings),
    ) -> bool {
        let Some(condition) = layout.only_if.as_ref().filter(|_| self.state != State::Met) else {
            return true;
        };
        let key = key(condition, side, number, origin, own);
        let is_met = self.met.contains_key(&key);
        self.asked.entry(file).or_default().insert(key.clone());
        self.asking.entry(key).or_default().insert(file);
        is_met
    }

    /// A file asks for nothing any more.
    pub(super) fn forget(&mut self, file: usize) {
        for key in self.asked.remove(&file).unwrap_or_default() {
            if let Some(asking) = self.asking.get_mut(&key) {
                asking.remove(&file);
            }
        }
    }
}

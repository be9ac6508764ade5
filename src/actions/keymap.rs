//! Mode and key → action: the table with the keys that the configuration gives, a view that also feeds hints and help.

use std::collections::{BTreeMap, HashMap};

use super::{
    Action, Mode, OwnCommand, Press,
    table::{Row, TABLE},
};

/// The keys in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    /// For each row of [`TABLE`], its keys, and whether they are the user's own.
    rows: Vec<(Vec<Press>, bool)>,
    lookup: HashMap<(Mode, Press), Bound>,
    /// What a key of the user's own was before: the name of the row that gave way.
    replaced: HashMap<(Mode, Press), &'static str>,
}

/// What a key stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    /// A row of [`TABLE`].
    Row(usize),
    /// A command of the user's own.
    Own(usize),
}

/// Where a key of the user's own commands is in force: a cell is selected there.
pub const OWN: [Mode; 2] = [Mode::Matrix, Mode::Cell];

/// Why a remapping cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// No action has this name.
    #[error("`{0}` is no action; actions are {1}")]
    UnknownAction(String, String),
    /// This is no key.
    #[error("`{0}` is no key; write `x`, `X`, `^x`, `f5`, `space`, `enter`, `pgdn` …")]
    UnknownKey(String),
    /// The user gave the same key to two actions of one mode, or the one that always leaves to another.
    #[error("`{key}` means both `{first}` and `{second}` in {mode}")]
    Conflict {
        /// As it is written.
        key: String,
        /// The action that comes first in the table.
        first: String,
        /// The other.
        second: String,
        /// The title of the mode in which both are in force.
        mode: &'static str,
    },
}

impl Default for Keymap {
    fn default() -> Self {
        let keys = TABLE.iter().map(|row| (built_in(row), false)).collect();
        let mut map = Self::empty(keys);
        // The table is tested to have no conflict, so every row finds its place.
        for (index, mode, press) in map.places() {
            let bound = Bound::Row(index);
            map.lookup.entry((mode, press)).or_insert(bound);
        }
        map
    }
}

impl Keymap {
    fn empty(rows: Vec<(Vec<Press>, bool)>) -> Self {
        Self {
            rows,
            lookup: HashMap::new(),
            replaced: HashMap::new(),
        }
    }

    /// The table with some actions on other keys, by the name of the action. A key that the user gave wins over the same
    /// key of an action that the user did not speak of, which loses it where both are in force.
    ///
    /// `quit-now` keeps `^c` whatever is said: leaving must always work.
    ///
    /// # Errors
    /// A name or a key that there is not, and a key that the user gave twice.
    pub fn remapped(changes: &BTreeMap<String, Vec<String>>) -> Result<Self, KeymapError> {
        let mut rows: Vec<_> = TABLE.iter().map(|row| (built_in(row), false)).collect();
        for (name, wanted) in changes {
            let index = TABLE
                .iter()
                .position(|row| row.name == name && is_changeable(row))
                .ok_or_else(|| {
                    let known = TABLE.iter().filter(|row| is_changeable(row));
                    let known: Vec<_> = known.map(|row| row.name).collect();
                    KeymapError::UnknownAction(name.clone(), known.join(", "))
                })?;
            let wanted = wanted
                .iter()
                .map(|key| Press::parse(key).ok_or_else(|| KeymapError::UnknownKey(key.clone())));
            rows[index] = (wanted.collect::<Result<_, _>>()?, true);
        }
        let mut map = Self::empty(rows);
        for (index, mode, press) in map.places() {
            let Some(&Bound::Row(first)) = map.lookup.get(&(mode, press)) else {
                map.lookup.insert((mode, press), Bound::Row(index));
                continue;
            };
            let (winner, loser) = match (map.is_owned(first), map.is_owned(index)) {
                _ if first == index => continue,
                (false, true) => (index, first),
                (true, false) => (first, index),
                _ => return Err(conflict(mode, press, TABLE[first].name, TABLE[index].name)),
            };
            map.lookup.insert((mode, press), Bound::Row(winner));
            map.replaced.insert((mode, press), TABLE[loser].name);
        }
        Ok(map)
    }

    /// With the keys of the user's own commands, in force where a cell is selected: they win over an action that the user
    /// gave no keys.
    ///
    /// # Errors
    /// A key that the user gave to an action too, or to another command.
    pub fn with_own(mut self, commands: &[OwnCommand]) -> Result<Self, KeymapError> {
        for (index, command) in commands.iter().enumerate() {
            let Some(press) = command.key else { continue };
            for mode in OWN {
                match self.lookup.insert((mode, press), Bound::Own(index)) {
                    None => {}
                    Some(Bound::Row(row)) if !self.is_owned(row) => {
                        self.replaced.insert((mode, press), TABLE[row].name);
                    }
                    Some(taken) => {
                        let first = match taken {
                            Bound::Own(other) => &commands[other].name,
                            Bound::Row(row) => TABLE[row].name,
                        };
                        return Err(conflict(mode, press, first, &command.name));
                    }
                }
            }
        }
        Ok(self)
    }

    /// The user said the row's keys, or nobody may.
    fn is_owned(&self, row: usize) -> bool {
        self.rows[row].1 || TABLE[row].action == Action::QuitNow
    }

    /// Each row with each mode and key that it asks for.
    fn places(&self) -> Vec<(usize, Mode, Press)> {
        let rows = TABLE.iter().zip(&self.rows).enumerate();
        let places = rows.flat_map(|(index, (row, (presses, _)))| {
            let modes = row.modes.iter();
            modes.flat_map(move |mode| presses.iter().map(move |press| (index, *mode, *press)))
        });
        places.collect()
    }

    /// What a key asks for in `mode`.
    pub fn action(&self, mode: Mode, press: Press) -> Option<Action> {
        self.lookup.get(&(mode, press)).map(|bound| match bound {
            Bound::Row(index) => TABLE[*index].action,
            Bound::Own(index) => Action::Own(*index),
        })
    }

    /// The name of the action that had this key in `mode` before the user gave it to another.
    pub fn replaced(&self, mode: Mode, press: Press) -> Option<&'static str> {
        self.replaced.get(&(mode, press)).copied()
    }

    /// Rows in force in `mode` with the keys that they have there, in the table's order.
    pub fn rows(&self, mode: Mode) -> impl Iterator<Item = (&'static Row, Vec<Press>)> {
        let rows = TABLE.iter().zip(&self.rows).enumerate();
        rows.filter(move |(_, (row, _))| row.modes.contains(&mode))
            .map(move |(index, (row, (presses, _)))| {
                let its =
                    |press: &&Press| self.lookup.get(&(mode, **press)) == Some(&Bound::Row(index));
                (row, presses.iter().filter(its).copied().collect())
            })
    }

    /// What is to be done for `action` in `mode`, for sentences: its first key, else what is typed, else its name.
    pub fn shown(&self, mode: Mode, action: Action) -> String {
        let row = TABLE.iter().find(|row| row.action == action);
        let typed = row.and_then(|row| Some(format!(":{}", row.typed?.words[0])));
        let named = || row.map_or_else(String::new, |row| format!("`{}`", row.name));
        let key = self.key_for(mode, action).or(typed);
        key.unwrap_or_else(named)
    }

    /// The first key of `action` in `mode`, as text.
    pub fn key_for(&self, mode: Mode, action: Action) -> Option<String> {
        self.rows(mode)
            .find(|(row, _)| row.action == action)
            .and_then(|(_, keys)| keys.first().map(Press::to_string))
    }
}

fn is_changeable(row: &Row) -> bool {
    row.has_keys() && row.action != Action::QuitNow
}

fn built_in(row: &Row) -> Vec<Press> {
    row.keys
        .iter()
        .filter_map(|key| Press::parse(key))
        .collect()
}

fn conflict(mode: Mode, press: Press, first: &str, second: &str) -> KeymapError {
    KeymapError::Conflict {
        key: press.to_string(),
        first: first.to_owned(),
        second: second.to_owned(),
        mode: mode.title(),
    }
}

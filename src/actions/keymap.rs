//! Mode and key → action: the table with the keys that the configuration gives, a view that also feeds hints and help.

use std::collections::{BTreeMap, HashMap};

use super::{
    Action, Mode, OwnCommand, Press,
    table::{Row, TABLE},
};

/// The keys in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    /// For each row of [`TABLE`], its keys.
    keys: Vec<Vec<Press>>,
    lookup: HashMap<(Mode, Press), Action>,
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
    /// Two actions of one mode have the same key.
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
        // The table is tested to have no conflict, so every row finds its place.
        let keys: Vec<Vec<Press>> = TABLE
            .iter()
            .map(|row| row.keys.iter().filter_map(|k| Press::parse(k)).collect())
            .collect();
        let mut lookup = HashMap::new();
        for (row, presses) in TABLE.iter().zip(&keys) {
            for (mode, press) in product(row.modes, presses) {
                lookup.entry((mode, press)).or_insert(row.action);
            }
        }
        Self { keys, lookup }
    }
}

impl Keymap {
    /// The table with some actions on other keys, by the name of the action.
    ///
    /// `quit-now` keeps `^c` whatever is said: leaving must always work.
    pub fn remapped(changes: &BTreeMap<String, Vec<String>>) -> Result<Self, KeymapError> {
        let mut keys = Self::default().keys;
        for (name, wanted) in changes {
            let index = TABLE
                .iter()
                .position(|row| row.name == name && is_changeable(row))
                .ok_or_else(|| {
                    let known = TABLE.iter().filter(|row| is_changeable(row));
                    let known: Vec<_> = known.map(|row| row.name).collect();
                    KeymapError::UnknownAction(name.clone(), known.join(", "))
                })?;
            keys[index] = wanted
                .iter()
                .map(|key| Press::parse(key).ok_or_else(|| KeymapError::UnknownKey(key.clone())))
                .collect::<Result<_, _>>()?;
        }
        let mut names = HashMap::new();
        let mut lookup = HashMap::new();
        for (row, presses) in TABLE.iter().zip(&keys) {
            for (mode, press) in product(row.modes, presses) {
                if let Some(first) = names.insert((mode, press), row.name) {
                    return Err(KeymapError::Conflict {
                        key: press.to_string(),
                        first: first.to_owned(),
                        second: row.name.to_owned(),
                        mode: mode.title(),
                    });
                }
                lookup.insert((mode, press), row.action);
            }
        }
        Ok(Self { keys, lookup })
    }

    /// With the keys of the user's own commands, in force where a cell is selected.
    ///
    /// # Errors
    /// A key that is taken: by an action, or by another command.
    pub fn with_own(mut self, commands: &[OwnCommand]) -> Result<Self, KeymapError> {
        for (index, command) in commands.iter().enumerate() {
            let Some(press) = command.key else { continue };
            for mode in OWN {
                let Some(taken) = self.lookup.insert((mode, press), Action::Own(index)) else {
                    continue;
                };
                let row = self.rows(mode).find(|(row, _)| row.action == taken);
                let first = match (taken, row) {
                    (Action::Own(other), _) => commands[other].name.clone(),
                    (_, Some((row, _))) => row.name.to_owned(),
                    (_, None) => String::new(),
                };
                return Err(KeymapError::Conflict {
                    key: press.to_string(),
                    first,
                    second: command.name.clone(),
                    mode: mode.title(),
                });
            }
        }
        Ok(self)
    }

    /// What a key asks for in `mode`.
    pub fn action(&self, mode: Mode, press: Press) -> Option<Action> {
        self.lookup.get(&(mode, press)).copied()
    }

    /// Rows in force in `mode` with their keys, in the table's order.
    pub fn rows(&self, mode: Mode) -> impl Iterator<Item = (&'static Row, &[Press])> {
        TABLE
            .iter()
            .zip(&self.keys)
            .filter(move |(row, _)| row.modes.contains(&mode))
            .map(|(row, keys)| (row, keys.as_slice()))
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

fn product(modes: &[Mode], presses: &[Press]) -> impl Iterator<Item = (Mode, Press)> {
    modes
        .iter()
        .flat_map(move |mode| presses.iter().map(move |press| (*mode, *press)))
}

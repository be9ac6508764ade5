//! Which columns a freeze closes, judged once a minute: heads are drawn far more often than windows change.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::model::Model;
use crate::domain::{
    ids::EnvironmentName,
    policy::{Open, state_of_all},
};

/// A minute, in seconds: windows begin on whole ones.
const MINUTE: i64 = 60;

/// The columns that nothing goes into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freezes {
    of: BTreeMap<EnvironmentName, Freeze>,
    /// The minute that they were judged at; `None`: they have to be judged again.
    judged: Option<i64>,
}

/// What closes a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// The window's name.
    pub name: String,
    /// When it is open again; `None`: not as far as can be seen.
    pub until: Option<Timestamp>,
}

impl Freezes {
    /// What closes a column.
    pub fn of(&self, environment: &EnvironmentName) -> Option<&Freeze> {
        self.of.get(environment)
    }

    /// Other windows may be in force now.
    pub(super) fn forget(&mut self) {
        self.judged = None;
    }
}

impl Model {
    /// Judges windows again where a minute went by.
    pub(super) fn judge_freezes(&mut self) {
        let minute = self.now.as_second().div_euclid(MINUTE);
        if self.freezes.judged == Some(minute) {
            return;
        }
        let topology = &self.setup.topology;
        let windows = &topology.policy.windows;
        let names = topology.environments.iter().map(|it| &it.name);
        let closed = names.filter(|_| !windows.is_empty()).filter_map(|name| {
            match state_of_all(windows, name, self.now) {
                Open::No { by, until } => {
                    let name_of = by.name.clone();
                    Some((
                        name.clone(),
                        Freeze {
                            name: name_of,
                            until,
                        },
                    ))
                }
                Open::Yes { .. } | Open::Unsaid => None,
            }
        });
        self.freezes = Freezes {
            of: closed.collect(),
            judged: Some(minute),
        };
    }
}

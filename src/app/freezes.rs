//! Which columns a freeze closes, judged once a minute: heads are drawn far more often than windows change.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::model::Model;
use crate::domain::{
    agent::AgentKind,
    ids::EnvironmentName,
    policy::{
        Open, state_of_all,
        sync::{SyncWindows, Syncs},
    },
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
    /// The columns in which Argo CD syncs none of the Applications that are seen, with the window that is shut for longest.
    fn shut_by_argo_cd(&self) -> BTreeMap<EnvironmentName, Freeze> {
        let mut columns: BTreeMap<EnvironmentName, Option<Freeze>> = BTreeMap::new();
        // Most cells of a column have the same windows.
        let mut last: Option<(&SyncWindows, Option<Freeze>)> = None;
        for (cell, live) in self.live.cells() {
            if live
                .agent
                .as_ref()
                .is_none_or(|agent| agent.kind != AgentKind::Application)
            {
                continue;
            }
            let shut = live.windows.as_deref().and_then(|windows| match &last {
                Some((known, freeze)) if *known == windows => freeze.clone(),
                _ => {
                    let freeze = match windows.delivers(self.now) {
                        Syncs::Closed { by, until, .. } => Some(Freeze {
                            name: by.name(),
                            until,
                        }),
                        Syncs::Open { .. } | Syncs::Unsaid => None,
                    };
                    last = Some((windows, freeze.clone()));
                    freeze
                }
            });
            let column = columns.entry(cell.environment.clone());
            let column = column.or_insert_with(|| shut.clone());
            *column = match (column.take(), shut) {
                (Some(one), Some(other)) => {
                    let longer =
                        (other.until.is_none(), other.until) > (one.until.is_none(), one.until);
                    Some(if longer { other } else { one })
                }
                _ => None,
            };
        }
        let columns = columns.into_iter();
        columns
            .filter_map(|(name, freeze)| Some((name, freeze?)))
            .collect()
    }

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
        let mut of: BTreeMap<EnvironmentName, Freeze> = closed.collect();
        for (name, freeze) in self.shut_by_argo_cd() {
            of.entry(name).or_insert(freeze);
        }
        self.freezes = Freezes {
            of,
            judged: Some(minute),
        };
    }
}

//! Everything that is known of one environment's cluster.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    assess::assess,
    event::{ClusterEvent, Touched},
    live::{ClusterNote, Connection, LiveCell},
    object::ObjectKind,
    pods,
    store::{Answer, Namespace},
    target::CellTarget,
};
use crate::domain::ids::ServiceName;

/// What is known of one environment's cluster; fed with events, asked about cells.
#[derive(Clone, Debug)]
pub struct ClusterView {
    connection: Connection,
    confirmed: Option<Timestamp>,
    namespaces: BTreeMap<String, Namespace>,
    notes: Option<(ServiceName, Vec<ClusterNote>, Option<String>)>,
}

impl Default for ClusterView {
    fn default() -> Self {
        Self::new()
    }
}

impl ClusterView {
    /// Nothing known: the first answer has not come.
    pub fn new() -> Self {
        Self {
            connection: Connection::Connecting,
            confirmed: None,
            namespaces: BTreeMap::new(),
            notes: None,
        }
    }

    /// Takes in what a source said at `now`.
    pub fn apply(&mut self, event: ClusterEvent, now: Timestamp) -> Touched {
        match event {
            ClusterEvent::Reset {
                kind,
                namespaces,
                objects,
            } => {
                self.answer(kind, &namespaces, &Answer::Listed);
                for object in objects {
                    if let Some(namespace) = self.namespaces.get_mut(object.namespace()) {
                        namespace.insert(object);
                    }
                }
                self.refresh_denials();
                Touched::Namespaces(namespaces)
            }
            ClusterEvent::Applied(object) => {
                self.confirm(now);
                let name = object.namespace().to_owned();
                match self.namespaces.get_mut(&name) {
                    Some(namespace) => {
                        namespace.insert(object);
                        Touched::Namespaces([name].into())
                    }
                    None => Touched::Nothing,
                }
            }
            ClusterEvent::Deleted {
                kind,
                namespace: name,
                name: object,
            } => {
                self.confirm(now);
                match self.namespaces.get_mut(&name) {
                    Some(namespace) => {
                        namespace.remove(kind, &object);
                        Touched::Namespaces([name].into())
                    }
                    None => Touched::Nothing,
                }
            }
            ClusterEvent::Connected => {
                self.confirmed = Some(now);
                self.connection = Connection::Live;
                self.refresh_denials();
                Touched::Everything
            }
            ClusterEvent::Alive => {
                self.confirm(now);
                self.matured(now)
            }
            ClusterEvent::Denied {
                kind,
                namespaces,
                what,
            } => {
                self.answer(kind, &namespaces, &Answer::Denied(what));
                self.refresh_denials();
                Touched::Everything
            }
            ClusterEvent::Absent { kind, namespaces } => {
                self.answer(kind, &namespaces, &Answer::Absent);
                self.refresh_denials();
                Touched::Namespaces(namespaces)
            }
            ClusterEvent::Lost { reason, next_try } => {
                let since = match &self.connection {
                    Connection::Lost { since, .. } => *since,
                    _ => now,
                };
                self.connection = Connection::Lost {
                    reason,
                    since,
                    next_try,
                };
                Touched::Everything
            }
            ClusterEvent::Notes {
                service,
                notes,
                problem,
            } => {
                self.notes = Some((service, notes, problem));
                Touched::Notes
            }
            ClusterEvent::Narrowed { namespaces } => {
                self.namespaces.retain(|name, _| namespaces.contains(name));
                self.refresh_denials();
                Touched::Everything
            }
        }
    }

    /// How well the cluster is known.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// When the cluster last confirmed what is known; `None` before its first answer.
    pub fn as_of(&self) -> Option<Timestamp> {
        self.confirmed
    }

    /// Whether each cell can be answered for: listed, denied or absent, but not waited for.
    pub fn answered(&self, cells: &[CellTarget]) -> bool {
        cells.iter().all(|cell| {
            self.namespaces
                .get(&cell.namespace)
                .is_some_and(Namespace::answered)
        })
    }

    /// What the cluster says about a cell. Once lost, the last that was known, marked stale.
    pub fn live(&self, target: &CellTarget, now: Timestamp) -> LiveCell {
        let namespace = self
            .namespaces
            .get(&target.namespace)
            .filter(|namespace| namespace.answered());
        let mut cell = match (namespace, &self.connection) {
            (Some(namespace), _) => assess(namespace, target, now),
            (None, Connection::Lost { reason, .. }) => LiveCell::unknown(reason.clone(), now),
            (None, _) => LiveCell::unknown("no answer from the cluster yet", now),
        };
        cell.hidden |= target.subject.is_hidden();
        cell.as_of = self.confirmed.unwrap_or(now);
        cell.stale = match self.connection {
            Connection::Lost { .. } => true,
            // Between a reconnection and the last of its lists.
            Connection::Connecting => self.confirmed.is_some(),
            Connection::Unconfigured | Connection::Live | Connection::Denied { .. } => false,
        };
        cell
    }

    /// Notes about `service`, newest first, with the reason why there are none to see; `None` until
    /// they have been asked for and have come.
    pub fn notes(&self, service: &ServiceName) -> Option<(&[ClusterNote], Option<&str>)> {
        let (of, notes, problem) = self.notes.as_ref()?;
        (of == service).then_some((notes.as_slice(), problem.as_deref()))
    }

    /// A kind's earlier objects go: an answer replaces all that was known of it.
    fn answer(&mut self, kind: ObjectKind, namespaces: &BTreeSet<String>, answer: &Answer) {
        for name in namespaces {
            let namespace = self.namespaces.entry(name.clone()).or_default();
            namespace.clear(kind);
            namespace.answers.insert(kind, answer.clone());
        }
    }

    /// A sign of life counts only while connected: after a loss the lists must come first.
    fn confirm(&mut self, now: Timestamp) {
        if matches!(
            self.connection,
            Connection::Live | Connection::Denied { .. }
        ) {
            self.confirmed = Some(now);
        }
    }

    /// Where time alone changes what is said of a cell.
    fn matured(&self, now: Timestamp) -> Touched {
        let names: BTreeSet<_> = self
            .namespaces
            .iter()
            .filter(|(_, namespace)| namespace.pods().any(|pod| pods::matured(pod, now)))
            .map(|(name, _)| name.clone())
            .collect();
        if names.is_empty() {
            Touched::Nothing
        } else {
            Touched::Namespaces(names)
        }
    }

    /// Keeps `Live` and `Denied` apart by what is denied now.
    fn refresh_denials(&mut self) {
        if !matches!(
            self.connection,
            Connection::Live | Connection::Denied { .. }
        ) {
            return;
        }
        let denied = self
            .namespaces
            .values()
            .find_map(|namespace| namespace.denied(&ObjectKind::ALL));
        self.connection = match denied {
            Some(what) => Connection::Denied {
                what: what.to_owned(),
            },
            None => Connection::Live,
        };
    }
}

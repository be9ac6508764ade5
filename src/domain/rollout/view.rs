//! Everything that is known of one cluster.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    agents::Agents,
    answers::Answer,
    companion::CompanionObject,
    event::{ClusterEvent, Touched},
    live::{ClusterNote, Connection},
    needs::Held,
    object::{ClusterObject, ObjectKind},
    pods,
    store::Namespace,
    target::{EVERYWHERE, Wanted},
};
use crate::domain::ids::CellKey;

/// What is known of one cluster (a kubeconfig context), for all environments that use it; fed with events.
#[derive(Clone, Debug, Default)]
pub struct ClusterView {
    link: Link,
    confirmed: Option<Timestamp>,
    server: Option<String>,
    /// Boxed: there are thousands of them, and a tree keeps half of its room free.
    namespaces: BTreeMap<String, Box<Namespace>>,
    notes: Option<(CellKey, Vec<ClusterNote>, Option<String>)>,
}

/// Whether the server can be reached.
#[derive(Clone, Debug, Default)]
enum Link {
    /// Nothing was heard yet.
    #[default]
    Connecting,
    /// It answers. Until all that it was asked for before has been answered anew, the loss before that is not over.
    Up { before: Option<Loss> },
    /// It does not, or not any more.
    Lost(Loss),
}

/// Why a server cannot be reached, and since when.
#[derive(Clone, Debug)]
struct Loss {
    reason: String,
    since: Timestamp,
    next_try: Option<Timestamp>,
}

impl Loss {
    fn connection(&self) -> Connection {
        Connection::Lost {
            reason: self.reason.clone(),
            since: self.since,
            next_try: self.next_try,
        }
    }
}

impl ClusterView {
    /// Takes in what a source said at `now`.
    pub fn apply(&mut self, event: ClusterEvent, now: Timestamp) -> Touched {
        match event {
            ClusterEvent::Reset {
                kind,
                namespaces,
                objects,
            } => {
                let touched = self.answer(kind, namespaces, &Answer::Listed, now);
                for object in objects {
                    if let Some(namespace) = self.namespaces.get_mut(object.namespace()) {
                        namespace.insert(object);
                    }
                }
                touched
            }
            ClusterEvent::Denied {
                kind,
                namespaces,
                what,
            } => self.answer(kind, namespaces, &Answer::Denied(what), now),
            ClusterEvent::Absent { kind, namespaces } => {
                self.answer(kind, namespaces, &Answer::Absent, now)
            }
            ClusterEvent::Applied(ClusterObject::Agent(agent))
                if self.agents().and_then(|all| all.get(&agent.key())) == Some(&*agent) =>
            {
                // Agents write their status far more often than anything in it changes that is told.
                self.confirm(now);
                Touched::Nothing
            }
            ClusterEvent::Applied(ClusterObject::Companion(object)) if self.is_known(&object) => {
                // An autoscaler writes what it has measured all the time.
                self.confirm(now);
                Touched::Nothing
            }
            ClusterEvent::Held { held, presence } => {
                let Held {
                    namespace,
                    kind,
                    name,
                    ..
                } = held;
                self.confirm(now);
                let there = self.namespaces.get_mut(&namespace);
                if there.is_some_and(|there| there.hold(kind, name, presence)) {
                    Touched::Namespaces([namespace].into())
                } else {
                    Touched::Nothing
                }
            }
            ClusterEvent::Applied(object) => {
                let name = object.namespace().to_owned();
                self.changed(name, now, |namespace| namespace.insert(object))
            }
            ClusterEvent::Deleted {
                kind,
                namespace,
                name,
            } => self.changed(namespace, now, |namespace| namespace.remove(kind, &name)),
            ClusterEvent::Connected => {
                let before = match std::mem::take(&mut self.link) {
                    Link::Connecting => None,
                    Link::Up { before } => before,
                    Link::Lost(loss) => Some(Loss {
                        next_try: None,
                        ..loss
                    }),
                };
                self.link = Link::Up { before };
                self.confirmed = Some(now);
                self.heal();
                Touched::Everything
            }
            ClusterEvent::Serves(server) => {
                let same = self.server.as_ref() == Some(&server);
                self.server = Some(server);
                if same {
                    Touched::Nothing
                } else {
                    Touched::Everything
                }
            }
            ClusterEvent::Alive => {
                self.confirm(now);
                self.matured(now)
            }
            ClusterEvent::Lost { reason, next_try } => {
                self.lose(reason, next_try, now);
                Touched::Everything
            }
            ClusterEvent::Notes {
                cell,
                notes,
                problem,
            } => {
                self.notes = Some((cell, notes, problem));
                Touched::Notes
            }
            ClusterEvent::Narrowed(wanted) => {
                for (name, namespace) in &mut self.namespaces {
                    let is_wanted =
                        |kind| wanted.get(&kind).is_some_and(|names| names.contains(name));
                    namespace.keep(is_wanted);
                }
                self.namespaces.retain(|_, namespace| !namespace.is_empty());
                self.heal();
                Touched::Everything
            }
        }
    }

    /// How well it is known where this is what is looked at.
    pub fn connection(&self, wanted: &Wanted) -> Connection {
        let before = match &self.link {
            Link::Connecting => return Connection::Connecting,
            Link::Lost(loss) => return loss.connection(),
            Link::Up { before } => before,
        };
        let mut denied = None;
        // Whoever may not see agents still sees what runs: a column is known without them.
        for (kind, names) in wanted.iter().filter(|(kind, _)| !kind.is_beside()) {
            for name in names.iter() {
                let namespace = self.namespaces.get(name);
                let answered = namespace.and_then(|namespace| namespace.answered(*kind));
                match answered {
                    Some(answered) if answered.stale.is_none() => {
                        // Many may not see Jobs or Rollouts, and have none: a cell that could be one says so itself.
                        let what = namespace.and_then(|it| it.denied(*kind));
                        denied = denied.or(what.filter(|_| !kind.is_rare()));
                    }
                    // What was never answered, and what was not answered since the loss.
                    _ => {
                        let loss = before.as_ref().map(Loss::connection);
                        return loss.unwrap_or(Connection::Connecting);
                    }
                }
            }
        }
        denied.map_or(Connection::Live, |what| Connection::Denied {
            what: what.to_owned(),
        })
    }

    /// Whether the server has answered for all that is looked for beside what runs, whatever it said: agents, and Flagger's
    /// Canaries.
    pub fn knows_beside(&self, wanted: &Wanted) -> bool {
        let mut kinds = wanted.iter().filter(|(kind, _)| kind.is_beside());
        kinds.all(|(kind, names)| {
            let mut there = names.iter().map(|name| self.namespaces.get(name));
            there.all(|there| there.is_some_and(|there| there.answered(*kind).is_some()))
        })
    }

    fn is_known(&self, object: &CompanionObject) -> bool {
        let there = self.namespaces.get(&object.namespace);
        there.and_then(|it| it.companion(object.kind, &object.name)) == Some(object)
    }

    /// Only this is asked for by its name from now on: what is known of anything else goes.
    pub fn hold(&mut self, wanted: &BTreeSet<Held>) {
        for (name, namespace) in &mut self.namespaces {
            namespace.hold_only(name, wanted);
        }
    }

    /// Whether it was said of something that was asked for whether it is there.
    pub fn holds(&self, held: &Held) -> bool {
        let there = self.namespaces.get(&held.namespace);
        there.is_some_and(|it| it.presence(held.kind, &held.name).is_some())
    }

    /// The agents' objects in it.
    pub(super) fn agents(&self) -> Option<&Agents> {
        Some(self.namespaces.get(EVERYWHERE)?.agents())
    }

    /// Its server's address, as far as it is known.
    pub(super) fn server(&self) -> Option<&str> {
        self.server.as_deref()
    }

    /// Why it cannot be reached; `None` where it can, or nothing was heard yet.
    pub(super) fn loss(&self) -> Option<&str> {
        match &self.link {
            Link::Lost(loss) => Some(&loss.reason),
            Link::Connecting | Link::Up { .. } => None,
        }
    }

    /// The same, until all that was known before has been answered anew.
    pub(super) fn trouble(&self) -> Option<&str> {
        match &self.link {
            Link::Lost(loss) | Link::Up { before: Some(loss) } => Some(&loss.reason),
            Link::Connecting | Link::Up { before: None } => None,
        }
    }

    /// When the server last gave a sign of life; `None` before its first answer.
    pub fn as_of(&self) -> Option<Timestamp> {
        self.confirmed
    }

    /// What is known of a namespace, if anything is.
    pub(super) fn namespace(&self, name: &str) -> Option<&Namespace> {
        self.namespaces.get(name).map(|it| &**it)
    }

    /// Notes about `cell`, newest first, with the reason why there are none to see; `None` until
    /// they have been asked for and have come.
    pub fn notes(&self, cell: &CellKey) -> Option<(&[ClusterNote], Option<&str>)> {
        let (of, notes, problem) = self.notes.as_ref()?;
        (of == cell).then_some((notes.as_slice(), problem.as_deref()))
    }

    /// A kind's earlier objects go: an answer replaces all that was known of it.
    fn answer(
        &mut self,
        kind: ObjectKind,
        names: BTreeSet<String>,
        answer: &Answer,
        now: Timestamp,
    ) -> Touched {
        self.confirm(now);
        let mut is_news = false;
        for name in &names {
            let namespace = self.namespaces.entry(name.clone()).or_default();
            is_news |= namespace.answer(kind, answer.clone());
        }
        self.heal();
        // How well the whole of it is known may have changed with it.
        if is_news {
            Touched::Everything
        } else {
            Touched::Namespaces(names)
        }
    }

    fn changed(
        &mut self,
        name: String,
        now: Timestamp,
        change: impl FnOnce(&mut Namespace),
    ) -> Touched {
        self.confirm(now);
        match self.namespaces.get_mut(&name) {
            Some(namespace) => {
                change(namespace);
                Touched::Namespaces([name].into())
            }
            None => Touched::Nothing,
        }
    }

    fn lose(&mut self, reason: String, next_try: Option<Timestamp>, now: Timestamp) {
        let before = match &self.link {
            Link::Lost(loss) => Some(loss),
            Link::Up { before } => before.as_ref(),
            Link::Connecting => None,
        };
        let since = before.map_or(now, |loss| loss.since);
        self.link = Link::Lost(Loss {
            reason,
            since,
            next_try,
        });
        let confirmed = self.confirmed.unwrap_or(now);
        for namespace in self.namespaces.values_mut() {
            namespace.lose(confirmed);
        }
    }

    /// A loss is over where all that was known before it has been answered anew; agents, without which a column is known, aside.
    fn heal(&mut self) {
        // Where nothing but agents is looked for, they are what has to be known.
        let alone = self.namespaces.keys().all(|name| name == EVERYWHERE);
        let mut all = self.namespaces.iter();
        if let Link::Up { before } = &mut self.link
            && all.all(|(name, namespace)| match name.as_str() {
                EVERYWHERE => !alone || namespace.is_all_current(),
                _ => namespace.is_current(),
            })
        {
            *before = None;
        }
    }

    /// A sign of life counts only while connected: a straggler after a loss says nothing about now.
    fn confirm(&mut self, now: Timestamp) {
        if matches!(self.link, Link::Up { .. }) {
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
}

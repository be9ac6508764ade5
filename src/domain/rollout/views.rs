//! What is known of every cluster, asked about environments and cells.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;

use super::{
    agents::{self, Commits, Declared},
    assess::{self, There},
    automation,
    event::{ClusterEvent, Touched},
    live::{Connection, Health, LiveCell},
    needs::{self, Held},
    running::Running,
    since,
    target::{CellTarget, ClusterTarget, EVERYWHERE},
    view::ClusterView,
};
use crate::domain::{desired::RefName, ids::ObjectId, problem::Problem};

/// A view of each cluster, by kubeconfig context. Environments that share one share what is known of it, and the objects of
/// one cell may be in several.
#[derive(Clone, Debug, Default)]
pub struct ClusterViews {
    views: BTreeMap<String, ClusterView>,
    /// What is declared where agents have got to.
    commits: Commits,
}

/// So many commits are kept that agents have got to: a fleet whose agents are all at different ones is read again.
const COMMITS: usize = 32;

impl ClusterViews {
    /// These targets are looked at from now on: of clusters that none of them needs nothing is known any more.
    pub fn retarget(&mut self, targets: &[ClusterTarget]) {
        let wanted: BTreeSet<&String> = targets.iter().flat_map(|it| it.wanted().keys()).collect();
        self.views.retain(|context, _| wanted.contains(context));
        for context in wanted {
            self.views.entry(context.clone()).or_default();
        }
    }

    /// Takes in what a source said at `now` of a context; of one that nobody needs, nothing.
    pub fn apply(&mut self, context: &str, event: ClusterEvent, now: Timestamp) -> Touched {
        let view = self.views.get_mut(context);
        view.map_or(Touched::Nothing, |view| view.apply(event, now))
    }

    /// The contexts.
    pub fn contexts(&self) -> impl Iterator<Item = &str> {
        self.views.keys().map(String::as_str)
    }

    /// What is known of a context.
    pub fn view(&self, context: &str) -> Option<&ClusterView> {
        self.views.get(context)
    }

    /// How well an environment's cluster is known.
    pub fn connection(&self, target: &ClusterTarget) -> Connection {
        let view = self.views.get(&target.context);
        let wanted = target.wanted().get(&target.context);
        let known = view.zip(wanted);
        known.map_or(Connection::Connecting, |(view, wanted)| {
            view.connection(wanted)
        })
    }

    /// What is not known because a context, which is asked for agents, did not answer within `patience`; `None`: it did.
    pub fn silence(&self, context: &str, patience: Duration) -> Option<Problem> {
        let view = self.views.get(context)?;
        let words = match (view.loss(), view.as_of()) {
            (Some(why), _) => format!("did not answer: {why}"),
            (None, None) => format!("did not answer within {} s", patience.as_secs_f32()),
            (None, Some(_)) => return None,
        };
        let message = format!("what agents do is not known: {context} {words}");
        Some(Problem::cluster(context.to_owned(), message))
    }

    /// This is what a ref declares at a commit; `None` where that cannot be read here.
    pub fn declare(&mut self, at: (RefName, ObjectId), declared: Option<Arc<Declared>>) {
        if self.commits.len() >= COMMITS {
            self.commits.clear();
        }
        self.commits.insert(at, declared);
    }

    /// What could not be read may be there by now: a fetch brings commits.
    pub fn forget_unreadable(&mut self) {
        self.commits.retain(|_, declared| declared.is_some());
    }

    /// What the clusters say about a cell. Once lost, the last that was known, marked stale.
    pub fn live(&self, target: &CellTarget, now: Timestamp) -> LiveCell {
        self.live_and_unread(target, now).0
    }

    /// The same, with the commit that has to be [declared](Self::declare) to say where the cell's version is stuck.
    pub fn live_and_unread(
        &self,
        target: &CellTarget,
        now: Timestamp,
    ) -> (LiveCell, Option<(RefName, ObjectId)>) {
        let mut there = Vec::with_capacity(target.places.len());
        let mut stale: Option<Timestamp> = None;
        let mut as_of = now;
        let mut loss = None;
        for place in &target.places {
            let view = self.views.get(&*place.context);
            loss = loss.or(view.and_then(ClusterView::loss));
            let namespace = view.and_then(|view| view.namespace(&place.namespace));
            let answers = place
                .judged_by()
                .map(|kind| namespace.and_then(|namespace| namespace.answered(kind)));
            let Some(answers) = answers.collect::<Option<Vec<_>>>() else {
                let mut cell = match view.and_then(ClusterView::loss) {
                    Some(reason) => LiveCell::unknown(reason, now),
                    None => LiveCell::unknown("no answer from the cluster yet", now),
                };
                cell.stale = view.and_then(ClusterView::loss).is_some();
                cell.hidden = target.subject.is_hidden();
                cell.as_of = view.and_then(ClusterView::as_of).unwrap_or(now);
                return (cell, None);
            };
            as_of = as_of.min(view.and_then(ClusterView::as_of).unwrap_or(now));
            let oldest = answers.into_iter().filter_map(|it| it.stale).min();
            stale = oldest.into_iter().chain(stale).min();
            let everywhere = view.and_then(|view| view.namespace(EVERYWHERE));
            there.extend(namespace.map(|namespace| There {
                place,
                namespace,
                everywhere,
            }));
        }
        let mut cell = assess::assess(&there, target, now);
        cell.hidden |= target.subject.is_hidden();
        cell.as_of = stale.unwrap_or(as_of);
        cell.stale = loss.is_some() || stale.is_some();
        if cell.health == Health::Unknown {
            return (cell, None);
        }
        let found = assess::find(&there);
        let workloads: Vec<_> = found.iter().map(|(_, it)| *it).collect();
        let mut agent = None;
        let unread = if let Some(managed) = agents::find(&self.views, target, &workloads) {
            let (unread, since) = managed.tell(target, &mut cell, &self.commits);
            agent = since;
            unread
        } else {
            cell.hop = agents::without(target, &cell);
            None
        };
        cell.next_write = automation::next_write(&self.views, target).map(Box::new);
        since::tell(&mut cell, &found, agent);
        agents::shut(&mut cell, now);
        (cell, unread)
    }

    /// What clusters have to be asked for by its name to say why a cell is as it is, each with its context; nothing where all
    /// is well.
    pub fn held(&self, target: &CellTarget, live: &LiveCell) -> Vec<(String, Held)> {
        let mut all = Vec::new();
        if !needs::waits(live) {
            return all;
        }
        // Objects of one cell are most often in one cluster; each is asked for what is in it.
        for (context, view) in &self.views {
            let places = target.places.iter().filter(|it| *it.context == **context);
            let there: Vec<There<'_>> = places
                .filter_map(|place| {
                    Some(There {
                        place,
                        namespace: view.namespace(&place.namespace)?,
                        everywhere: None,
                    })
                })
                .collect();
            if !there.is_empty() {
                let held = needs::held(&assess::find(&there)).into_iter();
                all.extend(held.map(|held| (context.clone(), held)));
            }
        }
        all
    }

    /// Only this is asked for by its name from now on, each with its context.
    pub fn hold(&mut self, wanted: &BTreeMap<String, BTreeSet<Held>>) {
        let nothing = BTreeSet::new();
        for (context, view) in &mut self.views {
            view.hold(wanted.get(context).unwrap_or(&nothing));
        }
    }

    /// What they say of everything that is looked for.
    pub fn running<'a>(
        &self,
        targets: impl IntoIterator<Item = &'a ClusterTarget>,
        now: Timestamp,
    ) -> Running {
        self.running_and_unread(targets, now).0
    }

    /// The same, with the commits that have to be [declared](Self::declare) to say where versions are stuck.
    pub fn running_and_unread<'a>(
        &self,
        targets: impl IntoIterator<Item = &'a ClusterTarget>,
        now: Timestamp,
    ) -> (Running, BTreeSet<(RefName, ObjectId)>) {
        let mut unread = BTreeSet::new();
        let mut running = Running::default();
        for target in targets {
            let connection = self.connection(target);
            running
                .connections
                .insert(target.environment.clone(), connection);
            for cell in target.cells() {
                let (live, commit) = self.live_and_unread(cell, now);
                running.live.insert(cell.cell.clone(), Arc::new(live));
                unread.extend(commit);
            }
        }
        (running, unread)
    }
}

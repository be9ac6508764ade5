//! What is known of every cluster, asked about environments and cells.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    assess::{self, There},
    event::{ClusterEvent, Touched},
    live::{Connection, LiveCell},
    running::Running,
    target::{CellTarget, ClusterTarget},
    view::ClusterView,
};

/// A view of each cluster, by kubeconfig context. Environments that share one share what is known of it, and the objects of
/// one cell may be in several.
#[derive(Clone, Debug, Default)]
pub struct ClusterViews(BTreeMap<String, ClusterView>);

impl ClusterViews {
    /// These targets are looked at from now on: of clusters that none of them needs nothing is known any more.
    pub fn retarget(&mut self, targets: &[ClusterTarget]) {
        let wanted: BTreeSet<&String> = targets.iter().flat_map(|it| it.wanted().keys()).collect();
        self.0.retain(|context, _| wanted.contains(context));
        for context in wanted {
            self.0.entry(context.clone()).or_default();
        }
    }

    /// Takes in what a source said at `now` of a context; of one that nobody needs, nothing.
    pub fn apply(&mut self, context: &str, event: ClusterEvent, now: Timestamp) -> Touched {
        let view = self.0.get_mut(context);
        view.map_or(Touched::Nothing, |view| view.apply(event, now))
    }

    /// The contexts.
    pub fn contexts(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What is known of a context.
    pub fn view(&self, context: &str) -> Option<&ClusterView> {
        self.0.get(context)
    }

    /// How well an environment's cluster is known.
    pub fn connection(&self, target: &ClusterTarget) -> Connection {
        let view = self.0.get(&target.context);
        let wanted = target.wanted().get(&target.context);
        let known = view.zip(wanted);
        known.map_or(Connection::Connecting, |(view, wanted)| {
            view.connection(wanted)
        })
    }

    /// What the clusters say about a cell. Once lost, the last that was known, marked stale.
    pub fn live(&self, target: &CellTarget, now: Timestamp) -> LiveCell {
        let mut there = Vec::with_capacity(target.places.len());
        let mut stale: Option<Timestamp> = None;
        let mut as_of = now;
        let mut loss = None;
        for place in &target.places {
            let view = self.0.get(&place.context);
            loss = loss.or(view.and_then(ClusterView::loss));
            let namespace = view.and_then(|view| view.namespace(&place.namespace));
            let answers = place
                .kinds()
                .map(|kind| namespace.and_then(|namespace| namespace.answered(kind)));
            let Some(answers) = answers.collect::<Option<Vec<_>>>() else {
                let mut cell = match view.and_then(ClusterView::loss) {
                    Some(reason) => LiveCell::unknown(reason, now),
                    None => LiveCell::unknown("no answer from the cluster yet", now),
                };
                cell.stale = view.and_then(ClusterView::loss).is_some();
                cell.hidden = target.subject.is_hidden();
                cell.as_of = view.and_then(ClusterView::as_of).unwrap_or(now);
                return cell;
            };
            as_of = as_of.min(view.and_then(ClusterView::as_of).unwrap_or(now));
            let oldest = answers.into_iter().filter_map(|it| it.stale).min();
            stale = oldest.into_iter().chain(stale).min();
            there.extend(namespace.map(|namespace| There { place, namespace }));
        }
        let mut cell = assess::assess(&there, target, now);
        cell.hidden |= target.subject.is_hidden();
        cell.as_of = stale.unwrap_or(as_of);
        cell.stale = loss.is_some() || stale.is_some();
        cell
    }

    /// What they say of everything that is looked for.
    pub fn running<'a>(
        &self,
        targets: impl IntoIterator<Item = &'a ClusterTarget>,
        now: Timestamp,
    ) -> Running {
        let mut running = Running::default();
        for target in targets {
            let connection = self.connection(target);
            running
                .connections
                .insert(target.environment.clone(), connection);
            for cell in target.cells() {
                running.live.insert(cell.cell.clone(), self.live(cell, now));
            }
        }
        running
    }
}

//! One task owns what is known of every cluster, and tells the screen about cells that changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::words;
use crate::{
    app::event::Event,
    domain::{
        ids::{CellKey, EnvironmentName},
        rollout::{
            CellTarget, ClusterEvent, ClusterTarget, ClusterView, Connection, LiveCell,
            NotesTarget, Running, Touched,
        },
    },
    sources::{
        cluster::{self, Options, Watching},
        mistake::{self, caught, caught_in},
    },
};

/// Changes that come within this time of each other are told together: a rollout makes many small ones.
const GATHER: Duration = Duration::from_millis(40);

/// What is known of the clusters, as the rest of the shell may read it at any time.
type Known = Arc<Mutex<Running>>;

/// Owns the task; dropping it ends the task and its connections.
pub(super) struct Clusters {
    handle: Handle,
    task: tokio::task::JoinHandle<()>,
}

/// What other tasks may ask of it.
#[derive(Clone)]
pub(super) struct Handle {
    orders: mpsc::UnboundedSender<Order>,
    known: Known,
    changes: watch::Receiver<u64>,
}

/// What the watches say.
type Heard = mpsc::Receiver<(EnvironmentName, ClusterEvent)>;

enum Order {
    Retarget(Vec<ClusterTarget>),
    Select(Option<CellKey>),
    Retry,
}

impl Clusters {
    /// Starts the task; it connects when it is first given targets, and never where it is `offline`.
    pub(super) fn start(
        kubeconfig: Vec<PathBuf>,
        offline: bool,
        events: mpsc::UnboundedSender<Event>,
    ) -> Self {
        let (orders, inbox) = mpsc::unbounded_channel();
        let known = Known::default();
        let (changed, changes) = watch::channel(0);
        let keeper = Keeper {
            views: BTreeMap::new(),
            targets: BTreeMap::new(),
            selected: None,
            offline,
            known: Arc::clone(&known),
            changed,
            events,
        };
        let options = Options {
            kubeconfig,
            ..Options::default()
        };
        let task = tokio::spawn(keeper.run_always(inbox, options));
        Self {
            handle: Handle {
                orders,
                known,
                changes,
            },
            task,
        }
    }

    /// For other tasks.
    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Sends the notes of this cell, and of no other.
    pub(super) fn select(&self, cell: Option<CellKey>) {
        self.handle.order(Order::Select(cell));
    }

    /// Tries lost clusters now.
    pub(super) fn retry(&self) {
        self.handle.order(Order::Retry);
    }
}

impl Handle {
    /// Watches these targets from now on.
    pub(super) fn retarget(&self, targets: Vec<ClusterTarget>) {
        self.order(Order::Retarget(targets));
    }

    /// A consistent copy of what is known; a poisoned lock still holds whole cells.
    pub(super) fn facts(&self) -> Running {
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Changes whenever something became known.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    fn order(&self, order: Order) {
        // A closed channel means that the program is ending: nobody is left to tell.
        let _ = self.orders.send(order);
    }
}

impl Drop for Clusters {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Keeper {
    views: BTreeMap<EnvironmentName, ClusterView>,
    targets: BTreeMap<EnvironmentName, ClusterTarget>,
    selected: Option<CellKey>,
    /// No cluster is asked.
    offline: bool,
    known: Known,
    changed: watch::Sender<u64>,
    events: mpsc::UnboundedSender<Event>,
}

/// What has to be told at the end of a gathering.
#[derive(Default)]
struct Pending {
    namespaces: BTreeMap<EnvironmentName, Option<BTreeSet<String>>>,
    /// Environments of which everything is told, changed or not.
    all: BTreeSet<EnvironmentName>,
    notes: bool,
}

impl Keeper {
    /// [`Keeper::run`], begun again where it panics: until then, what it knew is stale and says so.
    async fn run_always(mut self, mut orders: mpsc::UnboundedReceiver<Order>, options: Options) {
        let wait = options.longest_wait;
        while let Err(mistake) = caught_in(self.run(&mut orders, options.clone())).await {
            let what = "following the clusters".to_owned();
            let failure = words::mistake(what, &mistake);
            tracing::warn!(why = failure.why, "the clusters are followed again later");
            let _ = self.events.send(Event::Failure(failure));
            // What broke may break here as well.
            let _ = caught(|| self.lose_all(&mistake.to_string(), wait));
            tokio::time::sleep(wait).await;
        }
    }

    /// Nothing is known of any cluster from now on, but as it was.
    fn lose_all(&mut self, reason: &str, wait: Duration) {
        let now = Timestamp::now();
        let next_try = now.checked_add(wait).ok();
        for (environment, target) in &self.targets {
            let view = self.views.entry(environment.clone()).or_default();
            let lost = ClusterEvent::Lost {
                reason: reason.to_owned(),
                next_try,
            };
            view.apply(lost, now);
            let cells = target.cells.iter();
            let cells = cells.map(|cell| (cell.cell.clone(), view.live(cell, now)));
            let (cells, connection) = (cells.collect(), view.connection().clone());
            let cells = self.remember(environment, &connection, cells, false);
            let _ = self.events.send(Event::Live {
                environment: environment.clone(),
                context: target.context.clone(),
                connection,
                cells,
                all: false,
            });
        }
        self.changed.send_modify(|count| *count += 1);
    }

    async fn run(&mut self, orders: &mut mpsc::UnboundedReceiver<Order>, options: Options) {
        let (mut watching, mut incoming) = self.watch(&options);
        let mut pending = Pending::default();
        let mut due: Option<Instant> = None;
        loop {
            let wake = due.unwrap_or_else(|| Instant::now() + Duration::from_hours(1));
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Retarget(targets)) => {
                        if self.retarget(targets, &mut pending) {
                            // What a former cluster has said already and nobody has heard yet is not taken for the new one's word.
                            (watching, incoming) = self.watch(&options);
                        } else if !self.offline {
                            watching.retarget(self.targets.values().cloned().collect());
                            watching.select(self.notes_target());
                        }
                    }
                    Some(Order::Select(cell)) => {
                        self.selected = cell;
                        watching.select(self.notes_target());
                        pending.notes = true;
                    }
                    Some(Order::Retry) => watching.retry(),
                    None => return,
                },
                event = incoming.recv() => match event {
                    Some((environment, event)) => self.take(environment, event, &mut pending),
                    None => return,
                },
                () = tokio::time::sleep_until(wake), if due.is_some() => {
                    due = None;
                    self.tell(std::mem::take(&mut pending), &watching);
                }
            }
            if due.is_none() && (pending.notes || !pending.namespaces.is_empty()) {
                due = Some(Instant::now() + GATHER);
            }
        }
    }

    /// Begins to watch the targets, where clusters are asked at all.
    fn watch(&self, options: &Options) -> (Watching, Heard) {
        let (sender, heard) = mpsc::channel(1024);
        let watching = cluster::watch(Vec::new(), sender, options.clone());
        if !self.offline && !self.targets.is_empty() {
            watching.retarget(self.targets.values().cloned().collect());
            watching.select(self.notes_target());
        }
        (watching, heard)
    }

    /// These are the targets from now on. Of what is not among them, or is in another cluster now, nothing is known any more;
    /// returns whether an environment is in another cluster.
    fn retarget(&mut self, targets: Vec<ClusterTarget>, pending: &mut Pending) -> bool {
        let targets = targets.into_iter();
        let targets = targets.map(|target| (target.environment.clone(), target));
        let before = std::mem::replace(&mut self.targets, targets.collect());
        let moved = |environment: &EnvironmentName| {
            let (was, is) = (before.get(environment), self.targets.get(environment));
            was.zip(is)
                .is_some_and(|(was, is)| was.context != is.context)
        };
        let stays = |environment: &EnvironmentName| {
            self.targets.contains_key(environment) && !moved(environment)
        };
        let cells: BTreeSet<&CellKey> = self
            .targets
            .values()
            .flat_map(|target| target.cells.iter().map(|cell| &cell.cell))
            .collect();
        self.views.retain(|environment, _| stays(environment));
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let live = &mut known.live;
            live.retain(|key, _| stays(&key.environment) && cells.contains(key));
            known
                .connections
                .retain(|environment, _| stays(environment));
        }
        for environment in self.targets.keys() {
            let view = self.views.entry(environment.clone()).or_default();
            if self.offline {
                let reason = "--offline: not asked".to_owned();
                let lost = ClusterEvent::Lost {
                    reason,
                    next_try: None,
                };
                view.apply(lost, Timestamp::now());
            }
            let connection = view.connection().clone();
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.connections.insert(environment.clone(), connection);
            pending.namespaces.insert(environment.clone(), None);
            pending.all.insert(environment.clone());
        }
        self.targets.keys().any(moved)
    }

    fn take(&mut self, environment: EnvironmentName, event: ClusterEvent, pending: &mut Pending) {
        mistake::if_asked("clusters");
        let Some(view) = self.views.get_mut(&environment) else {
            return;
        };
        match view.apply(event, Timestamp::now()) {
            Touched::Nothing => {}
            Touched::Notes => pending.notes = true,
            Touched::Everything => {
                pending.namespaces.insert(environment, None);
            }
            Touched::Namespaces(names) => {
                if let Some(gathered) = pending
                    .namespaces
                    .entry(environment)
                    .or_insert_with(|| Some(BTreeSet::new()))
                {
                    gathered.extend(names);
                }
            }
        }
    }

    fn tell(&mut self, pending: Pending, watching: &Watching) {
        let now = Timestamp::now();
        for (environment, namespaces) in pending.namespaces {
            let (Some(view), Some(target)) =
                (self.views.get(&environment), self.targets.get(&environment))
            else {
                continue;
            };
            let touched = |cell: &&CellTarget| {
                namespaces
                    .as_ref()
                    .is_none_or(|names| names.contains(&cell.namespace))
            };
            let cells: Vec<_> = target
                .cells
                .iter()
                .filter(touched)
                .map(|cell| (cell.cell.clone(), view.live(cell, now)))
                .collect();
            let connection = view.connection().clone();
            let all = pending.all.contains(&environment);
            let cells = self.remember(&environment, &connection, cells, all);
            let _ = self.events.send(Event::Live {
                context: target.context.clone(),
                environment,
                connection,
                cells,
                all,
            });
        }
        self.changed.send_modify(|count| *count += 1);
        if pending.notes {
            self.tell_notes();
        } else if self.selected.is_some() {
            // The selected cell's workloads may have become known only now.
            watching.select(self.notes_target());
        }
    }

    /// Keeps the cells, and returns those that are not as they were, or `all`.
    fn remember(
        &self,
        environment: &EnvironmentName,
        connection: &Connection,
        cells: Vec<(CellKey, LiveCell)>,
        all: bool,
    ) -> Vec<(CellKey, LiveCell)> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .connections
            .insert(environment.clone(), connection.clone());
        cells
            .into_iter()
            .filter(|(key, cell)| {
                let same = known.live.get(key) == Some(cell);
                if !same {
                    known.live.insert(key.clone(), cell.clone());
                }
                all || !same
            })
            .collect()
    }

    fn tell_notes(&self) {
        let Some(cell) = &self.selected else { return };
        let notes = self
            .views
            .get(&cell.environment)
            .and_then(|view| view.notes(&cell.service));
        let result = match notes {
            Some((notes, None)) => Ok(notes.to_vec()),
            Some((_, Some(problem))) => Err(problem.to_owned()),
            None => return,
        };
        let _ = self.events.send(Event::Notes {
            cell: cell.clone(),
            result,
        });
    }

    fn notes_target(&self) -> Option<NotesTarget> {
        let cell = self.selected.as_ref()?;
        let target = self.targets.get(&cell.environment)?;
        let place = target
            .cells
            .iter()
            .find(|candidate| candidate.cell == *cell)?;
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Some(NotesTarget {
            cell: cell.clone(),
            namespace: place.namespace.clone(),
            workloads: known
                .live
                .get(cell)
                .map(|live| live.workloads.clone())
                .unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        rollout::{Touched, WorkloadName},
        subject::Subject,
    };

    fn target(environment: &str, context: &str, services: &[&str]) -> ClusterTarget {
        let cells = services.iter().map(|service| CellTarget {
            cell: CellKey::new(*service, environment),
            namespace: "shop".to_owned(),
            workload: WorkloadName::Name((*service).to_owned()),
            image_names: Vec::new(),
            desired: None,
            subject: Subject::Image,
        });
        ClusterTarget {
            environment: environment.into(),
            context: context.to_owned(),
            cells: cells.collect(),
        }
    }

    /// A keeper that watched dev and prod, each in a cluster of its own, live.
    fn keeper() -> Keeper {
        let (changed, _) = watch::channel(0);
        let (events, _) = mpsc::unbounded_channel();
        let mut keeper = Keeper {
            views: BTreeMap::new(),
            targets: BTreeMap::new(),
            selected: None,
            offline: false,
            known: Known::default(),
            changed,
            events,
        };
        let both = ["dev", "prod"].map(|name| target(name, name, &["api", "web"]));
        keeper.retarget(both.to_vec(), &mut Pending::default());
        for target in both {
            let name = target.environment;
            let view = keeper.views.get_mut(&name).unwrap();
            let touched = view.apply(ClusterEvent::Connected, Timestamp::UNIX_EPOCH);
            assert_eq!(touched, Touched::Everything);
            let connection = view.connection().clone();
            let cells = target.cells.into_iter();
            let cells = cells.map(|it| (it.cell, LiveCell::unknown("", Timestamp::UNIX_EPOCH)));
            keeper.remember(&name, &connection, cells.collect(), false);
        }
        keeper
    }

    #[test]
    fn what_is_watched_no_more_or_in_another_cluster_leaves_nothing_behind() {
        let (dev, prod) = (
            target("dev", "dev", &["api", "web"]),
            target("prod", "prod", &["api", "web"]),
        );
        let all = ["api / dev", "api / prod", "web / dev", "web / prod"];
        let cases = [
            (
                "nothing changes",
                vec![dev.clone(), prod.clone()],
                false,
                &all[..],
                &["dev", "prod"][..],
            ),
            (
                "an environment goes",
                vec![dev.clone()],
                false,
                &["api / dev", "web / dev"],
                &["dev"],
            ),
            ("all go", vec![], false, &[], &[]),
            (
                "a cell goes",
                vec![dev.clone(), target("prod", "prod", &["web"])],
                false,
                &["api / dev", "web / dev", "web / prod"],
                &["dev", "prod"],
            ),
            (
                "another cluster",
                vec![dev.clone(), target("prod", "prod-2", &["api", "web"])],
                true,
                &["api / dev", "web / dev"],
                &["dev"],
            ),
            (
                "the other's cluster",
                vec![
                    target("dev", "prod", &["api"]),
                    target("prod", "dev", &["api"]),
                ],
                true,
                &[],
                &[],
            ),
        ];
        for (name, targets, moved, cells, live) in cases {
            let mut keeper = keeper();
            let mut pending = Pending::default();
            let watched: BTreeSet<_> = targets.iter().map(|it| it.environment.clone()).collect();
            assert_eq!(keeper.retarget(targets, &mut pending), moved, "{name}");
            let known = keeper.known.lock().unwrap();
            let kept: Vec<String> = known.live.keys().map(ToString::to_string).collect();
            assert_eq!(kept, cells, "{name}");
            let all: BTreeSet<_> = known.connections.keys().cloned().collect();
            assert_eq!(all, watched, "{name}: connecting at least");
            let connected = known.connections.iter();
            let connected = connected.filter(|(_, it)| **it == Connection::Live);
            let connected: Vec<&str> = connected.map(|(name, _)| name.as_str()).collect();
            assert_eq!(connected, live, "{name}");
            let views = keeper.views.iter();
            let views = views.filter(|(_, view)| *view.connection() == Connection::Live);
            let views: Vec<&str> = views.map(|(name, _)| name.as_str()).collect();
            assert_eq!(views, live, "{name}");
            assert_eq!(pending.all, watched, "{name}: told as a whole");
        }
    }
}

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
        plan::Facts,
        rollout::{
            CellTarget, ClusterEvent, ClusterTarget, ClusterView, Connection, LiveCell,
            NotesTarget, Touched,
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
type Known = Arc<Mutex<Facts>>;

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

    /// What is known now.
    pub(super) fn facts(&self) -> Facts {
        self.handle.facts()
    }
}

impl Handle {
    /// Watches these targets from now on.
    pub(super) fn retarget(&self, targets: Vec<ClusterTarget>) {
        self.order(Order::Retarget(targets));
    }

    /// A consistent copy of what is known; a poisoned lock still holds whole cells.
    pub(super) fn facts(&self) -> Facts {
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
            let cells = self.remember(environment, &connection, cells);
            let _ = self.events.send(Event::Live {
                environment: environment.clone(),
                connection,
                cells,
            });
        }
        self.changed.send_modify(|count| *count += 1);
    }

    async fn run(&mut self, orders: &mut mpsc::UnboundedReceiver<Order>, options: Options) {
        let (sender, mut incoming) = mpsc::channel(1024);
        let watching = cluster::watch(Vec::new(), sender, options);
        let mut pending = Pending::default();
        if !self.offline && !self.targets.is_empty() {
            watching.retarget(self.targets.values().cloned().collect());
            watching.select(self.notes_target());
        }
        let mut due: Option<Instant> = None;
        loop {
            let wake = due.unwrap_or_else(|| Instant::now() + Duration::from_hours(1));
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.obey(order, &watching, &mut pending),
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

    fn obey(&mut self, order: Order, watching: &Watching, pending: &mut Pending) {
        match order {
            Order::Retarget(targets) => {
                if !self.offline {
                    watching.retarget(targets.clone());
                }
                self.targets = targets
                    .into_iter()
                    .map(|t| (t.environment.clone(), t))
                    .collect();
                self.views
                    .retain(|environment, _| self.targets.contains_key(environment));
                let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                known
                    .live
                    .retain(|key, _| self.targets.contains_key(&key.environment));
                known
                    .connections
                    .retain(|environment, _| self.targets.contains_key(environment));
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
                    pending.namespaces.insert(environment.clone(), None);
                }
            }
            Order::Select(cell) => {
                self.selected = cell;
                watching.select(self.notes_target());
                pending.notes = true;
            }
            Order::Retry => watching.retry(),
        }
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
            let changed = self.remember(&environment, &connection, cells);
            let _ = self.events.send(Event::Live {
                environment,
                connection,
                cells: changed,
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

    /// Keeps the cells, and returns those that are not as they were.
    fn remember(
        &self,
        environment: &EnvironmentName,
        connection: &Connection,
        cells: Vec<(CellKey, LiveCell)>,
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
                !same
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

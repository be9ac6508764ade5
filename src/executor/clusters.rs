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
    task::JoinSet,
    time::Instant,
};

use super::report;
use crate::{
    app::event::Event,
    domain::{
        desired::RefName,
        ids::{CellKey, EnvironmentName, ObjectId},
        rollout::{
            CellTarget, ClusterEvent, ClusterTarget, ClusterView, ClusterViews, Connection,
            Declared, EVERYWHERE, Held, LiveCell, NotesTarget, Running, Touched,
        },
    },
    sources::{
        cluster::{self, Options, Watching},
        mistake::{self, caught, caught_in},
    },
    workflow::{Looking, Project},
};

/// Changes that come within this time of each other are told together: a rollout makes many small ones.
const GATHER: Duration = Duration::from_millis(40);

/// So often all cells are looked at, changed or not: how long they have been healthy is made of that.
const LOOK_EVERY: Duration = Duration::from_mins(1);

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
type Heard = mpsc::Receiver<(String, ClusterEvent)>;

enum Order {
    Retarget(Vec<ClusterTarget>, Arc<Project>),
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
            views: ClusterViews::default(),
            targets: Vec::new(),
            selected: None,
            offline,
            known: Arc::clone(&known),
            changed,
            events,
            project: None,
            reads: JoinSet::new(),
            asked: BTreeSet::new(),
            held: BTreeMap::new(),
            silent: BTreeMap::new(),
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
    pub(super) fn retarget(&self, targets: Vec<ClusterTarget>, project: Arc<Project>) {
        self.order(Order::Retarget(targets, project));
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
    views: ClusterViews,
    targets: Vec<ClusterTarget>,
    selected: Option<CellKey>,
    /// No cluster is asked.
    offline: bool,
    known: Known,
    changed: watch::Sender<u64>,
    events: mpsc::UnboundedSender<Event>,
    /// What the targets were read from.
    project: Option<Arc<Project>>,
    /// Commits that agents have got to, while they are read.
    reads: JoinSet<(Commit, Option<Declared>)>,
    /// Those that are being read, or were.
    asked: BTreeSet<Commit>,
    /// What clusters are asked for by its name, by the cell that waits for it.
    held: BTreeMap<CellKey, Vec<(String, Held)>>,
    /// Why clusters that are asked for agents alone do not answer, as far as that was said.
    silent: BTreeMap<String, String>,
}

/// A commit that an agent has got to, of a ref.
type Commit = (RefName, ObjectId);

/// So many commits are read at a time.
const READS: usize = 8;

/// What has to be told at the end of a gathering.
#[derive(Default)]
struct Pending {
    /// Namespaces of contexts in which something changed; `None`: everywhere.
    namespaces: BTreeMap<String, Option<BTreeSet<String>>>,
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
            let failure = report::mistake(what, &mistake);
            tracing::warn!(why = failure.why, "the clusters are followed again later");
            let _ = self.events.send(Event::Failure(failure));
            // What broke may break here as well.
            let _ = caught(|| self.lose_all(&mistake.to_string(), wait));
            tokio::time::sleep(wait).await;
        }
    }

    /// Nothing is known of any cluster from now on, but as it was.
    fn lose_all(&mut self, reason: &str, wait: Duration) {
        self.lose(reason, Timestamp::now().checked_add(wait).ok());
        let everything = self.views.contexts().map(|it| (it.to_owned(), None));
        let pending = Pending {
            namespaces: everything.collect(),
            ..Pending::default()
        };
        let _ = self.tell_cells(&pending);
    }

    fn lose(&mut self, reason: &str, next_try: Option<Timestamp>) {
        let contexts: Vec<_> = self.views.contexts().map(ToOwned::to_owned).collect();
        for context in contexts {
            let lost = ClusterEvent::Lost {
                reason: reason.to_owned(),
                next_try,
            };
            self.views.apply(&context, lost, Timestamp::now());
        }
    }

    async fn run(&mut self, orders: &mut mpsc::UnboundedReceiver<Order>, options: Options) {
        let (watching, mut incoming) = self.watch(&options);
        let mut pending = Pending::default();
        let mut due: Option<Instant> = None;
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let wake = due.unwrap_or_else(|| Instant::now() + Duration::from_hours(1));
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Retarget(targets, project)) => {
                        self.follow(project);
                        self.asked.clear();
                        self.views.forget_unreadable();
                        self.retarget(targets, &mut pending);
                        if !self.offline {
                            if let Some(project) = &self.project {
                                watching.learn(&project.config.user.argocd);
                            }
                            watching.retarget(&self.targets);
                            watching.select(self.notes_target());
                        }
                    }
                    Some(Order::Select(cell)) => {
                        self.tell_past(cell.as_ref());
                        self.selected = cell;
                        watching.select(self.notes_target());
                        pending.notes = true;
                    }
                    Some(Order::Retry) => watching.retry(),
                    None => return,
                },
                event = incoming.recv() => match event {
                    Some((context, event)) => self.take(context, event, &mut pending),
                    None => return,
                },
                Some(read) = self.reads.join_next(), if !self.reads.is_empty() => {
                    // One that panicked is not known: it is asked for again with the next reading.
                    if let Ok((at, declared)) = read {
                        self.views.declare(at, declared.map(Arc::new));
                        let all = self.views.contexts().map(|it| (it.to_owned(), None));
                        pending.namespaces.extend(all.collect::<Vec<_>>());
                    }
                }
                _ = looks.tick(), if !self.offline => self.look(),
                () = tokio::time::sleep_until(wake), if due.is_some() => {
                    due = None;
                    self.tell(&std::mem::take(&mut pending), &watching);
                }
            }
            if due.is_none() && (pending.notes || !pending.namespaces.is_empty()) {
                due = Some(Instant::now() + GATHER);
            }
        }
    }

    /// This is the session's project from now on.
    fn follow(&mut self, project: Arc<Project>) {
        let before = self.project.replace(Arc::clone(&project));
        let events = self.events.clone();
        tokio::task::spawn_blocking(move || {
            if let Some(before) = before {
                before.keep_seen(Timestamp::now());
            }
            project.read_seen();
            tell_problems(&project, &events);
        });
    }

    /// Tells when a cell was healthy, as far as anybody knows.
    fn tell_past(&self, cell: Option<&CellKey>) {
        let Some((project, cell)) = self.project.as_ref().zip(cell) else {
            return;
        };
        let (project, cell, events) = (Arc::clone(project), cell.clone(), self.events.clone());
        let seen = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.seen(&cell)
        };
        tokio::spawn(async move {
            let kept = {
                let (project, cell) = (Arc::clone(&project), cell.clone());
                let seen = seen.clone();
                let read = move || project.past_health(&cell, &seen, Timestamp::now());
                tokio::task::spawn_blocking(read).await
            };
            let Ok(kept) = kept else { return };
            let told = |past| Event::PastHealth {
                cell: cell.clone(),
                past: Box::new(past),
            };
            let _ = events.send(told(kept));
            if project.has_prometheus(&cell) {
                let whole = project.whole_past(&cell, &seen, Timestamp::now()).await;
                let _ = events.send(told(whole));
            }
        });
    }

    /// Looks at every cell: that nothing was told of it says that it is as it was.
    fn look(&self) {
        let Some(project) = &self.project else { return };
        let now = Timestamp::now();
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let cells = known.live.iter().map(|(cell, live)| {
                let connection = known.connections.get(&cell.environment);
                (cell, connection, &**live)
            });
            project.see_cells(cells, Looking::On, now);
        }
        if project.has_seen_enough() {
            let (project, events) = (Arc::clone(project), self.events.clone());
            tokio::task::spawn_blocking(move || {
                project.keep_seen(now);
                tell_problems(&project, &events);
            });
        }
    }

    /// Begins to watch the targets, where clusters are asked at all.
    fn watch(&self, options: &Options) -> (Watching, Heard) {
        let (sender, heard) = mpsc::channel(1024);
        let targets = if self.offline { &[] } else { &self.targets[..] };
        let watching = cluster::watch(targets, sender, options.clone());
        watching.select(self.notes_target());
        watching.hold(&self.wanted());
        (watching, heard)
    }

    /// These are the targets from now on. Of what is not among them, or is in another cluster now, nothing is known any more.
    fn retarget(&mut self, targets: Vec<ClusterTarget>, pending: &mut Pending) {
        let before = std::mem::replace(&mut self.targets, targets);
        let before: BTreeMap<_, _> = before
            .iter()
            .map(|target| (&target.environment, &target.context))
            .collect();
        let stays =
            |target: &&ClusterTarget| before.get(&target.environment) == Some(&&target.context);
        let staying: Vec<_> = self.targets.iter().filter(stays).collect();
        let environments: BTreeSet<_> = staying.iter().map(|it| &it.environment).collect();
        let cells = staying.iter().flat_map(|target| target.cells());
        let cells: BTreeSet<_> = cells.map(|cell| &cell.cell).collect();
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.live.retain(|key, _| cells.contains(key));
            self.held.retain(|key, _| cells.contains(key));
            let connections = &mut known.connections;
            connections.retain(|environment, _| environments.contains(environment));
        }
        self.views.retarget(&self.targets);
        if self.offline {
            self.lose("--offline: not asked", None);
        }
        for target in &self.targets {
            let connection = self.views.connection(target);
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known
                .connections
                .insert(target.environment.clone(), connection);
            pending.namespaces.insert(target.context.clone(), None);
            pending.all.insert(target.environment.clone());
        }
    }

    fn take(&mut self, context: String, event: ClusterEvent, pending: &mut Pending) {
        mistake::if_asked("clusters");
        if let ClusterEvent::Lost { reason, .. } = &event {
            self.tell_silence(&context, reason);
        }
        if let ClusterEvent::Reset { .. } = &event {
            // It answers again: its next silence is another one.
            self.silent.remove(&context);
        }
        match self.views.apply(&context, event, Timestamp::now()) {
            Touched::Nothing => {}
            Touched::Notes => pending.notes = true,
            Touched::Everything => {
                pending.namespaces.insert(context, None);
            }
            Touched::Namespaces(names) => {
                if let Some(gathered) = pending
                    .namespaces
                    .entry(context)
                    .or_insert_with(|| Some(BTreeSet::new()))
                {
                    gathered.extend(names);
                }
            }
        }
    }

    /// No column is lost with a cluster that is asked for agents alone: that it does not answer is said, once for each reason.
    fn tell_silence(&mut self, context: &str, reason: &str) {
        let mut elsewhere = self.targets.iter().flat_map(ClusterTarget::elsewhere);
        let is_column = self.targets.iter().any(|it| it.context == context);
        if is_column || !elsewhere.any(|it| it == context) {
            return;
        }
        let told = self.silent.insert(context.to_owned(), reason.to_owned());
        if told.as_deref() != Some(reason) {
            let words = format!("what agents do is not known: {context} does not answer: {reason}");
            let _ = self.events.send(Event::Notice(words));
        }
    }

    fn tell(&mut self, pending: &Pending, watching: &Watching) {
        let unread = self.tell_cells(pending);
        self.read(unread);
        let wanted = self.wanted();
        self.views.hold(&wanted);
        watching.hold(&wanted);
        if pending.notes {
            self.tell_notes();
        } else if self.selected.is_some() {
            // The selected cell's workloads may have become known only now.
            watching.select(self.notes_target());
        }
    }

    /// What clusters are asked for by its name, by context.
    fn wanted(&self) -> BTreeMap<String, BTreeSet<Held>> {
        let mut wanted: BTreeMap<String, BTreeSet<Held>> = BTreeMap::new();
        for (context, held) in self.held.values().flatten() {
            let there = wanted.entry(context.clone()).or_default();
            there.insert(held.clone());
        }
        wanted
    }

    /// Has commits read that agents have got to.
    fn read(&mut self, commits: BTreeSet<Commit>) {
        let Some(project) = &self.project else { return };
        for at in commits {
            if self.reads.len() >= READS {
                break;
            }
            if self.asked.insert(at.clone()) {
                let project = Arc::clone(project);
                self.reads
                    .spawn_blocking(move || (at.clone(), project.declared_at(&at)));
            }
        }
    }

    /// Returns the commits that have to be read to say where versions are stuck.
    fn tell_cells(&mut self, pending: &Pending) -> BTreeSet<Commit> {
        let now = Timestamp::now();
        // An agent may be in another cluster than what it manages.
        let agents = pending.namespaces.values().flatten();
        let agents = agents.flatten().any(|name| name == EVERYWHERE);
        let mut unread = BTreeSet::new();
        let is_touched = |cell: &&CellTarget| {
            if agents {
                return true;
            }
            cell.places.iter().any(|place| {
                let there = pending.namespaces.get(&*place.context);
                there.is_some_and(|names| {
                    names
                        .as_ref()
                        .is_none_or(|names| names.contains(&*place.namespace))
                })
            })
        };
        for target in &self.targets {
            let mut contexts = target.wanted().keys();
            if !agents && !contexts.any(|context| pending.namespaces.contains_key(context)) {
                continue;
            }
            let touched = target.cells().iter().filter(is_touched);
            let cells = touched
                .map(|cell| {
                    let (live, commit) = self.views.live_and_unread(cell, now);
                    unread.extend(commit);
                    let waits_for = self.views.held(cell, &live);
                    if waits_for.is_empty() {
                        self.held.remove(&cell.cell);
                    } else {
                        self.held.insert(cell.cell.clone(), waits_for);
                    }
                    (cell.cell.clone(), Arc::new(live))
                })
                .collect();
            let connection = self.views.connection(target);
            if let Some(project) = &self.project {
                let cells: &Vec<(CellKey, Arc<LiveCell>)> = &cells;
                let cells = cells
                    .iter()
                    .map(|(key, live)| (key, Some(&connection), &**live));
                project.see_cells(cells, Looking::On, now);
            }
            let all = pending.all.contains(&target.environment);
            let cells = self.remember(&target.environment, &connection, cells, all);
            let _ = self.events.send(Event::Live {
                context: target.context.clone(),
                environment: target.environment.clone(),
                connection,
                cells,
                all,
            });
        }
        self.changed.send_modify(|count| *count += 1);
        unread
    }

    /// Keeps the cells, and returns those that are not as they were, or `all`.
    fn remember(
        &self,
        environment: &EnvironmentName,
        connection: &Connection,
        cells: Vec<(CellKey, Arc<LiveCell>)>,
        all: bool,
    ) -> Vec<(CellKey, Arc<LiveCell>)> {
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
        let context = self.target(cell).map(|(target, _)| &target.context);
        let view = context.and_then(|context| self.views.view(context));
        let notes = view.and_then(|view: &ClusterView| view.notes(cell));
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

    /// How a cell is looked for.
    fn target(&self, cell: &CellKey) -> Option<(&ClusterTarget, &CellTarget)> {
        let mut targets = self.targets.iter();
        let target = targets.find(|it| it.environment == cell.environment)?;
        let mut cells = target.cells().iter();
        Some((target, cells.find(|it| it.cell == *cell)?))
    }

    fn notes_target(&self) -> Option<NotesTarget> {
        let cell = self.selected.as_ref()?;
        let (target, looked_for) = self.target(cell)?;
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Some(NotesTarget {
            cell: cell.clone(),
            context: target.context.clone(),
            namespace: looked_for.places.first()?.namespace.to_string(),
            workloads: known
                .live
                .get(cell)
                .map(|live| live.workloads.clone())
                .unwrap_or_default(),
        })
    }
}

/// What was wrong with what was kept is said once.
fn tell_problems(project: &Project, events: &mpsc::UnboundedSender<Event>) {
    for problem in project.seen.problems() {
        let _ = events.send(Event::Notice(problem));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        rollout::{ObjectKind, ObjectPlace, Which},
        subject::Subject,
    };

    fn target(environment: &str, context: &str, services: &[&str]) -> ClusterTarget {
        let cells = services.iter().map(|service| CellTarget {
            cell: CellKey::new(*service, environment),
            places: vec![ObjectPlace {
                context: context.into(),
                kinds: &[ObjectKind::Deployment],
                namespace: "shop".into(),
                object: Which::Name((*service).into()),
            }],
            image_names: Vec::new(),
            desired: None,
            subject: Subject::Image,
            written: None,
            policy: None,
        });
        ClusterTarget::new(environment.into(), context.to_owned(), cells.collect())
    }

    /// A keeper that watched dev and prod, each in a cluster of its own, live.
    fn keeper() -> Keeper {
        let (changed, _) = watch::channel(0);
        let (events, _) = mpsc::unbounded_channel();
        let mut keeper = Keeper {
            views: ClusterViews::default(),
            targets: Vec::new(),
            selected: None,
            offline: false,
            known: Known::default(),
            changed,
            events,
            project: None,
            reads: JoinSet::new(),
            asked: BTreeSet::new(),
            held: BTreeMap::new(),
            silent: BTreeMap::new(),
        };
        let both = ["dev", "prod"].map(|name| target(name, name, &["api", "web"]));
        keeper.retarget(both.to_vec(), &mut Pending::default());
        let mut pending = Pending::default();
        for name in ["dev", "prod"] {
            keeper.take(name.to_owned(), ClusterEvent::Connected, &mut pending);
            for kind in ObjectKind::ALL {
                let listed = ClusterEvent::Reset {
                    kind,
                    namespaces: ["shop".to_owned()].into(),
                    objects: Vec::new(),
                };
                keeper.take(name.to_owned(), listed, &mut pending);
            }
        }
        let _ = keeper.tell_cells(&pending);
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
                &all[..],
                &["dev", "prod"][..],
            ),
            (
                "an environment goes",
                vec![dev.clone()],
                &["api / dev", "web / dev"],
                &["dev"],
            ),
            ("all go", vec![], &[], &[]),
            (
                "a cell goes",
                vec![dev.clone(), target("prod", "prod", &["web"])],
                &["api / dev", "web / dev", "web / prod"],
                &["dev", "prod"],
            ),
            (
                "another cluster",
                vec![dev.clone(), target("prod", "prod-2", &["api", "web"])],
                &["api / dev", "web / dev"],
                &["dev"],
            ),
            (
                "the other's cluster",
                vec![
                    target("dev", "prod", &["api"]),
                    target("prod", "dev", &["api"]),
                ],
                &[],
                // What is known of these clusters holds for whoever uses them.
                &["dev", "prod"],
            ),
        ];
        for (name, targets, cells, live) in cases {
            let mut keeper = keeper();
            let mut pending = Pending::default();
            let watched: BTreeSet<_> = targets.iter().map(|it| it.environment.clone()).collect();
            keeper.retarget(targets, &mut pending);
            let known = keeper.known.lock().unwrap();
            let kept: Vec<String> = known.live.keys().map(ToString::to_string).collect();
            assert_eq!(kept, cells, "{name}");
            let all: BTreeSet<_> = known.connections.keys().cloned().collect();
            assert_eq!(all, watched, "{name}: connecting at least");
            let connected = known.connections.iter();
            let connected = connected.filter(|(_, it)| **it == Connection::Live);
            let connected: Vec<&str> = connected.map(|(name, _)| name.as_str()).collect();
            assert_eq!(connected, live, "{name}");
            assert_eq!(pending.all, watched, "{name}: told as a whole");
        }
    }
}

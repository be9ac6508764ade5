//! After the push: watching until the clusters run it and are healthy, or something stops it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::{sync::mpsc, task::JoinSet};

use super::Underway;
use crate::{
    domain::{
        delivery::{CellRun, Delivery, Expectation, Fact, Part, Stage},
        desired::RefName,
        failure::Failure,
        ids::{CellKey, ObjectId},
        rollout::{ClusterEvent, ClusterTarget, ClusterViews, Declared, Running},
        version::Version,
    },
    sources::cluster::{self, Watching},
    workflow::{Looking, Project, Reading, cluster_options, deliver::verify::Verifying},
};

/// A second at most: deadlines pass without anything happening.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What was left behind has at least this long, from when it is taken up, for clusters to answer.
const GRACE: Duration = Duration::from_mins(1);

/// Where what runs is known from while a delivery is followed.
pub trait Clusters: Send {
    /// What is known now.
    fn facts(&mut self) -> Running;
    /// What Git declares, as last read; `None` where nobody reads it again.
    fn reading(&mut self) -> Option<Arc<Reading>>;
    /// Waits until something more is known.
    fn changed(&mut self) -> impl Future<Output = ()> + Send;
}

impl Underway<'_> {
    /// Follows what was pushed until each cell is healthy or failed, a late one counting as failed. `timeout` takes the place
    /// of the environments' own. Dropping the future ends it.
    pub async fn follow(&mut self, clusters: &mut impl Clusters, timeout: Option<Duration>) {
        if self.delivery.is_over() || self.delivery.awaits_merge() {
            return;
        }
        match expectations(self.project, &self.delivery, timeout) {
            Ok(expected) => self.apply(Fact::Expected(expected)),
            Err(error) => return self.not_followed(&error),
        }
        self.watch(clusters, Duration::ZERO).await;
    }

    /// It is published, and what it is to run cannot be read.
    pub fn not_followed(&mut self, error: &Failure) {
        self.apply(Fact::Broken(error.during("following the delivery")));
    }

    /// Goes on following what was followed before, for the rest of its time.
    pub(super) async fn follow_again(&mut self, clusters: &mut impl Clusters) {
        let expected = || {
            self.delivery
                .cells
                .iter()
                .filter_map(|run| run.expected.as_ref())
        };
        let Some(shortest) = expected().map(|expected| expected.timeout).min() else {
            return self.follow(clusters, None).await;
        };
        // People may have taken days before.
        let since = self.delivery.stage(Stage::Synced);
        let since = since.map_or(self.delivery.started, |stage| stage.began);
        let age = self.now().duration_since(since);
        let age = Duration::try_from(age).unwrap_or_default();
        self.watch(clusters, age.min(shortest.saturating_sub(GRACE)))
            .await;
    }

    /// Watches until it is over; it has been for as long as `before`.
    async fn watch(&mut self, clusters: &mut impl Clusters, before: Duration) {
        let began = Instant::now();
        let mut read: Option<Arc<Reading>> = None;
        let mut checks = Verifying::default();
        while !self.delivery.is_over() {
            if let Some(said) = checks.said() {
                self.apply(Fact::Verified(said, before + began.elapsed()));
            }
            if let Some(reading) = clusters.reading()
                && read
                    .as_ref()
                    .is_none_or(|known| !Arc::ptr_eq(known, &reading))
            {
                let declared = declared_since(self.project, &self.delivery, &reading);
                read = Some(reading);
                self.apply(Fact::Declared(declared));
            }
            self.apply(Fact::Seen(&clusters.facts(), before + began.elapsed()));
            if !self.delivery.is_over() {
                checks.ask(self.project, &self.delivery);
                let more = async {
                    tokio::select! {
                        () = clusters.changed() => {}
                        () = checks.answered() => {}
                    }
                };
                let _ = tokio::time::timeout(LOOK_EVERY, more).await;
            }
        }
    }
}

/// What each changed cell is to run: read from the commits themselves, because a removed override means another version.
fn expectations(
    project: &Project,
    delivery: &Delivery,
    timeout: Option<Duration>,
) -> Result<BTreeMap<CellKey, Expectation>, Failure> {
    let desired = project.read_with(&delivery.refs())?.desired;
    let topology = &project.config.topology;
    let (looked_for, _) = project.targets(&desired);
    let looked_for: BTreeSet<_> = looked_for
        .iter()
        .flat_map(|target| target.cells().iter().map(|place| &place.cell))
        .collect();
    let commits = delivery.refs();
    let expected = delivery.cells.iter().map(|CellRun { cell, place, .. }| {
        let commit = match place {
            Some(place) => commits.get(place),
            None => commits.values().next().filter(|_| commits.len() == 1),
        };
        let environment = topology.get(&cell.environment);
        let expectation = Expectation {
            version: desired.version(cell).cloned(),
            subject: desired
                .cells
                .get(cell)
                .map(|cell| cell.subject)
                .unwrap_or_default(),
            looked_for: looked_for.contains(cell),
            timeout: timeout
                .or_else(|| Some(environment?.timeout))
                .unwrap_or_default(),
            verifies: !(topology.policy.of(&cell.environment))
                .is_none_or(|policy| policy.verify.is_empty()),
            commit: commit.copied(),
        };
        (cell.clone(), expectation)
    });
    Ok(expected.collect())
}

/// What is declared of the cells by a reading of later commits than those that were delivered.
fn declared_since(
    project: &Project,
    delivery: &Delivery,
    reading: &Reading,
) -> BTreeMap<CellKey, Option<Version>> {
    let desired = &reading.desired;
    let includes = |part: &Part| {
        let repo = project.repository(&part.tip.name).ok()?;
        let now = desired.tips.iter().find(|tip| tip.name == part.tip.name)?;
        repo.contains(now.commit, part.landed()).ok()
    };
    if !delivery
        .parts
        .iter()
        .all(|part| includes(part) == Some(true))
    {
        return BTreeMap::new();
    }
    let cells = delivery.cells.iter().map(|run| &run.cell);
    cells
        // A version that cannot be read is not known to be another one.
        .filter(|cell| desired.unread(cell).is_none())
        .map(|cell| (cell.clone(), desired.version(cell).cloned()))
        .collect()
}

/// Clusters that are watched for one delivery alone, by a command.
pub struct OwnClusters {
    targets: Vec<ClusterTarget>,
    views: ClusterViews,
    events: mpsc::Receiver<(String, ClusterEvent)>,
    now: fn() -> Timestamp,
    _watching: Option<Watching>,
    project: Project,
    /// Commits that agents have got to, while what they declare is read.
    reads: JoinSet<(Commit, Option<Declared>)>,
    /// Those that are being read, or were.
    asked: BTreeSet<Commit>,
}

/// A commit that an agent has got to, of a ref.
type Commit = (RefName, ObjectId);

impl OwnClusters {
    /// Watches the cells of a delivery that is published.
    ///
    /// # Errors
    /// When the commit cannot be read.
    pub fn watch(
        project: &Project,
        delivery: &Delivery,
        now: fn() -> Timestamp,
    ) -> Result<Self, Failure> {
        let desired = project.read_with(&delivery.refs())?.desired;
        let (all, _) = project.targets(&desired);
        let is_delivered = |cell: &CellKey| delivery.cell(cell).is_some();
        let targets = all.into_iter();
        let targets: Vec<_> = targets.filter_map(|it| it.only(is_delivered)).collect();
        let mut views = ClusterViews::default();
        views.retarget(&targets);
        let (sender, events) = mpsc::channel(64);
        let watching = (!targets.is_empty())
            .then(|| cluster::watch(&targets, sender, cluster_options(project)));
        Ok(Self {
            targets,
            views,
            events,
            now,
            _watching: watching,
            project: project.clone(),
            reads: JoinSet::new(),
            asked: BTreeSet::new(),
        })
    }
}

impl Drop for OwnClusters {
    fn drop(&mut self) {
        self.project.keep_seen((self.now)());
    }
}

impl Clusters for OwnClusters {
    fn facts(&mut self) -> Running {
        let now = (self.now)();
        let (running, unread) = self.views.running_and_unread(&self.targets, now);
        self.project.see(&running, Looking::On, now);
        if self.project.has_seen_enough() {
            let project = self.project.clone();
            tokio::task::spawn_blocking(move || project.keep_seen(now));
        }
        for at in unread {
            if self.asked.insert(at.clone()) {
                let project = self.project.clone();
                self.reads
                    .spawn_blocking(move || (at.clone(), project.declared_at(&at)));
            }
        }
        running
    }

    fn reading(&mut self) -> Option<Arc<Reading>> {
        None
    }

    async fn changed(&mut self) {
        tokio::select! {
            event = self.events.recv() => match event {
                Some((context, event)) => {
                    self.views.apply(&context, event, (self.now)());
                }
                // The watches ended; the deadline still counts.
                None => std::future::pending().await,
            },
            Some(read) = self.reads.join_next(), if !self.reads.is_empty() => {
                // One that panicked is not known.
                if let Ok((at, declared)) = read {
                    self.views.declare(at, declared.map(Arc::new));
                }
            }
        }
    }
}

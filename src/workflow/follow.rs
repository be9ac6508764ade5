//! After the push: watching until the clusters run it and are healthy, or something stops it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::{sync::mpsc, time::MissedTickBehavior};

use super::{OpenError, Session};
use crate::{
    domain::{
        delivery::{self, CellProgress, Expectation},
        desired::RefName,
        ids::{CellKey, EnvironmentName, ObjectId},
        rollout::{CellTarget, ClusterView, targets},
    },
    sources::cluster,
};

/// How far each followed cell came, in the order asked for.
pub type Followed = Vec<(CellKey, CellProgress)>;

/// One cell that is followed.
struct Following {
    cell: CellKey,
    target: Option<CellTarget>,
    expected: Expectation,
    progress: Option<CellProgress>,
}

/// Follows `cells` of what was pushed (`moved`: where refs are now) until each is healthy or failed, a late one counting as failed. Tells every step;
/// dropping the future ends it.
///
/// `timeout` takes the place of the environments' own.
///
/// # Errors
/// When the commit cannot be read.
pub async fn follow(
    session: &Session,
    moved: &BTreeMap<RefName, ObjectId>,
    cells: &[CellKey],
    timeout: Option<Duration>,
    now: &(dyn Fn() -> Timestamp + Send + Sync),
    tell: &mut (dyn FnMut(&CellKey, &CellProgress) + Send),
) -> Result<Followed, OpenError> {
    let desired = session.read_with(moved)?.desired;
    let topology = &session.config.topology;
    let (mut watched, _) = targets(topology, &desired);
    for target in &mut watched {
        target.cells.retain(|cell| cells.contains(&cell.cell));
    }
    watched.retain(|target| !target.cells.is_empty());
    let began = Instant::now();
    let mut following: Vec<Following> = cells
        .iter()
        .map(|key| Following {
            cell: key.clone(),
            target: watched
                .iter()
                .flat_map(|target| &target.cells)
                .find(|target| target.cell == *key)
                .cloned(),
            expected: Expectation {
                version: desired.version(key).cloned(),
                subject: desired
                    .cells
                    .get(key)
                    .map(|cell| cell.subject)
                    .unwrap_or_default(),
                timeout: timeout
                    .or_else(|| Some(topology.get(&key.environment)?.timeout))
                    .unwrap_or_default(),
            },
            progress: None,
        })
        .collect();

    let mut views: BTreeMap<EnvironmentName, ClusterView> = watched
        .iter()
        .map(|target| (target.environment.clone(), ClusterView::new()))
        .collect();
    let (sender, mut events) = mpsc::channel(64);
    let _watching = (!watched.is_empty())
        .then(|| cluster::watch(watched, sender, super::cluster_options(session)));
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        for cell in &mut following {
            cell.judge(&views, began.elapsed(), now(), tell);
        }
        if following
            .iter()
            .all(|cell| cell.progress.as_ref().is_some_and(CellProgress::is_over))
        {
            break;
        }
        tokio::select! {
            event = events.recv() => match event {
                Some((environment, event)) => {
                    if let Some(view) = views.get_mut(&environment) {
                        view.apply(event, now());
                    }
                }
                // The watches ended; the deadline still counts.
                None => { tick.tick().await; }
            },
            _ = tick.tick() => {}
        }
    }
    Ok(following
        .into_iter()
        .filter_map(|cell| Some((cell.cell, cell.progress?)))
        .collect())
}

impl Following {
    fn judge(
        &mut self,
        views: &BTreeMap<EnvironmentName, ClusterView>,
        waited: Duration,
        now: Timestamp,
        tell: &mut (dyn FnMut(&CellKey, &CellProgress) + Send),
    ) {
        if self.progress.as_ref().is_some_and(CellProgress::is_over) {
            return;
        }
        let view = self
            .target
            .as_ref()
            .and_then(|_| views.get(&self.cell.environment));
        let live = self
            .target
            .as_ref()
            .zip(view)
            .map(|(target, view)| view.live(target, now));
        let connection = view.map(ClusterView::connection);
        let progress = delivery::judge(&self.expected, connection, live.as_ref(), waited);
        if self.progress.as_ref() != Some(&progress) {
            tracing::info!(cell = %self.cell, ?progress, "followed");
            tell(&self.cell, &progress);
            self.progress = Some(progress);
        }
    }
}

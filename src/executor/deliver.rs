//! Plans for the screen: frozen, delivered and followed.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Shared, clusters::Handle, lock, report};
use crate::{
    app::event::{Epoch, Event, Planned},
    domain::{
        delivery::{Delivery, Stage, Step},
        failure::Failure,
        ids::CellKey,
        plan::{Plan, PlanRequest},
        rollout::Running,
    },
    sources::mistake::caught_in,
    workflow::{
        self, Asks, Clusters, HandedOver, LeftBehind, NOTIFY_PATIENCE, Notifier, Permit, Reading,
        Rest, Standing, Told, Underway,
    },
};

/// How often is looked whether writing is unlocked.
const UNLOCKED: Duration = Duration::from_millis(300);

/// What the screen's own watches know, and what ends the asking that goes beyond them.
struct Asking {
    clusters: Handle,
    stop: CancellationToken,
}

impl Asks for Asking {
    fn running(&self, _: &BTreeSet<CellKey>) -> Running {
        self.clusters.facts()
    }

    fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }
}

/// Freezes a request; blocking.
pub(super) fn build(
    shared: &Shared,
    epoch: Epoch,
    request: &PlanRequest,
    (clusters, stop): (Handle, CancellationToken),
) {
    let asking = Asking { clusters, stop };
    let prepare = || -> Result<Plan, Failure> {
        let reading = match shared.current() {
            Some(current) => current,
            None => Arc::new(shared.project().read()?),
        };
        workflow::prepare(
            &shared.project(),
            &reading,
            &asking,
            request,
            Timestamp::now(),
        )
    };
    let result = prepare()
        .map(|plan| Arc::new(Planned::of(Arc::new(plan))))
        .map_err(|error| error.during("making the plan"));
    shared.tell(Event::Planned { epoch, result });
}

/// Delivers a confirmed plan and follows it; where writing is locked on the way, what is pushed is followed, and nothing more
/// of it is.
pub(super) async fn publish(
    shared: Arc<Shared>,
    under_way: UnderWay,
    plan: Arc<Plan>,
    delivery: Arc<Delivery>,
    clusters: Handle,
) {
    let first = (0, Delivery::clone(&delivery), HandedOver::default());
    publish_from(&shared, under_way, &plan, first, clusters).await;
}

/// The same from one of its waves on, behind the place of the wave before.
async fn publish_from(
    shared: &Arc<Shared>,
    under_way: UnderWay,
    plan: &Plan,
    (first, delivery, mut before): (usize, Delivery, HandedOver),
    clusters: Handle,
) {
    let project = shared.project();
    let permit = under_way.permit.clone();
    let mut begins = Some((under_way, delivery));
    for number in first..plan.waves.len().max(1) {
        let (guard, delivery) = begins.take().unwrap_or_else(|| {
            let delivery = Delivery::of_wave(plan, number, Timestamp::now());
            (UnderWay::new(shared), delivery)
        });
        let mut tell = observer(shared, Some(guard));
        let begun = Underway::begin(&project, delivery, Timestamp::now, &mut tell);
        let while_unlocked = shared.locks.while_unlocked();
        let mut underway = begun
            .behind(std::mem::take(&mut before))
            .with(permit.clone())
            .lent_by(shared.lender.clone())
            .merging(while_unlocked)
            .dropped_by(shared.drops.clone());
        deliver(shared, &mut underway, plan, number, &clusters).await;
        tell_who_was_not(shared, underway.notifier());
        let ended = underway.delivery.clone();
        if !ended.lets_go_on() {
            if let Some(why) = ended.not_begun() {
                shared.tell(Event::Notice(why));
            }
            return;
        }
        let rest = ended.rest_is_to_be_planned();
        if let (Some(why), false) = (rest, permit.holds()) {
            shared.tell(Event::Notice(format!("writing was locked: {why}")));
            // Whoever locked it does not want them.
            underway.leave();
            return;
        }
        before = underway.hand_over();
    }
}

/// Says who could not be told of a delivery that has ended; nothing waits for that.
fn tell_who_was_not(shared: &Arc<Shared>, notifier: Notifier) {
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        for problem in notifier.finish(NOTIFY_PATIENCE).await {
            shared.tell(Event::Notice(problem));
        }
    });
}

/// Delivers one wave of a plan, and follows it to its end.
async fn deliver(
    shared: &Arc<Shared>,
    underway: &mut Underway<'_>,
    plan: &Plan,
    number: usize,
    clusters: &Handle,
) {
    let project = underway.project();
    let asking = Asking {
        clusters: clusters.clone(),
        stop: CancellationToken::new(),
    };
    underway.publish_wave(plan, number, &asking).await;
    let cells = underway.delivery.cells.iter().map(|run| &run.cell);
    let patience = workflow::longest_timeout(project, cells);
    underway.arrive(patience).await;
    underway.not_arrived();
    underway.merge(None).await;
    let mut clusters = Followed::new(shared, clusters.clone());
    underway.follow(&mut clusters, None).await;
}

/// Takes up what an earlier session left behind, all of it side by side.
pub(super) async fn take_up(shared: Arc<Shared>, clusters: Handle) {
    let project = shared.project();
    let (left, problems) = workflow::left_behind(&project);
    for problem in problems {
        shared.tell(Event::Notice(problem));
    }
    let taken = left
        .into_iter()
        .map(|left| go_on(&shared, clusters.clone(), left));
    futures::future::join_all(taken).await;
}

/// One of them; a panic in it ends that one.
async fn go_on(shared: &Arc<Shared>, clusters: Handle, left: LeftBehind) {
    let project = shared.project();
    let id = left.delivery().id.clone();
    shared.tell(Event::Delivery {
        at: Timestamp::now(),
        delivery: Arc::new(left.delivery().clone()),
        steps: Vec::new(),
    });
    let mut tell = observer(shared, None);
    let rest_clusters = clusters.clone();
    let mut clusters = Followed::new(shared, clusters);
    let by = (shared.locks.while_unlocked(), shared.drops.clone());
    let taken = left.take_up(&project, Timestamp::now, &mut tell, by, &mut clusters);
    match caught_in(Box::pin(taken)).await {
        Ok((_, Some(rest))) => go_on_with_rest(shared, rest, rest_clusters).await,
        Ok((delivery, None)) => {
            if let Some(why) = delivery.rest_is_to_be_planned() {
                shared.tell(Event::Notice(why));
            }
        }
        Err(mistake) => {
            let failure = report::mistake("delivery".to_owned(), &mistake);
            shared.tell(Event::DeliveryBroken { id, failure });
        }
    }
}

/// Goes on with the later waves of a plan that another session confirmed: as soon as, and as long as, writing is unlocked, like
/// a merge that was left to Tidegate; as it was confirmed, or not at all.
async fn go_on_with_rest(shared: &Arc<Shared>, rest: Rest, clusters: Handle) {
    let mut said = false;
    loop {
        let reading = match shared.current() {
            Some(reading) => reading,
            None => match shared.project().read() {
                Ok(reading) => Arc::new(reading),
                Err(error) => return shared.tell(Event::Failure(error)),
            },
        };
        match rest.stands(&shared.project(), &reading) {
            Standing::Open => {}
            Standing::There => return rest.end(),
            Standing::Otherwise(lines) => {
                let why = format!(
                    "{} is not begun: {}; plan it again, what is there already is skipped",
                    rest.told(),
                    lines.join("; ")
                );
                shared.tell(Event::Notice(why));
                return rest.end();
            }
        }
        if shared.locks.while_unlocked().holds() {
            break;
        }
        if !std::mem::replace(&mut said, true) {
            shared.tell(Event::Notice(format!(
                "{} was confirmed and is not begun: it goes on once writing is unlocked here, or by `tidegate apply --left`",
                rest.told()
            )));
        }
        while !shared.locks.while_unlocked().holds() {
            tokio::time::sleep(UNLOCKED).await;
        }
    }
    shared.tell(Event::Notice(format!(
        "goes on with what was confirmed before: {}",
        rest.told()
    )));
    let (plan, next, before) = rest.begin();
    let delivery = Delivery::of_wave(&plan, next, Timestamp::now());
    let under_way = UnderWay::new(shared);
    let first = (next, delivery, before);
    Box::pin(publish_from(shared, under_way, &plan, first, clusters)).await;
}

/// Counts as publishing until it is told how it ended.
pub(super) struct UnderWay {
    shared: Arc<Shared>,
    /// Holds until writing is locked.
    permit: Permit,
}

impl UnderWay {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        shared.publishing.fetch_add(1, Ordering::SeqCst);
        Self {
            shared: Arc::clone(shared),
            permit: shared.locks.permit(),
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.shared.publishing.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Tells the screen about steps.
fn observer(
    shared: &Arc<Shared>,
    mut publishing: Option<UnderWay>,
) -> impl FnMut(Told<'_>) + Send + use<> {
    let shared = Arc::clone(shared);
    move |told| match told {
        Told::Ran(command) => shared.tell(report::ran(command)),
        Told::NotTold(problem) => shared.tell(Event::Notice(problem)),
        Told::Steps(delivery, at, steps) => {
            let checked = |step: &Step| matches!(step, Step::Done(Stage::Checked, _));
            if steps.iter().any(checked) {
                *lock(&shared.fetched_at) = Some(at);
            }
            shared.tell(Event::Delivery {
                at,
                delivery: Arc::new(delivery.clone()),
                steps: steps.to_vec(),
            });
            let written = |step: &Step| matches!(step, Step::Published | Step::Ended(_));
            if steps.iter().any(written) {
                drop(publishing.take());
            }
        }
    }
}

/// What the screen's own watches and readings know.
struct Followed {
    shared: Arc<Shared>,
    clusters: Handle,
    changes: watch::Receiver<u64>,
}

impl Followed {
    fn new(shared: &Arc<Shared>, clusters: Handle) -> Self {
        Self {
            shared: Arc::clone(shared),
            changes: clusters.changes(),
            clusters,
        }
    }
}

impl Clusters for Followed {
    fn facts(&mut self) -> Running {
        self.clusters.facts()
    }

    fn reading(&mut self) -> Option<Arc<Reading>> {
        self.shared.current()
    }

    async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            // The watches ended with the session.
            std::future::pending::<()>().await;
        }
    }
}

//! Plans for the screen: frozen, delivered and followed.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{Shared, clusters::Handle, lock, words};
use crate::{
    app::event::{DeliveryStep, Epoch, Event, Failure, PlanView, PublishFailure, Published, Stage},
    domain::{
        delivery::{self, CellProgress, Expectation},
        ids::CellKey,
        plan::{Facts, Plan, PlanRequest},
        topology::Deliver,
    },
    sources::git::{GitError, GitErrorKind},
    workflow::{self, DeliverFailure, DeliverStep, Delivered, DeliveredPart},
};

/// Freezes a request; blocking.
pub(super) fn build(shared: &Shared, epoch: Epoch, request: &PlanRequest, facts: &Facts) {
    let prepare = || -> Result<Plan, GitError> {
        let reading = match shared.current() {
            Some(current) => current,
            None => Arc::new(shared.session().read()?),
        };
        workflow::prepare(
            &shared.session(),
            &reading,
            facts,
            request,
            Timestamp::now(),
        )
    };
    let result = prepare()
        .map(|plan| Arc::new(PlanView::of(plan)))
        .map_err(|error| words::git_failure("making the plan", &error));
    shared.tell(Event::Planned { epoch, result });
}

/// Delivers a confirmed plan and follows it.
pub(super) async fn publish(
    shared: Arc<Shared>,
    epoch: Epoch,
    view: Arc<PlanView>,
    clusters: Handle,
) {
    let confirmed = &view.plan;
    let steps = Steps {
        shared: Arc::clone(&shared),
        epoch,
    };
    steps.tell(DeliveryStep::Began(Stage::Checked));
    let facts = clusters.clone();
    let under_way = UnderWay::new(&shared);
    let outcome = workflow::deliver(
        &shared.session(),
        confirmed,
        &move || facts.facts(),
        &mut |step| steps.take(step),
    )
    .await;
    match outcome {
        Ok(mut delivered) => {
            shared.tell(Event::Published {
                epoch,
                result: Ok(published(&delivered)),
            });
            drop(under_way);
            let session = shared.session();
            if delivered.is_elsewhere() {
                let patience = workflow::longest_timeout(&session, confirmed);
                workflow::arrive(&session, &mut delivered, patience).await;
            }
            if delivered.is_elsewhere() {
                return steps.tell(DeliveryStep::Ended(Err(Failure {
                    what: "delivery".to_owned(),
                    why: described(&delivered),
                    next: "bring it there, or see why it does not come: `git remote -v` names the addresses"
                        .to_owned(),
                })));
            }
            let parts = delivered.parts.iter();
            let at: Vec<String> = parts
                .map(|part| format!("{} is at {}", part.branch, part.commit.short()))
                .collect();
            steps.tell(DeliveryStep::Done(Stage::Pushed, at.join(", ")));
            follow(&shared, &steps, confirmed, &delivered, &clusters).await;
        }
        Err(failure) => {
            let failure = refusal(failure);
            shared.tell(Event::Published {
                epoch,
                result: Err(failure),
            });
        }
    }
}

/// Counts as publishing until it is told how it ended.
struct UnderWay(Arc<Shared>);

impl UnderWay {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.publishing.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(shared))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.publishing.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What is said of a plan that is written; of several commits, all places are named.
fn published(delivered: &Delivered) -> Published {
    let first = &delivered.parts[0];
    let branches = delivered
        .parts
        .iter()
        .map(|part| match &part.tip.name.repository {
            Some(repository) => format!("{repository}:{}", part.branch),
            None => part.branch.clone(),
        });
    Published {
        commit: first.commit,
        target: crate::app::event::Target {
            remote: first.tip.remote.clone(),
            branch: branches.collect::<Vec<_>>().join(", "),
            deliver: delivered.deliver,
        },
        words: delivered
            .parts
            .iter()
            .flat_map(|part| part.words.iter().cloned())
            .collect(),
        link: delivered.parts.iter().find_map(|part| part.link.clone()),
        note: delivered.moved.clone(),
        elsewhere: delivered.is_elsewhere().then(|| described(delivered)),
    }
}

/// Where the parts are that are not seen where they are fetched from.
fn described(delivered: &Delivered) -> String {
    let parts = delivered.parts.iter();
    let parts = parts.filter(|part| part.elsewhere.is_some());
    parts
        .map(DeliveredPart::describe)
        .collect::<Vec<_>>()
        .join("; ")
}

fn refusal(failure: DeliverFailure) -> PublishFailure {
    let failed = |why: String, next: &str| {
        PublishFailure::Failed(Failure {
            what: "delivery".to_owned(),
            why,
            next: next.to_owned(),
        })
    };
    match failure {
        DeliverFailure::Empty => failed(
            "the plan changes nothing".to_owned(),
            "stage something first",
        ),
        DeliverFailure::Held(fresh) => {
            let changes = fresh
                .held()
                .map(|change| format!("{} is held by a gate", change.cell))
                .collect();
            PublishFailure::Moved {
                fresh: Arc::new(PlanView::of(*fresh)),
                changes,
            }
        }
        DeliverFailure::Moved { fresh, changes } => PublishFailure::Moved {
            fresh: Arc::new(PlanView::of(*fresh)),
            changes,
        },
        DeliverFailure::Rejected(rejection) => {
            let mut words: Vec<String> = rejection.words.lines().map(str::to_owned).collect();
            if words.is_empty() {
                words.push(rejection.status);
            }
            PublishFailure::Rejected {
                words,
                protected: rejection.protected,
            }
        }
        DeliverFailure::Unclear(words) => failed(
            words,
            "look at the remote branch before trying again; everything is still staged",
        ),
        DeliverFailure::Partial {
            done,
            failed: place,
            cause,
            left,
        } => {
            let done: Vec<String> = done.iter().map(DeliveredPart::shown).collect();
            let left: Vec<String> = left.iter().map(ToString::to_string).collect();
            let after = match left.as_slice() {
                [] => String::new(),
                left => format!("; not tried: {}", left.join(", ")),
            };
            PublishFailure::Failed(Failure {
                what: "a part of the delivery".to_owned(),
                why: format!(
                    "done: {}; not done: {place}: {}{after}",
                    done.join(", "),
                    cause.describe()
                ),
                next: "what is done stays; refresh (^r) and plan again: what is there already is skipped"
                    .to_owned(),
            })
        }
        DeliverFailure::Git(error) if error.kind == GitErrorKind::Interrupted => failed(
            match error.message.as_str() {
                "interrupted" => "interrupted: nothing was pushed".to_owned(),
                words => words.to_owned(),
            },
            "everything is still staged",
        ),
        DeliverFailure::Git(error) => {
            PublishFailure::Failed(words::git_failure("delivery", &error))
        }
    }
}

/// Tells the screen about steps.
struct Steps {
    shared: Arc<Shared>,
    epoch: Epoch,
}

impl Steps {
    fn tell(&self, step: DeliveryStep) {
        tracing::debug!(?step, "delivery");
        self.shared.tell(Event::Delivery {
            epoch: self.epoch,
            at: Timestamp::now(),
            step,
        });
    }

    fn take(&self, step: DeliverStep) {
        match step {
            DeliverStep::Ran(command) => self.shared.tell(words::ran(command)),
            DeliverStep::Checked(sentence) => {
                *lock(&self.shared.fetched_at) = Some(Timestamp::now());
                self.tell(DeliveryStep::Done(Stage::Checked, sentence));
                self.tell(DeliveryStep::Began(Stage::Committed));
            }
            DeliverStep::Published(sentence) => self.shared.tell(Event::Notice(sentence)),
            DeliverStep::Committed(commit) => {
                self.tell(DeliveryStep::Done(Stage::Committed, commit.short()));
                self.tell(DeliveryStep::Began(Stage::Pushed));
            }
        }
    }
}

/// Follows each changed cell until it is healthy or will not be.
async fn follow(
    shared: &Shared,
    steps: &Steps,
    confirmed: &Plan,
    delivered: &Delivered,
    clusters: &Handle,
) {
    if delivered.deliver == Deliver::Branch {
        let places = delivered.parts.iter().map(|part| {
            let branch = || format!("branch {}", part.branch);
            part.link.clone().unwrap_or_else(branch)
        });
        let place = places.collect::<Vec<_>>().join(", ");
        return steps.tell(DeliveryStep::Ended(Ok(format!(
            "waits for its merge: {place}"
        ))));
    }
    let expectations = match expectations(shared, confirmed, delivered) {
        Ok(expectations) => expectations,
        Err(error) => {
            return steps.tell(DeliveryStep::Ended(Err(words::git_failure(
                "following the delivery",
                &error,
            ))));
        }
    };
    steps.tell(DeliveryStep::Began(Stage::Rolling));
    let began = Instant::now();
    let mut changes = clusters.changes();
    let mut last: BTreeMap<CellKey, CellProgress> = BTreeMap::new();
    loop {
        let facts = clusters.facts();
        let waited = began.elapsed();
        for (cell, expected) in &expectations {
            let connection = facts.connections.get(&cell.environment);
            let progress = delivery::judge(expected, connection, facts.live.get(cell), waited);
            if last.get(cell).is_some_and(CellProgress::is_over)
                || last.get(cell) == Some(&progress)
            {
                continue;
            }
            steps.tell(DeliveryStep::Cell(cell.clone(), progress.clone()));
            last.insert(cell.clone(), progress);
        }
        if last.values().all(CellProgress::is_over) {
            break;
        }
        // A second at most: deadlines pass without anything happening.
        let _ = tokio::time::timeout(Duration::from_secs(1), changes.changed()).await;
    }
    let failed: Vec<_> = last
        .iter()
        .filter_map(|(cell, progress)| match progress {
            CellProgress::Failed(why) => Some(format!("{cell}: {why}")),
            _ => None,
        })
        .collect();
    let watched = last
        .values()
        .filter(|progress| **progress == CellProgress::Healthy)
        .count();
    steps.tell(DeliveryStep::Ended(if failed.is_empty() {
        if watched == 0 {
            // Not seen is not healthy: the last stage stays open.
            let words = "nothing to watch".to_owned();
            steps.tell(DeliveryStep::Done(Stage::Rolling, words));
            Ok("pushed; nothing about what runs is judged".to_owned())
        } else {
            let count = format!("{watched} of {} watched", last.len());
            steps.tell(DeliveryStep::Done(Stage::Rolling, String::new()));
            steps.tell(DeliveryStep::Done(Stage::Healthy, count.clone()));
            Ok(if watched == last.len() {
                "healthy".to_owned()
            } else {
                format!("healthy, {count}")
            })
        }
    } else {
        Err(Failure {
            what: "rollout".to_owned(),
            why: failed.join("; "),
            next: "r reverts it".to_owned(),
        })
    }));
}

/// What each changed cell is to run: read from the commit itself, because a removed override means another version.
fn expectations(
    shared: &Shared,
    confirmed: &Plan,
    delivered: &Delivered,
) -> Result<BTreeMap<CellKey, Expectation>, GitError> {
    let desired = shared.session().read_with(&delivered.moved_refs())?.desired;
    let session = shared.session();
    let topology = &session.config.topology;
    Ok(confirmed
        .changes
        .iter()
        .filter_map(|change| {
            let environment = topology.get(&change.cell.environment)?;
            let expected = Expectation {
                version: desired.version(&change.cell).cloned(),
                subject: desired
                    .cells
                    .get(&change.cell)
                    .map(|cell| cell.subject)
                    .unwrap_or_default(),
                timeout: environment.timeout,
            };
            Some((change.cell.clone(), expected))
        })
        .collect())
}

//! A confirmed plan leaves the clone: fetched again, judged again, committed, pushed; never twice, never by force.

mod arrival;
mod outcome;
mod words;

use std::time::Duration;

use jiff::Timestamp;

use self::words::{differences, moved_since, still_there};
pub use self::{
    arrival::{arrive, longest_timeout},
    outcome::{DeliverFailure, DeliverStep, Delivered, DeliveredPart, Elsewhere},
};
use super::{PlanRequest, Prepared, Session, prepare, prepare::moves_on};
use crate::{
    domain::{
        desired::{RefName, Tip},
        ids::{CellKey, ObjectId},
        message,
        plan::{self, Action, Facts, Plan, PlannedWrite},
        topology::Deliver,
    },
    sources::git::{self, Destination, GitError, PushOutcome, PushRequest, Repo},
};

/// How often a base that moves between the last look and the push is looked at again.
const TRIES: usize = 4;

/// A replica that is fetched while its primary is pushed to has new commits within moments.
const REPLICA: Duration = Duration::from_secs(5);

/// What is known of the clusters at a moment.
type FactsNow<'a> = &'a (dyn Fn() -> Facts + Send + Sync);

/// Delivers a confirmed plan. `facts` gives what is known of the clusters at that moment; `tell` hears of each step.
///
/// Several commits go one after the other, in the plan's order. Where one fails, those before it stay, and what is done and
/// what is not is said: a push cannot be taken back.
///
/// # Errors
/// Why nothing was published; [`DeliverFailure::Partial`] where some of it was.
pub async fn deliver(
    session: &Session,
    confirmed: &Prepared,
    facts: FactsNow<'_>,
    tell: &mut (dyn FnMut(DeliverStep) + Send),
) -> Result<Delivered, DeliverFailure> {
    if confirmed.plan.is_empty() {
        return Err(DeliverFailure::Empty);
    }
    let mut locks = Vec::new();
    let mut locked: Vec<&RefName> = Vec::new();
    for write in &confirmed.plan.writes {
        if locked
            .iter()
            .any(|other| other.repository == write.place.repository)
        {
            continue;
        }
        let repo = session
            .repository(&write.place)
            .map_err(DeliverFailure::Git)?;
        locks.push(git::lock(repo, &holder()).map_err(DeliverFailure::Git)?);
        locked.push(&write.place);
    }
    for (write, base) in confirmed.plan.writes.iter().zip(&confirmed.bases) {
        fetch(session, write, base, tell).await?;
    }
    let again = judge_again(
        session,
        confirmed,
        &confirmed.plan,
        &confirmed.request,
        facts,
    )?;
    let moved = moved_since(session, confirmed, &again);
    tell(DeliverStep::Checked(
        moved.clone().unwrap_or_else(|| still_there(&again)),
    ));

    let mut delivery = Delivery {
        session,
        confirmed,
        facts,
        tell,
        moved,
    };
    let mut parts: Vec<DeliveredPart> = Vec::new();
    for at in 0..again.plan.writes.len() {
        match delivery.write(&again, at).await {
            Ok(part) => {
                if again.plan.writes.len() > 1 {
                    (delivery.tell)(DeliverStep::Published(part.describe()));
                }
                parts.push(part);
            }
            Err(cause) if parts.is_empty() => return Err(cause),
            Err(cause) => {
                let mut places = again.plan.writes[at..]
                    .iter()
                    .map(|write| write.place.clone());
                return Err(DeliverFailure::Partial {
                    done: parts,
                    failed: places.next().unwrap_or_default(),
                    cause: Box::new(cause),
                    left: places.collect(),
                });
            }
        }
    }
    let mut delivered = Delivered {
        parts,
        deliver: confirmed.deliver,
        moved: delivery.moved,
    };
    arrive(session, &mut delivered, REPLICA).await;
    Ok(delivered)
}

/// What stays the same while the commits of a plan are published.
struct Delivery<'a> {
    session: &'a Session,
    confirmed: &'a Prepared,
    facts: FactsNow<'a>,
    tell: &'a mut (dyn FnMut(DeliverStep) + Send),
    moved: Option<String>,
}

impl Delivery<'_> {
    /// Publishes one commit or tag of a plan that was just judged again.
    async fn write(
        &mut self,
        again: &Prepared,
        at: usize,
    ) -> Result<DeliveredPart, DeliverFailure> {
        let mut current = again.clone();
        let mut at = at;
        for _ in 0..TRIES {
            let (write, base) = (&current.plan.writes[at], &current.bases[at]);
            let repo = self
                .session
                .repository(&write.place)
                .map_err(DeliverFailure::Git)?;
            let made = make(repo, &current, at).map_err(DeliverFailure::Git)?;
            (self.tell)(DeliverStep::Committed(made));
            let changes: Vec<_> = current.plan.changes_of(write).cloned().collect();
            let destination = match (&write.action, self.confirmed.deliver) {
                (Action::Tag { .. }, _) => Destination::Tag(base.branch().to_owned()),
                (_, Deliver::Push) => Destination::Branch,
                (_, Deliver::Branch) => Destination::Own(message::branch_name(&changes, made)),
            };
            let request = PushRequest {
                base: base.clone(),
                commit: made,
                destination,
            };
            let (outcome, ran) = git::push(repo, &request)
                .await
                .map_err(DeliverFailure::Git)?;
            for ran in ran {
                (self.tell)(DeliverStep::Ran(ran));
            }
            let mut elsewhere = None;
            let (branch, words, link) = match outcome {
                PushOutcome::Pushed { words } => (base.branch().to_owned(), words, None),
                PushOutcome::Elsewhere { addresses, words } => {
                    let branch = match &request.destination {
                        Destination::Own(name) => name.clone(),
                        Destination::Branch | Destination::Tag(_) => base.branch().to_owned(),
                    };
                    elsewhere = Some(Elsewhere {
                        addresses,
                        request: request.clone(),
                    });
                    (branch, words.join("\n"), None)
                }
                PushOutcome::BranchPushed {
                    branch,
                    words,
                    link,
                } => (branch, words, link),
                PushOutcome::Moved { .. } => {
                    current = self.look_again(&current, at).await?;
                    at = 0;
                    continue;
                }
                PushOutcome::Rejected(rejection) => {
                    return Err(DeliverFailure::Rejected(rejection));
                }
                PushOutcome::Unclear { words } => return Err(DeliverFailure::Unclear(words)),
            };
            let is_tag = matches!(write.action, Action::Tag { .. });
            if let (true, None, Some(remote)) = (is_tag, &elsewhere, &base.remote) {
                // So that it is read here too; where that fails, the next fetch brings it.
                let refspec = format!("refs/tags/{branch}:refs/tags/{branch}");
                let _ = git::fetch_refs(repo, remote, &[refspec]).await;
            }
            return Ok(DeliveredPart {
                place: write.place.clone(),
                commit: if is_tag { write.base } else { made },
                base: base.clone(),
                branch,
                words: words.lines().map(str::to_owned).collect(),
                link,
                elsewhere,
            });
        }
        Err(DeliverFailure::Moved {
            fresh: Box::new(current),
            changes: vec![format!(
                "the branch moved {TRIES} times while pushing: others are publishing"
            )],
        })
    }

    /// The one write of `current` on its ref as it is now, if it is still what was confirmed.
    async fn look_again(
        &mut self,
        current: &Prepared,
        at: usize,
    ) -> Result<Prepared, DeliverFailure> {
        let write = &current.plan.writes[at];
        fetch(self.session, write, &current.bases[at], self.tell).await?;
        let (expected, request) = if self.confirmed.plan.writes.len() == 1 {
            (self.confirmed.plan.clone(), self.confirmed.request.clone())
        } else {
            part_of(self.confirmed, &write.place)
        };
        let again = judge_again(
            self.session,
            self.confirmed,
            &expected,
            &request,
            self.facts,
        )?;
        self.moved = moved_since(self.session, self.confirmed, &again).or(self.moved.take());
        if let Some(moved) = &self.moved {
            (self.tell)(DeliverStep::Checked(moved.clone()));
        }
        Ok(again)
    }
}

/// One ref's part of a plan and of its request.
fn part_of(prepared: &Prepared, place: &RefName) -> (Plan, PlanRequest) {
    let mut plan = prepared.plan.clone();
    plan.writes.retain(|write| write.place == *place);
    let cells: Vec<CellKey> = plan
        .writes
        .iter()
        .flat_map(|write| write.cells.clone())
        .collect();
    plan.changes.retain(|change| cells.contains(&change.cell));
    plan.skipped.clear();
    let mut request = prepared.request.clone();
    request
        .changes
        .retain(|change| cells.contains(&change.cell));
    (plan, request)
}

async fn fetch(
    session: &Session,
    write: &PlannedWrite,
    base: &Tip,
    tell: &mut (dyn FnMut(DeliverStep) + Send),
) -> Result<(), DeliverFailure> {
    let repo = session
        .repository(&write.place)
        .map_err(DeliverFailure::Git)?;
    let Some(remote) = &base.remote else {
        return Ok(());
    };
    let fetched = match &write.action {
        Action::Edit => git::fetch(repo, base).await.map(|fetched| fetched.ran),
        Action::Merge { from, .. } => {
            let refspecs = [
                refspec(repo, remote, from)?,
                refspec(repo, remote, &write.place)?,
            ];
            git::fetch_refs(repo, remote, &refspecs).await.map(Some)
        }
        Action::Tag { .. } => {
            let refspecs = ["refs/tags/*:refs/tags/*".to_owned()];
            git::fetch_refs(repo, remote, &refspecs).await.map(Some)
        }
    };
    if let Some(ran) = fetched.map_err(DeliverFailure::Git)? {
        tell(DeliverStep::Ran(ran));
    }
    Ok(())
}

fn refspec(repo: &Repo, remote: &str, place: &RefName) -> Result<String, DeliverFailure> {
    let tracking = repo.tracking_ref(remote, place.short());
    let tracking = tracking.map_err(DeliverFailure::Git)?;
    Ok(format!("+{}:{tracking}", place.reference))
}

/// The commit or tag of one write, in the object database.
fn make(repo: &Repo, prepared: &Prepared, at: usize) -> Result<ObjectId, GitError> {
    let (write, base) = (&prepared.plan.writes[at], &prepared.bases[at]);
    let message = &prepared.messages[at];
    match &write.action {
        Action::Edit => git::build_commit(repo, base.commit, &write.edits, message),
        Action::Merge { commit, .. } if moves_on(&prepared.plan, write) => Ok(*commit),
        Action::Merge { commit, .. } => {
            let merged = repo.merge(base.commit, *commit)?;
            git::build_merge(repo, base.commit, *commit, &merged, message)
        }
        Action::Tag { .. } => git::build_tag(repo, base.branch(), write.base, message),
    }
}

/// What was confirmed, on the refs as they are now, if it is still the same.
fn judge_again(
    session: &Session,
    confirmed: &Prepared,
    expected: &Plan,
    request: &PlanRequest,
    facts: FactsNow<'_>,
) -> Result<Prepared, DeliverFailure> {
    let again = session
        .read()
        .and_then(|reading| prepare(session, &reading, &facts(), request, Timestamp::now()))
        .map_err(DeliverFailure::Git)?;
    if !plan::same(expected, &again.plan) {
        let changes = differences(session, confirmed, expected, &again);
        return Err(DeliverFailure::Moved {
            fresh: Box::new(again),
            changes,
        });
    }
    if again.plan.held().next().is_some() {
        return Err(DeliverFailure::Held(Box::new(again)));
    }
    Ok(again)
}

/// Who holds the lock, for others to read.
fn holder() -> String {
    let user = ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    format!(
        "process {} of {}",
        std::process::id(),
        user.as_deref().unwrap_or("somebody")
    )
}

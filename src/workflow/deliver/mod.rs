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
use super::{Session, prepare};
use crate::{
    domain::{
        desired::RefName,
        ids::ObjectId,
        message,
        plan::{Action, Facts, Plan, Write},
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
    confirmed: &Plan,
    facts: FactsNow<'_>,
    tell: &mut (dyn FnMut(DeliverStep) + Send),
) -> Result<Delivered, DeliverFailure> {
    let digest = &confirmed.digest;
    tracing::info!(digest, writes = confirmed.writes().count(), "delivering");
    let delivered = deliver_all(session, confirmed, facts, &mut |step| {
        step.log();
        tell(step);
    })
    .await;
    match &delivered {
        Ok(delivered) => {
            for part in &delivered.parts {
                tracing::info!(digest, part = part.describe(), "delivered");
            }
        }
        Err(failure) => tracing::warn!(digest, why = failure.describe(), "not delivered"),
    }
    delivered
}

async fn deliver_all(
    session: &Session,
    confirmed: &Plan,
    facts: FactsNow<'_>,
    tell: &mut (dyn FnMut(DeliverStep) + Send),
) -> Result<Delivered, DeliverFailure> {
    if confirmed.is_empty() {
        return Err(DeliverFailure::Empty);
    }
    let mut locks = Vec::new();
    let mut locked: Vec<&RefName> = Vec::new();
    for write in confirmed.writes() {
        if locked
            .iter()
            .any(|other| other.repository == write.tip.name.repository)
        {
            continue;
        }
        let repo = session
            .repository(&write.tip.name)
            .map_err(DeliverFailure::Git)?;
        locks.push(git::lock(repo, &holder()).map_err(DeliverFailure::Git)?);
        locked.push(&write.tip.name);
    }
    for write in confirmed.writes() {
        fetch(session, write, tell).await?;
    }
    let again = judge_again(session, confirmed, confirmed, facts)?;
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
    let several = again.writes().count() > 1;
    for (at, write) in again.writes().enumerate() {
        match delivery.write(&again, write).await {
            Ok(part) => {
                if several {
                    (delivery.tell)(DeliverStep::Published(part.describe()));
                }
                parts.push(part);
            }
            Err(cause) if parts.is_empty() => return Err(cause),
            Err(cause) => {
                let mut places = again.writes().skip(at).map(|write| write.tip.name.clone());
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
    confirmed: &'a Plan,
    facts: FactsNow<'a>,
    tell: &'a mut (dyn FnMut(DeliverStep) + Send),
    moved: Option<String>,
}

impl<'a> Delivery<'a> {
    /// Publishes one commit or tag of a plan that was just judged again.
    async fn write(
        &mut self,
        again: &Plan,
        write: &Write,
    ) -> Result<DeliveredPart, DeliverFailure> {
        // The confirmed plan's words, whatever part of it is judged again.
        let message = self.message(write);
        let mut current = again.clone();
        let mut write = write.clone();
        for _ in 0..TRIES {
            let tip = &write.tip;
            let repo = self
                .session
                .repository(&write.tip.name)
                .map_err(DeliverFailure::Git)?;
            let made = make(repo, &current, &write, message).map_err(DeliverFailure::Git)?;
            (self.tell)(DeliverStep::Committed(made));
            let changes: Vec<_> = current.changes_of(&write).cloned().collect();
            let destination = match (&write.action, self.confirmed.deliver) {
                (Action::Tag { .. }, _) => Destination::Tag(tip.branch().to_owned()),
                (_, Deliver::Push) => Destination::Branch,
                (_, Deliver::Branch) => Destination::Own(message::branch_name(&changes, made)),
            };
            let request = PushRequest {
                base: tip.clone(),
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
                PushOutcome::Pushed { words } => (tip.branch().to_owned(), words, None),
                PushOutcome::Elsewhere { addresses, words } => {
                    let branch = match &request.destination {
                        Destination::Own(name) => name.clone(),
                        Destination::Branch | Destination::Tag(_) => tip.branch().to_owned(),
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
                    (current, write) = self.look_again(&write).await?;
                    continue;
                }
                PushOutcome::Rejected(rejection) => {
                    return Err(DeliverFailure::Rejected(rejection));
                }
                PushOutcome::Unclear { words } => return Err(DeliverFailure::Unclear(words)),
            };
            let is_tag = matches!(write.action, Action::Tag { .. });
            if let (true, None, Some(remote)) = (is_tag, &elsewhere, &tip.remote) {
                // So that it is read here too; where that fails, the next fetch brings it.
                let refspec = format!("refs/tags/{branch}:refs/tags/{branch}");
                let _ = git::fetch_refs(repo, remote, &[refspec]).await;
            }
            return Ok(DeliveredPart {
                commit: if is_tag { tip.commit } else { made },
                tip: tip.clone(),
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

    /// What the confirmed plan says of this write.
    fn message(&self, write: &Write) -> &'a str {
        let mut confirmed = self.confirmed.writes();
        let known = confirmed.find(|other| other.tip.name == write.tip.name);
        known.map_or("", |known| known.message.as_str())
    }

    /// One write on its ref as it is now, if it is still what was confirmed.
    async fn look_again(&mut self, write: &Write) -> Result<(Plan, Write), DeliverFailure> {
        fetch(self.session, write, self.tell).await?;
        let part = match self.confirmed.writes().count() {
            1 => self.confirmed.clone(),
            _ => self.confirmed.part(write),
        };
        let again = judge_again(self.session, self.confirmed, &part, self.facts)?;
        self.moved = moved_since(self.session, self.confirmed, &again).or(self.moved.take());
        if let Some(moved) = &self.moved {
            (self.tell)(DeliverStep::Checked(moved.clone()));
        }
        let same = |other: &&Write| other.tip.name == write.tip.name;
        let write = again.writes().find(same).cloned();
        let Some(write) = write else {
            return Err(DeliverFailure::Empty);
        };
        Ok((again, write))
    }
}

async fn fetch(
    session: &Session,
    write: &Write,
    tell: &mut (dyn FnMut(DeliverStep) + Send),
) -> Result<(), DeliverFailure> {
    let repo = session
        .repository(&write.tip.name)
        .map_err(DeliverFailure::Git)?;
    let Some(remote) = &write.tip.remote else {
        return Ok(());
    };
    let fetched = match &write.action {
        Action::Edit => git::fetch(repo, &write.tip)
            .await
            .map(|fetched| fetched.ran),
        Action::Merge { from, .. } => {
            let refspecs = [
                refspec(repo, remote, from)?,
                refspec(repo, remote, &write.tip.name)?,
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
fn make(repo: &Repo, plan: &Plan, write: &Write, message: &str) -> Result<ObjectId, GitError> {
    let tip = &write.tip;
    match &write.action {
        Action::Edit => git::build_commit(repo, tip.commit, &write.edits, message),
        // A fast-forward has no message of ours: it is somebody else's commit.
        Action::Merge { commit, .. } if plan.moves_on(write) => Ok(*commit),
        Action::Merge { commit, .. } => {
            let merged = repo.merge(tip.commit, *commit)?;
            git::build_merge(repo, tip.commit, *commit, &merged, message)
        }
        Action::Tag { .. } => git::build_tag(repo, tip.branch(), tip.commit, message),
    }
}

/// A part of what was confirmed, or all of it, on the refs as they are now, if it is still the same.
fn judge_again(
    session: &Session,
    confirmed: &Plan,
    part: &Plan,
    facts: FactsNow<'_>,
) -> Result<Plan, DeliverFailure> {
    let again = session
        .read()
        .and_then(|reading| prepare(session, &reading, &facts(), &part.request, Timestamp::now()))
        .map_err(DeliverFailure::Git)?;
    if again.digest != part.digest {
        let changes = differences(session, confirmed, part, &again);
        return Err(DeliverFailure::Moved {
            fresh: Box::new(again),
            changes,
        });
    }
    if again.held().next().is_some() {
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

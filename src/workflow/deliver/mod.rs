//! A confirmed plan leaves the clone: fetched again, judged again, committed, pushed; never twice, never by force.

mod arrival;
mod closing;
mod follow;
mod left;
mod merging;
mod permit;
mod ready;
mod rehearse;
mod report;
mod request;
mod rest;
mod signing;
mod underway;
mod verify;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

pub(super) use self::report::{differences, moved_since};
pub use self::{
    arrival::longest_timeout,
    closing::Drops,
    follow::{Clusters, OwnClusters},
    left::{LeftBehind, left_behind},
    permit::{Locks, Permit},
    rehearse::rehearse,
    rest::{HandedOver, Rest, Standing, forget_later_waves},
    signing::{Lender, Loan},
    underway::{Told, Underway},
};
use self::{
    ready::{Ready, What},
    report::still_there,
};
use super::{AskRunning, Project, prepare};
use crate::{
    domain::{
        delivery::{Destination, Elsewhere, Fact, NotPublished, Part},
        desired::RefName,
        failure::{Failure, FailureKind},
        plan::{Action, Plan, Write},
    },
    sources::git::{self, PushOutcome, Repo},
};

/// How often a base that moves between the last look and the push is looked at again.
const TRIES: usize = 4;

/// A replica that is fetched while its primary is pushed to has new commits within moments.
const REPLICA: Duration = Duration::from_secs(5);

impl Underway<'_> {
    /// Publishes the confirmed plan that it is of. `running` says what runs at that moment. How it ended
    /// is in the delivery: published, or over.
    ///
    /// Several commits are all made and signed first, and go one after the other then, in the plan's order. Where one fails,
    /// those before it stay, and what is done and what is not is said: a push cannot be taken back.
    pub async fn publish(&mut self, confirmed: &Plan, running: AskRunning<'_>) {
        let digest = &confirmed.digest;
        tracing::info!(digest, writes = confirmed.writes().count(), "delivering");
        self.is_about(confirmed);
        self.apply(Fact::Confirmed(confirmed.commands()));
        match self.publish_all(confirmed, running).await {
            Ok(()) => self.arrive(REPLICA).await,
            Err(why) => self.apply(Fact::NotPublished(why)),
        }
    }

    /// Publishes one wave of the confirmed plan, counted from 0. Before the first, all of the plan is judged again: nothing of
    /// it begins that could not be ended.
    pub async fn publish_wave(&mut self, confirmed: &Plan, number: usize, running: AskRunning<'_>) {
        self.keep_plan(confirmed);
        if number == 0
            && confirmed.waves.len() > 1
            && let Err(why) = self.look_at_all(confirmed, running).await
        {
            return self.apply(Fact::NotPublished(why));
        }
        self.publish(&confirmed.wave(number), running).await;
    }

    async fn look_at_all(
        &mut self,
        confirmed: &Plan,
        running: AskRunning<'_>,
    ) -> Result<(), NotPublished> {
        for write in confirmed.writes() {
            self.fetch(write).await?;
        }
        judge_again(self.project, confirmed, confirmed, running).map(|_| ())
    }

    async fn publish_all(
        &mut self,
        confirmed: &Plan,
        running: AskRunning<'_>,
    ) -> Result<(), NotPublished> {
        let project = self.project;
        if confirmed.is_empty() {
            return Err(NotPublished::Empty);
        }
        self.before_requests(confirmed).await?;
        let mut locks = Vec::new();
        let mut locked: Vec<&RefName> = Vec::new();
        for write in confirmed.writes() {
            if locked
                .iter()
                .any(|other| other.repository == write.tip.name.repository)
            {
                continue;
            }
            let repo = project.repository(&write.tip.name).map_err(failed)?;
            locks.push(git::lock(repo, &holder()).map_err(failed)?);
            locked.push(&write.tip.name);
        }
        for write in confirmed.writes() {
            self.fetch(write).await?;
        }
        let again = judge_again(project, confirmed, confirmed, running)?;
        let moved = moved_since(project, confirmed, &again);
        self.apply(Fact::Checked {
            moved: moved.is_some(),
            sentence: moved.unwrap_or_else(|| still_there(&again)),
        });
        let publishing = Publishing { confirmed, running };
        // All of it is signed before anything is pushed: what is pushed cannot be taken back.
        for ready in Box::pin(self.ready(&publishing, confirmed, again)).await? {
            let write = ready.write.clone();
            let mut part = Box::pin(self.push(&publishing, ready)).await?;
            self.link(&write, &mut part);
            self.not_asked(&write, &mut part);
            self.apply(Fact::Published(part));
        }
        // Others may publish while people look at it.
        drop(locks);
        self.request_all(confirmed).await
    }

    /// Publishes one commit or tag.
    async fn push(
        &mut self,
        publishing: &Publishing<'_>,
        ready: Ready,
    ) -> Result<Part, NotPublished> {
        let mut ready = ready;
        let mut latest = None;
        for _ in 0..TRIES {
            let Ready { write, what } = ready;
            let push = match what {
                What::Push(push) => *push,
                What::Waits(part) => return Ok(*part),
            };
            let tip = &write.tip;
            let repo = self.project.repository(&tip.name).map_err(failed)?;
            self.apply(Fact::Made(push.clone()));
            // What was kept of that took its time.
            self.may_push()?;
            let (outcome, ran) = git::push(repo, &push).await.map_err(failed)?;
            for ran in ran {
                self.ran(ran);
            }
            let part = match outcome {
                PushOutcome::Pushed { message } => push.published(&message, None),
                PushOutcome::BranchPushed { message, link, .. } => push.published(&message, link),
                PushOutcome::Elsewhere { addresses, message } => Part {
                    elsewhere: Some(Elsewhere {
                        addresses,
                        push: push.clone(),
                    }),
                    ..push.published(&message.join("\n"), None)
                },
                PushOutcome::Moved { .. } => {
                    let (part, again) = self.look_again(publishing, &write).await?;
                    latest = Some(again.clone());
                    let made = self.ready(publishing, &part, again).await?;
                    let mut made = made.into_iter();
                    let same = |it: &Ready| it.write.tip.name == write.tip.name;
                    ready = made.find(same).ok_or(NotPublished::Empty)?;
                    continue;
                }
                PushOutcome::Rejected(rejection) => return Err(NotPublished::Rejected(rejection)),
                PushOutcome::Unclear { message } => return Err(NotPublished::Unclear(message)),
            };
            if let (Destination::Tag(name), None, Some(remote)) =
                (&push.destination, &part.elsewhere, &tip.remote)
            {
                // So that it is read here too; where that fails, the next fetch brings it.
                let refspecs = git::tag_refspecs(remote, &format!("refs/tags/{name}"));
                let _ = git::fetch_refs(repo, remote, &refspecs).await;
            }
            return Ok(part);
        }
        let latest = latest.unwrap_or_else(|| publishing.confirmed.clone());
        Err(ready::moved_too_often(latest))
    }

    /// One write on its ref as it is now, if it is still what was confirmed: that, and what was confirmed of it.
    async fn look_again(
        &mut self,
        publishing: &Publishing<'_>,
        write: &Write,
    ) -> Result<(Plan, Plan), NotPublished> {
        let Publishing { confirmed, running } = publishing;
        self.fetch(write).await?;
        let part = match confirmed.writes().count() {
            1 => (*confirmed).clone(),
            _ => confirmed.part(write),
        };
        let again = judge_again(self.project, confirmed, &part, *running)?;
        if let Some(sentence) = moved_since(self.project, confirmed, &again) {
            let moved = true;
            self.apply(Fact::Checked { sentence, moved });
        }
        Ok((part, again))
    }

    async fn fetch(&mut self, write: &Write) -> Result<(), NotPublished> {
        let repo = self.project.repository(&write.tip.name).map_err(failed)?;
        let Some(remote) = &write.tip.remote else {
            return Ok(());
        };
        let fetched = match &write.action {
            Action::Edit => git::fetch(repo, &write.tip)
                .await
                .map(|fetched| fetched.ran.into_iter().collect()),
            Action::Merge { from, .. } => {
                let refspecs = [
                    refspec(repo, remote, from)?,
                    refspec(repo, remote, &write.tip.name)?,
                ];
                git::fetch_refs(repo, remote, &refspecs).await
            }
            Action::Tag { .. } => {
                let refspecs = git::tag_refspecs(remote, "refs/tags/");
                git::fetch_refs(repo, remote, &refspecs).await
            }
        };
        let fetched: Vec<_> = fetched.map_err(failed)?;
        for ran in fetched {
            self.ran(ran);
        }
        Ok(())
    }
}

/// What stays the same while the commits of a plan are published.
struct Publishing<'a> {
    confirmed: &'a Plan,
    running: AskRunning<'a>,
}

impl<'a> Publishing<'a> {
    /// What the confirmed plan says of this write.
    fn message(&self, write: &Write) -> &'a str {
        let mut confirmed = self.confirmed.writes();
        let known = confirmed.find(|other| other.tip.name == write.tip.name);
        known.map_or("", |known| known.message.as_str())
    }
}

/// Git's word on why it is not published.
fn failed(error: Failure) -> NotPublished {
    NotPublished::Failed(error.during("delivery"))
}

fn refspec(repo: &Repo, remote: &str, place: &RefName) -> Result<String, NotPublished> {
    let tracking = repo.tracking_ref(remote, place.short());
    let tracking = tracking.map_err(failed)?;
    Ok(format!("+{}:{tracking}", place.reference))
}

/// A part of what was confirmed, or all of it, on the refs as they are now, if it is still the same.
fn judge_again(
    project: &Project,
    confirmed: &Plan,
    part: &Plan,
    running: AskRunning<'_>,
) -> Result<Plan, NotPublished> {
    if project.policy_moved().map_err(failed)? {
        return Err(NotPublished::Failed(
            Failure::new(
                FailureKind::Moved,
                "the configuration changed on the branch since this was planned, and may ask for something else",
            )
            .hint("Plan it again: it is judged by the new configuration then"),
        ));
    }
    let again = project
        .read()
        .and_then(|reading| prepare(project, &reading, running, &part.request, Timestamp::now()))
        .map_err(failed)?;
    if again.digest != part.digest {
        let changes = differences(project, confirmed, part, &again);
        return Err(NotPublished::Moved {
            fresh: Arc::new(again),
            changes,
        });
    }
    if again.held().next().is_some() {
        return Err(NotPublished::Held(Arc::new(again)));
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

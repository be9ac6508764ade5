//! A confirmed plan leaves the clone: fetched again, judged again, committed, pushed; never twice, never by force.

mod arrival;
mod closing;
mod follow;
mod left;
mod merging;
mod permit;
mod rehearse;
mod report;
mod request;
mod rest;
mod signing;
mod underway;
mod verify;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use self::report::still_there;
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
use super::{AskRunning, Project, prepare};
use crate::{
    domain::{
        delivery::{Destination, Elsewhere, Fact, NotPublished, Part, Push},
        desired::RefName,
        failure::{Failure, FailureKind},
        ids::ObjectId,
        message,
        plan::{Action, Plan, Write},
        topology::Deliver,
    },
    sources::git::{self, Making, OwnBranch, PushOutcome, Repo},
};

/// How often a base that moves between the last look and the push is looked at again.
const TRIES: usize = 4;

/// A replica that is fetched while its primary is pushed to has new commits within moments.
const REPLICA: Duration = Duration::from_secs(5);

impl Underway<'_> {
    /// Publishes the confirmed plan that it is of. `running` says what runs at that moment. How it ended
    /// is in the delivery: published, or over.
    ///
    /// Several commits go one after the other, in the plan's order. Where one fails, those before it stay, and what is done
    /// and what is not is said: a push cannot be taken back.
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
        for write in again.writes() {
            let mut part = self.write(&publishing, &again, write).await?;
            self.link(write, &mut part);
            self.not_asked(write, &mut part);
            self.apply(Fact::Published(part));
        }
        // Others may publish while people look at it.
        drop(locks);
        self.request_all(confirmed).await
    }

    /// Publishes one commit or tag of a plan that was just judged again.
    async fn write(
        &mut self,
        publishing: &Publishing<'_>,
        again: &Plan,
        write: &Write,
    ) -> Result<Part, NotPublished> {
        // The confirmed plan's message, whatever part of it is judged again.
        let message = publishing.message(write);
        let mut current = again.clone();
        let mut write = write.clone();
        for _ in 0..TRIES {
            self.may_push()?;
            let tip = &write.tip;
            let repo = self.project.repository(&tip.name).map_err(failed)?;
            let made = self.make(&current, &write, message).await?;
            let changes: Vec<_> = current.changes_of(&write).cloned().collect();
            let destination = match (&write.action, publishing.confirmed.deliver) {
                (Action::Tag { .. }, _) => Destination::Tag(tip.branch().to_owned()),
                (_, Deliver::Push) => Destination::Branch,
                (_, Deliver::Branch | Deliver::PullRequest) => {
                    Destination::Own(message::branch_name(&changes, &tip.name.reference))
                }
            };
            let mut push = Push {
                base: tip.clone(),
                commit: made,
                destination,
            };
            if let Destination::Own(name) = &push.destination {
                match git::own_branch(repo, &push, name).await.map_err(failed)? {
                    OwnBranch::Free(name) => push.destination = Destination::Own(name),
                    OwnBranch::Waits(name, commit, addresses) => {
                        let told = format!(
                            "nothing was pushed: the same change is on {name} already, by {}, and waits for its merge",
                            git::who(repo, commit)
                        );
                        push.destination = Destination::Own(name);
                        push.commit = commit;
                        let elsewhere = (!addresses.is_empty()).then(|| Elsewhere {
                            addresses,
                            push: push.clone(),
                        });
                        return Ok(Part {
                            elsewhere,
                            note: Some(told),
                            ..push.published("", None)
                        });
                    }
                }
            }
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
                    (current, write) = self.look_again(publishing, &write).await?;
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
        Err(NotPublished::Moved {
            fresh: Arc::new(current),
            changes: vec![format!(
                "the branch moved {TRIES} times while pushing: others are publishing"
            )],
        })
    }

    /// The commit or tag of one write, in the object database. What signs it has the terminal meanwhile.
    async fn make(
        &mut self,
        plan: &Plan,
        write: &Write,
        message: &str,
    ) -> Result<ObjectId, NotPublished> {
        let tip = &write.tip;
        let repo = self.project.repository(&tip.name).map_err(failed)?;
        let is_tag = matches!(write.action, Action::Tag { .. });
        // A fast-forward has no message of ours: it is somebody else's commit.
        if let Action::Merge { commit, .. } = &write.action
            && plan.moves_on(write)
        {
            return Ok(*commit);
        }
        let lent = match git::signs(repo, is_tag).map_err(failed)? {
            Some(_) => Some(self.lender.lend().await.ok_or_else(|| {
                failed(Failure::new(
                    FailureKind::Interrupted,
                    "not signed: the session ends",
                ))
            })?),
            None => None,
        };
        let settings = &self.project.config.user.commit;
        let making = Making {
            message,
            hooks: &settings.hooks,
            sign_off: settings.sign_off,
            at_terminal: lent.is_some(),
        };
        let made = match &write.action {
            Action::Edit => git::build_commit(repo, tip.commit, &write.edits, making),
            Action::Merge { commit, .. } => repo
                .merge(tip.commit, *commit)
                .and_then(|merged| git::build_merge(repo, tip.commit, *commit, &merged, making)),
            Action::Tag { .. } => git::build_tag(repo, tip.branch(), tip.commit, making),
        };
        drop(lent);
        made.map_err(failed)
    }

    fn may_push(&self) -> Result<(), NotPublished> {
        let may = self.permit.holds();
        may.then_some(()).ok_or(NotPublished::Locked)
    }

    /// One write on its ref as it is now, if it is still what was confirmed.
    async fn look_again(
        &mut self,
        publishing: &Publishing<'_>,
        write: &Write,
    ) -> Result<(Plan, Write), NotPublished> {
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
        let same = |other: &&Write| other.tip.name == write.tip.name;
        let write = again.writes().find(same).cloned();
        let Some(write) = write else {
            return Err(NotPublished::Empty);
        };
        Ok((again, write))
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

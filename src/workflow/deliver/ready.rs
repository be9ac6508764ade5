//! What is to be pushed, made and signed before anything of its wave is: what cannot be signed stops all of it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Publishing, TRIES, Underway, failed, judge_again, moved_since, signing::NotLent};
use crate::{
    domain::{
        delivery::{Destination, Elsewhere, Fact, NotPublished, Part, Push},
        failure::{Failure, FailureKind},
        ids::ObjectId,
        message,
        plan::{Action, Plan, Write},
        topology::Deliver,
    },
    sources::{
        git::{self, Making, OwnBranch},
        waiting,
    },
};

/// Making that took longer, as somebody was asked for a passphrase or a hook ran, gave everything time to change.
const LONG: Duration = Duration::from_secs(2);

/// One write of a plan that was just judged.
pub(super) struct Ready {
    pub(super) write: Write,
    pub(super) what: What,
}

/// What becomes of it.
pub(super) enum What {
    /// It is made, and to be pushed.
    Push(Box<Push>),
    /// The same change waits for its merge already.
    Waits(Box<Part>),
}

impl Underway<'_> {
    /// Makes all of a plan, which was just judged again; `part` is what was confirmed of it. Where that took long it is judged
    /// once more, right before it is pushed, and what moved meanwhile is made anew.
    pub(super) async fn ready(
        &mut self,
        publishing: &Publishing<'_>,
        part: &Plan,
        again: Plan,
    ) -> Result<Vec<Ready>, NotPublished> {
        let mut current = again;
        let mut ready: Vec<Ready> = Vec::new();
        for _ in 0..TRIES {
            let began = Instant::now();
            let mut made = Vec::new();
            for write in current.writes() {
                let same = |it: &Ready| {
                    let it = &it.write;
                    it.tip == write.tip && it.action == write.action && it.edits == write.edits
                };
                made.push(match ready.iter().position(same) {
                    Some(at) => ready.swap_remove(at),
                    None => self.one(publishing, &current, write).await?,
                });
            }
            ready = made;
            if began.elapsed() <= LONG {
                return Ok(ready);
            }
            for write in part.writes() {
                self.fetch(write).await?;
            }
            let confirmed = publishing.confirmed;
            current = judge_again(self.project, confirmed, part, publishing.running)?;
            if let Some(sentence) = moved_since(self.project, confirmed, &current) {
                let moved = true;
                self.apply(Fact::Checked { sentence, moved });
            }
        }
        Err(moved_too_often(current))
    }

    /// Makes one write; where it goes is looked at before anybody is asked for a passphrase.
    async fn one(
        &mut self,
        publishing: &Publishing<'_>,
        plan: &Plan,
        write: &Write,
    ) -> Result<Ready, NotPublished> {
        self.may_push()?;
        let tip = &write.tip;
        let repo = self.project.repository(&tip.name).map_err(failed)?;
        let changes: Vec<_> = plan.changes_of(write).cloned().collect();
        let destination = match (&write.action, publishing.confirmed.deliver) {
            (Action::Tag { .. }, _) => Destination::Tag(tip.branch().to_owned()),
            (_, Deliver::Push) => Destination::Branch,
            (_, Deliver::Branch | Deliver::PullRequest) => {
                let name = message::branch_name(&changes, &tip.name.reference);
                match git::own_branch(repo, tip, &name).await.map_err(failed)? {
                    OwnBranch::Free(name) => Destination::Own(name),
                    OwnBranch::Waits(name, commit, addresses) => {
                        let push = Push {
                            base: tip.clone(),
                            commit,
                            destination: Destination::Own(name),
                        };
                        let told = format!(
                            "nothing was pushed: the same change is on {} already, by {}, and waits for its merge",
                            push.branch(),
                            git::who(repo, commit)
                        );
                        let elsewhere = (!addresses.is_empty()).then(|| Elsewhere {
                            addresses,
                            push: push.clone(),
                        });
                        let part = Part {
                            elsewhere,
                            note: Some(told),
                            ..push.published("", None)
                        };
                        return Ok(Ready {
                            write: write.clone(),
                            what: What::Waits(Box::new(part)),
                        });
                    }
                }
            }
        };
        // The confirmed plan's message, whatever part of it is judged again.
        let commit = self.make(plan, write, publishing.message(write)).await?;
        Ok(Ready {
            write: write.clone(),
            what: What::Push(Box::new(Push {
                base: tip.clone(),
                commit,
                destination,
            })),
        })
    }

    /// The commit or tag of one write, in the object database. What signs it is asked without the terminal first, as an agent
    /// needs none, and has it only where that is not enough.
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
        let settings = &self.project.config.user.commit;
        let making = Making {
            message,
            hooks: &settings.hooks,
            sign_off: settings.sign_off,
            ..Making::default()
        };
        let settled = if is_tag {
            message.to_owned()
        } else {
            git::settled(repo, &making).map_err(failed)?
        };
        let build = |at_terminal: bool| {
            let making = Making {
                at_terminal,
                is_settled: true,
                ..Making::from(settled.as_str())
            };
            match &write.action {
                Action::Edit => git::build_commit(repo, tip.commit, &write.edits, making),
                Action::Merge { commit, .. } => {
                    repo.merge(tip.commit, *commit).and_then(|merged| {
                        git::build_merge(repo, tip.commit, *commit, &merged, making)
                    })
                }
                Action::Tag { .. } => git::build_tag(repo, tip.branch(), tip.commit, making),
            }
        };
        let signs = git::signs(repo, is_tag).map_err(failed)?;
        let what = if is_tag { "tag" } else { "commit" };
        let quietly = {
            // It asks nobody here, but a key in the hand may want to be touched.
            let words =
                || format!("waiting for the signature of the {what}: a key may want to be touched");
            let _waiting = signs.map(|_| waiting::on(words()));
            build(false)
        };
        match quietly {
            Err(error) if error.kind == FailureKind::NotSigned && git::may_ask() => {
                let lent = self.lender.lend(what).await;
                let lent = lent.map_err(|why| failed(not_lent(what, why)))?;
                let made = build(true);
                drop(lent);
                made.map_err(failed)
            }
            made => made.map_err(failed),
        }
    }

    pub(super) fn may_push(&self) -> Result<(), NotPublished> {
        let may = self.permit.holds();
        may.then_some(()).ok_or(NotPublished::Locked)
    }
}

/// The refs move faster than what is for them is made.
pub(super) fn moved_too_often(plan: Plan) -> NotPublished {
    NotPublished::Moved {
        fresh: Arc::new(plan),
        changes: vec![format!(
            "the branch moved {TRIES} times while pushing: others are publishing"
        )],
    }
}

fn not_lent(what: &str, why: NotLent) -> Failure {
    match why {
        NotLent::Ends => Failure::new(
            FailureKind::Interrupted,
            format!("the {what} was not signed: the session ends"),
        ),
        NotLent::Taken(waited) => Failure::new(
            FailureKind::NotSigned,
            format!(
                "the {what} was not signed: its passphrase is to be asked for, and another program has had the terminal for {} min",
                waited.as_secs() / 60
            ),
        )
        .hint("Leave that program, and confirm it again"),
    }
}

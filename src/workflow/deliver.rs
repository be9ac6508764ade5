//! A confirmed plan leaves the clone: fetched again, judged again, committed, pushed; never twice, never by force.

use jiff::Timestamp;

use super::{Prepared, Session, prepare};
use crate::{
    domain::{
        ids::ObjectId,
        message,
        plan::{self, Facts},
        topology::Deliver,
    },
    sources::git::{
        self, Base, Destination, GitError, PushOutcome, PushRequest, RanCommand, Rejection,
    },
};

/// How often a base that moves between the last look and the push is looked at again.
const TRIES: usize = 4;

/// A plan that left the clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The commit.
    pub commit: ObjectId,
    /// The commit it was built on.
    pub base: Base,
    /// Where it is: `main`, or the branch of its own.
    pub branch: String,
    /// How it went.
    pub deliver: Deliver,
    /// The server's words, one line each.
    pub words: Vec<String>,
    /// Where a pull request can be opened, from the server's words.
    pub link: Option<String>,
    /// The base had moved; bytes and verdicts were the same, so it went on.
    pub moved: Option<String>,
}

/// Why a plan did not leave the clone. The remote is as it was, but for `Unclear`.
#[derive(Clone, Debug)]
pub enum DeliverFailure {
    /// Nothing in the plan changes anything.
    Empty,
    /// A gate holds at least one change.
    Held(Box<Prepared>),
    /// The base moved, and the plan is not the same there.
    Moved {
        /// The plan on the new base.
        fresh: Box<Prepared>,
        /// What is different, one line each.
        changes: Vec<String>,
    },
    /// The server refused.
    Rejected(Rejection),
    /// The connection failed and the remote could not be asked what happened.
    Unclear(String),
    /// Anything else.
    Git(GitError),
}

/// Progress of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliverStep {
    /// A program ran.
    Ran(RanCommand),
    /// The base was fetched and the plan judged again; a sentence.
    Checked(String),
    /// The commit is in the object database.
    Committed(ObjectId),
}

/// Delivers a confirmed plan. `facts` gives what is known of the clusters at that moment; `tell` hears of each step.
pub async fn deliver(
    session: &Session,
    confirmed: &Prepared,
    facts: &(dyn Fn() -> Facts + Send + Sync),
    tell: &mut (dyn FnMut(DeliverStep) + Send),
) -> Result<Delivered, DeliverFailure> {
    if confirmed.plan.edits.is_empty() {
        return Err(DeliverFailure::Empty);
    }
    let _lock = git::lock(&session.repo, &holder()).map_err(DeliverFailure::Git)?;
    let mut base = confirmed.base.clone();
    let mut moved = None;
    for _ in 0..TRIES {
        let fetched = git::fetch(&session.repo, &base)
            .await
            .map_err(DeliverFailure::Git)?;
        if let Some(ran) = fetched.ran {
            tell(DeliverStep::Ran(ran));
        }
        let again = judge_again(session, confirmed, fetched.base, facts)?;
        if again.base.commit == confirmed.base.commit {
            tell(DeliverStep::Checked(format!(
                "{} is still at {}",
                again.base.reference,
                again.base.commit.short()
            )));
        } else {
            let sentence = format!(
                "{} moved from {} to {}; same bytes and verdicts there",
                again.base.reference,
                confirmed.base.commit.short(),
                again.base.commit.short()
            );
            tell(DeliverStep::Checked(sentence.clone()));
            moved = Some(sentence);
        }
        base = again.base.clone();
        let commit = git::build_commit(
            &session.repo,
            base.commit,
            &again.plan.edits,
            &again.message,
        )
        .map_err(DeliverFailure::Git)?;
        tell(DeliverStep::Committed(commit));
        let destination = match confirmed.deliver {
            Deliver::Push => Destination::Branch,
            Deliver::Branch => Destination::Own(message::branch_name(&again.plan.changes, commit)),
        };
        let request = PushRequest {
            base: base.clone(),
            commit,
            destination,
        };
        let (outcome, ran) = git::push(&session.repo, &request)
            .await
            .map_err(DeliverFailure::Git)?;
        for ran in ran {
            tell(DeliverStep::Ran(ran));
        }
        let (branch, words, link) = match outcome {
            PushOutcome::Pushed { words } => (base.branch.clone(), words, None),
            PushOutcome::BranchPushed {
                branch,
                words,
                link,
            } => (branch, words, link),
            PushOutcome::Moved { .. } => continue,
            PushOutcome::Rejected(rejection) => return Err(DeliverFailure::Rejected(rejection)),
            PushOutcome::Unclear { words } => return Err(DeliverFailure::Unclear(words)),
        };
        return Ok(Delivered {
            commit,
            base,
            branch,
            deliver: confirmed.deliver,
            words: words.lines().map(str::to_owned).collect(),
            link,
            moved,
        });
    }
    let fresh = judge_again(session, confirmed, base, facts)?;
    Err(DeliverFailure::Moved {
        fresh: Box::new(fresh),
        changes: vec![format!(
            "the branch moved {TRIES} times while pushing: others are publishing"
        )],
    })
}

/// The plan on the base as it is now, if it is still what was confirmed.
fn judge_again(
    session: &Session,
    confirmed: &Prepared,
    base: Base,
    facts: &(dyn Fn() -> Facts + Send + Sync),
) -> Result<Prepared, DeliverFailure> {
    let again = session
        .desired(base.commit)
        .and_then(|desired| {
            prepare(
                session,
                &base,
                &desired,
                &facts(),
                &confirmed.request,
                Timestamp::now(),
            )
        })
        .map_err(DeliverFailure::Git)?;
    if !plan::same(&confirmed.plan, &again.plan) {
        let changes = differences(confirmed, &again);
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

fn differences(confirmed: &Prepared, again: &Prepared) -> Vec<String> {
    let mut lines = Vec::new();
    if confirmed.base.commit != again.base.commit {
        lines.push(format!(
            "{} moved from {} to {}",
            again.base.reference,
            confirmed.base.commit.short(),
            again.base.commit.short()
        ));
    }
    for old in &confirmed.plan.changes {
        let Some(new) = again
            .plan
            .changes
            .iter()
            .find(|change| change.cell == old.cell)
        else {
            let why = again.plan.skipped.iter().find(|skip| skip.cell == old.cell);
            lines.push(format!(
                "{}: {}",
                old.cell,
                why.map_or("not in the plan any more", |skip| &skip.detail)
            ));
            continue;
        };
        let shown = |version: &Option<crate::domain::version::Version>| {
            version
                .as_ref()
                .map_or("inherited".to_owned(), ToString::to_string)
        };
        if (&old.from, &old.to) != (&new.from, &new.to) {
            lines.push(format!(
                "{}: was {} → {}, is {} → {}",
                old.cell,
                shown(&old.from),
                shown(&old.to),
                shown(&new.from),
                shown(&new.to)
            ));
        }
        for verdict in &new.verdicts {
            let before = old.verdicts.iter().find(|other| other.gate == verdict.gate);
            if before.is_none_or(|before| before.outcome != verdict.outcome) {
                lines.push(format!(
                    "{}: {} is {} now: {}",
                    old.cell,
                    verdict.gate,
                    verdict.outcome.as_str(),
                    verdict.detail
                ));
            }
        }
    }
    for edit in &again.plan.edits {
        let before = confirmed
            .plan
            .edits
            .iter()
            .find(|other| other.path == edit.path);
        if before != Some(edit) {
            lines.push(format!("{}: other bytes than confirmed", edit.path));
        }
    }
    lines
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

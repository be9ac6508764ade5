//! A confirmed plan leaves the clone: fetched again, judged again, committed, pushed; never twice, never by force.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{PlanRequest, Prepared, Session, prepare, prepare::moves_on};
use crate::{
    domain::{
        desired::RefName,
        ids::{CellKey, ObjectId},
        message,
        plan::{self, Action, Facts, Plan, PlannedWrite},
        topology::Deliver,
    },
    sources::git::{
        self, Base, Destination, GitError, PushOutcome, PushRequest, RanCommand, Rejection, Repo,
    },
};

/// How often a base that moves between the last look and the push is looked at again.
const TRIES: usize = 4;

/// A plan that left the clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Each commit or tag, in the plan's order; never empty.
    pub parts: Vec<DeliveredPart>,
    /// How it went.
    pub deliver: Deliver,
    /// A base had moved; bytes and verdicts were the same, so it went on.
    pub moved: Option<String>,
}

/// One commit or tag that left the clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveredPart {
    /// The ref that it is for.
    pub place: RefName,
    /// The commit; of a tag, the one that it names.
    pub commit: ObjectId,
    /// What it was built on.
    pub base: Base,
    /// Where it is: `main`, a tag, or the branch of its own.
    pub branch: String,
    /// The server's words, one line each.
    pub words: Vec<String>,
    /// Where a pull request can be opened, from the server's words.
    pub link: Option<String>,
}

impl Delivered {
    /// Where each ref is now.
    pub fn moved_refs(&self) -> BTreeMap<RefName, ObjectId> {
        let parts = self.parts.iter();
        parts
            .map(|part| (part.place.clone(), part.commit))
            .collect()
    }
}

impl DeliveredPart {
    /// Where it is, as people say it: `origin/main`, `deploy: origin/main`.
    pub fn shown(&self) -> String {
        let place = match &self.base.remote {
            Some(remote) => format!("{remote}/{}", self.branch),
            None => self.branch.clone(),
        };
        match &self.place.repository {
            Some(repository) => format!("{repository}: {place}"),
            None => place,
        }
    }
}

/// Why a plan did not leave the clone. The remotes are as they were, but for `Unclear` and `Partial`.
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
    /// Some of several commits are published, then one was not.
    Partial {
        /// Those that are.
        done: Vec<DeliveredPart>,
        /// The ref whose turn it was.
        failed: RefName,
        /// Why it is not published.
        cause: Box<DeliverFailure>,
        /// The refs after it, which were not tried.
        left: Vec<RefName>,
    },
    /// Anything else.
    Git(GitError),
}

impl DeliverFailure {
    /// Why, in a line.
    pub fn describe(&self) -> String {
        match self {
            Self::Empty => "the plan changes nothing".to_owned(),
            Self::Held(_) => "a gate holds it now".to_owned(),
            Self::Moved { changes, .. } => format!("it moved: {}", changes.join("; ")),
            Self::Rejected(rejection) => match rejection.words.trim() {
                "" => format!("refused: {}", rejection.status),
                words => format!("refused: {}", words.replace('\n', "; ")),
            },
            Self::Unclear(words) => format!(
                "the push ended unclear, and the remote does not say whether it arrived: {words}"
            ),
            Self::Partial { failed, cause, .. } => format!("{failed}: {}", cause.describe()),
            Self::Git(error) => error.to_string(),
        }
    }
}

/// Progress of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliverStep {
    /// A program ran.
    Ran(RanCommand),
    /// The base was fetched and the plan judged again; a sentence.
    Checked(String),
    /// The commit (or tag) is in the object database.
    Committed(ObjectId),
    /// One of several commits is published; a sentence.
    Published(String),
}

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
    let moved = moved_since(confirmed, &again);
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
                    let sentence = format!("{} is on {}", part.commit.short(), part.shown());
                    (delivery.tell)(DeliverStep::Published(sentence));
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
    Ok(Delivered {
        parts,
        deliver: confirmed.deliver,
        moved: delivery.moved,
    })
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
                (Action::Tag { .. }, _) => Destination::Tag(base.branch.clone()),
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
            let (branch, words, link) = match outcome {
                PushOutcome::Pushed { words } => (base.branch.clone(), words, None),
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
            if let (true, Some(remote)) = (is_tag, &base.remote) {
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
        self.moved = moved_since(self.confirmed, &again).or(self.moved.take());
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
    base: &Base,
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
        Action::Tag { .. } => git::build_tag(repo, &base.branch, write.base, message),
    }
}

fn still_there(again: &Prepared) -> String {
    let at: Vec<String> = again
        .bases
        .iter()
        .map(|base| format!("{} is still at {}", base.reference, base.commit.short()))
        .collect();
    at.join(", ")
}

fn moved_since(confirmed: &Prepared, again: &Prepared) -> Option<String> {
    let places = again.plan.writes.iter().zip(&again.bases);
    let moved: Vec<String> = places
        .filter_map(|(write, base)| {
            let before = confirmed.plan.writes.iter().zip(&confirmed.bases);
            let (_, before) = before
                .into_iter()
                .find(|(other, _)| other.place == write.place)?;
            (before.commit != base.commit).then(|| {
                format!(
                    "{} moved from {} to {}",
                    base.reference,
                    before.commit.short(),
                    base.commit.short()
                )
            })
        })
        .collect();
    (!moved.is_empty()).then(|| format!("{}; same bytes and verdicts there", moved.join(", ")))
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
        let changes = differences(confirmed, expected, &again);
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

fn differences(confirmed: &Prepared, expected: &Plan, again: &Prepared) -> Vec<String> {
    let mut lines = Vec::new();
    if confirmed.base.commit != again.base.commit
        && confirmed.base.reference == again.base.reference
    {
        lines.push(format!(
            "{} moved from {} to {}",
            again.base.reference,
            confirmed.base.commit.short(),
            again.base.commit.short()
        ));
    }
    for old in &expected.changes {
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
    for new in &again.plan.changes {
        if !expected.changes.iter().any(|old| old.cell == new.cell) {
            lines.push(format!(
                "{}: comes along now, and was not in the plan",
                new.cell
            ));
        }
    }
    for write in &again.plan.writes {
        let before = expected.writes.iter().find(|old| old.place == write.place);
        for edit in &write.edits {
            if before.is_none_or(|before| !before.edits.contains(edit)) {
                lines.push(format!("{}: other bytes than confirmed", edit.path));
            }
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

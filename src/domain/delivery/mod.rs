//! What happens to a plan after its confirmation: one state machine, from the last look at the remote to healthy pods.
//!
//! ```text
//! checked → committed → pushed → synced → rolling → verified → healthy  (delivered by a push)
//!                          │       ↑
//!                          ├───→ opened → approved → merged    (by a pull request)
//!                          └───→ waits for its merge           (by a branch of its own)
//!                          └───→ elsewhere                     (the fetch address does not have it)
//! ```
//!
//! [`Delivery::apply`] takes a [`Fact`] and gives the [`Step`]s that follow from it. Whoever drives it brings the facts; the
//! screen, a command's output and the activity log on disk observe the same steps, and none of them decides.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    age,
    desired::RefName,
    failure::{Failure, FailureKind},
    gate::{self, Verified},
    ids::{CellKey, EnvironmentName, ObjectId},
    plan::{Intent, Older, Outcome as Said, Plan, Verdict},
    pull_request::{PullRequest, PullState},
    rollout::Running,
    topology::Deliver,
    version::Version,
};

mod apply;
mod entry;
mod part;
mod progress;
mod published;
#[cfg(test)]
mod tests;

pub use entry::entry;
pub use part::{Destination, Elsewhere, Part, Push};
pub use progress::{CellProgress, Expectation, Synced, judge};
pub use published::{NotPublished, Rejection};

/// Names a delivery for as long as it is kept; a file may be called so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeliveryId(String);

/// A plan on its way. Kept on disk while it is, and taken up again from there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its name.
    pub id: DeliveryId,
    /// The digest of the plan.
    pub digest: String,
    /// What the first commit or tag says of itself, in its first line.
    pub subject: String,
    /// Where it goes: `origin/main`.
    pub target: String,
    /// How it leaves the clone.
    pub deliver: Deliver,
    /// Every ref that is written, in order.
    pub writes: Vec<RefName>,
    /// When it was confirmed.
    pub started: Timestamp,
    /// Stages that began, in order.
    pub stages: Vec<StageRun>,
    /// What is made and not known to be published.
    pub attempt: Option<Push>,
    /// What left the clone, in the plan's order.
    pub parts: Vec<Part>,
    /// A base had moved on the way; bytes and verdicts were the same.
    pub moved: Option<String>,
    /// Cells that change, in the plan's order.
    pub cells: Vec<CellRun>,
    /// Which wave of a plan of several it is; `None`: it is all of its plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<InWaves>,
    /// Environments whose approvals its pull requests wait for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asking: Vec<EnvironmentName>,
    /// Cells that no freeze holds, because they go back or because it was lifted for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unfrozen: Vec<CellKey>,
    /// It goes back by pull requests, which whoever may let them through is called to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub urgent: bool,
    /// Whoever is called was told that it waits for so many minutes, the last time.
    #[serde(default, skip_serializing_if = "is_none")]
    pub clocked: i64,
    /// Pull requests that are closed once its own are open, which take their place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supersedes: Vec<Older>,
    /// Its pull requests are to be closed: nobody wants them merged any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dropped: bool,
    /// How it ended, and when. What is kept has not ended.
    #[serde(skip)]
    pub ended: Option<(Timestamp, Outcome)>,
}

/// The place of a delivery among those of a plan in waves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InWaves {
    /// The digest of the whole plan.
    pub plan: String,
    /// Its number, from 1.
    pub number: usize,
    /// So many waves.
    pub of: usize,
    /// The cells of later ones, which begin when this one is healthy.
    pub rest: Vec<CellKey>,
}

/// A stage that began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageRun {
    /// The stage that began.
    pub stage: Stage,
    /// When it began.
    pub began: Timestamp,
    /// When it ended well, and what it gave.
    pub done: Option<(Timestamp, String)>,
}

/// The stages of a delivery, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The remote is asked where the branch is, and the plan judged again.
    Checked,
    /// The commit is in the object database.
    Committed,
    /// The remote has it.
    Pushed,
    /// Its pull request is open.
    Opened,
    /// Everybody who has to has approved it.
    Approved,
    /// Somebody merged it.
    Merged,
    /// Agents have brought it into the clusters.
    Synced,
    /// The clusters run it.
    Rolling,
    /// The checks that environments ask for are as they should be.
    Verified,
    /// All of it is healthy.
    Healthy,
}

/// A cell that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellRun {
    /// The cell.
    pub cell: CellKey,
    /// What it is to run, once the commit is there to say that.
    pub expected: Option<Expectation>,
    /// How far it came.
    pub progress: CellProgress,
    /// The ref that is written for it; `None`: it was kept by a version that did not know.
    #[serde(default)]
    pub place: Option<RefName>,
    /// It is in its cluster; `None`: not seen there yet.
    #[serde(default)]
    pub synced: Option<Synced>,
    /// What its environment's checks said, once they were as they should be.
    #[serde(default)]
    pub verified: Option<String>,
    /// It failed, and something else is declared since: when that was seen, and what.
    #[serde(skip)]
    pub superseded: Option<(Timestamp, String)>,
}

/// Something that became known.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // one at a time, and none is kept
pub enum Fact<'a> {
    /// It is confirmed, and begins with these commands.
    Confirmed(Vec<String>),
    /// The remote was asked and the plan judged again: a sentence. The base had moved since it was confirmed.
    Checked {
        /// What was seen.
        sentence: String,
        /// It is another base with the same bytes and verdicts.
        moved: bool,
    },
    /// A commit or tag is made, and is to be pushed.
    Made(Push),
    /// It left the clone.
    Published(Part),
    /// What was pushed to other addresses is seen now where this ref is fetched from.
    Arrived(RefName),
    /// How the pull request into this ref stands.
    Requested(RefName, PullRequest),
    /// It is to be dropped: its pull requests are closed next.
    Dropped,
    /// What became of an older pull request that was to be closed, in a sentence.
    Superseded(Older, String),
    /// Its merge was waited for, so long, and did not come.
    NotMerged(Duration),
    /// It was waited for and is not.
    NotArrived,
    /// Nothing more of it is written.
    NotPublished(NotPublished),
    /// What the cells are to run.
    Expected(BTreeMap<CellKey, Expectation>),
    /// What Git declares since then, behind what was delivered.
    Declared(BTreeMap<CellKey, Option<Version>>),
    /// What the clusters say, and for how long they have been looked at, by a clock that nobody sets.
    Seen(&'a Running, Duration),
    /// What the checks of cells say whose rollout is over, and for how long it has been looked at.
    Verified(BTreeMap<CellKey, Verified>, Duration),
    /// It cannot go on.
    Broken(Failure),
}

/// What follows from a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It began, with what will be done as it would be typed.
    Confirmed(Vec<String>),
    /// A stage began.
    Began(Stage),
    /// A stage ended well; what it gave, in a line.
    Done(Stage, String),
    /// One commit or tag left the clone.
    Part(Part),
    /// All of it left the clone.
    Published,
    /// What was pushed to other addresses is there now.
    Arrived(Part),
    /// The pull request of a part is open, or stands otherwise than before.
    Requested(Part),
    /// An older pull request made way for its own, or did not: a sentence.
    Superseded(String),
    /// All of it is merged.
    Merged,
    /// One cell came further.
    Cell(CellKey, CellProgress),
    /// Nothing more comes.
    Ended(Outcome),
}

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// So many cells are healthy; of the others nothing can be seen, or somebody changed them since.
    Healthy(usize),
    /// It is pushed; nothing about what runs is judged.
    Unwatched,
    /// It waits at these places for somebody to merge it.
    WaitsForMerge(Vec<String>),
    /// It was waited for its merge, so long, which did not come.
    NotMerged(Duration),
    /// Somebody closed its pull request.
    Closed,
    /// The operator dropped it: its pull requests are closed.
    Dropped,
    /// It is not where it is fetched from.
    Elsewhere,
    /// Some cells do not become healthy.
    Failed,
    /// What checks ask of some cells is not known: that is not good.
    Unverified,
    /// Somebody changed the cells before they were healthy.
    Superseded,
    /// It, or the rest of it, is not written.
    NotPublished(NotPublished),
    /// It is published, and could not be followed to its end.
    Broken(Failure),
}

impl Step {
    /// What kind of step it is, in a few words.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Confirmed(_) => "confirmed",
            Self::Began(_) => "stage began",
            Self::Done(..) => "stage done",
            Self::Part(_) => "a part left the clone",
            Self::Published => "all of it left the clone",
            Self::Arrived(_) => "a part arrived",
            Self::Requested(_) => "a pull request stands otherwise",
            Self::Superseded(_) => "an older pull request makes way",
            Self::Merged => "all of it is merged",
            Self::Cell(..) => "a cell came further",
            Self::Ended(_) => "ended",
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde asks
fn is_none(minutes: &i64) -> bool {
    *minutes == 0
}

impl DeliveryId {
    /// Of the plan with this digest, confirmed at `started`.
    fn new(started: Timestamp, digest: &str) -> Self {
        let digest: String = digest.chars().filter(char::is_ascii_alphanumeric).collect();
        let digest = digest.get(..12).unwrap_or(&digest);
        Self(format!("{}-{digest}", started.as_millisecond()))
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Delivery {
    /// A plan that is about to be delivered.
    pub fn new(plan: &Plan, started: Timestamp) -> Self {
        let place = |cell: &CellKey| {
            let mut writes = plan.writes();
            let write = writes.find(|write| write.cells.contains(cell))?;
            Some(write.tip.name.clone())
        };
        let cells = plan.changes.iter().map(|change| CellRun {
            cell: change.cell.clone(),
            expected: None,
            progress: CellProgress::Waiting("waits for the push".to_owned()),
            place: place(&change.cell),
            synced: None,
            verified: None,
            superseded: None,
        });
        Self {
            id: DeliveryId::new(started, &plan.digest),
            digest: plan.digest.clone(),
            subject: plan.subject().to_owned(),
            target: plan.target(),
            deliver: plan.deliver,
            writes: plan.writes().map(|write| write.tip.name.clone()).collect(),
            started,
            stages: Vec::new(),
            attempt: None,
            parts: Vec::new(),
            moved: None,
            cells: cells.collect(),
            wave: None,
            asking: asking(plan),
            unfrozen: unfrozen(plan),
            urgent: plan.is_emergency(),
            clocked: 0,
            supersedes: plan.request.supersedes.clone(),
            dropped: false,
            ended: None,
        }
    }

    /// One wave of a plan, counted from 0, that is about to be delivered.
    pub fn of_wave(plan: &Plan, number: usize, started: Timestamp) -> Self {
        let mut delivery = Self::new(&plan.wave(number), started);
        let later = plan.waves.iter().skip(number + 1);
        delivery.wave = (plan.waves.len() > 1).then(|| InWaves {
            plan: plan.digest.clone(),
            number: number + 1,
            of: plan.waves.len(),
            rest: later.flat_map(|wave| wave.cells().cloned()).collect(),
        });
        delivery
    }

    /// It ended so that the next wave may begin: all of it is healthy, or nothing can be seen of what runs.
    pub fn lets_go_on(&self) -> bool {
        let ended = self.ended.as_ref().map(|(_, outcome)| outcome);
        matches!(ended, Some(Outcome::Healthy(_) | Outcome::Unwatched))
    }

    /// What is not begun of its plan where it did not end well, in a sentence.
    pub fn not_begun(&self) -> Option<String> {
        let wave = self.wave.as_ref()?;
        if wave.rest.is_empty() || self.lets_go_on() {
            return None;
        }
        let rest: Vec<String> = wave.rest.iter().map(ToString::to_string).collect();
        Some(format!(
            "wave {} of {} stopped the rest, which is not written: {}",
            wave.number,
            wave.of,
            rest.join(", ")
        ))
    }

    /// What becomes of it, and of the rest of its plan, once writing is locked while it is under way, in a sentence; `None`:
    /// nothing of it is still to be written.
    pub fn once_locked(&self) -> Option<String> {
        let rest = self.wave.as_ref().filter(|wave| !wave.rest.is_empty());
        if self.is_over() || (self.is_pushed() && rest.is_none()) {
            return None;
        }
        let what = self.wave.as_ref().map_or_else(
            || self.subject.clone(),
            |wave| format!("wave {} of {}", wave.number, wave.of),
        );
        let becomes = match &self.attempt {
            _ if self.is_pushed() => "is followed",
            Some(_) => "is being pushed, and followed",
            None if self.parts.is_empty() => "is not pushed, and stays staged",
            None => "is pushed no further",
        };
        let rest = rest.map(|wave| {
            let rest: Vec<String> = wave.rest.iter().map(ToString::to_string).collect();
            format!(", and the rest is not written: {}", rest.join(", "))
        });
        Some(format!("{what} {becomes}{}", rest.unwrap_or_default()))
    }

    /// What is not begun of a plan whose earlier wave was taken up again, in a sentence.
    pub fn rest_is_to_be_planned(&self) -> Option<String> {
        let wave = self.wave.as_ref().filter(|wave| !wave.rest.is_empty())?;
        if !self.lets_go_on() {
            return self.not_begun();
        }
        let rest: Vec<String> = wave.rest.iter().map(ToString::to_string).collect();
        Some(format!(
            "wave {} of {} is through, and the rest is not begun: {}; plan it again, what is there already is skipped",
            wave.number,
            wave.of,
            rest.join(", ")
        ))
    }

    /// Nothing more comes.
    pub fn is_over(&self) -> bool {
        self.ended.is_some()
    }

    /// All of it is on the remote.
    pub fn is_pushed(&self) -> bool {
        self.parts.len() == self.writes.len()
    }

    /// All of it left the clone, and its pull requests are open where it goes by these.
    pub fn is_published(&self) -> bool {
        self.is_pushed() && self.to_request().next().is_none()
    }

    /// Parts whose pull requests are not known.
    pub fn to_request(&self) -> impl Iterator<Item = &Part> {
        let by_request = self.deliver == Deliver::PullRequest;
        let parts = self.parts.iter();
        parts.filter(move |part| by_request && part.request.is_none())
    }

    /// Parts with their pull requests.
    pub fn requests(&self) -> impl Iterator<Item = (&Part, &PullRequest)> {
        let parts = self.parts.iter();
        parts.filter_map(|part| Some((part, part.request.as_ref()?)))
    }

    /// Environments whose approvals the pull request into a ref waits for.
    pub fn asking(&self, place: &RefName) -> impl Iterator<Item = &EnvironmentName> {
        let cells: Vec<&CellRun> = self.cells_of(place).collect();
        let asking = self.asking.iter();
        asking.filter(move |name| cells.iter().any(|run| run.cell.environment == **name))
    }

    /// The cells that are written into a ref.
    pub fn cells_of<'a>(&'a self, place: &RefName) -> impl Iterator<Item = &'a CellRun> {
        let alone = self.writes.len() == 1;
        let cells = self.cells.iter();
        cells.filter(move |run| alone || run.place.as_ref() == Some(place))
    }

    /// Whether a pull request of it is still to be merged.
    pub fn awaits_merge(&self) -> bool {
        let is_open = |request: &PullRequest| request.state != PullState::Merged;
        self.is_published() && self.requests().any(|(_, request)| is_open(request))
    }

    /// What its pull requests wait for: `#12 waits for 1 approval`.
    pub fn awaited(&self) -> String {
        let requests = self.requests();
        let open = requests.filter(|(_, request)| request.state != PullState::Merged);
        let words: Vec<String> = open.map(|(_, request)| request.describe()).collect();
        words.join("; ")
    }

    /// Whether a part of it is not where it is read from: nothing is deployed from there before it is.
    pub fn is_elsewhere(&self) -> bool {
        self.parts.iter().any(|part| part.elsewhere.is_some())
    }

    /// What left the clone and is not seen where it is fetched from, in a sentence.
    pub fn elsewhere(&self) -> String {
        let parts = self.parts.iter().filter(|part| part.elsewhere.is_some());
        parts.map(Part::describe).collect::<Vec<_>>().join("; ")
    }

    /// Where each ref is now that was written.
    pub fn refs(&self) -> BTreeMap<RefName, ObjectId> {
        let parts = self.parts.iter();
        parts
            .map(|part| (part.tip.name.clone(), part.landed()))
            .collect()
    }

    /// A stage that began.
    pub fn stage(&self, stage: Stage) -> Option<&StageRun> {
        self.stages.iter().find(|known| known.stage == stage)
    }

    /// The place of a cell among those that change.
    pub fn cell(&self, key: &CellKey) -> Option<&CellRun> {
        self.cells.iter().find(|run| run.cell == *key)
    }

    /// Cells that are healthy.
    pub fn healthy(&self) -> usize {
        let cells = self.cells.iter();
        cells
            .filter(|run| run.progress == CellProgress::Healthy)
            .count()
    }

    /// Cells that do not become healthy, with the reasons.
    pub fn failed(&self) -> impl Iterator<Item = (&CellKey, &str)> {
        self.cells.iter().filter_map(|run| match &run.progress {
            CellProgress::Failed(why) => Some((&run.cell, why.as_str())),
            _ => None,
        })
    }

    /// Cells whose rollout is over, and whose checks are asked.
    pub fn verifying(&self) -> impl Iterator<Item = &CellRun> {
        let cells = self.cells.iter();
        cells.filter(|run| matches!(run.progress, CellProgress::Verifying(_)))
    }

    /// Cells that failed and declare what was delivered still, as far as is known: those that a revert is for.
    pub fn to_revert(&self) -> impl Iterator<Item = &CellKey> {
        let cells = self.cells.iter().filter(|run| run.superseded.is_none());
        let failed = cells.filter(|run| matches!(run.progress, CellProgress::Failed(_)));
        failed.map(|run| &run.cell)
    }

    /// Something failed, and nothing of that is declared any more.
    pub fn is_superseded(&self) -> bool {
        self.failed().next().is_some() && self.to_revert().next().is_none()
    }

    /// Takes what Git declares now, behind what was delivered, once it has ended: of what failed, what is another version is
    /// superseded. Gives these cells with what is declared since.
    pub fn supersede(
        &mut self,
        at: Timestamp,
        declared: impl Fn(&CellKey) -> Option<Option<Version>>,
    ) -> Vec<(CellKey, String)> {
        let mut cells = Vec::new();
        for run in &mut self.cells {
            let failed = matches!(run.progress, CellProgress::Failed(_));
            let (true, None, Some(expected)) = (failed, &run.superseded, &run.expected) else {
                continue;
            };
            if let Some(now) = declared(&run.cell).filter(|now| *now != expected.version) {
                let since = apply::declared_since(now.as_ref());
                run.superseded = Some((at, since.clone()));
                cells.push((run.cell.clone(), since));
            }
        }
        cells
    }

    /// What becomes of it, in a sentence, where whoever drives it leaves while it is published and not at its end.
    pub fn left(&self) -> Option<String> {
        if self.is_over() || !self.is_published() {
            return None;
        }
        if self.awaits_merge() {
            return Some(format!(
                "{}; it is not followed any more: the next start takes it up again ({})",
                self.awaited(),
                self.subject
            ));
        }
        let parts: Vec<String> = self.parts.iter().map(Part::describe).collect();
        Some(format!(
            "{}; its rollout goes on and is not followed any more: the next start takes it up again ({})",
            parts.join(", "),
            self.subject
        ))
    }

    /// Why it, or the rest of it, did not leave the clone.
    pub fn not_published(&self) -> Option<&NotPublished> {
        match &self.ended {
            Some((_, Outcome::NotPublished(why))) => Some(why),
            _ => None,
        }
    }

    /// How it ended, in a line where that is well, as a failure where it is not; `None` while it has not.
    pub fn verdict(&self) -> Option<Result<String, Failure>> {
        let (_, outcome) = self.ended.as_ref()?;
        Some(outcome.told(self))
    }
}

/// Environments whose gate lets a plan go because its pull request waits for what they ask.
fn asking(plan: &Plan) -> Vec<EnvironmentName> {
    let mut names: Vec<EnvironmentName> = Vec::new();
    for change in plan
        .changes
        .iter()
        .filter(|_| plan.deliver == Deliver::PullRequest)
    {
        let mut verdicts = change.verdicts.iter();
        let waits = |it: &Verdict| it.gate == gate::APPROVALS && it.outcome == Said::Pass;
        if verdicts.any(waits) && !names.contains(&change.cell.environment) {
            names.push(change.cell.environment.clone());
        }
    }
    names
}

/// Cells that no freeze holds.
fn unfrozen(plan: &Plan) -> Vec<CellKey> {
    let lifted = |it: &Verdict| it.gate == gate::WINDOW && it.overridden.is_some();
    let goes = plan.changes.iter().filter(|change| {
        let back = matches!(change.intent, Intent::Revert { .. });
        back || change.verdicts.iter().any(lifted)
    });
    goes.map(|change| change.cell.clone()).collect()
}

impl Outcome {
    fn told(&self, delivery: &Delivery) -> Result<String, Failure> {
        match self {
            Self::Healthy(count) if *count == delivery.cells.len() => Ok("healthy".to_owned()),
            Self::Healthy(count) => {
                let cells = delivery.cells.iter();
                let superseded =
                    |run: &&CellRun| matches!(run.progress, CellProgress::Superseded(_));
                let changed = match cells.filter(superseded).count() {
                    0 => String::new(),
                    changed => format!("; {changed} changed by somebody since"),
                };
                let all = delivery.cells.len();
                Ok(format!("healthy, {count} of {all}{changed}"))
            }
            Self::Unwatched if delivery.cells.iter().any(|run| run.verified.is_some()) => {
                Ok("pushed and verified; nothing else about what runs is judged".to_owned())
            }
            Self::Unwatched => Ok("pushed; nothing about what runs is judged".to_owned()),
            Self::WaitsForMerge(places) => {
                Ok(format!("waits for its merge: {}", places.join(", ")))
            }
            Self::NotMerged(waited) => Err(Failure::told(
                "delivery",
                format!(
                    "timed out after {}: {}",
                    age::seconds(i64::try_from(waited.as_secs()).unwrap_or(i64::MAX)),
                    delivery.awaited()
                ),
                "it stays open: the same command again finds it, and goes on waiting with --wait",
            )),
            Self::Closed => Err(Failure::told(
                "delivery",
                delivery.awaited(),
                "nothing of it was merged there; the same command again opens another one from its branch",
            )),
            Self::Dropped => Ok(format!("dropped: {}", delivery.awaited())),
            Self::Superseded => {
                Ok("what was delivered was changed before it was healthy".to_owned())
            }
            Self::Elsewhere => Err(Failure::told(
                "delivery",
                delivery.elsewhere(),
                "bring it there, or see why it does not come: `git remote -v` names the addresses",
            )),
            Self::Failed => {
                let failed = delivery.failed();
                let failed: Vec<_> = failed.map(|(cell, why)| format!("{cell}: {why}")).collect();
                Err(Failure::told(
                    "rollout",
                    failed.join("; "),
                    "go back to an earlier version of it",
                )
                .of(FailureKind::Rollout))
            }
            Self::Unverified => {
                let not = delivery.cells.iter().filter_map(|run| match &run.progress {
                    CellProgress::Unverified(why) => Some(format!("{}: {why}", run.cell)),
                    _ => None,
                });
                Err(Failure::told(
                    "verification",
                    not.collect::<Vec<_>>().join("; "),
                    "see that the checks of `[environments.verify]` can be asked; what was delivered stays",
                )
                .of(FailureKind::Rollout))
            }
            Self::NotPublished(why) => Err(why.failure(&delivery.parts)),
            Self::Broken(failure) => Err(failure.clone()),
        }
    }
}

/// A plan that was made anew, shared by whoever shows it.
pub(super) type Fresh = Arc<Plan>;

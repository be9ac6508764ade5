//! The transitions.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use super::{
    CellProgress, CellRun, Delivery, Expectation, Fact, NotPublished, Outcome, Part, Stage,
    StageRun, Step, Synced, judge,
};
use crate::domain::{
    desired::RefName,
    gate::{Checked, Verified},
    ids::CellKey,
    pull_request::{Checks, PullRequest, PullState},
    rollout::Running,
    topology::Deliver,
    version::Version,
};

impl Delivery {
    /// Takes what became known at `at`, and gives what follows. Nothing follows once it has ended.
    pub fn apply(&mut self, at: Timestamp, fact: Fact<'_>) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.is_over() {
            return steps;
        }
        let mut change = Change {
            delivery: self,
            at,
            steps: &mut steps,
        };
        match fact {
            Fact::Confirmed(commands) => {
                change.steps.push(Step::Confirmed(commands));
                change.began(Stage::Checked);
            }
            Fact::Checked { sentence, moved } => {
                if moved {
                    change.delivery.moved = Some(sentence.clone());
                }
                change.done(Stage::Checked, sentence);
                change.began(Stage::Committed);
            }
            Fact::Made(push) => {
                change.done(Stage::Committed, push.commit.short());
                change.delivery.attempt = Some(push);
                change.began(Stage::Pushed);
            }
            Fact::Published(part) => change.published(part),
            Fact::Arrived(place) => change.arrived(&place),
            Fact::Requested(place, request) => change.requested(&place, request),
            Fact::Dropped => change.delivery.dropped = true,
            Fact::Superseded(older, said) => {
                change.delivery.supersedes.retain(|it| *it != older);
                change.steps.push(Step::Superseded(said));
            }
            Fact::NotMerged(waited) => {
                change.stands("waits for its merge; not followed", "not pushed");
                change.ended(Outcome::NotMerged(waited));
            }
            Fact::NotArrived => {
                change.stands("pushed, and not where it is fetched from", "not pushed");
                change.ended(Outcome::Elsewhere);
            }
            Fact::NotPublished(why) => change.not_published(why),
            Fact::Expected(expected) => change.expected(expected),
            Fact::Declared(declared) => change.declared(&declared),
            Fact::Seen(facts, waited) => change.seen(facts, waited),
            Fact::Verified(said, waited) => change.verified(said, waited),
            Fact::Broken(failure) if change.delivery.is_published() => {
                change.stands("pushed; not followed any more", "not pushed");
                change.ended(Outcome::Broken(failure));
            }
            Fact::Broken(failure) => change.not_published(NotPublished::Failed(failure)),
        }
        steps
    }
}

/// One fact being taken.
struct Change<'a> {
    delivery: &'a mut Delivery,
    at: Timestamp,
    steps: &'a mut Vec<Step>,
}

impl Change<'_> {
    fn began(&mut self, stage: Stage) {
        if self.delivery.stage(stage).is_none() {
            self.delivery.stages.push(StageRun {
                stage,
                began: self.at,
                done: None,
            });
            self.steps.push(Step::Began(stage));
        }
    }

    fn done(&mut self, stage: Stage, gave: String) {
        self.began(stage);
        let mut stages = self.delivery.stages.iter_mut();
        if let Some(run) = stages.find(|run| run.stage == stage) {
            run.done = Some((self.at, gave.clone()));
        }
        self.steps.push(Step::Done(stage, gave));
    }

    fn ended(&mut self, outcome: Outcome) {
        self.delivery.ended = Some((self.at, outcome.clone()));
        self.steps.push(Step::Ended(outcome));
    }

    fn published(&mut self, part: Part) {
        self.delivery.attempt = None;
        self.delivery.parts.push(part.clone());
        self.of_part(&part);
        self.steps.push(Step::Part(part));
        if self.delivery.is_published() {
            self.steps.push(Step::Published);
        }
        self.pushed_if_there();
    }

    /// A pull request is open, or stands otherwise than it was known to.
    fn requested(&mut self, place: &RefName, mut request: PullRequest) {
        let mut parts = self.delivery.parts.iter_mut();
        let Some(part) = parts.find(|part| part.tip.name == *place) else {
            return;
        };
        let before = part.request.take();
        let merged = request.state == PullState::Merged;
        if let Some(before) = before.as_ref().filter(|_| merged) {
            // What its branch asked for is not asked of what is there.
            request.approvals.need = request.approvals.need.or(before.approvals.need);
            if request.checks == Checks::default() {
                request.checks.clone_from(&before.checks);
            }
        }
        part.request = Some(request);
        if before == part.request {
            return;
        }
        let part = part.clone();
        let words = part.request.as_ref().map(PullRequest::describe);
        self.steps.push(Step::Requested(part));
        let alone = self.delivery.writes.len() == 1;
        for run in &mut self.delivery.cells {
            if alone || run.place.as_ref() == Some(place) {
                run.progress = CellProgress::Waiting(words.clone().unwrap_or_default());
            }
        }
        if self.delivery.is_published() {
            self.all_requested(before.is_none());
        }
    }

    /// Every pull request is known; `new`: since now.
    fn all_requested(&mut self, new: bool) {
        let requests: Vec<PullRequest> = self
            .delivery
            .requests()
            .map(|(_, request)| request.clone())
            .collect();
        if new {
            self.steps.push(Step::Published);
            let numbers: Vec<String> = requests
                .iter()
                .map(|it| format!("#{}", it.number))
                .collect();
            self.done(Stage::Opened, numbers.join(", "));
            self.began(Stage::Approved);
        }
        if requests.iter().any(|it| it.state == PullState::Closed) {
            self.stands("not merged", "not pushed");
            self.ended(if self.delivery.dropped {
                Outcome::Dropped
            } else {
                Outcome::Closed
            });
            return;
        }
        let merged = |it: &PullRequest| it.state == PullState::Merged;
        let approved = self.delivery.stage(Stage::Approved);
        let waits = approved.is_some_and(|stage| stage.done.is_none());
        if waits && requests.iter().all(|it| merged(it) || it.is_approved()) {
            let mut by: Vec<&str> = requests
                .iter()
                .flat_map(|it| &it.approvals.by)
                .map(String::as_str)
                .collect();
            by.sort_unstable();
            by.dedup();
            let without = requests.iter().filter_map(PullRequest::merged_without);
            let without: Vec<String> = without.collect();
            let gave = match by.as_slice() {
                _ if !without.is_empty() => format!("merged{}", without.join("; ")),
                [] => "nobody has to".to_owned(),
                by => format!("by {}", by.join(", ")),
            };
            self.done(Stage::Approved, gave);
            self.began(Stage::Merged);
        }
        if requests.iter().all(merged) {
            let parts = self.delivery.parts.iter();
            let at: Vec<String> = parts
                .map(|part| format!("{} on {}", part.landed().short(), part.tip.branch()))
                .collect();
            self.done(Stage::Merged, at.join(", "));
            for run in &mut self.delivery.cells {
                let waits = "merged; its cluster is looked at next";
                run.progress = CellProgress::Waiting(waits.to_owned());
            }
            self.steps.push(Step::Merged);
        }
    }

    fn arrived(&mut self, place: &RefName) {
        let mut parts = self.delivery.parts.iter_mut();
        let Some(part) = parts.find(|part| part.tip.name == *place) else {
            return;
        };
        part.elsewhere = None;
        let part = part.clone();
        self.of_part(&part);
        self.steps.push(Step::Arrived(part));
        self.pushed_if_there();
    }

    /// What the cells wait for whose commit left the clone, until all of it has.
    fn of_part(&mut self, part: &Part) {
        let waits = match part.elsewhere {
            None => "pushed; waits for the rest of the delivery",
            Some(_) => "pushed; waits until it is where it is fetched from",
        };
        let alone = self.delivery.writes.len() == 1;
        for run in &mut self.delivery.cells {
            if alone || run.place.as_ref() == Some(&part.tip.name) {
                run.progress = CellProgress::Waiting(waits.to_owned());
            }
        }
    }

    /// What is not over where the delivery is: nobody waits for it any more.
    fn stands(&mut self, published: &str, not_published: &str) {
        let parts = &self.delivery.parts;
        let all = self.delivery.is_published();
        for run in &mut self.delivery.cells {
            let there = all
                || parts
                    .iter()
                    .any(|it| run.place.as_ref() == Some(&it.tip.name));
            if !run.progress.is_over() {
                let words = if there { published } else { not_published };
                run.progress = CellProgress::Waiting(words.to_owned());
            }
        }
    }

    /// The remote has all of it where it is fetched from: what is next is somebody's merge, or the clusters' turn.
    fn pushed_if_there(&mut self) {
        if !self.delivery.is_pushed() || self.delivery.is_elsewhere() {
            return;
        }
        let parts = self.delivery.parts.iter();
        let at: Vec<String> = parts
            .map(|part| format!("{} is at {}", part.branch, part.commit.short()))
            .collect();
        self.done(Stage::Pushed, at.join(", "));
        let (waits, merge) = match self.delivery.deliver {
            Deliver::Push => ("pushed; its cluster is looked at next", None),
            Deliver::Branch => {
                let parts = self.delivery.parts.iter();
                let places = parts.map(|part| {
                    let branch = || format!("branch {}", part.branch);
                    part.link.clone().unwrap_or_else(branch)
                });
                ("waits for its merge", Some(places.collect()))
            }
            Deliver::PullRequest => {
                self.began(Stage::Opened);
                ("pushed; its pull request is opened next", None)
            }
        };
        for run in &mut self.delivery.cells {
            run.progress = CellProgress::Waiting(waits.to_owned());
        }
        if let Some(places) = merge {
            self.ended(Outcome::WaitsForMerge(places));
        }
    }

    fn not_published(&mut self, why: NotPublished) {
        let at = self.delivery.parts.len();
        let mut rest = self.delivery.writes.iter().skip(at).cloned();
        let why = match rest.next() {
            Some(failed) if at > 0 => NotPublished::Partial {
                failed,
                cause: Box::new(why),
                left: rest.collect(),
            },
            _ => why,
        };
        let not = match &why {
            NotPublished::Unclear(_) => "pushed or not, which is not known",
            _ => "not pushed",
        };
        self.stands("pushed; not followed", not);
        self.ended(Outcome::NotPublished(why));
    }

    fn expected(&mut self, mut expected: BTreeMap<CellKey, Expectation>) {
        for run in &mut self.delivery.cells {
            run.expected = expected.remove(&run.cell);
        }
        self.began(Stage::Synced);
    }

    /// What somebody else changed since is followed no further: it will never run.
    fn declared(&mut self, declared: &BTreeMap<CellKey, Option<Version>>) {
        self.progress(|cell, expected| {
            let now = declared.get(cell)?;
            let same = *now == expected.version;
            (!same).then(|| CellProgress::Superseded(declared_since(now.as_ref())))
        });
    }

    fn seen(&mut self, facts: &Running, waited: Duration) {
        for run in &mut self.delivery.cells {
            let live = facts.live.get(&run.cell);
            if let (Some(expected), None, Some(live)) = (&run.expected, &run.synced, live) {
                run.synced = Synced::seen(expected, live);
            }
        }
        self.synced();
        self.progress(|cell, expected| {
            let connection = facts.connections.get(&cell.environment);
            Some(judge(expected, connection, facts.cell(cell), waited))
        });
    }

    /// Moves cells on that are not over, and ends where all are.
    fn progress(&mut self, look: impl Fn(&CellKey, &Expectation) -> Option<CellProgress>) {
        for run in &mut self.delivery.cells {
            let Some(expected) = run.expected.as_ref().filter(|_| !run.progress.is_over()) else {
                continue;
            };
            let looked = look(&run.cell, expected).map(|progress| match progress {
                CellProgress::Healthy | CellProgress::Unwatched(_)
                    if expected.verifies && run.verified.is_none() =>
                {
                    match &run.progress {
                        asked @ CellProgress::Verifying(_) => asked.clone(),
                        _ => CellProgress::Verifying("its checks are asked".to_owned()),
                    }
                }
                other => other,
            });
            match looked {
                Some(progress) if progress != run.progress => {
                    run.progress = progress.clone();
                    self.steps.push(Step::Cell(run.cell.clone(), progress));
                }
                _ => {}
            }
        }
        self.synced();
        self.rolled();
        let mut cells = self.delivery.cells.iter();
        if cells.all(|run| run.expected.is_none() || run.progress.is_over()) {
            self.all_over();
        }
    }

    /// Begins with the checks where nothing rolls any more.
    fn rolled(&mut self) {
        let is_through = |run: &CellRun| {
            let verifying = matches!(run.progress, CellProgress::Verifying(_));
            run.expected.is_none() || run.progress.is_over() || verifying
        };
        let cells = &self.delivery.cells;
        if !cells.iter().all(is_through) || self.delivery.verifying().next().is_none() {
            return;
        }
        if self
            .delivery
            .stage(Stage::Rolling)
            .is_some_and(|run| run.done.is_none())
        {
            self.done(Stage::Rolling, String::new());
        }
        self.began(Stage::Verified);
    }

    /// What the checks say: good ends it well, and what is not by the time that a rollout has is bad, or not known.
    fn verified(&mut self, mut said: BTreeMap<CellKey, Verified>, waited: Duration) {
        for run in &mut self.delivery.cells {
            let (Some(verified), Some(expected), CellProgress::Verifying(_)) =
                (said.remove(&run.cell), &run.expected, &run.progress)
            else {
                continue;
            };
            let late = waited >= expected.timeout;
            let progress = match verified.checked {
                Checked::Good => {
                    run.verified = Some(verified.said);
                    // How it is now, is seen next.
                    continue;
                }
                Checked::Bad if late => {
                    CellProgress::Failed(format!("not verified: {}", verified.said))
                }
                Checked::NotKnown if late || verified.for_good => CellProgress::Unverified(
                    format!("rolled out, and not verified: {}", verified.said),
                ),
                Checked::Bad | Checked::NotKnown => CellProgress::Verifying(verified.said),
            };
            if progress != run.progress {
                run.progress = progress.clone();
                self.steps.push(Step::Cell(run.cell.clone(), progress));
            }
        }
        let delivery = &*self.delivery;
        let all = delivery.verifying().all(|run| run.verified.is_some());
        let mut good: Vec<&str> = Vec::new();
        for said in delivery
            .cells
            .iter()
            .filter_map(|run| run.verified.as_deref())
        {
            if !good.contains(&said) {
                good.push(said);
            }
        }
        let open = delivery
            .stage(Stage::Verified)
            .is_none_or(|run| run.done.is_none());
        if all && open && !good.is_empty() {
            let good = good.join("; ");
            self.done(Stage::Verified, good);
        }
        let mut cells = self.delivery.cells.iter();
        if cells.all(|run| run.expected.is_none() || run.progress.is_over()) {
            self.all_over();
        }
    }

    /// Ends the stage of the agents where every cell that is followed still has come through it.
    fn synced(&mut self) {
        let known = self.delivery.stage(Stage::Synced);
        if known.is_none_or(|stage| stage.done.is_some()) {
            return;
        }
        let cells = || self.delivery.cells.iter();
        let is_through = |run: &CellRun| {
            let nobodys = matches!(
                run.progress,
                CellProgress::Superseded(_) | CellProgress::Unwatched(_)
            );
            run.synced.is_some() || run.expected.is_none() || nobodys
        };
        let mut agents: Vec<&str> = cells()
            .filter_map(|run| run.synced.as_ref()?.by.as_deref())
            .collect();
        if !cells().all(is_through) || cells().all(|run| run.synced.is_none()) {
            return;
        }
        agents.sort_unstable();
        agents.dedup();
        let gave = match agents.as_slice() {
            [] => String::new(),
            [one] => format!("by {one}"),
            [one, rest @ ..] => format!("by {one} and {} more", rest.len()),
        };
        self.done(Stage::Synced, gave);
        self.began(Stage::Rolling);
    }

    fn all_over(&mut self) {
        let delivery = &*self.delivery;
        let healthy = delivery.healthy();
        let mut cells = delivery.cells.iter();
        let unverified = cells.any(|run| matches!(run.progress, CellProgress::Unverified(_)));
        let mut cells = delivery.cells.iter();
        let superseded = cells.any(|run| matches!(run.progress, CellProgress::Superseded(_)));
        if delivery.failed().next().is_some() {
            self.ended(Outcome::Failed);
        } else if unverified {
            self.ended(Outcome::Unverified);
        } else if healthy > 0 {
            let count = format!("{healthy} of {}", delivery.cells.len());
            if delivery
                .stage(Stage::Rolling)
                .is_none_or(|run| run.done.is_none())
            {
                self.done(Stage::Rolling, String::new());
            }
            self.done(Stage::Healthy, count);
            self.ended(Outcome::Healthy(healthy));
        } else if superseded {
            self.ended(Outcome::Superseded);
        } else {
            // Not seen is not healthy: the last stage stays open.
            self.done(Stage::Synced, "nothing to watch".to_owned());
            self.ended(Outcome::Unwatched);
        }
    }
}

/// What took the place of what was delivered, in words.
pub(super) fn declared_since(now: Option<&Version>) -> String {
    match now {
        Some(version) => format!("{version} is declared since"),
        None => "nothing is declared any more".to_owned(),
    }
}

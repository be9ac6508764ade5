//! The verdicts of a draft: what its changes are judged as, what that asks, and what the gates say then.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    FileEdit, Intent, Level, Outcome, Override, Plan, PlanInput, PlannedChange, Verdict, Wave,
    freeze::delivered,
};
use crate::domain::{
    gate::{self, Change, Facts, Planned, Question},
    ids::CellKey,
    topology::Deliver,
    version::Version,
};

/// What each change of a draft is judged as.
#[derive(Default)]
pub(super) struct Judging(BTreeMap<CellKey, JudgedAs>);

/// What the gates are asked about.
pub(super) struct JudgedAs {
    /// Why the cell gets it; a cell that moves with a promotion is judged like one.
    pub(super) intent: Intent,
    /// The version: of a release, its candidate.
    pub(super) version: Option<Version>,
    /// The operator's overrides cover it.
    pub(super) covered: bool,
    /// A new tag of the very commit that the cell has: what it is called changes, and nothing else.
    pub(super) only_named: bool,
}

impl Judging {
    pub(super) fn add(&mut self, cell: &CellKey, judged_as: JudgedAs) {
        self.0.insert(cell.clone(), judged_as);
    }

    /// Puts the gates' verdicts before what was said of each change already. What is not known yet is asked, all of it at
    /// once.
    pub(super) fn judge(&self, plan: &mut Plan, facts: &mut Facts, input: &PlanInput<'_>) {
        let planned = planned(plan);
        let deliver = delivered(plan, input.topology);
        let Plan { changes, waves, .. } = plan;
        let edits = edits(waves);
        let goes = (&edits, &planned, deliver);
        let unknown: BTreeSet<Question> = changes
            .iter()
            .filter_map(|change| self.change(change, goes, input))
            .flat_map(|(_, change)| gate::questions(&change))
            .chain(together(changes, input))
            .filter(|question| !facts.knows(question))
            .collect();
        if !unknown.is_empty() {
            facts.extend((input.ask)(&unknown));
        }
        for change in changes {
            let Some((judged_as, judged)) = self.change(change, goes, input) else {
                continue;
            };
            let mut verdicts = gate::judge(&judged, facts, input.now);
            if judged_as.covered {
                for verdict in &mut verdicts {
                    lift(verdict, &input.request.overrides);
                }
            }
            if judged_as.only_named {
                only_named(&mut verdicts, change);
            }
            change.verdicts.splice(0..0, verdicts);
        }
    }

    fn change<'a>(
        &'a self,
        change: &'a PlannedChange,
        (edits, planned, deliver): Goes<'_, 'a>,
        input: &PlanInput<'a>,
    ) -> Option<(&'a JudgedAs, Change<'a>)> {
        let judged_as = self.0.get(&change.cell)?;
        let change = Change {
            cell: &change.cell,
            intent: &judged_as.intent,
            to: judged_as.version.as_ref(),
            pins: change.pins.as_ref(),
            desired: input.desired,
            topology: input.topology,
            planned,
            edits: edits.get(&change.cell).copied().unwrap_or_default(),
            deliver,
        };
        Some((judged_as, change))
    }
}

/// How changes go: the files of each, what goes with them, and how they leave the clone.
type Goes<'m, 'a> = (
    &'m BTreeMap<&'m CellKey, &'a [FileEdit]>,
    &'a Planned,
    Deliver,
);

/// The files of the commit or tag that brings each cell's change.
fn edits(waves: &[Wave]) -> BTreeMap<&CellKey, &[FileEdit]> {
    let mut edits = BTreeMap::new();
    for write in waves.iter().flat_map(|wave| &wave.writes) {
        for cell in &write.cells {
            edits.entry(cell).or_insert(write.edits.as_slice());
        }
    }
    edits
}

/// What agents say of cells that go together: in which order they go.
fn together<'p>(
    changes: &'p [PlannedChange],
    input: &'p PlanInput<'_>,
) -> impl Iterator<Item = Question> + 'p {
    let several = changes.len() > 1;
    let changes = changes.iter().filter(move |_| several);
    let watched = changes.filter(|it| input.topology.cluster(&it.cell.environment).is_some());
    watched.map(|change| Question::Running(change.cell.clone()))
}

/// What a plan writes, of all its cells.
fn planned(plan: &Plan) -> Planned {
    let changes = plan.changes.iter();
    let written = changes.filter_map(|change| Some((change.cell.clone(), change.to.clone()?)));
    written.collect()
}

fn only_named(verdicts: &mut [Verdict], change: &PlannedChange) {
    let upstream = verdicts.iter_mut();
    for verdict in upstream.filter(|verdict| verdict.gate == gate::UPSTREAM) {
        verdict.outcome = Outcome::Pass;
        verdict.overridden = None;
        verdict.detail = format!(
            "{} names the very commit that {} has as {}",
            change.to.as_ref().map_or("it", Version::as_str),
            change.cell.environment,
            change.from.as_ref().map_or("another", Version::as_str)
        );
    }
}

fn lift(verdict: &mut Verdict, overrides: &[Override]) {
    // What was reverted comes again with a group only with a reason, where the gate warns too.
    let reverted = verdict.gate == gate::REVERTED && verdict.outcome == Outcome::Warn;
    if !verdict.holds() && !reverted {
        return;
    }
    if let Some(given) = overrides.iter().find(|given| given.gate == verdict.gate) {
        if verdict.level == Level::Hard {
            verdict
                .detail
                .push_str("; it is hard here, and no override lifts it");
            return;
        }
        verdict.overridden = Some(given.reason.clone());
    }
}

//! A plan without what cannot go while the rest goes on.

use std::{
    collections::{BTreeSet, HashMap},
    rc::Rc,
};

use super::{
    Along, Came, ChangeRequest, Outcome, Plan, PlanInput, PlannedChange, Skip, SkipCause, Standing,
    Verdict, Write,
    along::written,
    build::draft,
    freeze::{delivered, freeze},
    pin::Pins,
    waves::split,
};
use crate::domain::{
    gate::{self, Facts},
    ids::CellKey,
};

/// Freezes what is asked for against a base: drafted, judged by what its gates ask, and named. Pure: the same input and the
/// same answers give the same plan.
///
/// What came with a group and is held is skipped with its cause; what was named and is held stays with its verdicts (see
/// [`Plan::held`]), unless it is to be left out. A named cell that cannot change stops the plan (see [`Plan::stopping`]),
/// unless it is to be left out. What brings a held change along (a merge of branches, an edit of bytes that it is read from
/// too) is left out with it: a part of it cannot be.
pub fn build(input: &PlanInput<'_>) -> Plan {
    let mut left = input.request.changes.clone();
    let mut left_out = Vec::new();
    let mut first: Option<Vec<PlannedChange>> = None;
    let mut facts = Facts::default();
    let pins = Rc::new(Pins::ask(&left, &mut facts, input));
    loop {
        let (mut plan, judging, footprints) = draft(&left, &pins, input);
        judging.judge(&mut plan, &mut facts, input);
        let goes_without =
            |request: &&ChangeRequest| input.request.leave_out || !request.came.is_named();
        let company = Company::of(&plan);
        let mut without: Vec<(Skip, By)> = left
            .iter()
            .filter(goes_without)
            .filter_map(|request| company.held(request))
            .collect();
        // Without what is held by itself, another set goes together.
        if without.iter().any(|(_, by)| *by == By::Itself) {
            without.retain(|(_, by)| *by == By::Itself);
        }
        let without: Vec<Skip> = without.into_iter().map(|(skip, _)| skip).collect();
        if without.is_empty() {
            plan.skipped.extend(left_out);
            plan.skip(&input.request.refused, input.request.leave_out);
            if plan.changes.is_empty() {
                plan.held_back = first.unwrap_or_default();
            }
            let deliver = delivered(&plan, input.topology);
            return freeze(
                split(plan, deliver, (&left, &pins, &footprints), &facts, input),
                input.topology,
            );
        }
        first.get_or_insert(plan.changes);
        let cells: BTreeSet<&CellKey> = without.iter().map(|skip| &skip.cell).collect();
        left.retain(|request| !cells.contains(&request.cell));
        left_out.extend(without);
    }
}

impl Plan {
    /// Skips these cells too; what stops the plan is left out instead, where that was asked for.
    pub fn skip(&mut self, more: &[Skip], leave_out: bool) {
        self.skipped.extend_from_slice(more);
        for skip in self.skipped.iter_mut().filter(|_| leave_out) {
            if skip.standing == Standing::Stops {
                skip.standing = Standing::LeftOut;
            }
        }
    }
}

/// By what a change is held.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// Whatever else goes.
    Itself,
    /// By what would go with it, and by nothing else.
    Company,
}

/// The changes of a plan, to be found by their cells.
struct Company<'p> {
    changes: HashMap<&'p CellKey, &'p PlannedChange>,
    writes: HashMap<&'p CellKey, &'p Write>,
    /// What nobody named, and is held.
    along: Vec<(&'p PlannedChange, &'p Along)>,
}

impl<'p> Company<'p> {
    fn of(plan: &'p Plan) -> Self {
        let along = plan.held();
        let along = along.filter_map(|change| Some((change, change.along.as_ref()?)));
        let mut writes = HashMap::new();
        for write in plan.writes() {
            for cell in &write.cells {
                writes.entry(cell).or_insert(write);
            }
        }
        let changes = plan.changes.iter();
        Self {
            changes: changes.map(|change| (&change.cell, change)).collect(),
            writes,
            along: along.collect(),
        }
    }

    /// Why a request is left out; `None` where nothing holds it.
    fn held(&self, request: &ChangeRequest) -> Option<(Skip, By)> {
        let own = self.changes.get(&request.cell).copied();
        let stops = |change: &&PlannedChange| stopping(change, request.came).next().is_some();
        let (change, detail) = if let Some(change) = own.filter(stops) {
            (change, reasons(change, request.came))
        } else {
            let write = self.writes.get(&request.cell)?;
            let mut along = self.along.iter();
            let (brought, _) = along.find(|(change, along)| match along {
                Along::Belongs => write.cells.contains(&change.cell),
                Along::Edit { of } => of.contains(&request.cell),
            })?;
            let accept = if brought.is_unaccepted() {
                format!("; accept it with --along {}", written(&brought.cell))
            } else {
                String::new()
            };
            let detail = format!(
                "it would bring {} along, which is held: {}{accept}",
                brought.cell,
                reasons(brought, Came::Named)
            );
            (*brought, detail)
        };
        let verdict = decisive(change, request.came).next()?;
        let by = match verdict.gate.as_str() {
            gate::TOGETHER => By::Company,
            _ => By::Itself,
        };
        let gate = verdict.gate.clone();
        let cause = match gate.as_str() {
            _ if verdict.detail.starts_with(gate::NOT_KNOWN) => SkipCause::Held,
            gate::AHEAD => SkipCause::Ahead,
            gate::REVERTED => SkipCause::Reverted,
            gate::VETO => SkipCause::Vetoed,
            _ => SkipCause::Held,
        };
        let mut skip = Skip::new(request.cell.clone(), request.came, (cause, detail));
        skip.gate = Some(gate);
        Some((skip, by))
    }
}

/// Of the verdicts that stop a change, those that speak of itself, where there are any.
fn decisive(change: &PlannedChange, came: Came) -> impl Iterator<Item = &Verdict> {
    let of_itself = |verdict: &Verdict| verdict.gate != gate::TOGETHER;
    let any = stopping(change, came).any(of_itself);
    stopping(change, came).filter(move |verdict| !any || of_itself(verdict))
}

/// The verdicts that stop a change. What was reverted does not come again with a group, even where the gate only warns.
fn stopping(change: &PlannedChange, came: Came) -> impl Iterator<Item = &Verdict> {
    change.verdicts.iter().filter(move |verdict| {
        let with_group = came == Came::Group
            && verdict.gate == gate::REVERTED
            && matches!(verdict.outcome, Outcome::Hold | Outcome::Warn)
            && verdict.overridden.is_none();
        verdict.holds() || with_group
    })
}

/// `upstream: staging declares 2 but runs 1`
fn reasons(change: &PlannedChange, came: Came) -> String {
    let said = |verdict: &Verdict| format!("{}: {}", verdict.gate, verdict.detail);
    decisive(change, came)
        .map(said)
        .collect::<Vec<_>>()
        .join("; ")
}

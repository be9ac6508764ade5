//! The last step of a plan: how it goes, what it is called, and what its commits say.

use super::{Action, Plan, PlannedChange, Wave, Write};
use crate::domain::{
    message::{self, Details},
    topology::{Deliver, Topology},
};

/// Completes a plan whose changes, writes and skips stand.
pub(super) fn freeze(mut plan: Plan, topology: &Topology) -> Plan {
    plan.deliver = delivered(&plan, topology);
    name(plan)
}

/// How it leaves the clone.
pub(super) fn delivered(plan: &Plan, topology: &Topology) -> Deliver {
    let asked = plan.request.deliver;
    asked.unwrap_or_else(|| asked_for(plan, topology))
}

/// Gives it its digest, and its commits their messages.
fn name(mut plan: Plan) -> Plan {
    plan.digest = plan.digest_of();
    let mut waves = std::mem::take(&mut plan.waves);
    for write in waves.iter_mut().flat_map(|wave| &mut wave.writes) {
        let changes: Vec<PlannedChange> = plan.changes_of(write).cloned().collect();
        write.message = message::compose(&changes, &write.vetoes, &details(&changes, &plan));
    }
    plan.waves = waves;
    plan
}

/// One plan goes one way: to a branch of its own, or by a pull request, as soon as one of its environments asks for that.
fn asked_for(plan: &Plan, topology: &Topology) -> Deliver {
    let environments = plan
        .changes
        .iter()
        .filter_map(|change| topology.get(&change.cell.environment));
    let ways = environments.map(|environment| environment.deliver);
    ways.max().unwrap_or_default()
}

/// The reason of the whole plan, else that of its first override: a reason is kept whether a gate held or not.
fn details(changes: &[PlannedChange], plan: &Plan) -> Details {
    let mut overrides = Vec::new();
    for change in changes {
        for verdict in &change.verdicts {
            if let Some(reason) = &verdict.overridden {
                overrides.push((change.cell.clone(), verdict.gate.clone(), reason.clone()));
            }
        }
    }
    Details {
        reason: plan
            .request
            .reason
            .clone()
            .or_else(|| overrides.first().map(|(_, _, reason)| reason.clone())),
        overrides,
        plan: Some(plan.digest.clone()),
    }
}

impl Plan {
    /// The same plan, leaving the clone another way than its environments say.
    #[must_use]
    pub fn sent_by(mut self, deliver: Deliver) -> Self {
        self.request.deliver = Some(deliver);
        self.deliver = deliver;
        name(self)
    }

    /// Whether the ref simply moves on: nothing of its own is on it, and no reason needs a commit to stand in.
    pub fn moves_on(&self, write: &Write) -> bool {
        let fast_forward = matches!(
            write.action,
            Action::Merge {
                fast_forward: true,
                ..
            }
        );
        let lifted = |change: &PlannedChange| {
            let mut verdicts = change.verdicts.iter();
            verdicts.any(|verdict| verdict.overridden.is_some())
        };
        fast_forward && self.request.reason.is_none() && !self.changes_of(write).any(lifted)
    }

    /// The part of the plan that one write is, to be judged again alone when its ref moved; with its part of the request.
    #[must_use]
    pub fn part(&self, write: &Write) -> Self {
        let changes = self.changes_of(write).cloned().collect();
        let mut request = self.request.clone();
        request
            .changes
            .retain(|change| write.cells.contains(&change.cell));
        // As what was skipped: it is no part of this write.
        request.refused.clear();
        request.vetoes.clone_from(&write.vetoes);
        let mut part = Self {
            request,
            changes,
            waves: vec![Wave {
                after: Vec::new(),
                writes: vec![write.clone()],
            }],
            skipped: Vec::new(),
            ..self.clone()
        };
        part.digest = part.digest_of();
        part
    }
}

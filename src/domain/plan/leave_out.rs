//! A plan without what gates hold: the rest goes on.

use super::{
    Along, ChangeRequest, Plan, PlanInput, PlannedChange, Skip, SkipCause, Verdict, build::build,
};

/// [`build`], but what a gate holds is skipped with its reason instead of holding the whole plan.
///
/// What brings a held change along (a merge of branches, an edit of bytes that it is read from too) is left out with it: a
/// part of it cannot be.
pub fn build_without_held(requests: &[ChangeRequest], input: &PlanInput<'_>) -> Plan {
    let mut left = requests.to_vec();
    let mut left_out = Vec::new();
    loop {
        let mut plan = build(&left, input);
        let held: Vec<Skip> = left
            .iter()
            .filter_map(|request| held(&plan, request))
            .collect();
        if held.is_empty() {
            plan.skipped.extend(left_out);
            return plan;
        }
        left.retain(|request| held.iter().all(|skip| skip.cell != request.cell));
        left_out.extend(held);
    }
}

/// Why a request is left out; `None` where nothing holds it.
fn held(plan: &Plan, request: &ChangeRequest) -> Option<Skip> {
    let own = plan.held().find(|change| change.cell == request.cell);
    let detail = if let Some(change) = own {
        reasons(change)
    } else {
        let mut writes = plan.writes.iter();
        let write = writes.find(|write| write.cells.contains(&request.cell))?;
        let mut along = plan.held();
        let brought = along.find(|change| match &change.along {
            None => false,
            Some(Along::Belongs) => write.cells.contains(&change.cell),
            Some(Along::Edit { of }) => of.contains(&request.cell),
        })?;
        format!(
            "it would bring {} along, which is held: {}",
            brought.cell,
            reasons(brought)
        )
    };
    Some(Skip {
        cell: request.cell.clone(),
        cause: SkipCause::Held,
        detail,
    })
}

/// `upstream: staging declares 2 but runs 1`
fn reasons(change: &PlannedChange) -> String {
    let verdicts = change.verdicts.iter().filter(|verdict| verdict.holds());
    let said = |verdict: &Verdict| format!("{}: {}", verdict.gate, verdict.detail);
    verdicts.map(said).collect::<Vec<_>>().join("; ")
}

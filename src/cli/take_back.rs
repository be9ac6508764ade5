//! `--revert-on-failure`: a change whose rollout failed is taken back by a revert.

use jiff::Timestamp;
use serde_json::json;

use super::{
    Context,
    args::WriteArgs,
    deliver::{PUBLISHING, observer},
    fail::Exit,
    outcome::{not_written, part_json, report},
    output::clean,
    plan::show,
};
use crate::{
    domain::{
        delivery::Delivery,
        failure::Failure,
        plan::{Accept, Came, ChangeRequest, Intent, Plan, PlanRequest},
        rollout::Running,
    },
    workflow::{self, OwnClusters, Underway},
};

/// Takes `plan` back, of which `failed` could not be: every cell of it that still declares what it brought gets what it had,
/// by commits of their own, and is followed. The change failed, whatever comes of it.
pub(super) async fn take_back(
    context: &Context,
    plan: &Plan,
    failed: &Delivery,
    args: &WriteArgs,
) -> Result<Exit, Failure> {
    let output = &context.output;
    let why: Vec<String> = failed
        .failed()
        .map(|(cell, why)| format!("{cell}: {why}"))
        .collect();
    let why = why.join("; ");
    output.note(clean(&format!(
        "taken back, because its rollout failed: {why}"
    )));
    let project = context.open()?;
    project.fetch().await?;
    let reading = project.read()?;
    let request = request(plan, &why, |change| {
        reading.desired.version(&change.cell) == change.to.as_ref()
    });
    if request.changes.is_empty() {
        output.note("nothing of it is declared any more: there is nothing to take back");
        report(output, plan, "failed", json!({}));
        return Ok(Exit::Failed);
    }
    let nobody = Running::default();
    let back = workflow::prepare(&project, &reading, &nobody, &request, Timestamp::now())?;
    show(output, &back);
    if !back.may_go() {
        output.note(
            "it cannot be taken back like this: mend what is said of each cell, and revert by hand",
        );
        report(output, &back, "not-reverted", json!({}));
        return Ok(Exit::Failed);
    }
    let delivery = Delivery::new(&back, Timestamp::now());
    let mut tell = observer(output);
    let mut underway = Underway::begin(&project, delivery, Timestamp::now, &mut tell);
    output.leaves(PUBLISHING);
    underway.publish(&back, &nobody).await;
    output.leaves("");
    if let Some(why) = underway.delivery.not_published().cloned() {
        output.note("the revert was not written:");
        return not_written(output, &back, &underway.delivery.parts, why).map(|_| Exit::Failed);
    }
    for part in &underway.delivery.parts {
        output.note(clean(&part.describe()));
    }
    underway.merge(args.rollout_timeout()).await;
    if !underway.delivery.is_over() {
        let mut clusters = OwnClusters::watch(&project, &underway.delivery, Timestamp::now)?;
        underway.follow(&mut clusters, args.rollout_timeout()).await;
    }
    underway.leave();
    let parts: Vec<_> = underway.delivery.parts.iter().map(part_json).collect();
    report(output, plan, "reverted", json!({ "parts": parts }));
    Ok(Exit::Failed)
}

/// What takes a plan back, of the changes that `still` stand.
fn request(
    plan: &Plan,
    why: &str,
    still: impl Fn(&crate::domain::plan::PlannedChange) -> bool,
) -> PlanRequest {
    let changes = plan.changes.iter().filter(|change| change.along.is_none());
    let changes = changes.filter(|change| still(change)).map(|change| {
        let write = plan
            .writes()
            .find(|write| write.cells.contains(&change.cell));
        ChangeRequest {
            cell: change.cell.clone(),
            intent: Intent::Revert {
                to: change.from.clone(),
                at: write.map(|write| write.tip.commit),
            },
            came: Came::Named,
        }
    });
    PlanRequest {
        changes: changes.collect(),
        deliver: Some(plan.deliver),
        // What came along goes back along.
        accepted: vec![Accept::All],
        reason: Some(format!("its rollout failed: {why}")),
        ..PlanRequest::default()
    }
}

//! `tidegate revert SERVICE ENV`: the last good version, or `--to` another one.

use jiff::{Timestamp, Zoned};

use super::{
    Context,
    args::RevertArgs,
    change::{self, Start},
    fail::Exit,
    output::clean,
    text,
};
use crate::{
    domain::{
        failure::Failure,
        ids::CellKey,
        plan::{Came, ChangeRequest, Skip},
        policy::veto::VetoChange,
        rollout::Seen,
    },
    workflow::{Project, revert_target},
};

pub(super) async fn run(context: &Context, args: &RevertArgs) -> Result<Exit, Failure> {
    let start = change::start(context, &args.write).await?;
    let service = Project::service(start.desired(), &args.service)?;
    let environment = Project::environment(start.desired(), &args.environment)?;
    let cell = CellKey::new(service, environment);
    let target = revert_target(
        &start.project,
        &start.reading,
        &cell,
        args.to.as_deref(),
        &Zoned::now(),
    )?;
    let target = match target {
        Ok(target) => target,
        Err(why) => {
            let refused = vec![Skip::new(cell, Came::Named, why)];
            return change::refuse(context, start, refused, &args.write).await;
        }
    };
    let detail = clean(&target.detail);
    if target.again.is_none() {
        context.output.note(format!(
            "back to {}: {detail}",
            text::after(target.version.as_ref())
        ));
    }
    // What was kept is enough, and what a Prometheus says at once: nobody who goes back waits for a cluster.
    let now = Timestamp::now();
    let past = start.project.whole_past(&cell, &Seen::default(), now).await;
    let known = target.version.as_ref().and_then(|it| past.words(it, now));
    if let Some(known) = known {
        context.output.note(clean(&known));
    }
    let veto = match (args.veto, &args.write.reason) {
        (true, Some(reason)) => Some(bad(&start, &cell, reason)?),
        _ => None,
    };
    let changes = vec![ChangeRequest {
        cell,
        intent: target.intent,
        came: Came::Named,
    }];
    // Said with the plan, right before it is confirmed.
    let notes = target.again.into_iter().collect();
    let vetoes = veto.flatten().into_iter().collect();
    change::carry_out_with(context, start, changes, vetoes, notes, &args.write).await
}

/// The veto of what a cell declares now; `None` where it is there already.
fn bad(start: &Start, cell: &CellKey, reason: &str) -> Result<Option<VetoChange>, Failure> {
    let Some(version) = start.desired().version(cell) else {
        return Err(Failure::usage(format!(
            "{cell} declares no version that could be vetoed"
        )));
    };
    let service = cell.service.to_string();
    let veto = start.project.veto(
        service,
        version.clone(),
        reason.to_owned(),
        Timestamp::now(),
    );
    let is_new = start.project.can_veto(&start.reading, &veto)?;
    Ok(is_new.then_some(veto))
}

//! `tidegate promote SERVICE… --from A --to B`.

use super::{
    Context,
    args::PromoteArgs,
    change,
    fail::{Exit, Failure},
};
use crate::{
    domain::{
        ids::CellKey,
        plan::{ChangeRequest, Intent},
    },
    workflow::Session,
};

pub(super) async fn run(context: &Context, args: &PromoteArgs) -> Result<Exit, Failure> {
    let start = change::start(context, &args.write).await?;
    let desired = start.desired();
    let from = Session::environment(desired, &args.from)?;
    let to = Session::environment(desired, &args.to)?;
    if from == to {
        return Err(Failure::usage(format!(
            "--from and --to are both `{from}`; name two environments"
        )));
    }
    let mut changes = Vec::new();
    for name in &args.services {
        let service = Session::service(desired, name)?;
        let request = ChangeRequest {
            cell: CellKey::new(service, to.clone()),
            intent: Intent::Promote { from: from.clone() },
        };
        if !changes.contains(&request) {
            changes.push(request);
        }
    }
    change::carry_out(context, start, changes, &args.write).await
}

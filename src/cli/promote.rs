//! `tidegate promote SERVICE… --from A --to B`.

use super::{Context, args::PromoteArgs, change, fail::Exit};
use crate::{
    domain::{
        desired::Desired,
        failure::Failure,
        ids::{CellKey, EnvironmentName, ServiceName},
        plan::{Came, ChangeRequest, Intent},
    },
    workflow::Project,
};

pub(super) async fn run(context: &Context, args: &PromoteArgs) -> Result<Exit, Failure> {
    let start = change::start(context, &args.write).await?;
    let desired = start.desired();
    let from = Project::environment(desired, &args.from)?;
    let to = Project::environment(desired, &args.to)?;
    if from == to {
        return Err(Failure::usage(format!(
            "--from and --to are both `{from}`; name two environments"
        )));
    }
    let changes = rows(desired, args, (&from, &to))?.into_iter();
    let changes = changes.map(|(service, came)| ChangeRequest {
        cell: CellKey::new(service, to.clone()),
        intent: Intent::Promote { from: from.clone() },
        came,
    });
    let changes = changes.collect();
    change::carry_out(context, start, changes, &args.write).await
}

/// The rows that are asked for, in the order they are asked for, each once. What is named and comes by a pattern too, is
/// named.
fn rows(
    desired: &Desired,
    args: &PromoteArgs,
    (from, to): (&EnvironmentName, &EnvironmentName),
) -> Result<Vec<(ServiceName, Came)>, Failure> {
    let mut rows: Vec<(ServiceName, Came)> = Vec::new();
    let mut add = |service: ServiceName, came: Came| match rows
        .iter_mut()
        .find(|(known, _)| *known == service)
    {
        Some((_, known)) if came == Came::Named => *known = came,
        Some(_) => {}
        None => rows.push((service, came)),
    };
    if args.all {
        let has = |service: &ServiceName, environment: &EnvironmentName| {
            let key = CellKey::new(service.clone(), environment.clone());
            desired.cells.contains_key(&key)
        };
        let names = Project::services(desired).into_iter();
        for service in names.filter(|service| has(service, from) || has(service, to)) {
            add(service, Came::Group);
        }
    }
    for name in &args.services {
        for (service, came) in Project::services_like(desired, name)? {
            add(service, came);
        }
    }
    for name in &args.except {
        let except = Project::services_like(desired, name)?;
        rows.retain(|(service, _)| except.iter().all(|(other, _)| other != service));
    }
    Ok(rows)
}

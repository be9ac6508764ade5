//! `tidegate apply --left`: what a process left behind that went away is taken up, and goes on as it was confirmed.

use jiff::Timestamp;

use super::{
    Context, args::WriteArgs, ask, change, deliver::observer, fail::Exit, output::clean, waves,
};
use crate::{
    domain::{delivery::Delivery, failure::Failure, plan::Plan},
    workflow::{self, Drops, LeftBehind, OwnClusters, Permit, Project, Rest, Standing},
};

const FOLLOWING: &str = "while what was left behind was followed: it stays as it is, and the next start takes it up again";

/// `tidegate apply --left`.
pub(super) async fn run(context: &Context, args: &WriteArgs) -> Result<Exit, Failure> {
    let output = &context.output;
    if output.is_json() {
        return Err(Failure::usage(
            "--left tells of several deliveries, for people; -o json is for one plan",
        ));
    }
    let start = change::start(context, args).await?;
    let (left, problems) = workflow::left_behind(&start.project);
    for problem in &problems {
        output.note(clean(problem));
    }
    if left.is_empty() {
        output.note("nothing was left behind");
    }
    let mut exit = if problems.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    };
    for left in left {
        let ended = one(context, &start.project, left, args).await?;
        if ended != Exit::Done {
            exit = ended;
        }
    }
    Ok(exit)
}

/// One of them; what is only looked at stays as it is.
async fn one(
    context: &Context,
    project: &Project,
    left: LeftBehind,
    args: &WriteArgs,
) -> Result<Exit, Failure> {
    let output = &context.output;
    output.note(clean(&format!(
        "left behind: {}",
        described(left.delivery())
    )));
    if context.common.dry_run {
        return Ok(Exit::Done);
    }
    let mut clusters = OwnClusters::watch(project, left.delivery(), Timestamp::now)?;
    let by = (Permit::default(), Drops::default());
    let mut tell = observer(output);
    output.leaves(FOLLOWING);
    let taken = left.take_up(project, Timestamp::now, &mut tell, by, &mut clusters);
    let (delivery, rest) = taken.await;
    output.leaves("");
    drop(tell);
    let Some(rest) = rest else {
        if let Some(why) = delivery.rest_is_to_be_planned() {
            output.note(clean(&why));
        }
        return match delivery.verdict() {
            Some(Ok(said)) => {
                output.note(clean(&said));
                Ok(match delivery.rest_is_to_be_planned() {
                    Some(_) => Exit::Failed,
                    None => Exit::Done,
                })
            }
            Some(Err(failure)) => {
                output.note(clean(&failure.to_string()));
                Ok(Exit::of(failure.kind))
            }
            None => Ok(Exit::Failed),
        };
    };
    go_on(context, project, rest, args).await
}

/// The waves that are not begun.
async fn go_on(
    context: &Context,
    project: &Project,
    rest: Rest,
    args: &WriteArgs,
) -> Result<Exit, Failure> {
    let output = &context.output;
    // Others may have written meanwhile.
    project.fetch().await?;
    match rest.stands(project, &project.read()?) {
        Standing::Open => {}
        Standing::There => {
            output.note(clean(&format!("{} is there already", rest.told())));
            rest.end();
            return Ok(Exit::Done);
        }
        Standing::Otherwise(lines) => {
            output.note(clean(&format!(
                "{} is not the same any more; nothing more was written:",
                rest.told()
            )));
            for line in lines {
                output.note(format!("  {}", clean(&line)));
            }
            output.note("plan it again, what is there already is skipped");
            rest.end();
            return Ok(Exit::Moved);
        }
    }
    output.note(clean(&format!(
        "confirmed before, and not begun: {}",
        rest.told()
    )));
    waves::show(output, &rest.plan);
    if !args.yes {
        if !ask::somebody_there() {
            return Err(Failure::usage(
                "nothing more was written: without a terminal to confirm at, --yes confirms",
            ));
        }
        if !ask::confirm(context, project, &to_come(&rest))? {
            output.note("nothing more was written; it stays as it is until it is planned again, or gone on with");
            return Ok(Exit::Usage);
        }
    }
    let (plan, next, before) = rest.begin();
    Box::pin(waves::deliver_from(
        context,
        project,
        &plan,
        (next, before),
        args,
    ))
    .await
}

/// The changes of the waves that are not begun, to be asked about.
fn to_come(rest: &Rest) -> Plan {
    let mut plan = rest.plan.clone();
    let cells: Vec<_> = rest.cells().cloned().collect();
    plan.changes.retain(|change| cells.contains(&change.cell));
    plan
}

/// `promote web 1 → 2 to prod, wave 1 of 2`
fn described(delivery: &Delivery) -> String {
    let wave = delivery.wave.as_ref();
    let wave = wave.map(|wave| format!(", wave {} of {}", wave.number, wave.of));
    format!("{}{}", delivery.subject, wave.unwrap_or_default())
}

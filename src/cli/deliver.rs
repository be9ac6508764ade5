//! What a command says of its delivery, and how it follows it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Context,
    args::WriteArgs,
    fail::Exit,
    outcome::{BROKEN, cells_json, ending, part_json, report, say, say_message},
    output::{Output, clean},
    take_back::take_back,
};
use crate::{
    domain::{
        delivery::{Delivery, Outcome, Stage, Step},
        failure::Failure,
        plan::Plan,
        topology::Deliver,
    },
    sources::children,
    workflow::{self, NOTIFY_PATIENCE, Notifier, OwnClusters, Told, Underway},
};

/// What is said when the operator interrupts a push and the remote does not say in time whether it took it.
pub(super) const PUBLISHING: &str = "while it was published: some of it may have arrived. Look before you repeat: git fetch, then \
                          tidegate status; the same command again skips what is there already";
const ARRIVING: &str = "while waiting for it: what was pushed stays where it is";
const MERGING: &str = "while its merge was waited for: its pull request stays as it is";
const TELLING: &str = "while others were told of it, who may not all have been";
const FOLLOWING: &str =
    "while the rollout was followed: what was pushed stays, and goes on rolling out";

/// Says the steps of a delivery as they come.
pub(super) fn observer(output: &Output) -> impl FnMut(Told<'_>) + Send {
    move |told| match told {
        Told::NotTold(problem) => output.note(clean(&problem)),
        Told::Ran(ran) if ran.ok => output.detail(format!("ran {}", ran.line)),
        Told::Ran(ran) => output.detail(format!("ran {}: {}", ran.line, ran.outcome)),
        Told::Steps(delivery, _, steps) => {
            for step in steps {
                tell(output, delivery, step);
            }
        }
    }
}

fn tell(output: &Output, delivery: &Delivery, step: &Step) {
    match step {
        Step::Done(Stage::Checked, sentence) => output.detail(sentence.clone()),
        Step::Done(Stage::Committed, commit) => output.detail(format!("committed {commit}")),
        // One alone is told behind what the server said of it.
        Step::Part(part) | Step::Arrived(part) if delivery.writes.len() > 1 => {
            output.note(clean(&part.describe()));
        }
        Step::Requested(part) => {
            if let Some(request) = &part.request {
                output.note(clean(&request.describe()));
            }
        }
        Step::Superseded(said) => output.note(clean(said)),
        Step::Done(Stage::Synced, by) if !by.is_empty() => output.detail(format!("synced {by}")),
        Step::Done(Stage::Verified, said) => output.note(clean(&format!("verified: {said}"))),
        Step::Cell(cell, progress) => say(output, cell, progress),
        _ => {}
    }
}

/// Tells what was published, follows it where that was asked for, and ends the command.
pub(super) async fn follow(
    context: &Context,
    plan: &Plan,
    mut underway: Underway<'_>,
    args: &WriteArgs,
) -> Result<Exit, Failure> {
    let output = &context.output;
    let project = underway.project();
    if args.follows() && underway.delivery.is_elsewhere() && !children::interrupted() {
        let parts = underway.delivery.parts.iter();
        for part in parts.filter(|part| part.elsewhere.is_some()) {
            output.note(clean(&format!("{}; waiting for it", part.describe())));
        }
        let patience = args.rollout_timeout().unwrap_or_else(|| {
            let cells = underway.delivery.cells.iter().map(|run| &run.cell);
            workflow::longest_timeout(project, cells)
        });
        output.leaves(ARRIVING);
        underway.arrive(patience).await;
        output.leaves("");
    }
    said(output, &underway.delivery);
    // What could not be done is told now that the rest went.
    let mut exit = ending(plan);
    if exit == Exit::Failed {
        output.note(BROKEN);
    }
    let elsewhere = underway.delivery.is_elsewhere();
    if elsewhere {
        underway.not_arrived();
        // What nobody can fetch, nothing deploys: that is no success yet.
        output.note(
            "it is deployed when the repository that is fetched has it: `git remote -v` names the addresses, \
             and --wait waits for it",
        );
        exit = Exit::Failed;
    } else if args.follows() && underway.delivery.deliver == Deliver::Branch {
        output.note("not followed: it rolls out when its pull request is merged");
    } else if !args.follows() && underway.delivery.awaits_merge() {
        output.note("not followed: it rolls out when it is merged; --wait waits for that");
    } else if args.follows()
        && underway.delivery.awaits_merge()
        && !merged(&mut underway, output, args).await
    {
        exit = Exit::Failed;
    } else if args.follows() && !children::interrupted() {
        match OwnClusters::watch(project, &underway.delivery, Timestamp::now) {
            Ok(mut clusters) => {
                output.leaves(FOLLOWING);
                underway.follow(&mut clusters, args.rollout_timeout()).await;
            }
            Err(error) => underway.not_followed(&error),
        }
        match &underway.delivery.ended {
            Some((_, Outcome::Broken(failure))) => {
                report(output, plan, "pushed", more(&underway.delivery));
                return Err(failure.clone());
            }
            Some((_, Outcome::Failed | Outcome::Unverified)) => exit = Exit::Failed,
            _ => {}
        }
        if exit == Exit::Failed
            && args.unattended.revert_on_failure
            && underway.delivery.failed().next().is_some()
        {
            underway.leave();
            let failed = underway.delivery.clone();
            return Box::pin(take_back(context, plan, &failed, args)).await;
        }
        for (cell, _) in underway.delivery.failed() {
            output.note(format!(
                "go back with: tidegate revert {} {} --wait",
                cell.service, cell.environment
            ));
        }
    }
    underway.leave();
    let delivery = &underway.delivery;
    let outcome = match delivery.deliver {
        _ if elsewhere => "elsewhere",
        Deliver::Push => "pushed",
        Deliver::Branch => "branch",
        Deliver::PullRequest => "pull-request",
    };
    report(output, plan, outcome, more(delivery));
    Ok(exit)
}

/// Waits until those are told of a delivery who are to be, and says who could not be: it has ended however that goes.
pub(super) async fn told(output: &Output, notifier: &Notifier) {
    output.leaves(TELLING);
    let problems = notifier.finish(NOTIFY_PATIENCE).await;
    output.leaves("");
    for problem in problems {
        output.note(clean(&problem));
    }
}

/// Waits for the merge of its pull requests; `false`: it does not come, and why is said.
async fn merged(underway: &mut Underway<'_>, output: &Output, args: &WriteArgs) -> bool {
    output.leaves(MERGING);
    underway.merge(args.rollout_timeout()).await;
    output.leaves("");
    if let Some(Err(failure)) = underway.delivery.verdict() {
        output.note(clean(&failure.to_string()));
    }
    !underway.delivery.is_over() && !children::interrupted()
}

/// What left the clone, with what its servers said.
pub(super) fn said(output: &Output, delivery: &Delivery) {
    if let Some(moved) = &delivery.moved {
        output.note(clean(moved));
    }
    for part in &delivery.parts {
        say_message(output, &part.message);
        if let Some(note) = &part.note {
            output.note(clean(note));
        }
        if delivery.parts.len() == 1 {
            output.note(clean(&part.describe()));
        }
        match (&part.request, &part.link) {
            (Some(request), _) => output.note(format!(
                "pull request #{}: {}",
                request.number,
                clean(&request.url)
            )),
            (None, Some(link)) => output.note(format!("open a pull request: {}", clean(link))),
            (None, None) => {}
        }
    }
}

/// What JSON says beside the plan.
fn more(delivery: &Delivery) -> Value {
    let parts: Vec<Value> = delivery.parts.iter().map(part_json).collect();
    // The first part's fields stand outside too: most plans have one.
    let mut more = parts.first().cloned().unwrap_or_else(|| json!({}));
    more["parts"] = json!(parts);
    if delivery.cells.iter().any(|run| run.progress.is_over()) {
        more["cells"] = cells_json(delivery);
    }
    more
}

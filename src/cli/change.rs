//! What `promote`, `set` and `revert` share: plan, show, confirm, deliver, follow.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Context,
    args::WriteArgs,
    ask,
    fail::{Exit, Failure},
    outcome::{
        BROKEN, cells_json, ending, held, not_written, nothing, part_json, refused, report, say,
        say_words, stopped, target, with_schema,
    },
    output::{Output, clean},
    plan::show,
};
use crate::{
    domain::{
        delivery::CellProgress,
        desired::Desired,
        ids::{CellKey, EnvironmentName},
        plan::{Accept, ChangeRequest, Facts, Override, Plan, PlanRequest, Skip, written},
        suggest,
        topology::Deliver,
    },
    sources::{children, git::GitErrorKind},
    stdio,
    workflow::{self, DeliverFailure, DeliverStep, Delivered, Reading, Session},
};

/// How long clusters may take for their first answer.
pub(super) const FIRST_ANSWER: Duration = Duration::from_secs(10);

/// The repository as just fetched.
pub(super) struct Start {
    pub(super) session: Session,
    pub(super) reading: Reading,
}

impl Start {
    /// The matrix.
    pub(super) fn desired(&self) -> &Desired {
        &self.reading.desired
    }
}

/// Opens the repository, fetches what is read (not with `--at`) and reads the matrix.
pub(super) async fn start(context: &Context, args: &WriteArgs) -> Result<Start, Failure> {
    let common = &context.common;
    if !common.at.is_empty() && !common.dry_run {
        return Err(Failure::usage(
            "--at is for looking; add --dry-run, or leave it out to write on the branch's tip",
        ));
    }
    if common.read_only && !common.dry_run {
        return Err(Failure::usage(
            "--read-only writes nothing; add --dry-run to see the plan",
        ));
    }
    if common.offline && !common.dry_run {
        return Err(Failure::usage(
            "--offline asks nobody, and what is written has to be built on what the remote has now; add --dry-run to see the plan",
        ));
    }
    if args.wait && common.dry_run {
        return Err(Failure::usage(
            "--wait follows what was written; a dry run writes nothing",
        ));
    }
    let session = context.open()?;
    let mut unfetched = None;
    if common.at.is_empty() {
        match session.fetch().await {
            Ok(fetches) => {
                for ran in &fetches.ran {
                    context.output.detail(format!("ran {}", ran.line));
                }
                for note in &fetches.notes {
                    context.output.note(clean(note));
                }
                // What is written there is fetched once more, and refused then.
                for (name, error) in &fetches.failed {
                    let text =
                        format!("{name} could not be fetched, and is as of the last time: {error}");
                    context.output.note(clean(&text));
                }
            }
            Err(error) if common.dry_run => unfetched = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    let reading = session.read()?;
    if let Some(error) = unfetched {
        context.output.note(format!(
            "could not fetch, so this is on {} as last fetched: {error}",
            reading.base().shown
        ));
    }
    Ok(Start { session, reading })
}

/// Plans `changes` and does what the options say with it.
pub(super) async fn carry_out(
    context: &Context,
    start: Start,
    changes: Vec<ChangeRequest>,
    args: &WriteArgs,
) -> Result<Exit, Failure> {
    let request = request(changes, args);
    plan_and_write(context, start, request, args).await
}

/// The same where it is known already that what was asked for cannot be done: told and ended like every plan.
pub(super) async fn refuse(
    context: &Context,
    start: Start,
    refused: Vec<Skip>,
    args: &WriteArgs,
) -> Result<Exit, Failure> {
    let request = PlanRequest {
        refused,
        ..request(Vec::new(), args)
    };
    plan_and_write(context, start, request, args).await
}

async fn plan_and_write(
    context: &Context,
    start: Start,
    request: PlanRequest,
    args: &WriteArgs,
) -> Result<Exit, Failure> {
    let output = &context.output;
    let (plan, facts) = judge(context, &start, &request, args).await?;
    accepts(&start, &request, &plan)?;
    if context.common.dry_run {
        if output.is_json() {
            Output::json(&with_schema("tidegate.plan/v1", &plan));
        } else {
            show(output, &plan);
        }
        return Ok(ending(&plan));
    }
    show(output, &plan);
    write(context, &start.session, plan, &facts, args).await
}

async fn write(
    context: &Context,
    session: &Session,
    mut plan: Plan,
    facts: &Facts,
    args: &WriteArgs,
) -> Result<Exit, Failure> {
    let output = &context.output;
    loop {
        if plan.stopping().next().is_some() {
            return Ok(stopped(output, &plan));
        }
        if plan.held().next().is_some() {
            return Ok(held(output, &plan));
        }
        if plan.changes.is_empty() {
            return Ok(nothing(output, &plan));
        }
        if let Some(why) = stdio::lost() {
            return Err(Failure::failed(format!(
                "nothing was written: the plan could not be shown on standard output ({why})"
            )));
        }
        if !args.yes {
            if !ask::somebody_there() {
                return Err(Failure::usage(
                    "nothing was written: without a terminal to confirm at, --yes confirms (--dry-run shows the plan)",
                ));
            }
            if !ask::confirm(context, session, &plan, &target(&plan))? {
                output.note("nothing was written");
                report(output, &plan, "declined", json!({}));
                return Ok(Exit::Failed);
            }
        }
        let mut tell = |step: DeliverStep| match step {
            DeliverStep::Ran(ran) => output.detail(format!("ran {}", ran.line)),
            DeliverStep::Checked(sentence) => output.detail(sentence),
            DeliverStep::Committed(commit) => output.detail(format!("committed {commit}")),
            DeliverStep::Published(sentence) => output.note(clean(&sentence)),
        };
        let facts = facts.clone();
        output.leaves(PUBLISHING);
        let delivered = workflow::deliver(session, &plan, &move || facts.clone(), &mut tell).await;
        output.leaves("");
        match delivered {
            Ok(delivered) => return follow(context, session, &plan, delivered, args).await,
            Err(DeliverFailure::Moved { fresh, changes }) => {
                output.note("the base moved and the plan is another one now; nothing was written:");
                for line in &changes {
                    output.note(format!("  {}", clean(line)));
                }
                if args.yes || !ask::somebody_there() {
                    report(output, &fresh, "moved", json!({ "differences": changes }));
                    return Ok(Exit::Moved);
                }
                plan = *fresh;
                show(output, &plan);
            }
            Err(DeliverFailure::Rejected(rejection))
                if rejection.protected
                    && plan.deliver == Deliver::Push
                    && !args.yes
                    && !output.is_json()
                    && ask::somebody_there() =>
            {
                refused(output, &plan, &rejection);
                plan = plan.sent_by(Deliver::Branch);
            }
            Err(DeliverFailure::Git(error)) if error.kind == GitErrorKind::Interrupted => {
                return Err(Failure {
                    exit: Exit::Interrupted,
                    message: match error.message.as_str() {
                        "interrupted" => "interrupted: nothing was pushed".to_owned(),
                        words => words.to_owned(),
                    },
                });
            }
            Err(failure) => return not_written(output, &plan, failure),
        }
    }
}

/// What is said when the operator interrupts a push and the remote does not say in time whether it took it.
pub(super) const PUBLISHING: &str = "while it was published: some of it may have arrived. Look before you repeat: git fetch, then \
                          tidegate status; the same command again skips what is there already";
const ARRIVING: &str = "while waiting for it: what was pushed stays where it is";
const FOLLOWING: &str =
    "while the rollout was followed: what was pushed stays, and goes on rolling out";

async fn follow(
    context: &Context,
    session: &Session,
    plan: &Plan,
    mut delivered: Delivered,
    args: &WriteArgs,
) -> Result<Exit, Failure> {
    let output = &context.output;
    if args.wait && delivered.is_elsewhere() {
        for part in delivered
            .parts
            .iter()
            .filter(|part| part.elsewhere.is_some())
        {
            output.note(clean(&format!("{}; waiting for it", part.describe())));
        }
        let patience = args
            .clusters
            .timeout
            .unwrap_or_else(|| workflow::longest_timeout(session, plan));
        output.leaves(ARRIVING);
        workflow::arrive(session, &mut delivered, patience).await;
        output.leaves("");
    }
    if let Some(moved) = &delivered.moved {
        output.note(clean(moved));
    }
    for part in &delivered.parts {
        say_words(output, &part.words);
        if delivered.parts.len() == 1 {
            output.note(clean(&part.describe()));
        }
        if let Some(link) = &part.link {
            output.note(format!("open a pull request: {}", clean(link)));
        }
    }
    let outcome = match delivered.deliver {
        _ if delivered.is_elsewhere() => "elsewhere",
        Deliver::Push => "pushed",
        Deliver::Branch => "branch",
    };
    let parts: Vec<Value> = delivered.parts.iter().map(part_json).collect();
    // The first part's fields stand outside too: most plans have one.
    let mut more = parts.first().cloned().unwrap_or_else(|| json!({}));
    more["parts"] = json!(parts);
    // What could not be done is told now that the rest went.
    let mut exit = ending(plan);
    if exit == Exit::Failed {
        output.note(BROKEN);
    }
    if delivered.is_elsewhere() {
        // What nobody can fetch, nothing deploys: that is no success yet.
        output.note(
            "it is deployed when the repository that is fetched has it: `git remote -v` names the addresses, \
             and --wait waits for it",
        );
        exit = Exit::Failed;
    } else if args.wait && delivered.deliver == Deliver::Branch {
        output.note("not followed: it rolls out when its pull request is merged");
    } else if args.wait && !children::interrupted() {
        let cells: Vec<CellKey> = plan
            .changes
            .iter()
            .map(|change| change.cell.clone())
            .collect();
        let mut tell = |cell: &CellKey, progress: &CellProgress| say(output, cell, progress);
        output.leaves(FOLLOWING);
        let followed = workflow::follow(
            session,
            &delivered.moved_refs(),
            &cells,
            args.clusters.timeout,
            &Timestamp::now,
            &mut tell,
        )
        .await?;
        if followed
            .iter()
            .any(|(_, progress)| matches!(progress, CellProgress::Failed(_)))
        {
            exit = Exit::Failed;
            for (cell, _) in followed
                .iter()
                .filter(|(_, progress)| matches!(progress, CellProgress::Failed(_)))
            {
                output.note(format!(
                    "go back with: tidegate revert {} {} --wait",
                    cell.service, cell.environment
                ));
            }
        }
        more["cells"] = cells_json(&followed);
    }
    report(output, plan, outcome, more);
    Ok(exit)
}

fn request(changes: Vec<ChangeRequest>, args: &WriteArgs) -> PlanRequest {
    let reason = args.reason.clone().unwrap_or_default();
    PlanRequest {
        changes,
        deliver: args.deliver,
        overrides: args
            .overrides
            .iter()
            .map(|gate| Override {
                gate: gate.clone(),
                reason: reason.clone(),
            })
            .collect(),
        accepted: args.along.clone(),
        leave_out: args.leave_out,
        refused: Vec::new(),
    }
}

/// The plan, judged by what the clusters of its upstreams say. What comes along may have upstreams of its own: these are
/// asked too.
async fn judge(
    context: &Context,
    start: &Start,
    request: &PlanRequest,
    args: &WriteArgs,
) -> Result<(Plan, Facts), Failure> {
    let topology = &start.session.config.topology;
    let timeout = args.clusters.timeout;
    let timeout = timeout.map_or(FIRST_ANSWER, |given| given.min(FIRST_ANSWER));
    let asks = !(args.clusters.no_live || context.common.offline);
    let mut facts = Facts::default();
    let mut asked: BTreeSet<EnvironmentName> = BTreeSet::new();
    let mut told: BTreeSet<String> = BTreeSet::new();
    let mut targets: BTreeSet<EnvironmentName> = request
        .changes
        .iter()
        .map(|change| change.cell.environment.clone())
        .collect();
    loop {
        let environments = targets.iter().filter_map(|name| topology.get(name));
        let upstreams = environments.flat_map(|environment| environment.from.iter().cloned());
        let new: Vec<EnvironmentName> = upstreams
            .filter(|name| asked.insert(name.clone()))
            .collect();
        if asks {
            let (session, desired) = (&start.session, start.desired());
            let answer =
                workflow::ask_clusters(session, desired, Some(&new), timeout, Timestamp::now).await;
            for problem in &answer.problems {
                if told.insert(problem.message.clone()) {
                    context.output.note(clean(&problem.message));
                }
            }
            facts.live.extend(answer.facts.live);
            facts.connections.extend(answer.facts.connections);
        }
        let now = Timestamp::now();
        let plan = workflow::prepare(&start.session, &start.reading, &facts, request, now)?;
        let changes = plan.changes.iter();
        let found: BTreeSet<_> = changes
            .map(|change| change.cell.environment.clone())
            .collect();
        if !asks || found.is_subset(&targets) {
            return Ok((plan, facts));
        }
        targets.extend(found);
    }
}

/// Refuses an `--along` that speaks of no cell there is: it would be a slip of the pen that accepts nothing.
fn accepts(start: &Start, request: &PlanRequest, plan: &Plan) -> Result<(), Failure> {
    let cells = || {
        let changes = plan.changes.iter().map(|change| &change.cell);
        start.desired().cells.keys().chain(changes)
    };
    for accept in &request.accepted {
        if let Accept::Like(pattern) = accept
            && !cells().any(|cell| accept.covers(cell))
        {
            let names: Vec<String> = cells().map(written).collect();
            let hint = suggest::hint(pattern, names.iter().map(String::as_str));
            return Err(Failure::usage(format!(
                "--along {pattern}: there is no such cell{hint}"
            )));
        }
    }
    Ok(())
}

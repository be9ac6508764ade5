//! `tidegate reconcile|suspend|resume|refresh|sync`: telling a cell's agent what to do.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::{
    Context,
    args::AgentArgs,
    ask,
    change::FIRST_ANSWER,
    fail::Exit,
    json as shapes,
    output::{Output, clean},
    plan::verdict_line,
};
use crate::{
    domain::{
        agent::{AgentState, Order},
        by_hand::Deed,
        failure::{Failure, FailureKind},
        gate,
        ids::CellKey,
        plan::{Level, Verdict},
        policy::sync::SyncWindows,
    },
    sources::cluster::Control,
    workflow::{self, Project},
};

/// How long is waited where the environment does not say.
const PATIENCE: Duration = Duration::from_mins(15);

pub(super) async fn run(
    context: &Context,
    args: &AgentArgs,
    order: Order,
) -> Result<Exit, Failure> {
    let common = &context.common;
    may_tell(context, args.wait)?;
    let project = context.open()?;
    let reading = project.read()?;
    let service = Project::service(&reading.desired, &args.service)?;
    let environment = Project::environment(&reading.desired, &args.environment)?;
    let cell = CellKey::new(service, environment);
    let (agent, windows) = agent_of(&project, &reading, &cell, args).await?;
    // What both do has one word.
    let order = if order == Order::Sync && !agent.kind.is_argocd() {
        Order::Reconcile
    } else {
        order
    };
    if agent.kind.is_argocd() != order.is_argocd() {
        let others = if agent.kind.is_argocd() {
            "`refresh`, `sync`, `rollback` or `terminate`"
        } else {
            "`reconcile` (or `sync`), `suspend` or `resume`"
        };
        return Err(Failure::usage(format!(
            "{cell} is brought by {} {}, which {} tells nothing: use {others}",
            agent.kind, agent.object, order
        )));
    }
    let of = agent.reference();
    let of = of.ok_or_else(|| Failure::failed(format!("{} names no object", agent.object)))?;
    let command = order.command(&agent.cluster, &of);
    let frozen = order.moves().then(|| {
        gate::window_by_hand(
            &project.config.topology,
            &cell,
            windows.as_deref(),
            Timestamp::now(),
        )
    });
    let frozen = match frozen.flatten() {
        Some(verdict) => Some(may_go(context, verdict, args)?),
        None => None,
    };
    let failed = |why: String| Failure::new(FailureKind::Refused, why);
    let options = workflow::cluster_options(&project);
    let deed = Deed::Agent {
        agent: agent.clone(),
        order,
    };
    // Asks nobody but where it goes back.
    let weighed = workflow::weigh(&options, &deed, None, Timestamp::now()).await;
    let weighed = weighed.map_err(failed)?;
    if let Some(why) = weighed.refusal {
        return Err(failed(why));
    }
    let told = Report {
        context,
        cell: &cell,
        order,
        command: &command,
        frozen: frozen.as_ref(),
        undone: &weighed.undone,
    };
    if frozen.as_ref().is_some_and(Verdict::holds) {
        told.tell("held", &agent);
        return Ok(Exit::Held);
    }
    if common.dry_run {
        told.tell("dry-run", &agent);
        return Ok(Exit::Done);
    }
    let what = format!(
        "{order} {} {} in {}",
        agent.kind, agent.object, agent.cluster
    );
    // Who would undo it is read before it is answered.
    let notes = weighed.undone.iter().filter(|_| !args.yes);
    notes.for_each(|line| context.output.note(clean(line)));
    if !args.yes && !consent(context, &project, &cell, &what)? {
        return Err(Failure::new(
            FailureKind::Usage,
            "not confirmed; nothing was told",
        ));
    }
    let control = Control::connect(&agent.cluster, of, &options).await;
    let control = control.map_err(failed)?;
    let order_told = control
        .tell(order, Timestamp::now())
        .await
        .map_err(failed)?;
    if !args.wait {
        told.tell("told", &agent);
        return Ok(Exit::Done);
    }
    let timeout = patience(&project, &cell, args.timeout);
    let done = control
        .until_done(&order_told, timeout)
        .await
        .map_err(failed)?;
    let (outcome, exit, now) = match done {
        None => ("timed-out", Exit::Failed, agent),
        Some(object) => {
            let now = AgentState {
                cluster: agent.cluster,
                ..object.state()
            };
            if object.phase.is_failing() {
                ("failed", Exit::Failed, now)
            } else {
                ("done", Exit::Done, now)
            }
        }
    };
    told.tell(outcome, &now);
    Ok(exit)
}

/// Whether anything may be told in a cluster, as the line is written.
pub(super) fn may_tell(context: &Context, wait: bool) -> Result<(), Failure> {
    let common = &context.common;
    let usage = |words: &str| Err(Failure::usage(words));
    if common.read_only && !common.dry_run {
        return usage("--read-only tells agents nothing; add --dry-run to see what would be told");
    }
    if common.offline {
        return usage("--offline asks nobody, and an agent is asked in its cluster");
    }
    if wait && common.dry_run {
        return usage("--wait follows what was told; a dry run tells nothing");
    }
    Ok(())
}

/// How long is waited for what was told, where the line does not say.
pub(super) fn patience(project: &Project, cell: &CellKey, asked: Option<Duration>) -> Duration {
    let configured = project.config.topology.get(&cell.environment);
    let timeout = asked.or(configured.map(|it| it.timeout));
    timeout.unwrap_or(PATIENCE)
}

/// What a freeze says, told: with a reason it is lifted, unless it is hard.
pub(super) fn may_go(
    context: &Context,
    mut verdict: Verdict,
    args: &AgentArgs,
) -> Result<Verdict, Failure> {
    if let Some(other) = args.overrides.iter().find(|it| *it != gate::WINDOW) {
        return Err(Failure::usage(format!(
            "--override {other}: what is done by hand is held by `window` alone"
        )));
    }
    let asked = args.reason.as_ref().filter(|_| !args.overrides.is_empty());
    match (asked, verdict.level) {
        (Some(reason), level) if level != Level::Hard => verdict.overridden = Some(reason.clone()),
        (Some(_), _) => verdict
            .detail
            .push_str("; it is hard here, and no override lifts it"),
        (None, _) => {}
    }
    let output = &context.output;
    output.note(verdict_line(output, &verdict));
    if verdict.holds() && verdict.level != Level::Hard {
        output.note("lift it with a reason: --override window --reason TEXT");
    }
    Ok(verdict)
}

/// The agent of a cell with its sync windows, asked for in its clusters.
async fn agent_of(
    project: &Project,
    reading: &workflow::Reading,
    cell: &CellKey,
    args: &AgentArgs,
) -> Result<(AgentState, Option<Box<SyncWindows>>), Failure> {
    let timeout = args.timeout.unwrap_or(FIRST_ANSWER).min(FIRST_ANSWER);
    // The Application of one cluster may be in another: all that environments name are asked.
    let asked =
        workflow::ask_clusters(project, &reading.desired, None, timeout, Timestamp::now).await;
    let live = asked.running.live.get(cell);
    if let Some(agent) = live.and_then(|live| live.agent.as_deref().cloned()) {
        let windows = live.and_then(|live| live.windows.clone());
        return Ok((agent, windows));
    }
    let problem = asked.problems.first().map(|it| it.message.clone());
    let why = match (live, problem) {
        (_, Some(problem)) => problem,
        (None, None) => "no cluster is asked about it".to_owned(),
        (Some(_), None) => {
            "no Kustomization, HelmRelease or Application that brings it is seen".to_owned()
        }
    };
    Err(Failure::new(
        FailureKind::Refused,
        format!("{cell} has no agent: {why}"),
    ))
}

/// Asks whether to tell it: yes or no, or a protected environment's name, typed.
pub(super) fn consent(
    context: &Context,
    project: &Project,
    cell: &CellKey,
    what: &str,
) -> Result<bool, Failure> {
    if !ask::somebody_there() {
        return Err(Failure::usage(
            "nobody is there to confirm; add --yes, or --dry-run to see what would be told",
        ));
    }
    let what = clean(what);
    let protected = ask::protected(project, [&cell.environment]);
    ask::agreed(&context.output, &protected, &(what.clone(), what))
}

/// What came of it, for people and programs.
struct Report<'a> {
    context: &'a Context,
    cell: &'a CellKey,
    order: Order,
    command: &'a str,
    /// What a freeze says.
    frozen: Option<&'a Verdict>,
    /// Who undoes it, and when.
    undone: &'a [String],
}

impl Report<'_> {
    fn tell(&self, outcome: &str, agent: &AgentState) {
        let output = &self.context.output;
        if output.is_json() {
            Output::json(&json!({
                "schema": "tidegate.agent/v1",
                "service": self.cell.service,
                "environment": self.cell.environment,
                "action": self.order.word(),
                "outcome": outcome,
                "agent": shapes::agent(agent),
                "command": self.command,
                "undone_by": self.undone,
                "window": self.frozen.map(shapes::verdict),
            }));
            return;
        }
        let of = format!("{} {} in {}", agent.kind, agent.object, agent.cluster);
        let said = match outcome {
            "dry-run" => format!("would {} {of}", self.order),
            "held" => format!("{of} was told nothing"),
            "told" => format!("told {of} to {}", self.order),
            "timed-out" => format!("{of} has not done it in time: {}", agent.phase.word()),
            _ => format!("{of}: {}", agent.phase.word()),
        };
        let reason = agent.reason.iter();
        let reason = reason.filter(|_| !matches!(outcome, "dry-run" | "held"));
        output.line(clean(&said));
        for reason in reason {
            output.line(clean(reason));
        }
        for line in self.undone {
            output.line(clean(line));
        }
        output.detail(clean(self.command));
    }
}

//! `tidegate canary promote|abort|retry`: telling a progressive delivery to go on, to give up, or to begin again.

use std::fmt::Write as _;

use serde_json::json;

use super::{
    Context, agent,
    args::{AgentArgs, CanaryCommand},
    change::FIRST_ANSWER,
    fail::Exit,
    json as shapes,
    output::{Output, clean},
};
use crate::{
    domain::{
        agent::{Conduct, Progress},
        failure::{Failure, FailureKind},
        gate,
        ids::CellKey,
        plan::Verdict,
        policy::sync::SyncWindows,
    },
    sources::cluster::Conductor,
    workflow::{self, Project},
};

pub(super) async fn run(context: &Context, command: &CanaryCommand) -> Result<Exit, Failure> {
    let (conduct, args) = match command {
        CanaryCommand::Promote { full: false, told } => (Conduct::Promote, told),
        CanaryCommand::Promote { full: true, told } | CanaryCommand::Full(told) => {
            (Conduct::PromoteFull, told)
        }
        CanaryCommand::Abort(told) => (Conduct::Abort, told),
        CanaryCommand::Retry(told) => (Conduct::Retry, told),
    };
    agent::may_tell(context, args.wait)?;
    let project = context.open()?;
    let reading = project.read()?;
    let service = Project::service(&reading.desired, &args.service)?;
    let environment = Project::environment(&reading.desired, &args.environment)?;
    let cell = CellKey::new(service, environment);
    let (progress, windows) = progress_of(&project, &reading, &cell, args).await?;
    let refused = |why: String| Failure::new(FailureKind::Refused, why);
    if let Some(why) = conduct.objection(&progress) {
        return Err(refused(why));
    }
    let command = conduct.command(&progress.cluster, &progress.object);
    let frozen = conduct.moves().then(|| {
        let topology = &project.config.topology;
        gate::window_by_hand(topology, &cell, windows.as_deref(), jiff::Timestamp::now())
    });
    let frozen = match frozen.flatten() {
        Some(verdict) => Some(agent::may_go(context, verdict, args)?),
        None => None,
    };
    let told = Report {
        context,
        cell: &cell,
        conduct,
        command: &command,
        frozen: frozen.as_ref(),
    };
    if frozen.as_ref().is_some_and(Verdict::holds) {
        told.tell("held", &progress);
        return Ok(Exit::Held);
    }
    if context.common.dry_run {
        told.tell("dry-run", &progress);
        return Ok(Exit::Done);
    }
    let what = format!(
        "{conduct} {} {} in {}",
        progress.by.kind(),
        progress.object,
        progress.cluster
    );
    if !args.yes && !agent::consent(context, &project, &cell, &what)? {
        return Err(Failure::new(
            FailureKind::Usage,
            "not confirmed; nothing was told",
        ));
    }
    let options = workflow::cluster_options(&project);
    let conductor = Conductor::connect(&progress.cluster, &progress.object, &options).await;
    let conductor = conductor.map_err(refused)?;
    let before = conductor.tell(conduct).await.map_err(refused)?;
    if !args.wait {
        told.tell("told", &progress);
        return Ok(Exit::Done);
    }
    let timeout = agent::patience(&project, &cell, args.timeout);
    let done = conductor.until_done(conduct, &before, timeout).await;
    let (outcome, exit, now) = match done.map_err(refused)? {
        None => ("timed-out", Exit::Failed, progress),
        Some(now) => {
            // What the object itself does not tell: the cluster, and what its pods' templates are.
            let now = Progress {
                cluster: progress.cluster,
                from: progress.from,
                to: progress.to,
                ..now
            };
            if conduct.is_well(&now) {
                ("done", Exit::Done, now)
            } else {
                ("failed", Exit::Failed, now)
            }
        }
    };
    told.tell(outcome, &now);
    Ok(exit)
}

/// How far a cell's progressive delivery has got, asked for in its cluster.
async fn progress_of(
    project: &Project,
    reading: &workflow::Reading,
    cell: &CellKey,
    args: &AgentArgs,
) -> Result<(Progress, Option<Box<SyncWindows>>), Failure> {
    let timeout = args.timeout.unwrap_or(FIRST_ANSWER).min(FIRST_ANSWER);
    let only = [cell.clone()].into();
    let now = jiff::Timestamp::now;
    let asked = workflow::ask_clusters(project, &reading.desired, Some(&only), timeout, now).await;
    let live = asked.running.live.get(cell);
    if let Some(progress) = live.and_then(|live| live.progress.as_deref()) {
        let windows = live.and_then(|live| live.windows.clone());
        return Ok((progress.clone(), windows));
    }
    let mut why = format!("{cell} is not delivered step by step");
    let problem = asked.problems.first().map(|it| it.message.as_str());
    let reason = live.and_then(|live| live.reason.as_deref());
    let more = match (live, problem) {
        (_, Some(problem)) => problem,
        (None, None) => "no cluster is asked about it",
        (Some(live), None) if live.workloads.is_empty() => reason.unwrap_or("it has no workload"),
        (Some(_), None) => "no Rollout of Argo Rollouts and no Canary of Flagger is seen",
    };
    let _ = write!(why, ": {more}");
    Err(Failure::new(FailureKind::Refused, why))
}

/// What came of it, for people and programs.
struct Report<'a> {
    context: &'a Context,
    cell: &'a CellKey,
    conduct: Conduct,
    command: &'a str,
    /// What a freeze says.
    frozen: Option<&'a Verdict>,
}

impl Report<'_> {
    fn tell(&self, outcome: &str, progress: &Progress) {
        let output = &self.context.output;
        if output.is_json() {
            Output::json(&json!({
                "schema": "tidegate.canary/v1",
                "service": self.cell.service,
                "environment": self.cell.environment,
                "action": match self.conduct {
                    Conduct::Promote => "promote",
                    Conduct::PromoteFull => "promote-full",
                    Conduct::Abort => "abort",
                    Conduct::Retry => "retry",
                },
                "outcome": outcome,
                "progress": shapes::progress(progress),
                "command": self.command,
                "window": self.frozen.map(shapes::verdict),
            }));
            return;
        }
        let of = format!(
            "{} {} in {}",
            progress.by.kind(),
            progress.object,
            progress.cluster
        );
        let said = match outcome {
            "dry-run" => format!("would {} {of}", self.conduct),
            "held" => format!("{of} was told nothing"),
            "told" => format!("told {of} to {}", self.conduct),
            "timed-out" => format!("{of} has not done it in time: {}", progress.stage.word()),
            _ => format!("{of}: {}", progress.stage.word()),
        };
        output.line(clean(&said));
        if !matches!(outcome, "told" | "held")
            && let Some(reason) = progress.reason()
        {
            output.line(clean(&reason));
        }
        output.detail(clean(self.command));
    }
}

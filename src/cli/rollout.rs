//! `tidegate rollout history|undo|restart|pause|resume`: break-glass on a cell's workload.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::{
    Context, agent,
    args::{RolloutArgs, RolloutCommand},
    ask,
    change::FIRST_ANSWER,
    fail::Exit,
    json::{self as shapes, time},
    output::{Output, clean},
};
use crate::{
    domain::{
        age,
        by_hand::WorkloadAt,
        failure::{Failure, FailureKind},
        gate,
        ids::CellKey,
        plan::Verdict,
        rollout::{Health, Revision, RolloutAct, back_to},
    },
    workflow::{self, Project, Workload},
};

/// How long is waited where the environment does not say.
const PATIENCE: Duration = Duration::from_mins(15);

pub(super) async fn run(context: &Context, command: &RolloutCommand) -> Result<Exit, Failure> {
    let (args, act, to) = match command {
        RolloutCommand::History(args) => (args, None, None),
        RolloutCommand::Undo(args) => (&args.rollout, Some(RolloutAct::Undo), args.to_revision),
        RolloutCommand::Restart(args) => (args, Some(RolloutAct::Restart), None),
        RolloutCommand::Pause(args) => (args, Some(RolloutAct::Pause), None),
        RolloutCommand::Resume(args) => (args, Some(RolloutAct::Resume), None),
    };
    let common = &context.common;
    let usage = |words: &str| Err(Failure::usage(words));
    if act.is_some() && common.read_only && !common.dry_run {
        return usage("--read-only changes no cluster; add --dry-run to see what would be changed");
    }
    if common.offline {
        return usage("--offline asks nobody, and a workload is in its cluster");
    }
    if args.told.wait && common.dry_run {
        return usage("--wait follows what was changed; a dry run changes nothing");
    }
    let project = context.open()?;
    let reading = project.read()?;
    let service = Project::service(&reading.desired, &args.told.service)?;
    let environment = Project::environment(&reading.desired, &args.told.environment)?;
    let cell = CellKey::new(service, environment);
    let now = Timestamp::now();
    let seen = workflow::look_at(&project, &reading, &cell, FIRST_ANSWER, Timestamp::now).await?;
    let refused = |why: String| Failure::new(FailureKind::Refused, why);
    let workload = chosen(&seen.live.workloads, &cell, args)?;
    let at = WorkloadAt::new(seen.context.clone(), seen.namespace.clone(), &workload);
    let at = at.ok_or_else(|| {
        refused(format!(
            "{} has no rollout of Kubernetes'",
            clean(&workload)
        ))
    })?;
    let options = workflow::cluster_options(&project);
    let object = Workload::read(&options, &at).await.map_err(refused)?;
    // What cannot be read is needed by two of the five.
    let needs = matches!(act, None | Some(RolloutAct::Undo));
    let all = match object.revisions() {
        Err(why) if needs => return Err(refused(why)),
        all => all.unwrap_or_default(),
    };
    let to = match act {
        Some(RolloutAct::Undo) => Some(back_to(all, to).map_err(refused)?.number),
        _ => None,
    };
    // To go back, and to stop, is never frozen.
    let frozen = act.is_some_and(RolloutAct::moves).then(|| {
        let (topology, windows) = (&project.config.topology, seen.live.windows.as_deref());
        gate::window_by_hand(topology, &cell, windows, now)
    });
    let frozen = match frozen.flatten() {
        Some(verdict) => Some(agent::may_go(context, verdict, &args.told)?),
        None => None,
    };
    let report = Report {
        context,
        cell: &cell,
        workload: &workload,
        seen: &seen,
        act,
        to,
        all,
        frozen: frozen.as_ref(),
    };
    if frozen.as_ref().is_some_and(Verdict::holds) {
        report.tell(Some("held"), &[]);
        return Ok(Exit::Held);
    }
    let Some(act) = act else {
        report.tell(None, &[]);
        return Ok(Exit::Done);
    };
    let change = object
        .change(act, to, now)
        .map_err(|why| refused(format!("{workload}: {why}")))?;
    let agent = seen.live.agent.as_deref();
    let undone = object.who_undoes(&options, agent, act, now).await;
    if common.dry_run {
        report.tell(Some("dry-run"), &undone);
        return Ok(Exit::Done);
    }
    if !args.told.yes && !consent(context, &project, &report, &undone)? {
        return Err(Failure::new(
            FailureKind::Usage,
            "not confirmed; nothing was changed",
        ));
    }
    object.apply(&change).await.map_err(refused)?;
    if !args.told.wait || act == RolloutAct::Pause {
        report.tell(Some("changed"), &undone);
        return Ok(Exit::Done);
    }
    let configured = project.config.topology.get(&cell.environment);
    let timeout = args.told.timeout.or(configured.map(|it| it.timeout));
    let timeout = timeout.unwrap_or(PATIENCE);
    match object.until_rolled(timeout).await {
        Ok(Some((Health::Degraded, reason))) => {
            report.tell(Some("failed"), &undone);
            if let Some(reason) = reason {
                context.output.note(clean(&reason));
            }
            Ok(Exit::Failed)
        }
        Ok(Some(_)) => {
            report.tell(Some("done"), &undone);
            Ok(Exit::Done)
        }
        Ok(None) => {
            report.tell(Some("timed-out"), &undone);
            Ok(Exit::Failed)
        }
        // It was changed; how it went is not known.
        Err(why) => {
            report.tell(Some("changed"), &undone);
            Err(Failure::new(
                FailureKind::Rollout,
                format!("whether it has rolled out is not known: {why}"),
            ))
        }
    }
}

/// The workload that is meant: the cell's only one, or the one that is named.
fn chosen(all: &[String], cell: &CellKey, args: &RolloutArgs) -> Result<String, Failure> {
    let list = || {
        all.iter()
            .map(|it| clean(it))
            .collect::<Vec<_>>()
            .join(", ")
    };
    if let Some(wanted) = &args.workload {
        let wanted = wanted.to_lowercase();
        let is_it = |it: &&String| {
            let it = it.to_lowercase();
            it == wanted || it.split_once('/').is_some_and(|(_, name)| name == wanted)
        };
        let found = all.iter().find(is_it).cloned();
        return found.ok_or_else(|| {
            Failure::usage(format!(
                "{cell} has no workload {}; there are: {}",
                clean(&wanted),
                list()
            ))
        });
    }
    match all {
        [] => Err(Failure::new(
            FailureKind::Refused,
            format!("{cell} has no workload in its cluster"),
        )),
        [one] => Ok(one.clone()),
        _ => Err(Failure::usage(format!(
            "{cell} has several workloads: name one with --workload: {}",
            list()
        ))),
    }
}

/// Says who would undo it, and asks: yes or no, or a protected environment's name, typed.
fn consent(
    context: &Context,
    project: &Project,
    report: &Report<'_>,
    undone: &[String],
) -> Result<bool, Failure> {
    if !ask::somebody_there() {
        return Err(Failure::usage(
            "nobody is there to confirm; add --yes, or --dry-run to see what would be changed",
        ));
    }
    let output = &context.output;
    output.note(clean(&report.what()));
    for line in undone {
        output.note(clean(line));
    }
    let protected = ask::protected(project, [&report.cell.environment]);
    ask::agreed(output, &protected, &("Go on".into(), "go on".into()))
}

/// What there is and what was done, for people and programs.
struct Report<'a> {
    context: &'a Context,
    cell: &'a CellKey,
    workload: &'a str,
    seen: &'a workflow::Seen,
    act: Option<RolloutAct>,
    to: Option<u64>,
    all: &'a [Revision],
    /// What a freeze says.
    frozen: Option<&'a Verdict>,
}

impl Report<'_> {
    fn command(&self) -> String {
        let (context, namespace) = (&self.seen.context, &self.seen.namespace);
        match self.act {
            Some(act) => act.command(context, namespace, self.workload, self.to),
            None => format!(
                "kubectl --context {context} -n {namespace} rollout history {}",
                self.workload.to_lowercase()
            ),
        }
    }

    /// `undo Deployment/web in shop of edge: back to revision 3 (web:1.41.3)`.
    fn what(&self) -> String {
        let word = self.act.map_or("history of", RolloutAct::word);
        let to = self.all.iter().find(|it| Some(it.number) == self.to);
        let to = to.map_or(String::new(), |it| {
            format!(
                ": back to revision {} ({})",
                it.number,
                it.images.join(", ")
            )
        });
        let (namespace, cluster) = (&self.seen.namespace, &self.seen.context);
        format!("{word} {} in {namespace} of {cluster}{to}", self.workload)
    }

    fn tell(&self, outcome: Option<&str>, undone: &[String]) {
        let output = &self.context.output;
        if output.is_json() {
            let revisions = self.all.iter().map(|it| {
                json!({
                    "number": it.number,
                    "images": it.images,
                    "cause": it.cause,
                    "created": it.created.map(time),
                    "current": it.current,
                })
            });
            Output::json(&json!({
                "schema": "tidegate.rollout/v1",
                "service": self.cell.service,
                "environment": self.cell.environment,
                "workload": self.workload,
                "cluster": self.seen.context,
                "namespace": self.seen.namespace,
                "action": self.act.map_or("history", RolloutAct::word),
                "outcome": outcome,
                "to": self.to,
                "undone_by": undone,
                "command": self.command(),
                "revisions": revisions.collect::<Vec<_>>(),
                "window": self.frozen.map(shapes::verdict),
            }));
            return;
        }
        match outcome {
            None => self.list(output),
            Some("held") => output.line(clean(&format!("nothing was changed: {}", self.what()))),
            Some("dry-run") => output.line(clean(&format!("would {}", self.what()))),
            Some("changed") => output.line(clean(&format!("done: {}", self.what()))),
            Some("done") => output.line(clean(&format!("{}: healthy", self.what()))),
            Some("failed") => output.line(clean(&format!("{}: degraded", self.what()))),
            Some(_) => output.line(clean(&format!("{}: not healthy in time", self.what()))),
        }
        for line in undone {
            output.line(clean(line));
        }
        output.detail(clean(&self.command()));
    }

    fn list(&self, output: &Output) {
        if self.all.is_empty() {
            output.line(clean(&format!("{}: no revision is kept", self.workload)));
        }
        let now = Timestamp::now();
        for it in self.all {
            let age = it
                .created
                .map(|at| age::between(at, now))
                .unwrap_or_default();
            let current = if it.current { "  serves" } else { "" };
            let cause = it
                .cause
                .as_ref()
                .map_or(String::new(), |it| format!("  {it}"));
            let images = it.images.join(", ");
            output.line(clean(&format!(
                "{:>4}  {age:>4}  {images}{current}{cause}",
                it.number
            )));
        }
    }
}

//! What `promote`, `set` and `revert` share: plan, show, confirm, deliver, follow.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::json;

use super::{
    Context,
    args::{Clusters, WriteArgs},
    ask,
    deliver::{PUBLISHING, follow, observer, told},
    eligible::{self, Waited},
    fail::Exit,
    outcome::{ending, held, not_written, nothing, refused, report, stopped, with_schema},
    output::{Output, clean},
    plan::show,
    plan_file, pull_request, waves,
};
use crate::{
    domain::{
        delivery::{Delivery, NotPublished},
        desired::Desired,
        failure::Failure,
        ids::CellKey,
        plan::{Accept, ChangeRequest, Override, Plan, PlanRequest, SCHEMA, Skip, written},
        policy::veto::VetoChange,
        rollout::Running,
        suggest,
        topology::Deliver,
    },
    stdio,
    workflow::{self, Asks, Project, Reading, Underway, ask_clusters},
};

/// How long clusters may take for their first answer.
pub(super) const FIRST_ANSWER: Duration = Duration::from_secs(10);

/// The repository as just fetched.
pub(super) struct Start {
    pub(super) project: Project,
    pub(super) reading: Reading,
    /// Why it could not be fetched: a dry run is on what was fetched last.
    unfetched: Option<Failure>,
    /// Repositories beside the main one that could not.
    failed: Vec<(String, Failure)>,
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
    let mut project = context.open()?;
    let mut unfetched = None;
    let mut failed = Vec::new();
    if common.at.is_empty() {
        let mut fetched = project.fetch().await;
        if fetched.is_ok() && project.policy_moved()? {
            // It is what the fetch brought that is in force; it may name other refs.
            project = context.open()?;
            fetched = project.fetch().await;
        }
        match fetched {
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
                failed = fetches.failed;
            }
            Err(error) if common.dry_run => unfetched = Some(error),
            Err(error) => return Err(error),
        }
    }
    let reading = project.read()?;
    if let Some(error) = &unfetched {
        context.output.note(format!(
            "could not fetch, so this is on {} as last fetched: {error}",
            reading.base().shown
        ));
    }
    Ok(Start {
        project,
        reading,
        unfetched: unfetched.filter(|_| !common.offline),
        failed,
    })
}

/// Plans `changes` and does what the options say with it.
pub(super) async fn carry_out(
    context: &Context,
    start: Start,
    changes: Vec<ChangeRequest>,
    args: &WriteArgs,
) -> Result<Exit, Failure> {
    carry_out_with(context, start, changes, Vec::new(), Vec::new(), args).await
}

/// The same with vetoes that go with it, and sentences that are to be known before the plan is confirmed.
pub(super) async fn carry_out_with(
    context: &Context,
    start: Start,
    changes: Vec<ChangeRequest>,
    vetoes: Vec<VetoChange>,
    notes: Vec<String>,
    args: &WriteArgs,
) -> Result<Exit, Failure> {
    let request = PlanRequest {
        vetoes,
        ..request(changes, args)
    };
    plan_and_write(context, start, request, notes, args).await
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
    plan_and_write(context, start, request, Vec::new(), args).await
}

/// Writes or lifts a veto, and nothing else.
pub(super) async fn veto(
    context: &Context,
    start: Start,
    veto: VetoChange,
    args: &WriteArgs,
) -> Result<Exit, Failure> {
    carry_out_with(context, start, Vec::new(), vec![veto], Vec::new(), args).await
}

async fn plan_and_write(
    context: &Context,
    start: Start,
    request: PlanRequest,
    notes: Vec<String>,
    args: &WriteArgs,
) -> Result<Exit, Failure> {
    let (mut plan, running) = judge(context, &start, &request, args)?;
    plan.notes.splice(0..0, notes);
    let from = (&start.project, &start.reading);
    pull_request::supersede(from, &mut plan, args.supersede).await?;
    accepts(&start, &request, &plan)?;
    if let Some(place) = &context.plans {
        if let Some(error) = start.unfetched {
            return Err(error);
        }
        plan_file::write(&context.output, &start.project, &plan, place)?;
        return Ok(ending(&plan));
    }
    let writing = Writing {
        running,
        pinned: false,
        consented: false,
    };
    Box::pin(go_on(context, start, plan, writing, args)).await
}

/// How a plan is written.
pub(super) struct Writing {
    /// What clusters said of it.
    pub(super) running: Running,
    /// It is carried out as it is, or not at all: nothing is asked about another one.
    pub(super) pinned: bool,
    /// It was confirmed already.
    pub(super) consented: bool,
}

/// Shows a plan, and writes it unless that is a dry run.
pub(super) async fn go_on(
    context: &Context,
    start: Start,
    plan: Plan,
    writing: Writing,
    args: &WriteArgs,
) -> Result<Exit, Failure> {
    let output = &context.output;
    if context.common.dry_run {
        if output.is_json() {
            Output::json(&with_schema(SCHEMA, &plan));
        } else {
            show(output, &plan);
        }
        return Ok(rehearsed(output, &start, &plan));
    }
    show(output, &plan);
    let mut begun = (start, plan, writing);
    if args.unattended.when_eligible && begun.1.may_pass_later() {
        if !consents(context, &begun.0.project, &begun.1, args)? {
            return Ok(Exit::Usage);
        }
        match Box::pin(eligible::wait(context, begun, args)).await? {
            Waited::Goes(goes) => begun = *goes,
            Waited::Ended(exit) => return Ok(exit),
        }
    }
    let (start, plan, writing) = begun;
    write(context, &start.project, plan, &writing, args).await
}

/// Whether the operator wants it: asked, unless that was said already.
fn consents(
    context: &Context,
    project: &Project,
    plan: &Plan,
    args: &WriteArgs,
) -> Result<bool, Failure> {
    if args.yes {
        return Ok(true);
    }
    if !ask::somebody_there() {
        return Err(Failure::usage(
            "nothing was written: without a terminal to confirm at, --yes confirms (--dry-run shows the plan)",
        ));
    }
    if ask::confirm(context, project, plan)? {
        return Ok(true);
    }
    context.output.note("nothing was written");
    report(&context.output, plan, "declined", json!({}));
    Ok(false)
}

/// How a dry run ends: as the real one would, as far as that is known without writing.
fn rehearsed(output: &Output, start: &Start, plan: &Plan) -> Exit {
    let stands_in_the_way = match &start.unfetched {
        // What is written is built on what the remote has now, whatever it is.
        Some(error) => Some(error.clone()),
        None if plan.may_go() => workflow::rehearse(&start.project, plan, &start.failed).err(),
        None => None,
    };
    let Some(error) = stands_in_the_way else {
        return ending(plan);
    };
    output.note(clean(&format!(
        "it could not be written like this: {error}"
    )));
    Exit::of(error.kind)
}

async fn write(
    context: &Context,
    project: &Project,
    mut plan: Plan,
    writing: &Writing,
    args: &WriteArgs,
) -> Result<Exit, Failure> {
    let output = &context.output;
    // It was of this plan: another one is asked about.
    let mut consented = writing.consented;
    loop {
        if plan.stopping().next().is_some() {
            return Ok(stopped(output, &plan));
        }
        if plan.held().next().is_some() {
            return Ok(held(output, &plan, &[]));
        }
        if plan.is_void() {
            return Ok(nothing(output, &plan));
        }
        if let Some(why) = stdio::lost() {
            return Err(Failure::failed(format!(
                "nothing was written: the plan could not be shown on standard output ({why})"
            )));
        }
        if !consented && !consents(context, project, &plan, args)? {
            return Ok(Exit::Usage);
        }
        if plan.waves.len() > 1 {
            return waves::deliver(context, project, &plan, args).await;
        }
        let delivery = Delivery::new(&plan, Timestamp::now());
        let mut tell = observer(output);
        let mut underway = Underway::begin(project, delivery, Timestamp::now, &mut tell);
        output.leaves(PUBLISHING);
        underway.publish(&plan, &writing.running).await;
        output.leaves("");
        let notifier = underway.notifier();
        match underway.delivery.not_published().cloned() {
            None => {
                let ended = follow(context, &plan, underway, args).await;
                told(output, &notifier).await;
                return ended;
            }
            Some(NotPublished::Moved { fresh, changes }) => {
                output.note("the base moved and the plan is another one now; nothing was written:");
                for line in &changes {
                    output.note(format!("  {}", clean(line)));
                }
                if args.yes || writing.pinned || !ask::somebody_there() {
                    report(output, &fresh, "moved", json!({ "differences": changes }));
                    return Ok(Exit::Moved);
                }
                plan = Arc::unwrap_or_clone(fresh);
                consented = false;
                show(output, &plan);
            }
            Some(NotPublished::Rejected(rejection))
                if rejection.protected
                    && plan.deliver == Deliver::Push
                    && !args.yes
                    && !writing.pinned
                    && !output.is_json()
                    && ask::somebody_there() =>
            {
                refused(output, &plan, &rejection, &[]);
                plan = plan.sent_by(Deliver::Branch);
                consented = false;
            }
            Some(failure) => {
                return not_written(output, &plan, &underway.delivery.parts, failure);
            }
        }
    }
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
        reason: args.reason.clone(),
        ..PlanRequest::default()
    }
}

/// The plan, judged by what the clusters of its upstreams say; and what they said, for when it is judged again.
pub(super) fn judge(
    context: &Context,
    start: &Start,
    request: &PlanRequest,
    args: &WriteArgs,
) -> Result<(Plan, Running), Failure> {
    let (project, reading) = (&start.project, &start.reading);
    let asker = Asker::new(context, project, start.desired(), &args.clusters);
    let plan = workflow::prepare(project, reading, &asker, request, Timestamp::now())?;
    Ok((plan, asker.known()))
}

/// Asks clusters what runs, and keeps what they said.
pub(super) struct Asker<'a> {
    context: &'a Context,
    project: &'a Project,
    desired: &'a Desired,
    /// They are asked at all.
    asks: bool,
    /// How long they may take.
    timeout: Duration,
    runtime: tokio::runtime::Handle,
    /// What they said, and the problems that were told.
    known: Mutex<(Running, BTreeSet<String>)>,
}

impl<'a> Asker<'a> {
    /// Within a runtime.
    pub(super) fn new(
        context: &'a Context,
        project: &'a Project,
        desired: &'a Desired,
        args: &Clusters,
    ) -> Self {
        let timeout = args.timeout;
        Self {
            context,
            project,
            desired,
            asks: !(args.no_live || context.common.offline),
            timeout: timeout.map_or(FIRST_ANSWER, |given| given.min(FIRST_ANSWER)),
            runtime: tokio::runtime::Handle::current(),
            known: Mutex::default(),
        }
    }

    /// All that they said.
    pub(super) fn known(self) -> Running {
        let known = self.known.into_inner();
        known.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Asks for Asker<'_> {
    /// What they say of cells, with what was known before. Blocking, as long as they may take; each problem is told once.
    fn running(&self, cells: &BTreeSet<CellKey>) -> Running {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (running, told) = &mut *known;
        if self.asks {
            let (project, desired) = (self.project, self.desired);
            let asked = ask_clusters(project, desired, Some(cells), self.timeout, Timestamp::now);
            let answer = self.runtime.block_on(asked);
            for problem in &answer.problems {
                if told.insert(problem.message.clone()) {
                    self.context.output.note(clean(&problem.message));
                }
            }
            running.live.extend(answer.running.live);
            running.connections.extend(answer.running.connections);
        }
        running.clone()
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

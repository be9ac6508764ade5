//! What `promote`, `set` and `revert` share: plan, show, confirm, deliver, follow.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Context,
    args::WriteArgs,
    ask,
    fail::{Exit, Failure},
    json::PlanJson,
    output::{Output, Tone, clean},
    plan,
};
use crate::{
    domain::{
        delivery::CellProgress,
        desired::Desired,
        ids::{CellKey, EnvironmentName},
        plan::{Action, ChangeRequest, Facts, Override, PlannedWrite, SkipCause},
        topology::Deliver,
    },
    sources::git::{Base, Rejection},
    workflow::{
        self, DeliverFailure, DeliverStep, Delivered, DeliveredPart, Followed, PlanRequest,
        Prepared, Reading, Session,
    },
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
            reading.base().reference
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
    let output = &context.output;
    let request = request(changes, args);
    let facts = facts(context, &start, &request, args).await;
    let prepared = workflow::prepare(
        &start.session,
        &start.reading,
        &facts,
        &request,
        Timestamp::now(),
    )?;
    if context.common.dry_run {
        if output.is_json() {
            Output::json(&with_schema("tidegate.plan/v1", &prepared));
        } else {
            plan::show(output, &prepared);
        }
        return Ok(Exit::Done);
    }
    plan::show(output, &prepared);
    write(context, &start.session, prepared, &facts, args).await
}

async fn write(
    context: &Context,
    session: &Session,
    mut prepared: Prepared,
    facts: &Facts,
    args: &WriteArgs,
) -> Result<Exit, Failure> {
    let output = &context.output;
    loop {
        if prepared.plan.changes.is_empty() {
            output.note("nothing to change");
            report(output, &prepared, "nothing", json!({}));
            // What was asked for cannot be done as it is, unlike what is done already.
            let mut skipped = prepared.plan.skipped.iter();
            let conflict = skipped.any(|skip| skip.cause == SkipCause::Conflict);
            return Ok(if conflict { Exit::Failed } else { Exit::Done });
        }
        if prepared.plan.held().next().is_some() {
            return Ok(held(output, &prepared));
        }
        if !args.yes {
            if !ask::somebody_there() {
                return Err(Failure::usage(
                    "nothing was written: without a terminal to confirm at, --yes confirms (--dry-run shows the plan)",
                ));
            }
            if !ask::confirm(context, session, &prepared, &target(&prepared))? {
                output.note("nothing was written");
                report(output, &prepared, "declined", json!({}));
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
        match workflow::deliver(session, &prepared, &move || facts.clone(), &mut tell).await {
            Ok(delivered) => return follow(context, session, &prepared, delivered, args).await,
            Err(DeliverFailure::Moved { fresh, changes }) => {
                output.note("the base moved and the plan is another one now; nothing was written:");
                for line in &changes {
                    output.note(format!("  {}", clean(line)));
                }
                if args.yes || !ask::somebody_there() {
                    report(output, &fresh, "moved", json!({ "differences": changes }));
                    return Ok(Exit::Moved);
                }
                prepared = *fresh;
                plan::show(output, &prepared);
            }
            Err(DeliverFailure::Rejected(rejection))
                if rejection.protected
                    && prepared.deliver == Deliver::Push
                    && !args.yes
                    && !output.is_json()
                    && ask::somebody_there() =>
            {
                refused(output, &prepared, &rejection);
                prepared.request.deliver = Some(Deliver::Branch);
                prepared.deliver = Deliver::Branch;
            }
            Err(failure) => return not_written(output, &prepared, failure),
        }
    }
}

async fn follow(
    context: &Context,
    session: &Session,
    prepared: &Prepared,
    delivered: Delivered,
    args: &WriteArgs,
) -> Result<Exit, Failure> {
    let output = &context.output;
    if let Some(moved) = &delivered.moved {
        output.note(clean(moved));
    }
    for part in &delivered.parts {
        say_words(output, &part.words);
        if delivered.parts.len() == 1 {
            output.note(format!("{} is on {}", part.commit.short(), part.shown()));
        }
        if let Some(link) = &part.link {
            output.note(format!("open a pull request: {}", clean(link)));
        }
    }
    let outcome = match delivered.deliver {
        Deliver::Push => "pushed",
        Deliver::Branch => "branch",
    };
    let parts: Vec<Value> = delivered.parts.iter().map(part_json).collect();
    // The first part's fields stand outside too: most plans have one.
    let mut more = parts.first().cloned().unwrap_or_else(|| json!({}));
    more["parts"] = json!(parts);
    let mut exit = Exit::Done;
    if args.wait && delivered.deliver == Deliver::Branch {
        output.note("not followed: it rolls out when its pull request is merged");
    } else if args.wait {
        let cells: Vec<CellKey> = prepared
            .plan
            .changes
            .iter()
            .map(|change| change.cell.clone())
            .collect();
        let mut tell = |cell: &CellKey, progress: &CellProgress| say(output, cell, progress);
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
    report(output, prepared, outcome, more);
    Ok(exit)
}

fn held(output: &Output, prepared: &Prepared) -> Exit {
    for change in prepared.plan.held() {
        let gates = change.verdicts.iter().filter(|verdict| verdict.holds());
        let gates: Vec<_> = gates.map(|verdict| verdict.gate.as_str()).collect();
        output.note(format!("held: {} by {}", change.cell, gates.join(", ")));
    }
    output.note(
        "nothing was written: a gate holds. Mend what it names, leave the held ones out with \
         --leave-out-held, or lift it with --override GATE --reason TEXT",
    );
    report(output, prepared, "held", json!({}));
    Exit::Held
}

fn not_written(
    output: &Output,
    prepared: &Prepared,
    failure: DeliverFailure,
) -> Result<Exit, Failure> {
    match failure {
        DeliverFailure::Empty | DeliverFailure::Moved { .. } => {
            output.note("nothing to change");
            report(output, prepared, "nothing", json!({}));
            Ok(Exit::Done)
        }
        DeliverFailure::Held(again) => Ok(held(output, &again)),
        DeliverFailure::Rejected(rejection) => {
            refused(output, prepared, &rejection);
            Ok(Exit::Failed)
        }
        DeliverFailure::Unclear(words) => {
            output.note(format!(
                "the push ended unclear, and the remote does not say whether it arrived: {}",
                clean(&words)
            ));
            output.note("look before you repeat: git fetch, then tidegate status");
            report(output, prepared, "unclear", json!({ "words": [words] }));
            Ok(Exit::Failed)
        }
        DeliverFailure::Partial {
            done,
            failed,
            cause,
            left,
        } => {
            output.note(format!(
                "not all of it is published: {failed} is not, and stays as it was"
            ));
            output.note(format!("  {}", clean(&cause.describe())));
            for part in &done {
                output.note(format!(
                    "done: {} is on {}",
                    part.commit.short(),
                    part.shown()
                ));
            }
            for place in std::iter::once(&failed).chain(&left) {
                output.note(format!("not done: {place}"));
            }
            output.note("what is done stays; run the same command again for the rest, it skips what is there already");
            let mut not_done =
                vec![json!({ "reference": failed.to_string(), "why": cause.describe() })];
            not_done.extend(
                left.iter()
                    .map(|place| json!({ "reference": place.to_string(), "why": "not tried" })),
            );
            let done: Vec<Value> = done.iter().map(part_json).collect();
            report(
                output,
                prepared,
                "partial",
                json!({ "parts": done, "not_done": not_done }),
            );
            Ok(Exit::Failed)
        }
        DeliverFailure::Git(error) => Err(error.into()),
    }
}

fn part_json(part: &DeliveredPart) -> Value {
    let mut value = json!({
        "commit": part.commit,
        "reference": match &part.base.remote {
            Some(remote) => format!("{remote}/{}", part.branch),
            None => part.branch.clone(),
        },
        "branch": part.branch,
        "words": part.words,
        "link": part.link,
    });
    if let Some(repository) = &part.place.repository {
        value["repository"] = json!(repository);
    }
    value
}

fn refused(output: &Output, prepared: &Prepared, rejection: &Rejection) {
    output.note(format!(
        "the push to {} was refused ({}); nothing was written",
        target(prepared),
        clean(&rejection.status)
    ));
    let words: Vec<String> = rejection.words.lines().map(str::to_owned).collect();
    say_words(output, &words);
    if rejection.protected {
        output.note(
            "the branch is protected: --deliver branch pushes to a branch of its own, to open a pull request from; \
             `deliver = \"branch\"` of the environment makes that usual",
        );
    } else if rejection.denied {
        output.note(
            "this identity may not push there; ask for the right, or push as somebody who has it",
        );
    }
    report(
        output,
        prepared,
        "refused",
        json!({ "status": rejection.status, "words": words, "protected": rejection.protected }),
    );
}

fn say_words(output: &Output, words: &[String]) {
    for line in words {
        output.note(format!("remote: {}", clean(line)));
    }
}

fn say(output: &Output, cell: &CellKey, progress: &CellProgress) {
    let (word, tone) = match progress {
        CellProgress::Waiting(_) => ("waiting", Tone::Plain),
        CellProgress::Rolling { .. } => ("rolling", Tone::Attention),
        CellProgress::Healthy => ("healthy", Tone::Good),
        CellProgress::Failed(_) => ("failed", Tone::Bad),
        CellProgress::Unwatched(_) => ("done", Tone::Plain),
    };
    let detail = progress.describe();
    let detail = if detail == word {
        String::new()
    } else {
        format!(": {}", clean(&detail))
    };
    output.note(format!("{cell}: {}{detail}", output.paint(word, tone)));
}

fn cells_json(followed: &Followed) -> Value {
    let cells = followed.iter().map(|(cell, progress)| {
        let state = match progress {
            CellProgress::Waiting(_) => "waiting",
            CellProgress::Rolling { .. } => "rolling",
            CellProgress::Healthy => "healthy",
            CellProgress::Failed(_) => "failed",
            CellProgress::Unwatched(_) => "not-judged",
        };
        json!({
            "service": cell.service,
            "environment": cell.environment,
            "state": state,
            "detail": progress.describe(),
        })
    });
    Value::Array(cells.collect())
}

/// What became of a plan, for programs.
fn report(output: &Output, prepared: &Prepared, outcome: &str, more: Value) {
    if !output.is_json() {
        return;
    }
    let mut value = with_schema("tidegate.delivery/v1", prepared);
    value["outcome"] = json!(outcome);
    if let Value::Object(fields) = more {
        for (key, field) in fields {
            value[key] = field;
        }
    }
    Output::json(&value);
}

fn with_schema(schema: &str, prepared: &Prepared) -> Value {
    let mut value = json!({ "schema": schema });
    if let Ok(Value::Object(fields)) = serde_json::to_value(PlanJson::of(&prepared.plan)) {
        for (key, field) in fields {
            value[key] = field;
        }
    }
    value
}

/// Where a plan goes, as people say it.
fn target(prepared: &Prepared) -> String {
    let places = prepared.plan.writes.iter().zip(&prepared.bases);
    let places: Vec<String> = places
        .map(|(write, base)| {
            let place = place(prepared.deliver, base, write);
            match &write.place.repository {
                Some(repository) => format!("{repository}: {place}"),
                None => place,
            }
        })
        .collect();
    places.join(", then ")
}

fn place(deliver: Deliver, base: &Base, write: &PlannedWrite) -> String {
    if let Action::Tag { .. } = write.action {
        return format!("the new tag {}", base.branch);
    }
    match (deliver, &base.remote) {
        (Deliver::Push, Some(remote)) => format!("{remote}/{}", base.branch),
        (Deliver::Push, None) => base.branch.clone(),
        (Deliver::Branch, remote) => format!(
            "a branch of its own{}",
            remote
                .as_ref()
                .map(|remote| format!(" on {remote}"))
                .unwrap_or_default()
        ),
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
        leave_out_held: args.leave_out_held,
    }
}

/// What the gates need of the clusters: those of the upstreams.
async fn facts(context: &Context, start: &Start, request: &PlanRequest, args: &WriteArgs) -> Facts {
    if args.clusters.no_live {
        return Facts::default();
    }
    let topology = &start.session.config.topology;
    let mut upstreams: Vec<EnvironmentName> = Vec::new();
    for change in &request.changes {
        let environment = topology.get(&change.cell.environment);
        upstreams.extend(
            environment
                .into_iter()
                .flat_map(|environment| environment.from.iter().cloned()),
        );
    }
    let timeout = args
        .clusters
        .timeout
        .map_or(FIRST_ANSWER, |given| given.min(FIRST_ANSWER));
    let asked = workflow::ask_clusters(
        &start.session,
        start.desired(),
        Some(&upstreams),
        timeout,
        Timestamp::now,
    )
    .await;
    for problem in &asked.problems {
        context.output.note(clean(&problem.message));
    }
    asked.facts
}

//! `tidegate plan promote|set|revert …` and `tidegate apply FILE`: a plan that is written down, and carried out later.

use std::{io::Read, path::Path};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Context, PlanPlace,
    args::{ApplyArgs, PlanArgs, PlanCommand},
    change::{self, Asker, Writing},
    fail::Exit,
    left,
    outcome::{report, with_schema},
    output::{Output, clean},
    plan::show,
    promote, revert, set,
};
use crate::{
    domain::{
        failure::Failure,
        plan::{Plan, PlanFile, SCHEMA},
        text::escape_json,
    },
    sources::files::{self, FileError, Links, Why},
    stdio,
    workflow::{self, Applied, Project},
};

/// No plan that is written is larger, in bytes.
const LARGEST: u64 = 64 << 20;

/// `tidegate plan`: like a dry run, and the plan is a file that can be applied.
pub(super) async fn plan(context: &Context, args: &PlanArgs) -> Result<Exit, Failure> {
    if !context.common.at.is_empty() {
        return Err(Failure::usage(
            "a plan that is to be applied stands on the branch's tip; leave --at out",
        ));
    }
    if let Some(path) = args.out.as_deref().filter(|path| !stdio::is_answer(path)) {
        can_write(path)?;
    }
    let mut common = context.common.clone();
    common.dry_run = true;
    let is_printed = args.out.as_deref().is_some_and(stdio::is_answer);
    let context = Context {
        output: if is_printed {
            context.output.for_programs()
        } else {
            context.output.clone()
        },
        common,
        plans: Some(match &args.out {
            Some(path) if !is_printed => PlanPlace::File(path.clone()),
            _ => PlanPlace::Printed,
        }),
    };
    match &args.command {
        PlanCommand::Promote(args) => promote::run(&context, args).await,
        PlanCommand::Set(args) => set::run(&context, args).await,
        PlanCommand::Revert(args) => revert::run(&context, args).await,
    }
}

/// Prints a plan and writes it to its place.
pub(super) fn write(
    output: &Output,
    project: &Project,
    plan: &Plan,
    place: &PlanPlace,
) -> Result<(), Failure> {
    let file = PlanFile::new(plan.clone(), project.config.policy_hash());
    let value = file.sealed(with_schema(SCHEMA, plan));
    if output.is_json() {
        Output::json(&value);
    } else {
        show(output, plan);
    }
    let PlanPlace::File(path) = place else {
        return Ok(());
    };
    save(path, &value)?;
    output.note(clean(&format!(
        "the plan is in {}: tidegate apply {} carries it out",
        path.display(),
        path.display()
    )));
    Ok(())
}

/// Refuses what no plan can be written to, before anything is planned.
fn can_write(path: &Path) -> Result<(), Failure> {
    files::place(path).map(|_| ()).map_err(|why| {
        Failure::usage(format!(
            "--out {}: {why}; name a file, or `-` for standard output",
            path.display()
        ))
    })
}

/// Writes a file whole or not at all; into a pipe or a device, what it takes.
fn save(path: &Path, value: &Value) -> Result<(), Failure> {
    can_write(path)?;
    let written = || -> std::io::Result<()> {
        let text = serde_json::to_string_pretty(value)?;
        files::save(path, format!("{}\n", escape_json(&text)).as_bytes())
    };
    written().map_err(|error| Failure::failed(format!("cannot write {}: {error}", path.display())))
}

/// `tidegate apply`.
pub(super) async fn apply(context: &Context, args: &ApplyArgs) -> Result<Exit, Failure> {
    let Some(path) = &args.file else {
        return left::run(context, &args.write()).await;
    };
    let file = read(path)?;
    if args.unattended.when_eligible && file.plan.is_void() && !file.plan.held_back.is_empty() {
        return Err(Failure::usage(format!(
            "{} pins no bytes: gates held all of it when it was planned, so there is nothing in it that could go when they pass",
            path.display()
        ))
        .hint("Run the command itself with --when-eligible, or plan it again when its gates pass"));
    }
    let write = args.write();
    let start = change::start(context, &write).await?;
    let asker = Asker::new(context, &start.project, start.desired(), &args.clusters);
    let applied = workflow::apply(
        &start.project,
        &start.reading,
        &asker,
        (&file, args.unattended.when_eligible),
        Timestamp::now(),
    )?;
    let running = asker.known();
    let output = &context.output;
    match applied {
        Applied::Already(plan, place) => {
            output.note(clean(&format!("it is applied already: {place}")));
            report(output, &plan, "already-applied", json!({}));
            Ok(Exit::Done)
        }
        Applied::Differs(plan, lines) => {
            output.note("the plan is not the same any more; nothing was written:");
            for line in &lines {
                output.note(format!("  {}", clean(line)));
            }
            output.note("plan it again, and look at what it is now");
            report(output, &plan, "moved", json!({ "differences": lines }));
            Ok(Exit::Moved)
        }
        Applied::Holds(plan, moved) => {
            if let Some(moved) = moved {
                output.note(clean(&moved));
            }
            let writing = Writing {
                running,
                pinned: true,
                consented: false,
            };
            Box::pin(change::go_on(context, start, plan, writing, &write)).await
        }
    }
}

fn read(path: &Path) -> Result<PlanFile, Failure> {
    let opened =
        |name: &str, bytes: &[u8]| PlanFile::read(name, bytes, |plan| with_schema(SCHEMA, plan));
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        let stdin = std::io::stdin().lock();
        stdin
            .take(LARGEST + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
        if bytes.len() as u64 > LARGEST {
            return Err(Failure::usage(format!(
                "standard input is larger than {} MB, and no plan is",
                LARGEST >> 20
            )));
        }
        return opened("standard input", &bytes);
    }
    let bytes = files::read(path, Links::Followed, LARGEST).map_err(|error| {
        let FileError { why, .. } = &error;
        let next = match why {
            Why::TooLarge(_) => "; no plan is so large",
            _ => "",
        };
        Failure::usage(format!("{error}{next}"))
    })?;
    let bytes = bytes.ok_or_else(|| {
        Failure::usage(format!(
            "there is no plan at {}; `tidegate plan promote|set|revert … --out FILE` writes one",
            path.display()
        ))
    })?;
    opened(&path.display().to_string(), &bytes)
}

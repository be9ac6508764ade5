//! What became of a plan: in words for people, as JSON for programs.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    fail::Exit,
    json::{self as shapes, PlanJson},
    output::{Output, clean},
    plan::same,
    text::tone,
};
use crate::{
    domain::{
        alike::{self, Told},
        delivery::{CellProgress, Delivery, NotPublished, Part, Rejection},
        failure::{Failure, FailureKind},
        ids::CellKey,
        plan::{ALONG, Ending, Plan, written},
    },
    look,
    stdio::{Styled, Tone},
};

/// `nothing was written`, also where parts of it were before.
fn nothing_written(done: &[Part]) -> &'static str {
    if done.is_empty() {
        "nothing was written"
    } else {
        "nothing more was written"
    }
}

/// What left the clone before the rest did not, for programs.
fn parts_json(done: &[Part]) -> Value {
    if done.is_empty() {
        return json!({});
    }
    let parts: Vec<Value> = done.iter().map(part_json).collect();
    json!({ "parts": parts })
}

/// Gates hold it, after `done` was written.
pub(super) fn held(output: &Output, plan: &Plan, done: &[Part]) -> Exit {
    let nothing = nothing_written(done);
    let mut by_gate = false;
    let held = plan.held().map(|change| {
        let gates = change.verdicts.iter().filter(|verdict| verdict.holds());
        let gates: Vec<_> = gates.map(|verdict| verdict.gate.as_str()).collect();
        by_gate |= gates.iter().any(|gate| *gate != ALONG);
        (&change.cell, gates.join(", "))
    });
    for told in alike::tell(held, |(_, gates)| gates.clone()) {
        let text = match told {
            Told::One((cell, gates)) => format!("held: {cell} by {gates}"),
            Told::More {
                like: (_, gates),
                count,
            } => format!("held: {count} more by {gates}"),
        };
        output.note(clean(&text));
    }
    let unaccepted: Vec<&CellKey> = plan.unaccepted().map(|change| &change.cell).collect();
    if !unaccepted.is_empty() {
        output.note(clean(&format!("{nothing}: {}", not_named(&unaccepted))));
    }
    if by_gate {
        output.note(format!(
            "{nothing}: a gate holds. Mend what it names, leave the held ones out with \
             --leave-out, or lift it with --override GATE --reason TEXT"
        ));
    }
    report(output, plan, "held", parts_json(done));
    match ending(plan) {
        // What is broken goes before what is held.
        Exit::Failed => {
            output.note(BROKEN);
            Exit::Failed
        }
        _ => Exit::Held,
    }
}

/// Names the cells that an edit moves beside those that were asked for, and how they are accepted.
fn not_named(cells: &[&CellKey]) -> String {
    /// More flags than these are shorter as one.
    const FEW: usize = 4;
    let names: Vec<String> = cells.iter().map(ToString::to_string).collect();
    let flags: Vec<String> = cells
        .iter()
        .map(|cell| format!("--along {}", typed(&written(cell))))
        .collect();
    let (verb, flags) = match cells.len() {
        1 => ("moves", flags[0].clone()),
        2..=FEW => ("move", format!("{} (or --along all)", flags.join(" "))),
        _ => ("move", "--along all".to_owned()),
    };
    format!(
        "{} {verb} with this edit too, and nobody named {}. Accept that with {flags}, or give {} a place \
         of its own in the file first; --leave-out leaves out what the edit is for",
        alike::listed(&names),
        if cells.len() == 1 { "it" } else { "them" },
        if cells.len() == 1 { "it" } else { "each" },
    )
}

/// A word as it is typed in a shell.
fn typed(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:@+=".contains(c);
    if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// What is said where files that came with a group are broken.
pub(super) const BROKEN: &str =
    "not all of it could be done: mend what was skipped as broken, and run this again";

/// How a plan ends: a dry run as the real one, the real one after what could go went.
pub(super) fn ending(plan: &Plan) -> Exit {
    match plan.ending() {
        Ending::Done => Exit::Done,
        Ending::Failed => Exit::Failed,
        Ending::Held => Exit::Held,
    }
}

/// Something that was named cannot change, so nothing does.
pub(super) fn stopped(output: &Output, plan: &Plan) -> Exit {
    // People have it in the plan above.
    let stopping = plan.stopping().filter(|_| output.is_json());
    for told in alike::tell(stopping, |skip| same(skip)) {
        let text = match told {
            Told::One(skip) => format!("cannot change: {}: {}", skip.cell, skip.detail),
            Told::More { count, .. } => format!("cannot change: {count} more with the same words"),
        };
        output.note(clean(&text));
    }
    output.note(
        "nothing was written: mend what is said of each cell, or let the rest go without them with --leave-out",
    );
    report(output, plan, "stopped", json!({}));
    Exit::Failed
}

/// There is nothing to write: all is there, or all is skipped.
pub(super) fn nothing(output: &Output, plan: &Plan) -> Exit {
    let exit = ending(plan);
    let outcome = match exit {
        Exit::Held => {
            let held = plan.skipped.iter().filter(|skip| skip.cause.is_held());
            let mut gates = held.map(|skip| skip.gate.as_deref());
            output.note(if gates.all(|gate| gate == Some(ALONG)) {
                "nothing was written: other cells move with all of it, and nobody named them. Accept each with --along \
                 SERVICE/ENV, or all with --along all"
            } else {
                "nothing was written: gates hold all of it. Mend what they name, or lift them with --override GATE \
                 --reason TEXT"
            });
            "held"
        }
        Exit::Failed => {
            output.note("nothing was written: mend what is said of each cell, and run this again");
            "nothing"
        }
        _ => {
            output.note("nothing to change");
            "nothing"
        }
    };
    report(output, plan, outcome, json!({}));
    exit
}

pub(super) fn not_written(
    output: &Output,
    plan: &Plan,
    done: &[Part],
    why: NotPublished,
) -> Result<Exit, Failure> {
    match why {
        NotPublished::Empty | NotPublished::Moved { .. } => {
            output.note("nothing to change");
            report(output, plan, "nothing", json!({}));
            Ok(Exit::Done)
        }
        NotPublished::Held(again) => Ok(held(output, &again, done)),
        NotPublished::Rejected(rejection) => {
            refused(output, plan, &rejection, done);
            Ok(Exit::Failed)
        }
        NotPublished::Unclear(message) => {
            output.note(format!(
                "the push ended unclear, and the remote does not say whether it arrived: {}",
                clean(&message)
            ));
            output.note("look before you repeat: git fetch, then tidegate status");
            report(output, plan, "unclear", json!({ "words": [message] }));
            Ok(Exit::Failed)
        }
        NotPublished::Partial {
            failed,
            cause,
            left,
        } => {
            output.note(format!(
                "not all of it is published: {failed} is not, and stays as it was"
            ));
            output.note(format!("  {}", clean(&cause.describe())));
            for part in done {
                output.note(clean(&format!("done: {}", part.describe())));
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
                plan,
                "partial",
                json!({ "parts": done, "not_done": not_done }),
            );
            Ok(Exit::Failed)
        }
        NotPublished::Locked => Err(why.failure(done)),
        NotPublished::Failed(failure) => {
            let why = NotPublished::Failed(failure);
            Err(match why.interrupted(done) {
                Some(message) => Failure::new(FailureKind::Interrupted, message),
                None => why.failure(done),
            })
        }
    }
}

pub(super) fn part_json(part: &Part) -> Value {
    let mut value = json!({
        "commit": part.commit,
        "reference": match &part.tip.remote {
            Some(remote) => format!("{remote}/{}", part.branch),
            None => part.branch.clone(),
        },
        "branch": part.branch,
        "words": part.words().collect::<Vec<_>>(),
        "link": part.link,
    });
    if let Some(elsewhere) = &part.elsewhere {
        value["pushed_to"] = json!(elsewhere.addresses);
    }
    if let Some(request) = &part.request {
        value["pull_request"] = shapes::pull_request(request);
    }
    if let Some(repository) = &part.tip.name.repository {
        value["repository"] = json!(repository);
    }
    value
}

pub(super) fn refused(output: &Output, plan: &Plan, rejection: &Rejection, done: &[Part]) {
    output.note(format!(
        "the push to {} was refused ({}); {}",
        plan.target(),
        clean(&rejection.status),
        nothing_written(done)
    ));
    let message: Vec<String> = rejection.message.lines().map(str::to_owned).collect();
    if rejection.here {
        for line in &message {
            output.note(format!("here: {}", clean(line)));
        }
    } else {
        say_message(output, &message);
    }
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
    let mut more = parts_json(done);
    more["status"] = json!(rejection.status);
    more["words"] = json!(message);
    more["protected"] = json!(rejection.protected);
    report(output, plan, "refused", more);
}

pub(super) fn say_message(output: &Output, lines: &[String]) {
    for line in lines {
        output.note(format!("remote: {}", clean(line)));
    }
}

pub(super) fn say(output: &Output, cell: &CellKey, progress: &CellProgress) {
    let shown = look::of_progress(progress);
    let (word, tone) = (shown.word, shown.tone.map_or(Tone::Plain, tone));
    let detail = match progress {
        CellProgress::Behind(hop) => {
            let now = hop.order.map(|order| {
                let (service, environment) = (&cell.service, &cell.environment);
                format!("; now: tidegate {order} {service} {environment}")
            });
            hop.words(Timestamp::now()) + &now.unwrap_or_default()
        }
        _ => progress.describe(),
    };
    let detail = if detail == word {
        String::new()
    } else {
        format!(": {}", clean(&detail))
    };
    let cell = Styled::from(format!("{cell}: "));
    output.note(cell.and(output.paint(word, tone)).and(detail));
}

pub(super) fn cells_json(delivery: &Delivery) -> Value {
    let cells = delivery.cells.iter().map(|run| {
        json!({
            "service": run.cell.service,
            "environment": run.cell.environment,
            "state": look::of_progress(&run.progress).json,
            "detail": run.progress.describe(),
            "verified": run.verified,
            "agent": run.synced.as_ref().and_then(|synced| synced.by.as_ref()),
            "hop": match &run.progress {
                CellProgress::Behind(hop) => shapes::hop(hop),
                _ => Value::Null,
            },
        })
    });
    Value::Array(cells.collect())
}

/// What became of a plan, for programs.
pub(super) fn report(output: &Output, plan: &Plan, outcome: &str, more: Value) {
    if !output.is_json() {
        return;
    }
    let mut value = with_schema("tidegate.plan/v1", plan);
    value["outcome"] = json!(outcome);
    if let Value::Object(fields) = more {
        for (key, field) in fields {
            value[key] = field;
        }
    }
    Output::json(&value);
}

pub(super) fn with_schema(schema: &str, plan: &Plan) -> Value {
    let mut value = json!({ "schema": schema });
    if let Ok(Value::Object(fields)) = serde_json::to_value(PlanJson::of(plan)) {
        for (key, field) in fields {
            value[key] = field;
        }
    }
    value["notes"] = json!(plan.notes);
    value["digest"] = json!(plan.digest);
    if plan.waves.len() > 1 {
        let waves = plan.waves.iter().map(|wave| {
            let cell = |cell: &CellKey| json!({ "service": cell.service, "environment": cell.environment });
            json!({
                "cells": wave.cells().map(cell).collect::<Vec<_>>(),
                "after": wave.waits_for().into_iter().map(cell).collect::<Vec<_>>(),
            })
        });
        value["waves"] = json!(waves.collect::<Vec<_>>());
    }
    value
}

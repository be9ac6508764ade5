//! `--revert-on-failure`: a change whose rollout failed is taken back by a revert.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Context,
    args::WriteArgs,
    deliver::{PUBLISHING, observer, told},
    fail::Exit,
    outcome::{cells_json, part_json, report},
    output::{Output, clean},
    plan::show,
    waves,
};
use crate::{
    domain::{
        delivery::{Delivery, NotPublished, Outcome},
        failure::{Failure, FailureKind},
        plan::{Accept, Came, ChangeRequest, Intent, Plan, PlanRequest},
        rollout::Running,
    },
    workflow::{self, Project, Underway},
};

const FOLLOWING: &str = "while the revert was followed: it stays, and goes on";

/// Takes `plan` back, of which `failed` could not be: every cell of it that still declares what it brought gets what it had,
/// by a commit of its own, and is followed. The change failed, whatever comes of it.
pub(super) async fn take_back(
    context: &Context,
    plan: &Plan,
    failed: &Delivery,
    args: &WriteArgs,
) -> Result<Exit, Failure> {
    let output = &context.output;
    let why: Vec<String> = failed
        .failed()
        .map(|(cell, why)| format!("{cell}: {why}"))
        .collect();
    let why = why.join("; ");
    output.note(clean(&format!(
        "it is taken back, because its rollout failed: {why}"
    )));
    let nobody = Running::default();
    let planned = planned(context, plan, &why, &nobody).await;
    let (project, back) = match planned {
        Ok(Some(planned)) => planned,
        Ok(None) => {
            output.note("nothing of it is declared any more: there is nothing to take back");
            report(output, plan, "failed", json!({}));
            return Ok(Exit::Failed);
        }
        Err(error) => return not_written(output, plan, None, &NotPublished::Failed(error)),
    };
    show(output, &back);
    if !back.may_go() {
        output.note(
            "it cannot be taken back like this: mend what is said of each cell, and revert by hand",
        );
        report(output, &back, "not-reverted", json!({}));
        return Ok(Exit::Failed);
    }
    let delivery = Delivery::new(&back, Timestamp::now());
    let mut tell = observer(output);
    let mut underway = Underway::begin(&project, delivery, Timestamp::now, &mut tell);
    output.leaves(PUBLISHING);
    underway.publish(&back, &nobody).await;
    output.leaves("");
    if let Some(why) = underway.delivery.not_published() {
        return not_written(output, &back, Some(&underway.delivery), why);
    }
    for part in &underway.delivery.parts {
        output.note(clean(&part.describe()));
    }
    output.leaves(FOLLOWING);
    underway.merge(args.rollout_timeout()).await;
    waves::follow(&project, &mut underway, args).await;
    output.leaves("");
    underway.leave();
    told(output, &underway.notifier()).await;
    let delivery = &underway.delivery;
    let (outcome, words) = became(delivery);
    if let Some(words) = words {
        output.note(clean(&words));
    }
    report(output, plan, outcome, in_json(delivery));
    Ok(Exit::Failed)
}

/// The revert of what still stands of `plan`, if anything does.
async fn planned(
    context: &Context,
    plan: &Plan,
    why: &str,
    nobody: &Running,
) -> Result<Option<(Project, Plan)>, Failure> {
    let project = context.open()?;
    project.fetch().await?;
    let reading = project.read()?;
    let request = request(plan, why, |change| {
        reading.desired.version(&change.cell) == change.to.as_ref()
    });
    if request.changes.is_empty() {
        return Ok(None);
    }
    let back = workflow::prepare(&project, &reading, nobody, &request, Timestamp::now())?;
    Ok(Some((project, back)))
}

fn in_json(delivery: &Delivery) -> Value {
    let parts: Vec<Value> = delivery.parts.iter().map(part_json).collect();
    json!({ "parts": parts, "cells": cells_json(delivery) })
}

/// The revert, or a part of it, did not leave the clone.
fn not_written(
    output: &Output,
    back: &Plan,
    delivery: Option<&Delivery>,
    why: &NotPublished,
) -> Result<Exit, Failure> {
    let done = delivery.map_or(&[][..], |delivery| &delivery.parts);
    if let Some(message) = why.interrupted(done) {
        let message = format!("the revert is {message}");
        return Err(Failure::new(FailureKind::Interrupted, message).hint(BY_HAND));
    }
    for part in done {
        output.note(clean(&format!("done: {}", part.describe())));
    }
    for line in not_taken_back(why) {
        output.note(clean(&line));
    }
    let more = delivery.map_or(json!({}), in_json);
    report(output, back, "not-reverted", more);
    Ok(Exit::Failed)
}

const BY_HAND: &str = "what failed is declared still: `tidegate revert` takes it back by hand";

/// Why the revert, or a part of it, did not leave the clone, and what to do.
fn not_taken_back(why: &NotPublished) -> Vec<String> {
    const THE_REST: &str = "what is done stays; `tidegate revert` takes the rest back by hand";
    const LOOK: &str = "look before you go on: git fetch, then tidegate status";
    let (words, next) = match why {
        NotPublished::Partial { .. } => ("not all of the revert was written", THE_REST),
        NotPublished::Unclear(_) => ("whether the revert was written is not known", LOOK),
        _ => ("the revert was not written", BY_HAND),
    };
    let mut lines = vec![format!("{words}: {}", why.describe())];
    if let NotPublished::Held(again) = why {
        let held = again.held();
        lines.extend(held.map(|change| format!("  {} is held by a gate", change.cell)));
    }
    lines.push(next.to_owned());
    lines
}

/// What became of the revert, by how its delivery ended; where that is not well, what to do.
fn became(back: &Delivery) -> (&'static str, Option<String>) {
    let ended = back.ended.as_ref().map(|(_, outcome)| outcome);
    let why = match back.verdict() {
        Some(Err(failure)) => failure.to_string(),
        Some(Ok(words)) => words,
        None => back.left().unwrap_or_default(),
    };
    match ended {
        Some(Outcome::Healthy(_) | Outcome::Unwatched | Outcome::Superseded) => ("reverted", None),
        Some(
            Outcome::WaitsForMerge(_)
            | Outcome::NotMerged(_)
            | Outcome::Closed
            | Outcome::Dropped
            | Outcome::Elsewhere
            | Outcome::NotPublished(_),
        ) => (
            "not-reverted",
            Some(format!(
                "the revert is not where it is deployed from ({why}): bring it there, until then what failed stays"
            )),
        ),
        Some(Outcome::Failed | Outcome::Unverified | Outcome::Broken(_)) | None => (
            "failed",
            Some(format!(
                "what was there before is declared again, and is not seen healthy ({why}): look at it with `tidegate status`"
            )),
        ),
    }
}

/// What takes a plan back, of the changes that `still` stand.
fn request(
    plan: &Plan,
    why: &str,
    still: impl Fn(&crate::domain::plan::PlannedChange) -> bool,
) -> PlanRequest {
    let changes = plan.changes.iter().filter(|change| change.along.is_none());
    let changes = changes.filter(|change| still(change)).map(|change| {
        let write = plan
            .writes()
            .find(|write| write.cells.contains(&change.cell));
        ChangeRequest {
            cell: change.cell.clone(),
            intent: Intent::Revert {
                to: change.from.clone(),
                at: write.map(|write| write.tip.commit),
            },
            came: Came::Named,
        }
    });
    PlanRequest {
        changes: changes.collect(),
        deliver: Some(plan.deliver),
        // What came along goes back along.
        accepted: vec![Accept::All],
        reason: Some(format!("its rollout failed: {why}")),
        at_once: true,
        ..PlanRequest::default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::desired::RefName;

    #[test]
    fn a_revert_is_one_where_it_arrived_and_is_healthy() {
        let cases = [
            (Some(Outcome::Healthy(2)), "reverted"),
            (Some(Outcome::Unwatched), "reverted"),
            (Some(Outcome::Elsewhere), "not-reverted"),
            (Some(Outcome::Closed), "not-reverted"),
            (
                Some(Outcome::NotMerged(Duration::from_mins(1))),
                "not-reverted",
            ),
            (Some(Outcome::WaitsForMerge(Vec::new())), "not-reverted"),
            (Some(Outcome::Failed), "failed"),
            (Some(Outcome::Unverified), "failed"),
            (Some(Outcome::Broken(Failure::failed("gone"))), "failed"),
            (None, "failed"),
        ];
        let now = Timestamp::UNIX_EPOCH;
        for (ended, expected) in cases {
            let mut delivery = Delivery::new(&Plan::default(), now);
            delivery.ended = ended.map(|ended| (now, ended));
            let (outcome, words) = became(&delivery);
            assert_eq!(outcome, expected, "{:?}", delivery.ended);
            assert_eq!(words.is_none(), outcome == "reverted", "{words:?}");
        }
    }

    #[test]
    fn what_was_not_taken_back_is_told_as_it_is() {
        let failed = RefName {
            repository: None,
            reference: "refs/heads/prod".to_owned(),
        };
        let partial = NotPublished::Partial {
            failed,
            cause: Box::new(NotPublished::Failed(Failure::failed("no space"))),
            left: Vec::new(),
        };
        let cases = [
            (
                NotPublished::Failed(Failure::failed("no space")),
                "the revert was not written: no space",
                "declared still",
            ),
            (
                partial,
                "not all of the revert was written: prod: no space",
                "what is done stays",
            ),
            (
                NotPublished::Unclear("gone".to_owned()),
                "whether the revert was written is not known: ",
                "look before",
            ),
        ];
        for (why, first, last) in cases {
            let lines = not_taken_back(&why);
            assert!(lines[0].starts_with(first), "{lines:?}");
            assert!(lines.last().unwrap().contains(last), "{lines:?}");
            assert!(!lines.join(" ").contains("staged"), "{lines:?}");
        }
    }
}

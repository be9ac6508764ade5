//! A plan in waves: each is written when the one before is healthy, and the rest is not where one fails.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Context,
    args::WriteArgs,
    change::Asker,
    deliver::{self, PUBLISHING, observer, said},
    fail::Exit,
    outcome::{cells_json, ending, not_written, part_json, report},
    output::{Output, clean},
    take_back::take_back,
};
use crate::{
    domain::{
        alike,
        delivery::{Delivery, NotPublished, Outcome, Part},
        failure::Failure,
        ids::CellKey,
        plan::{Plan, Wave},
    },
    stdio::Tone,
    workflow::{self, HandedOver, OwnClusters, Project, Underway},
};

const FOLLOWING: &str = "while a wave was followed: what was pushed stays, and later waves are not written; the same command again \
                         skips what is there already";

/// The waves, what goes in each and after what.
pub(super) fn show(output: &Output, plan: &Plan) {
    if plan.waves.len() < 2 {
        return;
    }
    output.line("");
    for (number, wave) in (1..).zip(&plan.waves) {
        let cells: Vec<String> = wave.cells().map(CellKey::to_string).collect();
        let after: Vec<String> = wave
            .waits_for()
            .into_iter()
            .map(CellKey::to_string)
            .collect();
        let after = match &after[..] {
            [] => String::new(),
            after => format!("   when healthy: {}", alike::listed(after)),
        };
        let arrow = if number == 1 { "  " } else { "→ " };
        let text = format!("{arrow}wave {number}: {}", alike::listed(&cells));
        let line = output.paint(&clean(&text), Tone::Strong);
        output.line(line.and(output.paint(&clean(&after), Tone::Dim)));
    }
}

/// Delivers a confirmed plan wave by wave.
pub(super) async fn deliver(
    context: &Context,
    project: &Project,
    plan: &Plan,
    args: &WriteArgs,
) -> Result<Exit, Failure> {
    deliver_from(context, project, plan, (0, HandedOver::default()), args).await
}

/// The same from one of its waves on, counted from 0, behind the place of the one before.
pub(super) async fn deliver_from(
    context: &Context,
    project: &Project,
    plan: &Plan,
    (first, mut before): (usize, HandedOver),
    args: &WriteArgs,
) -> Result<Exit, Failure> {
    let output = &context.output;
    let of = plan.waves.len();
    let mut told = Vec::new();
    let mut parts: Vec<Part> = Vec::new();
    for (number, wave) in plan.waves.iter().enumerate().skip(first) {
        let cells: Vec<String> = wave.cells().map(CellKey::to_string).collect();
        output.note(clean(&format!(
            "wave {} of {of}: {}",
            number + 1,
            alike::listed(&cells)
        )));
        let reading = match project.read() {
            Ok(reading) => reading,
            Err(failure) => {
                // It is said, and nobody is to go on behind that.
                before.end();
                return Err(failure);
            }
        };
        let asker = Asker::new(context, project, &reading.desired, &args.clusters);
        let delivery = Delivery::of_wave(plan, number, Timestamp::now());
        let mut tell = observer(output);
        let begun = Underway::begin(project, delivery, Timestamp::now, &mut tell);
        let mut underway = begun.behind(std::mem::take(&mut before));
        output.leaves(PUBLISHING);
        underway.publish_wave(plan, number, &asker).await;
        output.leaves("");
        parts.extend(underway.delivery.parts.iter().cloned());
        if let Some(why) = underway.delivery.not_published().cloned() {
            if let Some(rest) = underway.delivery.not_begun() {
                output.note(clean(&rest));
            }
            return stopped(output, plan, &parts, why);
        }
        said(output, &underway.delivery);
        let is_last = number + 1 == of;
        if !is_last || args.follows() {
            output.leaves(FOLLOWING);
            follow(project, &mut underway, args).await;
            output.leaves("");
        }
        before = underway.hand_over();
        underway.leave();
        let notifier = underway.notifier();
        let delivery = underway.delivery.clone();
        drop(underway);
        deliver::told(output, &notifier).await;
        told.push(in_json(&delivery));
        if is_last && !args.follows() || delivery.lets_go_on() {
            continue;
        }
        let more = |told: &[Value]| {
            let parts: Vec<Value> = parts.iter().map(part_json).collect();
            json!({ "parts": parts, "delivered": told, "cells": cells_json(&delivery) })
        };
        tell_failed(output, plan, number, &delivery);
        if args.unattended.revert_on_failure && delivery.failed().next().is_some() {
            return Box::pin(take_back(context, plan, &delivery, args)).await;
        }
        if let Some((_, Outcome::Broken(failure))) = &delivery.ended {
            report(output, plan, "stopped", more(&told));
            return Err(failure.clone());
        }
        report(output, plan, "stopped", more(&told));
        return Ok(Exit::Failed);
    }
    let parts: Vec<Value> = parts.iter().map(part_json).collect();
    report(
        output,
        plan,
        "pushed",
        json!({ "parts": parts, "delivered": told }),
    );
    Ok(ending(plan))
}

/// Follows what was written to its end: until it arrived, and is healthy.
pub(super) async fn follow(project: &Project, underway: &mut Underway<'_>, args: &WriteArgs) {
    if underway.delivery.is_elsewhere() {
        let cells = underway.delivery.cells.iter().map(|run| &run.cell);
        let patience = args
            .rollout_timeout()
            .unwrap_or_else(|| workflow::longest_timeout(project, cells));
        underway.arrive(patience).await;
        underway.not_arrived();
    }
    if !underway.delivery.is_over() {
        match OwnClusters::watch(project, &underway.delivery, Timestamp::now) {
            Ok(mut clusters) => underway.follow(&mut clusters, args.rollout_timeout()).await,
            Err(error) => underway.not_followed(&error),
        }
    }
}

/// What failed, what is not written because of that, and how the wave or all of it is taken back.
fn tell_failed(output: &Output, plan: &Plan, number: usize, delivery: &Delivery) {
    let of = plan.waves.len();
    let failed: Vec<String> = delivery
        .failed()
        .map(|(cell, why)| format!("{cell}: {why}"))
        .collect();
    let why = match &failed[..] {
        [] => "it did not become healthy".to_owned(),
        failed => failed.join("; "),
    };
    output.note(clean(&format!("wave {} of {of} failed: {why}", number + 1)));
    if let Some(rest) = delivery.not_begun() {
        output.note(clean(&rest));
    }
    let back = |cells: Vec<&CellKey>| {
        let commands = cells.into_iter().map(|cell| {
            format!(
                "tidegate revert {} {} --wait",
                cell.service, cell.environment
            )
        });
        commands.collect::<Vec<_>>().join(" && ")
    };
    let wave = plan.waves.get(number).into_iter().flat_map(Wave::cells);
    output.note(clean(&format!(
        "go back with the wave: {}",
        back(wave.collect())
    )));
    if number > 0 {
        // Who needs something goes back before it.
        let all = plan.waves.iter().take(number + 1).rev();
        let all = all.flat_map(Wave::cells);
        output.note(clean(&format!(
            "or with all of it: {}",
            back(all.collect())
        )));
    }
}

/// A wave that was not written: those before it stay.
fn stopped(
    output: &Output,
    plan: &Plan,
    parts: &[Part],
    why: NotPublished,
) -> Result<Exit, Failure> {
    // Of a wave of which a part is done, all that is done is told below.
    let before = match why {
        NotPublished::Partial { .. } => &[],
        _ => parts,
    };
    for part in before {
        output.note(clean(&format!(
            "done before, and stays: {}",
            part.describe()
        )));
    }
    if let NotPublished::Moved { changes, .. } = &why {
        output.note("the plan is not the same any more; nothing more was written:");
        for line in changes {
            output.note(format!("  {}", clean(line)));
        }
        let parts: Vec<Value> = parts.iter().map(part_json).collect();
        report(
            output,
            plan,
            "moved",
            json!({ "differences": changes, "parts": parts }),
        );
        return Ok(Exit::Moved);
    }
    not_written(output, plan, parts, why)
}

fn in_json(delivery: &Delivery) -> Value {
    let parts: Vec<Value> = delivery.parts.iter().map(part_json).collect();
    json!({
        "wave": delivery.wave.as_ref().map(|wave| wave.number),
        "healthy": delivery.lets_go_on(),
        "parts": parts,
        "cells": cells_json(delivery),
    })
}

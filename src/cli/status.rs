//! `tidegate status`: the matrix.

use std::{collections::BTreeMap, ops::ControlFlow};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    Context,
    args::StatusArgs,
    change::FIRST_ANSWER,
    fail::{Exit, Failure},
    json,
    output::{Output, Tone, clean},
    table::{self, Cell},
};
use crate::{
    domain::{
        age,
        desired::{Desired, DesiredCell},
        history::ValueChange,
        ids::{CellKey, ServiceName},
        problem::Problem,
        rollout::{Health, LiveCell},
        version::Version,
    },
    sources::git::{HistoryEvent, Want},
    workflow::{self, Asked, Reading, Session},
};

/// Everything that is shown.
struct Matrix<'a> {
    desired: &'a Desired,
    /// What clusters say; `None` with `--no-live`.
    live: Option<&'a Asked>,
    /// Last changes; `None` without `--changed`.
    changed: Option<&'a BTreeMap<CellKey, ValueChange>>,
}

pub(super) async fn run(context: &Context, args: &StatusArgs) -> Result<Exit, Failure> {
    let session = context.open()?;
    let reading = session.read()?;
    let desired = &reading.desired;
    let changed = args
        .changed
        .then(|| last_changes(&session, &reading))
        .transpose()?;
    let asked = if args.clusters.no_live {
        None
    } else {
        let timeout = args.clusters.timeout.unwrap_or(FIRST_ANSWER);
        Some(workflow::ask_clusters(&session, desired, None, timeout, Timestamp::now).await)
    };
    let matrix = Matrix {
        desired,
        live: asked.as_ref(),
        changed: changed.as_ref(),
    };
    let output = &context.output;
    if output.is_json() {
        Output::json(&matrix.json(session.config.guessed.as_deref()));
    } else {
        matrix.print(output);
        output.line("");
        output.line(output.paint(
            &clean(&read_from(&reading, !context.common.at.is_empty())),
            Tone::Dim,
        ));
        for problem in matrix.problems() {
            output.note(problem_line(output, problem));
        }
    }
    Ok(Exit::Done)
}

/// Where it was read: `origin/main a1b2c3d`, each ref by name where there are several.
fn read_from(reading: &Reading, at: bool) -> String {
    let several = reading.lines.len() > 1;
    let lines = reading.lines.iter().map(|line| {
        let commit = line.base.commit.short();
        match &line.name.repository {
            _ if at && !several => commit,
            Some(repository) => format!("{repository}: {} {commit}", line.base.reference),
            None => format!("{} {commit}", line.base.reference),
        }
    });
    lines.collect::<Vec<_>>().join(", ")
}

/// The matrix of a commit without anything live.
pub(super) fn print(output: &Output, desired: &Desired) {
    let matrix = Matrix {
        desired,
        live: None,
        changed: None,
    };
    matrix.print(output);
}

/// Each cell's newest change.
fn last_changes(
    session: &Session,
    reading: &Reading,
) -> Result<BTreeMap<CellKey, ValueChange>, Failure> {
    let want = Want {
        cells: None,
        last_only: true,
    };
    let mut last = BTreeMap::new();
    session.history(reading, &want, &mut |event| {
        if let HistoryEvent::Changes(batch) = event {
            for (key, change) in batch {
                last.entry(key).or_insert(change);
            }
        }
        ControlFlow::Continue(())
    })?;
    Ok(last)
}

impl Matrix<'_> {
    fn problems(&self) -> impl Iterator<Item = &Problem> {
        let clusters = self.live.into_iter().flat_map(|asked| &asked.problems);
        self.desired.problems.iter().chain(clusters)
    }

    fn json(&self, guessed: Option<&str>) -> Value {
        let rows = self
            .desired
            .services
            .iter()
            .map(|name| (name, self.row_json(name)));
        let services = rows
            .filter(|(_, cells)| !cells.is_empty())
            .map(|(name, cells)| json!({ "name": name, "cells": cells }));
        let problems = self.problems().map(json::problem);
        json!({
            "schema": "tidegate.status/v1",
            "commit": self.desired.commit,
            "refs": self.desired.tips.iter().map(json::tip).collect::<Vec<_>>(),
            "environments": self.desired.environments,
            "services": services.collect::<Vec<_>>(),
            "problems": problems.collect::<Vec<_>>(),
            "guessed": guessed,
        })
    }

    /// A row's declared cells: one that exists and declares nothing (null, empty) is no part of the matrix.
    fn row_json(&self, service: &ServiceName) -> Map<String, Value> {
        let mut row = Map::new();
        for environment in &self.desired.environments {
            let key = CellKey::new(service.clone(), environment.clone());
            let declared = self
                .desired
                .cells
                .get(&key)
                .filter(|cell| cell.version.is_some());
            let Some(cell) = declared else {
                continue;
            };
            let mut value = json::cell(cell, self.desired.tip(&key));
            if let Some(asked) = self.live {
                value["live"] = asked.facts.live.get(&key).map_or(Value::Null, json::live);
            }
            if let Some(changed) = self.changed {
                value["changed"] = changed.get(&key).map_or(Value::Null, json::changed);
            }
            row.insert(environment.to_string(), value);
        }
        row
    }

    fn print(&self, output: &Output) {
        let mut heads = vec!["SERVICE".to_owned()];
        heads.extend(
            self.desired
                .environments
                .iter()
                .map(|name| clean(name.as_str())),
        );
        if self.live.is_some() {
            heads.push("WHY".to_owned());
        }
        let mut rows = Vec::new();
        for service in &self.desired.services {
            let mut row = vec![Cell::plain(clean(service.as_str()))];
            let mut worst: Option<(u8, String)> = None;
            for environment in &self.desired.environments {
                let key = CellKey::new(service.clone(), environment.clone());
                let cell = self.desired.cells.get(&key);
                let live = self.live.and_then(|asked| asked.facts.live.get(&key));
                row.push(self.cell(output, &key, cell, live));
                let why = live
                    .zip(cell)
                    .and_then(|(live, cell)| why(live, cell.version.as_ref()));
                if let Some((severity, reason)) = why
                    && worst.as_ref().is_none_or(|(other, _)| severity > *other)
                {
                    worst = Some((severity, format!("{environment}: {reason}")));
                }
            }
            if let Some((_, why)) = worst {
                row.push(Cell::plain(clean(&why)));
            }
            rows.push(row);
        }
        table::print(output, &heads, &rows);
    }

    fn cell(
        &self,
        output: &Output,
        key: &CellKey,
        cell: Option<&DesiredCell>,
        live: Option<&LiveCell>,
    ) -> Cell {
        let Some(cell) = cell else {
            return Cell("-".to_owned(), Tone::Dim);
        };
        let mut text = cell
            .version
            .as_ref()
            .map_or("not set".to_owned(), |version| clean(version.as_str()));
        if cell.inherited {
            text.push_str(" (inherited)");
        }
        let (glyph, tone) = match live {
            Some(live) => glyph(live, cell.version.as_ref(), output.is_ascii()),
            None => ("", Tone::Plain),
        };
        if !glyph.is_empty() {
            text = format!("{glyph} {text}");
        }
        if let Some(live) = live
            && live.ready != live.desired
            && !live.stale
        {
            text = format!("{text} {}/{}", live.ready, live.desired);
        }
        if let Some(change) = self.changed.and_then(|changed| changed.get(key)) {
            let time = change.authored.time.strftime("%Y-%m-%d");
            text = format!("{text} {} {time}", change.authored.commit.short());
        }
        Cell(text, tone)
    }
}

/// Pods run something else than Git declares, while nothing is rolling out.
fn drifts(live: &LiveCell, wanted: Option<&Version>) -> bool {
    let Some(wanted) = wanted else {
        return false;
    };
    live.health == Health::Healthy && live.runs_other_than(wanted)
}

fn glyph(live: &LiveCell, wanted: Option<&Version>, ascii: bool) -> (&'static str, Tone) {
    let (glyph, plain, tone) = if live.stale {
        ("∅", "z", Tone::Dim)
    } else if drifts(live, wanted) {
        ("~", "~", Tone::Attention)
    } else {
        match live.health {
            // Pods do not show it: green would say that it runs.
            Health::Healthy | Health::Missing | Health::Unknown if live.hidden => {
                return ("", Tone::Plain);
            }
            Health::Healthy => ("✓", "v", Tone::Good),
            Health::Progressing => ("▸", ">", Tone::Attention),
            Health::Paused => ("=", "=", Tone::Attention),
            Health::Suspended => ("⊘", "o", Tone::Attention),
            Health::Degraded => ("✗", "x", Tone::Bad),
            Health::Missing => ("-", "-", Tone::Bad),
            Health::Unknown => ("?", "?", Tone::Attention),
        }
    };
    (if ascii { plain } else { glyph }, tone)
}

/// Why a cell is not simply healthy, and how bad that is.
fn why(live: &LiveCell, wanted: Option<&Version>) -> Option<(u8, String)> {
    if drifts(live, wanted) {
        let running: Vec<_> = live.versions.keys().map(Version::as_str).collect();
        return Some((DRIFT, format!("runs {}", running.join(", "))));
    }
    let nothing_to_see = live.hidden && matches!(live.health, Health::Missing | Health::Unknown);
    if (live.health == Health::Healthy && !live.stale) || nothing_to_see {
        return None;
    }
    let mut text = live
        .reason
        .clone()
        .unwrap_or_else(|| live.health.to_string());
    if let Some(since) = live.since {
        text = format!("{text}, {}", age::between(since, live.as_of));
    }
    Some((trouble(live.health), text))
}

/// How bad drift is, between a rollout and a pause.
const DRIFT: u8 = 4;

/// How much a cell wants to be looked at, as the console sorts its rows.
fn trouble(health: Health) -> u8 {
    match health {
        Health::Degraded => 8,
        Health::Missing => 7,
        Health::Unknown => 6,
        Health::Progressing => 5,
        Health::Paused => 3,
        Health::Suspended => 2,
        Health::Healthy => 1,
    }
}

fn problem_line(output: &Output, problem: &Problem) -> String {
    let mut place = match (&problem.path, &problem.context) {
        (Some(path), _) => path.to_string(),
        (None, Some(context)) => context.clone(),
        (None, None) => "problem".to_owned(),
    };
    if let Some(line) = problem.line {
        place = format!("{place}:{line}");
    }
    output.paint(
        &clean(&format!("{place}: {}", problem.message)),
        Tone::Attention,
    )
}

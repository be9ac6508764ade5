//! `tidegate drift`: everything that drifts, for people and for CI.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::json;

use super::{
    Context,
    args::DriftArgs,
    change::FIRST_ANSWER,
    fail::Exit,
    json as shapes,
    output::{Output, clean},
    table::{self, Cell},
    text::count,
};
use crate::{
    domain::{
        cell::{self, Delivering},
        drift::{Facts, Finding, Kind, findings},
        failure::Failure,
        ids::{EnvironmentName, ServiceName},
        problem::Problem,
        rollout::Connection,
    },
    stdio::Tone,
    workflow::{self, Ahead, Asked, Project, Whose},
};

pub(super) async fn run(context: &Context, args: &DriftArgs) -> Result<Exit, Failure> {
    let project = context.open()?;
    let default = context.ask_server(&project);
    let reading = project.read()?;
    let desired = &reading.desired;
    let columns = Project::environments_like(desired, &args.environments)?;
    let mut rows = BTreeSet::<ServiceName>::new();
    for name in &args.services {
        let like = Project::services_like(desired, name)?;
        rows.extend(like.into_iter().map(|(service, _)| service));
    }
    let judging = {
        let (project, reading) = (project.clone(), reading.clone());
        tokio::task::spawn_blocking(move || {
            workflow::skews(&project, &reading, Whose::Both, &|| true)
        })
    };
    let asked = if args.clusters.no_live || context.common.offline {
        Asked::default()
    } else {
        let timeout = args.clusters.timeout.unwrap_or(FIRST_ANSWER);
        workflow::ask_clusters(&project, desired, None, timeout, Timestamp::now).await
    };
    let judged = judging
        .await
        .map_err(|error| Failure::failed(format!("the history cannot be read: {error}")))??;
    let environments: Vec<&str> = desired
        .environments
        .iter()
        .map(EnvironmentName::as_str)
        .collect();
    let mut found = findings(
        &Facts {
            desired,
            environments: &environments,
            skews: &judged.skews,
            past: &|cell| judged.past(cell),
            status: &|key, declared| {
                let connection = asked.running.connections.get(&key.environment);
                cell::assess(
                    Some(declared),
                    asked.running.cell(key),
                    connection.unwrap_or(&Connection::Unconfigured),
                    Delivering::No,
                )
            },
        },
        Timestamp::now(),
    );
    let is_asked_for = |finding: &Finding| {
        columns.contains(&finding.cell.environment)
            && (rows.is_empty() || rows.contains(&finding.cell.service))
            && (args.only.is_empty() || args.only.contains(&finding.kind))
    };
    if args.notify && !context.common.dry_run {
        let ahead = found.iter().filter(|it| it.kind == Kind::Ahead);
        let ahead = ahead.filter_map(|it| {
            Some(Ahead {
                cell: it.cell.clone(),
                version: desired.version(&it.cell)?.clone(),
                detail: it.detail.clone(),
                is_asked_for: is_asked_for(it),
            })
        });
        let known = desired.cells.iter().filter(|(_, it)| it.version.is_some());
        let known = known.map(|(cell, _)| cell.clone()).collect();
        let ahead: Vec<Ahead> = ahead.collect();
        for problem in workflow::tell_ahead(&project, &ahead, &known).await {
            context.output.note(clean(&problem));
        }
    }
    found.retain(is_asked_for);
    let default = default.answer().await.into_iter().map(Problem::general);
    let default: Vec<Problem> = default.collect();
    let problems: Vec<&Problem> = default
        .iter()
        .chain(&desired.problems)
        .chain(&asked.problems)
        .collect();
    if context.output.is_json() {
        Output::json(&json!({
            "schema": "tidegate.drift/v1",
            "commit": desired.commit,
            "findings": found.iter().map(finding).collect::<Vec<_>>(),
            "problems": problems.iter().map(|problem| shapes::problem(problem)).collect::<Vec<_>>(),
        }));
    } else {
        print(context, &found, judged.is_shallow(), &problems);
    }
    Ok(if found.is_empty() {
        Exit::Done
    } else {
        Exit::Findings
    })
}

fn finding(finding: &Finding) -> serde_json::Value {
    json!({
        "kind": finding.kind.as_str(),
        "service": finding.cell.service,
        "environment": finding.cell.environment,
        "detail": finding.detail,
    })
}

fn print(context: &Context, found: &[Finding], shallow: bool, problems: &[&Problem]) {
    let output = &context.output;
    if found.is_empty() {
        output.line("nothing drifts");
    } else {
        let heads = ["KIND", "SERVICE", "ENVIRONMENT", "DETAIL"].map(str::to_owned);
        let rows: Vec<Vec<Cell>> = found.iter().map(row).collect();
        table::print(output, &heads, &rows);
    }
    if shallow {
        output.note("this clone is shallow: how far cells are behind, and how they came there, may not be known (git fetch --unshallow)");
    }
    if let [first, rest @ ..] = problems {
        let more = match rest.len() {
            0 => String::new(),
            _ => format!(
                ", and {} more: `tidegate status` lists them",
                count(rest.len(), "problem")
            ),
        };
        let words = format!("not all could be judged: {}{more}", first.message);
        output.note(output.paint(&clean(&words), Tone::Attention));
    }
}

fn row(finding: &Finding) -> Vec<Cell> {
    let tone = match finding.kind {
        Kind::Live | Kind::Ahead => Tone::Attention,
        Kind::Reverted | Kind::Suspended | Kind::Mutable | Kind::Skew => Tone::Plain,
    };
    vec![
        Cell(finding.kind.to_string(), tone),
        Cell::plain(clean(finding.cell.service.as_str())),
        Cell::plain(clean(finding.cell.environment.as_str())),
        Cell::plain(clean(&finding.detail)),
    ]
}

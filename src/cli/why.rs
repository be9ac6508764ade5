//! `tidegate why SERVICE --to ENV`: every gate, on what its verdict rests, and when it can pass.

use jiff::Timestamp;
use serde_json::json;

use super::{
    Context,
    args::WhyArgs,
    change::Asker,
    fail::Exit,
    json,
    output::{Output, clean},
    plan::verdict_line,
    text::before,
};
use crate::{
    domain::{
        age,
        desired::Desired,
        failure::Failure,
        ids::{CellKey, EnvironmentName},
        image,
        plan::{Verdict, upstream_for},
        version::Version,
    },
    stdio::Tone,
    workflow::{self, Project},
};

pub(super) fn run(context: &Context, args: &WhyArgs) -> Result<Exit, Failure> {
    let project = context.open()?;
    let reading = project.read()?;
    let desired = &reading.desired;
    let service = Project::service(desired, &args.service)?;
    let to = Project::environment(desired, &args.to)?;
    let cell = CellKey::new(service, to);
    let from = upstream(&project, desired, &cell, args.from.as_deref())?;
    let version = if let Some(version) = &args.version {
        Some(Version::from(version.as_str()))
    } else {
        let theirs = CellKey::new(cell.service.clone(), from.clone());
        desired.version(&theirs).cloned()
    };
    let asker = Asker::new(context, &project, desired, &args.clusters);
    let now = Timestamp::now();
    let verdicts = workflow::why(
        &project,
        &reading,
        &asker,
        (&cell, &from),
        version.as_ref(),
        now,
    );
    if context.output.is_json() {
        Output::json(&json!({
            "schema": "tidegate.why/v1",
            "service": cell.service,
            "environment": cell.environment,
            "from": from,
            "version": version,
            "verdicts": verdicts.iter().map(json::verdict).collect::<Vec<_>>(),
        }));
    } else {
        let declared = desired.version(&cell);
        let own = before(declared);
        let title = match &version {
            Some(version) if declared.is_some_and(|own| image::is_or_pins(own, version)) => {
                format!("promote {cell}: {own} from {from} is there already")
            }
            Some(version) => format!("promote {cell}: {own} → {version} from {from}"),
            None => format!("promote {cell}: {own} → nothing from {from}"),
        };
        let output = &context.output;
        output.line(output.paint(&clean(&title), Tone::Strong));
        for verdict in &verdicts {
            show(output, verdict, now);
        }
    }
    Ok(Exit::Done)
}

/// The one that is named, else the one that the cell is promoted from, else its first.
fn upstream(
    project: &Project,
    desired: &Desired,
    cell: &CellKey,
    named: Option<&str>,
) -> Result<EnvironmentName, Failure> {
    let topology = &project.config.topology;
    if let Some(named) = named {
        let from = Project::environment(desired, named)?;
        if from == cell.environment {
            return Err(Failure::usage(format!(
                "--from and --to are both `{from}`; name two environments"
            )));
        }
        return Ok(from);
    }
    if let Ok(from) = upstream_for(desired, topology, cell) {
        return Ok(from.clone());
    }
    let environment = topology.get(&cell.environment);
    let first = environment.and_then(|environment| environment.from.first());
    first.cloned().ok_or_else(|| {
        Failure::usage(format!(
            "{} has no upstream (`from`): name the column that it would come from with --from",
            cell.environment
        ))
    })
}

/// A verdict, what it rests on, and when it can pass.
fn show(output: &Output, verdict: &Verdict, now: Timestamp) {
    output.line(verdict_line(output, verdict));
    for input in &verdict.inputs {
        let known = match input.at {
            Some(at) => format!("{} ago", age::between(at, now)),
            None => "nobody could say".to_owned(),
        };
        let text = format!("      {}: {known}", input.what);
        output.line(output.paint(&clean(&text), Tone::Dim));
    }
    if let Some(earliest) = verdict.earliest {
        let text = format!(
            "      passes at {} (in {}) by waiting alone",
            earliest.strftime("%a %Y-%m-%d %H:%M UTC"),
            age::between(now, earliest)
        );
        output.line(output.paint(&text, Tone::Dim));
    }
}

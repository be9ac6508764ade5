//! `tidegate trace SERVICE VERSION`: where it has been, when, by whom, how it got there, what to go back to.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Context,
    args::TraceArgs,
    fail::{Exit, Failure},
    json,
    output::{Output, clean},
    table::{self, Cell},
};
use crate::{
    domain::{
        age,
        ids::CellKey,
        suggest,
        trace::{Arrival, Place, Stay, Trace, trace},
        version::Version,
    },
    workflow::{Session, cell_history},
};

pub(super) fn run(context: &Context, args: &TraceArgs) -> Result<Exit, Failure> {
    let session = context.open()?;
    let base = session.base()?;
    let desired = session.desired(base.commit)?;
    let service = Session::service(&desired, &args.service)?;
    let version = Version::from(args.version.as_str());
    let cells: Vec<CellKey> = desired
        .environments
        .iter()
        .map(|environment| CellKey::new(service.clone(), environment.clone()))
        .filter(|cell| desired.cells.contains_key(cell))
        .collect();
    let histories: BTreeMap<_, _> = cells
        .iter()
        .zip(cell_history(&session, base.commit, &cells)?)
        .map(|(cell, history)| (cell.environment.clone(), history.entries))
        .collect();
    let found = trace(
        &version,
        &histories,
        &desired.environments,
        &session.config.topology,
    );
    if found.first.is_none() {
        let known = histories
            .values()
            .flatten()
            .filter_map(|entry| entry.change.version.as_ref());
        let known: Vec<&str> = known.map(Version::as_str).collect();
        let hint = suggest::hint(&args.version, known.iter().copied());
        return Err(Failure::usage(clean(&format!(
            "{service} has never been at {}{hint} (`tidegate history {service}` lists its versions)",
            args.version
        ))));
    }

    if context.output.is_json() {
        Output::json(&json!({
            "schema": "tidegate.trace/v1",
            "commit": base.commit,
            "service": service,
            "version": version,
            "first": found.first.map(json::time),
            "environments": found.places.iter().map(place_json).collect::<Vec<_>>(),
        }));
    } else {
        print(context, &found);
    }
    Ok(Exit::Done)
}

fn place_json(place: &Place) -> Value {
    json!({
        "environment": place.environment,
        "current": place.now,
        "stays": place.stays.iter().map(stay_json).collect::<Vec<_>>(),
        "go_back": place.go_back.as_ref().map(json::entry),
    })
}

fn stay_json(stay: &Stay) -> Value {
    let mut value = json::entry(&stay.entry);
    value["arrival"] = json!(stay.arrival.word());
    if let Arrival::FastTrack(past) = &stay.arrival {
        value["past"] = json!(past);
    }
    value["until"] = json!(stay.until.map(json::time));
    value["replaced_by"] = json!(stay.replaced_by);
    value["lead_seconds"] = json!(stay.lead_seconds);
    value
}

fn print(context: &Context, found: &Trace) {
    let heads = [
        "ENVIRONMENT",
        "SINCE",
        "STAYED",
        "LEAD",
        "HOW",
        "COMMIT",
        "BY",
        "THEN",
        "GO BACK TO",
    ];
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    let mut rows = Vec::new();
    for place in &found.places {
        if place.stays.is_empty() {
            let now = place
                .now
                .as_ref()
                .map_or("nothing declared".to_owned(), |now| {
                    format!("declares {now}")
                });
            rows.push(vec![
                Cell::plain(clean(place.environment.as_str())),
                Cell::plain("never"),
                Cell::plain(""),
                Cell::plain(""),
                Cell::plain(""),
                Cell::plain(""),
                Cell::plain(""),
                Cell::plain(clean(&now)),
                Cell::plain(""),
            ]);
        }
        for stay in &place.stays {
            rows.push(row(place, stay));
        }
    }
    table::print(&context.output, &heads, &rows);
}

fn row(place: &Place, stay: &Stay) -> Vec<Cell> {
    let change = &stay.entry.change;
    let how = match &stay.arrival {
        Arrival::Promotion(from) => format!("promotion from {from}"),
        Arrival::FastTrack(past) => {
            let past: Vec<&str> = past
                .iter()
                .map(crate::domain::ids::EnvironmentName::as_str)
                .collect();
            format!("fast track, past {}", past.join(", "))
        }
        other => other.word().to_owned(),
    };
    let by = match change.pull_request() {
        Some(number) => format!("{} (#{number})", change.authored.author),
        None => change.authored.author.clone(),
    };
    let then = match (&stay.until, &stay.replaced_by) {
        (None, _) => "here now".to_owned(),
        (Some(_), Some(next)) => format!("replaced by {next}"),
        (Some(_), None) => "removed".to_owned(),
    };
    let back = place.go_back.as_ref().filter(|_| stay.until.is_none());
    let back = back
        .and_then(|entry| entry.change.version.as_ref())
        .map_or("", Version::as_str);
    let stayed = stay.entry.stayed_seconds.map(age::seconds);
    [
        place.environment.as_str().to_owned(),
        local(change.landed.time),
        stayed.unwrap_or_default(),
        format!("+{}", age::seconds(stay.lead_seconds)),
        how,
        change.landed.commit.short(),
        by,
        then,
        back.to_owned(),
    ]
    .iter()
    .map(|text| Cell::plain(clean(text)))
    .collect()
}

fn local(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M").to_string()
}

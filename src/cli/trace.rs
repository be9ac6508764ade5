//! `tidegate trace SERVICE VERSION`: where it has been, when, by whom, how it got there, what to go back to.

use std::{collections::BTreeMap, fmt::Write as _};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Context,
    args::TraceArgs,
    fail::Exit,
    json::{self, Signatures},
    output::{Output, clean},
    table::{self, Cell},
};
use crate::{
    domain::{
        age,
        failure::Failure,
        ids::{CellKey, EnvironmentName, ServiceName},
        signature::Signed,
        source_code::{Evidence, VersionStep},
        suggest,
        trace::{Arrival, Histories, Stay, Trace, TraceStop, doubts, trace},
        version::Version,
    },
    workflow::{Project, Reading, cell_history, signatures},
};

pub(super) async fn run(context: &Context, args: &TraceArgs) -> Result<Exit, Failure> {
    let project = context.open()?;
    let default = context.ask_server(&project);
    let reading = project.read()?;
    let desired = &reading.desired;
    let service = Project::service(desired, &args.service)?;
    let version = Version::from(args.version.as_str());
    // Cells that are no more have a history too.
    let cells: Vec<CellKey> = desired
        .environments
        .iter()
        .map(|environment| CellKey::new(service.clone(), environment.clone()))
        .collect();
    let told = cell_history(&project, &reading, &cells)?;
    let shallow = told.iter().any(|history| history.shallow);
    let early: Early<'_> = cells
        .iter()
        .zip(&told)
        .filter_map(|(cell, history)| Some((&cell.environment, history.ends_early()?)))
        .collect();
    let doubts = if shallow {
        vec![SHALLOW.to_owned()]
    } else {
        let early = cells.iter().filter_map(|cell| {
            let (environment, why) = early.get_key_value(&cell.environment)?;
            Some((*environment, *why))
        });
        doubts(early)
    };
    let histories: Histories<'_> = cells
        .iter()
        .zip(&told)
        .map(|(cell, history)| (cell.environment.clone(), history.entries.as_slice()))
        .collect();
    let found = trace(
        &version,
        &histories,
        &desired.environments,
        &project.config.topology,
        &|version| desired.vetoes.of(&service, version).is_some(),
    );
    if found.first.is_none() {
        let known = histories
            .values()
            .flat_map(|history| history.iter())
            .filter_map(|entry| entry.change.version.as_ref());
        let known: Vec<&str> = known.map(Version::as_str).collect();
        let hint = suggest::hint(&args.version, known.iter().copied());
        let never = if doubts.is_empty() {
            "has never been"
        } else {
            "is not known to have been"
        };
        let mut words = vec![format!(
            "{service} {never} at {}{hint} (`tidegate history {service}` lists its versions)",
            args.version,
        )];
        words.extend(doubts);
        return Err(Failure::usage(clean(&words.join("; "))));
    }

    let built_of = built_of(context, &project, &reading, (&service, &version)).await;
    let stays = found.places.iter().zip(&cells).flat_map(|(place, cell)| {
        let all = args.signatures;
        let stays = place.stays.iter();
        let stays = stays.filter(move |stay| all || stay.until.is_none());
        stays.map(move |stay| (cell, &stay.entry))
    });
    let signatures = signatures(&project, &reading, stays).unwrap_or_else(|error| {
        let words = format!("signatures were not looked at: {error}");
        context.output.note(clean(&words));
        Signatures::new()
    });
    if context.output.is_json() {
        Output::json(&json!({
            "schema": "tidegate.trace/v1",
            "commit": desired.commit,
            "service": service,
            "version": version,
            "first": found.first.map(json::time),
            "shallow": shallow,
            "environments": found.places.iter().map(|place| place_json(place, &early, &signatures)).collect::<Vec<_>>(),
            "built_of": built_of.as_ref().map(built_json),
        }));
    } else {
        print(context, &found, &early);
        for stay in found.places.iter().flat_map(|place| &place.stays) {
            let authored = &stay.entry.change.authored;
            let signature = signatures.get(&authored.commit);
            if let Some(signature) = signature.filter(|it| it.state != Signed::Unsigned) {
                let words = format!("{} {}", authored.commit.short(), signature.words());
                context.output.line(clean(&words));
            }
        }
        if let Some(built_of) = &built_of {
            let words = match built_of {
                Ok(evidence) => format!("built of {}", evidence.words()),
                Err(why) => format!("what it was built of is not known: {why}"),
            };
            context.output.note(clean(&words));
        }
        for doubt in doubts {
            context.output.note(clean(&doubt));
        }
    }
    for note in default.answer().await {
        context.output.note(clean(&note));
    }
    Ok(Exit::Done)
}

/// What a version was built of; `None` where nobody says where its source code is, or nobody is to be asked.
async fn built_of(
    context: &Context,
    project: &Project,
    reading: &Reading,
    (service, version): (&ServiceName, &Version),
) -> Option<Result<Evidence, String>> {
    if context.common.offline || !project.has_source_code(service) {
        return None;
    }
    // Where it is declared, the farthest that it has got; else wherever the service is.
    let desired = &reading.desired;
    let cells = desired.environments.iter().rev();
    let cells = cells.map(|environment| CellKey::new(service.clone(), environment.clone()));
    let mut cells = cells.filter(|cell| desired.cells.contains_key(cell));
    let here = cells
        .clone()
        .find(|cell| desired.version(cell) == Some(version));
    let cell = here.or_else(|| cells.next())?;
    let step = VersionStep {
        cell,
        from: None,
        to: version.clone(),
    };
    project.behind(Some(reading), &step).await.evidence
}

fn built_json(built_of: &Result<Evidence, String>) -> Value {
    match built_of {
        Ok(evidence) => json!({
            "commit": evidence.commit,
            "by": evidence.by.as_str(),
            "url": evidence.url,
            "checks": evidence.checks.as_ref().ok().map(|checks| checks.state().as_str()),
            "says": evidence.words(),
        }),
        Err(why) => json!({ "commit": null, "by": null, "url": null, "checks": null, "says": why }),
    }
}

/// What a cut history means for what was not found.
const SHALLOW: &str = "this clone is shallow: what came before its oldest commit is not known (git fetch --unshallow)";

/// Why what was before the oldest value of an environment is not known, by environment.
type Early<'a> = BTreeMap<&'a EnvironmentName, &'a str>;

fn place_json(place: &TraceStop, early: &Early<'_>, signatures: &Signatures) -> Value {
    json!({
        "environment": place.environment,
        "current": place.now,
        "current_since": place.since.map(json::time),
        "stays": place.stays.iter().map(|stay| stay_json(stay, signatures)).collect::<Vec<_>>(),
        "go_back": place.go_back.as_ref().map(json::entry),
        "unknown_before": early.get(&place.environment),
    })
}

fn stay_json(stay: &Stay, signatures: &Signatures) -> Value {
    let mut value = json::entry(&stay.entry);
    json::signed(&mut value, &stay.entry, signatures);
    value["arrival"] = json!(stay.arrival.word());
    if let Arrival::FastTrack(past) = &stay.arrival {
        value["past"] = json!(past);
    }
    value["replaced"] = json!(stay.entry.change.previous);
    value["until"] = json!(stay.until.map(json::time));
    value["replaced_by"] = json!(stay.replaced_by);
    value["lead_seconds"] = json!(stay.lead_seconds);
    value["lead_from"] = json!(stay.lead_from.as_ref().map(|lead| json!({
        "environment": lead.environment,
        "seconds": lead.seconds,
    })));
    value
}

fn print(context: &Context, found: &Trace, early: &Early<'_>) {
    let heads = [
        "ENVIRONMENT",
        "SINCE",
        "STAYED",
        "LEAD",
        "HOW",
        "REPLACED",
        "BY",
        "AUTHORED",
        "LANDED",
        "THEN",
        "GO BACK TO",
    ];
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    let now = Timestamp::now();
    let mut rows = Vec::new();
    for place in &found.places {
        if place.stays.is_empty() {
            let is_whole = !early.contains_key(&place.environment);
            rows.push(absent(place, heads.len(), is_whole));
        }
        rows.extend(place.stays.iter().map(|stay| row(place, stay, now)));
    }
    table::print(&context.output, &heads, &rows);
}

/// `prod  never … declares 1.41.3`; never is said of a history that is known to its beginning.
fn absent(place: &TraceStop, columns: usize, is_whole: bool) -> Vec<Cell> {
    let now = match &place.now {
        Some(now) => format!("declares {now}"),
        None if place.unread => "cannot be read".to_owned(),
        None => "declares nothing".to_owned(),
    };
    let mut row = vec![Cell::plain(""); columns];
    row[0] = Cell::plain(clean(place.environment.as_str()));
    row[1] = Cell::plain(if is_whole { "never" } else { "not seen" });
    row[columns - 2] = Cell::plain(clean(&now));
    row
}

fn row(place: &TraceStop, stay: &Stay, now: Timestamp) -> Vec<Cell> {
    let change = &stay.entry.change;
    let by = match change.pull_request() {
        Some(number) => format!("{} (#{number})", change.authored.author),
        None => change.authored.author.clone(),
    };
    let then = match (&stay.until, &stay.replaced_by) {
        (None, _) => "here now".to_owned(),
        (Some(_), Some(next)) => format!("replaced by {next}"),
        (Some(_), None) if stay.unread => "unread since".to_owned(),
        (Some(_), None) => "removed".to_owned(),
    };
    let back = place.go_back.as_ref().filter(|_| stay.until.is_none());
    let back = back
        .and_then(|entry| entry.change.version.as_ref())
        .map_or("", Version::as_str);
    let stayed = match stay.entry.stayed_seconds {
        Some(seconds) => age::seconds(seconds),
        None => format!("{} so far", age::between(change.landed.time, now)),
    };
    let mut lead = format!("+{}", age::precise(stay.lead_seconds));
    if let Some(from) = &stay.lead_from {
        let _ = write!(
            lead,
            ", {} after {}",
            age::precise(from.seconds),
            from.environment
        );
    }
    [
        place.environment.as_str().to_owned(),
        local(change.landed.time),
        stayed,
        lead,
        stay.arrival.to_string(),
        change
            .previous
            .as_ref()
            .map_or(String::new(), ToString::to_string),
        by,
        change.authored.commit.short(),
        if change.landed.commit == change.authored.commit {
            String::new()
        } else {
            change.landed.commit.short()
        },
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

//! `tidegate history SERVICE [ENV]`: the values a cell has had, newest first.

use serde_json::{Value, json};

use super::{
    Context,
    args::HistoryArgs,
    fail::Exit,
    json::{self, Signatures},
    output::{Output, clean},
    table::{self, Cell},
};
use crate::{
    domain::{
        age,
        failure::Failure,
        history::{History, HistoryEntry},
        ids::{CellKey, EnvironmentName},
        signature::Signed,
    },
    stdio::Tone,
    workflow::{Project, cell_history, signatures},
};

pub(super) async fn run(context: &Context, args: &HistoryArgs) -> Result<Exit, Failure> {
    let project = context.open()?;
    let default = context.ask_server(&project);
    let reading = project.read()?;
    let desired = &reading.desired;
    let service = Project::service(desired, &args.service)?;
    let environments: Vec<EnvironmentName> = match &args.environment {
        Some(name) => vec![Project::environment(desired, name)?],
        None => desired
            .environments
            .iter()
            .filter(|name| {
                desired
                    .cells
                    .contains_key(&CellKey::new(service.clone(), (*name).clone()))
            })
            .cloned()
            .collect(),
    };
    let cells: Vec<CellKey> = environments
        .into_iter()
        .map(|name| CellKey::new(service.clone(), name))
        .collect();
    let histories = cell_history(&project, &reading, &cells)?;

    let output = &context.output;
    let changes = cells.iter().zip(&histories).flat_map(|(cell, history)| {
        let looked_at = if args.signatures { usize::MAX } else { 1 };
        let entries = history.entries.iter().take(looked_at);
        entries.map(move |entry| (cell, entry))
    });
    let signatures = signatures(&project, &reading, changes).unwrap_or_else(|error| {
        output.note(clean(&format!("signatures were not looked at: {error}")));
        Signatures::new()
    });
    if output.is_json() {
        let mut value = json!({
            "schema": "tidegate.history/v1",
            "commit": desired.commit,
            "service": service,
        });
        if args.environment.is_some() {
            let first = cells.first().zip(histories.first());
            value["environment"] = json!(first.map(|(cell, _)| &cell.environment));
            value["values"] = first.map_or(json!([]), |(_, history)| values(history, &signatures));
            value["unknown_before"] = json!(first.and_then(|(_, history)| history.ends_early()));
        } else {
            let each = cells.iter().zip(&histories).map(|(cell, history)| {
                json!({
                    "environment": cell.environment,
                    "values": values(history, &signatures),
                    "unknown_before": history.ends_early(),
                })
            });
            value["environments"] = Value::Array(each.collect());
        }
        Output::json(&value);
        return Ok(Exit::Done);
    }
    for (i, (cell, history)) in cells.iter().zip(&histories).enumerate() {
        if i > 0 {
            output.line("");
        }
        if args.environment.is_none() {
            output.line(output.paint(&clean(&cell.to_string()), Tone::Strong));
        }
        print(context, history, &signatures);
    }
    for note in default.answer().await {
        output.note(clean(&note));
    }
    Ok(Exit::Done)
}

fn values(history: &History, signatures: &Signatures) -> Value {
    let entry = |entry: &HistoryEntry| {
        let mut value = json::entry(entry);
        json::signed(&mut value, entry, signatures);
        value
    };
    Value::Array(history.entries.iter().map(entry).collect())
}

fn print(context: &Context, history: &History, signatures: &Signatures) {
    let output = &context.output;
    if history.entries.is_empty() {
        output.line("no value is known");
        return;
    }
    let heads = [
        "VERSION", "KIND", "STAYED", "AUTHORED", "COMMIT", "BY", "SUBJECT", "LANDED",
    ];
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    let rows: Vec<Vec<Cell>> = history.entries.iter().map(row).collect();
    table::print(output, &heads, &rows);
    for entry in &history.entries {
        let authored = &entry.change.authored;
        let signature = signatures.get(&authored.commit);
        // Nothing is said of what is not signed: most are not.
        if let Some(signature) = signature.filter(|it| it.state != Signed::Unsigned) {
            let words = format!("{} {}", authored.commit.short(), signature.words());
            output.line(clean(&words));
        }
    }
    if history.shallow {
        output.note("this clone is shallow: the oldest values are older than they look (git fetch --unshallow)");
    } else if let Some(why) = &history.unknown_before {
        output.note(format!(
            "what was before the oldest value is not known: {}",
            clean(why)
        ));
    }
}

fn row(entry: &HistoryEntry) -> Vec<Cell> {
    let clean = |text: &str| Cell::plain(clean(text));
    let change = &entry.change;
    let version = change
        .version
        .as_ref()
        .map_or("-", |version| version.as_str());
    let (kind, from) = json::kind(&entry.kind);
    let kind = match from {
        Some(from) => format!("{kind} from {from}"),
        None => kind.to_owned(),
    };
    let subject = match change.pull_request() {
        Some(number) if !change.authored.subject.contains(&format!("#{number}")) => {
            format!("{} (#{number})", change.authored.subject)
        }
        _ => change.authored.subject.clone(),
    };
    let subject = match &change.moved {
        Some(moved) => format!(
            "{subject} (moved from {} by {})",
            moved.from,
            moved.authored.commit.short()
        ),
        None => subject,
    };
    let landed = if change.landed.commit == change.authored.commit {
        String::new()
    } else {
        format!(
            "{} {}",
            change.landed.commit.short(),
            change.landed.time.strftime("%Y-%m-%d %H:%M")
        )
    };
    vec![
        clean(version),
        clean(&kind),
        clean(&entry.stayed_seconds.map(age::seconds).unwrap_or_default()),
        clean(&change.authored.time.strftime("%Y-%m-%d %H:%M").to_string()),
        clean(&change.authored.commit.short()),
        clean(&change.authored.author),
        clean(&subject),
        clean(&landed),
    ]
}

//! `tidegate changelog SERVICE A..B`: the commits of the source code between two versions.

use serde_json::{Value, json};

use super::{
    Context,
    args::ChangelogArgs,
    fail::Exit,
    json,
    output::{Output, clean},
};
use crate::{
    domain::{
        failure::Failure,
        history::CommitInfo,
        source_code::{Changelog, number_beside},
        version::Version,
    },
    workflow::Project,
};

pub(super) async fn run(context: &Context, args: &ChangelogArgs) -> Result<Exit, Failure> {
    let (from, to) = ends(&args.versions)?;
    let project = context.open()?;
    let reading = project.read()?;
    let service = Project::service(&reading.desired, &args.service)?;
    let found = project
        .changelog(&service, (&from, &to), context.common.offline)
        .await?;
    if found.whole {
        let note = "commits of other folders are among these: a forge does not tell them apart, a `clone` does";
        context.output.note(note);
    }
    if context.output.is_json() {
        Output::json(&json!({
            "schema": "tidegate.changelog/v1",
            "service": service,
            "from": from,
            "to": to,
            "comes": found.comes.iter().map(entry).collect::<Vec<_>>(),
            "goes": found.goes.iter().map(entry).collect::<Vec<_>>(),
            "told": found.told,
            "more": found.more,
            "whole": found.whole,
            "url": found.url,
        }));
    } else {
        let title = format!("{service} {from} → {to}");
        let lines = if context.output.is_markdown() {
            markdown(&title, &found)
        } else {
            plain(&title, &found)
        };
        for line in &lines {
            context.output.line(clean(line));
        }
    }
    Ok(Exit::Done)
}

/// `A..B`, where neither version has two dots.
fn ends(text: &str) -> Result<(Version, Version), Failure> {
    let between = text.replace("...", "..");
    match between.split_once("..") {
        Some((from, to)) if !from.is_empty() && !to.is_empty() && !to.contains("..") => {
            Ok((from.into(), to.into()))
        }
        _ => Err(Failure::usage(format!(
            "`{text}` is not two versions; write them as A..B, such as 1.41.3..1.42.0"
        ))),
    }
}

fn entry(entry: &CommitInfo) -> Value {
    json!({
        "commit": entry.commit,
        "subject": entry.subject,
        "author": entry.author,
        "time": json::time(entry.time),
        "pull_request": entry.pull_request,
    })
}

fn plain(title: &str, found: &Changelog) -> Vec<String> {
    let mut lines = vec![title.to_owned()];
    let line = |sign: &str, entry: &CommitInfo| {
        let number = number_beside(entry);
        let day = entry.time.strftime("%Y-%m-%d");
        format!(
            "{sign} {}  {day}  {}{}  {}",
            entry.commit.short(),
            entry.subject,
            number,
            entry.author
        )
    };
    lines.extend(found.comes.iter().map(|it| line("+", it)));
    lines.extend(found.goes.iter().map(|it| line("-", it)));
    lines.extend(found.told.iter().cloned());
    lines.extend(summary(found));
    lines
}

/// For a note, or a pull request.
fn markdown(title: &str, found: &Changelog) -> Vec<String> {
    let mut lines = vec![format!("### {title}"), String::new()];
    let line = |entry: &CommitInfo| {
        let number = number_beside(entry);
        format!(
            "- {} {}{number}, {}",
            entry.commit.short(),
            entry.subject,
            entry.author
        )
    };
    lines.extend(found.comes.iter().map(line));
    if !found.goes.is_empty() {
        lines.extend([String::new(), "Taken back:".to_owned(), String::new()]);
        lines.extend(found.goes.iter().map(line));
    }
    lines.extend(found.told.iter().cloned());
    lines.push(String::new());
    lines.extend(summary(found));
    lines
}

fn summary(found: &Changelog) -> Vec<String> {
    let amount = Some(found.amount()).filter(|amount| !amount.is_empty());
    amount.into_iter().chain(found.url.clone()).collect()
}

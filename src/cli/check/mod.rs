//! `tidegate check --base REV`: a change that anybody made, judged by the policy of its base; for CI.

mod formats;

use jiff::{Timestamp, Zoned};
use serde_json::json;

use super::{
    Context,
    args::{CheckArgs, Clusters, Format},
    change::Asker,
    fail::Exit,
    output::{Output, clean},
    table::{self, Cell},
    text::count,
    trust,
};
use crate::{
    domain::{
        check::{Finding, Severity},
        failure::Failure,
        ids::{CellKey, ObjectId},
    },
    sources::git::Repo,
    stdio::Tone,
    workflow::{self, Checked, Ends, OpenError, Project, commit_of},
};

pub(super) fn run(context: &Context, args: &CheckArgs) -> Result<Exit, Failure> {
    if !context.common.at.is_empty() {
        return Err(Failure::usage(
            "--at looks at another moment; `check` judges what is between --base and --head",
        ));
    }
    let mut options = context.repository(true)?;
    let repo = if options.named {
        Repo::named(&options.repo)?
    } else {
        Repo::discover(&options.repo)?
    };
    let ends = Ends {
        base: commit_of(&repo, "--base", &args.base)?,
        base_name: args.base.clone(),
        head: commit_of(&repo, "--head", &args.head)?,
    };
    options.policy = Some(ends.base);
    let project = match Project::open(&options, &Zoned::now()) {
        Err(OpenError::Untrusted(untrusted)) => {
            trust::ask(context, &untrusted)?;
            Project::open(&options, &Zoned::now())?
        }
        other => other?,
    };
    let project = context.opened(project, true)?;
    let now = Timestamp::now();
    let checked = if args.live && !context.common.offline {
        let desired = project.read()?.desired;
        let clusters = Clusters {
            no_live: false,
            timeout: args.timeout,
        };
        let asker = Asker::new(context, &project, &desired, &clusters);
        workflow::check(&project, &ends, Some(&asker), now)?
    } else {
        workflow::check(&project, &ends, None, now)?
    };
    for note in &checked.notes {
        context.output.note(clean(note));
    }
    match context.common.output {
        Format::Json => Output::json(&in_json(&checked, &ends)),
        Format::Github => Output::raw(&formats::github(&checked.findings)),
        Format::Gitlab => Output::json(&formats::gitlab(&checked.findings)),
        Format::Sarif => Output::json(&formats::sarif(&checked.findings)),
        Format::Table | Format::Markdown => show(&context.output, &checked),
    }
    if !matches!(context.common.output, Format::Table | Format::Json) {
        for one in checked.not_judged.iter().chain(&checked.overridden) {
            context
                .output
                .note(clean(&format!("{}: {}", one.rule, one.message)));
        }
    }
    Ok(if checked.findings.is_empty() {
        Exit::Done
    } else {
        Exit::Findings
    })
}

fn in_json(checked: &Checked, ends: &Ends) -> serde_json::Value {
    let all = |findings: &[Finding]| findings.iter().map(finding).collect::<Vec<_>>();
    let end = |commit: &ObjectId| commit.to_string();
    json!({
        "schema": "tidegate.check/v1",
        "base": end(&ends.base),
        "head": end(&ends.head),
        "commits": checked.commits,
        "moved": checked.moved,
        "findings": all(&checked.findings),
        "not_judged": all(&checked.not_judged),
        "overridden": all(&checked.overridden),
        "notes": checked.notes,
    })
}

fn finding(finding: &Finding) -> serde_json::Value {
    let cell = finding.cell.as_ref();
    json!({
        "rule": finding.rule,
        "level": finding.severity.as_str(),
        "service": cell.map(|cell: &CellKey| &cell.service),
        "environment": cell.map(|cell| &cell.environment),
        "path": finding.path,
        "line": finding.line,
        "message": finding.message,
        "fingerprint": finding.fingerprint(),
    })
}

fn show(output: &Output, checked: &Checked) {
    if !checked.findings.is_empty() {
        let heads = ["LEVEL", "RULE", "PLACE", "MESSAGE"].map(str::to_owned);
        let rows: Vec<Vec<Cell>> = checked.findings.iter().map(row).collect();
        table::print(output, &heads, &rows);
    }
    if output.is_markdown() {
        if checked.findings.is_empty() {
            output.line(summary(checked));
        }
        return;
    }
    for one in &checked.overridden {
        output.line(output.paint(
            &clean(&format!("{}: {}", one.rule, one.message)),
            Tone::Attention,
        ));
    }
    for one in &checked.not_judged {
        let text = format!("? not judged: {}: {}", one.rule, one.message);
        output.line(output.paint(&clean(&text), Tone::Attention));
    }
    let tone = match (checked.findings.is_empty(), checked.not_judged.is_empty()) {
        (false, _) => Tone::Bad,
        (true, false) => Tone::Attention,
        (true, true) => Tone::Good,
    };
    output.line(output.paint(&summary(checked), tone));
}

/// `2 findings; 1 cell moved in 3 commits; 1 verdict is not known`
fn summary(checked: &Checked) -> String {
    let found = match checked.findings.len() {
        0 => "nothing found".to_owned(),
        findings => count(findings, "finding"),
    };
    let moved = match checked.moved {
        0 => "no cell moved".to_owned(),
        moved => format!("{} moved", count(moved, "cell")),
    };
    let unknown = match checked.not_judged.len() {
        0 => String::new(),
        unknown => format!("; {} could not be judged", count(unknown, "verdict")),
    };
    format!(
        "{found}; {moved} in {}{unknown}",
        count(checked.commits, "commit")
    )
}

fn row(finding: &Finding) -> Vec<Cell> {
    let tone = match finding.severity {
        Severity::Error => Tone::Bad,
        Severity::Warning => Tone::Attention,
    };
    vec![
        Cell(finding.severity.as_str().to_owned(), tone),
        Cell::plain(finding.rule),
        Cell::plain(clean(&formats::place(finding))),
        Cell::plain(clean(&finding.message)),
    ]
}

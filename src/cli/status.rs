//! `tidegate status`: the matrix.

use std::{collections::BTreeMap, mem::ManuallyDrop, ops::ControlFlow};

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{
    Context,
    args::StatusArgs,
    change::FIRST_ANSWER,
    fail::Exit,
    json::{self, CellJson},
    output::{Output, clean},
    table::{self, Cell},
    text::tone,
};
use crate::{
    domain::{
        alike::{self, Told},
        cell::{self, CellStatus, Delivering},
        desired::{Desired, DesiredCell},
        failure::Failure,
        history::ValueChange,
        ids::{CellKey, EnvironmentName, ObjectId, ServiceName},
        problem::Problem,
        rollout::Connection,
    },
    look,
    sources::git::{HistoryEvent, Want},
    stdio::{Styled, Tone},
    workflow::{self, Asked, Project, Reading},
};

/// Everything that is shown.
struct Shown<'a> {
    desired: &'a Desired,
    /// What clusters say; `None` with `--no-live`.
    live: Option<&'a Asked>,
    /// Last changes; `None` without `--changed`.
    changed: Option<&'a BTreeMap<CellKey, ValueChange>>,
    /// The server has another default branch than is read.
    default: Option<&'a Problem>,
}

pub(super) async fn run(context: &Context, args: &StatusArgs) -> Result<Exit, Failure> {
    // The process ends behind this: the system takes everything back at once, faster than cell by cell.
    let project = ManuallyDrop::new(context.open()?);
    let default = context.ask_default_branch(&project);
    let reading = ManuallyDrop::new(project.read()?);
    let desired = &reading.desired;
    let changed = args
        .changed
        .then(|| last_changes(&project, &reading))
        .transpose()?;
    let asked = if args.clusters.no_live || context.common.offline {
        None
    } else {
        let timeout = args.clusters.timeout.unwrap_or(FIRST_ANSWER);
        Some(workflow::ask_clusters(&project, desired, None, timeout, Timestamp::now).await)
    };
    let default = default.answer().await.map(Problem::general);
    let matrix = Shown {
        desired,
        live: asked.as_ref(),
        changed: changed.as_ref(),
        default: default.as_ref(),
    };
    let output = &context.output;
    if output.is_json() {
        Output::json(&matrix.json(project.config.guessed.as_deref()));
    } else {
        matrix.print(output);
        output.line("");
        output.line(output.paint(
            &clean(&read_from(&reading, !context.common.at.is_empty())),
            Tone::Dim,
        ));
        let same = |problem: &&Problem| (problem.message.clone(), problem.context.clone());
        for told in alike::tell(matrix.problems(), same) {
            output.note(match told {
                Told::One(problem) => problem_line(output, problem),
                Told::More { count, .. } => output.paint(
                    &format!("and {count} more that say the same: -o json lists all"),
                    Tone::Attention,
                ),
            });
        }
    }
    Ok(Exit::Done)
}

/// Where it was read: `origin/main a1b2c3d`, each ref by name where there are several.
fn read_from(reading: &Reading, at: bool) -> String {
    let several = reading.tips.len() > 1;
    let lines = reading.tips.iter().map(|line| {
        let commit = line.commit.short();
        match &line.name.repository {
            _ if at && !several => commit,
            Some(repository) => format!("{repository}: {} {commit}", line.shown),
            None => format!("{} {commit}", line.shown),
        }
    });
    lines.collect::<Vec<_>>().join(", ")
}

/// The matrix of a commit without anything live.
pub(super) fn print(output: &Output, desired: &Desired) {
    let matrix = Shown {
        desired,
        live: None,
        changed: None,
        default: None,
    };
    matrix.print(output);
}

/// Each cell's newest change.
fn last_changes(
    project: &Project,
    reading: &Reading,
) -> Result<BTreeMap<CellKey, ValueChange>, Failure> {
    let want = Want {
        cells: None,
        last_only: true,
    };
    let mut last = BTreeMap::new();
    project.history(reading, &want, &mut |event| {
        if let HistoryEvent::Changes(batch) = event {
            for (key, change) in batch {
                last.entry(key).or_insert(change);
            }
        }
        ControlFlow::Continue(())
    })?;
    Ok(last)
}

impl Shown<'_> {
    fn problems(&self) -> impl Iterator<Item = &Problem> {
        let clusters = self.live.into_iter().flat_map(|asked| &asked.problems);
        let default = self.default.into_iter();
        default.chain(&self.desired.problems).chain(clusters)
    }

    fn json<'a>(&'a self, guessed: Option<&'a str>) -> impl Serialize + 'a {
        let desired = self.desired;
        StatusJson {
            schema: "tidegate.status/v1",
            commit: desired.commit,
            refs: desired.tips.iter().map(json::tip).collect(),
            environments: &desired.environments,
            services: Rows(self),
            problems: self.problems().map(json::problem).collect(),
            guessed,
        }
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
        let now = Timestamp::now();
        let mut rows = Vec::new();
        for service in &self.desired.rows() {
            let mut row = vec![Cell::plain(clean(service.as_str()))];
            let mut worst: Option<(u8, String)> = None;
            for environment in &self.desired.environments {
                let key = CellKey::new(service.clone(), environment.clone());
                let status = self.status(&key);
                row.push(self.cell(output, &key, &status));
                // Of equals the one furthest right speaks for the row, nearest to customers.
                if status.trouble > 0
                    && worst
                        .as_ref()
                        .is_none_or(|(most, _)| status.trouble >= *most)
                    && let Some(why) = look::why(&status, now)
                {
                    worst = Some((status.trouble, format!("{environment}: {why}")));
                }
            }
            if let Some((_, why)) = worst {
                row.push(Cell::plain(clean(&why)));
            }
            rows.push(row);
        }
        table::print(output, &heads, &rows);
    }

    /// What a cell is doing; by Git alone where no cluster was asked.
    fn status(&self, key: &CellKey) -> CellStatus<'_> {
        let facts = self.live.map(|asked| &asked.running);
        let connection = facts.and_then(|facts| facts.connections.get(&key.environment));
        cell::assess(
            self.desired.cells.get(key),
            facts.and_then(|facts| facts.live.get(key)),
            connection.unwrap_or(&Connection::Unconfigured),
            Delivering::No,
        )
    }

    /// Glyph, version, how many are ready, the last change.
    fn cell(&self, output: &Output, key: &CellKey, status: &CellStatus<'_>) -> Cell {
        let shown = look::of(status.state);
        let glyph = shown.glyph(output.is_ascii()).trim();
        let mut words = Vec::from_iter((!glyph.is_empty()).then(|| glyph.to_owned()));
        if let Some(cell) = self.desired.cells.get(key) {
            words.push(clean(cell.shown()));
            if cell.inherited {
                words.push("(inherited)".to_owned());
            }
        }
        if let Some((ready, desired)) = status.ready() {
            words.push(format!("{ready}/{desired}"));
        }
        if let Some(change) = self.changed.and_then(|changed| changed.get(key)) {
            let time = change.authored.time.strftime("%Y-%m-%d");
            words.push(format!("{} {time}", change.authored.commit.short()));
        }
        // Without a glyph, nothing beside the version says how it does.
        let tone = if glyph.is_empty() {
            Tone::Plain
        } else {
            tone(shown.tone)
        };
        Cell(words.join(" "), tone)
    }
}

#[derive(Serialize)]
struct StatusJson<'a> {
    schema: &'static str,
    commit: ObjectId,
    refs: Vec<Value>,
    environments: &'a [EnvironmentName],
    services: Rows<'a>,
    problems: Vec<Value>,
    guessed: Option<&'a str>,
}

/// `services`, written row by row: a large matrix is not put together twice.
struct Rows<'a>(&'a Shown<'a>);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.0.desired.rows();
        let rows = names.iter().map(|name| RowJson {
            name,
            cells: Cells(self.0, name),
        });
        serializer.collect_seq(rows.filter(|row| row.cells.declared().next().is_some()))
    }
}

#[derive(Serialize)]
struct RowJson<'a> {
    name: &'a ServiceName,
    cells: Cells<'a>,
}

/// A row's cells in the order of the columns.
struct Cells<'a>(&'a Shown<'a>, &'a ServiceName);

impl<'a> Cells<'a> {
    /// A cell that exists and declares nothing (null, empty) is no part of the matrix. One that cannot be read is: its
    /// version is null, and `unread` says why.
    fn declared(&self) -> impl Iterator<Item = (&'a CellKey, &'a DesiredCell)> + use<'a> {
        let row = self.0.desired.row(self.1);
        row.filter(|(_, cell)| cell.version.is_some() || cell.unread.is_some())
    }

    fn json(&self, key: &CellKey, cell: &'a DesiredCell) -> CellJson<'a> {
        let matrix = self.0;
        let mut value = CellJson::of(cell, matrix.desired.tip_of(cell));
        let live = matrix.live.map(|asked| asked.running.live.get(key));
        value.live = live.map(|live| live.map_or(Value::Null, json::live));
        let changed = matrix.changed.map(|changed| changed.get(key));
        value.changed = changed.map(|change| change.map_or(Value::Null, json::changed));
        value
    }
}

impl Serialize for Cells<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let declared: Vec<_> = self.declared().collect();
        let columns = self.0.desired.environments.iter();
        serializer.collect_map(columns.filter_map(|name| {
            let mut cells = declared.iter();
            let (key, cell) = cells.find(|(key, _)| key.environment == *name)?;
            Some((name, self.json(key, cell)))
        }))
    }
}

fn problem_line(output: &Output, problem: &Problem) -> Styled {
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

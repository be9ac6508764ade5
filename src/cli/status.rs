//! `tidegate status`: the matrix.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    mem::ManuallyDrop,
    ops::ControlFlow,
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{
    Context, ServerNotes,
    args::StatusArgs,
    change::FIRST_ANSWER,
    fail::Exit,
    output::{Output, clean},
    text::tone,
};

use self::grid::{Grid, Parts, Row};
use crate::{
    domain::{
        alike::{self, Told},
        cell::{self, CellStatus, Delivering},
        desired::Desired,
        drift::{self, Skew, Skews},
        failure::Failure,
        history::ValueChange,
        ids::{CellKey, EnvironmentName, ServiceName},
        problem::Problem,
        pull_request::Proposal,
        rollout::Connection,
        version::Version,
    },
    look::{self, Qualities, Quality},
    sources::git::{HistoryEvent, Want},
    stdio::{Styled, Tone},
    workflow::{self, Asked, Project, Proposed, Reading, Whose},
};

mod grid;
mod json;

/// Everything that is shown.
struct Shown<'a> {
    desired: &'a Desired,
    /// The columns that are shown.
    columns: &'a [EnvironmentName],
    /// What one of the shown cells of a row is; empty: all rows are shown.
    only: &'a [Quality],
    /// How cells stand to their upstreams.
    skews: &'a Skews,
    /// What clusters say; `None` with `--no-live`.
    live: Option<&'a Asked>,
    /// Last changes; `None` without `--changed`.
    changed: Option<&'a BTreeMap<CellKey, ValueChange>>,
    /// What the server has that is not known here.
    server: &'a [Problem],
    /// Why it is not known of every cell how far it is behind.
    uncounted: Option<&'a str>,
    /// What open pull requests would bring; `None` where nobody looks.
    proposed: Option<&'a Proposed>,
}

/// So long, at most, the history is read to say how far cells are behind; a filter that asks for that waits for all of it.
const COUNTING: Duration = Duration::from_secs(2);

/// How often is looked, and the remote asked, while it is watched.
const LOOK_EVERY: Duration = Duration::from_secs(5);
const FETCH_EVERY: Duration = Duration::from_secs(30);

pub(super) async fn run(context: &Context, args: &StatusArgs) -> Result<Exit, Failure> {
    // The process ends behind this: the system takes everything back at once, faster than cell by cell.
    let project = ManuallyDrop::new(context.open()?);
    let server = context.ask_server(&project);
    let server = if args.watch {
        // The fetches on the way say it.
        None
    } else {
        Some(server)
    };
    let first = look(context, args, &project, server).await?;
    let mut shown = first.lines(context);
    first.print(context, shown.clone());
    if !args.watch {
        return Ok(Exit::Done);
    }
    let mut fetched = Instant::now();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if fetched.elapsed() >= FETCH_EVERY && !context.common.offline {
            // Why the remote does not answer is told by the age of what is shown, and in the log.
            let _ = project.fetch().await;
            fetched = Instant::now();
        }
        let next = look(context, args, &project, None).await?;
        let lines = next.lines(context);
        if lines != shown {
            context.output.afresh();
            next.print(context, lines.clone());
            shown = lines;
        }
    }
}

/// What there is to see now.
struct Seen {
    reading: ManuallyDrop<Reading>,
    guessed: Option<String>,
    live: Option<Asked>,
    changed: Option<BTreeMap<CellKey, ValueChange>>,
    server: Vec<Problem>,
    skews: Skews,
    uncounted: Option<String>,
    proposed: Proposed,
    columns: Vec<EnvironmentName>,
    only: Vec<Quality>,
    wide: bool,
}

async fn look(
    context: &Context,
    args: &StatusArgs,
    project: &Project,
    server: Option<ServerNotes>,
) -> Result<Seen, Failure> {
    let reading = ManuallyDrop::new(project.read()?);
    let desired = &reading.desired;
    let columns = Project::environments_like(desired, &args.environments)?;
    let changed = args
        .changed
        .then(|| last_changes(project, &reading))
        .transpose()?;
    let asks = |quality: &Quality| {
        matches!(
            quality,
            Quality::Behind | Quality::Ahead | Quality::Differs | Quality::Skew
        )
    };
    let whole = args.only.iter().any(asks);
    let counted = {
        let (project, reading) = (project.clone(), Reading::clone(&reading));
        let until = Instant::now() + COUNTING;
        let (tell, counted) = tokio::sync::oneshot::channel();
        // Where a system gives no more threads nothing is counted, and the rest is told all the same.
        let started = thread::Builder::new().spawn(move || {
            let goes_on = || whole || Instant::now() < until;
            let judged = workflow::skews(&project, &reading, Whose::Upstreams, &goes_on);
            drop(tell.send(judged));
        });
        drop(started);
        counted
    };
    let asking = async {
        if args.clusters.no_live || context.common.offline {
            return None;
        }
        let timeout = args.clusters.timeout.unwrap_or(FIRST_ANSWER);
        Some(workflow::ask_clusters(project, desired, None, timeout, Timestamp::now).await)
    };
    let (asked, proposed) = tokio::join!(asking, workflow::proposed(project, &reading));
    // That other versions are there is known without the history.
    let (skews, uncounted) = match counted.await {
        Ok(Ok(judged)) => {
            let why = format!(
                "the history is longer than {} s of reading",
                COUNTING.as_secs()
            );
            (judged.skews, judged.cut_short.then_some(why))
        }
        Ok(Err(error)) if whole => return Err(error),
        failed => {
            let why = match failed {
                Ok(Err(error)) => error.why,
                Err(_) => "no thread could be had for that".to_owned(),
                Ok(Ok(_)) => String::new(),
            };
            let skews = drift::skews(desired, &project.config.topology, &|_| &[]);
            (skews, Some(why))
        }
    };
    let server = match server {
        Some(server) => {
            let said = server.answer().await.into_iter();
            said.map(Problem::general).collect()
        }
        None => Vec::new(),
    };
    Ok(Seen {
        guessed: project.config.guessed.clone(),
        live: asked,
        changed,
        server,
        skews,
        uncounted,
        proposed,
        columns,
        only: args.only.clone(),
        wide: args.wide,
        reading,
    })
}

impl Seen {
    fn matrix(&self) -> Shown<'_> {
        Shown {
            desired: &self.reading.desired,
            columns: &self.columns,
            only: &self.only,
            skews: &self.skews,
            live: self.live.as_ref(),
            changed: self.changed.as_ref(),
            server: &self.server,
            uncounted: self.uncounted.as_deref(),
            proposed: Some(&self.proposed),
        }
    }

    /// What is printed for people.
    fn lines(&self, context: &Context) -> Vec<Styled> {
        let output = &context.output;
        let matrix = self.matrix();
        let mut lines = matrix.lines(output, output.room(self.wide));
        lines.extend(matrix.proposals());
        lines.push(Styled::default());
        let read = clean(&read_from(&self.reading, !context.common.at.is_empty()));
        lines.push(output.paint(&read, Tone::Dim));
        lines
    }

    fn print(&self, context: &Context, lines: Vec<Styled>) {
        let output = &context.output;
        let matrix = self.matrix();
        if output.is_json() {
            Output::json(&matrix.json(self.guessed.as_deref()));
            return;
        }
        for line in lines {
            output.line(line);
        }
        if let Some(words) = matrix.not_counted() {
            output.note(output.paint(&clean(&words), Tone::Attention));
        }
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
        columns: &desired.environments,
        only: &[],
        skews: &Skews::new(),
        live: None,
        changed: None,
        server: &[],
        uncounted: None,
        proposed: None,
    };
    for line in matrix.lines(output, output.room(false)) {
        output.line(line);
    }
}

/// Each cell's newest change.
fn last_changes(
    project: &Project,
    reading: &Reading,
) -> Result<BTreeMap<CellKey, ValueChange>, Failure> {
    let want = Want {
        cells: None,
        last_only: true,
        newest: None,
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
        let server = self.server.iter();
        let forges = self.proposed.into_iter().flat_map(|it| &it.problems);
        server
            .chain(&self.desired.problems)
            .chain(clusters)
            .chain(forges)
    }

    /// What open pull requests would bring into the cells that are shown, a line each.
    fn proposals(&self) -> Vec<Styled> {
        let Some(proposed) = self.proposed else {
            return Vec::new();
        };
        let rows = self.rows();
        let shown = proposed.cells.iter().filter(|(cell, _)| {
            self.columns.contains(&cell.environment) && rows.contains(&cell.service)
        });
        let lines = shown.flat_map(|(cell, proposals)| {
            let of_cell = move |proposal: &Proposal| {
                let words = format!("{cell}: {} by {}", proposal.words(), proposal.author);
                Styled::from(clean(&words))
            };
            proposals.iter().map(of_cell)
        });
        lines.collect()
    }

    /// Says that cells are behind without a number, where one of those that are shown is.
    fn not_counted(&self) -> Option<String> {
        let why = self.uncounted?;
        let mut shown = self
            .skews
            .iter()
            .filter(|(cell, _)| self.columns.contains(&cell.environment));
        shown
            .any(|(_, skewed)| skewed.skew == Skew::Behind { by: None })
            .then(|| format!("how far cells are behind was not counted ({why}): `--only behind` counts all of them"))
    }

    /// Whether a row has a cell in one of the states that are asked for.
    fn keeps(&self, service: &ServiceName) -> bool {
        let holds = |environment: &EnvironmentName| {
            let key = CellKey::new(service.clone(), environment.clone());
            let (status, declared) = (self.status(&key), self.desired.cells.get(&key));
            let of = Qualities::of(&status, declared, self.skew(&key));
            self.only.iter().any(|quality| quality.holds(of))
        };
        self.only.is_empty() || self.columns.iter().any(holds)
    }

    /// The rows that are shown.
    fn rows(&self) -> Vec<ServiceName> {
        let mut rows = self.desired.rows();
        rows.retain(|service| self.keeps(service));
        rows
    }

    fn skew(&self, key: &CellKey) -> Option<Skew> {
        self.skews.get(key).map(|skewed| skewed.skew)
    }

    /// The table, in `room` columns where they are limited.
    fn lines(&self, output: &Output, room: Option<usize>) -> Vec<Styled> {
        let now = Timestamp::now();
        let mut rows = Vec::new();
        for service in self.rows() {
            let mut cells = Vec::new();
            let mut worst: Option<(u8, String)> = None;
            for environment in self.columns {
                let key = CellKey::new(service.clone(), environment.clone());
                let status = self.status(&key);
                cells.push(self.cell(output, &key, &status, room.is_some()));
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
            rows.push(Row {
                service: clean(service.as_str()),
                cells,
                why: clean(&worst.map_or(String::new(), |(_, why)| why)),
            });
        }
        let names = self.columns.iter();
        let grid = Grid {
            columns: names.map(|name| clean(name.as_str())).collect(),
            why: self.live.is_some(),
            rows,
        };
        match room {
            None => grid.whole(output),
            Some(room) => grid.fitted(output, room),
        }
    }

    /// What a cell is doing; by Git alone where no cluster was asked.
    fn status(&self, key: &CellKey) -> CellStatus<'_> {
        let facts = self.live.map(|asked| &asked.running);
        let connection = facts.and_then(|facts| facts.connections.get(&key.environment));
        cell::assess(
            self.desired.cells.get(key),
            facts.and_then(|facts| facts.cell(key)),
            connection.unwrap_or(&Connection::Unconfigured),
            Delivering::No,
        )
    }

    /// Glyph, version, how it stands to the upstream, how many are ready, the last change.
    fn cell(&self, output: &Output, key: &CellKey, status: &CellStatus<'_>, brief: bool) -> Parts {
        let shown = look::of(status.state);
        let ascii = output.is_ascii();
        let glyph = shown.glyph(ascii).trim();
        let mut parts = Parts {
            lead: glyph.to_owned(),
            // Without a glyph, nothing beside the version says how it does.
            tone: if glyph.is_empty() {
                Tone::Plain
            } else {
                tone(shown.tone)
            },
            version: String::new(),
            beside: Vec::new(),
        };
        if let Some(cell) = self.desired.cells.get(key) {
            let version = cell.version.as_ref().filter(|_| brief);
            let version = version.map_or(Cow::Borrowed(cell.shown()), Version::brief);
            parts.version = clean(&version);
            if cell.inherited {
                parts.beside.push("(inherited)".to_owned());
            }
        }
        let skew = self.skew(key).map(|skew| look::skew(skew, ascii));
        parts.beside.extend(skew);
        let declared = self.desired.cells.get(key);
        if declared.is_some_and(|cell| cell.vetoed.is_some()) {
            parts.beside.push("vetoed".to_owned());
        }
        if let Some(percent) = status.percent() {
            parts.beside.push(format!("{percent}%"));
        } else if let Some((ready, desired)) = status.ready() {
            parts.beside.push(format!("{ready}/{desired}"));
        }
        if let Some(change) = self.changed.and_then(|changed| changed.get(key)) {
            let time = change.authored.time.strftime("%Y-%m-%d");
            let commit = change.authored.commit.short();
            parts.beside.push(format!("{commit} {time}"));
        }
        parts
    }
}

fn problem_line(output: &Output, problem: &Problem) -> Styled {
    let words = match (&problem.path, &problem.context) {
        (Some(_), _) => problem.sentence(),
        (None, Some(context)) => format!("{context}: {}", problem.message),
        (None, None) => format!("problem: {}", problem.message),
    };
    output.paint(&clean(&words), Tone::Attention)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{app::fixture, domain::drift::Skewed};

    /// Where counting did not end, that is said and in the JSON; where nobody waits for a number, it is not said.
    #[test]
    fn what_was_not_counted_is_told() {
        let desired = fixture::desired(&fixture::rows());
        let known = |by: Option<usize>| -> Skews {
            let skew = Skewed {
                upstream: "staging".into(),
                skew: Skew::Behind { by },
            };
            [(fixture::cell("payments", "prod-us"), skew)].into()
        };
        let why = "the history is longer than 2 s of reading";
        let told = format!(
            "how far cells are behind was not counted ({why}): `--only behind` counts all of them"
        );
        let cases = [
            (known(None), Some(why), "prod-us", Some(told)),
            (known(None), Some(why), "dev", None),
            (known(Some(2)), Some(why), "prod-us", None),
            (known(None), None, "prod-us", None),
            (Skews::new(), Some(why), "prod-us", None),
        ];
        for (skews, uncounted, column, expected) in cases {
            let columns = [column.into()];
            let matrix = Shown {
                desired: &desired,
                columns: &columns,
                only: &[],
                skews: &skews,
                live: None,
                changed: None,
                server: &[],
                uncounted,
                proposed: None,
            };
            assert_eq!(matrix.not_counted(), expected);
            let json = serde_json::to_value(matrix.json(None)).unwrap();
            assert_eq!(json["counted"], uncounted.is_none());
            let cell = |json: &Value| -> Option<Value> {
                let mut rows = json["services"].as_array()?.iter();
                let row = rows.find(|row| row["name"] == "payments")?;
                row["cells"].get("prod-us").cloned()
            };
            if let (Some(cell), Some(skewed)) = (cell(&json), skews.values().next()) {
                let Skew::Behind { by } = skewed.skew else {
                    unreachable!("behind");
                };
                assert_eq!(cell["skew"], "behind");
                assert_eq!(
                    cell["behind"],
                    serde_json::json!(by),
                    "unknown is not a number"
                );
            }
        }
    }
}

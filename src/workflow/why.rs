//! What every gate says of a version on its way into a cell, whether or not anything would be written.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    Project, Reading,
    answers::{AskRunning, answers},
};
use crate::domain::{
    gate::{self, Change},
    ids::{CellKey, EnvironmentName, RepoPath},
    layout::{self, Origin},
    plan::{self, FileEdit, Intent, Outcome, Verdict},
    version::Version,
};

/// The files that would change, where a version can be written at all: programs read them.
fn edits(
    project: &Project,
    reading: &Reading,
    cell: &CellKey,
    version: Option<&Version>,
) -> Vec<FileEdit> {
    let read = |origin: &Origin, path: &RepoPath| {
        let files = project.files(&reading.tips, origin).ok().flatten()?;
        files.get(path.as_str()).ok().flatten()
    };
    let (layouts, desired) = (&reading.layouts, &reading.desired);
    let edits = layout::restore_cell(layouts, desired, cell, version, &read, &|_, _| None);
    edits.unwrap_or_default()
}

/// The version with the digest that is written with it, where its environment pins and its registry says it.
fn pinned(
    project: &Project,
    reading: &Reading,
    running: AskRunning<'_>,
    (cell, version): (&CellKey, &Version),
    now: Timestamp,
) -> Option<Version> {
    let topology = &project.config.topology;
    let question = plan::pin_question(cell, version, &reading.desired, topology)?;
    let facts = answers(
        project,
        reading,
        &BTreeSet::from([question.clone()]),
        running,
        now,
    );
    plan::pinned(version, facts.answer(&question)).ok()
}

/// Judges the promotion of `version` from `from` into `cell`; `running` says what runs. `window` speaks where no window is
/// configured, too. Blocking.
pub fn why(
    project: &Project,
    reading: &Reading,
    running: AskRunning<'_>,
    (cell, from): (&CellKey, &EnvironmentName),
    version: Option<&Version>,
    now: Timestamp,
) -> Vec<Verdict> {
    let intent = Intent::Promote { from: from.clone() };
    let pinned =
        version.and_then(|version| pinned(project, reading, running, (cell, version), now));
    let version = pinned.as_ref().or(version);
    let edits = edits(project, reading, cell, version);
    let change = Change {
        cell,
        intent: &intent,
        to: version,
        desired: &reading.desired,
        topology: &project.config.topology,
        planned: &BTreeMap::new(),
        edits: &edits,
    };
    let questions: BTreeSet<_> = gate::questions(&change).into_iter().collect();
    let facts = answers(project, reading, &questions, running, now);
    let mut verdicts = gate::judge(&change, &facts, now);
    if verdicts.iter().all(|verdict| verdict.gate != gate::WINDOW) {
        let none = format!("no window is about {cell}");
        verdicts.push(Verdict::beside(gate::WINDOW, Outcome::Pass, none));
    }
    verdicts
}

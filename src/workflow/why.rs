//! What every gate says of a version on its way into a cell, whether or not anything would be written.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    Project, Reading,
    answers::{AskRunning, answers},
};
use crate::domain::{
    gate::{self, Change, Facts, Planned},
    ids::{CellKey, EnvironmentName, RepoPath},
    layout::{self, Origin},
    plan::{FileEdit, Intent, Outcome, Verdict},
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
    let topology = &project.config.topology;
    let ask = |questions: &BTreeSet<_>| answers(project, reading, questions, running, now);
    let mut facts = Facts::default();
    let pin =
        version.and_then(|version| gate::pin_question(cell, version, &reading.desired, topology));
    facts.extend(ask(&pin.iter().cloned().collect()));
    let pins = version.filter(|_| pin.is_some());
    let answer = pin.as_ref().and_then(|question| facts.answer(question));
    let pinned = pins.and_then(|tag| gate::pinned(tag, answer));
    let version = pinned.as_ref().or(version);
    let edits = edits(project, reading, cell, version);
    let change = Change {
        cell,
        intent: &intent,
        to: version,
        pins,
        desired: &reading.desired,
        topology,
        planned: &Planned::default(),
        edits: &edits,
        deliver: topology
            .get(&cell.environment)
            .map(|environment| environment.deliver)
            .unwrap_or_default(),
    };
    let mut questions: BTreeSet<_> = gate::questions(&change).into_iter().collect();
    questions.retain(|question| !facts.knows(question));
    facts.extend(ask(&questions));
    let mut verdicts = gate::judge(&change, &facts, now);
    if verdicts.iter().all(|verdict| verdict.gate != gate::WINDOW) {
        let none = format!("no window is about {cell}");
        verdicts.push(Verdict::beside(gate::WINDOW, Outcome::Pass, none));
    }
    verdicts
}

//! What goes with a version and stays as it is: said with the cells that do it.

use std::collections::HashMap;

use super::{
    super::{Action, Outcome, Plan, PlannedChange, Verdict, Write},
    PlanInput,
};
use crate::domain::{
    ids::RepoPath,
    layout::{Origin, stale_locks},
};

/// A chart whose dependencies move without their lock renders as before, or not at all: said with the cells that do it.
pub(super) fn tell_stale_locks(plan: &mut Plan, input: &PlanInput<'_>) {
    let waves = plan.waves.iter().flat_map(|wave| &wave.writes);
    for write in waves.filter(|write| write.action == Action::Edit) {
        let file = |path: &RepoPath| (input.files)(&write.tip.origin, path);
        for (chart, words) in stale_locks(&write.edits, &file) {
            let moves = |change: &&mut PlannedChange| {
                let cell = input.desired.cells.get(&change.cell);
                write.cells.contains(&change.cell)
                    && cell.is_some_and(|cell| cell.files.contains(&chart))
            };
            for change in plan.changes.iter_mut().filter(moves) {
                change
                    .verdicts
                    .push(Verdict::beside(LOCK, Outcome::Warn, words.clone()));
            }
        }
    }
}

/// What goes with a version (`also`, a digest) and stays as it is, because nothing says what it should be: said with the cell.
pub(super) fn tell_left_beside(plan: &mut Plan, input: &PlanInput<'_>) {
    let writes: Vec<&Write> = plan.waves.iter().flat_map(|wave| &wave.writes).collect();
    let mut refs: HashMap<&Origin, Option<&Write>> = HashMap::new();
    for tip in &input.desired.tips {
        let write = writes.iter().find(|write| write.tip.name == tip.name);
        refs.insert(&tip.origin, write.copied());
    }
    for write in writes.iter().filter(|write| write.action == Action::Edit) {
        let after = |origin: &Origin, path: &RepoPath| {
            // Paths are the same on every branch: what is edited is one ref's.
            let here = || (write.tip.origin == *origin).then_some(*write);
            let edited = refs.get(origin).copied().unwrap_or_else(here);
            let edited = edited.and_then(|write| {
                let at = write.edits.binary_search_by(|edit| edit.path.cmp(path));
                at.ok().map(|at| &write.edits[at])
            });
            match edited {
                Some(edit) => Some(edit.after.clone()),
                None => (input.files)(origin, path),
            }
        };
        let mut changes = plan.changes.iter_mut();
        let changes = changes.by_ref().filter(|it| write.cells.contains(&it.cell));
        for change in changes {
            for left in (input.beside)(&change.cell, &after) {
                change
                    .verdicts
                    .push(Verdict::beside(left.what, Outcome::Warn, left.words));
            }
        }
    }
}

/// What a plan says of a lock file, beside its gates.
const LOCK: &str = "lock";

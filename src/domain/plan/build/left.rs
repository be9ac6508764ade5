//! What goes with a version and stays as it is: said with the cells that do it.

use std::collections::{HashMap, HashSet};

use super::{
    super::{Action, Intent, Outcome, Plan, PlannedChange, Verdict, Write},
    PlanInput,
};
use crate::domain::{
    desired::Source,
    ids::{CellKey, RepoPath},
    layout::{Origin, stale_locks},
    version::Version,
};

/// A chart whose dependencies move without their lock renders as before, or not at all: said with the cells that do it.
pub(super) fn tell_stale_locks(plan: &mut Plan, input: &PlanInput<'_>) {
    let waves = plan.waves.iter().flat_map(|wave| &wave.writes);
    for write in waves.filter(|write| write.action == Action::Edit) {
        let file = |path: &RepoPath| (input.files)(&write.tip.origin, path);
        let stale: HashMap<RepoPath, String> =
            stale_locks(&write.edits, &file).into_iter().collect();
        if stale.is_empty() {
            continue;
        }
        for change in changes_of(write, &mut plan.changes) {
            let cell = input.desired.cells.get(&change.cell);
            let files = cell.map_or(&[][..], |cell| &cell.files);
            let words = files.iter().filter_map(|file| stale.get(file));
            let verdicts = words.map(|words| Verdict::beside(LOCK, Outcome::Warn, words.clone()));
            change.verdicts.extend(verdicts);
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
        let changes: Vec<&mut PlannedChange> = changes_of(write, &mut plan.changes).collect();
        let cells: Vec<CellKey> = changes.iter().map(|change| change.cell.clone()).collect();
        let left = (input.beside)(&cells, &after);
        for (change, left) in changes.into_iter().zip(left) {
            for left in left {
                change
                    .verdicts
                    .push(Verdict::beside(left.what, Outcome::Warn, left.words));
            }
        }
    }
}

/// The changes that a write makes.
fn changes_of<'a>(
    write: &Write,
    changes: &'a mut [PlannedChange],
) -> impl Iterator<Item = &'a mut PlannedChange> {
    let cells: HashSet<&CellKey> = write.cells.iter().collect();
    changes
        .iter_mut()
        .filter(move |change| cells.contains(&change.cell))
}

/// What else of an object differs between the two ends of a promotion and stays as it is: the chart, where a release's image
/// is promoted. Which of them is the version was judged; that the other one is not carried is said.
pub(super) fn tell_passed_over(plan: &mut Plan, input: &PlanInput<'_>) {
    for change in &mut plan.changes {
        let Intent::Promote { from } = &change.intent else {
            continue;
        };
        let upstream = CellKey::new(change.cell.service.clone(), from.clone());
        let cells = &input.desired.cells;
        let (Some(ours), Some(theirs)) = (cells.get(&change.cell), cells.get(&upstream)) else {
            continue;
        };
        let moved = change.to.as_ref().map_or("", Version::as_str);
        // The digest of a tag goes with it.
        let goes_along = |digest: &Version| {
            let digest = digest.as_str();
            moved.rsplit_once('@').is_some_and(|(_, of)| of == digest)
        };
        let differ = theirs.passed_over.iter().filter_map(|their| {
            let mut ours = ours.passed_over.iter();
            let our = ours.find(|our| our.place == their.place)?;
            let stays = our.version != their.version && !goes_along(&their.version);
            stays.then_some((our, their))
        });
        let told = differ.take(NAMED).map(|(our, their)| {
            let Source { path, line } = &our.source;
            let words = format!(
                "{path}:{line}: {} stays as it is (`{}`), and {from} has {}: only what is promoted here moves; where both \
                 belong together, change it too",
                our.version, our.place, their.version
            );
            Verdict::beside(BESIDE, Outcome::Warn, words)
        });
        let told: Vec<Verdict> = told.collect();
        change.verdicts.extend(told);
    }
}

/// So many other places of an object are named.
const NAMED: usize = 3;
/// What a plan says of another place of the object.
const BESIDE: &str = "beside";

/// What a plan says of a lock file, beside its gates.
const LOCK: &str = "lock";

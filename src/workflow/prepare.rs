//! From a request to exact bytes, verdicts and words. Reads Git, writes nothing but objects that no ref names.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    Project, Reading,
    answers::{AskRunning, answers},
    notes::notes,
    reading::{desired_of, unread_repositories},
};
use crate::{
    domain::{
        desired::{Desired, DesiredCell, RefName, Tip},
        failure::{Failure, FailureKind},
        ids::{CellKey, ObjectId, RepoPath},
        layout::{self, Assembler, Origin},
        plan::{self, Action, Intent, Merge, Plan, PlanInput, PlanRequest, Skip, SkipCause},
    },
    sources::git::Files,
};

/// Freezes a request against what was read: drafted, judged by what its gates ask, and named. `running` says what runs.
/// Blocking.
///
/// # Errors
/// When a file or a branch cannot be read.
pub fn prepare(
    project: &Project,
    reading: &Reading,
    running: AskRunning<'_>,
    request: &PlanRequest,
    now: Timestamp,
) -> Result<Plan, Failure> {
    // A file that cannot be read is kept, to be told as it is instead of as a file that is not there.
    let unreadable = RefCell::new(None);
    // Each ref is opened once: a plan may read hundreds of files.
    let opened: RefCell<HashMap<Origin, Option<Files>>> = RefCell::default();
    let read = |origin: &Origin, path: &RepoPath| {
        let mut opened = opened.borrow_mut();
        if !opened.contains_key(origin) {
            let files = project.files(&reading.tips, origin)?;
            opened.insert(origin.clone(), files);
        }
        match opened.get(origin) {
            Some(Some(files)) => files.get(path.as_str()),
            _ => Ok(None),
        }
    };
    let files = |origin: &Origin, path: &RepoPath| {
        read(origin, path).unwrap_or_else(|error| {
            unreadable.borrow_mut().get_or_insert(error);
            None
        })
    };
    let layouts = &reading.layouts;
    let desired = &reading.desired;
    let matrix = |origin: &Origin| {
        project.matrix(reading, origin).unwrap_or_else(|error| {
            unreadable.borrow_mut().get_or_insert(error);
            Assembler::new(Arc::new(layouts.view(origin)), &[])
        })
    };
    // Many cells ask for the same tag.
    let tagged: RefCell<HashMap<(Origin, ObjectId), Option<Desired>>> = RefCell::default();
    let declared = |tag: &Tip| {
        let mut tagged = tagged.borrow_mut();
        let known = tagged.entry((tag.origin.clone(), tag.commit));
        let read = || {
            let repo = project.repository(&tag.name).ok()?;
            desired_of(layouts, &project.environments(), repo, tag).ok()
        };
        known.or_insert_with(read).clone()
    };
    let mut plan = plan::build(&PlanInput {
        request,
        desired,
        topology: &project.config.topology,
        ask: &|questions| answers(project, reading, questions, running, now),
        matrix: &matrix,
        files: &files,
        together: &|changes, read| layout::edit_together(layouts, desired, changes, read),
        edit: &|key, version, at, read| {
            let then =
                |origin: &Origin, path: &RepoPath| file_at(project, reading, origin, path, at?);
            let edits = layout::restore_cell(layouts, desired, key, version, read, &then);
            edits.map_err(|refusal| match unread(desired, key) {
                Some(unread) if refusal.0 == SkipCause::NotDeclared => unread,
                _ => refusal,
            })
        },
        absent: &|key| layout::unreadable(layouts, desired, key).or_else(|| unread(desired, key)),
        beside: &|cells, after| layout::left_beside(layouts, desired, cells, &files, after),
        moved_beside: &|origin, edits| {
            layout::moved_beside(layouts, desired, origin, edits, &files)
        },
        merge: &|theirs, ours| merge(project, reading, theirs, ours),
        tag: &|key, intent, _| {
            let commit_of = |name: &RefName| {
                project
                    .repository(name)
                    .ok()?
                    .remote_commit(&name.reference)
            };
            let tags = layout::Tags {
                commit_of: &commit_of,
                declared: &declared,
            };
            layout::new_tag(layouts, desired, key, intent, tags)
        },
        now,
    });
    if let Some(error) = unreadable.into_inner() {
        return Err(error);
    }
    let tag = plan
        .writes()
        .find(|write| matches!(write.action, Action::Tag { .. }));
    if let (true, Some(tag)) = (plan.deliver.is_own_branch(), tag) {
        return Err(Failure::new(
            FailureKind::Refused,
            format!(
                "{} would be a tag, and a tag cannot go to a branch of its own to be reviewed",
                tag.tip.name
            ),
        )
        .hint("Deliver it by push: --deliver push, or `deliver = \"push\"` of the environment"));
    }
    for skip in &mut plan.skipped {
        let mut asked = request.changes.iter();
        let asked = asked.find(|asked| asked.cell == skip.cell);
        if let (SkipCause::AlreadyThere, Some(asked)) = (skip.cause, asked)
            && let Intent::Promote { from } = &asked.intent
            && let Some(why) = project.moves_elsewhere(reading, &skip.cell, from)
        {
            let refusal = (SkipCause::NotDeclared, why);
            let told = Skip::new(skip.cell.clone(), asked.came, refusal);
            *skip = told;
        }
    }
    let notes = notes(project, &plan)?;
    plan.notes.extend(notes);
    let (writes, held) = (plan.writes().count(), plan.held().count());
    tracing::info!(digest = plan.digest, writes, held, "planned");
    Ok(plan)
}

/// Why it is not known whether a cell that is not in the matrix is there: a repository could not be read.
fn unread(desired: &Desired, key: &CellKey) -> Option<(SkipCause, String)> {
    if desired.cells.contains_key(key) {
        return None;
    }
    let why = unread_repositories(desired)?;
    Some((
        SkipCause::NotParseable,
        format!("nothing that could be read gives {key} a place, and {why}"),
    ))
}

/// A file of a ref at one of its earlier commits; what cannot be read there helps nobody.
fn file_at(
    project: &Project,
    reading: &Reading,
    origin: &Origin,
    path: &RepoPath,
    commit: ObjectId,
) -> Option<Vec<u8>> {
    let line = reading.tips.iter().find(|line| line.origin == *origin)?;
    let repo = project.repository(&line.name).ok()?;
    repo.file(commit, path.as_str()).ok()?
}

/// What merging the branch `theirs` into `ours` brings; `None` where versions are copied one by one, or nothing is left to
/// merge.
fn merge(
    project: &Project,
    reading: &Reading,
    theirs: &Tip,
    ours: &Tip,
) -> Option<Result<Merge, String>> {
    let branches = [theirs, ours]
        .iter()
        .all(|tip| tip.origin.refs.is_some() && !tip.name.is_tag());
    let apart = theirs.name != ours.name && theirs.name.repository == ours.name.repository;
    let mut cells = reading.desired.cells.values();
    let wanted =
        cells.any(|cell| cell.origin == ours.origin && reading.layouts.merges(cell.layout));
    if !(branches && apart && wanted) {
        return None;
    }
    let repo = project.repository(&ours.name);
    if repo.is_ok_and(|repo| repo.has(ours.commit, theirs.commit)) {
        // Every commit is there already and the version was changed since: what is left to copy is the version.
        return None;
    }
    Some(try_merge(project, reading, theirs, ours).map_err(|error| {
        format!(
            "{} cannot be merged into {}: {error}",
            theirs.name, ours.name
        )
    }))
}

fn try_merge(
    project: &Project,
    reading: &Reading,
    theirs: &Tip,
    ours: &Tip,
) -> Result<Merge, Failure> {
    let repo = project.repository(&ours.name)?;
    let merged = repo.merge(ours.commit, theirs.commit)?;
    let desired = &reading.desired;
    // A branch may be read in several ways: as an environment's own and as the one of all others. Every one of them moves.
    let ways = reading.tips.iter().filter(|tip| tip.name == ours.name);
    let (mut cells, mut unread) = (BTreeMap::new(), BTreeMap::new());
    for Tip { origin, .. } in ways {
        let view = Arc::new(reading.layouts.view(origin));
        let after = repo.desired_after(ours.commit, &merged, &view, &project.environments())?;
        let of_it = |cell: &DesiredCell| cell.origin == *origin;
        let here = desired.cells.iter().filter(|(_, cell)| of_it(cell));
        let gone = here.filter(|(key, _)| !after.cells.contains_key(key));
        // What another ref gives stays what it is.
        let there = after.cells.keys();
        let there = there.filter(|key| {
            let known = desired.cells.get(*key);
            *origin == ours.origin || known.is_none_or(of_it)
        });
        let keys: BTreeSet<&CellKey> = there.chain(gone.map(|(key, _)| key)).collect();
        for key in keys {
            let hides = after.unread(key);
            let (before, after) = (desired.version(key), after.version(key));
            if before != after {
                let hides = hides.filter(|_| after.is_none());
                unread.extend(hides.map(|hides| (key.clone(), hides.sentence())));
                let moves = (before.cloned(), after.cloned());
                cells.entry(key.clone()).or_insert(moves);
            }
        }
    }
    Ok(Merge {
        fast_forward: merged.fast_forward,
        edits: merged.edits,
        cells: cells
            .into_iter()
            .map(|(key, (before, after))| (key, before, after))
            .collect(),
        unread,
    })
}

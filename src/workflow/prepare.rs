//! From a request to exact bytes, verdicts and words. Reads Git, writes nothing but objects that no ref names.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use jiff::Timestamp;

use super::{PlanRequest, Prepared, Reading, Session, notes::notes, pasts::Pasts};
use crate::{
    domain::{
        desired::{Desired, RefName, Tip},
        diff::FileDiff,
        ids::{CellKey, ObjectId, RepoPath},
        layout::{self, Assembler, Origin},
        message::{self, Details},
        plan::{self, Action, Facts, Merge, Plan, PlanInput, PlannedChange, PlannedWrite},
        topology::Deliver,
    },
    sources::git::{Files, GitError, GitErrorKind},
};

/// Freezes a request against what was read. Blocking.
///
/// # Errors
/// When a file or a branch cannot be read.
pub fn prepare(
    session: &Session,
    reading: &Reading,
    facts: &Facts,
    request: &PlanRequest,
    now: Timestamp,
) -> Result<Prepared, GitError> {
    // A file that cannot be read is kept, to be told as it is instead of as a file that is not there.
    let unreadable = RefCell::new(None);
    // Each ref is opened once: a plan may read hundreds of files.
    let opened: RefCell<HashMap<Origin, Option<Files>>> = RefCell::default();
    let read = |origin: &Origin, path: &RepoPath| {
        let mut opened = opened.borrow_mut();
        if !opened.contains_key(origin) {
            let files = session.files(&reading.tips, origin)?;
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
    let layouts = &session.config.layouts;
    let desired = &reading.desired;
    let matrix = |origin: &Origin| {
        session
            .matrix(&reading.tips, origin)
            .unwrap_or_else(|error| {
                unreadable.borrow_mut().get_or_insert(error);
                Assembler::new(Arc::new(layouts.view(origin)), &[])
            })
    };
    let pasts = Pasts::new(session, reading, &request.changes);
    let mut plan = plan::build(
        &request.changes,
        &PlanInput {
            base: reading.state(),
            desired,
            topology: &session.config.topology,
            facts,
            history: &|key| pasts.of(key),
            overrides: &request.overrides,
            accepted: &request.accepted,
            matrix: &matrix,
            leave_out: request.leave_out_held,
            files: &files,
            edit: &|key, version, at, read| {
                let then =
                    |origin: &Origin, path: &RepoPath| file_at(session, reading, origin, path, at?);
                layout::restore_cell(layouts, desired, key, version, read, &then)
            },
            absent: &|key| layout::unreadable(layouts, desired, key),
            beside: &|key, after| layout::left_beside(layouts, desired, key, &files, after),
            merge: &|theirs, ours| merge(session, desired, theirs, ours),
            tag: &|key, intent, _| {
                let commit_of =
                    |name: &RefName| session.repository(name).ok()?.ref_commit(&name.reference);
                layout::new_tag(layouts, desired, key, intent, &commit_of)
            },
            now,
        },
    );
    if let Some(error) = unreadable.into_inner() {
        return Err(error);
    }
    plan.skip(&request.refused, request.leave_out_held);
    let deliver = request.deliver.unwrap_or_else(|| asked_for(session, &plan));
    let tag = plan
        .writes
        .iter()
        .find(|write| matches!(write.action, Action::Tag { .. }));
    if let (Deliver::Branch, Some(tag)) = (deliver, tag) {
        return Err(GitError::new(
            GitErrorKind::Refused,
            format!(
                "{} would be a tag, and a tag cannot go to a branch of its own to be reviewed",
                tag.place
            ),
        )
        .hint("Deliver it by push: --deliver push, or `deliver = \"push\"` of the environment"));
    }
    let bases: Vec<Tip> = plan
        .writes
        .iter()
        .map(|write| base(reading, write))
        .collect();
    let notes = notes(session, &plan, &bases)?;
    let writes = plan.writes.iter().zip(&bases);
    Ok(Prepared {
        notes,
        request: request.clone(),
        base: bases.first().unwrap_or(reading.base()).clone(),
        diffs: plan.edits().map(FileDiff::of).collect(),
        commands: writes
            .flat_map(|(write, base)| commands(base, write, deliver))
            .collect(),
        messages: plan
            .writes
            .iter()
            .map(|write| words(&plan, write))
            .collect(),
        bases,
        deliver,
        plan,
    })
}

/// A file of a ref at one of its earlier commits; what cannot be read there helps nobody.
fn file_at(
    session: &Session,
    reading: &Reading,
    origin: &Origin,
    path: &RepoPath,
    commit: ObjectId,
) -> Option<Vec<u8>> {
    let line = reading.tips.iter().find(|line| line.origin == *origin)?;
    let repo = session.repository(&line.name).ok()?;
    repo.file(commit, path.as_str()).ok()?
}

/// What a write is relative to, and where it is pushed. A tag goes where the tag that it follows is.
fn base(reading: &Reading, write: &PlannedWrite) -> Tip {
    let line = reading.line(&write.place).or_else(|| {
        let mut lines = reading.tips.iter();
        lines.find(|line| line.name.repository == write.place.repository)
    });
    let known = line.map_or(reading.base(), |line| line);
    match &write.action {
        Action::Tag { .. } => Tip {
            remote: known.remote.clone(),
            ..Tip::new(write.place.clone(), known.origin.clone(), write.base)
        },
        Action::Edit | Action::Merge { .. } => Tip {
            commit: write.base,
            ..known.clone()
        },
    }
}

/// What merging the branch `theirs` into `ours` brings; `None` where versions are copied one by one, or nothing is left to
/// merge.
fn merge(
    session: &Session,
    desired: &Desired,
    theirs: &Tip,
    ours: &Tip,
) -> Option<Result<Merge, String>> {
    let branches = [theirs, ours]
        .iter()
        .all(|tip| tip.origin.refs.is_some() && !tip.name.is_tag());
    let apart = theirs.name != ours.name && theirs.name.repository == ours.name.repository;
    let wanted = desired
        .cells
        .values()
        .any(|cell| cell.origin == ours.origin && session.config.layouts.merges(cell.layout));
    if !(branches && apart && wanted) {
        return None;
    }
    let repo = session.repository(&ours.name);
    if repo.is_ok_and(|repo| repo.has(ours.commit, theirs.commit)) {
        // Every commit is there already and the version was changed since: what is left to copy is the version.
        return None;
    }
    Some(try_merge(session, desired, theirs, ours).map_err(|error| {
        format!(
            "{} cannot be merged into {}: {error}",
            theirs.name, ours.name
        )
    }))
}

fn try_merge(
    session: &Session,
    desired: &Desired,
    theirs: &Tip,
    ours: &Tip,
) -> Result<Merge, GitError> {
    let repo = session.repository(&ours.name)?;
    let merged = repo.merge(ours.commit, theirs.commit)?;
    let view = Arc::new(session.config.layouts.view(&ours.origin));
    let after = repo.desired_after(ours.commit, &merged, &view, &session.environments())?;
    let mut keys: Vec<&CellKey> = after.cells.keys().collect();
    keys.extend(
        desired
            .cells
            .iter()
            .filter(|(key, cell)| cell.origin == ours.origin && !after.cells.contains_key(key))
            .map(|(key, _)| key),
    );
    let cells = keys.into_iter().map(|key| {
        (
            key.clone(),
            desired.version(key).cloned(),
            after.version(key).cloned(),
        )
    });
    let cells = cells.filter(|(_, before, after)| before != after).collect();
    Ok(Merge {
        fast_forward: merged.fast_forward,
        edits: merged.edits,
        cells,
    })
}

/// One commit goes one way: a branch of its own as soon as one of its environments asks for that.
fn asked_for(session: &Session, plan: &Plan) -> Deliver {
    let topology = &session.config.topology;
    let own = plan
        .changes
        .iter()
        .filter_map(|change| topology.get(&change.cell.environment))
        .any(|environment| environment.deliver == Deliver::Branch);
    if own { Deliver::Branch } else { Deliver::Push }
}

/// The message of a commit or tag. A fast-forward has none: it is somebody else's commit.
fn words(plan: &Plan, write: &PlannedWrite) -> String {
    let changes: Vec<PlannedChange> = plan.changes_of(write).cloned().collect();
    message::compose(&changes, &details(&changes))
}

fn details(changes: &[PlannedChange]) -> Details {
    let mut overrides = Vec::new();
    for change in changes {
        for verdict in &change.verdicts {
            if let Some(reason) = &verdict.overridden {
                overrides.push((change.cell.clone(), verdict.gate.clone(), reason.clone()));
            }
        }
    }
    Details {
        reason: overrides.first().map(|(_, _, reason)| reason.clone()),
        overrides,
    }
}

/// Whether the branch simply moves on: an override's reason needs a commit to stand in.
pub(super) fn moves_on(plan: &Plan, write: &PlannedWrite) -> bool {
    let fast_forward = matches!(
        write.action,
        Action::Merge {
            fast_forward: true,
            ..
        }
    );
    let lifted = |change: &PlannedChange| {
        let mut verdicts = change.verdicts.iter();
        verdicts.any(|verdict| verdict.overridden.is_some())
    };
    fast_forward && !plan.changes_of(write).any(lifted)
}

/// What will be done, as it would be typed.
fn commands(base: &Tip, write: &PlannedWrite, deliver: Deliver) -> Vec<String> {
    let at = base.commit.short();
    let (branch, files) = (base.branch(), count(write.edits.len()));
    let place = match &write.place.repository {
        Some(name) => format!("   # in {name}"),
        None => String::new(),
    };
    let (made, what) = match &write.action {
        Action::Edit => (
            format!("git commit   # {files} on {at}, in the object database"),
            "COMMIT".to_owned(),
        ),
        Action::Merge {
            from,
            commit,
            fast_forward: true,
        } => (
            format!(
                "git merge --ff-only {}   # {files}; {branch} moves on to {}",
                from.short(),
                commit.short()
            ),
            commit.short(),
        ),
        Action::Merge { from, commit, .. } => (
            format!(
                "git merge {}   # {files}; {} into {at}, in the object database",
                from.short(),
                commit.short()
            ),
            "COMMIT".to_owned(),
        ),
        Action::Tag { .. } => (
            format!("git tag -a {branch} {at}   # an object; no tag here before it is pushed"),
            "TAG".to_owned(),
        ),
    };
    let Some(remote) = &base.remote else {
        let target = &write.place.reference;
        return vec![made, format!("git update-ref {target} {what}{place}")];
    };
    let push = match (&write.action, deliver) {
        (Action::Tag { .. }, _) => format!("git push {remote} {what}:refs/tags/{branch}{place}"),
        (_, Deliver::Push) => {
            format!("git push {remote} {what}:refs/heads/{branch}   # fast-forward of {at} only")
        }
        (_, Deliver::Branch) => {
            format!("git push {remote} {what}:refs/heads/tidegate/…   # a branch of its own")
        }
    };
    let fetch = match &write.action {
        Action::Tag { .. } => format!("git fetch {remote} --tags{place}"),
        _ => format!("git fetch {remote} {branch}{place}"),
    };
    vec![fetch, made, push]
}

fn count(files: usize) -> String {
    match files {
        1 => "1 file".to_owned(),
        n => format!("{n} files"),
    }
}

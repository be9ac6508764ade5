//! What a commit changes beside versions: its bytes are held against those that its versions alone would have made.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use super::{Judging, Moved, told};
use crate::{
    domain::{
        check::{Finding, Severity, UNRELATED},
        desired::Desired,
        failure::Failure,
        ids::{CellKey, ObjectId, RepoPath},
        layout::{self, Origin},
        text::count,
    },
    sources::git::Made,
};

/// A file that changes otherwise, with the first line of that and its text.
pub(super) struct Place {
    path: RepoPath,
    line: usize,
    text: String,
}

/// The files in which `made` changes more than the versions that it moves.
pub(super) fn places(
    judging: &Judging<'_>,
    made: &Made,
    parent: ObjectId,
    moved: &Moved,
    after: &Desired,
) -> Result<Vec<Place>, Failure> {
    let repo = &judging.project.repo;
    let reading = judging.lines.read(judging.project, parent)?;
    let (before, layouts) = (&reading.desired, &reading.layouts);
    let made_alone: RefCell<BTreeMap<RepoPath, Vec<u8>>> = RefCell::default();
    // Files of which nobody can say what their versions alone would have made of them.
    let mut passed_over: BTreeSet<RepoPath> = BTreeSet::new();
    let policy = &judging.project.config.topology.policy;
    passed_over.insert(policy.veto_file());
    // What is kept in step with versions is of them.
    passed_over.extend(policy.versions.iter().map(|it| it.path.clone()));
    // A file that is mended changes more than versions.
    let broken = before.problems.iter().filter(|it| it.hides.is_some());
    passed_over.extend(broken.filter_map(|problem| problem.path.clone()));
    let file = |commit: ObjectId, path: &RepoPath| repo.file(commit, path.as_str()).ok().flatten();
    for (key, (_, to)) in moved {
        let mut pass_over = |desired: &Desired| {
            let cell = desired.cells.get(key);
            let sources = cell.into_iter().flat_map(|cell| &cell.sources);
            passed_over.extend(sources.map(|source| source.path.clone()));
        };
        let known = before.cells.contains_key(key) && before.unread(key).is_none();
        let (Some(to), true) = (to, known) else {
            pass_over(before);
            pass_over(after);
            continue;
        };
        let read = |origin: &Origin, path: &RepoPath| {
            if !judging.lines.is_of(origin) {
                let file = judging.project.file(&reading.tips, origin, path.as_str());
                return file.ok().flatten();
            }
            let known = made_alone.borrow().get(path).cloned();
            known.or_else(|| file(parent, path))
        };
        // What goes with a version (a digest) is taken from the commit itself.
        let then = |origin: &Origin, path: &RepoPath| {
            let own = judging.lines.is_of(origin);
            own.then(|| file(made.commit, path)).flatten()
        };
        let edits = layout::restore_cell(layouts, before, key, Some(to), &read, &then);
        if let Ok(edits) = edits {
            let edits = edits.into_iter().map(|edit| (edit.path, edit.after));
            made_alone.borrow_mut().extend(edits);
        } else {
            pass_over(before);
            pass_over(after);
        }
    }
    let made_alone = made_alone.into_inner();
    let mut places = Vec::new();
    for changed in repo.file_diff(made.commit, &[])?.files {
        let path = changed.path;
        if passed_over.contains(&path) {
            continue;
        }
        let now = file(made.commit, &path).unwrap_or_default();
        let expected = made_alone.get(&path).cloned();
        let expected = expected.or_else(|| file(parent, &path)).unwrap_or_default();
        if let Some((line, text)) = first_difference(&expected, &now) {
            places.push(Place { path, line, text });
        }
    }
    Ok(places)
}

/// What is said of them: one finding for each commit.
pub(super) fn finding(
    judging: &Judging<'_>,
    made: &Made,
    moved: &Moved,
    places: &[Place],
) -> Result<Option<Finding>, Failure> {
    let [first, more @ ..] = places else {
        return Ok(None);
    };
    let cells: Vec<String> = moved.keys().map(CellKey::to_string).collect();
    let cells = match &cells[..] {
        [one] => one.clone(),
        all => count(all.len(), "version"),
    };
    let more = match more.len() {
        0 => String::new(),
        more => format!(" and {}", count(more, "more file")),
    };
    let head = judging
        .project
        .repo
        .file(judging.ends.head, first.path.as_str())?;
    Ok(Some(Finding {
        rule: UNRELATED,
        severity: Severity::Warning,
        cell: None,
        path: Some(first.path.clone()),
        line: head.map(|head| line_at(&head, first)),
        message: format!(
            "{} moves {cells}, and changes unrelated lines of {}{more}: what is taken back with the version is not the version alone",
            told(made),
            first.path
        ),
    }))
}

/// Where a line stands in the file as the head has it.
fn line_at(head: &[u8], place: &Place) -> u32 {
    let text = String::from_utf8_lossy(head);
    let lines: Vec<&str> = text.lines().collect();
    let stands = lines.get(place.line) == Some(&place.text.as_str());
    let found = lines.iter().position(|line| *line == place.text);
    let line = if stands {
        place.line
    } else {
        found.unwrap_or_else(|| place.line.min(lines.len().saturating_sub(1)))
    };
    u32::try_from(line + 1).unwrap_or(u32::MAX)
}

/// The first line of `now`, from 0, that is another than in `expected`, with its text.
fn first_difference(expected: &[u8], now: &[u8]) -> Option<(usize, String)> {
    if expected == now {
        return None;
    }
    let (expected, now) = (
        String::from_utf8_lossy(expected),
        String::from_utf8_lossy(now),
    );
    let (expected, now): (Vec<&str>, Vec<&str>) =
        (expected.lines().collect(), now.lines().collect());
    let same = expected
        .iter()
        .zip(&now)
        .take_while(|(a, b)| a == b)
        .count();
    let line = same.min(now.len().saturating_sub(1));
    let text = now
        .get(line)
        .map_or(String::new(), |text| (*text).to_owned());
    Some((line, text))
}

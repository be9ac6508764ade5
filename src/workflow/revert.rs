//! What to go back to.

use std::{collections::BTreeSet, ops::ControlFlow, sync::Arc};

use jiff::Zoned;

use super::{Project, Reading, reading::desired_of};
use crate::{
    domain::{
        desired::{Desired, Tip},
        failure::Failure,
        history::{Changes, History, HistoryEntry, classify},
        ids::{CellKey, ObjectId, RepoPath},
        last_good::{Taken, last_good, reverted},
        layout::{self, Assembler, Origin, edit_cell},
        plan::{Intent, SkipCause, nothing_before, unreadable},
        version::Version,
    },
    sources::git::{HistoryEvent, Want},
};

/// What a revert restores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevertTarget {
    /// The intent for the plan.
    pub intent: Intent,
    /// The version it restores.
    pub version: Option<Version>,
    /// Where it comes from, in a sentence.
    pub detail: String,
    /// It was taken back itself, as all else that there was: what is to be known before it comes again.
    pub again: Option<String>,
}

/// So many gaps of a history are looked at.
const MOST_GAPS: usize = 32;

/// The histories of `cells`, walked once from where they were read. Blocking; as long as the history is.
///
/// # Errors
/// When the history cannot be read.
pub fn cell_history(
    project: &Project,
    reading: &Reading,
    cells: &[CellKey],
) -> Result<Vec<History>, Failure> {
    history_while(project, reading, cells, &|| true).map(|(histories, _)| histories)
}

/// The same, as long as `goes_on`: what is older than what was read by then is left out. Whether it was read to its end.
pub(super) fn history_while(
    project: &Project,
    reading: &Reading,
    cells: &[CellKey],
    goes_on: &dyn Fn() -> bool,
) -> Result<(Vec<History>, bool), Failure> {
    let mut wanted: BTreeSet<CellKey> = cells.iter().cloned().collect();
    for key in cells {
        // A promotion is known by what its upstream had then.
        let upstreams = project
            .config
            .topology
            .get(&key.environment)
            .map(|environment| environment.from.clone());
        let upstreams = upstreams.into_iter().flatten();
        wanted.extend(upstreams.map(|upstream| CellKey::new(key.service.clone(), upstream)));
    }
    let want = Want {
        cells: Some(wanted),
        last_only: false,
        newest: None,
    };
    let mut changes = Changes::new();
    let (mut ended, mut shallow_end) = (false, false);
    let mut unknown = project.history(reading, &want, &mut |event| {
        match event {
            HistoryEvent::Changes(batch) => {
                for (key, change) in batch {
                    changes.entry(key).or_default().push(change);
                }
            }
            HistoryEvent::Progress(_) => {}
            HistoryEvent::End { shallow } => (ended, shallow_end) = (true, shallow),
        }
        if goes_on() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })?;
    let histories = cells.iter().map(|key| {
        let is_unread = reading.desired.unread(key).is_some();
        let mut entries = classify(&changes, key, &project.config.topology, is_unread);
        project.tell_gaps(reading, key, &mut entries, MOST_GAPS);
        History {
            entries,
            shallow: shallow_end,
            unknown_before: unknown.remove(key),
        }
    });
    Ok((histories.collect(), ended))
}

/// Why a cell cannot be reverted, with a sentence that names the file and the line.
pub type NoRevert = (SkipCause, String);

/// What reverting `key` restores: `to` where given (a version that was there, or a commit), else the last good value; or why
/// there is nothing that it could be. Blocking.
///
/// # Errors
/// `Usage` where `to` is none of the values that there were, with those.
pub fn revert_target(
    project: &Project,
    reading: &Reading,
    key: &CellKey,
    to: Option<&str>,
    now: &Zoned,
) -> Result<Result<RevertTarget, NoRevert>, Failure> {
    if to.is_some_and(|to| to.trim().is_empty()) {
        return Err(Failure::usage(format!(
            "--to is empty: give a version that {key} has had, or a commit; without --to the last good version comes back"
        )));
    }
    let mut histories = cell_history(project, reading, std::slice::from_ref(key))?;
    let history = histories.pop().unwrap_or_default();
    let current = reading.desired.version(key);
    let cell = Reverted {
        project,
        reading,
        key,
        line: line_of(reading, key),
    };
    let nothing = || {
        let absent = layout::unreadable(&reading.layouts, &reading.desired, key);
        let mut versions = history.entries.iter();
        let only = versions.find_map(|entry| entry.change.version.as_ref());
        nothing_before(
            &reading.desired,
            key,
            absent,
            only.or(current),
            history.ends_early(),
        )
    };
    let Some(to) = to else {
        let entries = &history.entries;
        let vetoes = &reading.desired.vetoes;
        let bad = |version: &Version| vetoes.of(&key.service, version).is_some();
        let found = last_good(entries, &bad).and_then(|at| Some((at, entries.get(at)?)));
        return Ok(match found {
            Some((at, entry)) => Ok(RevertTarget {
                again: taken_back(entries, at, key),
                ..cell.target(entry)
            }),
            None => Err(nothing()),
        });
    };
    let named = history.entries.iter().find(|entry| {
        entry
            .change
            .version
            .as_ref()
            .is_some_and(|v| v.as_str() == to)
    });
    if let Some(entry) = named {
        return Ok(Ok(cell.target(entry)));
    }
    let repo = project.repository(&cell.line.name)?;
    if let Ok(commit) = repo.resolve(to, cell.line, now) {
        let had = |entry: &HistoryEntry| entry.change.landed.commit == commit;
        if !history.entries.iter().any(had) && !repo.contains(cell.line.commit, commit)? {
            return Err(Failure::usage(format!(
                "{} is no commit of {}, so {key} never declared what it says; a revert goes back to what was there. \
                 `tidegate set` writes any version",
                commit.short(),
                cell.line.shown
            )));
        }
        return cell.at_commit(commit, &history.entries).map(Ok);
    }
    let mut known: Vec<&str> = Vec::new();
    for version in history
        .entries
        .iter()
        .filter_map(|entry| entry.change.version.as_ref())
    {
        if !known.contains(&version.as_str()) && Some(version) != current {
            known.push(version.as_str());
        }
    }
    // Where nothing of it can be read, that is why.
    let Some(current) = current.map(Version::as_str).or(known.first().copied()) else {
        return Ok(Err(nothing()));
    };
    known.truncate(5);
    let had = match (known.as_slice(), history.ends_early()) {
        ([], None) => format!("it has had one value only, {current}"),
        ([], Some(_)) => format!("what is known of it is {current} alone"),
        (known, None) => format!("it has had: {}", known.join(", ")),
        (known, Some(_)) => format!("what is known of it: {}", known.join(", ")),
    };
    let (what, had) = match history.ends_early() {
        None => ("neither a version that", format!("nor a commit; {had}")),
        Some(why) => (
            "no commit, and whether it is a version that",
            format!("is not known: {why}; {had}"),
        ),
    };
    Err(Failure::usage(format!(
        "`{to}` is {what} {key} has had {had}. `tidegate set` writes any version"
    )))
}

/// What is to be said where the version to go back to, an index of `entries`, was taken back itself since it came.
fn taken_back(entries: &[HistoryEntry], at: usize, key: &CellKey) -> Option<String> {
    let entry = entries.get(at)?;
    let version = entry.change.version.as_ref()?;
    let Taken::By(by) = reverted(entries, version, false) else {
        return None;
    };
    let by = &entries.get(by)?.change.landed;
    Some(format!(
        "forward again to {version}: everything else that {key} has had was reverted since it came, and {version} too, in {} \
         ({}); --to names another version",
        by.commit.short(),
        by.subject
    ))
}

/// The ref that a cell is read from; the first one for a cell that is none's.
fn line_of<'a>(reading: &'a Reading, key: &CellKey) -> &'a Tip {
    let cell = reading.desired.cells.get(key);
    let mut lines = reading.tips.iter();
    let line = cell.and_then(|cell| lines.find(|line| line.origin == cell.origin));
    line.unwrap_or(&reading.tips[0])
}

/// The cell that is reverted.
struct Reverted<'a> {
    project: &'a Project,
    reading: &'a Reading,
    key: &'a CellKey,
    line: &'a Tip,
}

impl Reverted<'_> {
    fn target(&self, entry: &HistoryEntry) -> RevertTarget {
        let landed = &entry.change.landed;
        let stayed = entry.stayed_seconds.map(crate::domain::age::seconds);
        let stayed = stayed
            .map(|text| format!(", ran {text}"))
            .unwrap_or_default();
        let was_inherited = self
            .then(landed.commit)
            .ok()
            .and_then(|then| then.cells.get(self.key).map(|cell| cell.inherited))
            .unwrap_or_default();
        RevertTarget {
            intent: self.restore(entry.change.version.as_ref(), was_inherited, landed.commit),
            version: entry.change.version.clone(),
            detail: format!("{} {}{stayed}", landed.commit.short(), landed.subject),
            again: None,
        }
    }

    fn at_commit(
        &self,
        commit: ObjectId,
        entries: &[HistoryEntry],
    ) -> Result<RevertTarget, Failure> {
        let then = self.then(commit)?;
        let cell = then
            .cells
            .get(self.key)
            .filter(|cell| cell.version.is_some());
        let Some(cell) = cell else {
            if let Some(version) = self.elsewhere(commit, entries)? {
                return Ok(RevertTarget {
                    intent: self.restore(Some(&version), false, commit),
                    version: Some(version),
                    detail: format!("as at {}", commit.short()),
                    again: None,
                });
            }
            let why = then.unread(self.key).map(unreadable);
            let why = why.map_or(String::new(), |(_, why)| {
                format!(" that can be read ({why})")
            });
            return Err(Failure::usage(format!(
                "{} declared no version{why} at {}; choose a commit where it did",
                self.key,
                commit.short()
            )));
        };
        Ok(RevertTarget {
            intent: self.restore(cell.version.as_ref(), cell.inherited, commit),
            version: cell.version.clone(),
            detail: format!("as at {}", commit.short()),
            again: None,
        })
    }

    /// What the cell was at a commit before its file moved to where it is today.
    fn elsewhere(
        &self,
        commit: ObjectId,
        entries: &[HistoryEntry],
    ) -> Result<Option<Version>, Failure> {
        let repo = self.project.repository(&self.line.name)?;
        let moved = entries
            .iter()
            .position(|entry| entry.change.moved.is_some());
        for entry in moved.map_or(&[][..], |first| &entries[first..]) {
            let change = &entry.change;
            if change.authored.commit == commit || repo.contains(commit, change.landed.commit)? {
                return Ok(change.version.clone());
            }
        }
        Ok(None)
    }

    /// What the cell's ref declared at one of its commits.
    fn then(&self, commit: ObjectId) -> Result<Desired, Failure> {
        let mut line = self.line.clone();
        line.commit = commit;
        let repo = self.project.repository(&line.name)?;
        desired_of(
            &self.reading.layouts,
            &self.project.environments(),
            repo,
            &line,
        )
    }

    /// Removes the override where the value was inherited then and would be the same again; writes it otherwise.
    fn restore(&self, version: Option<&Version>, was_inherited: bool, at: ObjectId) -> Intent {
        let cell = self.reading.desired.cells.get(self.key);
        let is_inherited = cell.is_some_and(|cell| cell.inherited);
        if was_inherited && !is_inherited && self.inherited_version().as_ref() == version {
            return Intent::Revert {
                to: None,
                at: Some(at),
            };
        }
        Intent::Revert {
            to: version.cloned(),
            at: Some(at),
        }
    }

    /// What the cell would declare without its override; `None` where it declares nothing then, or cannot be freed of it.
    fn inherited_version(&self) -> Option<Version> {
        let desired = &self.reading.desired;
        let cell = desired.cells.get(self.key)?;
        let layouts = &self.reading.layouts;
        let files = |origin: &Origin, path: &RepoPath| {
            let bytes = self.project.file(&self.reading.tips, origin, path.as_str());
            bytes.ok().flatten()
        };
        let edits = edit_cell(layouts, desired, self.key, None, &files).ok()?;
        let assembler = Assembler::new(layouts.clone(), &self.project.environments());
        let mut assembler = assembler.unconditional();
        for path in &cell.files {
            let edited = edits.iter().find(|edit| edit.path == *path);
            let bytes = edited
                .map(|edit| edit.after.clone())
                .or_else(|| files(&cell.origin, path));
            let facts = bytes.map(|bytes| Arc::new(layouts.extract(path, &bytes)));
            assembler.update_at(&cell.origin, path.clone(), facts);
        }
        assembler.desired(desired.commit).version(self.key).cloned()
    }
}

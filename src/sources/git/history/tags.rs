//! The history of an environment that follows tags: which tag was the highest, from when on.

use std::{collections::BTreeMap, ops::ControlFlow, sync::Arc};

use jiff::Timestamp;

use super::{
    super::{GitError, GitErrorKind, Repo, lines::tag_time, objects::Objects},
    HistoryEvent, Want,
};
use crate::domain::{
    desired::{Desired, RefName, Tip},
    history::{CommitInfo, ValueChange, pull_request},
    ids::{CellKey, ObjectId},
    layout::{LayoutSet, Origin, RefTemplate},
    said::Said,
    template::Captures,
    version::Version,
};

/// Reads what a tag declares.
type ReadTag<'a> = &'a dyn Fn(&Tip) -> Result<Desired, GitError>;

/// A tag that was the highest from some moment on.
struct Winner {
    line: Tip,
    version: semver::Version,
    info: Arc<CommitInfo>,
}

impl Repo {
    /// Tells `sink` which values the cells of `line`, a tag's, have had, newest first: a tag counts from when it was made,
    /// where no higher one was there before. Blocking.
    ///
    /// # Errors
    /// When a tag cannot be read.
    pub fn tag_history(
        &self,
        layouts: &LayoutSet,
        line: &Tip,
        want: &Want,
        read: ReadTag<'_>,
        sink: &mut dyn FnMut(HistoryEvent) -> ControlFlow<()>,
    ) -> Result<(), GitError> {
        let template = line
            .origin
            .refs
            .and_then(|index| layouts.ref_templates().get(index));
        let Some(template) = template else {
            return Ok(());
        };
        let winners = self.winners(template, line)?;
        let mut changes = Vec::new();
        let mut now: BTreeMap<CellKey, Option<Version>> = BTreeMap::new();
        let wanted = |key: &CellKey| want.cells.as_ref().is_none_or(|cells| cells.contains(key));
        let count = u32::try_from(winners.len()).unwrap_or(u32::MAX);
        for (number, winner) in (1..).zip(&winners) {
            let desired = read(&winner.line)?;
            let gone = now.keys().filter(|key| !desired.cells.contains_key(key));
            let gone: Vec<CellKey> = gone.cloned().collect();
            let there = desired.cells.into_iter();
            let cells = there
                .map(|(key, cell)| (key, cell.version))
                .chain(gone.into_iter().map(|key| (key, None)));
            for (key, version) in cells.filter(|(key, _)| wanted(key)) {
                let previous = now.insert(key.clone(), version.clone()).flatten();
                if previous == version {
                    continue;
                }
                let change = ValueChange {
                    version,
                    previous,
                    landed: Arc::clone(&winner.info),
                    authored: Arc::clone(&winner.info),
                    depth: count - number,
                    line: 0,
                    moved: None,
                };
                changes.push((key, change));
            }
        }
        changes.reverse();
        if want.last_only {
            let mut seen = std::collections::BTreeSet::new();
            changes.retain(|(key, _)| seen.insert(key.clone()));
        }
        if sink(HistoryEvent::Changes(changes)).is_break()
            || sink(HistoryEvent::Progress(count)).is_break()
        {
            return Ok(());
        }
        let _ = sink(HistoryEvent::End { shallow: false });
        Ok(())
    }

    /// The tags that the environment of `line` has followed, oldest first.
    fn winners(&self, template: &RefTemplate, line: &Tip) -> Result<Vec<Winner>, GitError> {
        let repository = self.open()?;
        let objects = Objects::open(self)?;
        let identity = without_version(&line.origin.captures);
        let newest = semver(&line.origin.captures);
        let mut tags = Vec::new();
        for (name, full) in self.refs_below(&repository, None, template.prefix())? {
            // The same choice as for today's tag, of this one alone.
            let index = line.origin.refs.unwrap_or_default();
            for selected in template.select(index, [name.as_str()]) {
                let version = semver(&selected.origin.captures);
                let (Some(version), true) = (
                    version,
                    without_version(&selected.origin.captures) == identity,
                ) else {
                    continue;
                };
                if newest.as_ref().is_some_and(|newest| version > *newest) {
                    continue;
                }
                let Some(tag) = self.target(&repository, &full)? else {
                    continue;
                };
                let time = tag_time(&objects, tag)?;
                let info = time.map(|time| info(&objects, tag, time));
                let Some(info) = info.transpose()?.flatten() else {
                    continue;
                };
                tags.push(Winner {
                    line: Tip {
                        name: RefName {
                            repository: line.name.repository.clone(),
                            reference: name.clone(),
                        },
                        remote: line.remote.clone(),
                        shown: line.shown.clone(),
                        read: full.clone(),
                        commit: info.commit,
                        origin: Origin {
                            repository: line.origin.repository.clone(),
                            ..selected.origin
                        },
                    },
                    version,
                    info: Arc::new(info),
                });
            }
        }
        if tags.is_empty() {
            return Err(GitError::new(
                GitErrorKind::Unknown,
                format!("no tag matches `{}` any more", template.source()),
            ));
        }
        tags.sort_by(|a, b| (a.info.time, &a.version).cmp(&(b.info.time, &b.version)));
        let mut highest: Option<semver::Version> = None;
        tags.retain(|tag| {
            let higher = highest
                .as_ref()
                .is_none_or(|highest| tag.version > *highest);
            if higher {
                highest = Some(tag.version.clone());
            }
            higher
        });
        Ok(tags)
    }
}

fn semver(captures: &Captures) -> Option<semver::Version> {
    Version::from(captures.get("version")?.as_str()).semver()
}

fn without_version(captures: &Captures) -> Captures {
    let mut captures = captures.clone();
    captures.remove("version");
    captures
}

/// What is shown of a tag: the commit that it names, with the tag's own words where it has some; `None` where it names
/// something else.
fn info(objects: &Objects, tag: ObjectId, time: Timestamp) -> Result<Option<CommitInfo>, GitError> {
    let Some(commit) = objects.peel(tag)? else {
        return Ok(None);
    };
    let Some(tag) = objects.tag(tag)? else {
        let (authored, _) = objects.info(commit)?;
        return Ok(Some(CommitInfo { time, ..authored }));
    };
    Ok(Some(CommitInfo {
        commit,
        time,
        author: tag.tagger.map(|(name, _)| name).unwrap_or_default(),
        subject: tag.message.lines().next().unwrap_or_default().to_owned(),
        pull_request: pull_request(&tag.message),
        said: Said::of(&tag.message),
    }))
}

//! The history of an environment that follows tags: which tag was the highest, from when on.
//!
//! What the tags declare is kept like the history of a branch: only tags that came since are read.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    super::{Repo, kept::CacheFile, lines::tag_time, objects::Objects},
    HistoryEvent, Want,
    index::{Builder, Index},
};
use crate::domain::{
    desired::{Desired, RefName, Tip},
    failure::{Failure, FailureKind},
    history::{CommitInfo, ValueChange, pull_request},
    ids::{CellKey, ObjectId},
    layout::{LayoutSet, Origin, RefTemplate},
    said::Said,
    template::Captures,
    version::Version,
};

/// Reads what a tag declares.
pub type ReadTag<'a> = &'a dyn Fn(&Tip) -> Result<Desired, Failure>;

/// How tags are read, and what is known of today's.
pub struct TagReading<'a> {
    /// Cells of which it declares something that cannot be read.
    pub unread: &'a BTreeSet<CellKey>,
    /// Reads what a tag declares.
    pub read: ReadTag<'a>,
}

/// A tag that was the highest from some moment on.
struct Winner {
    line: Tip,
    /// What the tag's name stands for: the tag's object, or a commit.
    tag: ObjectId,
    version: semver::Version,
    info: Arc<CommitInfo>,
}

impl Winner {
    /// A name of the commit alone, with no object of its own that has a time and words.
    fn is_lightweight(&self) -> bool {
        self.tag == self.line.commit
    }
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
        tags: &TagReading<'_>,
        sink: &mut dyn FnMut(HistoryEvent) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        let read = tags.read;
        let template = line
            .origin
            .refs
            .and_then(|index| layouts.ref_templates().get(index));
        let Some(template) = template else {
            return Ok(());
        };
        let winners = self.winners(template, line)?;
        let sums = sums(&winners);
        // Where it is kept does not depend on which tag is the highest.
        let origin = Origin {
            captures: without_version(&line.origin.captures),
            ..line.origin.clone()
        };
        let place = CacheFile::of(self, &layouts.view(&origin), "tags");
        let older = place.as_ref().and_then(|place| Kept::find(place, &sums));
        let mut told = Told {
            changes: Vec::new(),
            older: older.as_ref(),
        };
        let first = older.as_ref().map_or(0, |kept| kept.at + 1);
        if first < winners.len() {
            told.read(&winners, first, read)?;
        }
        let count = u32::try_from(winners.len()).unwrap_or(u32::MAX);
        let (mut changes, is_whole) = told.changes(count, want);
        let mut is_new = first < winners.len();
        if !is_whole && let Some(place) = &place {
            // What was kept is damaged: all is read once more, whether the file can be taken away or not.
            Index::forget(place);
            told = Told {
                changes: Vec::new(),
                older: None,
            };
            told.read(&winners, 0, read)?;
            (changes, _) = told.changes(count, want);
            is_new = true;
        }
        if is_new && let Some(place) = &place {
            told.keep(place, &sums, count);
        }
        hide(&mut changes, &winners, tags, want)?;
        if sink(HistoryEvent::Changes(changes)).is_break()
            || sink(HistoryEvent::Progress(count)).is_break()
        {
            return Ok(());
        }
        let _ = sink(HistoryEvent::End { shallow: false });
        Ok(())
    }

    /// The tags that the environment of `line` has followed, oldest first.
    fn winners(&self, template: &RefTemplate, line: &Tip) -> Result<Vec<Winner>, Failure> {
        let repository = self.open()?;
        let objects = Objects::open(self)?;
        let identity = without_version(&line.origin.captures);
        let newest = semver(&line.origin.captures);
        let mut tags = Vec::new();
        let remote = line.remote.as_deref();
        for (name, full) in self.refs_below(&repository, remote, template.prefix())? {
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
                    tag,
                    version,
                    info: Arc::new(info),
                });
            }
        }
        if tags.is_empty() {
            return Err(Failure::new(
                FailureKind::Unknown,
                format!("no tag matches `{}` any more", template.source()),
            ));
        }
        tags.sort_by(|a, b| a.version.cmp(&b.version));
        date(&mut tags);
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

/// Gives a lightweight tag that names a commit again a time, `tags` being sorted by version.
///
/// Such a tag has no time and no words but its commit's. Where tags between it and the one that brought the commit before
/// brought others, it was made to take these back: it came after all of them, and what its commit says was said of the time
/// before.
fn date(tags: &mut [Winner]) {
    let mut last: BTreeMap<ObjectId, usize> = BTreeMap::new();
    for at in 0..tags.len() {
        let commit = tags[at].line.commit;
        let before = last.insert(commit, at);
        let Some(before) = before.filter(|_| tags[at].is_lightweight()) else {
            continue;
        };
        let between = &tags[before..at];
        let takes_back = between.iter().any(|tag| tag.line.commit != commit);
        let came = between.iter().map(|tag| tag.info.time).max();
        if let (true, Some(came)) = (takes_back, came) {
            let info = Arc::make_mut(&mut tags[at].info);
            info.time = info.time.max(came);
            info.said = Said::default();
        }
    }
}

/// For each tag, a sum of it and all before it: what is kept up to a sum is true as long as these tags are the same.
fn sums(winners: &[Winner]) -> Vec<ObjectId> {
    let mut sum = ObjectId::new([0; 20]);
    let each = winners.iter().map(|winner| {
        let text = format!(
            "{sum} {} {} {}",
            winner.line.name, winner.tag, winner.info.time
        );
        sum = Repo::blob_id(text.as_bytes());
        sum
    });
    each.collect()
}

/// What was kept of the tags up to one of them.
struct Kept {
    index: Index,
    /// The number of that tag.
    at: usize,
}

impl Kept {
    fn find(place: &CacheFile, sums: &[ObjectId]) -> Option<Self> {
        let index = Index::read(place, false)?;
        let at = sums.iter().rposition(|sum| index.tip() == Some(*sum))?;
        Some(Self { index, at })
    }

    /// Its changes, newest first, of which the newest is of the tag with this depth.
    fn changes(
        &self,
        deeper: usize,
        wanted: &dyn Fn(&CellKey) -> bool,
    ) -> Vec<(CellKey, ValueChange)> {
        let deeper = u32::try_from(deeper).unwrap_or(u32::MAX);
        self.index.changes(deeper, false, wanted).collect()
    }
}

/// What the tags came to.
struct Told<'a> {
    /// Those of tags that are newer than what was kept, oldest first.
    changes: Vec<(CellKey, ValueChange)>,
    older: Option<&'a Kept>,
}

impl Told<'_> {
    /// Reads the tags from number `first` on.
    fn read(&mut self, winners: &[Winner], first: usize, read: ReadTag<'_>) -> Result<(), Failure> {
        let mut now: BTreeMap<CellKey, Option<Version>> = BTreeMap::new();
        for (key, change) in self
            .older
            .map_or(Vec::new(), |kept| kept.changes(0, &|_| true))
        {
            now.entry(key).or_insert(change.version);
        }
        let count = u32::try_from(winners.len()).unwrap_or(u32::MAX);
        for (number, winner) in (1..).zip(winners).skip(first) {
            let desired = read(&winner.line)?;
            let gone = now.keys().filter(|key| !desired.cells.contains_key(key));
            let gone: Vec<CellKey> = gone.cloned().collect();
            // What cannot be read is not known, and so has not changed.
            let there = desired.cells.into_iter();
            let there = there.filter(|(_, cell)| cell.unread.is_none());
            let cells = there
                .map(|(key, cell)| (key, cell.version))
                .chain(gone.into_iter().map(|key| (key, None)));
            for (key, version) in cells {
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
                self.changes.push((key, change));
            }
        }
        Ok(())
    }

    /// What is wanted of it, newest first; and whether that is all.
    fn changes(&self, count: u32, want: &Want) -> (Vec<(CellKey, ValueChange)>, bool) {
        let wanted = |key: &CellKey| want.cells.as_ref().is_none_or(|cells| cells.contains(key));
        let newer = self.changes.iter().rev();
        let newer = newer.filter(|(key, _)| wanted(key)).cloned();
        let mut all: Vec<_> = newer.collect();
        if let Some(kept) = self.older {
            all.extend(kept.changes(newest(count, kept), &wanted));
        }
        if want.last_only {
            let mut seen = BTreeSet::new();
            all.retain(|(key, _)| seen.insert(key.clone()));
        }
        let is_damaged = self.older.is_some_and(|kept| kept.index.is_damaged());
        (all, !is_damaged)
    }

    fn keep(&self, place: &CacheFile, sums: &[ObjectId], count: u32) {
        let Some(tip) = sums.last() else { return };
        let (all, is_whole) = self.changes(count, &Want::default());
        let mut kept = Builder::default();
        for (key, change) in &all {
            kept.change(key, change);
        }
        if is_whole {
            kept.write(place, *tip, false);
        }
    }
}

/// Tells of cells that cannot be read today since which tag that is so, as of cells without a version. It is never kept: once
/// one is read again, nothing was.
fn hide(
    changes: &mut Vec<(CellKey, ValueChange)>,
    winners: &[Winner],
    tags: &TagReading<'_>,
    want: &Want,
) -> Result<(), Failure> {
    let mut newest = BTreeMap::new();
    for (key, change) in &*changes {
        newest.entry(key).or_insert(change);
    }
    // Of what never had a version, nothing was lost.
    newest.retain(|key, change| tags.unread.contains(key) && change.version.is_some());
    let Some(last) = winners.len().checked_sub(1) else {
        return Ok(());
    };
    let mut since: BTreeMap<&CellKey, usize> = newest.keys().map(|key| (*key, last)).collect();
    for (number, winner) in winners.iter().enumerate().rev().skip(1) {
        let mut asked = since.iter_mut();
        if !asked.any(|(_, since)| *since == number + 1) {
            break;
        }
        let desired = (tags.read)(&winner.line)?;
        for (key, since) in &mut since {
            if *since == number + 1 && desired.unread(key).is_some() {
                *since = number;
            }
        }
    }
    let hidden = since.into_iter().map(|(key, since)| {
        let info = &winners[since].info;
        let change = ValueChange {
            version: None,
            previous: newest[key].version.clone(),
            landed: Arc::clone(info),
            authored: Arc::clone(info),
            depth: u32::try_from(last - since).unwrap_or(u32::MAX),
            line: 0,
            moved: None,
        };
        (key.clone(), change)
    });
    let hidden: Vec<(CellKey, ValueChange)> = hidden.collect();
    changes.splice(0..0, hidden);
    changes.sort_by_key(|(_, change)| change.depth);
    if want.last_only {
        let mut seen = BTreeSet::new();
        changes.retain(|(key, _)| seen.insert(key.clone()));
    }
    Ok(())
}

/// The depth of the newest tag that was kept.
fn newest(count: u32, kept: &Kept) -> usize {
    (count as usize).saturating_sub(kept.at + 1)
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
fn info(objects: &Objects, tag: ObjectId, time: Timestamp) -> Result<Option<CommitInfo>, Failure> {
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

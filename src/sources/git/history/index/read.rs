//! Reads an index; decodes only what is asked for.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use jiff::Timestamp;

use super::{CELL, CHANGE, CacheFile, HEADER, ID, MAGIC, MOVE, PERSON, blocks::Blocks};
use crate::domain::{
    history::{CommitInfo, Moved, ValueChange},
    ids::{CellKey, ObjectId, RepoPath},
    said::Said,
    version::Version,
};

/// An index on disk, checked as it is read.
pub(in super::super) struct Index {
    data: Blocks,
    counts: [usize; 6],
    texts: usize,
    cells: usize,
    paths: usize,
    changes: usize,
    line: usize,
}

impl Index {
    /// The index at `place`; `None` where there is none that fits. With `whole`, all of it is read and checked now; else
    /// what is asked for, and [`Index::is_damaged`] has the last word.
    pub(in super::super) fn read(place: &CacheFile, whole: bool) -> Option<Self> {
        let data = match Blocks::open(&place.file) {
            Ok(data) => data.filter(|data| !whole || data.is_whole()),
            Err(_) => return None,
        };
        let index = data.and_then(|data| Self::lay_out(data, &place.fingerprint));
        if index.is_none() {
            Self::forget(place);
        }
        index
    }

    /// Takes away an index of another version, or a damaged one: the next whole walk writes it anew.
    pub(in super::super) fn forget(place: &CacheFile) {
        let _ = std::fs::remove_file(&place.file);
    }

    /// Whether something that was asked for is not what was written: what was told is not all.
    pub(in super::super) fn is_damaged(&self) -> bool {
        self.data.is_damaged()
    }

    fn lay_out(data: Blocks, fingerprint: &[u8; 20]) -> Option<Self> {
        let end = data.len();
        let fits = *data.get(0..8)? == *MAGIC && *data.get(8..28)? == *fingerprint;
        if !fits || end < HEADER {
            return None;
        }
        let mut counts = [0; 6];
        for (n, count) in counts.iter_mut().enumerate() {
            *count = number(&data, 48 + 4 * n)?;
        }
        let [walked, _, texts, cells, paths, changes] = counts;
        let mut at = HEADER;
        let mut section = |count: usize, size: usize| {
            let start = at;
            at += count * size;
            start
        };
        let index = Self {
            texts: section(texts, 1),
            cells: section(cells, CELL),
            paths: section(paths, 4),
            changes: section(changes, CHANGE),
            line: section(walked, ID),
            counts,
            data,
        };
        (at == end).then_some(index)
    }

    /// The commit it was made for.
    pub(in super::super) fn tip(&self) -> Option<ObjectId> {
        self.id(28)
    }

    /// Commits of the landed line.
    pub(in super::super) fn walked(&self) -> u32 {
        u32::try_from(self.counts[0]).unwrap_or(u32::MAX)
    }

    /// Whether history ended early.
    pub(in super::super) fn is_shallow(&self) -> bool {
        self.counts[1] != 0
    }

    /// The landed line, newest first.
    pub(in super::super) fn line(&self) -> impl Iterator<Item = ObjectId> {
        (0..self.counts[0]).filter_map(|n| self.id(self.line + n * ID))
    }

    /// The cells of its tip, with the files that decide them; none for cells that were gone.
    pub(in super::super) fn cells(&self) -> impl Iterator<Item = (CellKey, Vec<RepoPath>)> {
        (0..self.counts[3]).filter_map(|n| {
            let at = self.cells + n * CELL;
            let key = self.key(n)?;
            let first = self.number(at + 8)?;
            let paths = (first..first + self.number(at + 12)?)
                .map(|n| {
                    self.string(self.number(self.paths + n * 4)?)
                        .map(|path| RepoPath::from(&*path))
                })
                .collect::<Option<_>>()?;
            Some((key, paths))
        })
    }

    /// The changes of cells that `wanted` accepts, newest first; `deeper` commits have landed since.
    /// With `last_only`, the newest of each cell that the index's tip has.
    pub(in super::super) fn changes<'a>(
        &'a self,
        deeper: u32,
        last_only: bool,
        wanted: &dyn Fn(&CellKey) -> bool,
    ) -> impl Iterator<Item = (CellKey, ValueChange)> + use<'a> {
        let all = self.changes..self.changes + self.counts[5] * CHANGE;
        self.data.prefetch(all);
        let is_gone = |n: usize| self.number(self.cells + n * CELL + 12) == Some(0);
        let mut cells: Vec<Option<CellKey>> = (0..self.counts[3])
            .map(|n| {
                let key = self.key(n).filter(|key| wanted(key));
                key.filter(|_| !last_only || !is_gone(n))
            })
            .collect();
        let mut people: HashMap<usize, Arc<CommitInfo>> = HashMap::new();
        let mut versions: HashMap<usize, Version> = HashMap::new();
        (0..self.counts[5]).filter_map(move |n| {
            let at = self.changes + n * CHANGE;
            let part = |n: usize| self.number(at + 4 * n);
            let cell = cells.get_mut(part(0)?)?;
            let cell = if last_only {
                cell.take()?
            } else {
                cell.clone()?
            };
            let mut version = |number: usize| -> Option<Version> {
                let number = number.checked_sub(1)?;
                if let Some(known) = versions.get(&number) {
                    return Some(known.clone());
                }
                let version = Version::from(&*self.string(number)?);
                versions.insert(number, version.clone());
                Some(version)
            };
            let (now, before) = (version(part(1)?), version(part(2)?));
            let mut person = |number: usize| -> Option<Arc<CommitInfo>> {
                if let Some(known) = people.get(&number) {
                    return Some(Arc::clone(known));
                }
                // Cells of one commit stand side by side.
                if people.len() > 64 {
                    people.clear();
                }
                let info = Arc::new(self.person(number)?);
                people.insert(number, Arc::clone(&info));
                Some(info)
            };
            let change = ValueChange {
                version: now,
                previous: before,
                landed: person(part(3)?)?,
                authored: person(part(4)?)?,
                depth: u32::try_from(part(5)?).ok()?.saturating_add(deeper),
                line: 0,
                moved: match part(6)?.checked_sub(1) {
                    Some(number) => Some(Arc::new(self.moved(number, deeper)?)),
                    None => None,
                },
            };
            // What changed last is judged at today's places.
            Some((
                cell,
                if last_only {
                    change.at_todays_place()
                } else {
                    change
                },
            ))
        })
    }

    fn key(&self, number: usize) -> Option<CellKey> {
        let at = self.cells + number * CELL;
        let name = |at| self.string(self.number(at)?);
        Some(CellKey::new(&*name(at)?, &*name(at + 4)?))
    }

    fn moved(&self, number: usize, deeper: u32) -> Option<Moved> {
        if number + MOVE > self.counts[2] {
            return None;
        }
        let part = |n: usize| self.number(self.texts + number + 4 * n);
        Some(Moved {
            from: RepoPath::from(&*self.string(part(0)?)?),
            landed: Arc::new(self.person(part(1)?)?),
            authored: Arc::new(self.person(part(2)?)?),
            depth: u32::try_from(part(3)?).ok()?.saturating_add(deeper),
        })
    }

    fn person(&self, number: usize) -> Option<CommitInfo> {
        let at = self.texts + number;
        if number + PERSON > self.counts[2] {
            return None;
        }
        let time = (*self.data.get(at + 20..at + 28)?).try_into().ok()?;
        let pull_request = u32::try_from(self.number(at + 36)?).ok()?;
        Some(CommitInfo {
            commit: self.id(at)?,
            time: Timestamp::from_second(i64::from_le_bytes(time)).ok()?,
            author: self.string(self.number(at + 28)?)?.into_owned(),
            subject: self.string(self.number(at + 32)?)?.into_owned(),
            pull_request: (pull_request != 0).then_some(pull_request),
            said: match self.number(at + 40)?.checked_sub(1) {
                Some(said) => Said::from_text(&self.string(said)?),
                None => Said::default(),
            },
        })
    }

    fn string(&self, number: usize) -> Option<Cow<'_, str>> {
        let start = number + 4;
        let end = start.checked_add(self.number(self.texts + number)?)?;
        if end > self.counts[2] {
            return None;
        }
        match self.data.get(self.texts + start..self.texts + end)? {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
        }
    }

    fn id(&self, at: usize) -> Option<ObjectId> {
        let bytes = self.data.get(at..at + ID)?;
        Some(ObjectId::new((*bytes).try_into().ok()?))
    }

    fn number(&self, at: usize) -> Option<usize> {
        number(&self.data, at)
    }
}

fn number(data: &Blocks, at: usize) -> Option<usize> {
    let bytes = data.get(at..at + 4)?;
    let bytes = (*bytes).try_into().ok()?;
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}

//! What Tidegate itself has seen of cells, and what others said of their past while that could be asked: kept, because
//! agents and clusters forget.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{CURRENT, Sight, Since, Source, Span, Stretch};
use crate::domain::{ids::CellKey, rollout::same_version, version::Version};

/// What moves, scales or is made anew for so long, without trouble, interrupts nothing.
const MOVING: SignedDuration = SignedDuration::from_mins(10);
/// Between an end and the next beginning.
const APART: SignedDuration = SignedDuration::from_secs(1);
/// What is older is not kept.
const OLDEST: SignedDuration = SignedDuration::from_hours(24 * 90);
/// So many stretches are kept of a cell, the newest.
const MOST_STRETCHES: usize = 24;
/// So many times at which it was broken.
const MOST_BROKEN: usize = 16;
/// So many stretches are kept of a cluster, the newest.
const MOST: usize = 40_000;

/// What is kept of the cells of one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Entry>", into = "Vec<Entry>")]
pub struct Book(BTreeMap<CellKey, Kept>);

/// What is kept of one cell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// When it was first looked at.
    pub since: Option<Timestamp>,
    /// When it was last looked at.
    pub looked: Option<Timestamp>,
    /// When it was healthy, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stretches: Vec<Stretch>,
    /// When it was broken, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broken: Vec<Span>,
}

/// A cell as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    cell: CellKey,
    #[serde(flatten)]
    kept: Kept,
}

impl From<Vec<Entry>> for Book {
    fn from(entries: Vec<Entry>) -> Self {
        let entries = entries.into_iter();
        Self(entries.map(|it| (it.cell, it.kept)).collect())
    }
}

impl From<Book> for Vec<Entry> {
    fn from(book: Book) -> Self {
        let cells = book.0.into_iter();
        cells.map(|(cell, kept)| Entry { cell, kept }).collect()
    }
}

impl Book {
    /// What is kept of a cell.
    pub fn of(&self, cell: &CellKey) -> Option<&Kept> {
        self.0.get(cell)
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes what is seen of a cell at `now`. Whoever looks has watched all the time since `watched`, which is `now` where
    /// they look for the first time, or once.
    pub fn see(&mut self, cell: &CellKey, sight: &Sight<'_>, watched: Timestamp, now: Timestamp) {
        if *sight == Sight::Nothing {
            return;
        }
        if !self.0.contains_key(cell) {
            self.0.insert(cell.clone(), Kept::default());
        }
        if let Some(kept) = self.0.get_mut(cell) {
            kept.see(sight, watched, now);
        }
    }

    /// Takes what another Tidegate has kept meanwhile.
    pub fn merge(&mut self, other: Self) {
        for (cell, theirs) in other.0 {
            self.0.entry(cell).or_default().merge(theirs);
        }
    }

    /// Forgets what is too old, and the oldest of what is too much.
    pub fn trim(&mut self, now: Timestamp) {
        let oldest = now.checked_sub(OLDEST).unwrap_or(Timestamp::MIN);
        for kept in self.0.values_mut() {
            kept.trim(oldest);
        }
        let ends = |book: &Self| -> Vec<Timestamp> {
            let all = book.0.values().flat_map(|kept| &kept.stretches);
            all.map(|it| it.to).collect()
        };
        let mut all = ends(self);
        if all.len() > MOST {
            all.sort_unstable();
            let first = all[all.len() - MOST];
            for kept in self.0.values_mut() {
                kept.stretches.retain(|it| it.to >= first);
            }
        }
        self.0.retain(|_, kept| {
            let looked = kept.looked.is_some_and(|at| at >= oldest);
            looked || !kept.stretches.is_empty()
        });
    }
}

impl Stretch {
    /// Of two that somebody else told, with two beginnings: there was an end before the later one, or there were no such
    /// beginning.
    fn ends_before_the_later(&mut self, other: &mut Self) {
        if self.by == Source::Tidegate || self.by != other.by || self.version != other.version {
            return;
        }
        let (first, later) = if self.from < other.from {
            (self, other)
        } else {
            (other, self)
        };
        if first.from < later.from && later.from <= first.to {
            first.to = later.from.checked_sub(APART).unwrap_or(later.from);
        }
    }
}

impl Kept {
    fn see(&mut self, sight: &Sight<'_>, watched: Timestamp, now: Timestamp) {
        // What was kept before the clock was set back is of another time: nothing goes on from there.
        let looked = self.looked.filter(|at| *at <= now);
        let goes_on = looked.filter(|at| *at >= watched && now.duration_since(*at) <= CURRENT);
        self.since = Some(self.since.map_or(now, |since| since.min(now)));
        match sight {
            Sight::Healthy { version, since, .. } => {
                self.healthy(version, goes_on.is_some(), now);
                for told in *since {
                    self.told(version, *told, now);
                }
            }
            Sight::Broken { .. } => self.broke(goes_on.is_some(), now),
            Sight::Moving | Sight::Nothing => {}
        }
        self.looked = Some(now);
    }

    /// It is healthy; `goes_on`: it was looked at a moment ago.
    fn healthy(&mut self, version: &Version, goes_on: bool, now: Timestamp) {
        let broken = self.broken.iter().map(|it| it.to).max();
        let last = self.last_own();
        if let Some(last) = last
            && goes_on
            && same_version(&last.version, version)
            && last.to <= now
            && now.duration_since(last.to) <= MOVING
            && broken.is_none_or(|at| at < last.to)
        {
            last.to = now;
            return;
        }
        // A moment is nothing that lasted: of many looks that nobody followed the last is enough.
        self.stretches
            .retain(|it| it.by != Source::Tidegate || it.from < it.to);
        // Of most cells there is one, for a long time.
        self.stretches.reserve_exact(1);
        self.stretches.push(Stretch {
            version: version.clone(),
            from: now,
            to: now,
            by: Source::Tidegate,
            cut: !goes_on,
        });
        self.bound();
    }

    /// Somebody else says since when it is.
    fn told(&mut self, version: &Version, told: Since, now: Timestamp) {
        let from = told.from.min(now);
        let mut own = self.stretches.iter_mut().rev();
        let last = own.find(|it| it.by == told.by);
        if let Some(last) = last
            && same_version(&last.version, version)
            && last.to <= now
            && last.to >= from
        {
            if from <= last.from {
                last.to = now;
                return;
            }
            // It was interrupted since: what was known before ends before that.
            last.to = from.checked_sub(APART).unwrap_or(from);
        }
        self.stretches.retain(|it| it.from <= it.to);
        self.stretches.reserve_exact(1);
        self.stretches.push(Stretch {
            version: version.clone(),
            from,
            to: now,
            by: told.by,
            cut: false,
        });
        self.bound();
    }

    fn broke(&mut self, goes_on: bool, now: Timestamp) {
        let healthy = self.last_own().map(|it| it.to);
        match self.broken.last_mut() {
            Some(last) if goes_on && healthy.is_none_or(|at| at < last.to) && last.to <= now => {
                last.to = now;
            }
            _ => self.broken.push(Span { from: now, to: now }),
        }
        self.bound();
    }

    /// The last that Tidegate has seen.
    fn last_own(&mut self) -> Option<&mut Stretch> {
        let mut own = self.stretches.iter_mut().rev();
        own.find(|it| it.by == Source::Tidegate)
    }

    fn bound(&mut self) {
        let more = self.broken.len().saturating_sub(MOST_BROKEN);
        let forgotten: Vec<Span> = self.broken.drain(..more).collect();
        self.forget(&forgotten);
        let more = self.stretches.len().saturating_sub(MOST_STRETCHES);
        self.stretches.drain(..more);
    }

    fn trim(&mut self, oldest: Timestamp) {
        self.stretches.retain(|it| it.to >= oldest);
        let (kept, forgotten): (Vec<Span>, Vec<Span>) =
            self.broken.iter().partition(|it| it.to >= oldest);
        self.broken = kept;
        self.forget(&forgotten);
    }

    /// What it was broken at is not kept any more: what was healthy never bridges it.
    fn forget(&mut self, broken: &[Span]) {
        for hole in broken {
            let behind = hole.to.checked_add(APART).unwrap_or(Timestamp::MAX);
            for stretch in &mut self.stretches {
                if hole.to < stretch.from || stretch.to < hole.from {
                    continue;
                }
                if hole.to < stretch.to {
                    (stretch.from, stretch.cut) = (behind, false);
                } else {
                    stretch.to = hole.from.checked_sub(APART).unwrap_or(hole.from);
                }
            }
        }
        self.stretches.retain(|it| it.from <= it.to);
    }

    fn merge(&mut self, other: Self) {
        let since = [self.since, other.since].into_iter().flatten();
        self.since = since.min();
        self.looked = self.looked.max(other.looked);
        for mut theirs in other.stretches {
            for own in &mut self.stretches {
                own.ends_before_the_later(&mut theirs);
            }
            let own = self.stretches.iter_mut().find(|it| {
                it.by == theirs.by
                    && it.version == theirs.version
                    && it.from <= theirs.to
                    && theirs.from <= it.to
            });
            match own {
                Some(own) => {
                    if theirs.from < own.from {
                        (own.from, own.cut) = (theirs.from, theirs.cut);
                    }
                    own.to = own.to.max(theirs.to);
                }
                None => self.stretches.push(theirs),
            }
        }
        self.stretches.sort_by_key(|it| (it.to, it.from));
        let last = self.last_own().map(|it| it.to);
        self.stretches
            .retain(|it| it.by != Source::Tidegate || it.from < it.to || Some(it.to) == last);
        self.broken.extend(other.broken);
        self.broken.sort_unstable();
        self.broken.dedup_by(|later, first| {
            let same = later.from <= first.to;
            if same {
                first.to = first.to.max(later.to);
            }
            same
        });
        self.bound();
    }
}

#[cfg(test)]
mod tests;

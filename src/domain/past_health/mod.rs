//! What was healthy, and when: stretches of time in which a cell ran one version, healthy, without interruption, each with
//! who says so.
//!
//! The past comes from the agent's own history, from what Kubernetes says of `ReplicaSets` and pods, from a Prometheus where
//! one is configured, and from what Tidegate itself has seen ([`Book`]). What they say of one version is put together where it overlaps; what was
//! seen to be broken cuts all of it. A time that nobody speaks of is a gap, and no gap was healthy.

mod book;

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use book::{Book, Kept};

use super::{
    age,
    rollout::{Connection, Health, LiveCell, Seen, same_version},
    version::Version,
};

/// What was last seen so long before a moment is not known to hold at that moment.
const CURRENT: SignedDuration = SignedDuration::from_mins(2);

/// Who says that something was healthy; who knows best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// An Application's history and health.
    ArgoCd,
    /// The history and conditions of a Kustomization or a `HelmRelease`.
    Flux,
    /// `ReplicaSets`, conditions and pods.
    Kubernetes,
    /// A query of the configuration.
    Prometheus,
    /// Tidegate, which has watched.
    Tidegate,
}

/// A time in which a cell ran one version, healthy, without interruption.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// The version.
    pub version: Version,
    /// Since when.
    pub from: Timestamp,
    /// Until when that is known; it may have gone on.
    pub to: Timestamp,
    /// Who says so.
    pub by: Source,
    /// It was healthy when this source first looked: it may have been so for longer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

/// Since when a cell has been healthy with what it runs now, as somebody else than Tidegate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// Who says so.
    pub by: Source,
    /// Since when.
    pub from: Timestamp,
}

/// A time from one moment to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

/// What all sources together say of one version: a time in which it was healthy without interruption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Healthy {
    /// From when to when.
    pub span: Span,
    /// Who knows most of it.
    pub by: Source,
    /// It may have begun earlier: nobody looked.
    pub cut: bool,
}

/// What is known of the past of one cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PastHealth {
    stretches: Vec<Stretch>,
    /// When it was seen to be broken.
    broken: Vec<Span>,
    /// When Tidegate first looked at it, and has now and then since; `None`: never before.
    pub watched_since: Option<Timestamp>,
    /// Who was to tell more of it and did not, in a sentence.
    pub not_told: Option<String>,
}

impl Span {
    /// How long it is; never negative.
    pub fn length(self) -> SignedDuration {
        self.to.duration_since(self.from).max(SignedDuration::ZERO)
    }

    /// What both have in common.
    pub fn and(self, other: Self) -> Option<Self> {
        let (from, to) = (self.from.max(other.from), self.to.min(other.to));
        (from <= to).then_some(Self { from, to })
    }
}

impl Healthy {
    /// Whether it still holds at `now`, as far as anybody can say.
    pub fn is_current(&self, now: Timestamp) -> bool {
        now.duration_since(self.span.to) <= CURRENT
    }

    /// `3d 2h, seen by Argo CD`
    pub fn told(&self) -> String {
        let least = if self.cut { "at least " } else { "" };
        let length = age::precise(self.span.length().as_secs());
        format!("{least}{length}, seen by {}", self.by)
    }
}

impl PastHealth {
    /// Of what is kept of a cell, at `now`. What is kept of a time that has not come says that a clock was wrong: how long
    /// anything was is not known of it.
    pub fn of(kept: &Kept, now: Timestamp) -> Self {
        let has_been = |to: &Timestamp| to.duration_since(now) <= CURRENT;
        let stretches = kept.stretches.iter().filter(|it| has_been(&it.to));
        let broken = kept.broken.iter().filter(|it| has_been(&it.to));
        Self {
            stretches: stretches.cloned().collect(),
            broken: broken.copied().collect(),
            watched_since: kept.since.filter(has_been),
            not_told: None,
        }
    }

    /// Takes what a source says.
    pub fn learn(&mut self, stretch: Stretch) {
        self.stretches.push(stretch);
    }

    /// Somebody who was to tell more of it did not.
    pub fn is_not_told(&mut self, why: String) {
        self.not_told = Some(why);
    }

    /// Takes what clusters say at `now` of what runs: what they know of its past, and that it is healthy or broken now.
    pub fn learn_seen(&mut self, seen: &Seen, now: Timestamp) {
        match sight(seen.connection.as_ref(), seen.cell(), now) {
            Sight::Healthy { version, at, since } => {
                let stretch = |by, from: Timestamp, cut| Stretch {
                    version: version.clone(),
                    from: from.min(at),
                    to: at,
                    by,
                    cut,
                };
                self.stretches.push(stretch(Source::Tidegate, at, true));
                let told = since.iter();
                self.stretches
                    .extend(told.map(|it| stretch(it.by, it.from, false)));
            }
            Sight::Broken { at } => self.broken.push(Span { from: at, to: at }),
            Sight::Moving | Sight::Nothing => {}
        }
    }

    /// When this version was healthy, oldest first: what overlaps is one time, and what was broken is none.
    pub fn healthy(&self, version: &Version) -> Vec<Healthy> {
        let own = self.stretches.iter();
        let own = own.filter(|it| same_version(&it.version, version) && it.from <= it.to);
        let mut pieces: Vec<Healthy> = own.flat_map(|it| self.whole(it)).collect();
        pieces.sort_by_key(|it| (it.span.from, it.cut, it.by));
        let mut joined: Vec<(Healthy, SignedDuration)> = Vec::new();
        for piece in pieces {
            let length = piece.span.length();
            match joined.last_mut() {
                Some((last, longest)) if piece.span.from <= last.span.to => {
                    last.span.to = last.span.to.max(piece.span.to);
                    if (length, std::cmp::Reverse(piece.by))
                        > (*longest, std::cmp::Reverse(last.by))
                    {
                        (last.by, *longest) = (piece.by, length);
                    }
                }
                _ => joined.push((piece, length)),
            }
        }
        joined.into_iter().map(|(it, _)| it).collect()
    }

    /// The longest time in which it was, the later of two that are as long.
    pub fn longest(&self, version: &Version) -> Option<Healthy> {
        let all = self.healthy(version).into_iter();
        all.max_by_key(|it| it.span.length())
    }

    /// The time in which it still is at `now`.
    pub fn current(&self, version: &Version, now: Timestamp) -> Option<Healthy> {
        let last = self.healthy(version).pop()?;
        let ended = last.span.to;
        let is_broken = self.broken.iter().any(|it| it.to >= ended);
        let others = self.stretches.iter();
        let is_replaced = others
            .filter(|it| !same_version(&it.version, version))
            .any(|it| it.from >= ended);
        (last.is_current(now) && !is_broken && !is_replaced).then_some(last)
    }

    /// Whether a version was healthy, for how long and who says so, in a sentence; `None` where nobody ever looked.
    pub fn words(&self, version: &Version, now: Timestamp) -> Option<String> {
        if let Some(longest) = self.longest(version) {
            let is = if self.current(version, now).is_some() {
                "has been"
            } else {
                "was"
            };
            return Some(format!(
                "{version} {is} healthy here for {}",
                longest.told()
            ));
        }
        let since = self.watched_since?;
        Some(format!(
            "nobody saw {version} healthy here; it was first looked at {}",
            since.strftime("%a %Y-%m-%d %H:%M UTC")
        ))
    }

    /// A stretch without the times in which the cell was broken; those ends that were cut by them are known.
    fn whole(&self, stretch: &Stretch) -> Vec<Healthy> {
        let piece = |from, to, cut| Healthy {
            span: Span { from, to },
            by: stretch.by,
            cut,
        };
        let mut broken = self.broken.clone();
        broken.sort_unstable();
        let (mut from, mut cut) = (stretch.from, stretch.cut);
        let mut pieces = Vec::new();
        for hole in broken {
            if hole.to < from || hole.from > stretch.to {
                continue;
            }
            if hole.from > from {
                pieces.push(piece(from, hole.from, cut));
            }
            // It is no time of its own that it was broken at: what follows begins behind it, and is another time.
            let Ok(behind) = hole.to.checked_add(SignedDuration::from_secs(1)) else {
                return pieces;
            };
            (from, cut) = (behind, false);
            if from >= stretch.to {
                return pieces;
            }
        }
        pieces.push(piece(from, stretch.to, cut));
        pieces
    }
}

/// When all of these were healthy at once, oldest first. Nothing where there are none.
pub fn together(all: &[Vec<Healthy>]) -> Vec<Span> {
    let spans = |one: &[Healthy]| one.iter().map(|it| it.span).collect::<Vec<_>>();
    let Some((first, others)) = all.split_first() else {
        return Vec::new();
    };
    others.iter().fold(spans(first), |common, other| {
        let mut next = Vec::new();
        for span in common {
            next.extend(other.iter().filter_map(|it| span.and(it.span)));
        }
        next
    })
}

/// What is seen of a cell at a moment, as far as its past is made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight<'a> {
    /// It runs this version alone, healthy.
    Healthy {
        /// The version.
        version: Version,
        /// When that was confirmed.
        at: Timestamp,
        /// What others say of since when.
        since: &'a [Since],
    },
    /// It is on its way, scaled down or stopped, and nothing ails it: that is no interruption, and nothing healthy either.
    Moving,
    /// It is broken, or gone.
    Broken {
        /// When that was confirmed.
        at: Timestamp,
    },
    /// Nobody can say.
    Nothing,
}

/// What clusters show at `now` of a cell. What pods cannot show, and what was not confirmed since a loss, shows nothing.
pub fn sight<'a>(
    connection: Option<&Connection>,
    live: Option<&'a LiveCell>,
    now: Timestamp,
) -> Sight<'a> {
    let is_known = matches!(
        connection,
        Some(Connection::Live | Connection::Denied { .. })
    );
    let live = live.filter(|live| !live.stale && is_known);
    live.map_or(Sight::Nothing, |live| sight_of(live, now))
}

fn sight_of(live: &LiveCell, now: Timestamp) -> Sight<'_> {
    match live.health {
        _ if live.hidden => Sight::Nothing,
        Health::Unknown => Sight::Nothing,
        Health::Degraded | Health::Missing => Sight::Broken { at: now },
        Health::Progressing | Health::Paused | Health::Suspended => Sight::Moving,
        Health::Healthy => match runs(live) {
            Some(version) => Sight::Healthy {
                version: version.clone(),
                at: now,
                since: &live.healthy,
            },
            None => Sight::Moving,
        },
    }
}

/// The one version that it runs; of what runs to an end, that which it would run.
pub fn runs(live: &LiveCell) -> Option<&Version> {
    if live.batch {
        return live.serving.as_ref();
    }
    let mut versions = live.versions.keys();
    versions.next().filter(|_| versions.next().is_none())
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ArgoCd => "Argo CD",
            Self::Flux => "Flux",
            Self::Kubernetes => "Kubernetes",
            Self::Prometheus => "Prometheus",
            Self::Tidegate => "Tidegate",
        })
    }
}

#[cfg(test)]
mod tests;

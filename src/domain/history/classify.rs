//! What each change of a cell was: a promotion, a revert, a bump.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{ChangeKind, Changes, HistoryEntry, ValueChange};
use crate::domain::{
    ids::{CellKey, EnvironmentName},
    image,
    topology::Topology,
    version::Version,
};

/// Says of each of a cell's changes what it was and how long its value stayed, newest first.
///
/// A value that a configured upstream has in the commit that landed it is a promotion, from the first such upstream; so is
/// one whose commit says `Promoted-From`. Else a value that the cell had before is a revert, and any other a bump. A tag with
/// its digest counts as the tag. One
/// exception: going back to the value just before, while the upstreams have moved on or the commit says that it reverts, is
/// a revert. Where a tag brings back a commit that an earlier tag had brought and another has replaced since, it is a revert
/// too, whatever it calls itself: 1.0.0 comes back as 1.1.1. It is a promotion where an upstream had been moved to that commit
/// before, or the tag's own words say so. The oldest change is initial unless it is known to have replaced something. `all` must hold the upstreams'
/// changes too, as far down as the cell's own. `unread` says that the version of today cannot be read: then it is not removed.
pub fn classify(
    all: &Changes,
    key: &CellKey,
    topology: &Topology,
    unread: bool,
) -> Vec<HistoryEntry> {
    let Some(changes) = all.get(key) else {
        return Vec::new();
    };
    let were_there = were_there(changes);
    let mut left: Option<Timestamp> = None;
    let mut entries = Vec::with_capacity(changes.len());
    for (index, change) in changes.iter().enumerate() {
        let kind = match &change.version {
            None if unread && index == 0 => ChangeKind::Unread,
            None => ChangeKind::Removed,
            Some(version) => {
                let oldest = index + 1 == changes.len();
                let was_there = were_there.get(index).is_some_and(|was_there| *was_there);
                // The change that this one replaced is the next; the value before it is the one after.
                let just_before = changes.get(index + 2);
                let goes_back = just_before.is_some_and(|older| older.brought(version))
                    && !is_repinned(change, version);
                let again = brings_again(&changes[index..]);
                let upstream = if again {
                    Upstream::before(all, key, topology, change, was_there)
                } else {
                    Upstream::at(all, key, topology, change)
                };
                if oldest && change.previous.is_none() {
                    ChangeKind::Initial
                } else if goes_back && (upstream == Upstream::MovedOn || says_revert(change)) {
                    ChangeKind::Revert
                } else if let Some(from) = upstream.from().or_else(|| said_from(change, key)) {
                    ChangeKind::Promotion { from: from.clone() }
                } else if was_there || again {
                    ChangeKind::Revert
                } else {
                    ChangeKind::Bump
                }
            }
        };
        let landed = change.landed.time;
        let stayed_seconds = left.map(|until| until.duration_since(landed).as_secs().max(0));
        left = Some(landed);
        entries.push(HistoryEntry {
            change: change.clone(),
            kind,
            stayed_seconds,
        });
    }
    entries
}

/// Whether each change brings a version that was there before, with or without its digest.
fn were_there(changes: &[ValueChange]) -> Vec<bool> {
    let (mut texts, mut pinned) = (BTreeSet::new(), BTreeSet::new());
    let oldest_first = changes.iter().rev().map(|change| {
        let Some(version) = &change.version else {
            return false;
        };
        let text = version.as_str();
        let tag = match image::tag_and_digest(text) {
            (Some(tag), Some(_)) => Some(tag),
            _ => None,
        };
        let by_tag = match tag {
            Some(tag) => texts.contains(tag),
            None => pinned.contains(text),
        };
        let was_there = texts.contains(text) || by_tag && !is_repinned(change, version);
        texts.insert(text);
        pinned.extend(tag);
        was_there
    });
    let mut were_there: Vec<bool> = oldest_first.collect();
    were_there.reverse();
    were_there
}

/// Whether a change only gives the tag that was there a digest, another one or none: it brings nothing back.
fn is_repinned(change: &ValueChange, version: &Version) -> bool {
    let (tag, _) = image::tag_and_digest(version.as_str());
    let replaced = change.previous.as_ref().filter(|it| *it != version);
    let replaced = replaced.and_then(|it| image::tag_and_digest(it.as_str()).0);
    replaced.is_some() && replaced == tag
}

/// Whether the newest of `changes` brings back a commit that an older one had brought, and that another has replaced since.
///
/// On a branch no commit lands twice, so this is said of tags alone.
fn brings_again(changes: &[ValueChange]) -> bool {
    let [change, replaced, older @ ..] = changes else {
        return false;
    };
    let commit = change.landed.commit;
    let mut older = older.iter();
    replaced.landed.commit != commit && older.any(|older| older.landed.commit == commit)
}

/// What a cell's upstreams had when a change of it landed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Upstream<'a> {
    /// This one, the first of several, had the same value.
    Has(&'a EnvironmentName),
    /// They had other values.
    MovedOn,
    /// There is none, or none had a value.
    Nothing,
}

impl<'a> Upstream<'a> {
    fn at(all: &Changes, key: &CellKey, topology: &'a Topology, change: &ValueChange) -> Self {
        Self::of(all, key, topology, change, &|theirs| is_one(theirs, change))
    }

    /// The same where a tag brings a commit again: an upstream has it that an earlier tag moved to that commit, or, where
    /// `by_value` files say the versions, to its value. What one tag moves in both at once came from neither.
    fn before(
        all: &Changes,
        key: &CellKey,
        topology: &'a Topology,
        change: &ValueChange,
        by_value: bool,
    ) -> Self {
        Self::of(all, key, topology, change, &|theirs| {
            let is_same =
                theirs.landed.commit == change.landed.commit || by_value && is_one(theirs, change);
            is_same && theirs.landed != change.landed
        })
    }

    fn of(
        all: &Changes,
        key: &CellKey,
        topology: &'a Topology,
        change: &ValueChange,
        is_it: &dyn Fn(&ValueChange) -> bool,
    ) -> Self {
        let environment = topology.get(&key.environment);
        let mut found = Self::Nothing;
        for upstream in environment.into_iter().flat_map(|it| &it.from) {
            let cell = CellKey::new(key.service.clone(), upstream.clone());
            let history = all.get(&cell).map_or(&[][..], Vec::as_slice);
            let at = history.partition_point(|theirs| !theirs.in_effect_at(change));
            match history.get(at) {
                Some(theirs) if is_it(theirs) => return Self::Has(upstream),
                Some(theirs) if theirs.version.is_some() => found = Self::MovedOn,
                Some(_) | None => {}
            }
        }
        found
    }

    fn from(self) -> Option<&'a EnvironmentName> {
        match self {
            Self::Has(name) => Some(name),
            Self::MovedOn | Self::Nothing => None,
        }
    }
}

/// Whether two changes bring one version, or neither brings any.
fn is_one(theirs: &ValueChange, change: &ValueChange) -> bool {
    match &change.version {
        Some(version) => theirs.brought(version),
        None => theirs.version.is_none(),
    }
}

/// Who wrote the value says it, or what brought it.
fn says_revert(change: &ValueChange) -> bool {
    change.authored.said.reverts || change.landed.said.reverts
}

fn said_from<'a>(change: &'a ValueChange, key: &CellKey) -> Option<&'a EnvironmentName> {
    let authored = change.authored.said.promoted_from(key);
    authored.or_else(|| change.landed.said.promoted_from(key))
}

#[cfg(test)]
mod tests;

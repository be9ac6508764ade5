//! What each change of a cell was: a promotion, a revert, a bump.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{ChangeKind, Changes, HistoryEntry, ValueChange};
use crate::domain::{
    ids::{CellKey, EnvironmentName},
    topology::Topology,
    version::Version,
};

/// Says of each of a cell's changes what it was and how long its value stayed, newest first.
///
/// A value that a configured upstream has in the commit that landed it is a promotion, from the first such upstream; so is
/// one whose commit says `Promoted-From`. Else a value that the cell had before is a revert, and any other a bump. One
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
    let mut older: BTreeMap<&Version, usize> = BTreeMap::new();
    for version in changes.iter().filter_map(|change| change.version.as_ref()) {
        *older.entry(version).or_default() += 1;
    }
    let mut left: Option<Timestamp> = None;
    let mut entries = Vec::with_capacity(changes.len());
    for (index, change) in changes.iter().enumerate() {
        let kind = match &change.version {
            None if unread && index == 0 => ChangeKind::Unread,
            None => ChangeKind::Removed,
            Some(version) => {
                let before = older.entry(version).or_default();
                *before = before.saturating_sub(1);
                let oldest = index + 1 == changes.len();
                let was_there = *before > 0;
                // The change that this one replaced is the next; the value before it is the one after.
                let just_before = changes.get(index + 2).map(|older| &older.version);
                let goes_back = just_before == Some(&change.version);
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
        Self::of(all, key, topology, change, &|theirs| {
            theirs.version == change.version
        })
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
            let is_same = theirs.landed.commit == change.landed.commit
                || by_value && theirs.version == change.version;
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

/// Who wrote the value says it, or what brought it.
fn says_revert(change: &ValueChange) -> bool {
    change.authored.said.reverts || change.landed.said.reverts
}

fn said_from<'a>(change: &'a ValueChange, key: &CellKey) -> Option<&'a EnvironmentName> {
    let authored = change.authored.said.promoted_from(key);
    authored.or_else(|| change.landed.said.promoted_from(key))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{history::CommitInfo, ids::ObjectId, said::Said, topology::Environment};

    fn topology(edges: &[(&str, &[&str])]) -> Topology {
        let environment = |(name, from): &(&str, &[&str])| Environment::plain(name, from);
        Topology {
            environments: edges.iter().map(environment).collect(),
        }
    }

    /// What `!revert` and `!from:ENVIRONMENT` among a commit's words say.
    fn said(words: &str) -> Said {
        let mut message = String::from("subject\n\n");
        for word in words.split_whitespace() {
            match word.split_once(':') {
                Some(("!from", from)) => message.extend(["Promoted-From: ", from, "\n"]),
                _ if word == "!revert" => message.push_str("This reverts commit abc.\n"),
                _ => {}
            }
        }
        Said::of(&message)
    }

    /// Landed commits from the root up, each `environment=version environment=version…`; `-` is removed. What the commit
    /// says: [`said`]. `!at:N` makes it a tag of the commit number N.
    ///
    /// Commit n lands n hours after the epoch.
    fn changes(line: &[&str]) -> Changes {
        let mut all = Changes::new();
        let mut now: BTreeMap<CellKey, Version> = BTreeMap::new();
        for (index, commit) in line.iter().enumerate() {
            let number = u8::try_from(index).unwrap();
            let tagged = commit.split_whitespace().find_map(|word| {
                let at = word.strip_prefix("!at:")?;
                Some(at.parse().unwrap())
            });
            let info = Arc::new(CommitInfo {
                commit: ObjectId::new([tagged.unwrap_or(number); 20]),
                time: Timestamp::from_second(3600 * i64::from(number)).unwrap(),
                author: "Jane".into(),
                subject: (*commit).into(),
                pull_request: None,
                said: said(commit),
            });
            for pair in commit.split_whitespace() {
                let Some((environment, version)) = pair.split_once('=') else {
                    continue;
                };
                let key = CellKey::new("api", environment);
                let version = (version != "-").then(|| Version::from(version));
                let previous = match &version {
                    Some(version) => now.insert(key.clone(), version.clone()),
                    None => now.remove(&key),
                };
                let change = ValueChange {
                    version,
                    previous,
                    landed: Arc::clone(&info),
                    authored: Arc::clone(&info),
                    depth: u32::try_from(line.len() - 1 - index).unwrap(),
                    line: 0,
                    moved: None,
                };
                all.entry(key).or_default().insert(0, change);
            }
        }
        all
    }

    #[test]
    fn classifies_by_value_and_order() {
        let topology = topology(&[
            ("dev", &[]),
            ("stage", &["dev"]),
            ("prod", &["stage", "hot"]),
            ("hot", &[]),
        ]);
        // (name, landed line, kinds of prod from the newest)
        let cases: [(&str, &[&str], &str); 23] = [
            ("first value", &["prod=1"], "initial"),
            (
                "first value, upstream has it",
                &["stage=1", "prod=1"],
                "initial",
            ),
            (
                "copied from upstream",
                &["prod=1", "stage=2", "prod=2"],
                "promotion:stage initial",
            ),
            (
                "from the first upstream that has it",
                &["prod=1", "hot=2", "prod=2"],
                "promotion:hot initial",
            ),
            (
                "upstream moved on before",
                &["prod=1", "stage=2", "stage=3", "prod=2"],
                "bump initial",
            ),
            (
                "upstream moved on before, and the commit says where it came from",
                &["prod=1", "stage=2", "stage=3", "prod=2 !from:stage"],
                "promotion:stage initial",
            ),
            (
                "upstream got it later",
                &["prod=1", "prod=2", "stage=2"],
                "bump initial",
            ),
            (
                "both in one commit",
                &["prod=1", "stage=2 prod=2"],
                "promotion:stage initial",
            ),
            (
                "only dev has it",
                &["prod=1", "dev=2", "prod=2"],
                "bump initial",
            ),
            (
                "only dev has it, and the commit says so",
                &["prod=1", "dev=2", "prod=2 !from:dev"],
                "promotion:dev initial",
            ),
            (
                "promoted again by an upstream that went back",
                &[
                    "stage=1", "prod=1", "stage=2", "prod=2", "stage=1", "prod=1",
                ],
                "promotion:stage promotion:stage initial",
            ),
            (
                "the same, by a commit that says it reverts",
                &[
                    "stage=1",
                    "prod=1",
                    "stage=2",
                    "prod=2",
                    "stage=1",
                    "prod=1 !revert",
                ],
                "revert promotion:stage initial",
            ),
            (
                "back, while the upstream stays",
                &["stage=1", "prod=1", "stage=2", "prod=2", "prod=1"],
                "revert promotion:stage initial",
            ),
            (
                "back to the value just before, and said to be promoted while the upstream has moved on",
                &[
                    "stage=1",
                    "prod=1",
                    "stage=2",
                    "prod=2",
                    "prod=1 !from:stage",
                ],
                "revert promotion:stage initial",
            ),
            (
                "back without any upstream",
                &["prod=1", "prod=2", "prod=1"],
                "revert bump initial",
            ),
            (
                "back without any upstream value, and said to be promoted",
                &["prod=1", "prod=2", "prod=1 !from:lab"],
                "promotion:lab bump initial",
            ),
            (
                "mended outside and promoted again",
                &[
                    "stage=A", "prod=A", "stage=B", "prod=B", "prod=A", "stage=C", "prod=C",
                    "stage=B", "prod=B",
                ],
                "promotion:stage promotion:stage revert promotion:stage initial",
            ),
            (
                "promoted again at once: the upstream still has it",
                &["stage=1", "prod=1", "stage=2", "prod=2", "prod=1", "prod=2"],
                "promotion:stage revert promotion:stage initial",
            ),
            (
                "back by two steps, while the upstream stays",
                &[
                    "stage=1", "prod=1", "stage=2", "prod=2", "stage=3", "prod=3", "prod=1",
                ],
                "revert promotion:stage promotion:stage initial",
            ),
            (
                "a new value is no revert, whatever the commit says",
                &["prod=1", "prod=2 !revert"],
                "bump initial",
            ),
            (
                "a new value from upstream, whatever the commit says",
                &["prod=1", "stage=2", "prod=2 !revert"],
                "promotion:stage initial",
            ),
            (
                "a dropped upstream says nothing",
                &["stage=1", "prod=1", "prod=2", "stage=-", "prod=1"],
                "revert bump initial",
            ),
            (
                "removed and back",
                &["prod=1", "prod=-", "prod=1"],
                "revert removed initial",
            ),
        ];
        for (name, line, expected) in cases {
            assert_eq!(kinds(&changes(line), &topology), expected, "{name}");
        }
    }

    /// Environments that follow tags: a tag of a commit that was there before, and was replaced since, goes back.
    #[test]
    fn a_tag_that_brings_a_commit_again_goes_back() {
        let topology = topology(&[("dev", &[]), ("stage", &["dev"]), ("prod", &["stage"])]);
        // (name, tags made, kinds of prod from the newest)
        let cases: [(&str, &[&str], &str); 13] = [
            (
                "the tags say the versions",
                &["prod=1.0.0", "prod=1.1.0", "prod=1.1.1 !at:0"],
                "revert bump initial",
            ),
            (
                "by two steps",
                &["prod=1.0.0", "prod=1.1.0", "prod=1.2.0", "prod=1.2.1 !at:0"],
                "revert bump bump initial",
            ),
            (
                "back and forth",
                &[
                    "prod=1.0.0",
                    "prod=1.1.0",
                    "prod=1.1.1 !at:0",
                    "prod=1.1.2 !at:1",
                ],
                "revert revert bump initial",
            ),
            (
                "the commit of today by another name is no way back",
                &["prod=1.0.0", "prod=1.1.0", "prod=1.1.1 !at:1"],
                "bump bump initial",
            ),
            (
                "a commit that was never there",
                &[
                    "prod=1.0.0",
                    "stage=1.1.0",
                    "prod=1.1.0",
                    "prod=1.1.1 !at:7",
                ],
                "bump promotion:stage initial",
            ),
            (
                "one tag moves the upstream too",
                &[
                    "stage=1.0.0 prod=1.0.0",
                    "stage=1.1.0 prod=1.1.0",
                    "stage=1.1.1 prod=1.1.1 !at:0",
                ],
                "revert promotion:stage initial",
            ),
            (
                "the upstream has another commit under the same name",
                &[
                    "stage=1.0.0",
                    "prod=1.0.0 !at:0",
                    "stage=1.1.0",
                    "prod=1.1.0 !at:2",
                    "stage=1.1.1",
                    "prod=1.1.1 !at:0",
                ],
                "revert promotion:stage initial",
            ),
            (
                "the upstream went back before",
                &[
                    "stage=1.0.0",
                    "prod=1.0.0 !at:0",
                    "stage=1.1.0",
                    "prod=1.1.0 !at:2",
                    "stage=1.1.1 !at:0",
                    "prod=1.1.1 !at:0",
                ],
                "promotion:stage promotion:stage initial",
            ),
            (
                "the same under another name",
                &[
                    "stage=1.0.0",
                    "prod=1.0.0 !at:0",
                    "stage=1.1.0",
                    "prod=1.1.0 !at:2",
                    "stage=1.1.1 !at:0",
                    "prod=1.1.2 !at:0",
                ],
                "promotion:stage promotion:stage initial",
            ),
            (
                "the upstream goes back after it",
                &[
                    "stage=1.0.0",
                    "prod=1.0.0 !at:0",
                    "stage=1.1.0",
                    "prod=1.1.0 !at:2",
                    "prod=1.1.1 !at:0",
                    "stage=1.1.1 !at:0",
                ],
                "revert promotion:stage initial",
            ),
            (
                "the tag's own words say where from",
                &["prod=1.0.0", "prod=1.1.0", "prod=1.1.1 !at:0 !from:lab"],
                "promotion:lab bump initial",
            ),
            (
                "files say the versions, and the upstream's tag of another commit has this one",
                &[
                    "stage=1",
                    "prod=1 !at:0",
                    "stage=2",
                    "prod=2 !at:2",
                    "stage=1",
                    "prod=1 !at:0",
                ],
                "promotion:stage promotion:stage initial",
            ),
            (
                "files say the versions, and one tag moves both",
                &["stage=1 prod=1", "stage=2 prod=2", "stage=1 prod=1 !at:0"],
                "revert promotion:stage initial",
            ),
        ];
        for (name, line, expected) in cases {
            assert_eq!(kinds(&changes(line), &topology), expected, "{name}");
        }
    }

    /// The kinds of prod, from the newest.
    fn kinds(all: &Changes, topology: &Topology) -> String {
        let entries = classify(all, &CellKey::new("api", "prod"), topology, false);
        let kinds = entries.into_iter().map(|entry| match entry.kind {
            ChangeKind::Promotion { from } => format!("promotion:{from}"),
            other => format!("{other:?}").to_lowercase(),
        });
        kinds.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn says_how_long_each_value_stayed() {
        let all = changes(&["prod=1", "dev=1", "prod=2", "prod=3"]);
        let entries = classify(&all, &CellKey::new("api", "prod"), &topology(&[]), false);
        let stayed: Vec<_> = entries.iter().map(|e| e.stayed_seconds).collect();
        assert_eq!(stayed, [None, Some(3600), Some(7200)]);
        assert!(classify(&all, &CellKey::new("api", "absent"), &topology(&[]), false).is_empty());
    }

    #[test]
    fn a_value_known_to_have_replaced_another_is_not_initial() {
        let mut all = changes(&["prod=1", "prod=2"]);
        let key = CellKey::new("api", "prod");
        all.get_mut(&key).unwrap().truncate(1);
        assert_eq!(
            classify(&all, &key, &topology(&[]), false)[0].kind,
            ChangeKind::Bump
        );
    }

    /// What cannot be read today was not removed; what was removed before, was.
    #[test]
    fn what_is_unread_today_is_not_removed() {
        let mut all = changes(&["prod=1", "prod=2", "prod=1", "prod=3"]);
        let key = CellKey::new("api", "prod");
        let lost = all.get_mut(&key).unwrap();
        (lost[0].version, lost[2].version) = (None, None);
        let kinds = |unread| -> Vec<ChangeKind> {
            let entries = classify(&all, &key, &topology(&[]), unread);
            entries.into_iter().map(|entry| entry.kind).collect()
        };
        let (unread, removed) = (kinds(true), kinds(false));
        assert_eq!(unread[0], ChangeKind::Unread);
        assert_eq!(removed[0], ChangeKind::Removed);
        assert_eq!(unread[1..], removed[1..]);
        assert_eq!(unread[2], ChangeKind::Removed);
    }

    #[test]
    fn lines_of_their_own_are_compared_by_time() {
        let topology = topology(&[("dev", &[]), ("prod", &["dev"])]);
        let mut all = changes(&["prod=1", "dev=2", "prod=2"]);
        for change in all.get_mut(&CellKey::new("api", "dev")).unwrap() {
            change.line = 1;
            change.depth = 0;
        }
        let kinds = classify(&all, &CellKey::new("api", "prod"), &topology, false);
        assert_eq!(kinds[0].kind, ChangeKind::Promotion { from: "dev".into() });
    }
}

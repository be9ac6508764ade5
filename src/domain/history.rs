//! A cell's sequence of values, and what each change was.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    ids::{CellKey, EnvironmentName, ObjectId, RepoPath},
    said::Said,
    topology::Topology,
    version::Version,
};

/// What is shown of a commit. Text is as stored; screens sanitise it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitInfo {
    /// The commit.
    pub commit: ObjectId,
    /// The author's time of an authored commit, the committer's of a landed one (when it landed).
    pub time: Timestamp,
    /// The author's name.
    pub author: String,
    /// The first line of the message.
    pub subject: String,
    /// From trailers, merge subjects or squash subjects.
    pub pull_request: Option<u32>,
    /// What the message says that the commit does.
    #[serde(default, skip_serializing_if = "Said::is_nothing")]
    pub said: Said,
}

/// A change of a cell's value before it is classified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueChange {
    /// The value from here on; `None`: not declared any more.
    pub version: Option<Version>,
    /// The value it replaced; `None`: none was declared, or history begins here.
    pub previous: Option<Version>,
    /// The commit on the landed line that brought it.
    pub landed: Arc<CommitInfo>,
    /// Who wrote it; the landed commit where it was no merge.
    pub authored: Arc<CommitInfo>,
    /// Commits of the landed line between the tip it was read from and the landed one: larger is older.
    pub depth: u32,
    /// Which landed line: 0, but for environments that are refs of their own. Depths compare within a line only.
    pub line: u32,
    /// The file came to its place of today, or nearer to it, while the value stood in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<Arc<Moved>>,
}

/// A value that came to another place unchanged, or together with the file that moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The file that it stood in before.
    pub from: RepoPath,
    /// The commit on the landed line that brought the move: at today's places, the value landed there.
    pub landed: Arc<CommitInfo>,
    /// Who moved it; the landed commit where it was no merge.
    pub authored: Arc<CommitInfo>,
    /// As [`ValueChange::depth`], of the move.
    pub depth: u32,
}

impl ValueChange {
    /// The pull request that brought it, from the landed commit or else the authored one.
    pub fn pull_request(&self) -> Option<u32> {
        self.landed.pull_request.or(self.authored.pull_request)
    }

    /// The same judged at today's places alone: a value that was moved there landed with the move.
    #[must_use]
    pub fn at_todays_place(mut self) -> Self {
        if let Some(moved) = self.moved.take().filter(|moved| moved.depth < self.depth) {
            self.landed = Arc::clone(&moved.landed);
            self.authored = Arc::clone(&moved.authored);
            self.depth = moved.depth;
            self.previous = None;
        }
        self
    }

    /// Whether it landed after `other`; of two landed lines, by the clock.
    pub fn landed_after(&self, other: &Self) -> bool {
        if self.line == other.line {
            self.depth < other.depth
        } else {
            self.landed.time > other.landed.time
        }
    }

    /// Whether this change was in effect when `later` landed, itself included.
    fn in_effect_at(&self, later: &Self) -> bool {
        if self.line == later.line {
            self.depth >= later.depth
        } else {
            self.landed.time <= later.landed.time
        }
    }
}

/// What kind of change it was. A promotion beats a revert beats a bump; see [`classify`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ChangeKind {
    /// A configured upstream had it at that time, or the commit says so.
    Promotion {
        /// That upstream.
        from: EnvironmentName,
    },
    /// It was there before, and did not come from upstream again.
    Revert,
    /// Neither.
    Bump,
    /// The first value known.
    Initial,
    /// Not declared any more.
    Removed,
    /// Since then something stands in its place that cannot be read: nobody knows whether the value is another.
    Unread,
}

/// One value of a cell's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The change.
    #[serde(flatten)]
    pub change: ValueChange,
    /// What kind of change it was.
    pub kind: ChangeKind,
    /// How long it stayed, landed to landed, in seconds; `None` for the current value.
    pub stayed_seconds: Option<i64>,
}

/// A cell's values, newest first, and how far back they go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The values.
    pub entries: Vec<HistoryEntry>,
    /// History ends early: a shallow clone.
    pub shallow: bool,
    /// Why nothing is known of what was before the oldest value, where that is neither the beginning nor a shallow clone.
    pub unknown_before: Option<String>,
}

impl History {
    /// Why what was before the oldest value is not known, and what to do about it; `None` where history goes back to the
    /// cell's beginning.
    pub fn ends_early(&self) -> Option<&str> {
        ends_early(self.shallow, self.unknown_before.as_deref())
    }
}

/// Why what was before a cell's oldest value is not known, and what to do about it, for a clone that may be `shallow` and a
/// cell of which something may be `unknown`; `None` where history goes back to the cell's beginning.
pub fn ends_early(shallow: bool, unknown: Option<&str>) -> Option<&str> {
    if shallow {
        return Some(
            "this clone is shallow, its history ends early: fetch the rest (git fetch --unshallow)",
        );
    }
    unknown
}

/// What is said below a cell's oldest value where nothing is known of what was before, for this reason.
pub fn unknown_words(why: &str) -> String {
    format!("what was before is not known: {why}")
}

/// Changes of many cells, each newest first, as the walk streams them.
pub type Changes = BTreeMap<CellKey, Vec<ValueChange>>;

/// Says of each of a cell's changes what it was and how long its value stayed, newest first.
///
/// A value that a configured upstream has in the commit that landed it is a promotion, from the first such upstream; so is
/// one whose commit says `Promoted-From`. Else a value that the cell had before is a revert, and any other a bump. One
/// exception: going back to the value just before, while the upstreams have moved on or the commit says that it reverts, is
/// a revert. The oldest change is initial unless it is known to have replaced something. `all` must hold the upstreams'
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
                let upstream = Upstream::at(all, key, topology, change);
                if oldest && change.previous.is_none() {
                    ChangeKind::Initial
                } else if goes_back && (upstream == Upstream::MovedOn || says_revert(change)) {
                    ChangeKind::Revert
                } else if let Some(from) = upstream.from().or_else(|| said_from(change, key)) {
                    ChangeKind::Promotion { from: from.clone() }
                } else if was_there {
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
        let environment = topology.get(&key.environment);
        let mut found = Self::Nothing;
        for upstream in environment.into_iter().flat_map(|it| &it.from) {
            let cell = CellKey::new(key.service.clone(), upstream.clone());
            let history = all.get(&cell).map_or(&[][..], Vec::as_slice);
            let at = history.partition_point(|theirs| !theirs.in_effect_at(change));
            match history.get(at).map(|theirs| &theirs.version) {
                Some(version) if *version == change.version => return Self::Has(upstream),
                Some(Some(_)) => found = Self::MovedOn,
                Some(None) | None => {}
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

/// The number of the pull (or merge) request that a commit message names: in trailers, in a merge's subject or body, or
/// at the end of a squash's subject.
pub fn pull_request(message: &str) -> Option<u32> {
    let subject = message.lines().next().unwrap_or_default().trim();
    trailer_number(message)
        .or_else(|| merge_number(subject))
        .or_else(|| {
            let open = subject.strip_suffix(')')?.rfind("(#")?;
            subject[open + 2..subject.len() - 1].parse().ok()
        })
}

fn trailer_number(message: &str) -> Option<u32> {
    const KEYS: [&str; 5] = [
        "pull-request",
        "pr-url",
        "pr",
        "reviewed-on",
        "merge-request",
    ];
    let last =
        |text: &str| -> Option<u32> { text.trim().rsplit(['/', '#', '!']).next()?.parse().ok() };
    let body = message.split_once('\n').map_or("", |(_, body)| body);
    body.lines().rev().find_map(|line| {
        if let Some(name) = line.strip_prefix("See merge request ") {
            return last(name);
        }
        let (key, value) = line.split_once(": ")?;
        KEYS.contains(&key.to_ascii_lowercase().as_str())
            .then(|| last(value))
            .flatten()
    })
}

fn merge_number(subject: &str) -> Option<u32> {
    let digits = |text: &str| -> Option<u32> {
        let end = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        text[..end].parse().ok()
    };
    if let Some(rest) = subject.strip_prefix("Merge pull request #") {
        return digits(rest);
    }
    if let Some(rest) = subject.strip_prefix("Merged PR ") {
        return digits(rest);
    }
    let at = subject
        .starts_with("Merged in ")
        .then(|| subject.find("(pull request #"))??;
    digits(&subject[at + "(pull request #".len()..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::template::Template;
    use crate::domain::topology::{Deliver, Environment, Require, WorkloadTemplate};

    fn topology(edges: &[(&str, &[&str])]) -> Topology {
        let template = || Template::parse("{service}").unwrap();
        let environment = |(name, from): &(&str, &[&str])| Environment {
            name: (*name).into(),
            from: from.iter().map(|f| EnvironmentName::from(*f)).collect(),
            require: Require::Any,
            cluster: None,
            namespace: template(),
            workload: WorkloadTemplate::Name(template()),
            protected: false,
            url: None,
            deliver: Deliver::Push,
            timeout: std::time::Duration::from_mins(15),
        };
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
    /// says: [`said`].
    ///
    /// Commit n lands n hours after the epoch.
    fn changes(line: &[&str]) -> Changes {
        let mut all = Changes::new();
        let mut now: BTreeMap<CellKey, Version> = BTreeMap::new();
        for (index, commit) in line.iter().enumerate() {
            let number = u8::try_from(index).unwrap();
            let info = Arc::new(CommitInfo {
                commit: ObjectId::new([number; 20]),
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
            let all = changes(line);
            let found: Vec<String> = classify(&all, &CellKey::new("api", "prod"), &topology, false)
                .into_iter()
                .map(|entry| match entry.kind {
                    ChangeKind::Promotion { from } => format!("promotion:{from}"),
                    other => format!("{other:?}").to_lowercase(),
                })
                .collect();
            assert_eq!(found.join(" "), expected, "{name}");
        }
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

    #[test]
    fn reads_pull_request_numbers() {
        let cases = [
            (
                "Merge pull request #812 from acme/promote\n\npromote 1 to prod",
                Some(812),
            ),
            ("promote checkout to prod (#77)", Some(77)),
            (
                "Revert \"promote (#77)\" (#78)\n\nThis reverts commit 1234.",
                Some(78),
            ),
            ("Revert \"promote (#77)\"", None),
            (
                "Merge branch 'x' into 'main'\n\npromote\n\nSee merge request group/sub/app!45",
                Some(45),
            ),
            ("Merge branch 'x'\n\nSee merge request !46", Some(46)),
            (
                "promote\n\nReviewed-on: https://gitea.example.com/a/b/pulls/12\n",
                Some(12),
            ),
            (
                "promote\n\nPR-URL: https://github.com/a/b/pull/13",
                Some(13),
            ),
            ("promote\n\nPull-Request: #14", Some(14)),
            ("Merged in promote-x (pull request #15)", Some(15)),
            ("Merged PR 16: promote", Some(16)),
            ("fix #17 at last", None),
            ("closes (#abc)", None),
            ("", None),
        ];
        for (message, expected) in cases {
            assert_eq!(pull_request(message), expected, "{message}");
        }
    }
}

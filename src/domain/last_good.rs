//! The version to go back to, from a cell's history alone.

use super::{
    history::{ChangeKind, HistoryEntry},
    version::Version,
};

/// Index of the last good value of `entries` (newest first): the newest earlier one that is another version than
/// today's and has not been reverted since it last came; where all were, the newest other one. A tag that names today's
/// commit by an older name is nothing to go back to.
///
/// A version that was reverted and came again (promoted, as one that was mended outside) is judged by its last stay
/// alone. How long a value stayed decides nothing: a release that was replaced within minutes may have been fine, and who
/// goes back expects the step before.
///
/// What is `bad` (vetoed) is nothing to go back to, unless all that was there is.
pub fn last_good(entries: &[HistoryEntry], bad: &dyn Fn(&Version) -> bool) -> Option<usize> {
    let today = &entries.first()?.change;
    let mut others = Vec::new();
    for (index, entry) in entries.iter().enumerate().skip(1) {
        let Some(version) = &entry.change.version else {
            continue;
        };
        let known = |index: &usize| entries[*index].change.brought(version);
        let is_today = today.brought(version) || entry.change.landed.commit == today.landed.commit;
        if !is_today && !others.iter().any(known) {
            others.push(index);
        }
    }
    let newest = others.first().copied();
    let is_fine = |index: &usize| {
        let version = entries[*index].change.version.as_ref();
        !version.is_some_and(bad)
    };
    let fine: Vec<usize> = others.into_iter().filter(is_fine).collect();
    let mut kept = fine.iter().copied();
    kept.find(|index| reverted_by(entries, *index).is_none())
        .or(fine.first().copied())
        .or(newest)
}

/// What became of a version since it last came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// This entry (an index, newest first) took it back.
    By(usize),
    /// Nothing did.
    No,
    /// What is older than the history may have, or may make a revert of what looks like a new value.
    NotKnown,
}

/// What took `version` back since it last came, with or without its digest. `ends_early` says that there were values before
/// the oldest of `entries` (newest first), or may have been.
pub fn reverted(entries: &[HistoryEntry], version: &Version, ends_early: bool) -> Taken {
    let last = |entry: &HistoryEntry| entry.change.brought(version);
    let Some(came) = entries.iter().position(last) else {
        return if ends_early {
            Taken::NotKnown
        } else {
            Taken::No
        };
    };
    if let Some(by) = reverted_by(entries, came) {
        return Taken::By(by);
    }
    // What followed is told from a revert by what was there before. A promotion is one whatever was there, if the value
    // just before is known.
    let is_plain = follower(entries, came).is_none_or(|(_, next)| {
        matches!(next.kind, ChangeKind::Promotion { .. }) && came + 1 < entries.len()
    });
    if ends_early && !is_plain || may_be_taken(entries, came, version) {
        Taken::NotKnown
    } else {
        Taken::No
    }
}

/// Whether a tag, which came last at `came`, may mean a build that was taken back under its digest.
fn may_be_taken(entries: &[HistoryEntry], came: usize, tag: &Version) -> bool {
    let mut builds = vec![&entries[came].change.version];
    for (index, entry) in entries.iter().enumerate().skip(came + 1) {
        let build = &entry.change.version;
        if build.as_ref() == Some(tag) || !entry.change.brought(tag) || builds.contains(&build) {
            continue;
        }
        if reverted_by(entries, index).is_some() {
            return true;
        }
        builds.push(build);
    }
    false
}

/// The entry that took the one at `index` back: the next version that came, if it is a revert. A time without a version, or
/// with one that cannot be read, lies between the two and changes nothing.
fn reverted_by(entries: &[HistoryEntry], index: usize) -> Option<usize> {
    let (by, next) = follower(entries, index)?;
    let version = entries[index].change.version.as_ref();
    let stays = version.is_some_and(|version| next.change.brought(version));
    (next.kind == ChangeKind::Revert && !stays).then_some(by)
}

/// The next version after the entry at `index`.
fn follower(entries: &[HistoryEntry], index: usize) -> Option<(usize, &HistoryEntry)> {
    let newer = entries.get(..index)?.iter().enumerate().rev();
    newer
        .into_iter()
        .find(|(_, entry)| entry.change.version.is_some())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{
        history::{CommitInfo, ValueChange},
        ids::ObjectId,
    };

    fn commit(number: usize) -> Arc<CommitInfo> {
        Arc::new(CommitInfo {
            commit: ObjectId::new([u8::try_from(number).unwrap(); 20]),
            time: jiff::Timestamp::UNIX_EPOCH,
            author: String::new(),
            subject: String::new(),
            pull_request: None,
            said: crate::domain::said::Said::default(),
        })
    }

    /// `1.2` bump, `~1.2` revert, `>1.2` promotion, each by a commit of its own; then how many seconds it stayed. `1.2@7` is a
    /// tag of the commit number 7.
    fn entries(values: &[(&str, i64)]) -> Vec<HistoryEntry> {
        let entry = |(number, (text, stayed)): (usize, &(&str, i64))| {
            let tag = text.split_once('@');
            let tag = tag.and_then(|(version, at)| Some((version, at.parse().ok()?)));
            let (version, tagged) = tag.unwrap_or((text, 100 + number));
            HistoryEntry {
                change: ValueChange {
                    version: Some(version.trim_start_matches(['~', '>']).into()),
                    previous: None,
                    landed: commit(tagged),
                    authored: commit(tagged),
                    depth: 0,
                    line: 0,
                    moved: None,
                },
                kind: if text.starts_with('~') {
                    ChangeKind::Revert
                } else if text.starts_with('>') {
                    ChangeKind::Promotion {
                        from: "staging".into(),
                    }
                } else {
                    ChangeKind::Bump
                },
                stayed_seconds: (*stayed > 0).then_some(*stayed),
            }
        };
        values.iter().enumerate().map(entry).collect()
    }

    #[test]
    fn the_newest_that_proved_itself() {
        const DAY: i64 = 86_400;
        type Case = (&'static str, &'static [(&'static str, i64)], Option<usize>);
        let cases: [Case; 14] = [
            ("nothing before", &[("1", 0)], None),
            ("the one before", &[("2", 0), ("1", DAY)], Some(1)),
            (
                "not the one that was reverted, nor today's own",
                &[("~2", 0), ("3", 9), ("2", DAY), ("1", DAY)],
                Some(3),
            ),
            (
                "a hurried one too",
                &[("3", 0), ("2", 60), ("1", DAY)],
                Some(1),
            ),
            (
                "reverted, and promoted again since",
                &[("B", 0), ("C", 9), ("~A", 9), ("B", 9), ("A", DAY)],
                Some(1),
            ),
            (
                "reverted, promoted again, replaced: the step before",
                &[("D", 0), ("B", 9), ("~A", 9), ("B", 9), ("A", DAY)],
                Some(1),
            ),
            (
                "an older stay of what was reverted later does not count",
                &[("~W", 0), ("V", 9), ("W", 9), ("V", 9), ("A", DAY)],
                Some(4),
            ),
            (
                "reverted twice",
                &[
                    ("C", 0),
                    ("~A", 9),
                    ("B", 9),
                    ("~A", 9),
                    ("B", 9),
                    ("A", DAY),
                ],
                Some(1),
            ),
            (
                "a tag of today's commit is nothing to go back to",
                &[
                    ("~1.1.1@1", 0),
                    ("1.1.0@2", 9),
                    ("1.0.0@1", 9),
                    ("0.9.0@3", 9),
                ],
                Some(3),
            ),
            (
                "nor one that names it anew",
                &[("1.1.1@2", 0), ("1.1.0@2", 9), ("1.0.0@1", 9)],
                Some(2),
            ),
            (
                "where tags have nothing else, the one that was taken back",
                &[("~1.1.1@1", 0), ("1.1.0@2", 9), ("1.0.0@1", 9)],
                Some(1),
            ),
            (
                "today's own without its digest is nothing to go back to",
                &[("2@sha256:a", 0), ("2", 9), ("1", 9)],
                Some(2),
            ),
            (
                "another build of its tag is",
                &[("2@sha256:b", 0), ("2@sha256:a", 9), ("1", 9)],
                Some(1),
            ),
            (
                "a reverted one rather than none",
                &[("~1", 0), ("2", 9), ("1", 9)],
                Some(1),
            ),
        ];
        for (name, values, expected) in cases {
            let good = last_good(&entries(values), &|_| false);
            assert_eq!(good, expected, "{name}");
        }
    }

    #[test]
    fn what_took_a_version_back() {
        use Taken::{By, No, NotKnown};
        // (name, version, where history is whole, where it ends early)
        let cases = [
            ("never there", "9", No, NotKnown),
            ("here now", "B", No, No),
            ("came again since", "A", No, NotKnown),
            ("reverted", "C", By(4), By(4)),
            (
                "replaced by what may have been there before",
                "D",
                No,
                NotKnown,
            ),
            ("replaced by a promotion", "E", No, No),
            (
                "the oldest known, replaced by a promotion",
                "F",
                No,
                NotKnown,
            ),
        ];
        let story = [
            ("B", 0),
            ("A", 9),
            (">D", 9),
            ("E", 9),
            ("~A", 9),
            ("C", 9),
            (">A", 9),
            ("F", 9),
        ];
        // Nothing was there, or nothing that could be read, for a while.
        let gap = |by: &str| {
            let mut entries = entries(&[(by, 0), ("", 9), ("C", 9), ("A", 9)]);
            entries[1].change.version = None;
            reverted(&entries, &"C".into(), false)
        };
        assert_eq!(gap("~A"), By(0));
        assert_eq!(gap(">D"), No);
        assert_eq!(gap("~C"), No);
        let by_digest = [
            ("3", 0),
            ("2@sha256:b", 9),
            ("~1", 9),
            ("2@sha256:a", 9),
            ("1", 9),
        ];
        let cases_by_digest = [
            ("2@sha256:a", By(2)),
            ("2@sha256:b", No),
            ("2@sha256:c", No),
            // It may mean the build that was taken back, or the one that was not.
            ("2", NotKnown),
        ];
        for (version, expected) in cases_by_digest {
            let found = reverted(&entries(&by_digest), &version.into(), false);
            assert_eq!(found, expected, "{version}");
        }
        let tags = entries(&[("3", 0), ("~1", 9), ("2", 9), ("1", 9)]);
        assert_eq!(reverted(&tags, &"2@sha256:a".into(), false), By(1));
        let digests = entries(&[("3", 0), ("~1", 9), ("2@sha256:a", 9), ("1", 9)]);
        assert_eq!(reverted(&digests, &"2".into(), false), By(1));
        for (name, version, whole, cut) in cases {
            for (ends_early, expected) in [(false, whole), (true, cut)] {
                assert_eq!(
                    reverted(&entries(&story), &version.into(), ends_early),
                    expected,
                    "{name} {ends_early}"
                );
            }
        }
    }

    #[test]
    fn what_is_bad_is_nothing_to_go_back_to() {
        let history = entries(&[("3", 0), ("2", 9), ("1", 9)]);
        let cases: [(&[&str], usize); 4] = [(&[], 1), (&["2"], 2), (&["1"], 1), (&["1", "2"], 1)];
        for (bad, expected) in cases {
            let good = last_good(&history, &|version| bad.contains(&version.as_str()));
            assert_eq!(good, Some(expected), "{bad:?}");
        }
    }
}

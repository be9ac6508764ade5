//! Which earlier value to go back to, where nobody names one.

use super::{
    history::{ChangeKind, HistoryEntry},
    version::Version,
};

/// The last good value before `current`: the most recent earlier one that differs and was not itself reverted away from;
/// where all were, the most recent that differs. `entries` are newest first.
pub fn last_good<'a>(
    entries: &'a [HistoryEntry],
    current: Option<&Version>,
) -> Option<&'a HistoryEntry> {
    let differs = |entry: &&HistoryEntry| {
        entry.change.version.is_some() && entry.change.version.as_ref() != current
    };
    let kept = entries.iter().enumerate().find(|(i, entry)| {
        let undone = *i > 0 && entries[i - 1].kind == ChangeKind::Revert;
        differs(entry) && !undone
    });
    kept.map(|(_, entry)| entry)
        .or_else(|| entries.iter().find(differs))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{
        history::{CommitInfo, ValueChange},
        ids::ObjectId,
    };

    /// Values newest first; `<` marks a revert.
    fn history(values: &[&str]) -> Vec<HistoryEntry> {
        let info = Arc::new(CommitInfo {
            commit: ObjectId::new([1; 20]),
            time: jiff::Timestamp::UNIX_EPOCH,
            author: String::new(),
            subject: String::new(),
            pull_request: None,
        });
        let entry = |text: &&str| HistoryEntry {
            change: ValueChange {
                version: (*text != "-").then(|| text.trim_start_matches('<').into()),
                previous: None,
                landed: info.clone(),
                authored: info.clone(),
                depth: 0,
                line: 0,
            },
            kind: if text.starts_with('<') {
                ChangeKind::Revert
            } else {
                ChangeKind::Bump
            },
            stayed_seconds: None,
        };
        values.iter().map(entry).collect()
    }

    #[test]
    fn skips_what_was_undone() {
        type Case<'a> = (&'a str, &'a [&'a str], Option<&'a str>, Option<&'a str>);
        let cases: [Case<'_>; 7] = [
            ("the one before", &["3", "2", "1"], Some("3"), Some("2")),
            (
                "over a bad release",
                &["3", "<1", "2", "1"],
                Some("3"),
                Some("1"),
            ),
            (
                "after a revert, before what was undone",
                &["<2", "3", "2", "1"],
                Some("2"),
                Some("1"),
            ),
            (
                "only what was undone is left",
                &["<1", "2", "1"],
                Some("1"),
                Some("2"),
            ),
            ("nothing else", &["1"], Some("1"), None),
            ("removed meanwhile", &["-", "1"], None, Some("1")),
            ("a gap is no value", &["2", "-", "1"], Some("2"), Some("1")),
        ];
        for (name, values, current, expected) in cases {
            let entries = history(values);
            let current = current.map(Version::from);
            let found = last_good(&entries, current.as_ref())
                .and_then(|entry| entry.change.version.clone());
            assert_eq!(found, expected.map(Version::from), "{name}");
        }
    }
}

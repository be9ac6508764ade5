//! The version to go back to, from a cell's history alone.

use super::history::{ChangeKind, HistoryEntry};

/// Index of the last good value of `entries` (newest first): the newest earlier one that is another version than
/// today's and was not ended by a revert; where all were, the newest other one.
///
/// How long a value stayed decides nothing: a release that was replaced within minutes may have been fine, and who goes
/// back expects the step before.
pub fn last_good(entries: &[HistoryEntry]) -> Option<usize> {
    let current = &entries.first()?.change.version;
    let other = |index: &usize| {
        let version = &entries[*index].change.version;
        version.is_some() && version != current
    };
    let ended_by_revert = |index: &usize| entries[index - 1].kind == ChangeKind::Revert;
    let mut others = (1..entries.len()).filter(other);
    let newest = others.clone().next();
    others.find(|index| !ended_by_revert(index)).or(newest)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{
        history::{CommitInfo, ValueChange},
        ids::ObjectId,
    };

    /// `1.2` bump, `~1.2` revert; then how many seconds it stayed.
    fn entries(values: &[(&str, i64)]) -> Vec<HistoryEntry> {
        let commit = Arc::new(CommitInfo {
            commit: ObjectId::new([7; 20]),
            time: jiff::Timestamp::UNIX_EPOCH,
            author: String::new(),
            subject: String::new(),
            pull_request: None,
        });
        let entry = |(text, stayed): &(&str, i64)| HistoryEntry {
            change: ValueChange {
                version: Some(text.trim_start_matches('~').into()),
                previous: None,
                landed: commit.clone(),
                authored: commit.clone(),
                depth: 0,
                line: 0,
            },
            kind: if text.starts_with('~') {
                ChangeKind::Revert
            } else {
                ChangeKind::Bump
            },
            stayed_seconds: (*stayed > 0).then_some(*stayed),
        };
        values.iter().map(entry).collect()
    }

    #[test]
    fn the_newest_that_proved_itself() {
        const DAY: i64 = 86_400;
        type Case = (&'static str, &'static [(&'static str, i64)], Option<usize>);
        let cases: [Case; 5] = [
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
                "a reverted one rather than none",
                &[("~1", 0), ("2", 9), ("1", 9)],
                Some(1),
            ),
        ];
        for (name, values, expected) in cases {
            assert_eq!(last_good(&entries(values)), expected, "{name}");
        }
    }
}

//! `reverted`: what was taken back here does not come again by itself.

use jiff::Timestamp;

use super::{Change, Facts, Finding, Gate, NOT_KNOWN, Question, ahead::told, found};
use crate::domain::{
    last_good::{self, Taken},
    plan::{Level, Outcome},
    version::Version,
};

pub(super) const GATE: Gate = Gate {
    id: "reverted",
    about: "the version was not reverted here since it last came",
    promotions_only: true,
    reverts: false,
    acts: |_| true,
    questions: |change| vec![Question::Past(change.cell.clone())],
    judge,
};

fn judge(change: &Change<'_>, facts: &Facts, now: Timestamp) -> Finding {
    let Some(to) = change.to else {
        return found(Outcome::Pass, "no version is promoted");
    };
    let not_known = |why: &str| found(change.unknown(GATE.id), format!("{NOT_KNOWN}{why}"));
    let history = match facts.past(change.cell) {
        Ok(history) => history,
        Err(why) => return not_known(&format!("the history cannot be read: {why}")),
    };
    let early = history.ends_early();
    let entries = &history.entries;
    let by = match last_good::reverted(entries, to, early.is_some()) {
        Taken::By(by) => entries.get(by).zip(entries.get(by + 1..)),
        Taken::No => None,
        Taken::NotKnown => {
            let why = early.unwrap_or("a build of that tag was, and it may mean that one");
            return not_known(&format!("whether {to} was reverted here; {why}"));
        }
    };
    let Some((by, older)) = by else {
        return found(Outcome::Pass, format!("{to} was not reverted here"));
    };
    // With another digest than comes now, or none: as it was called then.
    let taken = older.iter().find_map(|entry| entry.change.version.as_ref());
    let taken = taken.unwrap_or(to);
    let (level, outcome) = if change.is_protected() {
        (Level::Hold, Outcome::Hold)
    } else {
        (Level::Warn, Outcome::Warn)
    };
    let back = by.change.version.as_ref().map_or("none", Version::as_str);
    let detail = format!(
        "{taken} was reverted here {}, back to {back}; promote a version that mends it, or lift this with a reason",
        told(&by.change, now)
    );
    Finding {
        level,
        outcome,
        detail,
        earliest: None,
    }
}

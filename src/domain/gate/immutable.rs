//! `immutable`: the version will still mean the same tomorrow.

use jiff::Timestamp;

use super::{Change, Facts, Finding, Gate, found};
use crate::domain::{
    ids::EnvironmentName,
    plan::{Level, Outcome},
    subject::Subject,
    version::VersionKind,
};

pub(super) const GATE: Gate = Gate {
    id: "immutable",
    about: "the version names one build, today and tomorrow",
    promotions_only: false,
    reverts: false,
    acts: |_| true,
    questions: |_| Vec::new(),
    judge,
};

fn judge(change: &Change<'_>, _: &Facts, _: Timestamp) -> Finding {
    let Some(to) = change.to else {
        return found(Outcome::Pass, "no version is written");
    };
    let names: Vec<&str> = change
        .desired
        .environments
        .iter()
        .map(EnvironmentName::as_str)
        .collect();
    let subject = change
        .desired
        .cells
        .get(change.cell)
        .map(|cell| cell.subject);
    if subject == Some(Subject::Setting) {
        return found(Outcome::Pass, "a setting names no build");
    }
    let wants_digest = change.gates().is_some_and(|gates| gates.digest);
    if wants_digest
        && subject.is_none_or(Subject::may_have_digest)
        && to.kind(&names) != VersionKind::Digest
    {
        let detail = format!(
            "{to} is not pinned by a digest, as {} asks",
            change.cell.environment
        );
        return found(Outcome::Hold, detail);
    }
    if to.kind(&names) != VersionKind::Mutable {
        return found(Outcome::Pass, format!("{to} names one build"));
    }
    // Nothing stops going back.
    let holds = change.is_protected() && !change.may_go_back(GATE.id);
    let (level, outcome) = if holds {
        (Level::Hold, Outcome::Hold)
    } else {
        (Level::Warn, Outcome::Warn)
    };
    Finding {
        level,
        outcome,
        detail: format!("{to} is mutable: it may mean another build tomorrow"),
        earliest: None,
    }
}

//! `eligible`: the version is one of those that may come here at all.

use jiff::Timestamp;

use super::{Change, Facts, Finding, Gate, found};
use crate::domain::plan::Outcome;

pub(super) const GATE: Gate = Gate {
    id: "eligible",
    about: "the version is in the environment's range",
    promotions_only: false,
    reverts: false,
    acts: |change| change.gates().is_some_and(|gates| gates.eligible.is_some()),
    questions: |_| Vec::new(),
    judge,
};

fn judge(change: &Change<'_>, _: &Facts, _: Timestamp) -> Finding {
    let asked = change.gates().and_then(|gates| gates.eligible.as_ref());
    let (Some(asked), Some(to)) = (asked, change.to) else {
        return found(Outcome::Pass, "no version is written");
    };
    let target = &change.cell.environment;
    let range = asked.range.as_ref();
    let Some(version) = to.semver() else {
        return match range {
            Some(range) => found(
                Outcome::Hold,
                format!(
                    "{target} takes {} alone, and {to} is no version that has an order",
                    range.as_str()
                ),
            ),
            None => found(Outcome::Pass, format!("{to} says nothing of a pre-release")),
        };
    };
    if asked.prerelease == Some(false) && !version.pre.is_empty() {
        return found(
            Outcome::Hold,
            format!("{to} is a pre-release, and {target} takes none"),
        );
    }
    let Some(range) = range else {
        return found(Outcome::Pass, format!("{to} is no pre-release"));
    };
    let is_in = range.contains(&version) || asked.prerelease == Some(true) && range.spans(&version);
    if is_in {
        return found(Outcome::Pass, format!("{to} is in {}", range.as_str()));
    }
    let why = if range.spans(&version) {
        "a pre-release, which this range does not name"
    } else {
        "outside of it"
    };
    found(
        Outcome::Hold,
        format!("{target} takes {} alone, and {to} is {why}", range.as_str()),
    )
}

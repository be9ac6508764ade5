//! `veto`: what was marked bad goes nowhere, forward or back.

use jiff::Timestamp;

use super::{Change, Facts, Finding, Gate, NOT_KNOWN, found};
use crate::domain::plan::Outcome;

pub(super) const GATE: Gate = Gate {
    id: "veto",
    about: "the version is not vetoed",
    promotions_only: false,
    // The one gate that stops a revert too: what is known to be bad is nothing to go back to.
    reverts: true,
    acts: |change| change.to.is_some(),
    // The vetoes are declared, like versions.
    questions: |_| Vec::new(),
    judge,
};

fn judge(change: &Change<'_>, _: &Facts, now: Timestamp) -> Finding {
    let Some(to) = change.to else {
        return found(Outcome::Pass, "no version comes");
    };
    let vetoes = &change.desired.vetoes;
    let service = &change.cell.service;
    if let Some(veto) = vetoes.of(service, to) {
        let detail = format!(
            "{to} is vetoed: {}; `tidegate veto {} {} --lift` lifts it",
            veto.told(now),
            veto.service,
            veto.version
        );
        return found(Outcome::Hold, detail);
    }
    match vetoes.unread.first() {
        Some(problem) => {
            let detail = format!("{NOT_KNOWN}{}", problem.sentence());
            found(change.unknown(GATE.id), detail)
        }
        None => found(Outcome::Pass, format!("{to} is not vetoed")),
    }
}

//! `reverted`: what was taken back here does not come again by itself.

use super::{NOT_KNOWN, REVERTED, ahead::told, unknown, verdict};
use crate::domain::{
    ids::CellKey,
    last_good::{self, Taken},
    plan::{Outcome, PlanInput, Verdict},
    version::Version,
};

/// The verdict on promoting `to` into `cell`.
pub(super) fn judge(cell: &CellKey, to: &Version, input: &PlanInput<'_>) -> Verdict {
    let environment = input.topology.get(&cell.environment);
    let not_known = |why: &str| {
        let outcome = environment.map_or(Outcome::Unknown, unknown);
        verdict(REVERTED, outcome, format!("{NOT_KNOWN}{why}"))
    };
    let history = match (input.history)(cell) {
        Ok(history) => history,
        Err(why) => return not_known(&format!("the history cannot be read: {why}")),
    };
    let early = history.ends_early();
    let by = match last_good::reverted(&history.entries, to, early.is_some()) {
        Taken::By(by) => history.entries.get(by),
        Taken::No => None,
        Taken::NotKnown => {
            let why = early.unwrap_or("the history ends early");
            return not_known(&format!("whether {to} was reverted here; {why}"));
        }
    };
    let Some(by) = by else {
        return verdict(
            REVERTED,
            Outcome::Pass,
            format!("{to} was not reverted here"),
        );
    };
    let protected = environment.is_some_and(|environment| environment.protected);
    let outcome = if protected {
        Outcome::Hold
    } else {
        Outcome::Warn
    };
    let back = by.change.version.as_ref().map_or("none", Version::as_str);
    let detail = format!(
        "{to} was reverted here {}, back to {back}; promote a version that mends it, or lift this with a reason",
        told(&by.change, input)
    );
    verdict(REVERTED, outcome, detail)
}

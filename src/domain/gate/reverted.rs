//! `reverted`: what was taken back here does not come again by itself.

use super::{NOT_KNOWN, REVERTED, ahead::told, verdict};
use crate::domain::{
    ids::CellKey,
    last_good,
    plan::{Outcome, PlanInput, Verdict},
    version::Version,
};

/// The verdict on promoting `to` into `cell`.
pub(super) fn judge(cell: &CellKey, to: &Version, input: &PlanInput<'_>) -> Verdict {
    let history = match (input.history)(cell) {
        Ok(history) => history,
        // `ahead` holds for the same reason where unknown holds.
        Err(why) => {
            let detail = format!("{NOT_KNOWN}the history cannot be read: {why}");
            return verdict(REVERTED, Outcome::Unknown, detail);
        }
    };
    let by = last_good::reverted(&history.entries, to).and_then(|by| history.entries.get(by));
    let Some(by) = by else {
        let detail = if history.shallow {
            format!(
                "{to} was not reverted here as far as history goes, which ends early (git fetch --unshallow)"
            )
        } else {
            format!("{to} was not reverted here")
        };
        return verdict(REVERTED, Outcome::Pass, detail);
    };
    let protected = input
        .topology
        .get(&cell.environment)
        .is_some_and(|environment| environment.protected);
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

//! Marking a version bad, and lifting that: whether it can be written, before it is planned.

use jiff::Timestamp;

use super::{Project, Reading};
use crate::{
    domain::{
        failure::{Failure, FailureKind},
        plan::veto_places,
        policy::veto::{VetoAction, VetoChange},
        version::Version,
    },
    sources::git,
};

impl Project {
    /// The veto of a version, said by whoever Git says commits here.
    pub fn veto(
        &self,
        service: String,
        version: Version,
        reason: String,
        now: Timestamp,
    ) -> VetoChange {
        VetoChange {
            service,
            version,
            action: VetoAction::Add {
                reason,
                by: git::author(&self.repo).ok(),
                at: now,
            },
        }
    }

    /// Whether there is something to write for a veto: `false` where it is there already.
    ///
    /// # Errors
    /// Why it cannot be written: tags alone are read, the file cannot be read or edited, or there is nothing to lift.
    pub fn can_veto(&self, reading: &Reading, change: &VetoChange) -> Result<bool, Failure> {
        let refused = |why: String| Failure::new(FailureKind::Refused, why);
        let desired = &reading.desired;
        let path = self.config.topology.policy.veto_file();
        if change.action != VetoAction::Lift && desired.vetoes.has(change) {
            return Ok(false);
        }
        let mut refusal = None;
        for tip in veto_places(desired) {
            if !change.goes_to(tip, desired) {
                continue;
            }
            let repo = self.repository(&tip.name)?;
            let before = repo.file(tip.commit, path.as_str())?.unwrap_or_default();
            match change.apply(&path, &before) {
                Ok(after) => return Ok(after.is_some()),
                Err(why) => {
                    refusal.get_or_insert(why);
                }
            }
        }
        Err(match refusal {
            Some(why) => refused(why),
            None => refused(
                "vetoes are written to a branch, and all that is read here are tags".to_owned(),
            )
            .hint("Write the file by hand where those tags are made from"),
        })
    }
}

//! Marking a version bad, and lifting that: whether it can be written, before it is planned.

use jiff::Timestamp;

use super::{Project, Reading};
use crate::{
    domain::{
        failure::{Failure, FailureKind},
        plan::veto_place,
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
        let Some(tip) = veto_place(&reading.desired) else {
            return Err(refused(
                "vetoes are written to a branch, and all that is read here are tags".to_owned(),
            )
            .hint("Write the file by hand where those tags are made from"));
        };
        let path = self.config.topology.policy.veto_file();
        let before = self
            .repository(&tip.name)?
            .file(tip.commit, path.as_str())?
            .unwrap_or_default();
        let after = change.apply(&path, &before).map_err(refused)?;
        Ok(after.is_some())
    }
}

//! Which commit or tag carries out a plan: it has the plan's digest in its `Plan` trailer.

use std::collections::{BTreeSet, VecDeque};

use super::{Repo, objects::Objects};
use crate::domain::{desired::Tip, failure::Failure, ids::ObjectId};

/// So many commits behind a tip are looked at: a plan that is older is planned again.
const MOST: usize = 5_000;

impl Repo {
    /// The commit of a branch, down to `base`, that has `digest` in its `Plan` trailer; of a tag, the tag itself. A squash may
    /// indent or list what it squashes.
    ///
    /// # Errors
    /// When an object cannot be read.
    pub fn planned(
        &self,
        tip: &Tip,
        base: ObjectId,
        digest: &str,
    ) -> Result<Option<ObjectId>, Failure> {
        let objects = Objects::open(self)?;
        let carries = |text: &str| {
            let trailer = |line: &str| {
                line.trim_start_matches([' ', '*']).strip_prefix("Plan: ") == Some(digest)
            };
            text.lines().any(trailer)
        };
        if tip.name.is_tag() {
            let target = self.target(&self.open()?, &tip.read)?;
            let tag = target.map(|id| objects.tag(id)).transpose()?.flatten();
            return Ok(tag
                .filter(|tag| carries(&tag.message))
                .map(|tag| tag.object));
        }
        let mut queue = VecDeque::from([tip.commit]);
        let mut seen = BTreeSet::new();
        while let Some(commit) = queue.pop_front() {
            if commit == base || !seen.insert(commit) || seen.len() > MOST {
                continue;
            }
            let (header, text) = objects.commit(commit)?;
            if carries(&String::from_utf8_lossy(&text)) {
                return Ok(Some(commit));
            }
            queue.extend(header.parents);
        }
        Ok(None)
    }
}

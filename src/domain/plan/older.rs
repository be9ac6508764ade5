//! Open pull requests for cells that a plan changes, which its own would take the place of.

use std::collections::BTreeMap;

use super::{Older, Plan};
use crate::domain::{ids::CellKey, message, pull_request::Proposal, topology::Deliver};

impl Plan {
    /// Those of what is `open` that are for its cells, with these, each once; not the one that is its own already. None where it
    /// opens no pull request itself.
    pub fn older<'a>(
        &self,
        open: &'a BTreeMap<CellKey, Vec<Proposal>>,
    ) -> Vec<(&'a Proposal, CellKey)> {
        let mut older: Vec<(&Proposal, CellKey)> = Vec::new();
        if self.deliver != Deliver::PullRequest {
            return older;
        }
        for write in self.writes() {
            let changes: Vec<_> = self.changes_of(write).cloned().collect();
            let own = message::branch_name(&changes, &write.tip.name.reference);
            for change in &changes {
                for proposal in open.get(&change.cell).into_iter().flatten() {
                    let known = older
                        .iter()
                        .any(|(it, _)| it.number == proposal.number && it.into == proposal.into);
                    let is_own = proposal.branch.starts_with(&own);
                    if !known && !is_own && proposal.into == write.tip.name {
                        older.push((proposal, change.cell.clone()));
                    }
                }
            }
        }
        older
    }

    /// Whether one is closed once its own is open.
    pub fn supersedes(&self, proposal: &Proposal) -> bool {
        let mut all = self.request.supersedes.iter();
        all.any(|it| it.number == proposal.number && it.into == proposal.into)
    }
}

impl Proposal {
    /// As it is named in a plan that takes its place.
    pub fn as_older(&self) -> Older {
        Older {
            into: self.into.clone(),
            number: self.number,
        }
    }

    /// `#12 (renovate) is open for web / prod: + 1.43.0`
    pub fn open_for(&self, cell: &CellKey) -> String {
        let Self {
            version,
            number,
            author,
            ..
        } = self;
        format!("#{number} ({author}) is open for {cell}: + {version}")
    }
}

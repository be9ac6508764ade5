//! Who signed what brought a cell's values.

use std::collections::{BTreeMap, BTreeSet};

use super::{Project, Reading};
use crate::{
    domain::{
        desired::RefName, failure::Failure, history::HistoryEntry, ids::CellKey, ids::ObjectId,
        signature::Signature,
    },
    sources::git,
};

/// The signatures of the commits that wrote and landed these changes. Blocking: a program for each that has one.
///
/// # Errors
/// What Git meets as it looks.
pub fn signatures<'a>(
    project: &Project,
    reading: &Reading,
    changes: impl IntoIterator<Item = (&'a CellKey, &'a HistoryEntry)>,
) -> Result<BTreeMap<ObjectId, Signature>, Failure> {
    let mut commits: BTreeMap<RefName, BTreeSet<ObjectId>> = BTreeMap::new();
    for (cell, entry) in changes {
        let tip = reading.desired.tip(cell);
        let place = tip.map(|tip| tip.name.clone()).unwrap_or_default();
        let change = &entry.change;
        let both = [change.authored.commit, change.landed.commit];
        commits.entry(place).or_default().extend(both);
    }
    let mut found = BTreeMap::new();
    for (place, commits) in commits {
        let repo = project.repository(&place)?;
        let commits: Vec<ObjectId> = commits.into_iter().collect();
        found.extend(git::signatures(repo, &commits)?);
    }
    Ok(found)
}

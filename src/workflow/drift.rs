//! How cells stand to their upstreams, with as much of the history as that takes.

use std::collections::{BTreeMap, BTreeSet};

use super::{Project, Reading, revert::history_while};
use crate::domain::{
    drift::{self, Skews},
    failure::Failure,
    history::{History, HistoryEntry},
    ids::CellKey,
};

/// The skew of each cell, and the histories that it was judged by.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// How cells stand to their upstreams.
    pub skews: Skews,
    /// It ended before all of the history was read: what is not known of it is no number.
    pub cut_short: bool,
    histories: BTreeMap<CellKey, History>,
}

/// Whose history is read to judge skews.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// That of the upstreams: how far a cell is behind.
    Upstreams,
    /// That of the cells too: how they came to be where they are.
    Both,
}

impl Judged {
    /// What a cell has been, newest first; nothing where that was not read.
    pub fn past(&self, cell: &CellKey) -> &[HistoryEntry] {
        let history = self.histories.get(cell);
        history.map_or(&[], |history| history.entries.as_slice())
    }

    /// Whether the histories end before their cells' beginnings, as this clone is shallow.
    pub fn is_shallow(&self) -> bool {
        self.histories.values().any(|history| history.shallow)
    }
}

/// Judges the skew of every cell. Reads the history of those that have any, and of their upstreams, as long as `goes_on`: what
/// is not known by then is told as that. Blocking; as long as the history is, but where no two environments differ.
///
/// # Errors
/// When the history cannot be read.
pub fn skews(
    project: &Project,
    reading: &Reading,
    whose: Whose,
    goes_on: &dyn Fn() -> bool,
) -> Result<Judged, Failure> {
    let topology = &project.config.topology;
    let known = drift::skews(&reading.desired, topology, &|_| &[]);
    if known.is_empty() {
        return Ok(Judged::default());
    }
    let mut cells: BTreeSet<CellKey> = known
        .iter()
        .map(|(cell, skewed)| skewed.upstream_of(cell))
        .collect();
    if whose == Whose::Both {
        cells.extend(known.keys().cloned());
    }
    // Another upstream may turn out to be the one that counts.
    for cell in known.keys() {
        let from = topology.get(&cell.environment).map(|it| &it.from);
        let from = from.into_iter().flatten();
        cells.extend(from.map(|name| CellKey::new(cell.service.clone(), name.clone())));
    }
    let cells: Vec<CellKey> = cells.into_iter().collect();
    let (histories, whole) = history_while(project, reading, &cells, goes_on)?;
    let judged = Judged {
        skews: Skews::new(),
        cut_short: !whole,
        histories: cells.into_iter().zip(histories).collect(),
    };
    let skews = drift::skews(&reading.desired, topology, &|cell| judged.past(cell));
    Ok(Judged { skews, ..judged })
}

//! How a cell's version stands to its upstream's: behind by so many, ahead, or different without an order.

use std::{cmp::Ordering, collections::HashMap};

use super::Past;
use crate::domain::{
    desired::{Desired, DesiredCell},
    history::HistoryEntry,
    ids::{CellKey, EnvironmentName, ServiceName},
    image,
    last_good::{self, Taken},
    subject::Subject,
    topology::{Require, Topology},
    version::Version,
};

/// How a version stands to another one of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skew {
    /// The upstream has a later one.
    Behind {
        /// So many of the upstream's own versions came since it had this one; `None`: it never had it, or that is not known.
        by: Option<usize>,
    },
    /// Orders above the upstream's.
    Ahead,
    /// Another one, and nothing says which is the later.
    Differs,
}

/// A cell's skew, and from which upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skewed {
    /// The upstream.
    pub upstream: EnvironmentName,
    /// How the cell stands to it.
    pub skew: Skew,
}

/// Every cell that declares another version than its upstreams.
pub type Skews = HashMap<CellKey, Skewed>;

impl Skewed {
    /// The upstream's cell of the same service.
    pub fn upstream_of(&self, cell: &CellKey) -> CellKey {
        CellKey::new(cell.service.clone(), self.upstream.clone())
    }
}

/// The skew of each cell that has one.
///
/// Of several upstreams the first with a later version counts, as it is the one that a promotion takes. A cell that has what one
/// of them has is at its place, unless the environment requires all of them.
pub fn skews(desired: &Desired, topology: &Topology, past: &Past<'_>) -> Skews {
    let mut found = Skews::new();
    let mut rest = desired.cells.keys();
    let mut next = rest.next();
    while let Some(CellKey { service, .. }) = next {
        found.extend(skews_of(desired, service, topology, past));
        next = rest.find(|key| key.service != *service);
    }
    found
}

/// The same of one row.
pub fn skews_of<'d>(
    desired: &'d Desired,
    service: &ServiceName,
    topology: &Topology,
    past: &Past<'_>,
) -> Vec<(CellKey, Skewed)> {
    let row: Vec<(&'d CellKey, &'d DesiredCell)> = desired.row(service).collect();
    let of = |(key, cell): &(&CellKey, &DesiredCell)| {
        Some(((*key).clone(), skew(&row, topology, past, key, cell)?))
    };
    row.iter().filter_map(of).collect()
}

fn skew(
    row: &[(&CellKey, &DesiredCell)],
    topology: &Topology,
    past: &Past<'_>,
    key: &CellKey,
    cell: &DesiredCell,
) -> Option<Skewed> {
    let environment = topology.get(&key.environment)?;
    let own = cell.version.as_ref()?;
    let (mut other, mut equal) = (None, false);
    for name in &environment.from {
        let Some((upstream, declared)) = row.iter().find(|(key, _)| key.environment == *name)
        else {
            continue;
        };
        let Some(theirs) = &declared.version else {
            continue;
        };
        if image::is_same(own, theirs) {
            equal = true;
            continue;
        }
        let skewed = Skewed {
            upstream: name.clone(),
            skew: order(cell.subject, own, theirs, || past(upstream)),
        };
        if matches!(skewed.skew, Skew::Behind { .. }) {
            return Some(skewed);
        }
        other = other.or(Some(skewed));
    }
    other.filter(|_| !equal || environment.require == Require::All)
}

/// How `own` stands to `theirs`, which is another one: by `SemVer` where both are, else by the order in which the upstream had
/// them. A setting has no order.
fn order<'p>(
    subject: Subject,
    own: &Version,
    theirs: &Version,
    past: impl FnOnce() -> &'p [HistoryEntry],
) -> Skew {
    if subject == Subject::Setting {
        return Skew::Differs;
    }
    match own.compare(theirs) {
        Some(Ordering::Greater) => Skew::Ahead,
        Some(Ordering::Equal) => Skew::Differs,
        Some(Ordering::Less) => Skew::Behind {
            by: since(past(), own),
        },
        None => match since(past(), own) {
            by @ Some(_) => Skew::Behind { by },
            None => Skew::Differs,
        },
    }
}

/// How many versions came since `own` was there last, newest first; what was taken back since is nothing that is missing.
fn since(upstream: &[HistoryEntry], own: &Version) -> Option<usize> {
    let had = |entry: &HistoryEntry| entry.change.brought(own);
    let at = upstream.iter().position(had)?;
    let mut came: Vec<&Version> = Vec::new();
    for version in upstream[..at]
        .iter()
        .filter_map(|entry| entry.change.version.as_ref())
    {
        let back = || matches!(last_good::reverted(upstream, version, false), Taken::By(_));
        let is_known = came.iter().any(|known| image::is_same(known, version));
        if !is_known && !back() {
            came.push(version);
        }
    }
    // None: the history is older than the matrix.
    (!came.is_empty()).then_some(came.len())
}

//! What a plan writes, as gates see it: what goes into an environment together, under a name that is worked out once.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use crate::domain::{
    ids::{CellKey, EnvironmentName, ServiceName},
    version::Version,
};

/// Versions of services that go into one environment.
pub(super) type Going = BTreeMap<ServiceName, Version>;

/// What a plan writes, of all cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Planned(BTreeMap<EnvironmentName, (Going, u64)>);

impl FromIterator<(CellKey, Version)> for Planned {
    fn from_iter<T: IntoIterator<Item = (CellKey, Version)>>(cells: T) -> Self {
        let mut all: BTreeMap<EnvironmentName, (Going, u64)> = BTreeMap::new();
        for (cell, version) in cells {
            let (going, _) = all.entry(cell.environment).or_default();
            going.insert(cell.service, version);
        }
        for (going, name) in all.values_mut() {
            *name = hash(going);
        }
        Self(all)
    }
}

impl Planned {
    /// What it writes into a cell.
    pub fn get(&self, cell: &CellKey) -> Option<&Version> {
        let (going, _) = self.0.get(&cell.environment)?;
        going.get(&cell.service)
    }

    /// What goes into the cell's environment together, `to` into the cell; and a name of that.
    pub(super) fn with(&self, cell: &CellKey, to: &Version) -> (Cow<'_, Going>, u64) {
        match self.0.get(&cell.environment) {
            Some((going, name)) if going.get(&cell.service) == Some(to) => {
                (Cow::Borrowed(going), *name)
            }
            others => {
                let mut going = others.map(|(going, _)| going.clone()).unwrap_or_default();
                going.insert(cell.service.clone(), to.clone());
                let name = hash(&going);
                (Cow::Owned(going), name)
            }
        }
    }
}

fn hash(going: &Going) -> u64 {
    let mut hasher = DefaultHasher::new();
    going.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_together_has_one_name_whoever_asks() {
        let pay = CellKey::new("pay", "prod");
        let web = CellKey::new("web", "prod");
        let cells = [
            (pay.clone(), Version::from("1")),
            (web.clone(), "2".into()),
            (CellKey::new("web", "late"), "3".into()),
        ];
        let planned: Planned = cells.into_iter().collect();
        assert_eq!(planned.get(&web), Some(&"2".into()));
        assert_eq!(planned.get(&CellKey::new("pay", "late")), None);
        let two = ("2".into(), "1".into());
        let (by_web, by_pay) = (planned.with(&web, &two.0), planned.with(&pay, &two.1));
        assert_eq!(by_web, by_pay);
        assert_eq!(by_web.0.len(), 2);
        // What is judged as another version than is written goes with the others as that.
        let other = planned.with(&web, &"9".into());
        assert_ne!(other.1, by_web.1);
        assert_eq!(other.0[&pay.service], "1".into());
        assert_eq!(other.0[&web.service], "9".into());
        let alone = Planned::default();
        assert_eq!(alone.with(&web, &"2".into()).0.len(), 1);
    }
}

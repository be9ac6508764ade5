//! `dependency`: what a service needs is there already, or comes with it.

use jiff::Timestamp;

use super::{Change, Facts, Finding, Gate, found};
use crate::domain::{
    ids::CellKey,
    plan::{Intent, Outcome},
    policy::Dependency,
};

pub(super) const GATE: Gate = Gate {
    id: "dependency",
    about: "each service that it depends on has a sufficient version there, or gets one with it",
    promotions_only: false,
    reverts: false,
    acts: |change| needs(change).next().is_some(),
    questions: |_| Vec::new(),
    judge,
};

fn needs<'a>(change: &Change<'a>) -> impl Iterator<Item = &'a Dependency> {
    let all = change.policy().dependencies.iter();
    let service = &change.cell.service;
    all.filter(move |dependency| dependency.service == *service)
}

fn judge(change: &Change<'_>, _: &Facts, _: Timestamp) -> Finding {
    let (mut there, mut missing) = (Vec::new(), Vec::new());
    // Going back, it goes before what it needs: what that becomes comes later.
    let goes_back = matches!(change.intent, Intent::Revert { .. });
    for dependency in needs(change) {
        let cell = CellKey::new(dependency.needs.clone(), change.cell.environment.clone());
        let range = dependency.version.as_str();
        let planned = change.planned.get(&cell).filter(|_| !goes_back);
        let version = planned.or_else(|| change.desired.version(&cell));
        let sufficient = version.is_some_and(|version| {
            let version = version.semver();
            version.is_some_and(|version| dependency.version.contains(&version))
        });
        match (version, sufficient) {
            (Some(version), true) if planned.is_some() => {
                there.push(format!("{} {version} comes with it", dependency.needs));
            }
            (Some(version), true) => there.push(format!("{cell} is {version}")),
            (Some(version), false) => {
                missing.push(format!(
                    "it needs {} {range}, and {cell} is {version}",
                    dependency.needs
                ));
            }
            (None, _) => missing.push(format!(
                "it needs {} {range}, and {cell} declares no version",
                dependency.needs
            )),
        }
    }
    if missing.is_empty() {
        found(Outcome::Pass, there.join("; "))
    } else {
        found(Outcome::Hold, missing.join("; "))
    }
}

//! Which changes of a plan go after which others: as services need each other, and as agents have it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Intent, PlannedChange, waves::After};
use crate::domain::{
    agent::{AgentState, Reference},
    gate::Facts,
    ids::{CellKey, EnvironmentName, ServiceName},
    policy::Dependency,
};

/// Which changes go after which others: services need others in their own environment, by whatever way.
pub(super) fn order(changes: &[PlannedChange], dependencies: &[Dependency]) -> Vec<After> {
    let mut needs: HashMap<&ServiceName, Vec<&ServiceName>> = HashMap::new();
    for dependency in dependencies {
        let own = needs.entry(&dependency.service).or_default();
        own.push(&dependency.needs);
    }
    let by_cell: HashMap<&CellKey, &PlannedChange> = changes
        .iter()
        .map(|change| (&change.cell, change))
        .collect();
    let mut order = BTreeSet::new();
    for change in changes {
        for service in needed(&change.cell.service, &needs) {
            let cell = CellKey::new(service.clone(), change.cell.environment.clone());
            let other = by_cell.get(&cell).filter(|_| cell != change.cell);
            order.extend(other.map(|other| in_order(other, change)));
        }
    }
    order.into_iter().collect()
}

/// A change, and what carries it out.
type Agent<'a> = (&'a PlannedChange, Box<AgentState>);

/// The same as agents have it: what an object of Flux depends on, and lower sync waves of Argo CD, go before.
pub(super) fn agents_order(changes: &[PlannedChange], facts: &Facts) -> Vec<After> {
    let agent = |change: &'_ PlannedChange| {
        let seen = facts.running(&change.cell)?;
        seen.live.as_ref()?.agent.clone()
    };
    let agents: Vec<Agent<'_>> = changes
        .iter()
        .filter_map(|change| Some((change, agent(change)?)))
        .collect();
    let mut groups: BTreeMap<(&EnvironmentName, &str), Vec<&Agent<'_>>> = BTreeMap::new();
    for agent in &agents {
        let (change, own) = agent;
        let group = (&change.cell.environment, own.cluster.as_str());
        groups.entry(group).or_default().push(agent);
    }
    let mut order = Vec::new();
    for group in groups.values() {
        let mut goes_first = |(first, one): &Agent<'_>, (then, other): &Agent<'_>| {
            if one.object != other.object {
                order.push(in_order(first, then));
            }
        };
        let mut named: BTreeMap<Reference, Vec<&Agent<'_>>> = BTreeMap::new();
        // An Application that says nothing is in wave 0.
        let mut waves: BTreeMap<i64, Vec<&Agent<'_>>> = BTreeMap::new();
        for agent in group {
            if let Some(name) = agent.1.reference() {
                named.entry(name).or_default().push(agent);
            }
            if agent.1.kind.is_argocd() {
                let wave = agent.1.sync_wave.unwrap_or(0);
                waves.entry(wave).or_default().push(agent);
            }
        }
        for then in group {
            let wanted = then.1.depends_on.iter();
            for first in wanted.filter_map(|wanted| named.get(wanted)).flatten() {
                goes_first(first, then);
            }
        }
        let mut earlier: Vec<&Agent<'_>> = Vec::new();
        for wave in waves.values() {
            for then in wave {
                for first in &earlier {
                    goes_first(first, then);
                }
            }
            earlier.extend(wave);
        }
    }
    order
}

/// That a change goes after another, unless both go back.
fn in_order(first: &PlannedChange, then: &PlannedChange) -> After {
    let back = |it: &PlannedChange| matches!(it.intent, Intent::Revert { .. });
    let (cell, other) = if back(first) && back(then) {
        (&first.cell, &then.cell)
    } else {
        (&then.cell, &first.cell)
    };
    After {
        cell: cell.clone(),
        other: other.clone(),
    }
}

/// All that a service needs, and what that needs.
fn needed<'d>(
    service: &ServiceName,
    needs: &HashMap<&ServiceName, Vec<&'d ServiceName>>,
) -> BTreeSet<&'d ServiceName> {
    let mut found = BTreeSet::new();
    let mut next = vec![service];
    while let Some(service) = next.pop() {
        for needed in needs.get(service).into_iter().flatten() {
            if found.insert(*needed) {
                next.push(needed);
            }
        }
    }
    found
}

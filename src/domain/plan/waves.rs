//! A plan in waves: what a service needs goes before it, and is healthy before it goes.
//!
//! ```text
//! web needs pay, pay needs ledger         wave 1  ledger / prod
//!                                         wave 2  pay / prod
//!                                         wave 3  web / prod, mail / prod
//! ```
//!
//! What needs nothing of the plan and is needed by nothing goes with the first. Going back, it is the other way round: who
//! needs something goes back first. Where one commit moves cells of several waves (a branch that is merged, bytes that cells
//! share), all of it is one wave, and that is said.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
};

use serde::{Deserialize, Serialize};

use super::{
    Action, ChangeRequest, FileEdit, Plan, PlanInput, PlannedChange, Wave, Write,
    build::draft,
    footprints::Footprints,
    order::{agents_order, order},
    pin::Pins,
};
use crate::domain::{gate::Facts, ids::CellKey, topology::Deliver};

/// Why a cell is in a later wave than another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct After {
    /// The cell.
    pub cell: CellKey,
    /// What goes before it.
    pub other: CellKey,
}

/// Splits the writes of a plan, which are one wave, by what its services need.
pub(super) fn split(
    mut plan: Plan,
    deliver: Deliver,
    asked: (&[ChangeRequest], &Rc<Pins>, &Footprints),
    facts: &Facts,
    input: &PlanInput<'_>,
) -> Plan {
    if input.request.at_once {
        return plan;
    }
    let mut order = order(&plan.changes, &input.topology.policy.dependencies);
    order.extend(agents_order(&plan.changes, facts));
    order.sort();
    order.dedup();
    // What somebody merges, merges at once.
    if order.is_empty() || deliver != Deliver::Push || plan.is_empty() {
        return plan;
    }
    let split = match levels(&plan.changes, &order) {
        Some(levels) => in_waves(&plan, &levels, &order, asked, input),
        None => None,
    };
    match split {
        Some(waves) => plan.waves = waves,
        None => plan.notes.push(format!(
            "all of it goes at once, though {}: it cannot be written apart",
            order.iter().map(After::told).collect::<Vec<_>>().join(", ")
        )),
    }
    plan
}

impl After {
    /// `web / prod goes after pay / prod`
    fn told(&self) -> String {
        format!("{} goes after {}", self.cell, self.other)
    }
}

/// The wave of each change that goes after something or before something; `None` where they go round in a circle.
fn levels(changes: &[PlannedChange], order: &[After]) -> Option<BTreeMap<CellKey, usize>> {
    let mut levels: BTreeMap<CellKey, usize> = BTreeMap::new();
    for change in changes {
        levels.insert(change.cell.clone(), 0);
    }
    // Each round settles at least one more wave, so that more rounds than changes are a circle.
    for _ in 0..=changes.len() {
        let mut moved = false;
        for After { cell, other } in order {
            let least = levels.get(other).map_or(0, |level| level + 1);
            if let Some(level) = levels.get_mut(cell).filter(|level| **level < least) {
                *level = least;
                moved = true;
            }
        }
        if !moved {
            return Some(levels);
        }
    }
    None
}

/// The writes wave by wave; `None` where they cannot be told apart.
fn in_waves(
    plan: &Plan,
    levels: &BTreeMap<CellKey, usize>,
    order: &[After],
    (requests, pins, footprints): (&[ChangeRequest], &Rc<Pins>, &Footprints),
    input: &PlanInput<'_>,
) -> Option<Vec<Wave>> {
    let last = levels.values().max().copied().unwrap_or_default();
    let until = |level: usize| {
        let so_far =
            |request: &&ChangeRequest| levels.get(&request.cell).is_none_or(|it| *it <= level);
        requests.iter().filter(so_far).cloned().collect::<Vec<_>>()
    };
    let drafted = || {
        let mut before: Vec<Write> = Vec::new();
        let steps = (0..=last).map(|level| {
            let now: Vec<Write> = if level == last {
                plan.writes().cloned().collect()
            } else {
                let (so_far, ..) = draft(&until(level), pins, input);
                so_far.writes().cloned().collect()
            };
            let writes = step(&before, &now);
            before = now;
            writes
        });
        steps.collect::<Option<Vec<_>>>()
    };
    let apart = footprints.by_level(plan, levels).or_else(drafted)?;
    let mut waves: Vec<Wave> = apart
        .into_iter()
        .filter(|writes| !writes.is_empty())
        .map(|writes| Wave {
            writes,
            after: Vec::new(),
        })
        .collect();
    let in_wave: HashMap<CellKey, usize> = waves
        .iter()
        .enumerate()
        .flat_map(|(number, wave)| wave.cells().map(move |cell| (cell.clone(), number)))
        .collect();
    for after in order {
        let (own, other) = (in_wave.get(&after.cell), in_wave.get(&after.other));
        // Nothing goes before, or together with, what it needs healthy.
        if own.zip(other).is_some_and(|(own, other)| own <= other) {
            return None;
        }
        if let Some(wave) = own.and_then(|own| waves.get_mut(*own)) {
            wave.after.push(after.clone());
        }
    }
    Some(waves)
}

/// What is written from one state to the next; `None` where that cannot be a commit of its own.
fn step(before: &[Write], now: &[Write]) -> Option<Vec<Write>> {
    let mut writes = Vec::new();
    for write in now {
        let known = before.iter().find(|known| known.tip.name == write.tip.name);
        let Some(known) = known else {
            writes.push(write.clone());
            continue;
        };
        let new = |cell: &&CellKey| !known.cells.contains(cell);
        let cells: Vec<CellKey> = write.cells.iter().filter(new).cloned().collect();
        let edits = edits(&known.edits, &write.edits);
        if write.action != Action::Edit || known.action != Action::Edit {
            // A merge or a tag is one step: all of it is there already, or it cannot be told apart.
            if cells.is_empty() && edits.is_empty() {
                continue;
            }
            return None;
        }
        match (edits.is_empty(), cells.is_empty()) {
            (true, true) => {}
            (false, false) => writes.push(Write {
                edits,
                cells,
                vetoes: Vec::new(),
                ..write.clone()
            }),
            // Bytes that no cell moves by, or a cell that moves with bytes of before.
            _ => return None,
        }
    }
    // What is not written in the end was not written before.
    let stays = |known: &&Write| now.iter().any(|write| write.tip.name == known.tip.name);
    before.iter().all(|known| stays(&known)).then_some(writes)
}

/// The edits that lead from some to others.
fn edits(before: &[FileEdit], now: &[FileEdit]) -> Vec<FileEdit> {
    let find = |edits: &'_ [FileEdit], path| edits.iter().position(|edit| edit.path == path);
    let changed = now.iter().map(|edit| {
        let known = find(before, edit.path.clone()).map(|at| &before[at].after);
        FileEdit {
            before: known.unwrap_or(&edit.before).clone(),
            ..edit.clone()
        }
    });
    let back = before
        .iter()
        .filter(|edit| find(now, edit.path.clone()).is_none());
    let back = back.map(|edit| FileEdit {
        path: edit.path.clone(),
        before: edit.after.clone(),
        after: edit.before.clone(),
    });
    let mut all: Vec<FileEdit> = changed
        .chain(back)
        .filter(|it| it.before != it.after)
        .collect();
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all
}

impl Wave {
    /// The cells that change with it, in order.
    pub fn cells(&self) -> impl Iterator<Item = &CellKey> {
        self.writes.iter().flat_map(|write| &write.cells)
    }

    /// What of earlier waves has to be healthy first, each once.
    pub fn waits_for(&self) -> Vec<&CellKey> {
        let others: BTreeSet<&CellKey> = self.after.iter().map(|after| &after.other).collect();
        others.into_iter().collect()
    }
}

impl Plan {
    /// The part of the plan that one wave is, to be carried out by itself; the plan where it is all there is. Its commits say
    /// what those of the plan do.
    #[must_use]
    pub fn wave(&self, number: usize) -> Self {
        let Some(wave) = self.waves.get(number).filter(|_| self.waves.len() > 1) else {
            return self.clone();
        };
        let cells: BTreeSet<&CellKey> = wave.cells().collect();
        let has = |cell: &CellKey| cells.contains(cell);
        let mut part = self.clone();
        part.waves = vec![wave.clone()];
        part.changes.retain(|change| has(&change.cell));
        part.request.changes.retain(|change| has(&change.cell));
        part.request.refused.clear();
        let vetoes = wave.writes.iter().flat_map(|write| write.vetoes.clone());
        part.request.vetoes = vetoes.collect();
        part.skipped.clear();
        part.digest = part.digest_of();
        part
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{
        agent::{AgentKind, AgentState, Phase},
        desired::Desired,
        ids::ServiceName,
        plan::{
            Intent, PlanRequest,
            tests::{desired, edit, plan_with, planned_of, promote, request, topology},
        },
        policy::Dependency,
        rollout::{LiveCell, Running},
        version_range::VersionRange,
    };

    fn needs(pairs: &[(usize, usize)]) -> Vec<Dependency> {
        let name = |number: usize| ServiceName::from(format!("s{number}").as_str());
        let all = pairs.iter().map(|(service, needs)| Dependency {
            service: name(*service),
            needs: name(*needs),
            version: VersionRange::parse(">=1").unwrap(),
        });
        all.collect()
    }

    /// So many services at 2 in dev and 1 in staging, all in one file.
    fn services(count: usize) -> Desired {
        let names: Vec<String> = (0..count).map(|number| format!("s{number}")).collect();
        let cells: Vec<(&str, &str, &str)> = names
            .iter()
            .flat_map(|name| [(name.as_str(), "dev", "2"), (name.as_str(), "staging", "1")])
            .collect();
        desired(&cells)
    }

    /// The waves, as services, of promoting all of them.
    fn waves(count: usize, pairs: &[(usize, usize)]) -> (Plan, Vec<Vec<String>>) {
        let plan = of_services(count, pairs, false);
        let waves = plan.waves.iter().map(|wave| {
            let cells = wave.cells().map(|cell| cell.service.to_string());
            cells.collect()
        });
        let waves = waves.collect();
        (plan, waves)
    }

    fn of_services(count: usize, pairs: &[(usize, usize)], at_once: bool) -> Plan {
        let mut topology = topology();
        topology.policy.dependencies = needs(pairs);
        let requests: Vec<ChangeRequest> = (0..count)
            .map(|number| request(&format!("s{number}"), "staging", promote("dev")))
            .collect();
        let request = PlanRequest {
            changes: requests,
            at_once,
            ..PlanRequest::default()
        };
        let desired = services(count);
        planned_of(&request, &edit, &topology, &desired, &Running::default())
    }

    /// What goes back whole is one commit, also where its cells share a file: its message names all that it changes.
    #[test]
    fn what_goes_at_once_is_one_wave() {
        let waves = of_services(2, &[(0, 1)], false);
        let once = of_services(2, &[(0, 1)], true);
        assert_eq!((waves.waves.len(), once.waves.len()), (2, 1));
        assert_eq!((waves.refs().len(), waves.target()), (1, once.target()));
        let writes: Vec<&Write> = once.writes().collect();
        assert_eq!((writes.len(), writes[0].cells.len()), (1, 2));
        let last = waves.edits().last().unwrap();
        assert_eq!(writes[0].edits.len(), 1);
        assert_eq!(writes[0].edits[0].after, last.after);
        let message = &writes[0].message;
        assert!(
            message.contains("s0") && message.contains("s1"),
            "{message}"
        );
    }

    #[test]
    fn what_is_needed_goes_before() {
        type Case<'a> = (&'a str, usize, &'a [(usize, usize)], &'a [&'a [&'a str]]);
        let cases: [Case<'_>; 6] = [
            ("nothing is needed", 3, &[], &[&["s0", "s1", "s2"]]),
            ("one of another", 2, &[(0, 1)], &[&["s1"], &["s0"]]),
            (
                "a chain",
                3,
                &[(0, 1), (1, 2)],
                &[&["s2"], &["s1"], &["s0"]],
            ),
            (
                "a diamond",
                4,
                &[(0, 1), (0, 2), (1, 3), (2, 3)],
                &[&["s3"], &["s1", "s2"], &["s0"]],
            ),
            ("beside it", 3, &[(0, 1)], &[&["s1", "s2"], &["s0"]]),
            (
                "by what does not move",
                2,
                &[(0, 9), (9, 1)],
                &[&["s1"], &["s0"]],
            ),
        ];
        for (name, count, pairs, expected) in cases {
            let (plan, found) = waves(count, pairs);
            assert_eq!(found, expected, "{name}");
            assert_eq!(plan.digest, plan.digest_of());
        }
        let (plan, _) = waves(2, &[(0, 1)]);
        let told = plan.waves[1].after[0].told();
        assert_eq!(told, "s0 / staging goes after s1 / staging");
        let part = plan.wave(1);
        assert_eq!(part.changes.len(), 1);
        assert_eq!(part.request.changes.len(), 1);
        assert_eq!(
            part.waves[0].writes[0].message,
            plan.waves[1].writes[0].message
        );
        assert!(
            part.waves[0].writes[0].message.contains(&plan.digest),
            "the whole plan's name"
        );
    }

    #[test]
    fn a_circle_is_told_and_goes_at_once() {
        let (plan, found) = waves(3, &[(0, 1), (1, 2), (2, 0)]);
        assert_eq!(found.len(), 1);
        assert!(
            plan.notes[0].starts_with("all of it goes at once, though s0 / staging goes after s1"),
            "{:?}",
            plan.notes
        );
    }

    #[test]
    fn going_back_turns_it_round() {
        let mut topology = topology();
        topology.policy.dependencies = needs(&[(0, 1)]);
        let back = || Intent::Revert {
            to: Some("0".into()),
            at: None,
        };
        let requests = [
            request("s0", "staging", back()),
            request("s1", "staging", back()),
        ];
        let plan = plan_with(&topology, &services(2), &Running::default(), &[], &requests);
        let first: Vec<String> = plan.waves[0].cells().map(ToString::to_string).collect();
        assert_eq!(
            (plan.waves.len(), first),
            (2, vec!["s0 / staging".to_owned()])
        );
    }

    #[test]
    fn what_agents_say_counts_too() {
        let with = |agents: &[(usize, AgentKind, &[&str], Option<i64>)]| {
            let mut running = Running::default();
            for (number, kind, depends_on, sync_wave) in agents {
                let mut live = LiveCell::unknown("", Timestamp::UNIX_EPOCH);
                let reference = |name: &&str| (*kind, "flux-system".to_owned(), (*name).to_owned());
                let agent = AgentState {
                    kind: *kind,
                    object: format!("flux-system/s{number}"),
                    cluster: "staging".to_owned(),
                    revision: None,
                    attempted: None,
                    phase: Phase::Current,
                    reason: None,
                    depends_on: depends_on.iter().map(reference).collect(),
                    sync_wave: *sync_wave,
                };
                live.agent = Some(agent.into());
                let cell = CellKey::new(format!("s{number}"), "staging");
                running.live.insert(cell, live.into());
            }
            let requests: Vec<ChangeRequest> = (0..agents.len())
                .map(|number| request(&format!("s{number}"), "staging", promote("dev")))
                .collect();
            let plan = plan_with(
                &topology(),
                &services(agents.len()),
                &running,
                &[],
                &requests,
            );
            let waves = plan.waves.iter().map(|wave| {
                let cells = wave.cells().map(|cell| cell.service.to_string());
                cells.collect::<Vec<_>>().join(" ")
            });
            waves.collect::<Vec<_>>()
        };
        let (flux, argo) = (AgentKind::Kustomization, AgentKind::Application);
        let depends = with(&[
            (0, flux, &["s1"], None),
            (1, flux, &[], None),
            (2, flux, &[], None),
        ]);
        assert_eq!(depends, ["s1 s2", "s0"]);
        let waves = with(&[
            (0, argo, &[], Some(2)),
            (1, argo, &[], None),
            (2, argo, &[], Some(-1)),
        ]);
        assert_eq!(waves, ["s2", "s1", "s0"]);
        let circle = with(&[(0, flux, &["s1"], None), (1, flux, &["s0"], None)]);
        assert_eq!(circle, ["s0 s1"], "told, and at once");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever needs whatever: nothing goes with or before what it needs, but where all goes at once; every cell goes
        /// once, and the waves together write what the plan writes.
        #[test]
        fn no_order_breaks_a_dependency(pairs in proptest::collection::vec((0_usize..6, 0_usize..6), 0..8)) {
            let pairs: Vec<(usize, usize)> = pairs.into_iter().filter(|(a, b)| a != b).collect();
            let (plan, found) = waves(6, &pairs);
            let wave = |number: usize| {
                let name = format!("s{number}");
                found.iter().position(|wave| wave.contains(&name)).unwrap()
            };
            if found.len() > 1 {
                for (service, needs) in &pairs {
                    prop_assert!(wave(*service) > wave(*needs), "{pairs:?}: {found:?}");
                }
            }
            prop_assert_eq!(found.iter().map(Vec::len).sum::<usize>(), 6);
            let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
            for edit in plan.edits() {
                let path = edit.path.to_string();
                if let Some(known) = files.get(&path) {
                    prop_assert_eq!(known, &edit.before);
                }
                files.insert(path, edit.after.clone());
            }
            let (whole, _) = waves(6, &[]);
            for edit in whole.edits() {
                prop_assert_eq!(files.get(edit.path.as_str()), Some(&edit.after));
            }
        }
    }
}

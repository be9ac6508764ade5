//! Rows that are judged only where something was told are those that would be judged from scratch.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    app::{
        event::{DesiredRead, HistoryBatch},
        fixture::entry,
    },
    domain::{
        history::ChangeKind,
        rollout::{Connection, Health},
    },
};

const ENVIRONMENTS: [&str; 4] = ["dev", "staging", "prod-us", "prod-eu"];
const SERVICES: [&str; 5] = ["checkout", "mailer", "accounts", "orders", "gone"];
const KEYS: &[&str] = &[
    "j",
    "k",
    "l",
    "h",
    "G",
    "g",
    "space",
    "V",
    "v",
    "p",
    "u",
    "z",
    "o",
    "!",
    "n",
    "N",
    "esc",
    "D",
    "enter",
    "/ \"is:behind enter",
    "/ \"env:prod enter",
    "/ \"is:staged enter",
    "/ \"is:marked enter",
    "/ \"2.4 enter",
    "/ \"!is:healthy_env:staging enter",
    ": \"set_9.9.9 enter",
    "s",
];

/// What happens: something of a kind, to a service in an environment, in one of some ways.
type Happening = (u8, usize, usize, usize);

fn events(driver: &Driver, (kind, service, environment, way): Happening) -> Vec<Event> {
    let model = &driver.model;
    let key = cell(SERVICES[service], ENVIRONMENTS[environment]);
    match kind {
        // A cluster says something of one cell, or of all it has.
        0 | 1 => {
            let health = [Health::Healthy, Health::Degraded, Health::Suspended][way % 3];
            let live = crate::domain::rollout::LiveCell {
                health,
                ..fixture::healthy(["2.4.0", "2.0.3-hot"][way % 2])
            };
            let connection = match way {
                0 => Connection::Lost {
                    reason: "gone".to_owned(),
                    since: model.now,
                    next_try: None,
                },
                1 => Connection::Denied {
                    what: "pods".to_owned(),
                },
                _ => Connection::Live,
            };
            vec![Event::Live {
                context: key.environment.to_string(),
                environment: key.environment.clone(),
                connection,
                cells: vec![(key, live.into())],
                all: kind == 1,
            }]
        }
        // The history says something of one cell.
        2 => {
            let versions = [&["2.4.0", "2.3.2", "2.3.1"][..], &["2.3.1", "2.5.0"], &[]];
            let came = |version: &&str| entry(version, 1, None, ChangeKind::Bump);
            let values = versions[way % 3].iter().map(came).collect();
            vec![Event::History {
                epoch: driver.epoch(Operation::History),
                result: Ok(HistoryBatch {
                    cells: vec![(key, values)],
                    walked: 1,
                    done: false,
                    shallow: false,
                    unknown_before: BTreeMap::new(),
                }),
            }]
        }
        // The matrix is read again: a cell has another version, or is gone.
        3 => {
            let mut desired = (**model.git.desired.as_ref().unwrap()).clone();
            match (desired.cells.get_mut(&key), way) {
                (_, 0) => {
                    desired.cells.remove(&key);
                }
                (Some(cell), _) => cell.version = Some(["2.4.0", "3.0.0"][way % 2].into()),
                (None, _) => {}
            }
            let mut base = fixture::base();
            base.tips[0].commit = commit(&format!("{way:07x}"));
            vec![Event::Desired {
                epoch: driver.epoch(Operation::Desired),
                result: Ok(DesiredRead {
                    base,
                    desired: Arc::new(desired),
                }),
            }]
        }
        // The configuration is read again: an environment has another upstream, or no cluster.
        4 => {
            let mut setup = fixture::setup();
            let environments = &mut setup.topology.environments;
            match way {
                0 => environments[environment].cluster = None,
                1 => environments[environment].from = Vec::new(),
                _ => {}
            }
            vec![Event::ConfigReloaded(Ok(Box::new(setup)))]
        }
        5 => vec![Event::Tick(
            model.now + (i64::try_from(way).unwrap() * 2).seconds(),
        )],
        _ => Vec::new(),
    }
}

fn happen(driver: &mut Driver, happenings: &[Happening]) {
    let mut together: Vec<Event> = Vec::new();
    for happening in happenings {
        let (kind, service, environment, way) = *happening;
        if kind < 6 {
            together.extend(events(driver, *happening));
            // Some come one by one, others in a batch.
            if way % 2 == 0 {
                continue;
            }
        }
        if !together.is_empty() {
            let commands = update_all(&mut driver.model, std::mem::take(&mut together));
            driver.commands.extend(commands);
        }
        if kind >= 6 {
            driver.keys(KEYS[(service + 5 * environment + 20 * way) % KEYS.len()]);
        }
    }
    let commands = update_all(&mut driver.model, together);
    driver.commands.extend(commands);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_are_as_if_judged_from_scratch(
        happenings in prop::collection::vec((0_u8..10, 0_usize..5, 0_usize..4, 0_usize..4), 1..40)
    ) {
        rows_are_as_if_judged_anew(&happenings)?;
    }
}

/// A passing word ends with a tick that nothing else comes with.
#[test]
fn rows_have_the_lines_of_a_word_that_is_over() -> Result<(), TestCaseError> {
    rows_are_as_if_judged_anew(&[(6, 3, 2, 3), (6, 0, 0, 1), (5, 0, 0, 1), (5, 0, 0, 3)])
}

fn rows_are_as_if_judged_anew(happenings: &[Happening]) -> Result<(), TestCaseError> {
    let mut driver = Driver::settled(SIZE);
    driver.model.setup.write = WriteMode::Write;
    for part in happenings.chunks(4) {
        happen(&mut driver, part);
        let mut anew = driver.model.clone();
        anew.judge_from_scratch();
        prop_assert_eq!(driver.model.judged.rows(), anew.judged.rows());
        prop_assert_eq!(driver.model.skews.cells(), anew.skews.cells());
        prop_assert_eq!(driver.model.skews.counts(), anew.skews.counts());
        anew.arrange();
        prop_assert_eq!(&driver.model.matrix, &anew.matrix);
        anew.find_drift();
        prop_assert_eq!(&driver.model.screens, &anew.screens);
    }
    Ok(())
}

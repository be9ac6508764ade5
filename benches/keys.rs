//! A key on the matrix of 1,000 services in 8 environments, from its press to the frame that answers it, while a delivery is
//! followed, clusters speak and the history streams in: each key finds news of all three in front of it.
#![allow(clippy::expect_used, clippy::print_stdout)] // a harness fails by panicking, and says what it measured

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use ratatui::{Terminal, backend::TestBackend};

use tidegate::{
    actions::{Keymap, Press},
    app::{
        event::{DesiredRead, Event, HistoryBatch, Input, ReadFrom},
        layouts::LayoutsBy,
        model::{Model, Setup, WriteMode},
        op_queue::Operation,
        update,
    },
    domain::{
        delivery::{Delivery, Destination, Expectation, Fact, Push},
        desired::{Desired, DesiredCell, RefName, Source, Tip},
        history::{ChangeKind, CommitInfo, HistoryEntry, ValueChange},
        ids::{CellKey, EnvironmentName, ObjectId},
        layout::Origin,
        plan::{
            Action, Came, ChangeRequest, Intent, Plan, PlanRequest, PlannedChange, Wave, Write,
        },
        rollout::{Connection, Few, Health, LiveCell, PodState, Running},
        template::Template,
        topology::{Deliver, Environment, Require, Topology, WorkloadTemplate},
    },
    look::Look,
    ui,
};

const SERVICES: usize = 1_000;
const ENVIRONMENTS: usize = 8;
/// Cells whose history comes with each key, values of each, and cells of one cluster that say something.
const FOUND: usize = 80;
const VALUES: usize = 20;
const SPOKE: usize = 50;
/// Keys that are measured, and their round: rows and columns, pages, ends, orders, a filter, the cell, help and back.
const ROUNDS: usize = 25;
const ROUND: &[&str] = &[
    "j", "j", "l", "j", "k", "h", "pgdn", "pgup", "G", "g", "n", "N", "o", "o", "space", "j",
    "space", "/", "1", "2", "enter", "esc", "esc", "!", "!", "enter", "tab", "j", "tab", "esc",
    "D", "j", "esc", "d", "esc", "A", "esc", "?", "j", "esc", ":", "o", "r", "esc",
];

fn main() {
    // `cargo bench` says `--bench`; whoever only tries whether it runs, does not.
    let rounds = if std::env::args().any(|it| it == "--bench") {
        ROUNDS
    } else {
        1
    };
    for size in [(120, 40), (200, 60)] {
        let mut took = Console::start(size).measured(rounds);
        took.sort_unstable();
        let at = |share: usize| took[(took.len() - 1) * share / 1000].0;
        let milliseconds = |it: Duration| format!("{:.2} ms", it.as_secs_f64() * 1e3);
        println!(
            "a key on {SERVICES} x {ENVIRONMENTS} cells, {} columns, {} rows, while a delivery and a history stream: {} keys\n{:>24}[half {} | 99 of 100 {} | all {}]",
            size.0,
            size.1,
            took.len(),
            "time:   ",
            milliseconds(at(500)),
            milliseconds(at(990)),
            milliseconds(at(1000)),
        );
        let slow = took.iter().rev().take(took.len() / 50);
        let slow: BTreeSet<&str> = slow.map(|(_, key)| *key).collect();
        println!(
            "{:>24}{}",
            "slowest 2 of 100: ",
            slow.into_iter().collect::<Vec<_>>().join(" ")
        );
    }
}

struct Console {
    model: Model,
    terminal: Terminal<TestBackend>,
    cells: Vec<CellKey>,
    delivery: Delivery,
}

impl Console {
    /// The matrix is read, clusters have spoken, a delivery of one cell is followed.
    fn start(size: (u16, u16)) -> Self {
        let now = Timestamp::from_second(1_800_000_000).expect("a time");
        let mut model = Model::new(setup(), now, size, None, Vec::new());
        drop(update::start(&mut model));
        let desired = desired();
        let cells: Vec<CellKey> = desired.cells.keys().cloned().collect();
        let epoch = model
            .operations
            .current(Operation::Desired)
            .expect("it is asked for");
        let read = DesiredRead {
            base: ReadFrom {
                tips: vec![tip()],
                fetched_at: Some(now),
                web: None,
            },
            desired: Arc::new(desired),
        };
        drop(update::update(
            &mut model,
            Event::Desired {
                epoch,
                result: Ok(read),
            },
        ));
        let delivery = delivery(&cells[1], now);
        let backend = TestBackend::new(size.0, size.1);
        let terminal = Terminal::new(backend).expect("a terminal");
        let mut console = Self {
            model,
            terminal,
            cells,
            delivery,
        };
        for environment in 0..ENVIRONMENTS {
            let event = console.spoken(environment, SERVICES, 0);
            drop(update::update(&mut console.model, event));
        }
        console.draw();
        console
    }

    fn measured(mut self, rounds: usize) -> Vec<(Duration, &'static str)> {
        let mut took = Vec::new();
        for (turn, key) in (0..rounds).flat_map(|_| ROUND).enumerate() {
            let mut events = vec![self.spoken(turn % ENVIRONMENTS, SPOKE, turn)];
            events.extend(self.found(turn));
            events.push(self.followed(turn));
            let at = self
                .model
                .now
                .checked_add(SignedDuration::from_millis(150))
                .expect("a time");
            let press = Press::parse(key).expect("a key");
            events.push(Event::Input {
                at,
                input: Input::Key {
                    press,
                    repeat: false,
                },
            });
            let began = Instant::now();
            let commands = update::update_all(&mut self.model, events);
            self.draw();
            took.push((began.elapsed(), *key));
            drop(commands);
        }
        took
    }

    fn draw(&mut self) {
        let mut drawn = None;
        let model = &self.model;
        self.terminal
            .draw(|frame| drawn = Some(ui::render(model, frame)))
            .expect("a frame");
        update::drawn(&mut self.model, drawn.expect("it was drawn"));
    }

    /// A cluster says something of so many of its cells.
    fn spoken(&self, environment: usize, count: usize, turn: usize) -> Event {
        let name = environment_name(environment);
        let of_it = self.cells.iter().filter(|cell| cell.environment == name);
        let cells = of_it.cycle().skip(turn % SERVICES).take(count);
        let cells = cells.enumerate().map(|(index, cell)| {
            let health = match (index + turn) % 40 {
                0 => Health::Degraded,
                1 => Health::Progressing,
                _ => Health::Healthy,
            };
            (cell.clone(), live(health, self.model.now))
        });
        Event::Live {
            context: name.to_string(),
            environment: name.clone(),
            connection: Connection::Live,
            cells: cells.map(|(key, live)| (key, live.into())).collect(),
            all: count == SERVICES,
        }
    }

    /// A batch of the history.
    fn found(&self, turn: usize) -> Option<Event> {
        let epoch = self.model.operations.current(Operation::History)?;
        let cells = self
            .cells
            .iter()
            .cycle()
            .skip(turn * FOUND % self.cells.len())
            .take(FOUND);
        let cells = cells.map(|cell| (cell.clone(), values(self.model.now, turn)));
        let batch = HistoryBatch {
            cells: cells.collect(),
            walked: u64::try_from(turn * 1_000).expect("a few"),
            done: false,
            shallow: false,
            unknown_before: BTreeMap::new(),
        };
        Some(Event::History {
            epoch,
            result: Ok(batch),
        })
    }

    /// The delivery sees pods come and go.
    fn followed(&mut self, turn: usize) -> Event {
        let at = self.model.now;
        let mut running = Running::default();
        for run in &self.delivery.cells {
            let mut live = live(Health::Progressing, at);
            live.updated = u32::try_from(turn % 3).expect("a few");
            running.live.insert(run.cell.clone(), live.into());
            running
                .connections
                .insert(run.cell.environment.clone(), Connection::Live);
        }
        let steps = self
            .delivery
            .apply(at, Fact::Seen(&running, Duration::from_secs(1)));
        Event::Delivery {
            at,
            delivery: Arc::new(self.delivery.clone()),
            steps,
        }
    }
}

fn environment_name(index: usize) -> EnvironmentName {
    format!("env-{index}").as_str().into()
}

fn setup() -> Setup {
    let environment = |index: usize| Environment {
        name: environment_name(index),
        from: index
            .checked_sub(1)
            .map(environment_name)
            .into_iter()
            .collect(),
        require: Require::Any,
        cluster: Some(environment_name(index).to_string()),
        agent: None,
        namespace: Template::parse("shop").expect("a template"),
        workload: WorkloadTemplate::Name(Template::parse("{service}").expect("a template")),
        protected: index + 2 >= ENVIRONMENTS,
        url: None,
        deliver: Deliver::Push,
        timeout: Duration::from_mins(15),
    };
    Setup {
        sources: Vec::new(),
        repository: "bench".to_owned(),
        topology: Topology {
            environments: (0..ENVIRONMENTS).map(environment).collect(),
            ..Topology::default()
        },
        layouts: LayoutsBy::Written,
        write: WriteMode::Write,
        bell: tidegate::look::bell::Bell::Off,
        look: Look {
            themes: tidegate::config::themes::bundled(),
            ..Look::default()
        },
        keymap: Keymap::default(),
        commands: Vec::new(),
        filter: String::new(),
        fetch_every: None,
        demo: false,
        story: None,
    }
}

fn commit(number: usize) -> ObjectId {
    format!("{number:040x}").parse().expect("an id")
}

fn tip() -> Tip {
    let name = RefName {
        repository: None,
        reference: "refs/heads/main".to_owned(),
    };
    Tip::new(name, Origin::default(), commit(1))
}

/// Every seventh service is behind somewhere.
fn desired() -> Desired {
    let environments: Vec<EnvironmentName> = (0..ENVIRONMENTS).map(environment_name).collect();
    let mut cells = BTreeMap::new();
    for service in 0..SERVICES {
        for (index, environment) in environments.iter().enumerate() {
            let name = format!("service-{service:04}");
            let is_behind = service % 7 == 0 && index > 3;
            let path = format!("apps/{name}/overlays/{environment}/kustomization.yaml");
            let declared = DesiredCell {
                version: Some(if is_behind { "1.0.3" } else { "1.0.4" }.into()),
                sources: vec![Source {
                    path: path.as_str().into(),
                    line: 7,
                }],
                ..DesiredCell::default()
            };
            cells.insert(CellKey::new(name.as_str(), environment.clone()), declared);
        }
    }
    let services = (0..SERVICES).map(|service| format!("service-{service:04}").as_str().into());
    Desired {
        vetoes: tidegate::domain::policy::veto::Vetoes::default(),
        tips: vec![tip()],
        commit: commit(1),
        services: services.collect(),
        environments,
        cells,
        problems: Vec::new(),
    }
}

fn live(health: Health, now: Timestamp) -> LiveCell {
    let pods = (0..3).map(|index| PodState {
        name: format!("service-5d9f7c6b8-x{index}k2p"),
        version: Some("1.0.4".into()),
        ready: health == Health::Healthy,
        reason: "Running".to_owned(),
        message: None,
        restarts: 0,
        terminating: false,
        created: Some(now),
        pulled: None,
        node: Some(format!("node-{index}")),
    });
    LiveCell {
        health,
        reason: (health == Health::Degraded).then(|| "CrashLoopBackOff x4".to_owned()),
        since: Some(now),
        versions: Few::from_iter([("1.0.4".into(), 3)]),
        serving: Some("1.0.4".into()),
        ready: 3,
        desired: 3,
        updated: 3,
        pods: pods.collect(),
        ..LiveCell::unknown("", now)
    }
}

fn values(now: Timestamp, turn: usize) -> Vec<HistoryEntry> {
    let entry = |age: usize| {
        let hours = i64::try_from(age * 24 + 1).expect("a few");
        let info = Arc::new(CommitInfo {
            commit: commit(turn * VALUES + age),
            time: now
                .checked_sub(SignedDuration::from_hours(hours))
                .expect("a time"),
            author: "jane".to_owned(),
            subject: "promote a service".to_owned(),
            pull_request: None,
            said: tidegate::domain::said::Said::default(),
        });
        HistoryEntry {
            change: ValueChange {
                version: Some(format!("1.0.{}", VALUES - age).as_str().into()),
                previous: None,
                landed: info.clone(),
                authored: info,
                depth: 0,
                line: 0,
                moved: None,
            },
            kind: ChangeKind::Bump,
            stayed_seconds: (age > 0).then_some(86_400),
        }
    };
    (0..VALUES).map(entry).collect()
}

fn delivery(cell: &CellKey, now: Timestamp) -> Delivery {
    let intent = Intent::Set {
        version: "1.0.5".into(),
    };
    let plan = Plan {
        request: PlanRequest {
            changes: vec![ChangeRequest {
                cell: cell.clone(),
                intent: intent.clone(),
                came: Came::Named,
            }],
            ..PlanRequest::default()
        },
        base: vec![tip()],
        deliver: Deliver::Push,
        changes: vec![PlannedChange {
            inherits: None,
            pins: None,
            along: None,
            cell: cell.clone(),
            intent,
            from: Some("1.0.4".into()),
            to: Some("1.0.5".into()),
            verdicts: Vec::new(),
        }],
        waves: vec![Wave {
            after: Vec::new(),
            writes: vec![Write {
                vetoes: Vec::new(),
                in_step: None,
                tip: tip(),
                action: Action::Edit,
                message: "set a service".to_owned(),
                edits: Vec::new(),
                cells: vec![cell.clone()],
            }],
        }],
        held_back: Vec::new(),
        skipped: Vec::new(),
        notes: Vec::new(),
        digest: "bench".to_owned(),
    };
    let mut delivery = Delivery::new(&plan, now);
    let push = Push {
        base: tip(),
        commit: commit(2),
        destination: Destination::Branch,
    };
    let expected = Expectation {
        version: Some("1.0.5".into()),
        subject: tidegate::domain::subject::Subject::Image,
        looked_for: true,
        timeout: Duration::from_mins(15),
        verifies: false,
        commit: None,
    };
    for fact in [
        Fact::Confirmed(Vec::new()),
        Fact::Made(push.clone()),
        Fact::Published(push.published("set a service", None)),
        Fact::Expected(BTreeMap::from([(cell.clone(), expected)])),
    ] {
        drop(delivery.apply(now, fact));
    }
    delivery
}

//! A model for tests: the repository and clusters of the design's sketch, keys typed as text.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use jiff::{Timestamp, ToSpan};

use super::{
    command::Command,
    event::{DesiredRead, Event, HistoryBatch, Input, Planned, ReadFrom},
    model::{Model, Setup, WriteMode},
    op_queue::Operation,
    update::{start, update},
};
use crate::{
    actions::{Keymap, Press},
    domain::{
        agent::{AgentKind, AgentState, At, Hop, Order, Phase},
        delivery::{Destination, Fact, Push},
        desired::{Desired, DesiredCell, RefName, Source, Tip},
        history::{ChangeKind, CommitInfo, HistoryEntry, ValueChange},
        ids::{CellKey, EnvironmentName, ObjectId},
        layout::Origin,
        rollout::{Connection, Health, LiveCell, PodState},
        template::Template,
        topology::{Deliver, Environment, Require, Topology, WorkloadTemplate},
        version::Version,
    },
    look::Look,
};

/// 2026-11-21 14:02:11 UTC.
pub(crate) fn moment() -> Timestamp {
    "2026-11-21T14:02:11Z".parse().unwrap()
}

/// A commit that begins with these hexadecimal digits.
pub(crate) fn commit(digits: &str) -> ObjectId {
    format!("{digits:0<40}").parse().unwrap()
}

pub(crate) fn cell(service: &str, environment: &str) -> CellKey {
    CellKey::new(service, environment)
}

/// dev → staging → prod-us and prod-eu, both protected.
pub(crate) fn topology() -> Topology {
    let environment = |name: &str, from: &[&str], protected| Environment {
        name: name.into(),
        from: from
            .iter()
            .map(|name| EnvironmentName::from(*name))
            .collect(),
        require: Require::Any,
        cluster: Some(name.to_owned()),
        namespace: Template::parse("shop").unwrap(),
        workload: WorkloadTemplate::Name(Template::parse("{service}").unwrap()),
        protected,
        url: Some(format!("https://{name}.shop.example.com")),
        deliver: Deliver::Push,
        timeout: Duration::from_mins(15),
    };
    Topology {
        environments: vec![
            environment("dev", &[], false),
            environment("staging", &["dev"], false),
            environment("prod-us", &["staging"], true),
            environment("prod-eu", &["staging"], true),
        ],
        ..Topology::default()
    }
}

pub(crate) fn setup() -> Setup {
    Setup {
        repository: "platform-deploy".to_owned(),
        topology: topology(),
        guessed: None,
        write: WriteMode::ReadOnly,
        look: Look {
            themes: crate::config::themes::bundled(),
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

/// The deployment branch at a commit.
pub(crate) fn tip(short: &str) -> Tip {
    let name = RefName {
        repository: None,
        reference: "refs/heads/main".to_owned(),
    };
    Tip {
        remote: Some("origin".to_owned()),
        read: "refs/remotes/origin/main".to_owned(),
        shown: "origin/main".to_owned(),
        ..Tip::new(name, Origin::default(), commit(short))
    }
}

pub(crate) fn base() -> ReadFrom {
    ReadFrom {
        tips: vec![tip("a1b2c3d")],
        fetched_at: Some(moment() - 12.seconds()),
        web: Some("https://git.example.com/shop/platform-deploy".to_owned()),
    }
}

/// Rows of versions, one per environment of [`topology`]; `-` for a cell that does not exist.
pub(crate) fn desired(rows: &[(&str, [&str; 4])]) -> Desired {
    let environments: Vec<EnvironmentName> = ["dev", "staging", "prod-us", "prod-eu"]
        .into_iter()
        .map(EnvironmentName::from)
        .collect();
    let mut cells = BTreeMap::new();
    for (service, versions) in rows {
        for (environment, version) in environments.iter().zip(versions) {
            if *version == "-" {
                continue;
            }
            let path = format!("apps/{service}/overlays/{environment}/kustomization.yaml");
            let declared = DesiredCell {
                version: Some(Version::from(*version)),
                sources: vec![Source {
                    path: path.as_str().into(),
                    line: 7,
                }],
                ..DesiredCell::default()
            };
            cells.insert(CellKey::new(*service, environment.clone()), declared);
        }
    }
    let mut services: Vec<_> = rows.iter().map(|(name, _)| (*name).into()).collect();
    services.sort();
    Desired {
        tips: Vec::new(),
        commit: commit("a1b2c3d"),
        services,
        environments,
        cells,
        problems: Vec::new(),
        vetoes: crate::domain::policy::veto::Vetoes::default(),
    }
}

/// The design's rows: four with something to tell, thirteen healthy ones.
pub(crate) fn rows() -> Vec<(&'static str, [&'static str; 4])> {
    let mut rows = vec![
        ("checkout", ["1.42.0", "1.42.0", "1.42.0", "1.41.3"]),
        ("payments", ["3.9.1", "3.9.1", "3.8.7", "3.8.7"]),
        ("mailer", ["2.0.4", "2.0.3", "2.0.3", "2.0.3"]),
        ("identity", ["5.1.0", "5.0.9", "5.0.9", "5.0.9"]),
    ];
    let quiet = [
        "accounts",
        "basket",
        "catalog",
        "currency",
        "email",
        "frontend",
        "inventory",
        "ledger",
        "orders",
        "quotes",
        "search",
        "shipping",
        "support",
    ];
    rows.extend(quiet.map(|name| (name, ["2.4.0", "2.4.0", "2.3.1", "2.3.1"])));
    rows
}

/// A healthy cell that runs `version`.
pub(crate) fn healthy(version: &str) -> LiveCell {
    LiveCell {
        health: Health::Healthy,
        reason: None,
        since: None,
        versions: BTreeMap::from([(version.into(), 3)]),
        serving: Some(version.into()),
        batch: false,
        hidden: false,
        ready: 3,
        desired: 3,
        updated: 3,
        as_of: moment() - 2.seconds(),
        stale: false,
        workloads: vec!["Deployment/app".to_owned()],
        pods: Vec::new(),
        agent: None,
        hop: None,
        progress: None,
        beside: Vec::new(),
        healthy: Vec::new(),
        windows: None,
    }
}

/// A cell in trouble: two of six ready.
pub(crate) fn troubled(health: Health, version: &str, reason: &str) -> LiveCell {
    let pod = |index: u32, ready| PodState {
        name: format!("checkout-5d9f7c6b8-x{index}k2p"),
        version: Some(if ready { "1.41.3" } else { version }.into()),
        ready,
        reason: if ready { "Running" } else { "CrashLoopBackOff" }.to_owned(),
        message: (!ready).then(|| "back-off 5m0s restarting failed container".to_owned()),
        restarts: if ready { 0 } else { 14 },
        terminating: false,
        created: Some(moment() - 47.minutes()),
        node: Some(format!("node-{index}")),
    };
    LiveCell {
        health,
        reason: Some(reason.to_owned()),
        since: Some(moment() - 3.minutes()),
        versions: BTreeMap::from([("1.41.3".into(), 2), (version.into(), 4)]),
        ready: 2,
        desired: 6,
        pods: (0..6).map(|index| pod(index, index > 3)).collect(),
        workloads: vec!["Deployment/checkout".to_owned()],
        ..healthy(version)
    }
}

/// One value of a history: version, days ago, how many days it stayed, kind.
pub(crate) fn entry(
    version: &str,
    days: i64,
    stayed: Option<i64>,
    kind: ChangeKind,
) -> HistoryEntry {
    let time = moment() - (days * 24).hours() - 2.minutes();
    let info = Arc::new(CommitInfo {
        commit: commit(&format!("{:07x}", 0x77e_01fa + days * 4_097)),
        time,
        author: if days % 2 == 0 { "jane" } else { "ahmed" }.to_owned(),
        subject: format!("promote checkout to {version} (#{})", 812 - days),
        pull_request: u32::try_from(812 - days).ok(),
        said: crate::domain::said::Said::default(),
    });
    HistoryEntry {
        change: ValueChange {
            version: Some(version.into()),
            previous: None,
            landed: info.clone(),
            authored: info,
            depth: 0,
            line: 0,
            moved: None,
        },
        kind,
        stayed_seconds: stayed.map(|days| days * 86_400),
    }
}

/// Four values, of which the one before today's was good.
pub(crate) fn values() -> Vec<HistoryEntry> {
    let promoted = || ChangeKind::Promotion {
        from: "staging".into(),
    };
    vec![
        entry("1.42.0", 0, None, promoted()),
        entry("1.41.3", 6, Some(6), ChangeKind::Revert),
        entry("1.41.4", 7, Some(0), promoted()),
        entry("1.41.3", 20, Some(13), promoted()),
        entry("1.40.0", 61, Some(41), ChangeKind::Bump),
    ]
}

/// A model being driven.
pub(crate) struct Driver {
    pub(crate) model: Model,
    /// Commands since they were last taken.
    pub(crate) commands: Vec<Command>,
}

impl Driver {
    /// A fresh start at this size, nothing known yet.
    pub(crate) fn fresh(setup: Setup, size: (u16, u16)) -> Self {
        let mut model = Model::new(setup, moment(), size, None, Vec::new());
        let commands = start(&mut model);
        Self { model, commands }
    }

    /// Started, the matrix, clusters and history known, as in the design's sketch.
    pub(crate) fn settled(size: (u16, u16)) -> Self {
        Self::settled_with(setup(), size)
    }

    /// The cursor on checkout / dev.
    pub(crate) fn settled_with(setup: Setup, size: (u16, u16)) -> Self {
        let mut driver = Self::untouched(setup, size);
        driver.model.select(&cell("checkout", "dev"));
        driver
    }

    /// No key was pressed yet.
    pub(crate) fn untouched(setup: Setup, size: (u16, u16)) -> Self {
        let mut driver = Self::fresh(setup, size);
        let result = Ok(DesiredRead {
            base: base(),
            desired: Arc::new(desired(&rows())),
        });
        let epoch = driver.epoch(Operation::Desired);
        driver.send(Event::Desired { epoch, result });
        let epoch = driver.epoch(Operation::Fetch);
        let at = moment() - 12.seconds();
        let refs = base().refs();
        driver.send(Event::Fetched {
            epoch,
            result: Ok(super::event::Fetched { refs, at }),
        });
        driver.send(Event::Ran {
            line: "git fetch origin main".to_owned(),
            ok: true,
            outcome: "ok".to_owned(),
            took: Duration::from_millis(400),
        });
        driver.live();
        let epoch = driver.epoch(Operation::History);
        let all = driver.model.git.desired.clone().unwrap();
        let cells = all.cells.keys().map(|key| (key.clone(), values()));
        let batch = HistoryBatch {
            cells: cells.collect(),
            walked: 1_240,
            done: true,
            shallow: false,
            unknown_before: BTreeMap::new(),
        };
        driver.send(Event::History {
            epoch,
            result: Ok(batch),
        });
        driver.commands.clear();
        driver
    }

    fn live(&mut self) {
        let desired = self.model.git.desired.clone().unwrap();
        let mut known: HashMap<CellKey, LiveCell> = HashMap::new();
        for (key, declared) in &desired.cells {
            let version = declared.version.as_ref().unwrap();
            known.insert(key.clone(), healthy(version.as_str()));
        }
        let crash = troubled(Health::Degraded, "1.42.0", "CrashLoopBackOff ×4");
        known.insert(cell("checkout", "prod-us"), crash);
        let rolling = troubled(Health::Progressing, "3.9.1", "4 of 6 updated");
        known.insert(cell("payments", "staging"), rolling);
        known.insert(cell("mailer", "prod-us"), healthy("2.0.3-hot"));
        let mut suspended = healthy("2.0.3");
        suspended.health = Health::Suspended;
        suspended.reason = Some("paused by hand".to_owned());
        known.insert(cell("mailer", "staging"), suspended);
        for environment in &desired.environments {
            let lost = environment.as_str() == "prod-eu";
            let connection = if lost {
                Connection::Lost {
                    reason: "exec plugin exit 255, token expired".to_owned(),
                    since: moment() - 4.minutes(),
                    next_try: Some(moment() + 8.seconds()),
                }
            } else {
                Connection::Live
            };
            let cells = known
                .iter()
                .filter(|(key, _)| key.environment == *environment);
            let cells = cells.map(|(key, live)| {
                let mut live = live.clone();
                if lost {
                    live.stale = true;
                    live.as_of = moment() - 4.minutes();
                }
                (key.clone(), live)
            });
            self.send(Event::Live {
                environment: environment.clone(),
                context: environment.to_string(),
                connection,
                cells: cells.collect(),
                all: true,
            });
        }
    }

    /// mailer is brought by a Kustomization in dev, which waits for its next reconcile, and by an Application in prod-us that
    /// nothing syncs by itself.
    pub(crate) fn brought_by_agents(&mut self) {
        let agent = |kind: AgentKind, object: &str, cluster: &str, phase| AgentState {
            kind,
            object: object.to_owned(),
            cluster: cluster.to_owned(),
            revision: Some("77e01fa".repeat(5)),
            attempted: None,
            phase,
            reason: None,
            depends_on: Vec::new(),
            sync_wave: None,
        };
        let hop = |reason: &str, next, order| Hop {
            at: At::Sync,
            reason: reason.to_owned(),
            next,
            order: Some(order),
            failing: false,
        };
        let cells = [
            (
                "dev",
                agent(
                    AgentKind::Kustomization,
                    "flux-system/mailer",
                    "dev",
                    Phase::Current,
                ),
                hop(
                    "Flux has not applied it yet",
                    Some(moment() + 28.minutes()),
                    Order::Reconcile,
                ),
            ),
            (
                "prod-us",
                agent(
                    AgentKind::Application,
                    "argocd/mailer",
                    "hub",
                    Phase::NotAutomated,
                ),
                hop(
                    "Argo CD has not synced: no automated sync",
                    None,
                    Order::Sync,
                ),
            ),
        ];
        for (environment, agent, hop) in cells {
            let live = LiveCell {
                agent: Some(agent),
                hop: Some(hop),
                ..healthy("2.0.2")
            };
            self.send(Event::Live {
                environment: environment.into(),
                context: environment.to_owned(),
                connection: Connection::Live,
                cells: vec![(cell("mailer", environment), live)],
                all: false,
            });
        }
    }

    /// The asking of this kind that is in flight.
    pub(crate) fn epoch(&self, operation: Operation) -> super::event::Epoch {
        self.model.operations.current(operation).unwrap_or_default()
    }

    pub(crate) fn send(&mut self, event: Event) {
        let commands = update(&mut self.model, event);
        self.commands.extend(commands);
    }

    /// Types keys, separated by spaces, half a second apart; `"text"` types its letters.
    pub(crate) fn keys(&mut self, keys: &str) -> &mut Self {
        for token in keys.split_whitespace() {
            if let Some(text) = token.strip_prefix('"') {
                for c in text.trim_end_matches('"').chars() {
                    let name = if c == '_' {
                        "space".to_owned()
                    } else {
                        c.to_string()
                    };
                    self.key(&name, 500);
                }
            } else {
                self.key(token, 500);
            }
        }
        self
    }

    /// Types one key, so many milliseconds after what was before.
    pub(crate) fn key(&mut self, key: &str, after_milliseconds: i64) {
        let press = Press::parse(key).unwrap_or_else(|| panic!("no key {key}"));
        self.send(Event::Input {
            at: self.model.now + after_milliseconds.milliseconds(),
            input: Input::Key {
                press,
                repeat: false,
            },
        });
    }

    /// Answers the plan that is being made.
    pub(crate) fn planned(&mut self, plan: Planned) {
        let epoch = self.epoch(Operation::Plan);
        self.send(Event::Planned {
            epoch,
            result: Ok(Arc::new(plan)),
        });
    }

    /// The newest delivery learns something, `after` seconds from now.
    pub(crate) fn fact(&mut self, after: i64, fact: Fact<'_>) {
        let at = self.model.now + after.seconds();
        let newest = self.model.deliveries.last().unwrap();
        let mut delivery = (*newest.delivery).clone();
        let steps = delivery.apply(at, fact);
        self.send(Event::Delivery {
            at,
            delivery: Arc::new(delivery),
            steps,
        });
    }

    /// It leaves the clone as `c0ffee1`.
    pub(crate) fn pushed(&mut self, deliver: Deliver, message: &str) {
        let push = Push {
            base: tip("a1b2c3d"),
            commit: commit("c0ffee1"),
            destination: match deliver {
                Deliver::Push => Destination::Branch,
                Deliver::Branch | Deliver::PullRequest => {
                    Destination::Own("tidegate/set".to_owned())
                }
            },
        };
        self.fact(2, Fact::Published(push.published(message, None)));
    }

    /// Commands since the last time, without lines for the log and what was typed.
    pub(crate) fn taken(&mut self) -> Vec<Command> {
        let mut commands = std::mem::take(&mut self.commands);
        commands.retain(|command| {
            !matches!(command, Command::WriteActivity(_) | Command::KeepRecent(_))
        });
        commands
    }
}

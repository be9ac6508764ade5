//! One cell: its history, earlier versions, and where a version has been.

use std::{collections::BTreeMap, sync::Arc};

use jiff::ToSpan;

use crate::{
    app::{
        event::{DesiredRead, Event, HistoryBatch, LogPart},
        fixture::{self, Driver, cell, commit, moment},
        model::WriteMode,
        op_queue::Operation,
    },
    domain::{
        agent::{Conductor, Progress, Stage, Step},
        by_hand::{Choice, Weighed},
        diff::{Diff, FileDiff},
        history::{ChangeKind, CommitInfo, HistoryEntry},
        policy::{Kind, Window},
        rollout::{ClusterNote, Connection, Counts, LiveCell, LogLine},
    },
};

pub(super) fn cell_screen(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    driver.keys("l l enter");
    let note = |minutes: i64, warning, reason: &str, message: &str, count| ClusterNote {
        time: Some(moment() - minutes.minutes()),
        warning,
        reason: reason.to_owned(),
        message: message.to_owned(),
        object: "Pod/checkout-5d9f7c6b8-x0k2p".to_owned(),
        count,
    };
    driver.send(Event::Notes {
        cell: cell("checkout", "prod-us"),
        result: Ok(vec![
            note(
                1,
                true,
                "BackOff",
                "Back-off restarting failed container checkout",
                14,
            ),
            note(3, true, "Unhealthy", "Readiness probe failed: HTTP 503", 6),
            note(
                47,
                false,
                "Pulled",
                "Container image already present on machine",
                1,
            ),
        ]),
    });
    let epoch = driver.epoch(Operation::Diff);
    driver.send(Event::CommitDiff {
        epoch,
        cell: cell("checkout", "prod-us"),
        commit: commit("77e01fa"),
        result: Ok(diff("checkout", "prod-us", "1.41.3", "1.42.0")),
    });
    driver
}

pub(super) fn log(size: (u16, u16)) -> Driver {
    let mut driver = cell_screen(size);
    driver.keys("L");
    let epoch = driver.epoch(Operation::Log);
    driver.send(Event::Log {
        epoch,
        part: LogPart::Of {
            container: "checkout".to_owned(),
            containers: vec!["checkout".to_owned()],
            previous: true,
        },
    });
    let line = |second: i64, text: &str| LogLine {
        time: Some(moment() - second.seconds()),
        text: text.to_owned(),
    };
    let long = "level=error msg=\"cannot begin\" error=\"relation \\\"orders_v2\\\" does not exist\" migration=0042 host=db.shop.svc tries=5";
    let mut lines: Vec<LogLine> = (0..60)
        .map(|n| line(90 - n, &format!("level=info msg=\"try\" count={n}")))
        .collect();
    lines.push(line(4, long));
    lines.push(line(3, "panic: no such table"));
    driver.send(Event::Log {
        epoch,
        part: LogPart::Lines(lines),
    });
    driver.send(Event::Log {
        epoch,
        part: LogPart::End(Ok(())),
    });
    driver
}

pub(super) fn described(size: (u16, u16)) -> Driver {
    let mut driver = cell_screen(size);
    driver.keys("D");
    let epoch = driver.epoch(Operation::Object);
    let lines = [
        "Name        checkout-5d9f7c6b8-x0k2p",
        "Node        node-1",
        "",
        "Containers",
        "  checkout  registry.example.com/checkout:1.42.0",
        "    state           waiting: CrashLoopBackOff",
    ];
    driver.send(Event::ObjectShown {
        epoch,
        result: Ok(lines.map(str::to_owned).to_vec()),
    });
    driver
}

pub(super) fn cell_agent(size: (u16, u16)) -> Driver {
    let mut setup = fixture::setup();
    setup.write = WriteMode::Write;
    let mut driver = Driver::settled_with(setup, size);
    driver.brought_by_agents();
    let dev = cell("mailer", "dev");
    driver.model.matrix.row = Some(dev.service);
    driver.keys("enter");
    driver
}

pub(super) fn agent(size: (u16, u16)) -> Driver {
    let mut driver = cell_agent(size);
    driver.keys("a");
    driver
}

pub(super) fn agent_question(size: (u16, u16)) -> Driver {
    let mut driver = cell_agent(size);
    driver.keys("l l");
    driver.keys("a s \"prod");
    driver
}

/// A cell that two agents move: one brings it, one delivers it step by step; and it has workloads.
fn by_hand(size: (u16, u16), window: bool) -> Driver {
    let mut setup = fixture::setup();
    setup.write = WriteMode::Write;
    if window {
        let hour = std::time::Duration::from_hours(1);
        let mut window = Window::new("stocktaking", Kind::Deny, "* * * * *", hour, "UTC").unwrap();
        (window.environments, window.services) = (vec!["*".to_owned()], vec!["*".to_owned()]);
        setup.topology.policy.windows = vec![window];
    }
    let mut driver = Driver::settled_with(setup, size);
    driver.brought_by_agents();
    let prod = cell("mailer", "prod-us");
    let mut progress = Progress::new(Conductor::Flagger, "shop/mailer".to_owned());
    progress.cluster = "prod-us".to_owned();
    progress.stage = Stage::Approval;
    progress.weight = Some(20);
    progress.step = Some(Step { index: 1, of: 5 });
    progress.waits = Some("webhook gate (confirm-promotion)".to_owned());
    let mut live = LiveCell::clone(&driver.model.live.cells()[&prod]);
    live.progress = Some(Box::new(progress));
    live.workloads = ["Deployment/mailer", "StatefulSet/mailer-queue"]
        .map(str::to_owned)
        .to_vec();
    let counts = |ready| Counts { ready, desired: 2 };
    live.counts = live
        .workloads
        .iter()
        .cloned()
        .zip([counts(2), counts(1)])
        .collect();
    driver.send(Event::Live {
        environment: "prod-us".into(),
        context: "prod-us".to_owned(),
        connection: Connection::Live,
        cells: vec![(prod.clone(), live.into())],
        all: false,
    });
    driver.model.matrix.row = Some(prod.service);
    driver.keys("l l enter");
    driver
}

/// The menu of it, at a line that makes no sense now.
pub(super) fn by_hand_menu(size: (u16, u16)) -> Driver {
    let mut driver = by_hand(size, false);
    driver.keys("a x j");
    driver.keys("j j j");
    driver
}

/// What it can go back to, who would undo that, and the name to be typed.
pub(super) fn by_hand_undo(size: (u16, u16)) -> Driver {
    let mut driver = by_hand(size, false);
    driver.keys("a U");
    let choice = |number, days: i64| Choice {
        number,
        what: format!("registry.example.com/mailer:2.0.{number}"),
        since: Some(moment() - (24 * days).hours()),
    };
    let epoch = driver.epoch(Operation::Weigh);
    driver.send(Event::Weighed {
        epoch,
        result: Ok(Weighed {
            refusal: None,
            choices: vec![choice(3, 2), choice(2, 9), choice(1, 40)],
            undone: vec![
                "Argo CD (Application argocd/mailer) undoes this when somebody syncs it".to_owned(),
                "HorizontalPodAutoscaler mailer keeps its replicas, 2 to 6, whatever happens here"
                    .to_owned(),
            ],
        }),
    });
    driver.keys("down \"prod");
    driver
}

/// More than there is room for at the smaller size: what is asked stays.
pub(super) fn by_hand_long(size: (u16, u16)) -> Driver {
    let mut driver = by_hand(size, false);
    driver.keys("a U");
    let choice = |number: u64| Choice {
        number,
        what: format!(
            "registry.example.com/mailer:2.0.{number}, registry.example.com/proxy:1.{number}"
        ),
        since: None,
    };
    let undone = [
        "whether Application argocd/mailer undoes this is not known: cluster hub did not answer within 15 s",
        "HorizontalPodAutoscaler mailer keeps its replicas, 2 to 6, whatever happens here",
        "whether something keeps its replicas, whatever happens here, is not known: horizontalpodautoscalers: \
         403: User \"operator@example.com\" cannot list resource \"horizontalpodautoscalers\" in the namespace \"shop\"",
    ];
    let epoch = driver.epoch(Operation::Weigh);
    driver.send(Event::Weighed {
        epoch,
        result: Ok(Weighed {
            refusal: None,
            choices: (1..=8).rev().map(choice).collect(),
            undone: undone.map(str::to_owned).to_vec(),
        }),
    });
    driver.keys("down \"prod");
    driver
}

/// What a freeze holds, with the reason that lifts it being written.
pub(super) fn by_hand_frozen(size: (u16, u16)) -> Driver {
    let mut driver = by_hand(size, true);
    driver.keys("a s o \"Mends_the_outage");
    driver
}

pub(super) fn diff(service: &str, environment: &str, from: &str, to: &str) -> Diff {
    let text = |version: &str| {
        format!(
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - ../../base\n\
             images:\n  - name: registry.example.com/{service}\n    newTag: {version} # promoted by the pipeline\n"
        )
    };
    let path = format!("apps/{service}/overlays/{environment}/kustomization.yaml");
    let (before, after) = (text(from), text(to));
    let file = FileDiff::between(path.as_str().into(), before.as_bytes(), after.as_bytes());
    Diff {
        files: vec![file],
        goes_on: false,
    }
}

pub(super) fn revert(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    driver.keys("l l r");
    driver
}

/// Histories that differ: the usual way, a fast track, a stay that was reverted, and prod-eu without.
pub(super) fn traced(size: (u16, u16), done: bool) -> Driver {
    let mut driver = Driver::settled(size);
    let promoted = |from: &str| ChangeKind::Promotion { from: from.into() };
    let merged = |mut entry: HistoryEntry| {
        let landed = CommitInfo {
            commit: commit("beefca5"),
            time: entry.change.landed.time + 25.minutes(),
            author: "merge-bot".to_owned(),
            subject: "Merge pull request #812".to_owned(),
            pull_request: Some(812),
            said: crate::domain::said::Said::default(),
        };
        entry.change.landed = Arc::new(landed);
        entry.change.previous = Some("1.41.3".into());
        entry
    };
    let entry = fixture::entry;
    let stories = [
        (
            "dev",
            vec![
                entry("1.42.0", 9, None, ChangeKind::Bump),
                entry("1.41.3", 21, Some(12), ChangeKind::Initial),
            ],
        ),
        (
            "staging",
            vec![
                entry("1.42.0", 6, None, ChangeKind::Revert),
                entry("1.41.3", 7, Some(1), ChangeKind::Revert),
                entry("1.42.0", 8, Some(1), promoted("dev")),
                entry("1.41.3", 20, Some(12), promoted("dev")),
            ],
        ),
        (
            "prod-us",
            vec![
                merged(entry("1.42.0", 9, None, ChangeKind::Bump)),
                entry("1.41.3", 16, Some(7), promoted("staging")),
            ],
        ),
        (
            "prod-eu",
            vec![entry("1.41.3", 16, None, promoted("staging"))],
        ),
    ];
    let environments = &mut driver.model.setup.topology.environments;
    environments[2].from = vec!["canary".into()];
    let cells = stories.map(|(name, values)| (cell("checkout", name), values));
    let refs = driver.model.git.base.as_ref().unwrap().refs();
    driver.model.history.refs = None;
    let desired = driver.model.git.desired.clone().unwrap();
    let epoch = driver.model.operations.supersede(Operation::Desired);
    let base = fixture::base();
    driver.send(Event::Desired {
        epoch,
        result: Ok(DesiredRead { base, desired }),
    });
    assert_eq!(driver.model.history.refs, Some(refs));
    let known = if done { 4 } else { 2 };
    driver.model.history.cells.clear();
    driver.send(Event::History {
        epoch: driver.epoch(Operation::History),
        result: Ok(HistoryBatch {
            cells: cells.into_iter().take(known).collect(),
            walked: 3_200,
            done,
            shallow: false,
            unknown_before: BTreeMap::new(),
        }),
    });
    driver
}

pub(super) fn trace(size: (u16, u16)) -> Driver {
    let mut driver = traced(size, true);
    driver.keys("l l t");
    driver
}

/// The history is still being walked: what is not known is not taken for nothing.
pub(super) fn trace_reading(size: (u16, u16)) -> Driver {
    let mut driver = traced(size, false);
    driver.keys("l l l : \"trace_1.42.0 enter k");
    driver
}

//! Named situations, each reached as an operator would reach it.

use std::{sync::Arc, time::Duration};

use jiff::ToSpan;

use crate::{
    app::{
        event::{
            CellDelivery, DeliveryStep, DesiredRead, Event, Failure, FileDiff, HistoryBatch,
            PlanView, PublishFailure, Published, Stage, Target,
        },
        fixture::{self, Driver, cell, commit, moment, setup},
        op_queue::Operation,
    },
    domain::{
        desired::{Desired, RefName},
        history::{ChangeKind, CommitInfo, HistoryEntry},
        plan::{
            Action, FileEdit, Intent, Outcome, Plan, PlannedChange, PlannedWrite, Skip, SkipCause,
            Standing, Verdict,
        },
        problem::Problem,
        rollout::{ClusterNote, Connection, Health},
        subject::Subject,
        topology::Deliver,
    },
};

type Build = fn((u16, u16)) -> Driver;

/// All of them.
pub(super) const ALL: &[(&str, Build)] = &[
    ("start", start),
    ("states", states),
    ("git_only", git_only),
    ("matrix", matrix),
    ("unseen", unseen),
    ("unseen_cell", unseen_cell),
    ("marks", marks),
    ("filter", filter),
    ("palette", palette),
    ("failure", failure),
    ("cell", cell_screen),
    ("revert", revert),
    ("trace", trace),
    ("trace_reading", trace_reading),
    ("plan", plan_screen),
    ("plan_held", plan_held),
    ("plan_left_out", plan_left_out),
    ("plan_moved", plan_moved),
    ("plan_refused", plan_refused),
    ("confirm", confirm),
    ("delivery", delivery),
    ("delivery_failed", delivery_failed),
    ("activity", activity),
    ("help", help),
    ("quit", quit),
];

fn start(size: (u16, u16)) -> Driver {
    Driver::fresh(setup(), size)
}

/// Loading, empty, denied, absent, missing, unknown and stale beside each other.
fn states(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    let mut desired = fixture::desired(&fixture::rows()[..6]);
    desired.cells.remove(&cell("mailer", "dev"));
    let unset = desired.cells.get_mut(&cell("mailer", "staging")).unwrap();
    unset.version = None;
    desired.problems.push(Problem::file(
        "apps/quotes/overlays/dev/kustomization.yaml",
        Some(9),
        "a mapping key is written twice: `newTag`",
    ));
    driver.model.git.desired = Some(Arc::new(desired));
    let cells = &mut driver.model.live.cells;
    cells.remove(&cell("mailer", "staging"));
    cells.get_mut(&cell("identity", "dev")).unwrap().health = Health::Missing;
    cells.get_mut(&cell("payments", "dev")).unwrap().health = Health::Paused;
    cells.get_mut(&cell("accounts", "dev")).unwrap().health = Health::Unknown;
    cells.retain(|key, _| key.environment.as_str() != "staging");
    for (environment, connection) in [
        ("staging", Connection::Connecting),
        (
            "prod-us",
            Connection::Denied {
                what: "pods is forbidden in namespace shop".to_owned(),
            },
        ),
    ] {
        driver.send(Event::Live {
            environment: environment.into(),
            connection,
            cells: Vec::new(),
        });
    }
    driver.keys("!");
    driver.model.word = None;
    driver
}

/// No environment has a cluster, the configuration was guessed, there is no remote.
fn git_only(size: (u16, u16)) -> Driver {
    let mut setup = setup();
    for environment in &mut setup.topology.environments {
        environment.cluster = None;
    }
    setup.guessed = Some("guessed from the tree: no tidegate.toml".to_owned());
    let mut driver = Driver::fresh(setup, size);
    let mut base = fixture::base();
    base.remote = None;
    driver.send(Event::Desired {
        epoch: driver.epoch(Operation::Desired),
        result: Ok(DesiredRead {
            base,
            desired: Arc::new(fixture::desired(&fixture::rows())),
        }),
    });
    driver
}

fn matrix(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    driver.keys("j j l p k k l");
    driver.model.word = None;
    driver
}

/// Rows that no pod shows: a chart's version, a Git ref, a setting; never green, their workload's trouble told.
fn unseen(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    let mut desired = Desired::clone(driver.model.git.desired.as_ref().unwrap());
    for (key, declared) in &mut desired.cells {
        declared.subject = match key.service.as_str() {
            "checkout" => Subject::Chart,
            "mailer" => Subject::Git,
            "payments" => Subject::Setting,
            _ => Subject::Image,
        };
        let live = driver.model.live.cells.get_mut(key).unwrap();
        live.hidden = declared.subject.is_hidden();
    }
    driver.model.git.desired = Some(Arc::new(desired));
    driver.send(Event::Tick(moment()));
    driver.keys("!");
    driver.model.word = None;
    driver
}

fn unseen_cell(size: (u16, u16)) -> Driver {
    let mut driver = unseen(size);
    driver.keys("enter tab tab");
    driver
}

fn marks(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    driver.keys("l space space v l j");
    driver
}

fn filter(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    driver.keys("/ \"env:prod_2.3");
    driver
}

fn palette(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    driver.keys(": \"re");
    driver
}

fn failure(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    driver.send(Event::Failure(Failure {
        what: "tidegate.toml:14: environments[2].from".to_owned(),
        why: "no environment `stagin`; did you mean `staging`?".to_owned(),
        next: "the configuration in force is kept".to_owned(),
    }));
    driver
}

fn cell_screen(size: (u16, u16)) -> Driver {
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

fn diff(service: &str, environment: &str, from: &str, to: &str) -> String {
    format!(
        "--- a/apps/{service}/overlays/{environment}/kustomization.yaml\n\
         +++ b/apps/{service}/overlays/{environment}/kustomization.yaml\n\
         @@ -4,5 +4,5 @@\n   - ../../base\n images:\n   - name: registry.example.com/{service}\n\
         -    newTag: {from} # promoted by the pipeline\n+    newTag: {to} # promoted by the pipeline\n"
    )
}

fn revert(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    driver.keys("l l r");
    driver
}

/// Histories that differ: the usual way, a fast track, a stay that was reverted, and prod-eu without.
fn traced(size: (u16, u16), done: bool) -> Driver {
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
    let commit = driver.model.git.base.as_ref().unwrap().commit;
    driver.model.history.commit = None;
    let desired = driver.model.git.desired.clone().unwrap();
    let epoch = driver.model.operations.supersede(Operation::Desired);
    let base = fixture::base();
    driver.send(Event::Desired {
        epoch,
        result: Ok(DesiredRead { base, desired }),
    });
    assert_eq!(driver.model.history.commit, Some(commit));
    let known = if done { 4 } else { 2 };
    driver.model.history.cells.clear();
    driver.send(Event::History {
        epoch: driver.epoch(Operation::History),
        result: Ok(HistoryBatch {
            cells: cells.into_iter().take(known).collect(),
            walked: 3_200,
            done,
            shallow: false,
        }),
    });
    driver
}

fn trace(size: (u16, u16)) -> Driver {
    let mut driver = traced(size, true);
    driver.keys("l l t");
    driver
}

/// The history is still being walked: what is not known is not taken for nothing.
fn trace_reading(size: (u16, u16)) -> Driver {
    let mut driver = traced(size, false);
    driver.keys("l l l : \"trace_1.42.0 enter k");
    driver
}

/// What the planner would answer to two staged promotions.
pub(super) fn plan() -> PlanView {
    let verdict = |gate: &str, outcome, detail: &str| Verdict {
        gate: gate.to_owned(),
        outcome,
        detail: detail.to_owned(),
        overridden: None,
    };
    let promoted = |service: &str, from: &str, to: &str, verdicts| PlannedChange {
        along: None,
        cell: cell(service, "prod-us"),
        intent: Intent::Promote {
            from: "staging".into(),
        },
        from: Some(from.into()),
        to: Some(to.into()),
        verdicts,
    };
    let immutable = || verdict("immutable", Outcome::Pass, "2.4.0 is a release");
    let upstream = |outcome, detail: &str| verdict("upstream", outcome, detail);
    let path = |service: &str| format!("apps/{service}/overlays/prod-us/kustomization.yaml");
    let file = |service: &str| FileDiff {
        path: path(service).as_str().into(),
        text: diff(service, "prod-us", "2.3.1", "2.4.0")
            .lines()
            .skip(2)
            .collect::<Vec<_>>()
            .join("\n"),
    };
    PlanView {
        plan: Plan {
            base: commit("a1b2c3d"),
            changes: vec![
                promoted(
                    "accounts",
                    "2.3.1",
                    "2.4.0",
                    vec![
                        upstream(
                            Outcome::Pass,
                            "staging declares and runs 2.4.0, healthy for 6d",
                        ),
                        immutable(),
                    ],
                ),
                promoted(
                    "basket",
                    "2.3.1",
                    "2.4.0",
                    vec![
                        upstream(
                            Outcome::Warn,
                            "staging is not seen: the cluster did not answer",
                        ),
                        immutable(),
                    ],
                ),
            ],
            writes: vec![PlannedWrite {
                place: RefName {
                    repository: None,
                    reference: "refs/heads/main".to_owned(),
                },
                base: fixture::base().commit,
                action: Action::Edit,
                edits: ["accounts", "basket"]
                    .map(|service| FileEdit {
                        path: path(service).as_str().into(),
                        before: b"newTag: 2.3.1\n".to_vec(),
                        after: b"newTag: 2.4.0\n".to_vec(),
                    })
                    .to_vec(),
                cells: Vec::new(),
            }],
            skipped: vec![Skip {
                cell: cell("checkout", "prod-us"),
                cause: SkipCause::AlreadyThere,
                detail: "prod-us declares 1.42.0 already".to_owned(),
                standing: Standing::Aside,
                gate: None,
            }],
        },
        diffs: vec![file("accounts"), file("basket")],
        commands: vec![
            "git commit -m 'promote 2 services to prod-us'".to_owned(),
            "git push origin HEAD:main".to_owned(),
        ],
        notes: Vec::new(),
        target: Target {
            remote: Some("origin".to_owned()),
            branch: "main".to_owned(),
            deliver: Deliver::Push,
        },
        message: "promote 2 services to prod-us\n\nAccounts and basket.\n".to_owned(),
    }
}

fn plan_screen(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    driver.keys(": \"write enter / \"acc enter l l p esc / \"bask enter p esc");
    driver.keys("/ \"check enter p esc s");
    driver.planned(plan());
    driver
}

fn plan_held(size: (u16, u16)) -> Driver {
    let mut driver = plan_screen(size);
    let mut held = plan();
    held.plan.changes[1].verdicts[0].outcome = Outcome::Hold;
    driver.keys("a a");
    driver.planned(held);
    driver.keys("enter");
    driver
}

fn plan_left_out(size: (u16, u16)) -> Driver {
    let mut driver = plan_held(size);
    driver.keys("l");
    let mut rest = plan();
    let held = rest.plan.changes.remove(1);
    rest.diffs.truncate(1);
    rest.plan.skipped.push(Skip {
        cell: held.cell,
        cause: SkipCause::Held,
        detail: "upstream: staging declares 2.4.0 but runs 2.3.1, seen 2s ago".to_owned(),
        standing: Standing::LeftOut,
        gate: Some("upstream".to_owned()),
    });
    driver.planned(rest);
    driver.keys("j j");
    driver.model.word = None;
    driver
}

fn plan_moved(size: (u16, u16)) -> Driver {
    let mut driver = confirmed(size);
    let epoch = driver.epoch(Operation::Publish);
    let mut fresh = plan();
    fresh.plan.base = commit("b7c8d9e");
    fresh.plan.writes[0].base = fresh.plan.base;
    driver.send(Event::Published {
        epoch,
        result: Err(PublishFailure::Moved {
            fresh: Arc::new(fresh),
            changes: vec![
                "main moved a1b2c3d to b7c8d9e: ahmed, set basket to 2.3.2".to_owned(),
                "basket / prod-us: 2.3.2→2.4.0, was 2.3.1→2.4.0".to_owned(),
            ],
        }),
    });
    driver
}

fn plan_refused(size: (u16, u16)) -> Driver {
    let mut driver = confirmed(size);
    let epoch = driver.epoch(Operation::Publish);
    driver.send(Event::Published {
        epoch,
        result: Err(PublishFailure::Rejected {
            words: vec![
                "error: GH006: Protected branch update failed for refs/heads/main.".to_owned(),
                "error: Changes must be made through a pull request.".to_owned(),
            ],
            protected: true,
        }),
    });
    driver
}

fn confirm(size: (u16, u16)) -> Driver {
    let mut driver = plan_screen(size);
    driver.keys("enter \"prod");
    driver
}

fn confirmed(size: (u16, u16)) -> Driver {
    let mut driver = plan_screen(size);
    driver.keys("enter \"prod-us enter");
    driver
}

fn delivery(size: (u16, u16)) -> Driver {
    let mut driver = confirmed(size);
    let epoch = driver.epoch(Operation::Publish);
    let target = plan().target;
    driver.send(Event::Published {
        epoch,
        result: Ok(Published {
            commit: commit("c0ffee1"),
            target,
            words: vec!["Processed 1 references in total".to_owned()],
            link: None,
            note: None,
            elsewhere: None,
        }),
    });
    let began = driver.model.now;
    let mut step = |after: i64, step| {
        driver.send(Event::Delivery {
            epoch,
            at: began + after.seconds(),
            step,
        });
    };
    step(0, DeliveryStep::Began(Stage::Checked));
    step(
        1,
        DeliveryStep::Done(Stage::Checked, "main is still a1b2c3d".to_owned()),
    );
    step(
        1,
        DeliveryStep::Done(Stage::Committed, "c0ffee1".to_owned()),
    );
    step(1, DeliveryStep::Began(Stage::Pushed));
    step(
        3,
        DeliveryStep::Done(Stage::Pushed, "c0ffee1 on origin/main".to_owned()),
    );
    step(3, DeliveryStep::Began(Stage::Rolling));
    step(
        9,
        DeliveryStep::Cell(
            cell("accounts", "prod-us"),
            CellDelivery::Rolling {
                ready: 4,
                desired: 6,
            },
        ),
    );
    step(
        9,
        DeliveryStep::Cell(
            cell("basket", "prod-us"),
            CellDelivery::Waiting("no pod runs 2.4.0 yet".to_owned()),
        ),
    );
    driver.send(Event::Tick(began + 12.seconds()));
    driver
}

fn delivery_failed(size: (u16, u16)) -> Driver {
    let mut driver = delivery(size);
    let epoch = driver.model.delivery.as_ref().unwrap().epoch;
    let at = driver.model.now + 30.seconds();
    let mut step = |step| driver.send(Event::Delivery { epoch, at, step });
    step(DeliveryStep::Cell(
        cell("accounts", "prod-us"),
        CellDelivery::Failed("CrashLoopBackOff ×3: panic: no such table".to_owned()),
    ));
    step(DeliveryStep::Ended(Err(Failure {
        what: "1 of 2 cells failed".to_owned(),
        why: "accounts / prod-us: CrashLoopBackOff ×3".to_owned(),
        next: "r goes back".to_owned(),
    })));
    driver.send(Event::Tick(at));
    driver
}

fn activity(size: (u16, u16)) -> Driver {
    let mut driver = plan_refused(size);
    driver.send(Event::Ran {
        line: "git push --porcelain origin c0ffee1:refs/heads/main".to_owned(),
        ok: false,
        outcome: "exit 1".to_owned(),
        took: Duration::from_millis(900),
    });
    driver.keys("A j");
    driver
}

fn help(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    driver.keys("?");
    driver
}

fn quit(size: (u16, u16)) -> Driver {
    let mut driver = matrix(size);
    driver.keys("q");
    driver
}

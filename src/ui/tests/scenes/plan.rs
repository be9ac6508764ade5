//! The plan, held, left out, moved and refused.

use std::sync::Arc;

use super::{cell::diff, delivery::confirmed};
use crate::{
    app::{
        event::Planned,
        fixture::{self, Driver, cell},
    },
    domain::{
        delivery::{Fact, NotPublished, Rejection},
        diff::Diff,
        plan::{
            Action, FileEdit, Intent, Outcome, Plan, PlanRequest, PlannedChange, Skip, SkipCause,
            Standing, Verdict, Wave, Write,
        },
        topology::Deliver,
    },
};

/// What the planner would answer to two staged promotions.
pub(super) fn plan() -> Planned {
    let verdict =
        |gate: &str, outcome, detail: &str| Verdict::beside(gate, outcome, detail.to_owned());
    let promoted = |service: &str, from: &str, to: &str, verdicts| PlannedChange {
        inherits: None,
        pins: None,
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
    let file = |service: &str| diff(service, "prod-us", "2.3.1", "2.4.0").files.remove(0);
    Planned {
        plan: Arc::new(Plan {
            request: PlanRequest::default(),
            base: vec![fixture::tip("a1b2c3d")],
            deliver: Deliver::Push,
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
            waves: vec![Wave {
                after: Vec::new(),
                writes: vec![Write {
                    tip: fixture::tip("a1b2c3d"),
                    action: Action::Edit,
                    message: "promote 2 services to prod-us\n\nAccounts and basket.\n".to_owned(),
                    edits: ["accounts", "basket"]
                        .map(|service| FileEdit {
                            path: path(service).as_str().into(),
                            before: b"newTag: 2.3.1\n".to_vec(),
                            after: b"newTag: 2.4.0\n".to_vec(),
                        })
                        .to_vec(),
                    cells: Vec::new(),
                    vetoes: Vec::new(),
                    in_step: None,
                }],
            }],
            held_back: Vec::new(),
            skipped: vec![Skip {
                cell: cell("checkout", "prod-us"),
                cause: SkipCause::AlreadyThere,
                detail: "prod-us declares 1.42.0 already".to_owned(),
                standing: Standing::Aside,
                gate: None,
            }],
            notes: Vec::new(),
            digest: String::new(),
        }),
        diff: Diff {
            files: vec![file("accounts"), file("basket")],
            goes_on: false,
        },
    }
}

pub(super) fn plan_screen(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    driver.keys(": \"write enter / \"acc enter l l p esc / \"bask enter p esc");
    driver.keys("/ \"check enter p esc s");
    driver.planned(plan());
    driver
}

pub(super) fn plan_held(size: (u16, u16)) -> Driver {
    let mut driver = plan_screen(size);
    let mut held = plan();
    Arc::make_mut(&mut held.plan).changes[1].verdicts[0].outcome = Outcome::Hold;
    driver.keys("a a");
    driver.planned(held);
    driver.keys("enter");
    driver
}

pub(super) fn plan_left_out(size: (u16, u16)) -> Driver {
    let mut driver = plan_held(size);
    driver.keys("l");
    let mut rest = plan();
    rest.diff.files.truncate(1);
    let plan = Arc::make_mut(&mut rest.plan);
    let held = plan.changes.remove(1);
    plan.skipped.push(Skip {
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

pub(super) fn plan_moved(size: (u16, u16)) -> Driver {
    let mut driver = confirmed(size);
    let mut fresh = plan().plan;
    let moved = Arc::make_mut(&mut fresh);
    moved.base = vec![fixture::tip("b7c8d9e")];
    moved.waves[0].writes[0].tip = fixture::tip("b7c8d9e");
    let changes = vec![
        "main moved a1b2c3d to b7c8d9e: ahmed, set basket to 2.3.2".to_owned(),
        "basket / prod-us: 2.3.2→2.4.0, was 2.3.1→2.4.0".to_owned(),
    ];
    let moved = NotPublished::Moved { fresh, changes };
    driver.fact(1, Fact::NotPublished(moved));
    driver
}

pub(super) fn plan_refused(size: (u16, u16)) -> Driver {
    let mut driver = confirmed(size);
    let rejection = Rejection {
        here: false,
        status: "protected branch hook declined".to_owned(),
        message: "error: GH006: Protected branch update failed for refs/heads/main.\n\
                  error: Changes must be made through a pull request."
            .to_owned(),
        protected: true,
        denied: false,
    };
    let refused = NotPublished::Rejected(rejection);
    driver.fact(1, Fact::NotPublished(refused));
    driver
}

/// So many changes, none held, in an environment that is not protected.
pub(in crate::ui::tests) fn of_many(size: (u16, u16), count: usize) -> Driver {
    let mut driver = Driver::settled(size);
    driver.model.setup.write = crate::app::model::WriteMode::Write;
    driver.keys(": \"set_2 enter s");
    let mut planned = plan();
    let plan = Arc::make_mut(&mut planned.plan);
    let first = plan.changes[0].clone();
    let changes = (0..count).map(|index| PlannedChange {
        cell: cell(&format!("service-{index:02}"), "staging"),
        ..first.clone()
    });
    plan.changes = changes.collect();
    driver.planned(planned);
    driver
}

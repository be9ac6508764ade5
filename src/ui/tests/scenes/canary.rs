//! Cells that are delivered step by step.

use jiff::ToSpan;

use crate::{
    app::{
        event::Event,
        fixture::{self, Driver, cell, moment},
    },
    domain::{
        agent::{Analysis, Conductor, Progress, Served, Stage, Step, Way},
        rollout::{Connection, Health, LiveCell},
    },
};

/// A canary at its third step of five, which waits; the progress of another one, and one that was given up.
pub(super) fn matrix(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    let mut tell = |environment: &str, service: &str, live: LiveCell| {
        driver.send(Event::Live {
            environment: environment.into(),
            context: environment.to_owned(),
            connection: Connection::Live,
            cells: vec![(cell(service, environment), live.into())],
            all: false,
        });
    };
    tell("staging", "payments", delivered(waiting(), "3.9.1"));
    tell(
        "staging",
        "catalog",
        delivered(at(Stage::Advancing, 5), "2.4.0"),
    );
    tell("prod-us", "basket", delivered(aborted(), "2.3.1"));
    tell("staging", "orders", delivered(preview(), "2.4.0"));
    driver
}

/// The screen of the one that waits.
pub(super) fn cell_screen(size: (u16, u16)) -> Driver {
    let mut driver = matrix(size);
    driver.keys("/ p a y m e n t s enter l enter");
    driver
}

fn at(stage: Stage, weight: u32) -> Progress {
    let mut progress = Progress::new(Conductor::ArgoRollouts, "shop/payments".to_owned());
    progress.stage = stage;
    progress.cluster = "staging".to_owned();
    progress.phase = Some("Progressing".to_owned());
    progress.message = Some("more replicas need to be updated".to_owned());
    progress.step = Some(Step { index: 2, of: 5 });
    progress.weight = Some(weight);
    (progress.from, progress.to) = (Some("3.8.7".into()), Some("3.9.1".into()));
    progress
}

fn waiting() -> Progress {
    Progress {
        phase: Some("Paused".to_owned()),
        message: Some("CanaryPauseStep".to_owned()),
        waits: Some("a pause of 10m".to_owned()),
        since: Some(moment() - 4.minutes()),
        until: Some(moment() + 6.minutes()),
        analyses: vec![Analysis {
            name: "payments-7c9-2".to_owned(),
            phase: "Running".to_owned(),
            message: None,
        }],
        services: vec![Served {
            role: "canary".to_owned(),
            service: "payments-canary".to_owned(),
        }],
        ..at(Stage::Waiting, 60)
    }
}

fn aborted() -> Progress {
    Progress {
        phase: Some("Failed".to_owned()),
        message: Some("Canary analysis failed, Deployment scaled to zero.".to_owned()),
        by: Conductor::Flagger,
        object: "shop/basket".to_owned(),
        from: Some("2.2.9".into()),
        to: Some("2.3.1".into()),
        checks: Some((5, 5)),
        ..at(Stage::Aborted, 0)
    }
}

fn preview() -> Progress {
    Progress {
        way: Way::BlueGreen,
        waits: Some("a promotion".to_owned()),
        step: Some(Step { index: 0, of: 1 }),
        weight: None,
        ..at(Stage::Waiting, 0)
    }
}

fn delivered(progress: Progress, version: &str) -> LiveCell {
    let health = progress.stage.health();
    let old = progress.from.clone().into_iter().map(|from| (from, 2));
    LiveCell {
        health,
        reason: progress.reason(),
        since: progress.since,
        versions: old.chain([(version.into(), 1)]).collect(),
        updated: 1,
        progress: Some(Box::new(progress)),
        workloads: vec!["Rollout/payments".to_owned()],
        ready: if health == Health::Degraded { 2 } else { 3 },
        ..fixture::healthy(version)
    }
}

//! The matrix, the lines above and below it, activity and help.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::plan::plan_refused;
use crate::{
    app::{
        event::{DesiredRead, Event},
        fixture::{self, Driver, cell, moment, setup},
        layouts::{Edited, LayoutsBy, LayoutsTold},
        op_queue::Operation,
    },
    domain::{
        desired::Desired,
        detect::{Candidate, Guess},
        failure::Failure,
        ids::CellKey,
        layout::LayoutSpec,
        problem::{Problem, Unreadable},
        rollout::{Connection, Health, LiveCell},
        subject::Subject,
    },
};

pub(super) fn start(size: (u16, u16)) -> Driver {
    Driver::fresh(setup(), size)
}

/// Loading, empty, denied, absent, missing, unknown and stale beside each other.
pub(super) fn states(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    let mut desired = fixture::desired(&fixture::rows()[..6]);
    desired.cells.remove(&cell("mailer", "dev"));
    let unset = desired.cells.get_mut(&cell("mailer", "staging")).unwrap();
    unset.version = None;
    let hidden = desired.cells.get_mut(&cell("mailer", "prod-us")).unwrap();
    let template = Problem::file(
        "apps/mailer/overlays/prod-us/kustomization.yaml",
        Some(7),
        "a template",
    );
    hidden.version = None;
    hidden.unread = Some(Arc::new(template.hiding(Unreadable::Template)));
    desired.problems.push(Problem::file(
        "apps/quotes/overlays/dev/kustomization.yaml",
        Some(9),
        "a mapping key is written twice: `newTag`",
    ));
    driver.model.git.desired = Some(Arc::new(desired));
    let cells = driver.model.live.cells_mut();
    cells.remove(&cell("mailer", "staging"));
    changed(cells, "identity", "dev").health = Health::Missing;
    changed(cells, "payments", "dev").health = Health::Paused;
    changed(cells, "accounts", "dev").health = Health::Unknown;
    cells.retain(|key, _| key.environment.as_str() != "staging");
    // Pods of one namespace are refused; what is in another one is seen.
    for (key, live) in &mut *cells {
        if key.environment.as_str() == "prod-us" && key.service.as_str() != "basket" {
            let live = Arc::make_mut(live);
            live.health = Health::Unknown;
            live.reason = Some("403: pods is forbidden in namespace shop".to_owned());
        }
    }
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
            context: environment.to_owned(),
            connection,
            cells: Vec::new(),
            all: false,
        });
    }
    driver.keys("!");
    driver.model.word = None;
    driver
}

/// No environment has a cluster, the configuration was guessed, there is no remote.
pub(super) fn git_only(size: (u16, u16)) -> Driver {
    let mut setup = setup();
    for environment in &mut setup.topology.environments {
        environment.cluster = None;
    }
    setup.layouts = LayoutsBy::Guessed("guessed from the tree: no tidegate.toml".to_owned());
    let mut driver = Driver::fresh(setup, size);
    let mut base = fixture::base();
    base.tips[0].remote = None;
    driver.send(Event::Desired {
        epoch: driver.epoch(Operation::Desired),
        result: Ok(DesiredRead {
            base,
            desired: Arc::new(fixture::desired(&fixture::rows())),
        }),
    });
    driver
}

pub(super) fn matrix(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    driver.keys("j j l p k k l");
    driver.model.word = None;
    driver
}

/// Rows that no pod shows: a chart's version, a Git ref, a setting; never green, their workload's trouble told.
pub(super) fn unseen(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    let mut desired = Desired::clone(driver.model.git.desired.as_ref().unwrap());
    for (key, declared) in &mut desired.cells {
        declared.subject = match key.service.as_str() {
            "checkout" => Subject::Chart,
            "mailer" => Subject::Git,
            "payments" => Subject::Setting,
            _ => Subject::Image,
        };
        let live = driver.model.live.cells_mut().get_mut(key).unwrap();
        let live = Arc::make_mut(live);
        live.hidden = declared.subject.is_hidden();
    }
    driver.model.git.desired = Some(Arc::new(desired));
    driver.send(Event::Tick(moment()));
    driver.keys("!");
    driver.model.word = None;
    driver
}

pub(super) fn unseen_cell(size: (u16, u16)) -> Driver {
    let mut driver = unseen(size);
    driver.keys("enter tab tab");
    driver
}

pub(super) fn marks(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    driver.keys("l space space v l j");
    driver
}

pub(super) fn filter(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    driver.keys("/ \"env:prod_2.3");
    driver
}

pub(super) fn palette(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    driver.keys(": \"re");
    driver
}

pub(super) fn copy(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    driver.keys("l l y j");
    driver
}

/// The help, searched from a cell.
pub(super) fn found(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    driver.keys("enter ? / \"diff");
    driver
}

pub(super) fn failure(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    driver.send(Event::Failure(Failure::told(
        "tidegate.toml:14: environments[2].from",
        "no environment `stagin`; did you mean `staging`?",
        "the configuration in force is kept",
    )));
    driver
}

pub(super) fn activity(size: (u16, u16)) -> Driver {
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

/// What drifts, two cells marked and one staged.
pub(super) fn drift(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    driver.keys("D j j j j j p space space k");
    driver.model.word = None;
    driver
}

pub(super) fn filter_unknown(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    driver.keys("/ \"is:behnid");
    driver
}

pub(super) fn help(size: (u16, u16)) -> Driver {
    let mut driver = Driver::settled(size);
    driver.keys("?");
    driver
}

pub(super) fn quit(size: (u16, u16)) -> Driver {
    let mut driver = matrix(size);
    driver.keys("q");
    driver
}

/// The changed configuration asks, while something is waited for.
pub(super) fn trust(size: (u16, u16)) -> Driver {
    asked(size, 1)
}

/// It asks more than there is room for.
pub(super) fn trust_too_much(size: (u16, u16)) -> Driver {
    asked(size, 30)
}

fn asked(size: (u16, u16), times: usize) -> Driver {
    let mut driver = matrix(size);
    let at = driver.model.now;
    let since = at - jiff::SignedDuration::from_secs(5);
    let what = "reading /srv/deploy".to_owned();
    driver.send(Event::Waits(Some((what, since))));
    let lines = [
        "production  (tidegate.toml:3: repositories[0].path)",
        "  opens /home/ops/production, branch main",
        "  origin fetches from https://git.example.com/production and pushes to ssh://git@git.example.com/production",
    ];
    let lines = lines.repeat(times).into_iter().map(str::to_owned).collect();
    driver.send(Event::TrustAsked { at, lines });
    driver
}

/// How a repository is read that nobody has described, and a better guess.
pub(super) fn layouts(size: (u16, u16)) -> Driver {
    let mut setup = setup();
    setup.layouts = LayoutsBy::Guessed("guessed from the tree: no tidegate.toml".to_owned());
    let mut driver = Driver::settled_with(setup, size);
    driver.keys(": \"layouts enter");
    let guess = Guess {
        environments: ["dev", "staging", "prod-us", "prod-eu"]
            .map(str::to_owned)
            .into(),
        edges: vec![
            ("dev".into(), "staging".into()),
            ("staging".into(), "prod-us".into()),
        ],
        layouts: vec![LayoutSpec {
            path: Some("apps/{service}/overlays/{env:$envs}/kustomization.yaml".into()),
            preset: Some("kustomize".into()),
            ..LayoutSpec::default()
        }],
        explained: vec![72],
        moved: vec![1204],
        moves: 1260,
        left_out: vec![("base".into(), 3)],
        unread: vec![
            ("tools/notes.yaml:4".into(), 31),
            ("charts/umbrella/Chart.yaml:12".into(), 25),
        ],
        candidates: vec![
            candidate(
                "folder 4",
                &["dev", "staging", "prod-us", "prod-eu"],
                342,
                true,
            ),
            candidate("folder 2", &["checkout", "payments", "mailer"], 61, false),
        ],
        ..Guess::default()
    };
    let epoch = driver.epoch(Operation::Layouts);
    let told = LayoutsTold {
        from: "guessed, as no tidegate.toml says it".to_owned(),
        parts: guess.parts(),
        offer: Some("promotions prod-us → prod-eu, by more of the history".to_owned()),
        writes: Ok("[[environments]]\nname = \"dev\"\n".to_owned()),
        edits: Ok(Edited::Draft(String::new())),
    };
    let result = Ok(Box::new(told));
    driver.send(Event::LayoutsTold { epoch, result });
    driver.model.word = None;
    driver
}

fn candidate(what: &str, names: &[&str], score: u32, taken: bool) -> Candidate {
    Candidate {
        what: what.to_owned(),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        more: 0,
        score,
        rows: 18,
        usual: score / 4,
        equal: 40,
        copied: 55,
        moving: 83,
        taken,
    }
}

/// What is said of a cell, to be changed.
fn changed<'a>(
    cells: &'a mut HashMap<CellKey, Arc<LiveCell>>,
    service: &str,
    environment: &str,
) -> &'a mut LiveCell {
    Arc::make_mut(cells.get_mut(&cell(service, environment)).unwrap())
}

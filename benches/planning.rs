//! 500 changes, from the request to a commit that is ready to be pushed, beside `yq -i` in a work tree; and 1,000 with every
//! gate configured, from the moment at which the last answer is there.
#![allow(missing_docs)] // criterion's macros make public functions
#![allow(clippy::expect_used)] // a harness fails by panicking

mod support;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{
    BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
use jiff::{SignedDuration, Timestamp, Zoned, tz::TimeZone};

use support::{Bench, Size, path, run, yq_in_place};
use tidegate::{
    domain::{
        gate::{Answer, Facts, HttpReply, ImageFacts, ImageThere, Question, Ran, Sample},
        history::History,
        ids::{CellKey, ObjectId, RepoPath},
        layout::{self, Assembler, Origin},
        past_health::{Since, Source, Stretch},
        plan::{self, Came, ChangeRequest, Intent, PlanInput, PlanRequest},
        pull_request::Checks,
        rollout::{Connection, Health, LiveCell, Running, Seen},
        source_code::{Evidence, SaidBy},
        version::Version,
    },
    sources::git::build_commit,
    workflow::{OpenOptions, Project, prepare},
};

const SIZE: Size = Size {
    services: 500,
    environments: 2,
    merges: 0,
};

const ALL: Size = Size {
    services: 1000,
    ..SIZE
};

/// Every gate that an environment can ask for, of a cell that has a cluster.
const GATES: &str = r#"cluster = "there"
protected = true
url = "https://there.example.com"
[environments.gates]
health = {}
eligible = { range = ">=1.0.0" }
soak = { for = "24h" }
together = { for = "2h" }
registry = { platform = "linux/amd64" }
http = { url = "{url}/{service}/healthz" }
promql = { server = "main", query = "errors{service='{service}'}", below = 1 }
command = { run = ["conftest", "test", "-"] }
"#;
/// And what stands beside environments.
const WINDOWS: &str = r#"
[[windows]]
name = "nights"
kind = "deny"
cron = "0 2 * * *"
duration = "1h"
zone = "UTC"
"#;

fn project(bench: &Bench, now: Timestamp) -> Project {
    let options = OpenOptions {
        repo: bench.repo(),
        config: Some(bench.config()),
        ..OpenOptions::default()
    };
    Project::open(&options, &Zoned::new(now, TimeZone::UTC)).expect("a session")
}

fn planning(criterion: &mut Criterion) {
    let bench = Bench::generated(&SIZE);
    // The commit is made by `git`, which asks who makes it.
    bench.git(&["config", "user.name", "Bench"]);
    bench.git(&["config", "user.email", "bench@example.com"]);
    let now = Timestamp::UNIX_EPOCH;
    let project = project(&bench, now);
    let reading = project.read().expect("the matrix");
    let request = promotions(&SIZE);

    let mut group = criterion.benchmark_group("plan of 500 changes");
    group.sample_size(10);
    let ready = || {
        let plan = prepare(&project, &reading, &Running::default(), &request, now).expect("a plan");
        let write = plan.writes().next().expect("a write");
        assert_eq!(write.edits.len(), SIZE.services);
        build_commit(
            &project.repo,
            write.tip.commit,
            &write.edits,
            write.message.as_str(),
        )
    };
    group.bench_function("tidegate: planned and committed", |b| {
        // Objects that are there already would not be written again.
        let before = bench.objects();
        b.iter_batched(
            || bench.forget_objects(&before),
            |()| ready().expect("a commit"),
            BatchSize::PerIteration,
        );
    });
    if let Some(in_place) = yq_in_place() {
        let work = bench.work_tree();
        group.bench_function("yq -i on 10 of the files", |b| {
            b.iter(|| {
                for service in 0..10 {
                    let mut yq = bench.in_repo("yq");
                    let set = ".images[0].newTag = \"1.0.2\"";
                    run(yq
                        .current_dir(&work)
                        .args(in_place)
                        .args([set, &path(service, 1)]));
                }
            });
        });
    }
    group.finish();
}

/// All of an environment's versions in one file of values, as umbrella charts have them.
fn one_file(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan of changes in one file");
    group.sample_size(10);
    for services in [250, 500, 1000] {
        let size = Size { services, ..SIZE };
        let bench = Bench::shared_files(&size);
        let now = Timestamp::UNIX_EPOCH;
        let project = project(&bench, now);
        let reading = project.read().expect("the matrix");
        let request = promotions(&size);
        group.bench_function(format!("tidegate: {services} planned"), |b| {
            b.iter(|| {
                let plan = prepare(&project, &reading, &Running::default(), &request, now);
                let plan = plan.expect("a plan");
                assert_eq!(plan.changes.len(), services);
                assert_eq!(plan.edits().count(), 1);
                plan.digest
            });
        });
    }
    group.finish();
}

fn promotions(size: &Size) -> PlanRequest {
    let changes = (0..size.services).map(|service| ChangeRequest {
        cell: CellKey::new(format!("service-{service:04}").as_str(), "env-1"),
        intent: Intent::Promote {
            from: "env-0".into(),
        },
        came: Came::Named,
    });
    PlanRequest {
        changes: changes.collect(),
        ..PlanRequest::default()
    }
}

/// From the last answer to the plan, with its digest, in `waves` waves. No question is asked twice.
fn judging(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan of 1,000 changes");
    group.sample_size(10);
    for (waves, name) in [
        (
            1,
            "tidegate: judged by every gate once the answers are there",
        ),
        (3, "tidegate: the same, in three waves"),
    ] {
        judged(&mut group, name, waves);
    }
    group.finish();
}

/// What makes so many waves of all: each service of one needs one of the wave before.
fn needs(waves: usize) -> String {
    let part = ALL.services.div_ceil(waves);
    let needs = (part..ALL.services).map(|service| {
        format!(
            "[[dependencies]]\nservice = \"service-{service:04}\"\nneeds = \"service-{:04}\"\nversion = \">=1.0\"\n",
            service - part
        )
    });
    needs.collect()
}

fn judged(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, waves: usize) {
    let bench = Bench::generated(&ALL);
    let written = std::fs::read_to_string(bench.config()).expect("the configuration");
    let written = written
        .replace(
            "name = \"env-0\"\n",
            "name = \"env-0\"\ncluster = \"here\"\n",
        )
        .replace(
            "from = [\"env-0\"]\n",
            &format!("from = [\"env-0\"]\n{GATES}"),
        );
    let beside = [WINDOWS, &needs(waves)].concat();
    std::fs::write(bench.config(), written + &beside).expect("the configuration");
    let now: Timestamp = "2026-03-04T12:00:00Z".parse().expect("a moment");
    let project = project(&bench, now);
    let reading = project.read().expect("the matrix");
    let (layouts, desired) = (&reading.layouts, &reading.desired);
    let request = promotions(&ALL);
    let commit = reading.tips[0].commit;
    let known = RefCell::new(BTreeMap::new());
    // What Git takes for them is not what is measured.
    let files = |_: &Origin, path: &RepoPath| {
        let mut known = known.borrow_mut();
        let read = || project.repo.file(commit, path.as_str()).ok().flatten();
        known.entry(path.clone()).or_insert_with(read).clone()
    };
    let judged = || {
        let (asked, answered) = (RefCell::new(BTreeSet::new()), Cell::new(None));
        let plan = plan::build(&PlanInput {
            request: &request,
            desired,
            topology: &project.config.topology,
            ask: &|questions| {
                for question in questions {
                    let is_new = asked.borrow_mut().insert(question.clone());
                    assert!(is_new, "{question} is asked twice");
                }
                let facts = questions
                    .iter()
                    .fold(Facts::default(), |mut facts, question| {
                        let version = |cell: &CellKey| desired.version(cell).cloned();
                        facts.learn(question.clone(), now, answer(question, version, now));
                        facts
                    });
                answered.set(Some(Instant::now()));
                facts
            },
            matrix: &|origin| {
                Assembler::new(Arc::new(layouts.view(origin)), &project.environments())
            },
            files: &files,
            together: &|changes, read| layout::edit_together(layouts, desired, changes, read),
            edit: &|key, version, _, read| layout::edit_cell(layouts, desired, key, version, read),
            absent: &|_| None,
            beside: &|cells, after| layout::left_beside(layouts, desired, cells, &files, after),
            moved_beside: &|origin, edits| {
                layout::moved_beside(layouts, desired, origin, edits, &files)
            },
            merge: &|_, _| None,
            tag: &|_, _, _| None,
            now,
        });
        let took = answered.get().map(|at: Instant| at.elapsed());
        assert_eq!(plan.changes.len(), ALL.services);
        assert_eq!(plan.waves.len(), waves);
        let first = plan.changes.first().expect("a change");
        // All but `dependency`, which is about one of them.
        assert!(first.verdicts.len() >= 14, "{:?}", first.verdicts);
        assert_eq!(plan.held().count(), 0, "{:?}", first.verdicts);
        took.expect("something is asked")
    };
    group.bench_function(name, |b| {
        b.iter_custom(|times| (0..times).map(|_| judged()).sum::<Duration>());
    });
}

/// What is good of everything, a day and a half long.
fn answer(
    question: &Question,
    version: impl Fn(&CellKey) -> Option<Version>,
    now: Timestamp,
) -> Answer {
    let since = now - SignedDuration::from_hours(36);
    match question {
        Question::Running(cell) => {
            let mut running = Running::default();
            let version = version(cell).expect("a version");
            let live = LiveCell {
                health: Health::Healthy,
                versions: [(version.clone(), 3)].into_iter().collect(),
                serving: Some(version),
                ready: 3,
                desired: 3,
                updated: 3,
                healthy: vec![Since {
                    by: Source::Kubernetes,
                    from: since,
                }],
                ..LiveCell::unknown("", now)
            };
            running.live.insert(
                cell.clone(),
                LiveCell {
                    reason: None,
                    ..live
                }
                .into(),
            );
            let environment = cell.environment.clone();
            running.connections.insert(environment, Connection::Live);
            let seen: Seen = running.seen(cell);
            Answer::Running(Box::new(seen))
        }
        Question::Past(_) => Answer::Past(Ok(Arc::new(History::default()))),
        Question::PastHealth(cell) => {
            let mut past = tidegate::domain::past_health::PastHealth::default();
            past.learn(Stretch {
                version: version(cell).expect("a version"),
                from: since,
                to: now,
                by: Source::Kubernetes,
                cut: false,
            });
            Answer::PastHealth(Box::new(past))
        }
        Question::Http(_) => Answer::Http(Ok(HttpReply {
            status: 200,
            body: String::new(),
            cut: false,
        })),
        Question::Promql(_) => Answer::Samples(Ok(vec![Sample {
            labels: String::new(),
            value: 0.0,
            at: now,
        }])),
        Question::Healthy(_) => Answer::Healthy(Ok(Vec::new())),
        Question::Command(_) => Answer::Ran(Ok(Ran {
            code: Some(0),
            said: Vec::new(),
        })),
        Question::Guard(..) => Answer::Guard(Ok(None)),
        Question::Evidence(..) => Answer::Evidence(Ok(Evidence {
            commit: ObjectId::new([1; 20]),
            by: SaidBy::Label,
            checks: Ok(Checks::default()),
            url: None,
        })),
        Question::Image(_) => Answer::Image(Ok(ImageFacts {
            image: "registry.example.com/team/service".to_owned(),
            there: Some(ImageThere {
                digest: format!("sha256:{}", "a".repeat(64)),
                platforms: ["linux/amd64".to_owned()].into(),
                ..ImageThere::default()
            }),
            before: None,
        })),
    }
}

criterion_group!(benches, planning, one_file, judging);
criterion_main!(benches);

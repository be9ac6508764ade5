//! 500 changes, from the request to a commit that is ready to be pushed, beside `yq -i` in a work tree.
#![allow(missing_docs)] // criterion's macros make public functions
#![allow(clippy::expect_used)] // a harness fails by panicking

mod support;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use jiff::{Timestamp, Zoned, tz::TimeZone};

use support::{Bench, Size, path, run, yq_in_place};
use tidegate::{
    domain::{
        ids::CellKey,
        plan::{Came, ChangeRequest, Intent, PlanRequest},
        rollout::Running,
    },
    sources::git::build_commit,
    workflow::{OpenOptions, Project, prepare},
};

const SIZE: Size = Size {
    services: 500,
    environments: 2,
    merges: 0,
};

fn planning(criterion: &mut Criterion) {
    let bench = Bench::generated(&SIZE);
    // The commit is made by `git`, which asks who makes it.
    bench.git(&["config", "user.name", "Bench"]);
    bench.git(&["config", "user.email", "bench@example.com"]);
    let now = Timestamp::UNIX_EPOCH;
    let options = OpenOptions {
        repo: bench.repo(),
        config: Some(bench.config()),
        ..OpenOptions::default()
    };
    let project = Project::open(&options, &Zoned::new(now, TimeZone::UTC)).expect("a session");
    let reading = project.read().expect("the matrix");
    let changes = (0..SIZE.services).map(|service| ChangeRequest {
        cell: CellKey::new(format!("service-{service:04}").as_str(), "env-1"),
        intent: Intent::Promote {
            from: "env-0".into(),
        },
        came: Came::Named,
    });
    let request = PlanRequest {
        changes: changes.collect(),
        ..PlanRequest::default()
    };

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
            &write.message,
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

criterion_group!(benches, planning);
criterion_main!(benches);

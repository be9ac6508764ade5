//! The whole history of all cells: cold, warm, and caught up on 100 new commits, beside `git log`.
//!
//! On a generated repository; on a real one where the environment names a clone, see [`support`].
#![allow(missing_docs)] // criterion's macros make public functions

mod support;

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};

use support::{Bench, Size, run};

const SIZE: Size = Size {
    services: 60,
    environments: 4,
    merges: 10_000,
};

fn history(criterion: &mut Criterion) {
    let bench = Bench::real_or(&SIZE);
    let commits = bench.git(&["rev-list", "--count", "main"]);
    let mut group = criterion.benchmark_group(format!("history of {commits} commits"));
    group.sample_size(10);
    group.bench_function("cold: tidegate history", |b| {
        b.iter_custom(|times| timed(times, || bench.forget(), || run(&mut bench.history())));
    });
    group.bench_function("cold: git log --first-parent --raw", |b| {
        b.iter(|| {
            run(bench
                .in_repo("git")
                .args(["log", "--first-parent", "--raw", "main"]));
        });
    });
    group.bench_function("warm: tidegate history", |b| {
        b.iter(|| run(&mut bench.history()));
    });
    let before = bench.git(&["rev-parse", "main~100"]);
    group.bench_function("100 new commits: tidegate history", |b| {
        // What was caught up on is not written at once, so that every run catches up.
        bench.forget();
        bench.move_to(&before);
        run(&mut bench.history());
        bench.move_to(&bench.tip);
        b.iter(|| run(&mut bench.history()));
    });
    let last = bench.git(&[
        "log",
        "-1",
        "--format=",
        "--name-only",
        "--first-parent",
        "-m",
        "main~99",
    ]);
    if let Some(path) = last.lines().next() {
        group.bench_function("one cell: git log -1 -- path", |b| {
            b.iter(|| run(bench.in_repo("git").args(["log", "-1", "main", "--", path])));
        });
        group.bench_function("one cell: git log -p -- path", |b| {
            b.iter(|| run(bench.in_repo("git").args(["log", "-p", "main", "--", path])));
        });
    }
    group.finish();
}

/// How long the second takes, each time after the first.
fn timed(times: u64, before: impl Fn(), work: impl Fn()) -> Duration {
    (0..times)
        .map(|_| {
            before();
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .sum()
}

criterion_group!(benches, history);
criterion_main!(benches);

//! The whole history of all cells: cold, warm, and caught up on 100 new commits, beside `git log`.
//!
//! On a generated repository; on a real one where the environment names a clone, see [`support`]. Then the same where one
//! file holds all services and environments are branches: `TIDEGATE_BENCH_COMMITS` says how many commits that has.
#![allow(missing_docs)] // criterion's macros make public functions

mod support;

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};

use support::{Bench, OneFile, Size, run};

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

/// One file that holds the versions of many services, on a branch for each environment.
fn one_file(criterion: &mut Criterion) {
    let commits = std::env::var("TIDEGATE_BENCH_COMMITS").ok();
    let commits = commits.and_then(|text| text.parse().ok()).unwrap_or(3_000);
    let bench = Bench::one_file(&OneFile {
        services: 150,
        branches: 9,
        commits,
    });
    let name = format!("history of 150 services in one file, {commits} commits, 9 branches");
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10);
    group.bench_function("cold: tidegate history", |b| {
        b.iter_custom(|times| timed(times, || bench.forget(), || run(&mut bench.history())));
    });
    group.bench_function("cold: git log -p -- install.json", |b| {
        let arguments = ["log", "-p", "main", "--", "install.json"];
        b.iter(|| run(bench.in_repo("git").args(arguments)));
    });
    let trace = || {
        run(bench
            .tidegate()
            .args(["trace", &bench.service, "1.0.0", "-o", "json"]));
    };
    group.bench_function("cold: tidegate trace", |b| {
        b.iter_custom(|times| timed(times, || bench.forget(), trace));
    });
    group.bench_function("warm: tidegate trace", |b| b.iter(trace));
    let changed = || {
        let arguments = ["status", "--changed", "--no-live", "-o", "json"];
        run(bench.tidegate().args(arguments));
    };
    group.bench_function("cold: tidegate status --changed", |b| {
        b.iter_custom(|times| timed(times, || bench.forget(), changed));
    });
    group.bench_function("warm: tidegate status --changed", |b| b.iter(changed));
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

criterion_group!(benches, history, one_file);
criterion_main!(benches);

//! The matrix of 1,000 services in 8 environments, from a cold process, beside what reads the same versions today.
#![allow(missing_docs)] // criterion's macros make public functions

mod support;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

use support::{Bench, Size, has, path, run};

const SIZE: Size = Size {
    services: 1000,
    environments: 8,
    merges: 0,
};

fn matrix(criterion: &mut Criterion) {
    let bench = Bench::generated(&SIZE);
    let mut group = criterion.benchmark_group("matrix of 1,000 services in 8 environments");
    group.sample_size(10);
    let status = || {
        run(bench.tidegate().args(["status", "-o", "json", "--no-live"]));
    };
    group.bench_function("the first time: tidegate status -o json --no-live", |b| {
        b.iter_batched(|| bench.forget(), |()| status(), BatchSize::PerIteration);
    });
    group.bench_function("again: tidegate status -o json --no-live", |b| {
        b.iter(status);
    });
    // Another version in some of its files, too few to be written down.
    bench.change(40);
    group.bench_function("40 files later: tidegate status -o json --no-live", |b| {
        b.iter(status);
    });
    group.bench_function("git grep newTag", |b| {
        b.iter(|| {
            run(bench
                .in_repo("git")
                .args(["grep", "-n", "newTag:", "main", "--", "apps"]));
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("a tenth of it");
    group.sample_size(10);
    if has("yq") {
        let files: Vec<String> = (0..100)
            .flat_map(|s| (0..8).map(move |e| path(s, e)))
            .collect();
        let work = bench.work_tree();
        group.bench_function("yq on 800 files at once", |b| {
            b.iter(|| {
                let mut yq = bench.in_repo("yq");
                run(yq
                    .current_dir(&work)
                    .arg("-r")
                    .arg(".images[0].newTag")
                    .args(&files));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, matrix);
criterion_main!(benches);

//! Everything that the fuzz targets `locator`, `addresses` and `watch` assert, over their seeds: what was hard once.

use crate::{domain, sources};

#[test]
fn every_seed_of_a_layout_holds() {
    over("locator", 41, domain::layout::fuzzing::check);
}

#[test]
fn every_seed_of_an_address_holds() {
    over("addresses", 6, domain::address::fuzzing::check);
}

#[test]
fn every_seed_of_a_watch_holds() {
    over("watch", 6, sources::cluster::fuzzing::check);
}

fn over(target: &str, least: usize, check: fn(&[u8])) {
    let folder = format!("{}/fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for seed in std::fs::read_dir(&folder).unwrap() {
        let path = seed.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        // The name stands in the output of a test that fails.
        println!("{}", path.display());
        check(&bytes);
        count += 1;
    }
    assert!(count >= least, "{count} seeds in {folder}");
}

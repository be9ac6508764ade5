//! Everything that the fuzz target `locator` asserts, over its seeds: files that were hard once.

use crate::domain::layout::fuzzing::check;

#[test]
fn every_seed_holds() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/locator");
    let mut count = 0;
    for seed in std::fs::read_dir(folder).unwrap() {
        let path = seed.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        // The name stands in the output of a test that fails.
        println!("{}", path.display());
        check(&bytes);
        count += 1;
    }
    assert!(count > 40, "{count} seeds in {folder}");
}

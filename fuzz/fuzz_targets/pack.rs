//! Any bytes as a Git pack, as its index, or as the list of objects that it has: reading ends for no more than its budget.
#![no_main]

#[allow(dead_code, unused_imports)]
#[path = "../../src/domain/mod.rs"]
mod domain;
mod git;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| git::store::fuzzing::check_pack(bytes));

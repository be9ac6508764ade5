//! Any bytes as the file of a Git object, and as its content: reading ends for no more than its budget, and what is read of
//! commits, trees and tags is of their bytes.
#![no_main]

#[allow(dead_code, unused_imports)]
#[path = "../../src/domain/mod.rs"]
mod domain;
mod git;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    git::store::fuzzing::check_loose(bytes);
    git::check_content(bytes);
});

//! Any bytes as the files of a layout: what is found stands there, and changing a cell changes that cell alone. What
//! must hold is said beside the layouts, where a test runs it over the seeds too.
#![no_main]

#[allow(dead_code, unused_imports)]
#[path = "../../src/domain/mod.rs"]
mod domain;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| domain::layout::fuzzing::check(bytes));

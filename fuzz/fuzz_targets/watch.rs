//! Any bytes as what a Kubernetes server answers to a list and to the watches behind it: what is told does not depend on the
//! pieces in which they come, it ends, and the server is not asked without a pause.
#![no_main]

#[allow(dead_code, unused_imports)]
#[path = "../../src/domain/mod.rs"]
mod domain;
mod sources;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sources::cluster::fuzzing::check(bytes));

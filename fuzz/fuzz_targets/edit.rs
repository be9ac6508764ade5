//! Any bytes as a file: every value set, every mapping added to, every key removed.
#![no_main]

#[path = "check.rs"]
mod check;
#[allow(dead_code, unused_imports)]
#[path = "../../src/domain/mod.rs"]
mod domain;

use domain::manifest;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::every_edit(bytes));

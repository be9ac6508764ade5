//! Any text as an address, and as the parts of one that holds a secret: what is taken is of the known kinds, and the secret is
//! in nothing that may be shown.
#![no_main]

#[allow(dead_code, unused_imports)]
#[path = "../../src/domain/address/mod.rs"]
mod address;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| address::fuzzing::check(bytes));

//! The binary: the library called with its arguments.

use std::{ffi::c_int, process::ExitCode};

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Of the allocator's options (`mi_option_t` of mimalloc 2): what a thread leaves free is given back when it ends.
const ABANDONED_PAGE_PURGE: c_int = 12;
/// In milliseconds: how long what is free is kept before it is given back to the system.
const PURGE_DELAY: c_int = 15;

fn main() -> ExitCode {
    keep_nothing_free();
    tidegate::cli::run(std::env::args_os())
}

/// Has the allocator give back at once what is free. By itself it does that with a later allocation of the same thread, and a
/// console at rest has none: a quarter of what it took to list the pods of eight clusters stayed resident.
#[expect(
    unsafe_code,
    reason = "an option of the allocator, which is written in C"
)]
fn keep_nothing_free() {
    for (option, value) in [(PURGE_DELAY, 0), (ABANDONED_PAGE_PURGE, 1)] {
        // SAFETY: it stores a number in a table of its own, whose length the option is below; no other thread runs yet.
        unsafe { libmimalloc_sys::mi_option_set(option, value) };
    }
}

//! The binary: errors made readable, arguments parsed, the library called.

use std::process::ExitCode;

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Panics are told readably; that it was installed already is no reason not to start.
    let _ = color_eyre::install();
    tidegate::cli::run(std::env::args_os())
}

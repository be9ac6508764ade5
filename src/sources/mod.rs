//! I/O, speaking domain types.

pub mod children;
pub mod cluster;
pub mod files;
pub mod git;
pub mod log;
pub mod mistake;
pub mod state;
pub mod waiting;

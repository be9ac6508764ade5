//! I/O, speaking domain types.

pub mod checks;
pub mod children;
pub mod cluster;
pub mod credential;
pub mod files;
pub mod forge;
pub mod git;
pub mod log;
pub mod mistake;
pub mod notify;
pub mod prometheus;
pub mod registry;
pub mod state;
pub mod waiting;
pub mod web;

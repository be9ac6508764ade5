//! Tidegate: a promotion console for `GitOps` in the terminal.

pub mod config;
pub mod domain;
pub mod sources;

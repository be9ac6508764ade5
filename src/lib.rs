//! Tidegate: a promotion console for `GitOps` in the terminal.

pub mod domain;
pub mod sources;

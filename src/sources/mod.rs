//! I/O, speaking domain types.

pub mod state;

//! The terminal and the loop: wait, drain, draw once.

pub mod terminal;

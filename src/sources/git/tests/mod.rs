//! Git against real temporary repositories.

mod damaged;
mod find;
mod history;
mod publishing;
pub(super) mod support;
mod tree;

//! Git against real temporary repositories.

mod find;
mod history;
mod publishing;
pub(super) mod support;
mod tree;

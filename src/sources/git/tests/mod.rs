//! Git against real temporary repositories.

mod damaged;
mod find;
mod history;
mod huge;
mod publishing;
pub(super) mod support;
mod tree;

//! Git against real temporary repositories.

mod find;
mod publishing;
mod support;

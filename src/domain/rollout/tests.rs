//! Tables of named cases over small hand-made objects.

mod agents;
mod batch;
mod elsewhere;
pub(super) mod fixtures;
mod health;
mod pods;
mod progressive;
mod since;
mod target;
mod view;

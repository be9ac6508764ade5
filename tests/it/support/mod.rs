//! Helpers of the journeys.

pub mod operator;
pub mod repo;
pub mod terminal;

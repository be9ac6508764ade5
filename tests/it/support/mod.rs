//! Helpers of the journeys.

pub mod repo;
pub mod terminal;

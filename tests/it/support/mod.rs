//! Helpers of the journeys.

pub mod terminal;

//! The state machine: events in, the model changed, commands out. No I/O and no clock.
//!
//! A key becomes an [`event::Event`], [`keymap`] turns it into an action for the current [`mode`],
//! [`update::update`] changes the [`model::Model`] and returns [`command::Command`]s as plain data.
//! Whoever runs these answers with events again; answers carry the epoch they were asked with, and
//! late ones are dropped.

pub mod activity;
pub mod command;
pub mod event;
pub mod filter;
#[cfg(test)]
pub(crate) mod fixture;
pub mod geometry;
pub mod help;
pub mod keymap;
pub mod line;
pub mod look;
pub mod mode;
pub mod model;
pub mod op_queue;
pub mod palette;
pub mod rows;
pub mod snapshot;
pub mod staging;
pub mod status;
pub mod trace;
pub mod update;

//! The state machine: events in, the model changed, commands out. No I/O and no clock.
//!
//! A key becomes an [`event::Event`], [`keymap`] turns it into an action of the current mode, the visible [`screen`] acts on
//! it: [`update::update`] changes the [`model::Model`] and returns [`command::Command`]s as plain data.
//! Whoever runs these answers with events again; answers carry the epoch they were asked with, and
//! late ones are dropped.

pub mod activity;
pub mod areas;
pub mod behind;
mod brought;
pub mod command;
pub mod copy;
pub mod deliveries;
pub mod diff;
pub mod event;
pub mod filter;
pub mod filters;
#[cfg(test)]
pub(crate) mod fixture;
pub mod forge;
pub mod freezes;
pub mod judged;
pub mod keymap;
pub mod layouts;
pub mod line;
pub mod model;
pub mod op_queue;
pub mod palette;
pub mod screen;
pub mod skews;
pub mod snapshot;
pub mod staging;
pub mod status;
pub mod story;
pub mod trust;
pub mod update;
pub mod waiting;

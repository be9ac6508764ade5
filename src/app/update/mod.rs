//! The one place where the model changes: an event in, commands out.

use super::{command::Command, event::Event, model::Model};

/// What to do first: read what is known locally, then ask the remote.
pub fn start(_model: &mut Model) -> Vec<Command> {
    Vec::new()
}

/// Applies one event.
pub fn update(model: &mut Model, _event: Event) -> Vec<Command> {
    model.arrange();
    Vec::new()
}

/// Applies events that came together, and arranges the rows once.
pub fn update_all(model: &mut Model, events: impl IntoIterator<Item = Event>) -> Vec<Command> {
    let mut commands = Vec::new();
    for event in events {
        commands.extend(update(model, event));
    }
    commands
}

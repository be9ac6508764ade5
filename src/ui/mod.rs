//! The screen: a model in, a frame out. No state of its own, no I/O.

use ratatui::Frame;

use crate::app::model::Model;

/// Draws the whole screen.
pub fn render(_model: &Model, frame: &mut Frame<'_>) {
    frame.buffer_mut().reset();
}

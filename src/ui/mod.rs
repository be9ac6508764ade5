//! The screen: a model in, a frame out. No state of its own, no I/O.
//!
//! Every area is a file with one function that draws into its rectangle. Only what is visible is laid out.

use ratatui::{Frame, layout::Rect, text::Line};

mod activity;
mod agent;
mod behind;
mod canvas;
mod cell;
mod confirm;
mod delivery;
mod detail;
mod diff;
mod drift;
mod footer;
mod glyphs;
mod header;
mod help;
mod history;
mod layouts;
mod log;
mod matrix;
mod object;
mod plan;
mod progress;
mod prompt;
mod revert;
mod rollout;
#[cfg(test)]
mod tests;
mod text;
mod theme;
mod trace;

use crate::app::{
    areas::{self, Bands, Drawn, row},
    model::Model,
    screen::Screen,
};
use canvas::Canvas;

/// Draws the whole screen, and says what it found out for the keys that come next.
pub fn render(model: &Model, frame: &mut Frame<'_>) -> Drawn {
    let area = frame.area();
    let mut canvas = Canvas::new(model, frame.buffer_mut());
    let Some(bands) = Bands::of(model, area) else {
        too_small(&mut canvas, area);
        return canvas.drawn;
    };
    header::draw(&mut canvas, bands.header);
    header::draw_summary(&mut canvas, bands.summary);
    draw_screens(&mut canvas, model, bands.body, area);
    footer::draw(&mut canvas, bands);
    prompt::draw(&mut canvas, area, bands.keys);
    canvas.drawn
}

/// What is shown before anything can be: who this is, and what it is doing.
pub fn render_opening(words: &str, frame: &mut Frame<'_>) {
    let area = frame.area();
    let said = text::wrap(words, usize::from(area.width.saturating_sub(2)).max(10));
    let head = ["", "tidegate", ""].map(str::to_owned);
    let lines = head.into_iter().chain(said);
    for (index, line) in (0..area.height).zip(lines.chain(["^c leaves".to_owned()])) {
        frame.render_widget(Line::from(format!(" {line}")), row(area, index));
    }
}

/// The topmost screen that fills the body, and what stands above it as a box.
fn draw_screens(canvas: &mut Canvas<'_>, model: &Model, body: Rect, area: Rect) {
    let full = model.screens.iter().rposition(|screen| !screen.is_box());
    match full {
        None => matrix::draw(canvas, body, area),
        Some(index) => draw_screen(canvas, body, &model.screens[index]),
    }
    if let Some(screen) = model.screens.last().filter(|screen| screen.is_box()) {
        // Nothing below the box answers.
        canvas.drawn = Drawn::default();
        draw_screen(canvas, body, screen);
    }
}

/// The table of what is drawn of each screen.
fn draw_screen(canvas: &mut Canvas<'_>, body: Rect, screen: &Screen) {
    match screen {
        Screen::Cell(screen) => cell::draw(canvas, body, screen),
        Screen::Plan(screen) => plan::draw(canvas, body, screen),
        Screen::Confirm(screen) => confirm::draw(canvas, body, screen),
        Screen::Revert(screen) => revert::draw(canvas, body, screen),
        Screen::Trace(screen) => trace::draw(canvas, body, screen),
        Screen::Delivery(screen) => delivery::draw(canvas, body, screen),
        Screen::Drift(screen) => drift::draw(canvas, body, screen),
        Screen::Log(screen) => log::draw(canvas, body, screen),
        Screen::Object(screen) => object::draw(canvas, body, screen),
        Screen::Agent(screen) => agent::draw(canvas, body, screen),
        Screen::Order(screen) => agent::draw_question(canvas, body, screen),
        Screen::Layouts(screen) => layouts::draw(canvas, body, screen),
        Screen::Activity(screen) => activity::draw(canvas, body, *screen),
        Screen::Help(screen) => help::draw(canvas, body, screen),
    }
}

fn too_small(canvas: &mut Canvas<'_>, area: Rect) {
    let (width, height) = areas::SMALLEST;
    let lines = [
        "too small".to_owned(),
        format!("{}x{} here", area.width, area.height),
        format!("{width}x{height} needed"),
    ];
    for (index, line) in (0..area.height).zip(lines) {
        canvas.put(row(area, index), line.into());
    }
}

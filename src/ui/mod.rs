//! The screen: a model in, a frame out. No state of its own, no I/O.
//!
//! Every area is a file with one function that draws into its rectangle. Only what is visible is laid out.

use ratatui::{Frame, layout::Rect, text::Line};

mod activity;
mod canvas;
mod cell;
mod confirm;
mod delivery;
mod detail;
mod diff;
mod footer;
mod glyphs;
mod header;
mod help;
mod history;
mod matrix;
mod plan;
mod prompt;
mod revert;
mod rollout;
#[cfg(test)]
mod tests;
mod text;
mod theme;
mod trace;

use crate::app::{
    geometry,
    model::{Model, Screen},
};
use canvas::Canvas;

/// Draws the whole screen.
pub fn render(model: &Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    let mut canvas = Canvas::new(model, frame.buffer_mut());
    let (least_width, least_height) = geometry::SMALLEST;
    if area.width < least_width || area.height < least_height {
        return too_small(&mut canvas, area);
    }
    header::draw(&mut canvas, row(area, 0));
    header::draw_summary(&mut canvas, row(area, 1));
    let footer = footer::height(model);
    let body = Rect {
        y: area.y + 2,
        height: area.height - 2 - footer,
        ..area
    };
    footer::draw(
        &mut canvas,
        Rect {
            y: area.y + area.height - footer,
            height: footer,
            ..area
        },
    );
    draw_screens(&mut canvas, model, body);
    prompt::draw(&mut canvas, area);
}

/// What is shown before anything can be: who this is, and what it is doing.
pub fn render_opening(words: &str, frame: &mut Frame<'_>) {
    let area = frame.area();
    let lines = ["", " tidegate", "", "   ", " ^c leaves"];
    for (index, line) in (0..area.height).zip(lines) {
        let text = if index == 3 {
            format!(" {}", crate::domain::text::sanitise(words))
        } else {
            line.to_owned()
        };
        frame.render_widget(Line::from(text), row(area, index));
    }
}

/// The topmost screen that fills the body, and what stands above it as a box.
fn draw_screens(canvas: &mut Canvas<'_>, model: &Model, body: Rect) {
    let is_box = |screen: &Screen| matches!(screen, Screen::Confirm(_) | Screen::Revert(_));
    let full = model.screens.iter().rposition(|screen| !is_box(screen));
    match full.map(|index| &model.screens[index]) {
        None => matrix::draw(canvas, body),
        Some(Screen::Cell(screen)) => cell::draw(canvas, body, screen),
        Some(Screen::Plan(screen)) => plan::draw(canvas, body, screen),
        Some(Screen::Trace(screen)) => trace::draw(canvas, body, screen),
        Some(Screen::Delivery(screen)) => delivery::draw(canvas, body, *screen),
        Some(Screen::Activity(screen)) => activity::draw(canvas, body, *screen),
        Some(Screen::Help(line)) => help::draw(canvas, body, *line),
        Some(Screen::Confirm(_) | Screen::Revert(_)) => {}
    }
    match model.screens.last() {
        Some(Screen::Confirm(screen)) => confirm::draw(canvas, body, screen),
        Some(Screen::Revert(screen)) => revert::draw(canvas, body, screen),
        _ => {}
    }
}

fn row(area: Rect, index: u16) -> Rect {
    Rect {
        y: area.y + index,
        height: 1,
        ..area
    }
}

fn too_small(canvas: &mut Canvas<'_>, area: Rect) {
    let (width, height) = geometry::SMALLEST;
    let lines = [
        "too small".to_owned(),
        format!("{}x{} here", area.width, area.height),
        format!("{width}x{height} needed"),
    ];
    for (index, line) in (0..area.height).zip(lines) {
        canvas.put(row(area, index), line.into());
    }
}

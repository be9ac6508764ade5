//! A screen as text: each row, and below it a letter for the style of each character that has one.

use std::fmt::Write as _;

use ratatui::{
    Terminal,
    backend::TestBackend,
    buffer::{Buffer, Cell},
    style::{Color, Modifier, Style},
};

use crate::{
    app::{areas::Drawn, model::Model, update},
    ui::render,
};

/// What `model` looks like.
pub(super) fn draw(model: &Model) -> Buffer {
    frame(model).0
}

/// Draws a frame as the console does, so that the next key knows what it found out.
pub(super) fn frame_of(model: &mut Model) -> Buffer {
    let (buffer, found) = frame(model);
    update::drawn(model, found);
    buffer
}

fn frame(model: &Model) -> (Buffer, Drawn) {
    let (width, height) = model.size;
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let mut found = Drawn::default();
    terminal.draw(|frame| found = render(model, frame)).unwrap();
    (terminal.backend().buffer().clone(), found)
}

/// The text alone, rows without their trailing spaces.
pub(super) fn text(model: &Model) -> String {
    let buffer = draw(model);
    let lines: Vec<String> = rows(&buffer).map(row_text).collect();
    lines.join("\n")
}

/// Text and styles, and what the letters mean.
pub(super) fn screen(model: &Model) -> String {
    let buffer = draw(model);
    let mut styles: Vec<Style> = Vec::new();
    let mut out = String::new();
    for row in rows(&buffer) {
        out.push_str(&row_text(row));
        out.push('\n');
        let letters: String = row.iter().map(|cell| letter(cell, &mut styles)).collect();
        if !letters.trim_end().is_empty() {
            let _ = writeln!(out, "{}", letters.trim_end());
        }
    }
    out.push('\n');
    for (index, style) in styles.iter().enumerate() {
        let _ = writeln!(out, "{} {}", name(index), describe(*style));
    }
    out
}

/// The screen as a terminal would get it, colours included.
pub(super) fn ansi(model: &Model) -> String {
    let buffer = draw(model);
    let mut out = String::new();
    for row in rows(&buffer) {
        for cell in row {
            let _ = write!(out, "\x1b[0{}m{}", codes(cell.style()), cell.symbol());
        }
        out.push_str("\x1b[0m\n");
    }
    out
}

fn rows(buffer: &Buffer) -> impl Iterator<Item = &[Cell]> {
    buffer.content.chunks(usize::from(buffer.area.width))
}

fn row_text(row: &[Cell]) -> String {
    let text: String = row.iter().map(Cell::symbol).collect();
    text.trim_end().to_owned()
}

fn plain(style: Style) -> bool {
    style.fg.is_none_or(|colour| colour == Color::Reset)
        && style.bg.is_none_or(|colour| colour == Color::Reset)
        && style.add_modifier.is_empty()
}

fn letter(cell: &Cell, styles: &mut Vec<Style>) -> char {
    let mut style = cell.style();
    let blank = cell.symbol() == " ";
    if blank
        && !style
            .add_modifier
            .intersects(Modifier::REVERSED | Modifier::UNDERLINED)
    {
        style = Style {
            fg: None,
            add_modifier: Modifier::empty(),
            ..style
        };
    }
    if plain(style) {
        return ' ';
    }
    let index = styles.iter().position(|known| *known == style);
    name(index.unwrap_or_else(|| {
        styles.push(style);
        styles.len() - 1
    }))
}

fn name(index: usize) -> char {
    let letters = ('a'..='z').chain('A'..='Z').chain('0'..='9');
    letters.clone().nth(index).unwrap_or('#')
}

fn describe(style: Style) -> String {
    let mut words = Vec::new();
    for (what, colour) in [("fg", style.fg), ("bg", style.bg)] {
        match colour {
            Some(Color::Reset) | None => {}
            Some(Color::Indexed(index)) => words.push(format!("{what} {index}")),
            Some(colour) => words.push(format!("{what} {colour}")),
        }
    }
    for (name, _) in style.add_modifier.iter_names() {
        words.push(name.to_lowercase());
    }
    words.join(", ")
}

fn codes(style: Style) -> String {
    let mut out = String::new();
    for (code, modifier) in [
        (1, Modifier::BOLD),
        (2, Modifier::DIM),
        (4, Modifier::UNDERLINED),
        (7, Modifier::REVERSED),
    ] {
        if style.add_modifier.contains(modifier) {
            let _ = write!(out, ";{code}");
        }
    }
    for (code, colour) in [(38, style.fg), (48, style.bg)] {
        if let Some(Color::Indexed(index)) = colour {
            let _ = write!(out, ";{code};5;{index}");
        }
    }
    out
}

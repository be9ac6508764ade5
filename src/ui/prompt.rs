//! Lines being typed, at the bottom, with what they can become above them.

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};

use super::{canvas::Canvas, text};
use crate::{
    actions::{Action, Mode},
    app::{
        areas::{self, Bands, Spot},
        copy::Choice,
        line::LineInput,
        model::Prompt,
        palette::{self, SUGGESTIONS},
        screen::Screen,
    },
    domain::{ids::EnvironmentName, text::sanitise},
};

/// Draws the prompt in `line`, where there is one.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, line: Rect) {
    let model = canvas.model;
    match &model.prompt {
        Some(Prompt::Filter { input, .. }) => {
            let found = model.matrix.lines.len();
            let hint = format!("{}  tab completes ", text::count(found, "row"));
            typed(canvas, line, "/", input, &hint);
        }
        Some(Prompt::Find { input, .. }) => typed(canvas, line, "/", input, "enter keeps it "),
        Some(Prompt::Copy { choices, selected }) => copies(canvas, area, choices, *selected),
        Some(Prompt::Palette { input, selected }) => {
            suggestions(canvas, area, input, *selected);
            typed(canvas, line, ":", input, "tab completes ");
        }
        Some(Prompt::Reason { gate, input }) => {
            let label = format!("reason for lifting {gate}: ");
            let kept = match model.screens.last() {
                Some(Screen::Order(_)) => "kept in the activity ",
                _ => "kept in the commit ",
            };
            typed(canvas, line, &label, input, kept);
        }
        Some(Prompt::ForgeName { what, names, input }) => {
            let name = names.first().map_or("", |it| it.as_str());
            let label = format!("{name} is protected: type its name: ");
            let asked = format!("{} ", sanitise(&what.words()));
            typed(canvas, line, &label, input, &asked);
        }
        Some(Prompt::Trust(_)) => trust(canvas, area),
        Some(Prompt::Quit | Prompt::Own(..) | Prompt::Forge(..)) | None => {}
    }
}

/// What the changed configuration names, in a box; the keys are in the footer.
fn trust(canvas: &mut Canvas<'_>, area: Rect) {
    let bands = Bands::of(canvas.model, area);
    let (Some(question), Some(bands)) = (&canvas.model.trust, bands) else {
        return;
    };
    let (place, rows, _) = question.shown(bands.body);
    canvas.clear(place);
    let title = Line::styled("May these be reached?", canvas.theme.title);
    let inner = canvas.frame(place, title);
    canvas.lines(inner, rows.into_iter().map(Line::raw));
}

fn typed(canvas: &mut Canvas<'_>, area: Rect, label: &str, input: &LineInput, hint: &str) {
    let theme = canvas.theme;
    let (before, after) = input.split();
    let mut spans = vec![
        Span::styled(format!(" {label}"), theme.accent),
        Span::raw(before.to_owned()),
    ];
    spans.extend(caret(canvas, after));
    let line = Line::from(spans);
    let room = usize::from(area.width);
    let fits = line.width() + text::width(hint) + 2 <= room;
    canvas.clear(area);
    canvas.put(area, line);
    if fits {
        canvas.put_right(area, Line::styled(hint.to_owned(), theme.faint));
    }
}

/// The text after the cursor, its first character as a block.
pub fn caret(canvas: &Canvas<'_>, after: &str) -> [Span<'static>; 2] {
    let mut chars = after.chars();
    let under = chars.next().unwrap_or(' ');
    [
        Span::styled(under.to_string(), canvas.theme.cursor),
        Span::raw(chars.as_str().to_owned()),
    ]
}

/// Asks for the name of a protected environment, with what is typed so far; `wrong` says that it was another one, `more`
/// what else is asked for.
pub fn name_asked(
    canvas: &Canvas<'_>,
    name: &EnvironmentName,
    input: &LineInput,
    wrong: bool,
    more: &str,
    width: usize,
) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let (before, after) = input.split();
    let mut typed = vec![
        Span::styled("> ", theme.accent),
        Span::raw(before.to_owned()),
    ];
    typed.extend(caret(canvas, after));
    if wrong {
        typed.push(Span::styled(format!("  not {name}"), theme.bad));
    }
    let words = format!("{name} is protected: type its name and press enter{more}");
    let mut lines = Vec::new();
    for (index, line) in text::wrap(&words, width).into_iter().enumerate() {
        // A name that is broken keeps no colour of its own.
        lines.push(match line.strip_prefix(name.as_str()) {
            Some(rest) if index == 0 => Line::from(vec![
                Span::styled(name.to_string(), theme.warn),
                Span::raw(rest.to_owned()),
            ]),
            _ => Line::raw(line),
        });
    }
    lines.push(Line::from(typed));
    lines
}

/// A box of at most so many columns and rows above the line that is typed in; what is inside its frame.
fn above_the_line(
    canvas: &mut Canvas<'_>,
    area: Rect,
    (width, rows): (u16, usize),
    title: Line<'static>,
) -> Rect {
    let height = areas::rows(rows).min(area.height.saturating_sub(3)) + 2;
    let place = Rect {
        x: area.x,
        y: (area.y + area.height).saturating_sub(1 + height),
        width: area.width.min(width),
        height,
    };
    canvas.clear(place);
    canvas.frame(place, title)
}

/// What can be copied, each behind its key.
fn copies(canvas: &mut Canvas<'_>, area: Rect, choices: &[Choice], selected: usize) {
    let theme = canvas.theme;
    let title = Line::styled("Copy", theme.title);
    let inner = above_the_line(canvas, area, (100, choices.len()), title);
    let names = choices.iter().map(|choice| text::width(&choice.what));
    let names = names.max().unwrap_or(0);
    for (offset, (index, choice)) in (0..inner.height).zip(choices.iter().enumerate()) {
        let key = canvas.key(Mode::Copy, Action::CopyPart(choice.of));
        // Of several lines the last says most: a table ends with the row.
        let shown = choice.text.lines().last().unwrap_or_default().to_owned();
        let name = text::column(&choice.what, names, canvas.glyphs.ellipsis);
        let row = areas::row(inner, offset);
        let mut keys = canvas.model.setup.keymap.rows(Mode::Copy);
        let press = keys.find_map(|(row, keys)| {
            let here = row.action == Action::CopyPart(choice.of);
            keys.first().copied().filter(|_| here)
        });
        if let Some(press) = press {
            canvas.zone(row, Spot::Key(press));
        }
        let line = Line::from(vec![
            key,
            Span::raw(format!(" {name}  ")),
            Span::styled(shown, theme.dim),
        ]);
        canvas.put(row, line);
        if index == selected {
            canvas.tint(row, theme.cursor);
        }
    }
}

fn suggestions(canvas: &mut Canvas<'_>, area: Rect, input: &LineInput, selected: usize) {
    let theme = canvas.theme;
    let all = palette::suggestions(canvas.model, input.text());
    let more = all.len().saturating_sub(SUGGESTIONS);
    let shown: Vec<_> = all.into_iter().take(SUGGESTIONS).collect();
    if shown.is_empty() {
        return;
    }
    let title = if more > 0 {
        Line::styled(format!("Commands  {more} more"), theme.dim)
    } else {
        Line::styled("Commands", theme.dim)
    };
    let inner = above_the_line(canvas, area, (72, shown.len()), title);
    canvas.zone(inner, Spot::Suggestions);
    let names = shown.iter().map(|suggestion| text::width(&suggestion.line));
    let names = names.max().unwrap_or(0);
    for ((y, suggestion), index) in (inner.y..inner.bottom()).zip(&shown).zip(0..) {
        let row = Rect {
            y,
            height: 1,
            ..inner
        };
        let name = text::column(&suggestion.line, names, canvas.glyphs.ellipsis);
        canvas.put(
            row,
            Line::from(vec![
                Span::raw(name),
                Span::styled(format!("  {}", suggestion.help), theme.dim),
            ]),
        );
        if index == selected {
            canvas.tint(row, theme.cursor);
        }
    }
}

//! What things look like on this terminal: one style for each meaning.

use ratatui::style::{Color, Modifier, Style};

use crate::{
    domain::cell::State,
    look::{
        self, Look, Tone,
        colour::{Colour, Rgb},
        theme::{Paint, Role},
    },
};

/// A style for each meaning. Colours never carry a meaning alone: a glyph or a word stands beside.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    /// Everything that says nothing else: the theme's own background, where that is painted.
    pub base: Style,
    /// Ordinary text.
    pub text: Style,
    /// Text of second rank.
    pub dim: Style,
    /// Text of third rank: old, folded, not there.
    pub faint: Style,
    /// Headings.
    pub title: Style,
    /// Lines of boxes.
    pub border: Style,
    /// Keys, and what can be acted on.
    pub accent: Style,
    /// Good.
    pub good: Style,
    /// On its way.
    pub moving: Style,
    /// Worth a look.
    pub warn: Style,
    /// Broken.
    pub bad: Style,
    /// Asked for.
    pub staged: Style,
    /// Not known.
    pub unknown: Style,
    /// The row of the cursor.
    pub row: Style,
    /// The cursor.
    pub cursor: Style,
    /// Marked cells.
    pub marked: Style,
    /// This session may write.
    pub write: Style,
}

impl Theme {
    /// The styles for `look` on a terminal that said that its background is `ground`. Without colours everything is said by
    /// bold, dim and reverse.
    pub fn of(look: &Look, ground: Option<Rgb>) -> Self {
        let theme = look.theme(ground);
        // On a background that is not its own, ordinary text keeps the terminal's colour: that one is read there for sure.
        let paints = look.background && !look.no_colour;
        let style = |role| {
            let mut paint = theme.paint_at(role, look.depth);
            if !paints && matches!(role, Role::Text | Role::Title) {
                paint.text = None;
            }
            style(paint)
        };
        let base = if paints {
            style_of_base(theme.base(look.depth))
        } else {
            Style::new()
        };
        Self {
            base,
            text: style(Role::Text),
            dim: style(Role::Dim),
            faint: style(Role::Faint),
            title: style(Role::Title),
            border: style(Role::Border),
            accent: style(Role::Accent),
            good: style(Role::Good),
            moving: style(Role::Moving),
            warn: style(Role::Warn),
            bad: style(Role::Bad),
            staged: style(Role::Staged),
            unknown: style(Role::Unknown),
            row: style(Role::Row),
            cursor: style(Role::Cursor),
            marked: style(Role::Marked),
            write: style(Role::Write),
        }
    }

    /// The style of a state's glyph.
    pub fn state(&self, state: State) -> Style {
        self.tone(look::of(state).tone)
    }

    /// The style of a tone.
    pub fn tone(&self, tone: Tone) -> Style {
        match tone {
            Tone::Good => self.good,
            Tone::Moving => self.moving,
            Tone::Bad => self.bad,
            Tone::Warn => self.warn,
            Tone::Unknown => self.unknown,
            Tone::Faint => self.faint,
        }
    }
}

/// The terminal's own colours are those that are there anyway: nothing is said of them, or the base would be painted over.
fn style(paint: Paint) -> Style {
    let own = |colour: &Colour| *colour != Colour::Terminal;
    style_of_base(Paint {
        text: paint.text.filter(own),
        ground: paint.ground.filter(own),
        ..paint
    })
}

fn style_of_base(paint: Paint) -> Style {
    let modifiers = [
        (paint.bold, Modifier::BOLD),
        (paint.dim, Modifier::DIM),
        (paint.reversed, Modifier::REVERSED),
        (paint.underlined, Modifier::UNDERLINED),
    ];
    let modifiers = modifiers.into_iter().filter_map(|(is, m)| is.then_some(m));
    let style = Style::new().add_modifier(modifiers.collect());
    Style {
        fg: paint.text.map(color),
        bg: paint.ground.map(color),
        ..style
    }
}

fn color(colour: Colour) -> Color {
    match colour {
        Colour::Terminal => Color::Reset,
        Colour::Indexed(index) => Color::Indexed(index),
        Colour::Rgb(Rgb(red, green, blue)) => Color::Rgb(red, green, blue),
    }
}

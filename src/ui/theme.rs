//! What things look like: one style for each meaning, a palette for each theme.

use ratatui::style::{Color, Modifier, Style};

use crate::{
    domain::cell::State,
    look::{self, Look, Tone},
};

/// A style for each meaning. Colours never carry a meaning alone: a glyph or a word stands beside.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
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

/// The colours of a palette, in the order of [`Theme`]'s meanings.
struct Palette {
    dim: Color,
    faint: Color,
    border: Color,
    accent: Color,
    good: Color,
    moving: Color,
    warn: Color,
    bad: Color,
    staged: Color,
    unknown: Color,
    row: Color,
    cursor: (Color, Color),
    marked: Color,
}

/// Bluish green, sky blue, amber and vermilion keep apart for red-green blindness too.
const DEFAULT: Palette = Palette {
    dim: Color::Indexed(247),
    faint: Color::Indexed(242),
    border: Color::Indexed(239),
    accent: Color::Indexed(110),
    good: Color::Indexed(72),
    moving: Color::Indexed(75),
    warn: Color::Indexed(179),
    bad: Color::Indexed(209),
    staged: Color::Indexed(183),
    unknown: Color::Indexed(139),
    row: Color::Indexed(235),
    cursor: (Color::Indexed(231), Color::Indexed(24)),
    marked: Color::Indexed(237),
};

const LIGHT: Palette = Palette {
    dim: Color::Indexed(240),
    faint: Color::Indexed(246),
    border: Color::Indexed(250),
    accent: Color::Indexed(25),
    good: Color::Indexed(29),
    moving: Color::Indexed(26),
    warn: Color::Indexed(130),
    bad: Color::Indexed(160),
    staged: Color::Indexed(91),
    unknown: Color::Indexed(96),
    row: Color::Indexed(254),
    cursor: (Color::Indexed(16), Color::Indexed(153)),
    marked: Color::Indexed(252),
};

const HIGH_CONTRAST: Palette = Palette {
    dim: Color::White,
    faint: Color::Gray,
    border: Color::White,
    accent: Color::LightCyan,
    good: Color::LightGreen,
    moving: Color::LightCyan,
    warn: Color::LightYellow,
    bad: Color::LightRed,
    staged: Color::LightMagenta,
    unknown: Color::LightMagenta,
    row: Color::Reset,
    cursor: (Color::Black, Color::White),
    marked: Color::DarkGray,
};

impl Theme {
    /// The theme for `look`; without colours everything is said by bold, dim and reverse.
    pub fn of(look: Look) -> Self {
        match look.theme {
            _ if look.no_colour => Self::monochrome(),
            look::Theme::Default => Self::coloured(&DEFAULT),
            look::Theme::Light => Self::coloured(&LIGHT),
            look::Theme::HighContrast => Self::coloured(&HIGH_CONTRAST),
            look::Theme::Monochrome => Self::monochrome(),
        }
    }

    fn coloured(palette: &Palette) -> Self {
        let fg = |colour| Style::new().fg(colour);
        let bold = Modifier::BOLD;
        Self {
            text: Style::new(),
            dim: fg(palette.dim),
            faint: fg(palette.faint),
            title: Style::new().add_modifier(bold),
            border: fg(palette.border),
            accent: fg(palette.accent),
            good: fg(palette.good),
            moving: fg(palette.moving),
            warn: fg(palette.warn),
            bad: fg(palette.bad).add_modifier(bold),
            staged: fg(palette.staged),
            unknown: fg(palette.unknown),
            row: Style::new().bg(palette.row),
            cursor: Style::new()
                .fg(palette.cursor.0)
                .bg(palette.cursor.1)
                .add_modifier(bold),
            marked: Style::new().bg(palette.marked),
            write: fg(palette.warn).add_modifier(bold | Modifier::REVERSED),
        }
    }

    fn monochrome() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let dim = plain.add_modifier(Modifier::DIM);
        Self {
            text: plain,
            dim: plain,
            faint: dim,
            title: bold,
            border: dim,
            accent: bold,
            good: plain,
            moving: plain,
            warn: bold,
            bad: bold,
            staged: bold,
            unknown: plain,
            row: plain,
            cursor: bold.add_modifier(Modifier::REVERSED),
            marked: plain.add_modifier(Modifier::UNDERLINED),
            write: bold.add_modifier(Modifier::REVERSED),
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

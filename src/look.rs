//! How the screen may look: plain choices, turned into colours and characters by `ui`.

/// What the terminal and its owner allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The palette.
    pub theme: Theme,
    /// Letters and ASCII borders only.
    pub ascii: bool,
    /// `NO_COLOR`: no colours whatever the theme says; reverse and bold stay.
    pub no_colour: bool,
}

/// A palette.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Safe for colour-blind people, on dark backgrounds.
    #[default]
    Default,
    /// Few colours, strong ones.
    HighContrast,
    /// For light backgrounds.
    Light,
    /// No colours.
    Monochrome,
}

impl Theme {
    /// All of them with the names they are chosen by.
    pub const NAMED: [(&'static str, Self); 4] = [
        ("default", Self::Default),
        ("high-contrast", Self::HighContrast),
        ("light", Self::Light),
        ("monochrome", Self::Monochrome),
    ];

    /// The theme called `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED
            .into_iter()
            .find_map(|(known, theme)| (known == name).then_some(theme))
    }
}

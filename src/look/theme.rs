//! Themes: what each meaning looks like, as data; which of them is shown.

use std::{collections::BTreeMap, sync::Arc};

use super::colour::{Colour, Depth, Rgb};

/// What something on the screen means. Colours never carry a meaning alone: a glyph or a word stands beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// Headings.
    Title,
    /// Text of second rank.
    Dim,
    /// Text of third rank: old, folded, not there.
    Faint,
    /// Lines of boxes.
    Border,
    /// Keys, and what can be acted on.
    Accent,
    /// Good.
    Good,
    /// On its way.
    Moving,
    /// Worth a look.
    Warn,
    /// Broken.
    Bad,
    /// Asked for.
    Staged,
    /// Not known.
    Unknown,
    /// The row of the cursor.
    Row,
    /// Marked cells.
    Marked,
    /// The cursor.
    Cursor,
    /// This session may write.
    Write,
}

impl Role {
    /// All of them, as [`Theme`] keeps them, with their keys in a theme's file.
    pub const NAMED: [(&'static str, Self); 16] = [
        ("text", Self::Text),
        ("title", Self::Title),
        ("dim", Self::Dim),
        ("faint", Self::Faint),
        ("border", Self::Border),
        ("accent", Self::Accent),
        ("good", Self::Good),
        ("moving", Self::Moving),
        ("warn", Self::Warn),
        ("bad", Self::Bad),
        ("staged", Self::Staged),
        ("unknown", Self::Unknown),
        ("row", Self::Row),
        ("marked", Self::Marked),
        ("cursor", Self::Cursor),
        ("write", Self::Write),
    ];
}

/// How something is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paint {
    /// Of its text; `None`: as it would be.
    pub text: Option<Colour>,
    /// Behind it; `None`: as it would be.
    pub ground: Option<Colour>,
    /// Bold.
    pub bold: bool,
    /// Half as bright.
    pub dim: bool,
    /// Text and ground change places.
    pub reversed: bool,
    /// Underlined.
    pub underlined: bool,
}

/// What everything looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    /// The background that it is made for; the terminal's own where it is made for any.
    pub ground: Colour,
    /// In the order of [`Role::NAMED`].
    pub paints: [Paint; 16],
}

impl Theme {
    /// How `role` is drawn.
    pub fn paint(&self, role: Role) -> Paint {
        self.paints[role as usize]
    }

    /// Whether it is made for light backgrounds; `None`: for any.
    pub fn is_for_light(&self) -> Option<bool> {
        match self.ground {
            Colour::Rgb(colour) => Some(colour.is_light()),
            _ => None,
        }
    }

    /// How `role` is drawn where so many colours are shown.
    ///
    /// Of the sixteen only the names are known: what they look like is the terminal's palette. Only text takes one of them, by
    /// its hue; grays are the text's own colour, dimmed (bright black is the background of some palettes); the cursor is
    /// reversed, and what has nothing but another ground underlined where it would not be seen otherwise.
    pub fn paint_at(&self, role: Role, depth: Depth) -> Paint {
        let paint = self.paint(role);
        match depth {
            Depth::True => paint,
            Depth::Indexed => Paint {
                text: paint.text.map(indexed),
                ground: paint.ground.map(indexed),
                ..paint
            },
            Depth::Sixteen => self.in_sixteen(role, paint),
        }
    }

    fn in_sixteen(&self, role: Role, paint: Paint) -> Paint {
        let on_light = self.is_for_light().unwrap_or(false);
        let Some(ground) = paint.ground else {
            let (text, dim) = match paint.text {
                Some(Colour::Rgb(colour)) => match colour.nearest_of_sixteen(on_light) {
                    Some(index) => (Some(Colour::Indexed(index)), false),
                    None => (Some(Colour::Terminal), self.is_faded(colour)),
                },
                other => (other, false),
            };
            return Paint {
                text,
                dim: dim || paint.dim,
                ..paint
            };
        };
        let plain = Paint {
            text: None,
            ground: None,
            ..paint
        };
        match paint.text {
            // In one colour, whatever is said there.
            Some(_) => Paint {
                text: self.base(Depth::Sixteen).text,
                bold: true,
                reversed: true,
                ..plain
            },
            None if ground != Colour::Terminal && role == Role::Marked => Paint {
                underlined: true,
                ..plain
            },
            None => plain,
        }
    }

    /// Nearer to the ground than to the text.
    fn is_faded(&self, colour: Rgb) -> bool {
        let (Colour::Rgb(ground), Some(Colour::Rgb(text))) =
            (self.ground, self.paint(Role::Text).text)
        else {
            return false;
        };
        colour.contrast(ground) < 0.75 * text.contrast(ground)
    }

    /// Text and ground of the whole screen, where the theme's own background is painted.
    pub fn base(&self, depth: Depth) -> Paint {
        let on_light = self.is_for_light();
        let (text, ground) = match (depth, on_light) {
            (Depth::Sixteen, Some(true)) => (Some(Colour::Indexed(0)), Some(Colour::Indexed(15))),
            (Depth::Sixteen, Some(false)) => (Some(Colour::Indexed(15)), Some(Colour::Indexed(0))),
            _ => (
                self.paint_at(Role::Text, depth).text,
                Some(match depth {
                    Depth::Indexed => indexed(self.ground),
                    _ => self.ground,
                }),
            ),
        };
        Paint {
            text,
            ground,
            ..Paint::default()
        }
    }

    /// What everything looks like without any theme's file: bold and reverse.
    pub fn plain() -> Self {
        let mut paints = [Paint::default(); 16];
        let bold = Paint {
            bold: true,
            ..Paint::default()
        };
        let reversed = Paint {
            reversed: true,
            ..bold
        };
        for (role, paint) in [
            (Role::Title, bold),
            (Role::Accent, bold),
            (Role::Warn, bold),
            (Role::Bad, bold),
            (Role::Cursor, reversed),
            (Role::Write, reversed),
        ] {
            paints[role as usize] = paint;
        }
        Self {
            ground: Colour::Terminal,
            paints,
        }
    }
}

fn indexed(colour: Colour) -> Colour {
    match colour {
        Colour::Rgb(colour) => Colour::Indexed(colour.nearest_indexed()),
        other => other,
    }
}

/// What chooses by the terminal's background.
pub const AUTO: &str = "auto";
/// What it chooses on dark backgrounds, unless the configuration says otherwise.
pub const DARK: &str = "default";
/// The same on light ones.
pub const LIGHT: &str = "light";
/// What is shown where there are no colours.
pub const MONOCHROME: &str = "monochrome";

/// Every theme that there is, by its name: what cannot be used says why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Themes(pub BTreeMap<String, Result<Arc<Theme>, String>>);

impl Themes {
    /// What can be chosen, in the order of names, `auto` first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(AUTO).chain(self.0.keys().map(String::as_str))
    }

    /// The theme called `name`.
    ///
    /// # Errors
    /// A sentence: it cannot be used, or there is none.
    pub fn get(&self, name: &str) -> Result<&Arc<Theme>, String> {
        match self.0.get(name) {
            Some(Ok(theme)) => Ok(theme),
            Some(Err(why)) => Err(why.clone()),
            None => Err(format!(
                "`{name}` is no theme{}; these are: {}",
                crate::domain::suggest::hint(name, self.names()).trim_end_matches('?'),
                self.names().collect::<Vec<_>>().join(", ")
            )),
        }
    }
}

/// Which theme is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// This one, whatever the background is.
    pub fixed: Option<String>,
    /// Else this one on dark backgrounds.
    pub dark: String,
    /// And this one on light ones.
    pub light: String,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            fixed: None,
            dark: DARK.to_owned(),
            light: LIGHT.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_where_themes_keep_them() {
        for (index, (name, role)) in Role::NAMED.into_iter().enumerate() {
            assert_eq!(role as usize, index, "{name}");
        }
    }
}

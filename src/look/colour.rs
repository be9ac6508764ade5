//! Colours: how they are written, how far apart they are, and the nearest that a terminal can show.

use std::{fmt, sync::LazyLock};

/// A colour of 24 bits, in sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// A colour of a theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// The terminal's own: of its text, or of its background.
    Terminal,
    /// One of the 256 that terminals number; the first 16 are the terminal's palette.
    Indexed(u8),
    /// Any.
    Rgb(Rgb),
}

/// How many colours the terminal shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// 24 bits.
    True,
    /// 256: the sixteen, a cube of 216 and 24 grays.
    #[default]
    Indexed,
    /// The sixteen of the terminal's palette, of which only the names are known.
    Sixteen,
}

/// What terminals that show 24 bits call themselves. `COLORTERM` does not travel over SSH, `TERM` does.
const TRUE_COLOUR: [&str; 7] = [
    "alacritty",
    "contour",
    "foot",
    "ghostty",
    "kitty",
    "rio",
    "wezterm",
];

impl Depth {
    /// As `COLORTERM` and `TERM` say.
    pub fn of(colorterm: Option<&str>, term: Option<&str>) -> Self {
        let colorterm = colorterm.unwrap_or_default();
        if colorterm.eq_ignore_ascii_case("truecolor") || colorterm.eq_ignore_ascii_case("24bit") {
            return Self::True;
        }
        let term = term.unwrap_or_default();
        let is_direct = term.ends_with("-direct") || term.ends_with("-truecolor");
        if is_direct || TRUE_COLOUR.iter().any(|name| term.contains(name)) {
            Self::True
        } else if term.contains("256color") {
            Self::Indexed
        } else {
            Self::Sixteen
        }
    }
}

/// Whether the background is light, as `COLORFGBG` says it (`15;0`, `0;default;15`): set by some terminals when they start
/// a shell, and not changed with them. A guess until the terminal itself has answered.
pub fn light_by_variable(value: &str) -> Option<bool> {
    let ground: u8 = value.rsplit(';').next()?.parse().ok()?;
    match ground {
        0..=6 | 8 => Some(false),
        7 | 9..=15 => Some(true),
        _ => None,
    }
}

impl Rgb {
    /// Reads `#2e3440` or `#fff`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let two = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        let one = |at: usize| Some(u8::from_str_radix(digits.get(at..=at)?, 16).ok()? * 17);
        match digits.len() {
            6 => Some(Self(two(0)?, two(2)?, two(4)?)),
            3 => Some(Self(one(0)?, one(1)?, one(2)?)),
            _ => None,
        }
    }

    /// Reads the colour in a terminal's answer to `OSC 11`, as X writes it: `rgb:ffff/ffff/ffff` with one to four digits for
    /// each, `rgba:…` with a fourth part, `#rrggbb`, `#rrrrggggbbbb`.
    pub fn of_answer(text: &str) -> Option<Self> {
        let part = |digits: &str| {
            let most = match digits.len() {
                1 => 0xf,
                2 => 0xff,
                3 => 0xfff,
                4 => 0xffff,
                _ => return None,
            };
            let value = u32::from_str_radix(digits, 16).ok()?;
            u8::try_from(value * 255 / most).ok()
        };
        if let Some(digits) = text.strip_prefix('#') {
            let each = digits.len() / 3;
            if digits.len() % 3 != 0 || !digits.is_ascii() {
                return None;
            }
            return Some(Self(
                part(digits.get(..each)?)?,
                part(digits.get(each..2 * each)?)?,
                part(digits.get(2 * each..)?)?,
            ));
        }
        let (parts, count) = match text.strip_prefix("rgb:") {
            Some(parts) => (parts, 3),
            None => (text.strip_prefix("rgba:")?, 4),
        };
        let parts: Vec<u8> = parts.split('/').map(part).collect::<Option<_>>()?;
        match parts[..] {
            [red, green, blue, ..] if parts.len() == count => Some(Self(red, green, blue)),
            _ => None,
        }
    }

    /// How light it is to the eye, from 0 to 1: WCAG's relative luminance.
    pub fn luminance(self) -> f64 {
        let [red, green, blue] = self.linear();
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// How well one is read on the other: WCAG's contrast, from 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// A background on which black is read better than white.
    pub fn is_light(self) -> bool {
        self.contrast(Self(0, 0, 0)) > self.contrast(Self(255, 255, 255))
    }

    /// The nearest of the 256 that is not in the terminal's own palette. A hue that is off weighs twice what a lightness does:
    /// it is by their hues that a theme's colours are told apart.
    pub fn nearest_indexed(self) -> u8 {
        // Each frame asks for the colours of a whole theme.
        static THERE: LazyLock<Vec<(u8, [f64; 3])>> = LazyLock::new(|| {
            let all = (16..=255).map(|index| (index, Rgb::of_index(index).oklab()));
            all.collect()
        });
        let one = self.oklab();
        let near = |two: &[f64; 3]| {
            let apart = |i: usize| (one[i] - two[i]).powi(2);
            apart(0) + 2.0 * (apart(1) + apart(2))
        };
        let best = THERE.iter().map(|(index, two)| (index, near(two)));
        let best = best.min_by(|(_, a), (_, b)| a.total_cmp(b));
        best.map_or(16, |(index, _)| *index)
    }

    /// The one of the sixteen with the nearest hue, of those that are read on a light or a dark background; `None` for grays.
    /// Pastel colours are nearer to gray than to any of the sixteen: the hue is what they are told apart by.
    pub fn nearest_of_sixteen(self, on_light: bool) -> Option<u8> {
        const GRAY: f64 = 0.03;
        let polar = |colour: Self| {
            let [_, a, b] = colour.oklab();
            (a.hypot(b), b.atan2(a))
        };
        let (chroma, hue) = polar(self);
        if chroma < GRAY {
            return None;
        }
        const PURE: [Rgb; 6] = [
            Rgb(255, 0, 0),
            Rgb(0, 255, 0),
            Rgb(255, 255, 0),
            Rgb(0, 0, 255),
            Rgb(255, 0, 255),
            Rgb(0, 255, 255),
        ];
        let apart = |pure: Self| {
            let turned = (polar(pure).1 - hue).abs();
            turned.min(std::f64::consts::TAU - turned)
        };
        let first = if on_light { 1 } else { 9 };
        let numbered = (first..).zip(PURE);
        let best = numbered.min_by(|(_, a), (_, b)| apart(*a).total_cmp(&apart(*b)));
        best.map(|(index, _)| index)
    }

    /// The colour of one of the 240 that are the same everywhere; of the sixteen before, nobody knows it.
    pub fn of_index(index: u8) -> Self {
        const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
        let step = |n: u8| STEPS[usize::from(n % 6)];
        match index.checked_sub(16) {
            Some(n @ 0..216) => Self(step(n / 36), step(n / 6), step(n)),
            Some(n) => {
                let gray = 8 + 10 * (n - 216);
                Self(gray, gray, gray)
            }
            None => Self(0, 0, 0),
        }
    }

    fn linear(self) -> [f64; 3] {
        [self.0, self.1, self.2].map(|value| {
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        })
    }

    /// In Oklab, where distances are what the eye sees (Björn Ottosson, 2020).
    #[allow(clippy::many_single_char_names)] // as in the paper
    fn oklab(self) -> [f64; 3] {
        let [r, g, b] = self.linear();
        let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
        let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
        let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
        [
            0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
            1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
            0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
        ]
    }
}

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_many_colours_the_variables_promise() {
        let cases = [
            (Some("truecolor"), Some("xterm-256color"), Depth::True),
            (Some("24bit"), None, Depth::True),
            (Some("yes"), Some("xterm-256color"), Depth::Indexed),
            (None, Some("xterm-kitty"), Depth::True),
            (None, Some("alacritty"), Depth::True),
            (None, Some("xterm-direct"), Depth::True),
            (None, Some("tmux-256color"), Depth::Indexed),
            (None, Some("screen"), Depth::Sixteen),
            (None, Some("linux"), Depth::Sixteen),
            (None, None, Depth::Sixteen),
        ];
        for (colorterm, term, depth) in cases {
            assert_eq!(Depth::of(colorterm, term), depth, "{colorterm:?} {term:?}");
        }
    }

    #[test]
    fn answers_as_terminals_write_them() {
        let cases = [
            ("rgb:ffff/ffff/ffff", Some(Rgb(255, 255, 255))),
            ("rgb:0000/2b2b/3636", Some(Rgb(0, 0x2b, 0x36))),
            ("rgb:1e/1e/2e", Some(Rgb(0x1e, 0x1e, 0x2e))),
            ("rgb:f/0/8", Some(Rgb(255, 0, 136))),
            ("rgba:1e1e/1e1e/2e2e/ffff", Some(Rgb(0x1e, 0x1e, 0x2e))),
            ("#fdf6e3", Some(Rgb(0xfd, 0xf6, 0xe3))),
            ("#fdfdf6f6e3e3", Some(Rgb(0xfd, 0xf6, 0xe3))),
            ("rgb:ffff/ffff", None),
            ("rgb:ffff/ffff/fffff", None),
            ("rgb:ffff/ffff/ffff/ffff", None),
            ("rgb:gg/00/00", None),
            ("rgb:-1/00/00", None),
            ("", None),
            ("?", None),
            ("#ééé", None),
            ("black", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Rgb::of_answer(text), expected, "{text}");
        }
    }

    #[test]
    fn light_and_dark_backgrounds() {
        for (colour, light) in [
            ("#000000", false),
            ("#002b36", false),
            ("#303446", false),
            ("#fdf6e3", true),
            ("#eff1f5", true),
            ("#ffffff", true),
        ] {
            assert_eq!(Rgb::parse(colour).unwrap().is_light(), light, "{colour}");
        }
        for (value, light) in [
            ("15;0", Some(false)),
            ("0;15", Some(true)),
            ("0;default;15", Some(true)),
            ("12;8", Some(false)),
            ("0;default", None),
            ("", None),
            ("0;231", None),
        ] {
            assert_eq!(light_by_variable(value), light, "{value}");
        }
    }

    #[test]
    fn what_is_one_of_the_256_stays_what_it_is() {
        for index in 16..=255 {
            let colour = Rgb::of_index(index);
            let nearest = colour.nearest_indexed();
            assert_eq!(Rgb::of_index(nearest), colour, "{index}");
        }
    }

    #[test]
    fn hues_of_the_sixteen() {
        let cases = [
            ("#5faf87", false, Some(10)),
            ("#ff875f", false, Some(9)),
            ("#d7af5f", false, Some(11)),
            ("#5fafff", false, Some(12)),
            ("#d7afff", false, Some(13)),
            ("#0000c0", true, Some(4)),
            ("#a00000", true, Some(1)),
            ("#9e9e9e", false, None),
            ("#d8dee9", false, None),
        ];
        for (colour, on_light, index) in cases {
            let colour = Rgb::parse(colour).unwrap();
            assert_eq!(colour.nearest_of_sixteen(on_light), index, "{colour}");
        }
    }
}

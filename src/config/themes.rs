//! Themes: those that come with Tidegate, and the user's own, from `themes/NAME.toml` in the configuration folder.
//!
//! Both are read by the same code. A broken file of the user's costs nothing unless it is chosen: then it is told with file,
//! line and key, as everything that is wrong in a configuration.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use toml::de::DeValue;

use super::{Config, ConfigError, ConfigErrors, SourceFile, reader::Table, schema};
use crate::look::{
    colour::{Colour, Rgb},
    theme::{AUTO, DARK, LIGHT, Paint, Role, Theme, Themes},
};

/// A theme's name is that of its file.
macro_rules! themes {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../look/themes/", $name, ".toml")))),*]
    };
}

/// Those that come with Tidegate.
const BUNDLED: [(&str, &str); 14] = themes![
    "catppuccin-frappe",
    "catppuccin-latte",
    "catppuccin-macchiato",
    "catppuccin-mocha",
    "default",
    "gruvbox-dark",
    "gruvbox-light",
    "high-contrast",
    "high-contrast-light",
    "light",
    "monochrome",
    "nord",
    "solarized-dark",
    "solarized-light",
];

/// The keys of a theme's file that are no role.
const KEYS: [&str; 2] = ["ground", "like"];

/// The keys of what is drawn in more than one colour.
const PAINT: [&str; 6] = ["text", "ground", "bold", "dim", "reversed", "underlined"];

/// The sixteen of the terminal's palette, in its order.
const PALETTE: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// Those that come with Tidegate; a test reads each.
pub fn bundled() -> Arc<Themes> {
    static READ: OnceLock<Arc<Themes>> = OnceLock::new();
    let read = READ.get_or_init(|| {
        let mut themes = Themes::default();
        for (name, text) in BUNDLED {
            let theme = theme(name, text.as_bytes(), &Themes::default());
            let theme = theme.map(Arc::new).map_err(|e| ConfigErrors(e).to_string());
            themes.0.insert(name.to_owned(), theme);
        }
        Arc::new(themes)
    });
    Arc::clone(read)
}

impl Config {
    /// Adds the user's own themes, of which one may take the place of one that comes with Tidegate, and makes sure that those
    /// that the configuration chooses can be used.
    ///
    /// # Errors
    /// What is wrong with a theme that is chosen, in its file or because there is none of that name.
    pub fn with_themes(mut self, own: Vec<SourceFile>) -> Result<Self, ConfigErrors> {
        let bundled = bundled();
        let mut broken = Vec::new();
        if !own.is_empty() {
            let mut themes = (*bundled).clone();
            for file in own {
                let Some(name) = Path::new(&file.name).file_stem().and_then(|n| n.to_str()) else {
                    continue;
                };
                let read = theme(&file.name, &file.bytes, &bundled);
                let read = read.map(Arc::new).map_err(|errors| {
                    let all = ConfigErrors(errors.clone()).to_string();
                    broken.push((name.to_owned(), errors));
                    all
                });
                themes.0.insert(name.to_owned(), read);
            }
            self.themes = Arc::new(themes);
        }
        let mut errors = Vec::new();
        for (place, name) in &self.user.themes_said {
            if let Some((_, found)) = broken.iter().find(|(broken, _)| broken == name) {
                errors.extend(found.iter().cloned());
            } else if name != AUTO
                && let Err(message) = self.themes.get(name)
            {
                errors.push(ConfigError {
                    file: place.file.clone(),
                    line: place.line,
                    key: place.key.clone(),
                    message,
                });
            }
        }
        if errors.is_empty() {
            Ok(self)
        } else {
            Err(ConfigErrors(errors))
        }
    }
}

/// Reads a theme. What it does not say is that of the theme it says it is `like`, one of `known`; else of the default for its
/// background.
fn theme(file: &str, bytes: &[u8], known: &Themes) -> Result<Theme, Vec<ConfigError>> {
    let (theme, reader) = schema::parse_with(file, bytes, |root| whole(root, known))?;
    let errors = reader.into_errors();
    match theme {
        Some(theme) if errors.is_empty() => Ok(theme),
        _ => Err(errors),
    }
}

fn whole(root: &Table<'_>, known: &Themes) -> Option<Theme> {
    let keys: Vec<&str> = (KEYS.into_iter())
        .chain(Role::NAMED.map(|(name, _)| name))
        .collect();
    root.refuse_others(&keys, |_| None);
    let like = root.string("like").and_then(|name| match known.get(&name) {
        Ok(theme) => Some(theme),
        Err(why) => {
            root.error("like", why);
            None
        }
    });
    let ground = root.string("ground");
    let ground = ground.and_then(|text| colour(root, "ground", &text));
    let (ground, base) = match (ground, like) {
        (Some(ground), Some(like)) => (ground, Some(like)),
        (Some(ground), None) => {
            let light = matches!(ground, Colour::Rgb(colour) if colour.is_light());
            let name = if light { LIGHT } else { DARK };
            (
                ground,
                known.0.get(name).and_then(|theme| theme.as_ref().ok()),
            )
        }
        (None, Some(like)) => (like.ground, Some(like)),
        (None, None) => {
            if !root.has("ground") && !root.has("like") {
                root.error_here(
                    "has neither `ground`, the background that it is made for (`ground = \"#2e3440\"`), nor `like`, a theme that it \
                     changes (`like = \"nord\"`)",
                );
            }
            return None;
        }
    };
    let mut theme = base.map_or_else(
        || Theme {
            ground,
            paints: [Paint::default(); 16],
        },
        |base| Theme {
            ground,
            ..(**base).clone()
        },
    );
    for (name, role) in Role::NAMED {
        if let Some(paint) = paint(root, name) {
            theme.paints[role as usize] = paint;
        }
    }
    Some(theme)
}

/// A colour of the text, or a table that says more.
fn paint(root: &Table<'_>, key: &str) -> Option<Paint> {
    let value = root.value(key)?;
    match value {
        DeValue::String(text) => Some(Paint {
            text: Some(colour(root, key, text)?),
            ..Paint::default()
        }),
        DeValue::Table(_) => {
            let table = root.table(key)?;
            table.refuse_others(&PAINT, |_| None);
            let of = |key: &str| colour(&table, key, &table.string(key)?);
            let is = |key: &str| table.boolean(key).unwrap_or_default();
            Some(Paint {
                text: of("text"),
                ground: of("ground"),
                bold: is("bold"),
                dim: is("dim"),
                reversed: is("reversed"),
                underlined: is("underlined"),
            })
        }
        _ => {
            let expected = "a colour such as `\"#2e3440\"`, or a table such as `{ text = \"#2e3440\", bold = true }`";
            root.wrong_type(key, value, expected);
            None
        }
    }
}

fn colour(table: &Table<'_>, key: &str, text: &str) -> Option<Colour> {
    let named = || {
        let index = PALETTE.iter().position(|name| *name == text)?;
        u8::try_from(index).ok().map(Colour::Indexed)
    };
    let colour = match text {
        "terminal" => Some(Colour::Terminal),
        _ => Rgb::parse(text).map(Colour::Rgb).or_else(named),
    };
    if colour.is_none() {
        table.error(
            key,
            format!(
                "`{text}` is no colour; write `#rrggbb`, `terminal` for the terminal's own, or one of its palette: {}",
                PALETTE.join(", ")
            ),
        );
    }
    colour
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::colour::Depth;

    fn rgb(colour: Option<Colour>) -> Option<Rgb> {
        match colour? {
            Colour::Rgb(colour) => Some(colour),
            _ => None,
        }
    }

    fn seen(colour: Option<Colour>) -> Option<Rgb> {
        match colour? {
            Colour::Rgb(colour) => Some(colour),
            Colour::Indexed(index) => Some(Rgb::of_index(index)),
            Colour::Terminal => None,
        }
    }

    fn each() -> impl Iterator<Item = (&'static str, Arc<Theme>)> {
        let themes = bundled();
        BUNDLED
            .into_iter()
            .map(move |(name, _)| (name, Arc::clone(themes.get(name).unwrap())))
    }

    #[test]
    fn bundled_themes_are_the_files_and_each_says_everything() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/look/themes");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        files.sort();
        assert_eq!(files, BUNDLED.map(|(name, _)| name));
        for (name, text) in BUNDLED {
            for (key, _) in Role::NAMED {
                assert!(text.contains(&format!("\n{key} = ")), "{name}: {key}");
            }
        }
        assert_eq!(each().count(), BUNDLED.len());
    }

    /// WCAG 2: 4.5 for text, 3 for what need not be read to understand the rest.
    #[test]
    fn every_text_is_read_on_its_background() {
        for (name, theme) in each() {
            let Colour::Rgb(ground) = theme.ground else {
                assert_eq!(name, "monochrome");
                continue;
            };
            for (key, role) in Role::NAMED {
                let paint = theme.paint(role);
                let least = match role {
                    Role::Dim | Role::Faint => 3.0,
                    // Lines, not text.
                    Role::Border => 1.5,
                    _ => 4.5,
                };
                let behind = rgb(paint.ground).unwrap_or(ground);
                let text = rgb(paint.text).or(rgb(theme.paint(Role::Text).text));
                let contrast = text.unwrap().contrast(behind);
                assert!(contrast >= least, "{name}: {key}: {contrast:.2} < {least}");
            }
            for ground in [Role::Row, Role::Marked] {
                let behind = rgb(theme.paint(ground).ground).unwrap();
                for (key, role) in Role::NAMED {
                    let paint = theme.paint(role);
                    let least = match role {
                        Role::Text | Role::Title => 4.5,
                        Role::Dim | Role::Faint => 1.5,
                        Role::Border => 1.0,
                        _ => 3.0,
                    };
                    if let Some(text) = rgb(paint.text).filter(|_| paint.ground.is_none()) {
                        let contrast = text.contrast(behind);
                        assert!(
                            contrast >= least,
                            "{name}: {key} on {ground:?}: {contrast:.2}"
                        );
                    }
                }
            }
        }
    }

    /// The nearest of the 256 may be a little nearer to the background.
    #[test]
    fn every_text_is_read_with_256_colours_too() {
        for (name, theme) in each().filter(|(name, _)| *name != "monochrome") {
            let ground = seen(theme.base(Depth::Indexed).ground).unwrap();
            for (key, role) in Role::NAMED {
                let paint = theme.paint_at(role, Depth::Indexed);
                let least = match role {
                    Role::Dim | Role::Faint => 2.9,
                    Role::Border => 1.3,
                    _ => 3.7,
                };
                if let Some(text) = seen(paint.text).filter(|_| paint.ground.is_none()) {
                    let contrast = text.contrast(ground);
                    assert!(contrast >= least, "{name}: {key}: {contrast:.2} < {least}");
                }
            }
        }
    }

    /// What is told apart by colour beside its word stays apart with fewer colours, and the cursor is seen.
    #[test]
    fn fewer_colours_keep_meanings_apart() {
        for (name, theme) in each().filter(|(name, _)| *name != "monochrome") {
            for depth in [Depth::True, Depth::Indexed, Depth::Sixteen] {
                let at = |role| theme.paint_at(role, depth);
                // Of the sixteen, some themes' purple is nearest to red.
                let tones: &[Role] = match depth {
                    Depth::Sixteen => &[Role::Good, Role::Bad],
                    _ => &[Role::Good, Role::Bad, Role::Warn, Role::Staged],
                };
                for (i, one) in tones.iter().enumerate() {
                    for other in &tones[i + 1..] {
                        assert_ne!(
                            at(*one).text,
                            at(*other).text,
                            "{name} {depth:?} {one:?} {other:?}"
                        );
                    }
                }
                let plain = Paint::default();
                for role in [Role::Cursor, Role::Marked, Role::Write] {
                    assert_ne!(at(role), plain, "{name} {depth:?} {role:?}");
                }
                if depth == Depth::Indexed {
                    let colours = Role::NAMED.map(|(_, role)| [at(role).text, at(role).ground]);
                    let exact = |colour: &Option<Colour>| rgb(*colour).is_some();
                    assert!(!colours.iter().flatten().any(exact), "{name}");
                }
            }
        }
    }

    fn own(files: &[(&str, &str)], user: &str) -> Result<Config, String> {
        let file = |(name, text): &(&str, &str)| SourceFile {
            name: (*name).to_owned(),
            bytes: text.as_bytes().to_vec(),
        };
        let layout = "[[layouts]]\npath = \"{env}/{service}.yaml\"\nyaml = \"tag\"\n";
        let config = super::super::load(&super::super::LoadRequest {
            team: Some(file(&("tidegate.toml", layout))),
            user: Some(file(&("config.toml", user))),
            detect: &|| None,
        });
        config
            .and_then(|config| config.with_themes(files.iter().map(file).collect()))
            .map_err(|errors| errors.to_string())
    }

    #[test]
    fn own_themes_change_others_or_stand_alone() {
        let files = [
            (
                "/c/themes/mine.toml",
                "like = \"nord\"\nbad = \"bright-red\"\n",
            ),
            (
                "/c/themes/paper.toml",
                "ground = \"#fffff8\"\ncursor = { ground = \"#ddd\", bold = true }\n",
            ),
            ("/c/themes/broken.toml", "ground = 7\n"),
        ];
        let config = own(
            &files,
            "theme = { dark = \"mine\", light = \"paper\" }\nbackground = true\n",
        )
        .unwrap();
        assert!(config.user.background);
        assert_eq!(config.user.theme.dark, "mine");
        assert_eq!(config.user.theme.light, "paper");
        let mine = config.themes.get("mine").unwrap();
        let nord = config.themes.get("nord").unwrap();
        assert_eq!(mine.ground, nord.ground);
        assert_eq!(mine.paint(Role::Bad).text, Some(Colour::Indexed(9)));
        assert_eq!(mine.paint(Role::Good), nord.paint(Role::Good));
        let paper = config.themes.get("paper").unwrap();
        let light = config.themes.get("light").unwrap();
        assert_eq!(paper.paint(Role::Good), light.paint(Role::Good));
        assert_eq!(
            paper.paint(Role::Cursor).ground,
            Some(Colour::Rgb(Rgb(0xdd, 0xdd, 0xdd)))
        );
        let broken = config.themes.get("broken").unwrap_err();
        assert_eq!(
            broken,
            "/c/themes/broken.toml:1: ground: is a number; expected a string in quotes"
        );
    }

    #[test]
    fn what_is_wrong_with_a_chosen_theme_is_told_with_file_line_and_key() {
        let cases = [
            (
                "",
                "ascii = true\ntheme = \"nrd\"",
                "config.toml:2: theme: `nrd` is no theme; did you mean `nord`; these are: auto, catppuccin-frappe",
            ),
            (
                "",
                "theme = { dark = \"nord\", light = \"pink\" }",
                "config.toml:1: theme.light: `pink` is no theme; these are: auto, ",
            ),
            (
                "",
                "theme = { drak = \"nord\" }",
                "config.toml:1: theme.drak: unknown key; did you mean `dark`?",
            ),
            (
                "",
                "theme = 3",
                "config.toml:1: theme: is a number; expected a name such as `\"nord\"`, or `{ dark = \"nord\", light = \"light\" }`",
            ),
            (
                "ground = \"#2e3440\"\n\ngood = \"greenish\"",
                "theme = \"mine\"",
                "themes/mine.toml:3: good: `greenish` is no colour; write `#rrggbb`, `terminal` for the terminal's own, or one of its palette: black",
            ),
            (
                "ground = \"#2e3440\"\ncursor = { back = \"red\" }",
                "theme = \"mine\"",
                "themes/mine.toml:2: cursor.back: unknown key; known here: `text`, `ground`",
            ),
            (
                "like = \"nrod\"",
                "theme = \"mine\"",
                "themes/mine.toml:1: like: `nrod` is no theme; did you mean `nord`",
            ),
            (
                "good = \"#fff\"",
                "theme = \"mine\"",
                "themes/mine.toml: has neither `ground`",
            ),
            (
                "ground = ",
                "theme = \"mine\"",
                "themes/mine.toml:1: is not TOML",
            ),
        ];
        for (theme, user, expected) in cases {
            let error = own(&[("themes/mine.toml", theme)], user).unwrap_err();
            assert!(error.starts_with(expected), "{user}\n{theme}\n{error}");
        }
    }
}

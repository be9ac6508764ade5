//! Small words that several commands share.

pub use crate::domain::text::count;
use crate::{
    domain::{plan::Outcome, version::Version},
    look,
    stdio::Tone,
};

/// A version before a change.
pub fn before(version: Option<&Version>) -> &str {
    version.map_or("none", Version::as_str)
}

/// A version after a change.
pub fn after(version: Option<&Version>) -> &str {
    version.map_or("inherited", Version::as_str)
}

/// A verdict's glyph, always beside its word.
pub fn verdict_glyph(outcome: Outcome, ascii: bool) -> &'static str {
    match (outcome, ascii) {
        (Outcome::Pass, false) => "✓",
        (Outcome::Pass, true) => "v",
        (Outcome::Warn, _) => "!",
        (Outcome::Hold, false) => "✗",
        (Outcome::Hold, true) => "x",
        (Outcome::Unknown, _) => "?",
    }
}

/// A tone of the table that the console shares, in the few that a command has.
pub fn tone(tone: look::Tone) -> Tone {
    match tone {
        look::Tone::Good => Tone::Good,
        look::Tone::Bad => Tone::Bad,
        look::Tone::Moving | look::Tone::Warn | look::Tone::Unknown => Tone::Attention,
        look::Tone::Faint => Tone::Dim,
    }
}

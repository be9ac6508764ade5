//! How the terminal says that a delivery has ended, to an operator who looks elsewhere.

use crate::domain::text::sanitise;

/// What is rung.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bell {
    /// Nothing.
    #[default]
    Off,
    /// The terminal's bell.
    Sound,
    /// The desktop, by the sequence that iTerm2 made known (OSC 9); a terminal that does not know it shows nothing.
    Desktop,
}

impl Bell {
    /// All of them, with their names in the configuration.
    pub const ALL: [(&'static str, Self); 3] = [
        ("off", Self::Off),
        ("bell", Self::Sound),
        ("desktop", Self::Desktop),
    ];

    /// What the terminal is sent, if anything.
    pub fn sequence(self, text: &str) -> Option<String> {
        match self {
            Self::Off => None,
            Self::Sound => Some("\x07".to_owned()),
            Self::Desktop => Some(format!("\x1b]9;{}\x1b\\", sanitise(text))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_terminal_is_sent_has_no_sequence_of_others() {
        assert_eq!(Bell::Off.sequence("a"), None);
        assert_eq!(Bell::Sound.sequence("a").as_deref(), Some("\x07"));
        let sent = Bell::Desktop.sequence("a\x07b\x1b]0;c").unwrap();
        assert!(sent.starts_with("\x1b]9;a"), "{sent:?}");
        let inner = &sent[4..sent.len() - 2];
        assert!(inner.chars().all(|c| !c.is_control()), "{sent:?}");
    }
}

//! What a commit message names.

use crate::domain::ids::CellKey;

/// The names that a message may name.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// Rows.
    pub services: &'a [&'a str],
    /// Columns.
    pub environments: &'a [&'a str],
}

/// How a message names a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mention {
    /// It does.
    Yes,
    /// It names neither its service nor its environment.
    Neither,
    /// It names other services, and not this one.
    OtherServices,
    /// It names its service, in other environments.
    OtherEnvironments,
}

impl Mention {
    /// Whether, and how, `message` names a cell. Whoever names environments alone means all of their services; whoever names
    /// services alone means them wherever they are.
    pub fn of(message: &str, cell: &CellKey, words: Words<'_>) -> Self {
        let named = |names: &[&str]| names.iter().any(|name| has_word(message, name));
        let service = has_word(message, cell.service.as_str());
        let environment = has_word(message, cell.environment.as_str());
        match (service, environment) {
            (true, false) if named(words.environments) => Self::OtherEnvironments,
            (false, _) if named(words.services) => Self::OtherServices,
            (true, _) | (_, true) => Self::Yes,
            (false, false) => Self::Neither,
        }
    }

    /// The end of a sentence that begins with the cell.
    pub fn why(self) -> &'static str {
        match self {
            Self::Yes => "is named",
            Self::Neither => "names neither its service nor its environment",
            Self::OtherServices => "names other services",
            Self::OtherEnvironments => "names it in other environments",
        }
    }
}

/// Whether `name` stands in `text` as a word of its own: `prod` is none in `prod-eu` or `product`. Case does not count.
fn has_word(text: &str, name: &str) -> bool {
    if name.is_empty() {
        return false;
    }
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    let inside = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    text.match_indices(&name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.is_some_and(inside) && !after.is_some_and(inside)
    })
}

/// The gates that a message lifts for a cell, with the reasons: `Gate-Override: window on web/prod: the outage`.
pub fn overrides(message: &str, cell: &CellKey) -> Vec<(String, String)> {
    let lines = message.lines();
    let trailers = lines.filter_map(|line| line.strip_prefix("Gate-Override: "));
    let own = trailers.filter_map(|trailer| {
        let (gate, rest) = trailer.split_once(" on ")?;
        let place = format!("{}/{}: ", cell.service, cell.environment);
        let reason = rest.strip_prefix(place.as_str())?.trim();
        (!reason.is_empty()).then(|| (gate.to_owned(), reason.to_owned()))
    });
    own.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_messages_name() {
        use Mention::{Neither, OtherEnvironments, OtherServices, Yes};
        let words = Words {
            services: &["web", "pay"],
            environments: &["staging", "prod", "prod-eu"],
        };
        let cases = [
            ("promote web 1 → 2 to prod", Yes),
            ("Bump WEB", Yes),
            ("Promote staging to prod", Yes),
            ("Update images", Neither),
            ("websocket: retry", Neither),
            ("web-admin and product", Neither),
            ("promote pay to prod", OtherServices),
            ("promote web to prod-eu", OtherEnvironments),
            ("Update web in staging", OtherEnvironments),
            ("Update\n\nService: web\nEnvironment: prod\n", Yes),
            ("", Neither),
        ];
        let cell = CellKey::new("web", "prod");
        for (message, expected) in cases {
            assert_eq!(Mention::of(message, &cell, words), expected, "{message}");
        }
    }

    #[test]
    fn overrides_are_of_a_cell() {
        let message = "promote web\n\nGate-Override: window on web/prod: the outage\nGate-Override: soak on pay/prod: no\n";
        let cell = CellKey::new("web", "prod");
        let expected = [("window".to_owned(), "the outage".to_owned())];
        assert_eq!(overrides(message, &cell), expected);
    }
}

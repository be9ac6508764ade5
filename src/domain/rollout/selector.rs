//! Label selectors: the text form for configuration, the structured form of workloads.

use std::fmt;

use super::labels::Labels;

/// All of its terms must hold for a set of labels. No terms select nothing, as nobody means "everything".
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selector {
    /// The terms.
    pub terms: Vec<Term>,
}

/// One condition on a label.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Term {
    /// The label has one of these values.
    In(String, Vec<String>),
    /// The label is absent or has none of these values.
    NotIn(String, Vec<String>),
    /// The label is there.
    Exists(String),
    /// The label is not there.
    Absent(String),
}

/// Why a selector's text cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no label selector: {why}; write it like `app=checkout,tier!=cache`")]
pub struct SelectorError {
    /// The whole text.
    pub text: String,
    /// What is wrong with it.
    pub why: String,
}

impl Selector {
    /// Parses `key=value`, `key==value`, `key!=value`, `key` and `!key`, separated by commas.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let fail = |why: String| SelectorError {
            text: text.to_owned(),
            why,
        };
        let mut terms = Vec::new();
        for part in text.split(',').map(str::trim) {
            if part.is_empty() {
                return Err(fail("there is nothing between two commas".to_owned()));
            }
            let (key, term): (&str, fn(String, String) -> Term) =
                if let Some((key, _)) = part.split_once("!=") {
                    (key, |key, value| Term::NotIn(key, vec![value]))
                } else if let Some((key, _)) = part.split_once('=') {
                    (key, |key, value| Term::In(key, vec![value]))
                } else if let Some(key) = part.strip_prefix('!') {
                    (key, |key, _| Term::Absent(key))
                } else {
                    (part, |key, _| Term::Exists(key))
                };
            let value = part
                .rsplit_once('=')
                .map_or("", |(_, value)| value.trim())
                .to_owned();
            let key = key.trim();
            for word in [key, value.as_str()] {
                if let Some(c) = word
                    .chars()
                    .find(|c| !(c.is_ascii_alphanumeric() || "-_./".contains(*c)))
                {
                    return Err(fail(format!("`{c}` cannot stand in `{word}`")));
                }
            }
            if key.is_empty() {
                return Err(fail(format!("`{part}` names no label")));
            }
            terms.push(term(key.to_owned(), value));
        }
        Ok(Self { terms })
    }

    /// Whether every term holds.
    pub fn matches(&self, labels: &Labels) -> bool {
        !self.terms.is_empty()
            && self.terms.iter().all(|term| match term {
                Term::In(key, values) => labels.get(key).is_some_and(|own| among(values, own)),
                Term::NotIn(key, values) => labels.get(key).is_none_or(|own| !among(values, own)),
                Term::Exists(key) => labels.contains(key),
                Term::Absent(key) => !labels.contains(key),
            })
    }
}

fn among(values: &[String], value: &str) -> bool {
    values.iter().any(|it| it == value)
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, term) in self.terms.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            match term {
                Term::In(key, values) if values.len() == 1 => write!(f, "{key}={}", values[0])?,
                Term::NotIn(key, values) if values.len() == 1 => write!(f, "{key}!={}", values[0])?,
                Term::In(key, values) => write!(f, "{key} in ({})", values.join(","))?,
                Term::NotIn(key, values) => write!(f, "{key} notin ({})", values.join(","))?,
                Term::Exists(key) => f.write_str(key)?,
                Term::Absent(key) => write!(f, "!{key}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selects_by_every_term() {
        let labels: Labels = [("app", "checkout"), ("tier", "web")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
        let cases = [
            ("app=checkout", true),
            ("app==checkout, tier=web", true),
            ("app=payments", false),
            ("tier!=cache", true),
            ("tier!=web", false),
            ("team!=x", true),
            ("app", true),
            ("!app", false),
            ("!team", true),
            ("app=checkout,team=x", false),
        ];
        for (text, expected) in cases {
            let selector = Selector::parse(text).unwrap();
            assert_eq!(selector.matches(&labels), expected, "{text}");
        }
        assert!(!Selector::default().matches(&labels));
        assert_eq!(
            Selector::parse("app==a, b!=c,!d").unwrap().to_string(),
            "app=a,b!=c,!d"
        );
    }

    #[test]
    fn refuses_with_a_sentence() {
        let cases = [
            ("", "there is nothing between two commas"),
            ("a=b,,c=d", "there is nothing between two commas"),
            ("=x", "`=x` names no label"),
            ("app=check out", "` ` cannot stand in `check out`"),
        ];
        for (text, why) in cases {
            assert_eq!(Selector::parse(text).unwrap_err().why, why, "{text}");
        }
    }
}

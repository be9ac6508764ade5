//! Text with `{name}` places, filled from a row's captures.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};

/// What the name of a ref captured: `env`, `version` and any names of its own.
pub type Captures = BTreeMap<String, String>;

/// What a template is filled from: texts by name.
pub trait Texts {
    /// The text called so.
    fn text(&self, name: &str) -> Option<&str>;
    /// The names there are.
    fn names(&self) -> Vec<&str>;
}

impl Texts for Captures {
    fn text(&self, name: &str) -> Option<&str> {
        self.get(name).map(String::as_str)
    }

    fn names(&self) -> Vec<&str> {
        self.keys().map(String::as_str).collect()
    }
}

/// A parsed `text {capture} text` template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Capture(String),
}

/// Why a template cannot be read or filled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A `{` has no `}`.
    #[error("`{{` at column {0} is never closed")]
    Unclosed(usize),
    /// The text between the braces is not a name.
    #[error("`{{{0}}}` is not a name: letters, digits, `_` and `-` are")]
    BadName(String),
    /// A capture that the row does not have.
    #[error("`{{{0}}}` is not captured by the layout; it has {1}")]
    Missing(String, String),
}

impl Template {
    /// Parses `source`.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = source;
        while let Some(open) = rest.find('{') {
            if open > 0 {
                parts.push(Part::Text(rest[..open].to_owned()));
            }
            let after = &rest[open + 1..];
            let column = source.len() - rest.len() + open + 1;
            let close = after.find('}').ok_or(TemplateError::Unclosed(column))?;
            let name = &after[..close];
            let valid = !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_alphanumeric() || c == '_' || c == '-');
            if !valid {
                return Err(TemplateError::BadName(name.to_owned()));
            }
            parts.push(Part::Capture(name.to_owned()));
            rest = &after[close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self {
            source: source.to_owned(),
            parts,
        })
    }

    /// A template without places: `text` as it stands.
    pub fn literal(text: &str) -> Self {
        Self {
            source: text.to_owned(),
            parts: vec![Part::Text(text.to_owned())],
        }
    }

    /// The names it needs, in order of appearance.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Capture(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// Fills every place from `captures`.
    pub fn fill(&self, captures: &impl Texts) -> Result<String, TemplateError> {
        let mut text = String::new();
        let filled = self.fill_into(&mut text, |name| captures.text(name).map(Cow::Borrowed));
        filled.map_err(|missing| {
            let mut names = captures.names();
            names.sort_unstable();
            let known: Vec<_> = names
                .into_iter()
                .map(|name| format!("`{{{name}}}`"))
                .collect();
            TemplateError::Missing(missing.to_owned(), known.join(", "))
        })?;
        Ok(text)
    }

    /// Adds the text that `get` makes of it to `text`; the name that `get` does not know otherwise.
    pub fn fill_into<'t>(
        &self,
        text: &mut String,
        get: impl Fn(&str) -> Option<Cow<'t, str>>,
    ) -> Result<(), &str> {
        for part in &self.parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Capture(name) => text.push_str(&get(name).ok_or(name.as_str())?),
            }
        }
        Ok(())
    }

    /// The text it was parsed from.
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(source: String) -> Result<Self, Self::Error> {
        Self::parse(&source)
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captures(pairs: &[(&str, &str)]) -> Captures {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn fills_and_explains() {
        let row = captures(&[("service", "checkout"), ("env", "prod")]);
        let cases = [
            ("shop-{service}", Ok("shop-checkout".to_owned())),
            ("{service}/{env}", Ok("checkout/prod".to_owned())),
            ("plain", Ok("plain".to_owned())),
            (
                "{team}",
                Err(TemplateError::Missing(
                    "team".into(),
                    "`{env}`, `{service}`".into(),
                )),
            ),
        ];
        for (source, expected) in cases {
            assert_eq!(
                Template::parse(source).unwrap().fill(&row),
                expected,
                "{source}"
            );
        }
        assert_eq!(Template::parse("a{b"), Err(TemplateError::Unclosed(2)));
        assert_eq!(
            Template::parse("a{b c}"),
            Err(TemplateError::BadName("b c".into()))
        );
    }
}

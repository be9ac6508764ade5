//! Ref templates: branches per environment, tags per environment, shared tags.

use std::sync::Arc;

use super::{LayoutError, pattern::Pattern};
use crate::domain::template::Captures;

/// A compiled `refs = "refs/heads/{env}"`.
#[derive(Debug)]
pub struct RefTemplate {
    pattern: Pattern,
}

impl RefTemplate {
    /// Compiles `source`; `environments` are the spellings that `$envs` stands for.
    pub fn compile(source: &str, environments: &[&str]) -> Result<Self, LayoutError> {
        if !source.starts_with("refs/") {
            return Err(LayoutError::new(
                "refs",
                format!(
                    "`{source}` is not a full name; write `refs/heads/{source}` for branches or `refs/tags/{source}` for tags"
                ),
            ));
        }
        let pattern = Pattern::compile(source, environments)
            .map_err(|message| LayoutError::new("refs", message))?;
        Ok(Self { pattern })
    }

    /// As the configuration wrote it.
    pub fn source(&self) -> &str {
        self.pattern.source()
    }

    /// Whether it names tags rather than branches.
    pub fn is_tags(&self) -> bool {
        self.source().starts_with("refs/tags/")
    }

    /// The captures of a full ref name (`refs/heads/prod`), or `None` where it does not match.
    pub fn matches(&self, reference: &str) -> Option<Captures> {
        let found = self.pattern.matches(reference)?;
        Some(
            found
                .iter()
                .map(|(name, text)| (name.to_string(), text.to_owned()))
                .collect(),
        )
    }

    /// The names it captures.
    pub(super) fn names(&self) -> Vec<Arc<str>> {
        self.pattern.names()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refs_are_matched_whole() {
        let cases = [
            ("refs/heads/{env}", "refs/heads/prod", Some("env=prod")),
            ("refs/heads/{env}", "refs/heads/feature/x", None),
            ("refs/heads/{env}", "refs/tags/prod", None),
            (
                "refs/heads/env/{env:$envs}",
                "refs/heads/env/dev",
                Some("env=dev"),
            ),
            (
                "refs/tags/{env:$envs}-{version:semver}",
                "refs/tags/prod-lon-0.0.111",
                None,
            ),
            (
                "refs/tags/{env:$envs}-{version:semver}",
                "refs/tags/prod-0.0.7",
                Some("env=prod version=0.0.7"),
            ),
            (
                "refs/tags/{version:semver}",
                "refs/tags/v1.2.0-rc.1",
                Some("version=v1.2.0-rc.1"),
            ),
            ("refs/tags/{version:semver}", "refs/tags/release", None),
        ];
        for (template, reference, expected) in cases {
            let template = RefTemplate::compile(template, &["dev", "prod"]).unwrap();
            let found = template.matches(reference).map(|captures| {
                let pairs: Vec<_> = captures.iter().map(|(k, v)| format!("{k}={v}")).collect();
                pairs.join(" ")
            });
            assert_eq!(found.as_deref(), expected, "{reference}");
        }
        assert!(RefTemplate::compile("{env}", &[]).is_err());
    }
}

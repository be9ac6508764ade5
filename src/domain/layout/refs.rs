//! Ref templates: branches per environment, tags per environment, shared tags.

use super::LayoutError;
use crate::domain::template::Captures;

/// A compiled `refs = "refs/heads/{env}"`.
#[derive(Debug)]
pub struct RefTemplate {
    source: String,
}

impl RefTemplate {
    /// Compiles `source`; `environments` are the spellings that `$envs` stands for.
    pub fn compile(source: &str, environments: &[&str]) -> Result<Self, LayoutError> {
        let _ = environments;
        Ok(Self {
            source: source.to_owned(),
        })
    }

    /// As the configuration wrote it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The captures of a full ref name (`refs/heads/prod`), or `None` where it does not match.
    pub fn matches(&self, reference: &str) -> Option<Captures> {
        let _ = reference;
        None
    }
}

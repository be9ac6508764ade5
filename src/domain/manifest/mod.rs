//! Byte-exact reading and editing of YAML and JSON (JSON is YAML flow) and of located text.
//!
//! [`parse`] gives a tree in which every node knows the bytes it was written with; [`apply`] changes
//! scalars, keys and words of comments and leaves every other byte alone. After an edit the text is
//! parsed again and exactly the intended nodes must differ, or the edit is refused.

mod braces;
mod edit;
mod insert;
mod lines;
mod locate;
mod lookup;
mod merge;
mod oracle;
mod parse;
mod quote;
mod reads;
mod remove;
mod scalar;
mod sealed;
mod set;
mod splice;
#[cfg(test)]
mod tests;
mod tree;
mod within;

pub use edit::{Edit, apply};
pub(crate) use lookup::is_foreign;
pub use lookup::{Found, NodeRef};
pub use parse::parse;
pub use scalar::{ScalarType, scalar_type};
pub use sealed::{refuse_encrypted, refuse_sealed};
pub use tree::{
    Comment, Document, MappingEntry, Node, NodeId, NodeKind, NodePath, ScalarStyle, Step, Yaml,
};

/// Why a file cannot be read or edited; the caller adds the path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ManifestError {
    /// The line, from 1, where one is to blame.
    pub line: Option<u32>,
    /// What, why, and what to do next.
    pub message: String,
    /// The file, or the place, is encrypted: with its key it could be read.
    pub encrypted: bool,
}

/// What is said of a file that cannot be parsed, whatever it is called.
const NOT_YAML: [&str; 2] = ["not valid YAML", "({{ … }}), not YAML"];
/// The same where it is called JSON.
const NOT_JSON: [&str; 2] = ["not valid JSON", "({{ … }}), not JSON"];

impl ManifestError {
    pub(crate) fn at(line: u32, message: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            message: message.into(),
            encrypted: false,
        }
    }

    /// The same of the file at `path`, which is JSON by its name: it is called so.
    #[must_use]
    pub(crate) fn of(mut self, path: &str) -> Self {
        let is_json = path
            .rsplit('.')
            .next()
            .is_some_and(|it| it.eq_ignore_ascii_case("json"));
        if is_json {
            for (yaml, json) in NOT_YAML.iter().zip(NOT_JSON) {
                self.message = self.message.replacen(yaml, json, 1);
            }
        }
        self
    }

    pub(crate) fn whole(message: impl Into<String>) -> Self {
        Self {
            line: None,
            message: message.into(),
            encrypted: false,
        }
    }
}

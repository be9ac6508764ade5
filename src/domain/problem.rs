//! Something that could not be read, said in a sentence; it never costs the rest of the matrix.

use serde::{Deserialize, Serialize};

use super::{ids::RepoPath, unread::Unread};

/// One row of `problems`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Problem {
    /// The file, where a file is the cause.
    pub path: Option<RepoPath>,
    /// The line in it, from 1.
    pub line: Option<u32>,
    /// What, why, and what to do next.
    pub message: String,
    /// The kubeconfig context, where a cluster is the cause.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub context: Option<String>,
    /// What hides the version that stands there; `None` where nothing is hidden.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hides: Option<Hides>,
}

/// Why a version cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hides {
    /// The kind of reason.
    pub why: Unreadable,
    /// Not this place alone, but whatever the file could say.
    pub whole: bool,
}

/// The kind of reason for which a version, or a whole file, cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unreadable {
    /// The value or the file is encrypted.
    Encrypted,
    /// A template's expression stands there.
    Template,
    /// A variable stands there.
    Variable,
    /// It could be no version of what stands there.
    Illegal,
    /// Several places may be the version.
    Ambiguous,
    /// The file is not what its name says: no YAML, no UTF-8.
    NotParseable,
    /// Git has a pointer, and the content is in Git LFS.
    Pointer,
    /// A symbolic link, which is not followed.
    Link,
    /// A submodule: another repository's.
    Submodule,
    /// Larger than files of versions are.
    TooLarge,
    /// The repository has it not, or damaged.
    Damaged,
}

impl Unreadable {
    /// The word for it, in JSON and in a narrow column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::Template => "template",
            Self::Variable => "variable",
            Self::Illegal => "illegal",
            Self::Ambiguous => "ambiguous",
            Self::NotParseable => "not-parseable",
            Self::Pointer => "pointer",
            Self::Link => "link",
            Self::Submodule => "submodule",
            Self::TooLarge => "too-large",
            Self::Damaged => "damaged",
        }
    }

    /// Whether Git gives no content of the file at all.
    pub fn is_without_content(self) -> bool {
        match self {
            Self::Pointer | Self::Link | Self::Submodule | Self::TooLarge | Self::Damaged => true,
            Self::Encrypted
            | Self::Template
            | Self::Variable
            | Self::Illegal
            | Self::Ambiguous
            | Self::NotParseable => false,
        }
    }
}

impl From<Unread> for Unreadable {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Variable => Self::Variable,
            Unread::Template => Self::Template,
            Unread::Encrypted => Self::Encrypted,
            Unread::Illegal => Self::Illegal,
        }
    }
}

impl Problem {
    /// A problem of a file.
    pub fn file(path: impl Into<RepoPath>, line: Option<u32>, message: impl Into<String>) -> Self {
        Self {
            path: Some(path.into()),
            line,
            message: message.into(),
            context: None,
            hides: None,
        }
    }

    /// A problem of no file and no cluster.
    pub fn general(message: impl Into<String>) -> Self {
        Self {
            path: None,
            line: None,
            message: message.into(),
            context: None,
            hides: None,
        }
    }

    /// A problem of a cluster, named by its kubeconfig context.
    pub fn cluster(context: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: None,
            line: None,
            message: message.into(),
            context: Some(context.into()),
            hides: None,
        }
    }

    /// The same, of a place whose version cannot be read for that.
    #[must_use]
    pub fn hiding(mut self, why: Unreadable) -> Self {
        self.hides = Some(Hides { why, whole: false });
        self
    }

    /// The same, of a file of which nothing can be read for that.
    #[must_use]
    pub fn hiding_all(mut self, why: Unreadable) -> Self {
        self.hides = Some(Hides { why, whole: true });
        self
    }

    /// Whether nothing of its file is known.
    pub fn hides_all(&self) -> bool {
        self.hides.is_some_and(|hides| hides.whole)
    }

    /// What is shown in place of the version that it hides.
    pub fn word(&self) -> &'static str {
        match self.hides.map(|hides| hides.why) {
            Some(Unreadable::Encrypted) => "encrypted",
            Some(Unreadable::Template) => "template",
            Some(Unreadable::Variable) => "variable",
            Some(Unreadable::Link) => "link",
            Some(Unreadable::Submodule) => "submodule",
            Some(Unreadable::Pointer) => "LFS pointer",
            _ => "unreadable",
        }
    }

    /// The place and the message: `prod/web.yaml:3: …`.
    pub fn sentence(&self) -> String {
        let Some(path) = &self.path else {
            return self.message.clone();
        };
        let place = match self.line {
            Some(line) => format!("{path}:{line}"),
            None => path.to_string(),
        };
        // A message that begins with the path has said it.
        match self.message.strip_prefix(path.as_str()) {
            Some(rest) => format!("{place}{rest}"),
            None => format!("{place}: {}", self.message),
        }
    }
}

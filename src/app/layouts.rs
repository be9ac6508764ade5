//! How the repository is read, as it is told to the screen: by what, what speaks for it, and what can be done with it.

use std::path::PathBuf;

use crate::domain::detect::Part;

/// What says how the repository is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LayoutsBy {
    /// A file that is there.
    #[default]
    Written,
    /// Nobody: it was guessed; what, in a sentence.
    Guessed(String),
    /// What the operator edited and has not saved.
    Draft,
}

impl LayoutsBy {
    /// What there is to say of it where no file says it.
    pub fn said(&self) -> Option<&str> {
        match self {
            Self::Written => None,
            Self::Guessed(what) => Some(what),
            Self::Draft => Some("by your draft, which is not saved: `:layouts` saves it"),
        }
    }
}

/// How the repository is read, and what speaks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayoutsTold {
    /// What says so: a file, a guess, a draft.
    pub from: String,
    /// What there is to say, part by part.
    pub parts: Vec<Part>,
    /// What a better guess says otherwise.
    pub offer: Option<String>,
    /// What would be written as the repository's own file, or why nothing is.
    pub writes: Result<String, String>,
    /// What an editor would be opened on, or why none is.
    pub edits: Result<Edited, String>,
}

/// What an editor is opened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edited {
    /// The team's file that is in force.
    File(PathBuf),
    /// What is not saved; where there is none yet, it begins with this.
    Draft(String),
}

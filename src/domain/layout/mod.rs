//! Where the version of (service, environment) is written, and how it is read and changed there.
//!
//! [`LayoutSet`] is a configuration's `[[layouts]]`, compiled. It says which files matter, and what one file declares
//! ([`FileFacts`]). The [`Assembler`](assemble::Assembler) joins files into the matrix, one changed file at a time: reading a
//! commit and walking a history are the same mechanism. [`edit_cell`](edit::edit_cell) is the way back.

pub mod assemble;
mod backtrack;
mod bindings;
mod choice;
mod claims;
mod compile;
mod conditions;
mod containers;
pub mod edit;
mod extract;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod join;
mod kind;
mod level;
mod locator;
mod lookalikes;
mod matrix;
mod objects;
mod pair;
mod part;
mod past;
mod pattern;
mod preset;
pub mod refs;
mod remote;
mod set;
mod spec;
mod stored;
mod subject;
mod successive;
mod tag;
mod walked;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use assemble::{Assembler, Origin};
pub use bindings::Bindings;
pub use choice::{Choices, Row, Standing};
pub use edit::{
    Beside, Left, Together, edit_cell, edit_together, left_beside, moved_beside, restore_cell,
    stale_locks, unreadable,
};
pub use lookalikes::{Lookalike, is_version, lookalikes};
pub(crate) use part::image_name_end;
pub use past::{Cut, Past, Takes, Tally, Unknown};
pub use refs::{RefTemplate, SelectedRef};
pub use set::{FileFacts, LayoutSet};
pub use spec::{AlsoSpec, FallbackSpec, LayoutSpec};
pub use stored::{KnownFile, restore, store};
pub use successive::Successive;
pub use tag::{Tags, new_tag, no_name};
pub use walked::Walked;

/// Why a layout of the configuration cannot be used; the configuration adds file and line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LayoutError {
    /// The key of the layout that is wrong, such as `path` or `else[0].yaml`.
    pub key: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl LayoutError {
    /// The error of one key.
    pub fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            message: message.into(),
        }
    }
}

//! Where the version of (service, environment) is written: `design` calls it a layout.

mod spec;

pub use spec::{AlsoSpec, FallbackSpec, LayoutSpec};

/// Why a layout of the configuration cannot be used; the configuration adds file and line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LayoutError {
    /// The key of the layout that is wrong, such as `path` or `else[0].yaml`.
    pub key: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

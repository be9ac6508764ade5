//! The shapes of what `-o json` prints. More fields may come to stand beside these; none is taken away or renamed. The tests of the
//! commands validate what these really print, and refuse fields that are not here.

mod check;
mod matrix;
mod objects;
mod past;
mod plans;
mod setup;

pub use check::*;
pub use matrix::*;
pub use objects::*;
pub use past::*;
pub use plans::*;
pub use setup::*;

/// A time as RFC 3339 in UTC, to the second.
type Time = String;
/// A commit, as forty hexadecimal digits.
type Commit = String;

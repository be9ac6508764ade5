//! What of `sources::cluster` the watches need.

use std::time::Duration;

#[allow(dead_code, unused_imports)]
#[path = "../../../../src/sources/cluster/bounds.rs"]
mod bounds;
#[allow(dead_code, unused_imports)]
#[path = "../../../../src/sources/cluster/convert.rs"]
mod convert;
#[allow(dead_code, unused_imports)]
#[path = "../../../../src/sources/cluster/error.rs"]
mod error;
#[allow(dead_code, unused_imports)]
#[path = "../../../../src/sources/cluster/kinds.rs"]
mod kinds;
#[path = "../../../../src/sources/cluster/fuzzing.rs"]
pub(crate) mod fuzzing;
#[allow(dead_code, unused_imports)]
#[path = "../../../../src/sources/cluster/watcher.rs"]
mod watcher;

/// As in `sources::cluster::notes`, as far as watches use it.
pub(crate) mod notes {
    pub(crate) struct Found;
}

/// As in `sources::cluster`, as far as watches use it.
#[derive(Clone, Debug)]
#[allow(dead_code)]
pub(crate) struct Options {
    pub(crate) first_wait: Duration,
    pub(crate) longest_wait: Duration,
    pub(crate) patience: Duration,
    pub(crate) ask_again: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
            patience: Duration::from_secs(3),
            ask_again: Duration::from_secs(30),
        }
    }
}

//! The watches of `sources::cluster` without connections and credentials, which need TLS and programs.

#[allow(dead_code, unused_imports)]
#[path = "../../../src/sources/mistake.rs"]
pub(crate) mod mistake;

/// As in `sources::children`, as far as watches use it.
pub(crate) mod children {
    pub(crate) fn size(bytes: u64) -> String {
        format!("{bytes} bytes")
    }
}

pub(crate) mod cluster;

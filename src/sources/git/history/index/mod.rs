//! What a walk found, kept on disk: the next one begins where this one did.
//!
//! One file per landed line and configuration, little-endian numbers, in blocks with a checksum each:
//!
//! ```text
//! magic 8 · fingerprint 20 · tip 20 · walked, shallow, strings, cells, paths, people, changes: 4 each
//! string ends 4 each · string bytes · cells 16 each · paths 4 each · people 40 each · changes 24 each
//! line 20 each · crc32 of each 4096 bytes · crc32 of these
//! ```
//!
//! Whatever does not fit (another version, another configuration, a wrong sum) is as if it were not
//! there, and is written anew. Nothing here is needed: it only saves time.

mod blocks;
mod read;
mod write;

use std::path::{Path, PathBuf};

pub(super) use self::{read::Index, write::Builder};
use super::super::Repo;
use crate::domain::layout::LayoutSet;

/// The last digits count the format's versions.
const MAGIC: &[u8; 8] = b"TGHIST03";
const HEADER: usize = 8 + 20 + 20 + 7 * 4;
const CELL: usize = 16;
const PERSON: usize = 40;
const CHANGE: usize = 24;
const ID: usize = 20;

/// Where the index of a repository and a configuration stands.
pub(super) struct Place {
    file: PathBuf,
    fingerprint: [u8; 20],
}

impl Place {
    /// In the repository's cache folder; `None` where it has none.
    pub(super) fn of(repo: &Repo, layouts: &LayoutSet) -> Option<Self> {
        let folder = repo.cache()?;
        let what = format!(
            "{}\0{}\0{}",
            env!("CARGO_PKG_VERSION"),
            repo.common_dir().display(),
            layouts.fingerprint()
        );
        let fingerprint = Repo::blob_id(what.as_bytes());
        Some(Self {
            file: folder.join(format!("{fingerprint}.history")),
            fingerprint: *fingerprint.as_bytes(),
        })
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }
}

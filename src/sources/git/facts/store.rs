//! The file that keeps what the files of one tree say:
//!
//! ```text
//! magic 8 · fingerprint 20 · tree 20, zeros where files are missing · crc32 of what follows · files
//! ```
//!
//! Whatever does not fit (another version, another configuration, a wrong sum) is as if it were not there.

use std::io::Write as _;

use flate2::Crc;

use super::{
    super::{Repo, kept::CacheFile},
    Known,
};
use crate::{
    domain::{
        ids::ObjectId,
        layout::{LayoutSet, restore, store},
    },
    sources::files::{self, Links},
};

/// The last digits count the format's versions.
const MAGIC: &[u8; 8] = b"TGFACT04";
/// So many are kept in a folder: each ref has its own.
const KEPT: usize = 64;
const NONE: [u8; 20] = [0; 20];

/// Where it stands. A tag is read once, so there is nowhere for what it says.
pub(super) fn place(repo: &Repo, layouts: &LayoutSet) -> Option<CacheFile> {
    let is_tag = layouts.origin().captures.contains_key("version");
    CacheFile::of(repo, layouts, "facts").filter(|_| !is_tag)
}

/// What was kept; `None` where there is nothing, or nothing that fits.
pub(super) fn read(place: &CacheFile, layouts: &LayoutSet) -> Option<Known> {
    let bytes = files::read(&place.file, Links::Refused, files::KEPT)
        .ok()
        .flatten()?;
    let known = parse(&bytes, &place.fingerprint, layouts);
    if known.is_none() {
        // The next reading writes it anew.
        let _ = std::fs::remove_file(&place.file);
    }
    known
}

fn parse(bytes: &[u8], fingerprint: &[u8; 20], layouts: &LayoutSet) -> Option<Known> {
    let rest = bytes.strip_prefix(MAGIC)?.strip_prefix(fingerprint)?;
    let (tree, rest) = rest.split_first_chunk::<20>()?;
    let (sum, files) = rest.split_first_chunk::<4>()?;
    if crc(files) != u32::from_le_bytes(*sum) {
        return None;
    }
    Some(Known {
        origin: layouts.origin(),
        tree: (*tree != NONE).then(|| ObjectId::new(*tree)),
        files: restore(files, layouts)?,
        problems: Vec::new(),
    })
}

/// Keeps what was read. That it cannot be written is no failure of anything.
pub(super) fn write(place: &CacheFile, known: &Known) {
    let files = store(&known.files);
    let has_all =
        known.problems.is_empty() && known.files.iter().all(|it| it.2.problems().is_empty());
    let tree = known.tree.filter(|_| has_all);
    let tree = tree.map_or(NONE, |tree| *tree.as_bytes());
    let written = place.write(KEPT, |file| {
        file.write_all(MAGIC)?;
        file.write_all(&place.fingerprint)?;
        file.write_all(&tree)?;
        file.write_all(&crc(&files).to_le_bytes())?;
        file.write_all(&files)
    });
    if let Err(error) = written {
        tracing::debug!(%error, file = %place.file.display(), "what files say is not kept");
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

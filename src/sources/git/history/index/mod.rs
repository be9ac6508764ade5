//! What a walk found, kept on disk: the next one begins where this one did.
//!
//! One file per landed line and configuration, little-endian numbers, in blocks with a checksum each:
//!
//! ```text
//! magic 8 · fingerprint 20 · tip 20 · walked, shallow, bytes of texts, cells, paths, changes: 4 each
//! texts · cells 16 each · paths 4 each · changes 28 each · line 20 each · crc32 of each 4096 bytes · crc32 of these
//! ```
//!
//! Among the texts (length 4, bytes) stand the people (44 bytes) and the moves (16 bytes), each named by where it begins: what
//! one change names was written together, and so is read together.
//!
//! Whatever does not fit (another version, another configuration, a wrong sum) is as if it were not
//! there, and is written anew. Nothing here is needed: it only saves time.

mod blocks;
mod read;
mod write;

pub(super) use self::{read::Index, write::Builder};
use super::super::kept::CacheFile;

/// The last digits count the format's versions.
const MAGIC: &[u8; 8] = b"TGHIST07";
const HEADER: usize = 8 + 20 + 20 + 6 * 4;
const CELL: usize = 16;
const PERSON: usize = 44;
const CHANGE: usize = 28;
const MOVE: usize = 16;
const ID: usize = 20;

//! From a cell and a version to the bytes of the files that declare it.

use super::LayoutSet;
use crate::domain::{
    desired::Desired,
    ids::{CellKey, RepoPath},
    plan::{FileEdit, SkipCause},
    version::Version,
};

/// The edits that make `key` declare `version`; `None` removes the override, so that the cell is inherited again.
///
/// `files` gives a file's bytes, `None` where there is none. It may give bytes that earlier changes of the same plan
/// have edited: what stands where is read again from them.
///
/// # Errors
/// Why the cell cannot be changed, with a sentence that names the file and the line.
pub fn edit_cell(
    layouts: &LayoutSet,
    desired: &Desired,
    key: &CellKey,
    version: Option<&Version>,
    files: &dyn Fn(&RepoPath) -> Option<Vec<u8>>,
) -> Result<Vec<FileEdit>, (SkipCause, String)> {
    let _ = (layouts, desired, version, files);
    Err((
        SkipCause::NotParseable,
        format!("{key}: editing is not there yet"),
    ))
}

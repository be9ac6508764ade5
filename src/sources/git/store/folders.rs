//! Where objects are: the repository's own folder of them and those that it borrows from.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use super::open_regular;

/// Git itself follows alternates of alternates five levels deep.
const MOST_FOLDERS: usize = 64;
/// A longer list of alternates is none.
const LONGEST: u64 = 1 << 20;

/// The folders of objects of a git directory, its own first, each once.
pub(in super::super) fn folders(common_dir: &Path) -> Vec<PathBuf> {
    let own = common_dir.join("objects");
    let mut seen = vec![canonical(&own)];
    let mut folders = vec![own];
    let mut next = 0;
    while next < folders.len() {
        for line in alternates(&folders[next]).lines() {
            if line.is_empty() || line.starts_with(['#', '"']) {
                continue;
            }
            let folder = folders[next].join(line);
            let real = canonical(&folder);
            if folders.len() < MOST_FOLDERS && !seen.contains(&real) {
                seen.push(real);
                folders.push(folder);
            }
        }
        next += 1;
    }
    folders
}

/// The same for the same folder, however it is written.
fn canonical(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

fn alternates(folder: &Path) -> String {
    let Ok((file, _)) = open_regular(&folder.join("info/alternates")) else {
        return String::new();
    };
    let mut text = Vec::new();
    let read = file.take(LONGEST).read_to_end(&mut text);
    read.map_or(String::new(), |_| {
        String::from_utf8_lossy(&text).into_owned()
    })
}

/// The indexes of the packs in these folders, with their sizes.
pub(super) fn indexes(folders: &[PathBuf]) -> Vec<(u64, PathBuf)> {
    let mut found = Vec::new();
    for folder in folders {
        let entries = std::fs::read_dir(folder.join("pack"));
        found.extend(entries.into_iter().flatten().flatten().filter_map(|entry| {
            let path = entry.path();
            let index = path.extension().is_some_and(|extension| extension == "idx");
            if !index {
                return None;
            }
            Some((std::fs::metadata(&path).ok()?.len(), path))
        }));
    }
    found
}

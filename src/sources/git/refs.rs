//! What refs name, and what is wrong with those that libgit2 passes over.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use super::{Repo, ours, store::open_regular};
use crate::domain::{
    failure::{Failure, FailureKind},
    ids::ObjectId,
};

/// No ref's file is longer: a name of an object, or `ref:` and the name of a ref.
const LONGEST: u64 = 4096;
/// Folders of refs are not deeper than paths are long.
const DEEPEST: usize = 64;

impl Repo {
    /// The object that a ref (by its full name here) names in the end; `None`: there is no such ref.
    ///
    /// # Errors
    /// `Damaged` where its file holds something else, as after a power loss.
    pub(super) fn target(
        &self,
        repository: &git2::Repository,
        full: &str,
    ) -> Result<Option<ObjectId>, Failure> {
        if let Some(error) = self.broken_ref(full) {
            return Err(error);
        }
        let found = repository
            .find_reference(full)
            .and_then(|reference| reference.resolve());
        match found {
            Ok(reference) => Ok(reference.target().map(ours)),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) if error.code() == git2::ErrorCode::InvalidSpec => Ok(None),
            Err(error) => Err(self.error(&error, &format!("cannot read {full}"))),
        }
    }

    /// What is wrong with the file of a ref; `None` where nothing is, or it has none.
    fn broken_ref(&self, full: &str) -> Option<Failure> {
        let folder = if full.starts_with("refs/") {
            self.common_dir()
        } else {
            self.git_dir()
        };
        let file = folder.join(full);
        let why = broken(&file)?;
        let shown = file.display();
        let hint = match full.strip_prefix("refs/remotes/") {
            Some(below) => {
                let remote = below.split('/').next().unwrap_or_default();
                format!("Remove that file, and fetch: git fetch {remote}")
            }
            None => format!(
                "Look at what it was (git reflog show {full}), remove that file, and make the ref anew: git update-ref"
            ),
        };
        Some(
            Failure::new(
                FailureKind::Damaged,
                format!("{full} is damaged: {shown} {why}"),
            )
            .hint(hint),
        )
    }

    /// The refs in files whose full names begin with `prefix` and that cannot be read, with what is wrong.
    pub(super) fn broken_refs(&self, prefix: &str) -> Vec<(String, Failure)> {
        let folder = prefix.rsplit_once('/').map_or("refs", |(folder, _)| folder);
        let mut names = Vec::new();
        list(self.common_dir(), folder, DEEPEST, &mut names);
        let names = names.into_iter().filter(|name| name.starts_with(prefix));
        names
            .filter_map(|name| Some((name.clone(), self.broken_ref(&name)?)))
            .collect()
    }
}

fn list(common_dir: &Path, folder: &str, levels: usize, names: &mut Vec<String>) {
    let entries = std::fs::read_dir(common_dir.join(folder));
    for entry in entries.into_iter().flatten().flatten() {
        let (name, kind) = (entry.file_name(), entry.file_type());
        let (Some(name), Ok(kind)) = (name.to_str(), kind) else {
            continue;
        };
        let name = format!("{folder}/{name}");
        if kind.is_dir() && levels > 0 {
            list(common_dir, &name, levels - 1, names);
        } else if !kind.is_dir() && Path::new(&name).extension() != Some("lock".as_ref()) {
            names.push(name);
        }
    }
}

/// What is wrong with the file of a ref, said of it.
fn broken(file: &PathBuf) -> Option<&'static str> {
    match std::fs::metadata(file) {
        Err(_) => return None,
        Ok(found) if found.is_dir() => return None,
        Ok(found) if found.len() == 0 && found.is_file() => {
            return Some("is empty, as after a power loss");
        }
        Ok(_) => {}
    }
    let Ok((opened, _)) = open_regular(file) else {
        return Some("is no file that can be read");
    };
    let mut text = Vec::new();
    if opened.take(LONGEST).read_to_end(&mut text).is_err() {
        return Some("cannot be read from the disk");
    }
    let names_ref = text
        .strip_prefix(b"ref:")
        .is_some_and(|name| !name.trim_ascii().is_empty());
    let names_object = text
        .get(..40)
        .is_some_and(|name| name.iter().all(u8::is_ascii_hexdigit))
        && text.get(40).is_none_or(u8::is_ascii_whitespace);
    (!names_ref && !names_object).then_some("holds no name of an object")
}

//! Which repository a path is in, found by looking at names alone: no configuration is read yet.
//!
//! A bare repository can be tracked as ordinary files of another one, with a configuration and hooks of a stranger's. Git's
//! `safe.bareRepository=explicit` is about those; here a bare repository within a work tree is refused, unless its own path
//! was named. What is below a folder called `.git` cannot be tracked, and is Git's own.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    domain::failure::{Failure, FailureKind},
    sources::files::{self, Links},
};

/// A file that points to a git directory is one line.
const POINTER: u64 = 64 << 10;

/// A repository that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The git directory of this work tree.
    pub(super) git: PathBuf,
    /// The one that holds objects and refs.
    pub(super) common: PathBuf,
    /// The root of the work tree, or the git directory itself.
    pub(super) root: PathBuf,
}

/// The repository that `path` is in, or is; all paths without links. `None`: there is none.
pub(super) fn find(path: &Path) -> Option<Found> {
    let start = path.canonicalize().ok()?;
    start.ancestors().find_map(at)
}

/// The repository whose work tree or git directory is `folder`.
fn at(folder: &Path) -> Option<Found> {
    let dot = folder.join(".git");
    let git = if dot.is_dir() && is_git_directory(&dot) {
        dot.canonicalize().ok()?
    } else if let Some(to) = pointed(&dot, "gitdir:", folder) {
        to
    } else if is_git_directory(folder) {
        folder.to_owned()
    } else {
        return None;
    };
    let common = pointed(&git.join("commondir"), "", &git).unwrap_or_else(|| git.clone());
    Some(Found {
        root: folder.to_owned(),
        git,
        common,
    })
}

/// As Git tells one: `HEAD`, and objects and refs of its own or another's.
fn is_git_directory(folder: &Path) -> bool {
    let there = |name: &str| fs::symlink_metadata(folder.join(name)).is_ok();
    there("HEAD") && (there("commondir") || there("objects") && there("refs"))
}

/// Where a file such as `.git` or `commondir` points to.
fn pointed(file: &Path, mark: &str, from: &Path) -> Option<PathBuf> {
    let bytes = files::read(file, Links::Followed, POINTER).ok()??;
    let text = String::from_utf8(bytes).ok()?;
    let to = text.strip_prefix(mark)?.trim();
    (!to.is_empty()).then(|| from.join(to).canonicalize().ok())?
}

impl Found {
    /// The work tree of another repository that this one lies in as ordinary files; `None`: it does not.
    pub(super) fn embedded_in(&self) -> Option<PathBuf> {
        [&self.git, &self.common]
            .into_iter()
            .find_map(|folder| self.surrounding(folder))
    }

    fn surrounding(&self, folder: &Path) -> Option<PathBuf> {
        if folder.iter().any(|part| part == OsStr::new(".git")) {
            return None;
        }
        folder.ancestors().skip(1).find_map(|above| {
            if fs::symlink_metadata(above.join(".git")).is_err() {
                return None;
            }
            let around = at(above)?;
            (around.common != self.common).then(|| above.to_owned())
        })
    }

    /// Refuses what lies in another repository's work tree. `named`: the path that the user gave for this very repository.
    ///
    /// # Errors
    /// `Embedded`, with both places.
    pub(super) fn refuse_embedded(&self, named: Option<&Path>) -> Result<(), Failure> {
        let named = named.and_then(|path| path.canonicalize().ok());
        if named.is_some_and(|named| named == self.git) {
            return Ok(());
        }
        let Some(around) = self.embedded_in() else {
            return Ok(());
        };
        Err(Failure::new(
            FailureKind::Embedded,
            format!(
                "{} is a bare repository inside the work tree of {}, and may have come with it: what its configuration and hooks \
                 say is not obeyed, and it is not opened",
                self.common.display(),
                around.display()
            ),
        )
        .hint(format!(
            "If it is yours, name it: tidegate --repo {}; better move it out of the work tree",
            self.common.display()
        )))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::tests::support::{Scratch, git};
    use super::*;

    #[test]
    fn a_bare_repository_inside_a_work_tree_is_told_from_all_others() {
        let scratch = Scratch::new();
        let at = |name: &str| scratch.path(name);
        let outer = scratch.init("outer");
        git(&outer, &["commit", "-q", "--allow-empty", "-m", "x"]);
        git(
            scratch.dir.path(),
            &["clone", "-q", "--bare", "outer", "alone.git"],
        );
        git(
            scratch.dir.path(),
            &["clone", "-q", "--bare", "outer", "outer/x.git"],
        );
        git(
            scratch.dir.path(),
            &["clone", "-q", "outer", "outer/nested"],
        );
        git(&outer, &["worktree", "add", "-q", "--detach", "../linked"]);
        git(
            &at("alone.git"),
            &["worktree", "add", "-q", "--detach", "../of-bare"],
        );
        git(
            &outer.join("x.git"),
            &[
                "worktree",
                "add",
                "-q",
                "--detach",
                &at("of-embedded").display().to_string(),
            ],
        );
        fs::create_dir_all(at("apart")).unwrap();
        git(
            scratch.dir.path(),
            &["init", "-q", "--separate-git-dir", "apart/store", "apart"],
        );
        git(
            &outer,
            &[
                "-c",
                "protocol.file.allow=always",
                "submodule",
                "--quiet",
                "add",
                "../alone.git",
                "sub",
            ],
        );
        fs::create_dir_all(at("pointing")).unwrap();
        fs::write(at("pointing/.git"), "gitdir: ../outer/x.git\n").unwrap();
        fs::create_dir_all(at("outer/looks/objects")).unwrap();
        fs::create_dir_all(at("outer/looks/refs")).unwrap();
        fs::write(at("outer/looks/HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(
            at("outer/looks/config"),
            "[core]\nbare = false\nworktree = /\n",
        )
        .unwrap();
        fs::create_dir_all(at("outer/common")).unwrap();
        fs::write(at("outer/common/HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(at("outer/common/commondir"), "../../alone.git\n").unwrap();
        symlink("outer/x.git", at("link")).unwrap();
        symlink(at("alone.git"), outer.join("link-out")).unwrap();
        let cases = [
            ("outer", false),
            ("outer/.git", false),
            ("outer/.git/refs", false),
            ("outer/sub", false),
            ("outer/nested", false),
            ("linked", false),
            ("of-bare", false),
            ("alone.git", false),
            ("alone.git/refs/heads", false),
            ("apart", false),
            ("apart/store", false),
            ("outer/link-out", false),
            ("outer/x.git", true),
            ("outer/x.git/objects/pack", true),
            ("outer/nested/../x.git", true),
            ("link", true),
            ("pointing", true),
            ("of-embedded", true),
            ("outer/looks", true),
            ("outer/common", true),
        ];
        for (path, embedded) in cases {
            let found = find(&at(path)).unwrap_or_else(|| panic!("{path} is a repository"));
            assert_eq!(found.embedded_in().is_some(), embedded, "{path}: {found:?}");
            assert_eq!(found.refuse_embedded(None).is_err(), embedded, "{path}");
        }
        let found = find(&outer.join("x.git")).unwrap();
        found.refuse_embedded(Some(&outer.join("x.git"))).unwrap();
        assert!(
            found
                .refuse_embedded(Some(&outer.join("x.git/refs")))
                .is_err()
        );
        assert_eq!(find(&at("nowhere")), None);
    }
}

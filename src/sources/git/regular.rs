//! Whether the files of a git directory are files, looked at before libgit2 or a child `git` opens one: both would wait for a
//! named pipe in the place of a ref for ever, and read a device to its end, which has none.
//!
//! Objects that are not in a pack are left out: they are read by [`store`](super::store), which looks itself, and by children,
//! which have a deadline.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::store::folders;
use crate::{
    domain::failure::{Failure, FailureKind},
    sources::files::{self, FileError},
};

/// Files of one line or a few: a pointer, `HEAD`, a ref.
const SHORT: u64 = 1 << 20;
/// Lists of commits and refs.
const LIST: u64 = 256 << 20;
/// Only what it is counts: it is mapped, not read whole.
const ANY: u64 = u64::MAX;
/// Folders of refs are not deeper than paths are long.
const DEEPEST: usize = 64;

/// Files of the git directory of one work tree.
const OWN: [(&str, u64); 7] = [
    ("HEAD", SHORT),
    ("commondir", SHORT),
    ("gitdir", SHORT),
    ("config.worktree", files::CONFIGURATION),
    ("index", ANY),
    ("FETCH_HEAD", LIST),
    ("ORIG_HEAD", SHORT),
];

/// Files of the git directory that holds objects and refs.
const COMMON: [(&str, u64); 6] = [
    ("config", files::CONFIGURATION),
    ("packed-refs", LIST),
    ("shallow", LIST),
    ("info/grafts", LIST),
    ("info/attributes", files::CONFIGURATION),
    ("info/exclude", files::CONFIGURATION),
];

/// # Errors
/// `Damaged`, with the file, what it is, and what to do.
pub(super) fn check(git: &Path, common: &Path) -> Result<(), Failure> {
    find(git, common).map_err(|error| {
        Failure::new(FailureKind::Damaged, error.to_string())
            .hint("Look at where this repository comes from; a clone of your own has no such file")
    })
}

/// The same for what stands in the place of a `.git`, in `folder` or above it.
///
/// # Errors
/// As [`check`].
pub(super) fn check_pointers(folder: &Path) -> Result<(), Failure> {
    let Ok(folder) = std::path::absolute(folder) else {
        return Ok(());
    };
    let mut pointers = folder.ancestors().map(|above| above.join(".git"));
    pointers
        .try_for_each(|pointer| one(pointer, SHORT))
        .map_err(|error| {
            Failure::new(FailureKind::Damaged, error.to_string())
                .hint("Look at where it comes from, or run Tidegate in another folder")
        })
}

fn find(git: &Path, common: &Path) -> Result<(), FileError> {
    own(git)?;
    own(common)?;
    // Git looks there for branches that are checked out.
    let others = fs::read_dir(common.join("worktrees"));
    for other in others.into_iter().flatten().flatten() {
        own(&other.path())?;
    }
    for (name, limit) in COMMON {
        one(common.join(name), limit)?;
    }
    for folder in [git, common] {
        below(&folder.join("refs"), SHORT, DEEPEST)?;
        below(&folder.join("logs"), ANY, DEEPEST)?;
        if git == common {
            break;
        }
    }
    // Before it says where else objects are.
    one(common.join("objects/info/alternates"), SHORT)?;
    for objects in folders(common) {
        below(&objects.join("info"), ANY, 1)?;
        below(&objects.join("pack"), ANY, 0)?;
    }
    Ok(())
}

fn own(git: &Path) -> Result<(), FileError> {
    let mut files = OWN.iter();
    files.try_for_each(|(name, limit)| one(git.join(name), *limit))
}

/// Every file below a folder, some levels deep; a folder that is a link is not entered.
fn below(folder: &Path, limit: u64, levels: usize) -> Result<(), FileError> {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                if levels > 0 {
                    below(&entry.path(), limit, levels - 1)?;
                }
            }
            // What it is, is known without a look at it.
            Ok(kind) if kind.is_file() && limit == ANY => {}
            _ => one(entry.path(), limit)?,
        }
    }
    Ok(())
}

fn one(path: PathBuf, limit: u64) -> Result<(), FileError> {
    files::look(&path, limit)
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::{fs::symlink, net::UnixListener},
        process::Command,
        time::{Duration, Instant},
    };

    use super::super::{
        Outside, Repo,
        tests::support::{Scratch, git, open},
    };
    use super::*;

    #[test]
    fn no_file_that_is_none_is_waited_for() {
        let scratch = Scratch::new();
        let path = scratch.init("up");
        git(&path, &["commit", "-q", "--allow-empty", "-m", "x"]);
        git(scratch.dir.path(), &["clone", "-q", "up", "clone"]);
        let clone = scratch.path("clone");
        git(&clone, &["repack", "-adq"]);
        git(&clone, &["worktree", "add", "-q", "--detach", "../linked"]);
        let files = [
            "HEAD",
            "config",
            "config.worktree",
            "commondir",
            "index",
            "packed-refs",
            "shallow",
            "FETCH_HEAD",
            "refs/heads/new",
            "refs/remotes/origin/main",
            "refs/remotes/origin/a/deep/one",
            "logs/HEAD",
            "logs/refs/heads/main",
            "info/grafts",
            "info/attributes",
            "objects/info/alternates",
            "objects/info/commit-graph",
            "objects/pack/pack-x.idx",
            "objects/pack/pack-x.pack",
            "objects/pack/multi-pack-index",
        ];
        type Make = fn(&Path);
        let kinds: [(&str, Make); 3] = [
            ("is a named pipe, not a regular file", |at| {
                assert!(Command::new("mkfifo").arg(at).status().unwrap().success());
            }),
            ("is a device, not a regular file", |at| {
                symlink("/dev/zero", at).unwrap();
            }),
            ("is a socket, not a regular file", |at| {
                drop(UnixListener::bind(at).unwrap());
            }),
        ];
        let began = Instant::now();
        for name in files {
            let file = clone.join(".git").join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            let kept = fs::read(&file).ok();
            for (message, make) in kinds {
                let _ = fs::remove_file(&file);
                make(&file);
                let error = Repo::discover(&clone).unwrap_err();
                assert_eq!(error.kind, FailureKind::Damaged, "{name}: {error}");
                let said = error.to_string();
                assert!(said.contains(message) && said.contains(name), "{said}");
                let other = Outside::look(&clone).err().unwrap();
                assert!(other.to_string().contains(message), "{name}: {other}");
                assert!(Repo::discover(&scratch.path("linked")).is_err(), "{name}");
                fs::remove_file(&file).unwrap();
            }
            if let Some(kept) = kept {
                fs::write(&file, kept).unwrap();
            }
        }
        assert!(began.elapsed() < Duration::from_mins(1));
        // And one that comes while it is open.
        let repo = open(&clone);
        symlink("/dev/zero", clone.join(".git/info/grafts")).unwrap();
        assert!(repo.fit().is_err());
        fs::remove_file(clone.join(".git/info/grafts")).unwrap();
        let sparse = fs::File::create(clone.join(".git/refs/heads/large")).unwrap();
        sparse.set_len(SHORT + 1).unwrap();
        let error = Repo::discover(&clone).unwrap_err().to_string();
        assert!(
            error.contains("refs/heads/large is larger than 1 MB"),
            "{error}"
        );
    }

    #[test]
    fn a_pipe_called_git_is_not_waited_for() {
        let scratch = Scratch::new();
        let folder = scratch.path("a/b");
        fs::create_dir_all(&folder).unwrap();
        let pipe = scratch.path("a/.git");
        assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
        let error = Repo::discover(&folder).unwrap_err().to_string();
        assert!(error.contains("a/.git is a named pipe"), "{error}");
    }
}

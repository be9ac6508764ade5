//! What one commit changed in given files.

use super::{
    Repo,
    compare::{Changed, Item, compare},
    objects::{Kind, Objects},
};
use crate::domain::{
    diff::{Became, Diff, FileDiff, Hunk},
    failure::Failure,
    ids::{ObjectId, RepoPath},
};

/// Of files longer than this together, the rest is not shown, and that is said.
const LONGEST: usize = 16 << 20;
/// More files are not looked at.
const MOST_FILES: usize = 2000;
/// A larger file is not shown.
const LARGEST: usize = 8 << 20;

impl Repo {
    /// What `commit` changed against its first parent, restricted to `paths` (all when empty). Text as stored; screens
    /// sanitise it.
    ///
    /// # Errors
    /// When the commit cannot be read.
    pub fn file_diff(&self, commit: ObjectId, paths: &[RepoPath]) -> Result<Diff, Failure> {
        // What is shown is held against its name.
        let objects = Objects::open(self)?.verified();
        let header = objects.header(commit)?;
        let parent = header.parents.first();
        let before = parent.map(|parent| objects.header(*parent)).transpose()?;
        let wanted = |path: &[u8]| paths.is_empty() || paths.iter().any(|it| leads(path, it));
        let mut changed = Vec::new();
        compare(
            &objects,
            before.map(|before| before.tree),
            Some(header.tree),
            &wanted,
            &mut |one| {
                changed.push(one);
                changed.len() < MOST_FILES
            },
        )?;
        changed.sort_by(|a: &Changed, b| a.path.cmp(&b.path));
        let mut diff = Diff {
            files: Vec::new(),
            goes_on: changed.len() >= MOST_FILES,
        };
        let mut left = LONGEST;
        for one in changed {
            let (before, after) = (
                content(&objects, one.before.as_ref())?,
                content(&objects, one.after.as_ref())?,
            );
            let became = match (&one.before, &one.after) {
                (None, _) => Became::Added,
                (_, None) => Became::Deleted,
                _ => Became::Changed,
            };
            let path = RepoPath::from(String::from_utf8_lossy(&one.path).into_owned());
            let file = match (before, after) {
                (Some(before), Some(after)) => {
                    let size = before.len() + after.len();
                    if size > left {
                        diff.goes_on = true;
                        break;
                    }
                    left -= size;
                    self.between(path, &before, &after)?
                }
                _ => FileDiff::unshown(path, "too large to be shown"),
            };
            diff.files.push(file.that_became(became));
        }
        Ok(diff)
    }

    /// The change between two contents. Git's own way to find it is quick on contents that have little in common, too.
    fn between(&self, path: RepoPath, before: &[u8], after: &[u8]) -> Result<FileDiff, Failure> {
        let failed = |error: git2::Error| self.error(&error, "cannot compare commits");
        let mut options = git2::DiffOptions::new();
        options.context_lines(0).interhunk_lines(0);
        let patch = git2::Patch::from_buffers(before, None, after, None, Some(&mut options));
        let patch = patch.map_err(failed)?;
        if patch.delta().flags().is_binary() {
            return Ok(FileDiff::unshown(path, "not text"));
        }
        let mut hunks = Vec::new();
        for index in 0..patch.num_hunks() {
            let (hunk, _) = patch.hunk(index).map_err(failed)?;
            // Git counts from 1, and names the line before where there is none.
            let lines = |start: u32, count: u32| {
                let start = start as usize - usize::from(count > 0 && start > 0);
                start..start + count as usize
            };
            hunks.push(Hunk {
                old: lines(hunk.old_start(), hunk.old_lines()),
                new: lines(hunk.new_start(), hunk.new_lines()),
            });
        }
        Ok(FileDiff::with_hunks(path, before, after, hunks))
    }
}

/// What stands there: of a submodule its commit, as Git shows it; nothing where nothing is. `None`: too large.
fn content(objects: &Objects, item: Option<&Item>) -> Result<Option<Vec<u8>>, Failure> {
    let Some(item) = item else {
        return Ok(Some(Vec::new()));
    };
    if item.kind == Kind::Submodule {
        return Ok(Some(
            format!("Subproject commit {}\n", item.id).into_bytes(),
        ));
    }
    let read = objects.blob_within(item.id, LARGEST)?;
    Ok(read.ok().map(|data| data.to_vec()))
}

/// Whether a path is a wanted one, or on the way to it, or below it.
fn leads(path: &[u8], wanted: &RepoPath) -> bool {
    let wanted = wanted.as_str().as_bytes();
    let (short, long) = if path.len() < wanted.len() {
        (path, wanted)
    } else {
        (wanted, path)
    };
    long.strip_prefix(short)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

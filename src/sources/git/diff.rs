//! What one commit changed in given files, as a unified diff.

use super::{
    Repo,
    compare::{Changed, Item, compare},
    inmemory::InMemory,
    objects::{Kind, Objects},
    theirs,
};
use crate::domain::{
    failure::Failure,
    ids::{ObjectId, RepoPath},
};

/// A longer diff is cut, with a line that says so.
const LONGEST: usize = 256 << 10;
/// More files are not looked at: their diff is longer.
const MOST_FILES: usize = 2000;
/// A larger file is not shown.
const LARGEST: usize = 8 << 20;

impl Repo {
    /// The unified diff of `commit` against its first parent, restricted to `paths` (all when
    /// empty). Text as stored; screens sanitise it.
    ///
    /// # Errors
    /// When the commit cannot be read.
    pub fn file_diff(&self, commit: ObjectId, paths: &[RepoPath]) -> Result<String, Failure> {
        let objects = Objects::open(self)?;
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
        let mut memory = InMemory::new(&objects)?;
        let mut unseen = Vec::new();
        for one in &changed {
            for item in [&one.before, &one.after].into_iter().flatten() {
                if item.kind != Kind::Submodule && !memory.take_blob(item.id, LARGEST)? {
                    unseen.push(String::from_utf8_lossy(&one.path).into_owned());
                }
            }
        }
        let cut = changed.len() >= MOST_FILES;
        changed.retain(|one| !unseen.iter().any(|path| path.as_bytes() == one.path));
        let mut text = self.print(&memory, &changed)?;
        unseen.dedup();
        for path in unseen {
            text.extend([path.as_str(), " is too large to be shown\n"]);
        }
        if cut && !text.ends_with(GOES_ON) {
            text.push_str(GOES_ON);
        }
        Ok(text)
    }

    fn print(&self, memory: &InMemory<'_>, changed: &[Changed]) -> Result<String, Failure> {
        let failed = |error: git2::Error| self.error(&error, "cannot compare commits");
        let mut options = git2::DiffOptions::new();
        options.skip_binary_check(false).context_lines(3);
        let (old, new) = (
            index(changed, |it| it.before.as_ref()),
            index(changed, |it| it.after.as_ref()),
        );
        let diff = memory
            .repository()
            .diff_index_to_index(
                &old.map_err(failed)?,
                &new.map_err(failed)?,
                Some(&mut options),
            )
            .map_err(failed)?;
        let mut text = Vec::new();
        let printed = diff.print(git2::DiffFormat::Patch, |_, _, line| {
            if matches!(line.origin(), '+' | '-' | ' ') {
                text.push(u8::try_from(line.origin()).unwrap_or(b' '));
            }
            text.extend_from_slice(line.content());
            text.len() <= LONGEST
        });
        let mut text = String::from_utf8_lossy(&text).into_owned();
        if text.len() > LONGEST {
            text.push_str(GOES_ON);
        } else {
            printed.map_err(failed)?;
        }
        Ok(text)
    }
}

const GOES_ON: &str = "\n… the diff goes on\n";

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

/// One side of what changed, in memory. A path that Git does not take is left out.
fn index<'c>(
    changed: &'c [Changed],
    side: impl Fn(&'c Changed) -> Option<&'c Item>,
) -> Result<git2::Index, git2::Error> {
    let mut index = git2::Index::new()?;
    for one in changed {
        let Some(item) = side(one) else { continue };
        let zero = git2::IndexTime::new(0, 0);
        let _ = index.add(&git2::IndexEntry {
            ctime: zero,
            mtime: zero,
            dev: 0,
            ino: 0,
            mode: item.mode,
            uid: 0,
            gid: 0,
            file_size: 0,
            id: theirs(item.id),
            flags: 0,
            flags_extended: 0,
            path: one.path.clone(),
        });
    }
    Ok(index)
}

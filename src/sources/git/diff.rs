//! What one commit changed in given files, as a unified diff.

use super::{GitError, Repo, theirs};
use crate::domain::ids::{ObjectId, RepoPath};

/// A longer diff is cut, with a line that says so.
const LONGEST: usize = 256 << 10;

impl Repo {
    /// The unified diff of `commit` against its first parent, restricted to `paths` (all when
    /// empty). Text as stored; screens sanitise it.
    ///
    /// # Errors
    /// When the commit cannot be read.
    pub fn file_diff(&self, commit: ObjectId, paths: &[RepoPath]) -> Result<String, GitError> {
        let repository = self.open()?;
        let failed = |error: git2::Error| self.error(&error, "cannot compare commits");
        let commit = repository.find_commit(theirs(commit)).map_err(failed)?;
        let after = commit.tree().map_err(failed)?;
        let before = match commit.parent(0) {
            Ok(parent) => Some(parent.tree().map_err(failed)?),
            Err(_) => None,
        };
        let mut options = git2::DiffOptions::new();
        options
            .disable_pathspec_match(true)
            .skip_binary_check(false)
            .context_lines(3);
        for path in paths {
            options.pathspec(path.as_str());
        }
        let diff = repository
            .diff_tree_to_tree(before.as_ref(), Some(&after), Some(&mut options))
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
            text.push_str("\n… the diff goes on\n");
        } else {
            printed.map_err(failed)?;
        }
        Ok(text)
    }
}

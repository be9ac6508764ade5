//! What merging one branch into another would bring, found out in the object database: no work tree, no ref moves.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use super::{
    super::{GitError, GitErrorKind, Repo, ours, theirs},
    is_ancestor,
};
use crate::domain::{
    desired::Desired,
    ids::{EnvironmentName, ObjectId},
    layout::LayoutSet,
    plan::FileEdit,
};

/// More files than this are not shown one by one, so that nobody confirms what nobody has seen.
const MOST_FILES: usize = 2_000;

/// The result of a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The tree.
    pub(super) tree: ObjectId,
    /// The branch has nothing of its own, and can move on to the other's commit.
    pub fast_forward: bool,
    /// Every file that changes on the branch, in path order.
    pub edits: Vec<FileEdit>,
}

impl Repo {
    /// Merges `other` into `branch`, both commits of this repository. Blocking.
    ///
    /// # Errors
    /// `Refused` with the files that both changed where they conflict, where nothing is left to merge, and where too much
    /// changes to be looked at.
    pub fn merge(&self, branch: ObjectId, other: ObjectId) -> Result<Merged, GitError> {
        let repository = self.open()?;
        let failed = |error: &git2::Error| self.error(error, "cannot merge");
        let refused = |message: String, hint: &str| {
            Err(GitError::new(GitErrorKind::Refused, message).hint(hint))
        };
        let common = repository.merge_base(theirs(branch), theirs(other));
        let common = match common {
            Ok(common) => Some(ours(common)),
            Err(error) if error.code() == git2::ErrorCode::NotFound => None,
            Err(error) => return Err(failed(&error)),
        };
        if common == Some(other) {
            return refused(
                "nothing is left to merge: the branch has every commit of the other already"
                    .to_owned(),
                "Write the version with `tidegate set`",
            );
        }
        if common.is_none() {
            return refused(
                "the two branches have no commit in common, so they cannot be merged".to_owned(),
                "Promote the value alone: `promote = \"edit\"` in the layout",
            );
        }
        let find = |id| repository.find_commit(theirs(id)).map_err(|e| failed(&e));
        let (branch_commit, other_commit) = (find(branch)?, find(other)?);
        let fast_forward = common == Some(branch);
        let tree = if fast_forward {
            other_commit.tree_id()
        } else {
            let mut index = repository
                .merge_commits(&branch_commit, &other_commit, None)
                .map_err(|e| failed(&e))?;
            let conflicts = conflicts(&index);
            if !conflicts.is_empty() {
                let few = conflicts
                    .iter()
                    .take(5)
                    .map(String::as_str)
                    .collect::<Vec<_>>();
                let more = match conflicts.len().saturating_sub(few.len()) {
                    0 => String::new(),
                    n => format!(" and {n} more"),
                };
                return refused(
                    format!(
                        "both branches changed {}{more}, in ways that contradict each other",
                        few.join(", ")
                    ),
                    "Merge by hand and solve it (git merge), or promote the value alone: `promote = \"edit\"` in the layout",
                );
            }
            index.write_tree_to(&repository).map_err(|e| failed(&e))?
        };
        let before = branch_commit.tree().map_err(|e| failed(&e))?;
        let after = repository.find_tree(tree).map_err(|e| failed(&e))?;
        Ok(Merged {
            tree: ours(tree),
            fast_forward,
            edits: self.edits_between(&repository, &before, &after)?,
        })
    }

    /// Whether `branch` has `other` in its past already.
    pub fn has(&self, branch: ObjectId, other: ObjectId) -> bool {
        is_ancestor(self, other, branch).unwrap_or(false)
    }

    /// The matrix that `branch` will declare after [`Repo::merge`].
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub fn desired_after(
        &self,
        branch: ObjectId,
        merged: &Merged,
        layouts: &Arc<LayoutSet>,
        environments: &[EnvironmentName],
    ) -> Result<Desired, GitError> {
        self.desired_of_tree(branch, merged.tree, layouts, environments)
    }

    fn edits_between(
        &self,
        repository: &git2::Repository,
        before: &git2::Tree<'_>,
        after: &git2::Tree<'_>,
    ) -> Result<Vec<FileEdit>, GitError> {
        let failed = |error: &git2::Error| self.error(error, "cannot compare the branches");
        let mut options = git2::DiffOptions::new();
        options.ignore_submodules(true);
        let diff = repository
            .diff_tree_to_tree(Some(before), Some(after), Some(&mut options))
            .map_err(|e| failed(&e))?;
        let mut edits = BTreeMap::new();
        if diff.deltas().len() > MOST_FILES {
            return Err(GitError::new(
                GitErrorKind::Refused,
                format!(
                    "the merge changes {} files, more than anybody reads before confirming",
                    diff.deltas().len()
                ),
            )
            .hint(
                "Merge by hand, or promote the value alone: `promote = \"edit\"` in the layout",
            ));
        }
        for delta in diff.deltas() {
            let path = delta.new_file().path().or_else(|| delta.old_file().path());
            let Some(path) = path.and_then(Path::to_str) else {
                continue;
            };
            let bytes = |file: git2::DiffFile<'_>| -> Result<Vec<u8>, GitError> {
                if file.id().is_zero() || file.mode() == git2::FileMode::Commit {
                    return Ok(Vec::new());
                }
                let blob = repository.find_blob(file.id()).map_err(|e| failed(&e))?;
                Ok(blob.content().to_vec())
            };
            let edit = FileEdit {
                path: path.into(),
                before: bytes(delta.old_file())?,
                after: bytes(delta.new_file())?,
            };
            edits.insert(edit.path.clone(), edit);
        }
        Ok(edits.into_values().collect())
    }
}

fn conflicts(index: &git2::Index) -> Vec<String> {
    let mut paths: Vec<String> = index
        .conflicts()
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|conflict| {
            let entry = conflict.our.or(conflict.their).or(conflict.ancestor)?;
            Some(String::from_utf8_lossy(&entry.path).into_owned())
        })
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

//! What merging one branch into another would bring, found out in the object database: no work tree, no ref moves.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use super::{
    super::{
        Repo,
        compare::{Item, compare},
        inmemory::InMemory,
        objects::{Kind, Objects, entries},
        ours,
        store::Type,
    },
    is_ancestor,
    tree::keep,
};
use crate::domain::{
    desired::Desired,
    failure::{Failure, FailureKind},
    ids::{EnvironmentName, ObjectId},
    layout::LayoutSet,
    plan::FileEdit,
};

/// More files than this are not shown one by one, so that nobody confirms what nobody has seen.
const MOST_FILES: usize = 2_000;
/// A larger file is not merged.
const LARGEST: usize = 64 << 20;

/// The result of a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The tree.
    pub(in super::super) tree: ObjectId,
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
    pub fn merge(&self, branch: ObjectId, other: ObjectId) -> Result<Merged, Failure> {
        let objects = Objects::for_commit(self)?.verified();
        let refused = |message: String, hint: &str| {
            Err(Failure::new(FailureKind::Refused, message).hint(hint))
        };
        let bases = objects.merge_bases(branch, other)?;
        if bases.contains(&other) {
            return refused(
                "nothing is left to merge: the branch has every commit of the other already"
                    .to_owned(),
                "Write the version with `tidegate set`",
            );
        }
        if bases.is_empty() {
            return refused(
                "the two branches have no commit in common, so they cannot be merged".to_owned(),
                "Promote the value alone: `promote = \"edit\"` in the layout",
            );
        }
        let fast_forward = bases.contains(&branch);
        let tree = if fast_forward {
            objects.header(other)?.tree
        } else {
            match merged(&objects, branch, other)? {
                Ok(tree) => tree,
                Err(conflicts) => {
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
            }
        };
        let before = objects.header(branch)?.tree;
        Ok(Merged {
            tree,
            fast_forward,
            edits: edits_between(&objects, before, tree)?,
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
    ) -> Result<Desired, Failure> {
        self.desired_of_tree(branch, merged.tree, layouts, environments)
    }
}

/// The tree of the merge, or the files that both changed in ways that contradict each other.
fn merged(
    objects: &Objects,
    branch: ObjectId,
    other: ObjectId,
) -> Result<Result<ObjectId, Vec<String>>, Failure> {
    let repo = objects.repo();
    let failed = |error: git2::Error| repo.error(&error, "cannot merge");
    let mut memory = InMemory::new(objects)?;
    let tips = [branch, other];
    let stand_ins = stand_ins(&mut memory, objects, &tips, MOST_CROSSINGS)?;
    let repository = memory.repository();
    let find = |tip| repository.find_commit(stand_ins[tip]).map_err(failed);
    let (ours, theirs) = (find(0)?, find(1)?);
    let merged = repository.merge_commits(&ours, &theirs, None);
    let mut index = merged.map_err(failed)?;
    let conflicts = conflicts(&index);
    if !conflicts.is_empty() {
        return Ok(Err(conflicts));
    }
    let tree = self::ours(index.write_tree_to(repository).map_err(failed)?);
    keep(objects, &made(&memory, objects, tree)?)?;
    Ok(Ok(tree))
}

/// Commits in memory that have the trees of `tips` and hang together as they do, down to where their histories met, and
/// where those met, and so on: all that a merge looks at. With what differs between their trees.
fn stand_ins(
    memory: &mut InMemory<'_>,
    objects: &Objects,
    tips: &[ObjectId],
    levels: u32,
) -> Result<Vec<git2::Oid>, Failure> {
    let mut bases: Vec<ObjectId> = Vec::new();
    for (number, one) in tips.iter().enumerate() {
        for other in tips[..number].iter().take_while(|_| levels > 0) {
            for base in objects.merge_bases(*other, *one)? {
                if !bases.contains(&base) {
                    bases.push(base);
                }
            }
        }
    }
    let below = if bases.is_empty() {
        Vec::new()
    } else {
        stand_ins(memory, objects, &bases, levels - 1)?
    };
    let mut made = Vec::with_capacity(tips.len());
    for tip in tips {
        let tree = objects.header(*tip)?.tree;
        memory.take_trees(tree)?;
        let mut text = format!("tree {tree}\n");
        for (base, stand_in) in bases.iter().zip(&below) {
            if objects.is_ancestor(*base, *tip)? {
                take_changed(memory, objects, objects.header(*base)?.tree, tree)?;
                text.extend(["parent ", &stand_in.to_string(), "\n"]);
            }
        }
        // The younger have more below them.
        let who = format!("tidegate <tidegate> {levels} +0000");
        for part in [
            "author ",
            &who,
            "\ncommitter ",
            &who,
            "\n\n",
            &tip.to_string(),
            "\n",
        ] {
            text.push_str(part);
        }
        made.push(memory.make(Type::Commit, text.as_bytes())?);
    }
    Ok(made)
}

/// Branches that were merged crosswise, and their bases too, and so on, are looked into so deep.
const MOST_CROSSINGS: u32 = 4;

/// Takes in the files that differ between two trees.
fn take_changed(
    memory: &mut InMemory<'_>,
    objects: &Objects,
    before: ObjectId,
    after: ObjectId,
) -> Result<(), Failure> {
    let mut blobs = Vec::new();
    compare(objects, Some(before), Some(after), &|_| true, &mut |one| {
        let items = [one.before, one.after].into_iter().flatten();
        let files = items.filter(|item| item.kind != Kind::Submodule);
        blobs.extend(files.map(|item| item.id));
        true
    })?;
    objects.prefetch(&blobs)?;
    for blob in blobs {
        if !memory.take_blob(blob, LARGEST)? {
            return Err(Failure::new(
                FailureKind::Refused,
                format!(
                    "the branches differ in a file of more than {} MB ({blob})",
                    LARGEST >> 20
                ),
            )
            .hint(
                "Merge by hand, or promote the value alone: `promote = \"edit\"` in the layout",
            ));
        }
    }
    Ok(())
}

/// What of a merged tree is only in memory.
fn made(
    memory: &InMemory<'_>,
    objects: &Objects,
    tree: ObjectId,
) -> Result<Vec<(Type, Vec<u8>)>, Failure> {
    let mut made = Vec::new();
    let mut waiting = vec![tree];
    let mut seen = HashSet::new();
    while let Some(tree) = waiting.pop() {
        if memory.has(tree) || !seen.insert(tree) {
            continue;
        }
        let data = memory.get(tree)?;
        for entry in entries(&data) {
            match entry.kind {
                Kind::Folder => waiting.push(entry.id),
                Kind::File | Kind::Link
                    if !memory.has(entry.id) && !objects.has(entry.id) && seen.insert(entry.id) =>
                {
                    made.push((Type::Blob, memory.get(entry.id)?.to_vec()));
                }
                _ => {}
            }
        }
        made.push((Type::Tree, data.to_vec()));
    }
    Ok(made)
}

fn edits_between(
    objects: &Objects,
    before: ObjectId,
    after: ObjectId,
) -> Result<Vec<FileEdit>, Failure> {
    let mut changed = Vec::new();
    compare(objects, Some(before), Some(after), &|_| true, &mut |one| {
        changed.push(one);
        true
    })?;
    // Of a submodule another commit is named, and no file changes.
    changed.retain(|one| {
        let mut items = [&one.before, &one.after].into_iter().flatten();
        items.any(|item| item.kind != Kind::Submodule)
    });
    if changed.len() > MOST_FILES {
        return Err(Failure::new(
            FailureKind::Refused,
            format!(
                "the merge changes {} files, more than anybody reads before confirming",
                changed.len()
            ),
        )
        .hint("Merge by hand, or promote the value alone: `promote = \"edit\"` in the layout"));
    }
    let bytes = |item: Option<Item>| -> Result<Vec<u8>, Failure> {
        let file = item.filter(|item| item.kind != Kind::Submodule);
        let bytes = file.map(|item| objects.blob(item.id)).transpose()?;
        Ok(bytes.map_or_else(Vec::new, |bytes| bytes.to_vec()))
    };
    let mut edits = BTreeMap::new();
    for one in changed {
        let Ok(path) = String::from_utf8(one.path) else {
            continue;
        };
        let edit = FileEdit {
            path: path.as_str().into(),
            before: bytes(one.before)?,
            after: bytes(one.after)?,
        };
        edits.insert(edit.path.clone(), edit);
    }
    Ok(edits.into_values().collect())
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

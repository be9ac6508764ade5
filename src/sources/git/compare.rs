//! What differs between two trees, file by file.

use super::{
    objects::{Kind, Objects, TreeEntry, entries},
    read::{LONGEST_PATH, MOST_ENTRIES, MOST_LEVELS, too_much},
};
use crate::domain::{failure::Failure, ids::ObjectId};

/// A file, link or submodule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) kind: Kind,
    /// As stored: `100644`.
    pub(super) mode: u32,
    pub(super) id: ObjectId,
}

/// What is another thing at a path, or not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Changed {
    pub(super) path: Vec<u8>,
    pub(super) before: Option<Item>,
    pub(super) after: Option<Item>,
}

/// Tells `tell` what differs between two trees, below the folders that `enter` allows; `false` from it ends that.
///
/// # Errors
/// When a folder that differs cannot be read.
pub(super) fn compare(
    objects: &Objects,
    before: Option<ObjectId>,
    after: Option<ObjectId>,
    enter: &dyn Fn(&[u8]) -> bool,
    tell: &mut dyn FnMut(Changed) -> bool,
) -> Result<(), Failure> {
    // (path, trees, how deep)
    let mut folders = vec![(Vec::new(), before, after, 0)];
    let mut left = MOST_ENTRIES;
    while let Some((path, before, after, level)) = folders.pop() {
        if before == after {
            continue;
        }
        if level > MOST_LEVELS || path.len() > LONGEST_PATH {
            return Err(too_much(after.or(before)));
        }
        let read = |tree: Option<ObjectId>| tree.map(|tree| objects.tree(tree)).transpose();
        let (old, new) = (
            read(before)?.unwrap_or_default(),
            read(after)?.unwrap_or_default(),
        );
        let mut old = sorted(&old);
        let mut new = sorted(&new);
        left = left
            .checked_sub(old.len() + new.len())
            .ok_or_else(|| too_much(after.or(before)))?;
        // What comes first is told first, and taken from the end.
        old.reverse();
        new.reverse();
        let mut below = Vec::new();
        while let Some((was, is)) = pair(&mut old, &mut new) {
            let Some(name) = was.or(is).map(|entry| entry.name) else {
                break;
            };
            if same(was, is) {
                continue;
            }
            let mut path = path.clone();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name);
            if !enter(&path) {
                continue;
            }
            let tree = |entry: Option<TreeEntry<'_>>| {
                entry.filter(|it| it.kind == Kind::Folder).map(|it| it.id)
            };
            if tree(was) != tree(is) {
                below.push((path.clone(), tree(was), tree(is), level + 1));
            }
            let changed = Changed {
                path,
                before: was.and_then(item),
                after: is.and_then(item),
            };
            if changed.before != changed.after && !tell(changed) {
                return Ok(());
            }
        }
        folders.extend(below.into_iter().rev());
    }
    Ok(())
}

fn item(entry: TreeEntry<'_>) -> Option<Item> {
    let mode = std::str::from_utf8(entry.mode).ok()?;
    (entry.kind != Kind::Folder).then_some(Item {
        kind: entry.kind,
        mode: u32::from_str_radix(mode, 8).ok()?,
        id: entry.id,
    })
}

fn same(was: Option<TreeEntry<'_>>, is: Option<TreeEntry<'_>>) -> bool {
    was.zip(is)
        .is_some_and(|(was, is)| was.id == is.id && was.mode == is.mode)
}

/// By name: Git's own order has a folder elsewhere than a file of the same name.
fn sorted(data: &[u8]) -> Vec<TreeEntry<'_>> {
    let mut found: Vec<TreeEntry<'_>> = entries(data).collect();
    found.sort_by(|a, b| a.name.cmp(b.name));
    found
}

/// The next of both, by name.
fn pair<'a>(
    old: &mut Vec<TreeEntry<'a>>,
    new: &mut Vec<TreeEntry<'a>>,
) -> Option<(Option<TreeEntry<'a>>, Option<TreeEntry<'a>>)> {
    match (old.last(), new.last()) {
        (None, None) => None,
        (Some(was), Some(is)) if was.name == is.name => Some((old.pop(), new.pop())),
        (Some(was), Some(is)) if was.name < is.name => Some((old.pop(), None)),
        (Some(_), None) => Some((old.pop(), None)),
        _ => Some((None, new.pop())),
    }
}

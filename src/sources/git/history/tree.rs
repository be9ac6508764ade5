//! The tree of one commit, kept in memory where layouts look, and moved from commit to commit.

use std::{collections::HashMap, sync::Arc};

use super::super::{
    objects::{Kind, Objects, TreeEntry, entries},
    read::{MOST_LEVELS, too_much},
};
use crate::domain::{
    failure::Failure,
    ids::{ObjectId, RepoPath},
    layout::LayoutSet,
};

/// Reads folders; a walk counts on most of them being unchanged.
pub(super) trait Folders {
    /// The bytes of a tree.
    fn folder(&mut self, id: ObjectId) -> Result<Arc<Vec<u8>>, Failure>;
}

/// Folders of a repository, so many of them: where folders name each other many times, they have no end.
pub(super) struct Counted<'a> {
    objects: &'a Objects,
    left: usize,
}

impl<'a> Counted<'a> {
    /// For a stretch of commits, each of which reads a few.
    pub(super) fn new(objects: &'a Objects) -> Self {
        Self {
            objects,
            left: MOST_FOLDERS,
        }
    }
}

impl Folders for Counted<'_> {
    fn folder(&mut self, id: ObjectId) -> Result<Arc<Vec<u8>>, Failure> {
        self.left = self.left.checked_sub(1).ok_or_else(|| too_much(Some(id)))?;
        self.objects.tree(id)
    }
}

const MOST_FOLDERS: usize = if cfg!(test) { 20_000 } else { 400_000 };

/// Which files a walk is about.
pub(super) trait Wanted {
    /// Whether the file at this path.
    fn wants(&self, path: &str) -> bool;

    /// Whether any file below this folder may be.
    fn may_contain(&self, folder: &str) -> bool;
}

impl Wanted for LayoutSet {
    fn wants(&self, path: &str) -> bool {
        Self::wants(self, path)
    }

    fn may_contain(&self, folder: &str) -> bool {
        Self::may_contain(self, folder)
    }
}

/// A file that differs after a move, with its blobs; `None` where it does not exist.
pub(super) struct Difference {
    pub(super) path: RepoPath,
    /// At the tree left.
    pub(super) left: Option<ObjectId>,
    /// At the tree entered.
    pub(super) entered: Option<ObjectId>,
}

/// One folder, and those below it that may hold files a layout reads.
#[derive(Default)]
pub(super) struct Folder {
    path: String,
    /// How many folders it is in.
    level: usize,
    id: Option<ObjectId>,
    data: Arc<Vec<u8>>,
    below: HashMap<Box<[u8]>, Below>,
}

/// What the layouts make of a name in a folder, asked once.
#[derive(Default)]
struct Below {
    /// `None`: not asked yet.
    wants: Option<bool>,
    /// `None`: not asked yet.
    may_contain: Option<bool>,
    folder: Option<Box<Folder>>,
}

impl Folder {
    /// Moves to the tree `to` (`None`: nothing there) and tells every wanted file that differs.
    pub(super) fn move_to(
        &mut self,
        to: Option<ObjectId>,
        folders: &mut dyn Folders,
        layouts: &dyn Wanted,
        tell: &mut dyn FnMut(Difference),
    ) -> Result<(), Failure> {
        if self.id == to {
            return Ok(());
        }
        let after: Arc<Vec<u8>> = match to {
            Some(id) if self.level > MOST_LEVELS => return Err(too_much(Some(id))),
            Some(id) => folders.folder(id)?,
            None => Arc::default(),
        };
        let before = std::mem::replace(&mut self.data, Arc::clone(&after));
        self.id = to;
        for (was, is) in differences(&before, &after) {
            self.entry(was, is, folders, layouts, tell)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        was: Option<TreeEntry<'_>>,
        is: Option<TreeEntry<'_>>,
        folders: &mut dyn Folders,
        layouts: &dyn Wanted,
        tell: &mut dyn FnMut(Difference),
    ) -> Result<(), Failure> {
        let Some(name) = was.or(is).map(|entry| entry.name) else {
            return Ok(());
        };
        let of =
            |entry: Option<TreeEntry<'_>>, kind| entry.filter(|e| e.kind == kind).map(|e| e.id);
        let file = (of(was, Kind::File), of(is, Kind::File));
        let folder = (of(was, Kind::Folder), of(is, Kind::Folder));
        let path = || -> Option<String> {
            let name = std::str::from_utf8(name).ok()?;
            Some(if self.path.is_empty() {
                name.to_owned()
            } else {
                format!("{}/{name}", self.path)
            })
        };
        if !self.below.contains_key(name) {
            self.below.insert(name.into(), Below::default());
        }
        let Some(below) = self.below.get_mut(name) else {
            return Ok(());
        };
        if file.0 != file.1
            && *below
                .wants
                .get_or_insert_with(|| path().is_some_and(|path| layouts.wants(&path)))
            && let Some(path) = path()
        {
            tell(Difference {
                path: path.into(),
                left: file.0,
                entered: file.1,
            });
        }
        if folder.0 != folder.1
            && *below
                .may_contain
                .get_or_insert_with(|| path().is_some_and(|path| layouts.may_contain(&path)))
        {
            let child = below.folder.get_or_insert_with(|| {
                Box::new(Self {
                    path: path().unwrap_or_default(),
                    level: self.level + 1,
                    ..Self::default()
                })
            });
            child.move_to(folder.1, folders, layouts, tell)?;
            if folder.1.is_none() {
                below.folder = None;
            }
        }
        Ok(())
    }
}

/// The files of the tree `after` that `before` does not have, `most` of them; whatever they are.
pub(super) fn gone(
    before: Option<ObjectId>,
    after: Option<ObjectId>,
    path: &str,
    folders: &mut dyn Folders,
    most: usize,
    found: &mut Vec<(RepoPath, ObjectId)>,
) -> Result<(), Failure> {
    let mut read = |id: Option<ObjectId>| match id {
        Some(id) => folders.folder(id),
        None => Ok(Arc::default()),
    };
    let (left, entered) = (read(before)?, read(after)?);
    for (was, is) in differences(&left, &entered) {
        let Some(is) = is.filter(|_| found.len() < most) else {
            continue;
        };
        // Nobody can name a path that is not UTF-8.
        let Ok(name) = std::str::from_utf8(is.name) else {
            continue;
        };
        let below = if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}/{name}")
        };
        match is.kind {
            Kind::File if was.is_none() => found.push((below.into(), is.id)),
            Kind::Folder => {
                let was = was.filter(|was| was.kind == Kind::Folder);
                gone(
                    was.map(|was| was.id),
                    Some(is.id),
                    &below,
                    folders,
                    most,
                    found,
                )?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Entries that two trees do not share, paired by name.
fn differences<'a>(
    before: &'a [u8],
    after: &'a [u8],
) -> impl Iterator<Item = (Option<TreeEntry<'a>>, Option<TreeEntry<'a>>)> {
    let (mut old, mut new) = (before, after);
    std::iter::from_fn(move || {
        // Most trees differ in one entry: what is equal goes by in bytes, not in entries.
        if old == new {
            return None;
        }
        let same = common_prefix(old, new);
        let mut at = 0;
        while let Some(length) = entry_length(&old[at..])
            && at + length <= same
        {
            at += length;
        }
        (old, new) = (&old[at..], &new[at..]);
        let (was, is) = (entries(old).next(), entries(new).next());
        let order = match (&was, &is) {
            (None, None) => return None,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(a), Some(b)) => a.sort_key().cmp(b.sort_key()),
        };
        let skip = |rest: &mut &'a [u8]| *rest = entry_length(rest).map_or(&[], |n| &rest[n..]);
        if order.is_le() {
            skip(&mut old);
        }
        if order.is_ge() {
            skip(&mut new);
        }
        Some((was.filter(|_| order.is_le()), is.filter(|_| order.is_ge())))
    })
}

/// How many bytes are the same at the beginning.
fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    let blocks = a.as_chunks::<64>().0.iter().zip(b.as_chunks::<64>().0);
    let same = 64 * blocks.take_while(|(a, b)| a == b).count();
    let rest = a[same..].iter().zip(&b[same..]);
    same + rest.take_while(|(a, b)| a == b).count()
}

/// The length of the first entry: up to the NUL, and the id behind it.
fn entry_length(data: &[u8]) -> Option<usize> {
    let length = data.iter().position(|byte| *byte == 0)? + 21;
    (length <= data.len()).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(entries: &[(&str, &str, u8)]) -> Vec<u8> {
        let mut data = Vec::new();
        for (mode, name, id) in entries {
            data.extend_from_slice(format!("{mode} {name}\0").as_bytes());
            data.extend_from_slice(&[*id; 20]);
        }
        data
    }

    #[test]
    fn pairs_what_differs() {
        type Names = &'static [(Option<&'static str>, Option<&'static str>)];
        let (a, b, c) = (("100644", "a", 1), ("100644", "b", 1), ("40000", "c", 1));
        let changed = ("100644", "b", 2);
        let cases: [(&str, Vec<u8>, Vec<u8>, Names); 7] = [
            ("equal", tree(&[a, b, c]), tree(&[a, b, c]), &[]),
            (
                "changed",
                tree(&[a, b, c]),
                tree(&[a, changed, c]),
                &[(Some("b"), Some("b"))],
            ),
            (
                "added",
                tree(&[a, c]),
                tree(&[a, b, c]),
                &[(None, Some("b"))],
            ),
            (
                "removed at the end",
                tree(&[a, b]),
                tree(&[a]),
                &[(Some("b"), None)],
            ),
            (
                "from nothing",
                tree(&[]),
                tree(&[a, b]),
                &[(None, Some("a")), (None, Some("b"))],
            ),
            (
                "file to folder",
                tree(&[("100644", "c", 1)]),
                tree(&[c]),
                &[(Some("c"), None), (None, Some("c"))],
            ),
            (
                "a folder sorts after its dotted neighbour",
                tree(&[("100644", "c.x", 1), c]),
                tree(&[c]),
                &[(Some("c.x"), None)],
            ),
        ];
        let name = |entry: Option<TreeEntry<'_>>| {
            entry.map(|entry| String::from_utf8(entry.name.to_vec()).unwrap())
        };
        for (case, before, after, expected) in cases {
            let found: Vec<_> = differences(&before, &after)
                .map(|(was, is)| (name(was), name(is)))
                .collect();
            let own = |text: Option<&str>| text.map(str::to_owned);
            let expected: Vec<_> = expected.iter().map(|(a, b)| (own(*a), own(*b))).collect();
            assert_eq!(found, expected, "{case}");
        }
    }
}

//! The tree of one commit, kept in memory where layouts look, and moved from commit to commit.

use std::{collections::HashMap, rc::Rc};

use super::super::{
    GitError,
    objects::{Entry, Kind, Objects, entries},
};
use crate::domain::{
    ids::{ObjectId, RepoPath},
    layout::LayoutSet,
};

/// Reads folders; a walk counts on most of them being unchanged.
pub(super) trait Folders {
    /// The bytes of a tree.
    fn folder(&mut self, id: ObjectId) -> Result<Rc<[u8]>, GitError>;
}

impl Folders for &Objects {
    fn folder(&mut self, id: ObjectId) -> Result<Rc<[u8]>, GitError> {
        self.tree(id)
    }
}

/// A file that differs after a move: its blob there, `None` where it does not exist.
pub(super) type Difference = (RepoPath, Option<ObjectId>);

/// One folder, and those below it that may hold files a layout reads.
#[derive(Default)]
pub(super) struct Folder {
    path: String,
    id: Option<ObjectId>,
    data: Rc<[u8]>,
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
        layouts: &LayoutSet,
        tell: &mut dyn FnMut(Difference),
    ) -> Result<(), GitError> {
        if self.id == to {
            return Ok(());
        }
        let after: Rc<[u8]> = match to {
            Some(id) => folders.folder(id)?,
            None => Rc::default(),
        };
        let before = std::mem::replace(&mut self.data, Rc::clone(&after));
        self.id = to;
        for (was, is) in differences(&before, &after) {
            self.entry(was, is, folders, layouts, tell)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        was: Option<Entry<'_>>,
        is: Option<Entry<'_>>,
        folders: &mut dyn Folders,
        layouts: &LayoutSet,
        tell: &mut dyn FnMut(Difference),
    ) -> Result<(), GitError> {
        let Some(name) = was.or(is).map(|entry| entry.name) else {
            return Ok(());
        };
        let of = |entry: Option<Entry<'_>>, kind| entry.filter(|e| e.kind == kind).map(|e| e.id);
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
            tell((path.into(), file.1));
        }
        if folder.0 != folder.1
            && *below
                .may_contain
                .get_or_insert_with(|| path().is_some_and(|path| layouts.may_contain(&path)))
        {
            let child = below.folder.get_or_insert_with(|| {
                Box::new(Self {
                    path: path().unwrap_or_default(),
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

/// Entries that two trees do not share, paired by name and kind of ordering.
fn differences<'a>(
    before: &'a [u8],
    after: &'a [u8],
) -> impl Iterator<Item = (Option<Entry<'a>>, Option<Entry<'a>>)> {
    let mut old = entries(before).peekable();
    let mut new = entries(after).peekable();
    std::iter::from_fn(move || {
        loop {
            let order = match (old.peek(), new.peek()) {
                (None, None) => return None,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(a), Some(b)) if a == b => {
                    old.next();
                    new.next();
                    continue;
                }
                (Some(a), Some(b)) => a.sort_key().cmp(b.sort_key()),
            };
            return Some(match order {
                std::cmp::Ordering::Less => (old.next(), None),
                std::cmp::Ordering::Greater => (None, new.next()),
                std::cmp::Ordering::Equal => (old.next(), new.next()),
            });
        }
    })
}

//! The tree of a commit to be: the base's with some files changed, every other entry as it was, byte by byte.

use std::collections::HashMap;

use super::super::{
    Repo,
    objects::{Kind, Objects, TreeEntry, entries, libgit2_kind, name_of},
    parse::{MEND, damaged},
    store::Type,
};
use crate::domain::{
    failure::{Failure, FailureKind},
    ids::ObjectId,
    plan::FileEdit,
};

/// From so many new objects on they are written as one pack, as `git` keeps what it fetches (`transfer.unpackLimit`): a
/// file for each takes far longer.
const MANY_OBJECTS: usize = 100;
/// Before any other place that objects are written to.
const FIRST: i32 = 1000;

/// Writes the tree of `base` with `edits` into the object database.
///
/// # Errors
/// `Moved` when an edit does not fit the base, `Refused` where it would change what is no regular file.
pub(super) fn write_tree(
    objects: &Objects,
    base: ObjectId,
    edits: &[FileEdit],
) -> Result<ObjectId, Failure> {
    let mut edits: Vec<&FileEdit> = edits.iter().collect();
    edits.sort_by(|a, b| a.path.cmp(&b.path));
    let mut draft = Draft {
        objects,
        base,
        made: Vec::new(),
    };
    let tree = objects.header(base)?.tree;
    let tree = draft.folder(Some(tree), 0, &edits)?;
    keep(objects, &draft.made)?;
    Ok(tree)
}

/// New objects on their way into the database.
struct Draft<'a> {
    objects: &'a Objects,
    base: ObjectId,
    made: Vec<(Type, Vec<u8>)>,
}

impl Draft<'_> {
    /// The folder `tree` with `edits`, whose paths are the same up to `depth` bytes, and sorted.
    fn folder(
        &mut self,
        tree: Option<ObjectId>,
        depth: usize,
        edits: &[&FileEdit],
    ) -> Result<ObjectId, Failure> {
        let data = tree.map(|tree| self.objects.tree(tree)).transpose()?;
        let data = data.as_ref().map_or(&[][..], |data| data.as_slice());
        let mut listing = Listing::of(data).ok_or_else(|| {
            let folder = edits
                .first()
                .map_or("", |edit| &edit.path.as_str()[..depth]);
            Failure::new(
                FailureKind::Damaged,
                format!("the folder `{folder}` of {} is damaged", self.base.short()),
            )
            .hint(MEND)
        })?;
        let mut rest = edits;
        while let Some(first) = rest.first() {
            let path = &first.path.as_str()[depth..];
            let (name, below) = path
                .split_once('/')
                .map_or((path, false), |it| (it.0, true));
            if matches!(name, "" | "." | "..") || name.eq_ignore_ascii_case(".git") {
                return Err(refused(first, "is no path that Git takes"));
            }
            if listing.is_added(name) {
                return Err(refused(first, "is written twice, or is a folder too"));
            }
            if !below {
                self.file(&mut listing, name, first)?;
                rest = &rest[1..];
                continue;
            }
            let end = depth + name.len() + 1;
            let prefix = &first.path.as_str()[..end];
            let here = rest.partition_point(|edit| edit.path.as_str().starts_with(prefix));
            let (inside, others) = rest.split_at(here);
            let known = match listing.get(name) {
                Some(entry) if entry.kind == Kind::Folder => Some(entry.id),
                Some(_) => return Err(refused(first, "goes through something that is no folder")),
                None => None,
            };
            let made = self.folder(known, end, inside)?;
            listing.put(name, Kind::Folder, made);
            rest = others;
        }
        self.keep(Type::Tree, listing.bytes())
    }

    fn file<'e>(
        &mut self,
        listing: &mut Listing<'e>,
        name: &'e str,
        edit: &FileEdit,
    ) -> Result<(), Failure> {
        let path = edit.path.as_str();
        let moved = |why: String| {
            Failure::new(FailureKind::Moved, format!("{path} {why}"))
                .hint("Plan again on the new base")
        };
        let base = self.base.short();
        match listing.get(name) {
            Some(entry) if entry.id != Repo::blob_id(&edit.before) => {
                return Err(moved(format!("is not the same at {base} any more")));
            }
            Some(entry) if entry.kind != Kind::File => {
                return Err(refused(edit, "is no regular file"));
            }
            None if !edit.before.is_empty() => {
                return Err(moved(format!("does not exist at {base}")));
            }
            _ => {}
        }
        let blob = self.keep(Type::Blob, edit.after.clone())?;
        listing.put(name, Kind::File, blob);
        Ok(())
    }

    fn keep(&mut self, kind: Type, data: Vec<u8>) -> Result<ObjectId, Failure> {
        let id = name_of(kind, &data)
            .ok_or_else(|| Failure::new(FailureKind::Program, "cannot name an object"))?;
        self.made.push((kind, data));
        Ok(id)
    }
}

/// A folder's entries, on their way to another tree.
struct Listing<'d> {
    entries: Vec<TreeEntry<'d>>,
    known: HashMap<&'d [u8], usize>,
    added: Vec<TreeEntry<'d>>,
}

impl<'d> Listing<'d> {
    /// Of a tree's bytes: for each entry `mode name\0` and twenty bytes of its id. `None` where they do not end like that:
    /// what is not understood would be lost.
    fn of(data: &'d [u8]) -> Option<Self> {
        let entries: Vec<TreeEntry<'d>> = entries(data).collect();
        if entries.iter().map(TreeEntry::length).sum::<usize>() != data.len() {
            return None;
        }
        let known = entries.iter().zip(0..).map(|(entry, at)| (entry.name, at));
        Some(Self {
            known: known.collect(),
            entries,
            added: Vec::new(),
        })
    }

    fn get(&self, name: &str) -> Option<&TreeEntry<'d>> {
        self.entries.get(*self.known.get(name.as_bytes())?)
    }

    /// Whether something new is called so.
    fn is_added(&self, name: &str) -> bool {
        let mut added = self.added.iter();
        added.any(|entry| entry.name == name.as_bytes())
    }

    /// Points the entry to another object; a new one is of this kind.
    fn put(&mut self, name: &'d str, kind: Kind, id: ObjectId) {
        let name = name.as_bytes();
        match self.known.get(name) {
            Some(at) => self.entries[*at].id = id,
            None => self.added.push(TreeEntry {
                kind,
                mode: if kind == Kind::Folder {
                    b"40000"
                } else {
                    b"100644"
                },
                name,
                id,
            }),
        }
    }

    /// The tree's bytes; what is new stands where Git looks for it.
    fn bytes(mut self) -> Vec<u8> {
        for entry in std::mem::take(&mut self.added) {
            let mut entries = self.entries.iter();
            let at = entries.position(|known| known.sort_key().gt(entry.sort_key()));
            self.entries.insert(at.unwrap_or(self.entries.len()), entry);
        }
        let mut bytes = Vec::new();
        for TreeEntry { mode, name, id, .. } in &self.entries {
            for part in [mode, &b" "[..], name, b"\0", id.as_bytes()] {
                bytes.extend_from_slice(part);
            }
        }
        bytes
    }
}

/// Writes what is new into the database. What is there already is read, for a commit must not name what is broken: Git
/// would not write it again.
///
/// # Errors
/// `Damaged` where an object is there and is not whole.
pub(super) fn keep(objects: &Objects, made: &[(Type, Vec<u8>)]) -> Result<(), Failure> {
    let mut new = Vec::with_capacity(made.len());
    for (kind, data) in made {
        let Some(id) = name_of(*kind, data).filter(|id| objects.has(*id)) else {
            new.push((*kind, data.as_slice()));
            continue;
        };
        let (found, there) = objects.any(id)?;
        if found != *kind || *there != *data {
            return Err(damaged(id, "is stored with a content that is not its own"));
        }
    }
    let repo = objects.repo();
    write(repo, &new).map_err(|error| repo.error(&error, "cannot build the commit"))
}

fn write(repo: &Repo, made: &[(Type, &[u8])]) -> Result<(), git2::Error> {
    if made.is_empty() {
        return Ok(());
    }
    let repository = git2::Repository::open(repo.git_dir())?;
    let odb = repository.odb()?;
    let many = made.len() >= MANY_OBJECTS;
    if many {
        odb.add_new_mempack_backend(FIRST)?;
    }
    let mut builder = repository.packbuilder()?;
    for (kind, data) in made {
        let id = odb.write(libgit2_kind(*kind), data)?;
        if many {
            builder.insert_object(id, None)?;
        }
    }
    if many {
        // At once: the index is made as bytes come, and each arrival costs.
        let mut pack = git2::Buf::new();
        builder.write_buf(&mut pack)?;
        let mut writer = odb.packwriter()?;
        std::io::Write::write_all(&mut writer, &pack)
            .map_err(|error| git2::Error::from_str(&error.to_string()))?;
        writer.commit()?;
    }
    Ok(())
}

fn refused(edit: &FileEdit, why: &str) -> Failure {
    Failure::new(FailureKind::Refused, format!("{} {why}", edit.path))
}

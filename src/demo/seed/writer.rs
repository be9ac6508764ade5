//! Git objects, fast: trees are rebuilt only where they changed, everything goes into one pack.

use std::{collections::BTreeMap, fmt::Write as _};

use git2::{Mempack, ObjectType, Odb, Oid, Repository};

/// A directory in memory, with the object names of what did not change.
#[derive(Debug, Default)]
struct Directory {
    files: BTreeMap<String, Oid>,
    directories: BTreeMap<String, Directory>,
    /// Its tree, while nothing below has changed.
    tree: Option<Oid>,
}

/// Who, and when.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// Name.
    pub name: &'static str,
    /// Mail address.
    pub email: &'static str,
    /// Seconds since 1970.
    pub seconds: i64,
    /// Minutes east of UTC.
    pub offset: i32,
}

/// Writes commits into the object database of a repository.
pub struct Writer<'odb> {
    odb: &'odb Odb<'odb>,
    mempack: Mempack<'odb>,
    root: Directory,
}

impl<'odb> Writer<'odb> {
    /// A writer that keeps everything in memory until [`Writer::finish`].
    pub fn new(odb: &'odb Odb<'odb>) -> Result<Self, git2::Error> {
        Ok(Self {
            odb,
            mempack: odb.add_new_mempack_backend(1000)?,
            root: Directory::default(),
        })
    }

    /// Puts a file into the current tree.
    pub fn file(&mut self, path: &str, bytes: &[u8]) -> Result<(), git2::Error> {
        let blob = self.odb.write(ObjectType::Blob, bytes)?;
        let mut directory = &mut self.root;
        directory.tree = None;
        let mut rest = path;
        while let Some((name, tail)) = rest.split_once('/') {
            directory = directory.directories.entry(name.to_owned()).or_default();
            directory.tree = None;
            rest = tail;
        }
        directory.files.insert(rest.to_owned(), blob);
        Ok(())
    }

    /// Commits the current tree.
    pub fn commit(
        &mut self,
        parents: &[Oid],
        author: Signature,
        message: &str,
    ) -> Result<Oid, git2::Error> {
        let tree = self.root.write(self.odb)?;
        let mut text = format!("tree {tree}\n");
        for parent in parents {
            let _ = writeln!(text, "parent {parent}");
        }
        let (sign, minutes) = (
            if author.offset < 0 { '-' } else { '+' },
            author.offset.abs(),
        );
        let who = format!(
            "{} <{}> {} {sign}{:02}{:02}",
            author.name,
            author.email,
            author.seconds,
            minutes / 60,
            minutes % 60
        );
        // Writing to a String cannot fail.
        let _ = write!(text, "author {who}\ncommitter {who}\n\n{message}\n");
        self.odb.write(ObjectType::Commit, text.as_bytes())
    }

    /// Writes the pack.
    pub fn finish(self, repository: &Repository) -> Result<(), git2::Error> {
        let mut pack = git2::Buf::new();
        self.mempack.dump(repository, &mut pack)?;
        let mut writer = self.odb.packwriter()?;
        std::io::Write::write_all(&mut writer, &pack)
            .map_err(|error| git2::Error::from_str(&error.to_string()))?;
        writer.commit()?;
        self.mempack.reset()
    }
}

impl Directory {
    fn write(&mut self, odb: &Odb<'_>) -> Result<Oid, git2::Error> {
        if let Some(tree) = self.tree {
            return Ok(tree);
        }
        // Git sorts a directory as if its name ended with a slash.
        let mut entries: BTreeMap<String, (&str, &str, Oid)> = BTreeMap::new();
        for (name, blob) in &self.files {
            entries.insert(name.clone(), ("100644", name, *blob));
        }
        for (name, directory) in &mut self.directories {
            let tree = directory.write(odb)?;
            entries.insert(format!("{name}/"), ("40000", name, tree));
        }
        let mut bytes = Vec::new();
        for (mode, name, id) in entries.values() {
            bytes.extend_from_slice(mode.as_bytes());
            bytes.push(b' ');
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(0);
            bytes.extend_from_slice(id.as_bytes());
        }
        let tree = odb.write(ObjectType::Tree, &bytes)?;
        self.tree = Some(tree);
        Ok(tree)
    }
}

//! Files read version by version, as a walk meets them.

use std::{collections::HashMap, sync::Arc};

use super::super::{
    objects::Objects,
    read::{read_bytes, read_facts},
};
use crate::domain::{
    ids::{ObjectId, RepoPath},
    layout::{FileFacts, LayoutSet, Successive},
    problem::Problem,
};

/// A smaller file is parsed as fast as it is compared.
const SMALL: usize = 1024;
/// No more bytes of files are kept to compare with.
const MOST_BYTES: usize = 32 << 20;

/// The last version of every large file that was read, to read the next from.
#[derive(Default)]
pub(super) struct Versions {
    files: HashMap<RepoPath, File>,
    bytes: usize,
}

#[derive(Default)]
struct File {
    reader: Successive,
    /// What was read last.
    last: Option<(ObjectId, Arc<FileFacts>)>,
}

impl Versions {
    /// What the blob `id` says as the file at `path`.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(super) fn read(
        &mut self,
        objects: &Objects,
        layouts: &LayoutSet,
        path: &RepoPath,
        id: ObjectId,
    ) -> Result<Arc<FileFacts>, Problem> {
        if let Some(file) = self.files.get(path)
            && let Some((_, facts)) = file.last.as_ref().filter(|(last, _)| *last == id)
        {
            return Ok(Arc::clone(facts));
        }
        if !layouts.opens(path.as_str()) {
            return read_facts(objects, layouts, path, id).map(Arc::new);
        }
        let bytes = read_bytes(objects, path, id)?;
        if bytes.len() < SMALL {
            return Ok(Arc::new(layouts.extract(path, &bytes)));
        }
        if self.bytes > MOST_BYTES {
            self.files.clear();
            self.bytes = 0;
        }
        let file = self.files.entry(path.clone()).or_default();
        self.bytes -= file.reader.kept();
        let facts = file.reader.read(layouts, path, &bytes);
        self.bytes += file.reader.kept();
        file.last = Some((id, Arc::clone(&facts)));
        Ok(facts)
    }
}

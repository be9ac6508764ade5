//! What a repository shows of itself: every file of a commit, its branches and its tags. For recognising its layout.

use std::{collections::HashMap, rc::Rc};

use super::{
    Repo,
    objects::{Kind, Objects, TreeEntry},
    read::walk,
};
use crate::domain::ids::ObjectId;
use crate::domain::{desired::Tip, detect::BranchFile, failure::Failure};

/// A file larger than this is not looked at: it holds no versions that people write.
const LARGEST: usize = 2 << 20;
/// Manifests of a branch that are looked at.
const MANIFESTS: usize = 1000;

/// One commit's files and the repository's refs. For one thread; opened once, as hundreds of files are read.
pub struct Survey {
    objects: Objects,
    commit: ObjectId,
    files: HashMap<String, ObjectId>,
    paths: Vec<String>,
    branches: Vec<String>,
    tags: Vec<String>,
    /// Where the branches are: with the slash.
    heads: String,
}

impl Repo {
    /// Lists what is at `base`. Blocking, milliseconds: reads every tree and no blob.
    ///
    /// # Errors
    /// When the commit, a tree or the refs cannot be read.
    pub fn survey(&self, base: &Tip) -> Result<Survey, Failure> {
        let objects = Objects::open(self)?;
        let tree = objects.header(base.commit)?.tree;
        let (mut files, mut paths) = (HashMap::new(), Vec::new());
        let mut visit = |path: &str, entry: TreeEntry<'_>| {
            if entry.kind == Kind::File {
                paths.push(path.to_owned());
                files.insert(path.to_owned(), entry.id);
            }
        };
        walk(&objects, tree, &|_| true, &mut visit, &mut |_, error| {
            Err(error)
        })?;
        let repository = self.open()?;
        // A bare clone keeps the remote's branches as its own.
        let heads = match &base.remote {
            Some(remote) if base.read.starts_with("refs/remotes/") => {
                format!("refs/remotes/{remote}/")
            }
            _ => "refs/heads/".to_owned(),
        };
        let names = |prefix: &str| -> Result<Vec<String>, Failure> {
            let found = repository
                .references_glob(&format!("{prefix}*"))
                .map_err(|error| self.error(&error, "cannot list the refs"))?;
            let names = found.flatten().filter_map(|reference| {
                let name = reference.name().ok()?.strip_prefix(prefix)?;
                (name != "HEAD").then(|| name.to_owned())
            });
            let mut names: Vec<String> = names.collect();
            names.sort();
            Ok(names)
        };
        let (branches, tags) = (names(&heads)?, names("refs/tags/")?);
        Ok(Survey {
            objects,
            commit: base.commit,
            files,
            paths,
            branches,
            tags,
            heads,
        })
    }
}

impl Survey {
    /// The repository that it is of.
    pub(super) fn repo(&self) -> &Repo {
        self.objects.repo()
    }

    /// The commit that it is of.
    pub(super) fn commit(&self) -> ObjectId {
        self.commit
    }

    /// Every regular file, in tree order; what is not UTF-8 is left out.
    pub fn paths(&self) -> &[String] {
        &self.paths
    }

    /// The branches that people push to, by short name: the remote's of a clone, the own ones of a bare repository.
    pub fn branches(&self) -> &[String] {
        &self.branches
    }

    /// The tags, by short name.
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// A file's bytes; `None` where it is not there, too large, or cannot be read.
    pub fn read(&self, path: &str) -> Option<Rc<[u8]>> {
        let id = self.files.get(path)?;
        let bytes = self.objects.blob_within(*id, LARGEST).ok()?.ok()?;
        Some(bytes.as_slice().into())
    }

    /// The manifests at a branch's tip, by path; none where it is not there or cannot be read. Bounded.
    pub fn manifests_of(&self, branch: &str) -> Vec<BranchFile> {
        // What cannot be read is no evidence.
        self.read_manifests(branch).unwrap_or_default()
    }

    fn read_manifests(&self, branch: &str) -> Result<Vec<BranchFile>, Failure> {
        let repository = self.repo().open()?;
        let full = format!("{}{branch}", self.heads);
        let Some(commit) = self.repo().target(&repository, &full)? else {
            return Ok(Vec::new());
        };
        let tree = self.objects.header(commit)?.tree;
        let mut found = Vec::new();
        let mut visit = |path: &str, entry: TreeEntry<'_>| {
            let yaml = matches!(path.rsplit_once('.'), Some((_, "yaml" | "yml")));
            if entry.kind == Kind::File && yaml && found.len() < MANIFESTS {
                found.push((path.to_owned(), entry.id));
            }
        };
        walk(
            &self.objects,
            tree,
            &|_| true,
            &mut visit,
            &mut |_, error| Err(error),
        )?;
        let mut manifests: Vec<BranchFile> = Vec::new();
        for (path, id) in found {
            if let Ok(bytes) = self.objects.blob_within(id, LARGEST)? {
                manifests.push((path, bytes.as_slice().into()));
            }
        }
        Ok(manifests)
    }

    /// Why files that a partial clone lacks could not be read; `None` where none was lacking.
    pub fn lacking(&self) -> Option<Failure> {
        self.objects.lacking()
    }

    /// Brings what a partial clone lacks of these files in one fetch; nothing to do in any other.
    ///
    /// # Errors
    /// When they cannot be fetched.
    pub fn prefetch(&self, paths: &[&str]) -> Result<(), Failure> {
        let ids = paths.iter().filter_map(|path| self.files.get(*path));
        self.objects.prefetch(&ids.copied().collect::<Vec<_>>())
    }
}

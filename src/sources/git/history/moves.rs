//! Where a file was before it came to its place of today.
//!
//! ```text
//! o──o──M──o   M renamed `deploy/api/prod.yaml` to `apps/api/prod.yaml`: below it, the one is read as the other
//! ```
//!
//! A rename is looked for only where a file that decides a cell is not there at the parent: among the files that the commit
//! took away, first one of the very bytes, then one that is half the same. A file that stays is no rename: it was copied.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use super::{
    super::objects::Objects,
    tree::{Counted, Difference, Folder, Wanted, gone},
    versions::Versions,
    walk::Moved,
};
use crate::domain::{
    failure::Failure,
    ids::{ObjectId, RepoPath, ServiceName},
    layout::{Assembler, FileFacts, LayoutSet},
};

/// Of a commit that takes away more files than this, only so many are looked at.
const MOST_GONE: usize = 20_000;
/// So many are compared with a file that came, those with the most alike paths first; none that is larger.
const MOST_COMPARED: usize = 40;
const LARGEST: usize = 1 << 20;
/// Of hundred bytes, how many stand in lines that both have: as for `git log --follow`.
const SIMILAR: usize = 50;

/// The files of today that are read at other places here.
pub(super) struct Places<'a> {
    objects: &'a Objects,
    layouts: &'a LayoutSet,
    /// By the path of today.
    away: HashMap<RepoPath, FileAt>,
    watched: Watched,
    folder: Folder,
    versions: Versions,
    /// What the commit that the walk is at took away.
    gone: Option<(ObjectId, Vec<(RepoPath, ObjectId)>)>,
}

/// Where a file is read.
struct FileAt {
    path: RepoPath,
    blob: Option<ObjectId>,
    facts: Option<Arc<FileFacts>>,
}

/// A file of today, and where it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct At {
    /// Its path here.
    pub(super) path: RepoPath,
    /// Its path of today, as which it is read.
    pub(super) read_as: RepoPath,
}

impl At {
    /// A file that is where it is today.
    pub(super) fn home(path: &RepoPath) -> Self {
        Self {
            path: path.clone(),
            read_as: path.clone(),
        }
    }
}

/// A file that came to its place with a commit.
pub(super) struct Came<'a> {
    /// Its path of today.
    pub(super) path: &'a RepoPath,
    /// The path that it came to.
    pub(super) at: &'a RepoPath,
    /// What it held.
    pub(super) blob: ObjectId,
    /// The commit's tree, and its parent's.
    pub(super) trees: (ObjectId, Option<ObjectId>),
    /// Whether it held a version. One that held none came from one that held none.
    pub(super) declares: bool,
    /// Whose versions it holds: where layouts read the other file as it stands there, it must be of one of them, in
    /// whatever environment.
    pub(super) services: &'a HashSet<ServiceName>,
}

/// A file that was found at another place.
pub(super) struct Found {
    pub(super) path: RepoPath,
    pub(super) blob: ObjectId,
    /// What it says, read as the file of today.
    pub(super) facts: Arc<FileFacts>,
}

/// The places that are looked at, with the folders on the way.
#[derive(Default)]
struct Watched {
    files: BTreeMap<String, Vec<RepoPath>>,
    folders: HashSet<String>,
}

impl Wanted for Watched {
    fn wants(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    fn may_contain(&self, folder: &str) -> bool {
        self.folders.contains(folder)
    }
}

impl<'a> Places<'a> {
    pub(super) fn new(objects: &'a Objects, layouts: &'a LayoutSet) -> Self {
        Self {
            objects,
            layouts,
            away: HashMap::new(),
            watched: Watched::default(),
            folder: Folder::default(),
            versions: Versions::default(),
            gone: None,
        }
    }

    /// Whether a file of today is read at another place here.
    pub(super) fn is_away(&self, path: &RepoPath) -> bool {
        self.away.contains_key(path)
    }

    /// Where a file of today is read here.
    pub(super) fn of(&self, path: &RepoPath) -> At {
        let place = self.away.get(path);
        At {
            path: place.map_or(path, |place| &place.path).clone(),
            read_as: path.clone(),
        }
    }

    /// The blob here of a file that is away.
    pub(super) fn blob(&self, path: &RepoPath) -> Option<ObjectId> {
        self.away.get(path)?.blob
    }

    /// What a file that is away says here.
    pub(super) fn facts(&self, path: &RepoPath) -> Option<Arc<FileFacts>> {
        self.away.get(path)?.facts.clone()
    }

    /// Moves to the parent's tree; tells which files that are away differ there.
    pub(super) fn enter(&mut self, tree: Option<ObjectId>) -> Result<Vec<Moved>, Failure> {
        if self.away.is_empty() {
            return Ok(Vec::new());
        }
        let mut differences: Vec<Difference> = Vec::new();
        let mut folders = Counted::new(self.objects);
        let mut tell = |difference| differences.push(difference);
        self.folder
            .move_to(tree, &mut folders, &self.watched, &mut tell)?;
        let mut moved = Vec::new();
        for difference in differences {
            let files = self.watched.files.get(difference.path.as_str());
            for path in files.into_iter().flatten() {
                let Some(place) = self.away.get_mut(path) else {
                    continue;
                };
                let left = place.facts.clone();
                let before = std::mem::replace(&mut place.blob, difference.entered);
                place.facts = match difference.entered {
                    None => None,
                    // What cannot be read is not known, and so has not changed.
                    Some(blob) => self
                        .versions
                        .read(self.objects, self.layouts, path, blob)
                        .ok()
                        .filter(|facts| !facts.is_unreadable())
                        .or_else(|| left.clone()),
                };
                moved.push(Moved {
                    path: path.clone(),
                    at: place.path.clone(),
                    before,
                    after: difference.entered,
                    left,
                    author: None,
                });
            }
        }
        Ok(moved)
    }

    /// From here on the file of today is read where it was found; `tree` is where the walk is.
    pub(super) fn follow(
        &mut self,
        path: &RepoPath,
        found: Found,
        tree: Option<ObjectId>,
    ) -> Result<(), Failure> {
        if found.path == *path {
            // It is back where it is today.
            self.away.remove(path);
        } else {
            let place = FileAt {
                path: found.path,
                blob: Some(found.blob),
                facts: Some(found.facts),
            };
            self.away.insert(path.clone(), place);
        }
        self.watched = Watched::default();
        for (path, place) in &self.away {
            let at = place.path.as_str();
            let files = self.watched.files.entry(at.to_owned()).or_default();
            files.push(path.clone());
            let slashes = at
                .match_indices('/')
                .map(|(slash, _)| at[..slash].to_owned());
            self.watched.folders.extend(slashes);
        }
        self.folder = Folder::default();
        let mut folders = Counted::new(self.objects);
        self.folder
            .move_to(tree, &mut folders, &self.watched, &mut |_| {})
    }

    /// Where a file was before it came; `empty` makes a matrix of the same layouts.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub(super) fn before(
        &mut self,
        came: &Came<'_>,
        empty: &dyn Fn() -> Assembler,
    ) -> Result<Option<Found>, Failure> {
        let Came {
            path,
            at,
            blob,
            trees: (left, entered),
            declares,
            services,
        } = *came;
        let Some(entered) = entered else {
            return Ok(None);
        };
        if self.gone.as_ref().is_none_or(|(of, _)| *of != left) {
            let mut files = Vec::new();
            let mut folders = Counted::new(self.objects);
            gone(
                Some(left),
                Some(entered),
                "",
                &mut folders,
                MOST_GONE,
                &mut files,
            )?;
            self.gone = Some((left, files));
        }
        let Some((_, gone)) = &self.gone else {
            return Ok(None);
        };
        let mut near: Vec<&(RepoPath, ObjectId)> = gone.iter().collect();
        near.sort_by_cached_key(|(gone, _)| {
            std::cmp::Reverse(likeness(gone.as_str(), at.as_str()))
        });
        let same = near.iter().filter(|(_, gone)| *gone == blob);
        let mut own: Option<Arc<Vec<u8>>> = None;
        let others = near.iter().filter(|(_, gone)| *gone != blob);
        let mut candidates: Vec<(RepoPath, ObjectId, bool)> = Vec::new();
        candidates.extend(same.map(|(gone, id)| (gone.clone(), *id, true)));
        candidates.extend(
            others
                .take(MOST_COMPARED)
                .map(|(gone, id)| (gone.clone(), *id, false)),
        );
        let ids: Vec<ObjectId> = candidates.iter().map(|(_, id, _)| *id).collect();
        if !ids.is_empty() {
            self.objects.prefetch(&ids)?;
        }
        // The first of the very bytes, else the most alike.
        let mut best: Option<(usize, Found)> = None;
        for (gone, id, is_same) in candidates {
            if best.as_ref().is_some_and(|(score, _)| *score > 100) {
                break;
            }
            let Ok(Ok(bytes)) = self.objects.blob_within(id, LARGEST) else {
                continue;
            };
            let score = if is_same {
                101
            } else {
                if own.is_none() {
                    own = self
                        .objects
                        .blob_within(blob, LARGEST)
                        .ok()
                        .and_then(Result::ok);
                }
                let Some(own) = &own else { break };
                alike(own, &bytes)
            };
            if score < SIMILAR || best.as_ref().is_some_and(|(known, _)| *known >= score) {
                continue;
            }
            let facts = Arc::new(self.layouts.extract(path, &bytes));
            if (facts.declares() || !declares) && self.is_of(services, &gone, &bytes, empty()) {
                let found = Found {
                    path: gone,
                    blob: id,
                    facts,
                };
                best = Some((score, found));
            }
        }
        Ok(best.map(|(_, found)| found))
    }

    /// Whether a file that layouts read has a cell of these services; one that they do not read has none of others.
    fn is_of(
        &self,
        services: &HashSet<ServiceName>,
        path: &RepoPath,
        bytes: &[u8],
        mut matrix: Assembler,
    ) -> bool {
        if !self.layouts.wants(path.as_str()) {
            return true;
        }
        let facts = self.layouts.extract(path, bytes);
        matrix.update(path.clone(), Some(Arc::new(facts)));
        let cells = matrix.take_changes();
        cells.is_empty()
            || cells
                .iter()
                .any(|(cell, ..)| services.contains(&cell.service))
    }
}

/// How alike two paths are: parts that they share at the end, then at the beginning.
fn likeness(a: &str, b: &str) -> (usize, usize) {
    let behind = a.rsplit('/').zip(b.rsplit('/'));
    let before = a.split('/').zip(b.split('/'));
    (
        behind.take_while(|(a, b)| a == b).count(),
        before.take_while(|(a, b)| a == b).count(),
    )
}

/// Of hundred bytes of the longer one, how many stand in lines that both have.
fn alike(a: &[u8], b: &[u8]) -> usize {
    let longer = a.len().max(b.len());
    if longer == 0 || a.len().min(b.len()) * 100 < longer * SIMILAR {
        return 0;
    }
    let mut lines: HashMap<&[u8], usize> = HashMap::new();
    for line in a.split_inclusive(|byte| *byte == b'\n') {
        *lines.entry(line).or_default() += 1;
    }
    let mut common = 0;
    for line in b.split_inclusive(|byte| *byte == b'\n') {
        if let Some(left) = lines.get_mut(line).filter(|left| **left > 0) {
            *left -= 1;
            common += line.len();
        }
    }
    common * 100 / longer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_alike_at_the_end_first() {
        let cases = [
            ("old/api/prod.yaml", "new/api/prod.yaml", (2, 0)),
            ("old/web/prod.yaml", "old/api/prod.yaml", (1, 1)),
            ("a", "b", (0, 0)),
            ("a/b", "a/b", (2, 2)),
        ];
        for (a, b, expected) in cases {
            assert_eq!(likeness(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn files_are_alike_by_their_lines() {
        let cases = [
            ("a\nb\nc\nd\n", "a\nb\nc\ne\n", 75),
            ("a\nb\n", "b\na\n", 100),
            ("a\na\n", "a\nb\n", 50),
            ("", "", 0),
            ("a\n", "a\nb\nc\nd\ne\n", 0),
            ("x", "y", 0),
        ];
        for (a, b, expected) in cases {
            assert_eq!(alike(a.as_bytes(), b.as_bytes()), expected, "{a:?} {b:?}");
        }
    }
}

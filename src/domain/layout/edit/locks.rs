//! `Chart.lock` and `requirements.lock`: they pin what a chart's dependencies resolved to, and no longer match once a
//! dependency's version moves.
//!
//! The lock is a function of the dependencies. Where another environment, or the cell at an earlier commit, declares the
//! same dependencies and has a lock that locks just these, it is the right one and comes along; else the plan says that it
//! is stale. A lock that is no YAML, has the marks of a conflict, is older than the chart beside it or names another
//! repository is nobody's right one.

use std::collections::HashSet;

use super::{Editor, FileEdit};
use crate::domain::{
    ids::{CellKey, RepoPath},
    manifest::{self, NodeRef},
    version::Version,
    version_range::VersionRange,
};

/// Charts and the locks beside them.
const LOCKS: [(&str, &str); 2] = [
    ("Chart.yaml", "Chart.lock"),
    ("requirements.yaml", "requirements.lock"),
];

impl Editor<'_> {
    /// Adds the locks that go with edited charts, where they are known.
    pub(super) fn carry_locks(&self, version: &Version, edits: &mut Vec<FileEdit>) {
        let mut carried = Vec::new();
        for edit in edits.iter() {
            let Some(lock) = moved_lock(edit) else {
                continue;
            };
            let Some(before) = self.file(&lock) else {
                continue;
            };
            let after = self.known_lock(version, edit, &lock);
            if let Some(after) = after.filter(|after| *after != before) {
                carried.push(FileEdit {
                    path: lock,
                    before,
                    after,
                });
            }
        }
        edits.extend(carried);
        edits.sort_by(|a, b| a.path.cmp(&b.path));
    }

    /// The lock of a chart with the same dependencies as `edit` has in the end.
    fn known_lock(&self, version: &Version, edit: &FileEdit, lock: &RepoPath) -> Option<Vec<u8>> {
        let wanted = dependencies(&edit.after)?;
        let same = |chart: Option<Vec<u8>>| {
            chart.is_some_and(|it| dependencies(&it).as_ref() == Some(&wanted))
        };
        let right = |lock: &Vec<u8>| locks(lock, &edit.after);
        let then = |path: &RepoPath| (self.then)(&self.cell.origin, path);
        if same(then(&edit.path))
            && let Some(bytes) = then(lock).filter(right)
        {
            return Some(bytes);
        }
        self.desired.environments.iter().rev().find_map(|name| {
            let key = CellKey::new(self.key.service.clone(), name.clone());
            let cell = self.desired.cells.get(&key)?;
            if key == *self.key || cell.version.as_ref() != Some(version) {
                return None;
            }
            cell.files.iter().find_map(|path| {
                let lock = lock_of(path)?;
                let chart = (self.files)(&cell.origin, path);
                let lock = same(chart).then(|| (self.files)(&cell.origin, &lock))?;
                lock.filter(right)
            })
        })
    }
}

/// The lock that no longer matches, if the edit changes a chart's dependencies.
fn moved_lock(edit: &FileEdit) -> Option<RepoPath> {
    let lock = lock_of(&edit.path)?;
    (dependencies(&edit.before) != dependencies(&edit.after)).then_some(lock)
}

/// Locks of edited charts that are there and are not among `edits`, with what to do about them.
pub fn stale_locks(
    edits: &[FileEdit],
    file: &dyn Fn(&RepoPath) -> Option<Vec<u8>>,
) -> Vec<(RepoPath, String)> {
    let paths: HashSet<&RepoPath> = edits.iter().map(|edit| &edit.path).collect();
    let stale = edits.iter().filter_map(|edit| {
        let lock = moved_lock(edit)?;
        let known = paths.contains(&lock);
        let there = (!known).then(|| file(&lock)).flatten();
        let is_there = there.is_some_and(|lock| !pins(&lock, &edit.after));
        let folder = lock.as_str().rsplit_once('/').map_or(".", |(folder, _)| folder);
        is_there.then(|| {
            let words = format!(
                "{lock} will not match {} any more, and no environment has the right one; run: helm dependency update \
                 {folder}",
                edit.path
            );
            (edit.path.clone(), words)
        })
    });
    stale.collect()
}

/// Whether a lock pins just the versions that a chart asks for: it was made for them, whatever the chart said meanwhile.
fn pins(lock: &[u8], chart: &[u8]) -> bool {
    agree(lock, chart, |locked, wanted| {
        locked.name == wanted.name && locked.version == wanted.version
    })
}

/// Whether a lock could be what a chart's dependencies resolve to: the same ones, from the same repositories, at versions
/// that the chart asks for.
fn locks(lock: &[u8], chart: &[u8]) -> bool {
    agree(lock, chart, |locked, wanted| {
        let fits = || {
            let range = VersionRange::parse(&wanted.version).ok()?;
            let version = Version::from(locked.version.as_str()).semver()?;
            Some(range.contains(&version))
        };
        locked.name == wanted.name
            && locked.repository == wanted.repository
            && (locked.version == wanted.version || fits() == Some(true))
    })
}

/// A dependency, as a chart asks for it or a lock has it.
struct Dependency {
    name: String,
    version: String,
    /// Empty where the chart lies beside.
    repository: String,
}

/// Whether both name as many dependencies, in the same order, and each pair is `alike`.
fn agree(lock: &[u8], chart: &[u8], alike: fn(&Dependency, &Dependency) -> bool) -> bool {
    let of = |bytes: &[u8]| {
        let yaml = manifest::parse(bytes).ok()?;
        let list = yaml.documents.first()?.root().get("dependencies")?;
        let each = list.value.items().map(|item| {
            let text = |key: &str| item.get(key)?.value.text().map(ToOwned::to_owned);
            Some(Dependency {
                name: text("name")?,
                version: text("version")?,
                repository: text("repository").unwrap_or_default(),
            })
        });
        each.collect::<Option<Vec<_>>>()
    };
    let (Some(locked), Some(wanted)) = (of(lock), of(chart)) else {
        return false;
    };
    let mut pairs = locked.iter().zip(&wanted);
    locked.len() == wanted.len() && pairs.all(|(locked, wanted)| alike(locked, wanted))
}

pub(super) fn lock_of(chart: &RepoPath) -> Option<RepoPath> {
    let (folder, name) = match chart.as_str().rsplit_once('/') {
        Some((folder, name)) => (Some(folder), name),
        None => (None, chart.as_str()),
    };
    let (_, lock) = LOCKS.iter().find(|(chart, _)| *chart == name)?;
    Some(match folder {
        Some(folder) => RepoPath::from(format!("{folder}/{lock}")),
        None => RepoPath::from(*lock),
    })
}

/// Everything that a chart says of its dependencies, by place.
fn dependencies(chart: &[u8]) -> Option<Vec<(String, String)>> {
    fn gather(node: NodeRef<'_>, place: &str, all: &mut Vec<(String, String)>) {
        if let Some(text) = node.text() {
            all.push((place.to_owned(), text.to_owned()));
            return;
        }
        for found in node.entries() {
            let key = found.key.text().unwrap_or_default();
            gather(found.value, &format!("{place}.{key}"), all);
        }
        for (index, item) in node.items().enumerate() {
            gather(item, &format!("{place}[{index}]"), all);
        }
    }
    let yaml = manifest::parse(chart).ok()?;
    let mut all = Vec::new();
    let list = yaml.documents.first()?.root().get("dependencies")?;
    gather(list.value, "", &mut all);
    all.sort();
    Some(all)
}

//! Many cells of one file at once: the file is read once, every place that is plainly its cell's own is set, and what comes of
//! that is read once more. A file of a thousand versions is not read a thousand times.
//!
//! Only what has nothing beside it goes like this: a scalar of its own, in a layout without fall-backs and second copies. All
//! else is edited one by one, and so is all of a file of which anything is not as it was expected.

use std::collections::{HashMap, HashSet};

use super::{
    Changes, Editor, Files, Refusal,
    absent::without_content,
    locks::lock_of,
    pages::{Looks, Pages, Texts},
    place, rendered,
    spots::{Spot, targets},
};
use crate::domain::{
    desired::{Desired, DesiredCell},
    ids::{CellKey, RepoPath},
    image::tag_and_digest,
    layout::{LayoutSet, Origin, choice::Choice, extract::Place},
    manifest::NodePath,
    plan::FileEdit,
    version::Version,
};

/// So few are edited one by one as fast; in tests two are many.
const FEW: usize = if cfg!(test) { 1 } else { 4 };

/// Cells of one file that get their versions together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Together {
    /// The cells.
    pub cells: Vec<CellKey>,
    /// The file, with all of their versions.
    pub edits: Vec<FileEdit>,
}

/// The edits of cells that can be edited together, file by file; those that are in none of the answers have to be edited one by
/// one. Each is what [`edit_cell`](super::edit_cell) makes of its cells one after the other.
pub fn edit_together(
    layouts: &LayoutSet,
    desired: &Desired,
    changes: &[(CellKey, Version)],
    files: Files<'_>,
) -> Vec<Together> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut places: HashMap<(&Origin, &RepoPath), usize> = HashMap::new();
    for (key, version) in changes {
        let Some(cell) = desired.cells.get(key) else {
            continue;
        };
        let Some(source) = cell.sources.first() else {
            continue;
        };
        let at = *places
            .entry((&cell.origin, &source.path))
            .or_insert_with(|| {
                groups.push(Group {
                    path: &source.path,
                    changes: Vec::new(),
                });
                groups.len() - 1
            });
        groups[at].changes.push((key, version, cell));
    }
    groups.retain(|group| group.changes.len() > FEW && lock_of(group.path).is_none());
    if groups.is_empty() {
        return Vec::new();
    }
    // What goes with a version may be copied from where it stands already: in any environment of the service.
    let services: HashSet<_> = groups
        .iter()
        .flat_map(|group| group.changes.iter().map(|(key, ..)| &key.service))
        .collect();
    let rows = desired.cells.iter();
    let rows = rows.filter(|(key, _)| services.contains(&key.service));
    let texts = Texts::of(rows.map(|(_, cell)| cell), files);
    let pages = Pages::of(&texts);
    let all = groups.iter();
    all.filter_map(|group| group.edited((layouts, desired), files, &pages))
        .collect()
}

/// The changes of one file.
struct Group<'a> {
    path: &'a RepoPath,
    changes: Vec<(&'a CellKey, &'a Version, &'a DesiredCell)>,
}

impl<'a> Group<'a> {
    fn edited(
        &self,
        (layouts, desired): (&'a LayoutSet, &'a Desired),
        files: Files<'a>,
        pages: &'a dyn Looks,
    ) -> Option<Together> {
        let (_, _, first) = self.changes.first()?;
        let bytes = files(&first.origin, self.path)?;
        if names_digests(&bytes) || may_share(&bytes) {
            return None;
        }
        let mut changes = Changes::default();
        let mut known: HashSet<(usize, NodePath)> = HashSet::new();
        let mut set = Vec::new();
        for (key, version, cell) in &self.changes {
            let editor = Editor::looking((layouts, desired), (key, cell), files, pages);
            let Some(spots) = editor.plain(version, self.path) else {
                continue;
            };
            for spot in &spots {
                let (document, path) = spot.position(self.path)?;
                // What two cells share is not set twice.
                if !known.insert((document, path.to_vec())) {
                    return None;
                }
            }
            editor.set_plain(&spots, version, &mut changes).ok()?;
            set.push((*key, *version, *cell));
        }
        if set.len() <= FEW {
            return None;
        }
        let edits = changes.carry_out(&|path| files(&first.origin, path)).ok()?;
        let [edit] = &edits[..] else { return None };
        // Read once more, as a whole.
        let after = |origin: &Origin, path: &RepoPath| {
            let is_it = *origin == first.origin && *path == edit.path;
            is_it.then(|| edit.after.clone())
        };
        let texts = Texts::of(set.iter().map(|(.., cell)| *cell), &after);
        let pages = Pages::of(&texts);
        let is_read_back = set.iter().all(|(key, version, cell)| {
            let own = Editor::looking((layouts, desired), (key, cell), &after, &pages).own_places();
            let own = own.unwrap_or_default();
            let found = own.iter().find_map(|spot| spot.found.version.as_ref());
            found.is_some_and(|found| {
                *version == found || version.as_str().ends_with(&format!("@{found}"))
            })
        });
        is_read_back.then(|| Together {
            cells: set.iter().map(|(key, ..)| (*key).clone()).collect(),
            edits,
        })
    }
}

impl<'a> Editor<'a> {
    /// The places of a cell, where setting these is all that a change comes to; `None`: that has to be looked at by itself.
    fn plain(&self, version: &Version, path: &RepoPath) -> Option<Vec<Spot<'a>>> {
        let is_odd = without_content(self.layouts, self.desired, self.key).is_some()
            || rendered(self.layouts, self.cell, self.key).is_some()
            || matches!(
                self.layouts.choice(self.cell.layout, &self.key.service),
                Some(Choice::Unclear { .. })
            );
        let mut readings = self.readings();
        if is_odd || !readings.all(|layout| layout.levels.len() == 1 && layout.also.is_empty()) {
            return None;
        }
        let own = self.own_places().ok()?;
        let targets = targets(&own, version).ok()?;
        let (_, digest) = tag_and_digest(version.as_str());
        let is_plain = |spot: &&Spot<'a>| {
            let Place::Scalar {
                path: node,
                pair,
                within: None,
                borrowed: false,
                ..
            } = &spot.found.place
            else {
                return false;
            };
            spot.level == 0
                && spot.path == *path
                && spot.marker().is_none()
                && spot.found.version.is_some()
                && (digest.is_none() || pair.is_some())
                && !spot.layout.levels[0].is_container(node)
        };
        let are_plain = !targets.is_empty() && targets.iter().all(is_plain);
        are_plain.then(|| targets.into_iter().cloned().collect())
    }

    fn set_plain(
        &self,
        spots: &[Spot<'a>],
        version: &Version,
        changes: &mut Changes,
    ) -> Result<(), Refusal> {
        let targets: Vec<&Spot<'a>> = spots.iter().collect();
        let donor = self.donor(version, &targets);
        for spot in &targets {
            place::set(spot, version, donor.as_ref(), changes)?;
        }
        self.move_companions(&targets, version, donor.as_ref(), changes)
    }
}

/// Whether a file may have names of images that end in the algorithm of a digest, behind which its digits alone can stand.
fn names_digests(bytes: &[u8]) -> bool {
    ["@sha256", "@sha512"].iter().any(|name| {
        let mut windows = bytes.windows(name.len() + 1);
        windows.any(|it| it.starts_with(name.as_bytes()) && it.last() != Some(&b':'))
    })
}

/// Whether a file may have anchors, aliases or merge keys, by which one value is several cells': whoever is edited first moves
/// the others.
fn may_share(bytes: &[u8]) -> bool {
    let mut windows = bytes.windows(3);
    windows.any(|it| {
        let begins = it[0].is_ascii_whitespace() || b"[{,:-".contains(&it[0]);
        let is_named = it[2].is_ascii_alphanumeric() || it[2] == b'_';
        it == b"<<:" || begins && b"&*".contains(&it[1]) && is_named
    })
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::domain::layout::{edit_cell, testing::Small};

    const KEYS: &str = r#"{ path = "{env}.yaml", yaml = "{service}.image.tag" }"#;
    const KUSTOMIZE: &str = r#"{ preset = "kustomize", path = "{env}.yaml" }"#;
    const ALSO: &str = r#"{ path = "{env}.yaml", yaml = "{service}.image.tag", also = [{ yaml = "{service}.app" }] }"#;
    const ELSE: &str = r#"{ path = "{env}.yaml", yaml = "{service}.image.tag", else = [{ path = "base.yaml", yaml = "{service}.image.tag" }] }"#;
    const SHARED: &str = r#"{ path = "{env}.yaml", yaml = "{service}.image.tag" }, { path = "{env}.yaml", yaml = "{service}.image.tag", row = "{service}-again" }"#;

    /// Each version of `prod` becomes that of `dev`: one by one, and together; the bytes, and how many cells went together.
    fn both(layout: &str, prod: &str) -> (String, String, usize) {
        let dev = prod.replace("v1", "v2").replace("1.10", "1.20");
        let files = [
            ("dev.yaml", dev.as_str()),
            ("prod.yaml", prod),
            ("base.yaml", prod),
        ];
        let small = Small::new(layout, &["dev", "prod"], &files);
        let desired = small.desired();
        let changes: Vec<(CellKey, Version)> = desired
            .cells
            .iter()
            .filter(|(key, _)| key.environment.as_str() == "prod")
            .filter_map(|(key, _)| {
                let dev = CellKey::new(key.service.clone(), "dev");
                let version = desired.version(&dev)?.clone();
                (desired.version(key) != Some(&version)).then(|| (key.clone(), version))
            })
            .collect();
        assert!(changes.len() > FEW, "{changes:?}");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let now = RefCell::new(small.files.clone());
        for (key, version) in &changes {
            let read = |_: &Origin, path: &RepoPath| now.borrow().get(path).cloned();
            let edits = edit_cell(&small.layouts, &desired, key, Some(version), &read).unwrap();
            for edit in edits {
                now.borrow_mut().insert(edit.path, edit.after);
            }
        }
        let one_by_one = text(&now.borrow()[&RepoPath::from("prod.yaml")]);
        let read = |_: &Origin, path: &RepoPath| small.files.get(path).cloned();
        let together = edit_together(&small.layouts, &desired, &changes, &read);
        let cells = together.iter().map(|it| it.cells.len()).sum();
        let at_once = together
            .first()
            .map_or_else(String::new, |it| text(&it.edits[0].after));
        (one_by_one, at_once, cells)
    }

    #[test]
    fn together_is_what_one_by_one_comes_to() {
        let plain = "# all\na:\n  image: {tag: v1} # x\nb:\n  image:\n    tag: \"v1\"\nc:\r\n  image:\r\n    tag: 'v1'\r\n";
        let numbers = "a:\n  image:\n    tag: 1.10\nb:\n  image: {tag: v1}";
        let images = "images:\n- name: r/a\n  newTag: v1 # a\n- {name: r/b, newTag: v1}\n- name: r/c\n  newTag: v1\n";
        let cases = [
            ("keys", KEYS, plain, 3),
            ("text that would be a number", KEYS, numbers, 2),
            ("images of a kustomization", KUSTOMIZE, images, 3),
        ];
        for (name, layout, prod, cells) in cases {
            let (one_by_one, at_once, count) = both(layout, prod);
            assert_eq!(at_once, one_by_one, "{name}");
            assert_eq!(count, cells, "{name}");
        }
    }

    #[test]
    fn what_has_anything_beside_it_is_edited_by_itself() {
        let plain = "a:\n  app: v1\n  image: {tag: v1}\nb:\n  app: v1\n  image: {tag: v1}\n";
        let anchor = "a:\n  image: {tag: &t v1}\nb:\n  image: {tag: v1}\nc:\n  image: {tag: v1}\n";
        let merged = "x-a: &a {tag: v1}\na:\n  image: {tag: v1}\nb:\n  image: {<<: *a, tag: v1}\n";
        let digits = "a:\n  image: {repository: r/a@sha256, tag: v1}\nb:\n  image: {tag: v1}\nc:\n  image: {tag: v1}\n";
        let cases = [
            ("second copies", ALSO, plain),
            ("a fall-back", ELSE, plain),
            ("one value of two rows", SHARED, plain),
            ("an anchor", KEYS, anchor),
            ("a merge key", KEYS, merged),
        ];
        for (name, layout, prod) in cases {
            let small = Small::new(layout, &["prod"], &[("prod.yaml", prod)]);
            let desired = small.desired();
            let cells = desired.cells.keys();
            let changes: Vec<_> = cells
                .map(|key| (key.clone(), Version::from("v2")))
                .collect();
            let read = |_: &Origin, path: &RepoPath| small.files.get(path).cloned();
            let together = edit_together(&small.layouts, &desired, &changes, &read);
            assert!(together.is_empty(), "{name}: {together:?}");
        }
        assert!(names_digests(digits.as_bytes()) && !may_share(digits.as_bytes()));
        assert!(!may_share(
            b"cron: '*/5 * * * *'\nurl: https://a.example/?b=1&c=2\n"
        ));
    }
}

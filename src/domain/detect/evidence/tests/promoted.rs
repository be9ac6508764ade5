//! What a promotion writes into a repository that was recognised: the version, and not a byte beside it.

use std::{collections::BTreeMap, sync::Arc};

use super::{Repository, USUAL, digest, kind, kinds::KINDS};
use crate::domain::{
    desired::Desired,
    detect::Guess,
    ids::{CellKey, EnvironmentName, ObjectId, RepoPath},
    layout::{Assembler, LayoutSet, Origin, edit_cell},
    version::Version,
};

/// Layouts with what they read of some files.
struct Read {
    layouts: Arc<LayoutSet>,
    names: Vec<EnvironmentName>,
}

impl Read {
    fn of(guess: &Guess) -> Self {
        let names = guess.environments.iter();
        let names: Vec<EnvironmentName> = names.map(|name| name.as_str().into()).collect();
        let layouts = LayoutSet::compile(&guess.layouts, &names).unwrap();
        Self {
            layouts: Arc::new(layouts),
            names,
        }
    }

    fn desired(&self, files: &BTreeMap<String, String>) -> Desired {
        let mut assembler = Assembler::new(Arc::clone(&self.layouts), &self.names);
        for (path, text) in files {
            let path = RepoPath::from(path.as_str());
            let facts = self.layouts.extract(&path, text.as_bytes());
            assembler.update(path, Some(Arc::new(facts)));
        }
        assembler.decide();
        assembler.desired(ObjectId::new([0; 20]))
    }

    /// The files with `version` in the cell; why not, where it is refused.
    fn promote(
        &self,
        repository: &Repository,
        key: &CellKey,
        version: &str,
    ) -> Result<BTreeMap<String, String>, String> {
        let read = |_: &Origin, path: &RepoPath| {
            let text = repository.files.get(path.as_str())?;
            Some(text.as_bytes().to_vec())
        };
        let desired = self.desired(&repository.files);
        let version = Version::from(version);
        let edits = edit_cell(&self.layouts, &desired, key, Some(&version), &read);
        let mut files = repository.files.clone();
        for edit in edits.map_err(|(_, reason)| reason)? {
            let text = String::from_utf8(edit.after).unwrap();
            files.insert(edit.path.as_str().to_owned(), text);
        }
        Ok(files)
    }
}

/// Lines that differ, before and after.
fn differing<'t>(
    before: &'t BTreeMap<String, String>,
    after: &'t BTreeMap<String, String>,
) -> Vec<(&'t str, &'t str, &'t str)> {
    assert_eq!(before.len(), after.len(), "no file comes or goes");
    let mut found = Vec::new();
    for (path, text) in before {
        let (old, new) = (text.split('\n'), after[path].split('\n'));
        assert_eq!(old.clone().count(), new.clone().count(), "{path}");
        let each = old.zip(new).filter(|(old, new)| old != new);
        found.extend(each.map(|(old, new)| (path.as_str(), old, new)));
    }
    found
}

#[test]
fn a_promotion_writes_the_version_alone() {
    for (name, path, text, line, environments) in KINDS {
        let repository = kind(path, text, line, &environments);
        let (guess, _) = repository.guess().unwrap();
        let read = Read::of(&guess);
        let desired = read.desired(&repository.files);
        let of_digest = text.contains("DIGEST") || line.contains("DIGEST");
        let shown = |version: &str| {
            if of_digest {
                format!("sha256:{}", digest(version))
            } else {
                version.to_owned()
            }
        };
        let (old, new) = (shown("1.3.7"), shown("1.3.8"));
        let mut keys = desired.cells.iter().filter(|(key, cell)| {
            let last = key.environment.as_str().starts_with(environments[2]);
            last && cell.version.as_ref().map(Version::as_str) == Some(old.as_str())
        });
        let Some((key, _)) = keys.next() else {
            panic!("{name}: nothing of {old} in {:?}", desired.cells.keys());
        };
        let promoted = read.promote(&repository, key, &new);
        if guess.layouts.iter().any(|it| it.read_only) {
            let reason = promoted.unwrap_err();
            assert!(reason.contains("a list that grows"), "{name}: {reason}");
            continue;
        }
        let after = promoted.unwrap_or_else(|reason| panic!("{name}: {reason}"));
        let changed = differing(&repository.files, &after);
        let [(file, before, now)] = changed[..] else {
            panic!("{name}: {changed:?}");
        };
        let (old, new) = (
            old.trim_start_matches("sha256:"),
            new.trim_start_matches("sha256:"),
        );
        assert_eq!(before.matches(old).count(), 1, "{name}: {before}");
        assert_eq!(now, before.replace(old, new), "{name}");
        let by_path = path.contains("ENV");
        assert!(!by_path || file.contains(environments[2]), "{name}: {file}");
        // Every other cell is as it was; but for lines that are of several environments.
        let shared = text.contains("environments:\n  - name");
        for (other, cell) in read.desired(&after).cells {
            let known = &desired.cells[&other];
            let same = cell.version == known.version;
            let own = other == *key || shared && other.service == key.service;
            assert!(same != own, "{name}: {other} {:?}", cell.version);
        }
    }
}

/// What says a version again beside it goes along with it.
#[test]
fn what_repeats_a_version_moves_with_it() {
    let text = "image:\n  repository: r/x/SERVICE\n  tag: VERSION\nchart:\n  version: VERSION\n";
    let repository = kind("apps/SERVICE/values-ENV.yaml", text, "", &USUAL);
    let (guess, cells) = repository.guess().unwrap();
    assert_eq!(cells.len(), 9, "{:?}", guess.layouts);
    let also = guess.layouts[0].also.iter();
    let also: Vec<_> = also.map(|it| it.yaml.as_deref()).collect();
    assert_eq!(also, [Some("chart.version")], "{:?}", guess.layouts);
    let read = Read::of(&guess);
    let key = CellKey::new("web", "prod");
    let after = read.promote(&repository, &key, "1.3.8").unwrap();
    let changed = differing(&repository.files, &after);
    let file = "apps/web/values-prod.yaml";
    assert_eq!(
        changed,
        [
            (file, "  tag: 1.3.7", "  tag: 1.3.8"),
            (file, "  version: 1.3.7", "  version: 1.3.8")
        ]
    );
}

//! Environments that a file beside the versions declares, whether they have a file of their own or not: helmfile's.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{FilePath, axes::Axis};

/// What a helmfile declares.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Declaration {
    /// The file's name.
    pub(super) file: Rc<str>,
    /// Names of environments, in the order of names.
    pub(super) names: BTreeSet<Rc<str>>,
}

/// What helmfiles declare, by the folder that they stand in.
#[derive(Debug, Default)]
pub(super) struct Declared {
    own: BTreeMap<Vec<Rc<str>>, Rc<Declaration>>,
    /// What most declare, by the folder above them.
    usual: BTreeMap<Vec<Rc<str>>, Rc<Declaration>>,
}

/// What a helmfile is called.
const FILES: [&str; 3] = ["helmfile.yaml", "helmfile.yaml.gotmpl", "helmfile.yml"];
/// Largest helmfile that is looked at, in bytes.
const LARGEST: usize = 1 << 20;

impl Declared {
    /// Reads every helmfile, and what most of those in folders beside each other declare: what one service alone declares says
    /// nothing of how the repository is laid out.
    pub(super) fn read(paths: &[&str], read: &dyn Fn(&str) -> Option<Rc<[u8]>>) -> Self {
        let mut found: BTreeMap<Vec<Rc<str>>, Rc<Declaration>> = BTreeMap::new();
        for path in paths {
            let file = path.rsplit('/').next().unwrap_or_default();
            if !FILES.contains(&file) || !super::is_looked_at(path) {
                continue;
            }
            let bytes = read(path).filter(|bytes| bytes.len() <= LARGEST);
            let names = bytes.as_deref().map(environments).unwrap_or_default();
            if names.len() < 2 {
                continue;
            }
            let file = file.into();
            let folder = FilePath::of(path).folders;
            found.insert(folder, Rc::new(Declaration { file, names }));
        }
        let mut siblings: BTreeMap<&[Rc<str>], BTreeMap<&Rc<Declaration>, usize>> = BTreeMap::new();
        for (folder, declaration) in &found {
            let above = folder.split_last().map_or(&[][..], |(_, above)| above);
            let votes = siblings.entry(above).or_default();
            *votes.entry(declaration).or_default() += 1;
        }
        let usual: BTreeMap<Vec<Rc<str>>, Rc<Declaration>> = siblings
            .into_iter()
            .filter_map(|(above, votes)| {
                let all: usize = votes.values().sum();
                let (declaration, votes) = votes.into_iter().max_by_key(|(_, votes)| *votes)?;
                (votes * 3 >= all * 2).then(|| (above.to_vec(), Rc::clone(declaration)))
            })
            .collect();
        Self { own: found, usual }
    }

    /// What is declared beside a file, where most of its folder's siblings declare it too.
    pub(super) fn beside(&self, path: &FilePath) -> Option<&Rc<Declaration>> {
        let own = self.own.get(&path.folders)?;
        let (_, above) = path.folders.split_last()?;
        (self.usual.get(above) == Some(own)).then_some(own)
    }

    /// Whether what is declared beside a file says that a name is no environment.
    pub(super) fn excludes(&self, path: &FilePath, name: &str) -> bool {
        let own = self.own.get(&path.folders);
        own.is_some_and(|own| !own.names.contains(name))
    }

    /// Whether an axis is of folders beside such that declare environments: they are services.
    pub(super) fn are_services(&self, path: &FilePath, axis: Axis) -> bool {
        matches!(axis, Axis::Folder(at) if path.folders.get(..at).is_some_and(|above| self.usual.contains_key(above)))
    }
}

/// The keys below `environments:` of a helmfile, which is a template before it is YAML: read by lines.
fn environments(bytes: &[u8]) -> BTreeSet<Rc<str>> {
    let mut names = BTreeSet::new();
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let mut inside = false;
    let mut indent = None;
    for line in text.lines().map(str::trim_end) {
        let content = line.trim_start();
        if content.is_empty() || content.starts_with(['#', '{']) {
            continue;
        }
        let own = line.len() - content.len();
        if own == 0 {
            inside = content == "environments:";
            continue;
        }
        if !inside || *indent.get_or_insert(own) != own {
            continue;
        }
        let key = content
            .split_once(':')
            .map(|(key, _)| key.trim_matches(['"', '\'']));
        let plain = |key: &&str| {
            key.bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        };
        // Without one, helmfile calls its only environment so.
        names.extend(
            key.filter(plain)
                .filter(|key| *key != "default")
                .map(Rc::from),
        );
    }
    names
}

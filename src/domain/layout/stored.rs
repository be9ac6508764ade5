//! What files say, as bytes to be kept: texts once, everything else as numbers.
//!
//! Reading it back needs the same layouts and environments, which the caller has to make sure of.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    FileFacts, LayoutSet,
    bindings::Bindings,
    set::{Fact, LayoutFacts, Role},
};
use crate::domain::{
    ids::{ObjectId, RepoPath},
    version::Version,
};

/// A file of a tree: its path, its blob, and what it says.
pub type KnownFile = (RepoPath, ObjectId, Arc<FileFacts>);

#[derive(Default, Serialize, Deserialize)]
struct Stored<'a> {
    #[serde(borrow)]
    texts: Vec<&'a str>,
    files: Vec<StoredFile>,
}

#[derive(Serialize, Deserialize)]
struct StoredFile {
    path: u32,
    blob: [u8; 20],
    entries: Vec<StoredEntry>,
}

#[derive(Serialize, Deserialize)]
struct StoredEntry {
    layout: u16,
    /// How far it falls back; [`PROOF`] and [`CONDITION`] do not.
    level: u8,
    path: Vec<(u32, u32)>,
    facts: Vec<StoredFact>,
}

#[derive(Serialize, Deserialize)]
struct StoredFact {
    /// What is captured behind what the path captures.
    beside: Vec<(u32, u32)>,
    version: Option<u32>,
    line: u32,
    paired: bool,
    policy: Option<u32>,
}

/// The level of a proof of a service, and of what must be there for a place to count.
const PROOF: u8 = u8::MAX;
const CONDITION: u8 = u8::MAX - 1;

/// The files as bytes. Those with problems, or that contradict themselves, are left out: they are looked at again.
pub fn store(files: &[KnownFile]) -> Vec<u8> {
    let mut texts = Texts::default();
    let kept = files.iter().filter_map(|(path, blob, facts)| {
        let entries = facts.entries.iter().map(|entry| texts.entry(entry));
        let entries: Option<Vec<_>> = entries.collect();
        let entries = entries.filter(|_| facts.problems().is_empty())?;
        Some(StoredFile {
            path: texts.number(path.as_str()),
            blob: *blob.as_bytes(),
            entries,
        })
    });
    let files = kept.collect();
    let stored = Stored {
        texts: texts.list,
        files,
    };
    // Writing to memory does not fail.
    postcard::to_allocvec(&stored).unwrap_or_default()
}

/// The files of [`store`], in their order; `None` where the bytes are none of it.
pub fn restore(bytes: &[u8], layouts: &LayoutSet) -> Option<Vec<KnownFile>> {
    let stored: Stored<'_> = postcard::from_bytes(bytes).ok()?;
    let texts: Vec<Arc<str>> = stored.texts.into_iter().map(Arc::from).collect();
    let texts = Numbered(&texts);
    let known = |entry: &StoredEntry| {
        let layout = layouts.layouts.get(usize::from(entry.layout));
        let levels = layout.map_or(0, |layout| layout.levels.len());
        let is_level = usize::from(entry.level) < levels;
        layout.is_some() && (is_level || matches!(entry.level, PROOF | CONDITION))
    };
    let files = stored.files.into_iter().map(|file| {
        let fits = file.entries.iter().all(known);
        texts.file(file).filter(|_| fits)
    });
    files.collect()
}

/// Texts on their way to numbers.
#[derive(Default)]
struct Texts<'a> {
    numbers: HashMap<&'a str, u32>,
    list: Vec<&'a str>,
}

impl<'a> Texts<'a> {
    fn number(&mut self, text: &'a str) -> u32 {
        let next = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(text).or_insert(next);
        if number == next {
            self.list.push(text);
        }
        number
    }

    /// `None` where it could not be read.
    fn entry(&mut self, entry: &'a LayoutFacts) -> Option<StoredEntry> {
        if entry.broken {
            return None;
        }
        let facts = entry.facts.iter().map(|fact| {
            if fact.other.is_some() {
                return None;
            }
            // What a file says is captured after its path.
            let mut captured = fact.bindings.iter();
            let path = entry.path.iter();
            path.map(|pair| (captured.next() == Some(pair)).then_some(()))
                .collect::<Option<()>>()?;
            Some(StoredFact {
                beside: captured.map(|pair| self.pair(pair)).collect(),
                version: fact.version.as_ref().map(|it| self.number(it.as_str())),
                line: fact.line,
                paired: fact.paired,
                policy: fact.policy.as_deref().map(|it| self.number(it)),
            })
        });
        let facts = facts.collect::<Option<_>>()?;
        Some(StoredEntry {
            layout: entry.layout,
            level: match entry.role {
                Role::Level(level) => level,
                Role::Proof => PROOF,
                Role::Condition => CONDITION,
            },
            path: entry.path.iter().map(|pair| self.pair(pair)).collect(),
            facts,
        })
    }

    fn pair(&mut self, (name, text): (&'a Arc<str>, &'a str)) -> (u32, u32) {
        (self.number(name), self.number(text))
    }
}

/// Texts by their numbers.
struct Numbered<'a>(&'a [Arc<str>]);

impl Numbered<'_> {
    fn text(&self, number: u32) -> Option<Arc<str>> {
        let text = self.0.get(usize::try_from(number).ok()?)?;
        Some(Arc::clone(text))
    }

    fn file(&self, file: StoredFile) -> Option<KnownFile> {
        let entries = file.entries.into_iter().map(|entry| self.entry(entry));
        let facts = FileFacts::of(entries.collect::<Option<_>>()?);
        let path = RepoPath::new(self.text(file.path)?);
        Some((path, ObjectId::new(file.blob), Arc::new(facts)))
    }

    fn entry(&self, entry: StoredEntry) -> Option<LayoutFacts> {
        let path = self.bindings(&[], &entry.path)?;
        let facts = entry.facts.into_iter().map(|fact| {
            let version = fact.version.map(|number| self.text(number));
            let policy = fact.policy.map(|number| self.text(number));
            Some(Arc::new(Fact {
                bindings: match &fact.beside[..] {
                    [] => path.clone(),
                    beside => self.bindings(&entry.path, beside)?,
                },
                version: match version {
                    Some(text) => Some(Version::new(text?)),
                    None => None,
                },
                // What is no version is a problem, and files with problems are not kept.
                unread: false,
                line: fact.line,
                paired: fact.paired,
                other: None,
                policy: match policy {
                    Some(text) => Some(text?),
                    None => None,
                },
            }))
        });
        let facts = facts.collect::<Option<_>>()?;
        Some(LayoutFacts {
            layout: entry.layout,
            role: match entry.level {
                PROOF => Role::Proof,
                CONDITION => Role::Condition,
                level => Role::Level(level),
            },
            path,
            broken: false,
            facts,
        })
    }

    fn bindings(&self, first: &[(u32, u32)], then: &[(u32, u32)]) -> Option<Bindings> {
        let pairs = first.iter().chain(then);
        pairs
            .map(|(name, text)| Some((self.text(*name)?, self.text(*text)?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::layout::testing::Small;

    const LAYOUTS: &str = r#"
        { preset = "kustomize", path = "apps/{service}/{env}/kustomization.yaml" },
        { path = "helm/{service}/values-{env}.yaml", yaml = "image.tag", else = [{ path = "helm/{service}/values.yaml" }] },
        { path = "all.yaml", yaml = "{service}.{env}" },
        { path = "charts/{service}/{env:$envs}.yaml", yaml = "tag", service = "charts/{service}/Chart.yaml" },
        { path = "charts/{service}/pin", regex = "(?<v>.+)", env = "prod", only_if = "charts/{service}/Chart.yaml" }
    "#;

    fn small() -> Small {
        let kustomization = "images:\n- name: x/api\n  newTag: '1'\n- name: y/web\n  digest: sha256:1111111111111111111111111111111111111111111111111111111111111111\n";
        Small::new(
            LAYOUTS,
            &["dev", "prod"],
            &[
                ("all.yaml", "db:\n  dev: 1\n  prod: 2\n"),
                ("apps/api/dev/kustomization.yaml", kustomization),
                ("apps/web/prod/kustomization.yaml", kustomization),
                ("apps/none/prod/kustomization.yaml", "resources: []\n"),
                ("charts/c/Chart.yaml", "version: 1\n"),
                ("charts/c/dev.yaml", "tag: \n"),
                ("charts/c/pin", "3\n"),
                ("helm/a/values-dev.yaml", "image: {}\n"),
                ("helm/a/values.yaml", "image: {tag: 4}\n"),
                (
                    "helm/b/values-dev.yaml",
                    "image: {tag: '{{ x }}', tag: 2}\n",
                ),
                ("helm/b/values-prod.yaml", "image: [\n"),
            ],
        )
    }

    fn known(small: &Small) -> Vec<KnownFile> {
        let files = small.files.iter().zip(1..);
        files
            .map(|((path, bytes), number)| {
                let facts = small.layouts.extract(path, bytes);
                (path.clone(), ObjectId::new([number; 20]), Arc::new(facts))
            })
            .collect()
    }

    #[test]
    fn what_files_say_comes_back_as_it_was() {
        let small = small();
        let known = known(&small);
        let (well, ill): (Vec<_>, Vec<_>) = known
            .iter()
            .cloned()
            .partition(|(_, _, facts)| facts.problems().is_empty());
        assert_eq!(ill.len(), 2, "looked at again: {ill:?}");
        assert!(well.iter().all(|(_, _, facts)| !facts.is_empty()));
        assert_eq!(restore(&store(&known), &small.layouts), Some(well));
        assert_eq!(restore(&store(&[]), &small.layouts), Some(Vec::new()));
    }

    #[test]
    fn bytes_that_mean_nothing_give_nothing() {
        let small = small();
        let bytes = store(&known(&small));
        let fewer = Small::new(
            r#"{ path = "all.yaml", yaml = "{service}.{env}" }"#,
            &[],
            &[],
        );
        assert_eq!(restore(&bytes, &fewer.layouts), None, "unknown layouts");
        for end in 0..bytes.len() {
            assert_eq!(restore(&bytes[..end], &small.layouts), None, "{end}");
        }
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x55;
            // Whatever comes of it, it comes without a panic; sums are checked before.
            let _ = restore(&bytes, &small.layouts);
        }
    }
}

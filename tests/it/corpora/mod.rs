//! Layouts against facts measured on six public repositories.
//!
//! The facts stand beside the repository (`../shared/corpora`, or `TIDEGATE_CORPORA`), the clones in `TIDEGATE_CLONES`
//! (`OWNER+NAME/repo`, bare). Where either is absent, these tests say so and pass.

#![allow(clippy::unwrap_used, clippy::print_stderr)] // Helpers of tests fail like tests, and say why they skip.

mod history;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use git2::{ObjectType, Oid, Repository, Tree};
use serde::Deserialize;
use serde_json::Value;
use tidegate::domain::{
    desired::Desired,
    ids::{CellKey, EnvironmentName, ObjectId, RepoPath},
    layout::{Assembler, LayoutSet, LayoutSpec, Origin},
};

const LAYOUTS: &str = include_str!("layouts.toml");

#[derive(Deserialize)]
struct Configuration {
    environments: Vec<EnvironmentName>,
    layouts: Vec<LayoutSpec>,
}

/// One corpus with its clone.
struct Corpus {
    repository: Repository,
    facts: PathBuf,
    name: String,
    layouts: Arc<LayoutSet>,
    environments: Vec<EnvironmentName>,
}

impl Corpus {
    fn all() -> Vec<Self> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let facts = std::env::var_os("TIDEGATE_CORPORA")
            .map_or_else(|| root.join("../shared/corpora"), PathBuf::from);
        let Some(clones) = std::env::var_os("TIDEGATE_CLONES").map(PathBuf::from) else {
            eprintln!("skipped: TIDEGATE_CLONES does not name a folder of clones");
            return Vec::new();
        };
        let all: BTreeMap<String, Configuration> = toml::from_str(LAYOUTS).unwrap();
        all.into_iter()
            .filter_map(|(name, configuration)| {
                let folder = name.split('.').next().unwrap();
                let Ok(repository) = Repository::open(clones.join(folder).join("repo")) else {
                    eprintln!("skipped: no clone of {folder}");
                    return None;
                };
                if !facts.join(format!("{name}.json")).exists() {
                    eprintln!("skipped: no facts about {name} in {}", facts.display());
                    return None;
                }
                let environments = configuration.environments;
                let layouts = LayoutSet::compile(&configuration.layouts, &environments).unwrap();
                Some(Self {
                    repository,
                    facts: facts.clone(),
                    name,
                    layouts: Arc::new(layouts),
                    environments,
                })
            })
            .collect()
    }

    fn facts(&self, kind: &str) -> Value {
        let path = self.facts.join(format!("{}{kind}", self.name));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    /// The refs to read, each with what its name captured.
    fn tips(&self) -> Vec<(Origin, Oid)> {
        let meta = self.facts(".meta.json");
        let refs = meta["refs"].as_object().unwrap();
        refs.iter()
            .map(|(environment, tip)| {
                let mut origin = Origin::default();
                if environment != "*" {
                    origin.refs = Some(0);
                    origin.captures = self.layouts.ref_templates()[0]
                        .matches(tip[0].as_str().unwrap())
                        .unwrap();
                }
                (origin, Oid::from_str(tip[1].as_str().unwrap()).unwrap())
            })
            .collect()
    }

    fn desired(&self, tips: &[(Origin, Oid)]) -> Desired {
        let mut assembler = Assembler::new(Arc::clone(&self.layouts), &self.environments);
        for (origin, commit) in tips {
            let tree = self
                .repository
                .find_commit(*commit)
                .unwrap()
                .tree()
                .unwrap();
            self.walk(&tree, "", &mut |path, bytes| {
                let facts = self.layouts.extract(&path, bytes);
                assembler.update_at(origin, path, Some(Arc::new(facts)));
            });
        }
        assembler.desired(ObjectId::new([0; 20]))
    }

    fn walk(&self, tree: &Tree<'_>, folder: &str, each: &mut dyn FnMut(RepoPath, &[u8])) {
        for entry in tree {
            let Ok(name) = entry.name() else { continue };
            let path = if folder.is_empty() {
                name.to_owned()
            } else {
                format!("{folder}/{name}")
            };
            match entry.kind() {
                Some(ObjectType::Tree) if self.layouts.may_contain(&path) => {
                    let tree = self.repository.find_tree(entry.id()).unwrap();
                    self.walk(&tree, &path, each);
                }
                Some(ObjectType::Blob) if self.layouts.wants(&path) => {
                    let blob = self.repository.find_blob(entry.id()).unwrap();
                    each(path.into(), blob.content());
                }
                _ => {}
            }
        }
    }
}

#[test]
fn matrices_are_those_of_the_corpora() {
    for corpus in Corpus::all() {
        let desired = corpus.desired(&corpus.tips());
        let expected: BTreeMap<String, BTreeMap<String, String>> =
            serde_json::from_value(corpus.facts(".json")).unwrap();
        let meta = corpus.facts(".meta.json");
        let mut wanted = BTreeMap::new();
        for (service, cells) in &expected {
            for (environment, version) in cells {
                let place = &meta["cell"][format!("{service}\t{environment}")];
                wanted.insert(
                    CellKey::new(service.as_str(), environment.as_str()),
                    format!("{version} {}:{}", place[0].as_str().unwrap(), place[1]),
                );
            }
        }
        let found: BTreeMap<CellKey, String> = desired
            .cells
            .iter()
            .filter_map(|(key, cell)| {
                let source = cell.sources.first()?;
                let version = cell.version.as_ref()?;
                Some((
                    key.clone(),
                    format!("{version} {}:{}", source.path, source.line),
                ))
            })
            .collect();
        let mut wrong = Vec::new();
        for (key, text) in &wanted {
            if found.get(key) != Some(text) {
                wrong.push(format!("{key}: wanted {text}, found {:?}", found.get(key)));
            }
        }
        wrong.extend(
            found
                .iter()
                .filter(|(key, _)| !wanted.contains_key(key))
                .map(|(key, text)| format!("{key}: not wanted, found {text}")),
        );
        eprintln!(
            "{}: {} of {} cells; {} problems",
            corpus.name,
            wanted.len().saturating_sub(wrong.len()),
            wanted.len(),
            desired.problems.len()
        );
        for problem in desired.problems.iter().take(6) {
            eprintln!("  problem: {problem:?}");
        }
        assert!(wrong.is_empty(), "{}:\n{}", corpus.name, wrong.join("\n"));
    }
}

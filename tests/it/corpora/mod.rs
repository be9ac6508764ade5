//! Layouts against facts measured on nineteen public repositories.
//!
//! The facts stand beside the repository (`../shared/corpora`, or `TIDEGATE_CORPORA`), the clones in `TIDEGATE_CLONES`
//! (`OWNER+NAME/repo`, bare). These tests are ignored unless asked for (`cargo test --test it -- --ignored corpora::`), and fail
//! where anything of it is absent.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)] // Helpers of tests fail like tests, and say what was found.

mod history;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use git2::{ObjectType, Oid, Repository, Tree};
use serde::Deserialize;
use serde_json::Value;
use tidegate::domain::{
    desired::Desired,
    detect::{Evidence, recognise},
    ids::{CellKey, EnvironmentName, ObjectId, RepoPath},
    layout::{Assembler, LayoutSet, LayoutSpec, Origin, edit_cell},
    version::Version,
};

const LAYOUTS: &str = include_str!("layouts.toml");

#[derive(Deserialize)]
struct Configuration {
    environments: Vec<EnvironmentName>,
    layouts: Vec<LayoutSpec>,
    /// Cells that the layouts find and the facts leave out.
    #[serde(default)]
    beyond: BTreeSet<String>,
    /// Commits that changed the version alone, though another environment had what goes with it (`carry`).
    #[serde(default)]
    by_hand: BTreeSet<String>,
}

/// One corpus with its clone.
struct Corpus {
    repository: Repository,
    facts: PathBuf,
    name: String,
    layouts: Arc<LayoutSet>,
    environments: Vec<EnvironmentName>,
    beyond: BTreeSet<String>,
    by_hand: BTreeSet<String>,
    /// Whether something is carried along with its versions.
    carries: bool,
}

impl Corpus {
    fn all() -> Vec<Self> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let facts = std::env::var_os("TIDEGATE_CORPORA")
            .map_or_else(|| root.join("../shared/corpora"), PathBuf::from);
        let clones = std::env::var_os("TIDEGATE_CLONES").map(PathBuf::from);
        let clones = clones.expect("TIDEGATE_CLONES is not set; it names a folder of clones");
        let all: BTreeMap<String, Configuration> = toml::from_str(LAYOUTS).unwrap();
        all.into_iter()
            .map(|(name, configuration)| {
                let clone = clones.join(name.split('.').next().unwrap()).join("repo");
                let repository = Repository::open(&clone);
                let repository = repository
                    .unwrap_or_else(|error| panic!("no clone {}: {error}", clone.display()));
                let file = facts.join(format!("{name}.json"));
                assert!(file.exists(), "no facts {}", file.display());
                let environments = configuration.environments;
                let carries = configuration.layouts.iter().any(|it| !it.carry.is_empty());
                let layouts = LayoutSet::compile(&configuration.layouts, &environments).unwrap();
                Self {
                    repository,
                    facts: facts.clone(),
                    name,
                    layouts: Arc::new(layouts),
                    environments,
                    beyond: configuration.beyond,
                    by_hand: configuration.by_hand,
                    carries,
                }
            })
            .collect()
    }

    fn has(&self, kind: &str) -> bool {
        self.facts.join(format!("{}{kind}", self.name)).exists()
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
#[ignore = "needs facts (TIDEGATE_CORPORA) and clones (TIDEGATE_CLONES) of nineteen public repositories; .ci/run has them"]
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
                .filter(|(key, _)| !corpus.beyond.contains(&key.to_string()))
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

#[test]
#[ignore = "needs facts (TIDEGATE_CORPORA) and clones (TIDEGATE_CLONES) of nineteen public repositories; .ci/run has them"]
fn replays_reproduce_every_blob() {
    let mut all = 0;
    for corpus in Corpus::all() {
        if !corpus.has(".replays.json") {
            continue;
        }
        let replays = corpus.facts(".replays.json");
        let mut wrong = Vec::new();
        let (mut done, mut beside) = (0, 0);
        for replay in replays["replays"].as_array().unwrap() {
            // What goes with a version is known where it was promoted from, and nowhere where it came back.
            let carried = corpus.carries && replay["kind"] == "promotion";
            if replay["pure"] != Value::Bool(true) && !carried {
                continue;
            }
            done += 1;
            let commit = replay["commit"].as_str().unwrap();
            let result = corpus.replay(replay);
            match (result, corpus.by_hand.contains(commit)) {
                (Ok(()), false) | (Err(_), true) => {}
                // Its commit touched lines beside the versions, which no layout describes.
                (Err(_), false) if replay["extra_lines"].as_u64().is_some_and(|it| it > 0) => {
                    beside += 1;
                }
                (Err(reason), false) => wrong.push(format!("{commit}: {reason}")),
                (Ok(()), true) => wrong.push(format!("{commit}: is reproduced after all")),
            }
        }
        eprintln!(
            "{}: {} of {done} replays, {beside} touch other lines too",
            corpus.name,
            done - wrong.len() - beside
        );
        assert!(wrong.is_empty(), "{}:\n{}", corpus.name, wrong.join("\n"));
        all += done;
    }
    assert!(all > 0, "no replay in any of them");
}

impl Corpus {
    /// Sets what a real commit set, on its parent, and compares the blobs.
    fn replay(&self, replay: &Value) -> Result<(), String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let parent = Oid::from_str(&text(&replay["parent"])).unwrap();
        let desired = self.desired(&[(Origin::default(), parent)]);
        let tree = self.repository.find_commit(parent).unwrap().tree().unwrap();
        let mut edited: BTreeMap<RepoPath, Vec<u8>> = BTreeMap::new();
        for change in replay["changes"].as_array().unwrap() {
            let key = CellKey::new(text(&change[0]), text(&change[1]));
            let found = desired.version(&key).map(Version::as_str);
            if found != change[2].as_str() {
                return Err(format!("{key}: {} is read as {found:?}", change[2]));
            }
            let version = Version::from(text(&change[3]));
            let files = |_: &Origin, path: &RepoPath| {
                edited.get(path).cloned().or_else(|| {
                    let entry = tree.get_path(path.as_str().as_ref()).ok()?;
                    let blob = self.repository.find_blob(entry.id()).ok()?;
                    Some(blob.content().to_vec())
                })
            };
            let edits = edit_cell(&self.layouts, &desired, &key, Some(&version), &files)
                .map_err(|(cause, reason)| format!("{key}: {cause:?} {reason}"))?;
            for edit in edits {
                edited.insert(edit.path, edit.after);
            }
        }
        let blobs = replay["blobs"].as_object().unwrap();
        if !edited
            .keys()
            .map(RepoPath::as_str)
            .eq(blobs.keys().map(String::as_str))
        {
            return Err(format!("edits {:?}, not {:?}", edited.keys(), blobs.keys()));
        }
        for (path, bytes) in &edited {
            let id = Oid::hash_object(ObjectType::Blob, bytes)
                .unwrap()
                .to_string();
            if blobs[path.as_str()][1].as_str() != Some(id.as_str()) {
                let bytes = String::from_utf8_lossy(bytes);
                return Err(format!("{path} becomes {id}:\n{bytes}"));
            }
        }
        Ok(())
    }
}

#[test]
#[ignore = "needs facts (TIDEGATE_CORPORA) and clones (TIDEGATE_CLONES) of nineteen public repositories; .ci/run has them"]
fn layouts_are_recognised_without_configuration() {
    let (mut tried, mut whole) = (0, 0);
    for corpus in Corpus::all() {
        // The other facts about this repository describe rows that only its users would name so.
        if corpus.name.contains('.') {
            continue;
        }
        let tips = corpus.tips();
        let mut paths = Vec::new();
        let tree = corpus
            .repository
            .find_commit(tips[0].1)
            .unwrap()
            .tree()
            .unwrap();
        tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
            if entry.kind() == Some(ObjectType::Blob) {
                paths.push(format!("{}{}", folder, entry.name().unwrap_or_default()));
            }
            git2::TreeWalkResult::Ok
        })
        .unwrap();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let branches: Vec<String> = corpus
            .repository
            .references_glob("refs/heads/*")
            .unwrap()
            .filter_map(|it| Some(it.ok()?.shorthand().ok()?.to_owned()))
            .collect();
        let branches: Vec<&str> = branches.iter().map(String::as_str).collect();
        let read = |path: &str| {
            let entry = tree.get_path(path.as_ref()).ok()?;
            Some(
                corpus
                    .repository
                    .find_blob(entry.id())
                    .ok()?
                    .content()
                    .into(),
            )
        };
        let started = std::time::Instant::now();
        let guess = recognise(&Evidence {
            branches: &branches,
            ..Evidence::new(&paths, &read)
        });
        let guess = guess.unwrap_or_default();
        let environments: Vec<EnvironmentName> = guess
            .environments
            .iter()
            .map(|name| name.as_str().into())
            .collect();
        let guessed = Corpus {
            repository: Repository::open(corpus.repository.path()).unwrap(),
            facts: corpus.facts.clone(),
            name: corpus.name.clone(),
            layouts: Arc::new(LayoutSet::compile(&guess.layouts, &environments).unwrap()),
            environments,
            beyond: BTreeSet::new(),
            by_hand: BTreeSet::new(),
            carries: false,
        };
        let usual = !guess.layouts.iter().any(|layout| layout.refs.is_some());
        let tips = if usual && tips.len() > 1 {
            Vec::new()
        } else {
            guessed.tips()
        };
        let desired = guessed.desired(&tips);
        let expected: BTreeMap<String, BTreeMap<String, String>> =
            serde_json::from_value(corpus.facts(".json")).unwrap();
        let (mut right, mut all) = (0, 0);
        for (service, cells) in &expected {
            for (environment, version) in cells {
                all += 1;
                let key = CellKey::new(service.as_str(), environment.as_str());
                right += usize::from(desired.version(&key).map(Version::as_str) == Some(version));
            }
        }
        let declared = desired
            .cells
            .values()
            .filter(|cell| cell.version.is_some())
            .count();
        eprintln!(
            "{}: {right} of {all} cells, {declared} declared, {:?}: {}\n  left out {:?}",
            corpus.name,
            started.elapsed(),
            guess.environments.join(" "),
            guess.left_out
        );
        let columns: BTreeSet<&str> = guess.environments.iter().map(String::as_str).collect();
        let truth: BTreeSet<&str> = expected
            .values()
            .flat_map(|cells| cells.keys().map(String::as_str))
            .collect();
        tried += 1;
        whole += usize::from(right == all && columns == truth);
    }
    assert!(whole >= 6, "only {whole} of {tried} are recognised whole");
}

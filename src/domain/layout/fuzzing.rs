//! What must hold of any bytes as a file, whatever the layout: for the fuzz target `locator`, and for a test over its
//! seeds. Judged from outside: by the matrix before and after, and by every node and place of the files.

mod choices;

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, LazyLock},
};

use self::choices::{LAYOUTS, PAIRS, spec, written_in_the_file};
use super::{
    Assembler, KnownFile, LayoutError, LayoutSet, LayoutSpec, Origin,
    edit::edit_cell,
    extract::{File, Found, Place},
    restore, store,
};
use crate::domain::{
    desired::Desired,
    detect::{Evidence, recognise},
    ids::{CellKey, EnvironmentName, ObjectId, RepoPath},
    manifest::{self, NodeKind, NodePath, NodeRef, Step},
    plan::FileEdit,
    version::Version,
};

const ENVIRONMENTS: [&str; 2] = ["dev", "prod"];
/// The file of the layouts, and the one that they fall back to. The bytes hold both, with this byte in between.
const OWN: &str = "web/dev/values.yaml";
const BASE: &str = "web/base.yaml";
const BETWEEN: u8 = 0x1f;
/// Cells of a file that are changed, and what they are changed to.
const CELLS: usize = 4;
const VERSIONS: [&str; 8] = [
    "v2.0.1",
    "1.10",
    "1e3",
    "true",
    "sha256:9f3c0000000000000000000000000000000000000000000000000000000000ab",
    "v3@sha256:9f3c0000000000000000000000000000000000000000000000000000000000ab",
    "a #b: c",
    "it's",
];

/// Everything that must hold of `bytes`: the first chooses the layout, the second a version, the rest is the files.
///
/// # Panics
/// Where something does not hold.
pub fn check(bytes: &[u8]) {
    /// Compiling takes longer than everything else.
    static WORLDS: LazyLock<Vec<World>> = LazyLock::new(worlds);
    let [choice, seed, rest @ ..] = bytes else {
        return;
    };
    let seed = usize::from(*seed);
    if let Some(world) = WORLDS.get(usize::from(*choice)) {
        world.check(seed, rest);
        return;
    }
    let (spec, rest) = written_in_the_file(rest);
    if let Ok(world) = World::new(&[spec]) {
        world.check(seed, rest);
    }
}

fn worlds() -> Vec<World> {
    let single = LAYOUTS.iter().map(|written| vec![spec(written)]);
    let pairs = PAIRS
        .iter()
        .map(|pair| pair.iter().map(|it| spec(it)).collect());
    let compiled = single
        .chain(pairs)
        .map(|specs: Vec<_>| match World::new(&specs) {
            Ok(world) => world,
            Err(error) => panic!("{error}: {specs:?}"),
        });
    compiled.collect()
}

type Files = BTreeMap<RepoPath, Vec<u8>>;
/// Every node of a file by its path, and what it says.
type Flat = BTreeMap<String, String>;

struct World {
    layouts: Arc<LayoutSet>,
    environments: Vec<EnvironmentName>,
}

impl World {
    fn new(specs: &[LayoutSpec]) -> Result<Self, LayoutError> {
        let environments = ENVIRONMENTS.map(EnvironmentName::new).to_vec();
        let layouts = LayoutSet::compile(specs, &environments).map_err(|(_, error)| error)?;
        Ok(Self {
            layouts: Arc::new(layouts),
            environments,
        })
    }

    fn check(&self, seed: usize, bytes: &[u8]) {
        let parts = bytes.splitn(2, |byte| *byte == BETWEEN);
        let files: Files = [OWN, BASE]
            .into_iter()
            .zip(parts)
            .map(|(path, bytes)| (RepoPath::new(path), bytes.to_vec()))
            .collect();
        for (path, bytes) in &files {
            self.places_are_there(path, bytes);
        }
        if seed > 0xf0 {
            let read = |path: &str| {
                let bytes = files.get(&RepoPath::new(path))?;
                Some(bytes.as_slice().into())
            };
            let _ = recognise(&Evidence::new(&[OWN, BASE], &read));
        }
        let before = self.desired(&files);
        for (index, key) in before.cells.keys().take(CELLS).enumerate() {
            let version = Version::from(VERSIONS[(seed + index) % VERSIONS.len()]);
            self.changed(&files, &before, key, Some(&version));
            self.changed(&files, &before, key, None);
        }
    }

    fn desired(&self, files: &Files) -> Desired {
        let mut assembler = Assembler::new(Arc::clone(&self.layouts), &self.environments);
        for (path, bytes) in files {
            let facts = self.layouts.extract(path, bytes);
            assert_eq!(facts, self.layouts.extract(path, bytes), "read twice");
            for problem in facts.problems() {
                assert!(
                    problem.line.is_none_or(|line| is_line(line, bytes)),
                    "{problem:?}"
                );
            }
            let known = [(path.clone(), ObjectId::new([7; 20]), Arc::new(facts))];
            let kept = restore(&store(&known), &self.layouts);
            let same = |kept: &Vec<KnownFile>| kept.is_empty() || *kept == known;
            assert!(kept.as_ref().is_some_and(same), "kept otherwise: {kept:?}");
            let [(path, _, facts)] = known;
            assembler.update(path, Some(facts));
        }
        assembler.desired(ObjectId::new([0; 20]))
    }

    /// What every layout finds in one file.
    fn found(&self, path: &RepoPath, bytes: &[u8]) -> Vec<Found> {
        let levels = self
            .layouts
            .layouts
            .iter()
            .flat_map(|layout| &layout.levels);
        let mut file = File::new(bytes);
        let found = levels.filter_map(|level| {
            let bound = level.matches(path.as_str())?;
            Some(file.look(level, &bound).ok()?.found)
        });
        found.flatten().collect()
    }

    /// Where regular expressions find versions, if nothing else does.
    fn texts(&self, edit: &FileEdit, bytes: &[u8]) -> Option<Vec<Range<usize>>> {
        let places = self.found(&edit.path, bytes).into_iter();
        let ranges = places.map(|found| match found.place {
            Place::Text { range, .. } => Some(range),
            Place::Scalar { .. } => None,
        });
        let mut ranges: Vec<_> = ranges.collect::<Option<_>>()?;
        ranges.sort_by_key(|range| range.start);
        ranges.dedup();
        Some(ranges)
    }

    /// Every place has a line and bytes in the file, and says what was read from it.
    fn places_are_there(&self, path: &RepoPath, bytes: &[u8]) {
        let yaml = manifest::parse(bytes);
        for found in self.found(path, bytes) {
            assert!(is_line(found.line, bytes), "{found:?}");
            let said = match &found.place {
                Place::Text {
                    range,
                    text,
                    digest,
                } => {
                    assert_eq!(bytes.get(range.clone()), Some(text.as_bytes()), "{found:?}");
                    let digest = digest.iter().map(|text| format!("@{text}"));
                    format!("{text}{}", digest.collect::<String>())
                }
                Place::Scalar {
                    document,
                    path,
                    text,
                    pair,
                    ..
                } => {
                    let Ok(yaml) = &yaml else {
                        panic!("found in a file that cannot be read: {found:?}");
                    };
                    let node = yaml.documents[*document].root().find(path);
                    let Some(node) = node else {
                        panic!("its path leads nowhere: {found:?}");
                    };
                    assert_eq!(node.text().unwrap_or_default(), text, "{found:?}");
                    let span = &node.resolve().node().span;
                    assert!(bytes.get(span.clone()).is_some(), "{span:?}: {found:?}");
                    let pair = pair.iter().flat_map(|pair| [&pair.tag, &pair.digest]);
                    let pair = pair.flatten().map(|text| format!("@{text}"));
                    format!("{text}{}", pair.collect::<String>())
                }
            };
            let version = found.version.as_ref().map_or("", Version::as_str);
            assert!(said.contains(version), "{found:?}");
        }
    }

    /// Changes one cell: refused, or that cell says it, and nothing else changes but what is read from the same place.
    fn changed(&self, files: &Files, before: &Desired, key: &CellKey, version: Option<&Version>) {
        let read = |_: &Origin, path: &RepoPath| files.get(path).cloned();
        let Ok(edits) = edit_cell(&self.layouts, before, key, version, &read) else {
            return;
        };
        let mut edited = files.clone();
        for edit in &edits {
            assert_eq!(files.get(&edit.path), Some(&edit.before));
            assert_ne!(edit.before, edit.after);
            edited.insert(edit.path.clone(), edit.after.clone());
            self.only_its_places(edit, before, key, version);
        }
        let after = self.desired(&edited);
        for (other, cell) in &before.cells {
            let now = after.cells.get(other);
            if other == key {
                let says = now.and_then(|cell| cell.version.as_ref());
                let inherited = now.is_some_and(|cell| cell.inherited);
                match version {
                    Some(version) => assert!(
                        says.is_some_and(|says| version == says
                            || version.as_str().ends_with(&format!("@{says}"))),
                        "{key} is set to {version:?}, says {says:?}: {edits:?}"
                    ),
                    None => assert!(
                        inherited || says.is_none(),
                        "{key} says {says:?}: {edits:?}"
                    ),
                }
                continue;
            }
            // What is read from the same place moves with it; that the plan says so is tested there.
            let own = before.cells.get(key).map_or(&[][..], |own| &own.sources);
            if cell.sources.iter().any(|source| own.contains(source)) {
                continue;
            }
            assert_eq!(
                now.and_then(|cell| cell.version.as_ref()),
                cell.version.as_ref(),
                "{other} by setting {key} to {version:?}: {edits:?}"
            );
        }
        for other in after.cells.keys() {
            assert!(
                before.cells.contains_key(other),
                "{other} by setting {key} to {version:?}: {edits:?}"
            );
        }
    }

    /// Nodes that changed said the old version and say the new one, or stand beside one that does.
    fn only_its_places(
        &self,
        edit: &FileEdit,
        before: &Desired,
        key: &CellKey,
        version: Option<&Version>,
    ) {
        let (old, new) = (
            self.texts(edit, &edit.before),
            self.texts(edit, &edit.after),
        );
        if let (Some(old), Some(new)) = (old, new) {
            assert_eq!(
                between(&edit.before, &old),
                between(&edit.after, &new),
                "{edit:?}"
            );
            // Of a text it is not known what its nodes are.
            return;
        }
        let (Ok(old), Ok(new)) = (manifest::parse(&edit.before), manifest::parse(&edit.after))
        else {
            return;
        };
        let (old, new) = (flat(&old), flat(&new));
        let was = before.version(key).map_or("", Version::as_str);
        let is = version.map_or("", Version::as_str);
        for (path, says) in &new {
            let Some(said) = old.get(path).filter(|said| *said != says) else {
                continue;
            };
            let scalar = says.starts_with('=') && (said.starts_with('=') || said == "null");
            if scalar {
                let is_part = is.split('@').any(|part| says.contains(part));
                assert!(
                    is_part || was.split('@').any(|part| said.contains(part)),
                    "{path}: {said} became {says} by {was} → {is}: {edit:?}"
                );
            }
        }
        let places = |bytes: &[u8]| self.found(&edit.path, bytes).len();
        if self.layouts.layouts.iter().all(|layout| {
            layout
                .levels
                .iter()
                .all(|level| level.matching.is_none() && !level.first)
        }) && version.is_some()
        {
            assert!(
                places(&edit.after) >= places(&edit.before),
                "a place is gone: {edit:?}"
            );
        }
    }
}

/// What stands before, between and behind `places`.
fn between<'b>(bytes: &'b [u8], places: &[Range<usize>]) -> Vec<&'b [u8]> {
    let ends = std::iter::once(0).chain(places.iter().map(|place| place.end));
    let starts = places.iter().map(|place| place.start);
    ends.zip(starts.chain([bytes.len()]))
        .map(|(end, start)| &bytes[end..start])
        .collect()
}

/// Whether `line` is one of the lines of `bytes`, however they end.
fn is_line(line: u32, bytes: &[u8]) -> bool {
    let ends = bytes
        .iter()
        .filter(|byte| matches!(byte, b'\n' | b'\r'))
        .count();
    line >= 1 && usize::try_from(line).is_ok_and(|line| line <= ends + 1)
}

fn flat(yaml: &manifest::Yaml<'_>) -> Flat {
    let mut all = BTreeMap::new();
    for (index, document) in yaml.documents.iter().enumerate() {
        flatten(index, document.root(), &mut Vec::new(), &mut all);
    }
    all
}

fn flatten(document: usize, node: NodeRef<'_>, path: &mut NodePath, all: &mut Flat) {
    let says = match &node.node().kind {
        NodeKind::Null => "null".to_owned(),
        NodeKind::Scalar { text, .. } => format!("={text}"),
        NodeKind::Alias { .. } => "alias".to_owned(),
        NodeKind::Sequence { .. } => "sequence".to_owned(),
        NodeKind::Mapping { .. } => "mapping".to_owned(),
    };
    let mut at = format!("{document} {path:?}");
    while all.contains_key(&at) {
        at.push('+');
    }
    all.insert(at, says);
    if node.is_alias() {
        return;
    }
    for (key, value) in node.own_entries() {
        if let Some(key) = key.text() {
            path.push(Step::Key(key.to_owned()));
            flatten(document, value, path, all);
            path.pop();
        }
    }
    for (index, item) in node.items().enumerate() {
        path.push(Step::Index(index));
        flatten(document, item, path, all);
        path.pop();
    }
}

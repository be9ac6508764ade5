//! Containers that run one image: init containers, ephemeral containers, helpers, other objects of the same file.
//!
//! They run what the cell's container runs. Where one of them says the same version, it moves along; where it says another,
//! nobody knows which of the two is the cell's.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    bindings::Bindings,
    compile::Layout,
    level::Level,
    objects::objects,
    part::{Part, image_name},
    set::LayoutFacts,
};
use crate::domain::{
    grammar::Grammar,
    ids::CellKey,
    manifest::{NodePath, NodeRef, Step, Yaml},
    unread::Unread,
};

/// The lists of a pod's containers.
const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// One container's image.
pub(super) struct Container<'t> {
    /// The document's index.
    pub(super) document: usize,
    /// The image's scalar.
    pub(super) path: NodePath,
    pub(super) node: NodeRef<'t>,
    /// The image's name, and what stands behind it.
    name: &'t str,
    pub(super) version: &'t str,
    /// The names of the object that it is of, where these make the row: another object is another row.
    names: Vec<&'t str>,
}

/// Another version of the image that a cell's container runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Other {
    /// The line it stands on, from 1.
    pub(super) line: u32,
    /// What is said there; empty where the image has no tag.
    pub(super) version: String,
}

/// The containers of a file, aliases not followed.
pub(super) struct Containers<'t> {
    pub(super) all: Vec<Container<'t>>,
    /// Those that run one image, in file order: by the object's name, where that makes the row, and the image's.
    groups: HashMap<(Option<&'t str>, &'t str), Vec<usize>>,
}

impl<'t> Containers<'t> {
    /// The containers of a file as `level` reads it. Where several may be one cell's, all of them are noted as read.
    pub(super) fn of(yaml: &'t Yaml<'_>, level: &Level) -> Self {
        let mut all: Vec<Container<'t>> = Vec::new();
        for object in objects(yaml, level) {
            let (document, root) = (object.document, object.root);
            let reads = &root.document().reads;
            let mut found = Vec::new();
            reads.aside(|| images(root, &mut object.within().to_vec(), &mut found));
            if found.is_empty() {
                continue;
            }
            let names = level.name.iter();
            let names = names.flat_map(|name| name.find(root, &Bindings::default()));
            let mut names: Vec<&str> = names.filter_map(|found| found.node.text()).collect();
            names.sort_unstable();
            names.dedup();
            all.extend(found.into_iter().map(|(path, node)| {
                let image = reads.aside(|| node.text()).unwrap_or_default();
                let (name, version) = image.split_at(image_name(image).len());
                Container {
                    document,
                    path,
                    node,
                    name,
                    version: version.trim_start_matches([':', '@']),
                    names: names.clone(),
                }
            }));
        }
        let mut groups: HashMap<_, Vec<usize>> = HashMap::new();
        let mut of_name: HashMap<&str, usize> = HashMap::new();
        for (at, one) in all.iter().enumerate() {
            for name in &one.names {
                groups.entry((Some(*name), one.name)).or_default().push(at);
                *of_name.entry(name).or_default() += 1;
            }
            if level.name.is_none() {
                groups.entry((None, one.name)).or_default().push(at);
            }
        }
        for one in &all {
            let is_one_of_several = match level.name {
                None => all.len() > 1,
                Some(_) => one.names.iter().any(|name| of_name[name] > 1),
            };
            if is_one_of_several {
                one.node.document().reads.decides(one.node.id());
            }
        }
        Self { all, groups }
    }

    /// The containers that run the image of `own`, itself too, for what has its name.
    pub(super) fn like<'a>(&'a self, level: &Level, own: &Own<'_>) -> Vec<&'a Container<'t>> {
        let group = self.groups.get(&own.group(level));
        let group = group.map_or(&[][..], Vec::as_slice);
        group.iter().map(|at| &self.all[*at]).collect()
    }
}

impl Container<'_> {
    /// Where its image stands: the document's index, and the path in it.
    pub(super) fn position(&self) -> (usize, &[Step]) {
        (self.document, &self.path)
    }

    /// Whether something is said that is a version, or none is.
    fn is_read(&self) -> bool {
        self.version.is_empty() || Unread::of(self.version, Grammar::Image).is_none()
    }
}

/// The container of a cell, which may be reached through an alias or a merge key.
pub(super) struct Own<'a> {
    /// The image's text.
    pub(super) image: &'a str,
    pub(super) bindings: &'a Bindings,
}

impl<'a> Own<'a> {
    /// What tells apart which containers run the same image.
    pub(super) fn group(&self, level: &Level) -> (Option<&'a str>, &'a str) {
        let of = self.bindings.get("name").filter(|_| level.name.is_some());
        (of, image_name(self.image))
    }
}

/// A container's image that a layout found as the place of a version.
pub(super) struct Run {
    /// Which fact of which entry; `None` of what is set aside.
    pub(super) fact: Option<(usize, usize)>,
    /// The compiled layout, and its level.
    pub(super) level: (usize, usize),
    pub(super) document: usize,
    pub(super) path: NodePath,
    pub(super) image: String,
    pub(super) borrowed: bool,
    /// Whose it is.
    pub(super) cell: Option<CellKey>,
}

/// Whose the containers of a file are: by the document's index and the path of the image.
#[derive(Default)]
pub(super) struct Cells(HashMap<usize, HashMap<NodePath, Vec<CellKey>>>);

impl Cells {
    pub(super) fn of(runs: &[Run]) -> Self {
        let mut all = Self::default();
        for run in runs {
            let document = all.0.entry(run.document).or_default();
            let known = document.entry(run.path.clone()).or_default();
            known.extend(run.cell.clone().filter(|cell| !known.contains(cell)));
        }
        all
    }

    fn at(&self, container: &Container<'_>) -> &[CellKey] {
        let (document, path) = container.position();
        let found = self.0.get(&document).and_then(|all| all.get(path));
        found.map_or(&[], Vec::as_slice)
    }

    /// Whether a container is another cell's, and not this one's: that one has a version of its own.
    pub(super) fn is_of_another(&self, container: &Container<'_>, key: &CellKey) -> bool {
        let cells = self.at(container);
        let is_own = |cell: &CellKey| {
            let any_column = cell.environment.as_str().is_empty();
            cell.service == key.service && (any_column || cell.environment == key.environment)
        };
        !cells.is_empty() && !cells.iter().any(is_own)
    }
}

/// What the containers of a file say, as one level reads it.
struct Said<'t, 'c> {
    containers: Containers<'t>,
    positions: HashSet<(usize, NodePath)>,
    /// All of them are noted as read.
    noted: bool,
    /// By group, and whose they are (nobody's, or a cell's): the first two containers that say different versions.
    versions: HashMap<(Option<&'t str>, &'t str), Differing<'c>>,
}

type Differing<'c> = HashMap<Option<&'c CellKey>, (usize, Option<usize>)>;

impl<'t, 'c> Said<'t, 'c> {
    fn of(yaml: &'t Yaml<'_>, level: &Level, cells: &'c Cells) -> Self {
        let containers = Containers::of(yaml, level);
        let all = &containers.all;
        let mut versions: HashMap<_, Differing<'c>> = HashMap::new();
        for (group, members) in &containers.groups {
            let differing = versions.entry(*group).or_default();
            for at in members.iter().filter(|at| all[**at].is_read()) {
                let owners = cells.at(&all[*at]);
                let nobody = owners.is_empty().then_some(None);
                for owner in owners.iter().map(Some).chain(nobody) {
                    let known = differing.entry(owner).or_insert((*at, None));
                    if known.1.is_none() && all[known.0].version != all[*at].version {
                        known.1 = Some(*at);
                    }
                }
            }
        }
        let positions = all.iter().map(|it| (it.document, it.path.clone()));
        Self {
            positions: positions.collect(),
            versions,
            containers,
            noted: false,
        }
    }

    /// The first container of the same cell that says another version than this one.
    fn other(&self, level: &Level, own: &Own<'_>, cell: Option<&CellKey>) -> Option<Other> {
        let version = own.image[image_name(own.image).len()..].trim_start_matches([':', '@']);
        let differing = self.versions.get(&own.group(level))?;
        let nobodys = differing.get(&None);
        let own = cell.and_then(|cell| differing.get(&Some(cell)));
        let known = nobodys.into_iter().chain(own);
        let found = known.flat_map(|(first, second)| [Some(*first), *second]);
        let others = found
            .flatten()
            .filter(|at| self.containers.all[*at].version != version);
        let other = &self.containers.all[others.min()?];
        Some(Other {
            line: other.node.line(),
            version: other.version.to_owned(),
        })
    }
}

/// Finds, of each fact that is a container's image, a container of the same cell that runs the image as another version.
/// What is filled in later is no other version. What was read to tell is noted.
pub(super) fn contradictions(
    yaml: &Yaml<'_>,
    layouts: &[Layout],
    runs: &[Run],
    entries: &mut [LayoutFacts],
) {
    let cells = Cells::of(runs);
    let mut levels: HashMap<(usize, usize), Said<'_, '_>> = HashMap::new();
    for run in runs {
        let level = &layouts[run.level.0].levels[run.level.1];
        let said = levels
            .entry(run.level)
            .or_insert_with(|| Said::of(yaml, level, &cells));
        let all = &said.containers.all;
        let found = yaml.documents.get(run.document);
        let node = found.and_then(|found| found.root().find(&run.path));
        if let Some(node) = node.filter(|_| run.borrowed && !all.is_empty()) {
            node.document().reads.decides(node.resolve().id());
        }
        let fact = run
            .fact
            .and_then(|(entry, fact)| entries.get_mut(entry)?.facts.get_mut(fact));
        let Some(fact) = fact
            .and_then(Arc::get_mut)
            .filter(|fact| fact.version.is_some())
        else {
            continue;
        };
        if !said.positions.contains(&(run.document, run.path.clone())) && !said.noted {
            for other in all {
                other.node.document().reads.decides(other.node.id());
            }
            said.noted = true;
        }
        let own = Own {
            image: &run.image,
            bindings: &fact.bindings,
        };
        fact.other = said.other(level, &own, run.cell.as_ref()).map(Box::new);
    }
}

/// A version that may be none, in words.
pub(super) fn or_none(version: &str) -> &str {
    if version.is_empty() {
        "no tag"
    } else {
        version
    }
}

impl Level {
    /// Whether a place of it is a container's image.
    pub(super) fn is_container(&self, path: &[Step]) -> bool {
        matches!(self.part, Part::Tag(_)) && is_container(path)
    }
}

/// Whether a path leads to a container's image.
fn is_container(path: &[Step]) -> bool {
    matches!(path, [.., Step::Key(list), Step::Index(_), Step::Key(key)]
        if key == "image" && LISTS.contains(&list.as_str()))
}

/// Every image of a container below a node, aliases not followed.
fn images<'t>(node: NodeRef<'t>, path: &mut NodePath, all: &mut Vec<(NodePath, NodeRef<'t>)>) {
    if node.is_alias() {
        return;
    }
    if is_container(path) {
        if node.text().is_some() {
            all.push((path.clone(), node));
        }
        return;
    }
    for (key, value) in node.own_entries() {
        path.push(Step::Key(key.text().unwrap_or_default().to_owned()));
        images(value, path, all);
        path.pop();
    }
    for (index, item) in node.items().enumerate() {
        path.push(Step::Index(index));
        images(item, path, all);
        path.pop();
    }
}

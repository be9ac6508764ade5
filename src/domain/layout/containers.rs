//! Containers that run one image: init containers, ephemeral containers, helpers, other objects of the same file.
//!
//! They run what the cell's container runs. Where one of them says the same version, it moves along; where it says another,
//! nobody knows which of the two is the cell's.

use super::{
    bindings::Bindings,
    level::Level,
    objects::objects,
    part::{Part, image_name},
};
use crate::domain::{
    grammar::Grammar,
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

/// The containers of a file, aliases not followed. Where several may be one cell's, all of them are noted as read.
pub(super) fn all<'t>(yaml: &'t Yaml<'_>, level: &Level) -> Vec<Container<'t>> {
    let mut all = Vec::new();
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
        let names: Vec<&str> = names.filter_map(|found| found.node.text()).collect();
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
    for (at, one) in all.iter().enumerate() {
        let mut others = all.iter().enumerate();
        if others.any(|(other, it)| other != at && one.may_be_of(level, it)) {
            one.node.document().reads.decides(one.node.id());
        }
    }
    all
}

impl Container<'_> {
    fn may_be_of(&self, level: &Level, other: &Self) -> bool {
        level.name.is_none() || self.names.iter().any(|name| other.names.contains(name))
    }

    /// Whether its image stands at this place.
    pub(super) fn is_at(&self, document: usize, path: &[Step]) -> bool {
        self.document == document && self.path == path
    }
}

/// The container of a cell, which may be reached through an alias or a merge key.
pub(super) struct Own<'a> {
    pub(super) document: usize,
    pub(super) path: &'a [Step],
    /// The image's text.
    pub(super) image: &'a str,
    pub(super) bindings: &'a Bindings,
}

impl Own<'_> {
    /// The containers that run the same image for the same cell.
    pub(super) fn others<'a, 't>(
        &self,
        level: &Level,
        all: &'a [Container<'t>],
    ) -> Vec<&'a Container<'t>> {
        let of = self.bindings.get("name").filter(|_| level.name.is_some());
        let name = image_name(self.image);
        let others = all.iter().filter(|other| {
            let same = of.is_none_or(|of| other.names.contains(&of));
            same && !other.is_at(self.document, self.path) && other.name == name
        });
        others.collect()
    }

    /// The first of the others that says another version than this one. What is filled in later is no other version.
    pub(super) fn contradicted(&self, level: &Level, all: &[Container<'_>]) -> Option<Other> {
        let own = self.image[image_name(self.image).len()..].trim_start_matches([':', '@']);
        let others = self.others(level, all);
        others.into_iter().find_map(|other| {
            let said = other.version;
            let is_read = said.is_empty() || Unread::of(said, Grammar::Image).is_none();
            (said != own && is_read).then(|| Other {
                line: other.node.line(),
                version: said.to_owned(),
            })
        })
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

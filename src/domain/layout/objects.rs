//! The objects of a file: one in each document, or those that a `kind: List` holds.

use super::{level::Level, locator::Match};
use crate::domain::manifest::{NodePath, NodeRef, Step, Yaml};

/// One object.
#[derive(Clone)]
pub(crate) struct Object<'t> {
    /// The document's index.
    pub(crate) document: usize,
    /// Its own root.
    pub(crate) root: NodeRef<'t>,
    /// Where that is in the document.
    within: NodePath,
    /// It is reached through an alias.
    borrowed: bool,
}

/// The objects of a file. A list is one where a level does not ask for objects by their kind, or for this very kind.
pub(crate) fn objects<'t>(yaml: &'t Yaml<'_>, level: &Level) -> Vec<Object<'t>> {
    let mut all = Vec::new();
    for (document, tree) in yaml.documents.iter().enumerate() {
        let object = Object {
            document,
            root: tree.root(),
            within: NodePath::new(),
            borrowed: false,
        };
        add(object, level, &mut all);
    }
    all
}

/// Adds an object, or what it lists: `kubectl get -o yaml` writes lists, of lists too.
fn add<'t>(object: Object<'t>, level: &Level, all: &mut Vec<Object<'t>>) {
    if level.kinds.is_empty() {
        all.push(object);
        return;
    }
    let kind = object.root.get("kind").and_then(|found| found.value.text());
    let items = object.root.get("items").map(|found| found.value);
    let items = items.filter(|items| items.is_sequence() && !object.borrowed);
    match (kind, items) {
        (Some(kind), Some(items)) if kind.ends_with("List") && !level.is_of(kind) => {
            for (index, root) in items.items().enumerate() {
                let mut within = object.within.clone();
                within.extend([Step::Key("items".to_owned()), Step::Index(index)]);
                let borrowed = items.is_alias() || root.is_alias();
                let item = Object {
                    root,
                    within,
                    borrowed,
                    ..object
                };
                add(item, level, all);
            }
        }
        _ => all.push(object),
    }
}

impl Object<'_> {
    /// Makes what was found below its root a place of the document.
    pub(crate) fn complete(&self, matched: &mut Match<'_>) {
        if self.within.is_empty() {
            return;
        }
        matched.path.splice(..0, self.within.iter().cloned());
        matched.borrowed |= self.borrowed;
    }

    /// Whether a list holds it.
    pub(crate) fn is_listed(&self) -> bool {
        !self.within.is_empty()
    }

    /// Where its root is in the document.
    pub(crate) fn within(&self) -> &[Step] {
        &self.within
    }
}

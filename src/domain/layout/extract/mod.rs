//! What one file says: every place in it where a layout finds a version.

mod scalars;
mod text;

use std::{ops::Range, sync::Arc};

use scalars::tree;
use text::text;

use super::{
    bindings::Bindings,
    containers::Own,
    level::{Finder, Level},
    locator::{Doubled, Locator, Step},
    objects::{Object, objects},
    pair::Pair,
    preset,
};
use crate::domain::{
    manifest::{self, ManifestError, NodePath, NodeRef, ScalarType, Yaml},
    unread::Unread,
    version::Version,
};

/// One place in a file, with what it declares.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    /// Everything captured on the way, of the path too.
    pub(crate) bindings: Bindings,
    /// What stands there; `None` for null and empty, and for what is no version.
    pub(crate) version: Option<Version>,
    /// Something stands there that is no version, and why it is none.
    pub(crate) unread: Option<(Unread, String)>,
    /// The line, from 1.
    pub(crate) line: u32,
    /// Where exactly.
    pub(crate) place: Place,
    /// The line of an earlier key of the same name.
    pub(crate) duplicate: Option<Doubled>,
    /// What a reader of YAML takes the scalar for.
    pub(crate) scalar: Option<ScalarType>,
    /// The version's own bytes in the file; `None` where it is reached through an alias, or is not told apart there.
    pub(crate) bytes: Option<Range<usize>>,
}

/// Where exactly a version stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Place {
    /// In a scalar of the tree.
    Scalar {
        /// The document's index.
        document: usize,
        /// The scalar.
        path: NodePath,
        /// All of its text, of which the version may be a part.
        text: String,
        /// Whether it is reached through an alias or a merge key.
        borrowed: bool,
        /// The document's index and the scalar whose text is the document that `document` and `path` are of, where the
        /// version stands in a text inside the file.
        within: Option<Box<(usize, NodePath)>>,
        /// The tag and the digest that stand side by side.
        pair: Option<Box<Pair>>,
        /// The comment behind it.
        comment: Option<String>,
        /// The other fields of the item, where it stands in a sequence.
        siblings: Vec<(String, String)>,
    },
    /// In the text.
    Text {
        /// The bytes of the group `v`.
        range: Range<usize>,
        /// What it matched, of which the version may be a part.
        text: String,
        /// The digest that the same image policy marks.
        digest: Option<String>,
    },
}

impl Found {
    /// What it is among containers, if it is one's image.
    pub(in crate::domain::layout) fn container(&self) -> Option<Own<'_>> {
        let Place::Scalar {
            text, within: None, ..
        } = &self.place
        else {
            return None;
        };
        Some(Own {
            image: text,
            bindings: &self.bindings,
        })
    }
}

/// What a level finds in a file.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// The places, in file order.
    pub(crate) found: Vec<Found>,
    /// Places that a preset reads where something is written out, and that hold what is filled in later: they are the
    /// version's if nothing else of the preset is.
    pub(crate) aside: Vec<Found>,
    /// Texts inside the file that were to be read and cannot be.
    pub(crate) unreadable: Vec<ManifestError>,
    /// Whether the file is one of the level's at all: it has a document of the kind and name asked for.
    pub(crate) applies: bool,
}

/// A file that is read at most once, however many layouts look at it.
pub(crate) struct File<'b> {
    bytes: &'b [u8],
    yaml: Option<Result<Yaml<'b>, ManifestError>>,
    /// Whether to note which scalars are read.
    noted: bool,
    /// Whether it was read as text.
    as_text: bool,
}

impl<'b> File<'b> {
    /// A file of these bytes.
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self {
            bytes,
            yaml: None,
            noted: false,
            as_text: false,
        }
    }

    /// What is in it.
    pub(crate) fn bytes(&self) -> &'b [u8] {
        self.bytes
    }

    /// The same, noting which scalars are read.
    pub(crate) fn noted(bytes: &'b [u8]) -> Self {
        Self {
            noted: true,
            ..Self::new(bytes)
        }
    }

    /// Its tree, where it was looked into and is one.
    pub(crate) fn tree(&self) -> Option<&Yaml<'b>> {
        self.yaml.as_ref()?.as_ref().ok()
    }

    /// Its tree with what was read of it, where nothing else was looked at.
    pub(crate) fn tree_alone(&self) -> Option<&Yaml<'b>> {
        self.tree().filter(|_| !self.as_text)
    }

    /// What `level` finds in it; `bound` is what its path captured.
    ///
    /// # Errors
    /// Why the file cannot be read.
    pub(crate) fn look(
        &mut self,
        level: &Level,
        bound: &Bindings,
    ) -> Result<Findings, ManifestError> {
        manifest::refuse_encrypted(self.bytes)?;
        match &level.finder {
            Finder::Text(regex) => {
                self.as_text = true;
                text(self.bytes, level, regex, bound)
            }
            Finder::Tree(locator) => {
                let yaml = self
                    .yaml
                    .get_or_insert_with(|| {
                        let mut yaml = manifest::parse(self.bytes)?;
                        if self.noted {
                            yaml.note_reads();
                        }
                        Ok(yaml)
                    })
                    .as_ref()
                    .map_err(Clone::clone)?;
                match no_mapping(yaml, level, locator) {
                    Some(error) => Err(error),
                    None => Ok(tree(yaml, level, locator, bound)),
                }
            }
        }
    }
}

/// Why a file in which keys are looked for has none: all that stands in it is text. A comment as JavaScript has them makes
/// such a text of a whole JSON file.
fn no_mapping(yaml: &Yaml<'_>, level: &Level, locator: &Locator) -> Option<ManifestError> {
    let by_key = matches!(
        locator.steps().first(),
        Some(Step::Key(_) | Step::KeyLike(_))
    );
    if !by_key || !level.kinds.is_empty() || level.name.is_some() {
        return None;
    }
    let is_text = |node: NodeRef<'_>| {
        let text = node.text().map(str::trim);
        !node.is_template() && text.is_some_and(|text| !text.is_empty())
    };
    let mut roots = yaml.documents.iter().map(|document| document.root());
    let first = roots.next()?;
    if !is_text(first) || !roots.all(is_text) {
        return None;
    }
    let comment = first
        .text()
        .is_some_and(|text| text.trim().starts_with("//"));
    let why = if comment {
        "`//` begins no comment here, so that the whole file is read as a text: take that line out"
    } else {
        "the file is a text without any key: mend the file, or look at the layout's `path`"
    };
    Some(ManifestError::at(first.line(), why))
}

/// The documents that `level` looks at, with what `{name}` captures in each.
pub(crate) fn documents<'t>(
    yaml: &'t Yaml<'_>,
    level: &Level,
    bound: &Bindings,
) -> Vec<(Object<'t>, Bindings)> {
    let mut documents = Vec::new();
    for object in objects(yaml, level) {
        let root = object.root;
        let of_kind = level.kinds.is_empty() || {
            let kind = root.get("kind").and_then(|found| found.value.text());
            kind.is_some_and(|kind| level.is_of(kind))
        };
        if !of_kind {
            continue;
        }
        match &level.name {
            None => documents.push((object, bound.clone())),
            Some(name) => {
                for found in name.find(root, bound) {
                    let mut bound = found.bindings;
                    if let Some(text) = found.node.text()
                        && bound.bind(&Arc::from("name"), text)
                    {
                        documents.push((object.clone(), bound));
                    }
                }
            }
        }
    }
    documents
}

impl Level {
    /// Why `text`, which stands in one of its places, is no version.
    pub(in crate::domain::layout) fn unread(
        &self,
        captured: &Bindings,
        text: &str,
    ) -> Option<Unread> {
        let subject = self.subject(captured, Some(&Version::from(text)));
        Unread::of(text, self.grammar(subject, captured, Some(text)))
    }

    /// Whether a preset wants what is written out here, and nothing that is filled in later.
    fn wants_literals(&self) -> bool {
        let matching = self.matching.as_ref();
        matching.is_some_and(|regex| preset::is_literal(regex.as_str()))
    }

    /// Whether a value counts as a version. Nothing at all does: the place is there.
    pub(in crate::domain::layout) fn accepts(&self, version: Option<&Version>) -> bool {
        match (&self.matching, version) {
            (Some(regex), Some(version)) => regex.is_match(version.as_str()),
            (Some(_), None) => false,
            (None, _) => true,
        }
    }
}

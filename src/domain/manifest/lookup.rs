//! Reading a document: paths, keys and items, with aliases and merge keys followed.

use super::{
    merge,
    scalar::{ScalarType, scalar_type},
    tree::{Document, Node, NodeId, NodeKind, ScalarStyle, Step},
};

/// A node in its document. Accessors for content follow an alias; [`NodeRef::node`] does not.
#[derive(Clone, Copy, Debug)]
pub struct NodeRef<'t> {
    document: &'t Document<'t>,
    id: NodeId,
}

/// What a key of a mapping leads to.
#[derive(Clone, Copy, Debug)]
pub struct Found<'t> {
    /// The key as written.
    pub key: NodeRef<'t>,
    /// The value as written.
    pub value: NodeRef<'t>,
    /// Whether it comes from another mapping through a merge key (`<<`).
    pub merged: bool,
    /// The line of an earlier key of the same text in the same mapping: loaders disagree on such a
    /// file, most take the last, as here; editing is refused.
    pub duplicate: Option<u32>,
}

/// YAML's own tags of values that people write plainly too.
const PLAIN_TAGS: [&str; 8] = [
    "str",
    "int",
    "float",
    "bool",
    "null",
    "timestamp",
    "map",
    "seq",
];

/// Whether a tag, with its `!`, is understood by its own reader alone: those of YAML itself say no more than what a scalar is.
pub(crate) fn is_foreign(tag: &str) -> bool {
    let known = tag
        .strip_prefix("!<tag:yaml.org,2002:")
        .map_or_else(|| tag.strip_prefix("!!"), |tag| tag.strip_suffix('>'));
    tag != "!" && !known.is_some_and(|tag| PLAIN_TAGS.contains(&tag))
}

impl<'t> NodeRef<'t> {
    pub(crate) fn new(document: &'t Document<'t>, id: NodeId) -> Self {
        Self { document, id }
    }

    /// Its index in the document.
    pub fn id(self) -> NodeId {
        self.id
    }

    /// Its document.
    pub fn document(self) -> &'t Document<'t> {
        self.document
    }

    /// The node as written.
    pub fn node(self) -> &'t Node<'t> {
        self.document.node(self.id)
    }

    /// Its line, from 1; of an alias the line of the alias itself.
    pub fn line(self) -> u32 {
        self.node().line
    }

    /// Whether it is written as an alias (`*name`).
    pub fn is_alias(self) -> bool {
        matches!(self.node().kind, NodeKind::Alias { .. })
    }

    /// The node that an alias stands for, itself otherwise.
    #[must_use]
    pub fn resolve(self) -> Self {
        match self.node().kind {
            NodeKind::Alias { target } => Self::new(self.document, target),
            _ => self,
        }
    }

    /// The text of a scalar; `None` for null and collections.
    pub fn text(self) -> Option<&'t str> {
        let node = self.resolve();
        match &node.node().kind {
            NodeKind::Scalar { text, .. } => {
                node.document.reads.note(node.id);
                Some(text)
            }
            _ => None,
        }
    }

    /// Whether it says nothing: empty, `~`, `null`.
    pub fn is_null(self) -> bool {
        matches!(self.resolve().node().kind, NodeKind::Null)
    }

    /// Whether it is a mapping.
    pub fn is_mapping(self) -> bool {
        matches!(self.resolve().node().kind, NodeKind::Mapping { .. })
    }

    /// Whether it is a sequence.
    pub fn is_sequence(self) -> bool {
        matches!(self.resolve().node().kind, NodeKind::Sequence { .. })
    }

    /// Whether it is a template's expression (`tag: {{ .Values.tag }}`), which YAML reads as a mapping
    /// with a mapping for its key: there is no value here to read or to set.
    pub fn is_template(self) -> bool {
        let mut entries = self.own_entries();
        let only = entries.next().filter(|_| entries.len() == 0);
        only.is_some_and(|(key, value)| {
            let braces = |node: NodeRef<'_>| {
                matches!(node.node().kind, NodeKind::Mapping { flow: true, .. })
            };
            braces(self)
                && braces(key)
                && value.is_null()
                && key.node().outer_start == self.node().span.start + 1
        })
    }

    /// The tag of a value that only its own reader understands, such as `!Ref` and `!ENV`: what is written is not what will
    /// be there. Those of YAML itself say no more than what a scalar is.
    pub fn foreign_tag(self) -> Option<&'t str> {
        self.resolve().node().tag.filter(|tag| is_foreign(tag))
    }

    /// What a YAML reader would take a scalar for: quoted and tagged `!!str` ones are text.
    pub fn scalar_type(self) -> Option<ScalarType> {
        let node = self.resolve().node();
        match &node.kind {
            NodeKind::Null => Some(ScalarType::Null),
            NodeKind::Scalar {
                text,
                style: ScalarStyle::Plain,
            } if node.tag.is_none() => Some(scalar_type(text)),
            NodeKind::Scalar { .. } => Some(ScalarType::Text),
            _ => None,
        }
    }

    /// The items of a sequence; none of anything else.
    pub fn items(self) -> impl ExactSizeIterator<Item = NodeRef<'t>> + use<'t> {
        let items: &[NodeId] = match &self.resolve().node().kind {
            NodeKind::Sequence { items, .. } => items,
            _ => &[],
        };
        items.iter().map(move |id| Self::new(self.document, *id))
    }

    /// The entries written in a mapping itself, in order, merge keys not followed.
    pub fn own_entries(
        self,
    ) -> impl ExactSizeIterator<Item = (NodeRef<'t>, NodeRef<'t>)> + use<'t> {
        let entries: &[_] = match &self.resolve().node().kind {
            NodeKind::Mapping { entries, .. } => entries,
            _ => &[],
        };
        entries.iter().map(move |entry| {
            (
                Self::new(self.document, entry.key),
                Self::new(self.document, entry.value),
            )
        })
    }

    /// Every key with a scalar text that a mapping has, its own first, then those that merge keys
    /// bring in; each key once.
    pub fn entries(self) -> Vec<Found<'t>> {
        merge::entries(self)
    }

    /// The value of a key, its own or through a merge key.
    pub fn get(self, key: &str) -> Option<Found<'t>> {
        merge::get(self, key)
    }

    /// The node at a path from here, aliases and merge keys followed.
    pub fn find(self, path: &[Step]) -> Option<NodeRef<'t>> {
        path.iter().try_fold(self, |node, step| match step {
            Step::Key(key) => node.get(key).map(|found| found.value),
            Step::Index(index) => node.items().nth(*index),
        })
    }

    /// The lines of the aliases that stand for this node: they change with it.
    pub fn alias_lines(self) -> Vec<u32> {
        let nodes = self.document.nodes.iter();
        nodes
            .filter(|node| matches!(node.kind, NodeKind::Alias { target } if target == self.id))
            .map(|node| node.line)
            .collect()
    }
}

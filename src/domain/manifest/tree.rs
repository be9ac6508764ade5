//! The tree of a YAML file: an arena of nodes per document, each with the bytes it was written with.

use std::{borrow::Cow, ops::Range};

use super::{
    lines::{line_end, line_start},
    lookup::NodeRef,
    reads::Reads,
};

/// All documents of a file, borrowing its text.
#[derive(Clone, Debug)]
pub struct Yaml<'a> {
    /// In file order; an empty file has none, `---` alone has one whose root is null.
    pub documents: Vec<Document<'a>>,
    /// All comments, in file order.
    pub comments: Vec<Comment>,
    pub(crate) text: &'a str,
}

/// One document of a file.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    /// Every node of the document, in file order; index with a [`NodeId`].
    pub nodes: Vec<Node<'a>>,
    /// Where content may begin: after the `---` marker, else the start of the document.
    pub start: usize,
    /// Whether a `---` marker starts it.
    pub explicit: bool,
    pub(crate) reads: Reads,
}

/// An index into [`Document::nodes`]. The root is always 0.
pub type NodeId = usize;

/// One node as written: an alias is not followed here, a merge key is an ordinary key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node<'a> {
    /// The line of the value's first byte, from 1; for an empty value the line of its `:` or `-`.
    pub line: u32,
    /// Bytes of the value token with its quotes, without anchor and tag. Of a block scalar its
    /// content, without the header and trailing blank lines; of a collection everything in it; of an
    /// empty value the empty range behind its `:`, `-`, anchor or tag.
    pub span: Range<usize>,
    /// Where its anchor or tag begins; `span.start` where it has neither.
    pub outer_start: usize,
    /// What it is.
    pub kind: NodeKind<'a>,
    /// Its tag as written, such as `!!str`.
    pub tag: Option<&'a str>,
    /// The name of its anchor, without `&`.
    pub anchor: Option<Cow<'a, str>>,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeKind<'a> {
    /// Nothing, `~` or `null`, without a tag that makes it a string.
    Null,
    /// Any other scalar.
    Scalar {
        /// What the source means as text: unescaped and unfolded, never read as a number.
        text: Cow<'a, str>,
        /// How it is written.
        style: ScalarStyle,
    },
    /// `- a` or `[a]`.
    Sequence {
        /// Whether in brackets.
        flow: bool,
        /// In order.
        items: Vec<NodeId>,
    },
    /// `a: b` or `{a: b}`.
    Mapping {
        /// Whether in flow style. A lone pair in a flow sequence has no braces of its own.
        flow: bool,
        /// In order, duplicates and merge keys included.
        entries: Vec<MappingEntry>,
    },
    /// `*name`, which stands for another node of the document.
    Alias {
        /// That node.
        target: NodeId,
    },
}

/// One key of a mapping, with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MappingEntry {
    /// The key.
    pub key: NodeId,
    /// The value.
    pub value: NodeId,
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarStyle {
    /// `v1`
    Plain,
    /// `'v1'`
    SingleQuoted,
    /// `"v1"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// One comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Its line, from 1.
    pub line: u32,
    /// Its bytes, with the `#`, without the line break.
    pub span: Range<usize>,
}

/// One step of a path through a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The value of this key.
    Key(String),
    /// The item at this index, from 0.
    Index(usize),
}

/// A path from a document's root.
pub type NodePath = Vec<Step>;

impl<'a> Yaml<'a> {
    /// Notes from here on which scalars are read, see [`Document::reads`].
    pub(crate) fn note_reads(&mut self) {
        for document in &mut self.documents {
            document.reads.begin(document.nodes.len());
        }
    }

    /// The comment at the end of the line on which a node's token ends (of a block scalar: begins).
    pub fn trailing_comment(&self, node: &Node<'_>) -> Option<&Comment> {
        let end = if node.is_block_scalar() {
            // A comment can only stand on the header's line, which is the one before the content.
            line_start(self.text, node.span.start).saturating_sub(1)
        } else {
            node.span.end
        };
        let line = line_start(self.text, end)..line_end(self.text, end);
        let from = if node.is_block_scalar() {
            line.start
        } else {
            end
        };
        let first = self
            .comments
            .partition_point(|comment| comment.span.start < from);
        self.comments
            .get(first)
            .filter(|comment| comment.span.start < line.end)
    }

    /// A comment's text without `#` and surrounding blanks.
    pub fn comment_text(&self, comment: &Comment) -> &'a str {
        let raw = self.text.get(comment.span.clone()).unwrap_or_default();
        raw.trim_start_matches('#').trim()
    }

    /// The source of a range of bytes.
    pub fn source(&self, span: Range<usize>) -> &'a str {
        self.text.get(span).unwrap_or_default()
    }
}

impl Yaml<'_> {
    /// The plain scalar that is written with exactly these bytes: its document and the way there.
    pub fn scalar_at(&self, range: &Range<usize>) -> Option<(usize, NodePath)> {
        fn find(node: NodeRef<'_>, range: &Range<usize>, path: &mut NodePath) -> bool {
            let own = node.node();
            let plain = matches!(
                own.kind,
                NodeKind::Scalar {
                    style: ScalarStyle::Plain,
                    ..
                }
            );
            if plain && own.span == *range {
                return true;
            }
            if node.is_alias() {
                return false;
            }
            let steps = node
                .own_entries()
                .map(|(key, value)| (Step::Key(key.text().unwrap_or_default().to_owned()), value))
                .chain(
                    node.items()
                        .enumerate()
                        .map(|(at, item)| (Step::Index(at), item)),
                );
            for (step, child) in steps {
                path.push(step);
                if find(child, range, path) {
                    return true;
                }
                path.pop();
            }
            false
        }
        self.documents
            .iter()
            .enumerate()
            .find_map(|(index, document)| {
                let mut path = Vec::new();
                let found = find(document.root(), range, &mut path);
                (found && !path.is_empty()).then_some((index, path))
            })
    }
}

impl<'a> Document<'a> {
    /// Its root node; null for an empty document.
    pub fn root(&self) -> NodeRef<'_> {
        NodeRef::new(self, 0)
    }

    /// A node by its index, for instance one kept from an earlier walk.
    pub fn at(&self, id: NodeId) -> NodeRef<'_> {
        NodeRef::new(self, id)
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node<'a> {
        &self.nodes[id]
    }
}

impl Node<'_> {
    pub(crate) fn is_block_scalar(&self) -> bool {
        matches!(
            self.kind,
            NodeKind::Scalar {
                style: ScalarStyle::Literal | ScalarStyle::Folded,
                ..
            }
        )
    }
}

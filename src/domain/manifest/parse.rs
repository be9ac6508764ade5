//! From bytes to the tree, over the parser's events.

use std::{borrow::Cow, collections::HashMap};

use granit_parser::{
    Event, Options, Parser, ScalarStyle as Style, ScanError, Span, StructureStyle,
};

use super::{
    ManifestError,
    lines::{breaks, line_end, number},
    reads::Reads,
    tree::{Comment, Document, MappingEntry, Node, NodeId, NodeKind, ScalarStyle, Yaml},
};

/// Nesting beyond which a file is refused. It bounds every recursion over the tree.
const NESTING: usize = 200;
/// Longest run of comments; the parser's own limit of 96 is too small for documented Helm values.
const COMMENT_RUN: usize = 100_000;

/// Reads all documents of a YAML or JSON file. A UTF-8 byte-order mark is allowed.
///
/// # Errors
/// Says the line and the reason where the file is not UTF-8, not YAML, or nested too deeply.
pub fn parse(bytes: &[u8]) -> Result<Yaml<'_>, ManifestError> {
    let text = decode(bytes)?;
    let mut builder = Builder::new(text);
    for event in Parser::new_from_str_with_options(text, options()) {
        let (event, span) = event.map_err(|error| explain(text, &error))?;
        builder.take(event, span)?;
    }
    let yaml = builder.finish();
    match foreign_comment(text) {
        // A comment before a key is one text with it to YAML: the key would be missed without a word.
        Some(comment) if yaml.documents.iter().any(has_comment_for_key) => Err(commented(comment)),
        _ => Ok(yaml),
    }
}

fn has_comment_for_key(document: &Document<'_>) -> bool {
    let is_one = |key: NodeId| {
        let plain = ScalarStyle::Plain;
        matches!(&document.nodes[key].kind, NodeKind::Scalar { text, style } if *style == plain
            && (text.starts_with("//") || text.starts_with("/*")))
    };
    document.nodes.iter().any(|node| match &node.kind {
        NodeKind::Mapping { flow, entries } => *flow && entries.iter().any(|it| is_one(it.key)),
        _ => false,
    })
}

fn commented((line, sign): (u32, &str)) -> ManifestError {
    ManifestError::at(
        line,
        format!(
            "JSON with comments (`{sign}`) is not read, as most readers refuse it: take the comments out, or write them with `#`, \
             as YAML has them"
        ),
    )
}

fn options() -> Options {
    granit_parser::options! {
        emit_anchor_events: true,
        block_nesting_limit: NESTING,
        flow_nesting_limit: NESTING,
        max_buffered_comment_events: COMMENT_RUN,
    }
}

fn decode(bytes: &[u8]) -> Result<&str, ManifestError> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(ManifestError::at(
            1,
            "this file is UTF-16; save it as UTF-8",
        ));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let before = std::str::from_utf8(before).unwrap_or_default();
        let line = 1 + breaks(before);
        if bytes.contains(&0) {
            ManifestError::at(
                line,
                "this file is binary, perhaps encrypted: nothing can be read from it",
            )
        } else {
            ManifestError::at(line, "this line is not UTF-8; save the file as UTF-8")
        }
    })
}

fn explain(text: &str, error: &ScanError) -> ManifestError {
    let line = number(error.marker().line());
    let templated = text.contains("{{") && text.contains("}}");
    if templated {
        let line = text
            .lines()
            .position(|line| line.contains("{{"))
            .map_or(line, |at| 1 + number(at));
        return ManifestError::at(
            line,
            "this is a template ({{ … }}), not YAML: versions are read from values files, or with a regex locator",
        );
    }
    if let Some(comment) = foreign_comment(text) {
        return commented(comment);
    }
    ManifestError::at(
        line,
        format!("not valid YAML: {}; mend the file", error.kind()),
    )
}

/// The first comment of a text in braces that only readers of JSON with comments take for one, and its line.
fn foreign_comment(text: &str) -> Option<(u32, &'static str)> {
    let text = text.trim_start_matches('\u{feff}');
    if !text.trim_start().starts_with(['{', '[', '/']) {
        return None;
    }
    let (mut quoted, mut escaped, mut before) = (false, false, ' ');
    let mut line = 1;
    for (at, c) in text.char_indices() {
        line += u32::from(c == '\n');
        if quoted {
            quoted = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
        } else if c == '"' {
            quoted = true;
        } else if !before.is_alphanumeric() && before != ':' {
            let signs = ["//", "/*"].into_iter();
            if let Some(sign) = signs.into_iter().find(|sign| text[at..].starts_with(sign)) {
                return Some((line, sign));
            }
        }
        before = c;
    }
    None
}

struct Builder<'a> {
    text: &'a str,
    documents: Vec<Document<'a>>,
    comments: Vec<Comment>,
    open: Vec<Open>,
    anchors: HashMap<usize, NodeId>,
}

/// A collection being read.
struct Open {
    id: NodeId,
    /// Keys and values in turn, in a mapping.
    children: Vec<NodeId>,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            documents: Vec::new(),
            comments: Vec::new(),
            open: Vec::new(),
            anchors: HashMap::new(),
        }
    }

    fn take(&mut self, event: Event<'a>, span: Span) -> Result<(), ManifestError> {
        match event {
            Event::DocumentStart(explicit, _) => {
                self.anchors.clear();
                self.documents.push(Document {
                    nodes: Vec::new(),
                    start: if explicit { end(&span) } else { start(&span) },
                    explicit,
                    reads: Reads::default(),
                });
            }
            Event::Comment(_, _) => self.comments.push(Comment {
                line: line(&span),
                span: start(&span)..end(&span),
            }),
            Event::Scalar(text, style, anchor, _) => {
                let kind = scalar(text, style, self.tag(&span));
                self.add(kind, &span, anchor);
            }
            Event::Alias(anchor) => {
                let target = self.anchors.get(&anchor).copied();
                let target = target.ok_or_else(|| {
                    ManifestError::at(line(&span), "this alias has no anchor; mend the file")
                })?;
                self.add(NodeKind::Alias { target }, &span, 0);
            }
            Event::SequenceStart(style, anchor, _) => {
                let flow = style == StructureStyle::Flow;
                let items = Vec::new();
                self.begin(NodeKind::Sequence { flow, items }, &span, anchor);
            }
            Event::MappingStart(style, anchor, _) => {
                let flow = style == StructureStyle::Flow;
                let entries = Vec::new();
                self.begin(NodeKind::Mapping { flow, entries }, &span, anchor);
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(&span),
            Event::Anchor(_, name) => {
                if let Some(node) = self.nodes().and_then(|nodes| nodes.last_mut()) {
                    node.anchor = Some(name);
                    node.outer_start = node.outer_start.min(start(&span));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(mut self) -> Yaml<'a> {
        // The parser tells the comment of an empty value before the value.
        self.comments.sort_by_key(|comment| comment.span.start);
        Yaml {
            documents: self.documents,
            comments: self.comments,
            text: self.text,
        }
    }

    fn nodes(&mut self) -> Option<&mut Vec<Node<'a>>> {
        self.documents
            .last_mut()
            .map(|document| &mut document.nodes)
    }

    fn tag(&self, span: &Span) -> Option<&'a str> {
        span.tag_span()?.slice(self.text)
    }

    fn begin(&mut self, kind: NodeKind<'a>, span: &Span, anchor: usize) {
        if let Some(id) = self.add(kind, span, anchor) {
            self.open.push(Open {
                id,
                children: Vec::new(),
            });
        }
    }

    fn add(&mut self, kind: NodeKind<'a>, span: &Span, anchor: usize) -> Option<NodeId> {
        let (mut from, mut to) = (start(span), end(span));
        let mut at = line(span);
        let outer_start = span.tag_span().map_or(from, |tag| start(&tag).min(from));
        if from == to && outer_start == from && matches!(kind, NodeKind::Null) && anchor == 0 {
            (from, at) = self.behind_indicator(from, at);
            to = from;
        }
        if matches!(&kind, NodeKind::Scalar { text, style: ScalarStyle::Literal | ScalarStyle::Folded } if !text.ends_with("\n\n"))
        {
            to = from + content(self.text.get(from..to).unwrap_or_default());
        }
        let node = Node {
            line: at,
            span: from..to,
            outer_start: outer_start.min(from),
            kind,
            tag: self.tag(span),
            anchor: None,
        };
        let nodes = self.nodes()?;
        let id = nodes.len();
        nodes.push(node);
        if let Some(open) = self.open.last_mut() {
            open.children.push(id);
        }
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        Some(id)
    }

    /// Where an empty value stands: the parser puts it behind its key, we behind the colon.
    fn behind_indicator(&self, from: usize, line: u32) -> (usize, u32) {
        let unchanged = (from, line);
        let (Some(open), Some(document)) = (self.open.last(), self.documents.last()) else {
            return unchanged;
        };
        let NodeKind::Mapping { .. } = &document.nodes[open.id].kind else {
            // The parser also steps over a comment on the dash's line.
            let comment = self
                .comments
                .last()
                .filter(|comment| comment.span.end == from);
            let end = comment.map_or(from, |comment| comment.span.start);
            let before = self.text.get(..end).unwrap_or_default();
            let before = before.trim_end_matches([' ', '\t']);
            return if before.ends_with('-') {
                (before.len(), line)
            } else {
                unchanged
            };
        };
        let Some(key) = open
            .children
            .last()
            .filter(|_| open.children.len() % 2 == 1)
        else {
            return unchanged;
        };
        let key = &document.nodes[*key];
        match colon_after(self.text, key.span.end) {
            Some(colon) => (
                colon + 1,
                key.line + breaks(self.text.get(key.span.start..colon).unwrap_or_default()),
            ),
            None => (key.span.end, key.line),
        }
    }

    fn end(&mut self, span: &Span) {
        let Some(Open { id, children }) = self.open.pop() else {
            return;
        };
        let last = children.last().copied();
        let closing = end(span);
        let Some(nodes) = self.nodes() else { return };
        let within = last
            .and_then(|last| nodes.get(last))
            .map(|node| node.span.end);
        let Some(node) = nodes.get_mut(id) else {
            return;
        };
        let flow = match &mut node.kind {
            NodeKind::Sequence { flow, items } => {
                *items = children;
                *flow
            }
            NodeKind::Mapping { flow, entries } => {
                let pairs = children.chunks_exact(2);
                *entries = pairs
                    .map(|pair| MappingEntry {
                        key: pair[0],
                        value: pair[1],
                    })
                    .collect();
                *flow
            }
            _ => false,
        };
        // The parser ends a block collection where the next thing begins, we with its last value.
        node.span.end = if flow {
            closing
        } else {
            within.unwrap_or(closing)
        };
        node.span.end = node.span.end.max(node.span.start);
    }
}

/// The colon that follows a key, past blanks, line breaks and comments.
pub(super) fn colon_after(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b':' => return Some(at),
            b' ' | b'\t' | b'\r' | b'\n' => at += 1,
            b'#' => at = line_end(text, at),
            _ => return None,
        }
    }
    None
}

/// The length of a block scalar's content without the blank lines behind it.
fn content(source: &str) -> usize {
    let trimmed = source.trim_end_matches([' ', '\t', '\r', '\n']);
    source[trimmed.len()..]
        .find('\n')
        .map_or(source.len(), |at| trimmed.len() + at + 1)
}

fn scalar<'a>(text: Cow<'a, str>, style: Style, tag: Option<&str>) -> NodeKind<'a> {
    let null = match tag {
        None => {
            style == Style::Plain && matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL")
        }
        Some(tag) => tag == "!!null",
    };
    if null {
        return NodeKind::Null;
    }
    let style = match style {
        Style::SingleQuoted => ScalarStyle::SingleQuoted,
        Style::DoubleQuoted => ScalarStyle::DoubleQuoted,
        Style::Literal => ScalarStyle::Literal,
        Style::Folded => ScalarStyle::Folded,
        Style::Plain => ScalarStyle::Plain,
    };
    NodeKind::Scalar { text, style }
}

fn start(span: &Span) -> usize {
    span.start.byte_offset().unwrap_or_default()
}

fn end(span: &Span) -> usize {
    span.end.byte_offset().unwrap_or_default()
}

fn line(span: &Span) -> u32 {
    number(span.start.line())
}

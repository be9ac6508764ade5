//! A new item at the end of a sequence, for lists of images in which a service does not stand yet.

use crate::domain::manifest::{self, ManifestError, Node, NodeKind, NodePath, NodeRef, Step, Yaml};

/// `bytes` with one more item of `fields` in the sequence at `keys`, and the path of that item.
///
/// The fields' texts are `x`: the caller sets them, with the quotes that each needs.
///
/// # Errors
/// Says the line and the reason where an item cannot be added without touching anything else.
pub(super) fn item(
    bytes: &[u8],
    document: usize,
    keys: &[&str],
    fields: &[&str],
) -> Result<(Vec<u8>, NodePath), ManifestError> {
    let yaml = manifest::parse(bytes)?;
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let mut writer = Writer {
        text,
        newline: if text.contains("\r\n") { "\r\n" } else { "\n" },
        fields,
    };
    let mut path: NodePath = keys
        .iter()
        .map(|key| Step::Key((*key).to_owned()))
        .collect();
    let (at, insertion, index) = match yaml.documents.get(document) {
        Some(document) => writer.place(document.root(), keys)?,
        None => (text.len(), writer.under(keys, ""), 0),
    };
    path.push(Step::Index(index));
    let mut new = text.to_owned();
    new.insert_str(at, &insertion);
    let after = manifest::parse(new.as_bytes())?;
    if unchanged(&yaml, &after, document, &path) {
        Ok((new.into_bytes(), path))
    } else {
        Err(refuse(None))
    }
}

struct Writer<'a> {
    text: &'a str,
    newline: &'static str,
    fields: &'a [&'a str],
}

impl Writer<'_> {
    /// Where the item goes, its text, and its index.
    fn place(
        &mut self,
        root: NodeRef<'_>,
        keys: &[&str],
    ) -> Result<(usize, String, usize), ManifestError> {
        let mut node = root;
        for (depth, key) in keys.iter().enumerate() {
            let own = |node: NodeRef<'_>| !node.is_alias();
            match node.get(key) {
                Some(found) if !found.merged && own(node) => node = found.value,
                Some(found) => return Err(refuse(Some(found.value.line()))),
                None => return self.missing(node, &keys[depth..]),
            }
        }
        match &node.node().kind {
            NodeKind::Sequence { flow: true, items } => {
                let comma = if items.is_empty() { "" } else { ", " };
                let fields: Vec<String> =
                    self.fields.iter().map(|key| format!("{key}: x")).collect();
                let text = format!("{comma}{{{}}}", fields.join(", "));
                Ok((node.node().span.end - 1, text, items.len()))
            }
            NodeKind::Sequence { flow: false, items } => {
                let last = node.items().last().ok_or_else(|| refuse(None))?;
                let first_line = self.line_start(last.node().outer_start);
                let before = &self.text[first_line..last.node().outer_start];
                let dash = before.rfind('-').ok_or_else(|| refuse(Some(last.line())))?;
                let (indent, gap) = (&before[..dash], before.len() - dash - 1);
                if !indent.chars().all(char::is_whitespace) {
                    return Err(refuse(Some(last.line())));
                }
                let lines = self.lines(indent, gap);
                let (at, lines) = self.after(last.node(), lines);
                Ok((at, lines, items.len()))
            }
            NodeKind::Null => {
                let line = self.line_start(node.node().span.start);
                let indent: String = self.text[line..]
                    .chars()
                    .take_while(|c| *c == ' ')
                    .collect();
                let lines = self.lines(&indent, 1);
                let (at, lines) = self.after(node.node(), lines);
                Ok((at, lines, 0))
            }
            _ => Err(refuse(Some(node.line()))),
        }
    }

    /// The sequence's key is not there: behind the mapping's last one.
    fn missing(
        &mut self,
        mapping: NodeRef<'_>,
        keys: &[&str],
    ) -> Result<(usize, String, usize), ManifestError> {
        match &mapping.node().kind {
            NodeKind::Mapping {
                flow: false,
                entries,
            } => {
                let (Some((first, _)), Some((_, last))) =
                    (mapping.own_entries().next(), mapping.own_entries().last())
                else {
                    return Err(refuse(Some(mapping.line())));
                };
                debug_assert!(!entries.is_empty());
                let start = first.node().outer_start;
                let indent = &self.text[self.line_start(start)..start];
                if !indent.chars().all(|c| c == ' ') {
                    return Err(refuse(Some(first.line())));
                }
                let lines = self.under(keys, indent);
                let (at, lines) = self.after(last.node(), lines);
                Ok((at, lines, 0))
            }
            NodeKind::Null if mapping.id() == 0 => {
                let (at, lines) = self.after(mapping.node(), self.under(keys, ""));
                Ok((at, lines, 0))
            }
            _ => Err(refuse(Some(mapping.line()))),
        }
    }

    /// The keys, each below the one before, and the item under them.
    fn under(&self, keys: &[&str], indent: &str) -> String {
        let mut text = String::new();
        let mut depth = indent.to_owned();
        for (at, key) in keys.iter().enumerate() {
            if at > 0 {
                depth.push_str("  ");
            }
            text.extend([&depth, *key, ":", self.newline]);
        }
        text + &self.lines(&depth, 1)
    }

    /// The item as lines, `gap` blanks behind its dash.
    fn lines(&self, indent: &str, gap: usize) -> String {
        let gap = gap.max(1);
        let mut text = String::new();
        for (at, key) in self.fields.iter().enumerate() {
            let mark = if at == 0 { "-" } else { " " };
            text.extend([indent, mark, &" ".repeat(gap), key, ": x", self.newline]);
        }
        text
    }

    /// Behind the line on which a node ends, with a line break before where the file ends without one.
    fn after(&self, node: &Node<'_>, lines: String) -> (usize, String) {
        let end = node.span.end;
        if self.text[..end].ends_with('\n') {
            return (end, lines);
        }
        if let Some(at) = self.text[end..].find('\n') {
            return (end + at + 1, lines);
        }
        let without = lines.trim_end_matches(['\r', '\n']);
        (self.text.len(), format!("{}{without}", self.newline))
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |found| found + 1)
    }
}

/// Whether everything but the new item is as it was.
fn unchanged(before: &Yaml<'_>, after: &Yaml<'_>, document: usize, item: &[Step]) -> bool {
    let count = after.documents.len();
    if count != before.documents.len().max(1) {
        return false;
    }
    (0..count).all(|index| {
        let old = before.documents.get(index);
        let old = old.map(|known| leaves(known.root())).unwrap_or_default();
        let mut new = leaves(after.documents[index].root());
        if index == document {
            let added = new.len();
            new.retain(|(path, _)| !path.starts_with(item));
            if added == new.len() {
                return false;
            }
        }
        old == new
    })
}

/// Every scalar with its path and text; empty values say nothing and are left out.
fn leaves(root: NodeRef<'_>) -> Vec<(NodePath, String)> {
    fn walk(node: NodeRef<'_>, path: &mut NodePath, all: &mut Vec<(NodePath, String)>) {
        if let NodeKind::Alias { target } = node.node().kind {
            let anchor = node.document().at(target).node().anchor.as_deref();
            all.push((path.clone(), format!("*{}", anchor.unwrap_or_default())));
            return;
        }
        if let Some(text) = node.text() {
            all.push((path.clone(), text.to_owned()));
        }
        for (key, value) in node.own_entries() {
            path.push(Step::Key(key.text().unwrap_or_default().to_owned()));
            walk(value, path, all);
            path.pop();
        }
        for (index, item) in node.items().enumerate() {
            path.push(Step::Index(index));
            walk(item, path, all);
            path.pop();
        }
    }
    let mut all = Vec::new();
    walk(root, &mut Vec::new(), &mut all);
    all
}

fn refuse(line: Option<u32>) -> ManifestError {
    ManifestError {
        line,
        message:
            "an item cannot be added to this list without touching anything else; add it by hand"
                .into(),
        encrypted: false,
    }
}

//! Adding a key to a mapping, behind its last one and before any gap of comments and blank lines.

use super::{
    ManifestError, braces,
    lines::{line_end, line_start},
    locate::{Located, Reach, own_entry, reach, shown},
    oracle::Change,
    quote::{Context, write_key, write_new},
    set::{self, Wanted},
    splice::Splice,
    tree::{Document, MappingEntry, Node, NodeKind, Step, Yaml},
};

/// How far nested mappings are indented where the file has none to look at.
const STEP: usize = 2;

/// What is to be added.
pub(super) struct Addition<'e> {
    /// The mapping, which may not be there yet.
    pub parent: &'e [Step],
    /// The key.
    pub key: &'e str,
    /// Its text.
    pub value: &'e str,
    /// Whether a number or a boolean is written as one.
    pub typed: bool,
    /// Whether the file is JSON.
    pub json: bool,
}

/// The splices that add a key, and the change they mean; none where it is there with this text.
pub(super) fn insert(
    yaml: &Yaml<'_>,
    document: Option<&Document<'_>>,
    addition: &Addition<'_>,
) -> Result<Option<(Vec<Splice>, Change)>, ManifestError> {
    let names = addition.parent.iter().map(|step| match step {
        Step::Key(key) => Ok(key.clone()),
        Step::Index(_) => Err(ManifestError::whole(format!(
            "`{}` is not there, and items of sequences are not made up; add it by hand",
            shown(addition.parent)
        ))),
    });
    let Some(document) = document else {
        let mut keys = names.collect::<Result<Vec<_>, _>>()?;
        keys.push(addition.key.to_owned());
        let content = lines(&keys, addition, "", STEP);
        let change = Change::Insert {
            node: 0,
            keys,
            text: addition.value.to_owned(),
        };
        return Ok(Some((
            vec![add_lines(yaml, yaml.text.len(), &content)],
            change,
        )));
    };
    let (place, missing) = match reach(document, addition.parent)? {
        Reach::All(place) => (place, 0),
        Reach::Part(place, rest) => (place, rest.len()),
    };
    let mut keys = names
        .skip(addition.parent.len() - missing)
        .collect::<Result<Vec<_>, _>>()?;
    keys.push(addition.key.to_owned());
    let node = document.node(place.node);
    if missing == 0
        && matches!(node.kind, NodeKind::Mapping { .. })
        && let Some((position, value)) = own_entry(document, place.node, addition.key)?
    {
        let entry = Some((place.node, position));
        return existing(
            yaml,
            document,
            Located {
                node: value,
                entry,
                flow: is_flow(node),
            },
            addition,
        );
    }
    let splices = match &node.kind {
        NodeKind::Mapping { flow: true, .. } => {
            braces::insert(yaml, document, place.node, &keys, addition)?
        }
        NodeKind::Mapping {
            flow: false,
            entries,
        } => {
            let Some(last) = entries.last() else {
                return Err(unexpected(node));
            };
            let prefix = indentation(yaml, node);
            let content = lines(&keys, addition, &prefix, step(yaml, document));
            vec![add_lines(yaml, next_line(yaml, document, *last), &content)]
        }
        NodeKind::Null => vec![into_empty(yaml, document, place, &keys, addition)?],
        NodeKind::Alias { .. } => {
            let message = format!(
                "`{}` is an alias, which others share; write it out here first",
                shown(addition.parent)
            );
            return Err(ManifestError::at(node.line, message));
        }
        kind => {
            let parent = if addition.parent.is_empty() {
                "the document".to_owned()
            } else {
                format!("`{}`", shown(addition.parent))
            };
            let message = format!(
                "{parent} is {}, no key can be added to it; mend the layout",
                super::locate::named(kind)
            );
            return Err(ManifestError::at(node.line, message));
        }
    };
    Ok(Some((
        splices,
        Change::Insert {
            node: place.node,
            keys,
            text: addition.value.to_owned(),
        },
    )))
}

/// A key that is there but empty is given the text; one with another text is not overwritten.
fn existing(
    yaml: &Yaml<'_>,
    document: &Document<'_>,
    place: Located,
    addition: &Addition<'_>,
) -> Result<Option<(Vec<Splice>, Change)>, ManifestError> {
    let value = document.at(place.node);
    let mut path = addition.parent.to_vec();
    path.push(Step::Key(addition.key.to_owned()));
    if value.is_null() || value.text() == Some(addition.value) {
        let wanted = Wanted {
            value: addition.value,
            typed: addition.typed,
            json: addition.json,
        };
        let set = set::set(yaml, document, place, &path, wanted)?;
        return Ok(set.map(|(splice, change)| (vec![splice], change)));
    }
    let why = match &document.node(place.node).kind {
        kind @ (NodeKind::Sequence { .. } | NodeKind::Mapping { .. }) => format!(
            "is {}, where a version would stand; mend the layout, or take it out by hand first",
            super::locate::named(kind)
        ),
        NodeKind::Alias { .. } => {
            "is an alias, which stays as it is; write it out here first".to_owned()
        }
        _ => "is there already and is read as no version; look at the layout's `match` and `part`, or change it by hand"
            .to_owned(),
    };
    Err(ManifestError::at(
        value.line(),
        format!("`{}` {why}", shown(&path)),
    ))
}

/// The first byte of the line behind an entry, past its trailing comment.
pub(super) fn next_line(yaml: &Yaml<'_>, document: &Document<'_>, entry: MappingEntry) -> usize {
    let (key, value) = (document.node(entry.key), document.node(entry.value));
    let end = value.span.end.max(key.span.end);
    if yaml.source(0..end).ends_with('\n') {
        // Only the content of a block scalar ends with its line break.
        return end;
    }
    (line_end(yaml.text, end) + 1).min(yaml.text.len())
}

/// The line break that is in use before an offset.
pub(super) fn line_break(text: &str, at: usize) -> &'static str {
    let before = text.get(..at).unwrap_or(text);
    let first = before.rfind('\n').or_else(|| text.find('\n'));
    if first.is_some_and(|at| text[..at].ends_with('\r')) {
        "\r\n"
    } else {
        "\n"
    }
}

/// What stands before a line's content that begins where this node does, a dash counted as blank.
fn indentation(yaml: &Yaml<'_>, node: &Node<'_>) -> String {
    let start = node.span.start;
    let before = yaml
        .source(line_start(yaml.text, start)..start)
        .trim_start_matches('\u{feff}');
    " ".repeat(before.chars().count())
}

/// How far the document indents nested mappings.
pub(super) fn step(yaml: &Yaml<'_>, document: &Document<'_>) -> usize {
    let column = |node: &Node<'_>| node.span.start - line_start(yaml.text, node.span.start);
    let nested = document.nodes.iter().filter_map(|node| match &node.kind {
        NodeKind::Mapping {
            flow: false,
            entries,
        } => Some((column(node), entries)),
        _ => None,
    });
    nested
        .flat_map(|(outer, entries)| {
            entries
                .iter()
                .map(move |entry| (outer, document.node(entry.value)))
        })
        .filter(|(_, value)| matches!(value.kind, NodeKind::Mapping { flow: false, .. }))
        .map(|(outer, value)| column(value).saturating_sub(outer))
        .find(|step| *step > 0)
        .unwrap_or(STEP)
}

/// The keys as lines, one in the other.
fn lines(keys: &[String], addition: &Addition<'_>, prefix: &str, step: usize) -> Vec<String> {
    let context = Context::default();
    let mut lines: Vec<String> = keys
        .iter()
        .enumerate()
        .map(|(depth, key)| {
            format!(
                "{prefix}{}{}:",
                " ".repeat(depth * step),
                write_key(key, false, context)
            )
        })
        .collect();
    if let Some(last) = lines.last_mut() {
        last.push(' ');
        last.push_str(&write_new(addition.value, addition.typed, context));
    }
    lines
}

/// Adds lines at the start of a line, or behind a last line that has no line break; then the new
/// last line has none either.
fn add_lines(yaml: &Yaml<'_>, at: usize, lines: &[String]) -> Splice {
    let end = line_break(yaml.text, at);
    let content = lines.join(end);
    let before = yaml.source(0..at).trim_start_matches('\u{feff}');
    if before.is_empty() || before.ends_with('\n') {
        Splice::new(at..at, format!("{content}{end}"))
    } else {
        Splice::new(at..at, format!("{end}{content}"))
    }
}

/// An empty value becomes a mapping: on lines of its own where it is the value of a block mapping or
/// a whole document, in braces elsewhere.
fn into_empty(
    yaml: &Yaml<'_>,
    document: &Document<'_>,
    place: Located,
    keys: &[String],
    addition: &Addition<'_>,
) -> Result<Splice, ManifestError> {
    let node = document.node(place.node);
    let context = Context {
        flow: true,
        json: addition.json,
        tagged: false,
    };
    let braces = || format!("{{{}}}", braces::pair(keys, addition, context));
    if !node.span.is_empty() {
        return Ok(Splice::new(node.span.clone(), braces()));
    }
    let column = match place.entry {
        Some((mapping, _))
            if !place.flow && yaml.source(0..node.span.start).ends_with(':')
                || place.entry.is_some() && !place.flow && node.outer_start < node.span.start =>
        {
            Some(indentation(yaml, document.node(mapping)) + &" ".repeat(step(yaml, document)))
        }
        None if place.node == 0 => Some(String::new()),
        _ => None,
    };
    let Some(prefix) = column else {
        return set::fill(yaml, document, place, &braces());
    };
    let content = lines(keys, addition, &prefix, step(yaml, document));
    let from = node.span.end.max(document.start);
    let at = (line_end(yaml.text, from) + 1).min(yaml.text.len());
    Ok(add_lines(yaml, at, &content))
}

fn is_flow(node: &Node<'_>) -> bool {
    matches!(node.kind, NodeKind::Mapping { flow: true, .. })
}

pub(super) fn unexpected(node: &Node<'_>) -> ManifestError {
    ManifestError::at(
        node.line,
        "a mapping without braces or lines of its own cannot be added to; edit the file by hand",
    )
}

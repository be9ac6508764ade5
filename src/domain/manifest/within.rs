//! Changing a document that stands as text in a scalar of another.

use super::{
    ManifestError,
    edit::{Edit, apply},
    lines::line_start,
    locate::{Located, shown},
    lookup::NodeRef,
    oracle::Change,
    set::word,
    splice::Splice,
    tree::{Document, Node, NodeKind, ScalarStyle, Step, Yaml},
};

/// The splice that carries out `edit` in the text of a scalar, and the change it means; neither where nothing changes.
///
/// # Errors
/// Where the text is none that can be edited, or the scalar's style has no room for the change.
pub(super) fn set(
    yaml: &Yaml<'_>,
    document: &Document<'_>,
    place: Located,
    path: &[Step],
    edit: &Edit,
) -> Result<Option<(Splice, Change)>, ManifestError> {
    let node = document.node(place.node);
    let here = |message: String| ManifestError::at(node.line, message);
    let NodeKind::Scalar { text: old, style } = &node.kind else {
        let what = if NodeRef::new(document, place.node).is_alias() {
            "an alias, whose text others share; edit it at its anchor"
        } else {
            "no text with a document in it; mend the layout"
        };
        return Err(here(format!("`{}` is {what}", shown(path))));
    };
    let new = apply(old.as_bytes(), std::slice::from_ref(edit)).map_err(|error| {
        here(format!(
            "in the text of `{}`, line {}: {}",
            shown(path),
            error.line.unwrap_or(1),
            error.message
        ))
    })?;
    let new = String::from_utf8(new)
        .map_err(|_| here(format!("the text of `{}` would not be UTF-8", shown(path))))?;
    if new == **old {
        return Ok(None);
    }
    let raw = yaml.source(node.span.clone());
    let literal = matches!(style, ScalarStyle::Literal)
        .then(|| lines(yaml, node, old, &new))
        .flatten();
    let splice = literal
        .or_else(|| word(node, raw, old, &new, *style))
        .ok_or_else(|| {
            here(format!(
                "more than a word would change in the text of `{}`, which its style does not allow without writing it \
                 anew; edit it by hand, or write it as a literal block (`|`)",
                shown(path)
            ))
        })?;
    Ok(Some((
        splice,
        Change::Set {
            node: place.node,
            text: new,
        },
    )))
}

/// The splice that replaces the lines of a literal block that differ. `None` where its lines are not those of its text
/// behind one indentation.
fn lines(yaml: &Yaml<'_>, node: &Node<'_>, old: &str, new: &str) -> Option<Splice> {
    let begin = line_start(yaml.text, node.span.start);
    let raw = yaml.source(begin..node.span.end);
    let first = raw.find(|c: char| c != ' ')?;
    let indent = &raw[..first];
    if raw.contains('\r') || new.contains('\r') {
        return None;
    }
    let written: Vec<&str> = raw.split_inclusive('\n').collect();
    let (before, after): (Vec<&str>, Vec<&str>) = (
        old.split_inclusive('\n').collect(),
        new.split_inclusive('\n').collect(),
    );
    let shared = |(old, new): &(&&str, &&str)| old == new;
    let head = before.iter().zip(&after).take_while(shared).count();
    let (old_rest, new_rest) = (&before[head..], &after[head..]);
    let tail = old_rest
        .iter()
        .rev()
        .zip(new_rest.iter().rev())
        .take_while(shared)
        .count();
    let gone = head..before.len() - tail;
    // What is taken out must stand there as its text says: blanks alone may be missing from an empty line.
    let as_said = gone.clone().all(|at| {
        let line = written.get(at).map(|line| line.trim_end_matches('\n'));
        let text = before[at].trim_end_matches('\n');
        line.is_some_and(|line| line.strip_prefix(indent) == Some(text))
    });
    if !as_said || written.len() < before.len() {
        return None;
    }
    let offset = |lines: usize| -> usize { written[..lines].iter().map(|line| line.len()).sum() };
    let (start, end) = (offset(gone.start), offset(gone.end));
    let mut text = String::new();
    for line in &after[head..after.len() - tail] {
        if line.trim().is_empty() {
            text.push_str(line);
        } else {
            text.extend([indent, line]);
        }
    }
    // A stripped block's text lacks the last line's end, and the last line of a file may lack it too.
    let open = end == raw.len() && !raw.ends_with('\n');
    if open && gone.is_empty() {
        return None;
    }
    if open {
        text.truncate(text.trim_end_matches('\n').len());
    } else if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    Some(Splice::new(begin + start..begin + end, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sets `image.tag` inside `values`, and shows the file, or why not.
    fn edited(file: &str, value: &str) -> String {
        let key = |text: &str| Step::Key(text.to_owned());
        let inner = Edit::Set {
            document: 0,
            path: vec![key("image"), key("tag")],
            value: value.to_owned(),
        };
        within(file, inner)
    }

    fn within(file: &str, edit: Edit) -> String {
        let edit = Edit::Within {
            document: 0,
            path: vec![Step::Key("values".to_owned())],
            edit: Box::new(edit),
        };
        match apply(file.as_bytes(), &[edit]) {
            Ok(bytes) => String::from_utf8(bytes).unwrap(),
            Err(error) => format!("{}: {error}", error.line.unwrap_or_default()),
        }
    }

    #[test]
    fn one_scalar_changes_and_every_other_byte_stays() {
        let cases = [
            (
                "literal",
                "a: b\nvalues: |\n  # why\n  image:\n    tag: v1  # pinned\n  x: 1\nc: d\n",
            ),
            ("stripped", "values: |-\n  image:\n    tag: v1\n"),
            ("kept", "values: |+\n  image:\n    tag: v1\n\n\nc: d\n"),
            (
                "with an indentation indicator",
                "values: |2\n  image:\n    tag: v1\n",
            ),
            (
                "a comment on the header",
                "values: | # helm\n  image:\n    tag: v1\n",
            ),
            (
                "blank lines",
                "values: |\n  a: b\n\n  image:\n\n    tag: v1\n\n  c: d\ne: f\n",
            ),
            ("no final newline", "values: |\n  image:\n    tag: v1"),
            (
                "the old version stands elsewhere too",
                "values: |\n  v1: v1\n  image:\n    tag: v1\n  b: v1\n",
            ),
            ("flow inside", "values: |\n  image: {tag: v1, b: c}\n"),
            (
                "JSON inside",
                "values: |\n  {\"image\": {\"tag\": \"v1\"}}\n",
            ),
            ("folded", "values: >\n  image:\n    tag: v1\n\n  b: c\n"),
            ("single quotes", "values: '{image: {tag: v1}}'\nb: v1\n"),
            (
                "double quotes",
                "values: \"image:\\n  tag: v1\\nb: \\\"q\\\"\\n\"\n",
            ),
            (
                "in braces",
                "{values: '{\"image\": {\"tag\": \"v1\"}}', b: c}\n",
            ),
            (
                "lines with carriage returns",
                "values: |\r\n  image:\r\n    tag: v1\r\nb: c\r\n",
            ),
            (
                "tabs and blanks behind",
                "values: |\n  image:\n    tag: v1 \n",
            ),
        ];
        for (name, file) in cases {
            let json = "\"tag\": \"v1";
            let place = if file.contains(json) { json } else { "tag: v1" };
            let (before, after) = file.split_once(place).unwrap();
            let before = format!("{before}{}", place.trim_end_matches("v1"));
            assert_eq!(
                edited(file, "2.0.0"),
                format!("{before}2.0.0{after}"),
                "{name}"
            );
        }
        let quoted = edited("values: |\n  image:\n    tag: v1\n", "1.10");
        assert_eq!(quoted, "values: |\n  image:\n    tag: \"1.10\"\n");
    }

    #[test]
    fn lines_of_a_literal_block_come_and_go() {
        let key = |text: &str| Step::Key(text.to_owned());
        let file = "values: |\n    image:\n      tag: v1\n      digest: d\n    x: y\nz: 1\n";
        let remove = Edit::Remove {
            document: 0,
            path: vec![key("image"), key("digest")],
            prune: false,
        };
        assert_eq!(within(file, remove), file.replace("      digest: d\n", ""));
        let insert = Edit::Insert {
            document: 0,
            parent: vec![key("image")],
            key: "sha".into(),
            value: "e".into(),
            typed: false,
        };
        assert_eq!(
            within(file, insert),
            file.replace("digest: d\n", "digest: d\n      sha: e\n")
        );
    }

    #[test]
    fn what_cannot_be_edited_is_refused() {
        let cases = [
            ("values: {image: {tag: v1}}\n", "no text with a document"),
            ("base: &a |\n  image: {tag: v1}\nvalues: *a\n", "an alias"),
            ("values: |\n  image: {{ x }}\n", "in the text of `values`"),
            ("values: |\n  other: 1\n", "has no `image`"),
        ];
        for (file, expected) in cases {
            let found = edited(file, "v2");
            assert!(found.contains(expected), "{file}: {found}");
        }
    }
}

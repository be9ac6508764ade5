//! What must hold of an edit, judged without the editor's own oracle.

use std::collections::BTreeMap;

use crate::manifest::{Edit, NodeKind, NodePath, NodeRef, Step, Yaml, apply, parse};

/// Texts that are hard to write, and one that is not.
pub const VALUES: [&str; 12] = [
    "v2",
    "1.10",
    "true",
    "",
    "a: b",
    "x #y",
    "it's \"x\\",
    "- a",
    "{a, b]",
    " p ",
    "日本",
    "a\nb",
];
/// Files of the corpus are small; the work per file grows with nodes times size.
const NODES: usize = 40;

/// A node's path and what it says.
type Flat = BTreeMap<String, String>;

/// Every value and mapping of the first document, edited in every way.
pub fn every_edit(bytes: &[u8]) {
    let Ok(yaml) = parse(bytes) else { return };
    let Some(document) = yaml.documents.first() else {
        let edit = Edit::Insert {
            document: 0,
            parent: vec![key("a")],
            key: "b".into(),
            value: "v2".into(),
            typed: false,
        };
        let Ok(found) = apply(bytes, &[edit]) else {
            return;
        };
        let back = apply(
            &found,
            &[Edit::Remove {
                document: 0,
                path: vec![key("a"), key("b")],
                prune: true,
            }],
        );
        assert_eq!(
            back.as_deref(),
            Ok(bytes),
            "insert into nothing, then remove"
        );
        return;
    };
    let mut places = Vec::new();
    walk(document.root(), &mut Vec::new(), &mut places);
    let before = flat(&yaml);
    let seed = bytes.iter().fold(0_usize, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(usize::from(*byte))
    });
    for (index, (path, node)) in places.iter().take(NODES).enumerate() {
        let value = VALUES[(seed.wrapping_add(index)) % VALUES.len()];
        if node.is_mapping() {
            inserted(bytes, &before, path, value);
        } else if !node.is_sequence() {
            set(bytes, &before, path, *node, value);
        }
        let _ = apply(
            bytes,
            &[Edit::Comment {
                document: 0,
                path: path.clone(),
                from: "v1".into(),
                to: "v2".into(),
            }],
        );
        removed(bytes, &before, path, index % 2 == 0);
    }
}

fn set(bytes: &[u8], before: &Flat, path: &NodePath, node: NodeRef<'_>, value: &str) {
    let edit = Edit::Set {
        document: 0,
        path: path.clone(),
        value: value.into(),
    };
    let Ok(found) = apply(bytes, &[edit]) else {
        return;
    };
    let span = node.node().span.clone();
    let mut tail = &bytes[span.end..];
    if span.is_empty() && tail.starts_with(b" ") {
        tail = &tail[1..];
    }
    assert!(
        found.starts_with(&bytes[..span.start]),
        "bytes before {path:?} = {value:?}"
    );
    assert!(found.ends_with(tail), "bytes behind {path:?} = {value:?}");
    let yaml = parse(&found).expect("not readable after a set");
    let after = flat(&yaml);
    assert_eq!(before.len(), after.len(), "{path:?} = {value:?}");
    let own = format!("{path:?}");
    for (at, says) in &after {
        if *at == own {
            assert!(
                says == &format!("={value}") || says == &format!("={value}\n"),
                "{path:?} = {value:?}: {says}"
            );
        } else {
            assert_eq!(Some(says), before.get(at), "{at} by {path:?} = {value:?}");
        }
    }
}

fn inserted(bytes: &[u8], before: &Flat, parent: &NodePath, value: &str) {
    let added = "added by fuzz";
    let edit = Edit::Insert {
        document: 0,
        parent: parent.clone(),
        key: added.into(),
        value: value.into(),
        typed: false,
    };
    let Ok(found) = apply(bytes, &[edit]) else {
        return;
    };
    let yaml = parse(&found).expect("not readable after an insert");
    let mut after = flat(&yaml);
    let mut path = parent.clone();
    path.push(key(added));
    assert_eq!(
        after.remove(&format!("{path:?}")),
        Some(format!("={value}")),
        "{parent:?} + {value:?}"
    );
    assert_eq!(before, &after, "{parent:?} + {value:?}");
    let back = apply(
        &found,
        &[Edit::Remove {
            document: 0,
            path,
            prune: false,
        }],
    );
    assert_eq!(
        back.as_deref(),
        Ok(bytes),
        "{parent:?} + {value:?}, then removed from {:?}",
        String::from_utf8_lossy(&found)
    );
}

fn removed(bytes: &[u8], before: &Flat, path: &NodePath, prune: bool) {
    let edit = Edit::Remove {
        document: 0,
        path: path.clone(),
        prune,
    };
    let Ok(found) = apply(bytes, &[edit]) else {
        return;
    };
    assert!(found.len() < bytes.len());
    let yaml = parse(&found).expect("not readable after a removal");
    if yaml.documents.is_empty() {
        return;
    }
    let parents: Vec<String> = (0..path.len())
        .map(|depth| format!("{:?}", &path[..depth]))
        .collect();
    let after = flat(&yaml);
    for (at, says) in &after {
        assert!(
            before.get(at) == Some(says) || parents.contains(at),
            "{at} by removing {path:?}"
        );
    }
    assert!(
        prune || after.len() < before.len(),
        "{path:?} is still there"
    );
}

/// Every node of a document that a path leads to without an alias in between, and no key twice.
pub fn walk<'t>(node: NodeRef<'t>, path: &mut NodePath, all: &mut Vec<(NodePath, NodeRef<'t>)>) {
    all.push((path.clone(), node));
    if node.is_alias() {
        return;
    }
    for (name, value) in node.own_entries() {
        if let Some(text) = name.text() {
            path.push(key(text));
            walk(value, path, all);
            path.pop();
        }
    }
    for (index, item) in node.items().enumerate() {
        path.push(Step::Index(index));
        walk(item, path, all);
        path.pop();
    }
}

/// All documents, by path; keys that are not scalars or stand twice by their position.
fn flat(yaml: &Yaml<'_>) -> Flat {
    let mut all = BTreeMap::new();
    for (index, document) in yaml.documents.iter().enumerate() {
        let mut places = Vec::new();
        walk(document.root(), &mut Vec::new(), &mut places);
        for (path, node) in places {
            let says = match &node.node().kind {
                NodeKind::Null => "null".to_owned(),
                NodeKind::Scalar { text, .. } => format!("={text}"),
                NodeKind::Alias { .. } => "alias".to_owned(),
                NodeKind::Sequence { items, .. } => format!("sequence of {}", items.len()),
                NodeKind::Mapping { .. } => "mapping".to_owned(),
            };
            let mut at = if index == 0 {
                format!("{path:?}")
            } else {
                format!("{index} {path:?}")
            };
            while all.contains_key(&at) {
                at.push('+');
            }
            all.insert(at, says);
        }
    }
    all
}

fn key(text: &str) -> Step {
    Step::Key(text.to_owned())
}

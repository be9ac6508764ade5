//! Places of a file that look like a version to a reader, whatever a layout reads of it.
//!
//! | what stands there | looks like one |
//! | --- | --- |
//! | a key that ends in tag, version, digest or revision, and a value that is one | `global.image.tag: 1.2.0`, `spec.ref.tag` |
//! | an image with a tag or digest under `image` | `image: r/web:1.2.0` |
//! | `value` of an item whose `name` ends so | `{name: IMAGE_TAG, value: 1.2.0}` |
//! | the same in a text that is YAML itself | `values.yaml: \|` of a `ConfigMap` |

use crate::domain::{
    manifest::{self, NodeKind, NodeRef, ScalarStyle},
    version::{Version, VersionKind},
};

/// How deep is looked, and how many are found at most.
const DEPTH: usize = 40;
const MOST: usize = 500;

/// A place that looks like a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookalike {
    /// The keys that lead there, as a layout would write them.
    pub keys: String,
    /// Its line, from 1.
    pub line: u32,
    /// The version there.
    pub text: String,
}

/// What looks like a version in a file, in file order; nothing where it is no YAML. Bounded.
pub fn lookalikes(bytes: &[u8]) -> Vec<Lookalike> {
    let mut found = Vec::new();
    if let Ok(yaml) = manifest::parse(bytes) {
        for document in &yaml.documents {
            walk(document.root(), "", "", 0, None, &mut found);
        }
    }
    found
}

/// Whether it is a version that stays what it is: three numbers, a commit, a digest, a date.
pub fn is_version(text: &str) -> bool {
    match Version::from(text).kind(&[]) {
        VersionKind::SemVer => text.matches('.').count() >= 2,
        VersionKind::Mutable | VersionKind::Other | VersionKind::Number => false,
        _ => true,
    }
}

/// The text that a node is in: a literal with its first line, or another one with its line.
#[derive(Clone, Copy)]
enum Within {
    Literal(u32),
    Other(u32),
}

/// Looks at a node that stands under `key` at the end of `keys`, `within` a text or not.
fn walk(
    node: NodeRef<'_>,
    keys: &str,
    key: &str,
    depth: usize,
    within: Option<Within>,
    found: &mut Vec<Lookalike>,
) {
    if depth > DEPTH || found.len() >= MOST || node.is_alias() {
        return;
    }
    let line = |node: NodeRef<'_>| match within {
        None => node.line(),
        Some(Within::Literal(first)) => first + node.line() - 1,
        Some(Within::Other(line)) => line,
    };
    if let Some(text) = node.text() {
        let version = match key {
            "image" => text
                .rsplit_once(':')
                .map(|(name, version)| match name.split_once('@') {
                    Some((name, _)) => &text[name.len() + 1..],
                    None => version,
                }),
            key => names_version(key).then_some(text),
        };
        if let Some(version) = version.filter(|text| is_version(text)) {
            found.push(Lookalike {
                keys: keys.to_owned(),
                line: line(node),
                text: version.to_owned(),
            });
        } else if text.contains('\n')
            && within.is_none()
            && let Ok(inner) = manifest::parse(text.as_bytes())
        {
            // A literal has the lines that its text has; other styles fold them.
            let within = match &node.node().kind {
                NodeKind::Scalar {
                    style: ScalarStyle::Literal,
                    ..
                } => Within::Literal(node.line()),
                _ => Within::Other(node.line()),
            };
            let keys = format!("{keys}.(yaml)");
            for document in inner.documents.iter().filter(|it| it.root().is_mapping()) {
                walk(document.root(), &keys, "", depth + 1, Some(within), found);
            }
        }
        return;
    }
    let text = |key: &str| node.get(key).and_then(|entry| entry.value.text());
    if let (Some(name), Some(entry)) = (text("name"), node.get("value"))
        && let Some(value) = entry.value.text().filter(|text| is_version(text))
        && names_version(name)
    {
        found.push(Lookalike {
            keys: format!("{keys}.value"),
            line: line(entry.value),
            text: value.to_owned(),
        });
    }
    let dot = if keys.is_empty() { "" } else { "." };
    for (name, value) in node.own_entries() {
        let name = name.text().unwrap_or_default();
        let written = if name.contains(['.', '[', '{', '*', '/']) {
            format!("{keys}{dot}\"{name}\"")
        } else {
            format!("{keys}{dot}{name}")
        };
        walk(value, &written, name, depth + 1, within, found);
    }
    for (index, item) in node.items().enumerate() {
        let name = item.get("name").and_then(|entry| entry.value.text());
        let keys = match name {
            Some(name) => format!("{keys}[name={name}]"),
            None => format!("{keys}[{index}]"),
        };
        // An item is what its list is: `images: [r/web:1.2.0]`.
        walk(item, &keys, "", depth + 1, within, found);
    }
}

/// Whether a key says that a version stands under it. The version of an object's own shape is none.
fn names_version(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let ends = ["tag", "version", "digest", "revision"];
    key != "apiversion" && !key.ends_with("stag") && ends.iter().any(|end| key.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_version_to_a_reader() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let pinned = format!("image: r/web@{digest}\n");
        let cases = [
            ("global: {image: {tag: 1.2.0}}", "global.image.tag=1.2.0@1"),
            ("apiVersion: v1.2.3\nimage: {tag: latest}\nversion: 3\n", ""),
            ("spec: {ref: {tag: \"1.2.0\"}}", "spec.ref.tag=1.2.0@1"),
            ("a: 1\nimage: r:5000/web:1.2.0\n", "image=1.2.0@2"),
            (pinned.as_str(), &format!("image={digest}@1")),
            (
                "env: [{name: IMAGE_TAG, value: 1.2.0}, {name: PORT, value: 1.2.0}]",
                "env[name=IMAGE_TAG].value=1.2.0@1",
            ),
            (
                "images:\n- name: r/web\n  newTag: 1.2.0\n- {newTag: 1.3.0}\n",
                "images[name=r/web].newTag=1.2.0@3 images[1].newTag=1.3.0@4",
            ),
            (
                "data:\n  values.yaml: |\n    image:\n      tag: 1.2.0\n",
                "data.\"values.yaml\".(yaml).image.tag=1.2.0@4",
            ),
            (
                "labels: {app.kubernetes.io/version: 1.2.0}",
                "labels.\"app.kubernetes.io/version\"=1.2.0@1",
            ),
            (
                "kind: A\nversion: 1.2.0\n---\nkind: B\nversion: 1.3.0\n",
                "version=1.2.0@2 version=1.3.0@5",
            ),
            ("image: [", ""),
        ];
        for (text, expected) in cases {
            let found = lookalikes(text.as_bytes()).into_iter();
            let found: Vec<String> = found
                .map(|it| format!("{}={}@{}", it.keys, it.text, it.line))
                .collect();
            assert_eq!(found.join(" "), expected, "{text}");
        }
    }
}

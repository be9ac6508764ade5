//! Properties over made-up files in every style, and over broken ones.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::{Edit, NodePath, NodeRef, Step, apply, parse};

/// A value and how it is written.
#[derive(Clone, Debug)]
enum Made {
    Scalar(usize),
    Block(Vec<Made>),
    BlockItems(Vec<Made>, bool),
    Flow(Vec<Made>),
    FlowItems(Vec<Made>),
}

const KEYS: [&str; 8] = [
    "tag",
    "name",
    "\"quoted key\"",
    "image.tag",
    "'it''s'",
    "a/b",
    "newTag",
    "ключ",
];
const SCALARS: [&str; 16] = [
    "v1",
    "1.10",
    "'it''s'",
    "\"a\\tb\"",
    "",
    "~",
    "null",
    "true",
    "abc1234",
    "r/a:v1@sha256:ab",
    "|\n",
    ">-\n",
    "!!str 1.2",
    "\"\"",
    "0x1f",
    "2026-11-21",
];
const VALUES: [&str; 20] = [
    "v2",
    "1.20",
    "1234e56",
    "true",
    "no",
    "null",
    "~",
    "",
    "a: b",
    "a #b",
    "@x",
    "sha256:ab",
    "2026-11-21",
    "it's",
    "a\"b\\c",
    "- x",
    "a, b]",
    " padded ",
    "日本",
    "line\nbreak",
];
const COMMENTS: [&str; 5] = ["", " # c", "  \t# v1, {x}: y", " ", " #"];

fn made() -> impl Strategy<Value = Made> {
    let leaf = (0..SCALARS.len()).prop_map(Made::Scalar);
    let nested = leaf.prop_recursive(4, 24, 4, |inner| {
        let several = prop::collection::vec(inner, 0..4);
        prop_oneof![
            4 => several.clone().prop_map(Made::Block),
            2 => (several.clone(), any::<bool>()).prop_map(|(items, zero)| Made::BlockItems(items, zero)),
            1 => several.clone().prop_map(Made::Flow),
            1 => several.prop_map(Made::FlowItems),
        ]
    });
    prop::collection::vec(nested, 1..5).prop_map(Made::Block)
}

/// A file: values, indentation, comments to use in turn, line break, final line break, mark.
fn file() -> impl Strategy<Value = String> {
    (
        made(),
        1..5_usize,
        any::<u8>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(made, step, seed, windows, ended, marked)| {
            let mut writer = Writer {
                out: String::new(),
                step,
                turn: usize::from(seed),
            };
            writer.entries(&made, 0, "");
            let mut out = writer.out;
            if !ended {
                out.truncate(out.trim_end_matches('\n').len());
            }
            if windows {
                out = out.replace('\n', "\r\n");
            }
            if marked {
                format!("\u{feff}{out}")
            } else {
                out
            }
        })
}

struct Writer {
    out: String,
    step: usize,
    turn: usize,
}

impl Writer {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn next(&mut self, count: usize) -> usize {
        self.turn = self.turn.wrapping_mul(31).wrapping_add(7) % 10_007;
        self.turn % count
    }

    /// The entries of a block mapping; the first behind what stands on its line already.
    fn entries(&mut self, made: &Made, indent: usize, first: &str) {
        let Made::Block(values) = made else { return };
        for (index, value) in values.iter().enumerate() {
            if index == 0 && !first.is_empty() {
                self.put(first);
            } else {
                if self.next(5) == 0 {
                    let comment = ["\n", "# gap\n", "\n  # gap: v1\n"][self.next(3)];
                    self.put(comment);
                }
                self.put(&" ".repeat(indent));
            }
            self.put(KEYS[index % KEYS.len()]);
            self.out.push(':');
            self.value(value, indent);
        }
    }

    /// A value behind its colon or dash, to the end of its last line.
    fn value(&mut self, made: &Made, indent: usize) {
        let comment = COMMENTS[self.next(COMMENTS.len())];
        let deeper = indent + self.step;
        match made {
            Made::Scalar(index) => {
                let text = SCALARS[*index];
                let Some(header) = text.strip_suffix('\n') else {
                    self.put(&format!(" {text}{comment}\n"));
                    return;
                };
                let pad = " ".repeat(deeper);
                self.put(&format!(
                    " {header}{comment}\n{pad}tag: v1 # not this\n{pad}  more\n"
                ));
            }
            Made::Block(values) if !values.is_empty() => {
                self.put(&format!("{comment}\n"));
                self.entries(made, deeper, "");
            }
            Made::BlockItems(items, zero) if !items.is_empty() => {
                self.put(&format!("{comment}\n"));
                let column = if *zero { indent } else { deeper };
                for item in items {
                    self.put(&format!("{}-", " ".repeat(column)));
                    if matches!(item, Made::Block(values) if !values.is_empty()) {
                        self.entries(item, column + 2, " ");
                    } else if matches!(item, Made::BlockItems(..)) {
                        self.put(" []\n");
                    } else {
                        self.value(item, column);
                    }
                }
            }
            _ => {
                self.out.push(' ');
                self.flow(made, deeper);
                self.put(&format!("{comment}\n"));
            }
        }
    }

    fn flow(&mut self, made: &Made, indent: usize) {
        let broken = self.next(4) == 0;
        let gap = if broken {
            format!("\n{}", " ".repeat(indent))
        } else {
            String::new()
        };
        match made {
            Made::Scalar(index) => {
                let text = if SCALARS[*index].ends_with('\n') {
                    "v1"
                } else {
                    SCALARS[*index]
                };
                self.put(text);
            }
            Made::Block(values) | Made::Flow(values) => {
                self.out.push('{');
                for (index, value) in values.iter().enumerate() {
                    self.put(if index > 0 { ", " } else { "" });
                    self.put(&format!("{gap}{}: ", KEYS[index % KEYS.len()]));
                    self.flow(value, indent);
                }
                let close = if broken && self.next(2) == 0 {
                    "\n }"
                } else {
                    "}"
                };
                self.put(close);
            }
            Made::BlockItems(items, _) | Made::FlowItems(items) => {
                self.out.push('[');
                for (index, value) in items.iter().enumerate() {
                    self.put(if index > 0 { ", " } else { "" });
                    self.put(&gap);
                    // A flow sequence has no empty items.
                    let value = if matches!(value, Made::Scalar(index) if SCALARS[*index].is_empty())
                    {
                        &Made::Scalar(0)
                    } else {
                        value
                    };
                    self.flow(value, indent);
                }
                self.out.push(']');
            }
        }
    }
}

/// Every node of the first document by its path, with what it says.
fn flat(text: &[u8]) -> BTreeMap<String, (NodePath, String)> {
    fn walk(
        node: NodeRef<'_>,
        path: &mut NodePath,
        all: &mut BTreeMap<String, (NodePath, String)>,
    ) {
        let says = match node.text() {
            Some(text) => format!("={text}"),
            None if node.is_null() => "null".to_owned(),
            None if node.is_mapping() => "map".to_owned(),
            None => "seq".to_owned(),
        };
        all.insert(format!("{path:?}"), (path.clone(), says));
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
    let yaml = parse(text).unwrap();
    let mut all = BTreeMap::new();
    walk(yaml.documents[0].root(), &mut Vec::new(), &mut all);
    all
}

fn serde_text(bytes: &[u8], path: &[Step]) -> Option<String> {
    let text = std::str::from_utf8(bytes)
        .unwrap()
        .trim_start_matches('\u{feff}');
    let root: serde_yaml::Value = serde_yaml::from_str(text).ok()?;
    let found = path.iter().try_fold(&root, |value, step| match step {
        Step::Key(key) => value.get(key.as_str()),
        Step::Index(index) => value.get(index),
    });
    match found? {
        serde_yaml::Value::String(text) => Some(text.clone()),
        other => serde_yaml::to_string(other)
            .ok()
            .map(|text| text.trim_end().to_owned()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn set_changes_one_token(text in file(), which in any::<prop::sample::Index>(), value in 0..VALUES.len()) {
        let value = VALUES[value];
        let before = flat(text.as_bytes());
        let leaves: Vec<&NodePath> = before.values().filter(|(_, says)| says.starts_with('=') || says == "null").map(|(path, _)| path).collect();
        if leaves.is_empty() {
            return Ok(());
        }
        let path = leaves[which.index(leaves.len())].clone();
        let yaml = parse(text.as_bytes()).unwrap();
        let node = yaml.documents[0].root().find(&path).unwrap().node();
        let span = node.span.clone();
        let result = apply(text.as_bytes(), &[Edit::Set { document: 0, path: path.clone(), value: value.to_owned() }]);
        let many_lines = text[span.clone()].contains('\n');
        let Ok(found) = result else {
            prop_assert!(many_lines, "refused {path:?} = {value:?}: {result:?} in\n{text}");
            return Ok(());
        };
        // Bytes outside the token.
        let tail = &text.as_bytes()[span.end..];
        let blank = usize::from(span.is_empty());
        prop_assert!(found.starts_with(&text.as_bytes()[..span.start]));
        prop_assert!(found.ends_with(&tail[blank.min(tail.len())..]));
        // Nodes outside the token.
        let after = flat(&found);
        prop_assert_eq!(before.len(), after.len());
        for (key, (at, says)) in &after {
            if at == &path {
                prop_assert!(says == &format!("={value}") || many_lines && says == &format!("={value}\n"), "{says:?}");
            } else {
                prop_assert_eq!(says, &before[key].1, "{}", key);
            }
        }
        // Another reader agrees on the text; numbers that were numbers stay such.
        if let Some(read) = serde_text(&found, &path) {
            prop_assert_eq!(read.trim_end(), value.trim_end());
        }
    }

    #[test]
    fn what_is_inserted_is_read_and_taken_out_again(text in file(), which in any::<prop::sample::Index>(), value in 0..VALUES.len(), nested in any::<bool>()) {
        let value = VALUES[value];
        let before = flat(text.as_bytes());
        let mappings: Vec<&NodePath> = before.values().filter(|(_, says)| says == "map").map(|(path, _)| path).collect();
        let mut parent = mappings[which.index(mappings.len())].clone();
        let mapping = parent.clone();
        if nested {
            parent.push(Step::Key("outer".into()));
        }
        let mut path = parent.clone();
        path.push(Step::Key("inserted".into()));
        let edit = Edit::Insert { document: 0, parent: parent.clone(), key: "inserted".into(), value: value.to_owned(), typed: false };
        let found = apply(text.as_bytes(), &[edit]);
        prop_assert!(found.is_ok(), "refused {path:?}: {found:?} in\n{text}");
        let found = found.unwrap();
        let after = flat(&found);
        prop_assert_eq!(after.len(), before.len() + 1 + usize::from(nested));
        prop_assert_eq!(&after[&format!("{path:?}")].1, &format!("={value}"));
        for (key, (_, says)) in &before {
            prop_assert_eq!(says, &after[key].1, "{}", key);
        }
        if let Some(read) = serde_text(&found, &path) {
            prop_assert_eq!(read, value);
        }
        let taken = if nested { [&mapping[..], &[Step::Key("outer".into())]].concat() } else { path };
        let back = apply(&found, &[Edit::Remove { document: 0, path: taken, prune: false }]);
        prop_assert_eq!(back.as_deref().map(String::from_utf8_lossy), Ok(text.as_str().into()), "from\n{}", String::from_utf8_lossy(&found));
    }

    #[test]
    fn what_is_removed_is_gone_and_nothing_else(text in file(), which in any::<prop::sample::Index>()) {
        let before = flat(text.as_bytes());
        let keyed: Vec<&NodePath> = before.values().map(|(path, _)| path).filter(|path| matches!(path.last(), Some(Step::Key(_)))).collect();
        let path = keyed[which.index(keyed.len())].clone();
        let Ok(found) = apply(text.as_bytes(), &[Edit::Remove { document: 0, path: path.clone(), prune: false }]) else {
            return Ok(());
        };
        if parse(&found).unwrap().documents.is_empty() {
            prop_assert_eq!(path.len(), 1);
            return Ok(());
        }
        let after = flat(&found);
        for (key, (at, says)) in &before {
            let parent = at.len() + 1 == path.len() && path.starts_with(at);
            match after.get(key) {
                _ if parent => {}
                None => prop_assert!(at.starts_with(&path), "{key} went too"),
                Some((_, still)) => {
                    prop_assert!(!at.starts_with(&path), "{key} is still there");
                    prop_assert_eq!(still, says, "{}", key);
                }
            }
        }
    }

    #[test]
    fn nothing_panics(text in file(), cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..6)) {
        let mut bytes = text.into_bytes();
        for (at, byte, how) in cuts {
            let at = at.index(bytes.len().max(1));
            match how {
                0 if at < bytes.len() => bytes[at] = b"?:-#{}[]&*!|>'\"%@`, \n\t"[usize::from(byte) % 22],
                1 if at < bytes.len() => drop(bytes.remove(at)),
                2 => bytes.insert(at.min(bytes.len()), byte),
                _ => bytes.truncate(at),
            }
        }
        let steps = |keys: &[&str]| keys.iter().map(|key| Step::Key((*key).to_owned())).collect::<NodePath>();
        for path in [steps(&["tag"]), steps(&["name", "tag"]), vec![]] {
            let edits = [
                Edit::Set { document: 0, path: path.clone(), value: "v2".into() },
                Edit::Insert { document: 0, parent: path.clone(), key: "inserted".into(), value: "v2".into(), typed: true },
                Edit::Remove { document: 0, path: path.clone(), prune: true },
                Edit::Comment { document: 0, path, from: "v1".into(), to: "v2".into() },
            ];
            for edit in &edits {
                drop(apply(&bytes, std::slice::from_ref(edit)));
            }
        }
    }

    #[test]
    fn nothing_panics_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        drop(parse(&bytes));
        drop(apply(&bytes, &[Edit::Remove { document: 0, path: vec![], prune: true }]));
    }
}

//! The tree: what is read, where it stands, and what is refused.

use super::super::{NodeKind, NodeRef, ScalarStyle, ScalarType, Yaml, parse};
use super::path;

fn tree(text: &str) -> Yaml<'_> {
    parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text:?}: {error:?}"))
}

fn at<'t>(yaml: &'t Yaml<'_>, steps: &str) -> NodeRef<'t> {
    yaml.documents[0]
        .root()
        .find(&path(steps))
        .unwrap_or_else(|| panic!("no {steps}"))
}

#[test]
fn scalars_say_their_text_their_bytes_and_their_line() {
    #[rustfmt::skip]
    let cases: &[(&str, &str, &str, &str, &str, u32)] = &[
        ("plain number stays text", "tag: 1.10 # c\n", "tag", "1.10", "1.10", 1),
        ("exponent lookalike", "a: 1\ntag: 1234e56", "tag", "1234e56", "1234e56", 2),
        ("single quoted", "tag: 'it''s'\n", "tag", "it's", "'it''s'", 1),
        ("double quoted", "tag: \"a\\tb\"\n", "tag", "a\tb", "\"a\\tb\"", 1),
        ("windows line ends", "a:\r\n  tag: v1\r\n", "a.tag", "v1", "v1", 2),
        ("byte-order mark", "\u{feff}tag: v1\n", "tag", "v1", "v1", 1),
        ("literal", "a: |\n  line\n\n\nb: 1\n", "a", "line\n", "line\n", 2),
        ("folded", "a: >-\n  r/a:v1\n", "a", "r/a:v1", "r/a:v1\n", 2),
        ("plain over lines", "a: one\n  two\n", "a", "one two", "one\n  two", 1),
        ("value below its key", "a:\n  # why\n  v1\n", "a", "v1", "v1", 3),
        ("explicit key", "? tag\n: v1 # c\n", "tag", "v1", "v1", 2),
        ("tagged and anchored", "tag: !!str &x 1.10\n", "tag", "1.10", "1.10", 1),
        ("flow", "i: [{n: a, t: v1}, {n: b, t: \"v2\"}]", "i.1.t", "v2", "\"v2\"", 1),
        ("json with tabs", "{\n\t\"image\": {\n\t\t\"tag\": \"1.0\"\n\t}\n}\n", "image.tag", "1.0", "\"1.0\"", 3),
        ("wide characters before", "o: \"Zoë 日本, 🚀\"\nn: {ключ: é, tag: v1}\n", "n.tag", "v1", "v1", 2),
        ("sequence not indented", "i:\n- n: a\n  t: v1\n", "i.0.t", "v1", "v1", 3),
    ];
    for (name, text, steps, expected, source, line) in cases {
        let yaml = tree(text);
        let node = at(&yaml, steps);
        assert_eq!(node.text(), Some(*expected), "{name}");
        assert_eq!(yaml.source(node.node().span.clone()), *source, "{name}");
        assert_eq!(node.line(), *line, "{name}");
    }
}

#[test]
fn empty_values_stand_behind_their_indicator() {
    #[rustfmt::skip]
    let cases: &[(&str, &str, &str, usize, u32)] = &[
        ("with a comment", "tag: # set by CI\nx: 1\n", "tag", 4, 1),
        ("bare", "a:\n  tag:\n  x: 1\n", "a.tag", 9, 2),
        ("anchored", "tag: &a\nx: 1\n", "tag", 7, 1),
        ("flow", "{a: , b: 1}", "a", 3, 1),
        ("item", "a:\n  -\n  - 1\n", "a.0", 6, 2),
        ("explicit key", "? tag\n: # c\nx: 1\n", "tag", 7, 2),
        ("key alone", "{a, b: 1}", "a", 2, 1),
    ];
    for (name, text, steps, offset, line) in cases {
        let yaml = tree(text);
        let node = at(&yaml, steps);
        assert!(node.is_null(), "{name}");
        assert_eq!(node.node().span, *offset..*offset, "{name}");
        assert_eq!(node.line(), *line, "{name}");
    }
}

#[test]
fn merge_keys_and_aliases_are_followed() {
    let text = "t: &t v1\nbase: &base {tag: v0, image: {name: a}}\nmore: &more {tag: v9, only: more}\n\
                one:\n  <<: *base\n  own: *t\ntwo:\n  <<: [*base, *more]\n  tag: v5\n\
                quoted:\n  \"<<\": *base\nalias: *base\n";
    let yaml = tree(text);
    let root = yaml.documents[0].root();
    let get = |outer: &str, key: &str| root.get(outer).and_then(|found| found.value.get(key));
    let read = |outer: &str, key: &str| {
        get(outer, key).map(|found| (found.value.text().unwrap_or("-").to_owned(), found.merged))
    };
    assert_eq!(read("one", "tag"), Some(("v0".into(), true)));
    assert_eq!(read("one", "own"), Some(("v1".into(), false)));
    assert!(get("one", "own").is_some_and(|found| found.value.is_alias()));
    assert_eq!(read("two", "tag"), Some(("v5".into(), false)));
    assert_eq!(read("two", "only"), Some(("more".into(), true)));
    assert_eq!(read("quoted", "tag"), None);
    assert_eq!(read("alias", "tag"), Some(("v0".into(), false)));
    let keys: Vec<_> = root
        .get("two")
        .unwrap()
        .value
        .entries()
        .iter()
        .map(|found| found.key.text().unwrap())
        .collect();
    assert_eq!(keys, ["tag", "image", "only"]);
    assert_eq!(root.get("t").unwrap().value.alias_lines(), [6]);
}

#[test]
fn a_mapping_that_merges_itself_is_read_once() {
    let yaml = tree("a: &a\n  <<: [*a, *a]\n  b: 1\n");
    let a = at(&yaml, "a");
    assert!(a.get("missing").is_none());
    assert_eq!(a.entries().len(), 1);
}

#[test]
fn the_last_of_two_equal_keys_is_read_and_told() {
    let yaml = tree("tag: v1\ntag: v0\n");
    let found = yaml.documents[0].root().get("tag").unwrap();
    assert_eq!((found.value.text(), found.duplicate), (Some("v0"), Some(1)));
    let entries = yaml.documents[0].root().entries();
    assert_eq!(
        (entries[0].value.text(), entries[0].duplicate),
        (Some("v0"), Some(1))
    );
}

#[test]
fn a_quoted_key_is_its_text() {
    let yaml = tree("\"a.b/c\": v1\n");
    let found = yaml.documents[0].root().get("a.b/c").unwrap();
    assert_eq!(found.value.text(), Some("v1"));
}

#[test]
fn trailing_comments_belong_to_the_line() {
    #[rustfmt::skip]
    let cases: &[(&str, &str, &str, Option<&str>)] = &[
        ("plain", "tag: abc  # v1.2\n", "tag", Some("v1.2")),
        ("tab before", "tag: abc \t# v1.2", "tag", Some("v1.2")),
        ("none", "tag: abc\n# v1.2\n", "tag", None),
        ("hash in the value", "tag: abc#v1.2\n", "tag", None),
        ("in a flow mapping", "{\n  tag: abc, # v1\n}\n", "tag", Some("v1")),
        ("header of a block scalar", "tag: | # v1\n  abc\n# no\n", "tag", Some("v1")),
        ("empty value", "tag: # v1\nx: 1", "tag", Some("v1")),
        ("windows line end", "tag: abc # v1\r\nx: 1\r\n", "tag", Some("v1")),
    ];
    for (name, text, steps, expected) in cases {
        let yaml = tree(text);
        let comment = yaml.trailing_comment(at(&yaml, steps).node());
        assert_eq!(
            comment.map(|comment| yaml.comment_text(comment)),
            *expected,
            "{name}"
        );
    }
}

#[test]
fn documents_are_counted_as_written() {
    #[rustfmt::skip]
    let cases: &[(&str, &str, usize)] = &[
        ("empty file", "", 0),
        ("comments alone", "# a\n# b\n", 0),
        ("marker alone", "---\n", 1),
        ("three, the second empty", "a: 1\n---\n---\nb: 2\n...\n", 3),
        ("directive", "%YAML 1.1\n---\na: 1\n...\n", 1),
    ];
    for (name, text, count) in cases {
        assert_eq!(tree(text).documents.len(), *count, "{name}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_line_and_reason() {
    let deep = "[".repeat(100_000);
    #[rustfmt::skip]
    let cases: &[(&str, &[u8], Option<u32>, &str)] = &[
        ("template", b"image:\n  tag: {{ .Values.tag }}\n{{- if .x }}\n  y: 1\n{{- end }}\n", Some(2), "template"),
        ("utf-16", b"\xff\xfea\0:\0", Some(1), "UTF-16"),
        ("binary", b"a: b\n\xff\x00\x01", Some(2), "binary"),
        ("latin-1", b"a: b\nb: caf\xe9\n", Some(2), "UTF-8"),
        ("mixed", b"a: 1\n- b\n", Some(2), "YAML"),
        ("unknown alias", b"a: *b\n", Some(1), "YAML"),
        ("too deep", deep.as_bytes(), Some(1), "YAML"),
    ];
    for (name, bytes, line, word) in cases {
        let error = parse(bytes).expect_err(name);
        assert_eq!(error.line, *line, "{name}: {error}");
        assert!(error.message.contains(word), "{name}: {error}");
    }
}

#[test]
fn a_bare_question_mark_is_read() {
    for text in [
        "?",
        "? ",
        "?\n",
        "? \n? a\n",
        "a:\n  ?\n",
        "{?}",
        "[?]",
        "? ?",
        "- ?\n- b",
    ] {
        drop(parse(text.as_bytes()));
    }
}

#[test]
fn scalar_types_see_through_aliases_quotes_and_tags() {
    let yaml = tree("a: &a true\nb: *a\nc: \"true\"\nd: !!str true\ne:\nf: []\ng: v1\n");
    let types: Vec<_> = ["a", "b", "c", "d", "e", "f", "g"]
        .iter()
        .map(|key| at(&yaml, key).scalar_type())
        .collect();
    let text = Some(ScalarType::Text);
    let bool = Some(ScalarType::Bool);
    assert_eq!(
        types,
        [bool, bool, text, text, Some(ScalarType::Null), None, text]
    );
    assert!(matches!(
        at(&yaml, "c").node().kind,
        NodeKind::Scalar {
            style: ScalarStyle::DoubleQuoted,
            ..
        }
    ));
}

#[test]
fn template_expressions_are_told_from_mappings() {
    let yaml = tree("a: {{ .Values.tag }}\nb: {x: y}\nc: { {x: y}: z }\nd: v1\ne: {{ x }: y}\n");
    let found = ["a", "b", "c", "d", "e"].map(|key| at(&yaml, key).is_template());
    assert_eq!(found, [true, false, false, false, false]);
}

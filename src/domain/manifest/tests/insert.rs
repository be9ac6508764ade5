//! Adding keys and taking them out again.

use super::super::Edit;
use super::{applied, insert, path, remove};

#[test]
fn insert_adds_one_line_and_remove_is_its_inverse() {
    #[rustfmt::skip]
    let cases: &[(&str, &str, &str, &str, &str)] = &[
        ("empty file", "", "image.tag", "v1", "image:\n  tag: v1\n"),
        ("comments alone", "# a\n# b\n", "tag", "v1", "# a\n# b\ntag: v1\n"),
        ("comment without line break", "# a", "tag", "v1", "# a\ntag: v1"),
        ("byte-order mark alone", "\u{feff}", "tag", "v1", "\u{feff}tag: v1\n"),
        ("byte-order mark before the mapping", "\u{feff}a: 1\n", "tag", "v1", "\u{feff}a: 1\ntag: v1\n"),
        ("marker alone", "---\n", "tag", "v1", "---\ntag: v1\n"),
        ("marker without line break", "---", "tag", "v1", "---\ntag: v1"),
        ("marker with comment", "--- # c\n", "tag", "v1", "--- # c\ntag: v1\n"),
        ("before the next document", "a: 1\n---\nb: 1\n", "tag", "v1", "a: 1\ntag: v1\n---\nb: 1\n"),
        ("before the end marker", "a: 1\n...\n", "tag", "v1", "a: 1\ntag: v1\n...\n"),
        ("empty braces", "image: {}\n", "image.tag", "v1", "image: {tag: v1}\n"),
        ("empty braces with a blank", "image: { } # c\n", "image.tag", "v1", "image: { tag: v1 } # c\n"),
        ("empty braces over lines", "{\n}\n", "tag", "v1", "{\n  \"tag\": \"v1\"\n}\n"),
        ("whole file in braces", "{}", "image.tag", "v1", "{\"image\": {\"tag\": \"v1\"}}"),
        ("braces with blanks", "i: { a: b }\n", "i.tag", "v1", "i: { a: b, tag: v1 }\n"),
        ("braces with a last comma", "i: {a: b,}\n", "i.tag", "v1", "i: {a: b, tag: v1,}\n"),
        ("braces over lines", "i: {\n  a: b # c\n}\n", "i.tag", "v1", "i: {\n  a: b, # c\n  tag: v1\n}\n"),
        ("braces over lines with a last comma", "i: {\n  a: b, # c\n  # gap\n}\n", "i.tag", "v1", "i: {\n  a: b, # c\n  tag: v1,\n  # gap\n}\n"),
        ("braces closed on the last line", "i: {x: y,\n    a: b}\n", "i.tag", "v1", "i: {x: y,\n    a: b,\n    tag: v1}\n"),
        ("json", "{\n\t\"image\": {\n\t\t\"name\": \"a\"\n\t}\n}\n", "image.tag", "1.0", "{\n\t\"image\": {\n\t\t\"name\": \"a\",\n\t\t\"tag\": \"1.0\"\n\t}\n}\n"),
        ("json on one line", "{\"a\": 1}", "image.tag", "v1", "{\"a\": 1, \"image\": {\"tag\": \"v1\"}}"),
        ("json in windows", "{\r\n  \"a\": 1\r\n}\r\n", "tag", "v1", "{\r\n  \"a\": 1,\r\n  \"tag\": \"v1\"\r\n}\r\n"),
        ("braces with quoted keys", "i: {\"a\": \"b\"}\n", "i.tag", "v1", "i: {\"a\": \"b\", \"tag\": \"v1\"}\n"),
        ("empty value", "image:\nb: 1\n", "image.tag", "v1", "image:\n  tag: v1\nb: 1\n"),
        ("empty value with comments", "image: # c\n  # d\nb: 1\n", "image.tag", "v1", "image: # c\n  tag: v1\n  # d\nb: 1\n"),
        ("empty value at the end", "image:", "image.tag", "v1", "image:\n  tag: v1"),
        ("empty anchored value", "image: &i\nb: *i\n", "image.tag", "v1", "image: &i\n  tag: v1\nb: *i\n"),
        ("the file's own indentation", "a:\n    b: 1\nimage:\n", "image.tag", "v1", "a:\n    b: 1\nimage:\n    tag: v1\n"),
        ("after a literal", "a:\n  b: |\n    text\n\n# gap\nc: 1\n", "a.tag", "v1", "a:\n  b: |\n    text\n  tag: v1\n\n# gap\nc: 1\n"),
        ("after a kept literal", "b: |+\n  text\n\n# gap\n", "tag", "v1", "b: |+\n  text\n\ntag: v1\n# gap\n"),
        ("after a folded one at the end", "b: >-\n  text", "tag", "v1", "b: >-\n  text\ntag: v1"),
        ("after a literal at the end", "b: |\n  text", "tag", "v1", "b: |\n  text\ntag: v1"),
        ("after an empty value", "a:\n  b:\nc: 1\n", "a.tag", "v1", "a:\n  b:\n  tag: v1\nc: 1\n"),
        ("after a sequence", "a:\n  b:\n  - x\n  - y # c\nc: 1\n", "a.tag", "v1", "a:\n  b:\n  - x\n  - y # c\n  tag: v1\nc: 1\n"),
        ("after braces over lines", "a:\n  b: {\n    x: y\n  } # c\nc: 1\n", "a.tag", "v1", "a:\n  b: {\n    x: y\n  } # c\n  tag: v1\nc: 1\n"),
        ("after a quoted one over lines", "a:\n  b: \"x\n    y\" # c\nc: 1\n", "a.tag", "v1", "a:\n  b: \"x\n    y\" # c\n  tag: v1\nc: 1\n"),
        ("beside a merge key", "b: &b {tag: v0}\np:\n  <<: *b\n", "p.tag", "v1", "b: &b {tag: v0}\np:\n  <<: *b\n  tag: v1\n"),
        ("behind an explicit key", "? a\n: b # c\n", "tag", "v1", "? a\n: b # c\ntag: v1\n"),
        ("item of items", "a:\n- - b: 1\n", "a.0.0.tag", "v1", "a:\n- - b: 1\n    tag: v1\n"),
        ("windows, no final line break", "a: 1\r\nb: 2", "tag", "v1", "a: 1\r\nb: 2\r\ntag: v1"),
        ("several parents", "a: 1\n", "b.c.tag", "v1", "a: 1\nb:\n  c:\n    tag: v1\n"),
        ("version like a number", "a: 1\n", "tag", "1.10", "a: 1\ntag: \"1.10\"\n"),
        ("key that needs quotes", "a: 1\n", "a b#: c: d", "v1", "a: 1\n\"a b#: c: d\": v1\n"),
        ("key like a boolean", "a: 1\n", "on", "v1", "a: 1\n\"on\": v1\n"),
        ("key with dots", "a: 1\n", "app~kubernetes~io/version", "v1", "a: 1\napp.kubernetes.io/version: v1\n"),
        ("tagged mapping", "a: !!map\n  b: 1\n", "a.tag", "v1", "a: !!map\n  b: 1\n  tag: v1\n"),
    ];
    for (name, text, steps, value, expected) in cases {
        let found = applied(text, &[insert(steps, value)]);
        assert_eq!(found.as_deref(), Ok(*expected), "{name}");
        let depth = path(steps).len();
        let mut back = applied(expected, &[remove(steps, false)]);
        if depth > 1 && back.as_deref() != Ok(*text) {
            back = applied(expected, &[remove(steps, true)]);
        }
        assert_eq!(back.as_deref(), Ok(*text), "{name}, taken out again");
    }
}

#[test]
fn insert_fills_a_key_that_says_nothing() {
    #[rustfmt::skip]
    let cases: &[(&str, &str, &str, &str)] = &[
        ("null", "image:\n  tag: null # not set\n", "image.tag", "image:\n  tag: v1 # not set\n"),
        ("empty", "image:\n  tag:\n", "image.tag", "image:\n  tag: v1\n"),
        ("there already", "tag: v1\n", "tag", "tag: v1\n"),
        ("parent is null", "image: ~ # c\n", "image.tag", "image: {tag: v1} # c\n"),
        ("parent is null in json", "{\"image\": null}", "image.tag", "{\"image\": {\"tag\": \"v1\"}}"),
        ("parent is an empty item", "a:\n  -\n", "a.0.tag", "a:\n  - {tag: v1}\n"),
        ("parent is a key alone", "{image}\n", "image.tag", "{image: {tag: v1}}\n"),
    ];
    for (name, text, steps, expected) in cases {
        assert_eq!(
            applied(text, &[insert(steps, "v1")]).as_deref(),
            Ok(*expected),
            "{name}"
        );
    }
}

#[test]
fn typed_values_are_written_as_they_stand() {
    let typed = |steps: &str, value: &str| match insert(steps, value) {
        Edit::Insert {
            document,
            parent,
            key,
            value,
            ..
        } => Edit::Insert {
            document,
            parent,
            key,
            value,
            typed: true,
        },
        other => other,
    };
    #[rustfmt::skip]
    let cases: &[(&str, &str, &str, &str)] = &[
        ("boolean", "a: 1\n", "true", "a: 1\nflag: true\n"),
        ("number", "a: 1\n", "3", "a: 1\nflag: 3\n"),
        ("number that would lose a digit", "a: 1\n", "1.10", "a: 1\nflag: \"1.10\"\n"),
        ("text", "a: 1\n", "a: b", "a: 1\nflag: \"a: b\"\n"),
        ("json", "{\"a\": 1}", "true", "{\"a\": 1, \"flag\": true}"),
        ("json has no yes", "{\"a\": 1}", "yes", "{\"a\": 1, \"flag\": \"yes\"}"),
        ("empty key", "flag:\n", "true", "flag: true\n"),
    ];
    for (name, text, value, expected) in cases {
        assert_eq!(
            applied(text, &[typed("flag", value)]).as_deref(),
            Ok(*expected),
            "{name}"
        );
    }
}

#[test]
fn remove_leaves_the_rest() {
    #[rustfmt::skip]
    let cases: &[(&str, &str, &str, bool, &str)] = &[
        ("first of a mapping", "tag: v1 # c\nb: 1\n", "tag", false, "b: 1\n"),
        ("first behind a dash", "- tag: v1 # c\n  b: 1\n", "0.tag", false, "- b: 1\n"),
        ("nested value", "a:\n  b:\n    - 1\n  # gap\n  c: 1\n", "a.b", false, "a:\n  # gap\n  c: 1\n"),
        ("literal", "a: |\n  x\n\nb: 1\n", "a", false, "\nb: 1\n"),
        ("explicit key", "? a\n: 1\nb: 1\n", "a", false, "b: 1\n"),
        ("first in braces", "{a: 1, b: 2}", "a", false, "{b: 2}"),
        ("middle in braces", "{a: 1, b: 2, c: 3}", "b", false, "{a: 1, c: 3}"),
        ("last in braces", "{a: 1, b: 2}", "b", false, "{a: 1}"),
        ("only one in braces", "{a: 1}", "a", false, "{}"),
        ("middle of braces over lines", "{\n  a: 1, # a\n  b: 2, # b\n  c: 3\n}", "b", false, "{\n  a: 1, # a\n  c: 3\n}"),
        ("last of braces over lines", "{\n  a: 1, # a\n  b: 2 # b\n}", "b", false, "{\n  a: 1 # a\n}"),
        ("comments of others stay", "{\n  a: 1, # a\n  # above b\n  b: 2, # b\n  # above c\n  c: 3\n}", "b", false, "{\n  a: 1, # a\n  # above b\n  # above c\n  c: 3\n}"),
        ("first of braces over lines", "{\n  a: 1, # a\n  # above b\n  b: 2\n}", "a", false, "{\n  # above b\n  b: 2\n}"),
        ("beside a comment in braces", "{a: 1, # a\n  b: 2, c: 3}", "b", false, "{a: 1, # a\n  c: 3}"),
        ("last beside a comment in braces", "{a: 1, # a\n  b: 2}", "b", false, "{a: 1 # a\n  }"),
        ("parents kept", "image:\n  tag: v1\nb: 1\n", "image.tag", false, "image:\nb: 1\n"),
        ("parents pruned", "x:\n  image:\n    tag: v1\nb: 1\n", "x.image.tag", true, "b: 1\n"),
        ("parents with other keys stay", "image:\n  name: a\n  tag: v1\n", "image.tag", true, "image:\n  name: a\n"),
        ("parents in braces pruned", "{a: 1, image: {tag: v1}}", "image.tag", true, "{a: 1}"),
        ("braces that were there", "image: {tag: v1} # note\nb: 1\n", "image.tag", true, "image: {} # note\nb: 1\n"),
        ("a comment on the parent", "image: # note\n  tag: v1\nb: 1\n", "image.tag", true, "image: # note\nb: 1\n"),
        ("a comment in the parent", "image:\n  # why\n  tag: v1\nb: 1\n", "image.tag", true, "image:\n  # why\nb: 1\n"),
        ("a comment behind the value goes with it", "image:\n  tag: v1 # pinned\nb: 1\n", "image.tag", true, "b: 1\n"),
        ("a comment below the value stays", "image:\n  tag: v1\n  # why\nb: 1\n", "image.tag", true, "  # why\nb: 1\n"),
        ("a comment further up", "x: # note\n  image:\n    tag: v1\n", "x.image.tag", true, "x: # note\n"),
        ("an anchor of the parent", "image: &i\n  tag: v1\nb: 1\n", "image.tag", true, "image: &i\nb: 1\n"),
        ("braces over lines with a comment", "image: { # note\n  tag: v1\n}\n", "image.tag", true, "image: { # note\n}\n"),
        ("whole file pruned", "image:\n  tag: v1\n", "image.tag", true, ""),
    ];
    for (name, text, steps, prune, expected) in cases {
        assert_eq!(
            applied(text, &[remove(steps, *prune)]).as_deref(),
            Ok(*expected),
            "{name}"
        );
    }
}

//! Giving scalars, comments and located bytes another text.

use super::super::{Edit, apply};
use super::{applied, insert, path, remove, set};

#[test]
fn set_changes_the_token_and_nothing_else() {
    #[rustfmt::skip]
    let cases: &[(&str, &str, &str, &str, &str)] = &[
        ("same text", "tag: 1.10\n", "tag", "1.10", "tag: 1.10\n"),
        ("null word", "tag: null # c\n", "tag", "v1", "tag: v1 # c\n"),
        ("tilde", "tag: ~\n", "tag", "1.10", "tag: \"1.10\"\n"),
        ("empty with blank behind", "tag: \nx: 1\n", "tag", "v1", "tag: v1\nx: 1\n"),
        ("empty at the end", "tag:", "tag", "v1", "tag: v1"),
        ("empty in windows", "tag:\r\nx: 1\r\n", "tag", "v1", "tag: v1\r\nx: 1\r\n"),
        ("empty and anchored", "tag: &a\nx: *a\n", "tag", "v1", "tag: &a v1\nx: *a\n"),
        ("empty and tagged", "tag: !!str\nx: 1\n", "tag", "1.0", "tag: !!str 1.0\nx: 1\n"),
        ("empty in braces", "{a: , b: 1}", "a", "v1", "{a: v1 , b: 1}"),
        ("key alone in braces", "{a, b: 1}", "a", "v1", "{a: v1, b: 1}"),
        ("empty item", "a:\n  -\n  - b\n", "a.0", "v1", "a:\n  - v1\n  - b\n"),
        ("comment below the key", "a:\n  # why\n\nb: 1\n", "a", "v1", "a: v1\n  # why\n\nb: 1\n"),
        ("boolean flag", "on: false # c\n", "on", "true", "on: true # c\n"),
        ("number", "replicas: 3\n", "replicas", "5", "replicas: 5\n"),
        ("number loses nothing", "v: 1.9\n", "v", "1.10", "v: \"1.10\"\n"),
        ("empty text", "a: ''\n", "a", "v1", "a: 'v1'\n"),
        ("folded, one line", "image: >-\n  r/a:v1\nb: 1\n", "image", "r/a:v2", "image: >-\n  r/a:v2\nb: 1\n"),
        ("literal, line break stays", "a: | # c\n  v1\n\nb: 1\n", "a", "v2", "a: | # c\n  v2\n\nb: 1\n"),
        ("literal, one word of many", "values: |\n  image:\n    tag: v1 # not v1\n  x: v1\nb: 1\n", "values", "image:\n  tag: v1 # not v1\nx: v2\n", "values: |\n  image:\n    tag: v1 # not v1\n  x: v2\nb: 1\n"),
        ("plain over lines", "a: one\n  two three\nb: 1\n", "a", "one 2 three", "a: one\n  2 three\nb: 1\n"),
        ("quoted over lines", "a: \"one\n  two\"\n", "a", "one \"2\"", "a: \"one\n  \\\"2\\\"\"\n"),
        ("json text", "{\"a\": {\"tag\": \"1.0\"}}", "a.tag", "x", "{\"a\": {\"tag\": \"x\"}}"),
        ("json null", "{\"tag\": null}\n", "tag", "v1", "{\"tag\": \"v1\"}\n"),
        ("json number becomes text", "{\"tag\": 1}", "tag", "v1", "{\"tag\": \"v1\"}"),
        ("json number stays", "{\"n\": 1}", "n", "2", "{\"n\": 2}"),
        ("alias of a flag", "a: &a true\nb: *a\n", "b", "false", "a: &a true\nb: false\n"),
        ("key written twice elsewhere", "x: {a: 1, a: 2}\ntag: v1\n", "tag", "v2", "x: {a: 1, a: 2}\ntag: v2\n"),
        ("value with a comment sign", "tag: v1 # c\n", "tag", "a #b", "tag: \"a #b\" # c\n"),
        ("second document's start", "tag: v1\n---\ntag: v1\n", "tag", "v2", "tag: v2\n---\ntag: v1\n"),
        ("lone carriage returns", "a: 1\rtag: v1\r", "tag", "v2", "a: 1\rtag: v2\r"),
        ("a number that is said to be one", "a: !!int 17\n", "a", "18", "a: !!int 18\n"),
        ("a fraction that is said to be one", "a: !!float 1.5\n", "a", "1.6", "a: !!float 1.6\n"),
        ("a date that is said to be one", "a: !!timestamp 2026-11-01\n", "a", "2026-11-02", "a: !!timestamp 2026-11-02\n"),
        ("a text that is said to be one", "a: !!str 1.5\nb: !<tag:yaml.org,2002:str> 1\n", "a", "1.10", "a: !!str 1.10\nb: !<tag:yaml.org,2002:str> 1\n"),
        ("a tag that is none", "a: ! 1.5\n", "a", "1.10", "a: ! 1.10\n"),
        ("custom tag", "a: !vault v1\n", "a", "1.0", "a: !vault 1.0\n"),
    ];
    for (name, text, steps, value, expected) in cases {
        assert_eq!(
            applied(text, &[set(steps, value)]).as_deref(),
            Ok(*expected),
            "{name}"
        );
    }
}

#[test]
fn words_of_comments_and_located_bytes_are_replaced() {
    let comment = |steps: &str, from: &str, to: &str| Edit::Comment {
        document: 0,
        path: path(steps),
        from: from.to_owned(),
        to: to.to_owned(),
    };
    #[rustfmt::skip]
    let cases: &[(&str, &str, Edit, &str)] = &[
        ("readable version", "tag: abc # v1.2\n", comment("tag", "v1.2", "v1.3"), "tag: abc # v1.3\n"),
        ("whole word only", "tag: abc # 1.2.3, not 1.2. \n", comment("tag", "1.2", "2"), "tag: abc # 1.2.3, not 2. \n"),
        ("with an image", "tag: abc #app:1.2\t\n", comment("tag", "1.2", "1.3"), "tag: abc #app:1.3\t\n"),
        ("header of a literal", "a: | # v1\n  x\n", comment("a", "v1", "v2"), "a: | # v2\n  x\n"),
    ];
    for (name, text, edit, expected) in cases {
        assert_eq!(
            applied(text, std::slice::from_ref(edit)).as_deref(),
            Ok(*expected),
            "{name}"
        );
    }
    let replace = |range, value: &str| Edit::Replace {
        range,
        value: value.to_owned(),
    };
    let edits = [replace(6..8, "v20"), replace(2..3, "x"), replace(2..3, "x")];
    assert_eq!(
        apply(b"\xff=1\nB=v1\n", &edits[..1]),
        Ok(b"\xff=1\nB=v20\n".to_vec())
    );
    assert_eq!(
        applied("A=1\nB=v1\n", &edits).as_deref(),
        Ok("A=x\nB=v20\n")
    );
}

#[test]
fn several_edits_of_a_file_compose() {
    let text = "images:\n- name: a\n  newTag: v1\n- name: b\n";
    let edits = [
        set("images.0.newTag", "v2"),
        insert("images.1.newTag", "v3"),
        set("images.1.newTag", "v4"),
        set("images.0.newTag", "v5"),
        insert("image.tag", "x"),
        insert("image.digest", "sha256:ab"),
        remove("image.tag", false),
    ];
    let expected =
        "images:\n- name: a\n  newTag: v5\n- name: b\n  newTag: v4\nimage:\n  digest: sha256:ab\n";
    assert_eq!(applied(text, &edits).as_deref(), Ok(expected));
    let mixed = [
        Edit::Replace {
            range: 3..5,
            value: "longer".into(),
        },
        set("b", "v2"),
    ];
    assert_eq!(
        applied("a: v1\nb: v1\n", &mixed).as_deref(),
        Ok("a: longer\nb: v2\n")
    );
}

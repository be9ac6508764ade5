//! What is refused, with line and reason.

use super::super::Edit;
use super::{insert, path, refused, remove, set};

#[test]
fn what_cannot_be_kept_is_refused_with_line_and_reason() {
    let comment = |from: &str| Edit::Comment {
        document: 0,
        path: path("tag"),
        from: from.into(),
        to: "v2".into(),
    };
    let twice = "x: 1\ntag: v1\ntag: v0\n";
    let shared = "b: &b\n  image: {tag: v0, name: a}\np:\n  <<: *b\nq: *b\n";
    let typed = [
        ("!!float 1.10", "v2"),
        ("!!float 1.5", "1.30"),
        ("!!float 1.5", "2"),
        ("!!int 17", "1.5"),
        ("!!int 17", "017"),
        ("!!bool true", "yes"),
        ("!!null ~", "v2"),
        ("!!null", "v2"),
        ("!!timestamp 2026-11-01", "v2"),
        ("!<tag:yaml.org,2002:float> 1.5", "v2"),
        ("&a !!float 1.5", "v2"),
        ("!!float \"1.5\"", "v2"),
    ];
    for (written, value) in typed {
        let text = format!("a: 1\ntag: {written} # c\n");
        let name = format!("a value of another type, {written} as {value}");
        refused(
            &name,
            &text,
            set("tag", value),
            Some(2),
            "take the tag out first",
        );
    }
    refused(
        "duplicate key",
        twice,
        set("tag", "v2"),
        Some(3),
        "first in line 2",
    );
    refused(
        "duplicate key, inserted",
        twice,
        insert("tag", "v2"),
        Some(3),
        "twice",
    );
    refused(
        "duplicate key, removed",
        twice,
        remove("tag", false),
        Some(3),
        "twice",
    );
    refused(
        "duplicate parent",
        "a: {t: 1}\na: {t: 2}\n",
        set("a.t", "v2"),
        Some(2),
        "twice",
    );
    refused(
        "template expression",
        "a:\n  tag: {{ .Values.tag }}\n",
        set("a.tag", "v2"),
        Some(2),
        "template",
    );
    refused(
        "through an alias",
        shared,
        set("q.image.tag", "v2"),
        Some(5),
        "alias of `&b` (line 2)",
    );
    refused(
        "through a merge key",
        shared,
        set("p.image.tag", "v2"),
        Some(4),
        "merge key",
    );
    refused(
        "hiding what is merged",
        shared,
        insert("p.image.tag", "v2"),
        Some(4),
        "merge key",
    );
    refused(
        "into an alias",
        shared,
        insert("q.tag", "v2"),
        Some(5),
        "alias",
    );
    refused(
        "removing what is shared",
        "a: &a 1\nb: *a\n",
        remove("a", false),
        Some(1),
        "edit it by hand",
    );
    refused(
        "a mapping",
        "a: {b: 1}\n",
        set("a", "v2"),
        Some(1),
        "a mapping, not a value",
    );
    refused(
        "an item that is not there",
        "a: [1]\n",
        set("a.3", "v2"),
        Some(1),
        "has 1 items",
    );
    refused(
        "items made up",
        "a: 1\n",
        insert("b.0.tag", "v2"),
        None,
        "not made up",
    );
    refused(
        "no such document",
        "a: 1\n",
        Edit::Set {
            document: 3,
            path: path("a"),
            value: "x".into(),
        },
        None,
        "1 YAML documents",
    );
    refused(
        "through a scalar",
        "image: v1\n",
        insert("image.tag", "v2"),
        Some(1),
        "is a scalar",
    );
    refused(
        "there with another text",
        "tag: v1\n",
        insert("tag", "v2"),
        Some(1),
        "there already and is read as no version",
    );
    refused(
        "a list where a version would stand",
        "image:\n  tag: [a, b]\n",
        insert("image.tag", "v2"),
        Some(2),
        "`image.tag` is a sequence, where a version would stand",
    );
    refused(
        "a mapping where a version would stand",
        "tag:\n  a: b\n",
        insert("tag", "v2"),
        Some(2),
        "`tag` is a mapping, where a version would stand",
    );
    refused(
        "several lines change",
        "a: |\n  one\n  two\n",
        set("a", "three\nfour\n"),
        Some(2),
        "by hand",
    );
    refused(
        "explicit key without value",
        "? tag\n",
        set("tag", "v2"),
        Some(1),
        "no `:`",
    );
    refused(
        "only key of an item",
        "- tag: v1\n",
        remove("0.tag", true),
        Some(1),
        "empty",
    );
    refused(
        "no comment",
        "tag: v1\n",
        comment("v1"),
        Some(1),
        "no comment",
    );
    refused(
        "another comment",
        "tag: v1 # v1.2\n",
        comment("v1"),
        Some(1),
        "does not say",
    );
    refused(
        "pair without braces",
        "a: [b: 1]\n",
        insert("a.0.tag", "v2"),
        Some(1),
        "without braces",
    );
    refused(
        "line break in located text",
        "",
        Edit::Replace {
            range: 0..0,
            value: "a\nb".into(),
        },
        None,
        "line break",
    );
    refused(
        "beyond the end",
        "",
        Edit::Replace {
            range: 3..4,
            value: "a".into(),
        },
        None,
        "beyond",
    );
    refused("not YAML", "a: [", set("a", "b"), Some(1), "YAML");
    refused(
        "lone carriage returns",
        "a: 1\rb: 1\r",
        insert("tag", "v2"),
        Some(1),
        "carriage return",
    );
}

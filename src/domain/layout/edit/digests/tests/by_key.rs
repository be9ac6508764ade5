//! Digests under the keys that charts keep them under.

use super::*;
use crate::domain::layout::{
    edit::tests::{DIGEST, HELM},
    testing::lines,
};

/// `# {"$imagepolicy": "flux-system:web:tag"}`
fn mark(kind: &str) -> String {
    format!(r#" # {{"$imagepolicy": "flux-system:web{kind}"}}"#)
}

#[test]
fn tags_and_digests_in_two_keys_move_together() {
    let layout = r#"{ preset = "helm-values", path = "{env}/{service}.yaml" }"#;
    let below = HELM;
    let new = DIGEST.replace("aa", "bb");
    let both = format!("image:\n  tag: v1\n  digest: {DIGEST}\n");
    let cases = [
        (
            "both to both",
            layout,
            both.clone(),
            format!("v2@{new}"),
            format!("image:\n  tag: v2\n  digest: {new}\n"),
        ),
        (
            "both to a tag",
            layout,
            both.clone(),
            "v2".into(),
            "image:\n  tag: v2\n".into(),
        ),
        (
            "both to a digest: the tag would say something else",
            layout,
            both.clone(),
            new.clone(),
            format!("image:\n  tag: \"\"\n  digest: {new}\n"),
        ),
        (
            "both to a digest, where only the tag is read",
            r#"{ path = "{env}/{service}.yaml", yaml = "image.tag" }"#,
            both.clone(),
            new.clone(),
            format!("image:\n  tag: \"\"\n  digest: {new}\n"),
        ),
        (
            "a digest under an empty tag to a tag",
            layout,
            format!("image:\n  tag: ''\n  digest: {DIGEST}\n"),
            "v2".into(),
            "image:\n  tag: 'v2'\n".into(),
        ),
        (
            "a digest under an empty tag to another",
            layout,
            format!("image:\n  tag: ''\n  digest: {DIGEST}\n"),
            new.clone(),
            format!("image:\n  tag: ''\n  digest: {new}\n"),
        ),
        (
            "a digest under an empty tag to both",
            layout,
            format!("image:\n  tag: ''\n  digest: {DIGEST}\n"),
            format!("v2@{new}"),
            format!("image:\n  tag: 'v2'\n  digest: {new}\n"),
        ),
        (
            "an empty digest is filled",
            layout,
            "image:\n  tag: v1\n  digest: \"\"\n".into(),
            format!("v2@{new}"),
            format!("image:\n  tag: v2\n  digest: \"{new}\"\n"),
        ),
        (
            "an empty digest stays",
            layout,
            "image: {tag: v1, digest: ''}\n".into(),
            "v2".into(),
            "image: {tag: v2, digest: ''}\n".into(),
        ),
        (
            "no digest's key",
            layout,
            "image: {tag: v1}\n".into(),
            format!("v2@{new}"),
            format!("image: {{tag: v2@{new}}}\n"),
        ),
        (
            "what a chart could bring is emptied",
            below,
            both.clone(),
            "v2".into(),
            "image:\n  tag: v2\n  digest: \"\"\n".into(),
        ),
        (
            "spelled in one word",
            r#"{ path = "{env}/{service}.yaml", yaml = "imageTag" }"#,
            format!("imageTag: v1\nimageDigest: {DIGEST}\n"),
            format!("v2@{new}"),
            format!("imageTag: v2\nimageDigest: {new}\n"),
        ),
        (
            "through a merge key",
            r#"{ path = "{env}/{service}.yaml", yaml = "image.tag" }"#,
            format!("base: &base {{digest: '{DIGEST}'}}\nimage:\n  <<: *base\n  tag: v1\n"),
            "v2".into(),
            format!(
                "base: &base {{digest: '{DIGEST}'}}\nimage:\n  <<: *base\n  tag: v2\n  digest: \"\"\n"
            ),
        ),
    ];
    for (name, layout, text, version, expected) in cases {
        let path = if layout == HELM {
            "charts/web/values-prod.yaml"
        } else {
            "prod/web.yaml"
        };
        let found = edited(layout, &[(path, &text)], &format!("web prod {version}"));
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_digest_of_the_tag_is_found_wherever_charts_keep_it() {
    let (old, new) = (digest('a'), digest('b'));
    let (old_hex, new_hex) = (&old[7..], &new[7..]);
    let tag = r#"{ path = "{env}/{service}.yaml", yaml = "image.tag" }"#;
    let flat = r#"{ path = "{env}/{service}.yaml", yaml = "imageTag" }"#;
    let top = r#"{ path = "{env}/{service}.yaml", yaml = "tag" }"#;
    let parameters =
        r#"{ path = "{env}/{service}.yaml", yaml = "parameters[name=image.tag].value" }"#;
    let parameter = |tag: &str, digest: &str| {
        format!(
            "parameters:\n- name: image.tag\n  value: {tag}\n- name: x.digest\n  value: y\n- name: image.digest\n  value: {digest}\n"
        )
    };
    let both = format!("v2@{new}");
    // By layout: with the old tag and digest, with the new ones, with the new tag alone.
    let cases = [
        (
            "beside it",
            tag,
            format!("image: {{tag: v1, digest: '{old}'}}\n"),
            format!("image: {{tag: v2, digest: '{new}'}}\n"),
            "image: {tag: v2}\n".to_owned(),
        ),
        (
            "as its hexadecimal digits",
            tag,
            format!("image:\n  tag: v1\n  sha: {old_hex}\n"),
            format!("image:\n  tag: v2\n  sha: {new_hex}\n"),
            "image:\n  tag: v2\n".into(),
        ),
        (
            "as a whole digest",
            top,
            format!("tag: v1\nsha: {old}\n"),
            format!("tag: v2\nsha: {new}\n"),
            "tag: v2\n".into(),
        ),
        (
            "a commit is none",
            tag,
            "image:\n  tag: v1\n  sha: 9f3c2ab\n".into(),
            format!("image:\n  tag: {both}\n  sha: 9f3c2ab\n"),
            "image:\n  tag: v2\n  sha: 9f3c2ab\n".into(),
        ),
        (
            "an empty one",
            tag,
            "image:\n  tag: v1\n  sha: \"\"\n".into(),
            format!("image:\n  tag: v2\n  sha: \"{new_hex}\"\n"),
            "image:\n  tag: v2\n  sha: \"\"\n".into(),
        ),
        (
            "around the image",
            tag,
            format!("image:\n  tag: v1\nimageDigest: {old}\n"),
            format!("image:\n  tag: v2\nimageDigest: {new}\n"),
            "image:\n  tag: v2\n".into(),
        ),
        (
            "spelled with a line",
            tag,
            format!("image_digest: {old}\nimage:\n  tag: v1\n"),
            format!("image_digest: {new}\nimage:\n  tag: v2\n"),
            "image:\n  tag: v2\n".into(),
        ),
        (
            "keys of one level",
            flat,
            format!("imageTag: v1\nimageDigest: {old}\n"),
            format!("imageTag: v2\nimageDigest: {new}\n"),
            "imageTag: v2\n".into(),
        ),
        (
            "a parameter of Argo CD",
            parameters,
            parameter("v1", &old),
            parameter("v2", &new),
            parameter("v2", "\"\""),
        ),
        (
            "in the tag itself",
            tag,
            format!("image: {{tag: 'v1@{old}'}}\n"),
            format!("image: {{tag: '{both}'}}\n"),
            "image: {tag: 'v2'}\n".into(),
        ),
    ];
    for (name, layout, before, pinned, alone_after) in cases {
        assert_eq!(alone(layout, &before, &both), pinned, "{name}: both");
        assert_eq!(alone(layout, &before, "v2"), alone_after, "{name}: a tag");
        let small = Small::new(layout, &["prod"], &[("prod/web.yaml", &before)]);
        let declared = lines(&small.desired());
        let expected = match name {
            "a commit is none" | "an empty one" => "web prod v1 ".to_owned(),
            _ => format!("web prod v1@{old} "),
        };
        assert!(declared[0].starts_with(&expected), "{name}: {declared:?}");
    }
}

#[test]
fn a_digest_is_written_as_the_service_has_it_elsewhere() {
    let layout = r#"{ path = "{env}/{service}.yaml", yaml = "image.tag" }"#;
    let new = digest('2');
    let dev = format!("image:\n  tag: v2\n  digest: {new}\n");
    let one = format!("image:\n  tag: v2@{new}\n");
    for (name, dev) in [("in a key of its own", &dev), ("behind the tag", &one)] {
        let files = [
            ("dev/web.yaml", dev.as_str()),
            ("prod/web.yaml", "image:\n  tag: v1\n"),
        ];
        let found = edited(layout, &files, &format!("web prod v2@{new}"));
        assert_eq!(&found, dev, "{name}");
    }
}

#[test]
fn only_a_tag_stands_where_nothing_takes_a_digest() {
    use crate::domain::grammar::Grammar::{Chart, ChartOwn, Digest, Image, Tag};
    let pin = digest('1');
    let tag = r#"{ path = "{env}/{service}.yaml", yaml = "image.tag" }"#;
    let marked = format!("x: v1{}\n", mark(":tag"));
    let parameter = |name: &str| {
        format!(
            r#"{{ path = "{{env}}/{{service}}.yaml", yaml = "parameters[name={name}].value" }}"#
        )
    };
    let (of_tag, of_digest) = (parameter("image.tag"), parameter("image.digest"));
    let item =
        |name: &str, value: &str| format!("parameters: [{{name: {name}, value: '{value}'}}]\n");
    let flux = r#"{ preset = "flux-image-policy", path = "{env}/{file}.yaml" }"#;
    let kustomize = r#"{ preset = "kustomize", path = "{env}/{service}.yaml" }"#;
    let chart = r#"{ path = "{env}/{service}/Chart.yaml", yaml = "version" }"#;
    let dependency = r#"{ path = "{env}/{service}/Chart.yaml", yaml = "dependencies[0].version" }"#;
    let cases = [
        (tag, "image: {tag: v1}\n".to_owned(), Tag),
        (tag, format!("image: {{tag: 'v1@{pin}'}}\n"), Image),
        (tag, format!("image: {{tag: '{pin}'}}\n"), Image),
        (tag, "image: {tag: v1, digest: ''}\n".into(), Image),
        (tag, "image: {tag: v1}\nimageDigest:\n".into(), Image),
        (&of_tag, item("image.tag", "v1"), Tag),
        (&of_tag, item("image.tag", &format!("v1@{pin}")), Image),
        (&of_digest, item("image.digest", &pin), Digest),
        (flux, marked, Tag),
        (
            kustomize,
            "images: [{name: web, newTag: v1}]\n".into(),
            Image,
        ),
        (chart, "version: 1.2.3\n".into(), ChartOwn),
        (
            dependency,
            "dependencies: [{version: 1.2.3}]\n".into(),
            Chart,
        ),
    ];
    for (layout, text, expected) in cases {
        let path = if layout.contains("Chart.yaml") {
            "prod/web/Chart.yaml"
        } else {
            "prod/web.yaml"
        };
        let desired = Small::new(layout, &["prod"], &[(path, &text)]).desired();
        let cell = &desired.cells[&CellKey::new("web", "prod")];
        assert_eq!(cell.grammar, expected, "{layout} {text}");
    }
    // One chart: where a place of the service shows a digest, the others take one.
    let files = [
        ("dev/web.yaml", format!("image: {{tag: 'v1@{pin}'}}\n")),
        ("prod/web.yaml", "image: {tag: v1}\n".to_owned()),
        ("prod/api.yaml", "image: {tag: v1}\n".to_owned()),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, &**text)).collect();
    let desired = Small::new(tag, &["dev", "prod"], &files).desired();
    let grammar = |service: &str| desired.cells[&CellKey::new(service, "prod")].grammar;
    assert_eq!((grammar("web"), grammar("api")), (Image, Tag));
}

#[test]
fn a_digest_that_stands_alone_gets_the_tag_that_its_chart_would_read_beside_it() {
    let helm = r#"{ preset = "helm-values", path = "{env}/{service}.yaml" }"#;
    let own = r#"{ path = "{env}/{service}.yaml", yaml = "image.digest" }"#;
    let (old, new) = (digest('a'), digest('b'));
    let alone = |digest: &str| format!("image:\n  repository: r/web # ours\n  digest: {digest}\n");
    let both = format!("v2@{new}");
    let cases = [
        (
            "a tag with its digest",
            helm,
            &*both,
            format!("image:\n  repository: r/web # ours\n  digest: {new}\n  tag: v2\n"),
        ),
        (
            "a tag takes the digest away",
            helm,
            "v2",
            "image:\n  repository: r/web # ours\n  tag: v2\n".to_owned(),
        ),
        ("another digest", helm, &*new, alone(&new)),
        (
            "another digest where nothing reads a tag",
            own,
            &*new,
            alone(&new),
        ),
    ];
    for (name, layout, version, after) in cases {
        assert_eq!(self::alone(layout, &alone(&old), version), after, "{name}");
    }
}

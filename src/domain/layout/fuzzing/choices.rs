//! The layouts that files are fuzzed with.

use crate::domain::layout::{AlsoSpec, FallbackSpec, LayoutSpec};

/// The layouts that the first byte chooses from, in the words of the configuration. Behind them comes one whose locator
/// is the file's own first line, and whose part is the second.
pub(super) const LAYOUTS: [&[(&str, &str)]; 30] = [
    &[("yaml", "image.tag")],
    &[("yaml", "image.tag"), ("else", "image.tag")],
    &[("yaml", "image"), ("part", "tag"), ("else", "image")],
    &[("json", "image.tag")],
    &[("json", "a[0].b"), ("first", "")],
    &[("yaml", "{service}.tag"), ("path", "{env}")],
    &[("yaml", "{service}.*.tag"), ("path", "{env}")],
    &[("yaml", "**{service}.tag"), ("path", "{env}")],
    &[("yaml", "**.{service}.{env}"), ("path", "")],
    &[("yaml", "{service*}.v"), ("path", "{env}")],
    &[("yaml", "**.tag")],
    &[("yaml", "**.tag"), ("first", "")],
    &[("yaml", "*.*")],
    &[("yaml", "a[*].tag")],
    &[
        ("yaml", "a[name={service}].v"),
        ("else", "a[name={service}].v"),
    ],
    &[
        ("yaml", "images[*]{name=**/{service}}.newTag"),
        ("path", "{env}"),
        ("else", "images[*]{name=**/{service}}.newTag"),
    ],
    &[
        ("yaml", "a[*]"),
        ("part", "query:ref"),
        ("path", "{env}"),
        ("row", "{repo}"),
    ],
    &[
        ("yaml", "spec.image"),
        ("kind", "A|B"),
        ("name", "metadata.name"),
        ("path", "{env}"),
        ("row", "{name}"),
    ],
    &[
        ("yaml", "**.v"),
        ("name", "a.b"),
        ("path", "{env}"),
        ("row", "{name}"),
    ],
    &[("yaml", "v"), ("part", r"/^(?<x>\w*)-(?<v>.*)$/")],
    &[
        ("yaml", "**.v"),
        ("match", r"^v?\d"),
        ("carry", "trailing-comment"),
    ],
    &[("yaml", "image.tag"), ("also", "**.also")],
    &[
        ("regex", r"(?m)^(?<service>\w+)_TAG=(?<v>\S*)$"),
        ("path", "{env}"),
    ],
    &[("regex", r#"tag: *["']?(?<v>[^\s"']*)"#), ("first", "")],
    &[
        ("regex", r"(?s)(?<service>\w+)[=:](?<v>.*?);"),
        ("part", "tag"),
        ("path", "{env}"),
    ],
    &[("preset", "kustomize")],
    &[("preset", "helm-values"), ("else", "image.tag")],
    &[("preset", "helmrelease"), ("path", "{env}")],
    &[("preset", "argocd-application")],
    &[("preset", "manifest")],
];
/// More presets and two layouts of one file, so that one claims what the other would read.
pub(super) const PAIRS: [[&[(&str, &str)]; 2]; 3] = [
    [
        &[("yaml", "a.tag")],
        &[("yaml", "**.{service}.tag"), ("path", "{env}")],
    ],
    [
        &[("preset", "flux-image-policy"), ("path", "{env}")],
        &[("yaml", "image.tag")],
    ],
    [
        &[
            ("yaml", "images[*]{newName=**/{service}}.newTag"),
            ("path", "{env}"),
        ],
        &[("preset", "kustomize"), ("path", "{env}")],
    ],
];

/// A layout whose locator is the first line and whose part is the second, and what stands behind them.
pub(super) fn written_in_the_file(bytes: &[u8]) -> (LayoutSpec, &[u8]) {
    let mut lines = bytes.splitn(3, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (locator, part, rest) = (line(), line(), line());
    let text = |line: &[u8]| String::from_utf8_lossy(line).into_owned();
    let written = LayoutSpec {
        path: Some("web/{env}/values.yaml".into()),
        yaml: Some(text(locator)),
        part: Some(text(part)).filter(|part| !part.is_empty()),
        row: Some("web".into()),
        ..LayoutSpec::default()
    };
    (written, rest)
}

/// One of them.
pub(super) fn spec(written: &[(&str, &str)]) -> LayoutSpec {
    let mut spec = LayoutSpec {
        path: Some("{service}/{env}/values.yaml".into()),
        ..LayoutSpec::default()
    };
    for (key, value) in written {
        let text = Some((*value).to_owned());
        match *key {
            "yaml" => spec.yaml = text,
            "json" => spec.json = text,
            "regex" => spec.regex = text,
            "part" => spec.part = text,
            "kind" => spec.kind = text,
            "name" => spec.name = text,
            "match" => spec.matching = text,
            "row" => spec.row = text,
            "carry" => spec.carry = text.into_iter().collect(),
            "preset" => spec.preset = text,
            "first" => spec.first = true,
            "path" if value.is_empty() => spec.path = Some("web/dev/values.yaml".into()),
            "path" => spec.path = Some(format!("web/{value}/values.yaml")),
            "also" => spec.also.push(AlsoSpec {
                yaml: text,
                ..AlsoSpec::default()
            }),
            _ => spec.fallbacks.push(FallbackSpec {
                path: "web/base.yaml".into(),
                yaml: text,
                part: spec.part.clone(),
                ..FallbackSpec::default()
            }),
        }
    }
    spec
}

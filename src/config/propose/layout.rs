//! A layout as the configuration is written.

use std::fmt::Write;

use crate::domain::layout::{AlsoSpec, FallbackSpec, LayoutSpec};

/// Adds a layout, key by key.
pub(super) fn write_layout(text: &mut String, layout: &LayoutSpec) {
    let keys = [
        ("preset", &layout.preset),
        ("path", &layout.path),
        ("refs", &layout.refs),
        ("yaml", &layout.yaml),
        ("json", &layout.json),
        ("regex", &layout.regex),
        ("kind", &layout.kind),
        ("name", &layout.name),
        ("part", &layout.part),
        ("match", &layout.matching),
        ("row", &layout.row),
        ("env_name", &layout.env_name),
        ("env", &layout.env),
        ("service", &layout.service),
        ("only_if", &layout.only_if),
        ("version_of", &layout.version_of),
    ];
    for (key, value) in keys {
        if let Some(value) = value {
            let _ = writeln!(text, "{key} = {}", quoted(value));
        }
    }
    if layout.first {
        text.push_str("first = true\n");
    }
    if layout.read_only {
        let locators = [&layout.yaml, &layout.json].into_iter().flatten();
        let why = if locators.into_iter().any(|it| it.contains("[-1]")) {
            "each version is another item of its list"
        } else {
            "rendered from something else"
        };
        let _ = writeln!(text, "read_only = true   # {why}: shown, not edited");
    }
    if !layout.alias.is_empty() {
        let pairs: Vec<_> = layout
            .alias
            .iter()
            .map(|(k, v)| format!("{} = {}", quoted(k), quoted(v)))
            .collect();
        let _ = writeln!(text, "alias = {{ {} }}", pairs.join(", "));
    }
    if !layout.lowercase.is_empty() {
        let names: Vec<_> = layout.lowercase.iter().map(|name| quoted(name)).collect();
        let _ = writeln!(text, "lowercase = [{}]", names.join(", "));
    }
    if !layout.carry.is_empty() {
        let each: Vec<_> = layout.carry.iter().map(|text| quoted(text)).collect();
        let _ = writeln!(text, "carry = [{}]", each.join(", "));
    }
    if !layout.also.is_empty() {
        let each: Vec<_> = layout.also.iter().map(also).collect();
        let _ = writeln!(text, "also = [{}]", each.join(", "));
    }
    if !layout.fallbacks.is_empty() {
        let each: Vec<_> = layout.fallbacks.iter().map(fallback).collect();
        let _ = writeln!(text, "else = [{}]", each.join(", "));
    }
}

fn fallback(fallback: &FallbackSpec) -> String {
    inline(&[
        ("path", Some(&fallback.path)),
        ("yaml", fallback.yaml.as_ref()),
        ("json", fallback.json.as_ref()),
        ("regex", fallback.regex.as_ref()),
        ("kind", fallback.kind.as_ref()),
        ("part", fallback.part.as_ref()),
    ])
}

fn also(also: &AlsoSpec) -> String {
    inline(&[
        ("path", also.path.as_ref()),
        ("yaml", also.yaml.as_ref()),
        ("json", also.json.as_ref()),
        ("regex", also.regex.as_ref()),
        ("part", also.part.as_ref()),
    ])
}

fn inline(keys: &[(&str, Option<&String>)]) -> String {
    let told = |(key, value): &(&str, Option<&String>)| {
        value.map(|value| format!("{key} = {}", quoted(value)))
    };
    let pairs: Vec<_> = keys.iter().filter_map(told).collect();
    format!("{{ {} }}", pairs.join(", "))
}

pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

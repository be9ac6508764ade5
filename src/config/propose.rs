//! A commented `tidegate.toml` for what a repository looks like.

use std::fmt::Write;

use crate::domain::layout::{FallbackSpec, Guess, LayoutSpec};

/// The file's text. It loads as it stands, and says what a person has to look at.
pub fn propose(guess: &Guess) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "# Tidegate: where this repository writes versions, and how they are promoted.\n\
         # Proposed by `tidegate init`: {}.\n\
         # Every key is described in config.example.toml of the project.\n\n\
         # In promotion order, left to right. Look at three things: the order, `from`, and where each one runs.",
        guess.explanation.replace(['\n', '\r'], " ")
    );
    for name in &guess.environments {
        let _ = writeln!(text, "\n[[environments]]\nname = {}", quoted(name));
        let from: Vec<String> = guess
            .edges
            .iter()
            .filter(|(_, to)| to == name)
            .map(|(from, _)| quoted(from))
            .collect();
        if !from.is_empty() {
            let _ = writeln!(text, "from = [{}]", from.join(", "));
        }
        let _ = writeln!(
            text,
            "# cluster = {}   # its kubeconfig context; without one, Git alone is used",
            quoted(name)
        );
        if name.to_lowercase().contains("prod") {
            let _ = writeln!(
                text,
                "protected = true   # its name is typed before anything is written"
            );
        }
    }
    text.push_str(
        "\n# [defaults]\n# namespace = \"{service}\"   # where a service's workload runs\n# workload = \"{service}\"\n\n\
         # Where the version of a service in an environment is written.\n",
    );
    for (at, layout) in guess.layouts.iter().enumerate() {
        text.push('\n');
        if let Some(cells) = guess.explained.get(at).filter(|cells| **cells > 0) {
            let _ = writeln!(text, "# explains {cells} cells");
        }
        text.push_str("[[layouts]]\n");
        write_layout(&mut text, layout);
    }
    text
}

fn write_layout(text: &mut String, layout: &LayoutSpec) {
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
        ("service", &layout.service),
        ("carry", &layout.carry),
    ];
    for (key, value) in keys {
        if let Some(value) = value {
            let _ = writeln!(text, "{key} = {}", quoted(value));
        }
    }
    if layout.first {
        text.push_str("first = true\n");
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
    if !layout.fallbacks.is_empty() {
        let each: Vec<_> = layout.fallbacks.iter().map(fallback).collect();
        let _ = writeln!(text, "else = [{}]", each.join(", "));
    }
}

fn fallback(fallback: &FallbackSpec) -> String {
    let keys = [
        ("path", Some(&fallback.path)),
        ("yaml", fallback.yaml.as_ref()),
        ("json", fallback.json.as_ref()),
        ("regex", fallback.regex.as_ref()),
        ("kind", fallback.kind.as_ref()),
        ("part", fallback.part.as_ref()),
    ];
    let pairs: Vec<_> = keys
        .into_iter()
        .filter_map(|(key, value)| Some(format!("{key} = {}", quoted(value?))))
        .collect();
    format!("{{ {} }}", pairs.join(", "))
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

//! Parameters of an `ApplicationSet` and the texts that name them: `{{path.basename}}`, `{{ .values.env }}`.

use std::collections::BTreeMap;

use crate::domain::manifest::NodeRef;

/// Parameters of one element, by dotted name: `cluster.name`, `path[1]`.
pub(super) type Parameters = BTreeMap<String, String>;

/// One piece of a text with expressions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text outside of expressions.
    Text(String),
    /// A parameter, with its value where it is known.
    Parameter {
        /// Its dotted name, `values.env`.
        name: String,
        /// What it stands for.
        value: Option<String>,
    },
}

/// What a parameter's name says about what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Means {
    /// An environment: `env`, `values.environment`, `stage`, `ring`.
    Environment,
    /// A cluster: `cluster`, `name` of a cluster, `values.clusterDir`.
    Cluster,
    /// Anything else.
    Other,
}

/// Takes a text with expressions apart, filling in what is known.
pub(super) fn pieces(text: &str, parameters: &Parameters) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((inside, behind)) = after.split_once("}}") else {
            break;
        };
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        let name = parameter(inside);
        let value = parameters.get(&name).cloned();
        pieces.push(Piece::Parameter { name, value });
        rest = behind;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    pieces
}

/// The text with every expression filled in; `None` where one is not known.
pub(super) fn filled(text: &str, parameters: &Parameters) -> Option<String> {
    let pieces = pieces(text, parameters).into_iter();
    pieces
        .map(|piece| match piece {
            Piece::Text(text) => Some(text),
            Piece::Parameter { value, .. } => value,
        })
        .collect()
}

/// The parameter that an expression names: `.path.basename | lower` and `path.basename` are the same.
fn parameter(inside: &str) -> String {
    let inside = inside.trim().trim_matches('-').trim();
    let first = inside.split('|').next().unwrap_or_default().trim();
    let words: Vec<&str> = first.split_whitespace().collect();
    let plain = |word: &str| {
        let word = word.trim_matches(['"', '\'', '(', ')', '`']);
        word.trim_start_matches('$')
            .trim_start_matches('.')
            .to_owned()
    };
    match words.as_slice() {
        // `index .path.segments 1`, `index .metadata.labels "env"`
        ["index", of, key] => {
            let (of, key) = (plain(of), plain(key));
            match of.strip_suffix(".segments") {
                Some(of) => format!("{of}[{key}]"),
                None => format!("{of}.{key}"),
            }
        }
        // `default "x" .values.env`, `normalize .path.basename`
        [.., last] => {
            let name = plain(last);
            let name = name.strip_suffix("Normalized").unwrap_or(&name);
            match name {
                "path.path" => "path".to_owned(),
                name => name.to_owned(),
            }
        }
        [] => String::new(),
    }
}

/// What the last part of a parameter's name means.
pub(super) fn means(name: &str) -> Means {
    let last = name.rsplit('.').next().unwrap_or_default().to_lowercase();
    let environments = ["env", "stage", "ring", "tier"];
    let clusters = [
        "cluster",
        "clustername",
        "clusterdir",
        "name",
        "server",
        "namenormalized",
    ];
    if environments.iter().any(|word| last.starts_with(word)) || last.ends_with("env") {
        Means::Environment
    } else if clusters.contains(&last.as_str()) || last.starts_with("cluster") {
        Means::Cluster
    } else {
        Means::Other
    }
}

/// The scalars of a mapping by dotted name.
pub(super) fn flatten(node: NodeRef<'_>, prefix: &str, into: &mut Parameters, depth: usize) {
    for entry in node.entries() {
        let Some(key) = entry.key.text() else {
            continue;
        };
        let name = if prefix.is_empty() {
            key.to_owned()
        } else {
            format!("{prefix}.{key}")
        };
        if let Some(text) = entry.value.text() {
            into.insert(name, text.to_owned());
        } else if depth < 4 && !entry.value.is_alias() {
            flatten(entry.value, &name, into, depth + 1);
        }
    }
}

/// `path`, `path.basename`, `path[0]`, … of a folder.
pub(super) fn of_path(path: &str) -> Parameters {
    let mut parameters = Parameters::new();
    parameters.insert("path".to_owned(), path.to_owned());
    for (at, segment) in path.split('/').enumerate() {
        parameters.insert(format!("path[{at}]"), segment.to_owned());
        parameters.insert("path.basename".to_owned(), segment.to_owned());
    }
    parameters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_name_their_parameter() {
        let cases = [
            ("path.basename", "path.basename"),
            (" .path.basename ", "path.basename"),
            ("path.basenameNormalized", "path.basename"),
            (".path.path", "path"),
            ("index .path.segments 1", "path[1]"),
            ("path[1]", "path[1]"),
            ("index .metadata.labels \"env\"", "metadata.labels.env"),
            ("values.environment", "values.environment"),
            (".name | lower", "name"),
            ("normalize .name", "name"),
            ("- .cluster -", "cluster"),
            ("", ""),
        ];
        for (inside, expected) in cases {
            assert_eq!(parameter(inside), expected, "{inside}");
        }
    }

    #[test]
    fn names_say_what_they_mean() {
        let cases = [
            ("env", Means::Environment),
            ("values.environment", Means::Environment),
            ("metadata.labels.env", Means::Environment),
            ("targetEnv", Means::Environment),
            ("values.ring", Means::Environment),
            ("cluster", Means::Cluster),
            ("name", Means::Cluster),
            ("values.clusterDir", Means::Cluster),
            ("path.basename", Means::Other),
            ("service", Means::Other),
        ];
        for (name, expected) in cases {
            assert_eq!(means(name), expected, "{name}");
        }
    }

    #[test]
    fn texts_are_filled() {
        let parameters = of_path("apps/web/prod");
        let cases = [
            ("{{path}}/x", Some("apps/web/prod/x")),
            (
                "{{ .path.basename }}-{{index .path.segments 1}}",
                Some("prod-web"),
            ),
            ("{{unknown}}", None),
            ("plain", Some("plain")),
            ("open {{ ended", Some("open {{ ended")),
        ];
        for (text, expected) in cases {
            assert_eq!(filled(text, &parameters).as_deref(), expected, "{text}");
        }
    }
}

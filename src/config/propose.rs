//! A commented `tidegate.toml` for what a repository looks like.

mod layout;

use std::fmt::Write;

use super::SCHEMA_LINE;
use crate::domain::{
    detect::{Destination, Guess, overlooked_words},
    text::count,
};
use layout::{quoted, write_layout};

/// The file's text. It loads as it stands, and says what a person has to look at.
pub fn propose(guess: &Guess) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{SCHEMA_LINE}\n\
         # Editors complete this file by that one: tidegate schema config > tidegate.schema.json\n\
         #\n\
         # Tidegate: where this repository writes versions, and how they are promoted.\n\
         # Proposed by `tidegate init`: {}.\n\
         # Every key is described in config.example.toml of the project.\n\n\
         # In promotion order, left to right. Look at three things: the order, `from`, and where each one runs.",
        one_line(&guess.explanation)
    );
    explained(&mut text, guess);
    left_out(&mut text, guess);
    quiet(&mut text, guess);
    if let Some(words) = overlooked_words(&guess.overlooked) {
        let _ = writeln!(text, "# Not read: {}.", one_line(&words));
    }
    second_best(&mut text, guess);
    unread(&mut text, guess);
    let namespace = common(guess, &|place| place.namespace.clone());
    let workload = common(guess, &|place| place.workload.clone());
    let each = (namespace.is_none(), workload.is_none());
    for name in &guess.environments {
        environment(&mut text, guess, name, each);
    }
    if namespace.is_none() && workload.is_none() {
        text.push_str("\n# [defaults]\n# namespace = \"{service}\"   # where a service's workload runs\n# workload = \"{service}\"\n");
    } else {
        text.push_str("\n[defaults]\n");
        let place = guess.places.values().next();
        let place = place.cloned().unwrap_or_default();
        said(
            &mut text,
            "namespace",
            namespace.as_deref(),
            place.namespace_note.as_deref(),
        );
        said(
            &mut text,
            "workload",
            workload.as_deref(),
            place.workload_note.as_deref(),
        );
    }
    text.push_str("\n# Where the version of a service in an environment is written.\n");
    for (at, layout) in guess.layouts.iter().enumerate() {
        text.push('\n');
        for evidence in guess.evidence(at) {
            let _ = writeln!(text, "# {evidence}");
        }
        text.push_str("[[layouts]]\n");
        write_layout(&mut text, layout);
    }
    text
}

/// What a file that says no layouts lacks: these, and environments where it has none either.
pub fn lacking(guess: &Guess, environments: bool) -> String {
    let mut text = String::new();
    let named = guess.environments.iter().filter(|_| environments);
    for name in named {
        environment(&mut text, guess, name, (true, true));
    }
    for layout in &guess.layouts {
        text.push_str("\n[[layouts]]\n");
        write_layout(&mut text, layout);
    }
    text.trim_start().to_owned()
}

/// The share of what moves that the layouts read together.
fn explained(text: &mut String, guess: &Guess) {
    let moved: usize = guess.moved.iter().sum();
    if guess.moves > 0 && !guess.moved.is_empty() {
        let _ = writeln!(
            text,
            "# The layouts read {moved} of {} that recent history has: {} %.",
            count(guess.moves, "version change"),
            (moved * 100 + guess.moves / 2) / guess.moves
        );
    }
}

/// What else could be environments, where that was close.
fn second_best(text: &mut String, guess: &Guess) {
    let taken = guess.candidates.iter().filter(|it| it.taken);
    let Some(taken) = taken.max_by_key(|it| it.score) else {
        return;
    };
    // One with a higher score was left for another reason than that it is the second best.
    let left = guess
        .candidates
        .iter()
        .filter(|it| !it.taken && it.score < taken.score);
    let second = left.max_by_key(|it| it.score);
    if let Some(second) = second.filter(|it| it.score * 2 >= taken.score) {
        let _ = writeln!(
            text,
            "# Second best: the {} with {} ({}.{:02} against {}.{:02} of the {}; `tidegate init --explain` says why).",
            one_line(&second.what),
            one_line(&second.names.join(", ")),
            second.score / 100,
            second.score % 100,
            taken.score / 100,
            taken.score % 100,
            one_line(&taken.what)
        );
    }
}

/// What changes in recent history and is read by no layout.
fn unread(text: &mut String, guess: &Guess) {
    let shown = guess
        .unread
        .iter()
        .map(|(place, moves)| format!("{} ({moves})", one_line(place)));
    let shown: Vec<String> = shown.collect();
    if !shown.is_empty() {
        let _ = writeln!(
            text,
            "# Changes in recent history and is read by no layout (with how often): {}.",
            shown.join(", ")
        );
    }
}

/// Versions that nobody promotes, and how that is known.
fn quiet(text: &mut String, guess: &Guess) {
    for kind in &guess.quiet {
        let _ = writeln!(
            text,
            "# Left out, as hardly promoted: {}.",
            one_line(&kind.words())
        );
    }
}

/// What was found beside the environments, and why it is none of them.
fn left_out(text: &mut String, guess: &Guess) {
    if guess.left_out.is_empty() {
        return;
    }
    let shown = guess.left_out.iter().take(8);
    let shown: Vec<String> = shown
        .map(|(name, cells)| format!("{} ({cells})", one_line(name)))
        .collect();
    let more = match guess.left_out.len().saturating_sub(8) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let _ = writeln!(
        text,
        "# Left out, as few versions are written for them and nothing says that they are environments (with their cells):\n\
         # {}{more}.",
        shown.join(", ")
    );
}

fn environment(text: &mut String, guess: &Guess, name: &str, each: (bool, bool)) {
    let _ = writeln!(text, "\n[[environments]]\nname = {}", quoted(name));
    let from: Vec<String> = guess
        .edges
        .iter()
        .filter(|(_, to)| to == name)
        .map(|(from, _)| quoted(from))
        .collect();
    if !from.is_empty() {
        let why = if guess.by_history.contains(name) {
            "   # by recent history: most of its versions were there before"
        } else {
            ""
        };
        let _ = writeln!(text, "from = [{}]{why}", from.join(", "));
    }
    let place = guess.places.get(name);
    let note = place.and_then(|place| place.note.as_deref());
    let cluster = place.and_then(|place| place.cluster.as_deref());
    let _ = match cluster {
        Some(cluster) => writeln!(
            text,
            "cluster = {}   # {}",
            quoted(cluster),
            one_line(note.unwrap_or("its kubeconfig context"))
        ),
        None => writeln!(
            text,
            "# cluster = {}   # {}; without one, Git alone is used",
            quoted(name.rsplit('/').next().unwrap_or(name)),
            one_line(note.unwrap_or("its kubeconfig context"))
        ),
    };
    if let Some(place) = place {
        let (namespace, workload) = (place.namespace.as_deref(), place.workload.as_deref());
        if each.0 && namespace.is_some() {
            said(
                text,
                "namespace",
                namespace,
                place.namespace_note.as_deref(),
            );
        }
        if each.1 && workload.is_some() {
            said(text, "workload", workload, place.workload_note.as_deref());
        }
    }
    if Guess::is_production(name) {
        let _ = writeln!(
            text,
            "protected = true   # its name is typed before anything is written"
        );
    }
}

/// A template of where workloads are, with how it is known; as a comment where it is as ever.
fn said(text: &mut String, key: &str, template: Option<&str>, note: Option<&str>) {
    let _ = match template {
        Some(template) => writeln!(
            text,
            "{key} = {}   # {}",
            quoted(template),
            one_line(note.unwrap_or("as the manifests of the agents say"))
        ),
        None => writeln!(text, "# {key} = \"{{service}}\""),
    };
}

/// What the manifests of every environment say alike.
fn common(guess: &Guess, of: &dyn Fn(&Destination) -> Option<String>) -> Option<String> {
    let mut all = guess
        .environments
        .iter()
        .map(|name| of(guess.places.get(name)?));
    let first = all.next()??;
    all.all(|other| other.as_ref() == Some(&first))
        .then_some(first)
}

/// Text of the repository in a comment.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{Config, LoadRequest, SourceFile, load},
        domain::{detect::Candidate, layout::LayoutSpec},
    };

    fn candidate(what: &str, score: u32, taken: bool) -> Candidate {
        Candidate {
            what: what.to_owned(),
            names: vec!["dev".into(), "c3".into()],
            more: 0,
            score,
            rows: 4,
            usual: 50,
            equal: 50,
            copied: 50,
            moving: 50,
            taken,
        }
    }

    /// What a proposal says, read again.
    fn loaded(text: String) -> Config {
        load(&LoadRequest {
            team: Some(SourceFile {
                name: "tidegate.toml".into(),
                bytes: text.into_bytes(),
            }),
            user: None,
            detect: &|| None,
        })
        .unwrap()
    }

    #[test]
    fn second_best_is_what_has_less_for_it_than_the_first_and_not_much_less() {
        for (left, shown) in [(180, true), (300, false), (420, false), (90, false)] {
            let guess = Guess {
                candidates: vec![
                    candidate("folder 2", 300, true),
                    candidate("folder 1", left, false),
                ],
                ..Guess::default()
            };
            assert_eq!(propose(&guess).contains("Second best"), shown, "{left}");
        }
    }

    #[test]
    fn what_all_manifests_say_is_a_default() {
        let place = Destination {
            namespace: Some("shop-{env}".into()),
            namespace_note: Some("`metadata.namespace` of 3 of 3 manifests".into()),
            workload: Some("{service}-server".into()),
            workload_note: Some("`metadata.name` of 3 of 3 manifests".into()),
            ..Destination::default()
        };
        let names = ["dev", "prod"].map(str::to_owned);
        let guess = Guess {
            places: names
                .iter()
                .map(|name| (name.clone(), place.clone()))
                .collect(),
            environments: names.to_vec(),
            layouts: vec![LayoutSpec {
                path: Some("{env}/{service}.yaml".into()),
                yaml: Some("tag".into()),
                ..LayoutSpec::default()
            }],
            ..Guess::default()
        };
        let text = propose(&guess);
        let defaults = "[defaults]\nnamespace = \"shop-{env}\"   # `metadata.namespace` of 3 of 3 manifests\n\
                        workload = \"{service}-server\"   # `metadata.name` of 3 of 3 manifests\n";
        assert!(text.contains(defaults), "{text}");
        assert_eq!(loaded(text).layout_specs, guess.layouts);
    }

    #[test]
    fn what_is_proposed_loads_and_says_the_same() {
        let place = |cluster: Option<&str>, note: &str, namespace: &str| Destination {
            cluster: cluster.map(str::to_owned),
            note: Some(note.to_owned()),
            namespace: Some(namespace.to_owned()),
            ..Destination::default()
        };
        let names = ["dev", "c3", "prod/k1"].map(str::to_owned);
        let guess = Guess {
            edges: vec![
                (names[0].clone(), names[1].clone()),
                (names[1].clone(), names[2].clone()),
            ],
            places: [
                (
                    names[0].clone(),
                    place(Some("dev-eu"), "as Argo CD calls it", "shop"),
                ),
                (
                    names[1].clone(),
                    place(None, "at https://10.0.0.1\nevil = 1", "shop"),
                ),
                (
                    names[2].clone(),
                    place(None, "Flux calls it k1", "shop-{service}"),
                ),
            ]
            .into(),
            by_history: [names[1].clone()].into(),
            environments: names.to_vec(),
            layouts: vec![
                LayoutSpec {
                    preset: Some("kustomize".into()),
                    path: Some("apps/{service}/{env:$envs}/kustomization.yaml".into()),
                    row: Some("{service}/{image}".into()),
                    ..LayoutSpec::default()
                },
                LayoutSpec {
                    path: Some("values-{env}.env".into()),
                    regex: Some(r#"(?m)^(?<service>\w+)_TAG='"?(?<v>[^"]+)"#.into()),
                    lowercase: vec!["service".into()],
                    ..LayoutSpec::default()
                },
            ],
            quiet: Vec::new(),
            explained: vec![2, 1],
            left_out: vec![("base".into(), 6), ("a\nb".into(), 1)],
            explanation: "versions are taken from `a`".into(),
            moved: vec![7, 2],
            moves: 12,
            unread: vec![("tools/notes.yaml:4".into(), 3)],
            candidates: vec![
                candidate("folder 2", 300, true),
                candidate("folder 1", 180, false),
            ],
            overlooked: Vec::new(),
        };
        let text = propose(&guess);
        insta::assert_snapshot!(text);
        let config = loaded(text);
        assert_eq!(config.layout_specs, guess.layouts);
        let environments = &config.topology.environments;
        let names: Vec<&str> = environments.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["dev", "c3", "prod/k1"]);
        assert_eq!(environments[0].cluster.as_deref(), Some("dev-eu"));
        assert!(environments[2].protected);
    }
}

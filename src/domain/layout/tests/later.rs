//! What is filled in later, and what only its own reader understands, is told alike wherever a preset looks.

use super::*;
use crate::domain::layout::edit_cell;

/// Name, preset, and the file; `VALUE` is where the version stands.
const SHAPES: [(&str, &str, &str); 15] = [
    ("values", "helm-values", "image:\n  tag: VALUE\n"),
    (
        "release, chart",
        "helmrelease",
        "kind: HelmRelease\nmetadata: {name: web}\nspec:\n  chart: {spec: {chart: c, version: VALUE}}\n",
    ),
    (
        "release, tag",
        "helmrelease",
        "kind: HelmRelease\nmetadata: {name: web}\nspec:\n  values: {image: {tag: VALUE}}\n",
    ),
    (
        "release, part",
        "helmrelease",
        "kind: HelmRelease\nmetadata: {name: web}\nspec:\n  values: {front: {image: {tag: VALUE}}}\n",
    ),
    (
        "chart",
        "argocd-application",
        "kind: Application\nmetadata: {name: web}\nspec:\n  source: {chart: c, targetRevision: VALUE}\n",
    ),
    (
        "revision",
        "argocd-application",
        "kind: Application\nmetadata: {name: web}\nspec:\n  source: {path: x, targetRevision: VALUE}\n",
    ),
    (
        "one of several",
        "argocd-application",
        "kind: Application\nmetadata: {name: web}\nspec:\n  sources: [{ref: v, targetRevision: main}, {chart: c, targetRevision: VALUE}]\n",
    ),
    (
        "parameter",
        "argocd-application",
        "kind: Application\nmetadata: {name: web}\nspec:\n  source: {helm: {parameters: [{name: image.tag, value: VALUE}]}}\n",
    ),
    (
        "values object",
        "argocd-application",
        "kind: Application\nmetadata: {name: web}\nspec:\n  source: {helm: {valuesObject: {image: {tag: VALUE}}}}\n",
    ),
    (
        "text of values",
        "argocd-application",
        "kind: Application\nmetadata: {name: web}\nspec:\n  source:\n    helm:\n      values: |\n        image:\n          tag: VALUE\n",
    ),
    (
        "an applications' template",
        "argocd-application",
        "kind: ApplicationSet\nmetadata: {name: web}\nspec:\n  template: {spec: {source: {chart: c, targetRevision: VALUE}}}\n",
    ),
    (
        "image policy",
        "flux-image-policy",
        "image:\n  tag: VALUE # {\"$imagepolicy\": \"flux-system:web:tag\"}\n",
    ),
    (
        "tag",
        "kustomize",
        "images:\n- name: r/web\n  newTag: VALUE\n",
    ),
    (
        "digest",
        "kustomize",
        "images:\n- name: r/web\n  digest: VALUE\n",
    ),
    (
        "tag beside a digest",
        "kustomize",
        "images:\n- name: r/web\n  newTag: VALUE\n  digest: sha256:0123456789012345678901234567890123456789012345678901234567890123\n",
    ),
];

/// The same where the version is a part of an image.
const IMAGES: [(&str, &str, &str); 5] = [
    ("values", "helm-values", "image: r/web:VALUE\n"),
    (
        "release",
        "helmrelease",
        "kind: HelmRelease\nmetadata: {name: web}\nspec:\n  values: {image: \"r/web:VALUE\"}\n",
    ),
    (
        "images",
        "argocd-application",
        "kind: Application\nmetadata: {name: web}\nspec:\n  source: {kustomize: {images: [\"r/web:VALUE\"]}}\n",
    ),
    (
        "container",
        "manifest",
        "kind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, image: \"r/web:VALUE\"}]}}}\n",
    ),
    (
        "new name",
        "kustomize",
        "images:\n- name: r/web\n  newName: \"q/web:VALUE\"\n",
    ),
];

fn read(preset: &str, file: &str) -> (Small, crate::domain::desired::Desired) {
    let path = match preset {
        "kustomize" => "prod/web/kustomization.yaml",
        _ => "prod/web.yaml",
    };
    let template = path.replace("prod", "{env}").replace("web", "{service}");
    let layouts = format!("{{ preset = \"{preset}\", path = \"{template}\" }}");
    let small = Small::new(&layouts, &["prod"], &[(path, file)]);
    let desired = small.desired();
    (small, desired)
}

fn is_told(name: &str, preset: &str, file: &str, words: &str) {
    let (small, desired) = read(preset, file);
    let key = CellKey::new("web", "prod");
    assert_eq!(lines(&desired), ["web prod -"], "{name}: {file}");
    let files = |_: &Origin, path: &RepoPath| small.files.get(path).cloned();
    let version = Version::from("9.9.9");
    let written = edit_cell(&small.layouts, &desired, &key, Some(&version), &files);
    let (_, why) = written.unwrap_err();
    assert!(why.contains(words), "{name}: {why}");
    let problem = desired.unread(&key).unwrap();
    assert!(
        problem.message.contains(words),
        "{name}: {}",
        problem.message
    );
    assert!(problem.line.is_some() && problem.path.is_some(), "{name}");
    assert_eq!(desired.problems.len(), 1, "{name}: {:?}", desired.problems);
}

#[test]
fn variables_and_templates_are_told_in_every_preset() {
    for text in [
        "${TAG}",
        "${TAG:=1.0}",
        "${TAG:-1.0}",
        "v${TAG}",
        "$(TAG)",
        "{{ .tag }}",
        "{{tag}}",
    ] {
        let words = if text.starts_with('{') {
            "a template's expression"
        } else {
            "is a variable that is filled in later"
        };
        for (name, preset, shape) in SHAPES {
            let file = shape.replace("VALUE", &format!("\"{text}\""));
            is_told(&format!("{preset}, {name}, {text}"), preset, &file, words);
        }
        for (name, preset, shape) in IMAGES {
            let file = shape.replace("VALUE", text);
            is_told(&format!("{preset}, {name}, {text}"), preset, &file, words);
        }
    }
}

#[test]
fn tags_that_only_their_own_reader_understands_are_told() {
    for value in [
        "!Ref AppVersion",
        "!ENV \"1.0\"",
        "!secret v1",
        "!env_var 'TAG'",
        "!!binary MS4w",
        "!!python/name v1",
        "!<!x> v1",
        "!GetAtt [a, b]",
        "!Sub {a: b}",
        "!Ref",
        "&x !Ref AppVersion",
    ] {
        let tag = value.trim_start_matches("&x ").split(' ').next().unwrap();
        for (name, preset, shape) in SHAPES {
            let file = shape.replace("VALUE", value);
            let name = format!("{preset}, {name}, {value}");
            is_told(&name, preset, &file, tag);
        }
    }
}

#[test]
fn tags_before_a_marker_are_told_as_everywhere() {
    let values = [
        "!ENV \"1.0\"",
        "!ENV 'r/web:1.0'",
        "!Ref App",
        "!Sub {a: b}",
        "!GetAtt [a, b]",
    ];
    let later = "is a variable that is filled in later";
    for value in values {
        for (kind, key) in [(":tag", "newTag"), ("", "image")] {
            let file =
                format!("{key}: {value} # {{\"$imagepolicy\": \"flux-system:web{kind}\"}}\n");
            is_told(&format!("{value}{kind}"), "flux-image-policy", &file, later);
        }
        let file = format!(
            "newTag: v1 # {{\"$imagepolicy\": \"flux-system:web:tag\"}}\ndigest: {value} # {{\"$imagepolicy\": \"flux-system:web:digest\"}}\n"
        );
        let (_, desired) = read("flux-image-policy", &file);
        let problem = desired.unread(&CellKey::new("web", "prod")).unwrap();
        assert!(
            problem.message.contains(later),
            "{value}: {}",
            problem.message
        );
    }
    // In quotes it is text, and the tags of YAML itself mean nothing.
    let file = "newTag: \"!ENV x\" # {\"$imagepolicy\": \"flux-system:web:tag\"}\n";
    is_told(
        "in quotes",
        "flux-image-policy",
        file,
        "can be no image's tag",
    );
}

#[test]
fn the_tags_of_yaml_itself_change_nothing() {
    for value in [
        "!!str 1.10",
        "! 1.10",
        "!<tag:yaml.org,2002:str> 1.10",
        "!!float 1.10",
    ] {
        for (name, preset, shape) in SHAPES
            .iter()
            .filter(|(_, preset, _)| *preset == "helm-values")
        {
            let (_, desired) = read(preset, &shape.replace("VALUE", value));
            let told = lines(&desired);
            assert_eq!(told, ["web prod 1.10 prod/web.yaml:2"], "{name} {value}");
        }
    }
}

#[test]
fn what_is_filled_in_later_does_not_hide_what_is_written_out() {
    let cases = [
        (
            "an image beside the revision of its chart",
            "argocd-application",
            "kind: Application\nmetadata: {name: web}\nspec:\n  source: {path: x, targetRevision: \"${REV}\", helm: {parameters: [{name: image.tag, value: v1}]}}\n",
            "web prod v1 prod/web.yaml:4",
        ),
        (
            "a tag beside the registry",
            "kustomize",
            "images:\n- name: r/web\n  newName: \"${REGISTRY}/web\"\n  newTag: v1\n",
            "web prod v1 prod/web/kustomization.yaml:4",
        ),
        (
            "a chart beside an image",
            "helmrelease",
            "kind: HelmRelease\nmetadata: {name: web}\nspec: {chart: {spec: {version: 1.2.3}}, values: {image: \"${IMAGE}\"}}\n",
            "web prod 1.2.3 prod/web.yaml:3",
        ),
    ];
    for (name, preset, file, expected) in cases {
        let (_, desired) = read(preset, file);
        assert_eq!(lines(&desired), [expected], "{name}");
        assert!(
            desired.problems.is_empty(),
            "{name}: {:?}",
            desired.problems
        );
    }
}

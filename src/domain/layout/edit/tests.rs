use super::*;
use crate::domain::layout::testing::Small;

pub(super) const DIGEST: &str =
    "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const KUSTOMIZE: &str = r#"{ preset = "kustomize", path = "apps/{service}/{env}/kustomization.yaml", else = [{ path = "apps/{service}/base/kustomization.yaml" }] }"#;
pub(super) const HELM: &str = r#"{ path = "charts/{service}/values-{env}.yaml", yaml = "image.tag", else = [{ path = "charts/{service}/values.yaml", yaml = "image.tag" }] }"#;

/// Changes one cell (`service env version`, `-` for none) and shows what became of the files, or why nothing did.
pub(super) fn edited(layouts: &str, files: &[(&str, &str)], change: &str) -> String {
    let small = Small::new(layouts, &["dev", "prod"], files);
    let desired = small.desired();
    let mut words = change.split(' ');
    let (service, env) = (words.next().unwrap(), words.next().unwrap());
    let version = words.next().filter(|text| *text != "-").map(Version::from);
    let read = |_: &Origin, path: &RepoPath| small.files.get(path).cloned();
    match edit_cell(
        &small.layouts,
        &desired,
        &CellKey::new(service, env),
        version.as_ref(),
        &read,
    ) {
        Ok(edits) => edits
            .iter()
            .map(|edit| String::from_utf8_lossy(&edit.after).into_owned())
            .collect::<Vec<_>>()
            .join("--8<--\n"),
        Err((cause, reason)) => format!("{cause:?}: {reason}"),
    }
}

#[test]
fn what_makes_no_image_with_the_name_beside_it_is_refused() {
    let digits = &DIGEST["sha256:".len()..];
    let other = digits.replace('a', "b");
    let file = |name: &str, tag: &str| format!("image:\n  repository: {name}\n  tag: {tag}\n");
    let sha512 = format!("{digits}{digits}");
    let cases = [
        ("r/web@sha256", digits, other.as_str(), true),
        ("r/web@sha256", digits, "1.2.3", false),
        ("r/web@sha256", digits, "abc1234", false),
        ("r/web@sha256", digits, &sha512, false),
        ("\"r/web@sha256\" # pinned", digits, "1.2.3", false),
        ("r/web@sha512", &sha512, "1.2.3", false),
        ("r/web@sha512", &sha512, &sha512.replace('a', "c"), true),
        // A tag may well be 64 digits.
        ("r/web", digits, "1.2.3", true),
    ];
    for (name, tag, version, is_written) in cases {
        let text = file(name, tag);
        let files = [("charts/web/values-prod.yaml", text.as_str())];
        let found = edited(HELM, &files, &format!("web prod {version}"));
        if is_written {
            let written =
                found.contains(version) && found.contains(&format!("repository: {name}\n"));
            assert!(written, "{name} {version}: {found}");
        } else {
            let words = "charts/web/values-prod.yaml:3: the image's name beside it (`repository`, line 2) ends in `@sha";
            assert!(found.contains(words), "{name} {version}: {found}");
        }
    }
}

#[test]
fn kustomize_sets_tags_and_digests() {
    let overlay = |images: &str| format!("resources: [../base]\nimages:\n{images}# end\n");
    let tag = "- name: r/web\n  newTag: v1 # pinned\n";
    let digest = format!("- name: r/web\n  digest: {DIGEST}\n");
    let both = format!("- name: r/web\n  newTag: v1\n  digest: {DIGEST}\n");
    let new = DIGEST.replace("aa", "bb");
    let cases = [
        (
            "tag to tag",
            tag,
            "v2".to_owned(),
            "- name: r/web\n  newTag: v2 # pinned\n".to_owned(),
        ),
        (
            "tag that looks like a number",
            tag,
            "1.10".into(),
            "- name: r/web\n  newTag: \"1.10\" # pinned\n".into(),
        ),
        (
            "tag to digest",
            "- name: r/web\n  newTag: v1\n",
            new.clone(),
            format!("- name: r/web\n  digest: {new}\n"),
        ),
        (
            "digest to tag",
            &digest,
            "v2".into(),
            "- name: r/web\n  newTag: v2\n".into(),
        ),
        (
            "digest to digest",
            &digest,
            new.clone(),
            format!("- name: r/web\n  digest: {new}\n"),
        ),
        (
            "both to digest: the tag would say something else",
            &both,
            new.clone(),
            format!("- name: r/web\n  digest: {new}\n"),
        ),
        (
            "both to both",
            &both,
            format!("v2@{new}"),
            format!("- name: r/web\n  newTag: v2\n  digest: {new}\n"),
        ),
        (
            "both to tag",
            &both,
            "v2".into(),
            "- name: r/web\n  newTag: v2\n".into(),
        ),
        (
            "tag to both",
            tag,
            format!("v2@{new}"),
            format!("- name: r/web\n  newTag: v2 # pinned\n  digest: {new}\n"),
        ),
        (
            "by its new name",
            "- name: placeholder\n  newName: r/web\n  newTag: v1\n",
            "v2".into(),
            "- name: placeholder\n  newName: r/web\n  newTag: v2\n".into(),
        ),
        (
            "copies",
            "- name: r/web\n  newTag: v1\n- name: s/web\n  newTag: v1\n",
            "v2".into(),
            "- name: r/web\n  newTag: v2\n- name: s/web\n  newTag: v2\n".into(),
        ),
        (
            "a copy that has it already",
            "- name: r/web\n  newTag: v1\n- name: s/web\n  newTag: v2\n",
            "v2".into(),
            "- name: r/web\n  newTag: v2\n- name: s/web\n  newTag: v2\n".into(),
        ),
        (
            "a tag alone that gets a digest with nothing beside it",
            &digest,
            format!("v2@{new}"),
            format!("- name: r/web\n  digest: {new}\n  newTag: v2\n"),
        ),
    ];
    for (name, images, version, expected) in cases {
        let file = overlay(images);
        let files = [("apps/web/prod/kustomization.yaml", file.as_str())];
        let found = edited(KUSTOMIZE, &files, &format!("web prod {version}"));
        assert_eq!(found, overlay(&expected), "{name}");
    }
}

#[test]
fn a_digest_brings_its_tag_along() {
    let new = DIGEST.replace("aa", "bb");
    let dev = format!("images:\n- name: r/web\n  newTag: v2\n  digest: {new}\n");
    let prod = format!("images:\n- name: r/web\n  newTag: v1\n  digest: {DIGEST}\n");
    let files = [
        ("apps/web/dev/kustomization.yaml", dev.as_str()),
        ("apps/web/prod/kustomization.yaml", prod.as_str()),
    ];
    assert_eq!(edited(KUSTOMIZE, &files, &format!("web prod {new}")), dev);
}

#[test]
fn inherited_cells_get_an_override() {
    let base = "images:\n- name: r/web\n  newTag: v1\n";
    let cases = [
        (
            "no images",
            "resources: [../base]\n",
            "resources: [../base]\nimages:\n- name: r/web\n  newTag: v2\n",
        ),
        (
            "no final newline",
            "resources: [../base]",
            "resources: [../base]\nimages:\n- name: r/web\n  newTag: v2",
        ),
        (
            "other images",
            "images:\n  - name: r/side\n    newTag: v9\npatches: []\n",
            "images:\n  - name: r/side\n    newTag: v9\n  - name: r/web\n    newTag: v2\npatches: []\n",
        ),
        (
            "wide dash",
            "images:\n-   name: r/side\n    newTag: v9\n",
            "images:\n-   name: r/side\n    newTag: v9\n-   name: r/web\n    newTag: v2\n",
        ),
        (
            "empty list",
            "images: []\n",
            "images: [{name: r/web, newTag: v2}]\n",
        ),
        (
            "flow list",
            "images: [{name: r/side, newTag: v9}]\n",
            "images: [{name: r/side, newTag: v9}, {name: r/web, newTag: v2}]\n",
        ),
        (
            "empty value",
            "images:\nkind: Kustomization\n",
            "images:\n- name: r/web\n  newTag: v2\nkind: Kustomization\n",
        ),
        (
            "its item without a tag",
            "images:\n- name: r/web\n  newName: q/web\n",
            "images:\n- name: r/web\n  newName: q/web\n  newTag: v2\n",
        ),
        (
            "CRLF",
            "a: b\r\n",
            "a: b\r\nimages:\r\n- name: r/web\r\n  newTag: v2\r\n",
        ),
    ];
    for (name, overlay, expected) in cases {
        let files = [
            ("apps/web/base/kustomization.yaml", base),
            ("apps/web/prod/kustomization.yaml", overlay),
        ];
        assert_eq!(edited(KUSTOMIZE, &files, "web prod v2"), expected, "{name}");
    }
    let helm = [
        ("charts/web/values.yaml", "image:\n  tag: v1\n"),
        ("charts/web/values-prod.yaml", "replicas: 3\n"),
        (
            "charts/web/values-dev.yaml",
            "image:\n  repository: r/web\n",
        ),
    ];
    assert_eq!(
        edited(HELM, &helm, "web prod v2"),
        "replicas: 3\nimage:\n  tag: v2\n"
    );
    assert_eq!(
        edited(HELM, &helm, "web dev 1.10"),
        "image:\n  repository: r/web\n  tag: \"1.10\"\n"
    );
    let empty = [
        ("charts/web/values.yaml", "image: {tag: v1}\n"),
        ("charts/web/values-prod.yaml", ""),
    ];
    assert_eq!(edited(HELM, &empty, "web prod v2"), "image:\n  tag: v2\n");
}

#[test]
fn restoring_takes_the_override_out() {
    let base = ("charts/web/values.yaml", "image: {tag: v1}\n");
    let prod = |text| [base, ("charts/web/values-prod.yaml", text)];
    let cases = [
        ("alone", "replicas: 3\nimage:\n  tag: v2\n", "replicas: 3\n"),
        (
            "beside others",
            "image:\n  repository: r\n  tag: v2\n",
            "image:\n  repository: r\n",
        ),
    ];
    for (name, text, expected) in cases {
        assert_eq!(edited(HELM, &prod(text), "web prod -"), expected, "{name}");
    }
    let lonely = [("charts/web/values-prod.yaml", "image: {tag: v2}\n")];
    assert!(
        edited(HELM, &lonely, "web prod -")
            .starts_with("NotDeclared: web / prod would declare nothing")
    );
}

#[test]
fn flags_and_counts_stay_what_they_are() {
    let layout = r#"{ path = "{service}/{env}.yaml", yaml = "feature.enabled", else = [{ path = "{service}/all.yaml", yaml = "feature.enabled" }] }"#;
    let with = |inherited: &str, version: &str| {
        let all = format!("feature:\n  enabled: {inherited}\n");
        let files = [("web/all.yaml", all.as_str()), ("web/prod.yaml", "a: b\n")];
        edited(layout, &files, &format!("web prod {version}"))
    };
    assert_eq!(with("true", "false"), "a: b\nfeature:\n  enabled: false\n");
    assert_eq!(with("3", "4"), "a: b\nfeature:\n  enabled: 4\n");
    assert_eq!(with("\"3\"", "4"), "a: b\nfeature:\n  enabled: \"4\"\n");
}

#[test]
fn only_the_version_part_changes() {
    let cases = [
        (
            r#"{ preset = "manifest", path = "{env}/{service}.yaml" }"#,
            "prod/web.yaml",
            "kind: Service\n---\nkind: Deployment\nspec: {template: {spec: {containers: [{name: side, image: r/side:v9}, {name: web, image: 'h:5000/r/web:v1'}]}}}\n",
            "kind: Service\n---\nkind: Deployment\nspec: {template: {spec: {containers: [{name: side, image: r/side:v9}, {name: web, image: 'h:5000/r/web:v2'}]}}}\n",
        ),
        (
            r#"{ path = "{env}/{service}.json", json = "image", part = "tag" }"#,
            "prod/web.json",
            "{\"image\": \"r/web:v1\"}",
            "{\"image\": \"r/web:v2\"}",
        ),
        (
            r#"{ path = "{env}/{service}.yaml", yaml = "resources[*]", part = "query:ref" }"#,
            "prod/web.yaml",
            "resources:\n- ../base\n- https://github.com/o/r?ref=v1&timeout=9s\n",
            "resources:\n- ../base\n- https://github.com/o/r?ref=v2&timeout=9s\n",
        ),
        (
            r#"{ path = "{env}.env", regex = '(?m)^(?<service>\w+)_TAG=(?<v>.*)$', lowercase = ["service"] }"#,
            "prod.env",
            "A=1\r\nWEB_TAG=v1\nB_TAG=v3\n",
            "A=1\r\nWEB_TAG=v2\nB_TAG=v3\n",
        ),
        (
            r#"{ preset = "flux-image-policy", path = "{env}/app.yaml" }"#,
            "prod/app.yaml",
            "image: r/web:v1 # {\"$imagepolicy\": \"flux-system:web\"}\ntag: v1 # {\"$imagepolicy\": \"flux-system:web:tag\"}\n",
            "image: r/web:v2 # {\"$imagepolicy\": \"flux-system:web\"}\ntag: v2 # {\"$imagepolicy\": \"flux-system:web:tag\"}\n",
        ),
    ];
    for (layout, path, before, after) in cases {
        assert_eq!(
            edited(layout, &[(path, before)], "web prod v2"),
            after,
            "{layout}"
        );
    }
}

/// Another way to write the version in a file that is the cell's alone: it is written where it stands.
#[test]
fn a_fall_back_in_the_cells_own_file_is_its_own() {
    let layout = r#"{ path = "{env}/{service}.tfvars", regex = 'version = "(?<v>[^"]+)"', else = [{ path = "{env}/{service}.tfvars", regex = 'sha = "(?<v>[^"]+)"' }] }"#;
    let files = [("prod/web.tfvars", "sha = \"abc1\"\nversion = \"\"\n")];
    assert_eq!(
        edited(layout, &files, "web prod abc2"),
        "sha = \"abc2\"\nversion = \"\"\n"
    );
    let files = [("prod/web.tfvars", "sha = \"abc1\"\nversion = \"v1\"\n")];
    assert_eq!(
        edited(layout, &files, "web prod v2"),
        "sha = \"abc1\"\nversion = \"v2\"\n"
    );
}

/// What goes with a version is copied from where it comes from, and stays where nobody has it.
#[test]
fn texts_are_carried_along() {
    let layout = r#"{ path = "{env}/{service}.tfvars", regex = 'version = "(?<v>[^"]+)"', carry = ['sha = "(?<v>[^"]*)"'] }"#;
    let files = [
        ("dev/web.tfvars", "sha = \"abc2\"\nversion = \"v2\"\n"),
        ("prod/web.tfvars", "sha = \"\"\nversion = \"v1\"\n"),
    ];
    for (version, sha) in [("v2", "abc2"), ("v3", "")] {
        let after = format!("sha = \"{sha}\"\nversion = \"{version}\"\n");
        assert_eq!(
            edited(layout, &files, &format!("web prod {version}")),
            after
        );
    }
}

#[test]
fn what_is_rendered_is_refused() {
    let layout = r#"{ path = "{env}/{service}.yaml", yaml = "tag", read_only = true }"#;
    let files = [("prod/web.yaml", "tag: 1.0.0\n")];
    let said = edited(layout, &files, "web prod 1.1.0");
    assert!(
        said.starts_with("NotParseable: prod/web.yaml:1: what web / prod declares is rendered"),
        "{said}"
    );
}

#[test]
fn companions_move_along() {
    let layout = r#"{ path = "{env}/{service}.yaml", yaml = "image.tag", carry = "trailing-comment", also = [{ yaml = "chart.version" }, { path = "{env}/{service}.sha", regex = "(?<v>[0-9a-f]+)" }] }"#;
    let files = [
        (
            "dev/web.yaml",
            "image: {tag: abc2} # release v2.0\nchart: {version: 1.2.0}\n",
        ),
        ("dev/web.sha", "beef\n"),
        (
            "prod/web.yaml",
            "image:\n  tag: abc1 # release v1.0\nchart: {version: 1.1.0}\n",
        ),
        ("prod/web.sha", "cafe\n"),
    ];
    assert_eq!(
        edited(layout, &files, "web prod abc2"),
        "beef\n--8<--\nimage:\n  tag: abc2 # release v2.0\nchart: {version: 1.2.0}\n"
    );
    let pinned = format!("abc2@sha256:{}", "a".repeat(64));
    assert_eq!(
        edited(layout, &files, &format!("web prod {pinned}")),
        format!(
            "beef\n--8<--\nimage:\n  tag: {pinned} # release v2.0\nchart: {{version: 1.2.0}}\n"
        ),
        "what is pinned on its way is that version"
    );
    let same = r#"{ path = "{env}/{service}.yaml", yaml = "image.tag", also = [{ yaml = "resources[*]", part = "query:ref" }] }"#;
    let files = [(
        "prod/web.yaml",
        "image: {tag: v1}\nresources: ['https://h/o/r?ref=v1', 'https://h/o/x?ref=v7']\n",
    )];
    assert_eq!(
        edited(same, &files, "web prod v2"),
        "image: {tag: v2}\nresources: ['https://h/o/r?ref=v2', 'https://h/o/x?ref=v7']\n"
    );
}

/// Restores `web prod` to a version as it stood in older files.
pub(super) fn restored(
    layout: &str,
    files: &[(&str, &str)],
    then: &[(&str, &str)],
    version: &str,
) -> String {
    let small = Small::new(layout, &["dev", "prod"], files);
    let older = Small::new(layout, &["dev", "prod"], then);
    let read = |_: &Origin, path: &RepoPath| small.files.get(path).cloned();
    let read_then = |_: &Origin, path: &RepoPath| older.files.get(path).cloned();
    let edits = restore_cell(
        &small.layouts,
        &small.desired(),
        &CellKey::new("web", "prod"),
        Some(&version.into()),
        &read,
        &read_then,
    );
    let edits = edits.unwrap().into_iter();
    let texts = edits.map(|edit| String::from_utf8(edit.after).unwrap());
    texts.collect::<Vec<_>>().join("--8<--\n")
}

#[test]
fn what_goes_with_a_version_is_restored_with_it() {
    let layout = r#"{ path = "{env}/{service}.yaml", yaml = "image.tag", carry = "trailing-comment", also = [{ yaml = "chart.version" }, { path = "{env}/{service}.sha", regex = "(?<v>[0-9a-f]+)" }] }"#;
    let now = [
        (
            "dev/web.yaml",
            "image: {tag: abc3} # v3.0\nchart: {version: 1.3.0}\n",
        ),
        (
            "prod/web.yaml",
            "image:\n  tag: abc2 # release v2.0 hot\nchart: {version: 1.2.0}\nreplicas: 3\n",
        ),
        ("prod/web.sha", "beef\n"),
    ];
    let then = [
        (
            "prod/web.yaml",
            "image:\n  tag: abc1 # release v1.0\nchart: {version: 1.1.0}\nreplicas: 2\n",
        ),
        ("prod/web.sha", "cafe\n"),
    ];
    let whole =
        "cafe\n--8<--\nimage:\n  tag: abc1 # release v1.0\nchart: {version: 1.1.0}\nreplicas: 3\n";
    assert_eq!(restored(layout, &now, &then, "abc1"), whole);

    let chance = [
        (
            "prod/web.yaml",
            "image:\n  tag: abc2 # abc2\nchart: {version: abc2}\nreplicas: 3\n",
        ),
        ("prod/web.sha", "cafe\n"),
    ];
    assert_eq!(
        restored(layout, &chance, &then, "abc1"),
        "image:\n  tag: abc1 # release v1.0\nchart: {version: 1.1.0}\nreplicas: 3\n",
        "a place that says the same by chance"
    );
    let of_dev = [
        (
            "dev/web.yaml",
            "image: {tag: abc1} # release v1.0\nchart: {version: 1.0.9}\n",
        ),
        now[1],
    ];
    let gone = [("prod/web.yaml", "image:\n  tag: abc0 # release v0.9\n")];
    assert_eq!(
        restored(layout, &of_dev, &gone, "abc1"),
        "image:\n  tag: abc1 # release v2.0 hot\nchart: {version: 1.0.9}\nreplicas: 3\n",
        "the older files do not have the version: an environment that does is the donor, words that do not match stay"
    );
}

#[test]
fn the_tag_beside_a_digest_is_restored_with_it() {
    let older = DIGEST.replace("aa", "bb");
    let overlay = |lines: &str| format!("images:\n- name: r/web\n{lines}");
    let path = "apps/web/prod/kustomization.yaml";
    let now = overlay(&format!("  newTag: v2\n  digest: {DIGEST}\n"));
    for lines in [
        format!("  newTag: v1\n  digest: {older}\n"),
        format!("  digest: {older}\n"),
    ] {
        let then = overlay(&lines);
        let found = restored(KUSTOMIZE, &[(path, &now)], &[(path, &then)], &older);
        assert_eq!(found, then);
    }
}

#[test]
fn says_why_not() {
    let cases = [
        (
            "web prod v2",
            HELM,
            ("charts/web/values-prod.yaml", "image: {tag: v1, tag: v1}\n"),
            "NotParseable: charts/web/values-prod.yaml:1:",
        ),
        (
            "web prod v2",
            HELM,
            (
                "charts/web/values-prod.yaml",
                "image: &i {tag: v1}\nother: {<<: *i\n",
            ),
            "NotParseable: charts/web/values-prod.yaml:",
        ),
        (
            "web prod v2",
            HELM,
            ("charts/other/values-prod.yaml", "image: {tag: v1}\n"),
            "NotDeclared: no layout gives web / prod a place",
        ),
        (
            "web prod v2",
            r#"{ path = "{service}/{env}.yaml", yaml = "t", match = "^v1" }"#,
            ("web/prod.yaml", "t: v1\n"),
            "NotParseable: web/prod.yaml: v2 would not be read back at all",
        ),
        (
            "web prod x",
            r#"{ path = "{service}/{env}.yaml", yaml = "t", part = '/^(?<v>v\d)/' }"#,
            ("web/prod.yaml", "t: v1-z\n"),
            "NotParseable: web/prod.yaml: x would not be read back at all",
        ),
        (
            "web dev v2",
            KUSTOMIZE,
            ("apps/web/dev/kustomization.yaml", "images: &x\n"),
            "NotDeclared",
        ),
    ];
    for (change, layout, file, expected) in cases {
        let found = edited(layout, &[file], change);
        assert!(found.starts_with(expected), "{change}: {found}");
    }
}

#[test]
fn a_half_of_a_cell_is_not_changed() {
    let layout = r#"{ path = "pods/{env}.yaml", yaml = "containers[*].image", part = "tag", row = "{image}" }"#;
    let two = "containers:\n- image: web:1.7.9\n- image: web:latest\n";
    let cases = [
        (
            "other values of one cell",
            layout,
            "pods/prod.yaml",
            two,
            "Conflict: pods/prod.yaml:3: latest stands here and 1.7.9 at pods/prod.yaml:2, for the same cell",
        ),
        (
            "copies of a kustomization",
            KUSTOMIZE,
            "apps/web/prod/kustomization.yaml",
            "images:\n- name: r/web\n  newTag: v1\n- name: s/web\n  newTag: v0\n",
            "Conflict: apps/web/prod/kustomization.yaml:5: v0 stands here and v1 at",
        ),
        (
            "one of them a variable",
            layout,
            "pods/prod.yaml",
            "containers:\n- image: web:1.7.9\n- image: web:${TAG}\n",
            "NotParseable: pods/prod.yaml:3: `${TAG}` is a variable",
        ),
        (
            "the first of them a variable",
            layout,
            "pods/prod.yaml",
            "containers:\n- image: web:${TAG}\n- image: web:1.7.9\n",
            "NotParseable: pods/prod.yaml:2: `${TAG}` is a variable",
        ),
    ];
    for (name, layout, path, text, expected) in cases {
        let found = edited(layout, &[(path, text)], "web prod v2");
        assert!(found.starts_with(expected), "{name}: {found}");
    }
    let found = edited(layout, &[("pods/prod.yaml", two)], "web prod latest");
    assert_eq!(found, two.replace("1.7.9", "latest"), "one says it already");
}

#[test]
fn what_is_no_version_is_not_written_over() {
    let tag = r#"{ path = "{env}/{service}.yaml", yaml = "image", part = "tag" }"#;
    let helm = r#"{ preset = "helm-values", path = "{env}/{service}.yaml", else = [{ path = "base/{service}.yaml", yaml = "image.tag" }] }"#;
    let env = r#"{ path = "{env}/{service}.yaml", regex = '(?m)^TAG=(?<v>.*)$' }"#;
    let wrapped = "ENC[AES256_GCM,data:MS4w,iv:aaaa,tag:bbbb,type:str]";
    let cases = [
        (
            tag,
            "image: r/web:${TAG}\n",
            "NotParseable: prod/web.yaml:1: `${TAG}` is a variable",
        ),
        (tag, "image: r/web:${TAG:-1.0}\n", "NotParseable"),
        (tag, "image: r/web:$(TAG)\n", "NotParseable"),
        (tag, "image: r/web:$TAG\n", "NotParseable"),
        (tag, "image: r/web:v1-$SUFFIX\n", "NotParseable"),
        (tag, "image: r/web:<TAG>\n", "NotParseable"),
        (tag, "image: r/web:%TAG%\n", "NotParseable"),
        (
            tag,
            "image: \"r/web:{{ .Values.tag }}\"\n",
            "NotParseable: prod/web.yaml:1: a template",
        ),
        (tag, "image: r/web@${DIGEST}\n", "NotParseable"),
        (tag, "image: r/web:v1@${DIGEST}\n", "NotParseable"),
        (
            tag,
            "image: ${IMAGE}\n",
            "NotParseable: prod/web.yaml:1: `${IMAGE}` is a variable",
        ),
        (tag, "image: ${IMAGE:-redis:5.0.0}\n", "NotParseable"),
        (tag, "image: r/$(IMAGE)\n", "NotParseable"),
        (tag, "image: $IMAGE\n", "NotParseable"),
        (tag, "image: <image>\n", "NotParseable"),
        (
            tag,
            "image: r/web:a b\n",
            "NotParseable: prod/web.yaml:1: `a b` can be no image's tag or digest",
        ),
        (tag, "image: r/web:v1,v2\n", "NotParseable"),
        (tag, "image: ':::'\n", "NotParseable: prod/web.yaml: no"),
        (helm, "image: {tag: '${TAG}'}\n", "NotParseable"),
        (
            helm,
            "image: {tag: {{ .Values.tag }}}\n",
            "NotParseable: prod/web.yaml:1: a template",
        ),
        (
            helm,
            "image:\n  tag: '{% if x %}1{% endif %}'\n",
            "NotParseable: prod/web.yaml:2: a template",
        ),
        (
            helm,
            "image:\n  tag: #@ data.values.tag\n",
            "NotParseable: prod/web.yaml:2: a template",
        ),
        (
            helm,
            "image:\n  tag: v1\n  digest: ${DIGEST}\n",
            "NotParseable: prod/web.yaml:2: `${DIGEST}` is a variable",
        ),
        (
            helm,
            &format!("image: {{tag: '{wrapped}'}}\n"),
            "Encrypted: prod/web.yaml:1: the value is encrypted",
        ),
        (
            helm,
            "image:\n  tag: !vault |\n    $ANSIBLE_VAULT;1.1;AES256\n    6138\n",
            "Encrypted: prod/web.yaml:3:",
        ),
        (
            helm,
            "$ANSIBLE_VAULT;1.1;AES256\n6138\n",
            "Encrypted: prod/web.yaml:1: this file is encrypted by Ansible Vault",
        ),
        (
            helm,
            "\0GITCRYPT\0abc",
            "Encrypted: prod/web.yaml:1: this file is encrypted by git-crypt",
        ),
        (
            helm,
            "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n",
            "Encrypted: prod/web.yaml:1:",
        ),
        (
            helm,
            "-----BEGIN PGP MESSAGE-----\n\nhQ\n",
            "Encrypted: prod/web.yaml:1:",
        ),
        (
            env,
            "TAG=${OTHER}\n",
            "NotParseable: prod/web.yaml:1: `${OTHER}` is a variable",
        ),
        (
            env,
            &format!("TAG={wrapped}\n"),
            "Encrypted: prod/web.yaml:1:",
        ),
        (env, "\0GITCRYPT\0TAG=1\n", "Encrypted"),
        (
            r#"{ path = "{env}/{service}.yaml", yaml = "spec.encryptedData.{key}", row = "web" }"#,
            "kind: SealedSecret\nspec: {encryptedData: {tag: AgBy3i}}\n",
            "Encrypted: prod/web.yaml:2:",
        ),
    ];
    for (layout, text, expected) in cases {
        let base = ("base/web.yaml", "image: {tag: v1}\n");
        let found = edited(layout, &[("prod/web.yaml", text), base], "web prod v2");
        let refused =
            found.starts_with(expected) || expected.ends_with(": no") && found.starts_with("Not");
        assert!(refused, "{text}: {found}");
        let small = Small::new(layout, &["dev", "prod"], &[("prod/web.yaml", text), base]);
        let desired = small.desired();
        assert_eq!(
            desired.version(&CellKey::new("web", "prod")),
            None,
            "{text}"
        );
        let told = desired
            .problems
            .iter()
            .any(|problem| problem.line.is_some());
        assert!(
            told || expected.ends_with(": no"),
            "{text}: {:?}",
            desired.problems
        );
    }
    // What stands around a variable may change; a setting may hold any sign.
    for (layout, text, expected) in [
        (
            tag,
            "image: ${REGISTRY}/web:v1\n",
            "image: ${REGISTRY}/web:v2\n",
        ),
        (
            tag,
            "image: ${REGISTRY:-ghcr.io/o}/web:v1\n",
            "image: ${REGISTRY:-ghcr.io/o}/web:v2\n",
        ),
        (
            tag,
            "image: ${REGISTRY}/web\n",
            "image: ${REGISTRY}/web:v2\n",
        ),
        (
            tag,
            "image: '{{ registry }}/web:v1'\n",
            "image: '{{ registry }}/web:v2'\n",
        ),
        (
            r#"{ path = "{env}/{service}.yaml", yaml = "motd" }"#,
            "motd: costs $5\n",
            "motd: v2\n",
        ),
        (
            r#"{ path = "{env}/{service}.yaml", yaml = "filter" }"#,
            "filter: ^v(.*)$\n",
            "filter: v2\n",
        ),
        (
            r#"{ path = "{env}/{service}.yaml", yaml = "image.tag", version_of = "setting" }"#,
            "image: {tag: a b}\n",
            "image: {tag: v2}\n",
        ),
    ] {
        assert_eq!(
            edited(layout, &[("prod/web.yaml", text)], "web prod v2"),
            expected
        );
    }
}

#[test]
fn one_service_that_cannot_be_read_leaves_the_others() {
    let layout = r#"{ path = "{env}.yaml", yaml = "{service}.tag", else = [{ path = "all.yaml", yaml = "{service}.tag" }] }"#;
    let files = [
        ("prod.yaml", "api: {tag: v1}\nweb: {tag: '${TAG}'}\n"),
        ("all.yaml", "api: {tag: v0}\nweb: {tag: v0}\n"),
    ];
    let desired = Small::new(layout, &["prod"], &files).desired();
    let version = |name: &str| {
        desired
            .version(&CellKey::new(name, "prod"))
            .map(Version::as_str)
    };
    assert_eq!(
        (version("api"), version("web")),
        (Some("v1"), None),
        "nothing is inherited instead"
    );
    assert!(edited(layout, &files, "web prod v2").starts_with("NotParseable: prod.yaml:2:"));
    assert_eq!(
        edited(layout, &files, "api prod v2"),
        files[0].1.replace("v1", "v2")
    );
}

#[test]
fn sops_files_are_changed_where_their_mac_lets_them() {
    let layout = r#"{ preset = "helm-values", path = "{env}/{service}.yaml" }"#;
    let wrapped = "ENC[AES256_GCM,data:MS4w,iv:aaaa,tag:bbbb,type:str]";
    let file = |rules: &str| {
        format!(
            "image:\n    tag: v1\npw: {wrapped}\nsops:\n    mac: {wrapped}\n{rules}    version: 3.9.0\n"
        )
    };
    let only = "    mac_only_encrypted: true\n";
    for (name, rules, allowed) in [
        (
            "every value",
            "    encrypted_regex: ^pw$\n".to_owned(),
            false,
        ),
        (
            "not only what is encrypted",
            "    mac_only_encrypted: false\n    encrypted_regex: ^pw$\n".into(),
            false,
        ),
        (
            "outside of a regex",
            format!("{only}    encrypted_regex: ^pw$\n"),
            true,
        ),
        (
            "inside of a regex",
            format!("{only}    encrypted_regex: ^(pw|image)$\n"),
            false,
        ),
        (
            "outside of an unencrypted regex",
            format!("{only}    unencrypted_regex: ^image$\n"),
            true,
        ),
        (
            "inside of an unencrypted regex",
            format!("{only}    unencrypted_regex: ^other$\n"),
            false,
        ),
        (
            "outside of a suffix",
            format!("{only}    encrypted_suffix: w\n"),
            true,
        ),
        (
            "inside of a suffix",
            format!("{only}    encrypted_suffix: g\n"),
            false,
        ),
        (
            "outside of an unencrypted suffix",
            format!("{only}    unencrypted_suffix: tag\n"),
            true,
        ),
        ("without any rule all is encrypted", only.to_owned(), false),
        (
            "a regex that is none",
            format!("{only}    encrypted_regex: '('\n"),
            false,
        ),
        (
            "told by comments",
            format!("{only}    encrypted_comment_regex: secret\n"),
            true,
        ),
    ] {
        let text = file(&rules);
        let found = edited(layout, &[("prod/web.yaml", &text)], "web prod v2");
        if allowed {
            assert_eq!(found, text.replace("v1", "v2"), "{name}");
        } else {
            let expected =
                "Encrypted: prod/web.yaml:2: this file is encrypted by SOPS (`sops` on line 4)";
            assert!(found.starts_with(expected), "{name}: {found}");
            assert!(
                found.ends_with("Change it with `sops edit prod/web.yaml`"),
                "{name}: {found}"
            );
        }
    }
    let other = "image: {tag: v1}\nsops: {version: 3.9.0, image: {tag: v3}}\n";
    let found = edited(layout, &[("prod/web.yaml", other)], "web prod v2");
    assert_eq!(
        found,
        other.replace("v1", "v2"),
        "a service of this name is no block"
    );

    let key = r#"{ path = "{env}/{service}.env", regex = '(?m)^TAG=(?<v>.*)$' }"#;
    let ini = r#"{ path = "{env}/{service}.ini", regex = '(?m)^tag *= *(?<v>.*)$' }"#;
    let json = r#"{ path = "{env}/{service}.json", json = "image.tag" }"#;
    let formats = [
        (
            key,
            "prod/web.env",
            format!("TAG=v1\nPW={wrapped}\nsops_mac={wrapped}\nsops_encrypted_regex=^PW$\n"),
            "sops_mac_only_encrypted=true\n",
        ),
        (
            ini,
            "prod/web.ini",
            format!(
                "[image]\ntag = v1\npw = {wrapped}\n[sops]\nmac = {wrapped}\nencrypted_regex = ^pw$\n"
            ),
            "mac_only_encrypted = true\n",
        ),
        (
            json,
            "prod/web.json",
            format!(
                "{{\"image\": {{\"tag\": \"v1\"}}, \"pw\": \"{wrapped}\", \"sops\": {{\"encrypted_regex\": \"^pw$\", \"mac\": \"{wrapped}\"}}}}\n"
            ),
            "",
        ),
    ];
    for (layout, path, text, only) in formats {
        let found = edited(layout, &[(path, &text)], "web prod v2");
        assert!(
            found.starts_with(&format!("Encrypted: {path}:")),
            "{path}: {found}"
        );
        let text = if only.is_empty() {
            text.replace("\"sops\": {", "\"sops\": {\"mac_only_encrypted\": true, ")
        } else {
            text + only
        };
        let found = edited(layout, &[(path, &text)], "web prod v2");
        assert_eq!(found, text.replace("v1", "v2"), "{path}");
    }
    let binary = format!("{{\"data\": \"{wrapped}\", \"sops\": {{\"mac\": \"{wrapped}\"}}}}\n");
    let found = edited(
        r#"{ path = "{env}/{service}.json", json = "data" }"#,
        &[("prod/web.json", &binary)],
        "web prod v2",
    );
    assert!(
        found.starts_with("Encrypted: prod/web.json:1: the value"),
        "{found}"
    );
}

#[test]
fn merged_versions_are_overridden_in_place() {
    let layout = r#"{ path = "values.yaml", yaml = "{env}.{service}.tag" }"#;
    let text =
        "x: &base\n  tag: v1\nprod:\n  web:\n    <<: *base\n    size: 1\ndev:\n  web: {tag: v3}\n";
    assert_eq!(
        edited(layout, &[("values.yaml", text)], "web prod v2"),
        text.replace("    size: 1\n", "    size: 1\n    tag: v2\n")
    );
}

mod hostile {
    use std::sync::{Arc, LazyLock};

    use proptest::prelude::*;

    use super::*;

    /// Compiled once for all cases.
    static SET: LazyLock<Small> = LazyLock::new(|| Small::new(LAYOUTS, &["dev", "prod"], &[]));

    const LAYOUTS: &str = r#"
        { preset = "kustomize", path = "k/{service}/{env}.yaml", else = [{ path = "base.yaml" }] },
        { preset = "manifest", path = "m/{service}/{env}.yaml" },
        { path = "v/{service}/{env}.yaml", yaml = "**{p}.tag", carry = "trailing-comment", row = "{service}/{p}" },
        { path = "t/{service}/{env}.yaml", regex = '(?m)tag: *(?<v>\S+)', also = [{ yaml = "images[*].newTag" }] }"#;
    const TEXT: &str = "images:\n- name: r/web\n  newTag: v1 # v1\n  digest: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n- {name: é/api, newTag: v2}\nkind: Deployment\nspec: &a\n  containers:\n  - name: web\n    image: r/web:v1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n  tag: v1\nx: {<<: *a, tag: }\n";

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

        /// Whatever stands in a file: nothing panics, and an edit that is made is read back.
        #[test]
        fn mutated_files_are_edited_right_or_refused(
            cuts in prop::collection::vec((0_usize..250, 0_usize..4, "[-:#{}\\[\\]\"'&*|>, \n\ta-z0-9é@]{0,4}"), 0..4),
            version in "[a-z0-9:@.\"' #{-]{0,12}",
        ) {
            let mut text = TEXT.to_owned();
            for (at, length, new) in cuts {
                let from = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
                let to = (from + length..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
                text.replace_range(from..to, &new);
            }
            let paths = ["k/web/dev.yaml", "m/web/dev.yaml", "v/web/dev.yaml", "t/web/dev.yaml", "base.yaml"];
            let files: Vec<(&str, &str)> = paths.iter().map(|path| (*path, text.as_str())).collect();
            let small = Small {
                layouts: Arc::clone(&SET.layouts),
                environments: SET.environments.clone(),
                files: files
                    .iter()
                    .map(|(path, text)| (RepoPath::from(*path), text.as_bytes().to_vec()))
                    .collect(),
            };
            let desired = small.desired();
            let read = |_: &Origin, path: &RepoPath| small.files.get(path).cloned();
            let version = Version::from(version);
            for key in desired.cells.keys() {
                for version in [Some(&version), None] {
                    // The editor reads back what it wrote; what is left to show is that it never panics.
                    if let Ok(edits) = edit_cell(&small.layouts, &desired, key, version, &read) {
                        for edit in edits {
                            prop_assert!(edit.before != edit.after);
                        }
                    }
                }
            }
        }
    }
}

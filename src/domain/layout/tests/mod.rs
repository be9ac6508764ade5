//! Matrices of small repositories, and that keeping them up to date gives what reading afresh gives.

mod agents;
mod later;
mod places;
mod presets;
mod refs;
mod updates;
mod wishes;

use std::sync::Arc;

use super::{
    Assembler, LayoutSet, Origin,
    testing::{Small, lines, specs},
};
use crate::domain::{
    ids::{CellKey, EnvironmentName, ObjectId, RepoPath},
    version::Version,
};

const HELM: &str = r#"{ path = "a/{service}/values-{env}.yaml", yaml = "tag", else = [{ path = "a/{service}/values.yaml", yaml = "tag" }, { path = "defaults.yaml", yaml = "{service}.tag" }] }"#;

fn check(name: &str, layouts: &str, files: &[(&str, &str)], expected: &[&str], problems: &[&str]) {
    let small = Small::new(layouts, &["dev", "prod"], files);
    let desired = small.desired();
    assert_eq!(lines(&desired), expected, "{name}");
    let found: Vec<&str> = desired
        .problems
        .iter()
        .map(|it| it.message.as_str())
        .collect();
    assert_eq!(found.len(), problems.len(), "{name}: {found:?}");
    for (found, expected) in found.iter().zip(problems) {
        assert!(found.contains(expected), "{name}: {found}");
    }
}

#[test]
fn fall_backs() {
    let all = [
        ("a/web/values-prod.yaml", "tag: v1"),
        ("a/web/values-dev.yaml", "x: y"),
        ("a/web/values.yaml", "\ntag: v2"),
        ("a/api/values-prod.yaml", "tag: ~"),
        ("a/api/values-dev.yaml", "tag: ''"),
        ("a/none/values-dev.yaml", ""),
        ("defaults.yaml", "web: {tag: v3}\napi: {tag: v4}"),
    ];
    check(
        "own, then values, then defaults; null and empty are not declared",
        HELM,
        &all,
        &[
            "api dev v4 defaults.yaml:2 inherited",
            "api prod v4 defaults.yaml:2 inherited",
            "none dev -",
            "web dev v2 a/web/values.yaml:2 inherited",
            "web prod v1 a/web/values-prod.yaml:1",
        ],
        &[],
    );
    check(
        "a template's expression is told and inherits nothing",
        HELM,
        &[
            ("a/web/values-prod.yaml", "x: y\ntag: {{ .x }}"),
            ("a/web/values.yaml", "tag: v2"),
        ],
        &["web prod -"],
        &["a template's expression stands where the version is expected"],
    );
    check(
        "a broken file inherits nothing",
        HELM,
        &[
            ("a/web/values-prod.yaml", "{{ x }}\ntag: v1"),
            ("a/web/values.yaml", "tag: v2"),
        ],
        &["web prod -"],
        &["template"],
    );
    check(
        "a broken fall-back hides what is behind it",
        r#"{ path = "{service}/{env}.yaml", yaml = "tag", else = [{ path = "{service}/all.yaml", yaml = "tag" }, { path = "{service}/x.yaml", yaml = "tag" }] }"#,
        &[
            ("web/prod.yaml", "a: b"),
            ("web/all.yaml", "["),
            ("web/x.yaml", "tag: v1"),
        ],
        &["web all -", "web prod -", "web x v1 web/x.yaml:1"],
        &["not valid YAML"],
    );
    check(
        "a proven service exists in every declared environment",
        r#"{ path = "a/{service}/{env}.yaml", yaml = "tag", service = "a/{service}/Chart.yaml", else = [{ path = "a/{service}/values.yaml", yaml = "tag" }] }"#,
        &[
            ("a/web/Chart.yaml", "name: web"),
            ("a/web/values.yaml", "tag: v1"),
            ("a/web/prod.yaml", "tag: v2"),
            ("a/api/values.yaml", "tag: v1"),
        ],
        &[
            "api values v1 a/api/values.yaml:1",
            "web Chart v1 a/web/values.yaml:1 inherited",
            "web dev v1 a/web/values.yaml:1 inherited",
            "web prod v2 a/web/prod.yaml:1",
            "web values v1 a/web/values.yaml:1",
        ],
        &[],
    );
    check(
        "images of a base are inherited",
        r#"{ preset = "kustomize", path = "{env:$envs}/kustomization.yaml", else = [{ path = "base/kustomization.yaml" }] }"#,
        &[
            (
                "base/kustomization.yaml",
                "images: [{name: r/web, newTag: v1}, {name: r/api, newTag: v2}]",
            ),
            (
                "prod/kustomization.yaml",
                "images: [{name: r/web, newTag: v0}]",
            ),
            ("dev/kustomization.yaml", "resources: [../base]"),
        ],
        &[
            "api dev v2 base/kustomization.yaml:1 inherited",
            "api prod v2 base/kustomization.yaml:1 inherited",
            "web dev v1 base/kustomization.yaml:1 inherited",
            "web prod v0 prod/kustomization.yaml:1",
        ],
        &[],
    );
}

#[test]
fn names() {
    check(
        "declared environments only",
        r#"{ path = "{service}/{env:$envs}.yaml", yaml = "tag" }"#,
        &[("web/dev.yaml", "tag: v1"), ("web/base.yaml", "tag: v2")],
        &["web dev v1 web/dev.yaml:1"],
        &[],
    );
    check(
        "two spellings of one environment",
        r#"{ path = "{service}/{env:$envs}.yaml", yaml = "tag", alias = { production = "prod" } }"#,
        &[
            ("web/production.yaml", "tag: v1"),
            ("api/prod.yaml", "tag: v2"),
        ],
        &[
            "api prod v2 api/prod.yaml:1",
            "web prod v1 web/production.yaml:1",
        ],
        &[],
    );
    check(
        "the declared name is the column on whichever side it stands",
        r#"{ path = "{service}/{env:$envs}.yaml", yaml = "tag", alias = { prod = "production" } }"#,
        &[("web/production.yaml", "tag: v1")],
        &["web prod v1 web/production.yaml:1"],
        &[],
    );
    check(
        "rows and columns from several captures",
        r#"{ path = "{team}/{service}/{env}/{region}.yaml", yaml = "tag", row = "{team}-{service}", env_name = "{env}-{region}", lowercase = ["team"] }"#,
        &[("Shop/web/prod/eu.yaml", "tag: v1")],
        &["shop-web prod-eu v1 Shop/web/prod/eu.yaml:1"],
        &[],
    );
    check(
        "names from the document",
        r#"{ path = "{env}/*.yaml", kind = "Deployment", name = "metadata.name", yaml = "image", part = "tag", row = "{name}" }"#,
        &[(
            "prod/all.yaml",
            "kind: Service\nmetadata: {name: web}\n---\nkind: Deployment\nmetadata: {name: web}\nimage: r/web:v1\n---\nkind: Deployment\nmetadata: {name: api}\nimage: r/api@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
        )],
        &[
            "api prod sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa prod/all.yaml:10",
            "web prod v1 prod/all.yaml:6",
        ],
        &[],
    );
}

#[test]
fn precedence() {
    check(
        "the first layout wins a cell",
        r#"{ path = "{service}/{env}.yaml", yaml = "a" }, { path = "{service}/{env}.yaml", yaml = "b" }"#,
        &[("web/dev.yaml", "b: v2\na: v1"), ("web/prod.yaml", "b: v2")],
        &["web dev v1 web/dev.yaml:2", "web prod v2 web/prod.yaml:1"],
        &[],
    );
    check(
        "the first layout wins a place",
        r#"{ path = "{service}/{env}/base.yaml", yaml = "tag" }, { path = "{service}/{env}/{x}.yaml", yaml = "tag", env_name = "{env}/{x}" }"#,
        &[
            ("web/dev/base.yaml", "tag: v1"),
            ("web/dev/eu.yaml", "tag: v2"),
        ],
        &[
            "web dev v1 web/dev/base.yaml:1",
            "web dev/eu v2 web/dev/eu.yaml:1",
        ],
        &[],
    );
    check(
        "copies, one of which differs",
        r#"{ path = "{env}.yaml", yaml = "c[*]{name={service}}.tag" }"#,
        &[(
            "prod.yaml",
            "c:\n- {name: web, tag: v1}\n- {name: web, tag: v1}\n- {name: web, tag: v2}",
        )],
        &["web prod v1 prod.yaml:2 prod.yaml:3"],
        &["web / prod is v2 here and v1 at line 2, which is used"],
    );
    check(
        "a digest beside a tag pins it",
        r#"{ preset = "kustomize", path = "{service}/{env}/kustomization.yaml" }"#,
        &[(
            "web/prod/kustomization.yaml",
            "images:\n- name: r/web\n  newTag: v1\n  digest: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
        )],
        &[
            "web prod sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa web/prod/kustomization.yaml:4",
        ],
        &[],
    );
    check(
        "a key that stands twice",
        r#"{ path = "{service}/{env}.yaml", yaml = "tag" }"#,
        &[("web/prod.yaml", "tag: v1\ntag: v2\n")],
        &["web prod v2 web/prod.yaml:2"],
        &["line 1"],
    );
}

/// A key above the version that stands twice hides the version of the first: told when it is read, not when it is written.
#[test]
fn a_key_above_a_version_that_stands_twice_is_told() {
    let twice = "image:\n  tag: v1\nx: y\nimage:\n  tag: v2\n";
    let deeper = "a:\n  image: {tag: v1}\n  image: {tag: v2}\n";
    let here = "the key stands here and on line";
    // (name, locator, file, version, where it is told)
    let cases = [
        (
            "the mapping of a tag",
            "image.tag",
            twice,
            "v2",
            Some("4 1"),
        ),
        ("behind a pattern", "{name}.tag", twice, "v2", Some("4 1")),
        ("behind any key", "*.tag", twice, "v2", Some("4 1")),
        ("anywhere", "**.tag", twice, "v2", Some("4 1")),
        ("further down", "a.image.tag", deeper, "v2", Some("3 2")),
        (
            "in a list",
            "a[0].image.tag",
            "a:\n- image: {tag: v1}\n  image: {tag: v2}\n",
            "v2",
            Some("3 2"),
        ),
        (
            "the list itself",
            "a[0].tag",
            "a:\n- tag: v1\na:\n- tag: v2\n",
            "v2",
            Some("3 1"),
        ),
        (
            "in a text",
            "t.(yaml).image.tag",
            "t: |\n  image: {tag: v1}\n  image: {tag: v2}\n",
            "v2",
            Some("3 2"),
        ),
        (
            "in a list in a text",
            "t.(yaml)[0].tag",
            "t: |\n  - tag: v1\n    tag: v2\n",
            "v2",
            Some("3 2"),
        ),
        (
            "its own before one above",
            "image.tag",
            "image: {tag: v0}\nimage:\n  tag: v1\n  tag: v2\n",
            "v2",
            Some("4 3"),
        ),
        (
            "another key beside it",
            "image.tag",
            "image: {tag: v2, x: 1, x: 2}\ny: 1\ny: 2\n",
            "v2",
            None,
        ),
        (
            "a key of a sibling",
            "b.tag",
            "a: {c: 1}\na: {c: 2}\nb: {tag: v2}\n",
            "v2",
            None,
        ),
    ];
    for (name, locator, file, version, told) in cases {
        let layout = format!(r#"{{ path = "{{service}}/{{env}}.yaml", yaml = "{locator}" }}"#);
        let small = Small::new(&layout, &["dev", "prod"], &[("web/prod.yaml", file)]);
        let desired = small.desired();
        let found = desired.version(&CellKey::new("web", "prod"));
        assert_eq!(found.map(Version::as_str), Some(version), "{name}");
        let problems: Vec<(u32, &str)> = desired
            .problems
            .iter()
            .map(|it| (it.line.unwrap_or_default(), it.message.as_str()))
            .collect();
        match told {
            None => assert!(problems.is_empty(), "{name}: {problems:?}"),
            Some(lines) => {
                let (line, earlier) = lines.split_once(' ').unwrap();
                let words = format!("{here} {earlier}");
                let is_told = problems
                    .iter()
                    .any(|(at, it)| at.to_string() == line && it.starts_with(&words));
                assert!(is_told, "{name}: {problems:?}");
            }
        }
    }
}

#[test]
fn a_place_is_one_cells_whether_a_locator_or_a_regular_expression_leads_to_it() {
    let layouts = [
        r#"{ path = "web/{env}.yaml", regex = '(?m)tag: (?<v>\S+) # (?<service>\w+)$' }"#,
        r#"{ path = "{service}/{env}.yaml", yaml = "image.tag" }"#,
    ];
    let files = [(
        "web/dev.yaml",
        "image:\n  tag: v1 # shop\nother: {tag: v1}\n",
    )];
    let [first, second] = layouts;
    let one = ["shop dev v1 web/dev.yaml:2"];
    check(
        "the expression first",
        &layouts.join(", "),
        &files,
        &one,
        &[],
    );
    let both = ["shop dev v1 web/dev.yaml:2", "web dev v1 web/dev.yaml:2"];
    let turned = format!("{second}, {first}");
    check("the wide locator first", &turned, &files, &both, &[]);
}

#[test]
fn a_place_that_several_layouts_read_is_every_cell_that_they_name() {
    let same = ["api prod v1 prod.yaml:1", "web prod v1 prod.yaml:1"];
    let values = ("prod.yaml", "tag: v1\n");
    check(
        "two rows",
        r#"{ path = "{env}.yaml", yaml = "tag", row = "web" }, { path = "{env}.yaml", yaml = "tag", row = "api" }"#,
        &[values],
        &same,
        &[],
    );
    check(
        "two environments of one file",
        r#"{ path = "{service}/prod.yaml", yaml = "tag", env_name = "prod-eu" }, { path = "{service}/prod.yaml", yaml = "tag", env_name = "prod-us" }"#,
        &[("web/prod.yaml", "tag: v1\n")],
        &[
            "web prod-eu v1 web/prod.yaml:1",
            "web prod-us v1 web/prod.yaml:1",
        ],
        &[],
    );
    check(
        "a locator and an expression over the same bytes",
        r#"{ path = "{env}.yaml", yaml = "tag", row = "web" }, { path = "{env}.yaml", regex = 'tag: (?<v>\S+)', row = "api" }"#,
        &[values],
        &same,
        &[],
    );
    check(
        "parts of one scalar",
        r#"{ path = "{env}.yaml", yaml = "image", part = "tag", row = "web" }, { path = "{env}.yaml", yaml = "image", part = '/-chart(?<v>\S+)$/', row = "chart" }"#,
        &[("prod.yaml", "image: r/web:v1-chart7\n")],
        &["chart prod 7 prod.yaml:1", "web prod v1-chart7 prod.yaml:1"],
        &[],
    );
    check(
        "three of them",
        r#"{ path = "{env}.yaml", yaml = "tag", row = "web" }, { path = "{env}.yaml", yaml = "tag", row = "web" }, { path = "{env}.yaml", yaml = "tag", row = "api" }"#,
        &[values],
        &same,
        &[],
    );
    check(
        "a wide template behind a narrow one is for the rest",
        r#"{ path = "{service}-dev/{file}.yaml", yaml = "tag", env_name = "dev" }, { path = "{service}/{file}.yaml", yaml = "tag", env_name = "prod" }"#,
        &[("web-dev/a.yaml", "tag: v2\n"), ("web/a.yaml", "tag: v1\n")],
        &["web dev v2 web-dev/a.yaml:1", "web prod v1 web/a.yaml:1"],
        &[],
    );
    check(
        "so is a wide locator behind a narrow one",
        r#"{ path = "{env}.yaml", yaml = "api.tag", row = "shop" }, { path = "{env}.yaml", yaml = "{service}.tag" }"#,
        &[("prod.yaml", "api: {tag: v1}\nweb: {tag: v2}\n")],
        &["shop prod v1 prod.yaml:1", "web prod v2 prod.yaml:2"],
        &[],
    );
    check(
        "what is narrow is not lost behind what is wide",
        r#"{ path = "{env}.yaml", yaml = "{service}.tag" }, { path = "{env}.yaml", yaml = "api.tag", row = "shop" }"#,
        &[("prod.yaml", "api: {tag: v1}\n")],
        &["api prod v1 prod.yaml:1", "shop prod v1 prod.yaml:1"],
        &[],
    );
}

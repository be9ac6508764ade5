//! Matrices of small repositories, and that keeping them up to date gives what reading afresh gives.

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
            "kind: Service\nmetadata: {name: web}\n---\nkind: Deployment\nmetadata: {name: web}\nimage: r/web:v1\n---\nkind: Deployment\nmetadata: {name: api}\nimage: r/api@sha256:aa\n",
        )],
        &[
            "api prod sha256:aa prod/all.yaml:10",
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
            "images:\n- name: r/web\n  newTag: v1\n  digest: sha256:aa\n",
        )],
        &["web prod sha256:aa web/prod/kustomization.yaml:4"],
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
    let other = ["web dev v1 web/dev.yaml:2"];
    let turned = format!("{second}, {first}");
    check("the locator first", &turned, &files, &other, &[]);
}

#[test]
fn presets() {
    let none: &[&str] = &[];
    check(
        "helm-values",
        r#"{ preset = "helm-values", path = "{service}/values-{env}.yaml" }"#,
        &[
            ("a/values-dev.yaml", "image: {repository: r/a, tag: v1}"),
            ("b/values-dev.yaml", "image: r/b:v2"),
            ("c/values-dev.yaml", "image: {tag: v3, digest: 'sha256:aa'}"),
        ],
        &[
            "a dev v1 a/values-dev.yaml:1",
            "b dev v2 b/values-dev.yaml:1",
            "c dev v3@sha256:aa c/values-dev.yaml:1",
        ],
        none,
    );
    check(
        "helm-values of all services in one file",
        r#"{ preset = "helm-values", path = "values-{env}.yaml" }"#,
        &[(
            "values-dev.yaml",
            "a: {image: {tag: v1}}\nb: {image: 'r/b:v2'}\nglobal: {x: y}",
        )],
        &["a dev v1 values-dev.yaml:1", "b dev v2 values-dev.yaml:2"],
        none,
    );
    check(
        "helmrelease",
        r#"{ preset = "helmrelease", path = "{env}/*.yaml" }"#,
        &[
            (
                "dev/a.yaml",
                "kind: HelmRelease\nmetadata: {name: a}\nspec: {chart: {spec: {version: 1.2.0}}}",
            ),
            (
                "dev/b.yaml",
                "kind: HelmRelease\nmetadata: {name: b}\nspec: {chart: {spec: {version: 1.2.0}}, values: {image: {tag: v7}}}",
            ),
            ("dev/c.yaml", "kind: Namespace\nmetadata: {name: c}"),
        ],
        &["a dev 1.2.0 dev/a.yaml:3", "b dev v7 dev/b.yaml:3"],
        none,
    );
    check(
        "argocd-application",
        r#"{ preset = "argocd-application", path = "apps/{env}/{service}.yaml" }"#,
        &[
            (
                "apps/dev/a.yaml",
                "kind: Application\nspec: {source: {targetRevision: v1}}",
            ),
            (
                "apps/dev/b.yaml",
                "kind: Application\nspec: {source: {targetRevision: HEAD, helm: {parameters: [{name: image.tag, value: v2}]}}}",
            ),
            (
                "apps/dev/c.yaml",
                "kind: Application\nspec: {sources: [{targetRevision: v3}, {targetRevision: main}]}",
            ),
        ],
        &[
            "a dev v1 apps/dev/a.yaml:2",
            "b dev v2 apps/dev/b.yaml:2",
            "c dev v3 apps/dev/c.yaml:2",
        ],
        none,
    );
    check(
        "manifest: by container, by image, else the first",
        r#"{ preset = "manifest", path = "{env}/{service}.yaml" }"#,
        &[
            (
                "dev/a.yaml",
                "kind: Deployment\nspec: {template: {spec: {containers: [{name: x, image: 'r/x:v0'}, {name: a, image: 'r/y:v1'}]}}}",
            ),
            (
                "dev/b.yaml",
                "kind: StatefulSet\nspec: {template: {spec: {containers: [{name: x, image: 'r/x:v0'}, {name: y, image: 'r/b:v2'}]}}}",
            ),
            (
                "dev/c.yaml",
                "kind: CronJob\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{name: x, image: 'r/x:v3'}]}}}}}",
            ),
            ("dev/d.yaml", "kind: Service\nspec: {}"),
        ],
        &[
            "a dev v1 dev/a.yaml:2",
            "b dev v2 dev/b.yaml:2",
            "c dev v3 dev/c.yaml:2",
        ],
        none,
    );
    check(
        "flux-image-policy",
        r#"{ preset = "flux-image-policy", path = "clusters/{env}/{file*}.yaml" }"#,
        &[(
            "clusters/dev/apps/all.yaml",
            "image: h:5000/r/a:v1 # {\"$imagepolicy\": \"flux-system:a\"}\ntag: \"v2\" # {\"$imagepolicy\": \"flux-system:b:tag\"}\nname: r/b # {\"$imagepolicy\": \"flux-system:b:name\"}\n",
        )],
        &[
            "a dev v1 clusters/dev/apps/all.yaml:1",
            "b dev v2 clusters/dev/apps/all.yaml:2",
        ],
        none,
    );
}

#[test]
fn mistakes_are_said_with_their_key() {
    let cases = [
        (r#"{ yaml = "tag" }"#, "path", "`path` is missing"),
        (
            r#"{ path = "{service}/{env}" }"#,
            "yaml",
            "does not say where",
        ),
        (
            r#"{ path = "{service}/{env", yaml = "tag" }"#,
            "path",
            "never closed",
        ),
        (
            r#"{ path = "{service}/x", yaml = "tag" }"#,
            "env_name",
            "put `{env}` into `path`",
        ),
        (
            r#"{ path = "x/{env}", yaml = "tag" }"#,
            "row",
            "`{service}` is not captured",
        ),
        (
            r#"{ path = "{service}/{env}", yaml = "a..b" }"#,
            "yaml",
            "empty key",
        ),
        (
            r#"{ path = "{service}/{env}", yaml = "a", json = "b" }"#,
            "yaml",
            "only one of",
        ),
        (
            r#"{ path = "{service}/{env}", regex = "x" }"#,
            "regex",
            "no group `v`",
        ),
        (
            r#"{ path = "{service}/{env}", yaml = "a", part = "x" }"#,
            "part",
            "none of",
        ),
        (
            r#"{ path = "{service}/{env}", yaml = "a", match = "(" }"#,
            "match",
            "does not compile",
        ),
        (
            r#"{ path = "{service}/{env}", yaml = "a", else = [{ path = "{x", yaml = "b" }] }"#,
            "else[0].path",
            "never closed",
        ),
        (
            r#"{ path = "{service}/{env}", yaml = "a", also = [{ part = "tag" }] }"#,
            "also[0].yaml",
            "add `yaml`",
        ),
        (
            r#"{ path = "{service}/{env}", yaml = "a", lowercase = ["x"] }"#,
            "lowercase",
            "is not captured",
        ),
        (
            r#"{ path = "{service}/{env}", yaml = "a", carry = "x" }"#,
            "carry",
            "trailing-comment",
        ),
        (
            r#"{ preset = "helm", path = "x" }"#,
            "preset",
            "`helm-values`",
        ),
        (
            r#"{ path = "{service}/x", yaml = "a", refs = "{env}" }"#,
            "refs",
            "refs/heads/{env}",
        ),
    ];
    for (layout, key, message) in cases {
        let (index, error) = LayoutSet::compile(&specs(layout), &[]).unwrap_err();
        assert_eq!((index, error.key.as_str()), (0, key), "{layout}: {error}");
        assert!(error.message.contains(message), "{layout}: {error}");
    }
    let layout = specs(r#"{ path = "{service}/{env:$envs}", yaml = "a" }"#);
    let (_, error) = LayoutSet::compile(&layout, &[]).unwrap_err();
    assert!(error.message.contains("[[environments]]"), "{error}");
}

#[test]
fn branches_per_environment() {
    let layouts = specs(r#"{ refs = "refs/heads/{env}", path = "{service}.yaml", yaml = "tag" }"#);
    let environments = ["dev", "prod"].map(EnvironmentName::from);
    let layouts = Arc::new(LayoutSet::compile(&layouts, &environments).unwrap());
    let mut assembler = Assembler::new(Arc::clone(&layouts), &environments);
    let path = RepoPath::from("web.yaml");
    for (name, tag) in [("dev", "v2"), ("prod", "v1")] {
        let origin = Origin {
            refs: Some(0),
            captures: layouts.ref_templates()[0]
                .matches(&format!("refs/heads/{name}"))
                .unwrap(),
            ..Origin::default()
        };
        let facts = layouts.extract(&path, format!("tag: {tag}").as_bytes());
        assembler.update_at(&origin, path.clone(), Some(Arc::new(facts)));
    }
    // A file of another ref is none of this layout's.
    let facts = layouts.extract(&path, b"tag: v9");
    assembler.update(path, Some(Arc::new(facts)));
    let desired = assembler.desired(ObjectId::new([0; 20]));
    assert_eq!(
        lines(&desired),
        ["web dev v2 web.yaml:1", "web prod v1 web.yaml:1"]
    );
    assert!(!layouts.reads_default_ref());
}

#[test]
fn tags_that_say_the_version_themselves() {
    let layouts = specs(r#"{ refs = "refs/tags/{service}-{env:$envs}-{version:semver}" }"#);
    let environments = ["dev", "prod"].map(EnvironmentName::from);
    let layouts = Arc::new(LayoutSet::compile(&layouts, &environments).unwrap());
    let mut assembler = Assembler::new(Arc::clone(&layouts), &environments);
    let tags = [
        "refs/tags/web-dev-1.2.0",
        "refs/tags/web-dev-1.10.0",
        "refs/tags/web-prod-1.1.0",
    ];
    for selected in layouts.ref_templates()[0].select(0, tags) {
        let facts = layouts.ref_facts(&selected.origin);
        let name = RepoPath::from(selected.reference);
        assembler.update_at(&selected.origin, name, Some(Arc::new(facts)));
    }
    let desired = assembler.desired(ObjectId::new([0; 20]));
    assert_eq!(
        lines(&desired),
        [
            "web dev 1.10.0 refs/tags/web-dev-1.10.0:1",
            "web prod 1.1.0 refs/tags/web-prod-1.1.0:1"
        ]
    );
}

#[test]
fn changes_are_told_once_with_before_and_after() {
    let mut small = Small::new(
        HELM,
        &[],
        &[
            ("a/web/values-dev.yaml", ""),
            ("a/web/values-prod.yaml", "tag: v1"),
            ("a/web/values.yaml", "tag: v1"),
        ],
    );
    let mut assembler = small.assembler();
    let mut step = |path: &str, text: Option<&str>| {
        let path = RepoPath::from(path);
        let facts = text.map(|text| Arc::new(small.layouts.extract(&path, text.as_bytes())));
        assembler.update(path, facts);
        let show = |version: Option<Version>| version.map_or("-".into(), |it| it.to_string());
        assembler
            .take_changes()
            .into_iter()
            .map(|(key, before, after)| format!("{key} {} {}", show(before), show(after)))
            .collect::<Vec<_>>()
    };
    let first = step("nothing", Some(""));
    assert_eq!(first, ["web / dev - v1", "web / prod - v1"]);
    assert_eq!(
        step("a/web/values.yaml", Some("tag: v2")),
        ["web / dev v1 v2"]
    );
    assert_eq!(
        step("a/web/values-prod.yaml", Some("x: y\ntag: v1")),
        Vec::<String>::new()
    );
    assert_eq!(
        step("a/web/values-prod.yaml", Some("x: y")),
        ["web / prod v1 v2"]
    );
    assert_eq!(step("a/web/values-prod.yaml", None), ["web / prod v2 -"]);
    assert_eq!(step("a/web/values.yaml", None), ["web / dev v2 -"]);
    small.files.clear();
}

#[test]
fn files_that_decide_a_cell() {
    let small = Small::new(HELM, &[], &[("a/web/values-dev.yaml", "")]);
    let files = small.assembler().depends_on(&CellKey::new("web", "dev"));
    let files: Vec<&str> = files.iter().map(RepoPath::as_str).collect();
    assert_eq!(
        files,
        [
            "a/web/values-dev.yaml",
            "a/web/values.yaml",
            "defaults.yaml"
        ]
    );
}

#[test]
fn any_order_of_updates_gives_what_reading_afresh_gives() {
    let layouts = format!(
        r#"{HELM}, {{ path = "b/{{env}}/kustomization.yaml", yaml = "images[*]{{name=**/{{service}}}}.newTag", service = "a/{{service}}/Chart.yaml", else = [{{ path = "b/base/kustomization.yaml" }}] }}"#
    );
    let paths = [
        "a/web/values-dev.yaml",
        "a/web/values-prod.yaml",
        "a/web/values.yaml",
        "a/web/Chart.yaml",
        "a/api/values-dev.yaml",
        "a/api/values.yaml",
        "a/api/Chart.yaml",
        "defaults.yaml",
        "b/dev/kustomization.yaml",
        "b/prod/kustomization.yaml",
        "b/base/kustomization.yaml",
    ];
    let texts = [
        "tag: v1",
        "tag: v2",
        "x: y",
        "[",
        "",
        "web: {tag: v3}\napi: {tag: v4}",
        "images: [{name: r/web, newTag: v5}]",
        "images: [{name: r/web, newTag: v6}, {name: r/api, newTag: v7}]",
    ];
    let mut small = Small::new(&layouts, &["dev", "prod"], &[]);
    let mut assembler = small.assembler();
    let mut told = std::collections::BTreeMap::new();
    // A fixed sequence that looks like chance: x → 5x + 3 goes through every residue of 2^16.
    let mut state = 7_u16;
    let mut next = |below: usize| {
        state = state.wrapping_mul(5).wrapping_add(3);
        usize::from(state >> 4) % below
    };
    for round in 0..400 {
        let path = RepoPath::from(paths[next(paths.len())]);
        let text = texts[next(texts.len())];
        if next(4) == 0 {
            small.files.remove(&path);
            assembler.update(path, None);
        } else {
            let facts = small.layouts.extract(&path, text.as_bytes());
            small.files.insert(path.clone(), text.as_bytes().to_vec());
            assembler.update(path, Some(Arc::new(facts)));
        }
        for (key, before, after) in assembler.take_changes() {
            assert_eq!(told.insert(key, after).flatten(), before, "round {round}");
        }
        let desired = assembler.desired(ObjectId::new([0; 20]));
        assert_eq!(lines(&desired), lines(&small.desired()), "round {round}");
        for (key, version) in &told {
            assert_eq!(desired.version(key), version.as_ref(), "round {round}");
        }
    }
}

//! What the presets read, and what is said of a layout that is wrong.

use super::*;
use crate::domain::ids::CellKey;

#[test]
fn presets() {
    let none: &[&str] = &[];
    check(
        "helm-values",
        r#"{ preset = "helm-values", path = "{service}/values-{env}.yaml" }"#,
        &[
            ("a/values-dev.yaml", "image: {repository: r/a, tag: v1}"),
            ("b/values-dev.yaml", "image: r/b:v2"),
            (
                "c/values-dev.yaml",
                "image: {tag: v3, digest: 'sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}",
            ),
            (
                "d/values-dev.yaml",
                "image:\n  repository: r/d\n  digest: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
            ),
            (
                "e/values-dev.yaml",
                "image: {tag: '', digest: 'sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}",
            ),
        ],
        &[
            "a dev v1 a/values-dev.yaml:1",
            "b dev v2 b/values-dev.yaml:1",
            "c dev v3@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa c/values-dev.yaml:1",
            "d dev sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa d/values-dev.yaml:3",
            "e dev sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa e/values-dev.yaml:1",
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

/// Kustomize matches an image by its name, whatever tag or digest is written into `name`, and takes `newName` as it is.
#[test]
fn kustomize_images_whose_version_stands_in_a_name() {
    let none: &[&str] = &[];
    let digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let in_name = format!("images: [{{name: x, newName: 'r:5000/y@{digest}'}}]");
    let both = format!("images: [{{name: 'r/db:11', digest: '{digest}'}}]");
    check(
        "rows are images without their tags",
        r#"{ preset = "kustomize", path = "{env}/kustomization.yaml" }"#,
        &[
            (
                "dev/kustomization.yaml",
                "images:\n- name: postgres:11\n- name: r/web:old\n  newTag: v1\n- name: api\n  newName: reg:5000/own/api:v2\n- name: plain\n- name: moved\n  newName: reg/moved\n",
            ),
            (
                "prod/kustomization.yaml",
                "images:\n- name: postgres\n  newTag: '10'\n- name: web\n  newTag: v0\n- name: api@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n  newName: own/api\n  newTag: v1\n",
            ),
        ],
        &[
            "api dev v2 dev/kustomization.yaml:6",
            "api prod v1 prod/kustomization.yaml:8",
            "postgres dev 11 dev/kustomization.yaml:2",
            "postgres prod 10 prod/kustomization.yaml:3",
            "web dev v1 dev/kustomization.yaml:4",
            "web prod v0 prod/kustomization.yaml:5",
        ],
        none,
    );
    check(
        "a service's own folder",
        r#"{ preset = "kustomize", path = "{service}/{env}/kustomization.yaml" }"#,
        &[
            ("x/dev/kustomization.yaml", &in_name),
            (
                "y/dev/kustomization.yaml",
                "images: [{name: placeholder, newName: 'r/y:v3'}]",
            ),
            ("db/dev/kustomization.yaml", &both),
        ],
        &[
            &format!("db dev {digest} db/dev/kustomization.yaml:1"),
            &format!("x dev {digest} x/dev/kustomization.yaml:1"),
            "y dev v3 y/dev/kustomization.yaml:1",
        ],
        none,
    );
    check(
        "by image",
        r#"{ preset = "kustomize", path = "{service}/{env}/kustomization.yaml", row = "{service}/{image}" }"#,
        &[(
            "x/dev/kustomization.yaml",
            "images: [{name: 'r/a:0', newTag: v1}, {name: r/b, newName: 'q/c:v2'}, {name: 'd:v3'}]",
        )],
        &[
            "x/a dev v1 x/dev/kustomization.yaml:1",
            "x/b dev v2 x/dev/kustomization.yaml:1",
            "x/d dev v3 x/dev/kustomization.yaml:1",
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

/// Where the containers of one image differ, nobody knows which of them is the cell's version.
#[test]
fn manifests_whose_containers_of_one_image_differ() {
    let preset = r#"{ preset = "manifest", path = "{env}/{service}.yaml" }"#;
    let named = r#"{ preset = "manifest", path = "{env}/all.yaml" }"#;
    let pod = |name: &str, containers: &str| {
        format!("kind: Pod\nmetadata: {{name: {name}}}\nspec: {{{containers}}}\n")
    };
    let web = "containers: [{name: web, image: 'r/web:v1'}]";
    let differs = ["another container runs the same image as v0, and the cell's, on line 3, as v1"];
    let none: [&str; 0] = [];
    let cases: [(&str, &str, String, &[&str]); 9] = [
        (
            "an init container",
            preset,
            pod(
                "web",
                &format!("{web}, initContainers: [{{name: a, image: 'r/web:v0'}}]"),
            ),
            &differs,
        ),
        (
            "another object of the file",
            preset,
            pod("web", web) + "---\n" + &pod("x", "containers: [{name: x, image: 'r/web:v0'}]"),
            &differs,
        ),
        (
            "another object of the same name, where names make rows",
            named,
            pod("web", web) + "---\n" + &pod("web", "containers: [{name: x, image: 'r/web:v0'}]"),
            &differs,
        ),
        (
            "of another name",
            named,
            pod("web", web) + "---\n" + &pod("x", "initContainers: [{name: x, image: 'r/web:v0'}]"),
            &none,
        ),
        (
            "the same version",
            preset,
            pod("web", web) + "---\n" + &pod("x", "containers: [{name: x, image: 'r/web:v1'}]"),
            &none,
        ),
        (
            "an image of another registry",
            preset,
            pod("web", web) + "---\n" + &pod("x", "initContainers: [{name: x, image: 'q/web:v0'}]"),
            &none,
        ),
        (
            "without a tag",
            preset,
            pod("web", web) + "---\n" + &pod("x", "initContainers: [{name: x, image: 'r/web'}]"),
            &["another container runs the same image as no tag"],
        ),
        (
            "with a variable",
            preset,
            pod("web", web)
                + "---\n"
                + &pod("x", "initContainers: [{name: x, image: 'r/web:${TAG}'}]"),
            &none,
        ),
        (
            "by the same reading",
            preset,
            pod("web", web) + "---\n" + &pod("x", "containers: [{name: web, image: 'r/web:v0'}]"),
            &["web / prod is v0 here and v1 at line 3, which is used"],
        ),
    ];
    for (name, layout, text, problems) in cases {
        let path = if layout == named {
            "prod/all.yaml"
        } else {
            "prod/web.yaml"
        };
        let small = Small::new(layout, &["prod"], &[(path, &text)]);
        let desired = small.desired();
        let found: Vec<&str> = desired
            .problems
            .iter()
            .map(|it| it.message.as_str())
            .collect();
        assert_eq!(found.len(), problems.len(), "{name}: {found:?}");
        for (found, expected) in found.iter().zip(problems) {
            assert!(found.contains(expected), "{name}: {found}");
        }
        let cell = &desired.cells[&CellKey::new("web", "prod")];
        assert_eq!(cell.version.as_ref().unwrap().as_str(), "v1", "{name}");
        assert_eq!(cell.conflict.is_some(), !problems.is_empty(), "{name}");
    }
}

/// `kubectl get -o yaml` writes many objects as one.
#[test]
fn objects_of_a_list_are_objects() {
    let item = |kind: &str, name: &str, tag: &str| {
        format!(
            "- apiVersion: apps/v1\n  kind: {kind}\n  metadata: {{name: {name}}}\n  spec:\n    template:\n      spec:\n        containers:\n        - name: {name}\n          image: \"r/{name}:{tag}\" # keep\n"
        )
    };
    let list = |items: &str| format!("apiVersion: v1\nkind: List\nitems:\n{items}");
    let both =
        item("Deployment", "web", "v1") + &item("Job", "api", "v7") + &item("Secret", "x", "v9");
    let named = r#"{ preset = "manifest", path = "{env}/all.yaml" }"#;
    let folder = r#"{ preset = "manifest", path = "{env}/{service}.yaml" }"#;
    let of_kind = r#"{ path = "{env}/all.yaml", kind = "List", yaml = "items[*].spec.template.spec.containers[*].image", part = "tag", row = "{image}" }"#;
    let without = r#"{ path = "{env}/all.yaml", yaml = "items[0].spec.template.spec.containers[0].image", part = "tag", row = "{image}" }"#;
    let json = r#"{ preset = "manifest", path = "{env}/all.json" }"#;
    let in_json = r#"{"kind": "List", "items": [{"kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [{"name": "web", "image": "r/web:v1"}]}}]}"#;
    let shared = "x: &pod {kind: Pod, metadata: {name: web}, spec: {containers: [{name: web, image: r/web:v1}]}}\nkind: List\nitems: [*pod]\n";
    let release = "kind: HelmReleaseList\nitems:\n- kind: HelmRelease\n  metadata: {name: web}\n  spec: {chart: {spec: {version: v1}}}\n";
    type Case<'a> = (&'a str, &'a str, &'a str, String, &'a [&'a str], bool);
    let cases: [Case<'_>; 10] = [
        (
            "names make rows",
            named,
            "prod/all.yaml",
            list(&both),
            &["api prod v7", "web prod v1"],
            true,
        ),
        (
            "the path does",
            folder,
            "prod/web.yaml",
            list(&item("Deployment", "web", "v1")),
            &["web prod v1"],
            true,
        ),
        (
            "a list of lists",
            named,
            "prod/all.yaml",
            list(
                "- kind: PodList\n  items:\n  - {kind: Pod, metadata: {name: web}, spec: {containers: [{name: web, image: 'r/web:v1'}]}}\n",
            ),
            &["web prod v1"],
            true,
        ),
        (
            "a document among others",
            named,
            "prod/all.yaml",
            format!(
                "kind: Service\nmetadata: {{name: web}}\n---\n{}",
                list(&both)
            ),
            &["api prod v7", "web prod v1"],
            true,
        ),
        (
            "with other line ends",
            named,
            "prod/all.yaml",
            list(&both).replace('\n', "\r\n"),
            &["api prod v7", "web prod v1"],
            true,
        ),
        (
            "a layout that asks for the list",
            of_kind,
            "prod/all.yaml",
            list(&item("Deployment", "web", "v1")),
            &["web prod v1"],
            true,
        ),
        (
            "a layout that asks for no kind",
            without,
            "prod/all.yaml",
            list(&item("Deployment", "web", "v1")),
            &["web prod v1"],
            true,
        ),
        (
            "JSON",
            json,
            "prod/all.json",
            in_json.to_owned(),
            &["web prod v1"],
            true,
        ),
        (
            "an alias",
            named,
            "prod/all.yaml",
            shared.to_owned(),
            &["web prod v1"],
            false,
        ),
        (
            "releases",
            r#"{ preset = "helmrelease", path = "{env}/all.yaml" }"#,
            "prod/all.yaml",
            release.to_owned(),
            &["web prod v1"],
            true,
        ),
    ];
    for (name, layout, path, text, expected, written) in cases {
        let small = Small::new(layout, &["prod"], &[(path, &text)]);
        let desired = small.desired();
        let found: Vec<String> = lines(&desired)
            .iter()
            .map(|it| it.rsplit_once(' ').unwrap().0.to_owned())
            .collect();
        assert_eq!(found, expected, "{name}");
        assert!(
            desired.problems.is_empty(),
            "{name}: {:?}",
            desired.problems
        );
        let file = |_: &Origin, path: &RepoPath| small.files.get(path).cloned();
        let key = CellKey::new("web", "prod");
        let edits = crate::domain::layout::edit_cell(
            &small.layouts,
            &desired,
            &key,
            Some(&"v2".into()),
            &file,
        );
        match (edits, written) {
            (Ok(edits), true) => {
                let after = String::from_utf8_lossy(&edits[0].after).into_owned();
                assert_eq!(
                    after,
                    text.replace("v1", "v2")
                        .replace("apps/v2", "apps/v1")
                        .replace("apiVersion: v2", "apiVersion: v1"),
                    "{name}"
                );
            }
            (Err((_, why)), false) => assert!(why.contains(path), "{name}: {why}"),
            (edits, _) => panic!("{name}: {edits:?}"),
        }
    }
}

#[test]
fn a_file_is_called_what_its_name_says() {
    let cases = [
        (
            "prod/web.json",
            "{\"tag\": \"v1\",\n \"x\": [1,\n",
            "not valid JSON",
        ),
        ("prod/web.JSON", "{\"tag\": \"v1\"\n", "not valid JSON"),
        (
            "prod/web.json",
            "{\n  // the \"tag\"\n  \"tag\": \"v1\"\n}\n",
            "JSON with comments (`//`) is not read",
        ),
        (
            "prod/web.json",
            "/* of web */\n{\"tag\": \"v1\"}\n",
            "JSON with comments (`/*`) is not read",
        ),
        (
            "prod/web.json",
            "{\"a\": \"https://x\", \"tag\": \"v1\" \"b\": \"//\"}\n",
            "not valid JSON",
        ),
        ("prod/web.json", "{\"tag\": {{ .tag }}\n", "not JSON"),
        (
            "prod/web.yaml",
            "{\"tag\": \"v1\",\n \"x\": [1,\n",
            "not valid YAML",
        ),
        ("prod/web.yaml", "tag: {{ .tag }}: 1\n", "not YAML"),
    ];
    for (path, text, expected) in cases {
        let layout = r#"{ path = "{env}/{service}.{kind}", yaml = "tag" }"#;
        let small = Small::new(layout, &["prod"], &[(path, text)]);
        let desired = small.desired();
        let [problem] = &desired.problems[..] else {
            panic!("{path}: {:?}", desired.problems);
        };
        assert!(
            problem.message.contains(expected),
            "{path}: {}",
            problem.message
        );
        assert!(problem.line.is_some(), "{path}");
        let file = |_: &Origin, path: &RepoPath| small.files.get(path).cloned();
        let key = CellKey::new("web", "prod");
        let refused = crate::domain::layout::edit_cell(
            &small.layouts,
            &desired,
            &key,
            Some(&"v2".into()),
            &file,
        );
        let (_, why) = refused.unwrap_err();
        assert!(why.contains(expected), "{path}: {why}");
    }
}

//! What the presets read, and what is said of a layout that is wrong.

use super::*;

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

//! What no layout reads, case by case.

use super::*;
use crate::domain::layout::testing::Small;

type Files = &'static [(&'static str, &'static str)];

#[test]
fn what_no_layout_reads_is_told_with_a_count_and_names() {
    const READ: &str = "images: [{name: r/web, newTag: v1.2.3}]\n";
    const BESIDE: &str = "images:\n- name: r/web\n  newTag: v1.2.3\nconfigMapGenerator:\n- name: c\n  literals:\n  - API_VERSION=2.3.4\n  - MODE=fast\n";
    const COMPONENT: &str = "kind: Component\nimages:\n- name: r/proxy\n  newTag: 1.2.3\n";
    const PATCH: &str = "kind: Deployment\nspec: {template: {spec: {containers: [{name: a, image: 'r/a:1.2.3'}]}}}\n";
    const INLINE: &str = "patches:\n- target: {kind: Deployment}\n  patch: |\n    - op: replace\n      image: r/a:1.2.3\n";
    const DIGEST: &str = "images:\n- name: x\n  newName: r/y@sha256:aaaa\n";
    const DIGEST_ALONE: &str = "global:\n  image:\n    repository: r/web\n    digest: sha256:1111111111111111111111111111111111111111111111111111111111111111\n";
    const DIGEST_OF_TAG: &str = "image: {tag: 1.2.3, digest: 'sha256:1111111111111111111111111111111111111111111111111111111111111111'}\n";
    const ELEMENTS: &str = "kind: ApplicationSet\nspec:\n  generators:\n  - list:\n      elements:\n      - {cluster: dev, url: 'https://1.2.3', tag: v2}\n      - {cluster: prod, tag: 1.2.3}\n";
    const IN_A_MATRIX: &str = "kind: ApplicationSet\nspec:\n  generators:\n  - matrix:\n      generators:\n      - list:\n          elements: [{cluster: dev, values: {a: b}, targetRevision: 9f3c2ab}]\n";
    const NO_VERSIONS: &str = "kind: ApplicationSet\nspec:\n  generators:\n  - list:\n      elements:\n      - {cluster: dev, tag: main, version: '{{v}}', replicas: '3', stage: v2}\n";
    let layout = r#"{ preset = "kustomize", path = "apps/{service}/{env}/kustomization.yaml" }"#;
    const OPERATION: &str =
        "- {op: replace, path: /spec/template/spec/containers/0/image, value: 'r/a:1.2.3'}\n";
    const INLINE_OPERATION: &str = "patches:\n- target: {kind: Deployment}\n  patch: |-\n    - op: replace\n      path: /spec/image\n      value: r/a:1.2.3\n";
    const MERGES: &str = "patchesStrategicMerge:\n- |-\n  kind: Deployment\n  spec: {containers: [{name: a, image: \"r/a:1.2.3\"}]}\n- more.yaml\n";
    const BOTH: &str = "images:\n- name: r/web\n  newTag: v1.2.3\n  digest: sha256:1111111111111111111111111111111111111111111111111111111111111111\n";
    const SOURCE: &str = "kind: OCIRepository\nspec:\n  ref: {tag: 1.2.3}\n---\nkind: GitRepository\nspec:\n  ref: {branch: main}\n";
    const VARIABLES: &str = "kind: Kustomization\nspec:\n  postBuild:\n    substitute:\n      size: large\n      web_tag: 1.2.3\n";
    let cases: [(&str, Files, &str); 25] = [
        (
            "all is read",
            &[("apps/web/dev/kustomization.yaml", READ)],
            "",
        ),
        (
            "a literal of a generator, beside an image that is read",
            &[("apps/web/dev/kustomization.yaml", BESIDE)],
            "1 file looks as if it held versions that no layout reads: literals of generators (apps/web/dev/kustomization.yaml:7)",
        ),
        (
            "a component",
            &[("components/p/kustomization.yaml", COMPONENT)],
            "1 file looks as if it held versions that no layout reads: Kustomize components (components/p/kustomization.yaml:4)",
        ),
        (
            "a patch",
            &[("apps/web/dev/patch.yaml", PATCH)],
            "1 file looks as if it held versions that no layout reads: images of manifests and patches (apps/web/dev/patch.yaml:2)",
        ),
        (
            "a patch in a text",
            &[("base/kustomization.yaml", INLINE)],
            "1 file looks as if it held versions that no layout reads: images of manifests and patches (base/kustomization.yaml:4)",
        ),
        (
            "an operation of a patch",
            &[("base/patch.json", OPERATION)],
            "1 file looks as if it held versions that no layout reads: images of manifests and patches (base/patch.json:1)",
        ),
        (
            "an operation in a text",
            &[("base/kustomization.yaml", INLINE_OPERATION)],
            "1 file looks as if it held versions that no layout reads: images of manifests and patches (base/kustomization.yaml:4)",
        ),
        (
            "objects that are merged, in a text",
            &[("base/kustomization.yaml", MERGES)],
            "1 file looks as if it held versions that no layout reads: images of manifests and patches (base/kustomization.yaml:3)",
        ),
        (
            "a tag beside the digest that is read",
            &[("apps/web/dev/kustomization.yaml", BOTH)],
            "",
        ),
        (
            "a source of Flux",
            &[("base/source.yaml", SOURCE)],
            "1 file looks as if it held versions that no layout reads: tags and commits of Flux's sources (base/source.yaml:3)",
        ),
        (
            "variables of Flux",
            &[("base/ks.yaml", VARIABLES)],
            "1 file looks as if it held versions that no layout reads: variables that Flux substitutes (base/ks.yaml:6)",
        ),
        (
            "a digest in a new name",
            &[("base/kustomization.yaml", DIGEST)],
            "1 file looks as if it held versions that no layout reads: Kustomize images (base/kustomization.yaml:3)",
        ),
        (
            "a tag of its own",
            &[("c/x.yaml", "a: !version 1.2.3\nb: !!str 1.2.3\n")],
            "1 file looks as if it held versions that no layout reads: values with a YAML tag of their own (c/x.yaml:1)",
        ),
        (
            "values",
            &[("charts/web/values-prod.yaml", "image: {tag: 1.2.3}\n")],
            "1 file looks as if it held versions that no layout reads: Helm values (charts/web/values-prod.yaml:1)",
        ),
        (
            "a digest alone in values",
            &[("charts/web/values-prod.yaml", DIGEST_ALONE)],
            "1 file looks as if it held versions that no layout reads: Helm values (charts/web/values-prod.yaml:4)",
        ),
        (
            "a digest beside its tag",
            &[("charts/web/values-prod.yaml", DIGEST_OF_TAG)],
            "1 file looks as if it held versions that no layout reads: Helm values (charts/web/values-prod.yaml:1)",
        ),
        (
            "a tag of a generator's list",
            &[("sets/web.yaml", ELEMENTS)],
            "1 file looks as if it held versions that no layout reads: elements of generators (sets/web.yaml:6)",
        ),
        (
            "in a matrix of generators too",
            &[("sets/web.yaml", IN_A_MATRIX)],
            "1 file looks as if it held versions that no layout reads: elements of generators (sets/web.yaml:7)",
        ),
        (
            "elements without a version",
            &[("sets/web.yaml", NO_VERSIONS)],
            "",
        ),
        (
            "many",
            &[
                ("a/values.yaml", "image: {tag: 1.2.3}"),
                ("b/values.yaml", "image: {tag: 1.2.3}"),
                ("c/values.yaml", "image: {tag: 1.2.3}"),
                ("d/values.yaml", "image: {tag: 1.2.3}"),
                ("e/patch.yaml", PATCH),
            ],
            "5 files look as if they held versions that no layout reads: Helm values (a/values.yaml:1, b/values.yaml:1, c/values.yaml:1 and 1 more); images of manifests and patches (e/patch.yaml:2)",
        ),
        (
            "what moves by itself, templates, schemas, tests and broken files",
            &[
                ("a/values.yaml", "image: {tag: latest}"),
                ("c/templates/d.yaml", PATCH),
                (
                    "crd.yaml",
                    "kind: CustomResourceDefinition\nspec: {image: 'r/a:1.2.3'}",
                ),
                ("x/y.yaml", "image: ["),
                ("x/z.yaml", "image: r/a:$TAG"),
            ],
            "",
        ),
        (
            "what differs by environment, in files of other kinds",
            &[
                ("dev.tfvars", "image_tag = \"1.2.0\"\n"),
                ("prod.tfvars", "# now\nimage_tag = \"1.1.0\"\n"),
                ("env/dev/.env", "TAG=1.2.0\n"),
                ("env/prod/.env", "TAG=1.1.0\n"),
                ("versions/dev.txt", "web=1.2.0\n"),
                ("versions/prod.txt", "web=1.1.0\n"),
                ("jsonnet/dev.libsonnet", "{ image: 'r/j:1.2.0' }\n"),
                ("jsonnet/prod.libsonnet", "{ image: 'r/j:1.1.0' }\n"),
                ("same/dev/main.tf", "required_version = \"1.9.0\"\n"),
                ("same/prod/main.tf", "required_version = \"1.9.0\"\n"),
                ("notes/dev.md", "1.2.0"),
                ("notes/prod.md", "1.1.0"),
            ],
            "8 files look as if they held versions that no layout reads: Terraform of environments (dev.tfvars:1 and 1 more); settings of environments (env/dev/.env:1 and 1 more); Jsonnet of environments (jsonnet/dev.libsonnet:1 and 1 more); lists of environments (versions/dev.txt:1 and 1 more)",
        ),
        (
            "version labels of a kustomization",
            &[(
                "apps/web/dev/kustomization.yaml",
                "labels: [{pairs: {app.kubernetes.io/version: \"1.2.0\"}}]\n",
            )],
            "1 file looks as if it held versions that no layout reads: version labels of kustomizations (apps/web/dev/kustomization.yaml:1)",
        ),
        (
            "other files",
            &[("a.txt", "tag: 1.2.3"), ("b.toml", "tag = 1")],
            "",
        ),
        ("nothing", &[], ""),
    ];
    for (name, files, expected) in cases {
        let small = Small::new(layout, &["dev", "prod"], files);
        let paths: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
        let read = |path: &str| small.files.get(&RepoPath::from(path)).cloned();
        let found = overlooked_words(&overlooked(&paths, &read, &small.layouts));
        assert_eq!(found.unwrap_or_default(), expected, "{name}");
    }
}

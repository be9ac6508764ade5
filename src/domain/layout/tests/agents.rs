//! Which place of an Argo CD `Application` or a Flux `HelmRelease` is a service's version, and how it is written there.

use super::{
    super::{edit_cell, testing::Small},
    check, *,
};

const ARGO: &str = r#"{ preset = "argocd-application", path = "{env}/{service}.yaml" }"#;
const FLUX: &str = r#"{ preset = "helmrelease", path = "{env}/{service}.yaml" }"#;

/// Two parameters of one image.
const TAG_AND_DIGEST: &str = "helm: {parameters: [{name: image.tag, value: \"@\"}, {name: image.digest, value: 'sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}]}";

/// One service `web` whose spec differs between `dev` and `prod` by what stands in for `@`: the versions that are read, or
/// the problem.
fn read(layouts: &str, kind: &str, spec: &str, versions: [&str; 2]) -> String {
    let file = |version: &str| {
        let spec = spec.replace('@', version).replace('\n', "\n  ");
        format!("kind: {kind}\nmetadata: {{name: web}}\nspec:\n  {spec}\n")
    };
    let (dev, prod) = (file(versions[0]), file(versions[1]));
    let files = [("dev/web.yaml", dev.as_str()), ("prod/web.yaml", &prod)];
    let desired = Small::new(layouts, &["dev", "prod"], &files).desired();
    let version = |env: &str| {
        let cell = desired.cells.get(&CellKey::new("web", env));
        let version = cell.and_then(|cell| cell.version.clone());
        version.map_or("-".to_owned(), |version| version.to_string())
    };
    let problems: Vec<&str> = desired
        .problems
        .iter()
        .map(|it| it.message.as_str())
        .collect();
    format!(
        "{} {} {}",
        version("dev"),
        version("prod"),
        problems.join(" | ")
    )
    .trim_end()
    .to_owned()
}

#[test]
fn the_source_of_an_application_that_carries_a_version() {
    let chart = "{repoURL: https://c.test, chart: generic, targetRevision: 0.58.0";
    let cases = [
        (
            "a tag in Git",
            "source: {repoURL: r, path: p, targetRevision: @}",
            ["v2", "v1"],
            "v2 v1",
        ),
        (
            "a branch alone",
            "source: {repoURL: r, path: p, targetRevision: main}",
            ["", ""],
            "main main",
        ),
        (
            "a chart beside values by ref",
            "sources:\n- {repoURL: g, targetRevision: main, ref: values}\n- {repoURL: c, chart: web, targetRevision: @, helm: {valueFiles: [$values/a.yaml]}}",
            ["1.1.0", "1.0.0"],
            "1.1.0 1.0.0",
        ),
        (
            "a parameter of a constant chart, ref behind",
            &format!(
                "sources:\n- {chart}, helm: {{parameters: [{{name: image.tag, value: \"@\"}}]}}}}\n- {{repoURL: g, targetRevision: HEAD, ref: values}}"
            ),
            ["1.1", "1.0"],
            "1.1 1.0",
        ),
        (
            "a constant parameter of a moving chart",
            "source: {repoURL: c, chart: web, targetRevision: @, helm: {parameters: [{name: image.tag, value: '7'}]}}",
            ["1.1.0", "1.0.0"],
            "1.1.0 1.0.0",
        ),
        (
            "a parameter with forceString",
            "source:\n  repoURL: g\n  path: p\n  targetRevision: main\n  helm:\n    parameters:\n    - name: image.tag\n      value: @\n      forceString: true",
            ["20261102", "20261101"],
            "20261102 20261101",
        ),
        (
            "a whole image as a parameter",
            "source: {repoURL: g, targetRevision: main, helm: {parameters: [{name: image, value: 'reg:5000/web:@'}]}}",
            ["v2", "v1"],
            "v2 v1",
        ),
        (
            "a parameter of a part",
            "source: {repoURL: g, targetRevision: main, helm: {parameters: [{name: replicas, value: '2'}, {name: app.image.tag, value: @}]}}",
            ["v2", "v1"],
            "v2 v1",
        ),
        (
            "of two parameters the service's own",
            "source: {repoURL: g, targetRevision: main, helm: {parameters: [{name: proxy.image.tag, value: @}, {name: web.image.tag, value: own}]}}",
            ["v2", "v1"],
            "own own",
        ),
        (
            "of two others the one that moves",
            "source: {repoURL: g, targetRevision: main, helm: {parameters: [{name: proxy.tag, value: v9}, {name: api.tag, value: @}]}}",
            ["v2", "v1"],
            "v2 v1",
        ),
        (
            "a digest as a parameter",
            "source: {repoURL: g, targetRevision: main, helm: {parameters: [{name: image.digest, value: 'sha256:@'}]}}",
            [
                "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            ],
            "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ),
        (
            "a tag and its digest as parameters",
            &format!("source: {chart}, {TAG_AND_DIGEST}}}"),
            ["v2", "v1"],
            "v2@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa v1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ),
        (
            "a constant tag, and its digest that moves",
            &format!(
                "source: {chart}, {}}}",
                TAG_AND_DIGEST.replace("aaaa'", "@'").replace("\"@\"", "v1")
            ),
            ["bbbb", "cccc"],
            "v1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbb v1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaacccc",
        ),
        (
            "a constant tag and digest of a moving chart",
            &format!(
                "source: {{repoURL: c, chart: web, targetRevision: @, {}}}",
                TAG_AND_DIGEST.replace("\"@\"", "v1")
            ),
            ["2.0.0", "1.0.0"],
            "2.0.0 1.0.0",
        ),
        (
            "valuesObject",
            &format!(
                "sources:\n- {{repoURL: g, targetRevision: HEAD, ref: values}}\n- {chart}, helm: {{valuesObject: {{image: {{tag: \"@\"}}}}}}}}"
            ),
            ["1.1.0", "1.0.0"],
            "1.1.0 1.0.0",
        ),
        (
            "valuesObject, tag and digest",
            &format!(
                "source: {chart}, helm: {{valuesObject: {{image: {{tag: \"@\", digest: 'sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}}}}}}}}"
            ),
            ["2", "1"],
            "2@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ),
        (
            "valuesObject, a whole image",
            &format!("source: {chart}, helm: {{valuesObject: {{image: 'r/web:@'}}}}}}"),
            ["2", "1"],
            "2 1",
        ),
        (
            "valuesObject, an image of a part that moves",
            &format!(
                "source: {chart}, helm: {{valuesObject: {{app: {{image: {{tag: \"@\"}}}}}}}}}}"
            ),
            ["2", "1"],
            "2 1",
        ),
        (
            "valuesObject, an image of a part that does not",
            "source: {repoURL: c, chart: web, targetRevision: @, helm: {valuesObject: {metrics: {image: {tag: '7'}}}}}",
            ["2.0.0", "1.0.0"],
            "2.0.0 1.0.0",
        ),
        (
            "values as a block",
            "source:\n  repoURL: c\n  chart: generic\n  targetRevision: 2.0.0\n  helm:\n    values: |\n      image:\n        tag: @",
            ["1.1.0", "1.0.0"],
            "1.1.0 1.0.0",
        ),
        (
            "values as a stripped block",
            "source:\n  repoURL: c\n  chart: generic\n  targetRevision: 2.0.0\n  helm:\n    values: |-\n      # c\n      image:\n        tag: \"@\"\n      x: y",
            ["1.1", "1.0"],
            "1.1 1.0",
        ),
        (
            "values in quotes",
            "source: {repoURL: c, chart: generic, targetRevision: 2.0.0, helm: {values: \"image:\\n  tag: @\\n\"}}",
            ["1.1.0", "1.0.0"],
            "1.1.0 1.0.0",
        ),
        (
            "values folded",
            "source:\n  repoURL: c\n  chart: generic\n  targetRevision: 2.0.0\n  helm:\n    values: >\n      image:\n        tag: @",
            ["1.1.0", "1.0.0"],
            "1.1.0 1.0.0",
        ),
        (
            "values that are no YAML are told, and the chart is read",
            "source:\n  repoURL: c\n  chart: generic\n  targetRevision: @\n  helm:\n    values: |\n      a: [",
            ["1.1.0", "1.0.0"],
            "1.1.0 1.0.0 the text that stands here is read as YAML: not valid YAML",
        ),
        (
            "Kustomize images beside a sidecar",
            "source: {repoURL: g, path: base, targetRevision: main, kustomize: {images: ['reg:5000/sidecar:9.9', 'reg:5000/web:@']}}",
            ["1.1.0", "1.0.0"],
            "1.1.0 1.0.0",
        ),
        (
            "the own image counts, whatever a sidecar does",
            "source: {repoURL: g, path: base, targetRevision: main, kustomize: {images: ['reg/sidecar:@', 'reg/web:5']}}",
            ["2", "1"],
            "5 5",
        ),
        (
            "an image by its name in the base",
            "source: {repoURL: g, path: b, targetRevision: main, kustomize: {images: ['web=reg:5000/other/name:@', 'x=y:1']}}",
            ["2", "1"],
            "2 1",
        ),
        (
            "the only image, whatever it is called",
            "sources: [{repoURL: g, path: b, targetRevision: main, kustomize: {images: ['reg/other:@']}}]",
            ["2", "1"],
            "2 1",
        ),
        (
            "two images of other names: the one that moves",
            "source: {repoURL: g, path: b, targetRevision: main, kustomize: {images: ['reg/a:7', 'reg/b:@']}}",
            ["2", "1"],
            "2 1",
        ),
        (
            "several sources in Git: what is no branch",
            "sources:\n- {repoURL: g, path: a, targetRevision: main}\n- {repoURL: h, path: b, targetRevision: @}",
            ["4f1c2d3", "8a9b0c1"],
            "4f1c2d3 8a9b0c1",
        ),
        (
            "a source that lends its files and is rendered too",
            "sources:\n- {repoURL: g, path: a, ref: values, targetRevision: @}",
            ["v2", "v1"],
            "v2 v1",
        ),
        (
            "of two charts the service's own",
            "sources:\n- {repoURL: c, chart: redis, targetRevision: 17.0.1}\n- {repoURL: c, chart: web, targetRevision: @}",
            ["2.0.0", "1.0.0"],
            "2.0.0 1.0.0",
        ),
    ];
    for (name, spec, versions, expected) in cases {
        let found = read(ARGO, "Application", spec, versions);
        assert!(
            found.starts_with(expected),
            "{name}: {found}, not {expected}"
        );
        let told = expected.contains("the text");
        assert!(told || found == expected, "{name}: {found}");
    }
    let set = "template:\n  metadata: {name: '{{name}}'}\n  spec:\n    source: {repoURL: c, chart: web, targetRevision: @}";
    assert_eq!(
        read(ARGO, "ApplicationSet", set, ["2.0.0", "1.0.0"]),
        "2.0.0 1.0.0"
    );
}

#[test]
fn the_chart_or_the_image_of_a_release() {
    let cases = [
        (
            "a moving image",
            "chart: {spec: {chart: generic, version: 1.0.0}}\nvalues: {image: {tag: @}}",
            ["v2", "v1"],
            "v2 v1",
        ),
        (
            "a moving chart with a constant image",
            "chart: {spec: {chart: web, version: @}}\nvalues: {image: {tag: v7}}",
            ["1.1.0", "1.0.0"],
            "1.1.0 1.0.0",
        ),
        (
            "nothing moves: the image",
            "chart: {spec: {chart: web, version: 1.0.0}}\nvalues: {image: {tag: @}}",
            ["v7", "v7"],
            "v7 v7",
        ),
        (
            "images of parts that do not move",
            "chart: {spec: {chart: web, version: @}}\nvalues: {a: {image: {tag: v7}}, b: {image: {tag: v8}}}",
            ["1.1.0", "1.0.0"],
            "1.1.0 1.0.0",
        ),
        (
            "an image of a part that moves",
            "chart: {spec: {chart: generic, version: 1.0.0}}\nvalues: {app: {image: {repository: r/app, tag: @}}}",
            ["v2", "v1"],
            "v2 v1",
        ),
        (
            "a chart by reference has no version here",
            "chartRef: {kind: OCIRepository, name: web}\nvalues: {image: {tag: @}}",
            ["v2", "v1"],
            "v2 v1",
        ),
        (
            "values from elsewhere",
            "chart: {spec: {chart: web, version: @}}\nvaluesFrom: [{kind: ConfigMap, name: web}]",
            ["1.1.0", "1.0.0"],
            "1.1.0 1.0.0",
        ),
    ];
    for (name, spec, versions, expected) in cases {
        assert_eq!(
            read(FLUX, "HelmRelease", spec, versions),
            expected,
            "{name}"
        );
    }
}

/// What nothing tells apart is said with the keys that would, and these keys are right.
#[test]
fn what_cannot_be_told_is_not_guessed() {
    let images = "source: {repoURL: g, path: b, targetRevision: main, kustomize: {images: ['reg/a:7', 'reg/b:8']}}";
    let charts = "sources:\n- {repoURL: c, chart: x, targetRevision: 1.0.0}\n- {repoURL: c, chart: y, targetRevision: @}\n- {repoURL: c, chart: z, targetRevision: @}";
    let parameters = "source: {repoURL: g, targetRevision: main, helm: {parameters: [{name: a.tag, value: v1}, {name: b.tag, value: v2}]}}";
    let tag_and_chart =
        format!("source: {{repoURL: c, chart: web, targetRevision: @.0.0, {TAG_AND_DIGEST}}}");
    let cases = [
        (
            tag_and_chart.as_str(),
            ["2", "1"],
            "(line 4: `yaml = \"**.source{chart=web}.targetRevision\"`)",
            "2.0.0 1.0.0",
        ),
        (
            images,
            ["", ""],
            "7 (line 4: `yaml = \"**.kustomize.images[*]\", part = '/(?:^|[/=])a[:@](?<v>.+)$/'`)",
            "7 7",
        ),
        (
            charts,
            ["2.0.0", "1.0.0"],
            "(line 6: `yaml = \"**.sources[*]{chart=y}.targetRevision\"`)",
            "2.0.0 1.0.0",
        ),
        (
            parameters,
            ["", ""],
            "v2 (line 4: `yaml = \"**.helm.parameters[*]{name=b.tag}.value\"`)",
            "v2 v2",
        ),
    ];
    for (spec, versions, keys, decided) in cases {
        let found = read(ARGO, "Application", spec, versions);
        assert!(
            found.starts_with("- - which of these is the version of web / dev cannot be told"),
            "{found}"
        );
        assert!(found.contains(keys), "{found}");
        // The digest of a tag is no place of its own.
        assert!(!found.contains("image.digest"), "{found}");
        let (_, keys) = keys.split_once('`').unwrap();
        let keys = keys.trim_end_matches(['`', ')']);
        let layout = format!(r#"{{ path = "{{env}}/{{service}}.yaml", {keys} }}"#);
        assert_eq!(
            read(&layout, "Application", spec, versions),
            decided,
            "{layout}"
        );
    }
}

#[test]
fn the_same_place_in_every_environment_whatever_other_services_do() {
    let release = |chart: &str, tag: &str| {
        let image = match tag {
            "" => String::new(),
            tag => format!("\n  values: {{image: {{tag: {tag}}}}}"),
        };
        format!("kind: HelmRelease\nspec:\n  chart: {{spec: {{version: {chart}}}}}{image}\n")
    };
    let check = |name: &str, files: &[(&str, String)], expected: &[&str]| {
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (*path, text.as_str()))
            .collect();
        let found = lines(&Small::new(FLUX, &["dev", "prod"], &files).desired());
        let found: Vec<&str> = found
            .iter()
            .map(|it| it.rsplit_once(' ').unwrap().0)
            .collect();
        assert_eq!(found, expected, "{name}");
    };
    check(
        "an image that one environment alone overrides",
        &[
            ("dev/a.yaml", release("1.1.0", "v7")),
            ("prod/a.yaml", release("1.0.0", "")),
        ],
        &["a dev 1.1.0", "a prod 1.0.0"],
    );
    check(
        "what moves for the others is not asked",
        &[
            ("dev/a.yaml", release("1.1.0", "v7")),
            ("prod/a.yaml", release("1.0.0", "v7")),
            ("dev/b.yaml", release("1.1.0", "v7")),
            ("prod/b.yaml", release("1.0.0", "v7")),
            ("dev/c.yaml", release("1.0.0", "v8")),
            ("prod/c.yaml", release("1.0.0", "v7")),
            ("dev/d.yaml", release("1.0.0", "v7")),
            ("prod/d.yaml", release("1.0.0", "v7")),
        ],
        &[
            "a dev 1.1.0",
            "a prod 1.0.0",
            "b dev 1.1.0",
            "b prod 1.0.0",
            "c dev v8",
            "c prod v7",
            "d dev v7",
            "d prod v7",
        ],
    );
}

/// What was decided stays so, also for the tree that a promotion makes.
#[test]
fn a_promotion_changes_the_place_that_was_read_and_no_other() {
    let block = "kind: Application\nspec:\n  source:\n    chart: generic\n    targetRevision: 2.0.0   # chart\n    helm:\n      values: |\n        # values\n        image:\n          repository: r/web\n          tag: 1.0.0 # t\n        other: 1.0.0\n";
    let chart = "kind: Application\nspec:\n  sources:\n  - {repoURL: g, targetRevision: main, ref: v}\n  - repoURL: c\n    chart: web\n    targetRevision: 1.0.0\n    helm: {parameters: [{name: image.tag, value: '1.0.0'}]}\n";
    let images = "kind: Application\nspec:\n  source:\n    kustomize:\n      images:\n      - sidecar=reg/sidecar:1.0.0\n      - \"web=reg:5000/web:1.0.0\"\n";
    let parameter = "kind: Application\nspec: {source: {targetRevision: 1.0.0, helm: {parameters: [{name: image.tag, value: \"1.0.0\", forceString: true}]}}}\n";
    let quoted = "kind: Application\nspec:\n  source:\n    helm: {values: \"image:\\n  tag: 1.0.0\\n\"}\n    targetRevision: 1.0.0\n";
    let cases = [
        ("block", block, "tag: 1.0.0"),
        ("chart", chart, "targetRevision: 1.0.0"),
        ("images", images, "reg:5000/web:1.0.0"),
        ("parameter", parameter, "value: \"1.0.0"),
        ("quoted", quoted, "tag: 1.0.0"),
    ];
    for (name, prod, place) in cases {
        let newer = place.replace("1.0.0", "1.1.0");
        let dev = prod.replace(place, &newer);
        let files = [("dev/web.yaml", dev.as_str()), ("prod/web.yaml", prod)];
        let small = Small::new(ARGO, &["dev", "prod"], &files);
        let desired = small.desired();
        let read = |_: &Origin, path: &RepoPath| small.files.get(path).cloned();
        let key = CellKey::new("web", "prod");
        let version = Version::from("1.1.0");
        let edits = edit_cell(&small.layouts, &desired, &key, Some(&version), &read);
        let edits = edits.unwrap_or_else(|(_, why)| panic!("{name}: {why}"));
        let [edit] = edits.as_slice() else {
            panic!("{name}: {edits:?}");
        };
        assert_eq!(String::from_utf8_lossy(&edit.after), dev, "{name}");
        let mut assembler = small.assembler();
        let facts = small.layouts.extract(&edit.path, &edit.after);
        assembler.update(edit.path.clone(), Some(Arc::new(facts)));
        let after = assembler.desired(ObjectId::new([0; 20]));
        assert_eq!(after.version(&key), Some(&version), "{name}");
    }
}

/// What Argo CD's Image Updater keeps beside the sources of an application.
#[test]
fn overrides_that_are_kept_in_a_file_of_their_own() {
    let none: &[&str] = &[];
    check(
        "parameters and images",
        r#"{ preset = "argocd-application", path = "apps/{service}/{env}/.argocd-source-*.yaml" }"#,
        &[
            (
                "apps/web/dev/.argocd-source-web-dev.yaml",
                "helm:\n  parameters:\n  - name: image.name\n    value: reg/web\n    forcestring: true\n  - name: image.tag\n    value: v2\n    forcestring: true\n",
            ),
            (
                "apps/web/prod/.argocd-source-web-prod.yaml",
                "kustomize:\n  images:\n  - reg:5000/web:v1\n",
            ),
        ],
        &[
            "web dev v2 apps/web/dev/.argocd-source-web-dev.yaml:7",
            "web prod v1 apps/web/prod/.argocd-source-web-prod.yaml:3",
        ],
        none,
    );
}

//! What stands where a version is looked for and is none, or elsewhere and looks like one: said, never passed over in silence.

use crate::support::repo::{Repository, Said};

const ENVIRONMENTS: &str = "[[environments]]\nname = \"staging\"\n[[environments]]\nname = \"prod\"\nfrom = [\"staging\"]\n";

fn repository(layouts: &str, files: &[(&str, &str)]) -> Repository {
    let repository = Repository::empty();
    repository.write("tidegate.toml", &format!("{ENVIRONMENTS}{layouts}"));
    for (path, text) in files {
        repository.write(path, text);
    }
    repository.publish("Initial");
    repository.pull();
    repository
}

fn status(repository: &Repository) -> String {
    let said = repository.tidegate(&["status", "--no-live"]).exits(0);
    format!("{}{}", said.out, said.err)
}

fn promote(repository: &Repository, names: &[&str]) -> Said {
    let to = ["--from", "staging", "--to", "prod", "--yes"];
    repository.tidegate(&[&["promote"], names, &to[..]].concat())
}

#[test]
fn a_place_that_looks_like_the_version_is_told_and_no_other_is_made_up() {
    let global = "global: {image: {repository: r/web, tag: 1.0.0}}\n";
    let files = [
        ("staging/web.yaml", global),
        ("prod/web.yaml", global),
        ("staging/api.yaml", "image: {tag: 1.0.0}\n"),
        ("prod/api.yaml", "image: {tag: 1.0.0}\n"),
    ];
    let layout = "[[layouts]]\npreset = \"helm-values\"\npath = \"{env}/{service}.yaml\"\n";
    let repository = repository(layout, &files);
    let told = status(&repository);
    assert!(told.contains("`global.image.tag` says 1.0.0"), "{told}");
    let tip = repository.tip();
    let lifted = ["--override", "upstream", "--reason", "x", "--yes"];
    let said = repository.tidegate(&[&["set", "web", "prod", "3.0.0"][..], &lifted].concat());
    let said = said.exits(1);
    assert!(said.out.contains("global.image.tag"), "{}", said.out);
    assert_eq!(repository.tip(), tip);
}

#[test]
fn a_comment_or_a_list_in_json_is_a_reason() {
    let files = [
        ("staging/web.json", "{\"image\":{\"tag\":\"1.1.0\"}}\n"),
        (
            "prod/web.json",
            "// by the pipeline\n{\"image\":{\"tag\":\"1.0.0\"}}\n",
        ),
        ("staging/seq.json", "{\"image\":{\"tag\":\"1.1.0\"}}\n"),
        ("prod/seq.json", "{\"image\":{\"tag\":[\"1.0.0\"]}}\n"),
    ];
    let repository = repository(
        "[[layouts]]\npath = \"{env}/{service}.json\"\njson = \"image.tag\"\n",
        &files,
    );
    let told = status(&repository);
    assert!(
        told.contains("prod/web.json:1: `//` begins no comment here"),
        "{told}"
    );
    assert!(
        told.contains("prod/seq.json:1: a list stands where"),
        "{told}"
    );
    assert!(!told.contains("not set"), "{told}");
    for (name, words) in [
        ("web", "`//` begins no comment"),
        ("seq", "a list stands where"),
    ] {
        let said = promote(&repository, &[name]).exits(1);
        assert!(said.out.contains(words), "{}", said.out);
    }
}

#[test]
fn placeholders_in_the_place_of_a_charts_version_are_not_written_over() {
    let texts = [
        "((tag))",
        "<%= tag %>",
        "%{tag}",
        "{TAG}",
        "$[ tag ]",
        "#TAG#",
    ];
    let chart = |version: &str| {
        format!(
            "kind: HelmRelease\nspec: {{chart: {{spec: {{chart: c, version: '{version}'}}}}}}\n"
        )
    };
    let mut files = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        files.push((format!("prod/s{at}.yaml"), chart(text)));
        files.push((format!("staging/s{at}.yaml"), chart("1.1.0")));
    }
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (&**path, &**text))
        .collect();
    let layout =
        "[[layouts]]\npath = \"{env}/{service}.yaml\"\nyaml = \"spec.chart.spec.version\"\n";
    let repository = repository(layout, &files);
    let told = status(&repository);
    for at in 0..texts.len() {
        assert!(told.contains(&format!("prod/s{at}.yaml:2: ")), "{told}");
    }
    let tip = repository.tip();
    promote(&repository, &["--all"]).exits(1);
    assert_eq!(repository.tip(), tip);
}

#[test]
fn a_layout_that_finds_nothing_says_so_and_what_was_meant() {
    let text = "images: [{name: web, tag: 1.0.0}]\n";
    let files = [("staging/v.yaml", text), ("prod/v.yaml", text)];
    let layout = |locator: &str| {
        format!("[[layouts]]\npath = \"{{env}}/v.yaml\"\nrow = \"web\"\nyaml = '{locator}'\n")
    };
    let idle = [
        ("images{name=web}.tag", "`images[*]{name=web}.tag`"),
        ("images[*][name=web].tag", "`images[name=web].tag`"),
        (
            "images[name=api].tag",
            "finds nothing in any of the 2 files",
        ),
    ];
    for (locator, words) in idle {
        let told = status(&repository(&layout(locator), &files));
        assert!(told.contains("finds nothing"), "{locator}: {told}");
        assert!(told.contains(words), "{locator}: {told}");
    }
    let wrong = [
        ("images[?name==web].tag", "write `images[name=web].tag`"),
        (
            "images[*]{name = {service}}.tag",
            "write `images[*]{name={service}}.tag`",
        ),
        (
            "images[*]{name=\"web\"}.tag",
            "write `images[*]{name=web}.tag`",
        ),
    ];
    for (locator, words) in wrong {
        let repository = repository(&layout(locator), &files);
        repository
            .tidegate(&["status", "--no-live"])
            .exits(2)
            .says(words);
    }
    let told = status(&repository(&layout("images[*]{name=web}.tag"), &files));
    assert!(!told.contains("finds nothing"), "{told}");
}

/// Releases of which the place that a layout reads stays what it is, while `VERSION` moves.
const OCI: &str = "kind: OCIRepository\nmetadata: {name: oci}\nspec: {url: oci://r/charts/oci, ref: {tag: \"VERSION\"}}\n---\n\
                   kind: HelmRelease\nmetadata: {name: oci}\nspec:\n  chartRef: {kind: OCIRepository, name: oci}\n  \
                   values: {image: {tag: \"5\"}}\n";
const POST: &str = "kind: HelmRelease\nmetadata: {name: post}\nspec:\n  chart: {spec: {chart: c, version: 1.2.3}}\n  \
                    postRenderers: [{kustomize: {images: [{name: r/post, newTag: \"VERSION\"}]}}]\n";
const FROM: &str = "kind: HelmRelease\nmetadata: {name: from}\nspec:\n  chart: {spec: {chart: c, version: 1.2.3}}\n---\n\
                    kind: ConfigMap\nmetadata: {name: v}\ndata:\n  values.yaml: |\n    image:\n      tag: VERSION\n";

#[test]
fn a_constant_beside_what_moves_is_not_there_already() {
    let repository = Repository::empty();
    let layout = "[[layouts]]\npreset = \"helmrelease\"\npath = \"apps/{env}/{service}.yaml\"\n";
    repository.write("tidegate.toml", &format!("{ENVIRONMENTS}{layout}"));
    let rows = [("oci", OCI), ("post", POST), ("from", FROM)];
    let write = |environment: &str, version: &str| {
        for (name, text) in rows {
            let text = text.replace("VERSION", version);
            repository.write(&format!("apps/{environment}/{name}.yaml"), &text);
        }
    };
    write("prod", "1.0.0");
    for version in ["1.0.0", "1.0.1", "1.1.0"] {
        write("staging", version);
        repository.publish(version);
    }
    repository.pull();
    for (name, place) in [
        ("oci", "spec.ref.tag"),
        ("post", "newTag"),
        ("from", "image.tag"),
    ] {
        let said = promote(&repository, &[name]).exits(1);
        assert!(
            said.out.contains("which never was another"),
            "{name}: {}",
            said.out
        );
        assert!(said.out.contains(place), "{name}: {}", said.out);
    }
}

#[test]
fn what_argo_cd_hydrates_is_read_and_what_moves_beside_a_branch_is_told() {
    let repository = Repository::empty();
    let layout =
        "[[layouts]]\npreset = \"argocd-application\"\npath = \"apps/{env}/{service}.yaml\"\n";
    repository.write("tidegate.toml", &format!("{ENVIRONMENTS}{layout}"));
    let dry = "kind: Application\nmetadata: {name: dry}\nspec:\n  sourceHydrator: {drySource: {repoURL: x, path: p, \
               targetRevision: \"VERSION\"}, syncSource: {targetBranch: env/x, path: p}}\n";
    let plugin = "kind: Application\nmetadata: {name: plugin}\nspec:\n  source: {repoURL: x, path: p, targetRevision: main, \
                  plugin: {env: [{name: IMAGE_TAG, value: \"VERSION\"}]}}\n";
    for (environment, versions) in [("prod", &["1.0.0"][..]), ("staging", &["1.0.0", "1.1.0"])] {
        for version in versions {
            for (name, text) in [("dry", dry), ("plugin", plugin)] {
                let text = text.replace("VERSION", version);
                repository.write(&format!("apps/{environment}/{name}.yaml"), &text);
            }
            repository.publish(version);
        }
    }
    repository.pull();
    promote(&repository, &["dry"]).exits(0);
    assert!(
        repository
            .at_tip("apps/prod/dry.yaml")
            .contains("\"1.1.0\"")
    );
    let said = promote(&repository, &["plugin"]).exits(1);
    assert!(
        said.out.contains("env[name=IMAGE_TAG].value"),
        "{}",
        said.out
    );
}

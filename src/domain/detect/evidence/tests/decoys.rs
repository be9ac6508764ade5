//! What looks like a version and is none, and versions that nobody promotes.

use super::{USUAL, kind, kinds::KINDS};

/// What looks like a version and is none, beside overlays that are.
#[test]
fn decoys_are_no_cells() {
    const DECOYS: [(&str, &str, &str); 33] = [
        (
            "a provider of Terraform",
            "tf/ENV/providers.tf",
            "terraform {\n  required_providers {\n    aws = {\n      version = \"5.8.1\"\n    }\n  }\n}\n",
        ),
        (
            "a lock of Terraform",
            "tf/ENV/.terraform.lock.hcl",
            "provider \"registry.terraform.io/hashicorp/aws\" {\n  version = \"5.8.1\"\n}\n",
        ),
        (
            "a vendored chart",
            "apps/web/charts/vendored/values-ENV.yaml",
            "image:\n  tag: 1.8.3\n",
        ),
        (
            "a placeholder",
            "apps/web/overlays/ENV/values.yaml",
            "image:\n  tag: replaced-by-ci\n",
        ),
        (
            "a branch that nobody promotes",
            "argocd/ENV/apps.yaml",
            "kind: Application\nmetadata:\n  name: apps-ENV\nspec:\n  source:\n    path: apps\n    repoURL: https://x.example\n    targetRevision: HEAD\n",
        ),
        (
            "a schema",
            "crds/ENV/web.yaml",
            "kind: CustomResourceDefinition\nspec:\n  version: 1.2.3\n",
        ),
        (
            "a template",
            "charts/web/templates/ENV.yaml",
            "image: r/x/web:1.2.3\n",
        ),
        (
            "documentation",
            "docs/ENV/web.yaml",
            "image: r/x/web:1.2.3\n",
        ),
        (
            "a version of an API",
            "apps/web/overlays/ENV/api.yaml",
            "apiVersion: v1.2.3\nkind: Deployment\n",
        ),
        (
            "a label",
            "apps/web/overlays/ENV/labels.yaml",
            "metadata:\n  labels:\n    version: 1.2.3\n",
        ),
        (
            "a protocol",
            "apps/web/overlays/ENV/config.yaml",
            "kafka_protocol_version: 2.8.1\njava_version: 17.0.1\n",
        ),
        (
            "a policy",
            "apps/web/overlays/ENV/policy.json",
            "{\"Version\": \"2012-10-17\"}\n",
        ),
        (
            "a checksum",
            "apps/web/overlays/ENV/sum.yaml",
            "download_sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b\n",
        ),
        (
            "an address",
            "apps/web/overlays/ENV/net.yaml",
            "host_version: 10.0.0.1\n",
        ),
        (
            "a moment",
            "apps/web/overlays/ENV/state.json",
            "{\"state\": {\"updated\": \"2026-08-23T02:47:09.956933\"}}\n",
        ),
        (
            "a sum of what is configured",
            "apps/web/overlays/ENV/hash.yaml",
            "env:\n- name: ENV_HASH\n  value: 39b01afa69e811a062127a7028547a75\n",
        ),
        (
            "a volume of a cloud",
            "apps/web/overlays/ENV/nfs.yaml",
            "nfs:\n  volumeId: vol-0378600752daee49c\n",
        ),
        (
            "a plugin of a dashboard",
            "dashboards/ENV.json",
            "{\"panels\": {\"pluginVersion\": \"12.8.1\"}}\n",
        ),
        (
            "a test's material",
            "src/__tests__/__fixtures__/ENV.yaml",
            "image: r/x/web:1.8.3\n",
        ),
        (
            "a test's pictures",
            "src/__snapshots__/ENV.yaml",
            "image: r/x/web:1.8.3\n",
        ),
        (
            "the version of a chart that wraps others",
            "wrappers/ENV/Chart.yaml",
            "apiVersion: v2\nname: wrapper\nversion: 1.0.0\n",
        ),
        (
            "a branch that a source follows",
            "argocd/ENV/web.yaml",
            "kind: Application\nmetadata:\n  name: web-ENV\nspec:\n  source:\n    path: apps/web\n    repoURL: https://x.example/8\n    targetRevision: main\n",
        ),
        (
            "whatever is the newest",
            "tools/ENV/backup.yaml",
            "kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      - name: backup\n        image: r/x/backup:latest # 8\n",
        ),
        (
            "any version",
            "flux/ENV/repository.yaml",
            "kind: HelmRelease\nmetadata:\n  name: repository\nspec:\n  interval: 8m\n  chart:\n    spec:\n      chart: other\n      version: \"*\"\n",
        ),
        (
            "a range",
            "flux/ENV/range.yaml",
            "kind: HelmRelease\nmetadata:\n  name: range\nspec:\n  chart:\n    spec:\n      chart: other\n      version: \">=1.8.0 <2.0.0\"\n",
        ),
        (
            "nothing, in a word",
            "apps/other/overlays/ENV/values.yaml",
            "replicas: 8\nimage:\n  tag: none\n",
        ),
        (
            "the version of Terraform",
            "tf/ENV/versions.tf",
            "terraform {\n  required_version = \"1.8.1\"\n}\n",
        ),
        (
            "the language of a machine's configuration",
            "machines/ENV/worker.yaml",
            "kind: MachineConfig\nspec:\n  config:\n    ignition:\n      version: 3.8.0\n",
        ),
        (
            "the language that such a configuration is made from",
            "machines/ENV/worker.bu",
            "variant: openshift\nversion: 4.8.0\n",
        ),
        (
            "a constant that is said elsewhere",
            "ecs/ENV/task.jsonnet",
            "{\n  image_tag: constants.image_tags.web8,\n}\n",
        ),
        (
            "an address of a schema",
            "apps/web/overlays/ENV/schema.yaml",
            "$schema: https://schemas.x.example/app/1.8.0/app.json\n",
        ),
        (
            "a host that is called by its address",
            "apps/web/overlays/ENV/host.yaml",
            "web:\n  hostname: 10.20.30.8.nip.io\n",
        ),
        (
            "when something was done",
            "apps/web/overlays/ENV/done.yaml",
            "web:\n  released: 2026-08-18\n  started: 2026-11-08\n",
        ),
    ];
    let (_, path, text, line, environments) = KINDS[0];
    let mut wrong = Vec::new();
    for (name, decoy, content) in DECOYS {
        let mut repository = kind(path, text, line, &environments);
        if decoy.contains("/charts/vendored/") {
            repository.write("apps/web/Chart.yaml", "name: web\n");
        }
        for environment in environments {
            repository.write(&decoy.replace("ENV", environment), content);
        }
        // What moves is looked at more closely.
        for environment in environments {
            let moved = content.replace('8', "7");
            repository.write(&decoy.replace("ENV", environment), &moved);
        }
        let (guess, cells) = repository.guess().unwrap();
        if cells.len() != 9 {
            wrong.push(format!("{name}: {cells:?} {:?}", guess.layouts));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An overlay of a proposed change stands beside those of environments, of several services even, and is none.
#[test]
fn review_apps_are_no_environments() {
    let (_, path, text, line, environments) = KINDS[0];
    let mut repository = kind(path, text, line, &environments);
    for tag in ["1.3.1", "1.3.2"] {
        for service in ["web", "api"] {
            for name in ["pr-12", "review-login", "feature-cart"] {
                let text = text.replace("SERVICE", service).replace("VERSION", tag);
                let path = path.replace("SERVICE", service).replace("ENV", name);
                repository.write(&path, &text);
            }
        }
    }
    let (guess, cells) = repository.guess().unwrap();
    assert_eq!(
        guess.environments,
        ["dev", "staging", "prod"],
        "{:?}",
        guess.layouts
    );
    assert_eq!(cells.len(), 9, "{cells:?}");
}

/// What is written without quotes is no number: `2026.10` has its last digit, `39.0` its zero.
#[test]
fn source_text_stays_text() {
    let repository = kind(
        "charts/SERVICE/values-ENV.yaml",
        "image:\n  tag: 20VERSION0\n",
        "",
        &USUAL,
    );
    let mut repository = repository;
    for (environment, tag) in [("dev", "2026.10"), ("staging", "39.0"), ("prod", "1e3")] {
        let text = format!("image:\n  tag: {tag}\n");
        repository.write(&format!("charts/web/values-{environment}.yaml"), &text);
    }
    let (guess, cells) = repository.guess().unwrap();
    for (environment, tag) in [("dev", "2026.10"), ("staging", "39.0"), ("prod", "1e3")] {
        let own = (environment.to_owned(), tag.to_owned());
        assert!(cells.contains(&own), "{cells:?} {:?}", guess.layouts);
    }
}

/// Where much changes, files in which hardly anything does are told and are no cells; so is what every service has alike.
#[test]
fn what_nobody_promotes_is_told() {
    let (_, path, text, line, environments) = KINDS[0];
    let mut repository = kind(path, text, line, &environments);
    // A service that changes every day.
    for patch in 0..40 {
        for environment in environments {
            let tag = format!("1.3.{}", patch % 39 + 8);
            let text = text.replace("SERVICE", "web").replace("VERSION", &tag);
            let path = path.replace("SERVICE", "web");
            repository.write(&path.replace("ENV", environment), &text);
        }
    }
    // Two of which change, each in one environment alone.
    for service in 0..8 {
        for (at, environment) in environments.into_iter().enumerate() {
            for tag in ["1.0.0", "1.1.0"] {
                if tag == "1.1.0" && (service > 1 || service != at) {
                    continue;
                }
                repository.write(
                    &format!("notebooks/{environment}/nb{service}.yaml"),
                    &format!("notebook:\n  image: r/x/nb{service}:{tag}\n"),
                );
            }
        }
    }
    let (guess, cells) = repository.guess().unwrap();
    assert_eq!(cells.len(), 9, "{cells:?} {:?}", guess.layouts);
    assert_eq!(guess.quiet.len(), 1, "{:?}", guess.quiet);
    let words = guess.quiet[0].words();
    assert!(words.contains("24 cells: 2 version changes"), "{words}");
}

/// What stands in an environment's own file is of that one, whatever it says of others beside it.
#[test]
fn lists_of_environments_beside_what_is_of_one_say_nothing() {
    let texts = [
        "app:\n  image: r/x/SERVICE:VERSION\n  channels: [dev-alerts, prod-alerts]\n",
        "app:\n  image: r/x/SERVICE:VERSION\nEACH",
    ];
    for text in texts {
        let mut repository = kind("envs/ENV/SERVICE.yaml", text, "", &USUAL);
        if text.contains("EACH") {
            // One of them alone.
            for environment in USUAL {
                let path = format!("envs/{environment}/web.yaml");
                let targets = format!("{}  targets: [dev, prod]\n", repository.files[&path]);
                repository.write(&path, &targets);
            }
        }
        let (guess, mut cells) = repository.guess().unwrap();
        cells.sort();
        let mut expected: Vec<(String, String)> = USUAL
            .iter()
            .flat_map(|name| {
                ["1.3.7", "2.4.7", "3.5.7"].map(|it| ((*name).to_owned(), it.to_owned()))
            })
            .collect();
        expected.sort();
        assert_eq!(cells, expected, "{text}\n{:?}", guess.layouts);
    }
}

/// Applications that follow a branch are many, and none of them says a version.
#[test]
fn branches_that_are_followed_do_not_hide_versions() {
    let mut repository = kind(
        "environments/ENV/kustomization.yaml",
        "resources: [../base]\nimages:\nEACH",
        "- name: r/SERVICE\n  newTag: VERSION\n",
        &USUAL,
    );
    for environment in USUAL {
        for service in 0..12 {
            repository.write(
                &format!("argocd/applications/{environment}/app{service}.yaml"),
                &format!("kind: Application\nmetadata:\n  name: app{service}-{environment}\nspec:\n  source:\n    path: apps/app{service}\n    repoURL: https://x.example/x\n    targetRevision: main\n"),
            );
        }
    }
    let (guess, mut cells) = repository.guess().unwrap();
    cells.retain(|(_, version)| version != "main");
    assert_eq!(cells.len(), 9, "{cells:?} {:?}", guess.layouts);
}

//! First contact with repositories of each kind: `tidegate init` proposes, the file loads, the matrix is what is there.

#![allow(clippy::unwrap_used)] // Helpers of tests fail like tests.

use serde_json::{Value, json};

use crate::support::repo::Repository;

/// What `tidegate.toml` becomes, and the matrix that it gives; told by `init` and again by `status` once it is written.
#[track_caller]
fn proposed(repository: &Repository) -> (String, Value) {
    let dry = repository
        .tidegate(&["init", "--dry-run", "-o", "json"])
        .exits(0)
        .json();
    let file = repository.clone_path().join("tidegate.toml");
    assert!(!file.exists(), "a dry run writes nothing");
    repository.tidegate(&["init"]).exits(0);
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(dry["toml"], json!(text));
    let status = repository
        .tidegate(&["status", "--no-live", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(status["environments"], dry["environments"]);
    assert_eq!(status["guessed"], Value::Null);
    repository
        .tidegate(&["init"])
        .exits(2)
        .says("stays as it is");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    (text, status)
}

/// The versions of a service, by environment.
fn versions(status: &Value, service: &str) -> Value {
    let services = status["services"].as_array().unwrap();
    let found = services.iter().find(|it| it["name"] == service);
    let cells = found.unwrap_or_else(|| panic!("no {service} in {status}"))["cells"].as_object();
    let pairs = cells
        .unwrap()
        .iter()
        .map(|(name, cell)| (name.clone(), cell["version"].clone()));
    Value::Object(pairs.collect())
}

fn overlay(service: &str, tag: &str) -> String {
    format!(
        "resources: [../../base]\nimages:\n- name: registry.example/{service}\n  newTag: {tag}\n"
    )
}

#[test]
fn an_application_set_names_environments_and_history_orders_them() {
    let repository = Repository::empty();
    for service in ["cart", "web"] {
        repository.write(
            &format!("argocd/{service}.yaml"),
            &format!(
                "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: {service}}}\nspec:\n  generators:\n  \
                 - list:\n      elements:\n      - {{site: amber, env: amber, cluster: amber-1}}\n      \
                 - {{site: coral, env: coral, cluster: coral-1}}\n  template:\n    spec:\n      source: {{path: \
                 'apps/{service}/overlays/{{{{env}}}}'}}\n      destination: {{name: '{{{{cluster}}}}', namespace: 'shop-{service}'}}\n"
            ),
        );
        repository.write(
            &format!("apps/{service}/base/kustomization.yaml"),
            "resources: []\n",
        );
        for env in ["amber", "coral", "tls"] {
            // A folder beside the environments that is none.
            let tag = if env == "tls" { "" } else { "1.0.0" };
            let text = if tag.is_empty() {
                "resources: []\n".into()
            } else {
                overlay(service, tag)
            };
            repository.write(
                &format!("apps/{service}/overlays/{env}/kustomization.yaml"),
                &text,
            );
        }
    }
    repository.publish("Initial versions");
    for version in ["1.1.0", "1.2.0", "1.3.0"] {
        for env in ["coral", "amber"] {
            let path = format!("apps/web/overlays/{env}/kustomization.yaml");
            repository.write(&path, &overlay("web", version));
            repository.publish(&format!("web {version} in {env}"));
        }
    }
    repository.pull();
    let (text, status) = proposed(&repository);
    assert_eq!(status["environments"], json!(["coral", "amber"]), "{text}");
    assert_eq!(
        versions(&status, "web"),
        json!({"amber": "1.3.0", "coral": "1.3.0"})
    );
    assert_eq!(
        versions(&status, "cart"),
        json!({"amber": "1.0.0", "coral": "1.0.0"})
    );
    for line in [
        "from = [\"coral\"]   # by recent history",
        "cluster = \"amber-1\"   # as Argo CD calls it",
        "namespace = \"shop-{service}\"",
        "# 4 of 4 cells: 100 %",
        "# The layouts read 6 of 6 version changes that recent history has: 100 %.",
    ] {
        assert!(text.contains(line), "{line} in:\n{text}");
    }
}

#[test]
fn flux_clusters_are_environments_whatever_they_are_called() {
    let repository = Repository::empty();
    for cluster in ["staging", "production", "c3"] {
        repository.write(
            &format!("clusters/{cluster}/flux-system/gotk-sync.yaml"),
            &format!(
                "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: flux-system}}\n\
                 spec: {{path: ./clusters/{cluster}}}\n"
            ),
        );
        for service in ["cart", "web", "api"] {
            repository.write(
                &format!("clusters/{cluster}/apps/{service}.yaml"),
                &format!(
                    "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: {service}}}\nspec:\n  \
                     chart: {{spec: {{chart: {service}, version: 2.0.1}}}}\n"
                ),
            );
        }
    }
    repository.publish("Initial versions");
    repository.pull();
    let (text, status) = proposed(&repository);
    assert_eq!(
        status["environments"],
        json!(["staging", "production", "c3"]),
        "{text}"
    );
    assert_eq!(
        versions(&status, "api"),
        json!({"c3": "2.0.1", "production": "2.0.1", "staging": "2.0.1"})
    );
    assert!(
        text.contains("# cluster = \"c3\"   # Flux calls it c3"),
        "{text}"
    );
    assert!(text.contains("protected = true"), "{text}");
}

#[test]
fn branches_and_tags_may_be_environments() {
    let write = |repository: &Repository, tag: &str| {
        for service in ["cart", "web", "api"] {
            let text = format!("image: registry.example/{service}:{tag}\nreplicas: 2\n");
            repository.write(&format!("deployments/{service}/config.yaml"), &text);
        }
        repository.publish(&format!("{tag} everywhere"));
    };
    let both = json!({"prod": "1.0.0", "staging": "1.1.0"});
    for tags in [false, true] {
        let repository = Repository::empty();
        let at = repository.colleague();
        write(&repository, "1.0.0");
        let publish = |name: &str| {
            repository.git_in(&at, &["push", "-q", "origin", &format!("HEAD:refs/{name}")])
        };
        publish(if tags {
            "tags/prod-1.0.0"
        } else {
            "heads/prod"
        });
        write(&repository, "1.1.0");
        publish(if tags {
            "tags/staging-1.1.0"
        } else {
            "heads/staging"
        });
        repository.pull();
        repository.git_in(
            &repository.clone_path(),
            &["fetch", "-q", "--tags", "origin"],
        );
        let (text, status) = proposed(&repository);
        assert_eq!(status["environments"], json!(["staging", "prod"]), "{text}");
        assert_eq!(versions(&status, "web"), both, "{text}");
        assert!(text.contains("from = [\"staging\"]"), "{text}");
    }
}

#[test]
fn where_nothing_is_recognised_it_says_what_was_looked_at() {
    let repository = Repository::empty();
    repository.write("docs/guide.md", "# How\n");
    repository.write("src/main.py", "print(1)\n");
    repository.publish("A program");
    repository.pull();
    for (command, code) in [
        (&["init", "--stdout"][..], 1),
        (&["status", "--no-live"], 2),
    ] {
        let said = repository.tidegate(command).exits(code);
        let all = said.out + &said.err;
        for words in [
            "looked at its folders docs, src",
            "Say where versions are written",
        ] {
            assert!(all.contains(words), "{command:?}: {all}");
        }
        assert!(!all.contains("  "), "{command:?}: {all}");
    }
}

#[test]
fn what_was_weighed_is_explained() {
    let repository = Repository::empty();
    for environment in ["staging", "prod"] {
        for service in ["mail", "web"] {
            let path = format!("deploy/{environment}/{service}.yaml");
            repository.write(&path, "release:\n  build_tag: 1.0.0\n");
        }
    }
    repository.publish("Initial");
    for environment in ["staging", "prod"] {
        for service in ["mail", "web"] {
            let path = format!("deploy/{environment}/{service}.yaml");
            repository.write(&path, "release:\n  build_tag: 1.1.0\n");
        }
        repository.publish(environment);
    }
    repository.pull();
    repository
        .tidegate(&["init", "--explain"])
        .exits(0)
        .shows("taken")
        .shows("prod, staging");
}

/// What a program renders to a branch per environment is read in the order of its strategy, and never written.
#[test]
fn branches_that_are_rendered_are_shown_and_not_edited() {
    let repository = Repository::empty();
    let at = repository.colleague();
    repository.write("source/web.yaml", "replicas: 2\n");
    repository.write(
        "promoter/strategy.yaml",
        "apiVersion: promoter.argoproj.io/v1alpha1\nkind: PromotionStrategy\nmetadata:\n  name: shop\nspec:\n  environments:\n  \
         - branch: env/quay\n  - branch: env/harbour\n",
    );
    repository.publish("The source");
    for (branch, tag) in [
        ("env/quay", "1.1.0"),
        ("env/quay-next", "1.2.0"),
        ("env/harbour", "1.0.0"),
    ] {
        repository.git_in(&at, &["checkout", "-q", "--orphan", branch]);
        repository.git_in(&at, &["rm", "-rqf", "."]);
        for service in ["api", "web"] {
            repository.write(
                &format!("{service}/manifest.yaml"),
                &format!(
                    "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {service}\nspec:\n  template:\n    spec:\n      \
                     containers:\n      - name: main\n        image: registry.example/{service}:{tag}\n"
                ),
            );
        }
        repository.git_in(&at, &["add", "-A"]);
        repository.git_in(&at, &["commit", "-q", "-m", tag]);
        repository.git_in(&at, &["push", "-q", "origin", branch]);
    }
    repository.git_in(&at, &["checkout", "-q", "main"]);
    repository.pull();
    let (text, status) = proposed(&repository);
    assert_eq!(status["environments"], json!(["quay", "harbour"]), "{text}");
    assert_eq!(
        versions(&status, "web"),
        json!({"harbour": "1.0.0", "quay": "1.1.0"})
    );
    for line in [
        "from = [\"quay\"]",
        "read_only = true",
        "{env:quay|harbour}",
    ] {
        assert!(text.contains(line), "{line} in:\n{text}");
    }
    repository
        .tidegate(&[
            "promote",
            "web",
            "--from",
            "quay",
            "--to",
            "harbour",
            "--dry-run",
        ])
        .exits(1)
        .shows("is rendered from something else");
}

/// Where nothing comes of it, what was weighed is said too.
#[test]
fn what_was_weighed_in_vain_is_explained() {
    let repository = Repository::empty();
    for name in ["mail", "web"] {
        let path = format!("services/{name}/values.yaml");
        repository.write(&path, "image:\n  tag: 1.0.0\n");
    }
    repository.publish("Two services");
    repository.pull();
    let said = repository.tidegate(&["init", "--explain"]).exits(1);
    assert!(said.out.contains("folder 2: mail, web"), "{}", said.out);
    said.says("no versions per environment were recognised");
}

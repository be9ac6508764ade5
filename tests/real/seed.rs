//! The deployment repository that every journey begins with.

use std::{fmt::Write as _, fs, path::Path};

/// The rows, with the pods that each runs.
pub const SERVICES: [(&str, u32); 3] = [("cart", 2), ("mail", 1), ("shop", 3)];

/// What every cell declares at first.
pub const FIRST: &str = "1.0.0";

/// Writes everything into a work tree.
pub fn files(work: &Path, configuration: &str) {
    for (service, pods) in SERVICES {
        let base = format!("apps/{service}/base");
        let resources = "resources:\n  - deployment.yaml\n";
        write(work, &format!("{base}/kustomization.yaml"), resources);
        write(
            work,
            &format!("{base}/deployment.yaml"),
            &deployment(service, pods),
        );
        for environment in ["dev", "staging", "prod"] {
            let text = kustomization(service, environment);
            write(work, &overlay(service, environment), &text);
        }
    }
    write(work, "tidegate.toml", configuration);
}

/// The file that declares a cell's version.
pub fn overlay(service: &str, environment: &str) -> String {
    format!("apps/{service}/overlays/{environment}/kustomization.yaml")
}

/// `tidegate.toml`: `dev`, which nothing deploys, then each of `columns` with its context, the last one protected.
pub fn configuration(run: &str, columns: &[(&str, String)]) -> String {
    let mut text =
        String::from("[repository]\nbranch = \"main\"\n\n[[environments]]\nname = \"dev\"\n");
    let mut from = "dev";
    for (name, context) in columns {
        let _ = write!(
            text,
            r#"
[[environments]]
name = "{name}"
from = ["{from}"]
cluster = "{context}"
namespace = "{run}-{{service}}-{name}"
timeout = "2m"
"#
        );
        from = name;
    }
    text + r#"protected = true

[[layouts]]
preset = "kustomize"
path = "apps/{service}/overlays/{env}/kustomization.yaml"
"#
}

fn kustomization(service: &str, environment: &str) -> String {
    format!(
        "# {service} in {environment}
resources:
  - ../../base
images:
  - name: registry.example/{service}
    newTag: {FIRST}
"
    )
}

fn deployment(service: &str, pods: u32) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: {service}
  labels: {{app: {service}}}
spec:
  replicas: {pods}
  selector:
    matchLabels: {{app: {service}}}
  template:
    metadata:
      labels: {{app: {service}}}
    spec:
      containers:
        - name: {service}
          image: registry.example/{service}
"
    )
}

fn write(root: &Path, path: &str, text: &str) {
    let file = root.join(path);
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(file, text).expect("a file");
}

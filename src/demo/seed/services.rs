//! What the demo's company runs, and the files that say so.

use std::fmt::Write;

use jiff::{Timestamp, tz::TimeZone};

/// The environments, in promotion order.
pub const ENVIRONMENTS: [&str; 4] = ["dev", "staging", "prod-eu", "prod-us"];

/// What a service runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A Deployment.
    Deployment,
    /// A StatefulSet.
    StatefulSet,
    /// A DaemonSet.
    DaemonSet,
    /// A Rollout of Argo Rollouts.
    Rollout,
}

/// How a service's versions look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `1.42.0`.
    SemVer,
    /// `2026.11.4`.
    CalVer,
    /// `9f3c2ab-412`: commit and build number.
    ShaBuild,
}

/// One service.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    /// Its name: the row, the workload, the image.
    pub name: &'static str,
    /// What it runs as.
    pub kind: Kind,
    /// How its versions look.
    pub scheme: Scheme,
    /// The version that every environment has before its last chapter ([`story`](super::story)) begins.
    pub settled: &'static str,
    /// How many days ago that is.
    pub settled_days: i64,
    /// Replicas per environment, in the order of [`ENVIRONMENTS`].
    pub replicas: [u32; 4],
    /// How its overlays quote the version: real repositories are not uniform.
    pub quote: &'static str,
}

const fn service(name: &'static str, settled: &'static str, replicas: [u32; 4]) -> Service {
    Service {
        name,
        kind: Kind::Deployment,
        scheme: Scheme::SemVer,
        settled,
        settled_days: 9,
        replicas,
        quote: "",
    }
}

/// All of them.
pub const SERVICES: [Service; 15] = [
    Service {
        quote: "\"",
        ..service("cart", "1.17.2", [1, 2, 4, 4])
    },
    service("catalog", "4.3.1", [1, 2, 3, 3]),
    service("checkout", "1.41.3", [1, 2, 6, 6]),
    service("identity", "5.1.0", [1, 2, 3, 3]),
    service("inventory", "0.31.4", [1, 1, 2, 2]),
    Service {
        settled_days: 46,
        ..service("invoices", "2.6.3", [1, 1, 2, 2])
    },
    Service {
        kind: Kind::StatefulSet,
        ..service("ledger", "1.9.2", [1, 1, 3, 3])
    },
    Service {
        kind: Kind::DaemonSet,
        ..service("log-agent", "3.1.4", [2, 3, 3, 3])
    },
    Service {
        quote: "'",
        ..service("mailer", "2.0.3", [1, 1, 2, 2])
    },
    service("payments", "3.8.7", [1, 3, 4, 4]),
    service("pricing", "6.0.2", [1, 1, 2, 2]),
    Service {
        scheme: Scheme::ShaBuild,
        ..service("recommendations", "b41c9d2-387", [1, 1, 2, 2])
    },
    Service {
        kind: Kind::StatefulSet,
        ..service("search", "8.2.0", [1, 1, 3, 3])
    },
    service("shipping", "2.14.0", [1, 1, 2, 2]),
    Service {
        kind: Kind::Rollout,
        scheme: Scheme::CalVer,
        quote: "\"",
        ..service("storefront", "2026.11.4", [1, 2, 5, 5])
    },
];

/// Services that need a Secret: its name, and the key in it.
pub const NEEDS: [(&str, &str, &str); 1] = [("shipping", "shipping-carriers", "token")];

/// The namespace of a service in an environment; production has a prefix.
pub fn namespace(service: &str, environment: &str) -> String {
    if environment.starts_with("prod") {
        format!("shop-{service}")
    } else {
        service.to_owned()
    }
}

/// Path of an overlay.
pub fn overlay_path(service: &str, environment: &str) -> String {
    format!("apps/{service}/overlays/{environment}/kustomization.yaml")
}

/// An overlay's text; an image is in a registry and has a version.
pub fn overlay(
    service: &Service,
    environment: &str,
    (registry, version): (&str, &str),
    replicas: u32,
) -> String {
    let Service { name, quote, .. } = service;
    let mut text = format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: {}\nresources:\n  - ../../base\n\
         images:\n  - name: {registry}/{name}\n    newTag: {quote}{version}{quote}",
        namespace(name, environment),
    );
    if environment == "prod-us" {
        text.push_str(" # us-east-1");
    }
    text.push('\n');
    if service.kind != Kind::DaemonSet {
        // Writing to a String cannot fail.
        let _ = write!(text, "replicas:\n  - name: {name}\n    count: {replicas}\n");
    }
    text
}

/// The base's files: path and text, with the image in a registry.
pub fn base(service: &Service, registry: &str) -> Vec<(String, String)> {
    let name = service.name;
    let (kind, file) = match service.kind {
        Kind::Deployment => ("Deployment", "deployment.yaml"),
        Kind::StatefulSet => ("StatefulSet", "statefulset.yaml"),
        Kind::DaemonSet => ("DaemonSet", "daemonset.yaml"),
        Kind::Rollout => ("Rollout", "rollout.yaml"),
    };
    let version = match service.kind {
        Kind::Rollout => "argoproj.io/v1alpha1",
        _ => "apps/v1",
    };
    let mut spec = String::new();
    match service.kind {
        Kind::Deployment => {
            let unavailable = if name == "checkout" { "50%" } else { "25%" };
            let _ = write!(
                spec,
                "  replicas: 1\n  progressDeadlineSeconds: 60\n  strategy:\n    type: RollingUpdate\n    rollingUpdate:\n      \
                 maxSurge: 25%\n      maxUnavailable: {unavailable}\n"
            );
        }
        Kind::StatefulSet => {
            let _ = writeln!(spec, "  replicas: 1\n  serviceName: {name}");
        }
        Kind::Rollout => {
            spec.push_str(
                "  replicas: 1\n  strategy:\n    canary:\n      steps:\n        - setWeight: 20\n        - pause: {}\n        \
                 - setWeight: 50\n        - pause:\n            duration: 20s\n        - setWeight: 80\n        - pause:\n            \
                 duration: 20s\n",
            );
        }
        Kind::DaemonSet => {}
    }
    let needs = NEEDS.iter().filter(|(service, ..)| *service == name);
    let env = needs.fold(String::new(), |mut env, (_, secret, key)| {
        let _ = write!(
            env,
            "          env:\n            - name: {}\n              valueFrom:\n                secretKeyRef:\n                  \
             name: {secret}\n                  key: {key}\n",
            key.to_uppercase()
        );
        env
    });
    let workload = format!(
        "apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: {name}\n  labels:\n    app: {name}\nspec:\n{spec}  selector:\n    \
         matchLabels:\n      app: {name}\n  template:\n    metadata:\n      labels:\n        app: {name}\n    spec:\n      \
         containers:\n        - name: {name}\n          image: {registry}/{name}\n          ports:\n            - \
         containerPort: 8080\n              protocol: TCP\n          readinessProbe:\n            httpGet:\n              path: /healthz\n              \
         port: 8080\n{env}"
    );
    let kustomization = format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - {file}\n  - service.yaml\n"
    );
    let endpoint = format!(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\nspec:\n  selector:\n    app: {name}\n  ports:\n    - port: 80\n      \
         targetPort: 8080\n"
    );
    let path = |file: &str| format!("apps/{name}/base/{file}");
    vec![
        (path(file), workload),
        (path("kustomization.yaml"), kustomization),
        (path("service.yaml"), endpoint),
    ]
}

/// The team's `tidegate.toml`, with what its gates ask at `outside`, a `127.0.0.1:PORT`. A freeze has begun within the last
/// hour before `now`. With a forge, production in the US is delivered by pull requests.
pub fn configuration(now: Timestamp, outside: &str, forge: bool) -> String {
    let hour = now.to_zoned(TimeZone::UTC).hour();
    let gates = format!(
        r#"[environments.gates]
soak = {{ for = "12h" }}
together = {{ for = "1h" }}
registry = {{ platform = "linux/amd64", unknown = "warn" }}
http = {{ url = "http://{outside}/smoke/{{from}}/{{service}}", contains = "14 of 14", unknown = "warn" }}
"#
    );
    let (deliver, pull_request) = if forge {
        (
            "deliver = \"pull-request\"\n",
            "approvals = { need = 1 }\n[environments.pull-request]\nlabels = [\"promotion\"]\nmerge = \"when-ready\"\n",
        )
    } else {
        ("", "")
    };
    format!(
        r#"# The shop's promotion path. https://shop.example/wiki/releases
[repository]
branch = "main"

[defaults]
namespace = "{{service}}"
workload = "{{service}}"

[[environments]]
name = "dev"
cluster = "dev"
url = "https://dev.shop.example"

[[environments]]
name = "staging"
from = ["dev"]
cluster = "staging"
url = "https://staging.shop.example"

[[environments]]
name = "prod-eu"
from = ["staging"]
cluster = "prod-eu"
url = "https://eu.shop.example"
namespace = "shop-{{service}}"
protected = true
{gates}
[[environments]]
name = "prod-us"
from = ["staging"]
cluster = "prod-us"
url = "https://us.shop.example"
namespace = "shop-{{service}}"
protected = true
{deliver}{gates}{pull_request}
[[windows]]
name = "books are closed"
kind = "deny"
cron = "0 {hour} * * *"
duration = "6h"
zone = "UTC"
environments = ["prod-*"]
services = ["invoices"]

# Who pays writes to the ledger, and the storefront speaks the new checkout.
[[dependencies]]
service = "checkout"
needs = "ledger"
version = ">=1.10"

[[dependencies]]
service = "storefront"
needs = "checkout"
version = ">=1.42"

[[layouts]]
preset = "kustomize"
path = "apps/{{service}}/overlays/{{env}}/kustomization.yaml"
"#
    )
}

/// The repository's README.
pub const README: &str = "# platform-deploy\n\nWhat runs where. `apps/<service>/overlays/<environment>/kustomization.yaml` holds the \
version.\nA bot bumps dev; people promote dev, staging, prod.\n";

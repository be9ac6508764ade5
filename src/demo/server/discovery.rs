//! Which resources the server has, and how it says so: `/version`, `/api`, `/apis`, `/apis/{group}/{version}`.

use serde_json::{Value, json};

/// One resource type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// Version inside the group.
    pub version: &'static str,
    /// Plural, as in paths; unique in one server.
    pub plural: &'static str,
    /// Singular, as people type it.
    pub singular: &'static str,
    /// Kind of one object.
    pub kind: &'static str,
    /// Lives in a namespace.
    pub namespaced: bool,
    /// Has a `/status` subresource: the main path then ignores changes of `status`.
    pub status: bool,
    /// Its `metadata.generation` counts changes of `spec`.
    pub generation: bool,
    /// Short names for `kubectl`.
    pub short: &'static [&'static str],
}

impl Resource {
    /// One in namespaces whose objects have a status of their own and count their generations; of the core group, `v1`.
    pub const fn with_status(
        plural: &'static str,
        singular: &'static str,
        kind: &'static str,
        short: &'static [&'static str],
    ) -> Self {
        Self {
            status: true,
            generation: true,
            ..core(plural, singular, kind, short)
        }
    }

    /// `v1` or `group/version`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `pods` or `deployments.apps`, as messages name it.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.to_owned()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }
}

const fn core(
    plural: &'static str,
    singular: &'static str,
    kind: &'static str,
    short: &'static [&'static str],
) -> Resource {
    Resource {
        group: "",
        version: "v1",
        plural,
        singular,
        kind,
        namespaced: true,
        status: false,
        generation: false,
        short,
    }
}

const fn apps(
    plural: &'static str,
    singular: &'static str,
    kind: &'static str,
    short: &'static [&'static str],
) -> Resource {
    Resource {
        group: "apps",
        ..Resource::with_status(plural, singular, kind, short)
    }
}

const fn batch(
    plural: &'static str,
    singular: &'static str,
    kind: &'static str,
    short: &'static [&'static str],
) -> Resource {
    Resource {
        group: "batch",
        ..apps(plural, singular, kind, short)
    }
}

/// What every server has, without extra resources.
pub const BUILT_IN: [Resource; 12] = [
    Resource {
        namespaced: false,
        status: true,
        ..core("namespaces", "namespace", "Namespace", &["ns"])
    },
    Resource {
        status: true,
        ..core("pods", "pod", "Pod", &["po"])
    },
    core("events", "event", "Event", &["ev"]),
    core("configmaps", "configmap", "ConfigMap", &["cm"]),
    core("secrets", "secret", "Secret", &[]),
    Resource {
        status: true,
        ..core("services", "service", "Service", &["svc"])
    },
    apps("deployments", "deployment", "Deployment", &["deploy"]),
    apps("statefulsets", "statefulset", "StatefulSet", &["sts"]),
    apps("daemonsets", "daemonset", "DaemonSet", &["ds"]),
    apps("replicasets", "replicaset", "ReplicaSet", &["rs"]),
    batch("jobs", "job", "Job", &[]),
    batch("cronjobs", "cronjob", "CronJob", &["cj"]),
];

/// The answer to a discovery path, `None` where it is none or names a group that is not there.
pub(super) fn answer(resources: &[Resource], path: &[&str], version: &str) -> Option<Value> {
    match path {
        ["version"] => {
            let mut numbers = version.trim_start_matches('v').split('.');
            Some(json!({
                "major": numbers.next(), "minor": numbers.next(), "gitVersion": version,
                "gitCommit": "", "gitTreeState": "clean", "buildDate": "2026-01-01T00:00:00Z",
                "goVersion": "", "compiler": "", "platform": "linux/amd64",
            }))
        }
        ["api"] => Some(json!({
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [],
        })),
        ["apis"] => Some(json!({
            "kind": "APIGroupList", "apiVersion": "v1",
            "groups": groups(resources).iter().map(|g| group(resources, g)).collect::<Vec<_>>(),
        })),
        ["apis", name] => groups(resources)
            .contains(name)
            .then(|| group(resources, name)),
        ["api", "v1"] => resource_list(resources, "", "v1"),
        ["apis", name, version] => resource_list(resources, name, version),
        _ => None,
    }
}

fn groups(resources: &[Resource]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for resource in resources {
        if !resource.group.is_empty() && !names.contains(&resource.group) {
            names.push(resource.group);
        }
    }
    names
}

fn group(resources: &[Resource], name: &str) -> Value {
    let mut versions: Vec<Value> = Vec::new();
    for resource in resources.iter().filter(|r| r.group == name) {
        let entry = json!({"groupVersion": resource.api_version(), "version": resource.version});
        if !versions.contains(&entry) {
            versions.push(entry);
        }
    }
    json!({
        "kind": "APIGroup", "apiVersion": "v1", "name": name,
        "preferredVersion": versions.first(), "versions": versions,
    })
}

fn resource_list(resources: &[Resource], group: &str, version: &str) -> Option<Value> {
    let mut list: Vec<Value> = Vec::new();
    for r in resources
        .iter()
        .filter(|r| r.group == group && r.version == version)
    {
        list.push(json!({
            "name": r.plural, "singularName": r.singular, "kind": r.kind,
            "namespaced": r.namespaced, "shortNames": r.short,
            "categories": if r.plural == "events" || !r.namespaced { json!([]) } else { json!(["all"]) },
            "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
        }));
        if r.status {
            list.push(json!({
                "name": format!("{}/status", r.plural), "singularName": "", "kind": r.kind,
                "namespaced": r.namespaced, "verbs": ["get", "patch", "update"],
            }));
        }
    }
    let group_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    (!list.is_empty()).then(|| {
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": list})
    })
}

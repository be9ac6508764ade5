//! What the agent says of itself: a Flux Kustomization for each service of `dev` and `staging`, an Argo CD Application for each
//! in production. They are told to do something as those are: by their specification and by annotations.

use git2::Oid;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{canary, manual::Manual, objects::text, secrets};
use crate::{
    demo::server::{Resource, Store, stamp},
    domain::agent::AgentKind,
};

/// Where the repository is, as the agents name it.
const ADDRESS: &str = "https://git.shop.example/shop/deploy.git";
/// By which Flux is asked to reconcile, and says that it has.
const REQUESTED: &str = "reconcile.fluxcd.io/requestedAt";
/// By which Argo CD is asked to look.
const REFRESH: &str = "argocd.argoproj.io/refresh";

/// Whose agent an environment has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    Flux,
    ArgoCd,
}

impl Tool {
    pub(super) fn of(environment: &str) -> Self {
        if environment.starts_with("prod") {
            Self::ArgoCd
        } else {
            Self::Flux
        }
    }

    fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::Flux => (AgentKind::Kustomization.plural(), "flux-system"),
            Self::ArgoCd => (AgentKind::Application.plural(), "argocd"),
        }
    }
}

/// The kinds that an environment's cluster serves beside Kubernetes' own: its agents', Rollouts, and External Secrets'.
pub fn resources(environment: &str) -> Vec<Resource> {
    let kinds: &[_] = match Tool::of(environment) {
        Tool::Flux => &[AgentKind::Kustomization, AgentKind::GitRepository],
        Tool::ArgoCd => &[AgentKind::Application],
    };
    let resource = |kind: &AgentKind| Resource {
        group: kind.group(),
        version: kind.versions().first().copied().unwrap_or_default(),
        plural: kind.plural(),
        singular: kind.plural(),
        kind: kind.as_str(),
        namespaced: true,
        status: false,
        generation: false,
        short: &[],
    };
    let agents = kinds.iter().map(resource);
    agents
        .chain([canary::RESOURCE])
        .chain(secrets::RESOURCES)
        .collect()
}

/// One service as its agent sees it.
pub(super) struct Seen<'a> {
    pub(super) service: &'a str,
    pub(super) environment: &'a str,
    /// The workload as it was last applied.
    pub(super) object: &'a Value,
    /// The commit that was last applied; `None`: not all of it yet.
    pub(super) applied: Option<Oid>,
    /// Whether what is in the cluster is what was applied.
    pub(super) same: bool,
    /// The branch as the agent knows it.
    pub(super) tip: Option<Oid>,
    /// Its Application syncs nothing by itself, and has applied this.
    pub(super) manual: Option<&'a Manual>,
}

/// Writes what is seen into the cluster, where that has agents' kinds; `suspend`: at first, it is told to do nothing.
///
/// What somebody asks for meanwhile stays in the object: it is read and written in one go.
pub(super) fn write(store: &Store, seen: &Seen<'_>, suspend: bool, now: Timestamp) {
    let tool = Tool::of(seen.environment);
    let (plural, namespace) = tool.place();
    if store.resource(plural).is_none() {
        return;
    }
    let object = |suspend| match tool {
        Tool::Flux => kustomization(seen, suspend, now),
        Tool::ArgoCd => application(seen, now),
    };
    let known = store.edit(plural, namespace, seen.service, |before| {
        let mut object = object(before["spec"]["suspend"] == true);
        object["metadata"]["annotations"] = before["metadata"]["annotations"].clone();
        let handled = &before["status"]["lastHandledReconcileAt"];
        if handled.is_string() {
            object["status"]["lastHandledReconcileAt"] = handled.clone();
        }
        if before["operation"].is_object() {
            object["operation"] = before["operation"].clone();
        }
        // The time of a status that says the same as before is not news.
        let at = ["conditions", "operationState", "reconciledAt"];
        let plain = |object: &Value| {
            let mut status = object["status"].clone();
            for part in at {
                status.as_object_mut().map(|it| it.remove(part));
            }
            (status, object["spec"]["suspend"].clone())
        };
        let asked = tool == Tool::Flux && is_asked(before);
        if plain(before) != plain(&object) || asked {
            *before = object;
        }
    });
    if known.is_none() {
        let mut object = object(suspend);
        object["metadata"]["annotations"] = json!({});
        // A store that does not take it has no such kind: nobody asks for it there.
        let _ = store.apply(object, now);
    }
}

/// Whether somebody asked for something that the agent has not done.
pub(super) fn is_asked(object: &Value) -> bool {
    let annotations = &object["metadata"]["annotations"];
    let requested = &annotations[REQUESTED];
    let handled = &object["status"]["lastHandledReconcileAt"];
    (requested.is_string() && requested != handled)
        || annotations[REFRESH].is_string()
        || object["operation"].is_object()
}

/// Whether a service's agent is told to do nothing.
pub(super) fn is_suspended(store: &Store, environment: &str, service: &str) -> bool {
    let (plural, namespace) = Tool::of(environment).place();
    let there = store.get(plural, namespace, service);
    there.is_some_and(|it| it["spec"]["suspend"] == true)
}

/// The agents' objects of an environment.
pub(super) fn all(store: &Store, environment: &str) -> Vec<(String, Value)> {
    let (plural, namespace) = Tool::of(environment).place();
    let all = store.list(plural, Some(namespace));
    all.iter()
        .map(|it| (text(&it["metadata"]["name"]).to_owned(), Value::clone(it)))
        .collect()
}

/// Takes what was asked for in `seen` off the object: it is done now. What was asked for since stays.
pub(super) fn done(store: &Store, environment: &str, seen: &Value) {
    let (plural, namespace) = Tool::of(environment).place();
    let service = text(&seen["metadata"]["name"]);
    store.edit(plural, namespace, service, |object| {
        let asked = &seen["metadata"]["annotations"];
        if asked[REQUESTED].is_string() {
            object["status"]["lastHandledReconcileAt"] = asked[REQUESTED].clone();
        }
        if object["metadata"]["annotations"][REFRESH] == asked[REFRESH]
            && let Some(annotations) = object["metadata"]["annotations"].as_object_mut()
        {
            annotations.remove(REFRESH);
        }
        if object["operation"] == seen["operation"]
            && let Some(object) = object.as_object_mut()
        {
            object.remove("operation");
        }
    });
}

/// The source that every Kustomization takes from.
pub(super) fn source(store: &Store, environment: &str, commit: Oid, now: Timestamp) {
    if Tool::of(environment) != Tool::Flux || store.resource("gitrepositories").is_none() {
        return;
    }
    let revision = format!("main@sha1:{commit}");
    let object = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": "deploy", "namespace": "flux-system"},
        "spec": {"interval": "1m0s", "url": ADDRESS, "ref": {"branch": "main"}},
        "status": {
            "artifact": {"revision": revision},
            "conditions": [ready("Succeeded", &format!("stored artifact for revision '{revision}'"), now)],
        },
    });
    let _ = store.apply(object, now);
}

fn ready(reason: &str, message: &str, now: Timestamp) -> Value {
    json!({"type": "Ready", "status": "True", "reason": reason, "message": message, "lastTransitionTime": stamp(now)})
}

/// The API group of a workload.
fn group(object: &Value) -> &str {
    let version = text(&object["apiVersion"]);
    version.split_once('/').map_or("", |(group, _)| group)
}

fn path(seen: &Seen<'_>) -> String {
    format!("apps/{}/overlays/{}", seen.service, seen.environment)
}

fn kustomization(seen: &Seen<'_>, suspend: bool, now: Timestamp) -> Value {
    let meta = &seen.object["metadata"];
    let (namespace, name) = (text(&meta["namespace"]), text(&meta["name"]));
    let (group, kind) = (group(seen.object), text(&seen.object["kind"]));
    let id = format!("{namespace}_{name}_{group}_{kind}");
    let revision = seen.applied.map(|commit| format!("main@sha1:{commit}"));
    let condition = match &revision {
        Some(revision) => ready(
            "ReconciliationSucceeded",
            &format!("Applied revision: {revision}"),
            now,
        ),
        None => json!({"type": "Ready", "status": "Unknown", "reason": "Progressing",
            "message": "Reconciliation in progress", "lastTransitionTime": stamp(now)}),
    };
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": seen.service, "namespace": "flux-system"},
        "spec": {"interval": "10m0s", "path": format!("./{}", path(seen)), "prune": true, "suspend": suspend,
            "sourceRef": {"kind": "GitRepository", "name": "deploy"}},
        "status": {
            "lastAppliedRevision": revision,
            "lastAttemptedRevision": revision,
            "inventory": {"entries": [{"id": id, "v": "v1"}]},
            "conditions": [condition],
        },
    })
}

fn application(seen: &Seen<'_>, now: Timestamp) -> Value {
    let meta = &seen.object["metadata"];
    let behind = seen.manual.is_some_and(|it| it.behind);
    let sync = match (seen.applied, seen.same && !behind) {
        (None, _) => "Unknown",
        (_, true) => "Synced",
        (_, false) => "OutOfSync",
    };
    let revision = seen.applied.map(|commit| commit.to_string());
    let compared = seen.manual.and(seen.tip).map(|commit| commit.to_string());
    let compared = compared.or_else(|| revision.clone());
    let source = json!({"repoURL": ADDRESS, "targetRevision": "main", "path": path(seen)});
    let policy = match seen.manual {
        Some(_) => json!({}),
        None => json!({"automated": {"prune": true, "selfHeal": false}}),
    };
    let resource = json!({"group": group(seen.object), "kind": seen.object["kind"], "status": sync,
        "namespace": meta["namespace"], "name": meta["name"]});
    let one = revision.iter().map(|it| json!({"id": 0, "revision": it}));
    let history = match seen.manual {
        Some(manual) => manual.history(&source),
        None => one.collect(),
    };
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": seen.service, "namespace": "argocd"},
        "spec": {
            "project": "default",
            "source": source,
            "destination": {"server": "https://kubernetes.default.svc", "namespace": meta["namespace"]},
            "syncPolicy": policy,
        },
        "status": {
            "sync": {"status": sync, "revision": compared},
            "health": {"status": "Healthy"},
            "resources": [resource],
            "history": history,
            "operationState": {"phase": "Succeeded", "message": "successfully synced (all tasks run)",
                "finishedAt": stamp(now), "syncResult": {"revision": revision}},
            "reconciledAt": stamp(now),
        },
    })
}

//! Which agent a cell is told to have, and where its version is stuck.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::{
    CellTarget, ClusterEvent, ClusterObject, Connection, EVERYWHERE, LiveCell, ObjectKind, Written,
};
use super::fixtures::{View, ago, list, noon, replica_set, target, view, workload};
use crate::domain::{
    agent::{AgentKind, read},
    desired::RefName,
    ids::ObjectId,
    subject::Subject,
};

const ONE: &str = "1111111111111111111111111111111111111111";
const TWO: &str = "2222222222222222222222222222222222222222";

fn commit(text: &str) -> ObjectId {
    text.parse().unwrap()
}

/// A cell that declares `desired` at commit `TWO`, in `apps/prod/checkout.yaml` of `org/fleet`.
fn cell(desired: &str) -> CellTarget {
    CellTarget {
        desired: Some(desired.into()),
        written: Some(Written {
            at: (RefName::default(), commit(TWO)).into(),
            address: Some("git@git.example.com:org/fleet.git".into()),
            paths: vec!["apps/prod/checkout.yaml".into()],
        }),
        ..target()
    }
}

fn kustomization(name: &str, path: &str, revision: &str, entries: &[&str]) -> Value {
    let entries = entries.iter().map(|id| json!({"id": id, "v": "v1"}));
    json!({
        "kind": "Kustomization",
        "metadata": {"name": name, "namespace": "flux-system"},
        "spec": {"interval": "10m", "path": path, "sourceRef": {"kind": "GitRepository", "name": "fleet"}},
        "status": {
            "lastAppliedRevision": format!("main@sha1:{revision}"),
            "inventory": {"entries": entries.collect::<Vec<_>>()},
            "conditions": [{"type": "Ready", "status": "True", "reason": "ReconciliationSucceeded"}],
        },
    })
}

fn repository(address: &str) -> Value {
    json!({
        "kind": "GitRepository", "metadata": {"name": "fleet", "namespace": "flux-system"},
        "spec": {"interval": "1m", "url": address},
        "status": {"conditions": [{"type": "Ready", "status": "True", "reason": "Succeeded"}]},
    })
}

fn application(name: &str, path: &str, namespace: &str, resources: Value) -> Value {
    json!({
        "kind": "Application", "metadata": {"name": name, "namespace": "argocd"},
        "spec": {
            "source": {"repoURL": "https://git.example.com/org/fleet", "path": path},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace},
        },
        "status": {"sync": {"status": "OutOfSync", "revision": TWO}, "resources": resources,
            "history": [{"revision": ONE}]},
    })
}

fn tell(view: &mut View, objects: &[Value]) {
    for kind in AgentKind::WATCHED {
        let own = objects.iter().filter(|it| it["kind"] == kind.as_str());
        let own = own.map(|it| ClusterObject::Agent(Box::new(read(kind, it).unwrap())));
        let listed = ClusterEvent::Reset {
            kind: ObjectKind::Agent(kind),
            namespaces: [EVERYWHERE.to_owned()].into(),
            objects: own.collect(),
        };
        view.apply(listed, noon());
    }
}

fn agent(live: &LiveCell) -> Option<&str> {
    live.agent.as_ref().map(|agent| agent.object.as_str())
}

fn hop(live: &LiveCell) -> Option<(String, &str)> {
    let hop = live.hop.as_ref()?;
    Some((hop.at.to_string(), hop.reason.as_str()))
}

const LISTED: &str = "shop_checkout_apps_Deployment";

#[test]
fn the_agent_of_a_cell_is_found() {
    let own = json!([{"kind": "Deployment", "namespace": "shop", "name": "checkout"}]);
    let none = json!([]);
    let cases = [
        ("none", true, vec![], None),
        (
            "lists it",
            true,
            vec![
                kustomization("a", "x", ONE, &[LISTED]),
                kustomization("b", "apps", ONE, &[]),
            ],
            Some("flux-system/a"),
        ),
        (
            "lists it as it is to be",
            false,
            vec![application("a", "x", "shop", own)],
            Some("argocd/a"),
        ),
        (
            "takes from its path, the longest",
            false,
            vec![
                kustomization("a", "./", ONE, &[]),
                kustomization("b", "./apps/prod/", ONE, &[]),
                kustomization("c", "apps/pro", ONE, &[]),
            ],
            Some("flux-system/b"),
        ),
        (
            "takes from another repository",
            false,
            vec![
                kustomization("a", "apps", ONE, &[]),
                repository("https://git.example.com/org/other"),
            ],
            None,
        ),
        (
            "takes from the same by another address",
            false,
            vec![
                kustomization("a", "apps", ONE, &[]),
                repository("http://gitea:3000/Org/fleet.git"),
            ],
            Some("flux-system/a"),
        ),
        (
            "one of two, by its namespace",
            false,
            vec![
                application("a", "apps/prod", "other", none.clone()),
                application("b", "apps/prod", "shop", none.clone()),
            ],
            Some("argocd/b"),
        ),
        (
            "one of two, nobody knows which",
            false,
            vec![
                application("a", "apps/prod", "shop", none.clone()),
                application("b", "apps/prod", "shop", none),
            ],
            None,
        ),
    ];
    for (name, there, objects, expected) in cases {
        let workloads = there.then(|| workload(ObjectKind::Deployment).into());
        let mut view = view(workloads.into_iter().collect());
        tell(&mut view, &objects);
        let live = view.live(&cell("1.0"), noon());
        assert_eq!(agent(&live), expected, "{name}");
    }
}

#[test]
fn what_a_workload_carries_names_its_agent() {
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let flux = vec![
        label("kustomize.toolkit.fluxcd.io/name", "a"),
        label("kustomize.toolkit.fluxcd.io/namespace", "flux-system"),
    ];
    let cases = [
        ("flux", flux, None, Some("flux-system/a")),
        (
            "instance",
            vec![label("app.kubernetes.io/instance", "app")],
            None,
            Some("argocd/app"),
        ),
        (
            "tracked",
            vec![],
            Some("app:apps/Deployment:shop/checkout"),
            Some("argocd/app"),
        ),
        (
            "tracked elsewhere",
            vec![],
            Some("argocd_app:apps/Deployment:shop/checkout"),
            Some("argocd/app"),
        ),
        (
            "another's",
            vec![label("app.kubernetes.io/instance", "checkout")],
            None,
            None,
        ),
    ];
    for (name, labels, tracking, expected) in cases {
        let mut own = workload(ObjectKind::Deployment);
        own.labels.extend(labels);
        own.tracking = tracking.map(str::to_owned);
        let mut view = view(vec![own.into()]);
        let objects = [
            kustomization("a", "elsewhere", ONE, &[]),
            application("app", "elsewhere", "shop", json!([])),
        ];
        tell(&mut view, &objects);
        let live = view.live(&cell("1.0"), noon());
        assert_eq!(agent(&live), expected, "{name}");
    }
}

/// The agent is at commit ONE, which declares what is given here, and the cell at TWO declares 2.0; 1.0 is served.
#[test]
fn an_agent_is_behind_where_the_cells_own_version_is() {
    let unread = "Flux has applied it, and 1.0 is served";
    let cases = [
        ("not read yet", ONE, None, None),
        (
            "behind",
            ONE,
            Some(Some("1.0")),
            Some(("sync", "Flux has not applied it yet")),
        ),
        (
            "other cells changed",
            ONE,
            Some(Some("2.0")),
            Some(("serve", unread)),
        ),
        ("cannot be read here", ONE, Some(None), None),
        ("at the tip", TWO, None, Some(("serve", unread))),
    ];
    for (name, revision, declared, expected) in cases {
        let mut view = view(vec![
            workload(ObjectKind::Deployment).into(),
            replica_set("checkout-a", "7", "1.0").into(),
        ]);
        tell(
            &mut view,
            &[kustomization("a", "apps", revision, &[LISTED])],
        );
        let cell = cell("2.0");
        let at = (RefName::default(), commit(ONE));
        let (_, unread) = view.live_and_unread(&cell, noon());
        assert_eq!(unread.is_some(), revision == ONE, "{name}");
        if let Some(version) = declared {
            let version = version.map(|it| Arc::new([(cell.cell.clone(), it.into())].into()));
            view.declare(at, version);
            assert_eq!(view.live_and_unread(&cell, noon()).1, None, "{name}: read");
        }
        let live = view.live(&cell, noon());
        let expected = expected.map(|(at, reason)| (at.to_owned(), reason));
        assert_eq!(hop(&live), expected, "{name}");
    }
}

#[test]
fn a_version_in_a_release_comes_with_what_applies_the_release() {
    let release = |ready: &str, reason: &str| {
        json!({
            "kind": "HelmRelease", "metadata": {"name": "checkout", "namespace": "shop", "generation": 2},
            "spec": {"interval": "10m", "chart": {"spec": {"chart": "web"}}},
            "status": {"observedGeneration": 2, "history": [{"chartVersion": "4.2.0", "status": "deployed"}],
                "conditions": [{"type": "Ready", "status": ready, "reason": reason, "message": "its words"}]},
        })
    };
    let cases = [
        (
            "parent behind",
            ONE,
            "True",
            "UpgradeSucceeded",
            ("sync", "Flux has not applied it yet"),
        ),
        (
            "not upgraded",
            TWO,
            "False",
            "UpgradeFailed",
            ("sync", "Flux cannot upgrade the release: its words"),
        ),
        (
            "another was set",
            TWO,
            "True",
            "UpgradeSucceeded",
            ("serve", "Flux has applied it, and 1.0 is served"),
        ),
    ];
    for (name, revision, ready, reason, (at, words)) in cases {
        let mut own = workload(ObjectKind::Deployment);
        for part in ["name", "namespace"] {
            let value = if part == "name" { "checkout" } else { "shop" };
            let label = format!("helm.toolkit.fluxcd.io/{part}");
            own.labels.extend([(label, value.to_owned())]);
        }
        let mut view = view(vec![own.into()]);
        let parent = kustomization(
            "a",
            "apps",
            revision,
            &["shop_checkout_helm.toolkit.fluxcd.io_HelmRelease"],
        );
        tell(&mut view, &[parent, release(ready, reason)]);
        let cell = cell("2.0");
        let old = Arc::new([(cell.cell.clone(), "1.0".into())].into());
        view.declare((RefName::default(), commit(ONE)), Some(old));
        let live = view.live(&cell, noon());
        assert_eq!(agent(&live), Some("shop/checkout"), "{name}");
        assert_eq!(
            live.agent.unwrap().revision.as_deref(),
            Some("4.2.0"),
            "{name}"
        );
        let hop = live.hop.unwrap();
        assert_eq!(
            (hop.at.to_string().as_str(), hop.reason.as_str()),
            (at, words),
            "{name}"
        );
    }
}

#[test]
fn what_changes_nothing_that_is_told_wakes_nobody() {
    let mut view = view(Vec::new());
    let mut object = kustomization("a", "apps", ONE, &[]);
    tell(&mut view, std::slice::from_ref(&object));
    let apply = |view: &mut View, object: &Value| {
        let agent = read(AgentKind::Kustomization, object).unwrap();
        view.apply(
            ClusterEvent::Applied(ClusterObject::Agent(Box::new(agent))),
            noon(),
        )
    };
    object["metadata"]["resourceVersion"] = json!("8");
    assert_eq!(apply(&mut view, &object), super::super::Touched::Nothing);
    object["spec"]["suspend"] = json!(true);
    let touched = super::super::Touched::Namespaces([EVERYWHERE.to_owned()].into());
    assert_eq!(apply(&mut view, &object), touched);
    // What no pod shows is judged by its agent alone.
    let mut hidden = cell("2.0");
    hidden.subject = Subject::Setting;
    let old = Arc::new([(hidden.cell.clone(), "1.0".into())].into());
    view.declare((RefName::default(), commit(ONE)), Some(old));
    let live = view.live(&hidden, noon());
    assert_eq!(
        hop(&live),
        Some(("sync".to_owned(), "Flux has not synced: suspended"))
    );
    list(&mut view, Vec::new());
}

/// Agents are no part of how well a column is known: neither of its connection, nor of when a loss is over.
#[test]
fn a_column_is_known_without_its_agents() {
    let mut view = view(vec![workload(ObjectKind::Deployment).into()]);
    assert_eq!(view.connection(), Connection::Live, "not answered");
    let lost = |view: &mut View, at| {
        let reason = "no route".to_owned();
        view.apply(
            ClusterEvent::Lost {
                reason,
                next_try: None,
            },
            at,
        );
    };
    tell(&mut view, &[kustomization("a", "apps", ONE, &[LISTED])]);
    lost(&mut view, ago(5));
    view.apply(ClusterEvent::Connected, ago(4));
    list(&mut view, Vec::new());
    assert_eq!(view.connection(), Connection::Live, "not answered anew");
    lost(&mut view, ago(3));
    let Connection::Lost { since, .. } = view.connection() else {
        panic!("lost: {:?}", view.connection());
    };
    assert_eq!(since, ago(3), "another loss");
    view.apply(ClusterEvent::Connected, ago(2));
    list(&mut view, Vec::new());
    let denied = ClusterEvent::Denied {
        kind: ObjectKind::Agent(AgentKind::Application),
        namespaces: [EVERYWHERE.to_owned()].into(),
        what: "403: applications".to_owned(),
    };
    view.apply(denied, noon());
    assert_eq!(view.connection(), Connection::Live, "denied");
}

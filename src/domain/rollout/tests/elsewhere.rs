//! Agents that are in another cluster than what they bring, or are asked by their own API; what makes them, and what is
//! written into Git by itself.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::{
    AgentsAt, CellTarget, ClusterEvent, ClusterObject, ClusterTarget, ClusterViews, EVERYWHERE,
    LiveCell, ObjectKind, Written,
};
use super::fixtures::{noon, pod, replica_set, target, workload};
use crate::domain::{
    agent::{AgentKind, ArgoServer, Phase, read},
    desired::RefName,
};

const SERVER: &str = "https://argocd.example.com";
const ONE: &str = "1111111111111111111111111111111111111111";

/// A cell in `prod`, which declares `desired`, whose agents are looked for in another context.
struct Apart {
    cell: CellTarget,
    target: ClusterTarget,
    views: ClusterViews,
    elsewhere: &'static str,
}

impl Apart {
    fn new(elsewhere: &'static str, desired: &str) -> Self {
        let cell = CellTarget {
            desired: Some(desired.into()),
            written: Some(Written {
                at: (RefName::default(), ONE.parse().unwrap()).into(),
                address: Some("git@git.example.com:org/fleet.git".into()),
                paths: vec!["envs/prod/checkout.yaml".into()],
            }),
            policy: Some("flux-system/checkout".into()),
            ..target()
        };
        let agents = AgentsAt {
            context: elsewhere.to_owned(),
            namespace: Some("argocd".to_owned()),
            kinds: &AgentKind::WATCHED,
        };
        let target = ClusterTarget::new("prod".into(), "prod".to_owned(), vec![cell.clone()]);
        let target = target.with_agents(vec![agents]);
        let mut views = ClusterViews::default();
        views.retarget(std::slice::from_ref(&target));
        let mut apart = Self {
            cell,
            target,
            views,
            elsewhere,
        };
        let objects = [
            ClusterObject::from(workload(ObjectKind::Deployment)),
            replica_set("checkout-a", "7", "1.0").into(),
            pod("a-1", "checkout-a", "1.0").into(),
        ];
        apart.list("prod", &objects);
        apart
    }

    fn list(&mut self, context: &str, objects: &[ClusterObject]) {
        self.views.apply(context, ClusterEvent::Connected, noon());
        for (kind, namespaces) in &self.target.wanted()[context] {
            let own = objects.iter().filter(|object| object.kind() == *kind);
            let listed = ClusterEvent::Reset {
                kind: *kind,
                namespaces: BTreeSet::clone(namespaces),
                objects: own.cloned().collect(),
            };
            self.views.apply(context, listed, noon());
        }
    }

    fn told(mut self, objects: &[Value]) -> Self {
        let objects = objects.iter().map(|object| {
            let kind = object["kind"].as_str().and_then(AgentKind::parse).unwrap();
            ClusterObject::Agent(Box::new(read(kind, object).unwrap()))
        });
        self.list(self.elsewhere, &objects.collect::<Vec<_>>());
        self
    }

    fn live(&self) -> LiveCell {
        self.views.live(&self.cell, noon())
    }
}

fn application(destination: &str, more: &Value) -> Value {
    let mut object = json!({
        "kind": "Application", "metadata": {"name": "checkout", "namespace": "argocd"},
        "spec": {
            "source": {"repoURL": "https://git.example.com/org/fleet", "path": "charts/checkout"},
            "destination": {"server": destination, "namespace": "shop"},
        },
        "status": {"sync": {"status": "Synced", "revision": ONE},
            "resources": [{"kind": "Deployment", "namespace": "shop", "name": "checkout"}]},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        object["metadata"][key] = value.clone();
    }
    object
}

fn reason(live: &LiveCell) -> Option<&str> {
    live.hop.as_ref().map(|hop| hop.reason.as_str())
}

#[test]
fn agents_of_another_cluster_bring_it_and_are_unknown_when_that_is_lost() {
    let there = application("https://prod.example.com", &json!({}));
    let mut apart = Apart::new("hub", "2.0").told(&[there]);
    let live = apart.live();
    let agent = live.agent.as_ref().unwrap();
    assert_eq!(
        (agent.object.as_str(), agent.cluster.as_str()),
        ("argocd/checkout", "hub")
    );
    assert_eq!(
        reason(&live),
        Some("Argo CD has applied it, and 1.0 is served")
    );

    let lost = |reason: &str| ClusterEvent::Lost {
        reason: reason.to_owned(),
        next_try: None,
    };
    apart
        .views
        .apply("hub", lost("no answer within 3 s"), noon());
    let live = apart.live();
    assert!(!live.stale, "what runs is seen");
    let agent = live.agent.as_ref().unwrap();
    assert_eq!(agent.phase, Phase::Unknown);
    assert_eq!(
        agent.reason.as_deref(),
        Some("hub does not answer: no answer within 3 s; it was synced before")
    );
    assert_eq!(
        reason(&live),
        Some("whether Argo CD has synced is not known: hub does not answer: no answer within 3 s")
    );
    assert!(
        live.hop.unwrap().order.is_none(),
        "nobody is there to be told"
    );
}

#[test]
fn an_argo_cd_that_is_asked_by_its_own_api_is_in_some_cluster() {
    // Its own cluster may be the cell's; which one that is, its API does not tell.
    for destination in ["https://kubernetes.default.svc", "https://prod.example.com"] {
        let there = application(destination, &json!({}));
        let live = Apart::new(SERVER, "1.0").told(&[there]).live();
        let agent = live.agent.unwrap();
        assert_eq!(agent.cluster, SERVER, "{destination}");
    }
    assert!(ArgoServer::is_meant(SERVER));
    for context in [
        "hub",
        "arn:aws:eks:eu:1:cluster/x",
        "https://",
        "https://u@h",
    ] {
        assert!(!ArgoServer::is_meant(context), "{context}");
    }
}

#[test]
fn agents_are_looked_for_in_the_namespace_that_is_named() {
    let apart = Apart::new("hub", "1.0");
    assert_eq!(apart.target.agents_in("hub"), Some("argocd"));
    assert_eq!(apart.target.agents_in("prod"), None);
    assert_eq!(apart.target.elsewhere().collect::<Vec<_>>(), ["hub"]);
    let agents = apart.target.wanted()["hub"]
        .keys()
        .filter(|it| it.is_agent());
    assert_eq!(agents.count(), AgentKind::WATCHED.len());
    let namespaces = &apart.target.wanted()["hub"][&ObjectKind::Agent(AgentKind::Application)];
    assert!(namespaces.contains(EVERYWHERE));
    let own = Apart::new("prod", "1.0");
    assert_eq!(
        own.target.agents_in("prod"),
        None,
        "nobody said that of its own"
    );
    assert_eq!(own.target.elsewhere().count(), 0);
    let none = own.target.only(|_| false);
    assert!(none.is_none());
    let some = apart.target.only(|_| true).unwrap();
    assert!(
        some.wanted().contains_key("hub"),
        "fewer cells, the same agents"
    );
}

#[test]
fn an_application_set_that_fails_keeps_versions_from_its_applications() {
    let set = |status: &str| {
        json!({
            "kind": "ApplicationSet", "metadata": {"name": "fleet", "namespace": "argocd"},
            "spec": {"generators": [{"matrix": {"generators": [
                {"git": {"repoURL": "https://git.example.com/org/fleet", "files": [{"path": "envs/*/*.yaml"}]}},
            ]}}], "template": {"spec": {"source": {"path": "charts/{{name}}"}}}},
            "status": {"conditions": [{"type": "ErrorOccurred", "status": status,
                "reason": "ApplicationGenerationFromParamsError", "message": "no key `image`"}]},
        })
    };
    let owned = json!({"ownerReferences": [{"kind": "ApplicationSet", "name": "fleet"}]});
    let there = application("https://prod.example.com", &owned);
    let words = "Argo CD cannot generate from ApplicationSet argocd/fleet: no key `image`";
    let cases = [
        ("it fails", vec![there.clone(), set("True")], Some(words)),
        (
            "it is well",
            vec![there.clone(), set("False")],
            Some("Argo CD has applied it, and 1.0 is served"),
        ),
        (
            "it is another's",
            vec![
                application("https://prod.example.com", &json!({})),
                set("True"),
            ],
            Some("Argo CD has applied it, and 1.0 is served"),
        ),
        ("there is no Application", vec![set("True")], Some(words)),
        ("nor does it fail", vec![set("False")], None),
    ];
    for (name, objects, expected) in cases {
        let live = Apart::new("hub", "2.0").told(&objects).live();
        assert_eq!(reason(&live), expected, "{name}");
    }
    // What is served needs none of it.
    let live = Apart::new("hub", "1.0").told(&[there, set("True")]).live();
    assert_eq!(reason(&live), None);
}

#[test]
fn what_an_automation_will_write_is_told() {
    let policy = |tag: &str| {
        json!({
            "kind": "ImagePolicy", "metadata": {"name": "checkout", "namespace": "flux-system"},
            "status": {"latestRef": {"name": "reg.example.com/checkout", "tag": tag},
                "conditions": [{"type": "Ready", "status": "True", "reason": "Succeeded"}]},
        })
    };
    let broken = json!({
        "kind": "ImagePolicy", "metadata": {"name": "checkout", "namespace": "flux-system"},
        "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "VersionListFailed",
            "message": "no image repository `checkout`"}]},
    });
    let automation = |path: &str, suspend: bool| {
        json!({
            "kind": "ImageUpdateAutomation", "metadata": {"name": "fleet", "namespace": "flux-system"},
            "spec": {"interval": "10m", "suspend": suspend, "update": {"path": path},
                "sourceRef": {"kind": "GitRepository", "name": "fleet"}},
            "status": {"lastAutomationRunTime": "2026-11-21T11:54:00Z",
                "conditions": [{"type": "Ready", "status": "True", "reason": "Succeeded"}]},
        })
    };
    let picks = "ImagePolicy flux-system/checkout picks 1.1: ";
    let by = "ImageUpdateAutomation flux-system/fleet";
    let cases = [
        (
            "what is declared",
            vec![policy("1.0"), automation("./", false)],
            None,
        ),
        (
            "another",
            vec![policy("1.1"), automation("./envs/prod", false)],
            Some(format!("{picks}{by} writes it, next run in 4m")),
        ),
        (
            "suspended",
            vec![policy("1.1"), automation("./", true)],
            Some(format!("{picks}{by}, which would write it, is suspended")),
        ),
        (
            "it writes elsewhere",
            vec![policy("1.1"), automation("./envs/dev", false)],
            Some(format!(
                "{picks}no ImageUpdateAutomation that is seen here writes it"
            )),
        ),
        (
            "it picks nothing",
            vec![broken, automation("./", false)],
            Some(
                "ImagePolicy flux-system/checkout picks nothing: no image repository `checkout`"
                    .to_owned(),
            ),
        ),
        ("no such policy", vec![automation("./", false)], None),
    ];
    for (name, objects, expected) in cases {
        let live = Apart::new("prod", "1.0").told(&objects).live();
        let said = live.next_write.map(|it| it.words(noon()));
        assert_eq!(said, expected, "{name}");
    }
}

//! Agents' objects: watched wherever they are, told apart from what runs, and linked to what they manage.
#![allow(clippy::unwrap_used)] // a fixture fails by panicking

use serde_json::{Value, json};
use tidegate::{
    demo::server::{ApiServer, Forbid, Mode, Resource, ServerOptions},
    domain::{
        agent::{AgentKind, At, Phase},
        desired::RefName,
        ids::{CellKey, ObjectId},
        rollout::{ClusterTarget, Connection, Health, Written},
    },
};

use super::fixture::{Console, Home, apply, deploy, target};

fn kind(kind: AgentKind, version: &'static str) -> Resource {
    Resource {
        group: kind.group(),
        version,
        plural: kind.plural(),
        singular: kind.plural(),
        kind: kind.as_str(),
        namespaced: true,
        status: true,
        generation: true,
        short: &[],
    }
}

async fn server(name: &str) -> ApiServer {
    let mut options = ServerOptions::new(name);
    options.resources = vec![
        kind(AgentKind::Application, "v1alpha1"),
        kind(AgentKind::Kustomization, "v1"),
        // An older Flux: the newest version that is served is asked.
        kind(AgentKind::GitRepository, "v1beta2"),
    ];
    ApiServer::start(options).await.unwrap()
}

/// A Kustomization that lists `shop/checkout`, and what its Ready condition says.
fn kustomization(reason: &str, ready: bool, suspend: bool) -> Value {
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": "shop", "namespace": "flux-system"},
        "spec": {"interval": "10m", "path": "./apps", "suspend": suspend,
            "sourceRef": {"kind": "GitRepository", "name": "fleet"}},
        "status": {
            "lastAppliedRevision": "main@sha1:1111111111111111111111111111111111111111",
            "inventory": {"entries": [{"id": "shop_checkout_apps_Deployment", "v": "v1"}]},
            "conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" },
                "reason": reason, "message": "its words"}],
        },
    })
}

fn phase(console: &Console, environment: &str) -> Option<Phase> {
    let agent = console.cell(environment, "checkout").agent;
    agent.map(|agent| agent.phase)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_agent_does_is_seen_as_it_happens() {
    let (home, server) = (Home::new(), server("dev").await);
    deploy(&server, "shop", "checkout", "1.0", 1);
    apply(
        &server,
        kustomization("ReconciliationSucceeded", true, false),
    );
    let cells = target("dev", &[("shop", "checkout")]);
    let mut console = Console::start(vec![cells], home.options(&[&server]));
    console
        .until("the agent", |c| phase(c, "dev") == Some(Phase::Current))
        .await;
    apply(&server, kustomization("BuildFailed", false, false));
    console
        .until("its failure", |c| phase(c, "dev") == Some(Phase::Failed))
        .await;
    let agent = console.cell("dev", "checkout").agent.unwrap();
    assert_eq!(agent.object, "flux-system/shop");
    assert_eq!(agent.reason.as_deref(), Some("BuildFailed: its words"));
    apply(&server, kustomization("BuildFailed", false, true));
    console
        .until("that it is suspended", |c| {
            phase(c, "dev") == Some(Phase::Suspended)
        })
        .await;
    server
        .store()
        .remove("kustomizations", "flux-system", "shop");
    console
        .until("that it is gone", |c| phase(c, "dev").is_none())
        .await;
    let requests = server.requests();
    let older = "/apis/source.toolkit.fluxcd.io/v1beta2/gitrepositories?";
    assert!(requests.iter().any(|it| it.contains(older)), "{requests:?}");
    assert!(console.losses.is_empty(), "{:?}", console.losses);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_that_may_not_be_seen_hide_nothing_else() {
    let kinds = ["applications", "kustomizations", "gitrepositories"];
    for forbidden in [true, false] {
        let (home, server) = (Home::new(), server("dev").await);
        deploy(&server, "shop", "checkout", "1.0", 2);
        apply(
            &server,
            kustomization("ReconciliationSucceeded", true, false),
        );
        if forbidden {
            server.forbid(kinds.map(Forbid::all).to_vec());
        } else {
            server.lack(&kinds);
        }
        let cells = target("dev", &[("shop", "checkout")]);
        let mut console = Console::start(vec![cells], home.options(&[&server]));
        console
            .until("the column", |c| c.connection("dev") == Connection::Live)
            .await;
        let cell = console.cell("dev", "checkout");
        assert_eq!((cell.health, cell.ready), (Health::Healthy, 2));
        assert_eq!((cell.agent, cell.hop), (None, None));
        if forbidden {
            server.forbid(Vec::new());
            console
                .until("what is allowed again", |c| phase(c, "dev").is_some())
                .await;
        }
        assert!(console.losses.is_empty(), "{:?}", console.losses);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_of_another_cluster_tells_why_nothing_is_there() {
    let (home, hub, edge) = (Home::new(), server("hub").await, server("edge").await);
    deploy(&hub, "shop", "checkout", "1.0", 1);
    let application = |server: &str| {
        json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": "checkout-edge", "namespace": "argocd"},
            "spec": {
                "source": {"repoURL": "http://gitea.internal:3000/org/fleet.git", "path": "apps/edge"},
                "destination": {"server": server, "namespace": "shop"},
                "syncPolicy": {"automated": {}},
            },
            "status": {"sync": {"status": "Unknown"}, "conditions": [
                {"type": "ComparisonError", "message": "failed to generate manifest: apps/edge: no such file"}]},
        })
    };
    apply(&hub, application(&edge.url()));
    let environment = |name: &str| {
        let mut cell = target(name, &[("shop", "checkout")]).cells()[0].clone();
        cell.desired = Some("1.0".into());
        cell.written = Some(Written {
            at: (RefName::default(), ObjectId::new([1; 20])).into(),
            address: Some("ssh://git@git.example.com/org/fleet".into()),
            paths: vec![format!("apps/{name}/checkout.yaml").into()],
        });
        assert_eq!(cell.cell, CellKey::new("checkout", name));
        ClusterTarget::new(name.into(), name.to_owned(), vec![cell])
    };
    let targets = ["hub", "edge"].map(environment).to_vec();
    let mut console = Console::start(targets, home.options(&[&hub, &edge]));
    console
        .until("the hop", |c| c.cell("edge", "checkout").hop.is_some())
        .await;
    let cell = console.cell("edge", "checkout");
    let hop = cell.hop.unwrap();
    assert_eq!((cell.health, hop.at), (Health::Missing, At::Sync));
    assert_eq!(
        hop.reason,
        "Argo CD cannot build the manifests: failed to generate manifest: apps/edge: no such file"
    );
    // It manages nothing in its own cluster, and nothing in a third one.
    assert_eq!(phase(&console, "hub"), None);
    apply(&hub, application(&hub.url()));
    console
        .until("that it is another's", |c| phase(c, "edge").is_none())
        .await;
}

/// A server whose agents fail to answer, as where a webhook of theirs is down, is there all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_returns_has_its_agents_back() {
    let (home, server) = (Home::new(), server("dev").await);
    deploy(&server, "shop", "checkout", "1.0", 1);
    apply(
        &server,
        kustomization("ReconciliationSucceeded", true, false),
    );
    let cells = target("dev", &[("shop", "checkout")]);
    let mut console = Console::start(vec![cells], home.options(&[&server]));
    console
        .until("the agent", |c| phase(c, "dev").is_some())
        .await;
    server.set_mode(Mode::Refusing).await;
    console.until("the loss", |c| !c.losses.is_empty()).await;
    assert!(phase(&console, "dev").is_some(), "the last that was known");
    apply(&server, kustomization("BuildFailed", false, false));
    server.set_mode(Mode::Serving).await;
    console
        .until("what happened meanwhile", |c| {
            phase(c, "dev") == Some(Phase::Failed) && !c.cell("dev", "checkout").stale
        })
        .await;
}

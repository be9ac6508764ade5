//! What is asked by hand of servers that do not answer, and of those that have much to tell.
#![allow(clippy::unwrap_used)] // a fixture fails by panicking

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate::{
    demo::server::{ApiServer, Forbid, Mode, Resource, ServerOptions, Stall},
    domain::{
        agent::{AgentKind, Conduct, Order},
        by_hand::{Deed, WorkloadAt},
        rollout::{ObjectKind, RolloutAct},
    },
    sources::cluster::{Conductor, Control, Options},
    workflow::{Workload, weigh},
};

use super::{
    fixture::{Home, apply, deploy, pod},
    progressive::{ROLLOUTS, paused, rollout},
};
use crate::{support::terminal::SOON, windows::kind};

const SCALERS: Resource = Resource {
    group: "autoscaling",
    version: "v2",
    plural: "horizontalpodautoscalers",
    singular: "horizontalpodautoscaler",
    kind: "HorizontalPodAutoscaler",
    namespaced: true,
    status: true,
    generation: true,
    short: &[],
};
const NO_ANSWER: &str = "cluster dev did not answer within 1 s";
const DOUBT: &str = "whether it was done is not known: look before it is told again";

async fn server() -> ApiServer {
    let mut options = ServerOptions::new("dev");
    options.resources = vec![kind(AgentKind::Application), ROLLOUTS, SCALERS];
    let server = ApiServer::start(options).await.unwrap();
    deploy(&server, "shop", "web", "1.0", 1);
    let mut status = paused();
    status["observedGeneration"] = json!("1");
    apply(&server, rollout("shop", "slow", &status));
    apply(
        &server,
        json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": "web", "namespace": "argocd"},
            "spec": {"project": "shop"},
            "status": {"sync": {"status": "Synced"}, "health": {"status": "Healthy"}},
        }),
    );
    server
}

fn web() -> WorkloadAt {
    WorkloadAt {
        context: "dev".to_owned(),
        namespace: "shop".to_owned(),
        kind: ObjectKind::Deployment,
        name: "web".to_owned(),
    }
}

fn stall(server: &ApiServer, verb: &'static str, resource: &str, begins: bool) {
    let verb = Some(verb);
    let rule = Forbid {
        verb,
        ..Forbid::all(resource)
    };
    server.stall(Some(Stall { rule, begins }));
}

/// What this says; it fails where there is no end.
async fn said<T>(asked: impl Future<Output = Result<T, String>>) -> String {
    let said = tokio::time::timeout(SOON, asked).await;
    said.unwrap().err().unwrap_or_default()
}

async fn weighed(options: &Options, act: RolloutAct) -> Result<Vec<String>, String> {
    let deed = Deed::Workload {
        at: web(),
        act,
        to: None,
    };
    let weighed = weigh(options, &deed, None, Timestamp::now()).await?;
    match weighed.refusal {
        Some(why) => Err(why),
        None => Ok(weighed.undone),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_does_not_answer_is_named_before_anything_is_done() {
    let (home, server) = (Home::new(), server().await);
    let options = home.options(&[&server]);
    for begins in [false, true] {
        stall(&server, "get", "deployments", begins);
        let why = said(weighed(&options, RolloutAct::Restart)).await;
        assert_eq!(why, format!("Deployment shop/web: {NO_ANSWER}"));
        stall(&server, "list", "replicasets", begins);
        let why = said(weighed(&options, RolloutAct::Undo)).await;
        assert_eq!(why, format!("replicasets: {NO_ANSWER}"));
        // What only says more is not known, and holds nothing up.
        stall(&server, "list", "horizontalpodautoscalers", begins);
        let known = weighed(&options, RolloutAct::Restart).await.unwrap();
        let expected = format!(
            "whether something keeps its replicas, whatever happens here, is not known: \
             horizontalpodautoscalers: {NO_ANSWER}"
        );
        assert_eq!(known, [expected]);
    }
    server.stall(None);
    assert!(
        weighed(&options, RolloutAct::Restart)
            .await
            .unwrap()
            .is_empty()
    );
    server.set_mode(Mode::Hanging).await;
    // A sign of life is waited for less long.
    let options = Options {
        answer: SOON,
        ..options
    };
    let why = said(weighed(&options, RolloutAct::Restart)).await;
    assert!(why.starts_with("cluster dev: http://127.0.0.1"), "{why}");
    assert!(why.ends_with("no answer within 2 s"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_and_not_answered_may_have_been_done() {
    let (home, server) = (Home::new(), server().await);
    let options = home.options(&[&server]);
    let now = Timestamp::now();
    for begins in [false, true] {
        stall(&server, "patch", "deployments", begins);
        let workload = Workload::read(&options, &web()).await.unwrap();
        let change = workload.change(RolloutAct::Restart, None, now).unwrap();
        let why = said(workload.apply(&change)).await;
        assert_eq!(why, format!("Deployment shop/web: {NO_ANSWER}; {DOUBT}"));

        stall(&server, "patch", "applications", begins);
        let of = (
            AgentKind::Application,
            "argocd".to_owned(),
            "web".to_owned(),
        );
        let control = Control::connect("dev", of, &options).await.unwrap();
        let why = said(control.tell(Order::Sync, now)).await;
        let whom = "Application argocd/web";
        assert_eq!(why, format!("{whom}: {NO_ANSWER}; {DOUBT}"));

        stall(&server, "patch", "rollouts", begins);
        let conductor = Conductor::connect("dev", "shop/slow", &options).await;
        let conductor = conductor.unwrap();
        let why = said(conductor.tell(Conduct::Promote)).await;
        assert_eq!(why, format!("Rollout shop/slow: {NO_ANSWER}; {DOUBT}"));
    }
}

/// A revision of `shop/web`, or of another workload.
fn set(name: &str, number: usize, owner: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": format!("{name}-{number:04}"), "namespace": "shop", "labels": {"app": name},
            "annotations": {"deployment.kubernetes.io/revision": number.to_string()},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": name, "uid": owner,
                "controller": true}]},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "app", "image": format!("reg.example.com/{name}:1.{number}")}]}}},
        "status": {"replicas": 0},
    })
}

/// Pages of one list are asked for to the end, with the workload's labels; one that the server forgets meanwhile is begun
/// again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_of_what_a_workload_can_go_back_to_is_read() {
    const ALL: usize = 1_100;
    let (home, server) = (Home::new(), server().await);
    let uid = server.store().get("deployments", "shop", "web").unwrap()["metadata"]["uid"].clone();
    for number in 1..=ALL {
        apply(&server, set("web", number, &uid));
        apply(&server, set("other", number, &json!("other")));
    }
    let options = home.options(&[&server]);
    let pages = |further: bool| {
        let asked = server.requests().into_iter();
        let asked =
            asked.filter(|it| it.contains("/replicasets?") && it.contains("continue=") == further);
        asked.collect::<Vec<_>>()
    };
    let workload = Workload::read(&options, &web()).await.unwrap();
    assert_eq!(workload.revisions().unwrap().len(), ALL);
    assert_eq!((pages(false).len(), pages(true).len()), (1, 2));
    let labels = |it: &String| it.contains("labelSelector=app%3Dweb") && it.contains("limit=500");
    assert!(
        server
            .requests()
            .iter()
            .filter(|it| it.contains("/replicasets?"))
            .all(labels)
    );

    server
        .set_mode(Mode::Slow(Duration::from_millis(300)))
        .await;
    let at = web();
    let read = async {
        Workload::read(&options, &at)
            .await
            .unwrap()
            .revisions()
            .unwrap()
            .len()
    };
    let forget = async {
        let deadline = tokio::time::Instant::now() + SOON;
        while pages(true).len() == 2 {
            assert!(
                tokio::time::Instant::now() < deadline,
                "a further page is asked for"
            );
            tokio::task::yield_now().await;
        }
        apply(&server, pod("shop", "else", "else", "1.0", 1));
        server.expire_watches();
    };
    let (count, ()) = tokio::join!(read, forget);
    assert_eq!(count, ALL);
    assert_eq!((pages(false).len(), pages(true).len()), (3, 5));
}

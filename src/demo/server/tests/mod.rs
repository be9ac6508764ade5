//! The protocol over a real socket: raw requests with reqwest, and kube's own client and watcher.

mod client;
mod reading;

use std::time::Duration;

use futures::{Stream, StreamExt};
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::{
    Api, Client,
    api::{ListParams, Patch, PatchParams, PostParams},
    runtime::watcher::{self, Event, watcher},
};

use jiff::Timestamp;

use super::*;

fn http() -> reqwest::Client {
    // Another test may have installed it before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn pod(namespace: &str, name: &str, app: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": namespace, "name": name, "labels": {"app": app}},
        "spec": {"containers": [{"name": app, "image": format!("{app}:1")}]},
        "status": {"phase": "Running"}})
}

fn deployment(name: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "shop", "name": name},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": name, "image": format!("{name}:1")}]}}}})
}

fn put(server: &ApiServer, object: Value) {
    server.store().apply(object, Timestamp::UNIX_EPOCH).unwrap();
}

async fn server_with(options: ServerOptions, pods: u32) -> ApiServer {
    let server = ApiServer::start(options).await.unwrap();
    for i in 0..pods {
        let app = if i % 2 == 0 { "even" } else { "odd" };
        put(&server, pod("shop", &format!("pod-{i}"), app));
    }
    server
}

async fn server(pods: u32) -> ApiServer {
    server_with(ServerOptions::new("test"), pods).await
}

async fn get(server: &ApiServer, path: &str) -> (u16, Value) {
    let url = format!("{}{path}", server.url());
    let answer = http().get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .map(|i| i["metadata"]["name"].as_str().unwrap())
        .collect()
}

/// A raw watch, read line by line with a deadline.
struct Lines {
    answer: reqwest::Response,
    buffer: Vec<u8>,
}

impl Lines {
    async fn open(server: &ApiServer, path: &str) -> Self {
        let url = format!("{}{path}", server.url());
        let answer = http().get(url).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let buffer = Vec::new();
        Self { answer, buffer }
    }

    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.buffer.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            let chunk = tokio::time::timeout(Duration::from_secs(10), self.answer.chunk());
            match chunk.await.expect("a line within ten seconds") {
                Ok(Some(bytes)) => self.buffer.extend(bytes),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    async fn line(&mut self) -> (String, Value) {
        let event = self.next().await.expect("one more event");
        (
            event["type"].as_str().unwrap().to_owned(),
            event["object"].clone(),
        )
    }
}

#[tokio::test]
async fn refuses_strangers_and_what_is_forbidden() {
    let mut options = ServerOptions::new("test");
    options.token = Some("secret".to_owned());
    let server = server_with(options, 1).await;
    assert_eq!(get(&server, "/api/v1/pods").await.0, 401);
    let url = format!("{}/api/v1/pods", server.url());
    let with = |path: &str| {
        http()
            .get(format!("{url}{path}"))
            .bearer_auth("secret")
            .send()
    };
    assert_eq!(with("").await.unwrap().status(), 200);
    server.forbid(vec![Forbid {
        scope: Scope::ClusterWide,
        ..Forbid::all("pods")
    }]);
    let status: Value = with("").await.unwrap().json().await.unwrap();
    assert_eq!(
        status["message"],
        "pods is forbidden: User \"demo\" cannot list resource \"pods\" in API group \"\" at the cluster scope"
    );
    assert_eq!(status["code"], 403);
    let inside = url.replace("/pods", "/namespaces/shop/pods");
    let answer = http()
        .get(&inside)
        .bearer_auth("secret")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn creates_updates_patches_and_deletes_like_the_real_one() {
    let server = server(1).await;
    let url = |rest: &str| {
        format!(
            "{}/apis/apps/v1/namespaces/shop/deployments{rest}",
            server.url()
        )
    };
    let answer = http()
        .post(url(""))
        .json(&deployment("web"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 201);
    let created: Value = answer.json().await.unwrap();
    assert_eq!(created["metadata"]["generation"], 1);
    let again = http()
        .post(url(""))
        .json(&deployment("web"))
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), 409);
    let patch = |rest: &str, kind: &str, body: Value| {
        let content = format!("application/{kind}+json");
        http()
            .patch(url(rest))
            .header("content-type", content)
            .body(body.to_string())
            .send()
    };
    let image = json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "web:2"}]}}}});
    let patched: Value = patch("/web", "strategic-merge-patch", image)
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(patched["metadata"]["generation"], 2);
    let status = json!({"spec": {"replicas": 9}, "status": {"replicas": 1}});
    let patched: Value = patch("/web/status", "merge-patch", status)
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        (&patched["spec"]["replicas"], &patched["status"]["replicas"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(patched["metadata"]["generation"], 2);
    let stale = http().put(url("/web")).json(&created).send().await.unwrap();
    assert_eq!(stale.status(), 409, "written over a newer version");
    let dry: Value = patch(
        "/web?dryRun=All",
        "merge-patch",
        json!({"spec": {"replicas": 5}}),
    )
    .await
    .unwrap()
    .json()
    .await
    .unwrap();
    assert_eq!(dry["spec"]["replicas"], 5);
    assert_eq!(
        server.store().get("deployments", "shop", "web").unwrap()["spec"]["replicas"],
        1
    );
    assert_eq!(
        http().delete(url("/web")).send().await.unwrap().status(),
        200
    );
    assert_eq!(http().get(url("/web")).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn what_an_object_owned_goes_with_it_and_pods_go_gracefully() {
    let mut options = ServerOptions::new("test");
    options.graceful_pods = true;
    let server = server_with(options, 0).await;
    put(&server, deployment("web"));
    let uid = server.store().get("deployments", "shop", "web").unwrap()["metadata"]["uid"].clone();
    let mut owned = pod("shop", "web-1", "web");
    owned["metadata"]["ownerReferences"] =
        json!([{"kind": "Deployment", "name": "web", "uid": uid}]);
    put(&server, owned);
    let url = format!(
        "{}/apis/apps/v1/namespaces/shop/deployments/web",
        server.url()
    );
    http().delete(url).send().await.unwrap();
    let pod = server.store().get("pods", "shop", "web-1").unwrap();
    assert!(pod["metadata"]["deletionTimestamp"].is_string());
    assert!(server.store().remove("pods", "shop", "web-1").is_some());
}

#[tokio::test]
async fn a_server_can_fail_or_hang() {
    let server = server(1).await;
    let mut lines = Lines::open(&server, "/api/v1/pods?watch=1").await;
    lines.line().await;
    server.set_mode(Mode::Hanging).await;
    let request = get(&server, "/version");
    let waited = tokio::time::timeout(Duration::from_millis(50), request).await;
    assert!(waited.is_err(), "no answer while it hangs");
    server.set_mode(Mode::Failing(503)).await;
    assert_eq!(lines.next().await, None, "open watches end");
    let (code, status) = get(&server, "/api/v1/pods").await;
    assert_eq!((code, &status["kind"]), (503, &json!("Status")));
    assert!(
        server
            .requests()
            .iter()
            .any(|r| r == "GET /api/v1/pods?watch=1")
    );
}

//! The protocol over a real socket: raw requests with reqwest, and kube's own client and watcher.

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
async fn discovery_names_versions_groups_and_resources() {
    let server = server(0).await;
    let (_, version) = get(&server, "/version").await;
    assert_eq!(version["major"], "1");
    let (_, groups) = get(&server, "/apis").await;
    assert_eq!(
        groups["groups"][0]["preferredVersion"]["groupVersion"],
        "apps/v1"
    );
    let (_, apps) = get(&server, "/apis/apps/v1").await;
    let plurals: Vec<&str> = apps["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["name"].as_str().unwrap())
        .collect();
    assert!(plurals.contains(&"statefulsets/status"), "{plurals:?}");
    let (code, status) = get(&server, "/apis/argoproj.io/v1alpha1").await;
    assert_eq!((code, &status["reason"]), (404, &json!("NotFound")));
}

#[tokio::test]
async fn lists_in_pages_of_one_version() {
    let server = server(5).await;
    let (_, first) = get(&server, "/api/v1/namespaces/shop/pods?limit=2").await;
    assert_eq!(names(&first), ["pod-0", "pod-1"]);
    assert_eq!(first["kind"], "PodList");
    assert_eq!(first["metadata"]["remainingItemCount"], 3);
    server.store().remove("pods", "shop", "pod-3");
    put(&server, pod("shop", "pod-2b", "late"));
    let token = first["metadata"]["continue"]
        .as_str()
        .unwrap()
        .replace('/', "%2F");
    let path = format!("/api/v1/namespaces/shop/pods?limit=9&continue={token}");
    let (_, second) = get(&server, &path).await;
    assert_eq!(
        names(&second),
        ["pod-2", "pod-3", "pod-4"],
        "as it was at the first page"
    );
    assert_eq!(
        second["metadata"]["resourceVersion"],
        first["metadata"]["resourceVersion"]
    );
    server.expire_watches();
    let (code, gone) = get(&server, &path).await;
    assert_eq!((code, &gone["reason"]), (410, &json!("Expired")));
}

#[tokio::test]
async fn selects_by_labels_and_fields() {
    let server = server(4).await;
    put(&server, pod("other", "pod-0", "even"));
    let cases: [(&str, &[&str]); 5] = [
        (
            "/api/v1/pods?labelSelector=app%3Deven",
            &["pod-0", "pod-0", "pod-2"],
        ),
        (
            "/api/v1/pods?labelSelector=app%20notin%20(even)",
            &["pod-1", "pod-3"],
        ),
        (
            "/api/v1/pods?fieldSelector=metadata.name%3Dpod-0,metadata.namespace!%3Dshop",
            &["pod-0"],
        ),
        (
            "/api/v1/namespaces/shop/pods?labelSelector=app+in+(odd,x)",
            &["pod-1", "pod-3"],
        ),
        ("/api/v1/namespaces/none/pods", &[]),
    ];
    for (path, expected) in cases {
        let (code, list) = get(&server, path).await;
        assert_eq!((code, names(&list)), (200, expected.to_vec()), "{path}");
    }
}

#[tokio::test]
async fn watches_follow_selectors_and_end_at_their_timeout() {
    let server = server(1).await;
    let path = "/api/v1/pods?watch=1&timeoutSeconds=2&labelSelector=app%3Deven";
    let mut lines = Lines::open(&server, path).await;
    assert_eq!(lines.line().await.0, "ADDED");
    put(&server, pod("shop", "other", "odd"));
    let relabel = |app: &'static str| {
        server.store().edit("pods", "shop", "pod-0", move |o| {
            o["metadata"]["labels"]["app"] = json!(app);
        });
    };
    relabel("odd");
    assert_eq!(lines.line().await.0, "DELETED", "it matches no more");
    relabel("even");
    assert_eq!(lines.line().await.0, "ADDED", "it matches again");
    server.store().edit("pods", "shop", "pod-0", |o| {
        o["status"]["phase"] = json!("Failed");
    });
    let (kind, object) = lines.line().await;
    assert_eq!(
        (kind.as_str(), &object["status"]["phase"]),
        ("MODIFIED", &json!("Failed"))
    );
    server.store().remove("pods", "shop", "pod-0");
    let (kind, object) = lines.line().await;
    assert_eq!(kind, "DELETED");
    assert_eq!(
        object["metadata"]["resourceVersion"],
        server.store().version().to_string()
    );
    assert_eq!(lines.next().await, None, "the timeout ends it");
}

#[tokio::test]
async fn streaming_lists_end_with_a_marked_bookmark_and_bookmarks_follow() {
    let mut options = ServerOptions::new("test");
    options.bookmark_every = Duration::from_millis(50);
    let server = server_with(options, 2).await;
    let path = "/api/v1/pods?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut lines = Lines::open(&server, path).await;
    assert_eq!(lines.line().await.0, "ADDED");
    assert_eq!(lines.line().await.0, "ADDED");
    let (kind, object) = lines.line().await;
    assert_eq!(kind, "BOOKMARK");
    assert_eq!(
        object["metadata"]["annotations"]["k8s.io/initial-events-end"],
        "true"
    );
    let (kind, object) = lines.line().await;
    assert_eq!(
        (kind.as_str(), &object["kind"]),
        ("BOOKMARK", &json!("Pod"))
    );
    assert!(object["metadata"]["annotations"].is_null());
    let (code, _) = get(&server, "/api/v1/pods?watch=true&sendInitialEvents=true").await;
    assert_eq!(code, 422);
}

#[tokio::test]
async fn old_versions_are_gone_and_future_ones_too_large() {
    let mut options = ServerOptions::new("test");
    options.keep = 3;
    let server = server_with(options, 6).await;
    let mut lines = Lines::open(&server, "/api/v1/pods?watch=1&resourceVersion=1001").await;
    let (kind, status) = lines.line().await;
    assert_eq!((kind.as_str(), &status["code"]), ("ERROR", &json!(410)));
    assert_eq!(lines.next().await, None);
    let newest = server.store().version();
    let mut lines = Lines::open(
        &server,
        &format!("/api/v1/pods?watch=1&resourceVersion={newest}"),
    )
    .await;
    server.expire_watches();
    assert_eq!(lines.line().await.1["reason"], "Expired");
    let (code, status) = get(&server, "/api/v1/pods?watch=1&resourceVersion=99999").await;
    assert_eq!((code, &status["reason"]), (504, &json!("Timeout")));
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

fn client(server: &ApiServer) -> Client {
    let _ = http();
    Client::try_from(kube::Config::new(server.url().parse().unwrap())).unwrap()
}

async fn event<K>(
    stream: &mut (impl Stream<Item = watcher::Result<Event<K>>> + Unpin),
) -> watcher::Result<Event<K>> {
    let next = tokio::time::timeout(Duration::from_secs(10), stream.next());
    next.await
        .expect("an event within ten seconds")
        .expect("a watcher never ends")
}

/// Waits until a watcher, whatever it says in between, has a pod of that name.
async fn until_applied(
    stream: &mut (impl Stream<Item = watcher::Result<Event<Pod>>> + Unpin),
    name: &str,
) {
    loop {
        if let Ok(Event::Apply(pod) | Event::InitApply(pod)) = event(stream).await
            && pod.metadata.name.as_deref() == Some(name)
        {
            return;
        }
    }
}

#[tokio::test]
async fn kube_client_lists_patches_and_reads_errors() {
    let server = server(3).await;
    let pods: Api<Pod> = Api::namespaced(client(&server), "shop");
    assert_eq!(
        pods.list(&ListParams::default().labels("app=even"))
            .await
            .unwrap()
            .items
            .len(),
        2
    );
    assert_eq!(
        pods.list_metadata(&ListParams::default().limit(2))
            .await
            .unwrap()
            .items
            .len(),
        2
    );
    match pods.get("none").await {
        Err(kube::Error::Api(status)) => {
            assert_eq!((status.code, status.reason.as_str()), (404, "NotFound"));
        }
        other => panic!("{other:?}"),
    }
    let deployments: Api<Deployment> = Api::namespaced(client(&server), "shop");
    let body = serde_json::from_value(deployment("web")).unwrap();
    deployments
        .create(&PostParams::default(), &body)
        .await
        .unwrap();
    let patch = Patch::Merge(json!({"spec": {"replicas": 3}}));
    let patched = deployments
        .patch("web", &PatchParams::default(), &patch)
        .await
        .unwrap();
    assert_eq!(patched.spec.replicas, Some(3));
}

#[tokio::test]
async fn kube_watcher_survives_410_and_an_outage_on_the_same_port() {
    for config in [
        watcher::Config::default().page_size(2),
        watcher::Config::default().streaming_lists(),
    ] {
        let server = server(3).await;
        let mut stream = Box::pin(watcher(Api::<Pod>::all(client(&server)), config));
        until_applied(&mut stream, "pod-2").await;
        server.expire_watches();
        put(&server, pod("shop", "after-410", "x"));
        until_applied(&mut stream, "after-410").await;
        server.set_mode(Mode::Refusing).await;
        put(&server, pod("shop", "after-outage", "x"));
        let refused = http()
            .get(format!("{}/version", server.url()))
            .send()
            .await
            .unwrap_err();
        assert!(refused.is_connect(), "{refused:?}");
        while event(&mut stream).await.is_ok() {}
        server.set_mode(Mode::Serving).await;
        until_applied(&mut stream, "after-outage").await;
    }
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

#[tokio::test]
async fn answers_tables_and_reviews_of_access() {
    let server = server(1).await;
    put(&server, deployment("web"));
    let table = |path: &str| {
        let accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        let request = http().get(format!("{}{path}", server.url()));
        async move {
            let answer = request.header("accept", accept).send().await.unwrap();
            answer.json::<Value>().await.unwrap()
        }
    };
    let pods = table("/api/v1/pods").await;
    assert_eq!(pods["kind"], "Table");
    let cells = &pods["rows"][0]["cells"];
    assert_eq!(
        cells.as_array().unwrap()[..3],
        ["pod-0", "0/1", "Running"].map(Value::from)
    );
    let one = table("/apis/apps/v1/namespaces/shop/deployments/web").await;
    assert_eq!(one["rows"][0]["cells"][1], "0/1");
    server.forbid(vec![Forbid::all("secrets")]);
    let url = format!(
        "{}/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        server.url()
    );
    for (resource, allowed) in [("pods", true), ("secrets", false)] {
        let attributes = json!({"verb": "list", "resource": resource, "namespace": "shop"});
        let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes}});
        let answer = http().post(&url).json(&review).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["status"]["allowed"], allowed, "{resource}");
    }
}

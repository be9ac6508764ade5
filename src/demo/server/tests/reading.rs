//! Discovery, lists and watches.

use super::*;

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

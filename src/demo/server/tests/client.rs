//! The client that Tidegate uses, against this server.

use super::*;

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

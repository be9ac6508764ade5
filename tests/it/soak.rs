//! How long a version has been healthy upstream: what clusters say of it, and what Tidegate has seen and kept.

#![allow(clippy::unwrap_used)] // helpers fail by panicking

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidegate::demo::server::{ApiServer, Resource, ServerOptions, kubeconfig};

use crate::support::{
    repo::{Repository, Said, ran, write},
    schema::assert_described,
    terminal::TIDEGATE,
    web::{Web, reply},
};

/// `prod` follows staging; both have a cluster.
const CONFIGURATION: &str = "[[environments]]\nname = \"staging\"\ncluster = \"staging\"\nnamespace = \"shop\"\n\
     [[environments]]\nname = \"prod\"\nfrom = [\"staging\"]\ncluster = \"prod\"\nnamespace = \"shop\"\nprotected = true\n\
     GATES\
     [[layouts]]\npreset = \"helm-values\"\npath = \"{env}/{service}.yaml\"\n";

pub struct World {
    pub repository: Repository,
    pub staging: ApiServer,
    pub prod: ApiServer,
    kubeconfig: PathBuf,
}

impl World {
    pub async fn new() -> Self {
        let gates = "[environments.gates]\nsoak = { for = \"24h\" }\ntogether = { for = \"2h\" }\n";
        Self::with(gates, Vec::new()).await
    }

    /// `gates` stands in prod's table, and its cluster has these kinds too.
    pub async fn with(gates: &str, kinds: Vec<Resource>) -> Self {
        let repository = Repository::empty();
        repository.write("tidegate.toml", &CONFIGURATION.replace("GATES", gates));
        for environment in ["staging", "prod"] {
            for service in ["web", "pay"] {
                let path = format!("{environment}/{service}.yaml");
                let version = if environment == "staging" {
                    "1.1.0"
                } else {
                    "1.0.0"
                };
                repository.write(&path, &format!("image: {{tag: {version}}}\n"));
            }
        }
        repository.publish("Initial");
        repository.pull();
        let staging = ApiServer::start(ServerOptions::new("staging"))
            .await
            .unwrap();
        let mut options = ServerOptions::new("prod");
        options.resources.extend(kinds);
        let prod = ApiServer::start(options).await.unwrap();
        for service in ["web", "pay"] {
            deploy(&prod, service, "1.0.0", 900);
        }
        let file = repository.home().join("kubeconfig");
        fs::create_dir_all(repository.home()).unwrap();
        fs::write(&file, kubeconfig([&staging, &prod])).unwrap();
        Self {
            repository,
            staging,
            prod,
            kubeconfig: file,
        }
    }

    /// The binary, away from the threads that play the clusters.
    pub async fn tidegate(&self, arguments: &[&str]) -> Said {
        let mut command = self.repository.command(TIDEGATE);
        command
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            .current_dir(self.repository.clone_path());
        tokio::task::spawn_blocking(move || ran(command, ""))
            .await
            .unwrap()
    }

    /// Where its clusters are.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    pub async fn verdict(&self, gate: &str) -> Value {
        let said = self.tidegate(&["why", "web", "--to", "prod", "-o", "json"]);
        let said = said.await.exits(0).json();
        assert_described(&said);
        let mut verdicts = said["verdicts"].as_array().unwrap().iter();
        verdicts.find(|it| it["gate"] == gate).unwrap().clone()
    }

    /// What is kept of a cluster.
    fn kept(&self, cluster: &str) -> PathBuf {
        let mut folders = vec![self.repository.home()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let (path, name) = (entry.path(), entry.file_name());
                if path.is_dir() {
                    folders.push(path);
                } else if name
                    .to_string_lossy()
                    .starts_with(&format!("healthy-{cluster}-"))
                    && name.to_string_lossy().ends_with(".json")
                {
                    return path;
                }
            }
        }
        panic!("nothing is kept of {cluster}");
    }
}

/// A Deployment at rest, complete so many minutes ago.
pub fn deploy(server: &ApiServer, name: &str, version: &str, minutes: i64) {
    let at = (Timestamp::now() - SignedDuration::from_mins(minutes)).to_string();
    let set = format!("{name}-{}", version.replace('.', ""));
    let template = json!({
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "app", "image": format!("reg.example.com/{name}:{version}")}]},
    });
    let annotations = json!({"deployment.kubernetes.io/revision": "1"});
    let owner = |kind: &str, name: &str| json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": name, "controller": true}]);
    let apply = |object| server.store().apply(object, at.parse().unwrap()).unwrap();
    apply(json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": name}, "annotations": annotations},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template},
        "status": {"observedGeneration": 1000, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1,
            "availableReplicas": 1, "conditions": [
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "lastUpdateTime": at,
                    "lastTransitionTime": at},
                {"type": "Available", "status": "True", "lastUpdateTime": at, "lastTransitionTime": at}]},
    }));
    apply(json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": set, "namespace": "shop", "annotations": annotations,
            "ownerReferences": owner("Deployment", name)},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template},
        "status": {"replicas": 1, "readyReplicas": 1},
    }));
    let image = format!("reg.example.com/{name}:{version}");
    apply(json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("{set}-0"), "namespace": "shop", "labels": {"app": name},
            "ownerReferences": owner("ReplicaSet", &set)},
        "spec": {"nodeName": "node-1", "containers": [{"name": "app", "image": image}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": at}],
            "containerStatuses": [{"name": "app", "image": image, "imageID": "", "ready": true, "started": true,
                "restartCount": 0, "state": {"running": {"startedAt": at}}}],
        },
    }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_goes_on_when_it_has_soaked_and_the_set_has_run_together() {
    let world = World::new().await;
    deploy(&world.staging, "web", "1.1.0", 30 * 60);
    deploy(&world.staging, "pay", "1.1.0", 60);
    let soak = world.verdict("soak").await;
    assert_eq!(soak["outcome"], "pass", "{soak}");
    let detail = soak["detail"].as_str().unwrap();
    let told = "1.1.0 has been healthy in staging for 1d 6h, seen by Kubernetes";
    assert!(detail.starts_with(told), "{detail}");
    // By itself; with pay, which came an hour ago, it has not been together for long enough.
    assert_eq!(world.verdict("together").await["outcome"], "pass");
    let promote = [
        "promote", "web", "pay", "--from", "staging", "--to", "prod", "--yes",
    ];
    let said = world.tidegate(&promote).await.exits(3);
    said.shows("together hold: the 2 versions have run side by side, healthy, in staging for 1h; 2h are asked for")
        .shows("soak hold: 1.1.0 has been healthy in staging for 1h, seen by Kubernetes; 1d are asked for");
    world
        .tidegate(&[
            "promote", "web", "--from", "staging", "--to", "prod", "--yes",
        ])
        .await
        .exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_seen_is_kept_and_what_is_damaged_is_told_and_set_aside() {
    let world = World::new().await;
    // Nothing of it says since when: it is as it is found.
    deploy(&world.staging, "web", "1.1.0", 10);
    let mut bare = Value::clone(
        &world
            .staging
            .store()
            .get("deployments", "shop", "web")
            .unwrap(),
    );
    bare["status"]["conditions"] = json!([]);
    let store = world.staging.store();
    store.apply(bare, Timestamp::now()).unwrap();
    let mut pod = Value::clone(&store.get("pods", "shop", "web-110-0").unwrap());
    pod["status"]["conditions"] = json!([{"type": "Ready", "status": "True"}]);
    store.apply(pod, Timestamp::now()).unwrap();
    let soak = world.verdict("soak").await;
    assert_eq!(soak["outcome"], "hold", "{soak}");
    let detail = soak["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("at least 0s, seen by Tidegate"), "{detail}");
    assert!(soak["earliest"].is_string(), "{soak}");
    let kept = world.kept("staging");
    let read = || -> Value { serde_json::from_slice(&fs::read(&kept).unwrap()).unwrap() };
    let first = read();
    assert_eq!(first["form"], 1);
    let entry = &first["kept"][0];
    assert_eq!(
        (&entry["service"], &entry["environment"]),
        (&json!("web"), &json!("staging"))
    );
    // Two looks that nobody followed are no time in between.
    world.tidegate(&["status"]).await.exits(0);
    let second = read();
    let stretches = second["kept"].as_array().unwrap().iter();
    let web = stretches.clone().find(|it| it["service"] == "web").unwrap();
    assert_eq!(web["since"], entry["since"], "it was first looked at");
    assert_eq!(web["stretches"].as_array().unwrap().len(), 1, "{web}");
    assert_eq!(web["stretches"][0]["from"], web["stretches"][0]["to"]);
    // A day of watching, as the console would have kept it.
    let (now, day) = (Timestamp::now(), SignedDuration::from_hours(25));
    let whole = json!({"form": 1, "kept": [{"service": "web", "environment": "staging", "since": (now - day),
        "looked": now, "stretches": [{"version": "1.1.0", "from": (now - day), "to": now, "by": "tidegate", "cut": true}]}]});
    fs::write(&kept, whole.to_string()).unwrap();
    let soak = world.verdict("soak").await;
    assert_eq!(soak["outcome"], "pass", "{soak}");
    let told = async |words: &str| {
        world
            .tidegate(&["status"])
            .await
            .exits(0)
            .says("what was seen healthy in staging:")
            .says(words);
    };
    // What is put aside is never written over what was before.
    for (damage, ending) in [("{\"form\":1,\"kept\":[{", ""), ("[", ".2")] {
        fs::write(&kept, damage).unwrap();
        told("and it begins anew").await;
        let aside = kept.with_extension(format!("json.unread{ending}"));
        assert_eq!(fs::read_to_string(aside).unwrap(), damage);
        assert_eq!(read()["form"], 1);
    }
    let theirs = "{\"form\":9,\"kept\":[]}";
    fs::write(&kept, theirs).unwrap();
    told("it is left alone").await;
    assert_eq!(fs::read_to_string(&kept).unwrap(), theirs);
}

/// A Prometheus that knows web 1.1.0 healthy for so many hours; the version stands in this label.
fn prometheus(hours: i64, label: &'static str) -> Web {
    Web::serve(move |asked, stream| {
        let now = Timestamp::now().as_second();
        let points = (0..=hours * 12).rev();
        let values: Vec<Value> = points.map(|it| json!([now - it * 300, "1"])).collect();
        let metric = json!({ label: "1.1.0" });
        let is_range = asked.target.starts_with("/api/v1/query_range?");
        let is_its = asked.target.contains("web") && asked.target.contains("staging");
        let result = if is_range && is_its {
            json!([{ "metric": metric, "values": values }])
        } else {
            json!([])
        };
        let answer =
            json!({ "status": "success", "data": { "resultType": "matrix", "result": result } });
        reply(stream, 200, &[], answer.to_string().as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prometheus_knows_of_before_anybody_looked() {
    let world = World::new().await;
    deploy(&world.staging, "web", "1.1.0", 10);
    let own = world.repository.home().join("config/tidegate/config.toml");
    let configured = |server: Option<&Web>, more: &str| {
        let server = server.map_or(String::new(), |server| {
            format!(
                "[[servers]]\nname = \"main\"\nurl = \"{}\"\n",
                server.url("/")
            )
        });
        let healthy = "[[environments]]\nname = \"staging\"\nhealthy = { server = \"main\", \
            query = \"min by (version) (up{job='{service}', env='{env}'})\", above = 0MORE }\n";
        let text = server + &healthy.replace("MORE", more);
        write(&own, text.as_bytes());
    };
    let soak = async |outcome: &str, words: &str| {
        let said = world.verdict("soak").await;
        let detail = said["detail"].as_str().unwrap();
        assert!(
            said["outcome"] == outcome && detail.contains(words),
            "{said}, not {outcome}: {words}"
        );
        said
    };
    soak("hold", "for 10m, seen by Kubernetes; 1d are asked for").await;
    let long = prometheus(30, "version");
    configured(Some(&long), "");
    soak(
        "pass",
        "1.1.0 has been healthy in staging for 1d 6h, seen by Prometheus, since ",
    )
    .await;
    // Its server is asked for the service and the environment, and for the time that is configured.
    let asked = long.asked().pop().unwrap();
    assert!(asked.target.contains("step=300"), "{}", asked.target);
    let short = prometheus(20, "version");
    configured(Some(&short), "");
    let said = soak("hold", "for 20h, seen by Prometheus; 1d are asked for").await;
    assert!(said["earliest"].is_string(), "{said}");
    let other = prometheus(30, "tag");
    configured(Some(&other), ", label = \"tag\"");
    soak("pass", "seen by Prometheus").await;
    // Who does not say anything leaves it as it was.
    configured(Some(&other), "");
    soak("hold", "for 10m, seen by Kubernetes").await;
    configured(None, "");
    soak("hold", "for 10m, seen by Kubernetes").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prometheus_that_does_not_say_it_is_told_where_nobody_else_knows() {
    let world = World::new().await;
    let own = world.repository.home().join("config/tidegate/config.toml");
    let text = "[[environments]]\nname = \"staging\"\nhealthy = { server = \"main\", query = \"up{env='{env}',job='{service}'}\", above = 0 }\n";
    let other = prometheus(30, "tag");
    let server = format!(
        "[[servers]]\nname = \"main\"\nurl = \"{}\"\n",
        other.url("/")
    );
    let cases = [
        (
            server,
            "; the Prometheus main does not say it: a series has no label `version`",
        ),
        (
            String::new(),
            "; the Prometheus main does not say it: no server is called `main`",
        ),
    ];
    for (server, words) in cases {
        write(&own, (server + text).as_bytes());
        let said = world.verdict("soak").await;
        assert_eq!(said["outcome"], "hold", "{said}");
        let detail = said["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{detail}");
    }
}

#[test]
fn what_is_wrong_with_a_prometheus_of_the_past_is_said() {
    let cases = [
        (
            "{ server = \"main\", query = \"up\" }",
            "says of no value that it is good",
        ),
        ("{ query = \"up\", above = 0 }", "has no `server`"),
        (
            "{ server = \"main\", query = \"up{v='{version}'}\", above = 0 }",
            "is about no change",
        ),
        (
            "{ server = \"main\", query = \"up\", above = 0, step = \"1s\" }",
            "asks for 1209600 moments",
        ),
        (
            "{ server = \"main\", query = \"up\", above = 0, back = \"soon\" }",
            "`soon` is no length of time",
        ),
        (
            "{ server = \"main\", query = \"up\", above = 0, every = \"5m\" }",
            "environments[0].healthy.every: unknown key",
        ),
    ];
    let repository = Repository::seeded();
    for (healthy, words) in cases {
        let text = format!("[[environments]]\nname = \"dev\"\nhealthy = {healthy}\n");
        write(
            &repository.clone_path().join("tidegate.toml"),
            text.as_bytes(),
        );
        repository
            .tidegate(&["status", "--no-live"])
            .exits(2)
            .says(words);
    }
}

//! The clusters in virtual time: nothing sleeps, every run is the same.

use super::*;
use crate::demo::{
    seed::{Beside, plant},
    server::{ApiServer, ServerOptions},
};

const REGISTRY: &str = "127.0.0.1:5000";
const NOW: &str = "2026-11-21T14:00:00Z";

struct World {
    _folder: tempfile::TempDir,
    _server: ApiServer,
    agent: Agent,
    now: Timestamp,
}

impl World {
    async fn new(environment: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = NOW.parse().unwrap();
        let beside = Beside {
            outside: REGISTRY.to_owned(),
            forge: None,
        };
        let seeded = plant(folder.path(), now, 7, &beside).unwrap();
        let mut options = ServerOptions::new(environment);
        options.graceful_pods = true;
        options.resources = resources(environment);
        let server = ApiServer::start(options).await.unwrap();
        let store = server.store().clone();
        let mut agent =
            Agent::new(&seeded.remote, environment, store, 1.0, HashSet::new()).unwrap();
        let start = std::time::Instant::now();
        agent.remember(&seeded, now).unwrap();
        println!("{environment} remembers in {:?}", start.elapsed());
        Self {
            _folder: folder,
            _server: server,
            agent,
            now,
        }
    }

    fn get(&self, plural: &str, namespace: &str, name: &str) -> Value {
        let found = self.agent.cluster.store().get(plural, namespace, name);
        found.map(|o| Value::clone(&o)).unwrap_or_default()
    }

    fn pods(&self, namespace: &str) -> Vec<Value> {
        let pods = self.agent.cluster.store().list("pods", Some(namespace));
        pods.iter().map(|pod| Value::clone(pod)).collect()
    }

    fn reasons(&self, namespace: &str) -> HashSet<String> {
        let events = self.agent.cluster.store().list("events", Some(namespace));
        events
            .iter()
            .map(|e| e["reason"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Lives on until `done`, at most two minutes; `look` sees every moment.
    fn until(&mut self, mut look: impl FnMut(&Self) -> bool) {
        let end = self.now + SignedDuration::from_mins(2);
        while !look(self) {
            assert!(self.now < end, "not within two minutes");
            let step = self.now + SignedDuration::from_millis(100);
            self.agent.step(step).unwrap();
            self.now = step;
        }
    }

    /// Sets an image, as `kubectl set image` would.
    fn set_image(&self, plural: &str, namespace: &str, name: &str, version: &str) {
        let image = format!("{REGISTRY}/{name}:{version}");
        self.agent
            .cluster
            .store()
            .edit(plural, namespace, name, |object| {
                object["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
            });
    }
}

fn condition(object: &Value, kind: &str) -> (String, String) {
    let conditions = object["status"]["conditions"].as_array().unwrap();
    let found = conditions.iter().find(|c| c["type"] == kind).unwrap();
    let word = |key: &str| found[key].as_str().unwrap().to_owned();
    (word("status"), word("reason"))
}

fn image(pod: &Value) -> &str {
    let image = pod["spec"]["containers"][0]["image"].as_str().unwrap();
    image.rsplit(':').next().unwrap()
}

fn waiting(pod: &Value) -> &str {
    pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"]
        .as_str()
        .unwrap_or_default()
}

#[tokio::test]
async fn an_application_that_waits_for_somebody_syncs_and_goes_back() {
    let mut world = World::new("prod-eu").await;
    let application = |world: &World| world.get("applications", "argocd", "pricing");
    let runs = |world: &World| {
        let deployment = world.get("deployments", "shop-pricing", "pricing");
        image(&deployment["spec"]["template"]).to_owned()
    };
    let before = application(&world);
    assert!(before["spec"]["syncPolicy"]["automated"].is_null());
    assert_eq!(before["status"]["sync"]["status"], "Synced");
    let history = before["status"]["history"].as_array().unwrap().clone();
    assert!(history.len() > 2, "{history:?}");
    let newest = runs(&world);
    let ask = |world: &World, sync: Value| {
        let store = world.agent.cluster.store();
        store.edit("applications", "argocd", "pricing", |object| {
            object["operation"] = json!({"sync": sync});
        });
    };
    let revision = &history[history.len() - 2]["revision"];
    ask(&world, json!({"revision": revision}));
    let asked = world.agent.cluster.store().version();
    world.until(|it| runs(it) != newest && application(it)["operation"].is_null());
    let back = application(&world);
    assert_eq!(back["status"]["sync"]["status"], "OutOfSync");
    // Whoever waits for the end of the operation sees at once what came of it.
    let (_, changes) = world.agent.cluster.store().since(asked).unwrap();
    let mut ended = changes.iter().map(|change| &change.after);
    let ended = ended.find(|it| it["kind"] == "Application" && it["operation"].is_null());
    assert_eq!(ended.unwrap()["status"]["sync"]["status"], "OutOfSync");
    let entries = back["status"]["history"].as_array().unwrap();
    assert_eq!(&entries.last().unwrap()["revision"], revision);
    ask(&world, json!({}));
    world.until(|it| runs(it) == newest && application(it)["operation"].is_null());
    assert_eq!(application(&world)["status"]["sync"]["status"], "Synced");
}

#[tokio::test]
async fn the_bad_release_crash_loops_while_old_pods_stay() {
    let world = World::new("prod-us").await;
    let checkout = world.get("deployments", "shop-checkout", "checkout");
    assert_eq!(
        condition(&checkout, "Progressing"),
        ("False".into(), "ProgressDeadlineExceeded".into())
    );
    assert_eq!(condition(&checkout, "Available").0, "True");
    let status = &checkout["status"];
    assert_eq!(
        (&status["readyReplicas"], &status["updatedReplicas"]),
        (&json!(3), &json!(5))
    );
    let pods = world.pods("shop-checkout");
    let broken: Vec<_> = pods.iter().filter(|p| image(p) == "1.42.0").collect();
    assert_eq!((broken.len(), pods.len()), (5, 8));
    let restarts = |p: &Value| {
        p["status"]["containerStatuses"][0]["restartCount"]
            .as_i64()
            .unwrap()
    };
    assert!(
        broken.iter().all(|p| restarts(p) >= 4),
        "{:?}",
        broken[0]["status"]
    );
    assert!(broken.iter().any(|p| waiting(p) == "CrashLoopBackOff"));
    assert!(
        world.reasons("shop-checkout").is_superset(
            &[
                "Scheduled",
                "Pulled",
                "Started",
                "BackOff",
                "Killing",
                "ScalingReplicaSet"
            ]
            .map(String::from)
            .into()
        )
    );
}

#[tokio::test]
async fn others_have_run_quietly_since_their_release() {
    let world = World::new("prod-us").await;
    let cart = world.get("deployments", "shop-cart", "cart");
    assert_eq!(
        condition(&cart, "Progressing"),
        ("True".into(), "NewReplicaSetAvailable".into())
    );
    assert_eq!(cart["status"]["availableReplicas"], 4);
    let sets = world
        .agent
        .cluster
        .store()
        .list("replicasets", Some("shop-cart"));
    assert!(sets.len() >= 3, "earlier versions are remembered");
    assert!(world.pods("shop-cart").iter().all(|p| image(p) == "1.17.2"));
    let ledger = world.get("statefulsets", "shop-ledger", "ledger");
    assert_eq!(ledger["status"]["readyReplicas"], 3);
    let daemon = world.get("daemonsets", "shop-log-agent", "log-agent");
    assert_eq!(daemon["status"]["numberAvailable"], 3);
    assert!(
        world
            .pods("shop-mailer")
            .iter()
            .any(|p| image(p) == "2.0.3-hotfix.1"),
        "drift"
    );
}

#[tokio::test]
async fn what_git_says_is_rolled_out_pod_by_pod() {
    let mut world = World::new("staging").await;
    let payments = |world: &World| world.get("deployments", "payments", "payments");
    assert_eq!(payments(&world)["status"]["updatedReplicas"], 3);
    assert!(world.pods("payments").iter().all(|p| image(p) == "3.8.7"));
    let mut seen = HashSet::new();
    world.until(|world| {
        let status = &payments(world)["status"];
        let ready = status["readyReplicas"].as_i64().unwrap();
        assert!(ready >= 3, "25 % of 3 rounds down: none may be missing");
        for pod in world
            .pods("payments")
            .iter()
            .filter(|p| image(p) == "3.9.1")
        {
            seen.insert(waiting(pod).to_owned());
        }
        let pods = world.pods("payments");
        let done = pods.len() == 3 && pods.iter().all(|p| image(p) == "3.9.1");
        done && condition(&payments(world), "Progressing").1 == "NewReplicaSetAvailable"
    });
    assert!(seen.contains("ContainerCreating"), "{seen:?}");
    let paused = world.get("deployments", "mailer", "mailer");
    assert_eq!(
        condition(&paused, "Progressing"),
        ("Unknown".into(), "DeploymentPaused".into())
    );
    assert!(
        world.pods("mailer").iter().all(|p| image(p) == "2.0.3"),
        "Git says 2.0.4"
    );
}

#[tokio::test]
async fn a_revert_heals_and_sets_update_in_order() {
    let mut world = World::new("prod-us").await;
    world.set_image("deployments", "shop-checkout", "checkout", "1.41.3");
    world.until(|world| {
        let pods = world.pods("shop-checkout");
        pods.len() == 6
            && pods
                .iter()
                .all(|p| image(p) == "1.41.3" && pods::is_ready(p))
    });
    let checkout = world.get("deployments", "shop-checkout", "checkout");
    assert_eq!(
        condition(&checkout, "Progressing").1,
        "NewReplicaSetAvailable"
    );
    world.set_image("statefulsets", "shop-ledger", "ledger", "1.10.0");
    world.set_image("daemonsets", "shop-log-agent", "log-agent", "3.2.0");
    let mut order = Vec::new();
    world.until(|world| {
        for pod in world
            .pods("shop-ledger")
            .iter()
            .filter(|p| image(p) == "1.10.0")
        {
            let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
            if !order.contains(&name) {
                order.push(name);
            }
        }
        let ready = world
            .pods("shop-ledger")
            .iter()
            .filter(|p| pods::is_ready(p))
            .count();
        assert!(ready >= 2, "one at a time");
        let sets = [("shop-ledger", "1.10.0"), ("shop-log-agent", "3.2.0")];
        sets.iter().all(|(namespace, version)| {
            let pods = world.pods(namespace);
            pods.len() == 3
                && pods
                    .iter()
                    .all(|p| image(p) == *version && pods::is_ready(p))
        })
    });
    let ledger = world.get("statefulsets", "shop-ledger", "ledger");
    let status = &ledger["status"];
    assert_eq!(status["currentRevision"], status["updateRevision"]);
    assert_eq!(order, ["ledger-2", "ledger-1", "ledger-0"]);
}

#[tokio::test]
async fn an_image_that_was_never_built_cannot_be_pulled() {
    let mut world = World::new("dev").await;
    world.agent.cluster = Cluster::new(
        world.agent.cluster.store().clone(),
        "dev",
        1.0,
        HashSet::from(["other".to_owned()]),
    );
    world.set_image("deployments", "cart", "cart", "9.9.9");
    world.until(|world| {
        world
            .pods("cart")
            .iter()
            .any(|p| waiting(p) == "ImagePullBackOff")
    });
    let cart = world.get("deployments", "cart", "cart");
    assert_eq!(cart["status"]["updatedReplicas"], 1);
}

#[tokio::test]
async fn agents_say_how_far_they_have_got_and_do_what_they_are_told() {
    let flux = |world: &World, service: &str| world.get("kustomizations", "flux-system", service);
    let mut world = World::new("staging").await;
    let mailer = flux(&world, "mailer");
    assert_eq!(mailer["spec"]["suspend"], true);
    let cart = flux(&world, "cart");
    assert_eq!(cart["spec"]["suspend"], false);
    assert_eq!(cart["status"]["conditions"][0]["status"], "True");
    // What a person set is put back when the agent is asked, and once.
    world.set_image("deployments", "cart", "cart", "0.0.1");
    let store = world.agent.cluster.store().clone();
    store.edit("kustomizations", "flux-system", "cart", |object| {
        object["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"] = json!("now");
    });
    let image = |world: &World| {
        let object = world.get("deployments", "cart", "cart");
        image(&object["spec"]["template"]).to_owned()
    };
    world.until(|world| image(world) != "0.0.1");
    world.until(|world| flux(world, "cart")["status"]["lastHandledReconcileAt"] == "now");
    world.set_image("deployments", "cart", "cart", "0.0.1");
    for _ in 0..20 {
        world.now += SignedDuration::from_millis(100);
        world.agent.step(world.now).unwrap();
    }
    assert_eq!(image(&world), "0.0.1", "asked once");

    let mut world = World::new("prod-us").await;
    let argo = |world: &World, service: &str| world.get("applications", "argocd", service);
    let sync = |world: &World| argo(world, "mailer")["status"]["sync"]["status"].clone();
    assert_eq!(sync(&world), "OutOfSync", "a hotfix that Git does not know");
    let store = world.agent.cluster.store().clone();
    store.edit("applications", "argocd", "mailer", |object| {
        object["operation"] = json!({"sync": {}});
    });
    world.until(|world| sync(world) == "Synced");
    assert!(argo(&world, "mailer")["operation"].is_null());
}

#[tokio::test]
async fn a_canary_waits_goes_on_is_given_up_and_begun_again() {
    let mut world = World::new("prod-us").await;
    let get = |world: &World| world.get("rollouts", "shop-storefront", "storefront");
    let running = |world: &World| {
        let mut all: BTreeMap<String, u32> = BTreeMap::new();
        for pod in world.pods("shop-storefront") {
            if pod["metadata"]["deletionTimestamp"].is_null() {
                *all.entry(image(&pod).to_owned()).or_default() += 1;
            }
        }
        all
    };
    let told = |world: &World, change: Value| {
        let store = world.agent.cluster.store();
        store.edit("rollouts", "shop-storefront", "storefront", |object| {
            for (key, value) in change.as_object().unwrap() {
                if value.is_null() {
                    object["status"].as_object_mut().unwrap().remove(key);
                } else {
                    object["status"][key] = value.clone();
                }
            }
        });
    };
    let rollout = get(&world);
    let status = &rollout["status"];
    assert_eq!(
        (&status["phase"], &status["currentStepIndex"]),
        (&json!("Paused"), &json!(1)),
        "{status:#}"
    );
    assert_eq!(running(&world).get("2026.11.5"), Some(&1));
    assert_eq!(running(&world).values().sum::<u32>(), 5);

    told(&world, json!({"abort": true}));
    world.until(|world| get(world)["status"]["phase"] == "Degraded" && running(world).len() == 1);
    assert_eq!(get(&world)["status"]["abort"], true);
    told(&world, json!({"abort": false}));
    world.until(|world| get(world)["status"]["phase"] == "Paused");

    told(&world, json!({"pauseConditions": null}));
    world.until(|world| get(world)["status"]["currentStepIndex"] == 3);
    assert_eq!(running(&world).get("2026.11.5"), Some(&3));
    world.until(|world| get(world)["status"]["phase"] == "Healthy");
    assert_eq!(running(&world), [("2026.11.5".to_owned(), 5)].into());

    // A change of its own waits again, and is let through at once.
    world.set_image("rollouts", "shop-storefront", "storefront", "2026.11.6");
    world.until(|world| get(world)["status"]["phase"] == "Paused");
    told(&world, json!({"promoteFull": true}));
    world.until(|world| get(world)["status"]["phase"] == "Healthy");
    assert_eq!(running(&world), [("2026.11.6".to_owned(), 5)].into());
}

#[tokio::test]
async fn what_needs_a_secret_that_is_not_there_waits_for_it() {
    let mut world = World::new("dev").await;
    let waits = |world: &World| {
        let pods = world.pods("shipping");
        pods.iter()
            .any(|pod| waiting(pod) == "CreateContainerConfigError")
    };
    world.until(waits);
    assert!(world.reasons("shipping").contains("Failed"));
    let pods = world.pods("shipping");
    assert!(
        pods.iter().any(|pod| image(pod) == "2.14.0"),
        "the old one serves"
    );
    let maker = world.get("externalsecrets", "shipping", "shipping-carriers");
    assert_eq!(maker["status"]["conditions"][0]["status"], "False");
    let secret = json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"namespace": "shipping", "name": "shipping-carriers"}, "data": {"token": "eA=="}});
    world
        .agent
        .cluster
        .store()
        .apply(secret, world.now)
        .unwrap();
    world.until(|world| {
        let pods = world.pods("shipping");
        pods.len() == 1 && image(&pods[0]) == "2.14.1" && pods::is_ready(&pods[0])
    });
    let mut elsewhere = World::new("staging").await;
    elsewhere.until(|world| {
        let maker = world.get("externalsecrets", "shipping", "shipping-carriers");
        maker["status"]["conditions"][0]["status"] == "True"
    });
}

//! Every kind of workload, by objects as their controllers leave them: what is told of a cell that is made of them.
#![allow(clippy::unwrap_used)] // a fixture fails by panicking

use serde_json::{Value, json};
use tidegate::{
    demo::server::ApiServer,
    domain::{
        cell::{self, Delivering, State},
        desired::DesiredCell,
        ids::CellKey,
        rollout::{
            CellTarget, ClusterTarget, Connection, Health, LiveCell, ObjectKind, ObjectPlace,
            Selector, Which,
        },
        subject::Subject,
    },
    look,
};

use super::fixture::{Console, Home, apply, server};

fn template(version: &str) -> Value {
    let image = format!("reg.example.com/web:{version}");
    json!({
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": image}]},
    })
}

/// A workload that its controller has seen, on `1.0`.
fn workload(kind: &str, spec: Value, status: Value) -> Value {
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind,
        "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template("1.0")},
        "status": {"observedGeneration": 1000},
    });
    for (part, more) in [("spec", spec), ("status", status)] {
        for (key, value) in more.as_object().unwrap() {
            object[part][key] = value.clone();
        }
    }
    object
}

/// A ready pod of a set or a daemon, of one of its revisions.
fn pod(kind: &str, name: &str, version: &str, revision: &str) -> Value {
    let image = format!("reg.example.com/web:{version}");
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": "web", "controller-revision-hash": revision},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": kind, "name": "web", "uid": "1", "controller": true}]},
        "spec": {"nodeName": "node-1", "containers": [{"name": "web", "image": image}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [{
            "name": "web", "image": image, "imageID": "", "ready": true, "started": true, "restartCount": 0,
            "state": {"running": {"startedAt": "2026-11-21T10:00:00Z"}}}]},
    })
}

fn batch(kind: &str, name: &str, spec: Value, status: Value) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": kind,
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": "web"},
            "creationTimestamp": "2026-11-21T09:00:00Z"},
        "spec": spec, "status": status,
    })
}

fn cron_job(version: &str, more: Value) -> Value {
    let mut spec =
        json!({"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": template(version)}}});
    let mut status = json!({});
    for (key, value) in more.as_object().unwrap() {
        let part = if key == "suspend" {
            &mut spec
        } else {
            &mut status
        };
        part[key] = value.clone();
    }
    batch("CronJob", "web", spec, status)
}

fn run_of(version: &str, ended: Option<&str>) -> Value {
    let conditions = ended.map(|kind| {
        json!([{"type": kind, "status": "True", "lastTransitionTime": "2026-11-21T10:00:00Z"}])
    });
    let mut job = batch(
        "Job",
        "web-1",
        json!({"template": template(version)}),
        json!({ "conditions": conditions }),
    );
    job["metadata"]["ownerReferences"] = json!([{"apiVersion": "batch/v1", "kind": "CronJob", "name": "web", "uid": "1", "controller": true}]);
    job
}

/// Cells by their label, whatever kind they are of.
fn target() -> ClusterTarget {
    let place = ObjectPlace {
        context: "dev".into(),
        kinds: &ObjectKind::WORKLOADS,
        namespace: "shop".into(),
        object: Which::Labels(Selector::parse("app=web").unwrap().into()),
    };
    let cell = CellTarget {
        cell: CellKey::new("web", "dev"),
        places: vec![place],
        image_names: vec!["web".to_owned()],
        desired: Some("1.0".into()),
        subject: Subject::Image,
        written: None,
        policy: None,
    };
    ClusterTarget::new("dev".into(), "dev".to_owned(), vec![cell])
}

/// What is told of a cell that declares `1.0`: its state, its counts where they are shown, and why.
fn told(live: &LiveCell) -> (State, Option<(u32, u32)>, Option<String>) {
    let declared = DesiredCell {
        version: Some("1.0".into()),
        ..DesiredCell::default()
    };
    let status = cell::assess(
        Some(&declared),
        Some(live),
        &Connection::Live,
        Delivering::No,
    );
    let live = LiveCell {
        since: None,
        ..live.clone()
    };
    let plain = cell::assess(
        Some(&declared),
        Some(&live),
        &Connection::Live,
        Delivering::No,
    );
    (status.state, status.ready(), look::why(&plain, live.as_of))
}

type Case = (
    &'static str,
    Vec<Value>,
    (State, Option<(u32, u32)>, Option<&'static str>),
);

fn sets() -> Vec<Case> {
    let set = |strategy: Value, updated: u32, revisions: [&str; 2]| {
        let mut set = workload(
            "StatefulSet",
            json!({"replicas": 3, "serviceName": "web", "updateStrategy": strategy}),
            json!({"replicas": 3, "readyReplicas": 3, "availableReplicas": 3, "updatedReplicas": updated,
                "currentRevision": revisions[0], "updateRevision": revisions[1]}),
        );
        set["spec"]["template"] = template("1.0");
        set
    };
    let pods = |old: usize| {
        (0..3).map(move |i| {
            let (version, hash) = if i < old {
                ("0.9", "web-a")
            } else {
                ("1.0", "web-b")
            };
            pod("StatefulSet", &format!("web-{i}"), version, hash)
        })
    };
    let partition = |of: u32| json!({"type": "RollingUpdate", "rollingUpdate": {"partition": of}});
    let on_delete = json!({"type": "OnDelete"});
    let all = |set: Value, old: usize| [set].into_iter().chain(pods(old)).collect::<Vec<_>>();
    vec![
        (
            "a set whose pods are all of one revision",
            all(set(partition(0), 3, ["web-b", "web-b"]), 0),
            (State::Healthy, None, None),
        ),
        (
            "a set on its way",
            all(set(partition(0), 1, ["web-a", "web-b"]), 2),
            (State::Rolling, Some((3, 3)), Some("1 of 3 pods updated")),
        ),
        (
            "a set on its way to its partition",
            all(set(partition(1), 1, ["web-a", "web-b"]), 2),
            (
                State::Rolling,
                Some((3, 3)),
                Some("1 of 2 pods updated, partition 1"),
            ),
        ),
        (
            "a set that is held at its partition runs another version, too",
            all(set(partition(2), 1, ["web-a", "web-b"]), 2),
            (
                State::Drift,
                None,
                Some("live 0.9, 1.0; held at partition 2: 1 of 3 pods updated"),
            ),
        ),
        (
            "a set whose pods are replaced when somebody deletes them",
            all(set(on_delete, 1, ["web-a", "web-b"]), 2),
            (
                State::Drift,
                None,
                Some("live 0.9, 1.0; 1 of 3 pods updated, the others when deleted (OnDelete)"),
            ),
        ),
    ]
}

fn daemons() -> Vec<Case> {
    let daemon = |strategy: &str, wanted: u32, updated: u32| {
        workload(
            "DaemonSet",
            json!({"updateStrategy": {"type": strategy}}),
            json!({"desiredNumberScheduled": wanted, "currentNumberScheduled": wanted, "numberReady": wanted,
                "numberAvailable": wanted, "updatedNumberScheduled": updated}),
        )
    };
    vec![
        (
            "a daemon on no node",
            vec![daemon("RollingUpdate", 0, 0)],
            (State::Healthy, Some((0, 0)), Some("no node is to run it")),
        ),
        (
            "a daemon on its way",
            vec![
                daemon("RollingUpdate", 2, 1),
                pod("DaemonSet", "web-x", "1.0", "b"),
                pod("DaemonSet", "web-y", "0.9", "a"),
            ],
            (State::Rolling, Some((2, 2)), Some("1 of 2 pods updated")),
        ),
        (
            "a daemon whose pods are replaced when somebody deletes them",
            vec![
                daemon("OnDelete", 2, 1),
                pod("DaemonSet", "web-x", "1.0", "b"),
                pod("DaemonSet", "web-y", "0.9", "a"),
            ],
            (
                State::Drift,
                None,
                Some("live 0.9, 1.0; 1 of 2 pods updated, the others when deleted (OnDelete)"),
            ),
        ),
    ]
}

fn deployments() -> Vec<Case> {
    let deployment = |wanted: u32, there: u32, paused: bool| {
        workload(
            "Deployment",
            json!({"replicas": wanted, "paused": paused}),
            json!({"replicas": there, "updatedReplicas": there, "readyReplicas": there, "availableReplicas": there,
                "conditions": [{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]}),
        )
    };
    vec![
        (
            "nothing is wanted",
            vec![deployment(0, 0, false)],
            (State::Healthy, Some((0, 0)), Some("scaled to zero")),
        ),
        (
            "an autoscaler wants more",
            vec![deployment(5, 3, false)],
            (State::Rolling, Some((3, 5)), Some("3 of 5 pods updated")),
        ),
        (
            "paused",
            vec![deployment(3, 3, true)],
            (State::Suspended, None, Some("paused (spec.paused)")),
        ),
        (
            "several workloads: the worst counts, and all of their pods",
            vec![
                deployment(2, 2, false),
                workload(
                    "StatefulSet",
                    json!({"replicas": 2, "serviceName": "web"}),
                    json!({"replicas": 2, "readyReplicas": 1, "updatedReplicas": 2}),
                ),
            ],
            (State::Rolling, Some((3, 4)), Some("1 of 2 pods ready")),
        ),
        (
            "a workload beside a run that has failed",
            vec![
                deployment(2, 2, false),
                batch(
                    "Job",
                    "migrate",
                    json!({"template": template("1.0")}),
                    json!({"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}),
                ),
            ],
            (
                State::Degraded,
                Some((2, 2)),
                Some("failed: BackoffLimitExceeded"),
            ),
        ),
    ]
}

fn batches() -> Vec<Case> {
    let job = |status: Value| batch("Job", "web", json!({"template": template("1.0")}), status);
    let ended =
        |kind: &str| json!({"conditions": [{"type": kind, "status": "True", "reason": "Its"}]});
    vec![
        (
            "a job that runs",
            vec![job(json!({"active": 1}))],
            (State::Rolling, None, Some("runs now")),
        ),
        (
            "a job that is over",
            vec![job(ended("Complete"))],
            (State::Healthy, None, Some("ran to its end")),
        ),
        (
            "a job that has failed",
            vec![job(ended("Failed"))],
            (State::Degraded, None, Some("failed: Its")),
        ),
        (
            "a schedule that has not come to a run",
            vec![cron_job("1.0", json!({}))],
            (State::Healthy, None, Some("has not run yet")),
        ),
        (
            "a schedule that is suspended",
            vec![cron_job("1.0", json!({"suspend": true}))],
            (State::Suspended, None, Some("suspended (spec.suspend)")),
        ),
        (
            "a schedule whose run runs is no rollout",
            vec![cron_job("1.0", json!({})), run_of("1.0", None)],
            (State::Healthy, None, Some("web-1 runs now")),
        ),
        (
            "a schedule whose last run has failed",
            vec![cron_job("1.0", json!({})), run_of("1.0", Some("Failed"))],
            (State::Degraded, None, Some("the last run (web-1) failed")),
        ),
        (
            "a schedule of another version, which nothing runs now",
            vec![cron_job("0.9", json!({})), run_of("0.9", Some("Complete"))],
            (State::Drift, None, Some("would run 0.9")),
        ),
        (
            "a schedule whose last run was of the version before",
            vec![cron_job("1.0", json!({})), run_of("0.9", Some("Failed"))],
            (State::Healthy, None, Some("this version has not run yet")),
        ),
    ]
}

async fn hold(cases: Vec<Case>) {
    for (name, objects, expected) in cases {
        let (home, server) = (Home::new(), server("dev").await);
        for object in objects {
            apply(&server, object);
        }
        let seen = seen(&home, &server).await;
        let (state, ready, why) = told(&seen);
        assert_eq!(
            (state, ready, why.as_deref()),
            expected,
            "{name}: {seen:#?}"
        );
    }
}

async fn seen(home: &Home, server: &ApiServer) -> LiveCell {
    let mut console = Console::start(vec![target()], home.options(&[server]));
    console
        .until("the column", |c| c.connection("dev") == Connection::Live)
        .await;
    assert!(console.losses.is_empty(), "{:?}", console.losses);
    console.cell("dev", "web")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sets_by_their_partition_and_strategy() {
    hold(sets()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn daemons_by_their_strategy() {
    hold(daemons()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deployments_at_zero_and_beside_others() {
    hold(deployments()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_and_schedules_by_their_last_run() {
    hold(batches()).await;
}

/// Whoever may not see pods still sees how the runs of a schedule ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_waits_for_no_pods() {
    let (home, server) = (Home::new(), server("dev").await);
    apply(&server, cron_job("1.0", json!({})));
    apply(&server, run_of("1.0", Some("Complete")));
    server.forbid(vec![tidegate::demo::server::Forbid::all("pods")]);
    let mut console = Console::start(vec![target()], home.options(&[&server]));
    console
        .until("its last run", |c| {
            c.cell("dev", "web").health == Health::Healthy
        })
        .await;
    let cell = console.cell("dev", "web");
    assert_eq!(
        cell.reason.as_deref(),
        Some("the last run (web-1) succeeded")
    );
}

//! What runs becomes what is shown.

use serde_json::json;
use tidegate::{
    domain::{
        ids::CellKey,
        rollout::{Connection, Health, NotesTarget},
    },
    sources::cluster::snapshot,
};

use super::fixture::{Console, Home, apply, deploy, impatient, pod, server, target};

fn versions(console: &Console) -> Vec<(String, u32)> {
    let cell = console.cell("dev", "checkout");
    let versions = cell.versions.into_iter();
    versions.map(|(v, n)| (v.to_string(), n)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_is_seen_from_the_first_list_to_the_end() {
    let (home, server) = (Home::new(), server("dev").await);
    deploy(&server, "shop", "checkout", "1.0", 2);
    let mut console = Console::start(
        vec![target("dev", &[("shop", "checkout"), ("shop", "absent")])],
        home.options(&[&server]),
    );
    let cell = console.cell("dev", "checkout");
    assert_eq!((cell.health, cell.stale), (Health::Unknown, false));
    console
        .until("the first list", |c| {
            c.connection("dev") == Connection::Live
        })
        .await;
    let cell = console.cell("dev", "checkout");
    assert_eq!((cell.health, cell.ready), (Health::Healthy, 2));
    assert_eq!(cell.serving, Some("1.0".into()));
    assert_eq!(console.cell("dev", "absent").health, Health::Missing);

    // The next version is applied; no controller has looked yet.
    let store = server.store();
    store.edit("deployments", "shop", "checkout", |deployment| {
        deployment["spec"]["template"]["spec"]["containers"][0]["image"] =
            json!("reg.example.com/checkout:1.1");
        deployment["status"]["observedGeneration"] = json!(0);
    });
    console
        .until("progress", |c| {
            c.cell("dev", "checkout").health == Health::Progressing
        })
        .await;
    assert_eq!(console.cell("dev", "checkout").serving, Some("1.1".into()));

    apply(&server, pod("shop", "checkout-11", "checkout", "1.1", 0));
    console
        .until("both versions", |c| {
            versions(c) == [("1.0".to_owned(), 2), ("1.1".to_owned(), 1)]
        })
        .await;

    deploy(&server, "shop", "checkout", "1.1", 2);
    for i in 0..2 {
        server
            .store()
            .remove("pods", "shop", &format!("checkout-10-{i}"));
    }
    console
        .until("the end", |c| {
            c.cell("dev", "checkout").health == Health::Healthy
                && versions(c) == [("1.1".to_owned(), 2)]
        })
        .await;
    server.store().remove("deployments", "shop", "checkout");
    console
        .until("its end", |c| {
            c.cell("dev", "checkout").health == Health::Missing
        })
        .await;
    assert!(console.losses.is_empty(), "{:?}", console.losses);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_loop_is_degraded_with_its_reason() {
    let (home, server) = (Home::new(), server("dev").await);
    deploy(&server, "shop", "checkout", "1.0", 2);
    let mut console = Console::start(
        vec![target("dev", &[("shop", "checkout")])],
        home.options(&[&server]),
    );
    server.store().edit("pods", "shop", "checkout-10-0", |pod| {
        pod["status"]["conditions"][0]["status"] = json!("False");
        pod["status"]["containerStatuses"][0] = json!({
            "name": "app", "image": "", "imageID": "", "ready": false, "started": false, "restartCount": 14,
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
            "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "message": "no \u{1b}[31mdatabase\n"}},
        });
    });
    console
        .until("the crash", |c| {
            c.cell("dev", "checkout").health == Health::Degraded
        })
        .await;
    let cell = console.cell("dev", "checkout");
    assert_eq!(
        cell.reason.as_deref(),
        Some("CrashLoopBackOff ×14 (1 of 2 pods), last exit 1: no database")
    );
    assert_eq!(cell.since, "2026-11-21T10:00:00Z".parse().ok());
    assert_eq!((cell.pods[0].restarts, cell.pods[0].ready), (14, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notes_are_watched_for_the_selected_cell_only() {
    let (home, server) = (Home::new(), server("dev").await);
    deploy(&server, "shop", "checkout", "1.0", 1);
    let note = |name: &str, kind: &str, object: &str, time: &str| {
        apply(
            &server,
            json!({
                "apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": "shop"},
                "involvedObject": {"kind": kind, "name": object, "namespace": "shop"},
                "type": "Warning", "reason": "BackOff", "message": "Back-off\nrestarting", "count": 3,
                "lastTimestamp": time,
            }),
        );
    };
    note("a", "Pod", "checkout-10-0", "2026-11-21T10:00:00Z");
    note("b", "Pod", "checkout-api-10-0", "2026-11-21T10:00:01Z");
    note("c", "Deployment", "checkout", "2026-11-21T10:00:02Z");
    let mut console = Console::start(
        vec![target("dev", &[("shop", "checkout")])],
        home.options(&[&server]),
    );
    console
        .until("the first list", |c| {
            c.connection("dev") == Connection::Live
        })
        .await;
    assert!(
        console
            .view("dev")
            .notes(&CellKey::new("checkout", "dev"))
            .is_none()
    );
    let asked = |server: &tidegate::demo::server::ApiServer| {
        server
            .requests()
            .iter()
            .filter(|r| r.contains("/events"))
            .count()
    };
    assert_eq!(asked(&server), 0, "nobody asked for notes");

    console.watching.select(Some(NotesTarget {
        cell: CellKey::new("checkout", "dev"),
        context: "dev".to_owned(),
        namespace: "shop".to_owned(),
        workloads: vec!["Deployment/checkout".to_owned()],
    }));
    let objects = |c: &Console| -> Vec<String> {
        let view = c.view("dev");
        let notes = view
            .notes(&CellKey::new("checkout", "dev"))
            .map(|(notes, _)| notes.to_vec());
        notes
            .unwrap_or_default()
            .into_iter()
            .map(|note| note.object)
            .collect()
    };
    console
        .until("the notes", |c| {
            objects(c) == ["Deployment/checkout", "Pod/checkout-10-0"]
        })
        .await;
    let view = console.view("dev");
    let first = view.notes(&CellKey::new("checkout", "dev")).unwrap().0[0].clone();
    assert_eq!(
        (first.message.as_str(), first.count),
        ("Back-off restarting", 3)
    );
    note("d", "ReplicaSet", "checkout-10", "2026-11-21T10:00:03Z");
    console.until("a new one", |c| objects(c).len() == 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cron_job_is_seen_by_its_template_and_its_last_run() {
    let (home, server) = (Home::new(), server("dev").await);
    let spec = |version: &str| {
        let image = format!("reg.example.com/sweep:{version}");
        json!({"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "app", "image": image}]}}})
    };
    let cron_job = |version: &str| {
        json!({
            "apiVersion": "batch/v1", "kind": "CronJob",
            "metadata": {"name": "sweep", "namespace": "shop"},
            "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": spec(version)}},
        })
    };
    let run = |name: &str, created: &str, version: &str, ended: &str| {
        json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": name, "namespace": "shop", "creationTimestamp": created,
                "ownerReferences": [{"apiVersion": "batch/v1", "kind": "CronJob", "name": "sweep", "uid": "1", "controller": true}]},
            "spec": spec(version),
            "status": {"conditions": [{"type": ended, "status": "True", "lastTransitionTime": "2026-11-21T10:00:00Z"}]},
        })
    };
    apply(&server, cron_job("1.0"));
    apply(
        &server,
        run("sweep-1", "2026-11-21T09:00:00Z", "1.0", "Complete"),
    );
    let mut console = Console::start(
        vec![target("dev", &[("shop", "sweep")])],
        home.options(&[&server]),
    );
    let reason = |c: &Console| c.cell("dev", "sweep").reason.unwrap_or_default();
    console
        .until("the last run", |c| {
            reason(c) == "the last run (sweep-1) succeeded"
        })
        .await;
    let cell = console.cell("dev", "sweep");
    assert_eq!((cell.health, cell.batch), (Health::Healthy, true));
    assert_eq!(cell.workloads, ["CronJob/sweep"]);

    apply(&server, cron_job("1.1"));
    console
        .until("another template", |c| {
            reason(c) == "this version has not run yet"
        })
        .await;
    assert_eq!(console.cell("dev", "sweep").serving, Some("1.1".into()));
    apply(
        &server,
        run("sweep-2", "2026-11-21T10:00:00Z", "1.1", "Failed"),
    );
    console
        .until("its failure", |c| {
            c.cell("dev", "sweep").health == Health::Degraded
        })
        .await;
    assert_eq!(reason(&console), "the last run (sweep-2) failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_takes_what_answers_and_names_what_does_not() {
    let (home, dev, prod) = (Home::new(), server("dev").await, server("prod").await);
    deploy(&dev, "shop", "checkout", "1.0", 1);
    let options = home.options(&[&dev, &prod]);
    prod.set_mode(tidegate::demo::server::Mode::Refusing).await;
    let targets = [
        target("dev", &[("shop", "checkout")]),
        target("prod", &[("shop", "checkout")]),
        target("nowhere", &[]),
    ];
    let limit = std::time::Duration::from_secs(20);
    let began = std::time::Instant::now();
    let snapshot = snapshot(&targets, limit, options).await;
    assert!(began.elapsed() < limit / 2, "failures are not waited out");
    let now = jiff::Timestamp::now();
    let live = |i: usize| snapshot.views.live(&targets[i].cells()[0], now);
    assert_eq!((live(0).health, live(0).stale), (Health::Healthy, false));
    assert_eq!((live(1).health, live(1).stale), (Health::Unknown, true));
    let problems: Vec<_> = snapshot
        .problems
        .iter()
        .map(|p| (p.context.clone().unwrap(), p.message.clone()))
        .collect();
    assert_eq!(problems.len(), 2);
    assert_eq!(
        problems[0],
        (
            "prod".to_owned(),
            format!(
                "the cluster of prod did not answer: {}: connection refused",
                prod.url()
            )
        )
    );
    assert_eq!(
        problems[1].1,
        "the cluster of nowhere did not answer: no context `nowhere` in the kubeconfig; it has `dev`, `prod`"
    );
    let silent = impatient(vec![home.folder.path().join("config")]);
    dev.set_mode(tidegate::demo::server::Mode::Hanging).await;
    let short = std::time::Duration::from_millis(300);
    let snapshot = tidegate::sources::cluster::snapshot(&targets[..1], short, silent).await;
    assert_eq!(
        snapshot.problems[0].message,
        "the cluster of dev did not answer within 0.3 s"
    );
}

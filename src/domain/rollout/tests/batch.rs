//! Jobs and `CronJobs`: by their template and their last run.

use super::super::{
    ClusterObject, Health, LiveCell, ObjectKind, PodObject, WorkloadState, object::ContainerImage,
};
use crate::domain::version::Version;

use super::fixtures::{ago, condition, crashing, live, owner, pod, workload};

fn image(version: &str) -> Vec<ContainerImage> {
    vec![ContainerImage {
        name: "app".to_owned(),
        image: format!("reg.example.com/checkout:{version}"),
    }]
}

fn batch(kind: ObjectKind, version: &str) -> WorkloadState {
    WorkloadState {
        desired: 0,
        total: 0,
        updated: 0,
        ready: 0,
        available: 0,
        containers: image(version),
        ..workload(kind)
    }
}

/// A run of the `CronJob` that began so many minutes ago.
fn run(minutes: i64, version: &str, end: Option<&str>) -> ClusterObject {
    let end = end.map(|kind| condition(kind, true, "BackoffLimitExceeded"));
    WorkloadState {
        name: format!("checkout-{minutes}"),
        owner: Some(owner("CronJob", "checkout")),
        created: Some(ago(minutes)),
        conditions: end.into_iter().collect(),
        ..batch(ObjectKind::Job, version)
    }
    .into()
}

fn of_run(minutes: i64, pod: PodObject) -> ClusterObject {
    PodObject {
        owner: Some(owner("Job", &format!("checkout-{minutes}"))),
        ..pod
    }
    .into()
}

type Seen<'a> = (Health, Option<&'a str>, Option<&'a str>);

fn seen(cell: &LiveCell) -> Seen<'_> {
    let serving = cell.serving.as_ref().map(Version::as_str);
    (cell.health, cell.reason.as_deref(), serving)
}

#[test]
fn a_cron_job_is_as_its_last_run_of_this_version() {
    use Health::{Degraded, Healthy, Suspended, Unknown};
    type Change = fn(&mut WorkloadState);
    let same: Change = |_| {};
    let broken = || of_run(5, crashing(pod("a", "", "1.0"), 3));
    let cases: [(&str, Change, Vec<ClusterObject>, Health, &str); 12] = [
        ("never ran", same, vec![], Healthy, "has not run yet"),
        (
            "cleared away",
            |it| {
                it.last_begun = Some(ago(60));
                it.last_succeeded = Some(ago(58));
            },
            vec![],
            Healthy,
            "the last run succeeded",
        ),
        (
            "cleared away, and no success since",
            |it| {
                it.last_begun = Some(ago(60));
                it.last_succeeded = Some(ago(100));
            },
            vec![],
            Unknown,
            "how the last run ended is not known: its Job is not there any more",
        ),
        (
            "succeeded",
            same,
            vec![
                run(90, "1.0", Some("Failed")),
                run(60, "1.0", Some("Complete")),
            ],
            Healthy,
            "the last run (checkout-60) succeeded",
        ),
        (
            "failed",
            same,
            vec![
                run(60, "1.0", Some("Failed")),
                run(90, "1.0", Some("Complete")),
            ],
            Degraded,
            "the last run (checkout-60) failed: BackoffLimitExceeded: words",
        ),
        (
            "an older version failed",
            same,
            vec![run(60, "0.9", Some("Failed"))],
            Healthy,
            "this version has not run yet",
        ),
        (
            "an older version runs on",
            same,
            vec![run(90, "0.9", None), run(60, "1.0", Some("Complete"))],
            Healthy,
            "the last run (checkout-60) succeeded",
        ),
        (
            "runs",
            same,
            vec![run(5, "1.0", None), of_run(5, pod("a", "", "1.0"))],
            Healthy,
            "checkout-5 runs now",
        ),
        (
            "runs and crashes",
            same,
            vec![run(5, "1.0", None), broken()],
            Degraded,
            "CrashLoopBackOff ×3 (1 of 1 pod), last exit 1",
        ),
        (
            "suspended",
            |it| it.paused = true,
            vec![run(60, "1.0", Some("Complete"))],
            Suspended,
            "suspended (spec.suspend)",
        ),
        (
            "suspended after a failure",
            |it| it.paused = true,
            vec![run(60, "1.0", Some("Failed"))],
            Degraded,
            "the last run (checkout-60) failed: BackoffLimitExceeded: words",
        ),
        (
            "another's runs",
            same,
            vec![
                WorkloadState {
                    owner: Some(owner("CronJob", "other")),
                    conditions: vec![condition("Failed", true, "")],
                    name: "other-1".to_owned(),
                    ..batch(ObjectKind::Job, "1.0")
                }
                .into(),
            ],
            Healthy,
            "has not run yet",
        ),
    ];
    for (name, change, mut objects, health, reason) in cases {
        let mut cron_job = batch(ObjectKind::CronJob, "1.0");
        change(&mut cron_job);
        objects.push(cron_job.into());
        let cell = live(objects);
        assert_eq!(seen(&cell), (health, Some(reason), Some("1.0")), "{name}");
        assert!(cell.batch && cell.versions.is_empty(), "{name}");
        assert_eq!((cell.ready, cell.desired), (0, 0), "{name}");
        assert!(!cell.runs_other_than(&"1.0".into()), "{name}");
        assert!(cell.runs_other_than(&"2.0".into()), "{name}: not synced");
    }
}

#[test]
fn a_job_is_as_its_run() {
    use Health::{Degraded, Healthy, Progressing, Suspended};
    type Change = fn(&mut WorkloadState);
    let cases: [(&str, Change, Health, &str); 5] = [
        ("runs", |_| {}, Progressing, "runs now"),
        (
            "complete",
            |it| it.conditions = vec![condition("Complete", true, "")],
            Healthy,
            "ran to its end",
        ),
        (
            "failed",
            |it| it.conditions = vec![condition("Failed", true, "DeadlineExceeded")],
            Degraded,
            "failed: DeadlineExceeded: words",
        ),
        (
            "suspended",
            |it| it.paused = true,
            Suspended,
            "suspended (spec.suspend)",
        ),
        (
            "no longer suspended",
            |it| it.conditions = vec![condition("Suspended", false, "JobResumed")],
            Progressing,
            "runs now",
        ),
    ];
    for (name, change, health, reason) in cases {
        let mut job = batch(ObjectKind::Job, "1.0");
        change(&mut job);
        let cell = live(vec![job.into()]);
        assert_eq!(seen(&cell), (health, Some(reason), Some("1.0")), "{name}");
        assert_eq!(cell.workloads, ["Job/checkout"], "{name}");
    }
}

#[test]
fn beside_a_deployment_pods_are_waited_for() {
    let cell = live(vec![
        workload(ObjectKind::Deployment).into(),
        batch(ObjectKind::CronJob, "1.0").into(),
        run(60, "1.0", Some("Complete")),
    ]);
    assert!(!cell.batch);
    assert_eq!((cell.ready, cell.desired), (3, 3));
    assert_eq!(cell.workloads, ["Deployment/checkout", "CronJob/checkout"]);
}

#[test]
fn what_is_scaled_to_zero_says_so_and_is_compared_by_its_template() {
    for (kind, reason) in [
        (ObjectKind::Deployment, "scaled to zero"),
        (ObjectKind::StatefulSet, "scaled to zero"),
        (ObjectKind::DaemonSet, "no node is to run it"),
    ] {
        let cell = live(vec![batch(kind, "1.0").into()]);
        assert_eq!(
            seen(&cell),
            (Health::Healthy, Some(reason), Some("1.0")),
            "{kind}"
        );
        assert!(!cell.runs_other_than(&"1.0".into()), "{kind}");
        assert!(cell.runs_other_than(&"2.0".into()), "{kind}");
    }
}

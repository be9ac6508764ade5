//! What pods add: the reason, its counts, and whether the rollout has failed.

use jiff::ToSpan;

use super::super::{
    ClusterObject, Health, LiveCell, ObjectKind, PodObject,
    object::{ContainerState, Run},
};
use super::fixtures::{
    ago, broken, condition, crashing, ended, live, noon, owner, pod, replica_set, target, view,
    waiting, workload,
};

/// A Deployment of three in the middle of a rollout from `a` (1.0) to `b` (2.0), with these pods of `b`.
fn rollout(new: Vec<PodObject>) -> Vec<ClusterObject> {
    let mut deployment = workload(ObjectKind::Deployment);
    deployment.containers[0].image = "reg.example.com/checkout:2.0".to_owned();
    (deployment.updated, deployment.total) = (1, 3);
    (deployment.ready, deployment.available) = (2, 2);
    let mut newest = replica_set("checkout-b", "7", "2.0");
    newest.created = Some(ago(4));
    let mut objects: Vec<ClusterObject> = vec![
        deployment.into(),
        replica_set("checkout-a", "6", "1.0").into(),
        newest.into(),
        pod("a-1", "checkout-a", "1.0").into(),
        pod("a-2", "checkout-a", "1.0").into(),
    ];
    objects.extend(new.into_iter().map(ClusterObject::from));
    objects
}

fn new_pod() -> PodObject {
    pod("b-1", "checkout-b", "2.0")
}

#[test]
fn reasons_of_the_newest_revision() {
    use Health::{Degraded, Progressing};
    let running = |minutes| Run::Running {
        since: Some(ago(minutes)),
    };
    let with_message = |reason: &str, words: &str| Run::Waiting {
        reason: reason.to_owned(),
        message: Some(words.into()),
    };
    let error = || Some(ended("Error", 1, 1));
    let cases: Vec<(&str, PodObject, Health, &str)> = vec![
        ("fine so far", new_pod(), Progressing, "1 of 3 pods updated"),
        (
            "crash loop",
            crashing(new_pod(), 14),
            Degraded,
            "CrashLoopBackOff ×14 (1 of 3 pods), last exit 1",
        ),
        (
            "crash loop by memory",
            broken(
                new_pod(),
                waiting("CrashLoopBackOff"),
                4,
                Some(ended("OOMKilled", 137, 1)),
            ),
            Degraded,
            "OOMKilled ×4 (1 of 3 pods), last exit 137",
        ),
        (
            "killed for memory just now",
            broken(
                new_pod(),
                Run::Ended(ended("OOMKilled", 137, 0).into()),
                0,
                None,
            ),
            Degraded,
            "OOMKilled (1 of 3 pods), last exit 137",
        ),
        (
            "up between two crashes",
            broken(new_pod(), running(0), 3, error()),
            Degraded,
            "Restarting ×3 (1 of 3 pods), last exit 1",
        ),
        (
            "one restart may be bad luck",
            broken(new_pod(), running(0), 1, error()),
            Progressing,
            "Restarted ×1 (1 of 3 pods), last exit 1",
        ),
        (
            "first crash may be bad luck",
            broken(new_pod(), Run::Ended(ended("Error", 2, 0).into()), 0, None),
            Progressing,
            "Error (1 of 3 pods), last exit 2",
        ),
        (
            "image cannot be pulled",
            broken(
                new_pod(),
                with_message(
                    "ImagePullBackOff",
                    "Back-off pulling image \"x\": not found",
                ),
                0,
                None,
            ),
            Degraded,
            "ImagePullBackOff (1 of 3 pods): Back-off pulling image \"x\": not found",
        ),
        (
            "first pull failed",
            broken(new_pod(), waiting("ErrImagePull"), 0, None),
            Degraded,
            "ErrImagePull (1 of 3 pods)",
        ),
        (
            "secret missing",
            broken(
                new_pod(),
                with_message("CreateContainerConfigError", "secret \"db\" not found"),
                0,
                None,
            ),
            Degraded,
            "CreateContainerConfigError (1 of 3 pods): secret \"db\" not found",
        ),
        (
            "being made",
            PodObject {
                created: Some(ago(1)),
                ..broken(new_pod(), waiting("ContainerCreating"), 0, None)
            },
            Progressing,
            "1 of 3 pods updated",
        ),
        (
            "being made for long",
            PodObject {
                created: Some(ago(9)),
                ..broken(new_pod(), waiting("ContainerCreating"), 0, None)
            },
            Progressing,
            "ContainerCreating (1 of 3 pods)",
        ),
        (
            "started a moment ago",
            broken(new_pod(), running(0), 0, None),
            Progressing,
            "1 of 3 pods updated",
        ),
        (
            "readiness probe fails",
            broken(new_pod(), running(3), 0, None),
            Progressing,
            "NotReady (1 of 3 pods): readiness probe fails",
        ),
        (
            "no node takes it",
            PodObject {
                phase: "Pending".to_owned(),
                unschedulable: Some(
                    ("0/3 nodes: insufficient cpu".to_owned(), Some(ago(2))).into(),
                ),
                ..broken(new_pod(), waiting(""), 0, None)
            },
            Progressing,
            "Unschedulable (1 of 3 pods): 0/3 nodes: insufficient cpu",
        ),
        (
            "init container crashes",
            {
                let mut pod = broken(new_pod(), waiting("PodInitializing"), 0, None);
                pod.containers.insert(
                    0,
                    ContainerState {
                        name: "migrate".to_owned(),
                        image: "reg.example.com/migrate:2.0".to_owned(),
                        digest: None,
                        init: true,
                        ready: false,
                        started: Some(false),
                        restarts: 5,
                        run: waiting("CrashLoopBackOff"),
                        last: error().map(Box::new),
                    },
                );
                pod
            },
            Degraded,
            "Init:CrashLoopBackOff ×5 (1 of 3 pods), last exit 1",
        ),
    ];
    for (case, pod, health, reason) in cases {
        let cell = live(rollout(vec![pod]));
        assert_eq!(
            (cell.health, cell.reason.as_deref()),
            (health, Some(reason)),
            "{case}"
        );
    }
}

#[test]
fn the_worst_class_counts_and_says_since_when() {
    let mut later = crashing(pod("b-2", "checkout-b", "2.0"), 2);
    later.ready_changed = Some(ago(1));
    let pull = broken(
        pod("b-3", "checkout-b", "2.0"),
        Run::Running {
            since: Some(ago(9)),
        },
        0,
        None,
    );
    let cell = live(rollout(vec![crashing(new_pod(), 14), later, pull]));
    assert_eq!(
        cell.reason.as_deref(),
        Some("CrashLoopBackOff ×14 (2 of 5 pods), last exit 1")
    );
    assert_eq!(cell.since, Some(ago(3)));
}

#[test]
fn a_missed_deadline_is_said_beside_the_pods_reason() {
    let mut objects = rollout(vec![crashing(new_pod(), 14)]);
    if let ClusterObject::Workload(deployment) = &mut objects[0] {
        deployment.conditions = vec![condition("Progressing", false, "ProgressDeadlineExceeded")];
    }
    let cell = live(objects);
    assert_eq!(cell.health, Health::Degraded);
    assert_eq!(
        cell.reason.as_deref(),
        Some("CrashLoopBackOff ×14 (1 of 3 pods), last exit 1; progress deadline exceeded")
    );
}

fn change_workload(
    objects: &mut [ClusterObject],
    change: impl Fn(&mut super::super::WorkloadState),
) {
    if let ClusterObject::Workload(deployment) = &mut objects[0] {
        change(deployment);
    }
}

#[test]
fn pods_of_an_older_revision_fail_no_rollout() {
    let health = |objects| live(objects).health;
    // Healing: 2.0 crashes, the template is back at 1.0.
    let healing = || {
        let mut objects = rollout(vec![crashing(new_pod(), 14)]);
        change_workload(&mut objects, |deployment| {
            deployment.containers[0].image = "reg.example.com/checkout:1.0".to_owned();
            deployment.revision = Some("8".to_owned());
        });
        objects
    };
    // The ReplicaSet of revision 8 has not arrived: no pod is current.
    assert_eq!(health(healing()), Health::Progressing);
    let mut arrived = healing();
    arrived[1] = replica_set("checkout-a", "8", "1.0").into();
    assert_eq!(health(arrived), Health::Progressing);

    let mut unobserved = rollout(vec![crashing(new_pod(), 14)]);
    change_workload(&mut unobserved, |deployment| deployment.generation = 5);
    assert_eq!(health(unobserved), Health::Progressing);

    let going = PodObject {
        terminating: true,
        ..crashing(new_pod(), 14)
    };
    let cell = live(rollout(vec![going]));
    assert_eq!(cell.health, Health::Progressing);
    assert!(!cell.runs_other_than(&"1.0".into()), "2.0 is going away");
}

#[test]
fn versions_count_old_and_terminating_pods_but_not_remains() {
    let going = PodObject {
        terminating: true,
        ..pod("a-3", "checkout-a", "1.0")
    };
    let evicted = PodObject {
        phase: "Failed".to_owned(),
        reason: Some("Evicted".to_owned()),
        ..pod("a-0", "checkout-a", "1.0")
    };
    let cell = live(rollout(vec![new_pod(), going, evicted]));
    let versions: Vec<_> = cell
        .versions
        .iter()
        .map(|(version, count)| (version.as_str(), *count))
        .collect();
    assert_eq!(versions, [("1.0", 3), ("2.0", 1)]);
    assert!(cell.runs_other_than(&"2.0".into()));
    assert_eq!(cell.serving, Some("2.0".into()));
    assert_eq!((cell.ready, cell.desired, cell.updated), (2, 3, 1));
    assert_eq!(cell.workloads, ["Deployment/checkout"]);
    assert_eq!(cell.since, Some(ago(4)), "the newest set began the rollout");
    let reasons: Vec<_> = cell
        .pods
        .iter()
        .map(|pod| (pod.name.as_str(), pod.reason.as_str()))
        .collect();
    assert_eq!(
        reasons,
        [
            ("a-0", "Evicted"),
            ("a-1", "Running"),
            ("a-2", "Running"),
            ("b-1", "Running"),
            ("a-3", "Terminating"),
        ]
    );
}

#[test]
fn a_stateful_set_says_which_old_pod_blocks_it() {
    let mut set = workload(ObjectKind::StatefulSet);
    (set.ready, set.updated) = (2, 0);
    set.current_revision = Some("checkout-a".to_owned());
    let mut old = crashing(pod("checkout-0", "", "0.9"), 7);
    old.owner = Some(owner("StatefulSet", "checkout"));
    old.labels.extend([(
        "controller-revision-hash".to_owned(),
        "checkout-a".to_owned(),
    )]);
    let cell = live(vec![set.clone().into(), old.clone().into()]);
    assert_eq!(cell.health, Health::Progressing);
    assert_eq!(
        cell.reason.as_deref(),
        Some("older revision: CrashLoopBackOff ×7 (1 of 1 pod), last exit 1")
    );
    old.labels.extend([(
        "controller-revision-hash".to_owned(),
        "checkout-b".to_owned(),
    )]);
    assert_eq!(live(vec![set.into(), old.into()]).health, Health::Degraded);
}

#[test]
fn a_pod_well_again_after_restarts_is_no_trouble() {
    let mut well = pod("a", "checkout-a", "1.0");
    well.containers[0].restarts = 9;
    well.containers[0].last = Some(ended("OOMKilled", 137, 2).into());
    let cell: LiveCell = live(vec![
        workload(ObjectKind::Deployment).into(),
        replica_set("checkout-a", "7", "1.0").into(),
        well.into(),
    ]);
    assert_eq!((cell.health, cell.reason), (Health::Healthy, None));
    assert_eq!(cell.pods[0].restarts, 9);
}

#[test]
fn patience_ends_with_time_alone() {
    let started = |seconds: i64| {
        let run = Run::Running {
            since: Some(noon() - seconds.seconds()),
        };
        live(rollout(vec![broken(new_pod(), run, 0, None)])).reason
    };
    assert_eq!(started(29).as_deref(), Some("1 of 3 pods updated"));
    assert_eq!(
        started(31).as_deref(),
        Some("NotReady (1 of 3 pods): readiness probe fails")
    );
}

/// A clock of ours that is years off, either way, changes how long something has been so, never what is well and what is not.
#[test]
fn a_clock_that_is_years_off_makes_nothing_well() {
    let failing: [(&str, PodObject); 4] = [
        ("crash loop", crashing(new_pod(), 14)),
        (
            "no image",
            broken(new_pod(), waiting("ErrImagePull"), 0, None),
        ),
        (
            "not ready",
            broken(
                new_pod(),
                Run::Running {
                    since: Some(ago(9)),
                },
                0,
                None,
            ),
        ),
        (
            "restarting",
            broken(
                new_pod(),
                Run::Running {
                    since: Some(ago(1)),
                },
                3,
                Some(ended("Error", 1, 1)),
            ),
        ),
    ];
    for (name, pod) in failing {
        let view = view(rollout(vec![pod]));
        let at_noon = view.live(&target(), noon());
        assert_ne!(at_noon.health, Health::Healthy, "{name}");
        for hours in [-200_000, -1, 1, 200_000] {
            let now = noon() + hours.hours();
            let live = view.live(&target(), now);
            assert_ne!(live.health, Health::Healthy, "{name} {hours}");
            if matches!(name, "crash loop" | "no image") {
                assert_eq!(live.health, Health::Degraded, "{name} {hours}");
            }
            for time in live.pods.iter().filter_map(|pod| pod.created) {
                let age = crate::domain::age::between(time, now);
                assert!(!age.contains('-'), "{name} {hours}: {age}");
            }
        }
    }
    let well = || {
        let mut pod = pod("a", "checkout-a", "1.0");
        pod.containers[0].restarts = 9;
        pod.containers[0].last = Some(ended("OOMKilled", 137, 2).into());
        let of = replica_set("checkout-a", "7", "1.0");
        view(vec![
            workload(ObjectKind::Deployment).into(),
            of.into(),
            pod.into(),
        ])
    };
    for hours in [-200_000, -1, 1, 200_000] {
        let live = well().live(&target(), noon() + hours.hours());
        assert_eq!(live.health, Health::Healthy, "{hours}");
    }
}

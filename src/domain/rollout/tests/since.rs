use super::{
    super::{ClusterObject, ObjectKind, PodObject, WorkloadState},
    fixtures::{ago, crashing, live, owner, pod, replica_set, workload},
};
use crate::domain::past_health::{Since, Source};

fn deployment(completed: Option<i64>, unavailable: Option<i64>) -> WorkloadState {
    WorkloadState {
        completed: completed.map(ago),
        unavailable: unavailable.map(ago),
        ..workload(ObjectKind::Deployment)
    }
}

/// A pod that was made and became ready so many minutes ago, and was started again so often.
fn aged(made: i64, ready: i64, restarts: u32) -> PodObject {
    let mut pod = pod("a", "checkout-7", "1.0");
    (pod.created, pod.ready_changed) = (Some(ago(made)), Some(ago(ready)));
    pod.containers[0].restarts = restarts;
    pod
}

#[test]
fn a_deployment_is_healthy_since_it_was_complete_and_nothing_broke() {
    let set = || replica_set("checkout-7", "7", "1.0");
    // Of the set: made 60 minutes ago.
    let cases = [
        (
            "complete",
            deployment(Some(55), Some(900)),
            vec![aged(58, 57, 0)],
            Some(55),
        ),
        (
            "short of pods since",
            deployment(Some(55), Some(20)),
            vec![aged(58, 57, 0)],
            Some(20),
        ),
        (
            "a container was started again",
            deployment(Some(55), None),
            vec![aged(58, 12, 3)],
            Some(12),
        ),
        (
            "a pod was long not ready",
            deployment(Some(55), None),
            vec![aged(58, 30, 0)],
            Some(30),
        ),
        (
            "a pod was made anew",
            deployment(Some(55), None),
            vec![aged(5, 4, 0)],
            Some(55),
        ),
        (
            "it does not say when it was complete",
            deployment(None, None),
            vec![aged(58, 57, 0)],
            Some(57),
        ),
        (
            "an older set came back",
            deployment(Some(10), None),
            vec![aged(11, 10, 0)],
            Some(10),
        ),
        ("nothing says when", deployment(None, None), vec![], None),
    ];
    for (name, workload, pods, expected) in cases {
        let mut objects: Vec<ClusterObject> = vec![workload.into(), set().into()];
        objects.extend(pods.into_iter().map(ClusterObject::from));
        let cell = live(objects);
        let expected: Vec<Since> = expected
            .map(|minutes| Since {
                by: Source::Kubernetes,
                from: ago(minutes),
            })
            .into_iter()
            .collect();
        assert_eq!(cell.healthy, expected, "{name}");
    }
}

#[test]
fn of_other_workloads_the_last_pod_says_it() {
    let mut pods = [aged(90, 89, 0), aged(40, 39, 0)];
    for (pod, name) in pods.iter_mut().zip(["checkout-0", "checkout-1"]) {
        pod.name = name.to_owned();
        pod.owner = Some(owner("StatefulSet", "checkout"));
    }
    let [first, second] = pods;
    let cell = live(vec![
        workload(ObjectKind::StatefulSet).into(),
        first.into(),
        second.into(),
    ]);
    let since: Vec<_> = cell.healthy.iter().map(|it| it.from).collect();
    assert_eq!(since, [ago(39)]);
}

#[test]
fn what_is_not_healthy_is_not_so_since_any_time() {
    let set: ClusterObject = replica_set("checkout-7", "7", "1.0").into();
    let cases = [
        (
            "crashes",
            vec![
                deployment(Some(55), None).into(),
                set.clone(),
                crashing(aged(58, 57, 0), 4).into(),
            ],
        ),
        (
            "on its way",
            vec![
                WorkloadState {
                    updated: 1,
                    ..deployment(Some(55), None)
                }
                .into(),
                set.clone(),
                aged(58, 57, 0).into(),
            ],
        ),
        (
            "two versions",
            vec![
                deployment(Some(55), None).into(),
                set,
                aged(58, 57, 0).into(),
                pod("b", "checkout-6", "0.9").into(),
            ],
        ),
    ];
    for (name, objects) in cases {
        assert_eq!(live(objects).healthy, [], "{name}");
    }
}

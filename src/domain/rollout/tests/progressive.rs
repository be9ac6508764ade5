//! Cells that are delivered step by step: what is told of them while a new version is on its way, and when it was given up.

use super::{
    super::{
        CanaryObject, ClusterObject, Connection, Health, LiveCell, ObjectKind, PodObject,
        WorkloadState,
    },
    fixtures::{
        crashing, list, live, looked_for, noon, owner, pod, replica_set, target, view, workload,
    },
};
use crate::domain::{
    agent::{At, Conductor, Progress, Stage, Step},
    rollout::{ClusterEvent, Few, ReplicaSetState, Which},
};

/// A Rollout of three pods from `1.0` to `1.1`, at its second step of four.
fn rollout(stage: Stage) -> WorkloadState {
    let mut progress = Progress::new(Conductor::ArgoRollouts, "shop/checkout".to_owned());
    progress.stage = stage;
    progress.message = Some("its words".to_owned());
    progress.hashes = (Some("a".to_owned()), Some("b".to_owned()));
    if stage == Stage::Done {
        progress.hashes.0 = Some("b".to_owned());
    } else {
        progress.step = Some(Step { index: 1, of: 4 });
        progress.weight = Some(25);
    }
    if stage == Stage::Waiting {
        progress.waits = Some("a promotion".to_owned());
    }
    let mut rollout = workload(ObjectKind::Rollout);
    rollout.containers[0].image = "reg.example.com/checkout:1.1".to_owned();
    rollout.revision = Some("b".to_owned());
    rollout.updated = 1;
    rollout.progress = Some(Box::new(progress));
    rollout
}

fn set(hash: &str, version: &str) -> ReplicaSetState {
    ReplicaSetState {
        owner: Some(owner("Rollout", "checkout")),
        ..replica_set(&format!("checkout-{hash}"), "1", version)
    }
}

/// Three pods of the old version and those of the new one.
fn pods(new: Vec<PodObject>) -> Vec<ClusterObject> {
    let old = ["1", "2", "3"].map(|name| pod(name, "checkout-a", "1.0"));
    let all = old.into_iter().chain(new).map(ClusterObject::from);
    let sets = [set("a", "1.0"), set("b", "1.1")];
    all.chain(sets.map(ClusterObject::from)).collect()
}

fn cell(rollout: WorkloadState, new: Vec<PodObject>, declared: &str) -> LiveCell {
    let mut objects = pods(new);
    objects.push(rollout.into());
    let mut target = target();
    target.desired = Some(declared.into());
    view(objects).live(&target, noon())
}

#[test]
fn a_rollout_says_how_far_it_has_got() {
    let new = || vec![pod("4", "checkout-b", "1.1")];
    let cases = [
        (
            Stage::Advancing,
            Health::Progressing,
            Some("canary 25 %, step 2/4: its words"),
        ),
        (
            Stage::Waiting,
            Health::Paused,
            Some("canary 25 %, step 2/4: waits for a promotion"),
        ),
        (
            Stage::Aborted,
            Health::Degraded,
            Some("canary aborted; 1.0 stays: its words"),
        ),
        (
            Stage::Failed,
            Health::Degraded,
            Some("canary failed: its words"),
        ),
        (
            Stage::Suspended,
            Health::Suspended,
            Some("canary 25 %, step 2/4: paused (spec.paused)"),
        ),
        (Stage::Done, Health::Healthy, None),
    ];
    for (stage, health, reason) in cases {
        let cell = cell(rollout(stage), new(), "1.1");
        assert_eq!(cell.health, health, "{stage:?}");
        assert_eq!(cell.reason.as_deref(), reason, "{stage:?}");
        assert_eq!(cell.workloads, ["Rollout/checkout"]);
        let progress = cell.progress.unwrap();
        let from = if stage == Stage::Done { "1.1" } else { "1.0" };
        assert_eq!(progress.from, Some(from.into()), "{stage:?}");
        assert_eq!(progress.to, Some("1.1".into()), "{stage:?}");
        assert_eq!(progress.cluster, "prod");
    }
}

#[test]
fn what_is_declared_and_was_given_up_is_not_what_is_served() {
    let aborted = cell(rollout(Stage::Aborted), Vec::new(), "1.1");
    assert_eq!(aborted.serving, Some("1.0".into()));
    assert_eq!(aborted.versions, Few::from_iter([("1.0".into(), 3)]));
    let hop = aborted.hop.unwrap();
    assert_eq!(
        (hop.at, hop.reason.as_str()),
        (At::Serve, "canary aborted; 1.0 stays: its words")
    );
    let waits = cell(
        rollout(Stage::Waiting),
        vec![pod("4", "checkout-b", "1.1")],
        "1.1",
    );
    let hop = waits.hop.unwrap();
    let expected = "canary 25 %, step 2/4: waits for a promotion";
    assert_eq!((hop.at, hop.reason.as_str()), (At::Run, expected));
    assert_eq!(waits.serving, Some("1.1".into()));
}

#[test]
fn pods_of_the_new_version_say_why_it_does_not_go_on() {
    let crashing = crashing(pod("4", "checkout-b", "1.1"), 5);
    let cell = cell(rollout(Stage::Advancing), vec![crashing], "1.1");
    assert_eq!(cell.health, Health::Degraded);
    let reason = cell.reason.unwrap();
    assert!(reason.starts_with("CrashLoopBackOff"), "{reason}");
}

#[test]
fn what_a_rollout_has_replaced_and_keeps_for_a_while_is_no_drift() {
    let new = ["4", "5", "6"].map(|name| pod(name, "checkout-b", "1.1"));
    let cell = cell(rollout(Stage::Done), new.to_vec(), "1.1");
    assert_eq!(cell.versions, Few::from_iter([("1.1".into(), 3)]));
    assert_eq!(cell.pods.len(), 6);
    assert!(!cell.runs_other_than(&"1.1".into()));
}

#[test]
fn an_autoscaler_s_step_of_a_rollout_is_no_new_version() {
    let mut scaled = rollout(Stage::Done);
    let progress = scaled.progress.as_mut().unwrap();
    progress.stage = Stage::Advancing;
    (scaled.desired, scaled.updated) = (5, 3);
    let cell = cell(scaled, Vec::new(), "1.1");
    assert_eq!(cell.health, Health::Progressing);
    assert_eq!(cell.reason.as_deref(), Some("3 of 5 pods updated"));
    assert_eq!(cell.progress.unwrap().percent(), None);
}

#[test]
fn a_rollout_may_take_its_template_from_a_deployment() {
    let mut lender = workload(ObjectKind::Deployment);
    lender.containers[0].image = "reg.example.com/checkout:1.1".to_owned();
    (lender.desired, lender.total, lender.updated) = (0, 0, 0);
    (lender.ready, lender.available) = (0, 0);
    let mut rollout = rollout(Stage::Waiting);
    rollout.containers = Vec::new();
    rollout.template_of = Some(owner("Deployment", "checkout"));
    let mut objects = pods(vec![pod("4", "checkout-b", "1.1")]);
    objects.extend([rollout.into(), lender.into()]);
    let cell = live(objects);
    assert_eq!(cell.workloads, ["Rollout/checkout"]);
    assert_eq!(cell.serving, Some("1.1".into()));
    assert_eq!(cell.health, Health::Paused);
    assert_eq!((cell.ready, cell.desired), (3, 3));
}

/// A Canary of `Deployment/checkout`.
fn canary(stage: Stage) -> ClusterObject {
    let mut progress = Progress::new(Conductor::Flagger, "shop/checkout".to_owned());
    progress.stage = stage;
    progress.message = Some("its words".to_owned());
    if stage != Stage::Done {
        progress.step = Some(Step { index: 0, of: 5 });
        progress.weight = Some(10);
    }
    ClusterObject::Canary(Box::new(CanaryObject {
        namespace: "shop".to_owned(),
        name: "checkout".to_owned(),
        target: Some(owner("Deployment", "checkout")),
        progress,
    }))
}

/// The workload that Flagger was given, of so many pods, and the primary that it has made.
fn deployments(target: (&str, u32), primary: &str) -> [ClusterObject; 2] {
    let of = |name: &str, version: &str, count| {
        let mut all = workload(ObjectKind::Deployment);
        name.clone_into(&mut all.name);
        all.containers[0].image = format!("reg.example.com/checkout:{version}");
        all.revision = None;
        (all.desired, all.total, all.updated) = (count, count, count);
        (all.ready, all.available) = (count, count);
        all.into()
    };
    [
        of("checkout", target.0, target.1),
        of("checkout-primary", primary, 3),
    ]
}

fn primary_pods(version: &str) -> Vec<ClusterObject> {
    let pods = ["1", "2", "3"].map(|name| pod(name, "checkout-primary-x", version));
    let mut set = replica_set("checkout-primary-x", "1", version);
    set.owner = Some(owner("Deployment", "checkout-primary"));
    let pods = pods.into_iter().map(ClusterObject::from);
    pods.chain([set.into()]).collect()
}

#[test]
fn flaggers_primary_serves_in_place_of_what_it_was_given() {
    let cases = [
        (
            "at rest",
            Stage::Done,
            ("1.0", 0),
            Health::Healthy,
            None,
            "1.0",
        ),
        (
            "not seen yet",
            Stage::Done,
            ("1.1", 0),
            Health::Progressing,
            Some("its controller has not seen the newest change yet"),
            "1.1",
        ),
        (
            "analysed",
            Stage::Advancing,
            ("1.1", 1),
            Health::Progressing,
            Some("canary 10 %, step 1/5: its words"),
            "1.1",
        ),
        (
            "awaiting approval",
            Stage::Approval,
            ("1.1", 0),
            Health::Paused,
            Some("canary 10 %, step 1/5: awaiting approval"),
            "1.1",
        ),
        (
            "given up",
            Stage::Aborted,
            ("1.1", 0),
            Health::Degraded,
            Some("canary aborted; 1.0 stays: its words"),
            "1.0",
        ),
    ];
    for (name, stage, target, health, reason, serving) in cases {
        let mut objects = primary_pods("1.0");
        objects.extend(deployments(target, "1.0"));
        objects.push(canary(stage));
        let cell = live(objects);
        assert_eq!(
            (cell.health, cell.reason.as_deref()),
            (health, reason),
            "{name}"
        );
        assert_eq!(cell.serving, Some(serving.into()), "{name}");
        let workloads = ["Deployment/checkout", "Deployment/checkout-primary"];
        assert_eq!(cell.workloads, workloads, "{name}");
        assert_eq!(
            (cell.ready, cell.desired),
            (3 + target.1, 3 + target.1),
            "{name}"
        );
        assert_eq!(cell.versions, Few::from_iter([("1.0".into(), 3)]), "{name}");
    }
}

#[test]
fn a_cell_is_known_without_its_canary() {
    let mut view = view(Vec::new());
    let mut objects = primary_pods("1.0");
    objects.extend(deployments(("1.0", 3), "1.0"));
    list(&mut view, objects);
    let denied = ClusterEvent::Denied {
        kind: ObjectKind::Canary,
        namespaces: ["shop".to_owned()].into(),
        what: "403: canaries".to_owned(),
    };
    view.apply(denied, noon());
    assert_eq!(view.connection(), Connection::Live);
    let seen = view.live(&target(), noon());
    assert_eq!((seen.health, seen.progress), (Health::Healthy, None));
}

#[test]
fn rollouts_that_may_not_be_seen_hide_no_column() {
    let mut view = view(vec![workload(ObjectKind::Deployment).into()]);
    let denied = ClusterEvent::Denied {
        kind: ObjectKind::Rollout,
        namespaces: ["shop".to_owned()].into(),
        what: "403: rollouts".to_owned(),
    };
    view.apply(denied, noon());
    assert_eq!(view.connection(), Connection::Live);
    let other = looked_for(&Which::Name("basket".into()));
    // What is not there could be one of those.
    let basket = view.live(&other, noon());
    assert_eq!(
        (basket.health, basket.reason.as_deref()),
        (Health::Unknown, Some("403: rollouts"))
    );
    let seen = view.live(&target(), noon());
    assert_eq!(seen.workloads, ["Deployment/checkout"]);
}

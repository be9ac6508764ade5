//! The rules for each kind of workload, without pods.

use super::super::{Health, ObjectKind, WorkloadState, health::judge, object::Strategy};
use super::fixtures::{condition, workload};

type Case = (
    &'static str,
    fn(&mut WorkloadState),
    Health,
    Option<&'static str>,
);

fn check(kind: ObjectKind, cases: &[Case]) {
    for (case, change, health, reason) in cases {
        let mut state = workload(kind);
        change(&mut state);
        let verdict = judge(&state);
        assert_eq!(
            (verdict.health, verdict.reason.as_deref()),
            (*health, *reason),
            "{kind}: {case}"
        );
    }
}

#[test]
fn deployments() {
    use Health::{Degraded, Healthy, Progressing, Suspended};
    check(
        ObjectKind::Deployment,
        &[
            ("at rest", |_| {}, Healthy, None),
            (
                "its change is not observed",
                |d| d.generation = 5,
                Progressing,
                Some("its controller has not seen the newest change yet"),
            ),
            (
                "not observed beats an old deadline",
                |d| {
                    d.generation = 5;
                    d.conditions =
                        vec![condition("Progressing", false, "ProgressDeadlineExceeded")];
                },
                Progressing,
                Some("its controller has not seen the newest change yet"),
            ),
            (
                "deadline exceeded",
                |d| {
                    d.updated = 1;
                    d.conditions =
                        vec![condition("Progressing", false, "ProgressDeadlineExceeded")];
                },
                Degraded,
                Some("progress deadline exceeded"),
            ),
            (
                "paused",
                |d| d.paused = true,
                Suspended,
                Some("paused (spec.paused)"),
            ),
            (
                "paused in the middle",
                |d| (d.paused, d.updated) = (true, 1),
                Suspended,
                Some("paused (spec.paused)"),
            ),
            (
                "some updated",
                |d| (d.updated, d.total) = (2, 4),
                Progressing,
                Some("2 of 3 pods updated"),
            ),
            (
                "an old one left",
                |d| d.total = 4,
                Progressing,
                Some("1 old pod still to go"),
            ),
            (
                "not all available",
                |d| d.available = 1,
                Progressing,
                Some("1 of 3 pods available"),
            ),
            (
                "no pod may be made",
                |d| {
                    d.updated = 0;
                    d.conditions = vec![condition("ReplicaFailure", true, "FailedCreate")];
                },
                Progressing,
                Some("FailedCreate: words"),
            ),
            (
                "scaled to zero",
                |d| (d.desired, d.total, d.updated, d.ready, d.available) = (0, 0, 0, 0, 0),
                Healthy,
                Some("scaled to zero"),
            ),
        ],
    );
}

#[test]
fn stateful_sets() {
    use Health::{Healthy, Progressing};
    check(
        ObjectKind::StatefulSet,
        &[
            ("at rest", |_| {}, Healthy, None),
            (
                "its change is not observed",
                |s| s.generation = 5,
                Progressing,
                Some("its controller has not seen the newest change yet"),
            ),
            (
                "one not ready",
                |s| s.ready = 2,
                Progressing,
                Some("2 of 3 pods ready"),
            ),
            (
                "rolling, all ready in between",
                |s| (s.updated, s.current_revision) = (1, Some("checkout-a".to_owned())),
                Progressing,
                Some("1 of 3 pods updated"),
            ),
            (
                "partition not reached",
                |s| {
                    s.strategy = Strategy::Rolling { partition: 1 };
                    (s.updated, s.current_revision) = (1, Some("checkout-a".to_owned()));
                },
                Progressing,
                Some("1 of 2 pods updated, partition 1"),
            ),
            (
                "partition reached",
                |s| {
                    s.strategy = Strategy::Rolling { partition: 1 };
                    (s.updated, s.current_revision) = (2, Some("checkout-a".to_owned()));
                },
                Healthy,
                Some("held at partition 1: 2 of 3 pods updated"),
            ),
            (
                "partition above the count",
                |s| {
                    s.strategy = Strategy::Rolling { partition: 9 };
                    s.updated = 0;
                },
                Healthy,
                Some("held at partition 9: 0 of 3 pods updated"),
            ),
            (
                "on delete, old pods left",
                |s| (s.strategy, s.updated) = (Strategy::OnDelete, 1),
                Healthy,
                Some("1 of 3 pods updated, the others when deleted (OnDelete)"),
            ),
            (
                "on delete, done",
                |s| s.strategy = Strategy::OnDelete,
                Healthy,
                None,
            ),
        ],
    );
}

#[test]
fn daemon_sets() {
    use Health::{Healthy, Progressing};
    check(
        ObjectKind::DaemonSet,
        &[
            ("at rest", |_| {}, Healthy, None),
            (
                "some updated",
                |d| d.updated = 1,
                Progressing,
                Some("1 of 3 pods updated"),
            ),
            (
                "not all available",
                |d| d.available = 2,
                Progressing,
                Some("2 of 3 pods available"),
            ),
            (
                "on delete, old pods left",
                |d| (d.strategy, d.updated) = (Strategy::OnDelete, 1),
                Healthy,
                Some("1 of 3 pods updated, the others when deleted (OnDelete)"),
            ),
            (
                "on delete, one not available",
                |d| (d.strategy, d.available) = (Strategy::OnDelete, 2),
                Progressing,
                Some("2 of 3 pods available"),
            ),
        ],
    );
}

//! Events in, cells out: freshness, access, absence.

use std::{collections::BTreeSet, sync::Arc};

use super::super::{
    CellTarget, ClusterEvent, ClusterObject, ClusterTarget, ClusterViews, Connection, Health,
    Labels, LiveCell, ObjectKind, ObjectPlace, Selector, Touched, Wanted, Which,
};
use crate::domain::{ids::CellKey, subject::Subject, version::Version};

use super::fixtures::{
    View, ago, list, live, looked_for, noon, owner, pod, replica_set, target, view, workload,
};

fn at_rest() -> Vec<ClusterObject> {
    vec![
        workload(ObjectKind::Deployment).into(),
        replica_set("checkout-a", "7", "1.0").into(),
        pod("a-1", "checkout-a", "1.0").into(),
    ]
}

fn shop() -> BTreeSet<String> {
    ["shop".to_owned()].into()
}

fn lost(reason: &str) -> ClusterEvent {
    ClusterEvent::Lost {
        reason: reason.to_owned(),
        next_try: Some(noon()),
    }
}

fn reset(kind: ObjectKind, objects: Vec<ClusterObject>) -> ClusterEvent {
    ClusterEvent::Reset {
        kind,
        namespaces: shop(),
        objects,
    }
}

fn denied(kind: ObjectKind) -> ClusterEvent {
    ClusterEvent::Denied {
        kind,
        namespaces: shop(),
        what: format!("403: cannot list {}", kind.plural()),
    }
}

#[test]
fn unknown_until_every_kind_has_been_answered() {
    let mut view = View::new();
    let cell = view.live(&target(), noon());
    assert_eq!((cell.health, cell.stale), (Health::Unknown, false));
    assert_eq!(
        cell.reason.as_deref(),
        Some("no answer from the cluster yet")
    );
    view.apply(ClusterEvent::Connected, noon());
    for kind in [ObjectKind::Deployment, ObjectKind::Pod] {
        let objects = at_rest().into_iter().filter(|o| o.kind() == kind).collect();
        view.apply(reset(kind, objects), noon());
        assert_eq!(view.live(&target(), noon()).health, Health::Unknown);
        assert_eq!(view.connection(), Connection::Connecting);
    }
    list(&mut view, at_rest());
    assert_eq!(view.live(&target(), noon()).health, Health::Healthy);
    assert_eq!(view.connection(), Connection::Live);
}

#[test]
fn a_lost_cluster_is_stale_until_everything_is_listed_again() {
    let mut view = view(at_rest());
    view.apply(ClusterEvent::Alive, ago(-1));
    view.apply(lost("connection refused"), ago(-5));
    view.apply(lost("no route to host"), ago(-7));
    let still_lost = |next_try| Connection::Lost {
        reason: "no route to host".to_owned(),
        since: ago(-5),
        next_try,
    };
    assert_eq!(view.connection(), still_lost(Some(noon())));
    // A straggler after the loss says nothing about now.
    view.apply(ClusterEvent::Alive, ago(-8));
    let cell = view.live(&target(), ago(-9));
    assert_eq!((cell.health, cell.stale), (Health::Healthy, true));
    assert_eq!((cell.as_of, cell.ready), (ago(-1), 3));

    // It answers again, and was not asked for everything yet: the loss is not over, nor is it another one.
    view.apply(ClusterEvent::Connected, ago(-10));
    view.apply(reset(ObjectKind::Deployment, vec![]), ago(-10));
    assert_eq!(view.connection(), still_lost(None));
    let cell = view.live(&target(), ago(-10));
    assert_eq!((cell.as_of, cell.stale), (ago(-1), true));
    view.apply(lost("no route to host"), ago(-11));
    assert_eq!(view.connection(), still_lost(Some(noon())));

    view.apply(ClusterEvent::Connected, ago(-12));
    list(&mut view, vec![]);
    view.apply(ClusterEvent::Alive, ago(-13));
    let cell = view.live(&target(), ago(-14));
    assert_eq!((cell.health, cell.stale), (Health::Missing, false));
    assert_eq!(
        (cell.as_of, view.connection()),
        (ago(-13), Connection::Live)
    );
    view.apply(lost("reset"), ago(-15));
    let Connection::Lost { since, .. } = view.connection() else {
        panic!("lost");
    };
    assert_eq!(since, ago(-15), "another loss");
}

#[test]
fn what_nobody_looks_at_any_more_holds_no_loss_open() {
    let mut view = view(at_rest());
    let other = ClusterEvent::Reset {
        kind: ObjectKind::Pod,
        namespaces: ["other".to_owned()].into(),
        objects: vec![],
    };
    view.apply(other, noon());
    view.apply(lost("reset"), noon());
    view.apply(ClusterEvent::Connected, noon());
    let wanted: Wanted = ObjectKind::ALL.map(|kind| (kind, shop().into())).into();
    view.apply(ClusterEvent::Narrowed(wanted), noon());
    list(&mut view, at_rest());
    view.apply(lost("reset"), ago(-5));
    let Connection::Lost { since, .. } = view.connection() else {
        panic!("lost");
    };
    assert_eq!(since, ago(-5));
}

#[test]
fn never_reached_is_unknown_with_the_reason() {
    let mut view = View::new();
    view.apply(lost("no context `prod`"), noon());
    let cell = view.live(&target(), noon());
    assert_eq!((cell.health, cell.stale), (Health::Unknown, true));
    assert_eq!(cell.reason.as_deref(), Some("no context `prod`"));
    assert_eq!(view.cluster().as_of(), None);
}

#[test]
fn empty_denied_and_absent_are_three_things() {
    use Health::{Degraded, Healthy, Missing, Unknown};
    let degraded = || {
        let mut objects = at_rest();
        if let ClusterObject::Workload(deployment) = &mut objects[0] {
            deployment.conditions = vec![super::fixtures::condition(
                "Progressing",
                false,
                "ProgressDeadlineExceeded",
            )];
        }
        objects
    };
    let absent = |kind| ClusterEvent::Absent {
        kind,
        namespaces: shop(),
    };
    type Case = (
        &'static str,
        Vec<ClusterObject>,
        Option<ClusterEvent>,
        Health,
        Option<&'static str>,
    );
    let cases: Vec<Case> = vec![
        (
            "empty",
            vec![],
            None,
            Missing,
            Some("no workload called checkout in namespace shop"),
        ),
        (
            "workloads denied",
            vec![],
            Some(denied(ObjectKind::Deployment)),
            Unknown,
            Some("403: cannot list deployments"),
        ),
        (
            "another kind denied, found all the same",
            at_rest(),
            Some(denied(ObjectKind::DaemonSet)),
            Healthy,
            None,
        ),
        (
            "kind absent",
            vec![],
            Some(absent(ObjectKind::Deployment)),
            Missing,
            Some("no workload called checkout in namespace shop"),
        ),
        (
            "pods denied",
            at_rest(),
            Some(denied(ObjectKind::Pod)),
            Unknown,
            Some("403: cannot list pods"),
        ),
        (
            "pods denied, degraded anyway",
            degraded(),
            Some(denied(ObjectKind::Pod)),
            Degraded,
            Some("progress deadline exceeded; 403: cannot list pods"),
        ),
        (
            "replica sets denied",
            at_rest(),
            Some(denied(ObjectKind::ReplicaSet)),
            Healthy,
            None,
        ),
    ];
    for (case, objects, event, health, reason) in cases {
        let mut view = view(objects);
        let denied = matches!(event, Some(ClusterEvent::Denied { .. }));
        if let Some(event) = event {
            view.apply(event, noon());
        }
        let cell = view.live(&target(), noon());
        assert_eq!(
            (cell.health, cell.reason.as_deref()),
            (health, reason),
            "{case}"
        );
        assert_eq!(
            matches!(view.connection(), Connection::Denied { .. }),
            denied,
            "{case}"
        );
    }
}

#[test]
fn access_granted_later_ends_the_denial() {
    let mut view = view(at_rest());
    view.apply(denied(ObjectKind::Pod), noon());
    list(&mut view, at_rest());
    assert_eq!(view.connection(), Connection::Live);
    assert_eq!(view.live(&target(), noon()).health, Health::Healthy);
}

#[test]
fn changes_and_deletions_tell_where() {
    let mut view = view(at_rest());
    let second = pod("a-2", "checkout-a", "1.0");
    let touched = view.apply(ClusterEvent::Applied(second.into()), noon());
    assert_eq!(touched, Touched::Namespaces(shop()));
    assert_eq!(view.live(&target(), noon()).versions[&"1.0".into()], 2);
    view.apply(
        ClusterEvent::Deleted {
            kind: ObjectKind::Pod,
            namespace: "shop".to_owned(),
            name: "a-1".to_owned(),
        },
        noon(),
    );
    assert_eq!(view.live(&target(), noon()).versions[&"1.0".into()], 1);

    let mut elsewhere = pod("x", "y", "1.0");
    elsewhere.namespace = "other".to_owned();
    let touched = view.apply(ClusterEvent::Applied(elsewhere.into()), noon());
    assert_eq!(touched, Touched::Nothing);

    let wanted: Wanted = [(ObjectKind::Pod, Arc::new(["other".to_owned()].into()))].into();
    view.apply(ClusterEvent::Narrowed(wanted), noon());
    assert_eq!(view.live(&target(), noon()).health, Health::Unknown);
}

#[test]
fn pods_are_found_without_their_replica_set() {
    let deployment = || ClusterObject::from(workload(ObjectKind::Deployment));
    let mut orphan = pod("lone", "", "1.0");
    orphan.owner = None;
    let mut foreign = pod("foreign", "", "1.0");
    foreign.owner = Some(owner("ReplicaSet", "checkout-api-5d9f"));
    let mut other = orphan.clone();
    other.labels = Labels::default();
    let cases: Vec<(&str, ClusterObject, usize)> = vec![
        (
            "by its owner's name",
            pod("a", "checkout-5d9f", "1.0").into(),
            1,
        ),
        ("another's owner", foreign.into(), 0),
        ("by labels", orphan.into(), 1),
        ("other labels", other.into(), 0),
    ];
    for (case, pod, count) in cases {
        assert_eq!(live(vec![deployment(), pod]).pods.len(), count, "{case}");
    }
}

#[test]
fn a_cell_of_several_workloads_is_as_bad_as_the_worst() {
    let mut worker = workload(ObjectKind::StatefulSet);
    worker.name = "checkout-worker".to_owned();
    worker.ready = 1;
    let mut view = view(at_rest());
    view.apply(ClusterEvent::Applied(worker.into()), noon());
    let labels = Selector::parse("app=checkout").unwrap();
    let labelled = looked_for(&Which::Labels(labels.into()));
    let cell = view.live(&labelled, noon());
    assert_eq!(cell.health, Health::Progressing);
    assert_eq!(cell.reason.as_deref(), Some("1 of 3 pods ready"));
    assert_eq!((cell.ready, cell.desired), (4, 6));
    let counts = cell.counts.iter();
    let counts: Vec<_> = counts
        .map(|(name, it)| (name.as_str(), it.ready, it.desired))
        .collect();
    let expected = [
        ("Deployment/checkout", 3, 3),
        ("StatefulSet/checkout-worker", 1, 3),
    ];
    assert_eq!(counts, expected);
    assert_eq!(
        cell.workloads,
        ["Deployment/checkout", "StatefulSet/checkout-worker"]
    );
}

#[test]
fn a_running_digest_is_shown_in_the_words_of_git() {
    let mut pinned = pod("a-1", "checkout-a", "1.0");
    pinned.containers[0].image = "reg.example.com/checkout:1.0@sha256:9f".to_owned();
    let objects = vec![workload(ObjectKind::Deployment).into(), pinned.into()];
    let view = view(objects);
    for (desired, expected) in [
        ("1.0", "1.0"),
        ("sha256:9f", "sha256:9f"),
        ("2.0", "1.0@sha256:9f"),
    ] {
        let target = CellTarget {
            desired: Some(desired.into()),
            ..target()
        };
        let cell = view.live(&target, noon());
        let versions: Vec<_> = cell.versions.keys().map(Version::as_str).collect();
        assert_eq!(versions, [expected], "desired {desired}");
    }
}

#[test]
fn notes_are_of_one_cell() {
    let mut view = View::new();
    let touched = view.apply(
        ClusterEvent::Notes {
            cell: CellKey::new("checkout", "prod"),
            notes: vec![],
            problem: Some("403".to_owned()),
        },
        noon(),
    );
    assert_eq!(touched, Touched::Notes);
    let notes = |service| view.cluster().notes(&CellKey::new(service, "prod"));
    assert_eq!(notes("checkout"), Some((&[][..], Some("403"))));
    assert_eq!(notes("payments"), None);
}

#[test]
fn a_sign_of_life_tells_where_time_alone_changes_something() {
    let mut slow = pod("a-1", "checkout-a", "1.0");
    slow.ready = false;
    slow.containers[0].run = super::super::object::Run::Running {
        since: Some(noon()),
    };
    let mut view = view(vec![workload(ObjectKind::Deployment).into(), slow.into()]);
    for (seconds, touched) in [
        (29, Touched::Nothing),
        (31, Touched::Namespaces(shop())),
        (41, Touched::Nothing),
    ] {
        let later = noon() + jiff::SignedDuration::from_secs(seconds);
        assert_eq!(
            view.apply(ClusterEvent::Alive, later),
            touched,
            "{seconds} s"
        );
    }
}

#[test]
fn what_no_container_can_carry_is_hidden() {
    let view = view(at_rest());
    let cases = [
        ("an image's tag", Subject::Image, "2.0", false),
        ("a chart's version", Subject::Chart, "1.0", true),
        ("not sure, and it runs", Subject::Unsure, "1.0", false),
        ("not sure, and it could run", Subject::Unsure, "2.0", false),
        (
            "not sure, and nothing is like it",
            Subject::Unsure,
            "on",
            true,
        ),
    ];
    for (name, subject, declared, hidden) in cases {
        let target = CellTarget {
            desired: Some(declared.into()),
            subject,
            ..target()
        };
        let cell = view.live(&target, noon());
        assert_eq!(cell.hidden, hidden, "{name}");
        assert_eq!(cell.health, Health::Healthy, "{name}");
        let drifts = !hidden && declared != "1.0";
        assert_eq!(cell.runs_other_than(&declared.into()), drifts, "{name}");
    }
}

/// The objects of a cell in two clusters: its Deployment where the environment is, its `StatefulSet` elsewhere.
struct Apart {
    cell: CellTarget,
    target: ClusterTarget,
    views: ClusterViews,
}

impl Apart {
    fn new() -> Self {
        let place = |context: &str, kinds, namespace: &str| ObjectPlace {
            context: context.into(),
            kinds,
            namespace: namespace.into(),
            object: Which::Name("checkout".into()),
        };
        let cell = CellTarget {
            places: vec![
                place("prod", &[ObjectKind::Deployment], "shop"),
                place("hub", &[ObjectKind::StatefulSet], "agents"),
            ],
            ..target()
        };
        let target = ClusterTarget::new("prod".into(), "prod".to_owned(), vec![cell.clone()]);
        let mut views = ClusterViews::default();
        views.retarget(std::slice::from_ref(&target));
        Self {
            cell,
            target,
            views,
        }
    }

    /// All that is looked for in a context is listed.
    fn list(&mut self, context: &str, objects: &[ClusterObject]) {
        self.views.apply(context, ClusterEvent::Connected, noon());
        for (kind, namespaces) in &self.target.wanted()[context] {
            let own = objects.iter().filter(|object| object.kind() == *kind);
            let listed = ClusterEvent::Reset {
                kind: *kind,
                namespaces: BTreeSet::clone(namespaces),
                objects: own.cloned().collect(),
            };
            self.views.apply(context, listed, noon());
        }
    }

    fn live(&self) -> LiveCell {
        self.views.live(&self.cell, noon())
    }
}

#[test]
fn the_objects_of_a_cell_may_be_in_several_namespaces_and_clusters() {
    let mut elsewhere = workload(ObjectKind::StatefulSet);
    elsewhere.namespace = "agents".to_owned();
    elsewhere.ready = 1;
    let mut both = Apart::new();
    let wanted = both.target.wanted()["hub"].keys().copied();
    let wanted: Vec<_> = wanted
        .filter(|kind| !kind.is_agent() && !kind.is_companion())
        .collect();
    assert_eq!(wanted, [ObjectKind::StatefulSet, ObjectKind::Pod]);

    both.list("prod", &at_rest());
    let cell = both.live();
    assert_eq!(cell.health, Health::Unknown, "half of it is not known");
    assert_eq!(both.views.connection(&both.target), Connection::Live);

    both.list("hub", &[elsewhere.into()]);
    let cell = both.live();
    assert_eq!(
        cell.workloads,
        ["Deployment/checkout", "StatefulSet/checkout"]
    );
    assert_eq!(cell.reason.as_deref(), Some("1 of 3 pods ready"));
    assert!(!cell.stale);

    both.views.apply("hub", lost("reset"), noon());
    assert!(both.live().stale, "half of it is stale");
    assert_eq!(both.views.connection(&both.target), Connection::Live);
}

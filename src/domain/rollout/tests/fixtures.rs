//! Objects with sensible defaults, changed by closures where a case needs it.

use std::sync::Arc;

use jiff::{Timestamp, ToSpan};

use super::super::{
    CellTarget, ClusterEvent, ClusterObject, ClusterTarget, ClusterView, ClusterViews, Connection,
    Declared, LiveCell, ObjectKind, ObjectPlace, PodObject, ReplicaSetState, Selector, Touched,
    Which, WorkloadState,
    object::{Condition, ContainerImage, ContainerState, Ended, Owner, Run, Strategy},
};
use crate::domain::{
    desired::RefName,
    ids::{CellKey, ObjectId},
    subject::Subject,
};

pub(super) fn noon() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

pub(super) fn ago(minutes: i64) -> Timestamp {
    noon() - minutes.minutes()
}

fn containers(version: &str) -> Vec<ContainerImage> {
    vec![ContainerImage {
        name: "app".to_owned(),
        image: format!("reg.example.com/checkout:{version}"),
    }]
}

/// A workload of three pods, all on `1.0`, at rest.
pub(super) fn workload(kind: ObjectKind) -> WorkloadState {
    let revision = match kind {
        ObjectKind::Deployment => Some("7".to_owned()),
        ObjectKind::StatefulSet => Some("checkout-b".to_owned()),
        _ => None,
    };
    WorkloadState {
        kind,
        namespace: "shop".to_owned(),
        name: "checkout".to_owned(),
        labels: [("app".to_owned(), "checkout".to_owned())].into(),
        selector: Selector::parse("app=checkout").unwrap(),
        generation: 4,
        observed_generation: 4,
        desired: 3,
        total: 3,
        updated: 3,
        ready: 3,
        available: 3,
        paused: false,
        strategy: Strategy::Rolling { partition: 0 },
        containers: containers("1.0"),
        references: Box::default(),
        conditions: Vec::new(),
        current_revision: revision.clone().filter(|_| kind == ObjectKind::StatefulSet),
        revision,
        created: Some(ago(1000)),
        owner: None,
        tracking: None,
        completed: None,
        unavailable: None,
        last_begun: None,
        last_succeeded: None,
        progress: None,
        template_of: None,
    }
}

pub(super) fn condition(kind: &str, holds: bool, reason: &str) -> Condition {
    Condition {
        kind: kind.to_owned(),
        holds,
        reason: reason.to_owned(),
        message: "words".to_owned(),
        since: Some(ago(5)),
    }
}

pub(super) fn replica_set(name: &str, revision: &str, version: &str) -> ReplicaSetState {
    ReplicaSetState {
        namespace: "shop".to_owned(),
        name: name.to_owned(),
        owner: Some(owner("Deployment", "checkout")),
        revision: Some(revision.to_owned()),
        desired: 3,
        ready: 3,
        containers: containers(version),
        created: Some(ago(60)),
    }
}

pub(in crate::domain::rollout) fn owner(kind: &str, name: &str) -> Owner {
    Owner {
        kind: kind.to_owned(),
        name: name.to_owned(),
    }
}

/// A ready pod of `ReplicaSet/set` on `version`.
pub(in crate::domain::rollout) fn pod(name: &str, set: &str, version: &str) -> PodObject {
    PodObject {
        namespace: "shop".to_owned(),
        name: name.to_owned(),
        owner: Some(owner("ReplicaSet", set)),
        labels: [("app".to_owned(), "checkout".to_owned())].into(),
        phase: "Running".to_owned(),
        ready: true,
        ready_changed: Some(ago(50)),
        unschedulable: None,
        reason: None,
        message: None,
        containers: vec![ContainerState {
            name: "app".to_owned(),
            image: format!("reg.example.com/checkout:{version}"),
            digest: None,
            init: false,
            ready: true,
            started: Some(true),
            restarts: 0,
            run: Run::Running {
                since: Some(ago(50)),
            },
            last: None,
        }],
        runs_on: true,
        terminating: false,
        created: Some(ago(51)),
        node: Some("node-1".to_owned()),
    }
}

/// Makes a pod unready, with its container in this state.
pub(super) fn broken(
    mut pod: PodObject,
    run: Run,
    restarts: u32,
    last: Option<Ended>,
) -> PodObject {
    pod.ready = false;
    pod.ready_changed = Some(ago(3));
    let container = &mut pod.containers[0];
    container.ready = false;
    (container.run, container.restarts, container.last) = (run, restarts, last.map(Box::new));
    pod
}

pub(super) fn waiting(reason: &str) -> Run {
    Run::Waiting {
        reason: reason.to_owned(),
        message: None,
    }
}

pub(super) fn ended(reason: &str, exit: i32, minutes_ago: i64) -> Ended {
    Ended {
        reason: reason.to_owned(),
        exit,
        at: Some(ago(minutes_ago)),
        message: None,
    }
}

pub(super) fn crashing(pod: PodObject, restarts: u32) -> PodObject {
    broken(
        pod,
        waiting("CrashLoopBackOff"),
        restarts,
        Some(ended("Error", 1, 1)),
    )
}

pub(super) fn target() -> CellTarget {
    looked_for(&Which::Name("checkout".into()))
}

/// The cell with these workloads, in namespace `shop` of context `prod`.
pub(super) fn looked_for(object: &Which) -> CellTarget {
    CellTarget {
        cell: CellKey::new("checkout", "prod"),
        places: vec![ObjectPlace {
            context: "prod".into(),
            kinds: &ObjectKind::WORKLOADS,
            namespace: "shop".into(),
            object: object.clone(),
        }],
        image_names: vec!["checkout".to_owned()],
        desired: Some("1.0".into()),
        subject: Subject::Image,
        written: None,
        policy: None,
    }
}

/// What is known of context `prod`, where the cell is looked for.
pub(super) struct View(ClusterViews);

impl View {
    /// Nothing was heard yet.
    pub(super) fn new() -> Self {
        let mut views = ClusterViews::default();
        views.retarget(&[Self::environment()]);
        Self(views)
    }

    fn environment() -> ClusterTarget {
        ClusterTarget::new("prod".into(), "prod".to_owned(), vec![target()])
    }

    pub(super) fn apply(&mut self, event: ClusterEvent, now: Timestamp) -> Touched {
        self.0.apply("prod", event, now)
    }

    pub(super) fn live(&self, target: &CellTarget, now: Timestamp) -> LiveCell {
        self.0.live(target, now)
    }

    pub(super) fn live_and_unread(
        &self,
        target: &CellTarget,
        now: Timestamp,
    ) -> (LiveCell, Option<(RefName, ObjectId)>) {
        self.0.live_and_unread(target, now)
    }

    pub(super) fn declare(&mut self, at: (RefName, ObjectId), declared: Option<Arc<Declared>>) {
        self.0.declare(at, declared);
    }

    pub(super) fn connection(&self) -> Connection {
        self.0.connection(&Self::environment())
    }

    pub(super) fn cluster(&self) -> &ClusterView {
        self.0.view("prod").unwrap()
    }
}

/// Connected, and everything listed in namespace `shop`.
pub(super) fn view(objects: Vec<ClusterObject>) -> View {
    let mut view = View::new();
    view.apply(ClusterEvent::Connected, noon());
    list(&mut view, objects);
    view
}

pub(super) fn list(view: &mut View, objects: Vec<ClusterObject>) {
    for kind in ObjectKind::ALL {
        let objects = objects.iter().filter(|object| object.kind() == kind);
        view.apply(
            ClusterEvent::Reset {
                kind,
                namespaces: ["shop".to_owned()].into(),
                objects: objects.cloned().collect(),
            },
            noon(),
        );
    }
}

pub(super) fn live(objects: Vec<ClusterObject>) -> LiveCell {
    view(objects).live(&target(), noon())
}

impl From<WorkloadState> for ClusterObject {
    fn from(workload: WorkloadState) -> Self {
        Self::Workload(Box::new(workload))
    }
}

impl From<ReplicaSetState> for ClusterObject {
    fn from(set: ReplicaSetState) -> Self {
        Self::ReplicaSet(Box::new(set))
    }
}

impl From<PodObject> for ClusterObject {
    fn from(pod: PodObject) -> Self {
        Self::Pod(Box::new(pod))
    }
}

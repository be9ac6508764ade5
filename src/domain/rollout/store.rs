//! The objects of one namespace, found by name and by who made them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    agents::Agents,
    companion::{CompanionKind, CompanionObject},
    needs::{Held, HeldKind, Presence},
    object::{
        CanaryObject, ClusterObject, ObjectKind, Owner, PodObject, ReplicaSetState, WorkloadState,
    },
};

/// What the server answered when asked for a kind, and whether that still holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answered {
    pub(super) answer: Answer,
    /// The connection was lost since, and this was last confirmed then.
    pub(super) stale: Option<Timestamp>,
}

/// What the server answers when asked for a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The list, perhaps empty.
    Listed,
    /// 403, with the server's words.
    Denied(String),
    /// 404: it does not know the kind.
    Absent,
}

/// The objects of one namespace.
#[derive(Clone, Debug, Default)]
pub(super) struct Namespace {
    answers: BTreeMap<ObjectKind, Answered>,
    workloads: BTreeMap<(ObjectKind, String), WorkloadState>,
    sets: Owned<ReplicaSetState>,
    jobs: Owned<WorkloadState>,
    pods: Owned<PodObject>,
    canaries: BTreeMap<String, CanaryObject>,
    companions: BTreeMap<(CompanionKind, String), CompanionObject>,
    /// The names of companions by what they are about.
    about: BTreeMap<(CompanionKind, String), BTreeSet<String>>,
    /// What was asked for by its name, and what was said of it.
    held: BTreeMap<(HeldKind, String), Presence>,
    agents: Agents,
}

impl Namespace {
    /// The server answered for a kind: what was known of it goes. Returns whether it says anew what may be seen of it.
    pub(super) fn answer(&mut self, kind: ObjectKind, answer: Answer) -> bool {
        self.clear(kind);
        let answered = Answered {
            answer,
            stale: None,
        };
        let before = self.answers.insert(kind, answered.clone());
        before != Some(answered)
    }

    /// What was answered for a kind; `None` until something was.
    pub(super) fn answered(&self, kind: ObjectKind) -> Option<&Answered> {
        self.answers.get(&kind)
    }

    /// The connection is lost: what was current until now was confirmed at `confirmed`.
    pub(super) fn lose(&mut self, confirmed: Timestamp) {
        for answered in self.answers.values_mut() {
            answered.stale.get_or_insert(confirmed);
        }
    }

    /// Whether all that cells need of it is current.
    pub(super) fn is_current(&self) -> bool {
        let mut needed = self.answers.iter().filter(|(kind, _)| !kind.is_beside());
        needed.all(|(_, it)| it.stale.is_none())
    }

    /// Other kinds than these are not watched any more.
    pub(super) fn keep(&mut self, is_wanted: impl Fn(ObjectKind) -> bool) {
        let gone: Vec<_> = self.answers.keys().copied().collect();
        for kind in gone.into_iter().filter(|kind| !is_wanted(*kind)) {
            self.answers.remove(&kind);
            self.clear(kind);
        }
    }

    /// Whether anything is known of it.
    pub(super) fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// The server's words where this kind may not be seen.
    pub(super) fn denied(&self, kind: ObjectKind) -> Option<&str> {
        match &self.answers.get(&kind)?.answer {
            Answer::Denied(what) => Some(what.as_str()),
            Answer::Listed | Answer::Absent => None,
        }
    }

    /// Forgets every object of a kind.
    fn clear(&mut self, kind: ObjectKind) {
        match kind {
            ObjectKind::ReplicaSet => self.sets = Owned::default(),
            ObjectKind::Pod => self.pods = Owned::default(),
            ObjectKind::Job => self.jobs = Owned::default(),
            ObjectKind::Canary => self.canaries.clear(),
            ObjectKind::Companion(kind) => {
                self.companions.retain(|(of, _), _| *of != kind);
                self.about.retain(|(of, _), _| *of != kind);
            }
            ObjectKind::Agent(kind) => self.agents.clear(kind),
            _ => self.workloads.retain(|(of, _), _| *of != kind),
        }
    }

    pub(super) fn insert(&mut self, object: ClusterObject) {
        match object {
            ClusterObject::Workload(job) if job.kind == ObjectKind::Job => {
                self.jobs.insert(*job);
            }
            ClusterObject::Workload(workload) => {
                let key = (workload.kind, workload.name.clone());
                self.workloads.insert(key, *workload);
            }
            ClusterObject::ReplicaSet(set) => {
                self.sets.insert(*set);
            }
            ClusterObject::Pod(pod) => {
                self.pods.insert(*pod);
            }
            ClusterObject::Canary(canary) => {
                self.canaries.insert(canary.name.clone(), *canary);
            }
            ClusterObject::Companion(object) => {
                self.forget_companion(object.kind, &object.name);
                let about = (object.kind, object.about.clone());
                let names = self.about.entry(about).or_default();
                names.insert(object.name.clone());
                let key = (object.kind, object.name.clone());
                self.companions.insert(key, *object);
            }
            ClusterObject::Agent(agent) => self.agents.insert(*agent),
        }
    }

    fn forget_companion(&mut self, kind: CompanionKind, name: &str) {
        let Some(before) = self.companions.remove(&(kind, name.to_owned())) else {
            return;
        };
        let about = (kind, before.about);
        if let Some(names) = self.about.get_mut(&about) {
            names.remove(name);
            if names.is_empty() {
                self.about.remove(&about);
            }
        }
    }

    /// The companion of a kind and name.
    pub(super) fn companion(&self, kind: CompanionKind, name: &str) -> Option<&CompanionObject> {
        self.companions.get(&(kind, name.to_owned()))
    }

    /// The companions of a kind that are about this, in the order of their names.
    pub(super) fn companions_of(
        &self,
        kind: CompanionKind,
        about: &str,
    ) -> impl Iterator<Item = &CompanionObject> + use<'_> {
        let names = self.about.get(&(kind, about.to_owned()));
        let names = names.into_iter().flatten();
        names.filter_map(move |name| self.companion(kind, name))
    }

    /// What was said of something that was asked for by its name.
    pub(super) fn presence(&self, kind: HeldKind, name: &str) -> Option<&Presence> {
        self.held.get(&(kind, name.to_owned()))
    }

    /// This is said of it now; returns whether that is new.
    pub(super) fn hold(&mut self, kind: HeldKind, name: String, presence: Presence) -> bool {
        let before = self.held.insert((kind, name), presence.clone());
        before != Some(presence)
    }

    /// What else was asked for by its name is not any more.
    pub(super) fn hold_only(&mut self, namespace: &str, wanted: &BTreeSet<Held>) {
        let kept: BTreeSet<_> = wanted
            .iter()
            .filter(|it| it.namespace == namespace)
            .map(|it| (it.kind, it.name.as_str()))
            .collect();
        self.held
            .retain(|(kind, name), _| kept.contains(&(*kind, name.as_str())));
    }

    pub(super) fn remove(&mut self, kind: ObjectKind, name: &str) {
        match kind {
            ObjectKind::ReplicaSet => self.sets.remove(name),
            ObjectKind::Pod => self.pods.remove(name),
            ObjectKind::Job => self.jobs.remove(name),
            ObjectKind::Canary => {
                self.canaries.remove(name);
            }
            ObjectKind::Companion(kind) => self.forget_companion(kind, name),
            ObjectKind::Agent(kind) => self.agents.remove(kind, name),
            _ => {
                self.workloads.remove(&(kind, name.to_owned()));
            }
        }
    }

    /// The agents' objects: in what stands for all namespaces.
    pub(super) fn agents(&self) -> &Agents {
        &self.agents
    }

    /// Workloads of a kind, in the order of their names; of Jobs those that nothing else made.
    pub(super) fn workloads(&self, kind: ObjectKind) -> Vec<&WorkloadState> {
        if kind == ObjectKind::Job {
            return self.jobs.of(None).collect();
        }
        let of_kind = self.workloads.range((kind, String::new())..);
        of_kind
            .take_while(|((of, _), _)| *of == kind)
            .map(|(_, workload)| workload)
            .collect()
    }

    /// The workload of a kind and name.
    pub(super) fn workload(&self, kind: ObjectKind, name: &str) -> Option<&WorkloadState> {
        if kind == ObjectKind::Job {
            return self.jobs.get(name);
        }
        self.workloads.get(&(kind, name.to_owned()))
    }

    /// The runs of a `CronJob` that are still there, newest first.
    pub(super) fn runs_of(&self, cron_job: &WorkloadState) -> Vec<&WorkloadState> {
        let mut runs: Vec<_> = self
            .jobs
            .of(Some(&owner(cron_job.kind, &cron_job.name)))
            .collect();
        runs.sort_by(|a, b| (b.created, &b.name).cmp(&(a.created, &a.name)));
        runs
    }

    /// Every pod.
    pub(super) fn pods(&self) -> impl Iterator<Item = &PodObject> {
        self.pods.by_name.values()
    }

    /// How Flagger delivers a workload, where it does.
    pub(super) fn canary_of(&self, workload: &WorkloadState) -> Option<&CanaryObject> {
        let mut all = self.canaries.values();
        all.find(|canary| {
            let target = canary.target.as_ref();
            target.is_some_and(|of| of.kind == workload.kind.as_str() && of.name == workload.name)
        })
    }

    /// The `ReplicaSets` that a Deployment or a Rollout made.
    pub(super) fn sets_of<'a>(
        &'a self,
        workload: &WorkloadState,
    ) -> impl Iterator<Item = &'a ReplicaSetState> + use<'a> {
        self.sets.of(Some(&owner(workload.kind, &workload.name)))
    }

    /// The pods of a workload: by who made them; those that nobody made, by its selector.
    pub(super) fn pods_of(&self, workload: &WorkloadState) -> Vec<&PodObject> {
        let mut pods: Vec<&PodObject> = Vec::new();
        if matches!(workload.kind, ObjectKind::Deployment | ObjectKind::Rollout) {
            for set in self.sets_of(workload) {
                let owner = owner(ObjectKind::ReplicaSet, &set.name);
                pods.extend(self.pods.of(Some(&owner)));
            }
            // Where ReplicaSets may not be listed, or one has not arrived yet, its name tells whose it is.
            let prefix = format!("{}-", workload.name);
            let first = Some(owner(ObjectKind::ReplicaSet, &prefix));
            for (owner, names) in self.pods.by_owner.range(first..) {
                let Some(hash) = owner
                    .as_ref()
                    .filter(|owner| owner.kind == "ReplicaSet")
                    .and_then(|owner| owner.name.strip_prefix(&prefix))
                else {
                    break;
                };
                if !hash.contains('-')
                    && !self.sets.by_name.contains_key(&format!("{prefix}{hash}"))
                {
                    pods.extend(names.iter().filter_map(|name| self.pods.get(name)));
                }
            }
        } else {
            pods.extend(self.pods.of(Some(&owner(workload.kind, &workload.name))));
        }
        pods.extend(
            self.pods
                .of(None)
                .filter(|pod| workload.selector.matches(&pod.labels)),
        );
        pods
    }
}

fn owner(kind: ObjectKind, name: &str) -> Owner {
    Owner {
        kind: kind.as_str().to_owned(),
        name: name.to_owned(),
    }
}

/// Up to so many names of what one has made take no more room than they need.
const FEW: usize = 4;

/// What something may have made.
trait Made {
    fn name(&self) -> &str;
    fn owner(&self) -> Option<&Owner>;
}

impl Made for WorkloadState {
    fn name(&self) -> &str {
        &self.name
    }

    fn owner(&self) -> Option<&Owner> {
        self.owner.as_ref()
    }
}

impl Made for ReplicaSetState {
    fn name(&self) -> &str {
        &self.name
    }

    fn owner(&self) -> Option<&Owner> {
        self.owner.as_ref()
    }
}

impl Made for PodObject {
    fn name(&self) -> &str {
        &self.name
    }

    fn owner(&self) -> Option<&Owner> {
        self.owner.as_ref()
    }
}

/// Objects by name, with an index by owner.
#[derive(Clone, Debug)]
struct Owned<T> {
    by_name: BTreeMap<String, T>,
    /// Most have made one or two: their names in order, which takes no tree.
    by_owner: BTreeMap<Option<Owner>, Vec<String>>,
}

impl<T> Default for Owned<T> {
    fn default() -> Self {
        Self {
            by_name: BTreeMap::new(),
            by_owner: BTreeMap::new(),
        }
    }
}

impl<T: Made> Owned<T> {
    fn insert(&mut self, object: T) {
        let name = object.name().to_owned();
        self.remove(&name);
        let names = self.by_owner.entry(object.owner().cloned()).or_default();
        if let Err(place) = names.binary_search(&name) {
            if names.len() < FEW {
                names.reserve_exact(1);
            }
            names.insert(place, name.clone());
        }
        self.by_name.insert(name, object);
    }

    fn remove(&mut self, name: &str) {
        let Some(object) = self.by_name.remove(name) else {
            return;
        };
        let owner = object.owner().cloned();
        if let Some(names) = self.by_owner.get_mut(&owner) {
            names.retain(|it| it != name);
            if names.is_empty() {
                self.by_owner.remove(&owner);
            }
        }
    }

    fn get(&self, name: &str) -> Option<&T> {
        self.by_name.get(name)
    }

    fn of(&self, owner: Option<&Owner>) -> impl Iterator<Item = &T> + use<'_, T> {
        let names = self.by_owner.get(&owner.cloned());
        names
            .into_iter()
            .flatten()
            .filter_map(|name| self.get(name))
    }
}

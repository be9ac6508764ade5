//! The objects of one namespace, found by name and by who made them.

use std::{collections::BTreeSet, sync::LazyLock};

use jiff::Timestamp;

use super::{
    agents::Agents,
    answers::{Answer, Answered, Answers},
    companion::{CompanionKind, CompanionObject},
    needs::{Held, HeldKind, Presence},
    object::{
        CanaryObject, ClusterObject, ObjectKind, Owner, PodObject, ReplicaSetState, WorkloadState,
    },
    owned::Owned,
    rare::Rare,
};

/// The objects of one namespace.
#[derive(Clone, Debug, Default)]
pub(super) struct Namespace {
    answers: Answers,
    /// In the order of their kinds and names.
    #[allow(clippy::vec_box)] // They are large, and moved about as they are kept in order.
    workloads: Vec<Box<WorkloadState>>,
    sets: Owned<ReplicaSetState>,
    pods: Owned<PodObject>,
    rare: Option<Box<Rare>>,
}

/// Of a namespace that has none of it.
static NONE: LazyLock<Rare> = LazyLock::new(Rare::default);

impl Namespace {
    fn rare(&self) -> &Rare {
        self.rare.as_deref().unwrap_or(&NONE)
    }

    fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// The server answered for a kind: what was known of it goes. Returns whether it says anew what may be seen of it.
    pub(super) fn answer(&mut self, kind: ObjectKind, answer: Answer) -> bool {
        self.clear(kind);
        self.answers.insert(kind, answer)
    }

    /// What was answered for a kind; `None` until something was.
    pub(super) fn answered(&self, kind: ObjectKind) -> Option<Answered> {
        self.answers.answered(kind)
    }

    /// The connection is lost: what was current until now was confirmed at `confirmed`.
    pub(super) fn lose(&mut self, confirmed: Timestamp) {
        self.answers.lose(confirmed);
    }

    /// Whether all that was ever answered is current.
    pub(super) fn is_all_current(&self) -> bool {
        self.answers.is_current(|_| true)
    }

    /// Whether all that cells need of it is current.
    pub(super) fn is_current(&self) -> bool {
        self.answers.is_current(|kind| !kind.is_beside())
    }

    /// Other kinds than these are not watched any more.
    pub(super) fn keep(&mut self, is_wanted: impl Fn(ObjectKind) -> bool) {
        let gone: Vec<_> = self.answers.kinds().collect();
        for kind in gone.into_iter().filter(|kind| !is_wanted(*kind)) {
            self.answers.remove(kind);
            self.clear(kind);
        }
    }

    /// Whether anything is known of it.
    pub(super) fn is_empty(&self) -> bool {
        self.answers.kinds().next().is_none()
    }

    /// The server's words where this kind may not be seen.
    pub(super) fn denied(&self, kind: ObjectKind) -> Option<&str> {
        self.answers.denied(kind)
    }

    /// Forgets every object of a kind.
    fn clear(&mut self, kind: ObjectKind) {
        match kind {
            ObjectKind::ReplicaSet => self.sets = Owned::default(),
            ObjectKind::Pod => self.pods = Owned::default(),
            ObjectKind::Job
            | ObjectKind::Canary
            | ObjectKind::Companion(_)
            | ObjectKind::Agent(_) => {
                if let Some(rare) = &mut self.rare {
                    rare.clear(kind);
                }
            }
            _ => self.workloads.retain(|it| it.kind != kind),
        }
    }

    pub(super) fn insert(&mut self, object: ClusterObject) {
        match object {
            ClusterObject::Workload(job) if job.kind == ObjectKind::Job => {
                self.rare_mut().jobs.insert(job);
            }
            ClusterObject::Workload(workload) => {
                match self.place(workload.kind, &workload.name) {
                    Ok(at) => self.workloads[at] = workload,
                    Err(at) => {
                        // Most namespaces have one or two.
                        self.workloads.reserve_exact(1);
                        self.workloads.insert(at, workload);
                    }
                }
            }
            ClusterObject::ReplicaSet(set) => {
                self.sets.insert(set);
            }
            ClusterObject::Pod(pod) => {
                self.pods.insert(pod);
            }
            ClusterObject::Canary(canary) => {
                let canaries = &mut self.rare_mut().canaries;
                canaries.insert(canary.name.clone(), *canary);
            }
            ClusterObject::Companion(object) => self.rare_mut().insert_companion(*object),
            ClusterObject::Agent(agent) => self.rare_mut().agents.insert(*agent),
        }
    }

    /// The companion of a kind and name.
    pub(super) fn companion(&self, kind: CompanionKind, name: &str) -> Option<&CompanionObject> {
        self.rare().companion(kind, name)
    }

    /// The companions of a kind that are about this, in the order of their names.
    pub(super) fn companions_of(
        &self,
        kind: CompanionKind,
        about: &str,
    ) -> impl Iterator<Item = &CompanionObject> + use<'_> {
        self.rare().companions_of(kind, about)
    }

    /// What was said of something that was asked for by its name.
    pub(super) fn presence(&self, kind: HeldKind, name: &str) -> Option<&Presence> {
        self.rare().held.get(&(kind, name.to_owned()))
    }

    /// This is said of it now; returns whether that is new.
    pub(super) fn hold(&mut self, kind: HeldKind, name: String, presence: Presence) -> bool {
        let held = &mut self.rare_mut().held;
        let before = held.insert((kind, name), presence.clone());
        before != Some(presence)
    }

    /// What else was asked for by its name is not any more.
    pub(super) fn hold_only(&mut self, namespace: &str, wanted: &BTreeSet<Held>) {
        let Some(rare) = &mut self.rare else {
            return;
        };
        let kept: BTreeSet<_> = wanted
            .iter()
            .filter(|it| it.namespace == namespace)
            .map(|it| (it.kind, it.name.as_str()))
            .collect();
        rare.held
            .retain(|(kind, name), _| kept.contains(&(*kind, name.as_str())));
    }

    pub(super) fn remove(&mut self, kind: ObjectKind, name: &str) {
        match kind {
            ObjectKind::ReplicaSet => self.sets.remove(name),
            ObjectKind::Pod => self.pods.remove(name),
            ObjectKind::Job
            | ObjectKind::Canary
            | ObjectKind::Companion(_)
            | ObjectKind::Agent(_) => {
                if let Some(rare) = &mut self.rare {
                    rare.remove(kind, name);
                }
            }
            _ => {
                if let Ok(at) = self.place(kind, name) {
                    self.workloads.remove(at);
                }
            }
        }
    }

    /// The agents' objects: in what stands for all namespaces.
    pub(super) fn agents(&self) -> &Agents {
        &self.rare().agents
    }

    /// Workloads of a kind, in the order of their names; of Jobs those that nothing else made.
    pub(super) fn workloads(&self, kind: ObjectKind) -> Vec<&WorkloadState> {
        if kind == ObjectKind::Job {
            return self.rare().jobs.of(None).collect();
        }
        let of_kind = self.workloads.iter().filter(|it| it.kind == kind);
        of_kind.map(|workload| &**workload).collect()
    }

    /// The workload of a kind and name.
    pub(super) fn workload(&self, kind: ObjectKind, name: &str) -> Option<&WorkloadState> {
        if kind == ObjectKind::Job {
            return self.rare().jobs.get(name);
        }
        let at = self.place(kind, name).ok()?;
        self.workloads.get(at).map(|workload| &**workload)
    }

    fn place(&self, kind: ObjectKind, name: &str) -> Result<usize, usize> {
        self.workloads
            .binary_search_by(|it| (it.kind, it.name.as_str()).cmp(&(kind, name)))
    }

    /// The runs of a `CronJob` that are still there, newest first.
    pub(super) fn runs_of(&self, cron_job: &WorkloadState) -> Vec<&WorkloadState> {
        let mut runs: Vec<_> = self
            .rare()
            .jobs
            .of(Some(&owner(cron_job.kind, &cron_job.name)))
            .collect();
        runs.sort_by(|a, b| (b.created, &b.name).cmp(&(a.created, &a.name)));
        runs
    }

    /// Every pod.
    pub(super) fn pods(&self) -> impl Iterator<Item = &PodObject> {
        self.pods.all()
    }

    /// How Flagger delivers a workload, where it does.
    pub(super) fn canary_of(&self, workload: &WorkloadState) -> Option<&CanaryObject> {
        let mut all = self.rare().canaries.values();
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
            for (set, names) in self.pods.of_sets(&prefix) {
                let hash = set.strip_prefix(&prefix).unwrap_or_default();
                if !hash.contains('-') && self.sets.get(set).is_none() {
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
